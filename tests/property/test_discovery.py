"""Announcements in any order, as often as anybody likes, and such as nobody should send."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st

from hub_agent.core.discovery import Discovery
from hub_agent.core.discovery.room import LASTING
from hub_agent.drivers.identification import HIDDEN_TYPES, SEARCH_TARGETS, SERVICE_TYPES, gone, identify
from hub_agent.drivers.identification.txt import NAME_CHARS_MAX, VALUE_CHARS_MAX, plain_txt
from hub_agent.model.effects import CloseLink, OpenLink, Save
from hub_agent.model.link import Peer, PeerFound, Service, ServiceGone

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

MACS = ("a8032abc0001", "a8032abc0002", "ecb5faabcabc")
HOSTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "fe80::1%2")
HOSTNAMES = (None, "one.local", "two.local")
KINDS = (
    "_shelly._tcp.local.",
    "_http._tcp.local.",
    "_esphomelib._tcp.local.",
    "_wled._tcp.local.",
    "_hue._tcp.local.",
    "_hap._tcp.local.",
    "_sonos._tcp.local.",
    "_airplay._tcp.local.",
    "_bond._tcp.local.",
)


@st.composite
def homely(draw: st.DrawFn) -> Service:
    """What could be heard in one home, with few names and addresses, so that much of it meets."""
    kind, mac = draw(st.sampled_from(KINDS)), draw(st.sampled_from(MACS))
    name = draw(st.sampled_from((f"shellyplus1-{mac}", f"Sonos-{mac.upper()}@Bath", "Hall light", "node")))
    txt = draw(
        st.sampled_from(
            (
                {},
                {"mac": mac},
                {"gen": "4", "app": "S1G4"},
                {"bridgeid": f"{mac[:6]}fffe{mac[6:]}"},
                {"id": ":".join(mac[i : i + 2] for i in range(0, 12, 2)), "md": "BSB002", "sf": "1"},
                {"deviceid": mac, "model": "Sonos"},
            )
        )
    )
    hosts = tuple(draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True)))
    return Service("mdns", kind, name, hosts, draw(st.sampled_from((80, 6053))), draw(st.sampled_from(HOSTNAMES)), txt)


def _announcements(services: list[Service]) -> list[PeerFound]:
    """The last word of each service."""
    return list({found.service: found for service in services if (found := identify(service)) is not None}.values())


def _things(room: Discovery) -> set[frozenset[str]]:
    return {frozenset(found.service for found in thing.announcements) for thing in room.things()}


def _peers(room: Discovery) -> dict[str, tuple[Peer, bool]]:
    known = [thing.known for thing in room.things() if thing.known is not None]
    return {f"{each.peer.dialect}/{each.peer.key}": (each.peer, each.is_waiting) for each in known}


@given(st.lists(homely(), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_in_which_announcements_are_heard_makes_no_difference(services: list[Service], chance) -> None:
    announcements = _announcements(services)
    shuffled = announcements.copy()
    chance.shuffle(shuffled)
    one, other = Discovery(), Discovery()
    for found in announcements:
        one.handle_found(found, NOON)
    for found in shuffled:
        other.handle_found(found, NOON)

    assert _things(one) == _things(other)


@given(st.lists(homely(), max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_what_is_heard_twice_is_no_news(services: list[Service], chance) -> None:
    announcements = _announcements(services)
    room = Discovery()
    for found in announcements:
        room.handle_found(found, NOON)
    before = _peers(room)
    chance.shuffle(announcements)
    for found in announcements:
        assert room.handle_found(found, NOON) == []

    assert _peers(room) == before


@given(st.lists(homely(), max_size=16), st.integers(0, 16))
@settings(max_examples=80, deadline=None)
def test_a_restart_at_any_moment_loses_no_link_and_no_address_that_has_lasted(
    services: list[Service], cut: int
) -> None:
    saved: dict[str, object] = {}
    linked: dict[tuple[str, str], Peer] = {}
    room = Discovery()

    def note(effects) -> None:
        for effect in effects:
            match effect:
                case Save(_, key, None):
                    saved.pop(key, None)
                case Save(_, key, body):
                    saved[key] = body
                case OpenLink(peer):
                    linked[peer.dialect, peer.key] = peer
                case CloseLink(dialect, key):
                    linked.pop((dialect, key), None)

    now = NOON
    for service in services[:cut]:
        if (found := identify(service)) is not None:
            note(room.handle_found(found, now))
        now += timedelta(seconds=1)
    note(room.handle_timer(now + LASTING))

    again = Discovery()
    reopened = {
        (each.peer.dialect, each.peer.key): each.peer for each in again.restore(saved) if isinstance(each, OpenLink)
    }  # type: ignore[arg-type]

    assert {key: (peer.hosts, peer.port) for key, peer in reopened.items()} == {
        key: (peer.hosts, peer.port) for key, peer in linked.items()
    }


@given(st.lists(homely(), max_size=12))
@settings(max_examples=80, deadline=None)
def test_when_all_announcements_have_ended_only_the_links_are_left(services: list[Service]) -> None:
    room = Discovery()
    for service in services:
        if (found := identify(service)) is not None:
            room.handle_found(found, NOON)
    for service in services:
        room.handle_gone(gone(ServiceGone(service.via, service.kind, service.name)), NOON)

    assert all(not thing.announcements and thing.known is not None for thing in room.things())
    assert not any(thing.known.is_waiting for thing in room.things() if thing.known)


HOSTILE = st.one_of(st.text(max_size=300), st.binary(max_size=300), st.none(), st.integers(), st.floats())


@given(
    via=st.sampled_from(("mdns", "ssdp", "search", "manual", "?")),
    kind=st.one_of(st.sampled_from((*SERVICE_TYPES, *HIDDEN_TYPES, *SEARCH_TARGETS)), st.text(max_size=40)),
    name=st.text(max_size=600),
    hostname=st.one_of(st.none(), st.text(max_size=600)),
    keys=st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from(
                    ("id", "ID", "mac", "bridgeid", "md", "sf", "ci", "vp", "info", "gen", "project_name", "ty")
                ),
                st.text(max_size=80),
            ),
            HOSTILE,
        ),
        max_size=80,
    ),
    hosts=st.lists(st.text(max_size=40), max_size=3),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_announced_is_told_shortly_and_fails_nothing(via, kind, name, hostname, **rest) -> None:
    hosts, keys = rest["hosts"], rest["keys"]
    found = identify(Service(via, kind, name, tuple(hosts), 80, hostname, dict(keys)))

    if found is None:
        return
    assert len(found.name) <= NAME_CHARS_MAX + VALUE_CHARS_MAX
    assert all(len(value) <= VALUE_CHARS_MAX for value in found.txt.values())
    assert found.name.isprintable()
    room = Discovery()
    room.handle_found(found, NOON)
    assert len(room.things()) == 1


@given(st.dictionaries(st.binary(max_size=80), st.one_of(st.none(), st.binary(max_size=2000)), max_size=100))
def test_txt_records_of_any_bytes_become_short_text(said) -> None:
    plain = plain_txt(said)

    assert len(plain) <= 64
    assert all(
        key == key.lower() and value.isprintable() and len(value) <= VALUE_CHARS_MAX for key, value in plain.items()
    )
