"""Recurrence rules (RFC 5545 §3.3.10) by the day: yearly, monthly, weekly, daily. What is finer is a time_pattern's business."""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import count, product

from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.triggers.clock import AttachedClock
from hub_agent.core.time_of_day import DAY, instant_of, zone
from hub_agent.errors import DefinitionError

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
INTERVAL_MAX = 1000
COUNT_MAX = 10_000
# Without any day that matches for so many years, months, weeks or days there will be none: 29 February, at most eight years off.
PERIODS_MAX = 8 * 366 + 1
YEAR_MAX = 2400

_BY_DAY = re.compile(r"^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$")
_STAMP = re.compile(r"^(\d{8})(?:T(\d{6})(Z?))?$")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date, perhaps with a time of day: of the wall clock, or in UTC."""

    day: date
    at: time | None
    is_utc: bool

    def instant(self, time_zone: str, missing: time = time(0)) -> datetime:
        at = missing if self.at is None else self.at
        if self.is_utc:
            return datetime.combine(self.day, at, tzinfo=UTC)
        return instant_of(self.day, at, zone(time_zone))


@dataclass(frozen=True, slots=True)
class RecurrenceSource:
    frequency: str
    interval: int
    start: Stamp | None
    time_zone: str | None
    until: Stamp | None
    count: int | None
    months: frozenset[int]
    month_days: tuple[int, ...]
    weekdays: tuple[tuple[int, int], ...]  # which of them in the month or year (0: each), and the weekday
    times: tuple[time, ...]
    positions: tuple[int, ...]
    week_start: int

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedClock(self, attachment, now)

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        time_zone = self.time_zone or exchange.place.time_zone
        begin = self._begin(time_zone)
        last = None if self.until is None else self.until.instant(time_zone, time(23, 59, 59))
        number = 0
        for at in self._instants(begin, after, time_zone):
            if begin is not None and at < begin:
                continue
            number += 1
            if (last is not None and at > last) or (self.count is not None and number > self.count):
                return None
            if at > after:
                return at
        return None

    def _begin(self, time_zone: str) -> datetime | None:
        return None if self.start is None else self.start.instant(time_zone)

    def _instants(self, begin: datetime | None, after: datetime, time_zone: str) -> Iterator[datetime]:
        """In order. Where nobody counts, from shortly before `after`."""
        tz = zone(time_zone)
        anchor = date(2000, 1, 3) if begin is None else begin.astimezone(tz).date()
        look = anchor if self.count is not None else max(anchor, after.astimezone(tz).date() - DAY)
        own = begin.astimezone(tz).time() if begin is not None else time(0)
        first = self._period_of(look, anchor)
        for number in count(first):
            found = self._days(number, anchor)
            if found is None or number - first > PERIODS_MAX:
                return
            pairs = list(product(found, self.times or (own,)))
            for day, at in _chosen(pairs, self.positions):
                yield instant_of(day, at, tz)

    def _period_of(self, day: date, anchor: date) -> int:
        """The number of the interval that the day is in, or the one before it."""
        match self.frequency:
            case "YEARLY":
                passed = day.year - anchor.year
            case "MONTHLY":
                passed = (day.year - anchor.year) * 12 + day.month - anchor.month
            case "WEEKLY":
                passed = (day - self._week_of(anchor)).days // 7
            case _:
                passed = (day - anchor).days
        return max(0, passed // self.interval)

    def _week_of(self, day: date) -> date:
        return day - DAY * ((day.weekday() - self.week_start) % 7)

    def _days(self, number: int, anchor: date) -> list[date] | None:
        """The days of one interval; None when there are no dates any more."""
        steps = number * self.interval
        if steps > YEAR_MAX * 366:
            return None
        match self.frequency:
            case "YEARLY":
                year = anchor.year + steps
                return self._days_of_year(year, anchor) if year <= YEAR_MAX else None
            case "MONTHLY":
                year, month = divmod(anchor.year * 12 + anchor.month - 1 + steps, 12)
                return self._days_of_month(year, month + 1, anchor) if year <= YEAR_MAX else None
            case "WEEKLY":
                monday = self._week_of(anchor) + 7 * steps * DAY
                wanted = {weekday for _, weekday in self.weekdays} or {anchor.weekday()}
                days = [monday + index * DAY for index in range(7)]
                return [day for day in days if day.weekday() in wanted and self._is_month(day)]
            case _:
                day = anchor + steps * DAY
                return [day] if self._is_month(day) and self._is_day(day) else []

    def _is_month(self, day: date) -> bool:
        return not self.months or day.month in self.months

    def _is_day(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        is_date = not self.month_days or any(day.day in {each, length + 1 + each} for each in self.month_days)
        return is_date and (not self.weekdays or day.weekday() in {weekday for _, weekday in self.weekdays})

    def _days_of_year(self, year: int, anchor: date) -> list[date]:
        if self.weekdays and not self.months and not self.month_days:
            whole = [date(year, 1, 1) + index * DAY for index in range(366 if calendar.isleap(year) else 365)]
            return _of_weekdays(whole, self.weekdays)
        months = sorted(self.months) or (range(1, 13) if self.month_days else [anchor.month])
        return [day for month in months for day in self._days_of_month(year, month, anchor)]

    def _days_of_month(self, year: int, month: int, anchor: date) -> list[date]:
        if self.months and month not in self.months:
            return []
        whole = [date(year, month, number + 1) for number in range(calendar.monthrange(year, month)[1])]
        days = _of_weekdays(whole, self.weekdays) if self.weekdays else whole
        if not self.month_days and not self.weekdays:
            return [day for day in days if day.day == anchor.day]
        last = len(whole) + 1
        return [day for day in days if not self.month_days or {day.day, day.day - last} & set(self.month_days)]


def _of_weekdays(days: list[date], wanted: tuple[tuple[int, int], ...]) -> list[date]:
    found: set[date] = set()
    for which, weekday in wanted:
        same = [day for day in days if day.weekday() == weekday]
        if which == 0:
            found.update(same)
        elif abs(which) <= len(same):
            found.add(same[which - 1 if which > 0 else which])
    return sorted(found)


def _chosen(pairs: list[tuple[date, time]], positions: tuple[int, ...]) -> list[tuple[date, time]]:
    if not positions:
        return pairs
    numbers = {each - 1 if each > 0 else len(pairs) + each for each in positions}
    return [pair for number, pair in enumerate(pairs) if number in numbers]


def read_recurrence(text: str, where: str, time_zone: str | None) -> RecurrenceSource:
    """Text as calendars write it: `FREQ=...`, also after `RRULE:`, with a `DTSTART` on a line of its own."""
    rule, start, own_zone = _split(text, where)
    parts = _Parts(rule, where)
    source = RecurrenceSource(
        frequency=parts.choice("FREQ", FREQUENCIES, None),
        interval=parts.number("INTERVAL", 1, INTERVAL_MAX) or 1,
        start=start,
        time_zone=own_zone or time_zone,
        until=None if (until := parts.take("UNTIL")) is None else _read_stamp(until, where),
        count=parts.number("COUNT", 1, COUNT_MAX),
        months=frozenset(parts.numbers("BYMONTH", 1, 12)),
        month_days=parts.numbers("BYMONTHDAY", 1, 31, also_negative=True),
        weekdays=parts.weekdays(),
        times=parts.times(start),
        positions=parts.numbers("BYSETPOS", 1, 366, also_negative=True),
        week_start=WEEKDAYS.index(parts.choice("WKST", WEEKDAYS, "MO")),
    )
    parts.finish()
    if source.frequency in {"WEEKLY", "DAILY"} and any(which for which, _ in source.weekdays):
        raise DefinitionError("only months and years have a first or a last weekday", where)
    if start is None and _needs_start(source):
        raise DefinitionError("needs a DTSTART to count from", where)
    return source


def _needs_start(source: RecurrenceSource) -> bool:
    has_days = bool(source.weekdays or source.month_days) and (source.frequency != "YEARLY" or bool(source.months))
    is_open = source.frequency != "DAILY" and not has_days
    return source.interval > 1 or source.count is not None or not source.times or is_open


def _split(text: str, where: str) -> tuple[str, Stamp | None, str | None]:
    rule, start, own_zone = None, None, None
    for line in text.strip().splitlines():
        name, colon, value = line.strip().partition(":")
        head, _, detail = name.upper().partition(";")
        if head == "DTSTART" and colon:
            start = _read_stamp(value, where)
            if detail.startswith("TZID="):
                own_zone = _read_zone(name.partition("=")[2], where)
        elif rule is None and (head == "RRULE" or not colon):
            rule = value if colon else line.strip()
        else:
            raise DefinitionError(f"{line!r} is neither a rule nor its DTSTART", where)
    if rule is None:
        raise DefinitionError("holds no rule such as FREQ=DAILY;BYHOUR=7;BYMINUTE=30", where)
    return rule, start, own_zone


def _read_zone(name: str, where: str) -> str:
    try:
        return zone(name).key
    except (KeyError, ValueError, OSError) as err:
        raise DefinitionError(f"{name!r} is not a time zone such as Europe/Berlin", where) from err


def _read_stamp(text: str, where: str) -> Stamp:
    match = _STAMP.match(text.strip().upper())
    problem = DefinitionError(f"{text!r} is not a date such as 20260114 or 20260114T073000", where)
    if match is None:
        raise problem
    try:
        day = datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC).date()
        at = None if match[2] is None else datetime.strptime(match[2], "%H%M%S").replace(tzinfo=UTC).time()
    except ValueError as err:
        raise problem from err
    return Stamp(day, at, is_utc=match[3] == "Z")


class _Parts:
    """The rule's parts by name. `finish` refuses what nobody asked for."""

    def __init__(self, rule: str, where: str) -> None:
        self._where = where
        self._left: dict[str, str] = {}
        for part in filter(None, rule.upper().split(";")):
            name, equals, value = part.partition("=")
            if not equals or not value or name in self._left:
                raise DefinitionError(f"{part!r} is not a part of a rule", where)
            self._left[name] = value

    def take(self, name: str) -> str | None:
        return self._left.pop(name, None)

    def choice(self, name: str, choices: tuple[str, ...], default: str | None) -> str:
        value = self.take(name) or default
        if value not in choices:
            raise DefinitionError(f"{name} is one of {', '.join(choices)}, not {value}", self._where)
        return value

    def numbers(self, name: str, least: int, most: int, *, also_negative: bool = False) -> tuple[int, ...]:
        found = []
        for text in (self.take(name) or "").split(",") if name in self._left else ():
            digits = text.lstrip("+-") if also_negative else text
            if not digits.isdigit() or not least <= int(digits) <= most:
                raise DefinitionError(f"{name} is from {least} to {most}, not {text!r}", self._where)
            found.append(int(text))
        return tuple(sorted(set(found)))

    def number(self, name: str, least: int, most: int) -> int | None:
        found = self.numbers(name, least, most)
        if len(found) > 1:
            raise DefinitionError(f"{name} is one number", self._where)
        return found[0] if found else None

    def weekdays(self) -> tuple[tuple[int, int], ...]:
        found = []
        for text in (self.take("BYDAY") or "").split(",") if "BYDAY" in self._left else ():
            match = _BY_DAY.match(text)
            if match is None or (match[1] is not None and not 1 <= abs(int(match[1])) <= 53):
                raise DefinitionError(f"BYDAY is a list of days such as MO, 1MO or -1FR, not {text!r}", self._where)
            found.append((int(match[1] or 0), WEEKDAYS.index(match[2])))
        return tuple(found)

    def times(self, start: Stamp | None) -> tuple[time, ...]:
        """The times of day, where the rule names them; what it leaves out is that of the start."""
        own = (start.at if start is not None else None) or time(0)
        given: Mapping[str, tuple[int, ...]] = {
            name: self.numbers(name, 0, most) for name, most in (("BYHOUR", 23), ("BYMINUTE", 59), ("BYSECOND", 59))
        }
        if not any(given.values()):
            return ()
        hours, minutes, seconds = given["BYHOUR"] or (own.hour,), given["BYMINUTE"] or (own.minute,), given["BYSECOND"]
        return tuple(time(*each) for each in product(hours, minutes, seconds or (own.second,)))

    def finish(self) -> None:
        if self._left:
            raise DefinitionError(f"{', '.join(sorted(self._left))} is not supported here", self._where)
