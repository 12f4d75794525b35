"""Scenes of the home that Zigbee devices keep: what is asked of the bridge, and how what it keeps is read back."""

from typing import Any

import orjson
import pytest

from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Device, Origin
from hub_agent.model.ids import EntityId
from hub_agent.model.report import Decoded, MqttMessage, Refused, SceneNotKept, ScenesKept
from hub_agent.model.scene import DesiredState, KeptScene, SceneCopy, SceneMember
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.test_bridge import INFO, LAMP, PLUG
from tests.recorded.zigbee2mqtt.test_states import RGB

KEEPS = {"1": {"clusters": {"input": ["genGroups", "genScenes", "genOnOff"]}, "scenes": []}}
BRIDGE = Origin("zigbee2mqtt", wire.COORDINATOR)
TAG = "1a2b3c4d"
NUMBER = 0x4E00 + 0xC4D


def house() -> tuple[Zigbee2Mqtt, dict[str, Device]]:
    driver = Zigbee2Mqtt()
    decoded = wire.say(driver, "bridge/info", INFO)
    entries = [
        wire.entry("0x1", "Lamp", LAMP, endpoints={"11": KEEPS["1"], "242": {"clusters": {"input": []}}}),
        wire.entry("0x2", "Colour/lamp", {"model": "RGB", "exposes": [RGB]}, endpoints=KEEPS),
        wire.entry("0x3", "Plug", PLUG, endpoints=KEEPS),
        wire.entry("0x4", "Simple plug", PLUG, endpoints={"1": {"clusters": {"input": ["genOnOff"]}}}),
    ]
    decoded += wire.say(driver, "bridge/devices", [wire.coordinator(), *entries])
    decoded += wire.say(driver, "bridge/groups", [])
    return driver, {one.name: wire.device_of(one) for one in decoded if isinstance(one, Advertisement)}


def member(device: Device, state: str, **attributes: Any) -> SceneMember:
    entity = device.entities[0]
    return SceneMember(device, entity, DesiredState(EntityId(entity.id), state, attributes, device.id))


def evening(devices: dict[str, Device], version: str = "aaaaaa", transition_s: float | None = 2) -> SceneCopy:
    members = (
        member(devices["Lamp"], "on", brightness=128, color_temp_kelvin=2700),
        member(devices["Colour/lamp"], "on", xy_color=[0.7006, 0.2993], brightness=255),
        member(devices["Plug"], "off"),
    )
    return SceneCopy(TAG, "Evening", members, transition_s, version)


def kept(decoded: list[Decoded]) -> list[KeptScene]:
    return [scene for one in decoded if isinstance(one, ScenesKept) for scene in one.kept]


def listed(members: list[tuple[str, int]], scene: str | None = "Evening aaaaaa") -> list[dict[str, Any]]:
    """As the bridge lists our group."""
    return [
        {
            "id": NUMBER,
            "friendly_name": f"nexa_{TAG}",
            "members": [{"ieee_address": ieee, "endpoint": endpoint} for ieee, endpoint in members],
            "scenes": [{"id": 1, "name": scene}] if scene else [],
        }
    ]


ALL = [("0x2", 1), ("0x1", 11), ("0x3", 1)]


def test_a_scene_becomes_a_group_of_its_own_with_what_each_member_is_to_be() -> None:
    driver, devices = house()
    requests = "zigbee2mqtt/bridge/request/group"
    scene = {"ID": 1, "group_id": NUMBER, "name": "Evening aaaaaa", "transition": 2}
    asked = wire.published(driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), None))
    assert asked == [
        (f"{requests}/add", {"friendly_name": f"nexa_{TAG}", "id": NUMBER}),
        (f"{requests}/members/add", {"group": NUMBER, "device": "0x1", "endpoint": 11}),
        (f"{requests}/members/add", {"group": NUMBER, "device": "0x2", "endpoint": 1}),
        (f"{requests}/members/add", {"group": NUMBER, "device": "0x3", "endpoint": 1}),
        ("zigbee2mqtt/Lamp/11/set", {"scene_add": {**scene, "state": "ON", "brightness": 127, "color_temp": 370}}),
        (
            "zigbee2mqtt/Colour/lamp/1/set",
            {"scene_add": {**scene, "state": "ON", "brightness": 254, "color": {"x": 0.7006, "y": 0.2993}}},
        ),
        ("zigbee2mqtt/Plug/1/set", {"scene_add": {**scene, "state": "OFF"}}),
    ]


def test_what_the_bridge_keeps_is_told_in_the_words_of_what_it_should() -> None:
    driver, devices = house()
    copy = evening(devices)
    decoded = wire.say(driver, "bridge/groups", listed(ALL))
    assert kept(decoded) == [KeptScene(TAG, f"nexa_{TAG}", driver.content_of(copy))]
    assert not wire.advertised(decoded), "it is no device of the home"
    assert kept(wire.say(driver, "bridge/groups", listed(ALL, scene=None)))[0].content != driver.content_of(copy)
    assert kept(wire.say(driver, "bridge/groups", listed(ALL[1:])))[0].content != driver.content_of(copy)
    assert kept(wire.say(driver, "bridge/groups", listed(ALL, "Evening bbbbbb")))[0].content != driver.content_of(copy)
    assert wire.say(driver, "bridge/groups", []) == [ScenesKept(BRIDGE, ())]
    assert wire.say(driver, "bridge/groups", [{"id": 1, "friendly_name": "x", "members": []}])[0] != ScenesKept(
        BRIDGE, ()
    )


def test_what_is_kept_otherwise_is_mended_without_making_it_anew() -> None:
    driver, devices = house()
    wire.say(driver, "bridge/groups", listed([("0x1", 11), ("0x9", 1)], scene=None))
    asked = wire.published(driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), f"nexa_{TAG}"))
    assert [(topic.rpartition("request/")[2], body) for topic, body in asked][:3] == [
        ("group/members/remove", {"group": NUMBER, "device": "0x9", "endpoint": 1, "skip_disable_reporting": True}),
        ("group/members/add", {"group": NUMBER, "device": "0x2", "endpoint": 1}),
        ("group/members/add", {"group": NUMBER, "device": "0x3", "endpoint": 1}),
    ]
    assert [list(body) for _, body in asked[3:]] == [["scene_add"]] * 3


def test_a_number_that_is_taken_is_not_taken_again() -> None:
    driver, devices = house()
    wire.say(driver, "bridge/groups", [{"id": NUMBER, "friendly_name": "Somebody's", "members": []}])
    [(_, asked), *_] = wire.published(driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), None))
    assert asked == {"friendly_name": f"nexa_{TAG}", "id": NUMBER + 1}


def test_it_is_recalled_by_one_word_and_dropped_with_its_group() -> None:
    driver, devices = house()
    bridge, group = devices["Zigbee2MQTT Bridge"], f"nexa_{TAG}"
    assert wire.published(driver.encode_recall(bridge, group, None)) == [
        (f"zigbee2mqtt/{group}/set", {"scene_recall": 1})
    ]
    assert wire.published(driver.encode_drop(bridge, group)) == [
        (f"zigbee2mqtt/{group}/set", {"scene_remove": 1}),
        ("zigbee2mqtt/bridge/request/group/remove", {"id": group, "force": True}),
    ]
    with pytest.raises(NotPossible, match="transition"):
        driver.encode_recall(bridge, group, 10)
    with pytest.raises(NotPossible, match="no group of this hub"):
        driver.encode_drop(bridge, "Living room")


def test_a_member_that_did_not_take_its_part_is_told_before_and_after_the_others_have() -> None:
    driver, devices = house()
    driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), None)
    refusal = {"level": "error", "message": "z2m: Publish 'set' 'scene_add' to 'Plug' failed: 'Error: no answer'"}
    assert wire.say(driver, "bridge/logging", refusal) == [SceneNotKept(BRIDGE, TAG, "no answer")]
    told = kept(wire.say(driver, "bridge/groups", listed(ALL)))
    assert told[0].content != driver.content_of(evening(devices)), "the plug has nothing"
    # Stored again, all is well.
    driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), f"nexa_{TAG}")
    told = kept(wire.say(driver, "bridge/groups", listed(ALL)))
    assert told[0].content == driver.content_of(evening(devices)), "though the list is the same"
    # And a refusal that comes after the list makes it incomplete again.
    told = kept(wire.say(driver, "bridge/logging", refusal))
    assert told[0].content != driver.content_of(evening(devices))


def test_other_refusals_are_of_the_device_and_not_of_the_scene() -> None:
    driver, devices = house()
    driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), None)
    [told] = wire.say(
        driver, "bridge/logging", {"level": "error", "message": "Publish 'set' 'state' to 'Plug' failed: 'x'"}
    )
    assert told == Refused(Origin("zigbee2mqtt", "0x3"), "x", ("switch",))


def test_only_what_zigbee_keeps_in_scenes_is_kept() -> None:
    driver, devices = house()

    def can_keep(name: str, state: str, **attributes: Any) -> bool:
        wanted = member(devices[name], state, **attributes)
        return driver.can_keep(wanted.device, wanted.entity, wanted.wish)

    assert can_keep("Lamp", "on", brightness=3, hs_color=None, effect="none")
    assert can_keep("Lamp", "off")
    assert not can_keep("Lamp", "on", effect="colorloop")
    assert not can_keep("Lamp", "unavailable")
    assert can_keep("Plug", "on")
    assert not can_keep("Simple plug", "on"), "it has no cluster for scenes"
    linkquality = next(entity for entity in devices["Lamp"].entities if entity.key == "linkquality")
    assert not driver.can_keep(devices["Lamp"], linkquality, DesiredState(EntityId("sensor.x"), "1", {}))


def test_before_the_bridge_has_told_its_groups_nothing_is_stored() -> None:
    _, devices = house()
    driver = Zigbee2Mqtt()
    with pytest.raises(NotPossible, match="has not told yet"):
        driver.encode_store(devices["Zigbee2MQTT Bridge"], evening(devices), None)


def test_what_our_group_says_of_itself_is_no_news() -> None:
    driver, _ = house()
    assert wire.say(driver, f"nexa_{TAG}", {"state": "ON"}) == []
    assert wire.say(driver, f"nexa_{TAG}/availability", {"state": "online"}) == []
    assert not driver.wants(f"zigbee2mqtt/nexa_{TAG}")


def test_our_group_is_no_device_either_where_it_is_announced_for_home_assistant() -> None:
    driver = HomeAssistantDiscovery()
    topic = "homeassistant/light/1221051039810110150109113116116_23117/light/config"

    def announced(name: str) -> list[Decoded]:
        # As Zigbee2MQTT 2.14.1 announces a group.
        device = {"identifiers": ["zigbee2mqtt_1221051039810110150109113116116_23117"], "name": name, "model": "Group"}
        config = {
            "name": None,
            "unique_id": "23117_light",
            "command_topic": "x/set",
            "schema": "json",
            "device": device,
        }
        return [
            one for one in driver.decode(MqttMessage(topic, orjson.dumps(config))) if isinstance(one, Advertisement)
        ]

    assert announced(f"nexa_{TAG}") == []
    [told] = announced("Living room")
    _, decoded = wire.bridge_with(groups=[{"id": 23117, "friendly_name": "Living room", "members": []}])
    assert told.aliases[0] in wire.advertised(decoded)["Living room"].aliases, "the group of both is one"
