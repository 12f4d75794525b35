"""A home with Homie devices: let them describe themselves and speak, and tell them something."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hub_agent.drivers.homie import Homie
from hub_agent.model.device import Advertisement, Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.report import AvailabilityReported, Decoded, MqttMessage, Reported
from tests.recorded.homie.corpus import GATEWAY_5, LAMP_5, VALUES_4, tree_4


class Home:
    def __init__(self) -> None:
        self.driver = Homie()
        self.advertisements: dict[str, Advertisement] = {}
        self.count = 0
        self.states: dict[tuple[str, str], str] = {}
        self.attributes: dict[tuple[str, str], dict[str, Any]] = {}
        self.there: dict[str, bool] = {}

    def hear(self, topic: str, payload: Any = "", *, retained: bool = False) -> Sequence[Decoded]:
        raw = (
            payload
            if isinstance(payload, bytes)
            else (payload if isinstance(payload, str) else json.dumps(payload)).encode()
        )
        decoded = self.driver.decode(MqttMessage(topic, raw, retained))
        for each in decoded:
            if isinstance(each, Advertisement):
                self.count += 1
                self.advertisements[each.origin.native_id] = each
            elif isinstance(each, AvailabilityReported):
                self.there[each.origin.native_id] = each.is_available
            elif isinstance(each, Reported):
                for report in each.entities:
                    place = (each.origin.native_id, report.key)
                    if report.state is not None:
                        self.states[place] = report.state
                    self.attributes.setdefault(place, {}).update(report.attributes)
        return decoded

    def house(self) -> "Home":
        for place, text in (*tree_4(), *VALUES_4.items()):
            self.hear(f"homie/house/{place}", text, retained=True)
        return self

    def lamp(self) -> "Home":
        self.hear("homie/5/gateway/$state", "ready", retained=True)
        self.hear("homie/5/gateway/$description", GATEWAY_5, retained=True)
        self.hear("homie/5/desk-lamp/$state", "ready", retained=True)
        self.hear("homie/5/desk-lamp/$description", LAMP_5, retained=True)
        return self

    def device(self, own: str) -> Device:
        said = self.advertisements[own]
        entities = tuple(
            Entity(
                EntityId(f"{new.domain}.x"), DeviceId("d"), new.key, new.domain, new.name, new.device_class, new.unit, new.state_class,
                new.category, new.capabilities, new.native,
            )
            for new in said.entities
        )  # fmt: skip
        return Device(
            DeviceId("d"), said.origin, said.aliases, said.name, False, None, said.brand, said.model, said.device_type, said.protocol, None,
            said.firmware_version, None, json.loads(json.dumps(said.native)), entities,
        )  # fmt: skip

    def entity(self, own: str, key: str) -> Any:
        return next(entity for entity in self.advertisements[own].entities if entity.key == key)

    def tell(self, own: str, key: str, action: str, **data: Any) -> list[tuple[str, str]]:
        device = self.device(own)
        entity = next(entity for entity in device.entities if entity.key == key)
        return [
            (each.topic, each.payload.decode())
            for each in self.driver.encode(device, entity, action, data)
            if not each.retain
        ]


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def new_home() -> Callable[[], Home]:
    return Home
