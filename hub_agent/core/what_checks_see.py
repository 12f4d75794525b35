"""The home as those see it who look whether rules can still do what they are for."""

from collections.abc import Iterable

from hub_agent.core.automation.registry import room_called
from hub_agent.core.inventory import Inventory
from hub_agent.core.rooms import Rooms
from hub_agent.core.states import States
from hub_agent.model.device import Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState

# The home itself is always one.
HOME_ZONE = "zone.home"


class WhatChecksSee:
    """Fills core.automation.checking.home.Home."""

    def __init__(self, states: States, inventory: Inventory, rooms: Rooms) -> None:
        self._states = states
        self._inventory = inventory
        self._rooms = rooms

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._states.state(entity_id)

    def entity_ids(self) -> Iterable[EntityId]:
        return self._states.entity_ids()

    def entity(self, entity_id: EntityId) -> Entity | None:
        return self._inventory.entity(entity_id)

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def has_room(self, room_id: str) -> bool:
        return room_called(self._rooms.by_id.values(), room_id) is not None

    def has_zone(self, zone: str) -> bool:
        return zone == HOME_ZONE or self._states.state(EntityId(zone)) is not None
