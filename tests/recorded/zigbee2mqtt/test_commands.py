"""Actions as the payloads that Zigbee2MQTT documents."""

from typing import Any

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.device import Device
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.test_bridge import INFO
from tests.recorded.zigbee2mqtt.test_states import CLIMATE, COVER, RGB, feature, onoff, with_features

WHITE = with_features("light", onoff(value_toggle="TOGGLE"), feature("numeric", "brightness", 7, value_max=254))
FAN = with_features(
    "fan",
    {**onoff(), "property": "fan_state"},
    {**feature("enum", "mode", 7, values=["low", "medium", "high", "auto"]), "property": "fan_mode"},
)
SIREN = {
    **feature("composite", "warning", 2),
    "features": [
        feature("enum", "mode", 2, values=["stop", "burglar", "fire", "emergency"]),
        feature("enum", "level", 2, values=["low", "medium", "high"]),
        feature("binary", "strobe", 2, value_on=True, value_off=False),
        feature("numeric", "duration", 2),
    ],
}


def device_with(*exposes: dict[str, Any]) -> tuple[Any, Device]:
    definition = {"model": "M", "vendor": "V", "description": "", "exposes": list(exposes), "supports_ota": True}
    driver, decoded = wire.bridge_with(wire.entry("0x1", "Hall/lamp 1", definition))
    return driver, wire.device_of(wire.advertised(decoded)["Hall/lamp 1"])


def sent(expose: dict[str, Any], action: str, **data: Any) -> Any:
    driver, device = device_with(expose)
    [(topic, body)] = wire.published(driver.encode(device, device.entities[0], action, data))
    assert topic == "zigbee2mqtt/Hall/lamp 1/set"
    return body


@pytest.mark.parametrize(
    "data, body",
    [
        ({}, {"state": "ON"}),
        ({"brightness": 255}, {"state": "ON", "brightness": 254}),
        ({"brightness": 128}, {"state": "ON", "brightness": 127}),
        ({"brightness": 1}, {"state": "ON", "brightness": 1}),
        ({"brightness": 0}, {"state": "OFF"}),
        ({"brightness_pct": 50, "transition": 2}, {"state": "ON", "brightness": 127, "transition": 2}),
        ({"brightness_pct": "50"}, {"state": "ON", "brightness": 127}),
        ({"brightness_step_pct": -10}, {"state": "ON", "brightness_step": -25}),
        ({"color_temp_kelvin": 2700}, {"state": "ON", "color_temp": 370}),
        ({"color_temp_kelvin": 10000}, {"state": "ON", "color_temp": 153}),
        ({"color_temp": 300}, {"state": "ON", "color_temp": 300}),
        ({"rgb_color": [255, 0, 10]}, {"state": "ON", "color": {"r": 255, "g": 0, "b": 10}}),
        ({"hs_color": [300, 70.5]}, {"state": "ON", "color": {"hue": 300, "saturation": 70.5}}),
        ({"color_name": "Dark Orange"}, {"state": "ON", "color": {"r": 255, "g": 140, "b": 0}}),
        ({"xy_color": (0.3, 0.6)}, {"state": "ON", "color": {"x": 0.3, "y": 0.6}}),
    ],
)
def test_a_light_is_turned_on_as_asked(data: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent(RGB, "light.turn_on", **data) == body


def test_a_light_leaves_out_what_it_cannot_show() -> None:
    assert sent(WHITE, "light.turn_on", rgb_color=[255, 0, 0], color_temp_kelvin=2700, effect="rainbow") == {
        "state": "ON"
    }


def test_a_light_without_white_shows_a_temperature_as_a_colour() -> None:
    colours = with_features(
        "light", onoff(), {**feature("composite", "color_xy", 7), "property": "color", "features": []}
    )
    assert sent(colours, "light.turn_on", color_temp_kelvin=6500)["color"] == {"x": 0.3135, "y": 0.3237}


def test_a_light_with_effects_flashes() -> None:
    driver, device = device_with(WHITE, feature("enum", "effect", 2, values=["blink", "breathe"]))
    [(_, body)] = wire.published(driver.encode(device, device.entities[0], "light.turn_on", {"flash": "short"}))
    assert body == {"state": "ON", "effect": "blink"}


def test_lights_turn_off_and_toggle() -> None:
    assert sent(RGB, "light.turn_off", transition=1.5) == {"state": "OFF", "transition": 1.5}
    assert sent(WHITE, "light.toggle") == {"state": "TOGGLE"}
    assert sent(WHITE, "homeassistant.turn_off") == {"state": "OFF"}


def test_the_light_of_an_endpoint_is_set_by_its_own_properties() -> None:
    light = with_features(
        "light",
        {**onoff(), "property": "state_l1", "endpoint": "l1"},
        {**feature("numeric", "brightness", 7, value_max=254), "property": "brightness_l1", "endpoint": "l1"},
        endpoint="l1",
    )
    assert sent(light, "light.turn_on", brightness=255) == {"state_l1": "ON", "brightness_l1": 254}


@pytest.mark.parametrize(
    "action, data, body",
    [
        ("cover.open_cover", {}, {"state": "OPEN"}),
        ("cover.close_cover", {}, {"state": "CLOSE"}),
        ("cover.stop_cover", {}, {"state": "STOP"}),
        ("cover.set_cover_position", {"position": 30}, {"position": 30}),
        ("cover.set_cover_tilt_position", {"tilt_position": 10}, {"tilt": 10}),
        ("cover.open_cover_tilt", {}, {"tilt": 100}),
    ],
)
def test_a_cover_moves_as_asked(action: str, data: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent(COVER, action, **data) == body


@pytest.mark.parametrize(
    "action, data, body",
    [
        ("climate.set_temperature", {"temperature": 21.5}, {"occupied_heating_setpoint": 21.5}),
        (
            "climate.set_temperature",
            {"temperature": 20, "hvac_mode": "heat"},
            {"system_mode": "heat", "occupied_heating_setpoint": 20},
        ),
        ("climate.set_hvac_mode", {"hvac_mode": "off"}, {"system_mode": "off"}),
        ("climate.set_preset_mode", {"preset_mode": "away"}, {"preset": "away"}),
        ("climate.turn_off", {}, {"system_mode": "off"}),
        ("climate.turn_on", {}, {"system_mode": "heat"}),
    ],
)
def test_a_thermostat_is_set_as_asked(action: str, data: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent(CLIMATE, action, **data) == body


@pytest.mark.parametrize(
    "action, data, body",
    [
        ("fan.turn_on", {}, {"fan_state": "ON"}),
        ("fan.turn_on", {"percentage": 50}, {"fan_mode": "medium"}),
        ("fan.set_percentage", {"percentage": 100}, {"fan_mode": "high"}),
        ("fan.set_percentage", {"percentage": 0}, {"fan_state": "OFF"}),
        ("fan.set_preset_mode", {"preset_mode": "auto"}, {"fan_mode": "auto"}),
    ],
)
def test_a_fan_runs_as_asked(action: str, data: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent(FAN, action, **data) == body


def test_single_properties_are_set() -> None:
    assert sent(feature("numeric", "delay", 7, value_min=0, value_max=60), "number.set_value", value=5.0) == {
        "delay": 5
    }
    assert sent(feature("enum", "sensitivity", 7, values=["low", "high"]), "select.select_option", option="high") == {
        "sensitivity": "high"
    }
    assert sent(feature("enum", "gain", 7, values=[1, 2]), "select.select_option", option="2") == {"gain": 2}
    assert sent(feature("text", "name", 7), "text.set_value", value="Hall") == {"name": "Hall"}
    assert sent(feature("enum", "identify", 2, values=["identify"]), "button.press") == {"identify": "identify"}
    assert sent(feature("binary", "led", 7, value_on=True, value_off=False), "switch.turn_on") == {"led": True}
    assert sent({**feature("composite", "rgb", 3), "features": []}, "text.set_value", value='{"r": 1}') == {
        "rgb": {"r": 1}
    }


def test_a_siren_wails_and_stops() -> None:
    assert sent(SIREN, "siren.turn_on", tone="fire", duration=30, volume_level=0.5) == {
        "warning": {"mode": "fire", "level": "medium", "strobe": True, "duration": 30}
    }
    assert sent(SIREN, "siren.turn_off")["warning"]["mode"] == "stop"


@pytest.mark.parametrize(
    "expose, action, data, words",
    [
        (RGB, "light.turn_on", {"brightness_pct": 200}, "Hall/lamp 1: brightness_pct has to be a number from 0 to 100"),
        (RGB, "light.turn_on", {"brightness": "bright"}, "not 'bright'"),
        (RGB, "light.turn_on", {"brightness": float("nan")}, "brightness has to be a number"),
        (RGB, "light.turn_on", {"rgb_color": [1, 2]}, "list of 3 numbers"),
        (RGB, "light.turn_on", {"color_name": "ultrablue"}, "rgb_color"),
        (RGB, "light.explode", {}, "light.turn_on, light.turn_off"),
        (RGB, "switch.turn_on", {}, "a light"),
        (with_features("switch", onoff()), "switch.toggle", {}, "cannot toggle"),
        (
            with_features("cover", feature("numeric", "tilt", 7)),
            "cover.set_cover_position",
            {"position": 1},
            "no position",
        ),
        (COVER, "cover.set_cover_position", {}, "position has to be a number"),
        (CLIMATE, "climate.set_temperature", {"temperature": 99}, "from 5 to 30"),
        (CLIMATE, "climate.set_temperature", {}, "needs a temperature"),
        (CLIMATE, "climate.set_hvac_mode", {"hvac_mode": "dry"}, "one of off, heat, auto"),
        (CLIMATE, "climate.set_fan_mode", {"fan_mode": "low"}, "no fan mode"),
        (feature("numeric", "delay", 7, value_min=0, value_max=60), "number.set_value", {"value": 61}, "from 0 to 60"),
        (feature("numeric", "temperature"), "sensor.turn_on", {}, "understands no commands|nothing that this can do"),
        ({**feature("composite", "rgb", 3), "features": []}, "text.set_value", {"value": "{"}, "has to be JSON"),
    ],
)
def test_what_cannot_be_done_is_said_in_words_for_people(
    expose: dict[str, Any], action: str, data: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotPossible, match=words):
        sent(expose, action, **data)


def test_a_device_is_asked_for_what_it_can_say() -> None:
    driver, device = device_with(RGB, feature("numeric", "power", 5), feature("numeric", "delay", 7))
    [(topic, body)] = wire.published(driver.encode_refresh(device))
    assert topic == "zigbee2mqtt/Hall/lamp 1/get"
    assert body == {"state": "", "brightness": "", "color_temp": "", "color": "", "power": ""}


def test_a_device_of_settings_only_is_asked_for_these() -> None:
    driver, device = device_with(feature("numeric", "delay", 7))
    assert wire.published(driver.encode_refresh(device)) == [("zigbee2mqtt/Hall/lamp 1/get", {"delay": ""})]


def test_a_device_that_only_speaks_by_itself_is_not_asked() -> None:
    driver, device = device_with(feature("numeric", "temperature"))
    assert driver.encode_refresh(device) == []


def test_the_bridge_is_asked_to_set_a_device_up_afresh_and_to_update_it() -> None:
    driver, device = device_with(RGB)
    assert wire.published(driver.encode_reconfigure(device)) == [
        ("zigbee2mqtt/bridge/request/device/configure", {"id": "0x1"})
    ]
    assert wire.published(driver.encode_interview(device)) == [
        ("zigbee2mqtt/bridge/request/device/interview", {"id": "0x1"})
    ]
    update = wire.entity_of(device, "update")
    assert wire.published(driver.encode(device, update, "update.install", {})) == [
        ("zigbee2mqtt/bridge/request/device/ota_update/update", {"id": "0x1", "transaction": "nexa update 0x1"})
    ]


def test_the_bridge_itself_is_commanded_and_asked() -> None:
    driver, _ = device_with(RGB)
    bridge = wire.device_of(wire.advertised(wire.say(driver, "bridge/info", INFO))["Zigbee2MQTT Bridge"])
    requests = "zigbee2mqtt/bridge/request"
    permit, restart = wire.entity_of(bridge, "permit_join"), wire.entity_of(bridge, "restart")
    asked = [
        *wire.published(driver.encode(bridge, permit, "switch.turn_on", {})),
        *wire.published(driver.encode(bridge, restart, "button.press", {})),
        *wire.published(
            driver.encode(bridge, wire.entity_of(bridge, "log_level"), "select.select_option", {"option": "debug"})
        ),
    ]
    assert [(topic, {name: body[name] for name in body if name != "transaction"}) for topic, body in asked] == [
        (f"{requests}/permit_join", {"value": True, "time": 254}),
        (f"{requests}/restart", {}),
        (f"{requests}/options", {"options": {"advanced": {"log_level": "debug"}}}),
    ]
    assert all(body["transaction"].endswith(bridge.origin.native_id) for _, body in asked)
    assert wire.published(driver.encode_refresh(bridge)) == [(f"{requests}/health_check", {})]
    assert wire.published(driver.encode_reconfigure(bridge)) == [(f"{requests}/restart", {})]
    with pytest.raises(NotPossible):
        driver.encode(bridge, wire.entity_of(bridge, "connection"), "binary_sensor.turn_on", {})


def test_a_device_of_an_unknown_address_is_told_so() -> None:
    driver, device = device_with(RGB)
    lost = wire.lost_device({})
    with pytest.raises(NotPossible, match="address"):
        driver.encode(lost, device.entities[0], "light.turn_on", {})
