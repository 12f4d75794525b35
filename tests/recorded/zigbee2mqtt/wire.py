"""Speaks to the driver as a broker would, and makes devices of advertisements as the inventory would."""

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub_agent.drivers.zigbee2mqtt import DIALECT, Zigbee2Mqtt
from hub_agent.model.device import Advertisement, Alias, Device, Entity, Origin
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.report import Decoded, MqttMessage, Publication, Reported

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "recorded" / "data" / "zigbee2mqtt"
FIXTURES = Path(os.environ.get("NEXA_FIXTURES", ROOT.parent / "shared" / "fixtures"))
COORDINATOR = "0x00124b00fffffff0"


def fixture(name: str) -> Path:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"not run without the fixture {name} (set NEXA_FIXTURES)")
    return path


def definitions() -> Iterator[dict[str, Any]]:
    with gzip.open(fixture("zigbee2mqtt/definitions.jsonl.gz"), "rt") as lines:
        for line in lines:
            yield json.loads(line)


def say(
    driver: Zigbee2Mqtt, topic: str, payload: Any, *, retained: bool = False, base: str = "zigbee2mqtt"
) -> list[Decoded]:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return list(driver.decode(MqttMessage(f"{base}/{topic}", body, retained)))


def entry(ieee: str, name: str, definition: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A device as it stands in bridge/devices."""
    return {
        "ieee_address": ieee,
        "friendly_name": name,
        "type": "Router",
        "definition": definition,
        "interview_completed": True,
        **more,
    }


def coordinator() -> dict[str, Any]:
    return {"ieee_address": COORDINATOR, "friendly_name": "Coordinator", "type": "Coordinator", "definition": None}


def bridge_with(*entries: dict[str, Any], groups: Iterable[dict[str, Any]] = ()) -> tuple[Zigbee2Mqtt, list[Decoded]]:
    driver = Zigbee2Mqtt()
    decoded = say(driver, "bridge/devices", [coordinator(), *entries], retained=True)
    return driver, decoded + say(driver, "bridge/groups", list(groups), retained=True)


def advertised(decoded: Iterable[Decoded]) -> dict[str, Advertisement]:
    """By name; the newest wins."""
    return {one.name: one for one in decoded if isinstance(one, Advertisement)}


def device_of(advertisement: Advertisement) -> Device:
    ids = DeviceId(advertisement.origin.native_id)
    entities = tuple(
        Entity(
            id=EntityId(f"{facet.domain}.{facet.key}"),
            device_id=ids,
            key=facet.key,
            domain=facet.domain,
            name=facet.name,
            device_class=facet.device_class,
            unit=facet.unit,
            state_class=facet.state_class,
            category=facet.category,
            capabilities=facet.capabilities,
            native=orjson.loads(orjson.dumps(facet.native)),
        )
        for facet in advertisement.entities
    )
    return Device(
        id=ids,
        origin=advertisement.origin,
        aliases=advertisement.aliases,
        name=advertisement.name,
        named_by_person=False,
        room_id=None,
        brand=advertisement.brand,
        model=advertisement.model,
        device_type=advertisement.device_type,
        protocol=advertisement.protocol,
        via=None,
        firmware_version=advertisement.firmware_version,
        power_source=advertisement.power_source,
        native=orjson.loads(orjson.dumps(advertisement.native)),
        entities=entities,
    )


def lost_device(native: dict[str, Any]) -> Device:
    origin = Origin(DIALECT, "0x1")
    return device_of(Advertisement(origin, (Alias("zigbee_ieee", "0x1"),), "Lost", native=native))


def entity_of(device: Device, key: str) -> Entity:
    return next(entity for entity in device.entities if entity.key == key)


def published(publications: Iterable[Publication]) -> list[tuple[str, Any]]:
    return [(one.topic, orjson.loads(one.payload)) for one in publications]


def states(decoded: Iterable[Decoded]) -> dict[str, tuple[str | None, dict[str, Any]]]:
    """What is said of each entity: state and attributes."""
    return {
        report.key: (report.state, dict(report.attributes))
        for one in decoded
        if isinstance(one, Reported)
        for report in one.entities
    }


def check_snapshot(name: str, body: Any) -> None:
    """Compares with the readable JSON in the data folder; NEXA_SNAPSHOTS=write writes it instead."""
    path = DATA / f"{name}.json"
    if os.environ.get("NEXA_SNAPSHOTS") == "write":
        path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    assert path.exists(), f"{path} is missing: write it with NEXA_SNAPSHOTS=write"
    assert json.loads(json.dumps(body)) == json.loads(path.read_text())
