"""States that hold only for a while: a motion sensor that says nothing when motion ends, a sensor that counts as lost when it is silent.

A report says for how long its state holds, and what is so afterwards. What is waited for is kept when it begins, not with each report: after a
restart it waits for the whole time once more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias

from hub_agent.core.given import Given
from hub_agent.model.device import Origin
from hub_agent.model.effects import Durability, Save
from hub_agent.model.json import JsonObject
from hub_agent.model.report import AvailabilityReported, EntityReport, Lapse, Reported
from hub_agent.model.state import UNAVAILABLE

ROOM: Final = "lapses"
# More states than this that hold only for a while: the newest hold for ever.
WAITING_MAX: Final = 20_000

# The device, the entity's key, the state that follows.
Place: TypeAlias = tuple[Origin, str, str]
Tell: TypeAlias = Callable[[Reported | AvailabilityReported, datetime], Sequence[Given]]


@dataclass(slots=True)
class _Wait:
    due_at: datetime
    after_s: float


class Lapses:
    def __init__(self, tell: Tell) -> None:
        """`tell`: what happens to a report, or to a word about availability."""
        self._tell = tell
        self._wait_by_place: dict[Place, _Wait] = {}
        # One entry of each place, maybe too early: a report that says the state again only moves its `_Wait`.
        self._queue: list[tuple[datetime, str, Place]] = []
        self._queued_at: dict[Place, datetime] = {}
        self._silent: set[tuple[Origin, str]] = set()

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> None:
        for body in saved.values():
            after_s = body.get("after_s")
            words = [str(body.get(name, "")) for name in ("dialect", "native_id", "key", "state")]
            if isinstance(after_s, int | float) and not isinstance(after_s, bool):
                self._arm((Origin(words[0], words[1]), words[2], words[3]), float(after_s), now)

    def handle(self, reported: Reported, now: datetime) -> list[Given]:
        """Before the report itself is taken: what it ends, and what begins with it."""
        given: list[Given] = []
        for said in reported.entities:
            if said.state is not None and (said.lapses or self._wait_by_place):
                given += self._handle(reported.origin, said, now)
        return given

    def get_timer(self) -> datetime | None:
        return self._queue[0][0] if self._queue else None

    def handle_timer(self, now: datetime) -> list[Given]:
        given: list[Given] = []
        while self._queue and self._queue[0][0] <= now:
            queued_at, _, place = heappop(self._queue)
            if self._queued_at.get(place) == queued_at:
                del self._queued_at[place]
            wait = self._wait_by_place.get(place)
            if wait is None:
                continue
            if wait.due_at > now:
                self._enqueue(place, wait.due_at)
                continue
            del self._wait_by_place[place]
            given += [_forget(place), *self._lapse(place, now)]
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        for wait in self._wait_by_place.values():
            wait.due_at += by
        self._queue = [(due_at + by, word, place) for due_at, word, place in self._queue]
        self._queued_at = {place: due_at + by for place, due_at in self._queued_at.items()}
        heapify(self._queue)

    def _handle(self, origin: Origin, said: EntityReport, now: datetime) -> list[Given]:
        given: list[Given] = []
        if (origin, said.key) in self._silent:
            self._silent.discard((origin, said.key))
            given += self._tell(AvailabilityReported(origin, is_available=True, key=said.key), now)
        wanted = {lapse.state: lapse for lapse in said.lapses}
        for state in ("off", UNAVAILABLE):
            place = (origin, said.key, state)
            lapse = wanted.get(state)
            if lapse is not None:
                given += self._begin(place, lapse, now)
            elif self._wait_by_place.pop(place, None) is not None:
                given.append(_forget(place))
        return given

    def _begin(self, place: Place, lapse: Lapse, now: datetime) -> list[Given]:
        known = self._wait_by_place.get(place)
        if known is not None and known.after_s == lapse.after_s:
            known.due_at = now + timedelta(seconds=lapse.after_s)
            return []
        if known is None and len(self._wait_by_place) >= WAITING_MAX:
            return []
        self._arm(place, lapse.after_s, now)
        origin, key, state = place
        body: JsonObject = {
            "dialect": origin.dialect, "native_id": origin.native_id, "key": key, "state": state, "after_s": lapse.after_s,
        }  # fmt: skip
        return [Save(ROOM, _word(place), body, Durability.LAZY)]

    def _arm(self, place: Place, after_s: float, now: datetime) -> None:
        due_at = now + timedelta(seconds=after_s)
        self._wait_by_place[place] = _Wait(due_at, after_s)
        self._enqueue(place, due_at)

    def _enqueue(self, place: Place, due_at: datetime) -> None:
        queued_at = self._queued_at.get(place)
        if queued_at is None or due_at < queued_at:
            self._queued_at[place] = due_at
            heappush(self._queue, (due_at, _word(place), place))

    def _lapse(self, place: Place, now: datetime) -> Sequence[Given]:
        origin, key, state = place
        if state == UNAVAILABLE:
            self._silent.add((origin, key))
            return self._tell(AvailabilityReported(origin, is_available=False, key=key), now)
        # Nobody has spoken: it does not count as seen.
        return self._tell(Reported(origin, (EntityReport(key, state),), retained=True), now)


def _word(place: Place) -> str:
    origin, key, state = place
    return f"{origin.dialect}/{origin.native_id}/{key}/{state}"


def _forget(place: Place) -> Save:
    return Save(ROOM, _word(place), None, Durability.LAZY)
