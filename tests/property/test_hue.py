"""The Hue bridge's units into ours and back, and frames that anything may be in."""

from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.hue import Hue
from hub_agent.drivers.hue.colours import within
from hub_agent.drivers.hue.reading import brightness_of_percent, lux_of_level, percent_of_brightness
from hub_agent.model.link import Frame
from hub_agent.model.report import AvailabilityReported, DeviceGone
from tests.peers.hue import home
from tests.recorded.hue.corpus import corpus

NAMES = [
    "id",
    "type",
    "data",
    "events",
    "owner",
    "rid",
    "rtype",
    "on",
    "dimming",
    "children",
    "actions",
    "metadata",
    "color",
    "xy",
]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["light", "update", "add", "device"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)
GAMUT = [(0.6915, 0.3083), (0.17, 0.7), (0.1532, 0.0475)]


@given(st.integers(3, 255))
def test_each_brightness_comes_back(brightness: int) -> None:
    assert brightness_of_percent(percent_of_brightness(brightness)) == brightness


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_colour_within_the_gamut_stays_and_another_comes_to_its_edge(x: float, y: float) -> None:
    shown = within(GAMUT, x, y)
    again = within(GAMUT, *shown)
    assert abs(again[0] - shown[0]) < 1e-9
    assert abs(again[1] - shown[1]) < 1e-9


@given(st.integers(0, 10**9))
def test_light_is_never_more_than_the_sun_nor_less_than_nothing(level: int) -> None:
    assert 0 <= lux_of_level(level) <= 1_000_000


@settings(deadline=None)
@given(st.sampled_from(["resources", "events", "else"]), ANYTHING)
def test_no_frame_stops_the_driver(kind: str, body: Any) -> None:
    driver = Hue()
    driver.hear(Frame("hue", home.BRIDGE_ID, kind, body))
    driver.hear(corpus()[0])
    driver.hear(Frame("hue", home.BRIDGE_ID, kind, body))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, len(home.resources()) - 1),
    st.sampled_from(["owner", "on", "metadata", "services", "children", "status", "product_data"]),
    ANYTHING,
)
def test_a_damaged_resource_takes_nobody_away(place: int, name: str, damage: Any) -> None:
    driver = Hue()
    driver.hear(corpus()[0])
    hurt = home.resources()
    is_bridge = hurt[place]["type"] == "bridge"
    hurt[place][name] = damage
    said = driver.hear(Frame("hue", home.BRIDGE_ID, "resources", {"data": hurt}))
    gone = {each.origin.native_id for each in said if isinstance(each, DeviceGone)}
    groups = {f"{home.BRIDGE_ID}/{each}" for each in (home.ROOM, home.ZONE)}
    # A group whose light belongs to nobody any more is none; a bridge that is another device's has moved.
    assert gone <= groups or is_bridge


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(home.resources()),
    st.dictionaries(st.sampled_from(["on", "dimming", "color", "motion", "status", "button"]), ANYTHING, max_size=4),
)
def test_a_damaged_event_leaves_the_others_alone(resource: dict[str, Any], damage: dict[str, Any]) -> None:
    driver = Hue()
    driver.hear(corpus()[0])
    event = home.update(**{**damage, "id": resource["id"], "type": resource["type"]})
    said = driver.hear(Frame("hue", home.BRIDGE_ID, "events", {"events": [event]}))
    assert not [each for each in said if isinstance(each, DeviceGone)]
    assert sum(isinstance(each, AvailabilityReported) for each in said) <= len(home.resources())
