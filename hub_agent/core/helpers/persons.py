"""person: where somebody is, as what they carry and what stands at home tell.

What is at home without coordinates (a router, Bluetooth) knows best that somebody is at home; then the latest position
counts; then that nothing sees them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.geography import area_of, is_in_zone, position_of
from hub_agent.core.helpers.kind import Following, Settings, Surroundings
from hub_agent.model.device import Capability
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState

HOME = "home"
NOT_HOME = "not_home"
HOME_ZONE = "zone.home"


@dataclass(frozen=True, slots=True)
class Person(Following):
    device_trackers: tuple[EntityId, ...]
    user_id: str | None
    picture: str | None

    def watched(self) -> frozenset[EntityId]:
        return frozenset(self.device_trackers)

    def follow(self, home: Surroundings) -> tuple[str, JsonObject]:
        attributes: dict[str, JsonValue] = {"device_trackers": list(self.device_trackers)}
        if self.user_id is not None:
            attributes["user_id"] = self.user_id
        if self.picture is not None:
            attributes["entity_picture"] = self.picture
        found = self._best(home)
        if found is None:
            return UNKNOWN, attributes
        entity_id, seen = found
        attributes["source"] = entity_id
        where = _placed(seen, home)
        for name in ("latitude", "longitude", "gps_accuracy"):
            if (value := where.attributes.get(name)) is not None:
                attributes[name] = value
        return where.state, attributes

    def _best(self, home: Surroundings) -> tuple[EntityId, EntityState] | None:
        known = [
            (entity_id, seen)
            for entity_id in self.device_trackers
            if (seen := home.state(entity_id)) is not None and seen.state not in {UNAVAILABLE, UNKNOWN}
        ]
        ranked = [(_rank(seen), seen.updated_at, entity_id, seen) for entity_id, seen in known]
        if not ranked:
            return None
        *_, entity_id, seen = max(ranked, key=lambda each: each[:3])
        return entity_id, seen

    def capabilities(self) -> Mapping[str, Capability]:
        return {"presence": Capability("text", "r")}


def _rank(seen: EntityState) -> int:
    is_gps = position_of(seen) is not None or seen.attributes.get("source_type") == "gps"
    if not is_gps and seen.state == HOME:
        return 3
    return 2 if is_gps else 1


def _placed(seen: EntityState, home: Surroundings) -> EntityState:
    """A position in a zone is that zone, the smallest of several; who is at home is where the home is."""
    zones = [(zone_id, zone, area) for zone_id, zone in home.zones() if (area := area_of(zone)) is not None]
    if position_of(seen) is None:
        at_home = next((zone for zone_id, zone, _ in zones if zone_id == HOME_ZONE), None)
        if seen.state != HOME or at_home is None:
            return seen
        position = {name: at_home.attributes.get(name) for name in ("latitude", "longitude")}
        return EntityState(HOME, {**position, "gps_accuracy": 0}, seen.changed_at, seen.updated_at)
    if seen.state != NOT_HOME:
        return seen  # it says itself where it is
    inside = [each for each in zones if each[1].attributes.get("passive") is not True and is_in_zone(seen, each[2])]
    if not inside:
        return seen
    zone_id, zone, _ = min(inside, key=lambda each: (each[2].radius, each[0]))
    name = zone.attributes.get("friendly_name") or zone_id.partition(".")[2]
    state = HOME if zone_id == HOME_ZONE else str(name)
    return EntityState(state, seen.attributes, seen.changed_at, seen.updated_at)


def read_person(settings: Settings) -> Person:
    return Person(settings.entity_ids("device_trackers"), settings.text("user_id"), settings.text("picture"))
