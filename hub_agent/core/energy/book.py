"""Wh by hour for some weeks, by day for more than a year.

A day of the home has as many hours as it has: 23 or 25 when clocks are set. Days leave the hours by count, not by age, so that a clock
that is wrong for a while takes nothing away.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hub_agent.core.energy.meters import RETURNED
from hub_agent.model.effects import Durability, Save
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject, JsonValue

DAYS_WITH_HOURS: Final = 40
MONTHS: Final = 14
HOURS_MAX: Final = 26
HOURS_KEY: Final = "hours/"
MONTH_KEY: Final = "days/"
_HOUR: Final = timedelta(hours=1)
# What is spread over longer was not measured by anybody.
_SPREAD_MAX: Final = timedelta(days=DAYS_WITH_HOURS)


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    """When the hour of the home began that this is in, UTC."""
    local = at.astimezone(zone)
    return at.astimezone(UTC) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def hours_in(day: date, zone: ZoneInfo) -> int:
    length = day_begins(day + timedelta(days=1), zone) - day_begins(day, zone)
    return max(1, min(HOURS_MAX, round(length / _HOUR)))


@dataclass(slots=True)
class Book:
    """`hours`: by day and series, from the day's first hour on. `days`: by month, series and day of the month."""

    hours: dict[date, dict[str, list[float]]] = field(default_factory=dict)
    days: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)
    _changed: set[date] = field(default_factory=set)

    # Writing.

    def add(self, series: str, wh: float, since: datetime, until: datetime, zone: ZoneInfo) -> None:
        """Spread evenly over the time in which it was used."""
        since = max(min(since, until), until - _SPREAD_MAX)
        whole = (until - since).total_seconds()
        if not whole:
            self._put(series, wh, hour_of(until, zone), zone)
            return
        hour = hour_of(since, zone)
        while hour < until:
            following = hour_of(hour + _HOUR, zone)
            following = following if following > hour else hour + _HOUR
            share = (min(following, until) - max(hour, since)).total_seconds() / whole
            self._put(series, wh * share, hour, zone)
            hour = following

    def _put(self, series: str, wh: float, hour: datetime, zone: ZoneInfo) -> None:
        day = hour.astimezone(zone).date()
        place = min(max(0, round((hour - day_begins(day, zone)) / _HOUR)), HOURS_MAX - 1)
        hours = self.hours.setdefault(day, {}).setdefault(series, [])
        hours += [0.0] * (place + 1 - len(hours))
        hours[place] += wh
        self._changed.add(day)

    # Keeping.

    def keep(self, room: str, today: date) -> list[Save]:
        """What has changed since the last time; the oldest hours become days, the oldest months go."""
        # A clock that was ahead has left days that are not yet.
        ahead = [day for day in self.hours if day > today + timedelta(days=1)]
        kept = [self._drop(room, day) for day in ahead]
        for day in sorted(self.hours)[:-DAYS_WITH_HOURS]:
            kept += self._fold(room, day)
        for month in sorted(self.days)[:-MONTHS]:
            del self.days[month]
            kept.append(Save(room, f"{MONTH_KEY}{month}", None, Durability.LAZY))
        for day in sorted(self._changed & self.hours.keys()):
            body: JsonObject = {each: [round(wh, 2) for wh in hours] for each, hours in self.hours[day].items()}
            kept.append(Save(room, f"{HOURS_KEY}{day.isoformat()}", body, Durability.LAZY))
        self._changed.clear()
        return kept

    def _drop(self, room: str, day: date) -> Save:
        del self.hours[day]
        return Save(room, f"{HOURS_KEY}{day.isoformat()}", None, Durability.LAZY)

    def _fold(self, room: str, day: date) -> list[Save]:
        month = day.isoformat()[:7]
        by_series = self.days.setdefault(month, {})
        for series, hours in self.hours[day].items():
            by_day = by_series.setdefault(series, {})
            by_day[day.day] = by_day.get(day.day, 0.0) + sum(hours)
        body: JsonObject = {
            series: {str(each): round(wh, 1) for each, wh in by_day.items()} for series, by_day in by_series.items()
        }
        return [self._drop(room, day), Save(room, f"{MONTH_KEY}{month}", body, Durability.LAZY)]

    def take_up(self, key: str, body: JsonObject) -> None:
        """Raises ValueError, TypeError, AttributeError where it is damaged."""
        if key.startswith(HOURS_KEY):
            day = date.fromisoformat(key.removeprefix(HOURS_KEY))
            self.hours[day] = {series: _numbers(hours)[:HOURS_MAX] for series, hours in body.items()}
        else:
            month = key.removeprefix(MONTH_KEY)
            date.fromisoformat(f"{month}-01")
            self.days[month] = {series: _by_day(days) for series, days in body.items()}

    # Reading.

    def hours_of(self, day: date) -> Mapping[str, list[float]]:
        return self.hours.get(day, {})

    def day(self, day: date) -> Mapping[str, float]:
        """Wh of each series."""
        sums: dict[str, float] = defaultdict(float)
        for series, hours in self.hours.get(day, {}).items():
            sums[series] += sum(hours)
        for series, by_day in self.days.get(day.isoformat()[:7], {}).items():
            sums[series] += by_day.get(day.day, 0.0)
        return sums

    def devices(self) -> set[DeviceId]:
        """Of which something is known."""
        series = {each for hours in self.hours.values() for each in hours}
        series |= {each for days in self.days.values() for each in days}
        return {DeviceId(each.removesuffix(RETURNED)) for each in series}

    def first_day(self) -> date | None:
        return min(self._known_days(), default=None)

    def _known_days(self) -> Iterator[date]:
        yield from self.hours
        for month, by_series in self.days.items():
            for by_day in by_series.values():
                yield from (date.fromisoformat(f"{month}-{each:02}") for each in by_day)


def _numbers(body: JsonValue) -> list[float]:
    if not isinstance(body, list | tuple):
        raise TypeError("hours are a list")
    return [float(str(each)) for each in body]


def _by_day(body: JsonValue) -> dict[int, float]:
    if not isinstance(body, Mapping):
        raise TypeError("days have numbers")
    return {int(day): float(str(wh)) for day, wh in body.items() if 1 <= int(day) <= 31}
