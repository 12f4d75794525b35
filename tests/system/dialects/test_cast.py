"""Links to Cast receivers, over PyChromecast: its own client decides whether what stands in here behaves like one."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.links.cast import CastLinking
from hub_agent.drivers.cast import Cast
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.device import Alias
from hub_agent.model.link import Service
from tests.peers.cast.started import UUID, Started, receiver
from tests.peers.linked import Linked
from tests.peers.whole import whole_home

pytestmark = pytest.mark.heavy

# Test processes run side by side, and a receiver's ports are fixed.
HOST = f"127.{os.getpid() >> 8 & 255}.{os.getpid() & 255}.8"


class Home(Linked):
    def __init__(self, started: Started) -> None:
        super().__init__(CastLinking(look_s=0.3), Cast(), started.peer)

    async def tell(self, action: str, **data: object) -> None:
        await self.call(UUID, "player", action, **data)  # type: ignore[arg-type]

    async def is_so(self, state: str | None, **attributes: object) -> None:
        await self.said(UUID, "player", state, **attributes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cast")


@pytest.fixture
def running(folder: Path) -> Iterator[Started]:
    with receiver(folder, HOST) as started:
        yield started


@pytest.fixture
async def home(running: Started) -> AsyncIterator[Home]:
    async with Home(running) as linked:
        yield linked


async def test_a_receiver_says_who_it_is_and_how_it_is(home: Home) -> None:
    await home.is_so("off", volume_level=0.5, is_volume_muted=False, app_name=None)
    found = home.devices[UUID]

    assert found.aliases == (Alias("mac", "6cadf8123456"), Alias("cast", UUID))
    assert (found.name, found.brand, found.model) == ("Living room TV", "Google Inc.", "Chromecast Ultra")
    assert found.firmware_version == "1.56.500000"
    assert home.observed[UUID]["ip_address"] == HOST
    assert home.rejected == []


async def test_volume_and_mute_are_set_and_what_a_person_does_is_heard(home: Home, running: Started) -> None:
    await home.tell("media_player.volume_set", volume_level=0.25)
    await home.is_so(None, volume_level=0.25)
    await home.tell("media_player.volume_up")
    await home.is_so(None, volume_level=0.35)
    await home.tell("media_player.volume_mute", is_volume_muted=True)
    await home.is_so(None, is_volume_muted=True)

    running.person(volume=0.7)

    await home.is_so(None, volume_level=0.7)


async def test_a_receiver_that_says_nothing_is_looked_at_now_and_then(home: Home) -> None:
    await home.is_so("off")
    heard = len(home.frames)

    await home.until(lambda: len(home.frames) >= heard + 3)

    assert {frame.kind for frame in home.frames[heard:]} == {"receiver"}


async def test_what_is_at_an_address_is_played_paused_and_ended(home: Home, running: Started) -> None:
    await home.tell(
        "media_player.play_media",
        media_content_id="http://127.0.0.1/bell.mp3",
        media_content_type="music",
        extra={"metadata": {"title": "Bell"}},
    )
    await home.is_so("playing", media_title="Bell", media_duration=30.5, source="Default Media Receiver")
    await home.tell("media_player.media_pause")
    await home.is_so("paused", media_title="Bell")
    await home.tell("media_player.media_play")
    await home.is_so("playing")
    await home.tell("media_player.media_seek", seek_position=12)
    running.person(pause=True)
    await home.is_so("paused", media_title="Bell")
    await home.tell("media_player.media_stop")
    await home.is_so("idle", media_title=None)
    await home.tell("media_player.turn_off")
    await home.is_so("off", source=None)


async def test_an_application_is_a_source_and_one_that_is_not_there_is_refused(home: Home, running: Started) -> None:
    await home.tell("media_player.turn_on")
    await home.is_so("idle", source="Default Media Receiver")
    await home.tell("media_player.select_source", source="YouTube")
    await home.is_so("idle", source="YouTube", app_id="233637DE")
    with pytest.raises(NotPossible):
        await home.tell("media_player.select_source", source="Netflix")
    with pytest.raises(NotPossible, match="nothing plays"):
        await home.tell("media_player.media_play")

    running.person(home=True)

    await home.is_so("off")


async def test_a_receiver_that_is_gone_is_missed_and_taken_up_again_when_it_is_back(folder: Path) -> None:
    with receiver(folder, HOST) as first:
        home = Home(first)
        await home.connect()
        await home.tell("media_player.volume_set", volume_level=0.9)
        await home.is_so(None, volume_level=0.9)
        first.kill()
        lost = await home.lost()
    with pytest.raises(LinkLost):
        await home.connect()
    with receiver(folder, HOST):
        await home.connect()
        # What was so at the other one is not remembered.
        await home.is_so("off", volume_level=0.5)
        await home.tell("media_player.volume_set", volume_level=0.1)
        await home.is_so(None, volume_level=0.1)
        await home.close()

    assert isinstance(lost, LinkLost)


async def test_in_a_whole_home_a_receiver_is_found_set_in_peoples_units_and_missed(
    running: Started, tmp_path: Path
) -> None:
    async with whole_home(tmp_path, ["cast"]) as home:
        name, txt = f"Chromecast-Ultra-{UUID}", dict(running.peer.txt)
        home.announce(Service("mdns", "_googlecast._tcp.local.", name, (HOST,), 8009, "tv.local.", txt))
        await home.shows("media_player.living_room_tv", "off", volume_level=0.5)

        wanted = {"volume": 30, "media": "http://127.0.0.1/bell.mp3"}
        done: Any = await home.door.set_device("Living room TV", wanted, "somebody")
        assert [each["outcome"] for each in done["commands"]] == ["confirmed", "confirmed"]
        await home.shows("media_player.living_room_tv", "playing", volume_level=0.3)
        toggled: Any = await home.door.call("media_player.toggle", ["media_player.living_room_tv"], {}, "somebody")
        assert [each["outcome"] for each in toggled["commands"]] == ["confirmed"]
        await home.shows("media_player.living_room_tv", "off")

        running.kill()
        await home.shows("media_player.living_room_tv", "unavailable")
