"""Whatever a LIFX device says, the driver answers; and the light that is set is the light that is read."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st

from hub_agent.drivers.lifx import Lifx, colour
from hub_agent.drivers.wishes import Wish
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device
from hub_agent.model.link import Frame
from tests.recorded.lifx.corpus import corpus
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of

FRAMES = corpus()
NAMES = st.sampled_from(
    ["serial", "mac", "model", "label", "group", "firmware", "has", "kelvin_min", "kelvin_max", "zones", "relays", "address",
     "power", "color", "hue", "saturation", "brightness", "kelvin", "infrared", "rssi", "light", "warmth"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=15
)


def met() -> tuple[Lifx, dict[str, Device]]:
    driver = Lifx()
    decoded = [one for frame in FRAMES for one in driver.hear(frame)]
    return driver, {one.origin.native_id: device_of(one) for one in decoded if isinstance(one, Advertisement)}


DRIVER, DEVICES = met()
PLACES = [(serial, entity.key) for serial, device in DEVICES.items() for entity in device.entities]


@given(st.sampled_from(FRAMES), st.dictionaries(NAMES, JSON, max_size=4))
def test_no_damaged_frame_raises(frame: Frame, damage: dict[str, Any]) -> None:
    assert isinstance(frame.body, dict)
    driver = met()[0]
    driver.hear(replace(frame, body={**frame.body, **damage}))
    for other in FRAMES:
        driver.hear(other)


@given(st.sampled_from(["device", "state", "?"]), JSON)
def test_no_frame_raises(kind: str, body: Any) -> None:
    met()[0].hear(Frame("lifx", FRAMES[0].peer, kind, body))


@given(
    st.sampled_from(PLACES),
    st.sampled_from(["turn_on", "turn_off", "set_value", "press", "nonsense"]),
    st.dictionaries(
        st.sampled_from(
            ["brightness", "rgb_color", "hs_color", "color_temp_kelvin", "flash", "transition", "zones", "value"]
        ),
        JSON,
        max_size=3,
    ),
)
def test_a_call_is_written_or_refused_in_words(place: tuple[str, str], verb: str, data: dict[str, Any]) -> None:
    device = DEVICES[place[0]]
    entity = entity_of(device, place[1])
    try:
        requests = DRIVER.encode(device, entity, f"{entity.domain}.{verb}", data)
    except NotPossible:
        return
    assert len(requests) == 1


def carried(color: dict[str, Any]) -> dict[str, Any]:
    """As it comes back: 16 bits for each part."""
    turns = round(color["hue"] / 360 * 65536) % 65536
    return color | {
        "hue": turns / 65536 * 360,
        "saturation": round(color["saturation"] * 65535) / 65535,
        "brightness": round(color["brightness"] * 65535) / 65535,
    }


@given(st.integers(1, 255), st.floats(0, 359.9), st.floats(1, 100))
def test_a_colour_that_is_set_is_the_one_that_is_read(brightness: int, hue: float, saturation: float) -> None:
    wish = Wish({"brightness": brightness, "hs_color": [hue, saturation]}, 255)
    wanted = colour.write(wish, (1500, 9000), has_color=True, has_warmth=True)
    read: Any = colour.read(carried({"kelvin": 3500, **wanted}), has_color=True, has_warmth=True)
    assert read["brightness"] == brightness
    assert min(abs(read["hs_color"][0] - hue), 360 - abs(read["hs_color"][0] - hue)) < 0.02
    assert math.isclose(read["hs_color"][1], saturation, abs_tol=0.02)


@given(st.integers(1500, 9000))
def test_a_warmth_that_is_set_is_the_one_that_is_read(kelvin: int) -> None:
    wanted = colour.write(Wish({"color_temp_kelvin": kelvin}, 255), (1500, 9000), has_color=True, has_warmth=True)
    read = colour.read({"hue": 17, "brightness": 1, **wanted}, has_color=True, has_warmth=True)
    assert (read["color_mode"], read["color_temp_kelvin"]) == ("color_temp", kelvin)
