"""All signals of devices in one room: who is told of what, when each device is looked at, what is remembered.

The path of every message costs one look into a dict: a change of an entity that no signal watches ends there. Devices are looked at
every LOOK_EVERY, a few at a time, so that a large home is not held up.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.healing.signals.battery import Battery
from hub_agent.core.healing.signals.errors import Errors
from hub_agent.core.healing.signals.firmware import Firmware
from hub_agent.core.healing.signals.flapping import Flapping
from hub_agent.core.healing.signals.impossible import Impossible
from hub_agent.core.healing.signals.link import Link
from hub_agent.core.healing.signals.resets import Resets
from hub_agent.core.healing.signals.restarts import Restarts
from hub_agent.core.healing.signals.signal import LOOK_EVERY, Given, Seen, Signal, Wrong
from hub_agent.core.healing.signals.stuck import Stuck
from hub_agent.core.monitor import Monitor
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, Entity
from hub_agent.model.effects import AppendCase, Durability, Save
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.inputs import Input
from hub_agent.model.json import JsonObject
from hub_agent.model.report import Refused, Rejected, Restarted
from hub_agent.model.state import StateChanged

# A new one is a file and its line here.
SIGNALS: tuple[type[Signal], ...] = (
    Flapping,
    Stuck,
    Impossible,
    Battery,
    Link,
    Errors,
    Firmware,
    Restarts,
    Resets,
)

LOOKED_AT_ONCE: Final = 40
NEXT_LOOK: Final = timedelta(seconds=1)
SAVE_EVERY: Final = timedelta(hours=6)
# Not devices of the home, but made by the hub.
OWN_DIALECTS: Final = frozenset({"hub", "helper"})

_LEARNED = "learned/"
DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)


class Signals(Monitor):
    room: ClassVar[str] = "signals"
    INPUTS: ClassVar[frozenset[type]] = frozenset({Restarted})

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        self._seen = seen
        self._signals = tuple(kind(seen, wrong, new_id) for kind in SIGNALS)
        self._battery = next(each for each in self._signals if isinstance(each, Battery))
        self._watching: dict[EntityId, tuple[tuple[Signal, Entity], ...]] = {}
        self._device_by_id: dict[DeviceId, Device] = {}
        self._heard_at: dict[DeviceId, datetime | None] = {}
        self._waiting: list[DeviceId] = []
        self._look_at: datetime | None = None
        self._save_at: datetime | None = None

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Given]:
        self._begin(now)
        given: list[Given] = []
        for each in self._signals:
            with contextlib.suppress(*DAMAGED):
                each.remember(saved.get(f"{_LEARNED}{each.name}", {}))
            given += each.restore(saved, now)
        return given

    def _begin(self, now: datetime) -> None:
        self._look_at = now + LOOK_EVERY
        self._save_at = now + SAVE_EVERY

    def handle_connected(self, now: datetime) -> Sequence[Given]:
        if self._look_at is None:
            self._begin(now)
        return ()

    def get_timer(self) -> datetime | None:
        return self._look_at

    def handle_timer(self, now: datetime) -> list[Given]:
        if not self._waiting:
            self._waiting = sorted(
                (each.id for each in self._seen.devices() if each.origin.dialect not in OWN_DIALECTS), reverse=True
            )
        given: list[Given] = []
        for _ in range(min(LOOKED_AT_ONCE, len(self._waiting))):
            given += self._look(self._waiting.pop(), now)
        if self._waiting:
            self._look_at = now + NEXT_LOOK
            return given
        self._look_at = now + LOOK_EVERY
        if self._save_at is None or now >= self._save_at:
            self._save_at = now + SAVE_EVERY
            given += self._learned()
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        if self._look_at is not None:
            self._look_at += by
        if self._save_at is not None:
            self._save_at += by
        for each in self._signals:
            each.shift(by)

    def _learned(self) -> list[Given]:
        return [
            Save(self.room, f"{_LEARNED}{each.name}", memory, Durability.LAZY)
            for each in self._signals
            if (memory := each.memory())
        ]

    def _look(self, device_id: DeviceId, now: datetime) -> list[Given]:
        device = self._seen.device(device_id)
        if device is None:
            return []
        given = self._meet(device, now)
        presence = self._seen.presence(device_id)
        is_heard = presence.last_seen_at is not None and presence.last_seen_at != self._heard_at.get(device_id)
        self._heard_at[device_id] = presence.last_seen_at
        for each in self._signals:
            given += each.look(device, presence, now, is_heard=is_heard)
        return given

    def _meet(self, device: Device, now: datetime) -> list[Given]:
        """Known anew, or described anew: what is watched of it may be something else."""
        known = self._device_by_id.get(device.id)
        if known is device:
            return []
        self._device_by_id[device.id] = device
        for entity in (*device.entities, *(known.entities if known else ())):
            self._watching.pop(entity.id, None)
        if known is not None:
            return []
        return [given for each in self._signals for given in each.handle_met(device, now)]

    def battery_changed_at(self, device_id: DeviceId) -> datetime | None:
        """When its battery was changed, as far as that was seen."""
        return self._battery.changed_at(device_id)

    # What happens.

    def handle_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Given]:
        watching = self._watching.get(changed.entity_id)
        if watching is None:
            return self._first_change(changed, device, now)
        if not watching:
            return ()
        return [given for signal, entity in watching for given in signal.handle_change(changed, entity, device, now)]

    def _first_change(self, changed: StateChanged, device: Device, now: datetime) -> Sequence[Given]:
        given = self._meet(device, now)
        entity = self._seen.entity(changed.entity_id)
        is_own = device.origin.dialect in OWN_DIALECTS
        watching = (
            ()
            if entity is None or is_own
            else tuple((each, entity) for each in self._signals if each.watches(entity, device))
        )
        self._watching[changed.entity_id] = watching
        return [*given, *self.handle_change(changed, device, now)] if watching else given

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        device = self._seen.with_origin(happened.origin) if isinstance(happened, Restarted) else None
        if device is None:
            return ()
        return self._all(lambda each: each.handle_restarted(device, now))

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Given]:
        return self._all(lambda each: each.handle_availability(device, now, is_available=is_available))

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        if settled.is_success and settled.command.cause.kind != "self_healing":
            return ()
        return self._all(lambda each: each.handle_settled(settled, device, now))

    def handle_complaint(self, said: Refused | Rejected, device: Device, now: datetime) -> Sequence[Given]:
        return self._all(lambda each: each.handle_complaint(said, device, now))

    def handle_case(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        if case.table != "self_healing_executions":
            return ()
        return self._all(lambda each: each.handle_healed(case, now))

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        known = self._device_by_id.pop(device_id, None)
        self._heard_at.pop(device_id, None)
        for entity in known.entities if known else ():
            self._watching.pop(entity.id, None)
        return self._all(lambda each: each.forget(device_id, now))

    def _all(self, tell: Callable[[Signal], Sequence[Given]]) -> list[Given]:
        return [given for each in self._signals for given in tell(each)]
