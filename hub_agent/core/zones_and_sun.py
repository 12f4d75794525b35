"""zone.* and sun.sun: entities that every home has and no device brings.

`zone.home` lies where the home lies; more zones stand in the home's row (core.helpers says how). The state of a zone is how
many persons are in it. `sun.sun` is above or below the horizon and tells what comes next; where the sun stands is told every
few minutes, if a rule has named it, as only then anybody could look.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from hub_agent.core.expectation import number_in
from hub_agent.core.geography import HOME_RADIUS_M
from hub_agent.core.states import States
from hub_agent.core.sun import next_sun_event, sun_position
from hub_agent.model.automation import Place
from hub_agent.model.effects import Save
from hub_agent.model.ids import EntityId, slugify
from hub_agent.model.inputs import StateRemoved, StateSet
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState

ROOM = "zones_and_sun"
SUN = EntityId("sun.sun")
HOME_ZONE = EntityId("zone.home")
ZONES_MAX = 200

# The sun moves a degree in four minutes; deep in the night nobody looks.
POSITION_EVERY = timedelta(minutes=4)
POSITION_EVERY_AT_NIGHT = timedelta(minutes=20)
NIGHT_BELOW = -18.0
# Where the centre of the sun is when its upper edge appears, seen through the air.
HORIZON = -0.833

_NEXT = {
    "next_dawn": "dawn",
    "next_dusk": "dusk",
    "next_midnight": "midnight",
    "next_noon": "noon",
    "next_rising": "sunrise",
    "next_setting": "sunset",
}

_EVER = datetime(2000, 1, 1, tzinfo=UTC)

Given: TypeAlias = Save | StateSet | StateRemoved


@dataclass(frozen=True, slots=True)
class _Zone:
    name: str
    attributes: JsonObject


class ZonesAndSun:
    """Fills core.helpers.kind.Surroundings."""

    def __init__(self, states: States, place: Place, brings: Callable[[EntityId], bool] | None = None) -> None:
        """`brings`: which of them there shall be; all if it is not said."""
        self._brings = brings or (lambda _entity_id: True)
        self._states = states
        self._place = place
        self._zone_by_id: dict[EntityId, _Zone] = {}
        # Those that are ours to write; what was there before us is somebody else's.
        self._own: set[EntityId] = set()
        self._is_begun = False
        self._is_sun_named = False
        self._sun_due_at: datetime | None = None

    def state(self, entity_id: EntityId, /) -> EntityState | None:
        return self._states.state(entity_id)

    def zones(self) -> Iterator[tuple[EntityId, EntityState]]:
        """As they are set up: at a start, who follows asks before their states are written."""
        for zone_id, zone in self._zone_by_id.items():
            seen = self._states.state(zone_id)
            if zone_id in self._own:
                yield zone_id, EntityState("0", zone.attributes, _EVER, _EVER)
            elif seen is not None:
                yield zone_id, seen

    def begin(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        """The home is known as far as it was kept. Zones and a sun that somebody else has put there are let be."""
        kept = saved.get("own", {}).get("ids")
        self._own = {EntityId(str(each)) for each in kept} if isinstance(kept, list | tuple) else set()
        self._is_begun = True
        return self.set_home(self._place, None, now)

    def set_home(self, place: Place, fields: JsonObject | None, now: datetime) -> list[Given]:
        self._place = place
        if fields is not None or not self._zone_by_id:
            self._zone_by_id = _zones_of(place, fields or {})
        if not self._is_begun:
            return []
        before = set(self._own)
        wanted = {each for each in (*self._zone_by_id, SUN) if self._brings(each)}
        self._own |= {each for each in wanted if self._states.state(each) is None}
        gone = sorted(self._own - wanted)
        self._own &= wanted
        given: list[Given] = [StateRemoved(each) for each in gone]
        given += [self._shown(zone_id) for zone_id in self._zone_by_id if zone_id in self._own]
        given += self._sun(now)
        if self._own != before:
            given.append(self._saved())
        return given

    def is_own(self, entity_id: EntityId) -> bool:
        return entity_id in self._own

    def give_up(self, entity_id: EntityId) -> list[Given]:
        """Somebody else writes it: it is theirs from now on."""
        self._own.discard(entity_id)
        if entity_id == SUN:
            self._sun_due_at = None
        return [self._saved()]

    def people_moved(self) -> list[Given]:
        """Somebody came or went."""
        return [self._shown(zone_id) for zone_id in self._zone_by_id if zone_id in self._own]

    def note_rule(self, fields: JsonObject, now: datetime) -> list[Given]:
        """A rule that names the sun may look where it stands."""
        if self._is_sun_named or "sun.sun" not in str(
            (fields.get("triggers"), fields.get("conditions"), fields.get("actions"), fields.get("metadata"))
        ):
            return []
        self._is_sun_named = True
        return self._sun(now) if self._is_begun else []

    def get_timer(self) -> datetime | None:
        return self._sun_due_at

    def handle_timer(self, now: datetime) -> list[Given]:
        return self._sun(now)

    def handle_clock_step(self, now: datetime) -> list[Given]:
        return self._sun(now)

    def _saved(self) -> Save:
        return Save(ROOM, "own", {"ids": sorted(self._own)})

    def _shown(self, zone_id: EntityId) -> StateSet:
        zone = self._zone_by_id[zone_id]
        wanted = "home" if zone_id == HOME_ZONE else zone.name.casefold()
        people: list[JsonValue] = []
        for entity_id in sorted(self._states.entity_ids()):
            if entity_id.startswith("person."):
                seen = self._states.state(entity_id)
                if seen is not None and seen.state.casefold() == wanted:
                    people.append(entity_id)
        return StateSet(zone_id, str(len(people)), {**zone.attributes, "persons": people})

    def _sun(self, now: datetime) -> list[Given]:
        if SUN not in self._own:
            self._sun_due_at = None
            return []
        coming = {name: next_sun_event(self._place, event, timedelta(0), now) for name, event in _NEXT.items()}
        elevation, azimuth = sun_position(self._place, now)
        rising, setting = coming["next_rising"], coming["next_setting"]
        is_up = setting < rising if rising is not None and setting is not None else elevation > HORIZON
        noon, midnight = coming["next_noon"], coming["next_midnight"]
        attributes: dict[str, JsonValue] = {name: None if at is None else at.isoformat() for name, at in coming.items()}
        attributes |= {
            "elevation": round(elevation, 2),
            "azimuth": round(azimuth, 2),
            "rising": noon is not None and midnight is not None and noon < midnight,
            "friendly_name": "Sun",
        }
        due = [at for at in coming.values() if at is not None]
        if self._is_sun_named:
            due.append(now + (POSITION_EVERY if elevation > NIGHT_BELOW else POSITION_EVERY_AT_NIGHT))
        self._sun_due_at = min(due, default=now + POSITION_EVERY_AT_NIGHT)
        return [StateSet(SUN, "above_horizon" if is_up else "below_horizon", attributes)]


def _zones_of(place: Place, fields: JsonObject) -> dict[EntityId, _Zone]:
    home: JsonObject = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "radius": HOME_RADIUS_M,
        "passive": False,
        "editable": False,
        "icon": "mdi:home",
        "friendly_name": "Home",
    }
    zones = {HOME_ZONE: _Zone("Home", home)}
    metadata = fields.get("metadata")
    listed = metadata.get("zones") if isinstance(metadata, Mapping) else None
    for each in listed[:ZONES_MAX] if isinstance(listed, list | tuple) else ():
        found = _read_zone(each) if isinstance(each, Mapping) else None
        if found is not None:
            zones[found[0]] = found[1]
    return zones


def _read_zone(row: JsonObject) -> tuple[EntityId, _Zone] | None:
    """None for what lies nowhere."""
    latitude, longitude = number_in(row.get("latitude")), number_in(row.get("longitude"))
    name = row.get("name") or row.get("object_id")
    if latitude is None or longitude is None or not isinstance(name, str):
        return None
    radius, icon = number_in(row.get("radius")), row.get("icon")
    attributes: dict[str, JsonValue] = {
        "latitude": latitude,
        "longitude": longitude,
        "radius": HOME_RADIUS_M if radius is None or radius <= 0 else radius,
        "passive": row.get("passive") is True,
        "editable": True,
        "friendly_name": name,
    }
    if isinstance(icon, str):
        attributes["icon"] = icon
    return EntityId(f"zone.{slugify(str(row.get('object_id') or name))}"), _Zone(name, attributes)
