from datetime import UTC, datetime, timedelta

import pytest

from hub_agent.core.telemetry import records_of
from hub_agent.model.device import Capability, Device, DeviceType, Entity, Origin
from hub_agent.model.effects import AppendRecord
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause, EntityState, StateChanged

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=30)


def entity(domain: str, metric: str = "", device_class: str | None = None, unit: str | None = None) -> Entity:
    capabilities = {metric: Capability("float", unit=unit)} if metric else {}
    entity_id = EntityId(f"{domain}.{metric or 'lamp'}")
    return Entity(
        entity_id, DeviceId("d1"), metric or "main", domain, None, device_class, unit, None, None, capabilities, {}
    )


def records(
    of: Entity, before: str | None, after: str, attributes: JsonObject | None = None, cause: Cause | None = None
) -> list[AppendRecord]:
    device = Device(
        DeviceId("d1"),
        Origin("z", "1"),
        (),
        "D",
        False,
        None,
        None,
        None,
        DeviceType.OTHER,
        None,
        None,
        None,
        None,
        {},
        (of,),
    )
    old = EntityState(before, {}, NOON, NOON) if before is not None else None
    change = StateChanged(of.id, old, EntityState(after, attributes or {}, LATER, LATER), LATER, cause)
    return records_of(device, [(of, change)], lambda: "id1")


def test_a_number_goes_to_telemetry_with_its_documented_unit_and_to_nowhere_else() -> None:
    (record,) = records(entity("sensor", "temperature", "temperature", "°C"), "21.0", "21.5")

    assert record.stream == "device_telemetry"
    assert record.row == {
        "time": LATER,
        "device_id": "d1",
        "entity_id": "sensor.temperature",
        "metric_type": "temperature",
        "value": 21.5,
        "unit": "celsius",
    }


@pytest.mark.parametrize(
    "device_class,unit,text,column,value",
    [
        ("power", "W", "57", "power_watts", 57),
        ("power", "kW", "1.5", "power_watts", 1500.0),
        ("energy", "Wh", "2500", "energy_kwh", 2.5),
        ("voltage", "mV", "3000", "voltage", 3.0),
    ],
)
def test_power_and_energy_go_to_energy_usage_in_its_units(
    device_class: str, unit: str, text: str, column: str, value: float
) -> None:
    (record,) = records(entity("sensor", device_class, device_class, unit), "1", text)

    assert record.stream == "energy_usage"
    assert record.row[column] == value


def test_the_text_of_a_state_is_kept_only_where_the_number_does_not_give_it_back() -> None:
    sensor = entity("sensor", "temperature", "temperature", "°C")

    assert "state" not in records(sensor, "1", "57")[0].row
    assert records(sensor, "1", "21.50")[0].row["state"] == "21.50"


@pytest.mark.parametrize("text", ["unavailable", "unknown", "nan", "inf", "on"])
def test_what_is_no_number_is_a_change_of_state(text: str) -> None:
    (record,) = records(entity("sensor", "temperature", "temperature", "°C"), "21", text)

    assert record.stream == "device_states"


def test_a_change_of_state_says_which_fields_changed_and_who_did_it() -> None:
    (record,) = records(entity("light"), "off", "on", {"brightness": 128}, Cause("automation", "run1"))

    assert record.stream == "device_states"
    assert record.row["changed_fields"] == ["light.lamp.state", "light.lamp.brightness"]
    assert record.row["change_source"] == "automation"
    assert record.row["entities"] == {
        "light.lamp": {"state": "on", "attributes": {"brightness": 128}, "changed_at": LATER}
    }
