"""`time_pattern`: whenever the clock's hours, minutes and seconds match."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.clock import AttachedClock
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.time_of_day import SECOND, zone
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
# Enough for the longest gap (an hour of the day, over a day that skips it).
LOOKS_MAX = 400


@dataclass(frozen=True, slots=True)
class PatternSource:
    hours: frozenset[int] | None
    minutes: frozenset[int] | None
    seconds: frozenset[int] | None

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedClock(self, attachment, now)

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        """The wall clock in real time; but an hour that was asked for by name does not come twice."""
        tz = zone(exchange.place.time_zone)
        at = after.replace(microsecond=0) + SECOND
        for _ in range(LOOKS_MAX):
            local = at.astimezone(tz)
            if self.hours is not None and (local.hour not in self.hours or local.fold):
                at += _to_next_hour(local)
            elif self.minutes is not None and local.minute not in self.minutes:
                at += MINUTE - timedelta(seconds=local.second)
            else:
                later = _next_second(self.seconds, local.second)
                if later is not None:
                    return at + timedelta(seconds=later - local.second)
                at += MINUTE - timedelta(seconds=local.second)
        return None


def _to_next_hour(local: datetime) -> timedelta:
    """In steps of a minute where the clock is changed meanwhile: an hour may begin or end at half past then."""
    step = HOUR - timedelta(minutes=local.minute, seconds=local.second)
    later = (local.astimezone(UTC) + step).astimezone(local.tzinfo)
    is_even = later.utcoffset() == local.utcoffset() and not local.fold
    return step if is_even else MINUTE - timedelta(seconds=local.second)


def _next_second(seconds: frozenset[int] | None, least: int) -> int | None:
    if seconds is None:
        return least
    return min((second for second in seconds if second >= least), default=None)


def read_time_pattern(fields: Fields, _reader: Reader) -> PatternSource:
    given = [fields.has(name) for name in ("hours", "minutes", "seconds")]
    if not any(given):
        raise DefinitionError("needs 'hours', 'minutes' or 'seconds'", fields.where)
    hours = _read_part(fields, "hours", 24)
    minutes = _read_part(fields, "minutes", 60) if given[1] else frozenset({0}) if given[0] else None
    seconds = _read_part(fields, "seconds", 60) if given[2] else frozenset({0})
    return PatternSource(hours, minutes, seconds)


def _read_part(fields: Fields, name: str, size: int) -> frozenset[int] | None:
    if not fields.has(name):
        return None
    found = _matching(fields.take(name), name, size, fields.path(name))
    return None if found == frozenset(range(size)) else found


def _matching(value: JsonValue, name: str, size: int, where: str) -> frozenset[int]:
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text == "*":
        return frozenset(range(size))
    digits = text.removeprefix("/")
    if digits.isdigit():
        number = int(digits)
        if text.startswith("/") and 0 < number < size:
            return frozenset(range(0, size, number))
        if not text.startswith("/") and number < size:
            return frozenset({number})
    raise DefinitionError(f"{name} are a number below {size}, '*' or '/n', not {value!r}", where)
