"""Groups of devices, made by people here or in the cloud: each is an entity `group.<name>` that stands for its members as one target."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from hub_agent.core.helpers import Helpers
from hub_agent.core.helpers.groups import Group
from hub_agent.core.helpers.kind import MEMBERS_MAX
from hub_agent.core.inventory import Inventory
from hub_agent.core.targets import GROUP
from hub_agent.model.action import CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import Durability, Save
from hub_agent.model.ids import DeviceId, EntityId, slugify
from hub_agent.model.inputs import EventFired, StateRemoved, StateSet
from hub_agent.model.json import JsonObject

ROOM = "device_groups"

Given: TypeAlias = Save | StateSet | StateRemoved | EventFired | CallAnswered


class DeviceGroups:
    """The entity keeps its id when the group gets another name: rules name it."""

    def __init__(self, inventory: Inventory, helpers: Helpers) -> None:
        self._inventory = inventory
        self._helpers = helpers
        self._definition_by_id: dict[str, Definition] = {}
        self._entity_id_by_group: dict[str, EntityId] = {}
        self._members_by_group: dict[str, tuple[EntityId, ...]] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> None:
        for group_id, body in saved.items():
            if isinstance(entity_id := body.get("entity_id"), str) and entity_id.startswith(GROUP):
                self._entity_id_by_group[group_id] = EntityId(entity_id)

    def entity_id_of(self, group_id: str) -> EntityId | None:
        return self._entity_id_by_group.get(group_id)

    def define(
        self, group_id: str, definition: Definition | None, now: datetime, *, is_start: bool = False
    ) -> list[Given]:
        if definition is None:
            return self._forget(group_id)
        given: list[Given] = []
        self._definition_by_id[group_id] = definition
        if group_id not in self._entity_id_by_group:
            entity_id = self._free_id(str(definition.fields.get("name") or "group"))
            self._entity_id_by_group[group_id] = entity_id
            given.append(Save(ROOM, group_id, {"entity_id": entity_id}, Durability.COMMIT))
        return [*given, *self._set_up(definition, now, is_start=is_start)]

    def device_changed(self, device_id: DeviceId, now: datetime) -> list[Given]:
        """It came, went, or has other entities now."""
        given: list[Given] = []
        for group_id, definition in self._definition_by_id.items():
            if device_id in _members(definition) and self._members_by_group[group_id] != self._entities(definition):
                given += self._set_up(definition, now, is_start=False)
        return given

    def _set_up(self, definition: Definition, now: datetime, *, is_start: bool) -> list[Given]:
        members = self._members_by_group[definition.id] = self._entities(definition)
        name = str(definition.fields.get("name") or "Group")
        entity_id = self._entity_id_by_group[definition.id]
        kind = Group(members, needs_all=False)
        return [*self._helpers.set_up(entity_id, kind, name, definition.fields.get("icon"), now, is_start=is_start)]

    def _forget(self, group_id: str) -> list[Given]:
        self._definition_by_id.pop(group_id, None)
        self._members_by_group.pop(group_id, None)
        entity_id = self._entity_id_by_group.pop(group_id, None)
        if entity_id is None:
            return []
        return [Save(ROOM, group_id, None), *self._helpers.forget(entity_id), StateRemoved(entity_id)]

    def _free_id(self, name: str) -> EntityId:
        wanted, taken = f"{GROUP}{slugify(name)}", set(self._entity_id_by_group.values())
        for n in range(2, len(taken) + 100):
            entity_id = EntityId(wanted)
            if entity_id not in taken and self._inventory.entity(entity_id) is None:
                break
            wanted = f"{GROUP}{slugify(name)}_{n}"
        return EntityId(wanted)

    def _entities(self, definition: Definition) -> tuple[EntityId, ...]:
        devices = (self._inventory.device(DeviceId(each)) for each in _members(definition))
        found = [entity_id for device in devices if device is not None for entity_id in _targets(device)]
        return tuple(found[:MEMBERS_MAX])


def _members(definition: Definition) -> list[str]:
    members = definition.fields.get("members")
    return [each for each in members if isinstance(each, str)] if isinstance(members, list) else []


def _targets(device: Device) -> Iterable[EntityId]:
    """What the device is there for: what can be told to do something; of a sensor what it measures."""
    plain = [entity for entity in device.entities if entity.category is None]
    told = [entity for entity in plain if any("w" in each.access for each in entity.capabilities.values())]
    return [entity.id for entity in told or plain]
