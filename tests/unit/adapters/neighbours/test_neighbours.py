"""What is heard from the network is bounded, put in order and believed only as far as it goes."""

import asyncio
import sys
from ipaddress import ip_network

import pytest

from hub_agent.adapters.neighbours import wire
from hub_agent.adapters.neighbours.browser import Neighbours
from hub_agent.adapters.neighbours.host import WAITING_MAX, Outbox, _follow
from hub_agent.adapters.neighbours.interfaces import Interfaces, best_first
from hub_agent.adapters.neighbours.mdns import LABEL_BYTES_MAX, _label
from hub_agent.adapters.neighbours.ssdp import _near_host, _read
from hub_agent.errors import ListenerLost
from hub_agent.model.link import Service, ServiceGone

HOME = Interfaces(("192.168.1.2",), (2,), ("192.168.1.2",), (ip_network("192.168.1.0/24"), ip_network("fd77::/64")))


def service(name: str, **txt: str) -> Service:
    return Service("mdns", "_wled._tcp.local.", name, ("192.168.1.7",), 80, "w.local.", txt)


async def test_only_the_latest_word_of_a_service_waits() -> None:
    outbox = Outbox()
    outbox.put(service("Desk", a="1"))
    outbox.put(service("Lamp"))
    outbox.put(service("Desk", a="2"))

    assert [(await outbox.take()), (await outbox.take())] == [service("Lamp"), service("Desk", a="2")]


async def test_a_reader_that_does_not_read_costs_a_bounded_memory() -> None:
    outbox = Outbox()
    for number in range(WAITING_MAX + 10):
        outbox.put(service(str(number)))

    assert await outbox.take() == service("10")


@pytest.mark.parametrize("heard", [service("Desk", mac="a8032abc0001"), ServiceGone("ssdp", "roku:ecp", "uuid:1")])
def test_what_is_heard_passes_between_the_processes_as_it_is(heard: Service | ServiceGone) -> None:
    assert wire.heard_of(wire.as_json(heard)) == heard


def test_addresses_near_us_come_before_others_and_those_of_one_cable_last() -> None:
    said = ["fe80::1%2", "10.9.9.9", "fd77::7", "192.168.1.7"]

    assert best_first(said, HOME) == ("192.168.1.7", "fd77::7", "10.9.9.9", "fe80::1%2")
    assert best_first(reversed(said), HOME) == best_first(said, HOME)  # type: ignore[arg-type]


def test_an_address_of_one_cable_says_which_or_is_left_out_where_nobody_knows() -> None:
    two_cables = Interfaces(("192.168.1.2",), (2, 3), (), ())

    assert best_first(["fe80::1"], HOME) == ("fe80::1%2",)
    assert best_first(["fe80::1"], two_cables) == ()


def test_a_name_of_the_hub_is_one_label() -> None:
    assert _label("NEXA hub (pi.lan)") == "NEXA hub (pi lan)"
    assert len(_label("ü" * 100).encode()) <= LABEL_BYTES_MAX
    assert _label("") == "nexa-hub"


@pytest.mark.parametrize(
    "location",
    [
        "http://192.168.1.1/admin",
        "http://127.0.0.1:8380/api",
        "https://192.168.1.7/x",
        "file:///etc/passwd",
        "http://router.lan/x",
        "http://[::1",
        "",
    ],
)
def test_nobody_is_read_at_another_address_than_the_one_they_spoke_from(location: str) -> None:
    assert _near_host(location, "192.168.1.7") is None


def test_a_device_is_read_where_it_spoke_from() -> None:
    assert _near_host("http://192.168.1.7:1400/xml/device_description.xml", "192.168.1.7") == "192.168.1.7"


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><root><device><friendlyName>&b;</friendlyName></device></root>"""


@pytest.mark.parametrize("body", [b"", b"<root>", b"\xff\xfe", BOMB, b"<root/>", b"{}"])
def test_a_description_that_is_none_says_nothing(body: bytes) -> None:
    assert _read(body) == {}


def test_a_description_says_what_the_root_device_says_of_itself() -> None:
    body = b"""<root xmlns="urn:schemas-upnp-org:device-1-0"><device><friendlyName> Bath </friendlyName><manufacturer>Denon</manufacturer>
    <secret>x</secret><deviceList><device><friendlyName>Inner</friendlyName></device></deviceList></device></root>"""

    assert _read(body) == {"friendlyname": "Bath", "manufacturer": "Denon"}


async def test_addresses_that_people_gave_are_said_once_also_to_an_agent_that_has_no_room() -> None:
    given = [Service("manual", "wled", f"10.0.0.{number}", (f"10.0.0.{number}",)) for number in (7, 8)]
    taken: list[Service | ServiceGone] = []
    has_all = asyncio.Event()

    def take(heard: Service | ServiceGone) -> bool:
        taken.append(heard)
        if len(taken) == len(given):
            has_all.set()
        return False

    task = asyncio.create_task(Neighbours(wire.Orders(mdns=False, ssdp=False), given).run(take))
    async with asyncio.timeout(60):
        await has_all.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert taken == given


async def test_whoever_listens_is_told_to_look_round_until_the_agent_ends() -> None:
    class Ears:
        look_now = asyncio.Event()

    reader = asyncio.StreamReader()
    following = asyncio.create_task(_follow(reader, [Ears()]))  # type: ignore[list-item]  # what it hears is not needed here
    reader.feed_data(wire.LOOK)
    async with asyncio.timeout(60):
        await Ears.look_now.wait()
        reader.feed_eof()
        await following


async def test_a_listener_that_cannot_be_started_is_told_in_words() -> None:
    with pytest.raises(ListenerLost, match="could not be started"):
        await Neighbours(wire.Orders(), python="/nowhere/python").run(lambda _heard: True)


async def test_a_listener_that_ends_is_told_in_words() -> None:
    orders = wire.Orders(mdns=True, ssdp=False, pace={"nonsense": 1.0})
    with pytest.raises(ListenerLost, match=r"ended \(1\)"):
        await Neighbours(orders, python=sys.executable).run(lambda _heard: True)
