"""Who is linked to, who waits for a person, and what is remembered."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_agent.core.discovery import Discovery
from hub_agent.core.discovery.known import PeerId, known_from
from hub_agent.core.discovery.room import ANNOUNCEMENTS_MAX, LASTING, PEERS_MAX
from hub_agent.drivers.identification import gone, identify
from hub_agent.model.device import Alias
from hub_agent.model.effects import Announce, CloseLink, Effect, OpenLink, Save
from hub_agent.model.inputs import PeerForgotten, PeerWanted
from hub_agent.model.link import LinkChanged, LinkStatus, PeerFound, Service, ServiceGone

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def heard(kind: str, name: str, host: str = "192.0.2.7", hostname: str | None = None, **txt: str) -> PeerFound:
    found = identify(Service("mdns", kind, name, (host,), 80, hostname, txt))
    assert found is not None
    return found


WLED = heard("_wled._tcp.local.", "Desk", mac="a8032abcdef0")
HUE = heard("_hue._tcp.local.", "Hue Bridge", hostname="hue.local", bridgeid="ecb5fafffeabcabc", modelid="BSB002")
HUE_HOMEKIT = heard(
    "_hap._tcp.local.", "Hue Bridge", hostname="hue.local", id="AA:BB:CC:00:11:22", md="BSB002", ci="2", sf="1"
)
SHELLY = heard("_shelly._tcp.local.", "shellyplus1-a8032abc0001", gen="2", app="Plus1")


def done(effects: Iterable[Effect]) -> list[Effect]:
    return [effect for effect in effects if not isinstance(effect, Announce)]


def opened(effects: Iterable[Effect]) -> list[PeerId]:
    return [(effect.peer.dialect, effect.peer.key) for effect in effects if isinstance(effect, OpenLink)]


def kept(effects: Iterable[Effect]) -> dict[str, object]:
    return {effect.key: effect.body for effect in effects if isinstance(effect, Save)}


def test_a_peer_that_needs_nothing_is_linked_to_and_remembered() -> None:
    effects = Discovery().handle_found(WLED, NOON)

    assert opened(effects) == [("wled", "a8032abcdef0")]
    assert list(kept(effects)) == ["peer/wled/a8032abcdef0"]


def test_a_peer_that_needs_a_person_waits_and_nothing_is_written() -> None:
    room = Discovery()

    effects = room.handle_found(HUE, NOON)

    assert done(effects) == []
    known = room.known("hue", "ecb5fafffeabcabc")
    assert known is not None
    assert known.status is LinkStatus.NEEDS


def test_a_peer_that_waits_is_opened_once_a_person_wants_it_and_its_need_is_no_news_any_more() -> None:
    room = Discovery()
    room.handle_found(HUE, NOON)

    assert opened(room.want(PeerWanted("hue", "ecb5fafffeabcabc"))) == [("hue", "ecb5fafffeabcabc")]
    assert done(room.handle_found(replace(HUE, name="Bridge"), NOON)) == []


def test_a_peer_that_waits_is_gone_with_its_announcement() -> None:
    room = Discovery()
    room.handle_found(HUE, NOON)

    room.handle_gone(gone(ServiceGone("mdns", "_hue._tcp.local.", "Hue Bridge")), NOON)

    assert room.known("hue", "ecb5fafffeabcabc") is None
    assert room.things() == []


def test_a_peer_that_is_linked_to_stays_when_its_announcement_ends() -> None:
    room = Discovery()
    room.handle_found(WLED, NOON)

    effects = room.handle_gone(gone(ServiceGone("mdns", "_wled._tcp.local.", "Desk")), NOON)

    assert done(effects) == []
    assert room.known("wled", "a8032abcdef0") is not None


def test_services_of_one_device_are_one_thing() -> None:
    room = Discovery()
    room.handle_found(SHELLY, NOON)
    room.handle_found(heard("_http._tcp.local.", "shellyplus1-a8032abc0001"), NOON)

    assert [len(thing.announcements) for thing in room.things()] == [2]


def test_a_second_service_of_a_peer_does_not_open_it_anew() -> None:
    room = Discovery()
    room.handle_found(SHELLY, NOON)

    assert opened(room.handle_found(heard("_http._tcp.local.", "shellyplus1-a8032abc0001"), NOON)) == []


def test_a_name_that_the_user_gave_is_the_same_thing_by_its_brand_and_address() -> None:
    room = Discovery()
    room.handle_found(SHELLY, NOON)
    room.handle_found(heard("_shelly._tcp.local.", "Hall light", gen="4", app="S1G4"), NOON)

    assert [len(thing.announcements) for thing in room.things()] == [2]


def test_a_computer_with_several_servers_is_not_one_thing() -> None:
    room = Discovery()
    for kind, name in (
        ("_home-assistant._tcp.local.", "Home"),
        ("_mqtt._tcp.local.", "mosquitto"),
        ("_plexmediasvr._tcp.local.", "Plex"),
    ):
        room.handle_found(heard(kind, name, hostname="server.local"), NOON)
    for number in (1, 2):
        room.handle_found(
            heard("_esphomelib._tcp.local.", f"node-{number}", hostname="server.local", mac=f"a8032abc000{number}"),
            NOON,
        )

    assert len(room.things()) == 5


def test_of_two_things_of_a_brand_at_one_host_nobody_says_whose_the_third_is() -> None:
    room = Discovery()
    for number in (1, 2):
        room.handle_found(heard("_esphomelib._tcp.local.", f"node-{number}", mac=f"a8032abc000{number}"), NOON)
    room.handle_found(heard("_http._tcp.local.", "node-3", version="2026.1.0"), NOON)

    assert len(room.things()) == 3


def test_a_bridge_that_two_dialects_know_is_offered_in_the_one_that_knows_more() -> None:
    for order in ([HUE, HUE_HOMEKIT], [HUE_HOMEKIT, HUE]):
        room = Discovery()
        for found in order:
            room.handle_found(found, NOON)

        [thing] = room.things()
        assert thing.known is not None
        assert thing.known.peer.dialect == "hue"
        assert (
            room.known("homekit", "aa:bb:cc:00:11:22") is None
            or room.known("homekit", "aa:bb:cc:00:11:22") == thing.known
        )


def test_a_dialect_that_stood_back_comes_forward_when_the_better_one_is_gone() -> None:
    room = Discovery()
    room.handle_found(HUE, NOON)
    room.handle_found(HUE_HOMEKIT, NOON)

    room.handle_gone(gone(ServiceGone("mdns", "_hue._tcp.local.", "Hue Bridge")), NOON)

    known = room.known("homekit", "aa:bb:cc:00:11:22")
    assert known is not None
    assert known.is_waiting


def test_what_a_person_has_paired_stays_when_a_better_dialect_turns_up() -> None:
    room = Discovery()
    room.handle_found(HUE_HOMEKIT, NOON)
    room.want(PeerWanted("homekit", "aa:bb:cc:00:11:22"))

    effects = room.handle_found(HUE, NOON)

    assert not any(isinstance(effect, CloseLink) for effect in effects)
    assert room.known("hue", "ecb5fafffeabcabc") is not None


def test_a_device_that_is_served_over_the_broker_as_well_is_not_linked_to() -> None:
    served = {Alias("mac", "a8032abc0001")}
    room = Discovery(lambda aliases, _peer: not served.isdisjoint(aliases))

    assert opened(room.handle_found(SHELLY, NOON)) == []
    assert opened(room.handle_found(WLED, NOON)) == [("wled", "a8032abcdef0")]


def test_a_peer_at_a_new_address_is_linked_to_there_and_the_address_is_kept_when_it_lasts() -> None:
    room = Discovery()
    room.handle_found(WLED, NOON)

    effects = room.handle_found(replace(WLED, hosts=("192.0.2.99",)), NOON)

    assert [effect.peer.hosts for effect in effects if isinstance(effect, OpenLink)] == [("192.0.2.99",)]
    assert kept(effects) == {}
    assert room.get_timer() == NOON + LASTING
    assert list(kept(room.handle_timer(NOON + LASTING))) == ["peer/wled/a8032abcdef0"]
    assert room.get_timer() is None


def test_a_peer_whose_address_flaps_is_not_written_before_it_has_settled() -> None:
    room = Discovery()
    room.handle_found(WLED, NOON)
    writes = 0
    for second in range(3600):
        now = NOON + timedelta(seconds=second)
        room.handle_found(replace(WLED, hosts=(f"192.0.2.{second % 2 + 1}",)), now)
        due = room.get_timer()
        if due is not None and due <= now:
            writes += len(kept(room.handle_timer(now)))

    assert writes == 0
    assert len(kept(room.handle_timer(NOON + timedelta(hours=1) + LASTING))) == 1


def test_a_restart_opens_what_was_known_at_its_last_address() -> None:
    room = Discovery()
    saved = kept([*room.handle_found(WLED, NOON), *room.handle_found(SHELLY, NOON)])

    again = Discovery()

    assert sorted(opened(again.restore(saved))) == [("shelly", "a8032abc0001"), ("wled", "a8032abcdef0")]  # type: ignore[arg-type]
    assert opened(again.handle_found(WLED, NOON)) == []


def test_what_is_ignored_is_not_taken_up_again_in_any_dialect_nor_after_a_restart() -> None:
    room = Discovery()
    room.handle_found(HUE, NOON)
    saved = kept(room.forget(PeerForgotten("hue", "ecb5fafffeabcabc", is_ignored=True)))

    again = Discovery()
    again.restore(saved)  # type: ignore[arg-type]

    for each in (room, again):
        assert done(each.handle_found(replace(HUE, name="x"), NOON)) == []
        assert done(each.handle_found(HUE_HOMEKIT, NOON)) == []


def test_what_was_ignored_comes_back_when_a_person_wants_it() -> None:
    room = Discovery()
    room.handle_found(WLED, NOON)
    room.forget(PeerForgotten("wled", "a8032abcdef0", is_ignored=True))

    assert opened(room.want(PeerWanted("wled", "a8032abcdef0"))) == [("wled", "a8032abcdef0")]


def test_what_is_forgotten_and_still_there_waits_again_for_what_it_needs() -> None:
    room = Discovery()
    room.handle_found(HUE, NOON)
    room.want(PeerWanted("hue", "ecb5fafffeabcabc"))

    effects = room.forget(PeerForgotten("hue", "ecb5fafffeabcabc", is_ignored=False))

    assert CloseLink("hue", "ecb5fafffeabcabc") in effects
    known = room.known("hue", "ecb5fafffeabcabc")
    assert known is not None
    assert known.is_waiting


def test_an_address_that_a_person_gave_is_the_peer_that_announces_itself_there() -> None:
    given = identify(Service("manual", "esphome", "192.0.2.7:6053", ("192.0.2.7",), 6053))
    announced = identify(
        Service("mdns", "_esphomelib._tcp.local.", "node", ("192.0.2.7",), 6053, "node.local", {"mac": "a8032abc0001"})
    )
    assert given is not None
    assert announced is not None
    room = Discovery()

    assert opened(room.handle_found(given, NOON)) == [("esphome", "192.0.2.7:6053")]
    assert opened(room.handle_found(announced, NOON)) == []
    assert room.known("esphome", "a8032abc0001") == room.known("esphome", "192.0.2.7:6053")


def test_an_address_without_a_port_is_the_peer_that_announces_itself_there() -> None:
    given = identify(Service("manual", "wled", "192.0.2.7", ("192.0.2.7",)))
    assert given is not None
    room = Discovery()
    room.handle_found(given, NOON)

    assert opened(room.handle_found(WLED, NOON)) == []
    assert len(room.things()) == 1


def test_two_addresses_that_a_person_gave_on_one_host_are_two_peers() -> None:
    room = Discovery()
    for port in (6053, 6054):
        given = identify(Service("manual", "esphome", f"192.0.2.7:{port}", ("192.0.2.7",), port))
        assert given is not None
        assert len(opened(room.handle_found(given, NOON))) == 1

    assert len(room.things()) == 2


def test_how_a_link_goes_is_told_of_the_thing() -> None:
    room = Discovery()
    room.handle_found(WLED, NOON)

    room.handle_link(LinkChanged("wled", "a8032abcdef0", LinkStatus.DOWN, "no answer"), NOON)

    [thing] = room.things()
    assert thing.known is not None
    assert (thing.known.status, thing.known.reason) == (LinkStatus.DOWN, "no answer")


def test_what_nobody_here_speaks_is_known() -> None:
    room = Discovery()
    room.handle_found(heard("_bond._tcp.local.", "ZXBL00001"), NOON)

    [thing] = room.things()
    assert thing.known is None
    assert thing.announcements[0].brand == "Bond"


def test_a_flood_of_invented_accessories_does_not_keep_a_real_peer_out() -> None:
    room = Discovery()
    for number in range(PEERS_MAX + 50):
        pairing_id = f"{number:012x}"
        room.handle_found(
            heard("_hap._tcp.local.", f"a{number}", f"10.{number >> 8}.{number & 255}.1", id=pairing_id, sf="1"), NOON
        )

    assert opened(room.handle_found(WLED, NOON)) == [("wled", "a8032abcdef0")]


def test_a_flood_of_invented_peers_that_has_ended_does_not_keep_a_real_one_out_for_ever() -> None:
    room = Discovery()
    room.handle_found(SHELLY, NOON)
    shelly = next(thing.known for thing in room.things() if thing.known)
    room.handle_link(LinkChanged("shelly", shelly.peer.key, LinkStatus.UP), NOON)
    for number in range(PEERS_MAX):
        name, at = f"w{number}", f"10.{number >> 8}.{number & 255}.1"
        room.handle_found(heard("_wled._tcp.local.", name, at, mac=f"{number + 1:012x}"), NOON)
    assert opened(room.handle_found(WLED, NOON)) == []
    for number in range(PEERS_MAX):
        room.handle_gone(gone(ServiceGone("mdns", "_wled._tcp.local.", f"w{number}")), NOON)

    effects = room.handle_found(replace(WLED, name="Desk again"), NOON)

    assert opened(effects) == [("wled", "a8032abcdef0")]
    assert [effect for effect in effects if isinstance(effect, CloseLink)] == [CloseLink("wled", f"{1:012x}")]
    assert kept(effects)[f"peer/wled/{1:012x}"] is None


def test_more_announcements_than_a_home_can_have_are_not_remembered() -> None:
    room = Discovery()
    for number in range(ANNOUNCEMENTS_MAX + 100):
        room.handle_found(heard("_bond._tcp.local.", f"ZX{number}", f"10.{number >> 8}.{number & 255}.1"), NOON)

    assert len(room.things()) == ANNOUNCEMENTS_MAX


def test_what_the_mirror_gives_back_damaged_of_a_peer_is_left_out() -> None:
    deep: Any = []
    for _ in range(1_000):
        deep = [deep]
    body = {"dialect": "hue", "key": "k", "name": deep, "hosts": [deep, "10.0.0.2"], "port": deep, "txt": {"a": deep}}

    known = known_from(body)

    assert known is not None
    assert (known.peer.name, known.peer.hosts, known.peer.port, known.peer.txt) == ("k", ("10.0.0.2",), None, {})
