"""The home as its security sees it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId


@dataclass(frozen=True, slots=True)
class Ways:
    """How this hub itself is set up: what of it others on the network can reach. `scans`: whether it looks at its home at all."""

    scans: bool = False
    page_host: str = "127.0.0.1"
    page_port: int = 8380
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    broker_has_tls: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """Something on the network that says its MAC. `is_claimed`: a device of the home, or a person has decided about it."""

    mac: str
    name: str
    address: str | None
    is_claimed: bool


class SecuredHome(Protocol):
    def devices(self) -> Iterable[Device]: ...

    def device(self, device_id: DeviceId) -> Device | None: ...

    def hub(self) -> Device | None:
        """The hub itself, as a device."""

    def addresses_of(self, device: Device) -> Sequence[str]:
        """Where it is on the network, as far as that is known."""

    def firmware_of(self, device: Device) -> str | None: ...

    def update_waits_since(self, device: Device) -> datetime | None:
        """Since when its own `update` entity offers a newer firmware."""

    def is_encrypted(self, device: Device) -> bool | None:
        """Whether what it announces says that its API is encrypted; None: it does not tell."""

    def met(self) -> Iterable[Met]: ...

    def time_zone(self) -> ZoneInfo: ...
