"""Times of day as definitions and entities write them."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from hub_agent.core.automation.reading import kind_of
from hub_agent.core.time_of_day import instant_of
from hub_agent.errors import DefinitionError
from hub_agent.model.state import EntityState

# Device classes of sensors whose state is an instant.
POINTS_IN_TIME = ("timestamp", "uptime")

_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2}))?$")


def to_clock_time(text: str) -> time | None:
    match = _CLOCK.match(text.strip())
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def read_clock_time(value: object, where: str) -> time:
    found = to_clock_time(value) if isinstance(value, str) else None
    if found is None:
        shown = repr(value) if isinstance(value, str) else kind_of(value)
        raise DefinitionError(f"must be a time from '00:00' to '23:59:59' in quotes, not {shown}", where)
    return found


def instant_of_entity(entity_id: str, seen: EntityState | None, tz: ZoneInfo) -> datetime | time | None:
    """What an input_datetime or a timestamp sensor says: an instant, or a time of every day, or nothing."""
    if seen is None:
        return None
    if entity_id.startswith("input_datetime."):
        return _instant_of_text(seen.state, tz)
    if entity_id.startswith("sensor.") and seen.attributes.get("device_class") not in POINTS_IN_TIME:
        return None
    try:
        found = datetime.fromisoformat(seen.state)
    except ValueError:
        return to_clock_time(seen.state) if entity_id.startswith("time.") else None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _instant_of_text(text: str, tz: ZoneInfo) -> datetime | time | None:
    at = to_clock_time(text)
    if at is not None:
        return at
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    return instant_of(date(found.year, found.month, found.day), found.time(), tz)


def time_of_day_of_entity(entity_id: str, seen: EntityState | None, tz: ZoneInfo) -> time | None:
    """For conditions: of an instant only the time of day counts."""
    found = instant_of_entity(entity_id, seen, tz)
    if isinstance(found, datetime):
        return found.astimezone(tz).time()
    return found
