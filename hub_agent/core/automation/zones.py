"""Whether a tracked position lies in a zone. Zones are entities with latitude, longitude and radius."""

from collections.abc import Sequence

from hub_agent.core.automation.world import Outlook
from hub_agent.core.geography import HOME_RADIUS_M, Area, area_of, is_in_zone
from hub_agent.model.state import EntityState

SAY_ZONES = ("device_tracker", "person")


def zone_area(zone: str, outlook: Outlook) -> Area | None:
    seen = outlook.see(zone)
    if seen is not None and (area := area_of(seen)) is not None:
        return area
    if zone == "zone.home":
        return Area(outlook.place.latitude, outlook.place.longitude, HOME_RADIUS_M)
    return None


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
