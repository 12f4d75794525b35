"""Devices and rooms as templates see them."""

from collections.abc import Iterable

from hub_agent.core.inventory import Inventory
from hub_agent.core.rooms import Rooms
from hub_agent.model.device import Device, Entity, Room
from hub_agent.model.ids import DeviceId, EntityId


class WhatTemplatesSee:
    """Fills core.automation.registry.Registry."""

    def __init__(self, inventory: Inventory, rooms: Rooms) -> None:
        self._inventory = inventory
        self._rooms = rooms

    def rooms(self) -> Iterable[Room]:
        return self._rooms.by_id.values()

    def devices(self) -> Iterable[Device]:
        return self._inventory.devices()

    def device(self, device_id: DeviceId) -> Device | None:
        return self._inventory.device(device_id)

    def entity(self, entity_id: EntityId) -> Entity | None:
        return self._inventory.entity(entity_id)
