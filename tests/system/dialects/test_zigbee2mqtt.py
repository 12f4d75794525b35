"""Zigbee2MQTT itself, over a simulated radio, a real broker, and the whole agent beside them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_agent.model.definition import Definition
from tests.fakes.broker import EmbeddedBroker
from tests.peers.zigbee2mqtt.program import (
    LAMP,
    OTHER_LAMP,
    PLUG,
    WEATHER,
    Zigbee2MqttProgram,
    aqara_weather,
    ikea_lamp,
    sonoff_plug,
)
from tests.system.conftest import SCENE_ID, Hub, publish_to, wait_for

pytestmark = pytest.mark.heavy

NAMES = {LAMP: "Kitchen/Ceiling lamp", OTHER_LAMP: "Desk lamp", PLUG: "Kettle", WEATHER: "Balcony"}
CEILING, DESK, KETTLE = "light.kitchen_ceiling_lamp", "light.desk_lamp", "switch.kettle"
EVENING = Definition(
    "scene",
    SCENE_ID,
    {
        "name": "Evening",
        "is_active": True,
        "device_states": [
            {"device_id": None, "desired_state": {CEILING: {"state": "on", "attributes": {"brightness": 40}}}},
            {"device_id": None, "desired_state": {DESK: {"state": "on", "attributes": {"color_temp_kelvin": 2700}}}},
            {"device_id": None, "desired_state": {KETTLE: {"state": "off"}}},
        ],
    },
)
# The group that keeps it, by the first digits of its id.
KEPT_IN = f"nexa_{SCENE_ID[:8]}"


class House:
    """Four devices that have joined, their bridge, and the hub."""

    def __init__(self, folder: Path) -> None:
        self.broker = EmbeddedBroker(folder).start()
        self.bridge = Zigbee2MqttProgram(folder, self.broker.port, NAMES)
        self.hub = Hub(folder, self.broker.port)

    def start(self) -> None:
        self.hub.remember(EVENING)
        self.hub.start()
        self.bridge.start()
        self.hub.wait(lambda: self.named("Zigbee2MQTT Bridge"))
        self.call("switch.turn_on", "switch.zigbee2mqtt_bridge_permit_join")
        self.hub.wait_for_state("switch.zigbee2mqtt_bridge_permit_join", "on")
        self.bridge.join(ikea_lamp(LAMP, 0x1111), ikea_lamp(OTHER_LAMP, 0x1112), sonoff_plug(), aqara_weather())
        self.hub.wait(lambda: all((self.named(name) or {}).get("entities") for name in NAMES.values()))

    def close(self) -> None:
        self.hub.close()
        self.bridge.kill()
        self.broker.stop()

    def named(self, name: str) -> Any:
        return next((device for device in self.hub.get("devices") if device["name"] == name), None)

    def entities(self, name: str) -> dict[str, Any]:
        return {entity["id"]: entity for entity in self.named(name)["entities"]}

    def call(self, action: str, *target: str, **data: Any) -> Any:
        answer = self.hub.post("call", {"action": action, "target": list(target), "data": data})
        return [(command["entity_id"], command["outcome"]) for command in answer["commands"]]

    def ask(self, request: str, body: Any) -> None:
        """As somebody else asks the bridge: its own page, say."""
        publish_to(self.broker.port, f"zigbee2mqtt/bridge/request/{request}", json.dumps(body))

    def scenes_kept_by(self, ieee: str) -> list[dict[str, Any]]:
        return list(self.bridge.device(ieee)["scenes"].values())

    def radio(self, ieee: str, cluster: str) -> dict[str, Any]:
        attributes: dict[str, Any] = self.bridge.device(ieee)["attributes"][cluster]
        return attributes


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("zigbee2mqtt"))
    try:
        house.start()
        yield house
    finally:
        house.close()


def wait(look: Any, house: House) -> Any:
    return wait_for(look, told=lambda: f"{house.hub.log()[-3000:]}\n{house.bridge.log()}")


def test_devices_that_join_are_in_the_hub_with_all_they_can_do(house: House) -> None:
    lamp = house.named("Kitchen/Ceiling lamp")
    assert (lamp["brand"], lamp["model"], lamp["device_type"]) == ("IKEA", "LED1545G12", "light")
    assert (lamp["protocol"], lamp["dialect"], lamp["availability"]) == ("zigbee", "zigbee2mqtt", "available")
    light = house.entities("Kitchen/Ceiling lamp")[CEILING]
    assert {"on", "brightness", "color_temp"} <= set(light["capabilities"])
    assert light["capabilities"]["color_temp"]["unit"] == "K"
    assert "button.kitchen_ceiling_lamp_identify" in house.entities("Kitchen/Ceiling lamp")
    assert house.named("Kettle")["device_type"] == "switch"
    # Home Assistant's discovery tells of the same devices: they are there once.
    assert len([device for device in house.hub.get("devices") if device["name"] == "Desk lamp"]) == 1


def test_a_command_reaches_the_lamp_and_is_confirmed_by_it(house: House) -> None:
    done = house.hub.cli("devices", "set", CEILING, "brightness=40", "color_temp=3000", "transition=0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "confirmed" in done.stdout
    assert house.radio(LAMP, "genLevelCtrl")["currentLevel"] == 102
    assert house.radio(LAMP, "lightingColorCtrl")["colorTemperature"] == 333
    assert house.call("switch.turn_on", KETTLE) == [(KETTLE, "confirmed")]
    assert house.radio(PLUG, "genOnOff") == {"onOff": 1}


def test_what_a_device_says_by_itself_is_heard(house: House) -> None:
    house.bridge.radio("report", WEATHER, cluster="msTemperatureMeasurement", attributes={"measuredValue": 2134})
    house.hub.wait_for_state("sensor.balcony_temperature", "21.34")
    temperature = house.entities("Balcony")["sensor.balcony_temperature"]
    assert (temperature["unit"], temperature["device_class"]) == ("°C", "temperature")
    house.bridge.radio("report", PLUG, cluster="genOnOff", attributes={"onOff": 0})
    house.hub.wait_for_state(KETTLE, "off")


def test_a_lamp_that_refuses_fails_the_command_with_a_reason(house: House) -> None:
    house.bridge.radio("silence", OTHER_LAMP)
    try:
        told = house.hub.cli("devices", "set", DESK, "brightness=10")
    finally:
        house.bridge.radio("wake", OTHER_LAMP)
    assert told.returncode == 1
    assert "failed" in told.stdout
    assert f"no answer from {OTHER_LAMP}" in told.stdout


def test_a_device_is_found_by_its_blinking(house: House) -> None:
    before = house.bridge.device(LAMP)["identified"]
    assert house.call("button.press", "button.kitchen_ceiling_lamp_identify") == [
        ("button.kitchen_ceiling_lamp_identify", "sent")
    ]
    wait(lambda: house.bridge.device(LAMP)["identified"] == before + 1, house)


def test_an_option_of_the_bridge_for_a_device_is_set_and_said(house: House) -> None:
    option = "number.desk_lamp_transition"
    assert house.hub.states()[option] == "0"
    assert house.call("number.set_value", option, value=2) == [(option, "confirmed")]
    house.hub.wait_for_state(option, "2")


def test_a_group_appears_is_commanded_as_one_keeps_scenes_and_goes(house: House) -> None:
    house.ask("group/add", {"friendly_name": "Lamps", "id": 7})
    for ieee in (LAMP, OTHER_LAMP):
        house.ask("group/members/add", {"group": "Lamps", "device": ieee})
    house.hub.wait(lambda: "light.lamps" in house.hub.states())
    # It is announced for Home Assistant as well, and is one group still.
    assert len([device for device in house.hub.get("devices") if device["name"] == "Lamps"]) == 1

    assert house.call("light.turn_on", "light.lamps", brightness=255) == [("light.lamps", "confirmed")]
    for ieee in (LAMP, OTHER_LAMP):
        assert house.radio(ieee, "genLevelCtrl")["currentLevel"] == 254
    house.hub.wait_for_state(DESK, "on")

    publish_to(house.broker.port, "zigbee2mqtt/Lamps/set", '{"scene_store": {"ID": 3, "name": "Bright"}}')
    house.hub.wait(lambda: "scene.lamps_bright" in house.hub.states())
    house.call("light.turn_off", "light.lamps")
    assert house.radio(LAMP, "genOnOff") == {"onOff": 0}
    assert house.call("scene.turn_on", "scene.lamps_bright") == [("scene.lamps_bright", "sent")]
    wait(lambda: house.radio(LAMP, "genOnOff") == {"onOff": 1}, house)
    house.hub.wait_for_state(CEILING, "on")

    publish_to(house.broker.port, "zigbee2mqtt/Lamps/set", '{"scene_remove": 3}')
    house.hub.wait(lambda: "scene.lamps_bright" not in house.hub.states())
    house.ask("group/remove", {"id": "Lamps"})
    house.hub.wait(lambda: "light.lamps" not in house.hub.states())


def test_a_scene_of_the_home_is_kept_by_its_devices_and_recalled_by_one_word(house: House) -> None:
    wait(lambda: all(house.scenes_kept_by(ieee) for ieee in (LAMP, OTHER_LAMP, PLUG)), house)
    assert house.scenes_kept_by(LAMP) == [{"genOnOff": {"onOff": 1}, "genLevelCtrl": {"currentLevel": 40}}]
    assert house.scenes_kept_by(PLUG) == [{"genOnOff": {"onOff": 0}}]
    assert not [device for device in house.hub.get("devices") if device["name"].startswith("nexa_")]
    house.call("switch.turn_on", KETTLE)
    house.call("light.turn_off", CEILING)

    told = house.hub.cli("scenes", "activate", "Evening")

    assert told.returncode == 0, told.stdout + told.stderr
    assert house.radio(LAMP, "genLevelCtrl")["currentLevel"] == 40
    assert house.radio(PLUG, "genOnOff") == {"onOff": 0}
    assert "Successfully recalled group scene" in house.bridge.log(), "one word for all, not one for each"


def test_a_kept_scene_that_somebody_took_away_is_put_back(house: House) -> None:
    house.ask("group/remove", {"id": KEPT_IN})
    wait(lambda: not house.bridge.device(LAMP)["groups"], house)
    wait(lambda: house.bridge.device(LAMP)["groups"] and house.scenes_kept_by(LAMP), house)


def test_a_device_renamed_at_the_bridge_stays_the_same_device(house: House) -> None:
    before = house.named("Kettle")
    house.ask("device/rename", {"from": "Kettle", "to": "Tea"})
    after = house.hub.wait(lambda: house.named("Tea"))
    assert after["id"] == before["id"]
    assert KETTLE in {entity["id"] for entity in after["entities"]}
    assert house.call("switch.turn_on", KETTLE) == [(KETTLE, "confirmed")]
    house.ask("device/rename", {"from": "Tea", "to": "Kettle"})
    house.hub.wait(lambda: house.named("Kettle"))


def test_a_lamp_without_power_is_unavailable_until_it_is_heard_again(house: House) -> None:
    # Two seconds instead of ten minutes.
    patience = {"availability": {"timeout": 0.03, "max_jitter": 0}}
    house.ask("device/options", {"id": OTHER_LAMP, "options": patience})
    wait(lambda: "max_jitter" in (house.bridge.folder / "configuration.yaml").read_text(), house)
    house.bridge.radio("wake", OTHER_LAMP)
    house.bridge.radio("silence", OTHER_LAMP)
    house.hub.wait_for_state(DESK, "unavailable")
    assert house.named("Desk lamp")["availability"] == "unavailable"
    house.ask("device/options", {"id": OTHER_LAMP, "options": {"availability": True}})
    house.bridge.radio("wake", OTHER_LAMP)
    house.hub.wait(lambda: house.named("Desk lamp")["availability"] == "available")


def test_a_bridge_that_is_killed_takes_its_devices_with_it_and_brings_them_back(house: House) -> None:
    house.bridge.kill()
    house.hub.wait_for_state(CEILING, "unavailable")
    house.hub.wait_for_state("binary_sensor.zigbee2mqtt_bridge_connection_state", "off")

    house.bridge.start()
    house.hub.wait(lambda: house.hub.states()[CEILING] in {"on", "off"})
    # It says that it is there some time before it listens.
    house.hub.wait(lambda: house.call("light.turn_on", CEILING, brightness_pct=50)[0][1] == "confirmed")
    assert house.radio(LAMP, "genLevelCtrl")["currentLevel"] == 127


def test_a_device_that_is_removed_or_leaves_is_gone_and_comes_back_as_itself(house: House) -> None:
    before = house.named("Kettle")["id"]
    house.ask("device/remove", {"id": "Kettle"})
    house.hub.wait(lambda: KETTLE not in house.hub.states())
    house.bridge.radio("leave", WEATHER)
    house.hub.wait(lambda: not house.named("Balcony"))

    assert house.call("switch.turn_on", "switch.zigbee2mqtt_bridge_permit_join")
    house.bridge.join(sonoff_plug())
    house.hub.wait(lambda: KETTLE in house.hub.states())
    assert next(device["id"] for device in house.hub.get("devices") if device["brand"] == "SONOFF") == before


def test_nothing_that_the_bridge_says_is_strange_to_the_hub(house: House) -> None:
    """The whole of what the program said in these tests was understood."""
    strange = [each for each in house.hub.get("rejected") if each["topic"].startswith("zigbee2mqtt/")]
    assert strange == []
    assert "Traceback" not in house.hub.log()
