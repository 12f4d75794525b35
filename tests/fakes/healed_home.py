"""What healing reads of a home, as a test sets it."""

from datetime import datetime, time
from typing import Any

from hub_agent.model.device import Device
from hub_agent.model.healing import SettingTold
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.link import LinkStatus, Peer
from hub_agent.model.state import EntityState


class HealedHome:
    """Fills core.healing.remedy.Home. The time of the home is UTC."""

    def __init__(self, *devices: Device) -> None:
        self.by_id = {each.id: each for each in devices}
        self.states: dict[EntityId, EntityState] = {}
        self.wishes: dict[str, Any] = {}
        self.catalogue: dict[str, dict[str, Any]] = {}
        self.commanded: set[EntityId] = set()
        self.links: dict[DeviceId, tuple[Peer, LinkStatus]] = {}
        self.settings: dict[DeviceId, list[SettingTold]] = {}
        self.broken_rule: tuple[str, dict[str, Any]] | None = None

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def is_commanded(self, entity_id: EntityId) -> bool:
        return entity_id in self.commanded

    def healing_wishes(self) -> dict[str, Any]:
        return self.wishes

    def remedy_row(self, name: str) -> dict[str, Any]:
        return self.catalogue.get(name, {})

    def link(self, device: Device) -> tuple[Peer, LinkStatus] | None:
        return self.links.get(device.id)

    def settings_of(self, device: Device) -> list[SettingTold]:
        return self.settings.get(device.id, [])

    def repair(self, now: datetime) -> tuple[str, dict[str, Any]] | None:
        return self.broken_rule

    def local_time(self, now: datetime) -> time:
        return now.time()
