"""When a device, or by its motion sensor a room, is normally used: per day the half hours in which it was, for six weeks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from hub_agent.model.json import JsonObject, JsonValue

SLOTS = 48
DAYS_MAX = 42
# A day counts that was watched for nearly all of it.
WATCHED_MIN = 40
WINDOWS_MAX = 3
WORKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)
EVERY_DAY = (*WORKDAYS, *WEEKEND)
_WHOLE_DAY = 36
_ALIKE = 2  # half hours


@dataclass(frozen=True, slots=True)
class Pattern:
    """`weekdays`: 0 is Monday. `first` to `last`: half hours of the day, the last one included."""

    weekdays: tuple[int, ...]
    first: int
    last: int
    minutes: int
    per_week: float
    confidence: float
    sample_size: int

    @property
    def key(self) -> str:
        """By which it is known again when its times have moved a little."""
        return f"{''.join(map(str, self.weekdays))}/{self.first // 4}"


@dataclass(slots=True)
class Usage:
    """(day, half hours as bits, minutes used): one for each day that was watched."""

    days: list[tuple[int, int, int]] = field(default_factory=list)

    def note(self, day: int, slots: int, minutes: int) -> None:
        while self.days and self.days[-1][0] >= day:  # the clock was set back
            self.days.pop()
        self.days.append((day, slots, min(minutes, 1440)))
        del self.days[:-DAYS_MAX]

    def patterns(self, values: Mapping[str, float]) -> list[Pattern]:
        """Where workdays and weekend are alike, or too few weekends are known, one for all days."""
        if len(self._of(WEEKEND)) < values["days_min"]:
            return self._windows(EVERY_DAY, values)
        work, rest = (self._windows(days, values) for days in (WORKDAYS, WEEKEND))
        if len(work) == len(rest) and all(
            abs(one.first - other.first) <= _ALIKE and abs(one.last - other.last) <= _ALIKE
            for one, other in zip(work, rest, strict=True)
        ):
            return self._windows(EVERY_DAY, values)
        return [*work, *rest]

    def _windows(self, weekdays: Sequence[int], values: Mapping[str, float]) -> list[Pattern]:
        days = self._of(weekdays)
        if len(days) < values["days_min"]:
            return []
        share = [sum(1 for _, slots, _ in days if slots >> slot & 1) / len(days) for slot in range(SLOTS)]
        found: list[Pattern] = []
        first: int | None = None
        for slot, each in enumerate([*share, 0.0]):
            if each >= values["share"]:
                first = slot if first is None else first
            elif first is not None:
                found.append(_pattern(tuple(weekdays), first, slot - 1, days))
                first = None
        # What is used all day long has no times.
        return [each for each in found if each.last - each.first < _WHOLE_DAY][:WINDOWS_MAX]

    def _of(self, weekdays: Sequence[int]) -> list[tuple[int, int, int]]:
        return [each for each in self.days if each[0] % 7 in _ordinals(weekdays)]

    def as_json(self) -> JsonObject:
        return {"days": [list(each) for each in self.days]}

    @classmethod
    def from_json(cls, body: JsonValue) -> "Usage":
        if not isinstance(body, Mapping):
            return cls()
        days = body["days"]
        if not isinstance(days, list | tuple):
            raise TypeError("days is a list")
        read: list[tuple[int, int, int]] = []
        for each in days:
            if not isinstance(each, list | tuple):
                raise TypeError("a day is a list")
            day, slots, minutes = (int(str(value)) for value in each)
            read.append((day, slots & ((1 << SLOTS) - 1), minutes))
        return cls(read[-DAYS_MAX:])


def is_kept(pattern: Pattern, day: int, slots: int) -> bool:
    """Whether a day that it is for went by it: used at all within the window or half an hour of it."""
    if day % 7 not in _ordinals(pattern.weekdays):
        return True
    return any(slots >> slot & 1 for slot in range(max(0, pattern.first - 1), min(SLOTS, pattern.last + 2)))


def _ordinals(weekdays: Sequence[int]) -> frozenset[int]:
    """Days since the year 1 (`date.toordinal`) begin with a Monday: weekday 0 is 1 modulo 7."""
    return frozenset((each + 1) % 7 for each in weekdays)


def _pattern(weekdays: tuple[int, ...], first: int, last: int, days: Sequence[tuple[int, int, int]]) -> Pattern:
    window = ((1 << (last - first + 1)) - 1) << first
    used = [each for each in days if each[1] & window]
    per_slot = [minutes / max(1, slots.bit_count()) for _, slots, minutes in used]
    lengths = [(slots & window).bit_count() for _, slots, _ in used]
    minutes = round(median(per_slot) * median(lengths))
    confidence = len(used) / len(days)
    return Pattern(
        weekdays, first, last, minutes, round(confidence * len(weekdays), 2), round(confidence, 4), len(days)
    )
