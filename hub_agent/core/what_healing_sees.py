"""The home as healing sees it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from zoneinfo import ZoneInfo

from hub_agent.core.commands import Commands
from hub_agent.core.healing.remedies import REMEDIES, action_id
from hub_agent.core.inventory import Inventory
from hub_agent.core.states import States
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState


class WhatHealingSees:
    """Fills core.healing.remedy.Home."""

    def __init__(
        self,
        states: States,
        inventory: Inventory,
        commands: Commands,
        definitions: Definitions,
        time_zone: Callable[[], str],
    ) -> None:
        self._states = states
        self._inventory = inventory
        self._commands = commands
        self._definitions = definitions
        self._time_zone = time_zone

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def devices(self) -> Iterable[Device]:
        return self._inventory.devices()

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._states.state(entity_id)

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

    def local_time(self, now: datetime) -> time:
        return now.astimezone(ZoneInfo(self._time_zone())).time()
