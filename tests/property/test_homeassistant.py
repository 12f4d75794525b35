"""Whatever stands in a message: the driver says something about it or nothing, and never raises."""

import json
from typing import Any

from hypothesis import given, settings, strategies as st

from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.drivers.homeassistant.abbreviations import KEYS
from hub_agent.drivers.homeassistant.members import MAKERS
from hub_agent.model.device import Advertisement
from hub_agent.model.report import DeviceGone, MqttMessage

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
TEXTS = st.sampled_from(
    ["a/b", "~/x", "+/x", "#", "", "{{ value }}", "{{ value_json.a }}", "{{ 'a' * 99999999 }}", "{%", "ON", "None", "json", "template", "\0", "all", "trigger"]
)  # fmt: skip
JSON = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEY = st.sampled_from(sorted({*KEYS, *KEYS.values(), "device", "dev", "~", "name"}))
DEVICE = st.dictionaries(
    st.sampled_from(["ids", "cns", "name", "mf", "mdl", "sw", "sa", "via_device"]), JSON, max_size=4
)
CONFIG = st.dictionaries(KEY, TEXTS | JSON, max_size=12)
COMPONENT = st.sampled_from(sorted(MAKERS))
TOPIC = st.sampled_from(["a/b", "~/x", "q/x", "x"])
TOPIC_KEYS = sorted(key for key in KEYS.values() if key.endswith("_topic"))


def encode(body: Any) -> bytes:
    return json.dumps(body, allow_nan=True).encode(errors="replace")


@given(
    st.sampled_from(
        [
            "homeassistant/sensor/x/config",
            "homeassistant/device/x/config",
            "homeassistant//config",
            "homeassistant/config",
        ]
    ),
    st.binary(max_size=200),
)
def test_any_bytes_on_a_discovery_topic_do_no_harm(topic: str, payload: bytes) -> None:
    HomeAssistantDiscovery().decode(MqttMessage(topic, payload))


@settings(max_examples=400)
@given(COMPONENT, CONFIG, DEVICE | JSON, st.lists(st.binary(max_size=30) | JSON.map(encode), max_size=4))
def test_any_configuration_and_any_message_after_it_do_no_harm(
    component: str, config: dict[str, Any], device: Any, payloads: list[bytes]
) -> None:
    driver = HomeAssistantDiscovery()
    for body in (config, {**config, "device": device}):
        driver.decode(MqttMessage(f"homeassistant/{component}/x/config", encode(body)))
        for payload in payloads:
            for topic in ("a/b", "q/x", "x"):
                driver.decode(MqttMessage(topic, payload))


@settings(max_examples=300)
@given(
    COMPONENT,
    st.lists(
        st.binary(max_size=30)
        | JSON.map(encode)
        | st.sampled_from(
            [
                b"1,2,3",
                b"nan",
                b"1e999",
                b'{"state": {}}',
                b'{"position": []}',
                b'{"color": {"r": "x"}}',
                b'{"event_type": 5}',
            ]
        ),
        max_size=6,
    ),
)
def test_any_message_to_an_entity_that_listens_everywhere_does_no_harm(component: str, payloads: list[bytes]) -> None:
    driver = HomeAssistantDiscovery()
    config: dict[str, Any] = dict.fromkeys(TOPIC_KEYS, "a/b") | {
        "topic": "a/b", "availability": [{"topic": "a/b"}], "options": ["x"], "event_types": ["x"], "modes": ["heat"], "effect_list": ["x"], "brightness": True,
        "supported_color_modes": ["rgb", "color_temp"], "automation_type": "trigger", "type": "t", "subtype": "s", "device": {"identifiers": "x"}, "reports_position": True,
        "command_on_template": "on", "command_off_template": "off",
    }  # fmt: skip
    del config["availability_topic"]
    for schema in ("basic", "json", "template"):
        decoded = driver.decode(
            MqttMessage(
                f"homeassistant/{component}/{schema}/config",
                encode(config | ({"schema": schema} if component == "light" else {})),
            )
        )
        assert any(isinstance(each, Advertisement) for each in decoded), decoded
    for payload in payloads:
        driver.decode(MqttMessage("a/b", payload))


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries({"p": COMPONENT | JSON}, optional={"stat_t": TOPIC, "cmd_t": TOPIC, "uniq_id": JSON})
        | JSON,
        max_size=5,
    )
    | JSON,
    JSON,
)
def test_any_components_do_no_harm(components: Any, shared: Any) -> None:
    driver = HomeAssistantDiscovery()
    for _ in range(2):
        driver.decode(
            MqttMessage(
                "homeassistant/device/x/config",
                encode({"dev": {"ids": "x"}, "cmps": components, "avty": shared, "~": "q"}),
            )
        )
    driver.decode(MqttMessage("homeassistant/device/x/config", b""))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=20))
def test_a_device_keeps_its_identity_however_often_it_leaves_and_comes_back(moves: list[tuple[str, bool]]) -> None:
    driver = HomeAssistantDiscovery()
    present: set[str] = set()
    for name, comes in moves:
        payload = encode({"stat_t": "s", "uniq_id": name, "dev": {"ids": ["box"]}}) if comes else b""
        decoded = driver.decode(MqttMessage(f"homeassistant/sensor/{name}/config", payload))
        (present.add if comes else present.discard)(name)
        for each in decoded:
            if isinstance(each, Advertisement):
                assert (each.origin.native_id, [entity.key for entity in each.entities]) == ("box", [f"sensor.{name}"])
            if isinstance(each, DeviceGone):
                assert not present
    assert driver.wants("s") == bool(present)
