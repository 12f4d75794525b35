"""Payloads in Home Assistant's words."""

from typing import Any

import pytest

from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.model.report import EntityReport, Rejected, Reported
from tests.recorded.zigbee2mqtt import wire


def feature(kind: str, name: str, access: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "property": name, "access": access, **more}


def onoff(on: Any = "ON", off: Any = "OFF", **more: Any) -> dict[str, Any]:
    return feature("binary", "state", 7, value_on=on, value_off=off, **more)


def with_features(kind: str, *features: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, "features": list(features), **more}


def driver_for(*exposes: dict[str, Any]) -> Zigbee2Mqtt:
    definition = {"model": "M", "vendor": "V", "description": "", "exposes": list(exposes), "supports_ota": True}
    return wire.bridge_with(wire.entry("0x1", "D", definition))[0]


def said(driver: Zigbee2Mqtt, **payload: Any) -> dict[str, tuple[str | None, dict[str, Any]]]:
    return wire.states(wire.say(driver, "D", payload))


RGB = with_features(
    "light",
    onoff(),
    feature("numeric", "brightness", 7, value_min=0, value_max=254),
    feature("numeric", "color_temp", 7, value_min=153, value_max=500),
    {
        "type": "composite",
        "name": "color_xy",
        "property": "color",
        "access": 7,
        "features": [feature("numeric", "x", 7), feature("numeric", "y", 7)],
    },
    {
        "type": "composite",
        "name": "color_hs",
        "property": "color",
        "access": 7,
        "features": [feature("numeric", "hue", 7), feature("numeric", "saturation", 7)],
    },
)


@pytest.mark.parametrize("raw, brightness", [(0, 0), (1, 1), (127, 128), (128, 129), (254, 255), (300, 255)])
def test_brightness_is_of_255(raw: int, brightness: int) -> None:
    assert said(driver_for(RGB), state="ON", brightness=raw)["light"] == ("on", {"brightness": brightness})


def test_a_white_light_has_a_temperature_in_kelvin_and_no_colour() -> None:
    payload = {"state": "ON", "color_mode": "color_temp", "color_temp": 370, "color": {"x": 0.46, "y": 0.41}}
    assert said(driver_for(RGB), **payload)["light"] == (
        "on",
        {"color_mode": "color_temp", "color_temp_kelvin": 2703, "hs_color": None, "rgb_color": None, "xy_color": None},
    )


def test_a_coloured_light_has_its_colour_in_every_notation() -> None:
    payload = {
        "state": "ON",
        "color_mode": "xy",
        "color_temp": 370,
        "color": {"x": 0.701, "y": 0.299, "hue": 0, "saturation": 100},
    }
    assert said(driver_for(RGB), **payload)["light"] == (
        "on",
        {
            "color_mode": "xy",
            "color_temp_kelvin": None,
            "hs_color": [0, 100],
            "rgb_color": [255, 0, 0],
            "xy_color": [0.701, 0.299],
        },
    )


@pytest.mark.parametrize(
    "colour, rgb",
    [
        ({"x": 0.64, "y": 0.33}, [255, 0, 0]),
        ({"hue": 120, "saturation": 100}, [0, 255, 0]),
        ({"r": 0, "g": 0, "b": 255}, [0, 0, 255]),
        ({"x": 0.3127, "y": 0.329}, [255, 255, 255]),
    ],
)
def test_one_notation_of_a_colour_is_enough(colour: dict[str, float], rgb: list[int]) -> None:
    seen = said(driver_for(RGB), state="ON", color_mode="xy", color=colour)["light"][1]["rgb_color"]
    assert all(abs(a - b) <= 2 for a, b in zip(seen, rgb, strict=True))


def test_a_light_that_is_off_has_neither_brightness_nor_colour() -> None:
    names = {"brightness", "color_mode", "color_temp_kelvin", "hs_color", "rgb_color", "xy_color"}
    for payload in (
        {"state": "OFF"},
        {"state": "OFF", "brightness": 100, "color_mode": "xy", "color": {"x": 0.7, "y": 0.3}},
    ):
        assert said(driver_for(RGB), **payload)["light"] == ("off", dict.fromkeys(names))


def test_the_lights_of_several_endpoints_are_lights_of_their_own() -> None:
    lights = [
        with_features(
            "light",
            {**onoff(), "property": f"state_{end}", "endpoint": end},
            feature("numeric", "brightness", 7, value_max=254) | {"property": f"brightness_{end}", "endpoint": end},
            endpoint=end,
        )
        for end in ("l1", "l2")
    ]
    seen = said(driver_for(*lights), state_l1="ON", brightness_l1=254, state_l2="OFF")
    assert seen == {"light_l1": ("on", {"brightness": 255}), "light_l2": ("off", {"brightness": None})}


def test_a_closed_contact_is_an_opening_that_is_off() -> None:
    driver = driver_for(feature("binary", "contact", value_on=False, value_off=True))
    assert said(driver, contact=True)["contact"] == ("off", {})
    assert said(driver, contact=False)["contact"] == ("on", {})


def test_models_of_the_first_exposes_leave_the_usual_values_out() -> None:
    driver = driver_for(feature("binary", "contact"), feature("binary", "occupancy"))
    assert said(driver, contact=False, occupancy=True) == {"contact": ("on", {}), "occupancy": ("on", {})}


@pytest.mark.parametrize("raw", ["ON", "on", True, "true"])
def test_on_is_understood_however_a_firmware_spells_it(raw: Any) -> None:
    assert said(driver_for(with_features("switch", onoff())), state=raw)["switch"] == ("on", {})


@pytest.mark.parametrize(
    "value, state",
    [(21, "21"), (21.5, "21.5"), (0, "0"), (-3.25, "-3.25"), ("21.5", "21.5"), (1e-7, "1e-07"), (0.1, "0.1")],
)
def test_numbers_are_said_in_their_shortest_words(value: Any, state: str) -> None:
    assert said(driver_for(feature("numeric", "temperature", unit="°C")), temperature=value)["temperature"] == (
        state,
        {},
    )


@pytest.mark.parametrize("value", ["warm", "nan", "inf", True, [], {}, [1]])
def test_what_is_no_number_is_rejected_once_and_says_nothing(value: Any) -> None:
    driver = driver_for(feature("numeric", "temperature", unit="°C"))
    decoded = [one for _ in range(2) for one in wire.say(driver, "D", {"temperature": value})]
    assert [one.code for one in decoded if isinstance(one, Rejected)] == ["invalid_value"]
    assert not wire.states(decoded)


def test_null_says_nothing() -> None:
    driver = driver_for(feature("numeric", "temperature"), RGB)
    [told] = wire.say(driver, "D", {"temperature": None, "state": None, "brightness": None})
    assert told == Reported(told.origin, ())


def test_true_is_not_taken_for_one() -> None:
    driver = driver_for(feature("numeric", "level"))
    assert said(driver, level=1)["level"] == ("1", {})
    assert "level" not in said(driver, level=True)
    assert said(driver, level=1.0)["level"] == ("1.0", {})


def test_an_action_is_an_event_with_its_details() -> None:
    driver = driver_for(feature("enum", "action", values=["single", "rotate"]))
    assert wire.say(driver, "D", {"action": "rotate", "action_angle": 12})[0].entities == (
        EntityReport("action", None, {"action_angle": 12, "event_type": "rotate"}),
    )
    assert said(driver, action="single")["action"] == (None, {"action_angle": None, "event_type": "single"})
    assert said(driver, action="single")["action"] == (None, {"event_type": "single"})


@pytest.mark.parametrize("action", ["", None, "None"])
def test_an_empty_action_is_no_event(action: Any) -> None:
    assert not said(driver_for(feature("enum", "action", values=["single"])), action=action)


def test_an_action_that_the_broker_kept_is_no_event() -> None:
    driver = driver_for(feature("enum", "action", values=["single"]))
    assert not wire.states(wire.say(driver, "D", {"action": "single"}, retained=True))


COVER = with_features(
    "cover",
    feature("enum", "state", 3, values=["OPEN", "CLOSE", "STOP"]),
    feature("numeric", "position", 7),
    feature("numeric", "tilt", 7),
)
MOTOR = feature("enum", "motor_state", values=["opening", "closing", "stopped"])


@pytest.mark.parametrize(
    "payload, state",
    [
        ({"position": 0, "state": "CLOSE"}, "closed"),
        ({"position": 40, "state": "OPEN"}, "open"),
        ({"position": 40, "state": "OPEN", "motor_state": "closing"}, "closing"),
        ({"position": 0, "motor_state": "opening"}, "opening"),
        ({"position": 0, "motor_state": "stopped"}, "closed"),
        ({"state": "OPEN"}, "open"),
        ({"state": "CLOSE"}, "closed"),
    ],
)
def test_a_cover_says_whether_it_is_open_and_where_it_is_going(payload: dict[str, Any], state: str) -> None:
    seen, attributes = said(driver_for(COVER, MOTOR), **payload)["cover"]
    assert seen == state
    assert attributes.get("current_position") == payload.get("position")


def test_a_lock_is_locked_or_unlocked() -> None:
    driver = driver_for(
        with_features("lock", onoff("LOCK", "UNLOCK"), feature("enum", "lock_state", values=["locked"]))
    )
    assert said(driver, state="LOCK", lock_state="locked") == {"lock": ("locked", {}), "lock_state": ("locked", {})}
    assert said(driver, state="UNLOCK")["lock"] == ("unlocked", {})


CLIMATE = with_features(
    "climate",
    feature("numeric", "local_temperature", 5, unit="°C"),
    feature("numeric", "occupied_heating_setpoint", 7, value_min=5, value_max=30, value_step=0.5, unit="°C"),
    feature("enum", "system_mode", 7, values=["off", "heat", "auto", "emergency_heating"]),
    feature("enum", "running_state", 5, values=["idle", "heat"]),
    feature("enum", "preset", 3, values=["away", "comfort"]),
    feature("numeric", "local_temperature_calibration", 7, unit="°C"),
)


def test_a_thermostats_state_is_its_mode() -> None:
    payload = {
        "local_temperature": 20.5,
        "occupied_heating_setpoint": 21,
        "system_mode": "heat",
        "running_state": "idle",
        "preset": "comfort",
    }
    assert said(driver_for(CLIMATE), **payload, local_temperature_calibration=-1) == {
        "climate": (
            "heat",
            {"temperature": 21, "current_temperature": 20.5, "hvac_action": "idle", "preset_mode": "comfort"},
        ),
        "local_temperature_calibration": ("-1", {}),
    }
    assert said(driver_for(CLIMATE), system_mode="emergency_heating")["climate"] == ("heat", {})
    assert said(driver_for(CLIMATE), system_mode="off", running_state="heat")["climate"] == (
        "off",
        {"hvac_action": "off"},
    )


def test_a_heat_pump_has_one_target_or_a_range() -> None:
    both = with_features(
        "climate",
        feature("numeric", "occupied_heating_setpoint", 7),
        feature("numeric", "occupied_cooling_setpoint", 7),
        feature("enum", "system_mode", 7, values=["off", "heat", "cool", "auto"]),
    )
    setpoints = {"occupied_heating_setpoint": 20, "occupied_cooling_setpoint": 25}
    driver = driver_for(both)
    assert said(driver, **setpoints, system_mode="cool")["climate"][1] == {
        "temperature": 25,
        "target_temp_low": None,
        "target_temp_high": None,
    }
    assert said(driver, **setpoints, system_mode="auto")["climate"][1] == {
        "temperature": None,
        "target_temp_low": 20,
        "target_temp_high": 25,
    }


def test_a_fan_has_a_percentage_of_its_speeds() -> None:
    fan = with_features(
        "fan",
        {**onoff(), "property": "fan_state"},
        {**feature("enum", "mode", 7, values=["low", "medium", "high", "auto"]), "property": "fan_mode"},
    )
    driver = driver_for(fan)
    assert said(driver, fan_state="ON", fan_mode="medium")["fan"] == ("on", {"percentage": 66, "preset_mode": None})
    assert said(driver, fan_state="ON", fan_mode="auto")["fan"] == ("on", {"percentage": 0, "preset_mode": "auto"})
    assert said(driver, fan_state="OFF", fan_mode="high")["fan"] == ("off", {"percentage": 0, "preset_mode": None})


def test_firmware_that_waits_is_an_update() -> None:
    driver = driver_for()
    update = {"state": "available", "installed_version": 1, "latest_version": 2}
    attributes = {"installed_version": "1", "latest_version": "2", "in_progress": False, "update_percentage": None}
    assert said(driver, update=update)["update"] == ("on", attributes)
    assert said(driver, update={**update, "state": "idle"})["update"][0] == "off"
    running = said(driver, update={**update, "state": "updating", "progress": 12.5})["update"]
    assert running == ("on", {**attributes, "in_progress": True, "update_percentage": 12.5})


def test_what_is_observed_of_a_device_is_told_beside_its_entities() -> None:
    driver = driver_for(feature("numeric", "battery"))
    [told] = wire.say(driver, "D", {"battery": 97.4, "linkquality": 255, "last_seen": 1_700_000_000_000})
    assert told.observed == {"battery_level": 97, "signal_strength": 100, "last_seen": "2023-11-14T22:13:20+00:00"}
    [told] = wire.say(driver, "D", {"battery": 300, "linkquality": "x", "last_seen": [], "device": {"a": 1}})
    assert told.observed == {}


def test_structures_without_a_domain_are_their_json() -> None:
    driver = driver_for(
        {**feature("composite", "led"), "features": [feature("binary", "on")]}, feature("list", "alarms")
    )
    assert said(driver, led={"on": True}, alarms=["a"]) == {"led": ('{"on":true}', {}), "alarms": ('["a"]', {})}


def test_long_texts_are_cut_where_home_assistant_ends_a_state() -> None:
    driver = driver_for(feature("text", "note"))
    assert len(said(driver, note="x" * 300)["note"][0] or "") == 255


def test_an_unchanged_value_gives_the_very_same_report() -> None:
    driver = driver_for(feature("numeric", "temperature"), RGB)
    first, second = (
        wire.say(driver, "D", {"temperature": 20, "state": "ON", "brightness": 5})[0].entities for _ in range(2)
    )
    assert [a is b for a, b in zip(first, second, strict=True)] == [True, True]
