"""Sunrise and sunset of the home, which near the poles may not come for months."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from astral import Observer
from astral.sun import azimuth, dawn, dusk, elevation, midnight, noon, sunrise, sunset

from hub_agent.core.time_of_day import DAY, zone
from hub_agent.model.automation import Place

DAYS_AHEAD_MAX = 366
EVENTS = ("sunrise", "sunset")

_FINDERS: Mapping[str, Callable[..., datetime]] = {
    "sunrise": sunrise,
    "sunset": sunset,
    "dawn": dawn,
    "dusk": dusk,
    "noon": noon,
    "midnight": midnight,
}


@lru_cache(maxsize=4096)
def sun_event(place: Place, event: str, day: date) -> datetime | None:
    """When the sun rises, sets or is highest (`noon`) on that local day, in UTC; None when it does not."""
    observer = _observer(place)
    find = _FINDERS[event]
    try:
        return find(observer, date=day, tzinfo=zone(place.time_zone)).astimezone(UTC)
    except ValueError:
        return None


def sun_position(place: Place, now: datetime) -> tuple[float, float]:
    """How high above the horizon, and in which direction, in degrees."""
    observer = _observer(place)
    return elevation(observer, now), azimuth(observer, now)


def _observer(place: Place) -> Observer:
    return Observer(place.latitude, place.longitude, max(0.0, place.elevation))


def next_sun_event(place: Place, event: str, offset: timedelta, after: datetime) -> datetime | None:
    """The first event + offset later than `after`, looked for up to a year ahead."""
    day = (after - offset).astimezone(zone(place.time_zone)).date() - DAY
    for _ in range(DAYS_AHEAD_MAX + 1):
        at = sun_event(place, event, day)
        if at is not None and at + offset > after:
            return at + offset
        day += DAY
    return None
