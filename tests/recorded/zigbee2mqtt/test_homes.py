"""Real homes and models, as the driver understands them; the snapshots are to be read."""

import json
from typing import Any

import pytest

from hub_agent.drivers.capture import describe
from hub_agent.drivers.registry import Dialects
from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.model.report import MqttMessage, Rejected, Reported
from tests.recorded.zigbee2mqtt import wire
from tests.recorded.zigbee2mqtt.corpus import corpus, home


def dialects() -> Dialects:
    return Dialects([Zigbee2Mqtt()])


def device_list(*entries: dict[str, Any]) -> MqttMessage:
    return MqttMessage("zigbee2mqtt/bridge/devices", json.dumps([wire.coordinator(), *entries]).encode(), retained=True)


def test_a_home_of_35_devices_reads_as_in_its_snapshot() -> None:
    wire.check_snapshot("luligu_home", describe(home(), dialects))


def test_the_order_of_a_homes_messages_does_not_matter() -> None:
    # The last state of a device is the last one said, so the states keep their order among themselves.
    messages = list(home())
    assert describe([*messages[3:], *reversed(messages[:3])], dialects) == describe(messages, dialects)


def test_a_homes_messages_are_understood_but_for_properties_its_models_do_not_list() -> None:
    story = describe(home(), dialects)
    assert {one["code"] for one in story["not_understood"]} == {"unknown_property"}
    assert story["topics_of_others"] == [] or {one["topic"].rsplit("/")[-1] for one in story["topics_of_others"]} <= {
        "get",
        "set",
    }


def test_the_models_of_another_hubs_tests_read_as_in_their_snapshot() -> None:
    entries = []
    for path in sorted((wire.DATA / "gladys").glob("*.json")):
        body = json.loads(path.read_text())
        for one in body if isinstance(body, list) else [body.get("mqttDevice", body)]:
            if one.get("type") != "Coordinator":
                entries.append(
                    {"ieee_address": f"0x{len(entries):016x}", **one, "friendly_name": f"{path.stem} {len(entries)}"}
                )
    wire.check_snapshot("gladys", describe([device_list(*entries)], dialects))


def test_thirty_models_of_a_homekit_bridge_read_as_in_their_snapshot() -> None:
    entries = []
    for path in sorted((wire.DATA / "homebridge_z2m_exposes").glob("*.json")):
        exposes = json.loads(path.read_text())
        entries.append(
            wire.entry(f"0x{len(entries):016x}", path.stem, {"model": path.stem, "vendor": "", "exposes": exposes})
        )
    wire.check_snapshot("homebridge_z2m_exposes", describe([device_list(*entries)], dialects))


def test_two_years_of_a_home_are_read_without_knowing_its_models() -> None:
    lines = (wire.DATA / "genestealer_home" / "state_history.jsonl").read_text().splitlines()
    said = [json.loads(line) for line in lines]
    names = sorted({one["topic"].partition("/")[2] for one in said})
    driver, _ = wire.bridge_with(*(wire.entry(f"0x{i:016x}", name, None) for i, name in enumerate(names)))

    reported = 0
    for one in said:
        payload = b"" if one["payload"] is None else json.dumps(one["payload"]).encode()
        decoded = driver.decode(MqttMessage(one["topic"], payload))
        reported += sum(isinstance(part, Reported) for part in decoded)
        assert {part.code for part in decoded if isinstance(part, Rejected)} <= {"unknown_property"}
    assert reported == sum(one["payload"] is not None for one in said)


def test_messages_quoted_in_public_threads_are_read_or_left_to_others() -> None:
    lines = wire.fixture("mqtt_captures/issue_reports.jsonl").read_text().splitlines()
    driver = Zigbee2Mqtt()
    for line in lines:
        said = json.loads(line)
        message = MqttMessage(said["topic"], said["payload"].encode(), said.get("retain", False))
        assert [one for one in driver.decode(message) if isinstance(one, Rejected)] == []


@pytest.mark.parametrize("base", ["zigbee2mqtt", "myhome"])
def test_availability_is_read_in_its_old_and_its_new_form(base: str) -> None:
    driver = Zigbee2Mqtt((base,))
    entries = [wire.coordinator(), wire.entry("0x1", "Strahler Pool ", None)]
    wire.say(driver, "bridge/devices", entries, base=base)
    for payload, is_available in ((b"online", True), (b'{"state":"offline"}', False), (b'{"state": "online"}', True)):
        [told] = wire.say(driver, "Strahler Pool /availability", payload, base=base)
        assert told.is_available is is_available
        assert told.origin.native_id == "0x1"


def test_of_all_that_bridges_say_beside_the_states_nothing_is_strange() -> None:
    driver = dialects()
    strange = [one for message in corpus() for one in driver.decode(message) if isinstance(one, Rejected)]
    assert {one.code for one in strange} == {"unknown_property", "interview_failed", "unknown_device"}
