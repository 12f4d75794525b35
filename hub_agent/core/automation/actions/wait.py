"""`delay`, `wait_for_trigger`, `wait_template`: the run stands still, and survives a restart while it does."""

from dataclasses import dataclass
from datetime import timedelta

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.interpreter import Execution, resume_holds
from hub_agent.core.automation.reading import Fields, read_boolean
from hub_agent.core.automation.runs import Wait
from hub_agent.core.automation.signals import StepFailed, TimedOut
from hub_agent.core.automation.triggers.registry import LateTrigger, read_waited_triggers
from hub_agent.core.automation.triggers.trigger import Reader, Trigger
from hub_agent.core.automation.values import Duration, read_duration, read_template
from hub_agent.core.automation.views import iso
from hub_agent.errors import DefinitionError
from hub_agent.templating import Template


@dataclass(frozen=True, slots=True)
class DelayAct:
    length: Duration
    is_traced: bool = True

    def enter(self, at: Execution) -> None:
        length = at.length(self.length.get)
        due = at.now + length
        if self.is_traced:
            at.note("delay", "waiting" if length else "none", until=iso(due))
        if length:
            at.interpreter.wait(at.run, at.thread, Wait("delay", at.path, at.now, due))


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a wait may last, and whether the run goes on after that."""

    timeout: Duration | None
    goes_on: bool

    def wait(self, kind: str, at: Execution) -> Wait:
        due = None if self.timeout is None else at.now + at.length(self.timeout.get)
        return Wait(kind, at.path, at.now, due, {"goes_on": self.goes_on})

    def is_over_at_once(self, wait: Wait, at: Execution) -> bool:
        """A timeout of zero: a look, and no wait."""
        if wait.due is None or wait.due > at.now:
            return False
        told: dict[str, object] = {"completed": False, "remaining": 0.0}
        at.thread.told = {**told, "trigger": None} if wait.kind == "trigger" else told
        at.thread.has_told = True
        at.note("wait", "timeout")
        if not self.goes_on:
            raise TimedOut("a wait was too long")
        return True


@dataclass(frozen=True, slots=True)
class WaitForTriggerAct:
    triggers: tuple[Trigger, ...]
    patience: Patience
    # Those that cannot be read before there is a run.
    late: tuple[LateTrigger, ...] = ()

    def enter(self, at: Execution) -> None:
        wait = self.patience.wait("trigger", at)
        at.note("wait", "waiting", until=None if wait.due is None else iso(wait.due))
        if not self.patience.is_over_at_once(wait, at):
            triggers = self._triggers(at)
            if triggers:
                at.interpreter.wait_for_triggers(at.run, at.thread, wait, triggers, at.now)
            else:  # nothing would ever end the wait
                at.thread.told = {"completed": False, "remaining": _remaining(wait, at), "trigger": None}
                at.thread.has_told = True
                at.note("wait", "nothing to wait for")

    def restore(self, at: Execution, wait: Wait) -> None:
        at.interpreter.wait_for_triggers(at.run, at.thread, wait, self._triggers(at), at.now)
        resume_holds(wait, at.now)

    def _triggers(self, at: Execution) -> list[Trigger]:
        """Those that are enabled; what only the run knows is filled in."""
        filled_in = (self._read(late, at) for late in self.late)
        return [each for each in (*self.triggers, *filled_in) if each is not None and each.is_enabled]

    @staticmethod
    def _read(late: LateTrigger, at: Execution) -> Trigger | None:
        reader = Reader(at.exchange.outlook.templates, at.variables())
        try:
            return late.read(reader)
        except DefinitionError as err:
            at.warn(f"{at.run.automation_id}: cannot wait for a trigger: {err}")
            return None


@dataclass(frozen=True, slots=True)
class WaitTemplateAct:
    template: Template
    patience: Patience

    def enter(self, at: Execution) -> None:
        wait = self.patience.wait("template", at)
        if at.is_true(self.template):
            at.thread.told, at.thread.has_told = {"completed": True, "remaining": _remaining(wait, at)}, True
            at.note("wait", "completed")
            return
        at.note("wait", "waiting", until=None if wait.due is None else iso(wait.due))
        if not self.patience.is_over_at_once(wait, at):
            at.interpreter.wait_for_template(at.run, at.thread, wait, self.template, at.now)

    def restore(self, at: Execution, wait: Wait) -> None:
        if self._is_true_again(at):
            at.interpreter.wait(at.run, at.thread, wait)
            at.interpreter.wait_is_over(at.run, at.thread, at.now, None)
        else:
            at.interpreter.wait_for_template(at.run, at.thread, wait, self.template, at.now)

    def _is_true_again(self, at: Execution) -> bool:
        """Only at the first look is an error the end of the run."""
        try:
            return at.is_true(self.template)
        except StepFailed:
            return False


def _remaining(wait: Wait, at: Execution) -> float | None:
    return None if wait.due is None else (wait.due - at.now) / timedelta(seconds=1)


def read_delay(fields: Fields, builder: Builder) -> DelayAct:
    return DelayAct(read_duration(fields.require("delay"), builder.reader.templates, fields.path("delay")))


def read_wait_for_trigger(fields: Fields, builder: Builder) -> WaitForTriggerAct:
    triggers, late = read_waited_triggers(
        fields.require("wait_for_trigger"), builder.reader, fields.path("wait_for_trigger")
    )
    if not triggers and not late:
        raise DefinitionError("names no trigger", fields.path("wait_for_trigger"))
    return WaitForTriggerAct(triggers, _read_patience(fields, builder), late)


def read_wait_template(fields: Fields, builder: Builder) -> WaitTemplateAct:
    where = fields.path("wait_template")
    template = read_template(fields.require("wait_template"), builder.reader.templates, where)
    return WaitTemplateAct(template, _read_patience(fields, builder))


def _read_patience(fields: Fields, builder: Builder) -> Patience:
    timeout = None
    if fields.has("timeout"):
        timeout = read_duration(fields.take("timeout"), builder.reader.templates, fields.path("timeout"))
    goes_on = read_boolean(fields.take("continue_on_timeout", True), fields.path("continue_on_timeout"))
    return Patience(timeout, goes_on)
