"""What a scenario expects and what was seen, in pairs: each expectation uses up one observation."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from hub_agent.core.automation.reading import to_number
from hub_agent.model.json import JsonObject

Want: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observed:
    """A call that left the hub, or an event that was fired in it."""

    at: datetime
    action: str | None
    target: tuple[str, ...]
    data: JsonObject
    event: str | None = None

    def as_json(self, start: datetime) -> JsonObject:
        at = f"+{round((self.at - start).total_seconds(), 3):.12g}s"
        if self.event is not None:
            return {"at": at, "event": self.event, "event_data": dict(self.data)}
        return {"at": at, "action": self.action, "target": list(self.target), "data": dict(self.data)}


def match_up(
    wanted: Sequence[Want], when: Sequence[tuple[datetime, datetime]], seen: Sequence[Observed]
) -> tuple[list[int], list[int]]:
    """Pairs as many as can be; answers what is left of both. `when`: between which instants each is wanted."""
    times = [each.at for each in seen]  # in order, as time only goes on
    near = [range(bisect_left(times, first), bisect_right(times, last)) for first, last in when]
    pairs = _Pairs(wanted, seen, near, {}, {}, list(range(len(seen) + 1)), set())
    # What asks for most chooses first, so that hardly anything has to be paired anew.
    order = sorted(range(len(wanted)), key=lambda index: (near[index].stop, -_says(wanted[index])))
    late = [index for index in order if not pairs.take_free(index)]
    missing = sorted(index for index in late if not pairs.make_room(index))
    return missing, [number for number in range(len(seen)) if number not in pairs.want_of]


def _says(want: Want) -> int:
    return ("target" in want) + len(want.get("data") or want.get("event_data") or ())


@dataclass(slots=True)
class _Pairs:
    wanted: Sequence[Want]
    seen: Sequence[Observed]
    near: Sequence[range]
    want_of: dict[int, int]
    seen_of: dict[int, int]
    # From an observation to the next one that may be free: thousands of the same kind are not gone through for each expectation.
    onward: list[int]
    # Observations from which no way leads to a free one.
    closed: set[int]

    def take_free(self, index: int) -> bool:
        span = self.near[index]
        number = self._free_from(span.start)
        while number < span.stop:
            if _fits(self.wanted[index], self.seen[number]):
                self._pair(index, number)
                return True
            number = self._free_from(number + 1)
        return False

    def make_room(self, index: int) -> bool:
        """Those that have one already may take another instead."""
        reached: dict[int, int] = {}
        asking = deque((index,))
        while asking:
            want = asking.popleft()
            for number in self.near[want]:
                if number in reached or number in self.closed or not _fits(self.wanted[want], self.seen[number]):
                    continue
                reached[number] = want
                owner = self.want_of.get(number)
                if owner is None:
                    self._shift(number, reached, index)
                    return True
                asking.append(owner)
        self.closed.update(reached)
        return False

    def _shift(self, number: int, reached: Mapping[int, int], index: int) -> None:
        while True:
            want = reached[number]
            before = self.seen_of.get(want)
            self._pair(want, number)
            if want == index or before is None:
                return
            number = before

    def _pair(self, index: int, number: int) -> None:
        self.want_of[number] = index
        self.seen_of[index] = number
        self.onward[number] = number + 1

    def _free_from(self, number: int) -> int:
        first = number
        while self.onward[number] != number:
            number = self.onward[number]
        while self.onward[first] != number and first != number:
            self.onward[first], first = number, self.onward[first]
        return number


def _fits(want: Mapping[str, Any], seen: Observed) -> bool:
    if "event" in want:
        return seen.event == want["event"] and _holds(want.get("event_data", {}), seen.data)
    if seen.action != want["action"]:
        return False
    if "target" in want:
        target = want["target"]
        if ({target} if isinstance(target, str) else set(target)) != set(seen.target):
            return False
    return _holds(want.get("data", {}), seen.data)


def _holds(wanted: Mapping[str, Any], seen: JsonObject) -> bool:
    return all(key in seen and _is_equal(value, seen[key]) for key, value in wanted.items())


def _is_equal(wanted: Any, seen: Any) -> bool:
    """Numbers by value, also where one is written as text."""
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        return wanted.keys() == seen.keys() and all(_is_equal(value, seen[key]) for key, value in wanted.items())
    if isinstance(wanted, list | tuple) and isinstance(seen, list | tuple):
        return len(wanted) == len(seen) and all(_is_equal(a, b) for a, b in zip(wanted, seen, strict=True))
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return wanted is seen or str(wanted).lower() == str(seen).lower()
    if isinstance(wanted, str) is not isinstance(seen, str):
        return to_number(wanted) is not None and to_number(wanted) == to_number(seen)
    return bool(wanted == seen)
