"""Self-made devices, from their definition to a device of the inventory with an entity that lives in the core."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from hub_agent.core.helpers import KINDS, Helpers, read_kind
from hub_agent.core.helpers.kind import Kind
from hub_agent.core.inventory import Inventory
from hub_agent.errors import DefinitionError
from hub_agent.model.action import CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Origin
from hub_agent.model.effects import Effect, IssueCleared, IssueRaised, SaveDevice
from hub_agent.model.ids import DeviceId, EntityId, RoomId
from hub_agent.model.inputs import EventFired, StateRemoved, StateSet
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

DIALECT = "helper"
PREFIX = "helper/"

Given: TypeAlias = Effect | StateSet | StateRemoved | EventFired | CallAnswered


@dataclass(frozen=True, slots=True)
class _Wanted:
    address: str
    name: str
    object_id: str
    domain: str
    kind: Kind
    icon: object
    room_id: RoomId | None
    entity_name: str | None


def is_self_made(definition: Definition | None) -> bool:
    return definition is not None and str(definition.fields.get("manufacturer_device_id")).startswith(PREFIX)


class SelfMade:
    def __init__(self, inventory: Inventory, helpers: Helpers) -> None:
        self._inventory = inventory
        self._helpers = helpers

    def define(self, definition: Definition, now: datetime, *, is_start: bool = False) -> list[Given]:
        """What cannot be understood is an issue, and leaves the device as it was."""
        device_id = DeviceId(definition.id)
        try:
            wanted = _read(definition.fields)
            device, given = self._made(device_id, wanted, now)
        except DefinitionError as err:
            details = {"name": str(definition.fields.get("device_name") or definition.id), "reason": str(err)}
            return [IssueRaised(Issue("device_invalid", device_id, now, details))]
        (entity,) = device.entities
        given += self._helpers.set_up(entity.id, wanted.kind, wanted.name, wanted.icon, now, is_start=is_start)
        return [IssueCleared("device_invalid", device_id), *given]

    def forget(self, device: Device) -> list[Given]:
        given: list[Given] = [IssueCleared("device_invalid", device.id)]
        for entity in device.entities:
            given += self._helpers.forget(entity.id)
        return given

    def _made(self, device_id: DeviceId, wanted: _Wanted, now: datetime) -> tuple[Device, list[Given]]:
        origin, alias = Origin(DIALECT, wanted.address), Alias(DIALECT, wanted.address)
        known = self._inventory.find(origin)
        if known is not None and known.device.id != device_id:
            raise DefinitionError(f"{known.device.name} is {wanted.address} already", "manufacturer_device_id")
        entity = AdvertisedEntity(
            wanted.domain, wanted.domain, wanted.entity_name, wanted.object_id, capabilities=wanted.kind.capabilities()
        )
        self._inventory.assign(alias, device_id)
        advertised = self._inventory.advertise(Advertisement(origin, (alias,), wanted.name, (entity,)), now)
        given: list[Given] = [*advertised.effects]
        for gone in advertised.removed:
            given += [*self._helpers.forget(gone.id), StateRemoved(gone.id)]
        met = self._inventory.find(origin)
        if met is None:
            raise DefinitionError("the home has too many devices")
        self._inventory.set_available(device_id, is_available=True)
        return self._as_people_have_it(met.device, wanted, given), given

    def _as_people_have_it(self, device: Device, wanted: _Wanted, given: list[Given]) -> Device:
        name = wanted.name if wanted.name != device.name else None
        room_id = wanted.room_id if wanted.room_id != device.room_id else None
        if name is None and room_id is None:
            return device
        edited = self._inventory.edit(device.id, name=name, room_id=room_id)
        given.append(SaveDevice(edited))
        return edited


def _read(fields: JsonObject) -> _Wanted:
    """Raises DefinitionError."""
    capabilities, settings = fields.get("capabilities"), fields.get("settings")
    entities = capabilities.get("entities") if isinstance(capabilities, Mapping) else None
    if not isinstance(entities, Mapping) or len(entities) != 1:
        raise DefinitionError("a self-made device has one entity", "capabilities/entities")
    ((entity_id, body),) = entities.items()
    domain, _, object_id = EntityId(str(entity_id)).partition(".")
    if domain not in KINDS or not object_id:
        raise DefinitionError(f"{entity_id} is none of {', '.join(sorted(KINDS))}", "capabilities/entities")
    said = settings if isinstance(settings, Mapping) else {}
    room_id = fields.get("room_id")
    entity_name = body.get("name") if isinstance(body, Mapping) else None
    return _Wanted(
        address=str(fields["manufacturer_device_id"]),
        name=str(fields.get("device_name") or entity_name or object_id),
        object_id=object_id,
        domain=domain,
        kind=read_kind(domain, said),
        icon=said.get("icon"),
        room_id=RoomId(room_id) if isinstance(room_id, str) else None,
        entity_name=entity_name if isinstance(entity_name, str) else None,
    )
