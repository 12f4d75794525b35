"""How a step ends more than itself."""

from hub_agent.model.json import JsonValue


class Signal(Exception):
    """Root of them all; never leaves the interpreter."""


class SequenceEnded(Signal):
    """A condition is not met: the innermost sequence is over, quietly."""


class RunStopped(Signal):
    """`stop`: the whole run is over, from any depth."""

    def __init__(self, reason: str, *, is_error: bool = False, response: JsonValue = None) -> None:
        super().__init__(reason)
        self.is_error = is_error
        self.response = response


class TimedOut(Signal):
    """A wait was too long, and the run is not to go on."""


class Aborted(Signal):
    """The run cannot go on, for a reason of its own definition. Whoever called it goes on."""


class StepFailed(Signal):
    """The step failed. `may_go_on`: `continue_on_error` helps."""

    def __init__(self, reason: str, *, may_go_on: bool = True) -> None:
        super().__init__(reason)
        self.may_go_on = may_go_on
