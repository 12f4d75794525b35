"""Hostile and broken input over the real broker: each has its message, is counted, and harms no neighbour."""

import json
import socket

import pytest

from tests.fakes.broker import EmbeddedBroker
from tests.system.conftest import Hub, LampBoard, automation, publish_to, scene, wait_for

pytestmark = pytest.mark.heavy

DISCOVERY = "homeassistant/light/{}/config"
DEEP = b"[" * 10_000 + b"]" * 10_000
LARGE = b'{"brightness": "' + b"x" * 10_000_000 + b'"}'

BAD_PAYLOADS = {
    DISCOVERY.format("not_json"): b"this is not JSON",
    DISCOVERY.format("not_utf8"): b"\xff\xfe\x00{",
    DISCOVERY.format("no_object"): b'["a", "list"]',
    DISCOVERY.format("deep"): DEEP,
    DISCOVERY.format("deep_object"): b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    DISCOVERY.format("large"): LARGE,
    DISCOVERY.format("nan"): b'{"name": NaN, "unique_id": Infinity}',
    DISCOVERY.format("types"): b'{"name": {"a": 1}, "unique_id": [1], "command_topic": 7, "device": "lamp"}',
    "zigbee2mqtt/bridge/devices": b'{"not": "a list"}',
    "zigbee2mqtt/bridge/info": DEEP,
    "zigbee2mqtt/bridge/state": b"\x00\x01\x02",
    "zigbee2mqtt/bridge/groups": b'"none"',
}


def test_what_cannot_be_understood_is_counted_listed_and_harms_nobody(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker
) -> None:
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    for topic, payload in BAD_PAYLOADS.items():
        publish_to(broker.port, topic, payload)
    for payload in (b"NaN", DEEP, LARGE, b"\xff\xff", b"", b'{"state": {"state": []}}', b"on\0"):
        publish_to(broker.port, "lamps/lamp_2", payload)

    expected = set(BAD_PAYLOADS)
    hub.wait(lambda: {each["topic"] for each in hub.get("rejected")} >= expected)
    board.told.clear()
    hub.post("devices/lamp_3/set", {"values": {"on": True}})

    assert board.states["lamp_3"] == "ON"
    assert all(each["reason"] and each["code"] for each in hub.get("rejected"))
    doctor = hub.cli("doctor", "--config", str(hub.settings_file)).stdout
    assert "homeassistant/light/not_json/config" in doctor
    assert "nexa-hub decode" in doctor
    assert "Traceback" not in hub.log()
    assert len(hub.log()) < 20_000, "a large payload is not copied into the log"


def test_the_same_nonsense_again_and_again_becomes_one_issue_and_one_line(hub: Hub, broker: EmbeddedBroker) -> None:
    hub.start()
    hub.wait(lambda: hub.get("status")["broker"]["is_connected"])
    topic = DISCOVERY.format("stubborn")
    for number in range(25):
        publish_to(broker.port, topic, b"nonsense %d" % number)
    hub.wait(lambda: "payloads_rejected" in hub.issues())

    assert topic in hub.issues()["payloads_rejected"]
    assert topic in hub.cli("issues").stdout
    assert hub.log().count(f"WARNING {topic}:") == 1


@pytest.mark.parametrize("is_same", [True, False])
def test_a_device_that_announces_itself_a_thousand_times_a_minute_is_named_and_the_others_go_on(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker, *, is_same: bool
) -> None:
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    with Speaker(broker.port) as say:
        for turn in range(1000):
            announced = {
                "name": None,
                "unique_id": "restless",
                "command_topic": "restless/set",
                "state_topic": "restless/state",
                "device": {
                    "identifiers": ["restless"],
                    "name": "Restless",
                    "sw_version": str(0 if is_same else turn % 2),
                },
            }
            say("homeassistant/light/restless/config", json.dumps(announced))
        hub.wait(lambda: "device_flooding" in hub.issues())
    hub.post("devices/lamp_1/set", {"values": {"on": True}})

    assert "Restless" in hub.issues()["device_flooding"]
    assert board.states["lamp_1"] == "ON"
    assert [device["name"] for device in hub.get("devices")].count("Restless") == 1


def test_topics_that_are_no_text_are_survived(hub: Hub, board: LampBoard, broker: EmbeddedBroker) -> None:
    """The broker may drop whoever sends them; the hub must not even notice."""
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    for topic in (b"homeassistant/light/\xff\xfe/config", b"zigbee2mqtt/\xc3\x28", b"lamps/\x00"):
        _publish_raw(broker.port, topic, b"{}")
    hub.wait(lambda: hub.get("status")["broker"]["is_connected"], 40)
    hub.post("devices/lamp_1/set", {"values": {"on": True}})
    wait_for(lambda: board.states["lamp_1"] == "ON", told=hub.log)

    assert "Traceback" not in hub.log()


def test_a_rule_that_names_what_is_not_there_is_an_issue_and_the_others_run(
    hub: Hub, board: LampBoard, broker: EmbeddedBroker
) -> None:
    hub.remember(
        automation(
            "Ghost",
            triggers=[{"trigger": "state", "entity_id": "binary_sensor.ghost", "to": "on"}],
            actions=[{"action": "light.turn_on", "target": {"entity_id": "light.ghost"}}],
        ),
        automation("Broken", triggers=[{"trigger": "telepathy"}], actions=[]),
        automation("Nonsense", triggers=7, actions={"delay": {"seconds": "soon"}}),
        automation(
            "Sound",
            triggers=[{"trigger": "state", "entity_id": "binary_sensor.hall_motion", "to": "on"}],
            actions=[{"action": "light.turn_on", "target": {"entity_id": "light.lamp_1"}}],
        ),
        scene("Haunted", lamp_1="on", ghost="on"),
    )
    hub.start()
    hub.wait_for_state("light.lamp_1", "off")
    publish_to(broker.port, "lamps/motion", "ON")
    wait_for(lambda: board.states["lamp_1"] == "ON", told=hub.log)

    told = hub.post("scenes/Haunted/activate")
    issues = {issue["text"] for issue in hub.get("issues")}

    assert told["status"] == "partial"
    assert "does not exist" in told["failed_devices"][0]["error"]
    assert any("Haunted" in text and "light.ghost" in text for text in issues), issues
    assert any("Broken" in text and "telepathy" in text for text in issues), issues
    assert any("Nonsense" in text for text in issues), issues
    problems = {each["name"]: each["problem"] for each in hub.get("automations")}
    assert problems["Sound"] is None
    assert "telepathy" in problems["Broken"]
    assert "Broken" in hub.cli("issues").stdout
    # Devices may still be on their way: what a rule names and nobody knows is told of after two minutes.
    missing = hub.wait(lambda: [t for t in (i["text"] for i in hub.get("issues")) if t.startswith("Ghost")], 150)
    assert "binary_sensor.ghost" in missing[0]
    assert "light.ghost" in missing[0]


class Speaker:
    """One connection for many messages."""

    def __init__(self, port: int) -> None:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def __enter__(self):
        return lambda topic, payload: self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def __exit__(self, *_error: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _publish_raw(port: int, topic: bytes, payload: bytes) -> None:
    """MQTT 3.1.1 by hand, because no client would send this. See section 3.3 of the standard."""
    connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + b"\x00\x05rude1"
    body = len(topic).to_bytes(2) + topic + payload
    with socket.create_connection(("127.0.0.1", port), 5) as rude:
        rude.sendall(bytes([0x10, len(connect)]) + connect)
        rude.recv(4)
        rude.sendall(bytes([0x30, len(body)]) + body)
