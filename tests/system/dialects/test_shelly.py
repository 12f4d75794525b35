"""Links to Shellys that our simulator plays from what real ones have said; whether it behaves like one is judged by aioshelly."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.links.shelly import ShellyLinking
from hub_agent.drivers.shelly import Shelly
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.link import Peer, Service
from tests.peers import serving
from tests.peers.linked import Linked
from tests.peers.python import environment
from tests.peers.serving import Program, free_port, program
from tests.peers.whole import whole_home

pytestmark = pytest.mark.heavy

HERE = Path(__file__).parents[2]
PEERS = HERE / "peers" / "shelly"
DATA = HERE / "recorded" / "data" / "shelly"
SIMULATOR = "tests.peers.shelly.simulator"
PASSWORD = "correct horse"

PLUG = "shellyplus1pm-441793D69718"
SHUTTER = "shellyshutter-84FCE6364D5C"
LAMPS = "shellyprorgbwwpm-2CBCBBA78F00"
VIRTUAL = "shelly1g3-34B7DACAC830"
SLEEPER = "shellyplusht-08B61FCD36A8"
RELAYS = "shellyswitch25-3494547BF36C"
BULB = "shellybulbduo-34945479CFA4"
DIMMER = "shellydimmer2-98CDAC0D01BB"


def mac_of(name: str) -> str:
    return name.rpartition("-")[2].lower()


def shelly(name: str, *arguments: str) -> Any:
    return program(SIMULATOR, str(DATA / f"{name}.json"), *arguments)


@asynccontextmanager
async def linked(name: str, running: Program, **secrets: str) -> AsyncIterator[Linked]:
    async with linking() as links, Linked(links, Shelly(), peer(name, running.port), secrets) as home:
        yield home


@asynccontextmanager
async def linking(coap_port: int | None = None) -> AsyncIterator[ShellyLinking]:
    links = ShellyLinking(coap_port or free_port(socket.SOCK_DGRAM), free_port())
    try:
        yield links
    finally:
        await links.close()


def peer(name: str, port: int) -> Peer:
    return Peer("shelly", mac_of(name), name, ("127.0.0.1",), port)


async def test_a_plug_is_switched_and_metered_and_what_it_does_by_itself_is_seen() -> None:
    async with shelly(PLUG) as plug, linked(PLUG, plug) as home:
        mac = mac_of(PLUG)
        assert home.devices[mac].name == "1PM Plus"
        await home.said(mac, "switch_0", "off")
        await home.call(mac, "switch_0", "switch.turn_on")
        await home.said(mac, "switch_0", "on")
        await home.said(mac, "switch_0_apower", "12.5")
        await plug.tell("set", component="switch:0", changes={"output": False})
        await home.said(mac, "switch_0", "off")
        await home.call(mac, "reboot", "button.press")
        calls = await plug.tell("calls")
        assert calls[-1] == ["Shelly.Reboot", {}]
        assert home.rejected == []


async def test_covers_lamps_and_virtual_components_do_what_they_are_told() -> None:
    async with shelly(SHUTTER) as shutter, linked(SHUTTER, shutter) as home:
        await home.call(mac_of(SHUTTER), "cover_0", "cover.set_cover_position", position=30)
        await home.said(mac_of(SHUTTER), "cover_0", "open", current_position=30)
        await home.call(mac_of(SHUTTER), "cover_0", "cover.close_cover")
        await home.said(mac_of(SHUTTER), "cover_0", "closing")
    async with shelly(LAMPS) as lamps, linked(LAMPS, lamps) as home:
        await home.call(mac_of(LAMPS), "rgb_0", "light.turn_on", brightness=128, rgb_color=[255, 0, 10], transition=1)
        await home.said(mac_of(LAMPS), "rgb_0", "on", brightness=128, rgb_color=[255, 0, 10])
        await home.call(mac_of(LAMPS), "cct_0", "light.turn_on", color_temp_kelvin=3000)
        await home.said(mac_of(LAMPS), "cct_0", "on", color_temp_kelvin=3000)
    async with shelly(VIRTUAL) as device, linked(VIRTUAL, device) as home:
        await home.call(mac_of(VIRTUAL), "number_200", "number.set_value", value=33)
        await home.said(mac_of(VIRTUAL), "number_200", "33")
        await device.tell(
            "emit", method="NotifyEvent", params={"events": [{"component": "input:0", "event": "long_push"}]}
        )
        await home.said(mac_of(VIRTUAL), "input_0_event", None, event_type="long_push")


async def test_what_the_device_refuses_is_said_in_its_words() -> None:
    async with shelly("shellyshutter-E4B063D64578") as shutter, linked("shellyshutter-E4B063D64578", shutter) as home:
        with pytest.raises(NotPossible, match="not calibrated"):
            await home._link.ask({"method": "Cover.GoToPosition", "params": {"id": 0, "pos": 5}})  # type: ignore[union-attr]


async def test_a_password_is_asked_for_tried_and_kept() -> None:
    async with shelly(PLUG, "--password", PASSWORD) as plug, linking() as links:
        here = peer(PLUG, plug.port)
        with pytest.raises(PersonNeeded, match="asks for its password") as needed:
            await Linked(links, Shelly(), here).connect()
        assert (needed.value.kind, needed.value.fields) == ("password", ("password",))
        with pytest.raises(PersonNeeded, match="is wrong"):
            await links.pair(here, {"password": "wrong"})
        secrets = await links.pair(here, {"password": PASSWORD})
        async with Linked(links, Shelly(), here, secrets) as home:
            await home.call(mac_of(PLUG), "switch_0", "switch.turn_on")
            await home.said(mac_of(PLUG), "switch_0", "on")
            assert PASSWORD not in json.dumps([frame.body for frame in home.frames])


async def test_a_device_that_goes_is_lost_and_found_again_and_another_at_its_address_is_not_taken_for_it() -> None:
    async with linking() as links:
        async with shelly(PLUG) as plug:
            home = Linked(links, Shelly(), peer(PLUG, plug.port))
            await home.connect()
            await plug.kill()
            assert isinstance(await home.lost(), LinkLost)
        async with shelly(SHUTTER, "--port", str(plug.port)):
            with pytest.raises(LinkLost, match="another device"):
                await home.connect()
        async with shelly(PLUG, "--port", str(plug.port)):
            await home.connect()
            await home.call(mac_of(PLUG), "switch_0", "switch.turn_on")
            await home.said(mac_of(PLUG), "switch_0", "on")
        await home.lost()


async def test_a_device_that_sleeps_is_asleep_and_is_heard_when_it_wakes_and_calls() -> None:
    async with linking() as links:
        async with shelly(SLEEPER) as awake:
            port = awake.port
            home = Linked(links, Shelly(), peer(SLEEPER, port))
            await home.connect()
            await home.said(mac_of(SLEEPER), "temperature_0_tC", "25.7")
            assert home._secrets == {"sleeps": "yes"}
            # It has been told whom to call.
            while (await awake.tell("settings"))["ws"]["server"] is None:
                pass
            settings = await awake.tell("settings")
            assert settings["ws"] == {
                "enable": True,
                "server": f"ws://127.0.0.1:{links.outbound_port}/",
                "ssl_ca": "ca.pem",
            }
        # Its port is closed now: the link waits.
        async with shelly(SLEEPER, "--port", str(port + 1 if port < 65000 else port - 1)) as later:
            await later.tell("set", component="temperature:0", changes={"tC": 19.5})
            await waiting(links)
            await later.tell("wake", address=settings["ws"]["server"])
            await home.said(mac_of(SLEEPER), "temperature_0_tC", "19.5")
            assert home.ended is None
            await later.tell("sleep")
        await home.close()


async def waiting(links: ShellyLinking) -> None:
    async with asyncio.timeout(60):
        while not links._links[0]._is_waiting:
            await asyncio.to_thread(os.sched_yield)


async def test_the_first_generation_is_switched_over_http_and_says_changes_by_itself() -> None:
    coap_port = free_port(socket.SOCK_DGRAM)
    async with shelly(RELAYS, "--push-to", f"127.0.0.1:{coap_port}") as relays, linking(coap_port) as links:
        mac = mac_of(RELAYS)
        async with Linked(links, Shelly(), peer(RELAYS, relays.port)) as home:
            await home.said(mac, "relay_1", "off")
            await home.call(mac, "relay_1", "switch.turn_on")
            await home.said(mac, "relay_1", "on")
            await links._starting  # type: ignore[misc]
            await relays.tell("push", changes={"1101": 1, "4101": 60})
            await home.said(mac, "relay_0", "on")
            await home.said(mac, "meter_0_power", "60")
            assert home.rejected == []


async def test_a_sensor_of_the_first_generation_is_heard_although_it_has_gone_to_sleep_again() -> None:
    coap_port, mac = free_port(socket.SOCK_DGRAM), "c8c9a3703523"
    async with linking(coap_port) as links:
        async with shelly("shellyht-703523") as awake:
            home = Linked(links, Shelly(), Peer("shelly", mac, "H&T", ("127.0.0.1",), awake.port))
            await home.connect()
            await home.said(mac, "device_tmp_tC", "21.75")
        assert home._secrets == {"sleeps": "yes"}
        await links._starting  # type: ignore[misc]
        async with shelly("shellyht-703523", "--push-to", f"127.0.0.1:{coap_port}") as later:
            await later.tell("push", changes={"3101": 19.5, "3111": 77})
            await home.said(mac, "device_tmp_tC", "19.5")
            assert home.observed[mac]["battery_level"] == 77
        assert home.ended is None
        await home.close()


async def test_a_lamp_of_the_first_generation_behind_a_password() -> None:
    async with shelly(BULB, "--password", PASSWORD) as bulb, linking() as links:
        here = peer(BULB, bulb.port)
        with pytest.raises(PersonNeeded) as needed:
            await Linked(links, Shelly(), here).connect()
        assert needed.value.fields == ("username", "password")
        secrets = await links.pair(here, {"password": PASSWORD})
        async with Linked(links, Shelly(), here, secrets) as home:
            await home.call(mac_of(BULB), "light_0", "light.turn_on", brightness_pct=10, color_temp_kelvin=3000)
            await home.said(mac_of(BULB), "light_0", "on", brightness=26, color_temp_kelvin=3000)


@pytest.fixture(scope="module")
def judge() -> Path:
    return environment(PEERS / "requirements.txt", sys.executable)


def judgement(python: Path, *arguments: object) -> Any:
    command = serving.judged_by(python, PEERS / "judge.py", *map(str, arguments))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [PLUG, SHUTTER, LAMPS, VIRTUAL])
async def test_aioshelly_takes_the_simulator_for_a_device_of_a_later_generation(judge: Path, name: str) -> None:
    async with shelly(name, "--password", PASSWORD) as running:
        said = await asyncio.to_thread(judgement, judge, "rpc", running.port, PASSWORD)
        assert said["mac"] == mac_of(name).upper()
        assert said["components"] >= 3
        if name == PLUG:
            assert said["switched"] == [False, True]
        assert said["wrong_password"] == "InvalidAuthError"


async def test_aioshelly_takes_the_simulator_for_a_device_of_the_first_generation(judge: Path) -> None:
    address = f"127.0.{os.getpid() % 200 + 10}.2"
    async with shelly(BULB, "--coap-address", address) as running:
        said = await asyncio.to_thread(judgement, judge, "block", running.port, address)
        assert said["mac"] == mac_of(BULB).upper()
        assert "light" in said["blocks"]
        assert said["turned"] is True


async def test_in_a_whole_home_a_shelly_is_found_switched_missed_and_there_again(tmp_path: Path) -> None:
    async with whole_home(tmp_path, ["shelly"]) as home:
        async with shelly(PLUG) as plug:
            txt = {"gen": "2", "app": "Plus1PM", "ver": "1.7.5"}
            instance = "shellyplus1pm-441793d69718"
            home.announce(Service("mdns", "_shelly._tcp.local.", instance, ("127.0.0.1",), plug.port, None, txt))
            await home.shows("switch.1pm_plus", "off")
            done: Any = await home.door.set_device("1PM Plus", {"on": True}, "somebody")
            assert [each["outcome"] for each in done["commands"]] == ["confirmed"]
            await home.shows("sensor.1pm_plus_power", "12.5")
        await home.shows("switch.1pm_plus", "unavailable")
        async with shelly(PLUG, "--port", str(plug.port)):
            await home.shows("switch.1pm_plus", "off")
