"""Whatever a device says, the driver says something about it or nothing; and what is commanded is what is read back."""

import contextlib
import json
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.colours import hs_of_rgb
from hub_agent.drivers.tasmota.actuators import CeilingFan, Shutter
from hub_agent.drivers.tasmota.driver import DEVICES_MAX, WAITING_MAX, Tasmota
from hub_agent.drivers.tasmota.lights import RGBCW, Light, Shape
from hub_agent.drivers.tasmota.part import Part
from hub_agent.drivers.tasmota.sensors import SENSORS_MAX
from hub_agent.drivers.tasmota.setup import read_setup
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement
from hub_agent.model.report import MqttMessage
from tests.recorded.tasmota.corpus import corpus

BASE: dict[str, Any] = json.loads(corpus()[0].payload)
SETUP = read_setup(BASE)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
WORDS = st.sampled_from(["ON", "OFF", "255,128,0", "30,100,50", "FF00FF", "1e999", "nan", "\0", "+"])
JSON = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SAID = st.dictionaries(
    st.sampled_from(
        ["POWER", "POWER1", "Dimmer", "CT", "White", "HSBColor", "Scheme", "Shutter1", "FanSpeed", "Switch1", "Button1", "Wifi", "ENERGY", "StatusSNS", "StatusSTS", "Status", "StatusNET", "DHT11"]
    ),
    JSON | st.dictionaries(st.sampled_from(["Position", "Direction", "Tilt", "Action", "RSSI", "Signal", "Power", "Temperature", "LedState"]), JSON),
    max_size=6,
)  # fmt: skip


def encode(body: Any) -> bytes:
    return json.dumps(body, allow_nan=True).encode(errors="replace")


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(sorted(BASE)), JSON, max_size=4),
    JSON,
    st.lists(SAID.map(encode) | st.binary(max_size=30), max_size=4),
)
def test_any_setup_any_sensors_and_any_message_after_them_do_no_harm(
    change: dict[str, Any], sn: Any, payloads: list[bytes]
) -> None:
    driver = Tasmota()
    driver.decode(MqttMessage("tasmota/discovery/00000049A3BC/sensors", encode({"sn": sn})))
    driver.decode(MqttMessage("tasmota/discovery/00000049A3BC/config", encode({**BASE, **change})))
    for payload in payloads:
        for leaf in ("tele/STATE", "stat/RESULT", "tele/LWT", "stat/POWER1"):
            driver.decode(MqttMessage(f"tasmota_49A3BC/{leaf}", payload))


@given(st.text(max_size=30), st.binary(max_size=100))
def test_any_bytes_on_any_topic_of_discovery_do_no_harm(rest: str, payload: bytes) -> None:
    driver = Tasmota()
    driver.decode(MqttMessage(f"tasmota/discovery/{rest}", payload))
    driver.decode(MqttMessage(f"tasmota/discovery/{rest}/config", payload))


def test_what_is_kept_of_a_flood_of_devices_and_sensors_is_bounded() -> None:
    driver = Tasmota()
    for number in range(DEVICES_MAX + 100):
        mac = f"{number:012X}"
        driver.decode(
            MqttMessage(f"tasmota/discovery/{mac}/config", encode({**BASE, "mac": mac, "t": f"t{number}", "rl": [1]}))
        )
        driver.decode(MqttMessage(f"tasmota/discovery/F{mac[1:]}/sensors", encode({"sn": {"A": number}})))
    assert len(driver._known_by_mac) == DEVICES_MAX
    assert len(driver._waiting) == WAITING_MAX
    many = {f"S{number}": {"Temperature": 1} for number in range(2 * SENSORS_MAX)}
    (said,) = driver.decode(MqttMessage("tasmota/discovery/000000000001/sensors", encode({"sn": many})))
    assert isinstance(said, Advertisement)
    assert len(said.entities) < SENSORS_MAX + 30


def _obey(part: Part, verb: str, **data: Any) -> dict[str, Any]:
    """The state that a device says which does as it is told."""
    words = dict(part.write(verb, data))
    said: dict[str, Any] = {"POWER1": "ON"}
    for word in ("Dimmer", "CT", "FanSpeed"):
        if word in words:
            said[word] = int(words[word])
    if "HsbColor1" in words:
        said |= {"HSBColor": f"{words['HsbColor1']},{words['HsbColor2']},50", "White": 0}
    elif "CT" in words:
        said["White"] = 50
    if "ShutterPosition1" in words:
        said["Shutter1"] = {"Position": int(words["ShutterPosition1"]), "Direction": 0}
    report = part.read(said)
    assert report is not None
    return dict(report.attributes)


@given(st.integers(1, 255))
def test_brightness_comes_back_within_a_step_of_percent(brightness: int) -> None:
    light = Light(SETUP, Shape(1, RGBCW), None)
    assert abs(_obey(light, "turn_on", brightness=brightness)["brightness"] - brightness) <= 2


@given(st.integers(2000, 6536))
def test_warmth_comes_back_within_a_mired(kelvin: int) -> None:
    light = Light(SETUP, Shape(1, RGBCW), None)
    assert abs(1e6 / _obey(light, "turn_on", color_temp_kelvin=kelvin)["color_temp_kelvin"] - 1e6 / kelvin) <= 1


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_a_colour_comes_back_within_a_degree(rgb: list[int]) -> None:
    light = Light(SETUP, Shape(1, RGBCW), None)
    hue, saturation = hs_of_rgb(*rgb)
    seen = _obey(light, "turn_on", rgb_color=rgb)["hs_color"]
    assert min(abs(seen[0] - hue), 360 - abs(seen[0] - hue)) <= 1
    assert abs(seen[1] - saturation) <= 1


@given(st.integers(0, 100), st.booleans())
def test_a_shutters_position_comes_back_also_where_it_is_inverted(position: int, is_inverted: bool) -> None:
    shutter = Shutter(read_setup({**BASE, "sho": [int(is_inverted)]}), 1, None)
    assert _obey(shutter, "set_cover_position", position=position)["current_position"] == position


@given(st.integers(0, 100))
def test_a_fans_speed_comes_back_as_the_next_step_above(percentage: int) -> None:
    seen = _obey(CeilingFan(None), "set_percentage", percentage=percentage)["percentage"]
    assert percentage <= seen + 1
    assert seen - percentage < 34


@given(st.sampled_from(["turn_on", "set_cover_position", "press", "set_percentage"]), st.dictionaries(st.sampled_from(["brightness", "rgb_color", "hs_color", "color_temp_kelvin", "effect", "transition", "white", "position", "percentage"]), JSON))  # fmt: skip
def test_any_call_is_written_or_refused_in_words(verb: str, data: dict[str, Any]) -> None:
    for part in (Light(SETUP, Shape(1, RGBCW), None), Shutter(SETUP, 1, None), CeilingFan(None)):
        with contextlib.suppress(NotPossible):
            part.write(verb, data)
