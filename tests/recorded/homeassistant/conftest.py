"""A home that speaks Home Assistant's discovery: announce, say, tell."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.model.device import Advertisement, Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.report import Decoded, EntityReport, MqttMessage, Publication, Reported
from hub_agent.templating import Templates

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Home:
    def __init__(self) -> None:
        self.driver = HomeAssistantDiscovery(templates=Templates(globals={"now": lambda: NOW}))
        self.devices: dict[str, Device] = {}

    def hear(self, topic: str, payload: Any, *, retained: bool = False) -> Sequence[Decoded]:
        raw = (
            payload
            if isinstance(payload, bytes)
            else payload.encode()
            if isinstance(payload, str)
            else json.dumps(payload).encode()
        )
        decoded = self.driver.decode(MqttMessage(topic, raw, retained))
        for each in decoded:
            if isinstance(each, Advertisement):
                self._keep(each)
        return decoded

    def announce(self, component: str, config: dict[str, Any], name: str = "it") -> Sequence[Decoded]:
        return self.hear(
            f"homeassistant/{component}/{name}/config",
            {"unique_id": name, "device": {"identifiers": ["box"], "name": "Box"}, **config},
        )

    def say(self, topic: str, payload: Any, *, retained: bool = False) -> tuple[str | None, dict[str, Any]]:
        """State and attributes of the only entity that the message is about."""
        reports = self.reports(topic, payload, retained=retained)
        assert len(reports) == 1, reports
        return reports[0].state, dict(reports[0].attributes)

    def reports(self, topic: str, payload: Any, *, retained: bool = False) -> list[EntityReport]:
        return [
            report
            for each in self.hear(topic, payload, retained=retained)
            if isinstance(each, Reported)
            for report in each.entities
        ]

    def tell(self, action: str, device: str = "box", **data: Any) -> list[tuple[str, str]]:
        found = self.devices[device]
        entity = next(entity for entity in found.entities if entity.domain == action.partition(".")[0])
        return [(sent.topic, sent.payload.decode()) for sent in self.publications(found, entity, action, data)]

    def publications(self, device: Device, entity: Entity, action: str, data: dict[str, Any]) -> Sequence[Publication]:
        return self.driver.encode(device, entity, action, data)

    def _keep(self, said: Advertisement) -> None:
        before = self.devices.get(said.origin.native_id)
        entities = {entity.key: entity for entity in before.entities} if before is not None else {}
        entities |= {
            new.key: Entity(
                EntityId(f"{new.domain}.{len(entities)}"), DeviceId("d"), new.key, new.domain, new.name, new.device_class, new.unit,
                new.state_class, new.category, new.capabilities, new.native,
            )
            for new in said.entities
        }  # fmt: skip
        self.devices[said.origin.native_id] = Device(
            DeviceId("d"), said.origin, said.aliases, said.name, False, None, said.brand, said.model, said.device_type, said.protocol, None,
            said.firmware_version, None, said.native, tuple(entities.values()),
        )  # fmt: skip


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def new_home() -> Callable[[], Home]:
    return Home
