"""What a diagnosis knows of the home, as small questions. Others answer them: this room knows none of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hub_agent.model.device import Device, Presence
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState


@dataclass(frozen=True, slots=True)
class Heard:
    """When a device was last heard, how often it usually is, and after which silence something is wrong (None: its silence says nothing)."""

    last_at: datetime | None
    usual: timedelta | None = None
    limit: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """The link that a device is reached by. status: up | down | connecting | asleep | needs."""

    status: str
    reason: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """What healing would try next, in words that end "Tried: ...", and how likely it helps (0 to 1)."""

    remedy: str
    words: str
    chance: float
    asks: bool = False


class Facts(Protocol):
    def device(self, device_id: DeviceId) -> Device | None: ...

    def devices(self) -> Iterable[Device]: ...

    def hub(self) -> Device | None:
        """The hub as a device of the home."""

    def state(self, entity_id: EntityId) -> EntityState | None: ...

    def presence(self, device_id: DeviceId) -> Presence: ...

    def is_broker_there(self) -> bool | None:
        """None: not known yet, or there is none."""

    def heard(self, device: Device, now: datetime) -> Heard | None: ...

    def parents(self, device: Device) -> Sequence[DeviceId]:
        """What it hangs on, the nearest first."""

    def is_away(self, device_id: DeviceId) -> bool: ...

    def plug(self, device: Device) -> Device | None:
        """What feeds it, where somebody has said so."""

    def is_battery(self, device: Device) -> bool: ...

    def is_switched_off(self, plug: Device, device: Device) -> bool: ...

    def drawn_w(self, device: Device) -> float | None: ...

    def peer(self, device: Device) -> Peer | None: ...

    def rejected(self, device: Device) -> tuple[int, str] | None:
        """How many of its messages were not understood, and why the last was not."""

    def rules(self, device: Device) -> Sequence[tuple[str, str]]:
        """Each automation that names it: its name and its health."""

    def prospect(self, device_id: DeviceId, now: datetime) -> Prospect | None: ...

    def troubled(self) -> Iterable[DeviceId]:
        """The devices that healing knows to be in trouble."""

    def measured(self, way: str) -> JsonObject:
        """What was last measured of `hub`, `network` or `cloud`; empty if nobody measures."""
