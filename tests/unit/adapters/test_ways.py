"""The ways, tried against real sockets on this machine and files as the kernel writes them."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters import ways
from hub_agent.adapters.ways import CloudTold, Ends, NetworkWays, Target, default_gateway, is_near, mac_of, target_of
from hub_agent.model.measured import Way, WayTo
from tests.fakes.broker import free_port

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
LOCAL = ROUTES.replace("010200C0", "0100007F")
NEIGHBOURS = """IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:FC:00:00:00:05     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
"""
ONLINE = CloudTold(is_online=True, is_refused=False, error=None)
OFFLINE = CloudTold(is_online=False, is_refused=False, error="The cloud cannot be reached")


def proc(folder: Path, routes: str = "", neighbours: str = "") -> Path:
    (folder / "net").mkdir(exist_ok=True)
    (folder / "net/route").write_text(routes)
    (folder / "net/arp").write_text(neighbours)
    return folder


@asynccontextmanager
async def listening() -> AsyncIterator[int]:
    async def welcome(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def measured(folder: Path, *, is_connected: bool = True, port: int = 1, **ends: Any) -> dict[WayTo, Way]:
    broker = ends.pop("broker", Target("127.0.0.1", port))
    meter = NetworkWays(Ends(broker, lambda: is_connected, **ends), folder)
    return dict((await meter.measure()).ways)


def test_the_gateway_is_the_one_that_the_kernel_prefers(tmp_path: Path) -> None:
    gateway = default_gateway(proc(tmp_path, ROUTES))

    assert gateway is not None
    assert (gateway.address, gateway.interface) == ("192.0.2.1", "eth0")


@pytest.mark.parametrize(
    "routes", ["", "Iface\n", ROUTES.splitlines()[0], "x\n00000000\n", "eth0 00000000 zz 3 0 0 q\n" * 3]
)
def test_without_an_ipv4_router_there_is_none(tmp_path: Path, routes: str) -> None:
    assert default_gateway(proc(tmp_path, routes)) is None
    assert default_gateway(tmp_path / "missing") is None


def test_a_neighbour_that_did_not_answer_has_no_hardware_address(tmp_path: Path) -> None:
    folder = proc(tmp_path, neighbours=NEIGHBOURS)

    assert [mac_of(each, folder) for each in ("192.0.2.1", "192.0.2.9", "192.0.2.77")] == [
        "02:fc:00:00:00:05",
        None,
        None,
    ]


async def test_a_home_without_router_and_cloud_has_only_its_broker(tmp_path: Path) -> None:
    assert await measured(proc(tmp_path)) == {WayTo.BROKER: Way("127.0.0.1:1", is_open=True)}


async def test_a_router_that_answers_is_open_and_how_fast(tmp_path: Path) -> None:
    way = (await measured(proc(tmp_path, LOCAL)))[WayTo.ROUTER]

    assert (way.address, way.is_open) == ("127.0.0.1", True)
    assert way.latency_ms is not None


async def test_a_router_that_answers_nothing_but_is_on_the_wire_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "PING_S", 0.01)
    monkeypatch.setattr(ways, "CONNECT_S", 0.01)
    routes = ROUTES.replace("010200C0", "0100F0C6")  # 198.240.0.1: nobody is there

    silent = (await measured(proc(tmp_path, routes, "x\n198.240.0.1 0x1 0x2 02:fc:00:00:00:05 * eth0\n")))[WayTo.ROUTER]

    assert (silent.is_open, silent.details["mac"]) == (True, "02:fc:00:00:00:05")


async def test_a_broker_that_is_connected_is_not_disturbed(tmp_path: Path) -> None:
    async with listening() as port:
        way = (await measured(proc(tmp_path), port=port, broker_unit="mosquitto.service"))[WayTo.BROKER]

    assert (way.is_open, way.details) == (True, {"unit": "mosquitto.service"})


async def test_why_the_broker_is_away_is_told_apart(tmp_path: Path) -> None:
    nobody = (await measured(proc(tmp_path), is_connected=False, port=free_port()))[WayTo.BROKER]
    async with listening() as port:
        refusing = (await measured(proc(tmp_path), is_connected=False, port=port))[WayTo.BROKER]

    assert (nobody.is_open, nobody.reason) == (False, "nobody listens there")
    assert (refusing.is_open, refusing.reason) == (False, "something listens there, but does not take us")


async def test_only_a_broker_on_this_machine_has_a_service_here(tmp_path: Path) -> None:
    away = await measured(proc(tmp_path), broker=Target("192.0.2.7", 1883), broker_unit="mosquitto.service")

    assert away[WayTo.BROKER].details == {}


async def test_while_the_cloud_is_talked_to_nothing_else_is_asked(tmp_path: Path) -> None:
    found = await measured(proc(tmp_path), cloud_url="https://hub.nexa-home.com", cloud_told=lambda: ONLINE)

    assert {place for place, way in found.items() if way.is_open} == {WayTo.CLOUD, WayTo.INTERNET, WayTo.BROKER}


async def test_a_cloud_at_home_needs_no_internet(tmp_path: Path) -> None:
    found = await measured(proc(tmp_path), cloud_url="http://127.0.0.1:9", cloud_told=lambda: OFFLINE)

    assert set(found) == {WayTo.CLOUD, WayTo.BROKER}
    assert (found[WayTo.CLOUD].is_open, found[WayTo.CLOUD].reason) == (False, "The cloud cannot be reached")


async def test_a_cloud_that_refuses_us_is_there(tmp_path: Path) -> None:
    refused = CloudTold(is_online=False, is_refused=True, error="no")
    found = await measured(proc(tmp_path), cloud_url="http://127.0.0.1:9", cloud_told=lambda: refused)

    assert found[WayTo.CLOUD].is_open


async def test_a_hub_that_is_no_homes_yet_has_no_cloud(tmp_path: Path) -> None:
    assert WayTo.CLOUD not in await measured(proc(tmp_path), cloud_url="http://127.0.0.1:9", cloud_told=lambda: None)


async def test_somebody_who_refuses_on_the_internet_is_there(tmp_path: Path) -> None:
    found = await measured(proc(tmp_path), targets=[Target("127.0.0.1", free_port())])

    assert found[WayTo.INTERNET].is_open
    assert WayTo.DNS not in found, "an address needs no name"


class Names:
    """A DNS server that knows one name, or does not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault: socket.gaierror | None = None
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self.find)

    async def find(self, host: str, port: int, **asked: Any) -> list[Any]:
        if self.fault is not None and host == "hub.nexa-home.com":
            raise self.fault
        address = "127.0.0.1" if host == "hub.nexa-home.com" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


async def test_names_that_are_not_found_are_told_apart_from_the_internet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening() as port:
        url = f"https://hub.nexa-home.com:{port}"
        meter = NetworkWays(Ends(Target("127.0.0.1", 1), lambda: True, url, lambda: OFFLINE), proc(tmp_path))
        names = Names(monkeypatch)
        well = (await meter.measure()).ways
        names.fault = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        failing = (await meter.measure()).ways
        names.fault = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        unknown = (await meter.measure()).ways

    assert (well[WayTo.DNS].is_open, well[WayTo.INTERNET].is_open) == (True, True)
    assert (failing[WayTo.DNS].is_open, failing[WayTo.INTERNET].is_open) == (False, True), "by the address of before"
    assert failing[WayTo.DNS].details == {"name": "hub.nexa-home.com"}
    assert unknown[WayTo.DNS].is_open, "a server that says that there is no such name does its work"


@pytest.mark.parametrize(
    "host, near",
    [("127.0.0.1", True), ("192.168.1.5", True), ("fd00::1", True), ("nas", True), ("hub.local", True), ("9.9.9.9", False), ("hub.nexa-home.com", False)],
)  # fmt: skip
def test_what_is_at_home_is_known_by_its_name(host: str, near: bool) -> None:
    assert is_near(host) is near


def test_a_target_is_a_host_and_a_port() -> None:
    assert (target_of("example.com:443"), target_of("[2001:db8::1]:80")) == (
        Target("example.com", 443),
        Target("2001:db8::1", 80),
    )
    with pytest.raises(ValueError):
        target_of("example.com")
