"""Whether a tracked position lies in a zone. Zones are entities with latitude, longitude and radius."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub_agent.core.automation.geography import distance_m
from hub_agent.core.automation.reading import to_number
from hub_agent.core.automation.world import Outlook
from hub_agent.model.state import EntityState

HOME_RADIUS_M = 100.0
SAY_ZONES = ("device_tracker", "person")


@dataclass(frozen=True, slots=True)
class Area:
    latitude: float
    longitude: float
    radius: float


def zone_area(zone: str, outlook: Outlook) -> Area | None:
    seen = outlook.see(zone)
    if seen is not None:
        numbers = [to_number(seen.attributes.get(name)) for name in ("latitude", "longitude", "radius")]
        if numbers[0] is not None and numbers[1] is not None:
            return Area(numbers[0], numbers[1], numbers[2] or HOME_RADIUS_M)
    if zone == "zone.home":
        return Area(outlook.place.latitude, outlook.place.longitude, HOME_RADIUS_M)
    return None


def position_of(seen: EntityState) -> tuple[float, float] | None:
    latitude, longitude = (to_number(seen.attributes.get(name)) for name in ("latitude", "longitude"))
    return None if latitude is None or longitude is None else (latitude, longitude)


def zones_told_by(entity_id: str, seen: EntityState) -> Sequence[str] | None:
    """The zones that a tracker says itself it is in: it may know better than its coordinates, or have none."""
    if entity_id.partition(".")[0] not in SAY_ZONES:
        return None
    told = seen.attributes.get("in_zones")
    if not isinstance(told, Sequence) or isinstance(told, str):
        return None
    return [each for each in told if isinstance(each, str)]


def is_in(entity_id: str, seen: EntityState, zone: str, area: Area) -> bool:
    told = zones_told_by(entity_id, seen)
    return is_in_zone(seen, area) if told is None else zone in told


def is_in_zone(seen: EntityState, area: Area) -> bool:
    position = position_of(seen)
    if position is None:
        return False
    accuracy = to_number(seen.attributes.get("gps_accuracy")) or 0.0
    return distance_m(position, (area.latitude, area.longitude)) - accuracy < area.radius
