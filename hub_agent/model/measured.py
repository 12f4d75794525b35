"""What the hub measures of itself, and of the ways to everything that it talks to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system that the hub writes to."""

    name: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class HubMeasured:
    """The hub itself, as of now. None: this machine does not tell.

    `loop_lag_s`: the longest that the event loop came too late since the last time. `card_worn_percent` and `card_pre_eol` as the
    card's controller says (JEDEC: 1 normal, 2 most of its spare blocks are used, 3 nearly all). `hot_celsius`: what counts as too hot here.
    """

    disks: tuple[Disk, ...] = ()
    agent_bytes: int | None = None
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_used_bytes: int | None = None
    cpu_celsius: float | None = None
    hot_celsius: float = 80.0
    is_under_voltage: bool | None = None
    is_throttled: bool | None = None
    load_per_core: float | None = None
    loop_lag_s: float | None = None
    card_worn_percent: int | None = None
    card_pre_eol: int | None = None
    card_written_bytes: int | None = None
    agent_written_bytes: int | None = None
    is_clock_trusted: bool = True
    is_mirror_sound: bool | None = None


class WayTo(StrEnum):
    """Whom the hub talks to, the nearest first: behind one that is gone nobody can be reached."""

    ROUTER = "router"
    DNS = "dns"
    INTERNET = "internet"
    CLOUD = "cloud"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Way:
    """One of them, as it was tried just now. `reason`: why it is not open, in words."""

    address: str
    is_open: bool
    latency_ms: float | None = None
    loss_percent: float | None = None
    reason: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaysMeasured:
    """A way that is not in it was not tried: there is no such thing here, or nothing to try it with."""

    ways: Mapping[WayTo, Way]
