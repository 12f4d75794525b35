"""Whatever a device says, the driver says something about it or nothing; and what is commanded is what is read back."""

import contextlib
import json
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.colours import hs_of_rgb
from hub_agent.drivers.homie.driver import DEVICES_MAX, VALUES_MAX, Homie, parts_of
from hub_agent.drivers.homie.parts import Part
from hub_agent.drivers.homie.tree import ATTRIBUTES_MAX, DATATYPES, NODES_MAX, PROPERTIES_MAX, read_tree
from hub_agent.errors import NotPossible
from hub_agent.model.report import MqttMessage
from tests.recorded.homie.corpus import tree_4

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["light", "power", "dim", "color", "position", "action", "temperature", "lamp", "a", "$x", "+"])
PROPERTY = st.fixed_dictionaries(
    {},
    optional={
        "datatype": st.sampled_from(sorted(DATATYPES)) | JSON,
        "format": st.sampled_from(["0:100", "1:0", ":", "0:1:0.1", "up,down", "rgb", "hsv,rgb", "xyz", "a:b:c:d"])
        | JSON,
        "settable": st.booleans() | JSON,
        "retained": st.booleans() | JSON,
        "unit": st.sampled_from(["°C", "°F", "#", "K", "%", "psi"]) | JSON,
    },
)
NODES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries({"properties": st.dictionaries(NAMES, PROPERTY | JSON, max_size=4) | JSON}) | JSON,
    max_size=3,
)
TEXTS = st.sampled_from(["true", "false", "", "\0", "nan", "1e400", "-5", "0.5", "255,0,0", "rgb,1,2,3", "hsv,361,0,0", "xyz,0.3,0.3", "ready", "lost"]) | st.text(max_size=20)  # fmt: skip


def encode(body: Any) -> bytes:
    return json.dumps(body, allow_nan=True).encode(errors="replace")


@settings(max_examples=300)
@given(NODES | JSON, JSON, st.lists(st.tuples(NAMES, NAMES, TEXTS), max_size=6))
def test_any_description_and_any_value_after_it_do_no_harm(
    nodes: Any, parent: Any, said: list[tuple[str, str, str]]
) -> None:
    driver = Homie()
    driver.decode(MqttMessage("homie/5/x/$description", encode({"homie": "5.0", "nodes": nodes, "parent": parent})))
    for node, name, text in said:
        driver.decode(MqttMessage(f"homie/5/x/{node}/{name}", text.encode(errors="replace")))
        driver.decode(MqttMessage("homie/5/x/$state", text.encode(errors="replace")))


@settings(max_examples=200)
@given(st.lists(st.tuples(st.lists(NAMES | st.sampled_from(["$nodes", "$properties", "$datatype", "$state", "$homie", "set", ""]), max_size=4), TEXTS), max_size=10))  # fmt: skip
def test_any_tree_does_no_harm(said: list[tuple[list[str], str]]) -> None:
    driver = Homie()
    for place, text in tree_4():
        driver.decode(MqttMessage(f"homie/house/{place}", text.encode()))
    for levels, text in said:
        driver.decode(MqttMessage("/".join(["homie", "house", *levels]), text.encode(errors="replace")))


@given(st.text(max_size=40), st.binary(max_size=60))
def test_any_bytes_on_any_topic_do_no_harm(rest: str, payload: bytes) -> None:
    driver = Homie()
    for topic in (rest, f"homie/{rest}", f"homie/5/{rest}", f"homie/{rest}/$homie"):
        driver.wants(topic)
        driver.decode(MqttMessage(topic, payload))


def test_what_is_kept_of_a_flood_is_bounded() -> None:
    driver = Homie()
    for number in range(DEVICES_MAX + 50):
        driver.decode(MqttMessage(f"homie/d{number}/$homie", b"4.0"))
        driver.decode(MqttMessage(f"x/5/d{number}/$state", b"ready"))
    assert len(driver._known_by_id) == DEVICES_MAX
    for number in range(ATTRIBUTES_MAX + 50):
        driver.decode(MqttMessage(f"homie/d0/n{number}/$name", b"x"))
        driver.decode(MqttMessage(f"homie/d0/n/v{number}", b"x"))
    known = driver._known_by_id["d0"]
    assert known.gathered is not None
    assert (len(known.gathered.texts), len(known.values)) == (ATTRIBUTES_MAX, VALUES_MAX)
    many = {f"n{node}": {"properties": {f"p{number}": {} for number in range(50)}} for node in range(2 * NODES_MAX)}
    tree = read_tree("x", "homie/5/x", {"homie": "5.0", "nodes": many})
    assert len(tree.nodes) == NODES_MAX
    assert sum(len(node.properties) for node in tree.nodes) == PROPERTIES_MAX


def _part(properties: dict[str, Any], node: str = "light", version: str = "5.0") -> Part:
    about = {name: {"settable": True, **each} for name, each in properties.items()}
    return parts_of(read_tree("x", "homie/5/x", {"homie": version, "nodes": {node: {"properties": about}}}))[0]


def _obey(part: Part, verb: str, **data: Any) -> tuple[str | None, dict[str, Any]]:
    """The state after a device has said all that it was told."""
    state: str | None = None
    attributes: dict[str, Any] = {}
    settings_made = part.write(verb, data)
    for place, text in (*settings_made, *settings_made):
        report = part.hear(place, text)
        if report is not None:
            state = report.state or state
            attributes |= report.attributes
    return state, attributes


ON = {"on": {"datatype": "boolean"}}


@given(
    st.integers(1, 255),
    st.sampled_from(
        [
            ("integer", "0:100", 2),
            ("integer", "0:255", 0),
            ("float", "0:1", 1),
            ("integer", "", 2),
            ("integer", "1:254", 1),
        ]
    ),
)
def test_brightness_comes_back_within_a_step_of_the_device(brightness: int, kind: tuple[str, str, int]) -> None:
    datatype, form, tolerance = kind
    light = _part({**ON, "brightness": {"datatype": datatype, "format": form}})
    state, attributes = _obey(light, "turn_on", brightness=brightness)
    assert state == "on"
    assert abs(attributes["brightness"] - brightness) <= max(tolerance, 2)


@given(st.integers(2000, 6500), st.sampled_from([("K", "2000:6500"), ("mired", "153:500")]))
def test_warmth_comes_back_within_a_mired(kelvin: int, kind: tuple[str, str]) -> None:
    light = _part({**ON, "color-temperature": {"datatype": "integer", "unit": kind[0], "format": kind[1]}})
    _, attributes = _obey(light, "turn_on", color_temp_kelvin=kelvin)
    assert abs(1e6 / attributes["color_temp_kelvin"] - 1e6 / kelvin) <= 1


@given(
    st.lists(st.integers(0, 255), min_size=3, max_size=3),
    st.sampled_from(["rgb", "hsv"]),
    st.sampled_from(["4.0", "5.0"]),
)
def test_a_colour_comes_back_in_either_notation_of_either_convention(
    rgb: list[int], notation: str, version: str
) -> None:
    light = _part({**ON, "color": {"datatype": "color", "format": notation}}, version=version)
    _, attributes = _obey(light, "turn_on", rgb_color=rgb)
    if notation == "rgb":
        assert attributes["rgb_color"] == rgb
        return
    hue, saturation = hs_of_rgb(*rgb)
    seen = attributes["hs_color"]
    assert min(abs(seen[0] - hue), 360 - abs(seen[0] - hue)) <= 1
    assert abs(seen[1] - saturation) <= 1


@given(st.integers(0, 100), st.sampled_from(["0:100", "0:255", "0:1000"]))
def test_a_covers_position_comes_back(position: int, form: str) -> None:
    cover = _part({"position": {"datatype": "integer", "format": form}}, node="blind")
    assert _obey(cover, "set_cover_position", position=position)[1]["current_position"] == position


@given(st.floats(-40, 120))
def test_a_temperature_in_fahrenheit_comes_back_in_celsius(celsius: float) -> None:
    setpoint = _part({"setpoint": {"datatype": "float", "unit": "°F"}}, node="heater")
    state, _ = _obey(setpoint, "set_value", value=celsius)
    assert state is not None
    assert abs(float(state) - celsius) < 0.001


@given(st.sampled_from(["turn_on", "turn_off", "set_cover_position", "set_value", "select_option", "press"]), st.dictionaries(st.sampled_from(["brightness", "rgb_color", "hs_color", "color_temp_kelvin", "effect", "position", "value", "option"]), JSON))  # fmt: skip
def test_any_call_is_written_or_refused_in_words(verb: str, data: dict[str, Any]) -> None:
    tree = {"homie": "5.0", "nodes": {"light": {"properties": {"on": {"datatype": "boolean", "settable": True}, "color": {"datatype": "color", "settable": True}}},
        "x": {"properties": {"n": {"datatype": "float", "settable": True}, "e": {"datatype": "enum", "format": "a,b", "settable": True}}}, "blind": {"properties": {"position": {"datatype": "integer", "settable": True}}}}}  # fmt: skip
    for part in parts_of(read_tree("x", "homie/5/x", tree)):
        with contextlib.suppress(NotPossible):
            part.write(verb, data)
