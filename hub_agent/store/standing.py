"""How all devices stand after some record: built up from the rows of the streams that bear states."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from sys import intern
from typing import Any, TypeAlias, cast

from hub_agent.model.ids import EntityId
from hub_agent.model.json import Column, JsonObject, Row
from hub_agent.model.state import EntityState

STATES = "device_states"
TELEMETRY = "device_telemetry"
ENERGY = "energy_usage"
STATE_STREAMS = (STATES, TELEMETRY, ENERGY)

ENERGY_COLUMNS = ("power_watts", "energy_kwh", "voltage", "current_amps", "power_factor")

# An instant as it came: a datetime from the core, its text from the file.
Instant: TypeAlias = datetime | str
# state, attributes, changed_at, updated_at
Held: TypeAlias = tuple[str, JsonObject, Instant, Instant]

# Rows are plain dicts and lists, as orjson takes and gives them: asking for the concrete types is five times as fast.
_INSTANT = (datetime, str)

_NOTHING: Mapping[str, Held] = {}


class Standing:
    """States by device and entity. A fork sees its parent's and changes only its own."""

    def __init__(self, parent: "Standing | None" = None) -> None:
        self._parent = parent
        self._entities_by_device: dict[str, dict[str, Held]] = {}

    def fork(self) -> "Standing":
        return Standing(self)

    def apply(self, stream: str, row: Row) -> None:
        """Takes over what a row of a state stream says; a row that is not shaped like one says nothing."""
        if stream == STATES:
            self._apply_states(row)
        else:
            self._apply_measurement(row)

    def forget(self, device_id: str) -> None:
        self._entities_by_device.pop(device_id, None)

    def device(self, device_id: str) -> dict[str, JsonObject]:
        """As it stands in `device_states.state`."""
        return {
            entity_id: {"state": held[0], "attributes": held[1]}
            for entity_id, held in sorted(self.entities(device_id).items())
        }

    def states(self) -> dict[EntityId, EntityState]:
        return {
            EntityId(entity_id): EntityState(held[0], held[1], *_datetimes(held[2], held[3]))
            for entities in self._entities_by_device.values()
            for entity_id, held in entities.items()
        }

    def as_json(self) -> Mapping[str, Mapping[str, Held]]:
        return self._entities_by_device

    @classmethod
    def from_json(cls, body: Mapping[str, Mapping[str, Iterable[Column]]]) -> "Standing":
        standing = cls()
        for device_id, entities in body.items():
            held = {intern(entity_id): _held(parts) for entity_id, parts in entities.items()}
            standing._entities_by_device[intern(device_id)] = held
        return standing

    def entities(self, device_id: str) -> Mapping[str, Held]:
        own = self._entities_by_device.get(device_id)
        if own is None and self._parent:
            return self._parent.entities(device_id)
        return _NOTHING if own is None else own

    def _own(self, device_id: str) -> dict[str, Held]:
        own = self._entities_by_device.get(device_id)
        if own is None:
            own = self._entities_by_device[device_id] = dict(self._parent.entities(device_id)) if self._parent else {}
        return own

    def _apply_states(self, row: Row) -> None:
        device_id, entities, at = row.get("device_id"), row.get("entities"), row.get("created_at")
        if not isinstance(device_id, str) or not isinstance(entities, dict) or not isinstance(at, _INSTANT):
            return
        own = self._own(device_id)
        for entity_id, said in entities.items():
            if not isinstance(said, dict) or not isinstance(said.get("state"), str):
                own.pop(entity_id, None)
                continue
            attributes = said.get("attributes")
            known = attributes if isinstance(attributes, dict) else {}
            _put(own, entity_id, (str(said["state"]), cast("JsonObject", known)), at, said.get("changed_at"))

    def _apply_measurement(self, row: Row) -> None:
        device_id, entity_id, at = row.get("device_id"), row.get("entity_id"), row.get("time")
        text = state_of(row)
        if not isinstance(device_id, str) or not isinstance(entity_id, str) or not isinstance(at, _INSTANT):
            return
        if text is None:
            return
        own = self._own(device_id)
        held = own.get(entity_id)
        _put(own, entity_id, (text, held[1] if held else {}), at, None)


def entities_of(stream: str, row: Row) -> Iterable[str]:
    """The entities whose states a row of a state stream bears."""
    if stream == STATES:
        entities = row.get("entities")
        return entities.keys() if isinstance(entities, dict) else ()
    entity_id = row.get("entity_id")
    return (entity_id,) if isinstance(entity_id, str) else ()


def shortened(row: Row) -> Row:
    """A row of device_states without what `lengthened` finds again: much of what is written is such rows."""
    entities, fields = row.get("entities"), row.get("changed_fields")
    if not isinstance(entities, dict) or len(entities) != 1 or not isinstance(fields, list):
        return row
    ((entity_id, said),) = entities.items()
    start = len(entity_id)
    prefix = f"{entity_id}."
    tails = [field[start:] for field in fields if field.startswith(prefix)]
    if len(tails) != len(fields):
        return row
    short: dict[str, Any] = {**row, "changed_fields": tails}
    if ".state" in tails and isinstance(said, dict) and said.get("changed_at") == row.get("created_at"):
        short["entities"] = {entity_id: {key: value for key, value in said.items() if key != "changed_at"}}
    return short


def lengthened(row: Mapping[str, Any]) -> Mapping[str, Any]:
    entities, fields = row.get("entities"), row.get("changed_fields")
    if not isinstance(entities, dict) or len(entities) != 1 or not isinstance(fields, list):
        return row
    (entity_id,) = entities
    return {**row, "changed_fields": [entity_id + field if field.startswith(".") else field for field in fields]}


def measured_columns(stream: str, row: Row) -> list[str]:
    """The columns of a measurement that hold its numbers."""
    if stream == TELEMETRY:
        return ["value"] if isinstance(row.get("value"), int | float) else []
    return [column for column in ENERGY_COLUMNS if isinstance(row.get(column), int | float)]


def _put(own: dict[str, Held], entity_id: str, said: tuple[str, JsonObject], at: Instant, since: object) -> None:
    state, attributes = said
    held = own.get(entity_id)
    if isinstance(since, _INSTANT):
        changed_at: Instant = since
    else:
        changed_at = held[2] if held and held[0] == state else at
    own[entity_id] = (state, attributes, changed_at, at)


def state_of(row: Row) -> str | None:
    said = row.get("state")
    if isinstance(said, str):
        return said
    for column in ("value", *ENERGY_COLUMNS):
        value = row.get(column)
        if isinstance(value, int | float):
            return str(value)
    return None


def _datetimes(changed_at: Instant, updated_at: Instant) -> tuple[datetime, datetime]:
    """Most states were said once and have not been since: one instant then."""
    changed = _datetime(changed_at)
    return changed, changed if updated_at == changed_at else _datetime(updated_at)


def _datetime(at: Instant) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def _held(parts: Iterable[Column]) -> Held:
    state, attributes, changed_at, updated_at = parts
    assert isinstance(state, str)
    assert isinstance(attributes, Mapping)
    assert isinstance(changed_at, datetime | str)
    assert isinstance(updated_at, datetime | str)
    if updated_at == changed_at:
        updated_at = changed_at
    return (intern(state), cast("JsonObject", attributes), changed_at, updated_at)
