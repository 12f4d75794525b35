"""Whatever a node says, the driver answers; and what is set comes back as what was set."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import given, strategies as st

from hub_agent.drivers.esphome import Esphome
from hub_agent.drivers.esphome.climate import celsius, fan_level, fan_percentage, from_celsius
from hub_agent.drivers.esphome.describing import KINDS
from hub_agent.drivers.esphome.units import measured_in
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device
from hub_agent.model.link import Frame
from hub_agent.model.report import Reported
from tests.recorded.esphome.corpus import BOARD, HOUSE, corpus
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of

FRAMES = corpus()
NAMES = sorted(
    {"info", "entities", "services", "api", "address", "name", "type", "optional"}
    | {name for frame in FRAMES if isinstance(frame.body, dict) for name in frame.body}
)
WORDS = st.sampled_from(sorted(KINDS)) | st.sampled_from(NAMES) | st.text(max_size=10)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=20,
)


def met() -> tuple[Esphome, dict[str, Device]]:
    driver = Esphome()
    decoded = [one for frame in FRAMES for one in driver.hear(frame)]
    return driver, {one.origin.native_id: device_of(one) for one in decoded if isinstance(one, Advertisement)}


# Reading a state and writing a command leave no trace that matters here.
DRIVER, DEVICES = met()
STATES = [frame for frame in FRAMES if frame.kind == "state"]


@given(st.sampled_from(["node", "state", "other"]), JSON)
def test_no_frame_raises(kind: str, body: Any) -> None:
    met()[0].hear(Frame("esphome", BOARD, kind, body))


@given(st.sampled_from(STATES), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
def test_no_damaged_state_raises_or_says_a_number_that_is_none(frame: Frame, damage: dict[str, Any]) -> None:
    assert isinstance(frame.body, dict)
    for decoded in DRIVER.hear(replace(frame, body={**frame.body, **damage})):
        assert isinstance(decoded, Reported)
        for report in decoded.entities:
            assert report.state is None or (len(report.state) <= 255 and report.state not in {"nan", "inf"})
            assert not any(isinstance(each, float) and not math.isfinite(each) for each in report.attributes.values())


@given(st.sampled_from([frame for frame in FRAMES if frame.kind == "node"]), st.data())
def test_no_damaged_description_raises(frame: Frame, data: st.DataObject) -> None:
    assert isinstance(frame.body, dict)
    body = dict(frame.body)
    entities = [dict(each) for each in body["entities"]]  # type: ignore[union-attr,arg-type]
    damaged = data.draw(st.integers(0, len(entities) - 1))
    entities[damaged] |= data.draw(st.dictionaries(st.sampled_from(sorted(entities[damaged])), JSON, max_size=3))
    body["entities"] = entities
    body |= data.draw(st.dictionaries(st.sampled_from(["services", "api", "address"]), JSON, max_size=1))
    driver = Esphome()
    for decoded in driver.hear(replace(frame, body=body)):
        assert isinstance(decoded, Advertisement | Reported)
    for state in STATES:
        driver.hear(state)


ENTITIES = [(native_id, entity.key) for native_id, device in DEVICES.items() for entity in device.entities]
VERBS = st.sampled_from(
    ["turn_on", "turn_off", "press", "set_value", "select_option", "set_temperature", "set_hvac_mode", "set_preset_mode",
     "set_fan_mode", "set_percentage", "open_cover", "set_cover_position", "set_valve_position", "lock", "open", "install",
     "alarm_disarm", "alarm_arm_away", "volume_set", "volume_mute", "play_media", "set_humidity", "oscillate", "nonsense"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["brightness", "rgb_color", "hs_color", "xy_color", "color_temp_kelvin", "effect", "flash", "transition", "white", "value",
     "option", "temperature", "hvac_mode", "preset_mode", "percentage", "position", "code", "volume_level", "date", "time",
     "datetime", "media_content_id", "levels", "count", "note", "tune", "loud", "tone", "duration", "target_temp_low"]
)  # fmt: skip


@given(st.sampled_from(ENTITIES), VERBS, st.dictionaries(KEYS, JSON, max_size=4))
def test_a_call_is_written_or_refused_in_words(place: tuple[str, str], verb: str, data: dict[str, Any]) -> None:
    device = DEVICES[place[0]]
    entity = entity_of(device, place[1])
    try:
        requests = DRIVER.encode(device, entity, f"{entity.domain}.{verb}", data)
    except NotPossible:
        return
    assert len(requests) == 1


@given(st.integers(1, 100), st.data())
def test_every_speed_of_a_fan_comes_back_as_itself(count: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(1, count))
    assert fan_level(fan_percentage(level, count), count) == level


@given(st.sampled_from(["°C", "°F", "K"]), st.floats(-30, 60).map(lambda value: round(value, 1)))
def test_a_temperature_that_is_set_is_the_one_that_is_read(unit: str, degrees: float) -> None:
    measured = measured_in("temperature", unit)
    read = celsius(measured, from_celsius(measured, degrees))
    assert read is not None
    assert math.isclose(read, degrees, abs_tol=0.011)


@given(
    st.sampled_from(
        [
            ("power", "kW"),
            ("energy", "Wh"),
            ("voltage", "mV"),
            ("current", "mA"),
            ("pressure", "Pa"),
            ("temperature", "K"),
        ]
    ),
    st.floats(-1e6, 1e6),
)
def test_units_lose_nothing_on_the_way_there_and_back(kind: tuple[str, str], value: float) -> None:
    unit = measured_in(*kind)
    assert math.isclose(unit.back(value * unit.factor + unit.offset), value, rel_tol=1e-9, abs_tol=1e-6)


LAMP = next(key for native_id, key in ENTITIES if key == "light_dimmer")


@given(st.integers(1, 255))
def test_a_brightness_that_is_set_is_the_one_that_is_read(brightness: int) -> None:
    device = DEVICES[HOUSE]
    entity = entity_of(device, LAMP)
    (request,) = DRIVER.encode(device, entity, "light.turn_on", {"brightness": brightness})
    fields = request.body["fields"]
    assert isinstance(fields, dict)
    said = {"kind": "light", **fields, "color_mode": 3}
    (reported,) = DRIVER.hear(Frame("esphome", HOUSE, "state", said))
    assert isinstance(reported, Reported)
    assert reported.entities[0].attributes["brightness"] == brightness


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_a_colour_that_is_set_is_the_one_that_is_read(rgb: list[int]) -> None:
    device = DEVICES[HOUSE]
    (request,) = DRIVER.encode(device, entity_of(device, "light_colour"), "light.turn_on", {"rgb_color": rgb})
    fields = request.body["fields"]
    assert isinstance(fields, dict)
    red, green, blue = fields["rgb"]  # type: ignore[misc]
    said = {"kind": "light", **fields, "red": red, "green": green, "blue": blue, "color_mode": 35}
    (reported,) = DRIVER.hear(Frame("esphome", HOUSE, "state", said))
    assert isinstance(reported, Reported)
    assert reported.entities[0].attributes["rgb_color"] == rgb
