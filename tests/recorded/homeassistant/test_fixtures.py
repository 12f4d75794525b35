"""Every payload of real devices is understood, or rejected with its reason; what came of it stands in snapshots to read.

`NEXA_SNAPSHOTS=write pytest tests/recorded/homeassistant` writes the snapshots anew; read the difference before committing it.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_agent.model.device import Advertisement
from hub_agent.model.report import AvailabilityReported, Decoded, DeviceGone, EntityGone, Rejected, Reported, Subscribe
from tests.recorded.homeassistant.corpus import messages
from tests.recorded.homeassistant.measure import measured

HERE = Path(__file__).parent
DATA = HERE.parent / "data" / "homeassistant"


def describe(decoded: Iterable[Decoded]) -> Iterator[str]:
    for each in decoded:
        if isinstance(each, Advertisement):
            yield f"{each.name} | {each.device_type.value} | brand {each.brand} | model {each.model} | aliases {', '.join(f'{alias.kind} {alias.value}' for alias in each.aliases)}"
            for entity in each.entities:
                can = ", ".join(
                    f"{name} {one.type} {one.access}{f' {one.unit}' if one.unit else ''}"
                    for name, one in entity.capabilities.items()
                )
                marks = " ".join(word for word in (entity.device_class, entity.state_class, entity.category) if word)
                yield f"    {entity.key} | {entity.name} | {can}{f' | {marks}' if marks else ''}"
        elif isinstance(each, Subscribe):
            yield f"    listens to {', '.join(each.topics)}"
        elif isinstance(each, Rejected):
            yield f"    REJECTED {each.topic} | {each.code} | {each.reason}"
        elif isinstance(each, EntityGone | DeviceGone):
            yield f"    gone: {each.origin.native_id} {each.key if isinstance(each, EntityGone) else ''}".rstrip()
        elif isinstance(each, Reported):
            for report in each.entities:
                yield f"    says {report.key} = {report.state} {dict(report.attributes) or ''}".rstrip()
        elif isinstance(each, AvailabilityReported):
            yield f"    is {'available' if each.is_available else 'unavailable'}: {each.origin.native_id}"


@pytest.mark.parametrize("source", ["energomera", "gladys_tests", "ha_core_tests", "shellies_gen2"])
def test_real_announcements_are_understood_as_the_snapshot_says(new_home, source) -> None:
    lines: list[str] = []
    homes: dict[str | None, Any] = {}
    for device, topic, payload, retained in messages(DATA / f"{source}.jsonl"):
        # Its source gave several devices the same made-up address; each has a home of its own.
        if device not in homes:
            homes[device] = new_home()
            lines += [] if device is None else [f"== {device}"]
        decoded = homes[device].driver.decode(_message(topic, payload, retained=retained))
        lines += [topic, *describe(decoded)]
    text = "\n".join(lines) + "\n"
    snapshot = HERE / "snapshots" / f"{source}.txt"
    if os.environ.get("NEXA_SNAPSHOTS") == "write":
        snapshot.write_text(text)
    assert text == snapshot.read_text()


def _message(topic: str, payload: bytes, *, retained: bool):
    from hub_agent.model.report import MqttMessage

    return MqttMessage(topic, payload, retained)


def test_all_shelly_announcements_are_accepted(new_home) -> None:
    homes: dict[str | None, Any] = {}
    count = 0
    for device, topic, payload, retained in messages(DATA / "shellies_gen2.jsonl"):
        home = homes.setdefault(device, new_home())
        decoded = home.hear(topic, payload, retained=retained)
        assert not [each for each in decoded if isinstance(each, Rejected)], topic
        count += 1
    assert count == 186
    # The power strip's four sockets are devices of their own.
    assert sorted(len(home.devices) for home in homes.values()) == [1] * 10 + [5]


def test_a_real_meter_says_what_its_gateway_says_of_it(home) -> None:
    for _, topic, payload, _ in messages(DATA / "energomera.jsonl"):
        home.hear(topic, payload)
    device = home.devices["CE301_00123456"]
    entities = {entity.key: entity for entity in device.entities}
    energy = entities["sensor.CE301_00123456_ET0PE"]
    assert (device.name, device.model, device.firmware_version) == ("00123456", "CE301", "12")
    assert (energy.name, energy.unit, energy.device_class, energy.state_class) == (
        "Cumulative energy",
        "kWh",
        "energy",
        "total_increasing",
    )
    assert home.say("homeassistant/sensor/CE301_00123456/CE301_00123456_ET0PE/state", {"value": "16907.9477764"}) == (
        "16907.9477764",
        {},
    )


def test_a_shelly_bulb_is_read_and_commanded_through_its_own_templates(home) -> None:
    for device, topic, payload, retained in messages(DATA / "shellies_gen2.jsonl"):
        if device == "shelly_multicolor_bulb_gen3":
            home.hear(topic, payload, retained=retained)
    body = {"output": True, "brightness": 60, "mode": "cct", "ct": 3000, "rgb": [255, 0, 9]}
    states = {
        report.key.partition(".")[0]: report
        for report in home.reports("shellycolorblbg3-aabbccddeeff/status/rgbcct:0", body)
    }
    assert states["light"].state == "on"
    assert states["light"].attributes == {
        "brightness": 153,
        "color_temp_kelvin": 3000,
        "color_mode": "color_temp",
        "rgb_color": [255, 0, 9],
    }
    sent = home.tell("light.turn_on", device="90:70:69:48:e2:50", brightness=255, color_temp_kelvin=4000)
    assert [json.loads(payload)["params"] for _, payload in sent] == [
        {"id": 0, "brightness": 100},
        {"id": 0, "on": True, "mode": "cct", "ct": 4000},
        {"id": 0, "on": True},
    ]


def test_messages_quoted_in_public_issues_do_no_harm(home, real_fixtures) -> None:
    rejected = []
    for _, topic, payload, retained in messages(real_fixtures("mqtt_captures/issue_reports.jsonl")):
        rejected += [
            (each.topic, each.code)
            for each in home.hear(topic, payload, retained=retained)
            if isinstance(each, Rejected)
        ]
    assert rejected == [
        ("homeassistant/sensor/(node1)/outside_humidity/config", "illegal_topic"),
        ("homeassistant/switch/(pi1)/x/config", "illegal_topic"),
    ]


def test_what_zigbee2mqtt_announces_here_is_the_same_device_as_there(home, real_fixtures) -> None:
    rejected = []
    for _, topic, payload, _ in messages(real_fixtures("ha_discovery/zigbee2mqtt.jsonl")):
        rejected += [each for each in home.hear(topic, payload) if isinstance(each, Rejected)]
    # Its tests announce one sensor under two topics; the second is refused, as Home Assistant does.
    assert [each.code for each in rejected] == ["unique_id_taken"]
    kinds = {alias.kind for device in home.devices.values() for alias in device.aliases}
    assert kinds == {"zigbee_ieee", "discovery_id"}
    bulb = home.devices["zigbee2mqtt_0x0017880104e45553"]
    assert bulb.aliases[0].value == "0x0017880104e45553"
    assert json.loads(home.tell("light.turn_on", device="zigbee2mqtt_0x0017880104e45553", brightness=255)[0][1]) == {
        "state": "ON",
        "brightness": 254,
    }


def test_a_button_of_zigbee2mqtt_is_read_through_its_long_template(home, real_fixtures) -> None:
    for _, topic, payload, _ in messages(real_fixtures("ha_discovery/zigbee2mqtt.jsonl")):
        if topic.startswith("homeassistant/event/"):
            home.hear(topic, payload)
    (report,) = home.reports("zigbee2mqtt/button", {"action": "single", "linkquality": 80})
    assert report.attributes["event_type"] == "single"


def test_messages_of_tasmota_do_no_harm(home, real_fixtures) -> None:
    for _, topic, payload, _ in messages(real_fixtures("tasmota/ha_tests_messages.jsonl")):
        assert home.hear(topic, payload) == ()


@pytest.mark.parametrize("source", ["energomera", "shellies_gen2"])
def test_nearly_all_that_real_devices_announce_becomes_entities_with_capabilities(source: str) -> None:
    """`python -m tests.recorded.homeassistant.measure` prints the shares."""
    share = measured(DATA / f"{source}.jsonl")
    assert share.entities >= 0.95 * share.components, share
    assert share.options_read >= 0.95 * share.options, share.unread.most_common(5)
