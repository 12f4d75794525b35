"""A home with a Tasmota device: announce it, let it say something, tell it something."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hub_agent.drivers.tasmota import Tasmota
from hub_agent.model.device import Advertisement, Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.report import Decoded, MqttMessage, Reported

DATA = Path(__file__).parents[1] / "data" / "tasmota"
MAC = "00000049A3BC"
BASE: dict[str, Any] = next(
    each["payload"]
    for each in json.loads((DATA / "ha_tests_discovery.json").read_text())["config"]
    if each["name"] == "DEFAULT_CONFIG"
)


class Home:
    def __init__(self, driver: Tasmota | None = None) -> None:
        self.driver = driver or Tasmota()
        self.advertisement: Advertisement | None = None
        self.setup: dict[str, Any] = BASE

    def hear(self, topic: str, payload: Any, *, retained: bool = False) -> Sequence[Decoded]:
        raw = (
            payload
            if isinstance(payload, bytes)
            else (payload if isinstance(payload, str) else json.dumps(payload)).encode()
        )
        decoded = self.driver.decode(MqttMessage(topic, raw, retained))
        for each in decoded:
            if isinstance(each, Advertisement):
                self.advertisement = each
        return decoded

    def announce(
        self, setup: Mapping[str, Any] | None = None, sensors: Any = None, so: Mapping[str, int] | None = None
    ) -> "Home":
        self.setup = body = {**BASE, **(setup or {}), "so": {**BASE["so"], **(so or {})}}
        self.hear(f"tasmota/discovery/{body['mac']}/config", body, retained=True)
        if sensors is not None:
            self.hear(f"tasmota/discovery/{body['mac']}/sensors", {"sn": sensors, "ver": 1}, retained=True)
        return self

    def say(self, leaf: str, payload: Any, *, retained: bool = False) -> dict[str, tuple[str | None, dict[str, Any]]]:
        """State and attributes by key."""
        return {
            report.key: (report.state, dict(report.attributes))
            for each in self.hear(f"tasmota_49A3BC/{leaf}", payload, retained=retained)
            if isinstance(each, Reported)
            for report in each.entities
        }

    @property
    def device(self) -> Device:
        said = self.advertisement
        assert said is not None
        entities = tuple(
            Entity(
                EntityId(f"{new.domain}.{new.key}"), DeviceId("d"), new.key, new.domain, new.name, new.device_class, new.unit,
                new.state_class, new.category, new.capabilities, new.native,
            )
            for new in said.entities
        )  # fmt: skip
        return Device(
            DeviceId("d"), said.origin, said.aliases, said.name, False, None, said.brand, said.model, said.device_type, said.protocol, None,
            said.firmware_version, None, json.loads(json.dumps(said.native)), entities,
        )  # fmt: skip

    def tell(self, key: str, action: str, **data: Any) -> list[tuple[str, str]]:
        """What is sent: the command's word and its payload."""
        entity = next(entity for entity in self.device.entities if entity.key == key)
        sent = self.driver.encode(self.device, entity, action, data)
        assert all(each.topic.startswith("tasmota_49A3BC/cmnd/") and not each.retain for each in sent)
        return [(each.topic.rpartition("/")[2], each.payload.decode()) for each in sent]

    def key_list(self) -> list[str]:
        assert self.advertisement is not None
        return [entity.key for entity in self.advertisement.entities]

    def entity(self, key: str) -> Any:
        assert self.advertisement is not None
        return next(entity for entity in self.advertisement.entities if entity.key == key)


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def new_home() -> Callable[..., Home]:
    return Home
