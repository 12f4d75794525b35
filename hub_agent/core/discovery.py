"""What announces itself on the network: which announcements are of one thing, which dialect is to talk to it, and how that goes.

A peer that was talked to once is remembered with its address, so that after a restart the home does not wait to hear it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from hub_agent.model.device import Alias
from hub_agent.model.effects import Announce, CloseLink, Durability, Effect, OpenLink, Save
from hub_agent.model.inputs import PeerForgotten, PeerWanted
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import LinkChanged, LinkStatus, Need, Peer, PeerFound, PeerGone

ROOM = "discovery"

# More announcements than this are not remembered: a home has some hundred, a hostile network any number.
ANNOUNCEMENTS_MAX = 4_000
PEERS_MAX = 1_000

PeerId: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """A peer that a link is kept to. `is_ignored`: nobody wants it."""

    peer: Peer
    status: LinkStatus = LinkStatus.CONNECTING
    reason: str | None = None
    need: Need | None = None
    is_ignored: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """Announcements of one and the same thing, and the peer that it is reached by, if a dialect can talk to it."""

    announcements: tuple[PeerFound, ...]
    known: Known | None = None
    aliases: frozenset[Alias] = field(default_factory=frozenset)


class Discovery:
    def __init__(self) -> None:
        self._announcement_by_service: dict[str, PeerFound] = {}
        self._known_by_id: dict[PeerId, Known] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> list[Effect]:
        """Links to the peers that were known before are kept up at once."""
        effects: list[Effect] = []
        for body in saved.values():
            known = _known_of(body)
            if known is None:
                continue
            self._known_by_id[known.peer.dialect, known.peer.key] = known
            if not known.is_ignored:
                effects.append(OpenLink(known.peer))
        return effects

    # What is heard.

    def handle_found(self, found: PeerFound, _now: datetime) -> list[Effect]:
        before = self._announcement_by_service.get(found.service)
        if before == found:
            return []
        if before is None and len(self._announcement_by_service) >= ANNOUNCEMENTS_MAX:
            return []
        self._announcement_by_service[found.service] = found
        told = [Announce("discovery", {"service": found.service, "name": found.name})]
        return [*told, *self._take_up(found)]

    def handle_gone(self, gone: PeerGone, _now: datetime) -> list[Effect]:
        """The link, if there is one, says itself whether the peer can still be talked to."""
        found = self._announcement_by_service.pop(gone.service, None)
        return [Announce("discovery", {"service": gone.service, "is_gone": True})] if found else []

    def handle_link(self, changed: LinkChanged, _now: datetime) -> list[Effect]:
        known = self._known_by_id.get((changed.dialect, changed.peer))
        if known is None:
            return []
        self._known_by_id[changed.dialect, changed.peer] = replace(
            known, status=changed.status, reason=changed.reason, need=changed.need
        )
        return [
            Announce("discovery", {"dialect": changed.dialect, "peer": changed.peer, "status": changed.status.value})
        ]

    def want(self, wanted: PeerWanted) -> list[Effect]:
        known = self._known_by_id.get((wanted.dialect, wanted.key))
        if known is None:
            return []
        tried = Known(known.peer)
        self._known_by_id[wanted.dialect, wanted.key] = tried
        return [_save(tried), OpenLink(known.peer)]

    def forget(self, forgotten: PeerForgotten) -> list[Effect]:
        peer_id = (forgotten.dialect, forgotten.key)
        known = self._known_by_id.get(peer_id)
        if known is None:
            return []
        close = CloseLink(*peer_id)
        if not forgotten.is_ignored:
            del self._known_by_id[peer_id]
            return [close, Save(ROOM, _key(peer_id), None)]
        ignored = Known(known.peer, LinkStatus.DOWN, is_ignored=True)
        self._known_by_id[peer_id] = ignored
        return [close, _save(ignored)]

    def _take_up(self, found: PeerFound) -> list[Effect]:
        if found.dialect is None or found.key is None or not found.hosts:
            return []
        peer = Peer(found.dialect, found.key, found.name, found.hosts, found.port, found.txt)
        peer_id = (peer.dialect, peer.key)
        known = self._known_by_id.get(peer_id)
        if known is None and len(self._known_by_id) >= PEERS_MAX:
            return []
        if known is not None and (known.is_ignored or known.peer == peer):
            return []
        if found.need is not None and known is None:
            # Nobody tries before the person has given what is missing.
            waiting = Known(peer, LinkStatus.NEEDS, found.need.text, found.need)
            self._known_by_id[peer_id] = waiting
            return []
        renewed = replace(known, peer=peer) if known else Known(peer)
        self._known_by_id[peer_id] = renewed
        return [_save(renewed), OpenLink(peer)]

    # What is shown.

    def known(self, dialect: str, key: str) -> Known | None:
        return self._known_by_id.get((dialect, key))

    def things(self) -> Sequence[Thing]:
        """In the order in which they were met first."""
        groups = _of_one_thing(self._announcement_by_service.values())
        shown = {peer_id for group in groups for found in group if (peer_id := _peer_id(found)) is not None}
        things = [
            Thing(tuple(group), self._known_of(group), frozenset(alias for found in group for alias in found.aliases))
            for group in groups
        ]
        silent = [Thing((), known) for peer_id, known in self._known_by_id.items() if peer_id not in shown]
        return [*things, *silent]

    def _known_of(self, group: Iterable[PeerFound]) -> Known | None:
        ids = [peer_id for found in group if (peer_id := _peer_id(found)) is not None]
        found = [known for peer_id in ids if (known := self._known_by_id.get(peer_id)) is not None]
        return min(found, key=lambda known: known.status is not LinkStatus.UP, default=None)


def _peer_id(found: PeerFound) -> PeerId | None:
    return (found.dialect, found.key) if found.dialect is not None and found.key is not None else None


def _of_one_thing(announcements: Iterable[PeerFound]) -> list[list[PeerFound]]:
    """Announcements that share an alias, also through others, are of one thing."""
    groups: list[list[PeerFound]] = []
    group_by_alias: dict[Alias, list[PeerFound]] = {}
    for found in announcements:
        met = {id(group): group for alias in found.aliases if (group := group_by_alias.get(alias)) is not None}
        first, *others = met.values() or [[]]
        if not met:
            groups.append(first)
        first.append(found)
        for other in others:
            first += other
            groups.remove(other)
        group_by_alias |= {alias: first for each in first for alias in each.aliases}
    return groups


def _key(peer_id: PeerId) -> str:
    return f"peer/{peer_id[0]}/{peer_id[1]}"


def _save(known: Known) -> Save:
    peer = known.peer
    body: dict[str, JsonValue] = {
        "dialect": peer.dialect,
        "key": peer.key,
        "name": peer.name,
        "hosts": list(peer.hosts),
        "port": peer.port,
        "txt": dict(peer.txt),
        "is_ignored": known.is_ignored,
    }
    return Save(ROOM, _key((peer.dialect, peer.key)), body, Durability.COMMIT)


def _known_of(body: JsonObject) -> Known | None:
    dialect, key, name = (body.get(field) for field in ("dialect", "key", "name"))
    hosts, port, txt = (body.get(field) for field in ("hosts", "port", "txt"))
    if not isinstance(dialect, str) or not isinstance(key, str) or not isinstance(hosts, list | tuple):
        return None
    announced = {str(each): str(said) for each, said in txt.items()} if isinstance(txt, Mapping) else {}
    peer = Peer(
        dialect,
        key,
        str(name or key),
        tuple(str(host) for host in hosts),
        port if isinstance(port, int) else None,
        announced,
    )
    return Known(peer, is_ignored=body.get("is_ignored") is True)
