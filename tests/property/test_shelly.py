"""Shelly: units there and back, and whatever a peer may say."""

from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.shelly import Shelly, reading, writing
from hub_agent.drivers.shelly.measures import WATT_MINUTES_IN_KWH, WH_IN_KWH
from hub_agent.model.report import Rejected, Reported
from tests.recorded.shelly.corpus import devices, frame

DEVICES = devices()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = sorted(
    {name for device in DEVICES.values() for name in device["status"]}
    | {"G", "method", "params", "events", "shelly", "settings"}
)
LIKE_REAL = st.dictionaries(
    st.sampled_from(KEYS),
    ANYTHING | st.dictionaries(st.sampled_from(["output", "brightness", "rgb", "ison", "state", "id"]), ANYTHING),
    max_size=6,
)


@given(st.integers(1, 255))
def test_a_brightness_comes_back_as_it_was_sent(brightness: int) -> None:
    percent = writing.percent_of(brightness)
    assert 1 <= percent <= 100
    assert abs(reading.brightness_of(percent) - brightness) <= 2


@given(st.integers(1, 100))
def test_a_percentage_of_the_device_comes_back_as_it_was_read(percent: int) -> None:
    assert writing.percent_of(reading.brightness_of(percent)) == percent


@given(st.integers(0, 10**9), st.sampled_from([WH_IN_KWH, WATT_MINUTES_IN_KWH]))
def test_energy_is_kept_to_the_watt_hour(counted: int, factor: float) -> None:
    native = {"kind": "number", "component": "meter:0", "path": ["total"], "factor": factor}
    report = reading.read("e", native, {"total": counted})
    assert report is not None
    assert abs(float(report.state or "nan") - counted * factor) < 0.001


@given(
    st.sampled_from(sorted(DEVICES)),
    st.sampled_from(["device", "status", "notify", "coiot", "other"]),
    ANYTHING | LIKE_REAL,
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_said_is_understood_or_refused(name: str, kind: str, body: Any) -> None:
    driver = Shelly()
    driver.hear(frame("p", "device", DEVICES[name]))
    for said in driver.hear(frame("p", kind, body)):
        assert isinstance(said, Reported | Rejected) or kind == "device"


@given(
    st.sampled_from(sorted(DEVICES)),
    st.sampled_from(["shelly", "settings", "status", "components"]),
    ANYTHING | LIKE_REAL | st.lists(LIKE_REAL),
)
@settings(max_examples=200, deadline=None)
def test_a_description_with_a_damaged_part_is_understood_or_refused(name: str, part: str, damaged: Any) -> None:
    assert Shelly().hear(frame("p", "device", DEVICES[name] | {part: damaged}))


def test_what_is_kept_of_a_flood_of_components_and_fields_is_bounded() -> None:
    driver = Shelly()
    name = "shellyplus1pm-441793D69718"
    driver.hear(frame("p", "device", DEVICES[name]))
    for turn in range(20):
        flood = {f"switch:{turn * 100 + i}": {f"f{turn}{j}": "x" * 1000 for j in range(100)} for i in range(100)}
        driver.hear(frame("p", "notify", {"method": "NotifyStatus", "params": flood}))
    statuses = driver._members_by_peer["p"].statuses
    assert len(statuses) <= 128
    assert max(len(status) for status in statuses.values()) <= 64
