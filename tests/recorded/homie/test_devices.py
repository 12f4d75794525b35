"""What becomes of trees (convention 3 and 4) and of descriptions (5): devices, entities, who is there."""

import json
import random
from typing import Any

import pytest

from hub_agent.drivers.homie import Homie
from hub_agent.errors import NotPossible
from hub_agent.model.device import Alias, DeviceType, Origin
from hub_agent.model.report import (
    AvailabilityReported,
    DeviceGone,
    MqttMessage,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)
from tests.recorded.homie.corpus import DATA, GATEWAY_5, LAMP_5, VALUES_4, corpus, tree_4


def test_a_tree_is_told_once_when_its_device_is_ready(home) -> None:
    assert home.hear("homie/house/$homie", "4.0.0", retained=True) == [Subscribe(("homie/house/#",))]
    assert [each.code for each in home.driver.unexplained()] == ["description_missing"]
    home.house()
    assert home.count == 1
    assert home.driver.unexplained() == ()
    said = home.advertisements["house"]
    assert (said.name, said.aliases) == ("House", (Alias("homie", "house"),))
    assert home.there == {"house": True}


def test_nodes_that_are_lights_and_covers_are_such_and_the_rest_goes_by_its_datatype(home) -> None:
    home.house()
    told = {entity.key: (entity.name, sorted(entity.capabilities)) for entity in home.advertisements["house"].entities}
    assert told == {
        "light.light": ("Light", ["brightness", "color", "on"]),
        "cover.shutter": ("Shutter", ["open", "position"]),
        "sensor.climate.temperature": ("Climate Temperature", ["temperature"]),
        "sensor.climate.humidity": ("Climate Humidity", ["humidity"]),
        "number.climate.setpoint": ("Climate Setpoint", ["temperature"]),
        "select.climate.mode": ("Climate Mode", ["mode"]),
        "binary_sensor.climate.window": ("Climate Window", ["on"]),
        "event.panel.button": ("Panel Button", ["event"]),
        "text.panel.text": ("Panel Text", ["text"]),
        "switch.panel.pump": ("Panel Pump", ["on"]),
        "alert": ("Alert", ["on"]),
    }
    assert home.entity("house", "binary_sensor.climate.window").device_class == "window"


def test_values_are_states_in_the_words_of_home_assistant(home) -> None:
    home.house()
    assert {key: state for (_, key), state in home.states.items()} == {
        "light.light": "on", "cover.shutter": "open", "sensor.climate.temperature": "21.5", "sensor.climate.humidity": "40",
        "number.climate.setpoint": "20", "select.climate.mode": "heat", "binary_sensor.climate.window": "off", "text.panel.text": "hello",
        "switch.panel.pump": "off", "alert": "off",
    }  # fmt: skip
    assert home.attributes["house", "light.light"]["brightness"] == 128
    assert home.attributes["house", "light.light"]["hs_color"] == [240, 100]
    assert home.attributes["house", "cover.shutter"]["current_position"] == 30


@pytest.mark.parametrize("seed", range(20))
def test_retained_topics_come_in_any_order_and_make_the_same_device(home, new_home, seed: int) -> None:
    home.house()
    said = [
        (place, text)
        for place, text in (*tree_4(), *VALUES_4.items())
        if (place, text) not in {("$state", "init"), ("$homie", "4.0.0")}
    ]
    random.Random(seed).shuffle(said)
    other = new_home()
    for place, text in (("$homie", "4.0.0"), *said):
        other.hear(f"homie/house/{place}", text, retained=True)
    assert other.advertisements["house"] == home.advertisements["house"]
    # What it was taken for before all was said is gone with that entity.
    assert ({place: other.states[place] for place in home.states}, other.there) == (home.states, home.there)


def test_the_cover_goes_up_down_stops_and_to_a_position(home) -> None:
    home.house()
    assert home.tell("house", "cover.shutter", "cover.open_cover") == [("homie/house/shutter/action/set", "up")]
    assert home.tell("house", "cover.shutter", "cover.stop_cover") == [("homie/house/shutter/action/set", "stop")]
    assert home.tell("house", "cover.shutter", "cover.set_cover_position", position=55) == [
        ("homie/house/shutter/position/set", "55")
    ]


@pytest.mark.parametrize(
    "key, action, data, sent",
    [
        ("switch.panel.pump", "switch.turn_on", {}, ("panel/pump", "true")),
        ("number.climate.setpoint", "number.set_value", {"value": 21.5}, ("climate/setpoint", "21.5")),
        ("number.climate.setpoint", "number.set_value", {"value": 99}, ("climate/setpoint", "30")),
        ("select.climate.mode", "select.select_option", {"option": "auto"}, ("climate/mode", "auto")),
        ("text.panel.text", "text.set_value", {"value": "bye"}, ("panel/text", "bye")),
        ("light.light", "light.turn_off", {}, ("light/power", "false")),
    ],
)
def test_properties_are_set_below_their_topic_and_not_retained(
    home, key: str, action: str, data: dict[str, Any], sent: tuple[str, str]
) -> None:
    home.house()
    assert home.tell("house", key, action, **data) == [(f"homie/house/{sent[0]}/set", sent[1])]


def test_a_light_of_convention_4_is_commanded_in_its_own_scale_and_notation(home) -> None:
    home.house()
    sent = home.tell("house", "light.light", "light.turn_on", brightness=255, rgb_color=[0, 255, 0])
    assert sent == [
        ("homie/house/light/color/set", "120,100,100"),
        ("homie/house/light/dim/set", "1"),
        ("homie/house/light/power/set", "true"),
    ]
    with pytest.raises(NotPossible, match="no colour temperature"):
        home.tell("house", "light.light", "light.turn_on", color_temp_kelvin=3000)


def test_an_event_is_heard_once_and_not_when_retained(home) -> None:
    home.house()
    (report,) = home.hear("homie/house/panel/button", "double")
    assert dict(report.entities[0].attributes) == {"event_type": "double"}
    assert not home.hear("homie/house/panel/button", "double", retained=True)


@pytest.mark.parametrize(
    "text, is_there", [("sleeping", True), ("alert", True), ("disconnected", False), ("lost", False)]
)
def test_the_state_says_whether_the_device_is_there(home, text: str, is_there: bool) -> None:
    home.house()
    assert AvailabilityReported(Origin("homie", "house"), is_there) in home.hear("homie/house/$state", text)
    assert home.states["house", "alert"] == ("on" if text == "alert" else "off")


def test_a_state_that_is_none_and_a_value_that_is_none_are_rejected(home) -> None:
    home.house()
    for topic, text in (
        ("$state", "asleep"),
        ("climate/temperature", "warm"),
        ("panel/pump", "ON"),
        ("climate/mode", "cool"),
    ):
        (rejected,) = home.hear(f"homie/house/{topic}", text)
        assert isinstance(rejected, Rejected), topic
    assert home.states["house", "sensor.climate.temperature"] == "21.5"


def test_a_device_that_describes_itself_anew_is_told_anew(home) -> None:
    home.house()
    home.hear("homie/house/$state", "init")
    home.hear("homie/house/panel/$properties", "button,text,pump,fan")
    home.hear("homie/house/panel/fan/$datatype", "boolean")
    home.hear("homie/house/panel/fan/$settable", "true")
    home.hear("homie/house/$state", "ready")
    assert home.count == 2
    assert home.entity("house", "switch.panel.fan").name == "Panel Fan"


def test_the_example_of_the_convention_is_told_although_it_leaves_things_out(home) -> None:
    for each in json.loads((DATA / "homie4_super_car.json").read_text()):
        home.hear(each["topic"], each["payload"], retained=True)
        home.hear("homie/super-car/wheels/$properties", "", retained=True)
        home.hear("homie/super-car/lights/$properties", "", retained=True)
    assert home.advertisements == {}
    home.hear("homie/super-car/engine/temperature", "22")
    assert home.advertisements["super-car"].name == "Super car"
    assert home.states["super-car", "sensor.engine.temperature"] == "22"


def test_firmware_address_and_mac_of_the_older_extension_are_known(home) -> None:
    more = [("$fw/version", "2.1"), ("$mac", "DE:AD:BE:EF:FE:ED"), ("$implementation", "esp8266")]
    for place, text in (("$homie", "3.0.1"), *more, *tree_4(version="3.0.1")):
        home.hear(f"homie/house/{place}", text, retained=True)
    said = home.advertisements["house"]
    assert (said.firmware_version, said.model, said.aliases[0]) == ("2.1", "esp8266", Alias("mac", "deadbeeffeed"))
    (seen,) = home.hear("homie/house/$stats/signal", "64")
    assert isinstance(seen, Reported)
    assert seen.observed == {"signal_strength": 64}


def test_a_description_is_told_at_once_with_its_parent(home) -> None:
    home.lamp()
    lamp, gateway = home.advertisements["desk-lamp"], home.advertisements["gateway"]
    assert (lamp.name, lamp.model, lamp.via, lamp.device_type) == (
        "Desk lamp",
        "acme-lamp",
        Origin("homie", "gateway"),
        DeviceType.LIGHT,
    )
    assert gateway.device_type == DeviceType.BRIDGE
    assert home.entity("desk-lamp", "light.lamp").name is None
    assert home.entity("gateway", "button.system.restart").device_class == "restart"


def test_a_lamp_of_convention_5_speaks_in_several_notations(home) -> None:
    home.lamp()
    for place, text in (("power", "true"), ("brightness", "128"), ("color", "rgb,255,0,0")):
        home.hear(f"homie/5/desk-lamp/lamp/{place}", text, retained=True)
    attributes = home.attributes["desk-lamp", "light.lamp"]
    assert (home.states["desk-lamp", "light.lamp"], attributes["brightness"], attributes["hs_color"]) == (
        "on",
        128,
        [0, 100],
    )
    home.hear("homie/5/desk-lamp/lamp/color", "hsv,240,100,50")
    assert attributes["rgb_color"] == [0, 0, 255]
    home.hear("homie/5/desk-lamp/lamp/color-temperature", "250")
    assert attributes["color_temp_kelvin"] == 4000
    sent = home.tell(
        "desk-lamp", "light.lamp", "light.turn_on", brightness=64, hs_color=[120, 100], color_temp_kelvin=2000
    )
    assert sent == [
        ("homie/5/desk-lamp/lamp/color-temperature/set", "500"),
        ("homie/5/desk-lamp/lamp/color/set", "rgb,0,255,0"),
        ("homie/5/desk-lamp/lamp/brightness/set", "64"),
        ("homie/5/desk-lamp/lamp/power/set", "true"),
    ]


def test_a_meter_is_measured_in_the_units_of_the_vocabulary(home) -> None:
    home.lamp()
    home.hear("homie/5/desk-lamp/meter/temperature", "77")
    assert home.states["desk-lamp", "sensor.meter.temperature"] == "25"
    energy = home.entity("desk-lamp", "sensor.meter.energy")
    assert (energy.device_class, energy.unit, energy.state_class) == ("energy", "kWh", "total_increasing")


def test_the_step_of_a_setting_is_turned_into_the_unit_of_the_vocabulary(home) -> None:
    target = {"datatype": "float", "settable": True, "unit": "°F", "format": "41:95:0.9"}
    body = {"homie": "5.0", "version": 1, "name": "Boiler", "nodes": {"heating": {"properties": {"target": target}}}}
    home.hear("homie/5/boiler/$description", json.dumps(body))

    [capability] = home.entity("boiler", "number.heating.target").capabilities.values()
    assert (capability.unit, capability.min, capability.max, capability.step) == ("°C", 5, 35, 0.5)


def test_children_are_lost_with_their_parent_and_back_with_it(home) -> None:
    home.lamp()
    home.hear("homie/5/gateway/$state", "lost")
    assert home.there == {"gateway": False, "desk-lamp": False}
    home.hear("homie/5/gateway/$state", "ready")
    assert home.there == {"gateway": True, "desk-lamp": True}


def test_alerts_stand_until_they_are_cleared(home) -> None:
    home.lamp()
    home.hear("homie/5/gateway/$alert/battery", "is low", retained=True)
    assert home.states["gateway", "alert"] == "on"
    home.hear("homie/5/gateway/$alert/battery", "")
    assert home.states["gateway", "alert"] == "off"


def test_another_first_level_is_another_device(home) -> None:
    home.hear("ebus/5/desk-lamp/$description", LAMP_5, retained=True)
    assert home.advertisements["ebus/desk-lamp"].via == Origin("homie", "ebus/gateway")
    sent = home.tell("ebus/desk-lamp", "light.lamp", "light.turn_off")
    assert sent == [("ebus/5/desk-lamp/lamp/power/set", "false")]


def test_a_device_that_learns_convention_5_stays_the_same(home) -> None:
    home.house()
    decoded = home.hear("homie/5/house/$description", GATEWAY_5)
    assert Unsubscribe(("homie/house/#",)) in decoded
    assert home.advertisements["house"].name == "Gateway"
    assert home.hear("homie/house/climate/temperature", "3") == ()


def test_what_is_taken_away_is_gone(home) -> None:
    home.house().lamp()
    assert DeviceGone(Origin("homie", "house")) in home.hear("homie/house/$homie", "")
    assert DeviceGone(Origin("homie", "desk-lamp")) in home.hear("homie/5/desk-lamp/$state", "")


def test_what_the_mirror_kept_is_enough_to_go_on(home, new_home) -> None:
    home.house().lamp()
    again = new_home()
    topics = again.driver.restore([home.device("house"), home.device("desk-lamp")])
    assert topics == ("homie/house/#", "homie/5/desk-lamp/+/+")
    again.hear("homie/house/climate/temperature", "19")
    assert again.states["house", "sensor.climate.temperature"] == "19"
    again.house()
    assert again.count == 0
    assert (
        Homie().encode(home.device("house"), home.device("house").entities[0], "light.turn_off", {})[0].payload
        == b"false"
    )


def test_a_released_device_is_heard_no_more(home) -> None:
    home.house()
    assert home.driver.release(home.device("house")) == ("homie/house/#",)
    assert home.hear("homie/house/$homie", "4.0.0") == ()


@pytest.mark.parametrize(
    "body, code",
    [
        (b"{", "not_json"),
        (b"[]", "key_wrong"),
        (b'{"homie": "6.0"}', "key_wrong"),
        (b" " * 300_000 + b"{", "too_large"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused_and_the_last_good_one_stays(home, body: bytes, code: str) -> None:
    home.lamp()
    (rejected,) = home.hear("homie/5/desk-lamp/$description", body)
    assert rejected.code == code
    assert home.tell("desk-lamp", "light.lamp", "light.turn_off")


def test_the_corpus_is_understood() -> None:
    driver = Homie()
    decoded = [each for message in corpus() for each in driver.decode(message)]
    assert not [each for each in decoded if isinstance(each, Rejected)]
    assert driver.decode(MqttMessage("homie/$broadcast/alert", b"fire")) == ()
