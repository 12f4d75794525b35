"""What Home Assistant's own registries (`.storage`) say of the numbers that device triggers, conditions and actions use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
_ZIGBEE2MQTT: Final = "zigbee2mqtt_"


@dataclass(slots=True)
class Registry:
    """`is_known`: the registries lay beside the files."""

    is_known: bool = False
    entity_by_number: dict[str, str] = field(default_factory=dict)
    entities_by_device: dict[str, list[str]] = field(default_factory=dict)
    # What Home Assistant made of an item of its own: (kind, the item's id) -> entity id.
    entity_by_item: dict[tuple[str, str], str] = field(default_factory=dict)
    # Devices of Zigbee2MQTT by their name there, which names their topics.
    zigbee2mqtt_name_by_device: dict[str, str] = field(default_factory=dict)


def read_registry(root: Path) -> Registry:
    """Files that are missing or not understood are as if they were not there."""
    found = Registry()
    storage = root / ".storage"
    for each in listed(storage / "core.entity_registry", "entities"):
        number, entity_id = each.get("id"), each.get("entity_id")
        if isinstance(number, str) and isinstance(entity_id, str):
            found.is_known = True
            found.entity_by_number[number] = entity_id
            found.entities_by_device.setdefault(str(each.get("device_id")), []).append(entity_id)
            found.entity_by_item[(str(each.get("platform")), str(each.get("unique_id")))] = entity_id
    for each in listed(storage / "core.device_registry", "devices"):
        number, name = each.get("id"), each.get("name")
        if isinstance(number, str) and isinstance(name, str) and _is_of_zigbee2mqtt(each.get("identifiers")):
            found.zigbee2mqtt_name_by_device[number] = name
    return found


def listed(path: Path, key: str) -> Iterator[Mapping[str, Any]]:
    try:
        if not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            return
        body = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return
    data = body.get("data") if isinstance(body, dict) else None
    listed = data.get(key) if isinstance(data, dict) else None
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield each


def _is_of_zigbee2mqtt(identifiers: object) -> bool:
    pairs = identifiers if isinstance(identifiers, list) else []
    return any(
        isinstance(pair, list) and len(pair) > 1 and pair[0] == "mqtt" and str(pair[1]).startswith(_ZIGBEE2MQTT)
        for pair in pairs
    )
