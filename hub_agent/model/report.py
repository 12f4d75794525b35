"""What drivers make of messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hub_agent.model.device import Advertisement, Origin
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import PeerFound, PeerGone
from hub_agent.model.scene import KeptScene
from hub_agent.model.value import value


@value
class MqttMessage:
    topic: str
    payload: bytes
    retained: bool = False


@value
class Lapse:
    """A state that nobody says again within this time gives way to another: `off`, or `unavailable`."""

    after_s: float
    state: str


@value
class EntityReport:
    """`state` None: not said. `attributes` are merged into those known; a None value removes one. `lapses`: how long the state holds."""

    key: str
    state: str | None = None
    attributes: JsonObject = field(default_factory=dict)
    lapses: tuple[Lapse, ...] = ()


@value
class Reported:
    """ "My state is". `observed` may hold battery_level (%), signal_strength, firmware_version, ip_address."""

    origin: Origin
    entities: tuple[EntityReport, ...]
    observed: Mapping[str, JsonValue] = field(default_factory=dict)
    retained: bool = False


@dataclass(frozen=True, slots=True)
class AvailabilityReported:
    """The device (or with `key` one entity of it) says, or its bridge says of it, that it can be reached or not."""

    origin: Origin
    is_available: bool
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The device, or its bridge, says that it did not do what was asked of it (with `keys`: of these entities). `reason`: one line for people."""

    origin: Origin
    reason: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restarted:
    """The device, or its bridge, says that it has just begun: it had no power, or has failed."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class DeviceGone:
    """The device left for good (removed from its bridge, its discovery message cleared)."""

    origin: Origin


@dataclass(frozen=True, slots=True)
class EntityGone:
    origin: Origin
    key: str


@dataclass(frozen=True, slots=True)
class ScenesKept:
    """Every copy of a scene of ours that this bridge keeps; told again when one of them changes there."""

    origin: Origin
    kept: tuple[KeptScene, ...]


@dataclass(frozen=True, slots=True)
class SceneNotKept:
    """The bridge, or a device behind it, refused to keep a copy. `reason`: one line for people."""

    origin: Origin
    tag: str
    reason: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The driver needs these topics from now on."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """What a driver wants to be published."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Inquire:
    """The driver has these published at once, so that a device that was heard says what it is and how it is."""

    publications: tuple[Publication, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message, or a part of one, that was not understood. `code` is a short slug that stays the same for the same fault."""

    dialect: str
    topic: str
    code: str
    reason: str
    origin: Origin | None = None


Decoded: TypeAlias = (
    Advertisement
    | Reported
    | AvailabilityReported
    | Refused
    | Restarted
    | DeviceGone
    | EntityGone
    | ScenesKept
    | SceneNotKept
    | PeerFound
    | PeerGone
    | Subscribe
    | Unsubscribe
    | Inquire
    | Rejected
)
