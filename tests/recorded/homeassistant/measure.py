"""How much of discovery messages is understood: `python -m tests.recorded.homeassistant.measure [FILE.jsonl ...]`.

Counted are the components that become entities with capabilities, and of their options those that the driver looked at. Components that are
announced wrongly on purpose (by tests of hubs) count as not understood.
"""

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub_agent.drivers.homeassistant import HomeAssistantDiscovery, members
from hub_agent.drivers.homeassistant.announcement import Reader
from hub_agent.drivers.homeassistant.formerly import rename
from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.model.device import Advertisement
from hub_agent.model.report import MqttMessage
from hub_agent.templating import Templates
from tests.recorded.homeassistant.corpus import DATA, SOURCES, messages

# For people's screens, or of the announcement itself: nothing that a device can do.
DECORATION = frozenset(
    {
        "icon", "entity_picture", "enabled_by_default", "origin", "device", "suggested_display_precision", "~", "automation_type", "unique_id", "object_id",
        "default_entity_id", "platform", "force_update", "has_entity_name", "url_topic",
    }
)  # fmt: skip


@dataclass(slots=True)
class Share:
    components: int = 0
    entities: int = 0
    options: int = 0
    options_read: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        entities = 100 * self.entities / max(self.components, 1)
        options = 100 * self.options_read / max(self.options, 1)
        return f"{self.components:6} components {entities:6.1f} % entities   {self.options:6} options {options:6.1f} % read"


class _Watched(dict[str, Any]):
    """A configuration that knows which of its options were looked at."""

    def __init__(self, config: dict[str, Any], read: set[str]) -> None:
        super().__init__(config)
        self._read = read

    def get(self, key: str, default: Any = None) -> Any:
        self._read.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self._read.add(str(key))
        return super().__contains__(key)


def measured(path: Path) -> Share:
    share = Share()
    reader = Reader("homeassistant")
    for _, topic, payload, _ in messages(path):
        place = reader.read_place(topic)
        if place is None or not payload.strip():
            continue
        try:
            components = reader.read(place, payload).components
        except Wrong as err:
            share.components += 1
            share.refused[err.code] += 1
            continue
        for component in components:
            if component.config is not None:
                _measure(component.kind, dict(component.config), share)
        # Together, as it is in a home: whether a device comes of it.
        advertised = [
            each
            for each in HomeAssistantDiscovery().decode(MqttMessage(topic, payload))
            if isinstance(each, Advertisement)
        ]
        share.entities += sum(bool(entity.capabilities) for each in advertised for entity in each.entities)
    return share


def _measure(kind: str, config: dict[str, Any], share: Share) -> None:
    share.components += 1
    read: set[str] = set()
    maker = members.MAKERS.get(kind)
    if maker is None:
        share.refused["unknown_component"] += 1
        return
    try:
        options = Options(_Watched(rename(kind, config), read), Templates())
        facet = maker(options)
        members.read_availability(options, Templates())
        # What a command looks at is looked at when it is made.
        read |= {"name", "entity_category", "retain", "qos"} | {
            key for key in config if key.endswith("_topic") and facet.commands
        }
    except Wrong as err:
        share.refused[err.code] += 1
        return
    wanted = rename(kind, config).keys() - DECORATION
    share.options += len(wanted)
    share.options_read += len(wanted & read)
    share.unread.update(wanted - read)


def main(names: list[str]) -> None:
    fixtures = Path(os.environ.get("NEXA_FIXTURES", "/nowhere")) / "ha_discovery" / "zigbee2mqtt.jsonl"
    paths = [Path(name) for name in names] or [
        *(DATA / f"{source}.jsonl" for source in SOURCES),
        *([fixtures] if fixtures.exists() else []),
    ]
    for path in paths:
        share = measured(path)
        print(f"{path.stem:16} {share}")
        print(
            f"{'':16} not read: {json.dumps(dict(share.unread.most_common(12)))}; refused: {json.dumps(dict(share.refused))}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
