"""What a diagnosis reads of a home, as a test sets it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub_agent.core.diagnosis.facts import Heard, Peer, Prospect
from hub_agent.model.device import Device, DeviceType, Presence
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState


class DiagnosedHome:
    """Fills core.diagnosis.facts.Facts."""

    def __init__(self, *devices: Device) -> None:
        self.by_id = {each.id: each for each in devices}
        self.states: dict[EntityId, EntityState] = {}
        self.presences: dict[DeviceId, Presence] = {}
        self.rhythms: dict[DeviceId, tuple[timedelta, timedelta]] = {}
        self.away: set[DeviceId] = set()
        self.plugs: dict[DeviceId, DeviceId] = {}
        self.off: set[DeviceId] = set()
        self.watts: dict[DeviceId, float] = {}
        self.on_battery: set[DeviceId] = set()
        self.peers: dict[DeviceId, Peer] = {}
        self.not_understood: dict[DeviceId, tuple[int, str]] = {}
        self.rules_of: dict[DeviceId, list[tuple[str, str]]] = {}
        self.prospects: dict[DeviceId, Prospect] = {}
        self.in_trouble: list[DeviceId] = []
        self.is_broker_up: bool | None = True

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def hub(self) -> Device | None:
        return next((each for each in self.by_id.values() if each.device_type is DeviceType.HUB), None)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def presence(self, device_id: DeviceId) -> Presence:
        return self.presences.get(device_id, Presence())

    def is_broker_there(self) -> bool | None:
        return self.is_broker_up

    def heard(self, device: Device, now: datetime) -> Heard | None:
        usual, limit = self.rhythms.get(device.id, (None, None))
        return Heard(self.presence(device.id).last_seen_at, usual, limit)

    def parents(self, device: Device) -> Sequence[DeviceId]:
        plug = self.plugs.get(device.id)
        return [each for each in (plug, device.via) if each is not None]

    def is_away(self, device_id: DeviceId) -> bool:
        return device_id in self.away

    def plug(self, device: Device) -> Device | None:
        plug = self.plugs.get(device.id)
        return None if plug is None else self.by_id.get(plug)

    def is_battery(self, device: Device) -> bool:
        return device.id in self.on_battery

    def is_switched_off(self, plug: Device, device: Device) -> bool:
        return plug.id in self.off and self.plugs.get(device.id) == plug.id

    def drawn_w(self, device: Device) -> float | None:
        return self.watts.get(device.id)

    def peer(self, device: Device) -> Peer | None:
        return self.peers.get(device.id)

    def rejected(self, device: Device) -> tuple[int, str] | None:
        return self.not_understood.get(device.id)

    def rules(self, device: Device) -> Sequence[tuple[str, str]]:
        return self.rules_of.get(device.id, [])

    def prospect(self, device_id: DeviceId, now: datetime) -> Prospect | None:
        return self.prospects.get(device_id)

    def troubled(self) -> Sequence[DeviceId]:
        return self.in_trouble

    def measured(self, way: str) -> JsonObject:
        return {}
