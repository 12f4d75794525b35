"""Units of Z-Wave and people's, both ways; and nodes that say anything whatever."""

from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.zwave import ZWave, meanings
from hub_agent.drivers.zwave.reading import brightness_of, percent_of, read, whites_of
from hub_agent.drivers.zwave.writing import level_of_brightness, level_of_percent
from tests.recorded.heard_home import HeardHome
from tests.recorded.zwave import corpus


@given(st.integers(0, 255))
def test_a_brightness_comes_back_within_a_step_of_the_device(brightness: int) -> None:
    level = level_of_brightness(brightness)

    assert 0 <= level <= 99
    assert (level == 0) == (brightness == 0)
    assert abs(brightness_of(level) - brightness) <= 2


@given(st.integers(0, 99))
def test_a_level_comes_back_as_it_was(level: int) -> None:
    assert level_of_brightness(brightness_of(level)) == level
    assert level_of_percent(percent_of(level)) == level


@given(st.floats(2700, 6500))
def test_a_colour_temperature_comes_back_from_two_whites(kelvin: float) -> None:
    warm, cold = whites_of(kelvin)
    native: Any = {"kind": "light", "components": [0, 1], "values": {}}
    now = {"current": 99, "colour_0": warm, "colour_1": cold}

    report = read("light", native, now.get)
    assert report is not None
    said = report.attributes["color_temp_kelvin"]
    assert isinstance(said, int)
    assert abs(said - kelvin) <= 20


@given(st.floats(-40, 60))
def test_celsius_comes_back_from_a_sensor_in_fahrenheit(celsius: float) -> None:
    meaning = meanings.sensor_meaning("Air temperature", "°F")

    assert meaning.unit == "°C"
    assert abs(meanings.convert(meaning.factor, meaning.offset, celsius * 1.8 + 32) - celsius) < 1e-5


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["nodeId", "values", "metadata", "states", "args", "property", "commandClass", "endpoint", "ready"]
)


@given(
    st.sampled_from(["server", "controller", "node", "listed", "event", "else"]),
    ANYTHING | st.dictionaries(WORDS, ANYTHING),
)
@settings(max_examples=400)
def test_no_frame_breaks_the_driver_or_takes_a_state_away(kind: str, body: Any) -> None:
    home = HeardHome(ZWave())
    home.hear(corpus.server(), corpus.controller(), corpus.frame("node", corpus.node_of("hank_binary_switch")))
    before = home.is_now("c16d02a3-32", "switch")

    home.hear(corpus.frame(kind, body))
    assert home.is_now("c16d02a3-32", "switch") == before


@given(st.sampled_from([37, 38, 49, 50, 64, 67, 98, 102, 112, 113, 121, 128]), ANYTHING)
@settings(max_examples=400)
def test_no_value_breaks_an_entity(command_class: int, value: Any) -> None:
    home = HOME
    for number, name in ((17, 66049), (20, None), (4, 1), (12, None)):
        for each in ("currentValue", "value", "mode", "setpoint", "currentMode", "currentState", "level", "state"):
            home.hear(corpus.updated(number, command_class, each, value, propertyKey=name))


HOME = HeardHome(ZWave())
HOME.hear(*corpus.corpus())


def test_what_is_nested_without_end_is_left_out() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    home = HeardHome(ZWave())
    home.hear(corpus.server(), corpus.controller(), corpus.frame("node", corpus.node_of("hank_binary_switch")))
    frames = [corpus.updated(32, 37, "currentValue", said) for said in (deep, [deep])]
    assert home.hear(*frames, *frames) == []
