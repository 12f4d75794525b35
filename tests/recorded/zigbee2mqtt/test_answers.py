"""What the bridge says beside the lists and states: failures, its health, joining, options, firmware."""

from typing import Any

import pytest

from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Origin
from hub_agent.model.report import EntityReport, Refused, Rejected, Reported, Restarted
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.test_bridge import INFO, LAMP, lamp, rejected

IEEE = "0x00158d0001"
LAMP_ORIGIN = Origin("zigbee2mqtt", IEEE)
# As Zigbee2MQTT 2.14.1 logged it of a lamp without power.
TIMEOUT = (
    "z2m: Publish 'set' 'brightness' to 'Kitchen Lamp' failed: 'Error: ZCL command 0x000b57fffec6a5b2/1 "
    'genLevelCtrl.moveToLevelWithOnOff({"level":100,"transtime":0}, {"timeout":10000}) failed '
    "(Delivery failed for '4660'.)'"
)


def log(driver: Zigbee2Mqtt, message: str, level: str = "error") -> list[Any]:
    return wire.say(driver, "bridge/logging", {"level": level, "message": message})


def test_a_command_that_fails_at_the_bridge_is_told_of_the_entity_it_was_for() -> None:
    driver, _ = wire.bridge_with(lamp("Kitchen Lamp"))
    assert log(driver, TIMEOUT) == [Refused(LAMP_ORIGIN, "Delivery failed for '4660'.", ("light",))]


@pytest.mark.parametrize("name", ["Lamp", "Lamp's failed: '", "Küche/Lampe", "to 'x'"])
def test_a_failure_is_told_whatever_the_lamp_is_called(name: str) -> None:
    driver, _ = wire.bridge_with(lamp(name))
    [told] = log(driver, f"Publish 'set' 'state' to '{name}' failed: 'Error: no answer'")
    assert told == Refused(LAMP_ORIGIN, "no answer", ("light",))


def test_what_the_log_says_of_others_or_at_other_levels_is_left_alone() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    assert log(driver, "Publish 'set' 'state' to 'Stranger' failed: 'Error: x'") == []
    assert log(driver, "Publish 'get' 'state' to 'Lamp' failed: 'Error: x'") == []
    assert log(driver, TIMEOUT.replace("Kitchen ", ""), level="info") == []
    assert log(driver, "Failed to ping 'Lamp'") == []
    assert wire.say(driver, "bridge/logging", b'{"level":"error","message":7}') == []
    assert wire.say(driver, "bridge/logging", b'"error"') == []


def test_a_property_that_the_device_cannot_be_set_by_is_told_so() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    [told] = log(driver, "No converter available for 'color' on 'Lamp': ({\"x\":0.1})")
    assert told == Refused(LAMP_ORIGIN, "Zigbee2MQTT cannot set color of it", ("light",))


def test_a_request_that_the_bridge_refuses_is_told_of_the_device_it_was_for() -> None:
    driver, decoded = wire.bridge_with(wire.entry(IEEE, "Lamp", {**LAMP, "supports_ota": True}))
    device = wire.device_of(wire.advertised(decoded)["Lamp"])
    [(_, asked)] = wire.published(driver.encode(device, wire.entity_of(device, "update"), "update.install", {}))
    response = {"data": {}, "status": "error", "error": "OTA update failed", "transaction": asked["transaction"]}
    topic = "bridge/response/device/ota_update/update"
    assert wire.say(driver, topic, response) == [Refused(LAMP_ORIGIN, "OTA update failed", ("update",))]
    assert wire.say(driver, topic, {**response, "status": "ok"}) == []
    assert wire.say(driver, topic, {**response, "transaction": "somebody else's"}) == []
    assert wire.say(driver, topic, {**response, "transaction": "other update 0x1"}) == []
    assert wire.say(driver, topic, {"status": "error", "error": "x"}) == []
    assert wire.say(driver, topic, b'"error"') == []


def test_an_interview_that_fails_says_what_to_do() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    data = {"friendly_name": "New", "ieee_address": "0x9"}
    [told] = wire.say(driver, "bridge/event", {"type": "device_interview", "data": {**data, "status": "failed"}})
    assert isinstance(told, Rejected)
    assert (told.code, "New failed" in told.reason) == ("interview_failed", True)
    for kind, status in (("device_interview", "started"), ("device_interview", "successful"), ("device_joined", None)):
        assert wire.say(driver, "bridge/event", {"type": kind, "data": {**data, "status": status}}) == []
    assert wire.say(driver, "bridge/event", b"[]") == []


def test_a_device_that_has_just_been_powered_says_so() -> None:
    """From https://github.com/Koenkk/zigbee2mqtt/issues/10108."""
    driver = Zigbee2Mqtt()
    ieee = "0x00124b0022fe62df"
    told = {"data": {"friendly_name": ieee, "ieee_address": ieee}, "type": "device_announce"}

    assert wire.say(driver, "bridge/event", told) == [Restarted(Origin("zigbee2mqtt", ieee))]


def test_the_bridge_tells_its_health_from_its_first_word_of_it_on() -> None:
    driver = Zigbee2Mqtt()
    health = {
        "response_time": 1, "os": {"load_average": [0.1, 0.2, 0.3], "memory_used_mb": 3000, "memory_percent": 41.5},
        "process": {"uptime_sec": 600, "memory_used_mb": 152.3, "memory_percent": 2},
        "mqtt": {"connected": True, "queued": 0, "published": 5, "received": 3}, "devices": {},
    }  # fmt: skip
    assert wire.say(driver, "bridge/health", health) == [], "nobody knows yet whose it is"
    wire.say(driver, "bridge/info", INFO)
    told, reported = wire.say(driver, "bridge/health", health)
    assert isinstance(told, Advertisement)
    assert "uptime" in {entity.key for entity in told.entities}
    assert wire.states([reported]) == {
        "uptime": ("600", {}),
        "process_memory": ("152.3", {}),
        "system_memory": ("41.5", {}),
        "queued_messages": ("0", {}),
    }
    assert [type(one) for one in wire.say(driver, "bridge/health", health)] == [Reported]
    assert rejected(wire.say(driver, "bridge/health", b"{")) == ["not_json"]

    again = Zigbee2Mqtt()
    again.restore([wire.device_of(told)])
    assert [type(one) for one in wire.say(again, "bridge/health", health)] == [Reported]


def test_joining_says_until_when_it_is_allowed() -> None:
    driver = Zigbee2Mqtt()
    wire.say(driver, "bridge/info", INFO)
    info = {
        **INFO,
        "permit_join": True,
        "permit_join_end": 1763856254000,
        "restart_required": True,
        "log_level": "info",
    }
    states = wire.states(wire.say(driver, "bridge/info", info))
    assert states["permit_join"] == ("on", {"ends_at": "2025-11-23T00:04:14+00:00"})
    assert (states["restart_required"][0], states["log_level"][0]) == ("on", "info")
    assert wire.states(wire.say(driver, "bridge/info", INFO))["permit_join"] == ("off", {"ends_at": None})
    assert wire.states(wire.say(driver, "bridge/info", {**INFO, "log_level": "warn"}))["log_level"][0] == "warning"


SENSOR = {
    "model": "RTCGQ11LM", "vendor": "Aqara", "description": "Motion sensor",
    "exposes": [{"type": "binary", "name": "occupancy", "property": "occupancy", "access": 1, "value_on": True, "value_off": False}],
    "options": [
        {"type": "numeric", "name": "occupancy_timeout", "property": "occupancy_timeout", "access": 2, "value_min": 0, "value_step": 1, "unit": "s"},
        {"type": "numeric", "name": "illuminance_calibration", "property": "illuminance_calibration", "access": 2, "value_step": 0.1},
        {"type": "numeric", "name": "illuminance_precision", "property": "illuminance_precision", "access": 2},
        {"type": "list", "name": "no_occupancy_since", "property": "no_occupancy_since", "access": 2, "item_type": {"type": "numeric"}},
    ],
}  # fmt: skip


def test_what_the_bridge_has_not_said_yet_is_not_told_as_the_default() -> None:
    driver = Zigbee2Mqtt()
    listed = wire.say(driver, "bridge/devices", [wire.coordinator(), wire.entry("0x2", "Motion", SENSOR)])
    assert "option_occupancy_timeout" not in wire.states(listed)

    states = wire.states(wire.say(driver, "bridge/info", INFO))
    assert states["option_occupancy_timeout"] == ("90", {})


def test_options_that_people_use_are_entities_with_what_holds_where_nothing_is_set() -> None:
    driver, decoded = wire.bridge_with(wire.entry("0x2", "Motion", SENSOR))
    device = wire.device_of(wire.advertised(decoded)["Motion"])
    keys = [entity.key for entity in device.entities if entity.key.startswith("option_")]
    assert keys == ["option_occupancy_timeout", "option_illuminance_calibration"]
    assert wire.states(wire.say(driver, "bridge/info", INFO))["option_occupancy_timeout"] == ("90", {})

    timeout = wire.entity_of(device, "option_occupancy_timeout")
    [(topic, body)] = wire.published(driver.encode(device, timeout, "number.set_value", {"value": "30"}))
    assert topic == "zigbee2mqtt/bridge/request/device/options"
    assert (body["id"], body["options"]) == ("0x2", {"occupancy_timeout": 30})
    with pytest.raises(NotPossible, match="Motion: the value has to be between 0"):
        driver.encode(device, timeout, "number.set_value", {"value": -1})
    with pytest.raises(NotPossible):
        driver.encode(device, timeout, "number.set_value", {"value": "soon"})

    info = {**INFO, "config": {"devices": {"0x2": {"friendly_name": "Motion", "occupancy_timeout": 30}}}}
    states = wire.states(wire.say(driver, "bridge/info", info))
    assert (states["option_occupancy_timeout"][0], states["option_illuminance_calibration"][0]) == ("30", "0")
    assert "option_occupancy_timeout" not in wire.states(wire.say(driver, "bridge/info", {**info, "log_level": "info"}))


def test_firmware_says_what_is_there_and_what_could_be() -> None:
    driver, _ = wire.bridge_with(wire.entry(IEEE, "Lamp", {**LAMP, "supports_ota": True}))
    # As Zigbee2MQTT 2.14.1 says it before it has asked the device.
    unknown = {"installed_version": -1, "latest_version": -1, "state": None}
    [told] = wire.say(driver, "Lamp", {"update": unknown})
    assert told.entities == (
        EntityReport("update", None, {"installed_version": None, "latest_version": None,
                                      "in_progress": False, "update_percentage": None}),
    )  # fmt: skip
    offered = {
        "installed_version": 587753009, "latest_version": 587757105, "state": "available",
        "latest_source": "https://ota.example/file.zigbee", "latest_release_notes": None,
    }  # fmt: skip
    state, attributes = wire.states(wire.say(driver, "Lamp", {"update": offered}))["update"]
    assert (state, attributes["latest_version"]) == ("on", "587757105")
    assert (attributes["release_url"], attributes["release_summary"]) == ("https://ota.example/file.zigbee", None)
    updating = {"update": {"state": "updating", "progress": 13.37, "remaining": 400}}
    state, attributes = wire.states(wire.say(driver, "Lamp", updating))["update"]
    assert (state, attributes) == ("on", {"in_progress": True, "update_percentage": 13.37})
    assert wire.states(wire.say(driver, "Lamp", {"update": {"state": "scheduled"}}))["update"][0] == "on"
    assert wire.states(wire.say(driver, "Lamp", {"update_available": False}))["update"] == ("off", {}), "before 1.21"


@pytest.mark.parametrize(
    "more, request_name",
    [
        ({"power_source": "Battery", "interview_state": "SUCCESSFUL"}, "schedule"),
        ({"power_source": "Mains (single phase)", "interview_state": "SUCCESSFUL"}, "update"),
        ({"power_source": "Battery"}, "update"),
    ],
)
def test_what_sleeps_is_updated_when_it_wakes_if_the_bridge_knows_how(more: dict[str, str], request_name: str) -> None:
    driver, decoded = wire.bridge_with(wire.entry(IEEE, "Remote", {**LAMP, "supports_ota": True}, **more))
    device = wire.device_of(wire.advertised(decoded)["Remote"])
    [(topic, body)] = wire.published(driver.encode(device, wire.entity_of(device, "update"), "update.install", {}))
    assert (topic, body["id"]) == (f"zigbee2mqtt/bridge/request/device/ota_update/{request_name}", IEEE)


BLINKING = {"type": "enum", "name": "effect", "property": "effect", "access": 2, "values": ["blink", "breathe", "okay"]}
IDENTIFY = {"type": "enum", "name": "identify", "property": "identify", "access": 2, "values": ["identify"]}


@pytest.mark.parametrize(
    "exposes, pressed",
    [([IDENTIFY], {"identify": "identify"}), ([BLINKING], {"effect": "blink"}), ([BLINKING, IDENTIFY], {"identify": "identify"})],
)  # fmt: skip
def test_a_device_that_can_blink_can_be_found(exposes: list[dict[str, Any]], pressed: dict[str, str]) -> None:
    driver, decoded = wire.bridge_with(wire.entry(IEEE, "Lamp", {**LAMP, "exposes": [*LAMP["exposes"], *exposes]}))
    device = wire.device_of(wire.advertised(decoded)["Lamp"])
    [button] = [entity for entity in device.entities if entity.device_class == "identify"]
    assert (button.key, button.domain, button.name, button.category) == ("identify", "button", "Identify", "config")
    assert wire.published(driver.encode(device, button, "button.press", {})) == [("zigbee2mqtt/Lamp/set", pressed)]


def test_a_device_whose_parts_identify_themselves_needs_no_blinking() -> None:
    part = {**IDENTIFY, "property": "identify_left", "endpoint": "left"}
    _, decoded = wire.bridge_with(wire.entry(IEEE, "Lamp", {**LAMP, "exposes": [*LAMP["exposes"], BLINKING, part]}))
    keys = [one.key for one in wire.advertised(decoded)["Lamp"].entities if one.device_class == "identify"]
    assert keys == ["identify_left"]


def test_scenes_that_a_device_or_group_keeps_can_be_recalled() -> None:
    endpoints = {
        "1": {"scenes": [{"id": 3, "name": "Reading"}, {"id": 4}]},
        "2": {"name": "right", "scenes": [{"id": 3, "name": "Reading"}]},
        "3": {"scenes": [{"id": 5, "name": "Low"}, {"id": "x"}, None]},
    }
    group = {"id": 7, "friendly_name": "All", "members": [{"ieee_address": IEEE, "endpoint": 1}],
             "scenes": [{"id": 1, "name": "Evening"}]}  # fmt: skip
    driver, decoded = wire.bridge_with(lamp("Lamp", endpoints=endpoints), groups=[group])
    device, all_of_them = (wire.device_of(wire.advertised(decoded)[name]) for name in ("Lamp", "All"))
    scenes = [entity for entity in (*device.entities, *all_of_them.entities) if entity.domain == "scene"]
    assert [(scene.key, scene.name) for scene in scenes] == [
        ("scene_3", "Reading"), ("scene_4", "Scene 4"), ("scene_3_right", "Reading right"), ("scene_5_3", "Low 3"),
        ("scene_1", "Evening"),
    ]  # fmt: skip
    assert all_of_them.native["members"] == [[IEEE, 1]]
    sent = [
        wire.published(driver.encode(each, scene, "scene.turn_on", {}))[0]
        for each in (device, all_of_them)
        for scene in each.entities
        if scene.domain == "scene"
    ]
    assert sent == [
        ("zigbee2mqtt/Lamp/set", {"scene_recall": 3}), ("zigbee2mqtt/Lamp/set", {"scene_recall": 4}),
        ("zigbee2mqtt/Lamp/right/set", {"scene_recall": 3}), ("zigbee2mqtt/Lamp/3/set", {"scene_recall": 5}),
        ("zigbee2mqtt/All/set", {"scene_recall": 1}),
    ]  # fmt: skip

    decoded = wire.say(driver, "bridge/groups", [{**group, "scenes": []}])
    assert "scene_1" not in {entity.key for entity in wire.advertised(decoded)["All"].entities}


def test_a_scene_stored_in_a_lamp_is_news_of_the_lamp() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp", endpoints={"1": {"scenes": []}}))
    listed = [wire.coordinator(), lamp("Lamp", endpoints={"1": {"scenes": [{"id": 1, "name": "Night"}]}})]
    told = wire.advertised(wire.say(driver, "bridge/devices", listed))["Lamp"]
    assert "scene_1" in {entity.key for entity in told.entities}


def test_the_group_that_the_bridge_makes_for_itself_is_none_of_ours() -> None:
    _, decoded = wire.bridge_with(
        lamp("Lamp"), groups=[{"id": 901, "friendly_name": "default_bind_group", "members": []}]
    )
    assert "default_bind_group" not in wire.advertised(decoded)
