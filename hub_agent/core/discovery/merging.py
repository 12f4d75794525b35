"""Which announcements are of one and the same thing.

1. Those that share a native identity, or announce the same peer.
2. Of those that say nothing in common: the same brand at the same host, or the same dialect at the same address. But only if nothing there contradicts it: two that both say
   a MAC, and not the same one, are two, and then nobody can say whose the third is. So a computer with several servers is not one device.

Both rules look at the whole set, so the order of hearing makes no difference.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final, TypeAlias

from hub_agent.model.link import PeerFound

# A thing with more announcements than this is nobody's real device.
ANNOUNCEMENTS_A_THING_MAX: Final = 64

_Group: TypeAlias = list[PeerFound]
_Links: TypeAlias = Callable[[PeerFound], list[Hashable]]


def identities(found: PeerFound) -> list[Hashable]:
    """What makes two announcements one thing for certain."""
    sure: list[Hashable] = [("alias", alias.kind, alias.value) for alias in found.aliases]
    if found.dialect is not None:
        sure.append(("peer", found.dialect, found.key))
    return sure


def places(found: PeerFound) -> list[Hashable]:
    """What makes them one thing if nothing contradicts it."""
    hosts = [host for host in found.hosts if not _is_this_machine(host)]
    where: list[Hashable] = []
    if found.dialect is not None:
        where += [("at", found.dialect, host, found.port) for host in hosts]
        # An address that was given without a port means whatever is announced there.
        if found.port is not None and not found.service.startswith("manual:"):
            where += [("at", found.dialect, host, None) for host in hosts]
    if found.brand is not None:
        brand = found.brand.casefold()
        where += [("host", brand, host) for host in hosts]
        if found.hostname is not None and not found.hostname.casefold().startswith("localhost"):
            where.append(("name", brand, found.hostname.casefold()))
    return where


def groups(announcements: Iterable[PeerFound]) -> list[_Group]:
    """In the order in which they are given."""
    certain = _joined([[found] for found in announcements], identities)
    by_place = _joined_indexes(certain, places)
    merged: list[_Group] = []
    for indexes in by_place:
        together = [certain[index] for index in indexes]
        if len(together) > 1 and _contradict(together):
            merged += together
        else:
            merged.append([found for group in together for found in group])
    return merged


def _joined(items: Sequence[_Group], links: _Links) -> list[_Group]:
    return [[found for index in indexes for found in items[index]] for indexes in _joined_indexes(items, links)]


def _joined_indexes(items: Sequence[_Group], links: _Links) -> list[list[int]]:
    """Which of them hang together, also through others."""
    parent = list(range(len(items)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first_with: dict[Hashable, int] = {}
    for index, group in enumerate(items):
        for link in (link for found in group for link in links(found)):
            other = first_with.setdefault(link, index)
            one, two = sorted((root(index), root(other)))
            parent[two] = one
    together: dict[int, list[int]] = {}
    for index in range(len(items)):
        together.setdefault(root(index), []).append(index)
    return list(together.values())


def _contradict(parts: Iterable[_Group]) -> bool:
    """Whether two of them say identities of one kind that have nothing in common."""
    seen: set[str] = set()
    for group in parts:
        kinds = {alias.kind for found in group for alias in found.aliases}
        if kinds & seen:
            return True
        seen |= kinds
    return False


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
