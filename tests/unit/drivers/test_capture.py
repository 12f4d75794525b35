"""Captures in both their forms, and what is told of them."""

import json
from typing import Any

from hub_agent.drivers.capture import LineNotRead, describe, read_capture
from hub_agent.drivers.registry import Dialects
from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.model.report import MqttMessage

LAMP = {
    "ieee_address": "0x1",
    "friendly_name": "Living Room Lamp",
    "type": "Router",
    "definition": {
        "model": "M",
        "vendor": "V",
        "exposes": [
            {
                "type": "light",
                "features": [
                    {
                        "type": "binary",
                        "name": "state",
                        "property": "state",
                        "access": 7,
                        "value_on": "ON",
                        "value_off": "OFF",
                    }
                ],
            }
        ],
    },
}
LIST = [{"ieee_address": "0xc", "friendly_name": "Coordinator", "type": "Coordinator"}, LAMP]


def described(text: str) -> dict[str, Any]:
    return describe(read_capture(text), lambda: Dialects([Zigbee2Mqtt()]))


def test_json_lines_hold_payloads_as_text_or_as_json() -> None:
    lines = [
        {"topic": "a", "payload": '{"x":1}'},
        {"topic": "b", "payload": {"x": [1, None]}, "retain": True},
        {"topic": "c", "payload": ""},
        {"topic": "d", "payload": None},
        {"topic": "e", "payload": 21.5},
    ]
    assert list(read_capture("\n".join(json.dumps(line) for line in lines))) == [
        MqttMessage("a", b'{"x":1}'),
        MqttMessage("b", b'{"x":[1,null]}', retained=True),
        MqttMessage("c", b""),
        MqttMessage("d", b""),
        MqttMessage("e", b"21.5"),
    ]


def test_lines_that_are_no_message_are_named() -> None:
    text = '{"topic": "a", "payload": 1}\n{"topic"\n{"payload": 1}\n{"topic": ""}\n{"topic": "x"}\n 17\n\nb 2'
    read = list(read_capture(text))
    assert [one.line for one in read if isinstance(one, LineNotRead)] == [2, 3, 4, 5, 6]
    assert [one.topic for one in read if isinstance(one, MqttMessage)] == ["a", "b"]


def test_what_mosquitto_sub_prints_is_split_where_the_topic_ends() -> None:
    text = "\n".join(
        [
            f"zigbee2mqtt/bridge/devices {json.dumps(LIST)}",
            'zigbee2mqtt/Living Room Lamp {"state": "ON"}',
            "zigbee2mqtt/Living Room Lamp/availability online",
            "zigbee2mqtt/Hall Lamp/availability offline",
            'zigbee2mqtt/Hall Lamp {"state": "a {b}"}',
            "tele/plug/LWT Online",
            "shellies/x/temperature 21.5",
            "shellies/x/name My plug",
            "zigbee2mqtt/old (null)",
            "zigbee2mqtt/Living Room Lamp/set ON",
        ]
    )
    assert [(one.topic, one.payload) for one in read_capture(text) if isinstance(one, MqttMessage)][1:] == [
        ("zigbee2mqtt/Living Room Lamp", b'{"state": "ON"}'),
        ("zigbee2mqtt/Living Room Lamp/availability", b"online"),
        ("zigbee2mqtt/Hall Lamp/availability", b"offline"),
        ("zigbee2mqtt/Hall Lamp", b'{"state": "a {b}"}'),
        ("tele/plug/LWT", b"Online"),
        ("shellies/x/temperature", b"21.5"),
        ("shellies/x/name", b"My plug"),
        ("zigbee2mqtt/old", b""),
        ("zigbee2mqtt/Living Room Lamp/set", b"ON"),
    ]


def test_a_payload_may_run_over_several_lines() -> None:
    [message] = read_capture('zigbee2mqtt/Lamp {\r\n  "state": "ON"\r\n}\r\n')
    assert isinstance(message, MqttMessage)
    assert json.loads(message.payload) == {"state": "ON"}


def test_the_order_of_a_capture_does_not_matter() -> None:
    lines = [
        'zigbee2mqtt/Living Room Lamp {"state": "ON"}',
        "zigbee2mqtt/Living Room Lamp/availability online",
        "zigbee2mqtt/bridge/groups []",
        f"zigbee2mqtt/bridge/devices {json.dumps(LIST)}",
    ]
    story = described("\n".join(lines))
    assert story == described("\n".join(reversed(lines)))
    [lamp] = [device for device in story["devices"] if device["name"] == "Living Room Lamp"]
    assert (lamp["is_available"], lamp["entities"][0]["state"]) == (True, "on")


def test_what_was_not_understood_is_counted_and_listed() -> None:
    lines = [
        f"zigbee2mqtt/bridge/devices {json.dumps(LIST)}",
        "zigbee2mqtt/bridge/groups []",
        'zigbee2mqtt/Living Room Lamp {"state": "ON", "mood": 1}',
        "zigbee2mqtt/Living Room Lamp {broken",
        "zigbee2mqtt/Living Room Lamp {broken",
        'zigbee2mqtt/Stranger {"state": "ON"}',
        "doorbell/rings yes",
        '{"topic"',
    ]
    story = described("\n".join(lines))
    assert {(one["code"], one["topic"], one["count"]) for one in story["not_understood"]} == {
        ("not_json", "zigbee2mqtt/Living Room Lamp", 2),
        ("unknown_property", "zigbee2mqtt/Living Room Lamp", 1),
        ("unknown_device", "zigbee2mqtt/Stranger", 1),
    }
    assert story["topics_of_others"] == [{"topic": "doorbell/rings", "count": 1}]
    assert [one["line"] for one in story["lines_not_read"]] == [8]
    json.dumps(story)


def test_an_empty_capture_tells_an_empty_story() -> None:
    assert described("\n\n") == {
        "messages": 0,
        "devices": [],
        "not_understood": [],
        "topics_of_others": [],
        "lines_not_read": [],
    }


def test_states_without_the_list_of_devices_are_said_to_lack_it() -> None:
    story = described('zigbee2mqtt/Lamp {"state":"ON"}')

    assert [(one["code"], one["topic"]) for one in story["not_understood"]] == [("no_device_list", "zigbee2mqtt/Lamp")]
