"""The demo's automations and scenes name what the hub will find in the simulated home."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hub_agent.core.inventory import Inventory
from hub_agent.drivers.registry import Dialects, default_drivers
from hub_agent.model.device import Advertisement
from hub_agent.model.report import MqttMessage
from tests.fakes.home.home import SimulatedHome

START = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
DEFINITIONS = json.loads((Path(__file__).parents[2] / "fakes/home/definitions.json").read_text(encoding="utf-8"))
DEVICE_DOMAINS = ("binary_sensor", "sensor", "light", "switch", "cover", "climate", "event")
ACTION = re.compile(r"\.(turn_on|turn_off|open_cover|close_cover|set_temperature)$")


@pytest.fixture(scope="module")
def devices():
    home, dialects = SimulatedHome(1), Dialects(default_drivers())
    inventory = Inventory(DEFINITIONS["homes"][0]["id"])
    said = home.start(START)
    while (timer := home.get_timer()) is not None and timer < START + timedelta(seconds=20):
        said += home.handle_timer(timer)
    for each in said:
        for decoded in dialects.decode(MqttMessage(each.topic, each.payload, each.retain)):
            if isinstance(decoded, Advertisement):
                inventory.advertise(decoded, START)
    return list(inventory.devices())


def test_every_entity_that_is_named_will_be_found(devices) -> None:
    found = {entity.id for device in devices for entity in device.entities}
    named = set(re.findall(rf'"((?:{"|".join(DEVICE_DOMAINS)})\.[a-z0-9_]+)"', json.dumps(DEFINITIONS)))

    assert {each for each in named if not ACTION.search(each)} <= found


def test_every_scene_names_the_device_of_each_of_its_entities(devices) -> None:
    device_by_entity = {entity.id: device.id for device in devices for entity in device.entities}

    for scene in DEFINITIONS["scenes"]:
        for wanted in scene["device_states"]:
            assert {device_by_entity[entity_id] for entity_id in wanted["desired_state"]} == {wanted["device_id"]}


def test_every_device_has_a_room_that_is_there(devices) -> None:
    rooms = {room["name"] for room in DEFINITIONS["rooms"]}

    assert set(DEFINITIONS["device_rooms"].values()) <= rooms
    assert set(DEFINITIONS["device_rooms"]) <= {device.name for device in devices}


def test_scenes_that_automations_call_are_there() -> None:
    slugs = {scene["name"].lower().replace(" ", "_") for scene in DEFINITIONS["scenes"]}
    called = set(re.findall(r'"scene\.([a-z_]+)"', json.dumps(DEFINITIONS["automations"]))) - {"turn_on"}

    assert called <= slugs


def test_ids_are_uuids_and_no_two_are_alike() -> None:
    ids = [row["id"] for table in ("rooms", "automations", "scenes") for row in DEFINITIONS[table]]

    assert len({UUID(each) for each in ids}) == len(ids)
