"""Which record a change of state becomes. Every change becomes exactly one: the mirror rebuilds the states from them."""

import math
from collections.abc import Sequence

from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import AppendRecord
from hub_agent.model.ids import NewId
from hub_agent.model.json import Column
from hub_agent.model.state import Cause, EntityState, StateChanged

# Device class -> column of energy_usage and the factor from the units devices use.
ENERGY_COLUMN_BY_CLASS = {
    "power": "power_watts",
    "energy": "energy_kwh",
    "voltage": "voltage",
    "current": "current_amps",
    "power_factor": "power_factor",
}
FACTOR_BY_UNIT = {"kW": 1000.0, "MW": 1_000_000.0, "Wh": 0.001, "MWh": 1000.0, "mV": 0.001, "mA": 0.001, "%": 0.01}

# The documented forms of the units in device_telemetry.
UNIT_BY_SYMBOL = {
    "°C": "celsius",
    "°F": "fahrenheit",
    "%": "percent",
    "W": "watts",
    "kWh": "kwh",
    "lx": "lux",
    "hPa": "hectopascals",
    "ppm": "ppm",
    "µg/m³": "micrograms_per_cubic_metre",
}

SOURCE_BY_CAUSE = {
    "automation": "automation",
    "scene": "manual",
    "manual": "manual",
    "cloud": "manual",
    "self_healing": "self_healing",
}


def records_of(device: Device, changes: Sequence[tuple[Entity, StateChanged]], new_id: NewId) -> list[AppendRecord]:
    """One row per measured value, and one device_states row for everything else that changed in the same report."""
    records: list[AppendRecord] = []
    others: list[StateChanged] = []
    for entity, change in changes:
        value = _measured(entity, change)
        if value is None or change.new is None:
            others.append(change)
        else:
            records.append(_measurement(device, entity, change.new, value))
    if others:
        records.append(_state_row(device, others, new_id()))
    return records


def _measured(entity: Entity, change: StateChanged) -> int | float | None:
    """The number, if that is all that changed of a numeric sensor."""
    if entity.domain != "sensor" or change.new is None or not _is_numeric(entity):
        return None
    if change.old is None or change.old.attributes != change.new.attributes or change.old.state == change.new.state:
        return None
    return _number(change.new.state)


def _number(text: str) -> int | float | None:
    """An int where the text is one, so that `str()` of it gives the text back and the state need not be stored again."""
    if len(text) <= 15 and text.removeprefix("-").isdecimal():
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_numeric(entity: Entity) -> bool:
    for capability in entity.capabilities.values():  # noqa: SIM110 -- asked of every change: `any` would take three times as long
        if capability.type in {"float", "int"}:
            return True
    return False


def _measurement(device: Device, entity: Entity, state: EntityState, value: float) -> AppendRecord:
    row: dict[str, Column] = {"time": state.updated_at, "device_id": device.id, "entity_id": entity.id}
    column = ENERGY_COLUMN_BY_CLASS.get(entity.device_class or "")
    factor = FACTOR_BY_UNIT.get(entity.unit or "", 1) if column else 1
    if factor != 1 or str(value) != state.state:
        row["state"] = state.state
    if column:
        row[column] = value * factor
        return AppendRecord("energy_usage", row)
    row["metric_type"] = next(iter(entity.capabilities))
    row["value"] = value
    row["unit"] = UNIT_BY_SYMBOL.get(entity.unit or "", entity.unit)
    return AppendRecord("device_telemetry", row)


def _state_row(device: Device, changes: Sequence[StateChanged], row_id: str) -> AppendRecord:
    entities: dict[str, Column] = {change.entity_id: _as_json(change.new) for change in changes}
    changed_fields = [field for change in changes for field in _changed_fields(change)]
    cause = next((change.cause for change in changes if change.cause), None)
    return AppendRecord(
        "device_states",
        {
            "id": row_id,
            "device_id": device.id,
            "entities": entities,
            "changed_fields": changed_fields,
            "change_source": _source(cause),
            "created_at": changes[0].at,
        },
    )


def _as_json(state: EntityState | None) -> dict[str, Column] | None:
    if state is None:
        return None
    return {"state": state.state, "attributes": state.attributes, "changed_at": state.changed_at}


def _changed_fields(change: StateChanged) -> list[str]:
    old_attributes = change.old.attributes if change.old else {}
    new_attributes = change.new.attributes if change.new else {}
    fields = []
    if change.old is None or change.new is None or change.old.state != change.new.state:
        fields.append(f"{change.entity_id}.state")
    names = sorted(old_attributes.keys() | new_attributes.keys())
    fields += [f"{change.entity_id}.{name}" for name in names if old_attributes.get(name) != new_attributes.get(name)]
    return fields


def _source(cause: Cause | None) -> str:
    return SOURCE_BY_CAUSE.get(cause.kind, "ecosystem") if cause else "ecosystem"
