"""Links to Sonos players, over SoCo: its own client decides whether the household that stands in here behaves like one."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from soco import config

from hub_agent.adapters.links.sonos import SonosLinking
from hub_agent.drivers.sonos import Sonos
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.device import Alias
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Peer, Service
from tests.peers.linked import Linked
from tests.peers.sonos.started import Started, household
from tests.peers.whole import whole_home

pytestmark = pytest.mark.heavy


class Home(Linked):
    """`index`: which player of the household it is linked to."""

    def __init__(self, house: Started, index: int, driver: Sonos) -> None:
        super().__init__(SonosLinking(poll_s=0.5, poll_blind_s=0.5), driver, house.peer(index))
        self.uid = house.uid(index)

    async def tell(self, action: str, key: str = "player", **data: object) -> None:
        await self.call(self.uid, key, action, **data)  # type: ignore[arg-type]

    async def ask(self, body: JsonObject) -> None:
        assert self._link is not None
        await self._link.ask(body)

    async def is_so(self, state: str | None, **attributes: object) -> None:
        await self.said(self.uid, "player", state, **attributes)


@pytest.fixture
def house() -> Iterator[Started]:
    with household(0, 0) as started:
        yield started


@pytest.fixture
async def kitchen(house: Started) -> AsyncIterator[Home]:
    async with Home(house, 0, Sonos()) as home:
        yield home


async def test_a_player_says_who_it_is_and_how_it_is(kitchen: Home) -> None:
    await kitchen.is_so("idle", volume_level=0.2, is_volume_muted=False, source_list=["Radio Paradise"])
    found = kitchen.devices[kitchen.uid]

    assert found.aliases == (Alias("mac", "000e58000000"), Alias("sonos", kitchen.uid))
    assert (found.name, found.model, found.firmware_version) == ("Kitchen", "Sonos One", "14.18.1")
    assert kitchen.observed[kitchen.uid]["ip_address"] == "127.0.0.1"
    assert kitchen.rejected == []


async def test_an_answer_that_is_older_than_an_event_does_not_take_its_place(house: Started, kitchen: Home) -> None:
    await kitchen.is_so("idle", volume_level=0.2)
    house.person(player=0, volume=31)
    await kitchen.is_so("idle", volume_level=0.31)

    house.person(player=0, volume_while_asked=44)
    house.person(player=0, battery=55)
    await kitchen.said(kitchen.uid, "battery", "55")
    await kitchen.ask({"do": "refresh"})

    assert kitchen.states[kitchen.uid, "player"][1]["volume_level"] == 0.44


async def test_volume_sounds_and_mute_are_set_and_heard_as_events(kitchen: Home, house: Started) -> None:
    await kitchen.tell("media_player.volume_set", volume_level=0.35)
    await kitchen.is_so(None, volume_level=0.35)
    await kitchen.tell("media_player.volume_mute", is_volume_muted=True)
    await kitchen.is_so(None, is_volume_muted=True)
    await kitchen.tell("number.set_value", "bass", value=-3)
    await kitchen.said(kitchen.uid, "bass", "-3")

    house.person(player=0, volume=62)

    await kitchen.is_so(None, volume_level=0.62)


async def test_a_recording_is_played_paused_and_stopped(kitchen: Home) -> None:
    with pytest.raises(NotPossible, match="nothing to play"):
        await kitchen.tell("media_player.media_play")

    await kitchen.tell(
        "media_player.play_media", media_content_id="http://127.0.0.1/bell.mp3", media_content_type="music"
    )
    await kitchen.is_so("playing", media_title="bell", media_duration=180)
    await kitchen.tell("media_player.media_pause")
    await kitchen.is_so("paused")
    await kitchen.tell("media_player.shuffle_set", shuffle=True)
    await kitchen.is_so(None, shuffle=True)
    await kitchen.tell("media_player.turn_off")
    with pytest.raises(NotPossible):
        await kitchen.tell("media_player.media_next_track")


async def test_a_favourite_is_a_source(kitchen: Home) -> None:
    await kitchen.tell("media_player.select_source", source="Radio Paradise")

    await kitchen.is_so("playing", source="Radio Paradise", media_channel="Radio Paradise")


async def test_players_join_play_together_and_part(house: Started) -> None:
    driver = Sonos()
    async with Home(house, 0, driver) as kitchen, Home(house, 1, driver) as hall:
        await kitchen.tell("media_player.play_media", media_content_id="http://127.0.0.1/bell.mp3")
        await kitchen.is_so("playing")
        [request] = driver.encode(
            kitchen.devices[kitchen.uid],
            kitchen.devices[kitchen.uid].entities[0],
            "media_player.join",
            {"native_members": [hall.uid]},
        )
        assert request.peer == hall.peer.key
        await hall.ask(request.body)

        await hall.is_so("playing", group_members=[kitchen.uid, hall.uid], media_title="bell")
        await hall.tell("media_player.media_pause")
        await kitchen.is_so("paused")
        await hall.tell("media_player.unjoin")
        await hall.is_so(None, group_members=[hall.uid])


async def test_where_no_events_arrive_the_player_is_asked_instead(
    house: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "EVENT_ADVERTISE_IP", "127.0.0.99")
    async with Home(house, 0, Sonos()) as home:
        house.person(player=0, volume=44)
        await home.is_so(None, volume_level=0.44)
        await home.tell("media_player.volume_set", volume_level=0.11)
        await home.is_so(None, volume_level=0.11)


async def test_a_battery_is_heard_of(kitchen: Home, house: Started) -> None:
    house.person(player=0, battery=55)

    await kitchen.said(kitchen.uid, "battery", "55")
    assert kitchen.observed[kitchen.uid]["battery_level"] == 55


async def test_a_player_that_is_gone_is_missed_and_taken_up_again_when_it_is_back() -> None:
    driver = Sonos()
    with household(0) as first:
        home = Home(first, 0, driver)
        await home.connect()
        await home.tell("media_player.volume_set", volume_level=0.5)
        await home.is_so(None, volume_level=0.5)
        first.kill()
        lost = await home.lost()
    with pytest.raises(LinkLost, match="cannot be reached"):
        await home.connect()
    with household(first.players[0][1]):
        await home.connect()
        # What was so at the other one is not remembered.
        await home.is_so("idle", volume_level=0.2)
        await home.tell("media_player.volume_set", volume_level=0.4)
        await home.is_so(None, volume_level=0.4)
        await home.close()

    assert isinstance(lost, LinkLost)


async def test_a_player_that_hangs_is_given_up_and_the_hub_goes_on(house: Started) -> None:
    """Its process is stopped: connections are taken, and nothing is answered."""
    home = Home(house, 0, Sonos())
    await home.connect()
    house.process.send_signal(signal.SIGSTOP)
    lost = await home.lost()

    assert "did not answer in time" in str(lost)


async def test_a_player_without_a_known_address_says_so() -> None:
    link = SonosLinking().open(Peer("sonos", "k", "Kitchen", ("fe80::1",)), None)  # type: ignore[arg-type]  # nothing is said

    with pytest.raises(LinkLost, match="no IPv4 address"):
        await link.run()


def announcement(house: Started, index: int) -> Service:
    uid, port = house.players[index]
    txt = {
        "info": f"/api/v1/players/{uid}/info",
        "vers": "3",
        "location": f"http://127.0.0.1:{port}/xml/device_description.xml",
    }
    name = f"{uid}@{('Kitchen', 'Hall')[index]}"
    return Service("mdns", "_sonos._tcp.local.", name, ("127.0.0.1",), 1443, f"sonos{index}.local.", txt)


async def test_in_a_whole_home_players_are_found_set_in_peoples_units_joined_and_missed(
    house: Started, tmp_path: Path
) -> None:
    async with whole_home(tmp_path, ["sonos"]) as home:
        for index in (0, 1):
            home.announce(announcement(house, index))
        await home.shows("media_player.kitchen", "idle", volume_level=0.2, source_list=["Radio Paradise"])
        await home.shows("media_player.hall", "idle")

        done: Any = await home.door.set_device("Kitchen", {"volume": 30, "source": "Radio Paradise"}, "somebody")
        assert [each["outcome"] for each in done["commands"]] == ["confirmed", "confirmed"]
        await home.shows("media_player.kitchen", "playing", volume_level=0.3, media_channel="Radio Paradise")
        members = {"group_members": ["media_player.hall"]}
        await home.door.call("media_player.join", ["media_player.kitchen"], members, "somebody")
        both = ["media_player.kitchen", "media_player.hall"]
        await home.shows("media_player.hall", "playing", group_members=both, media_channel="Radio Paradise")

        house.kill()
        await home.shows("media_player.kitchen", "unavailable")
