"""WLED: units there and back, and whatever a strip may say."""

from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.wled import Wled
from hub_agent.drivers.wled.entities import KELVIN_MAX, KELVIN_MIN, KELVIN_STEP, kelvin_of, relative_of
from hub_agent.model.device import Advertisement
from hub_agent.model.report import Rejected, Reported
from tests.recorded.wled.corpus import frame, strips

STRIPS = strips()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id",
    "on",
    "bri",
    "col",
    "fx",
    "pal",
    "cct",
    "stop",
    "seg",
    "leds",
    "seglc",
    "mac",
    "name",
    "wifi",
    "nl",
    "ps",
]
LIKE_REAL = st.dictionaries(
    st.sampled_from(FIELDS), ANYTHING | st.lists(st.dictionaries(st.sampled_from(FIELDS), ANYTHING), max_size=3)
)


@given(st.integers(0, 255))
def test_a_relative_temperature_comes_back_as_it_was_read(relative: int) -> None:
    assert relative_of(kelvin_of(relative)) == relative


@given(st.floats(KELVIN_MIN, KELVIN_MAX))
def test_a_temperature_in_kelvin_comes_back_within_half_a_step(kelvin: float) -> None:
    assert abs(kelvin_of(relative_of(kelvin)) - kelvin) <= KELVIN_STEP / 2 + 0.5


@given(st.sampled_from(sorted(STRIPS)), st.sampled_from(["device", "update", "other"]), ANYTHING | LIKE_REAL)
@settings(deadline=None)
def test_whatever_is_said_is_understood_or_refused(name: str, kind: str, body: Any) -> None:
    driver = Wled()
    driver.hear(frame("p", "device", STRIPS[name]))
    for said in driver.hear(frame("p", kind, body)):
        assert isinstance(said, Reported | Rejected) or kind == "device"


@given(
    st.sampled_from(sorted(STRIPS)),
    st.sampled_from(["state", "info", "effects", "palettes", "presets"]),
    ANYTHING | LIKE_REAL | st.lists(LIKE_REAL, max_size=4),
)
@settings(deadline=None)
def test_a_description_with_a_damaged_part_is_understood_or_refused(name: str, part: str, damaged: Any) -> None:
    (first, *_) = Wled().hear(frame("p", "device", STRIPS[name] | {part: damaged}))
    assert isinstance(first, Advertisement | Rejected)
    if part != "info":
        (second,) = Wled().hear(frame("p", "update", {part: damaged})) or [first]
        assert isinstance(second, Rejected)
