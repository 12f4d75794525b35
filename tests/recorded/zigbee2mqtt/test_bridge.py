"""What becomes of devices as their bridge lists, renames, removes and brings them back."""

from typing import Any

import pytest

from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.drivers.zigbee2mqtt.driver import WAITING_MAX
from hub_agent.model.device import Advertisement, DeviceType, Origin
from hub_agent.model.report import (
    AvailabilityReported,
    DeviceGone,
    EntityReport,
    MqttMessage,
    Rejected,
    Reported,
    Subscribe,
)
from tests.recorded.zigbee2mqtt import wire

LAMP = {
    "model": "LED1545G12",
    "vendor": "IKEA",
    "description": "TRADFRI bulb",
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
                    "value_toggle": "TOGGLE",
                },
                {
                    "type": "numeric",
                    "name": "brightness",
                    "property": "brightness",
                    "access": 7,
                    "value_min": 0,
                    "value_max": 254,
                },
                {
                    "type": "numeric",
                    "name": "color_temp",
                    "property": "color_temp",
                    "access": 7,
                    "value_min": 250,
                    "value_max": 454,
                },
            ],
        },
        {"type": "numeric", "name": "linkquality", "property": "linkquality", "access": 1, "unit": "lqi"},
    ],
}
PLUG = {
    "model": "TS011F",
    "vendor": "Tuya",
    "description": "Smart plug",
    "exposes": [
        {
            "type": "switch",
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
}
INFO = {
    "version": "2.1.0",
    "coordinator": {"ieee_address": wire.COORDINATOR, "type": "zStack3x0"},
    "permit_join": False,
    "config": {"availability": {"enabled": True}},
}


def lamp(name: str, **more: Any) -> dict[str, Any]:
    return wire.entry("0x00158d0001", name, LAMP, **more)


def rejected(decoded: list[Any]) -> list[str]:
    return [one.code for one in decoded if isinstance(one, Rejected)]


def test_a_device_is_reached_by_its_bridge_and_known_by_its_ieee_address() -> None:
    _, decoded = wire.bridge_with(lamp("Kitchen Lamp", power_source="Mains (single phase)", software_build_id=" 1.2 "))
    told = wire.advertised(decoded)["Kitchen Lamp"]
    assert told.origin == Origin("zigbee2mqtt", "0x00158d0001")
    assert [(alias.kind, alias.value) for alias in told.aliases] == [("zigbee_ieee", "0x00158d0001")]
    assert told.via == Origin("zigbee2mqtt", wire.COORDINATOR)
    assert (told.brand, told.model, told.device_type) == ("IKEA", "LED1545G12", DeviceType.LIGHT)
    assert (told.firmware_version, told.power_source) == ("1.2", "Mains (single phase)")


def test_the_bridge_is_a_device_with_its_own_availability() -> None:
    driver = Zigbee2Mqtt()
    assert wire.say(driver, "bridge/state", {"state": "online"}) == []
    decoded = wire.say(driver, "bridge/info", INFO)
    origin = Origin("zigbee2mqtt", wire.COORDINATOR)
    [told] = [one for one in decoded if isinstance(one, Advertisement)]
    assert (told.device_type, told.firmware_version, told.model) == (DeviceType.BRIDGE, "2.1.0", "zStack3x0")
    assert AvailabilityReported(origin, is_available=True) in decoded
    assert wire.say(driver, "bridge/state", b"offline") == [
        AvailabilityReported(origin, is_available=False),
        AvailabilityReported(origin, is_available=True, key="connection"),
        Reported(origin, (EntityReport("connection", "off"),)),
    ]


@pytest.mark.parametrize("name", ["Lamp", "kitchen/ceiling lamp", "Spülküche 灯 ", "0x00158d0001", "a/bridge/devices"])
def test_any_friendly_name_is_heard(name: str) -> None:
    driver, _ = wire.bridge_with(lamp(name))
    assert wire.states(wire.say(driver, name, {"state": "ON"}))["light"] == ("on", {})


def test_a_renamed_device_stays_itself_and_is_heard_under_its_new_name_only() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Ceiling")])
    assert [(one.name, one.origin.native_id) for one in decoded if isinstance(one, Advertisement)] == [
        ("Ceiling", "0x00158d0001")
    ]
    assert not [one for one in decoded if isinstance(one, DeviceGone)]
    assert wire.states(wire.say(driver, "Ceiling", {"state": "ON"}))
    assert not wire.states(wire.say(driver, "Lamp", {"state": "ON"}))


def test_two_devices_that_swap_names_are_not_mixed_up() -> None:
    driver, _ = wire.bridge_with(wire.entry("0x1", "A", LAMP), wire.entry("0x2", "B", LAMP))
    wire.say(driver, "bridge/devices", [wire.coordinator(), wire.entry("0x1", "B", LAMP), wire.entry("0x2", "A", LAMP)])
    [told] = wire.say(driver, "A", {"state": "ON"})
    assert told.origin.native_id == "0x2"


def test_a_removed_device_is_gone_and_comes_back_as_itself() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    gone = wire.say(driver, "bridge/devices", [wire.coordinator()])
    assert gone == [DeviceGone(Origin("zigbee2mqtt", "0x00158d0001"))]
    back = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")])
    assert wire.advertised(back)["Lamp"].origin == Origin("zigbee2mqtt", "0x00158d0001")
    assert wire.states(wire.say(driver, "Lamp", {"state": "ON"}))


def test_an_empty_or_cleared_list_takes_no_device_away() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    assert wire.say(driver, "bridge/devices", b"") == []
    assert rejected(wire.say(driver, "bridge/devices", [])) == ["empty_device_list"]
    assert wire.states(wire.say(driver, "Lamp", {"state": "ON"}))


def test_a_list_that_says_nothing_new_costs_nothing_new() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"), groups=[{"id": 1, "friendly_name": "All", "members": []}])
    assert wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")]) == []
    assert (
        wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp", endpoints={"1": {}}, network_address=7)])
        == []
    )


def test_a_disabled_device_is_unavailable_until_it_is_enabled() -> None:
    origin = Origin("zigbee2mqtt", "0x00158d0001")
    driver, decoded = wire.bridge_with(lamp("Lamp", disabled=True))
    assert AvailabilityReported(origin, is_available=False) in decoded
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp", disabled=False)])
    assert AvailabilityReported(origin, is_available=True) in decoded


def test_a_device_without_definition_is_known_before_it_is_understood() -> None:
    driver, decoded = wire.bridge_with(
        wire.entry("0x00158d0001", "New", None, interview_completed=False, manufacturer="IKEA")
    )
    told = wire.advertised(decoded)["New"]
    assert (told.entities, told.brand, told.native["is_interviewed"]) == ((), "IKEA", False)
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("New")])
    assert [entity.key for entity in wire.advertised(decoded)["New"].entities] == ["light", "linkquality"]


def test_a_state_that_is_ahead_of_the_list_waits_for_it() -> None:
    driver = Zigbee2Mqtt()
    assert wire.say(driver, "Lamp", {"state": "OFF"}, retained=True) == []
    assert wire.say(driver, "Lamp", {"state": "ON"}, retained=True) == []
    assert wire.say(driver, "Lamp/availability", b"online", retained=True) == []
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")], retained=True)
    assert wire.states(decoded)["light"][0] == "on"
    assert AvailabilityReported(Origin("zigbee2mqtt", "0x00158d0001"), is_available=True) in decoded
    kinds = [type(one) for one in decoded if one.origin.native_id == "0x00158d0001"]
    assert kinds[0] is Advertisement


def test_states_that_wait_are_bounded_and_the_newest_are_kept() -> None:
    driver = Zigbee2Mqtt()
    for number in range(WAITING_MAX + 10):
        wire.say(driver, f"Lamp {number}", {"state": "ON"})
    assert len(driver._waiting) == WAITING_MAX
    entries = [wire.entry("0x1", "Lamp 0", LAMP), wire.entry("0x2", f"Lamp {WAITING_MAX}", LAMP)]
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), *entries])
    assert [one.origin.native_id for one in decoded if isinstance(one, Reported)] == ["0x2"]


def test_a_topic_that_no_list_names_is_told_once() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    told = [code for _ in range(3) for code in rejected(wire.say(driver, "Stranger", {"state": "ON"}))]
    assert told == ["unknown_device"]


def test_what_is_repeated_below_a_device_is_no_device() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    for below in ("Lamp/l1", "Lamp/action", "Lamp/set", "Lamp/get", "Lamp/set/state"):
        assert wire.say(driver, below, b'{"state":"ON"}') == []


def test_groups_can_do_what_any_of_their_members_can() -> None:
    group = {
        "id": 7,
        "friendly_name": "Living room",
        "members": [{"ieee_address": "0x1", "endpoint": 1}, {"ieee_address": "0x2", "endpoint": 1}],
    }
    driver, decoded = wire.bridge_with(wire.entry("0x1", "Lamp", LAMP), wire.entry("0x2", "Plug", PLUG), groups=[group])
    told = wire.advertised(decoded)["Living room"]
    assert [(entity.key, sorted(entity.capabilities)) for entity in told.entities] == [
        ("light", ["brightness", "color_temp", "on"]),
        ("switch", ["on"]),
    ]
    assert told.device_type is DeviceType.LIGHT
    assert wire.states(wire.say(driver, "Living room", {"state": "ON", "brightness": 254}))["light"] == (
        "on",
        {"brightness": 255},
    )

    decoded = wire.say(driver, "bridge/groups", [{**group, "members": group["members"][1:]}])
    assert [entity.key for entity in wire.advertised(decoded)["Living room"].entities] == ["switch"]
    assert wire.say(driver, "bridge/groups", []) == [DeviceGone(Origin("zigbee2mqtt", "zigbee2mqtt/group/7"))]


def test_groups_wait_for_the_devices_they_are_made_of() -> None:
    driver = Zigbee2Mqtt()
    assert (
        wire.say(
            driver, "bridge/groups", [{"id": 1, "friendly_name": "All", "members": [{"ieee_address": "0x00158d0001"}]}]
        )
        == []
    )
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")])
    assert [entity.key for entity in wire.advertised(decoded)["All"].entities] == ["light"]


def test_a_bridge_of_another_base_topic_is_found_by_itself() -> None:
    driver = Zigbee2Mqtt()
    assert driver.wants("upstairs/bridge/info")
    assert not driver.wants("upstairs/Lamp")
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")], base="upstairs")
    assert decoded[0] == Subscribe(("upstairs/#",))
    assert driver.wants("upstairs/Lamp")
    assert wire.states(wire.say(driver, "Lamp", {"state": "ON"}, base="upstairs"))


def test_other_programs_with_a_bridge_topic_are_left_alone() -> None:
    driver = Zigbee2Mqtt()
    for payload in ({"version": 3}, [], [{"id": 1}], "x"):
        for name in ("info", "devices", "groups", "state"):
            assert wire.say(driver, f"bridge/{name}", payload, base="zwave") == []
    assert not driver.wants("zwave/Lamp")


def test_a_device_that_moved_to_another_bridge_is_not_gone() -> None:
    driver = Zigbee2Mqtt(("up", "down"))
    other = {**wire.coordinator(), "ieee_address": "0xc2"}
    wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp")], base="up")
    wire.say(driver, "bridge/devices", [other, lamp("Lamp")], base="down")
    assert wire.say(driver, "bridge/devices", [wire.coordinator()], base="up") == []
    assert wire.states(wire.say(driver, "Lamp", {"state": "ON"}, base="down"))


def test_after_a_restart_states_are_read_before_the_bridge_has_said_anything() -> None:
    _, decoded = wire.bridge_with(lamp("Lamp"))
    device = wire.device_of(wire.advertised(decoded)["Lamp"])
    driver = Zigbee2Mqtt()
    assert driver.restore([device]) == ()
    assert wire.states(wire.say(driver, "Lamp", {"state": "ON"}))["light"][0] == "on"
    # The retained list says it again, and what has gone meanwhile is gone.
    assert DeviceGone(device.origin) in wire.say(driver, "bridge/devices", [wire.coordinator()])


def test_a_restored_bridge_of_another_base_topic_is_subscribed_to() -> None:
    device = wire.lost_device({"kind": "device", "base": "upstairs", "name": "Lamp"})
    assert Zigbee2Mqtt().restore([device]) == ("upstairs/#",)


def test_a_released_device_is_not_heard_until_the_bridge_says_something_new_of_it() -> None:
    driver, decoded = wire.bridge_with(lamp("Lamp"))
    driver.release(wire.device_of(wire.advertised(decoded)["Lamp"]))
    assert not wire.states(wire.say(driver, "Lamp", {"state": "ON"}))
    assert wire.advertised(
        wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp"), wire.entry("0x2", "New", None)])
    ).keys() == {"New"}
    assert "Lamp 2" in wire.advertised(wire.say(driver, "bridge/devices", [wire.coordinator(), lamp("Lamp 2")]))


def test_a_bad_entry_costs_no_neighbour() -> None:
    bad: list[Any] = [
        {},
        {"ieee_address": 7},
        {"ieee_address": "0x9", "friendly_name": "a/+/b"},
        None,
        "x",
        {"ieee_address": "x" * 100},
    ]
    driver = Zigbee2Mqtt()
    decoded = wire.say(driver, "bridge/devices", [wire.coordinator(), *bad, lamp("Lamp")])
    assert "Lamp" in wire.advertised(decoded)
    assert set(rejected(decoded)) == {"device_without_address", "bad_friendly_name"}


@pytest.mark.parametrize(
    "payload, code",
    [
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"state": NaN}', "not_json"),
        (b'{"brightness": 1e999}', "not_json"),
        (b"[1]", "not_an_object"),
        (b"17", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "too_deep"),
        (b"[" * 5000 + b"]" * 5000, "not_json"),
    ],
)
def test_a_payload_that_is_no_state_is_rejected_with_its_reason(payload: bytes, code: str) -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    assert rejected(wire.say(driver, "Lamp", payload)) == [code]


def test_many_brackets_that_are_not_deep_are_fine() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    assert wire.states(driver.decode(MqttMessage("zigbee2mqtt/Lamp", b'{"state":"ON","x":[' + b"{}," * 100 + b"{}]}")))


def test_a_strange_property_is_told_once_and_the_others_are_read() -> None:
    driver, _ = wire.bridge_with(lamp("Lamp"))
    decoded = [
        one for _ in range(3) for one in wire.say(driver, "Lamp", {"state": "ON", "mood": "good", "brightness": "many"})
    ]
    assert rejected(decoded) == ["unknown_property", "invalid_value"]
    assert wire.states(decoded)["light"] == ("on", {})


def test_attribute_output_is_named_as_the_reason_for_silence() -> None:
    driver = Zigbee2Mqtt()
    info = {**INFO, "config": {"advanced": {"output": "attribute"}}}
    assert rejected(wire.say(driver, "bridge/info", info)) == ["attribute_output"]
