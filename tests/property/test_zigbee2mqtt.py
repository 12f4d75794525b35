"""Whatever is said on Zigbee2MQTT's topics, the driver answers; and a device stays itself through all of it."""

from typing import Any

import orjson
from hypothesis import given, strategies as st

from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt, keeping
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement
from hub_agent.model.report import DeviceGone, MqttMessage, Rejected, Reported
from hub_agent.model.scene import DesiredState
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.test_bridge import LAMP
from tests.recorded.zigbee2mqtt.test_commands import FAN, SIREN
from tests.recorded.zigbee2mqtt.test_states import CLIMATE, COVER, MOTOR, RGB, feature, onoff, with_features

WORDS = st.sampled_from(
    [
        "type", "name", "property", "access", "features", "values", "value_on", "value_off", "value_min", "value_max", "endpoint", "label", "unit",
        "light", "switch", "cover", "climate", "fan", "lock", "binary", "numeric", "enum", "text", "composite", "list", "state", "brightness",
        "color", "color_xy", "color_temp", "position", "mode", "action", "warning", "ON", "OFF", "online", "0x1", "Coordinator", "friendly_name",
        "ieee_address", "definition", "exposes", "members", "id", "version", "coordinator", "config", "update", "battery", "linkquality", "last_seen",
        "endpoints", "scenes", "clusters", "input", "genScenes", "genGroups", "options", "devices", "data", "level", "message", "status", "error", "process",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=6),
    max_leaves=25,
)
TOPICS = st.sampled_from(
    [
        "bridge/devices", "bridge/groups", "bridge/info", "bridge/state", "bridge/event", "bridge/response/health_check", "bridge/logging", "bridge/health",
        "bridge/response/device/options", "nexa_00000000", "Everything",
        "Everything/availability", "Everything/set", "Everything/l1", "Stranger", "Stranger/availability", "", "bridge", "bridge/",
    ]
)  # fmt: skip
BASES = st.sampled_from(["zigbee2mqtt", "other", "a/b", ""])

EVERYTHING = [
    RGB,
    COVER,
    MOTOR,
    CLIMATE,
    FAN,
    SIREN,
    with_features("lock", {**onoff("LOCK", "UNLOCK"), "property": "lock"}),
    with_features("switch", {**onoff(), "property": "state_l1", "endpoint": "l1"}, endpoint="l1"),
    feature("enum", "action", values=["single"]),
    feature("numeric", "temperature", unit="°C"),
    feature("binary", "contact", value_on=False, value_off=True),
    feature("text", "note", 7),
    feature("list", "alarms", 7),
    feature("enum", "gain", 7, values=[1, "x", True]),
]
PROPERTIES = sorted({"battery", "linkquality", "last_seen", "update", "color_mode", "action_angle"} | {
    one.get("property", "state") for expose in EVERYTHING for one in (expose, *expose.get("features", []))
})  # fmt: skip


def everything() -> tuple[Zigbee2Mqtt, Any]:
    options = [
        feature("numeric", "transition", 2, value_min=0),
        feature("binary", "invert_cover", 2, value_on=True, value_off=False),
    ]
    definition = {"model": "M", "exposes": EVERYTHING, "supports_ota": True, "options": options}
    endpoints = {"1": {"scenes": [{"id": 1, "name": "Night"}], "clusters": {"input": ["genGroups", "genScenes"]}}}
    driver, decoded = wire.bridge_with(wire.entry("0x1", "Everything", definition, endpoints=endpoints))
    return driver, wire.device_of(wire.advertised(decoded)["Everything"])


# Reading and writing leave no trace, so that one will do for all examples.
ALL = everything()


def written(body: Any) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


@given(st.lists(st.tuples(BASES, TOPICS, st.one_of(JSON.map(str), JSON, st.binary(max_size=40))), max_size=8))
def test_nothing_that_is_said_raises(said: list[tuple[str, str, Any]]) -> None:
    driver, _ = everything()
    for base, topic, body in said:
        payload = body if isinstance(body, bytes) else _lenient(body)
        message = MqttMessage(f"{base}/{topic}", payload)
        driver.wants(message.topic)
        for one in driver.decode(message):
            if isinstance(one, Rejected):
                assert one.code.isidentifier()
                assert len(one.reason) < 500


def _lenient(body: Any) -> bytes:
    """NaN, infinities and huge numbers as careless devices write them."""
    try:
        return written(body)
    except (orjson.JSONEncodeError, TypeError):
        return repr(body).encode(errors="replace")


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "ieee_address": SCALARS,
                "friendly_name": SCALARS,
                "type": SCALARS,
                "definition": JSON,
                "endpoints": JSON,
            },
        )
        | JSON,
        max_size=5,
    )
)
def test_any_list_of_devices_leaves_the_good_ones(entries: list[Any]) -> None:
    driver = Zigbee2Mqtt()
    payload = _lenient([wire.coordinator(), *entries, wire.entry("0xfe", "Good lamp", LAMP)])
    decoded = list(driver.decode(MqttMessage("zigbee2mqtt/bridge/devices", payload)))
    for one in decoded:
        if isinstance(one, Advertisement):
            written(wire.device_of(one).native)
    if payload.startswith(b"[{") and b"not_json" not in {getattr(one, "code", "").encode() for one in decoded}:
        assert wire.states(driver.decode(MqttMessage("zigbee2mqtt/Good lamp", b'{"state":"ON"}')))


@given(st.dictionaries(st.sampled_from(PROPERTIES), JSON, max_size=8))
def test_any_value_of_any_property_gives_states_that_are_text(payload: dict[str, Any]) -> None:
    driver, _ = ALL
    for one in driver.decode(MqttMessage("zigbee2mqtt/Everything", _lenient(payload))):
        if isinstance(one, Reported):
            for report in one.entities:
                assert report.state is None or (isinstance(report.state, str) and len(report.state) <= 255)
                written(report.attributes)


@given(
    st.sampled_from(
        [
            "light.turn_on", "light.toggle", "cover.set_cover_position", "climate.set_temperature", "climate.set_hvac_mode", "fan.turn_on", "fan.set_percentage",
            "siren.turn_on", "number.set_value", "select.select_option", "text.set_value", "switch.turn_on", "homeassistant.turn_off", "lock.lock", "", ".", "a.b",
            "scene.turn_on", "update.install", "button.press",
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            ["brightness", "brightness_pct", "brightness_step", "color_temp_kelvin", "color_temp", "rgb_color", "hs_color", "xy_color", "effect", "transition", "position",
             "tilt_position", "temperature", "target_temp_low", "hvac_mode", "percentage", "preset_mode", "tone", "volume_level", "duration", "value", "option"]
        ),
        JSON,
        max_size=4,
    ),
)  # fmt: skip
def test_any_command_is_a_payload_or_not_possible(action: str, data: dict[str, Any]) -> None:
    driver, device = ALL
    refusals: list[str] = []
    for entity in device.entities:
        try:
            for publication in driver.encode(device, entity, action, data):
                assert orjson.loads(publication.payload)
        except NotPossible as error:
            refusals.append(str(error))
    assert all(words.startswith("Everything: ") for words in refusals)


@given(st.integers(1, 255), st.integers(2000, 6500), st.integers(0, 100))
def test_what_is_set_is_said_in_the_same_units(brightness: int, kelvin: int, position: int) -> None:
    """Steps of the device's own scale (254 levels, whole mireds) are all that is lost."""
    driver, device = ALL
    light, cover = wire.entity_of(device, "light"), wire.entity_of(device, "cover")
    [(_, body)] = wire.published(
        driver.encode(device, light, "light.turn_on", {"brightness": brightness, "color_temp_kelvin": kelvin})
    )
    said = wire.states(wire.say(driver, "Everything", body | {"color_mode": "color_temp"}))["light"][1]
    assert abs(said["brightness"] - brightness) <= 1
    assert abs(1e6 / said["color_temp_kelvin"] - 1e6 / kelvin) <= 1
    [(_, body)] = wire.published(driver.encode(device, cover, "cover.set_cover_position", {"position": position}))
    assert wire.states(wire.say(driver, "Everything", body))["cover"][1]["current_position"] == position


@given(st.sampled_from(["on", "off", "open", "closed", "", "unknown"]), st.dictionaries(
    st.sampled_from(["brightness", "color_temp_kelvin", "rgb_color", "hs_color", "xy_color", "effect", "current_position", "current_tilt_position"]), JSON, max_size=4
))  # fmt: skip
def test_any_wish_can_be_kept_in_a_scene_or_not(state: str, attributes: dict[str, Any]) -> None:
    driver, device = ALL
    for entity in device.entities:
        wish = DesiredState(entity.id, state, attributes)
        if driver.can_keep(device, entity, wish):
            written(keeping.scene_values(entity.native, wish))


IEEE = st.sampled_from(["0x1", "0x2", "0x3"])
NAMES = st.sampled_from(["Lamp", "Ceiling", "a/b c"])


@given(
    st.lists(
        st.dictionaries(IEEE, NAMES, max_size=3).filter(lambda names: len(set(names.values())) == len(names)),
        max_size=8,
    )
)
def test_renames_removals_and_returns_keep_identity(lists: list[dict[str, str]]) -> None:
    driver = Zigbee2Mqtt()
    wire.say(driver, "bridge/groups", [])
    known: set[str] = set()
    for names in lists:
        entries = [wire.entry(ieee, name, LAMP) for ieee, name in names.items()]
        decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), *entries])
        told = {one.origin.native_id for one in decoded if isinstance(one, Advertisement)} - {wire.COORDINATOR}
        gone = {one.origin.native_id for one in decoded if isinstance(one, DeviceGone)}
        assert gone == known - names.keys()
        assert names.keys() - known <= told <= names.keys()
        known = set(names)
        for ieee, name in names.items():
            [report] = wire.say(driver, name, {"state": "ON"})
            assert report.origin.native_id == ieee
        for name in {"Lamp", "Ceiling", "a/b c"} - set(names.values()):
            assert not wire.states(wire.say(driver, name, b""))
