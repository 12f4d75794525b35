"""What messages say, and which commands are sent. Payloads are those of Home Assistant's and Gladys's tests."""

import json
from typing import Any

import pytest

from hub_agent.drivers.colours import every_notation
from hub_agent.errors import NotPossible
from hub_agent.model.report import Rejected
from tests.recorded.tasmota.corpus import DATA, MESSAGES, corpus


@pytest.mark.parametrize("leaf", ["tele/STATE", "stat/RESULT"])
def test_a_relay_says_its_power_with_and_without_a_number(home, leaf: str) -> None:
    home.announce({"rl": [1]})
    assert home.say(leaf, {"POWER": "ON"}) == {"switch_1": ("on", {})}
    assert home.say(leaf, {"POWER1": "OFF"}) == {"switch_1": ("off", {})}
    assert home.say("stat/POWER", "ON") == {"switch_1": ("on", {})}
    assert home.say("stat/STATUS11", {"StatusSTS": {"POWER": "ON"}}) == {"switch_1": ("on", {})}


def test_words_of_ones_own_for_on_and_off_are_understood(home) -> None:
    home.announce({"rl": [1], "state": ["Aus", "An", "Um", "Halt"]})
    assert home.say("tele/STATE", {"POWER": "An"}) == {"switch_1": ("on", {})}
    assert home.say("tele/STATE", {"POWER": "Aus"}) == {"switch_1": ("off", {})}
    assert home.tell("switch_1", "switch.turn_on") == [("Power1", "ON")]


def test_a_dimmer_says_percent_and_the_light_255ths(home) -> None:
    home.announce({"rl": [2], "lt_st": 1})
    assert home.say("tele/STATE", {"POWER": "ON", "Dimmer": 50}) == {"light_1": ("on", {"brightness": 128})}
    assert home.say("stat/RESULT", {"Dimmer": 100}) == {"light_1": (None, {"brightness": 255})}
    assert home.say("tele/STATE", {"POWER": "OFF", "Dimmer": 50})["light_1"] == (
        "off",
        {"brightness": None, "color_mode": None},
    )
    assert home.say("stat/RESULT", {"Dimmer": 20}) == {}  # it is off: nothing shows


def test_a_light_with_whites_says_its_warmth_in_kelvin(home) -> None:
    home.announce({"rl": [2], "lt_st": 2})
    said = home.say("tele/STATE", {"POWER": "ON", "Dimmer": 50, "CT": 500})
    assert said == {"light_1": ("on", {"brightness": 128, "color_temp_kelvin": 2000, "color_mode": "color_temp"})}
    capability = home.entity("light_1").capabilities["color_temp"]
    assert (capability.min, capability.max) == (2000, 6536)


def test_a_light_of_five_channels_is_white_while_its_white_shines(home) -> None:
    home.announce({"rl": [2], "lt_st": 5})
    colour = home.say("tele/STATE", {"POWER": "ON", "Dimmer": 50, "HSBColor": "30,100,50", "White": 0})["light_1"]
    assert colour == (
        "on",
        {"brightness": 128, "color_temp_kelvin": None, "color_mode": "hs", **every_notation(hs=(30, 100))},
    )
    _, white = home.say("tele/STATE", {"POWER": "ON", "Dimmer": 50, "CT": 153, "HSBColor": "30,100,50", "White": 50})[
        "light_1"
    ]
    assert (white["color_mode"], white["color_temp_kelvin"], white["rgb_color"]) == ("color_temp", 6536, None)


def test_schemes_are_effects(home) -> None:
    home.announce({"rl": [2], "lt_st": 3})
    assert home.say("tele/STATE", {"POWER": "ON", "Scheme": 3})["light_1"] == ("on", {"effect": "Cycle down"})
    assert home.tell("light_1", "light.turn_on", effect="Random") == [("Scheme", "4")]
    with pytest.raises(NotPossible, match="one of Solid"):
        home.tell("light_1", "light.turn_on", effect="Disco")


@pytest.mark.parametrize(
    "data, sent",
    [
        ({}, "Power1 ON"),
        ({"brightness": 255}, "Dimmer 100"),
        ({"brightness": 1}, "Dimmer 1"),
        ({"brightness": 0}, "Power1 OFF"),
        ({"brightness_pct": 40}, "Dimmer 40"),
        ({"color_temp_kelvin": 4000}, "CT 250"),
        ({"color_temp_kelvin": 1000}, "CT 500"),
        ({"hs_color": [240, 100]}, "NoDelay;HsbColor1 240;NoDelay;HsbColor2 100"),
        ({"rgb_color": [255, 0, 0], "brightness": 128}, "NoDelay;HsbColor1 0;NoDelay;HsbColor2 100;NoDelay;Dimmer 50"),
        ({"white": 128, "brightness": 128}, "White 50"),
        ({"brightness": 255, "transition": 4}, "NoDelay;Fade2 1;NoDelay;Speed2 8;NoDelay;Dimmer 100"),
        ({"transition": 0}, "NoDelay;Fade2 0;NoDelay;Power1 ON"),
    ],
)
def test_a_light_is_commanded_in_the_units_of_the_device(home, data: dict[str, Any], sent: str) -> None:
    home.announce({"rl": [2], "lt_st": 5})
    ((word, text),) = home.tell("light_1", "light.turn_on", **data)
    assert (text if word == "Backlog" else f"{word} {text}") == sent


def test_the_speed_of_a_fade_is_that_from_dark_to_full_unless_its_time_is_fixed(new_home) -> None:
    slew = new_home().announce({"rl": [2], "lt_st": 1})
    slew.say("tele/STATE", {"POWER": "ON", "Dimmer": 50})
    assert slew.tell("light_1", "light.turn_on", brightness=255, transition=4)[0][1].startswith(
        "NoDelay;Fade2 1;NoDelay;Speed2 16;"
    )
    fixed = new_home().announce({"rl": [2], "lt_st": 1}, so={"117": 1})
    fixed.say("tele/STATE", {"POWER": "ON", "Dimmer": 50})
    assert fixed.tell("light_1", "light.turn_on", brightness=255, transition=4)[0][1].startswith(
        "NoDelay;Fade2 1;NoDelay;Speed2 8;"
    )


def test_where_a_level_does_not_set_the_power_the_power_is_set_too(home) -> None:
    home.announce({"rl": [2], "lt_st": 1}, so={"20": 1})
    assert home.tell("light_1", "light.turn_on", brightness=255) == [
        ("Backlog", "NoDelay;Dimmer 100;NoDelay;Power1 ON")
    ]


def test_channels_that_are_lights_of_their_own_have_a_word_each(home) -> None:
    home.announce({"rl": [2, 2], "lt_st": 2}, so={"68": 1})
    said = home.say("tele/STATE", {"POWER1": "ON", "Channel1": 40, "POWER2": "OFF", "Channel2": 0})
    assert said["light_1"] == ("on", {"brightness": 102})
    assert home.tell("light_2", "light.turn_on", brightness=255) == [("Channel2", "100")]


def test_colour_and_white_that_are_not_linked_are_two_lights(home) -> None:
    home.announce({"rl": [2, 2], "lt_st": 5, "lk": 0})
    assert sorted(home.entity("light_1").capabilities) == ["brightness", "color", "effect", "on"]
    assert sorted(home.entity("light_2").capabilities) == ["brightness", "color_temp", "on"]
    assert home.tell("light_2", "light.turn_on", brightness=255) == [("Dimmer2", "100")]
    with pytest.raises(NotPossible, match="no colours"):
        home.tell("light_2", "light.turn_on", rgb_color=[1, 2, 3])


@pytest.mark.parametrize(
    "inverted, body, state, position",
    [
        (0, {"Position": 54, "Direction": -1}, "closing", 54),
        (0, {"Position": 100, "Direction": 1}, "opening", 100),
        (0, {"Position": 0, "Direction": 0}, "closed", 0),
        (0, {"Position": 1, "Direction": 0}, "open", 1),
        (1, {"Position": 54, "Direction": -1}, "opening", 46),
        (1, {"Position": 100, "Direction": 0}, "closed", 0),
    ],
)
def test_a_shutter_says_where_it_is_and_where_it_goes(
    home, inverted: int, body: dict[str, int], state: str, position: int
) -> None:
    home.announce({"rl": [3, 3], "sho": [inverted]})
    for leaf in ("tele/SENSOR", "stat/RESULT"):
        assert home.say(leaf, {"Shutter1": body}) == {"cover_1": (state, {"current_position": position})}
    assert home.say("stat/STATUS10", {"StatusSNS": {"Shutter1": body}})["cover_1"][0] == state


def test_a_shutter_is_moved_stopped_and_tilted(home) -> None:
    home.announce({"rl": [3, 3, 3, 3], "sho": [0, 1], "sht": [[-90, 90, 24], [0, 0, 0]]})
    assert home.tell("cover_1", "cover.open_cover") == [("ShutterOpen1", "")]
    assert home.tell("cover_1", "cover.stop_cover") == [("ShutterStop1", "")]
    assert home.tell("cover_1", "cover.set_cover_position", position=30) == [("ShutterPosition1", "30")]
    assert home.tell("cover_2", "cover.set_cover_position", position=30) == [("ShutterPosition2", "70")]
    assert home.tell("cover_1", "cover.set_cover_tilt_position", tilt_position=50) == [("ShutterTilt1", "0")]
    assert home.say("tele/SENSOR", {"Shutter1": {"Tilt": 90}})["cover_1"] == (None, {"current_tilt_position": 100})
    assert "tilt" not in home.entity("cover_2").capabilities


def test_a_ceiling_fan_has_three_speeds(home) -> None:
    home.announce({"rl": [1, 0, 0, 0], "if": 1})
    said = [home.say("tele/STATE", {"FanSpeed": speed})["fan"] for speed in range(4)]
    assert said == [
        ("off", {"percentage": 0}),
        ("on", {"percentage": 33}),
        ("on", {"percentage": 66}),
        ("on", {"percentage": 100}),
    ]
    assert home.tell("fan", "fan.set_percentage", percentage=34) == [("FanSpeed", "2")]
    assert home.tell("fan", "fan.turn_on") == [("FanSpeed", "3")]
    assert home.tell("fan", "fan.turn_off") == [("FanSpeed", "0")]


def test_presses_are_heard_once_and_not_when_retained(home) -> None:
    home.announce({"btn": [1], "swc": [8], "swn": ["custom_switch"]}, so={"73": 1, "114": 1})
    assert home.say("stat/RESULT", {"Button1": {"Action": "SINGLE"}}) == {"button_1": (None, {"event_type": "single"})}
    assert home.say("stat/RESULT", {"Button1": {"Action": "SINGLE"}}, retained=True) == {}
    assert home.say("stat/RESULT", {"custom_switch": {"Action": "HOLD"}}) == {
        "switch_presses_1": (None, {"event_type": "hold"})
    }


def test_an_input_says_its_state_in_three_ways(home) -> None:
    home.announce({"swc": [1]})
    assert home.say("stat/RESULT", {"Switch1": {"Action": "ON"}}) == {"input_1": ("on", {})}
    assert home.say("tele/SENSOR", {"Switch1": "OFF"}) == {"input_1": ("off", {})}
    assert home.say("stat/STATUS10", {"StatusSNS": {"Switch1": "ON"}}) == {"input_1": ("on", {})}


def _sensors(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((DATA / "gladys" / name).read_text())["STATUS8"]["StatusSNS"]
    return body


def test_an_energy_meter_counts_one_total_and_says_the_rest_beside_it(home) -> None:
    home.announce({}, _sensors("energy.json"))
    told = {
        entity.key: (entity.name, entity.device_class, entity.unit)
        for entity in home.advertisement.entities
        if entity.domain == "sensor"
    }
    assert told["sensor_energy_total"] == ("Energy total", "energy", "kWh")
    assert told["sensor_energy_today"] == ("Energy today", None, "kWh")
    assert told["sensor_energy_power"] == ("Power", "power", "W")
    assert told["sensor_energy_voltage"] == ("Voltage", "voltage", "V")
    said = home.say("tele/SENSOR", _sensors("energy.json"))
    assert {key: state for key, (state, _) in said.items()} == {
        "sensor_energy_total": "6.911", "sensor_energy_yesterday": "1.2", "sensor_energy_today": "0.001", "sensor_energy_power": "57",
        "sensor_energy_apparentpower": "60", "sensor_energy_reactivepower": "10", "sensor_energy_factor": "0.95",
        "sensor_energy_voltage": "12", "sensor_energy_current": "20.0",
    }  # fmt: skip


def test_phases_are_sensors_of_their_own_and_a_single_number_is_the_first(home) -> None:
    home.announce({}, {"ENERGY": {"ApparentPower": [7.84, 1.23, 2.34]}})
    said = home.say("tele/SENSOR", {"ENERGY": {"ApparentPower": [7.8, 9.0]}})
    assert {key: state for key, (state, _) in said.items()} == {
        "sensor_energy_apparentpower_0": "7.8",
        "sensor_energy_apparentpower_1": "9.0",
    }
    assert home.say("tele/SENSOR", {"ENERGY": {"ApparentPower": 2.3}}) == {"sensor_energy_apparentpower_0": ("2.3", {})}


def test_fahrenheit_inches_of_mercury_and_knots_become_the_units_of_the_vocabulary(home) -> None:
    home.announce({}, {"BME280": {"Temperature": 77.0, "Pressure": 29.92}, "TX23": {"Speed": {"Act": 10}}, "TempUnit": "F", "PressureUnit": "inHg", "SpeedUnit": "kn"})  # fmt: skip
    said = home.say(
        "tele/SENSOR", {"BME280": {"Temperature": 77.0, "Pressure": 29.92}, "TX23": {"Speed": {"Act": "10"}}}
    )
    assert {key: state for key, (state, _) in said.items()} == {
        "sensor_bme280_temperature": "25", "sensor_bme280_pressure": "1013.21", "sensor_tx23_speed_act": "18.52",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "gladys").iterdir()))
def test_every_value_of_a_real_sensor_block_is_a_sensor_that_says_it(home, name: str) -> None:
    block = _sensors(name)
    home.announce({"swc": [1, 1]}, block)
    values = {key: value for key, value in block.items() if isinstance(value, dict)}
    said = home.say("tele/SENSOR", block)
    assert len([key for key in said if key.startswith("sensor_")]) == _count(values)


def _count(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_count(each) for key, each in value.items() if key not in {"Id", "TotalStartTime"})
    return sum(_count(each) for each in value) if isinstance(value, list) else 1


def test_identify_blinks_a_lamp_or_else_the_led_and_gives_it_back_its_rule(new_home) -> None:
    assert new_home().announce({"rl": [2], "lt_st": 1}).tell("identify", "button.press") == [("Power1", "BLINK")]
    plug = new_home().announce({"rl": [1]})
    plug.say("stat/STATUS", {"Status": {"LedState": 3}})
    ((word, text),) = plug.tell("identify", "button.press")
    assert (word, text.startswith("NoDelay;LedPower 1;Delay 5;"), text.endswith(";NoDelay;LedState 3")) == (
        "Backlog",
        True,
        True,
    )
    assert text.count(";") < 30  # a Backlog takes no more
    assert plug.tell("reboot", "button.press") == [("Restart", "1")]


def test_what_a_part_cannot_do_is_said_in_words(home) -> None:
    home.announce({"rl": [1]})
    with pytest.raises(NotPossible, match=r"cannot do 'open_cover'\. It can do turn_off, turn_on"):
        home.tell("switch_1", "cover.open_cover")
    with pytest.raises(NotPossible, match="only be read"):
        home.tell("uptime", "sensor.turn_on")


def test_a_state_that_is_no_json_is_rejected_and_chatter_is_not(home) -> None:
    home.announce()
    (rejected,) = home.hear("tasmota_49A3BC/tele/STATE", b"{")
    assert isinstance(rejected, Rejected)
    assert rejected.code == "not_json"
    assert home.hear("tasmota_49A3BC/stat/LOGGING", b"00:00:01 boot") == ()


def test_the_corpus_is_understood(home) -> None:
    decoded = [each for message in corpus() for each in home.driver.decode(message)]
    assert not [each for each in decoded if isinstance(each, Rejected)]
    assert len(MESSAGES) > 80
