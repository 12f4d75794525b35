"""The schedule columns of an automation (`schedule_type`, `schedule_config`) as one more trigger."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from hub_agent.core.automation.clock_text import read_clock_time
from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.reading import Fields, read_choice, read_choices
from hub_agent.core.automation.triggers.clock import AttachedClock
from hub_agent.core.automation.triggers.recurrence import read_recurrence
from hub_agent.core.automation.triggers.time import DailyTimes
from hub_agent.core.automation.triggers.trigger import Source
from hub_agent.core.time_of_day import DAY, WEEKDAYS, instant_of, zone
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue

KINDS = ("once", "daily", "weekly", "cron", "custom")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Cron counts weekdays from Sunday, and knows it as 7 too.
CRON_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
# 29 February comes after at most eight years.
DAYS_AHEAD_MAX = 8 * 366 + 1


@dataclass(frozen=True, slots=True)
class OnceSource:
    at: datetime

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedClock(self, attachment, now)

    def next_after(self, after: datetime, _exchange: Exchange) -> datetime | None:
        return self.at if self.at > after else None


@dataclass(frozen=True, slots=True)
class CronSource:
    """Minute, hour, day of month, month, weekday; when both kinds of day are given, one of them is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    months: frozenset[int]
    weekdays: frozenset[int] | None
    time_zone: str | None

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedClock(self, attachment, now)

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        tz = zone(self.time_zone or exchange.place.time_zone)
        day = after.astimezone(tz).date() - DAY
        for _ in range(DAYS_AHEAD_MAX):
            if self._is_day(day):
                found = self._first_on(day, after, tz.key)
                if found is not None:
                    return found
            day += DAY
        return None

    def _is_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        is_day = self.days is None or day.day in self.days
        is_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        if self.days is not None and self.weekdays is not None:
            return is_day or is_weekday
        return is_day and is_weekday

    def _first_on(self, day: date, after: datetime, time_zone: str) -> datetime | None:
        instants = (
            instant_of(day, time(hour, minute), zone(time_zone)) for hour in self.hours for minute in self.minutes
        )
        return min((instant for instant in instants if instant > after), default=None)


def read_schedule(kind: JsonValue, config: JsonValue, time_zone: str | None) -> tuple[str, Source] | None:
    """The trigger's platform and source, or None without a schedule."""
    if kind is None:
        return None
    kind = read_choice(kind, KINDS, "schedule_type")
    fields = Fields(config, "schedule_config")
    match kind:
        case "once":
            source: Source = OnceSource(_read_instant(fields.require("at"), fields.path("at"), time_zone))
        case "daily":
            at = read_clock_time(fields.require("time"), fields.path("time"))
            source = DailyTimes((at,), frozenset(WEEKDAYS), time_zone)
        case "weekly":
            at = read_clock_time(fields.require("time"), fields.path("time"))
            days = read_choices(fields.require("weekdays"), WEEKDAYS, fields.path("weekdays"))
            source = DailyTimes((at,), frozenset(days), time_zone)
        case "cron":
            source = read_cron(fields.text("expression"), fields.path("expression"), time_zone)
        case _:
            source = read_recurrence(fields.text("rrule"), fields.path("rrule"), time_zone)
    return "schedule", source


def _read_instant(value: JsonValue, where: str, time_zone: str | None) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as err:
        raise DefinitionError(f"{value!r} is not a date and time such as 2026-01-14T07:30:00+01:00", where) from err
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    if time_zone is None:
        raise DefinitionError(f"{value!r} needs an offset such as +01:00", where)
    return instant_of(found.date(), found.time(), zone(time_zone))


def read_cron(expression: str, where: str, time_zone: str | None) -> CronSource:
    parts = expression.lower().split()
    if len(parts) != 5:
        raise DefinitionError(f"{expression!r} does not have the five fields of cron", where)
    minutes = _cron_field(parts[0], 0, 59, (), where)
    hours = _cron_field(parts[1], 0, 23, (), where)
    days = None if parts[2] == "*" else _cron_field(parts[2], 1, 31, (), where)
    months = _cron_field(parts[3], 1, 12, ("", *MONTHS), where)
    weekdays = None if parts[4] == "*" else frozenset(day % 7 for day in _cron_field(parts[4], 0, 7, CRON_DAYS, where))
    return CronSource(tuple(sorted(minutes)), tuple(sorted(hours)), days, months, weekdays, time_zone)


def _cron_field(text: str, least: int, most: int, names: tuple[str, ...], where: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text.isdigit() else 1
        if (step_text and not step_text.isdigit()) or step == 0 or ("/" in part and not step_text):
            raise DefinitionError(f"{part!r} is not a cron field", where)
        first, last = _cron_span(span, least, most, names, where, is_open=bool(step_text))
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _cron_span(
    span: str, least: int, most: int, names: tuple[str, ...], where: str, *, is_open: bool
) -> tuple[int, int]:
    if span == "*":
        return least, most
    first_text, dash, last_text = span.partition("-")
    first = _cron_number(first_text, names)
    last = _cron_number(last_text, names) if dash else (most if is_open else first)
    if first is None or last is None or not least <= first <= last <= most:
        raise DefinitionError(f"{span!r} is not from {least} to {most}", where)
    return first, last


def _cron_number(text: str, names: tuple[str, ...]) -> int | None:
    if text.isdigit():
        return int(text)
    return names.index(text) if text and text in names else None


def schedule_time_zone(value: JsonValue) -> str | None:
    """The column's default stands for "that of the home"."""
    if value is None or value == "UTC":
        return None
    try:
        return zone(str(value)).key
    except (KeyError, ValueError, OSError) as err:
        raise DefinitionError(f"{value!r} is not a time zone such as Europe/Berlin", "timezone") from err
