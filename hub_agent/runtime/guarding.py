"""The home's security for the doors: what is open, who is refused, and the look at the home that somebody asks for."""

from collections.abc import Awaitable, Callable
from typing import Final

from hub_agent.core.hub import Hub
from hub_agent.errors import NotPossible
from hub_agent.model.action import CallAnswered
from hub_agent.model.ids import NewId
from hub_agent.model.inputs import Input
from hub_agent.model.json import JsonObject
from hub_agent.model.security import AccessRefused, ScanWanted
from hub_agent.ports import Clock

# So many refusals of an address are told one by one; then whenever there are half as many again, so that a flood at the page is none inside.
ONE_BY_ONE: Final = 32
WINDOW_S: Final = 600.0
SOURCES_MAX: Final = 500


class Tally:
    """Counts what is refused. Of more sources the one heard of longest ago is forgotten."""

    def __init__(self, tell: Callable[[AccessRefused], None]) -> None:
        self._tell = tell
        self._counts: dict[tuple[str, str, str | None], tuple[float, int, int]] = {}

    def note(self, kind: str, source: str, now_s: float, rule_id: str | None = None) -> None:
        key = (kind, source, rule_id)
        since_s, count, told = self._counts.pop(key, (now_s, 0, 0))
        if now_s - since_s > WINDOW_S:
            since_s, count, told = now_s, 0, 0
        count += 1
        if count <= ONE_BY_ONE or count * 2 >= told * 3:
            self._tell(AccessRefused(kind, source, count - told, rule_id))
            told = count
        self._counts[key] = (since_s, count, told)
        if len(self._counts) > SOURCES_MAX:
            del self._counts[next(iter(self._counts))]


class Guarding:
    """Fills ports.Guarding. `ask` submits an input and waits for its answer."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        put: Callable[[Input], None],
        ask: Callable[[str, Input], Awaitable[CallAnswered | JsonObject]],
        new_id: NewId,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._ask = ask
        self._new_id = new_id
        self._tally = Tally(put)

    def all(self) -> JsonObject:
        return self._hub.monitoring.security.as_json()

    async def scan(self, by: str) -> JsonObject:
        request_id = self._new_id()
        answer = await self._ask(request_id, ScanWanted(request_id, by))
        error = answer.error if isinstance(answer, CallAnswered) else answer.get("error")
        if isinstance(answer, CallAnswered) or error:
            raise NotPossible(f"The home is not looked at: {error}.")
        return answer

    def keeps_out(self, source: str) -> str | None:
        now = self._clock.now()
        judgement = self._hub.monitoring.security.access.judge(source, now.wall)
        if judgement is None:
            return None
        self._tally.note(_KINDS[judgement.verdict], source, now.monotonic_s, judgement.rule_id)
        if judgement.verdict != "deny":
            return None
        return f"A network access rule of this home (“{judgement.name}”) keeps this address out."

    def refused(self, kind: str, source: str) -> None:
        self._tally.note(kind, source, self._clock.now().monotonic_s)


# What a rule's verdict is noted as. Who is let in is counted for the rule, and is no incident.
_KINDS: Final = {"allow": "allowed", "deny": "denied", "alert": "watched"}
