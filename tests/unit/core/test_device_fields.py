"""A device as the cloud's columns have it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.core.device_fields import VERSION_MAX, definition_fields, present_of
from hub_agent.model.device import Device, DeviceType, Entity, Origin, Presence
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UPDATE = EntityId("update.lamp")


def an_entity(entity_id: EntityId) -> Entity:
    domain = entity_id.partition(".")[0]
    return Entity(entity_id, DeviceId("d"), domain, domain, None, None, None, None, None, {}, {})


def a_device(dialect: str = "hue") -> Device:
    return Device(
        id=DeviceId("d"),
        origin=Origin(dialect, "001788fffe000000/abc"),
        aliases=(),
        name="Lamp",
        named_by_person=False,
        room_id=None,
        brand="Signify Netherlands B.V.",
        model="LCA001",
        device_type=DeviceType.LIGHT,
        protocol=None,
        via=None,
        firmware_version="1.0",
        power_source=None,
        native={},
        entities=(
            an_entity(EntityId("light.lamp")),
            an_entity(UPDATE),
        ),
    )


def told(state: str | None, **attributes: Any) -> dict[str, Any]:
    states = {UPDATE: EntityState(state, attributes, NOON, NOON)} if state is not None else {}
    present = present_of(a_device(), Presence(), states)
    return {name: value for name, value in present.items() if name.endswith(("available", "latest_firmware_version"))}


def test_brand_and_model_are_told_by_name_and_nothing_is_said_of_what_people_own() -> None:
    fields = definition_fields(a_device())
    assert (fields["brand"], fields["model"]) == ("Signify Netherlands B.V.", "LCA001")
    assert not {"custom_fields", "settings", "notes", "tags"} & set(fields)


@pytest.mark.parametrize(
    "dialect, ecosystem", [("hue", "hue"), ("homeassistant", "homeassistant_mqtt"), ("helper", "nexa_hub")]
)
def test_a_device_names_the_ecosystem_it_is_of_and_its_id_there(dialect: str, ecosystem: str) -> None:
    fields = definition_fields(a_device(dialect))
    assert (fields["integration_platform"], fields["ecosystem_device_id"]) == (ecosystem, "001788fffe000000/abc")


def test_firmware_that_is_offered_is_told_and_withdrawn_when_it_is_installed() -> None:
    assert told("on", latest_version="1.1") == {"firmware_update_available": True, "latest_firmware_version": "1.1"}
    assert told("off", latest_version="1.1") == {"firmware_update_available": False, "latest_firmware_version": "1.1"}


@pytest.mark.parametrize("state", [None, "unknown", "unavailable"])
def test_a_device_that_says_nothing_of_its_firmware_leaves_what_was_known(state: str | None) -> None:
    assert told(state, latest_version="1.1") == {}


@pytest.mark.parametrize("version, shown", [(None, None), (17, None), ("1" * 900, "1" * VERSION_MAX)])
def test_a_strange_version_is_left_out_or_cut(version: Any, shown: str | None) -> None:
    assert told("on", latest_version=version) == {"firmware_update_available": True, "latest_firmware_version": shown}
