"""What healing may have done to the hub itself, as errands: each ends within its own time, and says in words why it could not be done."""

from collections.abc import Callable

from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject
from hub_agent.ports import Done


class Reconnect:
    """The connection to the broker is given up and made anew, at once."""

    def __init__(self, reconnect: Callable[[], None]) -> None:
        self._reconnect = reconnect

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        self._reconnect()
        return Done({"text": "the broker is connected to anew"})


class RestartDialect:
    """{"dialect"}: the process that speaks it is ended, and begun again."""

    def __init__(self, restart: Callable[[str], bool]) -> None:
        self._restart = restart

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del wants_response
        dialect = str(data.get("dialect"))
        if not self._restart(dialect):
            raise NotPossible(f"no process of {dialect} is running")
        return Done({"dialect": dialect})


class RestartAgent:
    """The agent ends in good order, and systemd starts it again. `prepare`: what the next start is to do besides."""

    def __init__(
        self, restart: Callable[[], None], *, is_kept_up: bool, prepare: Callable[[], None] = lambda: None
    ) -> None:
        self._restart = restart
        self._is_kept_up = is_kept_up
        self._prepare = prepare

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        del data, wants_response
        if not self._is_kept_up:
            raise NotPossible("nobody would start the hub again: it does not run as a service of systemd")
        self._prepare()
        self._restart()
        return Done({"text": "the hub starts anew"})
