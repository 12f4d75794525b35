"""A peer as it is remembered, and how it is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from hub_agent.model.effects import Durability, Save
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import LinkStatus, Need, Peer, PeerFound

ROOM: Final = "discovery"
HOSTS_MAX: Final = 8

PeerId: TypeAlias = tuple[str, str]

# Whose word on an address counts first, where several announce the same peer.
_VIAS: Final = ("manual", "mdns", "search", "ssdp")


@dataclass(frozen=True, slots=True)
class Known:
    """A peer that a link is kept to. `is_waiting`: no link yet, a person has to give something first. `is_ignored`: nobody wants it.
    `is_wanted`: a person has said so, and may have given what it needs.
    """

    peer: Peer
    status: LinkStatus = LinkStatus.CONNECTING
    reason: str | None = None
    need: Need | None = None
    is_ignored: bool = False
    is_waiting: bool = False
    is_wanted: bool = False


def waiting(peer: Peer, need: Need) -> Known:
    return Known(peer, LinkStatus.NEEDS, need.text, need, is_waiting=True)


def id_of(peer: Peer) -> PeerId:
    return (peer.dialect, peer.key)


def id_in(found: PeerFound) -> PeerId | None:
    """Which peer it announces, if anybody here can talk to it."""
    if found.dialect is None or found.key is None or not found.hosts:
        return None
    return (found.dialect, found.key)


def peer_in(announcements: Iterable[PeerFound]) -> Peer:
    """One peer that announces itself in several ways, always the same in whatever order they were heard."""
    ordered = sorted(announcements, key=_weight)
    first = ordered[0]
    assert first.dialect is not None
    assert first.key is not None
    txt: dict[str, str] = {}
    for found in reversed(ordered):
        txt |= found.txt
    hosts = tuple(dict.fromkeys(host for found in ordered for host in found.hosts))
    port = next((found.port for found in ordered if found.port is not None), None)
    return Peer(first.dialect, first.key, first.name, hosts[:HOSTS_MAX], port, txt)


def need_in(announcements: Iterable[PeerFound]) -> Need | None:
    return next((found.need for found in sorted(announcements, key=_weight) if found.need is not None), None)


def _weight(found: PeerFound) -> tuple[int, bool, str]:
    via = found.service.partition(":")[0]
    # A service type of its own says more than one that everybody has.
    is_plain = "_http._tcp" in found.service
    return (_VIAS.index(via) if via in _VIAS else len(_VIAS), is_plain, found.service)


# Kept.


def row(peer_id: PeerId) -> str:
    return f"peer/{peer_id[0]}/{peer_id[1]}"


def saving(known: Known) -> Save:
    peer = known.peer
    body: dict[str, JsonValue] = {
        "dialect": peer.dialect,
        "key": peer.key,
        "name": peer.name,
        "hosts": list(peer.hosts),
        "port": peer.port,
        "txt": dict(peer.txt),
        "is_ignored": known.is_ignored,
        "is_wanted": known.is_wanted,
    }
    return Save(ROOM, row(id_of(peer)), body, Durability.COMMIT)


def known_from(body: JsonObject) -> Known | None:
    dialect, key, name = (body.get(field) for field in ("dialect", "key", "name"))
    hosts, port, txt = (body.get(field) for field in ("hosts", "port", "txt"))
    if not isinstance(dialect, str) or not isinstance(key, str) or not isinstance(hosts, list | tuple):
        return None
    announced = {each: said for each, said in txt.items() if isinstance(said, str)} if isinstance(txt, Mapping) else {}
    peer = Peer(
        dialect,
        key,
        name if isinstance(name, str) and name else key,
        tuple(host for host in hosts if isinstance(host, str)),
        port if isinstance(port, int) else None,
        announced,
    )
    is_ignored = body.get("is_ignored") is True
    status = LinkStatus.DOWN if is_ignored else LinkStatus.CONNECTING
    return Known(peer, status, is_ignored=is_ignored, is_wanted=body.get("is_wanted") is True)
