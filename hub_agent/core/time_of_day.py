"""Wall-clock times as instants, also on the two days of the year that have 23 or 25 hours.

A time that does not exist that day happens at the first instant that does; one that exists twice happens the first time.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def instant_of(day: date, at: time, tz: ZoneInfo) -> datetime:
    """When the wall clock shows `at` on `day`, in UTC."""
    wall = datetime.combine(day, at, tzinfo=tz)
    instant = wall.astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(wall.replace(fold=1).astimezone(UTC), instant, tz)


def _end_of_gap(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    offset_after = after.astimezone(tz).utcoffset()
    while after - before > SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle <= before:
            break
        if middle.astimezone(tz).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return after


def next_daily(at: time, tz: ZoneInfo, after: datetime) -> datetime:
    """The first instant later than `after` at which it is `at`."""
    day = after.astimezone(tz).date() - DAY
    while True:
        instant = instant_of(day, at, tz)
        if instant > after:
            return instant
        day += DAY


def start_of_local_day(now: datetime, tz: ZoneInfo) -> datetime:
    return instant_of(now.astimezone(tz).date(), time(0), tz)
