"""What a run's record says of the home around it: the devices it acted on, before and after, and how the home was when it began."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from hub_agent.core.automation.views import describe
from hub_agent.core.automation.world import World
from hub_agent.core.time_of_day import WEEKDAYS, zone
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState

# More devices than this are not described: the record is kept for months, on an SD card.
DEVICES_TOLD_MAX = 50
AT_ONCE, A_SECOND = timedelta(), timedelta(seconds=1)
NOT_DEVICES = frozenset({"automation", "scene", "script", "sun", "zone"})

# A state as it was: its text and its attributes; None where there was no such entity.
Before = dict[str, "tuple[str, JsonObject] | None"]

# Entities that say in one word how the home is, and what the record calls it.
_TOLD_OF_THE_HOME = {"sun.sun": "sun", "zone.home": "persons_home"}


def note_before(before: Before, target: Iterable[str], world: World) -> None:
    """The first look at each device counts: later ones would see what the run has done."""
    for entity_id in target:
        if entity_id not in before and len(before) < DEVICES_TOLD_MAX and _is_device(entity_id):
            before[entity_id] = _as_kept(world.state(EntityId(entity_id)))


def states_told(before: Before, world: World) -> tuple[JsonObject | None, JsonObject | None]:
    """Before and after, of the attributes only those that are different."""
    if not before:
        return None, None
    told_before: dict[str, JsonValue] = {}
    told_after: dict[str, JsonValue] = {}
    for entity_id, was in before.items():
        now_is = _as_kept(world.state(EntityId(entity_id)))
        told_before[entity_id] = _told(was, now_is)
        told_after[entity_id] = _told(now_is, was)
    return told_before, told_after


def home_told(world: World) -> dict[str, JsonValue]:
    """How the home is now, in words that other records can be compared by."""
    return {
        name: state.state
        for entity_id, name in _TOLD_OF_THE_HOME.items()
        if (state := world.state(EntityId(entity_id))) is not None
    }


def environment(home: Mapping[str, JsonValue], started_at: datetime, time_zone: str) -> JsonObject:
    told = _last_told
    if told.time_zone != time_zone or not AT_ONCE <= started_at - told.second < A_SECOND:
        told.look(started_at, time_zone)
    return {"local_time": told.local_time, "weekday": told.weekday, "time_zone": time_zone, **home}


class _OnTheWall:
    """What the clock on the wall showed last: rules that run within a second are all told the same."""

    __slots__ = ("local_time", "second", "time_zone", "weekday")

    def __init__(self) -> None:
        self.look(datetime(1970, 1, 1, tzinfo=UTC), "UTC")

    def look(self, at: datetime, time_zone: str) -> None:
        self.second, self.time_zone = at.replace(microsecond=0), time_zone
        local = self.second.astimezone(zone(time_zone))
        self.local_time, self.weekday = local.isoformat(), WEEKDAYS[local.weekday()]


_last_told = _OnTheWall()


def _is_device(entity_id: str) -> bool:
    return "." in entity_id and entity_id.partition(".")[0] not in NOT_DEVICES


def _as_kept(seen: EntityState | None) -> tuple[str, JsonObject] | None:
    return None if seen is None else (seen.state, seen.attributes)


def _told(shown: tuple[str, JsonObject] | None, other: tuple[str, JsonObject] | None) -> JsonValue:
    if shown is None:
        return None
    state, attributes = shown
    others: JsonObject = {} if other is None else other[1]
    told: dict[str, JsonValue] = {"state": state}
    if attributes is not others:
        different = {
            name: describe(value) for name, value in attributes.items() if name not in others or others[name] != value
        }
        if different:
            told["attributes"] = different
    return told
