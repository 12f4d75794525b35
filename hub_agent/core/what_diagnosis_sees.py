"""The home as diagnosis sees it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from hub_agent.core.diagnosis.facts import Heard, Peer, Prospect
from hub_agent.core.discovery import Discovery
from hub_agent.core.expectation import number_in
from hub_agent.core.healing import Healing
from hub_agent.core.healing.remedy import drawn_w, fed_by, is_battery
from hub_agent.core.healing.topology import is_switched_off
from hub_agent.core.not_understood import Misunderstandings
from hub_agent.core.what_healing_sees import WhatHealingSees
from hub_agent.model.device import Alias, Device, DeviceType, Presence
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState

BROKER = Alias("hub", "broker")


class WhatDiagnosisSees:
    """Fills core.diagnosis.facts.Facts. `rules_naming`: as in core.automation.checking.room.Checks.naming. `measured`: of `hub`, `network` and `cloud`."""

    def __init__(
        self,
        seen: WhatHealingSees,
        healing: Healing,
        *,
        discovery: Discovery,
        misunderstandings: Misunderstandings,
        rules_naming: Callable[[Iterable[str]], Sequence[tuple[str, str]]],
        measured: Callable[[str], JsonObject],
    ) -> None:
        self._seen = seen
        self._healing = healing
        self._discovery = discovery
        self._misunderstandings = misunderstandings
        self._rules_naming = rules_naming
        self._measured = measured

    def device(self, device_id: DeviceId) -> Device | None:
        return self._seen.device(device_id)

    def devices(self) -> Iterable[Device]:
        return self._seen.devices()

    def hub(self) -> Device | None:
        return next((each for each in self._seen.devices() if each.device_type is DeviceType.HUB), None)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._seen.state(entity_id)

    def presence(self, device_id: DeviceId) -> Presence:
        return self._seen.presence(device_id)

    def is_broker_there(self) -> bool | None:
        broker = next((each for each in self._seen.devices() if BROKER in each.aliases), None)
        return None if broker is None else self.presence(broker.id).is_available

    def heard(self, device: Device, now: datetime) -> Heard | None:
        last_at = self.presence(device.id).last_seen_at
        watch = self._healing.watch(device.id)
        if watch is None:
            return Heard(last_at)
        return Heard(last_at, watch.rhythm.usual(), watch.rhythm.limit(now, is_battery=is_battery(device)))

    def parents(self, device: Device) -> Sequence[DeviceId]:
        return self._healing.shared.parents(device)

    def is_away(self, device_id: DeviceId) -> bool:
        watch = self._healing.watch(device_id)
        is_blamed = watch is not None and watch.has(Symptom.TOGETHER)
        return is_blamed or self.presence(device_id).is_available is False

    def plug(self, device: Device) -> Device | None:
        plug_id = fed_by(device)
        return None if plug_id is None else self._seen.device(plug_id)

    def is_battery(self, device: Device) -> bool:
        return is_battery(device)

    def is_switched_off(self, plug: Device, device: Device) -> bool:
        return is_switched_off(plug.id, device, self._seen)

    def drawn_w(self, device: Device) -> float | None:
        return drawn_w(device, self._seen)

    def peer(self, device: Device) -> Peer | None:
        key = device.native.get("peer")
        known = self._discovery.known(device.origin.dialect, key) if isinstance(key, str) else None
        if known is None:
            return None
        return Peer(known.status.value, known.reason, next(iter(known.peer.hosts), None))

    def rejected(self, device: Device) -> tuple[int, str] | None:
        """By its name or address in the topic."""
        name = device.origin.native_id
        found = [
            each
            for each in self._misunderstandings.all()
            if each.rejected.dialect == device.origin.dialect and name in each.rejected.topic
        ]
        return (sum(each.count for each in found), found[-1].rejected.reason) if found else None

    def rules(self, device: Device) -> Sequence[tuple[str, str]]:
        return self._rules_naming([device.id, *(each.id for each in device.entities)])

    def prospect(self, device_id: DeviceId, now: datetime) -> Prospect | None:
        device = self._seen.device(device_id)
        plan = [] if device is None else self._healing.telling.plan(device, None, now)
        following = next((each for each in plan if each["is_next"]), None)
        if following is None:
            return None
        chance, asks = number_in(following["chance"]) or 0.0, following["verdict"] == "asks"
        return Prospect(str(following["remedy"]), str(following["words"]), chance, asks)

    def troubled(self) -> Iterable[DeviceId]:
        return self._healing.troubled()

    def measured(self, way: str) -> JsonObject:
        return self._measured(way)
