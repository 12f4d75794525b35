"""What a look at a rule may know of the home."""

from collections.abc import Iterable
from typing import Protocol

from hub_agent.model.device import Device, Entity
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState


class Home(Protocol):
    def state(self, entity_id: EntityId, /) -> EntityState | None: ...

    def entity_ids(self) -> Iterable[EntityId]: ...

    def entity(self, entity_id: EntityId, /) -> Entity | None: ...

    def device(self, device_id: DeviceId, /) -> Device | None: ...

    def has_room(self, room_id: str, /) -> bool: ...

    def has_zone(self, zone: str, /) -> bool: ...
