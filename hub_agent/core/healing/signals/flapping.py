"""Comes and goes: a device that is lost and found again and again, or a switch or contact that toggles by itself."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.core.healing.topology import Topology
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.healing import Noticed, Symptom
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import StateChanged

OUTAGES: Final = 4
WITHIN: Final = timedelta(hours=1)
# What it hangs on comes and goes, too: then it is not the device's doing.
OUTAGES_OF_PARENT: Final = 2
TOGGLES: Final = 40
TOGGLES_WITHIN: Final = timedelta(minutes=10)
# So many are not quiet yet.
TOGGLES_RESTLESS: Final = 10
QUIET_FOR: Final = timedelta(hours=1)

# A person does not move these so often. (Motion, vibration and power do by nature.)
_TOGGLING_CLASSES: Final = frozenset(
    {"door", "window", "opening", "garage_door", "lock", "plug", "problem", "connectivity", "moisture", "smoke", "gas"}
)


@dataclass(slots=True)
class _Coming:
    is_available: bool | None = None
    outages: deque[datetime] = field(default_factory=lambda: deque(maxlen=OUTAGES * 4))
    restless_at: datetime | None = None


@dataclass(slots=True)
class _Toggling:
    since: datetime
    count: int = 0


class Flapping(Signal):
    name: ClassVar[str] = "flapping"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._topology = Topology(seen)
        self._coming: dict[DeviceId, _Coming] = {}
        self._toggling: dict[EntityId, _Toggling] = {}

    # Lost and found.

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Given]:
        coming = self._coming.setdefault(device.id, _Coming())
        was_available, coming.is_available = coming.is_available, is_available
        if was_available is None or was_available is is_available:
            return ()
        coming.restless_at = now
        if is_available:
            return ()
        coming.outages.append(now)
        if self._wrong(device.id, Symptom.FLAPPING):
            return ()
        count = self._outages(device.id, now)
        if count < OUTAGES or any(
            self._outages(parent, now) >= OUTAGES_OF_PARENT for parent in self._topology.parents(device)
        ):
            return ()
        return [Noticed(device.id, Symptom.FLAPPING, _words(f"was lost {count} times within an hour, and came back"))]

    def _outages(self, device_id: DeviceId, now: datetime) -> int:
        coming = self._coming.get(device_id)
        return 0 if coming is None else sum(1 for at in coming.outages if now - at <= WITHIN)

    # On and off.

    def watches(self, entity: Entity, device: Device) -> bool:
        if entity.domain == "binary_sensor":
            return entity.device_class in _TOGGLING_CLASSES
        return entity.domain in {"switch", "light"} and entity.category is None

    def handle_change(self, changed: StateChanged, entity: Entity, device: Device, now: datetime) -> Sequence[Given]:
        old, new = changed.old, changed.new
        if old is None or new is None or old.state == new.state or changed.cause is not None:
            return ()
        if not {old.state, new.state} <= {"on", "off"}:
            return ()
        toggling = self._toggling.get(entity.id)
        if toggling is None or now - toggling.since > TOGGLES_WITHIN:
            toggling = self._toggling[entity.id] = _Toggling(now)
        toggling.count += 1
        if toggling.count >= TOGGLES_RESTLESS:
            self._coming.setdefault(device.id, _Coming()).restless_at = now
        if toggling.count != TOGGLES or self._wrong(device.id, Symptom.FLAPPING):
            return ()
        verb = "opens and closes" if entity.device_class in {"door", "window", "opening"} else "goes on and off"
        words = f"{verb} by itself, {TOGGLES} times within {round(TOGGLES_WITHIN.total_seconds() / 60)} minutes"
        return [Noticed(device.id, Symptom.FLAPPING, _words(words))]

    # Its end.

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        if not self._wrong(device.id, Symptom.FLAPPING):
            return ()
        coming = self._coming.setdefault(device.id, _Coming())
        if coming.restless_at is None:  # the agent was begun anew meanwhile
            coming.restless_at = now
        return self._judged(device, Symptom.FLAPPING, None) if now - coming.restless_at >= QUIET_FOR else ()

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        self._coming.pop(device_id, None)
        self._toggling = {each: toggling for each, toggling in self._toggling.items() if self._seen.entity(each)}
        return ()

    def shift(self, by: timedelta) -> None:
        for coming in self._coming.values():
            coming.outages = deque((at + by for at in coming.outages), maxlen=coming.outages.maxlen)
            if coming.restless_at is not None:
                coming.restless_at += by
        for toggling in self._toggling.values():
            toggling.since += by


def _words(what: str) -> JsonObject:
    return {"what": what}
