"""Links to strips that our simulator plays from what real ones have said; whether it behaves like one is judged by frenck's `wled`."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.links.wled import WledLinking
from hub_agent.drivers.wled import Wled
from hub_agent.errors import LinkLost
from hub_agent.model.link import Peer, Service
from tests.peers.linked import Linked
from tests.peers.python import environment
from tests.peers.serving import judged_by, program
from tests.peers.whole import whole_home

pytestmark = pytest.mark.heavy

HERE = Path(__file__).parents[2]
PEERS = HERE / "peers" / "wled"
DATA = HERE / "recorded" / "data" / "wled"
STRIP, OTHER = "versions_0.15.4", "rgb"
MAC = "8813bf0455f0"


def wled(name: str, *arguments: str) -> Any:
    return program("tests.peers.wled.simulator", str(DATA / f"{name}.json"), str(DATA / "presets.json"), *arguments)


def linked(port: int, mac: str = MAC) -> Linked:
    return Linked(WledLinking(), Wled(), Peer("wled", mac, "Strip", ("127.0.0.1",), port))


async def test_a_strip_is_lit_and_what_others_do_with_it_is_seen() -> None:
    async with wled(STRIP) as strip, linked(strip.port) as home:
        await home.said(MAC, "main", "on", brightness=128, effect="Solid")
        await home.call(
            MAC, "main", "light.turn_on", brightness=51, rgb_color=[1, 2, 3], effect="Rainbow", transition=1
        )
        await home.said(MAC, "main", "on", brightness=51, rgb_color=[1, 2, 3], effect="Rainbow")
        await strip.tell("set", state={"on": False})
        await home.said(MAC, "main", "off", brightness=None)
        await home.call(MAC, "preset", "select.select_option", option="My Preset")
        await home.said(MAC, "main", "on", brightness=128, rgb_color=[255, 0, 0])
        await home.said(MAC, "preset", "My Preset")
        await home.call(MAC, "nightlight", "switch.turn_on")
        await home.said(MAC, "nightlight", "on")
        await home.call(MAC, "segment_0_pal", "select.select_option", option="Lava")
        await home.said(MAC, "segment_0_pal", "Lava")
        await home.call(MAC, "reboot", "button.press")
        assert {"rb": True, "v": True} in await strip.tell("calls")
        assert home.rejected == []


async def test_segments_are_lit_one_by_one() -> None:
    mac = "aabbccddeeff"
    async with wled(OTHER) as strip, linked(strip.port, mac) as home:
        await home.call(mac, "segment_1", "light.turn_on", rgb_color=[9, 8, 7])
        await home.said(mac, "segment_1", "on", rgb_color=[9, 8, 7])
        await home.call(mac, "segment_0", "light.turn_off")
        await home.said(mac, "segment_0", "off")
        await home.said(mac, "segment_1", "on")


async def test_presets_that_are_saved_later_can_be_chosen() -> None:
    async with wled(STRIP) as strip, linked(strip.port) as home:
        await strip.tell(
            "info", changes={"fs": {"u": 12, "t": 983, "pmt": 7}}, presets={"5": {"n": "Evening", "bri": 9}}
        )

        def can_choose() -> bool:
            preset = next(entity for entity in home.devices[MAC].entities if entity.key == "preset")
            return "Evening" in preset.capabilities["preset"].options

        await home.until(can_choose)


async def test_a_strip_that_goes_is_lost_and_found_again_and_another_at_its_address_is_not_taken_for_it() -> None:
    async with wled(STRIP) as strip:
        home = linked(strip.port)
        await home.connect()
        await strip.kill()
        assert isinstance(await home.lost(), LinkLost)
    async with wled(OTHER, "--port", str(strip.port)):
        with pytest.raises(LinkLost, match="another strip"):
            await home.connect()
    async with wled(STRIP, "--port", str(strip.port)):
        await home.connect()
        await home.call(MAC, "main", "light.turn_off")
        await home.said(MAC, "main", "off")
    await home.lost()


@pytest.mark.parametrize("name", [STRIP, "versions_0.14.4", "versions_16.0.0"])
async def test_the_library_of_home_assistant_takes_the_simulator_for_a_strip(name: str) -> None:
    judge = await asyncio.to_thread(environment, PEERS / "requirements.txt", sys.executable)
    async with wled(name) as strip:
        command = judged_by(judge, PEERS / "judge.py", str(strip.port))
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        said = json.loads(done.stdout)
        assert said["mac"] == MAC
        assert said["effects"] > 100
        assert said["presets"] == ["My Preset"]
        assert (said["brightness"], said["colour"]) == (42, [1, 2, 3])
        assert (await strip.tell("calls"))[-1]["ps"] == 1


async def test_in_a_whole_home_a_strip_is_found_lit_in_peoples_units_and_missed(tmp_path: Path) -> None:
    async with whole_home(tmp_path, ["wled"]) as home:
        async with wled(STRIP) as strip:
            home.announce(
                Service("mdns", "_wled._tcp.local.", "wled-strip", ("127.0.0.1",), strip.port, None, {"mac": MAC})
            )
            await home.shows("light.wled", "on", brightness=128)
            done: Any = await home.door.set_device("WLED", {"brightness": 40, "color": "#ff8000"}, "somebody")
            assert [each["outcome"] for each in done["commands"]] == ["confirmed"]
            await home.shows("light.wled", "on", brightness=102, rgb_color=[255, 128, 0])
        await home.shows("light.wled", "unavailable")
