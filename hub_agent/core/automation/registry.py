"""What templates may ask about devices and rooms. To them a room is an area, whose id is the slug of its name.

Floors, labels and config entries do not exist here: they are answered as by a home that has none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from hub_agent.model.device import Device, Entity, Room
from hub_agent.model.ids import DeviceId, EntityId, slugify

_SELF_MADE = "helper"
_OWN = "hub"


class Registry(Protocol):
    """Which devices the home has, and where they are."""

    def rooms(self) -> Iterable[Room]: ...

    def devices(self) -> Iterable[Device]: ...

    def device(self, device_id: DeviceId, /) -> Device | None: ...

    def entity(self, entity_id: EntityId, /) -> Entity | None: ...


class NoRegistry:
    """A home in which nothing is known to be anywhere."""

    def rooms(self) -> tuple[Room, ...]:
        return ()

    def devices(self) -> tuple[Device, ...]:
        return ()

    def device(self, _device_id: DeviceId, /) -> Device | None:
        return None

    def entity(self, _entity_id: EntityId, /) -> Entity | None:
        return None


def area_id_of(room: Room) -> str:
    return slugify(room.name)


def room_called(rooms: Iterable[Room], name: object) -> Room | None:
    """By its id, its name, or the slug of it."""
    wanted = str(name).strip().casefold()
    return next((room for room in rooms if wanted in {room.id, room.name.casefold(), area_id_of(room)}), None)


class RegistryFunctions:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def functions(self) -> Mapping[str, Callable[..., object]]:
        return {
            "area_devices": self._area_devices,
            "area_entities": self._area_entities,
            "area_id": lambda value: self._of_room(value, area_id_of),
            "area_name": lambda value: self._of_room(value, lambda room: room.name),
            "areas": lambda: [area_id_of(room) for room in self._registry.rooms()],
            "config_entry_attr": _nothing,
            "config_entry_id": _nothing,
            "device_attr": self._device_attr,
            "device_entities": self._device_entities,
            "device_id": self._device_id,
            "device_name": self._device_name,
            "floor_areas": _none_of_them,
            "floor_entities": _none_of_them,
            "floor_id": _nothing,
            "floor_name": _nothing,
            "floors": _none_of_them,
            "integration_entities": self._integration_entities,
            "is_device_attr": lambda value, name, wanted: self._device_attr(value, name) == wanted,
            "is_hidden_entity": lambda _entity_id: False,
            "issue": _nothing,
            "issues": dict,
            "label_areas": _none_of_them,
            "label_description": _nothing,
            "label_devices": _none_of_them,
            "label_entities": _none_of_them,
            "label_id": _nothing,
            "label_name": _nothing,
            "labels": _none_of_them,
        }

    def name_of(self, entity_id: str) -> str | None:
        entity = self._registry.entity(EntityId(entity_id))
        return entity.name if entity else None

    def _device(self, value: object) -> Device | None:
        """By its own id, or that of one of its entities."""
        found = self._registry.device(DeviceId(str(value)))
        if found is None and (entity := self._registry.entity(EntityId(str(value)))) is not None:
            found = self._registry.device(entity.device_id)
        return found

    def _of_room(self, value: object, tell: Callable[[Room], str]) -> str | None:
        device = self._device(value)
        room = room_called(self._registry.rooms(), device.room_id if device else value)
        return None if room is None else tell(room)

    def _area_devices(self, area: object) -> list[str]:
        room = room_called(self._registry.rooms(), area)
        return [] if room is None else [each.id for each in self._registry.devices() if each.room_id == room.id]

    def _area_entities(self, area: object) -> list[str]:
        return [entity_id for device_id in self._area_devices(area) for entity_id in self._device_entities(device_id)]

    def _device_entities(self, device_id: object) -> list[str]:
        device = self._registry.device(DeviceId(str(device_id)))
        return [] if device is None else [entity.id for entity in device.entities]

    def _device_id(self, value: object) -> str | None:
        entity = self._registry.entity(EntityId(str(value)))
        if entity is not None:
            return entity.device_id
        return next((each.id for each in self._registry.devices() if each.name == value), None)

    def _device_name(self, value: object) -> str | None:
        device = self._device(value)
        return None if device is None else device.name

    def _device_attr(self, value: object, name: str) -> object:
        device = self._device(value)
        if device is None:
            return None
        room = next((each for each in self._registry.rooms() if each.id == device.room_id), None)
        facts: Mapping[str, object] = {
            "area_id": None if room is None else area_id_of(room),
            "id": device.id,
            "identifiers": [(alias.kind, alias.value) for alias in device.aliases],
            "manufacturer": device.brand,
            "model": device.model,
            "name": device.name,
            "name_by_user": device.name if device.named_by_person else None,
            "sw_version": device.firmware_version,
            "via_device_id": device.via,
        }
        return facts.get(str(name))

    def _integration_entities(self, name: str) -> list[str]:
        """`mqtt`: of all devices that speak; a kind of self-made device (`input_boolean`): of those."""
        found: list[str] = []
        for device in self._registry.devices():
            is_self_made = device.origin.dialect == _SELF_MADE
            if device.origin.dialect == _OWN or (not is_self_made and name not in {"mqtt", device.origin.dialect}):
                continue
            found += [entity.id for entity in device.entities if not is_self_made or entity.domain == name]
        return found


def _nothing(*_args: object) -> None:
    return None


def _none_of_them(*_args: object) -> list[str]:
    return []
