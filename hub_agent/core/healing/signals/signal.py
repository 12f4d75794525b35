"""What a signal is: one way to see that something is wrong with a device. And what it sees of the home."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, Protocol, TypeAlias

from hub_agent.core.healing.remedy import Home
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, Entity, Origin, Presence
from hub_agent.model.effects import AppendCase, Effect
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.model.report import Refused, Rejected
from hub_agent.model.state import StateChanged

Given: TypeAlias = Effect | Noticed | Passed

# How often each device is looked at: the beat in which lasting things are counted.
LOOK_EVERY: Final = timedelta(minutes=10)
LOOKS_AN_HOUR: Final = 6
LOOKS_A_DAY: Final = 24 * LOOKS_AN_HOUR


class Seen(Home, Protocol):
    """What signals read of the home."""

    def presence(self, device_id: DeviceId) -> Presence: ...

    def with_origin(self, origin: Origin) -> Device | None: ...

    def entity(self, entity_id: EntityId) -> Entity | None: ...


class Wrong(Protocol):
    def __call__(self, device_id: DeviceId, symptom: Symptom) -> bool:
        """Whether this is known to be wrong with the device. Healing remembers it, also over a restart: signals need not."""


class Signal:
    """Overrides what it needs. `name`: under which `memory` comes back in `remember`.

    A change reaches only those that `watches` its entity. All else that lasts is found by `look`, which costs the path of the messages nothing.
    """

    name: ClassVar[str] = ""

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        self._seen = seen
        self._wrong = wrong
        self._new_id = new_id

    def watches(self, entity: Entity, device: Device) -> bool:
        return False

    def handle_change(self, changed: StateChanged, entity: Entity, device: Device, now: datetime) -> Sequence[Given]:
        return ()

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Given]:
        return ()

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        """A command has come to nothing, or one of healing's own to its end."""
        return ()

    def handle_complaint(self, said: Refused | Rejected, device: Device, now: datetime) -> Sequence[Given]:
        return ()

    def handle_restarted(self, device: Device, now: datetime) -> Sequence[Given]:
        """The device said that it has just begun."""
        return ()

    def handle_met(self, device: Device, now: datetime) -> Sequence[Given]:
        """The device is heard for the first time since the start, or since it was removed."""
        return ()

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        """Now and then, at each device. `is_heard`: it said something since the last look."""
        return ()

    def handle_healed(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        """A healing was begun or has ended."""
        return ()

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        """The device was removed."""
        return ()

    def shift(self, by: timedelta) -> None:
        """The wall clock was set."""

    # Memory.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        """What it has saved itself, by key."""
        return ()

    def memory(self) -> JsonObject:
        """What it has learned, small: saved now and then, forgotten if it cannot be read."""
        return {}

    def remember(self, memory: JsonObject) -> None: ...

    # What most of them end with.

    def _judged(self, device: Device, symptom: Symptom, details: JsonObject | None) -> list[Given]:
        """`details`: why it is so; None: it is not."""
        if details is not None:
            return [Noticed(device.id, symptom, details)]
        return [Passed(device.id, symptom)] if self._wrong(device.id, symptom) else []
