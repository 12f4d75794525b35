"""Who was heard, who is talked to, and who waits for a person.

A peer that was talked to once is remembered with its address, so that after a restart the home does not wait to hear it again.

A thing that several dialects know is talked to in the one that knows most of it (`RANKS`); a link in a lesser one that no person asked for is
closed when a better one turns up. A device that is served already by another way that knows as much (over MQTT) is not linked to as well.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Final

from hub_agent.core.discovery import merging
from hub_agent.core.discovery.known import (
    ROOM,
    Known,
    PeerId,
    id_in,
    id_of,
    known_from,
    need_in,
    peer_in,
    row,
    saving,
    waiting,
)
from hub_agent.model.device import Alias
from hub_agent.model.effects import Announce, CloseLink, Effect, OpenLink, Save
from hub_agent.model.inputs import PeerForgotten, PeerWanted
from hub_agent.model.json import JsonObject
from hub_agent.model.link import LinkChanged, LinkStatus, PeerFound, PeerGone

# More announcements than this are not remembered: a home has some hundred, a hostile network any number.
ANNOUNCEMENTS_MAX: Final = 4_000
PEERS_MAX: Final = 1_000

# An address that lasted this long is worth a write.
LASTING: Final = timedelta(minutes=10)

# What is made for one kind of device knows more of it than what is made for all of them.
RANKS: Final = MappingProxyType({"homekit": 0, "matter": 1})
RANK_OTHERWISE: Final = 2


@dataclass(frozen=True, slots=True)
class Thing:
    """Announcements of one and the same thing, and the peer that it is reached by, if a dialect can talk to it."""

    announcements: tuple[PeerFound, ...]
    known: Known | None = None
    aliases: frozenset[Alias] = field(default_factory=frozenset)


def _nobody(_aliases: Iterable[Alias], _peer: PeerId) -> bool:
    return False


class Discovery:
    def __init__(self, is_served: Callable[[Iterable[Alias], PeerId], bool] = _nobody) -> None:
        """`is_served`: whether a device with one of these identities is served by another way than this peer, and as well."""
        self._is_served = is_served
        self._announcement_by_service: dict[str, PeerFound] = {}
        # Which announcements have what in common.
        self._services_by_link: dict[Hashable, dict[str, None]] = {}
        self._known_by_id: dict[PeerId, Known] = {}
        # Peers whose address is not what is kept of them, and since when.
        self._changed_at: dict[PeerId, datetime] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> list[Effect]:
        """Links to the peers that were known before are kept up at once."""
        effects: list[Effect] = []
        for body in saved.values():
            known = known_from(body)
            if known is None:
                continue
            self._known_by_id[id_of(known.peer)] = known
            if not known.is_ignored:
                effects.append(OpenLink(known.peer))
        return effects

    # What is heard.

    def handle_found(self, found: PeerFound, now: datetime) -> list[Effect]:
        before = self._announcement_by_service.get(found.service)
        if before == found:
            return []
        if before is None and len(self._announcement_by_service) >= ANNOUNCEMENTS_MAX:
            return []
        effects: list[Effect] = [Announce("discovery", {"service": found.service, "name": found.name})]
        near = self._unlink(before) if before is not None else []
        self._announcement_by_service[found.service] = found
        for link in _links(found):
            self._services_by_link.setdefault(link, {})[found.service] = None
        if before is not None:
            effects += self._left_behind(before, near, now)
        return [*effects, *self._consider(found, now)]

    def handle_gone(self, gone: PeerGone, now: datetime) -> list[Effect]:
        """The link, if there is one, says itself whether the peer can still be talked to."""
        found = self._announcement_by_service.pop(gone.service, None)
        if found is None:
            return []
        near = self._unlink(found)
        told = [Announce("discovery", {"service": gone.service, "is_gone": True})]
        return [*told, *self._left_behind(found, near, now)]

    def handle_link(self, changed: LinkChanged, _now: datetime) -> list[Effect]:
        known = self._known_by_id.get((changed.dialect, changed.peer))
        if known is None or known.is_ignored:
            return []
        self._known_by_id[changed.dialect, changed.peer] = replace(
            known, status=changed.status, reason=changed.reason, need=changed.need
        )
        return [
            Announce("discovery", {"dialect": changed.dialect, "peer": changed.peer, "status": changed.status.value})
        ]

    # What people want.

    def want(self, wanted: PeerWanted) -> list[Effect]:
        known = self.known(wanted.dialect, wanted.key)
        if known is None:
            return []
        tried = Known(known.peer, is_wanted=True)
        self._known_by_id[id_of(known.peer)] = tried
        return [saving(tried), OpenLink(known.peer)]

    def forget(self, forgotten: PeerForgotten) -> list[Effect]:
        """One that is not ignored and still announces itself with a need waits again for what it needs."""
        known = self.known(forgotten.dialect, forgotten.key)
        if known is None:
            return []
        peer_id = id_of(known.peer)
        close = CloseLink(*peer_id)
        self._changed_at.pop(peer_id, None)
        if forgotten.is_ignored:
            ignored = Known(known.peer, LinkStatus.DOWN, is_ignored=True)
            self._known_by_id[peer_id] = ignored
            return [close, saving(ignored)]
        del self._known_by_id[peer_id]
        announcing = self._announcing(peer_id)
        if (need := need_in(announcing)) is not None:
            self._known_by_id[peer_id] = waiting(peer_in(announcing), need)
        return [close, Save(ROOM, row(peer_id), None)]

    # Addresses that last are kept.

    def get_timer(self) -> datetime | None:
        return min(self._changed_at.values()) + LASTING if self._changed_at else None

    def handle_timer(self, now: datetime) -> list[Effect]:
        due = [peer_id for peer_id, changed_at in self._changed_at.items() if now - changed_at >= LASTING]
        for peer_id in due:
            del self._changed_at[peer_id]
        return [saving(known) for peer_id in due if (known := self._known_by_id.get(peer_id)) is not None]

    def handle_clock_step(self, by: timedelta) -> None:
        self._changed_at = {peer_id: changed_at + by for peer_id, changed_at in self._changed_at.items()}

    # Deciding.

    def _consider(self, found: PeerFound, now: datetime) -> list[Effect]:
        """What is to be done about the thing that this is an announcement of."""
        thing = self._thing_of(found)
        by_id: dict[PeerId, list[PeerFound]] = {}
        for each in thing:
            if (peer_id := id_in(each)) is not None:
                by_id.setdefault(peer_id, []).append(each)
        if not by_id or any(self._is_ignored(peer_id) for peer_id in by_id):
            return []
        effects: list[Effect] = []
        held = [peer_id for peer_id in by_id if self._is_held(peer_id)]
        for peer_id in held:
            effects += self._renew(peer_id, by_id[peer_id], now)
        best = min(
            by_id, key=lambda peer_id: (-_rank(peer_id), peer_id not in held, _is_by_hand(by_id[peer_id]), peer_id)
        )
        if any(_rank(peer_id) >= _rank(best) for peer_id in held):
            return effects
        aliases = [alias for each in thing for alias in each.aliases]
        if not held and self._is_served(aliases, best):
            return effects
        taken = self._take_up(best, by_id[best])
        return [*effects, *taken, *self._drop_lesser(best, by_id)]

    def _take_up(self, peer_id: PeerId, announcing: Sequence[PeerFound]) -> list[Effect]:
        made = self._make_place() if peer_id not in self._known_by_id else []
        if made is None:
            return []
        peer = peer_in(announcing)
        need = need_in(announcing)
        if need is not None:
            # Nobody tries before the person has given what is missing.
            self._known_by_id[peer_id] = waiting(peer, need)
            return made
        known = Known(peer)
        self._known_by_id[peer_id] = known
        return [*made, saving(known), OpenLink(peer)]

    def _renew(self, peer_id: PeerId, announcing: Sequence[PeerFound], now: datetime) -> list[Effect]:
        """It may be somewhere else now; what does not last is not written down."""
        known = self._known_by_id[peer_id]
        peer = peer_in(announcing)
        if peer == known.peer:
            return []
        self._known_by_id[peer_id] = replace(known, peer=peer)
        self._changed_at[peer_id] = now
        return [OpenLink(peer)] if replace(peer, name=known.peer.name) != known.peer else []

    def _drop_lesser(self, best: PeerId, others: Iterable[PeerId]) -> list[Effect]:
        """What a person has asked for stays."""
        effects: list[Effect] = []
        for peer_id in others:
            known = self._known_by_id.get(peer_id)
            if known is None or peer_id == best or known.is_wanted or _rank(peer_id) >= _rank(best):
                continue
            del self._known_by_id[peer_id]
            self._changed_at.pop(peer_id, None)
            if not known.is_waiting:
                effects += [CloseLink(*peer_id), Save(ROOM, row(peer_id), None)]
        return effects

    def _make_place(self) -> list[Effect] | None:
        """Somebody who waits has to go for somebody who comes, else one who is neither reached nor heard: so invented things do not keep
        real ones out. None if all are wanted.
        """
        if len(self._known_by_id) < PEERS_MAX:
            return []
        waits = (peer_id for peer_id, known in self._known_by_id.items() if known.is_waiting)
        lost = (peer_id for peer_id, known in self._known_by_id.items() if self._is_lost(peer_id, known))
        oldest = next(chain(waits, lost), None)
        if oldest is None:
            return None
        gone = self._known_by_id.pop(oldest)
        self._changed_at.pop(oldest, None)
        return [] if gone.is_waiting else [CloseLink(*oldest), Save(ROOM, row(oldest), None)]

    def _is_lost(self, peer_id: PeerId, known: Known) -> bool:
        is_away = known.status in {LinkStatus.CONNECTING, LinkStatus.DOWN} and not self._announcing(peer_id)
        return is_away and not known.is_wanted and not known.is_ignored

    def _is_held(self, peer_id: PeerId) -> bool:
        known = self._known_by_id.get(peer_id)
        return known is not None and not known.is_waiting

    def _is_ignored(self, peer_id: PeerId) -> bool:
        known = self._known_by_id.get(peer_id)
        return known is not None and known.is_ignored

    # Which announcements belong together.

    def _unlink(self, found: PeerFound) -> list[str]:
        """Answers with those that had something in common with it."""
        near: dict[str, None] = {}
        for link in _links(found):
            services = self._services_by_link.get(link, {})
            services.pop(found.service, None)
            if not services:
                self._services_by_link.pop(link, None)
            if len(near) < merging.ANNOUNCEMENTS_A_THING_MAX:
                near |= services
        return list(near)[: merging.ANNOUNCEMENTS_A_THING_MAX]

    def _left_behind(self, found: PeerFound, near: Iterable[str], now: datetime) -> list[Effect]:
        """What it announced may not wait any more, and what it stood in front of comes forward."""
        peer_id = id_in(found)
        known = self._known_by_id.get(peer_id) if peer_id is not None else None
        if peer_id is not None and known is not None and known.is_waiting and not self._announcing(peer_id):
            del self._known_by_id[peer_id]
        return [effect for service in near for effect in self._consider(self._announcement_by_service[service], now)]

    def _announcing(self, peer_id: PeerId) -> list[PeerFound]:
        services = self._services_by_link.get(("peer", *peer_id), {})
        return [found for each in services if id_in(found := self._announcement_by_service[each]) == peer_id]

    def _thing_of(self, found: PeerFound) -> list[PeerFound]:
        near: dict[str, PeerFound] = {found.service: found}
        unseen = [found]
        while unseen and len(near) < merging.ANNOUNCEMENTS_A_THING_MAX:
            for link in _links(unseen.pop()):
                for service in self._services_by_link.get(link, {}):
                    if service not in near and len(near) < merging.ANNOUNCEMENTS_A_THING_MAX:
                        near[service] = self._announcement_by_service[service]
                        unseen.append(near[service])
        return next(group for group in merging.groups(near.values()) if found in group)

    # What is shown.

    def known(self, dialect: str, key: str) -> Known | None:
        """Also under another key by which the same thing announces itself in this dialect."""
        known = self._known_by_id.get((dialect, key))
        announcing = self._announcing((dialect, key)) if known is None else []
        if known is not None or not announcing:
            return known
        others = (self._known_by_id.get(peer_id) for each in self._thing_of(announcing[0]) if (peer_id := id_in(each)))
        return next((other for other in others if other is not None and other.peer.dialect == dialect), None)

    def announcements(self, dialect: str) -> Sequence[PeerFound]:
        """Of what this dialect can talk to."""
        return [found for found in self._announcement_by_service.values() if found.dialect == dialect]

    def things(self) -> Sequence[Thing]:
        """In the order in which they were met first."""
        found = merging.groups(self._announcement_by_service.values())
        shown = {peer_id for group in found for each in group if (peer_id := id_in(each)) is not None}
        things = [
            Thing(tuple(group), self._known_of(group), frozenset(alias for each in group for alias in each.aliases))
            for group in found
        ]
        silent = [Thing((), known) for peer_id, known in self._known_by_id.items() if peer_id not in shown]
        return [*things, *silent]

    def _known_of(self, group: Iterable[PeerFound]) -> Known | None:
        ids = dict.fromkeys(peer_id for found in group if (peer_id := id_in(found)) is not None)
        known = [known for peer_id in ids if (known := self._known_by_id.get(peer_id)) is not None]
        return min(known, key=lambda each: (each.status is not LinkStatus.UP, -_rank(id_of(each.peer))), default=None)


def _links(found: PeerFound) -> list[Hashable]:
    return [*merging.identities(found), *merging.places(found)]


def _rank(peer_id: PeerId) -> int:
    return RANKS.get(peer_id[0], RANK_OTHERWISE)


def _is_by_hand(announcing: Iterable[PeerFound]) -> bool:
    return all(found.service.startswith("manual:") for found in announcing)
