"""Real announcements between two networks of our own: python-zeroconf on one side, the hub's ears on the other."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.neighbours.browser import Neighbours
from hub_agent.adapters.neighbours.wire import Orders
from hub_agent.drivers.identification import identify
from hub_agent.model.link import Service, ServiceGone
from tests.peers.namespaces import Namespace, two_namespaces

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[3]
HEARD_WITHIN_S = 60.0
# As in a home, but soon.
PACE = {"answer": 1.0, "settle": 1.2, "interfaces": 0.5, "confirm": 1.5, "misses": 2}
WLED = "_wled._tcp.local."
MAC = "a8032abc0001"


class Announcer:
    """tests/peers/announcer.py at the other end."""

    def __init__(self, namespace: Namespace, addresses: list[str]) -> None:
        command = [sys.executable, "-m", "tests.peers.announcer", *addresses]
        self._process = namespace.start(
            command, cwd=ROOT, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.told("start")

    def told(self, done: str) -> None:
        while self.line().get("done") != done:
            pass

    def line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the announcer has ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def order(self, do: str, **how: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **how}) + "\n")

    def say(self, name: str, addresses: list[str], kind: str = WLED, txt: Any = None, **how: Any) -> None:
        body = {"txt": txt or {"mac": MAC}, "port": 80, "server": f"{name.lower()}.local.", **how}
        self.order("say", type=kind, name=name, addresses=addresses, **body)
        self.told("say")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


class Ears:
    """What the hub has heard, and the latest of it by name."""

    def __init__(self) -> None:
        self.heard: list[Service | ServiceGone] = []
        self.present: dict[str, Service] = {}
        self._more = asyncio.Event()

    def take(self, heard: Service | ServiceGone) -> bool:
        self.heard.append(heard)
        if isinstance(heard, Service):
            self.present[heard.name] = heard
        else:
            self.present.pop(heard.name, None)
        self._more.set()
        return True

    async def until(self, holds: Callable[[], Any], within_s: float = HEARD_WITHIN_S) -> Any:
        try:
            async with asyncio.timeout(within_s):
                while not (seen := holds()):
                    self._more.clear()
                    await self._more.wait()
                return seen
        except TimeoutError:
            pytest.fail(f"not heard within {within_s} s; heard: {self.heard[-5:]}")


@contextlib.asynccontextmanager
async def listening(namespace: Namespace, **orders: Any) -> AsyncIterator[Ears]:
    ears = Ears()
    how = Orders(**{"ssdp": False, "pace": PACE} | orders)
    with namespace.entered():
        task = asyncio.create_task(Neighbours(how).run(ears.take))
        # The process is started before we go home.
        await asyncio.sleep(0)
        try:
            yield ears
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def announcing(namespace: Namespace, *addresses: str) -> Iterator[Announcer]:
    announcer = Announcer(namespace, list(addresses) or [namespace.ipv4[0]])
    try:
        yield announcer
    finally:
        announcer.end()


@pytest.fixture
def networks() -> Iterator[tuple[Namespace, Namespace]]:
    with two_namespaces() as both:
        yield both


async def test_a_device_is_heard_changes_moves_and_says_goodbye(networks: tuple[Namespace, Namespace]) -> None:
    theirs, ours = networks
    theirs.run("ip", "addr", "add", "10.77.0.11/24", "dev", theirs.interfaces[0])
    with announcing(theirs) as peer:
        async with listening(ours) as ears:
            peer.say("Desk", ["10.77.0.1", theirs.ipv6[0]], txt={"MAC": MAC})
            service = await ears.until(lambda: ears.present.get("Desk"))
            assert (service.kind, service.hosts, service.port) == (WLED, ("10.77.0.1", "fd77::1"), 80)
            assert service.txt == {"mac": MAC}
            found = identify(service)
            assert found is not None
            assert (found.dialect, found.key) == ("wled", MAC)

            peer.say("Desk", ["10.77.0.1"], txt={"mac": MAC, "new": "yes"})
            await ears.until(lambda: ears.present["Desk"].txt.get("new") == "yes")

            # What was said less than a second ago is not yet taken back by saying something else (RFC 6762, 10.2).
            for _ in range(4):
                peer.say("Desk", ["10.77.0.11"], txt={"mac": MAC, "new": "yes"})
            await ears.until(lambda: ears.present["Desk"].hosts == ("10.77.0.11", "fd77::1"))

            peer.order("unsay", name="Desk")
            await ears.until(lambda: "Desk" not in ears.present)


async def test_a_device_that_is_switched_off_without_a_goodbye_is_gone(networks: tuple[Namespace, Namespace]) -> None:
    theirs, ours = networks
    with announcing(theirs) as peer:
        async with listening(ours) as ears:
            peer.say("Desk", ["10.77.0.1"], ttl=2)
            await ears.until(lambda: ears.present.get("Desk"))

            peer.kill()

            await ears.until(lambda: "Desk" not in ears.present)


async def test_a_network_with_nothing_but_ipv6_is_heard(networks: tuple[Namespace, Namespace]) -> None:
    theirs, ours = networks
    for end in networks:
        end.run("ip", "addr", "del", f"{end.ipv4[0]}/24", "dev", end.interfaces[0])
    with announcing(theirs, theirs.link_local[0]) as peer:
        async with listening(ours) as ears:
            peer.say("Desk", [theirs.ipv6[0], theirs.link_local[0]])

            service = await ears.until(lambda: ears.present.get("Desk"))

            near = service.hosts[-1]
            assert service.hosts[0] == "fd77::1"
            assert near.startswith("fe80::1%"), "an address that needs its interface says which"


async def test_what_no_table_knows_is_found_by_the_list_of_all_types(networks: tuple[Namespace, Namespace]) -> None:
    theirs, ours = networks
    with announcing(theirs) as peer:
        async with listening(ours) as ears:
            peer.say(
                "Lamp 3000", ["10.77.0.1"], kind="_fancylamp._tcp.local.", txt={"model": "L3000"}, server="l.local."
            )

            service = await ears.until(lambda: ears.present.get("Lamp 3000"))
            found = identify(service)
            assert found is not None
            assert (found.model, found.dialect) == ("L3000", None)


async def test_two_networks_are_heard_and_one_that_comes_later() -> None:
    with two_namespaces(cables=2) as (theirs, ours), announcing(theirs, *theirs.ipv4) as peer:
        ours.run("ip", "link", "set", ours.interfaces[1], "down")
        async with listening(ours) as ears:
            peer.say("Near", ["10.77.0.1"], server="near.local.")
            await ears.until(lambda: ears.present.get("Near"))

            ours.run("ip", "link", "set", ours.interfaces[1], "up")
            ours.run("ip", "link", "set", ours.interfaces[0], "down")
            peer.say("Far", ["10.77.1.1"], server="far.local.", txt={"mac": "a8032abc0002"})

            await ears.until(lambda: ears.present.get("Far"))


async def test_the_hub_announces_itself_follows_its_address_and_says_goodbye(
    networks: tuple[Namespace, Namespace],
) -> None:
    theirs, ours = networks
    own = {"name": "NEXA hub", "id": "0a1b2c3d4e5f", "port": 8380, "txt": {"version": "1", "path": "/", "api": "/api"}}
    with announcing(theirs) as phone:
        phone.order("look", type="_nexa-hub._tcp.local.")
        async with listening(ours, own=own):
            seen = await asyncio.to_thread(_until, phone, lambda told: told.get("change") == "Added")
            assert (seen["name"], seen["port"]) == ("NEXA hub", 8380)
            assert seen["txt"] == {"id": "0a1b2c3d4e5f", "version": "1", "path": "/", "api": "/api"}
            assert "10.77.0.2" in seen["addresses"]

            ours.run("ip", "addr", "add", "10.77.0.22/24", "dev", ours.interfaces[0])
            await asyncio.to_thread(_until, phone, lambda told: "10.77.0.22" in told.get("addresses", ()))

        await asyncio.to_thread(_until, phone, lambda told: told.get("change") == "Removed")


async def test_two_hubs_of_one_name_are_two(networks: tuple[Namespace, Namespace]) -> None:
    theirs, ours = networks
    own = {"name": "NEXA hub", "id": "0a1b2c3d4e5f", "port": 8380, "txt": {}}
    with announcing(theirs) as other:
        other.say("NEXA hub", ["10.77.0.1"], kind="_nexa-hub._tcp.local.", server="other.local.", txt={"id": "other"})
        other.order("look", type="_nexa-hub._tcp.local.")
        async with listening(ours, own=own):
            ids = {"other"}
            while len(ids) < 2:
                told = await asyncio.to_thread(_until, other, lambda told: told.get("txt", {}).get("id"))
                ids.add(told["txt"]["id"])
                if told["txt"]["id"] == "0a1b2c3d4e5f":
                    assert told["name"] != "NEXA hub"

    assert ids == {"other", "0a1b2c3d4e5f"}


def _until(announcer: Announcer, holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    while not holds(told := announcer.line()):
        pass
    return told


async def test_a_flood_of_announcements_costs_the_agent_little_and_hides_nobody_for_long(
    networks: tuple[Namespace, Namespace],
) -> None:
    theirs, ours = networks
    with announcing(theirs) as peer, announcing(theirs) as flooder:
        async with listening(ours) as ears:
            peer.say("Desk", ["10.77.0.1"])
            await ears.until(lambda: ears.present.get("Desk"))
            began_s, cpu_s = time.monotonic(), time.process_time()

            flooder.order("flood", type="_hap._tcp.local.", count=4000, a_second=1000)
            peer.say("Lamp", ["10.77.0.1"], txt={"mac": "a8032abc0002"})
            await ears.until(lambda: ears.present.get("Lamp"))
            await asyncio.to_thread(flooder.told, "flood")

            share = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
            assert share < 0.25, f"the agent's own process was {share:.0%} busy"
            assert len(ears.present) <= 500 + 2
            assert ears.present.get("Desk") is not None


async def test_the_process_that_listens_is_killed_and_what_it_said_is_heard_again(
    networks: tuple[Namespace, Namespace],
) -> None:
    theirs, ours = networks
    with announcing(theirs) as peer:
        peer.say("Desk", ["10.77.0.1"])
        peer.say("Lamp", ["10.77.0.1"], server="lamp.local.", txt={"mac": "a8032abc0002"})
        ears = Ears()
        neighbours = Neighbours(Orders(ssdp=False, pace=PACE), heard_again_s_max=3.0)
        with ours.entered():
            task = asyncio.create_task(_again_and_again(neighbours, ears))
            await ears.until(lambda: {"Desk", "Lamp"} <= ears.present.keys())

            peer.order("unsay", name="Lamp")
            _kill_listener(os.getpid())
            ears.heard.clear()

            await ears.until(lambda: any(isinstance(each, Service) and each.name == "Desk" for each in ears.heard))
            await ears.until(lambda: "Lamp" not in ears.present)
            assert "Desk" in ears.present
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _again_and_again(neighbours: Neighbours, ears: Ears) -> None:
    from hub_agent.errors import ListenerLost

    while True:
        with contextlib.suppress(ListenerLost):
            await neighbours.run(ears.take)


def _kill_listener(parent: int) -> None:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and b"neighbours.host" in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), 9)


async def test_a_renderer_that_speaks_only_upnp_is_heard_with_what_it_says_of_itself(
    networks: tuple[Namespace, Namespace],
) -> None:
    theirs, ours = networks
    command = [sys.executable, "-m", "tests.peers.upnp_renderer", "10.77.0.1", "8088", "Living room"]
    renderer = theirs.start(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert renderer.stdin is not None
    assert renderer.stdout is not None
    try:
        assert renderer.stdout.readline() == "up\n"
        async with listening(ours, mdns=False, ssdp=True) as ears:
            service = await ears.until(lambda: next(iter(ears.present.values()), None))
            found = identify(service)
            assert found is not None
            assert (found.name, found.brand, found.model, found.hosts) == (
                "Living room",
                "Denon",
                "AVR-X1700H",
                ("10.77.0.1",),
            )

            renderer.stdin.close()
            await ears.until(lambda: not ears.present)
    finally:
        renderer.kill()
        renderer.wait()
        renderer.stdout.close()


async def test_the_agent_shows_what_is_there_and_is_found_by_a_phone(
    networks: tuple[Namespace, Namespace], tmp_path: Path
) -> None:
    theirs, ours = networks
    environment = {name: said for name, said in os.environ.items() if not name.startswith("NEXA_")} | {
        "NEXA_AGENT_STATE_DIR": str(tmp_path / "state"),
        "NEXA_AGENT_SOCKET": str(tmp_path / "hub.sock"),
        "NEXA_DISCOVERY_ADDRESSES": "wled://10.77.0.77",
    }
    with announcing(theirs) as peer:
        peer.say(
            "Hue Bridge - ABCABC",
            ["10.77.0.1"],
            kind="_hue._tcp.local.",
            server="hue.local.",
            txt={"bridgeid": "ecb5fafffeabcabc", "modelid": "BSB002"},
        )
        peer.say("Bond", ["10.77.0.1"], kind="_bond._tcp.local.", server="bond.local.", txt={"x": "1"})
        peer.order("look", type="_nexa-hub._tcp.local.")
        agent = ours.start(
            [sys.executable, "-m", "hub_agent", "run"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            hub = await asyncio.to_thread(_until, peer, lambda told: told.get("change") == "Added")
            assert hub["port"] == 8380
            things = await asyncio.to_thread(_things, environment, {"Hue Bridge - ABCABC", "Bond", "10.77.0.77"})
            assert (things["Hue Bridge - ABCABC"]["status"], things["Bond"]["status"]) == ("needs", "unsupported")
            assert things["Hue Bridge - ABCABC"]["brand"] == "Philips Hue"
            assert things["Hue Bridge - ABCABC"]["needs"]["kind"] == "button"
            agent.terminate()
            await asyncio.to_thread(_until, peer, lambda told: told.get("change") == "Removed")
        finally:
            agent.kill()
            agent.communicate()


def _things(environment: dict[str, str], names: set[str]) -> dict[str, Any]:
    """What the command line says was found, once all of them are."""
    ends_at_s = time.monotonic() + HEARD_WITHIN_S
    while True:
        command = [sys.executable, "-m", "hub_agent", "devices", "found", "--json"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        things = {each["name"]: each for each in json.loads(done.stdout)} if done.returncode == 0 else {}
        if names <= things.keys():
            return things
        assert time.monotonic() < ends_at_s, f"{sorted(things)} {done.stderr}"
