"""The home as healing sees it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from hub_agent.core.commands import Commands
from hub_agent.core.device_fields import update_entities
from hub_agent.core.discovery import Discovery
from hub_agent.core.healing.remedies import REMEDIES, action_id
from hub_agent.core.inventory import Inventory
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.device import Device, DeviceType, Entity, Origin, Presence
from hub_agent.model.healing import SettingTold
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.link import LinkStatus, Peer
from hub_agent.model.state import EntityState


class WhatHealingSees:
    """Fills core.healing.remedy.Home, core.health.room.Home, core.forecasts.room.Home and core.energy.room.Home."""

    def __init__(
        self,
        *,
        states: States,
        inventory: Inventory,
        commands: Commands,
        definitions: Definitions,
        discovery: Discovery,
        time_zone: Callable[[], str],
    ) -> None:
        self._states = states
        self._inventory = inventory
        self._commands = commands
        self._definitions = definitions
        self._discovery = discovery
        # Of monitors that are made later.
        self.kept_settings: Callable[[Device], Sequence[SettingTold]] = lambda _device: ()
        self.current_repair: Callable[[datetime], tuple[str, JsonObject] | None] = lambda _now: None
        self._time_zone = time_zone

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def devices(self) -> Iterable[Device]:
        return self._inventory.devices()

    def with_origin(self, origin: Origin) -> Device | None:
        known = self._inventory.find(origin)
        return None if known is None else known.device

    def entity(self, entity_id: EntityId) -> Entity | None:
        return self._inventory.entity(entity_id)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._states.state(entity_id)

    def presence(self, device_id: DeviceId) -> Presence:
        return self._inventory.presence(device_id)

    def firmware_offered(self, device: Device) -> str | None:
        """The version that waits for it; empty where it does not say which."""
        for entity_id in update_entities(device):
            state = self._states.state(entity_id)
            if state is not None and state.state == "on":
                latest = state.attributes.get("latest_version")
                return latest if isinstance(latest, str) else ""
        return None

    def is_commanded(self, entity_id: EntityId) -> bool:
        return self._commands.has_pending(entity_id)

    def healing_wishes(self) -> JsonObject:
        for home in self._definitions.of_kind("home"):
            metadata = home.fields.get("metadata")
            wishes = metadata.get("healing") if isinstance(metadata, Mapping) else None
            return wishes if isinstance(wishes, Mapping) else {}
        return {}

    def remedy_row(self, name: str) -> JsonObject:
        row = self._definitions.get("self_healing_action", action_id(REMEDIES[name]))
        return row.fields if row is not None else {}

    def hub_id(self) -> DeviceId | None:
        return next((each.id for each in self._inventory.devices() if each.device_type is DeviceType.HUB), None)

    def link(self, device: Device) -> tuple[Peer, LinkStatus] | None:
        key = device.native.get("peer")
        known = self._discovery.known(device.origin.dialect, key) if isinstance(key, str) else None
        return None if known is None or known.is_ignored else (known.peer, known.status)

    def settings_of(self, device: Device) -> Sequence[SettingTold]:
        return self.kept_settings(device)

    def repair(self, now: datetime) -> tuple[str, JsonObject] | None:
        return self.current_repair(now)

    def local_time(self, now: datetime) -> time:
        return self.local(now).time()

    def local(self, now: datetime) -> datetime:
        return now.astimezone(self.zone)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self._time_zone())
