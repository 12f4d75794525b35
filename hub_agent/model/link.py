"""What dialects with connections of their own pass around: peers, what they say, what is asked of them, what they need of people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.value import value


@dataclass(frozen=True, slots=True)
class Service:
    """An announcement on the local network, as it was heard. `via`: mdns | ssdp | search | manual.

    mdns: `kind` is the service type (`_hap._tcp.local.`), `name` the instance without it. ssdp: `kind` is the device type, `name` the USN.
    search: a dialect has found it by a way of its own; `kind` is `<dialect>.search`. manual: a person gave its address; `kind` is the dialect.
    `txt`: keys in lower case; values that are not UTF-8 are hexadecimal.
    """

    via: str
    kind: str
    name: str
    hosts: tuple[str, ...]
    port: int | None = None
    hostname: str | None = None
    txt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceGone:
    via: str
    kind: str
    name: str


class NeedKind(StrEnum):
    """What a person has to do or give before a peer can be talked to."""

    CODE = "code"  # printed on it or shown by it: a PIN, a setup code
    KEY = "key"  # an encryption key or token from its own application
    PASSWORD = "password"  # noqa: S105 the word, not one
    BUTTON = "button"  # press the button on it, then ask again
    ACCOUNT = "account"  # it answers only through its maker's cloud
    SERVER = "server"  # a server of its dialect, which is not there
    SOFTWARE = "software"  # a library that is not installed


@dataclass(frozen=True, slots=True)
class Need:
    """`text`: one line for people. `fields`: what to give, by name (`code`, `key`, `username`, `password`); none for a button to press."""

    kind: NeedKind
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerFound:
    """An announcement, identified as far as what it says goes. The same `service` again replaces what it said before.

    `aliases`: native identities, strongest first: announcements that share one are of the same thing. `dialect`: who can talk to it;
    None: nobody here. `key` stays when the address changes, and names the peer within its dialect. `need`: what is known to be missing
    before anybody has tried.
    """

    service: str
    name: str
    aliases: tuple[Alias, ...] = ()
    ecosystem: str | None = None
    brand: str | None = None
    model: str | None = None
    device_type: DeviceType = DeviceType.OTHER
    firmware_version: str | None = None
    dialect: str | None = None
    key: str | None = None
    hosts: tuple[str, ...] = ()
    port: int | None = None
    hostname: str | None = None
    txt: Mapping[str, str] = field(default_factory=dict)
    need: Need | None = None


@dataclass(frozen=True, slots=True)
class PeerGone:
    """The announcement ended, by a goodbye or by its time."""

    service: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that a dialect can connect to: a device, a bridge, a server. `hosts`: addresses or names, best first."""

    dialect: str
    key: str
    name: str
    hosts: tuple[str, ...]
    port: int | None = None
    txt: Mapping[str, str] = field(default_factory=dict)


@value
class Frame:
    """What a peer said over its link, as plain JSON. `kind` is the dialect's own word for what it is."""

    dialect: str
    peer: str
    kind: str
    body: JsonValue


@dataclass(frozen=True, slots=True)
class Request:
    """What a driver wants asked of a peer, as plain JSON."""

    dialect: str
    peer: str
    body: JsonObject


class LinkStatus(StrEnum):
    CONNECTING = "connecting"
    UP = "up"
    ASLEEP = "asleep"  # it comes back by itself: a device on batteries
    DOWN = "down"
    NEEDS = "needs"


@dataclass(frozen=True, slots=True)
class DialectTroubled:
    """All links of a dialect fail together, or no longer do (`reason` None). The home and the other dialects go on."""

    dialect: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link to a peer came up, was lost, or waits for a person. `reason`: one line for people."""

    dialect: str
    peer: str
    status: LinkStatus
    reason: str | None = None
    need: Need | None = None
