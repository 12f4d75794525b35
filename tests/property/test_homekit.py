"""HomeKit's units into ours and back, and frames that anything may be in."""

from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.homekit import HomeKit
from hub_agent.drivers.homekit.reading import (
    brightness_of_percent,
    percent_of_angle,
    percent_of_brightness,
    percent_of_speed,
)
from hub_agent.drivers.homekit.writing import angle_of_percent
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.model.link import Frame
from hub_agent.model.report import Advertisement, DeviceGone, Reported
from tests.recorded.homekit.corpus import accessories, names

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "aid",
                    "iid",
                    "services",
                    "characteristics",
                    "type",
                    "value",
                    "perms",
                    "accessories",
                    "format",
                    "maxValue",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.integers(1, 100))
def test_each_percent_of_brightness_comes_back(percent: int) -> None:
    assert percent_of_brightness(brightness_of_percent(percent)) == percent


@given(st.integers(0, 100), st.sampled_from([(-90.0, 90.0), (0.0, 90.0), (-45.0, 45.0)]))
def test_each_percent_of_tilt_comes_back(percent: int, limits: tuple[float, float]) -> None:
    assert percent_of_angle(angle_of_percent(percent, *limits), *limits) == percent


@given(st.integers(1, 100))
def test_each_speed_of_a_fan_with_a_hundred_comes_back(percent: int) -> None:
    assert percent_of_speed(percent / 100 * 100, 0, 100) == percent


@given(st.integers(50, 500))
def test_each_mired_comes_back(mireds: int) -> None:
    assert mireds_of(kelvin_of(mireds)) == mireds


@settings(deadline=None)
@given(st.sampled_from(["accessories", "read", "event", "else"]), ANYTHING)
def test_no_frame_stops_the_driver(kind: str, body: Any) -> None:
    HomeKit().hear(Frame("homekit", "p", kind, body))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(names()), st.data())
def test_damage_in_an_accessory_takes_no_other_away(name: str, data: st.DataObject) -> None:
    driver = HomeKit()
    whole = accessories(name)
    known = [
        each
        for each in driver.hear(Frame("homekit", "p", "accessories", {"accessories": whole}))
        if isinstance(each, Advertisement)
    ]
    hurt = accessories(name)
    at: Any = data.draw(st.sampled_from(hurt))
    at[data.draw(st.sampled_from(["aid", "services"]))] = data.draw(ANYTHING)
    said = driver.hear(Frame("homekit", "p", "accessories", {"accessories": hurt}))
    is_still_a_list = all(
        isinstance(each["aid"], int) and isinstance(each["services"], list) and each["services"] for each in hurt
    )
    assert is_still_a_list or not [each for each in said if isinstance(each, DeviceGone)]
    assert known


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(names()), ANYTHING)
def test_a_value_that_is_none_leaves_the_last_good_one(name: str, value: Any) -> None:
    driver = HomeKit()
    driver.hear(Frame("homekit", "p", "accessories", {"accessories": accessories(name)}))
    ids = [(a["aid"], c["iid"]) for a in accessories(name) for s in a["services"] for c in s["characteristics"]]
    body = {"characteristics": [{"aid": aid, "iid": iid, "value": value} for aid, iid in ids]}
    for said in driver.hear(Frame("homekit", "p", "event", body)):
        if isinstance(said, Reported):
            assert all(report.state is None or report.state for report in said.entities)
