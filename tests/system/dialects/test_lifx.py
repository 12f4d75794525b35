"""LIFX devices of every family as lifx-emulator plays them, over UDP on loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from hub_agent.adapters.links.lifx import PORT, LifxLinking
from hub_agent.drivers.lifx import Lifx
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.device import Alias, DeviceType
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Peer
from tests.peers.lifx.emulator import (
    CLEAN,
    COLOR,
    INFRARED,
    STRIP,
    SWITCH,
    TILE,
    UNHEARD,
    WARMTH,
    Emulator,
    command,
    emulator,
    program,
)
from tests.peers.linked import Linked
from tests.peers.namespaces import two_namespaces
from tests.system.conftest import Hub

pytestmark = pytest.mark.heavy

LAMP = "light.lifx_color_800lm_000001"
ALL = (COLOR, WARMTH, INFRARED, CLEAN, STRIP, TILE, SWITCH)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with emulator() as started:
        yield started


def peer(running: Emulator, key: str) -> Peer:
    return Peer("lifx", key, "Lamp", ("127.0.0.1",), running.port)


async def connected(home: Linked) -> None:
    """The emulator needs a moment to listen."""
    async with asyncio.timeout(60):
        while True:
            try:
                await home.connect()
            except LinkLost:
                continue
            return


@pytest.fixture
async def home(running: Emulator, request: pytest.FixtureRequest) -> AsyncIterator[Linked]:
    linked = Linked(LifxLinking(), Lifx(), peer(running, getattr(request, "param", COLOR)))
    try:
        await connected(linked)
        yield linked
    finally:
        await linked.close()


async def found_by(linking: LifxLinking, wanted: set[str]) -> dict[str, Peer]:
    """Searches anew until they are all there: the emulator may not listen yet when it is called."""
    found: dict[str, Peer] = {}
    is_complete = asyncio.Event()

    def take(peer: Peer) -> None:
        found[peer.key] = peer
        if found.keys() >= wanted:
            is_complete.set()

    async with asyncio.timeout(60):
        while not is_complete.is_set():
            searching = asyncio.create_task(linking.search(take))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(8):
                    await is_complete.wait()
            searching.cancel()
            await asyncio.gather(searching, return_exceptions=True)
    return found


async def test_every_device_answers_a_call_with_its_serial_number(running: Emulator, home: Linked) -> None:
    assert home.devices
    found = await found_by(LifxLinking(lambda: ["127.0.0.1"], running.port), set(ALL))
    assert found.keys() == set(ALL)
    assert found[COLOR] == Peer("lifx", COLOR, "LIFX 000001", ("127.0.0.1",), running.port)


async def test_devices_behind_a_cable_are_found_by_a_broadcast() -> None:
    with two_namespaces() as (theirs, ours):
        playing = theirs.start(command(program(), theirs.ipv4[0], PORT), **UNHEARD)
        try:
            with ours.entered():
                found = await found_by(LifxLinking(), set(ALL))
        finally:
            playing.kill()
            playing.wait()
    assert {peer.hosts for peer in found.values()} == {(theirs.ipv4[0],)}


async def test_an_interface_that_cannot_be_called_on_hides_nobody(running: Emulator, home: Linked) -> None:
    assert home.devices
    linking = LifxLinking(lambda: ["240.0.0.1", "127.0.0.1"], running.port)
    assert (await found_by(linking, {COLOR})).keys() >= {COLOR}


async def test_a_lamp_says_what_it_is_and_where_it_hangs(home: Linked) -> None:
    lamp = home.devices[COLOR]
    assert lamp.aliases == (Alias("mac", "d073d5000002"), Alias("serial", COLOR))
    assert (lamp.brand, lamp.model, lamp.device_type) == ("LIFX", "LIFX Color 800lm", DeviceType.LIGHT)
    assert lamp.name == "LIFX Color 800lm 000001"
    assert lamp.firmware_version is not None
    assert {entity.key for entity in lamp.entities} == {"light", "identify", "reboot"}
    assert home.observed[COLOR]["ip_address"] == "127.0.0.1"
    assert not home.rejected


@pytest.mark.parametrize(
    "data, state, attributes",
    [
        ({"brightness": 51}, "on", {"brightness": 51}),
        ({"hs_color": [240, 100]}, "on", {"color_mode": "hs", "rgb_color": [0, 0, 255], "color_temp_kelvin": None}),
        ({"color_temp_kelvin": 2700}, "on", {"color_mode": "color_temp", "color_temp_kelvin": 2700}),
        (
            {"color_name": "red", "brightness_pct": 100, "transition": 0.2},
            "on",
            {"rgb_color": [255, 0, 0], "brightness": 255},
        ),
        ({"brightness": 0}, "off", {}),
    ],
)
async def test_a_lamp_is_set_and_asked_at_once_what_became_of_it(
    home: Linked, data: JsonObject, state: str, attributes: JsonObject
) -> None:
    await home.call(COLOR, "light", "light.turn_on", **data)
    await home.said(COLOR, "light", state, **attributes)


async def test_a_lamp_goes_off_and_comes_back_as_it_was(home: Linked) -> None:
    await home.call(COLOR, "light", "light.turn_on", brightness=77, hs_color=[120, 100])
    await home.said(COLOR, "light", "on", brightness=77)
    await home.call(COLOR, "light", "light.turn_off")
    await home.said(COLOR, "light", "off")
    await home.call(COLOR, "light", "light.turn_on")
    await home.said(COLOR, "light", "on", brightness=77, rgb_color=[0, 255, 0])


@pytest.mark.parametrize("home", [WARMTH], indirect=True)
async def test_a_white_lamp_has_warmth_and_no_colours(home: Linked) -> None:
    await home.call(WARMTH, "light", "light.turn_on", color_temp_kelvin=4000)
    await home.said(WARMTH, "light", "on", color_temp_kelvin=4000)
    with pytest.raises(NotPossible, match="no colours"):
        await home.call(WARMTH, "light", "light.turn_on", rgb_color=[255, 0, 0])


@pytest.mark.parametrize("home", [INFRARED], indirect=True)
async def test_infrared_is_set_in_percent(home: Linked) -> None:
    await home.call(INFRARED, "infrared", "number.set_value", value=40)
    await home.said(INFRARED, "infrared", "40")


@pytest.mark.parametrize("home", [STRIP], indirect=True)
async def test_parts_of_a_strip_are_set_alone(home: Linked) -> None:
    await home.call(STRIP, "light", "light.turn_on", rgb_color=[255, 0, 0])
    await home.said(STRIP, "light", "on", rgb_color=[255, 0, 0])
    await home.call(STRIP, "light", "light.turn_on", hs_color=[240, 100], zones=[0, 1, 2, 40])
    with pytest.raises(NotPossible, match="from 0 to 79"):
        await home.call(STRIP, "light", "light.turn_on", hs_color=[240, 100], zones=[80])
    assert home.states[STRIP, "light"][1]["zones"] == 80


@pytest.mark.parametrize("home", [TILE], indirect=True)
async def test_tiles_are_a_lamp(home: Linked) -> None:
    await home.call(TILE, "light", "light.turn_on", hs_color=[60, 100])
    await home.said(TILE, "light", "on", hs_color=[60, 100])


@pytest.mark.parametrize("home", [SWITCH], indirect=True)
async def test_a_switch_is_no_lamp_and_has_the_relays_that_answer(home: Linked) -> None:
    """The emulator's switch answers for none."""
    assert home.devices[SWITCH].model == "LIFX Switch"
    assert {entity.key for entity in home.devices[SWITCH].entities} == {"reboot"}


async def test_a_lamp_that_is_to_show_itself_flashes_and_is_as_before(home: Linked) -> None:
    await home.call(COLOR, "light", "light.turn_on", hs_color=[30, 100])
    await home.said(COLOR, "light", "on", hs_color=[30, 100])
    await home.call(COLOR, "identify", "button.press")
    await home.call(COLOR, "light", "light.turn_on", flash="short")
    await home.said(COLOR, "light", "on")


async def test_a_lamp_takes_the_order_to_begin_anew(home: Linked) -> None:
    await home.call(COLOR, "reboot", "button.press")


async def test_a_manual_address_needs_no_serial_number(running: Emulator, home: Linked) -> None:
    assert home.devices
    async with Linked(LifxLinking(), Lifx(), peer(running, "localhost")) as manual:
        (device,) = manual.devices.values()
        assert device.native["peer"] == "localhost"
        assert device.origin.native_id in ALL


def test_the_agent_takes_up_whoever_answers_its_call(hub: Hub) -> None:
    with two_namespaces() as (theirs, ours):
        families = ("color", "infrared", "multizone")
        playing = theirs.start(command(program(), theirs.ipv4[0], PORT, families), **UNHEARD)
        try:
            hub.start({"NEXA_DISCOVERY_SEARCH": "true"}, tuple(ours.command([])))
            hub.wait(lambda: len([each for each in hub.get("devices") if each["brand"] == "LIFX"]) == 3, 40)
            found = [each for each in hub.get("discovered") if each["dialect"] == "lifx"]
            assert sorted(each["id"] for each in found) == [f"lifx/{serial}" for serial in ALL[:3]]
            hub.stop()
        finally:
            playing.kill()
            playing.wait()


def test_the_agent_takes_up_a_lamp_by_its_address_commands_it_and_sees_it_go_and_come_back(hub: Hub) -> None:
    with emulator(("color",)) as lamp:
        hub.settings["discovery"] = {"addresses": [f"lifx://127.0.0.1:{lamp.port}"]}
        hub.start()
        hub.wait_for_state(LAMP, "on", 30)
        assert hub.cli("devices", "set", LAMP, "on=false").returncode == 0
        hub.wait_for_state(LAMP, "off")
        lamp.kill()
        hub.wait_for_state(LAMP, "unavailable", 40)
        lamp.start()
        hub.wait_for_state(LAMP, "on", 40)
