"""Where the home lies, as its row in the central schema says."""

from collections.abc import Mapping

from hub_agent.model.automation import Place
from hub_agent.model.json import JsonObject, JsonValue


def placed(place: Place, fields: JsonObject) -> Place:
    """`timezone`, `coordinates` (a point of latitude and longitude), `metadata.elevation` (metres); what is missing stays."""
    time_zone, metadata = fields.get("timezone"), fields.get("metadata")
    latitude, longitude = _point(fields.get("coordinates")) or (place.latitude, place.longitude)
    elevation = metadata.get("elevation") if isinstance(metadata, Mapping) else None
    return Place(
        time_zone if isinstance(time_zone, str) and time_zone else place.time_zone,
        latitude,
        longitude,
        float(elevation) if isinstance(elevation, int | float) else place.elevation,
    )


def _point(value: JsonValue) -> tuple[float, float] | None:
    """A PostgreSQL point: its text form `(52.5,13.4)`, or a pair."""
    parts = value.strip("() ").split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        return None
    try:
        latitude, longitude = float(str(parts[0])), float(str(parts[1]))
    except ValueError:
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None
