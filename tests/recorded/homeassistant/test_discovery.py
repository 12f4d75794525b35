"""Devices come, change, move and go."""

import json
from dataclasses import replace

import pytest

from hub_agent.drivers.homeassistant.driver import REPEATS_UNTOLD
from hub_agent.model.device import Advertisement, Alias, Origin, ProtocolType
from hub_agent.model.report import DeviceGone, EntityGone, MqttMessage, Rejected, Subscribe, Unsubscribe

SENSOR = {"stat_t": "box/t", "unit_of_meas": "°C"}
DEVICE = {
    "dev": {
        "ids": "box",
        "name": "Box",
        "mf": "Acme",
        "mdl": "One",
        "sw": "1.2",
        "sa": "Kitchen",
        "cns": [["mac", "AA-BB-CC-00-11-22"]],
        "via_device": "hub1",
    }
}


def kinds(decoded) -> list[str]:
    return [type(each).__name__ for each in decoded]


def test_an_announcement_names_the_device_and_asks_for_its_topics(home) -> None:
    advertisement, subscribe = home.hear(
        "homeassistant/sensor/n/t/config",
        {
            **SENSOR,
            **DEVICE,
            "name": "Temperature",
            "uniq_id": "u1",
            "obj_id": "box_temp",
            "ent_cat": "diagnostic",
            "avty_t": "box/online",
        },
    )
    assert isinstance(advertisement, Advertisement)
    assert advertisement.origin == Origin("homeassistant", "box")
    assert advertisement.aliases == (Alias("mac", "aabbcc001122"), Alias("discovery_id", "box"))
    assert (advertisement.name, advertisement.brand, advertisement.model) == ("Box", "Acme", "One")
    assert (advertisement.firmware_version, advertisement.suggested_area) == ("1.2", "Kitchen")
    assert advertisement.via == Origin("homeassistant", "hub1")
    assert not advertisement.complete
    (entity,) = advertisement.entities
    assert (entity.key, entity.domain, entity.name, entity.object_id, entity.category) == (
        "sensor.u1",
        "sensor",
        "Temperature",
        "box_temp",
        "diagnostic",
    )
    assert subscribe == Subscribe(("box/online", "box/t"))


@pytest.mark.parametrize(
    "config,name",
    [
        ({"name": "Temperature"}, "Temperature"),
        ({"name": None}, None),
        ({"name": "Box"}, None),
        ({"name": "Box Temperature"}, "Temperature"),
        ({"dev_cla": "temperature"}, "Temperature"),
        ({}, "Sensor"),
    ],
)
def test_an_entity_is_named_within_its_device(home, config, name) -> None:
    advertisement = home.hear("homeassistant/sensor/t/config", {**SENSOR, **DEVICE, **config})[0]
    assert isinstance(advertisement, Advertisement)
    assert advertisement.entities[0].name == name


def test_an_entity_without_a_device_is_one_itself(home) -> None:
    advertisement = home.hear("homeassistant/sensor/t/config", {**SENSOR, "name": "Porch"})[0]
    assert isinstance(advertisement, Advertisement)
    assert (advertisement.name, advertisement.entities[0].name) == ("Porch", None)


def test_a_device_of_zigbee2mqtt_is_known_by_its_zigbee_address(home) -> None:
    advertisement = home.hear(
        "homeassistant/sensor/t/config", {**SENSOR, "dev": {"ids": ["zigbee2mqtt_0x00124B00253C5F14"]}}
    )[0]
    assert isinstance(advertisement, Advertisement)
    assert advertisement.aliases[0] == Alias("zigbee_ieee", "0x00124b00253c5f14")
    assert advertisement.protocol is ProtocolType.ZIGBEE


def test_entities_that_name_the_device_differently_meet_in_one_device(home) -> None:
    home.hear("homeassistant/sensor/a/config", {**SENSOR, "dev": {"ids": ["x", "y"]}})
    home.hear("homeassistant/sensor/b/config", {**SENSOR, "dev": {"ids": "y", "cns": [["mac", "aa:bb:cc:00:11:22"]]}})
    home.hear("homeassistant/sensor/c/config", {**SENSOR, "dev": {"cns": [["mac", "AABBCC001122"]]}})
    assert list(home.devices) == ["x"]
    assert len(home.devices["x"].entities) == 3


def test_two_devices_that_turn_out_to_be_one_are_joined(home) -> None:
    home.hear("homeassistant/sensor/a/config", {**SENSOR, "dev": {"ids": "x"}})
    home.hear("homeassistant/sensor/b/config", {**SENSOR, "dev": {"ids": "y"}})
    gone, advertisement = home.hear("homeassistant/sensor/c/config", {**SENSOR, "dev": {"ids": ["x", "y"]}})
    assert gone == DeviceGone(Origin("homeassistant", "y"))
    assert isinstance(advertisement, Advertisement)
    assert [entity.key for entity in advertisement.entities] == ["sensor.b", "sensor.c"]
    assert len(home.reports("box/t", "1")) == 3
    assert home.hear("homeassistant/sensor/b/config", "") == [EntityGone(Origin("homeassistant", "x"), "sensor.b")]


def test_the_same_announcement_again_says_nothing(home) -> None:
    home.announce("sensor", SENSOR)
    assert all(home.announce("sensor", SENSOR) == () for _ in range(REPEATS_UNTOLD))


def test_what_is_announced_over_and_over_is_passed_on_so_that_it_can_be_counted(home) -> None:
    [*_, first] = [each for each in home.announce("sensor", SENSOR) if isinstance(each, Advertisement)]
    said = [each for _ in range(REPEATS_UNTOLD + 5) for each in home.announce("sensor", SENSOR)]

    assert said == [first] * 5


def test_a_changed_announcement_replaces_the_entity(home) -> None:
    home.announce("sensor", SENSOR)
    advertisement, subscribe, unsubscribe = home.announce("sensor", {"stat_t": "box/other", "unit_of_meas": "°C"})
    assert isinstance(advertisement, Advertisement)
    assert (subscribe, unsubscribe) == (Subscribe(("box/other",)), Unsubscribe(("box/t",)))
    assert home.hear("box/t", "1") == ()
    assert home.say("box/other", "1") == ("1", {})


def test_removal_takes_the_entity_and_with_the_last_one_the_device(home) -> None:
    home.announce("sensor", SENSOR, "a")
    home.announce("sensor", SENSOR, "b")
    origin = home.devices["box"].origin
    assert home.hear("homeassistant/sensor/a/config", "") == [EntityGone(origin, "sensor.a")]
    assert home.hear("homeassistant/sensor/b/config", "") == [DeviceGone(origin), Unsubscribe(("box/t",))]
    assert home.hear("homeassistant/sensor/b/config", "") == ()
    assert home.hear("homeassistant/sensor/never/config", "") == []


def test_a_device_that_comes_back_is_itself(home) -> None:
    before = home.announce("sensor", SENSOR)[0]
    home.hear("homeassistant/sensor/it/config", "")
    assert home.announce("sensor", SENSOR)[0] == before


WHOLE = {
    "dev": {"ids": ["box"], "name": "Box"},
    "o": {"name": "firmware"},
    "~": "base",
    "stat_t": "~/state",
    "avty": [{"t": "~/online"}],
    "cmps": {
        "temperature": {"p": "sensor", "unit_of_meas": "°C", "val_tpl": "{{ value_json.t }}", "uniq_id": "t"},
        "relay": {"p": "switch", "cmd_t": "~/set", "stat_t": "own/state"},
    },
}


def test_a_device_announces_all_its_components_at_once(home) -> None:
    advertisement, subscribe = home.hear("homeassistant/device/box/config", WHOLE)
    assert isinstance(advertisement, Advertisement)
    assert [entity.key for entity in advertisement.entities] == ["sensor.t", "switch.box relay"]
    assert subscribe == Subscribe(("base/online", "base/state", "own/state"))
    assert home.say("base/state", {"t": 4}) == ("4", {})
    assert home.tell("switch.turn_on") == [("base/set", "ON")]


def test_a_component_that_is_reduced_to_its_platform_or_left_out_is_gone(home) -> None:
    home.hear("homeassistant/device/box/config", WHOLE)
    origin = home.devices["box"].origin
    reduced = {**WHOLE, "cmps": {**WHOLE["cmps"], "relay": {"p": "switch"}}}
    assert EntityGone(origin, "switch.box relay") in home.hear("homeassistant/device/box/config", reduced)
    left_out = {**WHOLE, "cmps": {"relay": WHOLE["cmps"]["relay"]}}
    decoded = home.hear("homeassistant/device/box/config", left_out)
    assert EntityGone(origin, "sensor.t") in decoded
    assert DeviceGone(origin) in home.hear("homeassistant/device/box/config", "")


def test_one_bad_component_does_not_hold_up_the_others(home) -> None:
    bad = {
        **WHOLE,
        "cmps": {
            "broken": None,
            "unknown": {"p": "toaster", "x": 1},
            "mute": {"p": "switch", "cmd_t": 5},
            **WHOLE["cmps"],
        },
    }
    decoded = home.hear("homeassistant/device/box/config", bad)
    assert kinds(decoded) == ["Advertisement", "Rejected", "Rejected", "Rejected", "Subscribe"]
    assert [each.reason.partition(":")[0] for each in decoded if isinstance(each, Rejected)] == [
        "box broken",
        "box unknown",
        "box mute",
    ]


def test_a_component_that_becomes_invalid_stays_as_it_was_understood(home) -> None:
    home.hear("homeassistant/device/box/config", WHOLE)
    worse = {**WHOLE, "cmps": {**WHOLE["cmps"], "relay": {"p": "switch", "cmd_t": 5}}}
    assert "EntityGone" not in kinds(home.hear("homeassistant/device/box/config", worse))
    assert home.tell("switch.turn_on") == [("base/set", "ON")]


def test_an_entity_moves_from_its_own_topic_into_the_device_announcement(home) -> None:
    own = "homeassistant/sensor/box/temperature/config"
    home.hear(own, {**WHOLE["cmps"]["temperature"], "stat_t": "old", "dev": WHOLE["dev"]})
    assert home.hear(own, {"migrate_discovery": True}) == ()
    (advertisement, *_) = home.hear("homeassistant/device/box/config", WHOLE)
    assert isinstance(advertisement, Advertisement)
    assert kinds(home.hear(own, "")) == []
    assert home.say("base/state", {"t": 5}) == ("5", {})


def test_a_unique_id_that_is_taken_is_refused(home) -> None:
    home.announce("sensor", {**SENSOR, "unique_id": "same"}, "a")
    (rejected,) = home.announce("sensor", {**SENSOR, "unique_id": "same"}, "b")
    assert isinstance(rejected, Rejected)
    assert rejected.code == "unique_id_taken"


@pytest.mark.parametrize(
    "component,payload,code,key",
    [
        ("sensor", "{", "not_json", "JSON"),
        ("sensor", "[]", "not_object", "object"),
        ("sensor", {"name": "x"}, "key_missing", "`state_topic`"),
        ("sensor", {"stat_t": 5}, "key_wrong", "`state_topic`"),
        ("sensor", {"stat_t": "a/#/b"}, "key_wrong", "`state_topic`"),
        ("sensor", {"stat_t": "#"}, "key_wrong", "`state_topic`"),
        ("sensor", {"stat_t": "+/+"}, "key_wrong", "`state_topic`"),
        ("sensor", {"stat_t": "a", "val_tpl": "{{ value."}, "template_wrong", "`value_template`"),
        ("sensor", {"stat_t": "a", "dev": {"name": "x"}}, "key_missing", "`identifiers`"),
        ("sensor", {"stat_t": "a", "dev": "x"}, "key_wrong", "`device`"),
        ("sensor", {"stat_t": "a", "dev": {"ids": [{}]}}, "key_wrong", "identifiers"),
        ("sensor", {"stat_t": "a", "dev": {"cns": ["mac"]}}, "key_wrong", "connections"),
        ("sensor", {"stat_t": "a", "ent_cat": "system"}, "key_wrong", "`entity_category`"),
        ("sensor", {"stat_t": "a", "avty": "incorrect"}, "key_wrong", "`availability`"),
        ("sensor", {"stat_t": "a", "avty": [{"pl_avail": "x"}]}, "key_missing", "`topic`"),
        ("sensor", {"stat_t": "a", "avty_t": "b", "avty_mode": "most"}, "key_wrong", "`availability_mode`"),
        ("sensor", {"stat_t": "a", "e": "klingon"}, "key_wrong", "`encoding`"),
        ("switch", {"stat_t": "a"}, "key_missing", "`command_topic`"),
        ("switch", {"cmd_t": "my-device/#/set"}, "key_wrong", "`command_topic`"),
        ("number", {"cmd_t": "a", "min": 5, "max": 1}, "key_wrong", "`max`"),
        ("number", {"cmd_t": "a", "min": "low"}, "key_wrong", "`min`"),
        ("select", {"cmd_t": "a"}, "key_missing", "`options`"),
        ("light", {"cmd_t": "a", "schema": "fancy"}, "key_wrong", "`schema`"),
        ("light", {"cmd_t": "a", "schema": "json", "sup_clrm": ["plaid"]}, "key_wrong", "`supported_color_modes`"),
        ("light", {"cmd_t": "a", "schema": "template"}, "key_missing", "`command_on_template`"),
        ("climate", {"temp_unit": "X"}, "key_wrong", "`temperature_unit`"),
        ("device_automation", {"atype": "trigger", "topics": "a", "type": "t", "stype": "s", "dev": {"ids": "x"}}, "key_missing", "`topic`"),
        ("tag", {"topics": "a"}, "key_missing", "`topic`"),
        ("toaster", {"stat_t": "a"}, "unknown_component", "toaster"),
        ("device", {"dev": {"ids": "x"}}, "key_missing", "`components`"),
        ("device", {"cmps": {}}, "key_missing", "`device`"),
    ],
)  # fmt: skip
def test_an_invalid_announcement_is_rejected_by_the_key_that_is_wrong(home, component, payload, code, key) -> None:
    (rejected,) = home.hear(f"homeassistant/{component}/x/config", payload)
    assert isinstance(rejected, Rejected)
    assert (rejected.code, key in rejected.reason) == (code, True), rejected


def test_a_discovery_topic_with_odd_letters_is_rejected(home) -> None:
    (rejected,) = home.hear("homeassistant/sensor/(node1)/x/config", SENSOR)
    assert isinstance(rejected, Rejected)
    assert rejected.code == "illegal_topic"


def test_what_the_mirror_remembers_needs_no_announcement(home, new_home) -> None:
    home.announce("sensor", {**SENSOR, "avty_t": "box/online"}, "a")
    home.announce("switch", {"cmd_t": "box/set", "stat_t": "box/s"}, "b")
    home.announce("device_automation", {"atype": "trigger", "topic": "box/b", "type": "press", "subtype": "one"}, "c")
    after = new_home()
    after.devices = {"box": replace(home.devices["box"], native=json.loads(json.dumps(home.devices["box"].native)))}
    assert after.driver.restore(after.devices.values()) == ("box/b", "box/online", "box/s", "box/t")
    assert after.say("box/t", "3") == ("3", {})
    assert after.say("box/b", "x")[1]["event_type"] == "press"
    assert after.tell("switch.turn_on") == [("box/set", "ON")]
    assert after.hear("homeassistant/switch/b/config", "")[0] == EntityGone(home.devices["box"].origin, "switch.b")


def test_a_device_that_another_dialect_serves_is_let_go(home) -> None:
    home.announce("sensor", SENSOR)
    assert home.driver.release(home.devices["box"]) == ("box/t",)
    assert home.hear("box/t", "1") == ()
    assert home.announce("sensor", {**SENSOR, "name": "again"}) == []


def test_a_command_for_a_device_that_is_not_restored_yet_uses_what_the_mirror_knows(home, new_home) -> None:
    home.announce("switch", {"cmd_t": "box/set"})
    device = home.devices["box"]
    assert [sent.topic for sent in new_home().publications(device, device.entities[0], "switch.turn_on", {})] == [
        "box/set"
    ]


def test_another_prefix_may_be_set() -> None:
    from hub_agent.drivers.homeassistant import HomeAssistantDiscovery

    driver = HomeAssistantDiscovery("my_home/ha/register")
    assert driver.subscriptions() == ("my_home/ha/register/+/+/config", "my_home/ha/register/+/+/+/config")
    decoded = driver.decode(MqttMessage("my_home/ha/register/sensor/n/o/config", b'{"stat_t": "x"}'))
    assert kinds(decoded) == ["Advertisement", "Subscribe"]


@pytest.mark.parametrize(
    "identifier, macs",
    [("AABBCC001122", ["aabbcc001122"]), ("aa:bb:cc:00:11:22", ["aabbcc001122"]), ("123456789012", []), ("box", [])],
)
def test_a_device_that_names_itself_by_its_mac_is_known_by_it_in_every_dialect(
    home, identifier: str, macs: list[str]
) -> None:
    (said, *_) = home.hear("homeassistant/sensor/x/config", {**SENSOR, "dev": {"ids": identifier}})
    assert [alias.value for alias in said.aliases if alias.kind == "mac"] == macs
    assert said.origin.native_id == identifier
