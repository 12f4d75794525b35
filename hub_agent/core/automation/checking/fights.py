"""Two rules that set one entity to opposite states, again and again: seen as it happens."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.checking.finding import Aspect, Finding, Severity
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, StateChanged

# The second order comes so soon after the first that the first was in vain.
WITHIN = timedelta(seconds=5)
TIMES_MIN = 4
SEEN_FOR = timedelta(hours=1)
TOLD_FOR = timedelta(days=1)
ENTITIES_MAX = 500
NOTHING = frozenset({UNAVAILABLE, UNKNOWN})


@dataclass(frozen=True, slots=True)
class Order:
    automation_id: str
    state: str
    at: datetime
    led_by: frozenset[str]


class Fights:
    def __init__(self) -> None:
        self._last: OrderedDict[str, Order] = OrderedDict()
        self._times: OrderedDict[tuple[str, str, str], deque[datetime]] = OrderedDict()

    def note(self, change: StateChanged, automation_id: str, led_by: frozenset[str], now: datetime) -> tuple[str, ...]:
        """The two that fight, when that has just become certain. Rules that set each other off (`led_by`) may well be meant so."""
        if change.new is None or change.new.state in NOTHING or (change.old and change.old.state == change.new.state):
            return ()
        before = self._last.pop(change.entity_id, None)
        self._last[change.entity_id] = Order(automation_id, change.new.state, now, led_by)
        if len(self._last) > ENTITIES_MAX:
            self._last.popitem(last=False)
        if before is None or before.automation_id == automation_id or before.state == change.new.state:
            return ()
        if now - before.at > WITHIN or before.automation_id in led_by or automation_id in before.led_by:
            return ()
        one, other = sorted((before.automation_id, automation_id))
        times = self._times.setdefault((change.entity_id, one, other), deque(maxlen=TIMES_MIN))
        times.append(now)
        if len(self._times) > ENTITIES_MAX:
            self._times.popitem(last=False)
        return (one, other) if _is_fight(times) else ()

    def find(self, automation_id: str, name_of: Callable[[str], str], now: datetime) -> Iterator[Finding]:
        for (entity_id, one, other), times in self._times.items():
            if automation_id in {one, other} and _is_fight(times) and now - times[-1] < TOLD_FOR:
                opponent = other if automation_id == one else one
                text = (
                    f"It and '{name_of(opponent)}' set {entity_id} to opposite states within {WITHIN.seconds} seconds,"
                    f" {TIMES_MIN} times or more within an hour."
                )
                yield Finding(
                    "fight",
                    Severity.WARNING,
                    Aspect.RUNS,
                    text,
                    entity_id=entity_id,
                    since=times[0],
                    automations=(opponent,),
                )

    def forget(self, automation_id: str) -> None:
        for key in [key for key in self._times if automation_id in key]:
            del self._times[key]


def _is_fight(times: deque[datetime]) -> bool:
    return len(times) == TIMES_MIN and times[-1] - times[0] <= SEEN_FOR
