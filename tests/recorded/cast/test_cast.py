"""From what Cast receivers say to states, and from actions to what they are asked."""

from typing import Any

import pytest

from hub_agent.drivers.cast import Cast
from hub_agent.drivers.cast.asking import content_type_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Origin
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported
from tests.recorded.cast import corpus
from tests.recorded.cast.corpus import PEER, frame
from tests.recorded.sonos.test_sonos import device_of


class Receiver:
    def __init__(self, device: JsonObject = corpus.DEVICE) -> None:
        self.driver = Cast()
        [found] = self.driver.hear(frame(PEER, "device", device))
        assert isinstance(found, Advertisement)
        self.found = found

    def hear(self, kind: str, body: Any) -> EntityReport:
        [said] = self.driver.hear(frame(PEER, kind, body))
        assert isinstance(said, Reported)
        return said.entities[0]

    def ask(self, action: str, **data: Any) -> Request:
        device = device_of(self.found)
        [request] = self.driver.encode(device, device.entities[0], action, data)
        return request


def test_a_receiver_is_known_by_its_id_and_its_network_address() -> None:
    found = Receiver().found

    assert found.origin == Origin("cast", PEER)
    assert found.aliases == (Alias("mac", "6cadf8123456"), Alias("cast", PEER))
    assert (found.name, found.brand, found.model) == ("Living room TV", "Google Inc.", "Chromecast Ultra")
    assert found.native["peer"] == PEER


def test_a_group_is_not_the_device_whose_address_it_has() -> None:
    assert [alias.kind for alias in Receiver(corpus.GROUP).found.aliases] == ["cast"]


def test_the_screen_that_is_shown_while_nothing_is_means_off() -> None:
    said = Receiver().hear("receiver", corpus.BACKDROP)

    assert (said.state, said.attributes["app_name"]) == ("off", None)
    assert (said.attributes["volume_level"], said.attributes["is_volume_muted"]) == (0.37, False)


def test_what_plays_is_told_with_its_title() -> None:
    it = Receiver()
    idle = it.hear("receiver", corpus.RECEIVER)
    playing = it.hear("media", corpus.MEDIA)
    held = it.hear("media", {"mediaSessionId": 1, "playerState": "PAUSED", "currentTime": 20.1})
    paused = it.hear("media", corpus.SONG)
    over = it.hear("media", corpus.OVER)

    assert (idle.state, idle.attributes["source"]) == ("idle", "Default Media Receiver")
    assert (playing.state, playing.attributes["media_title"]) == ("playing", "Big Buck Bunny")
    assert (playing.attributes["media_duration"], playing.attributes["repeat"]) == (596.474195, "off")
    assert (held.state, held.attributes["media_title"]) == ("paused", "Big Buck Bunny")
    assert (paused.state, paused.attributes["media_artist"]) == ("paused", "Rick Astley")
    assert paused.attributes["media_content_type"] == "music"
    assert (over.state, over.attributes["media_title"]) == ("idle", None)


def test_a_receiver_whose_media_ended_without_a_word_of_why_plays_nothing() -> None:
    it = Receiver()
    it.hear("receiver", corpus.RECEIVER)
    assert it.hear("media", corpus.MEDIA).state == "playing"

    over = it.hear("media", None)

    assert (over.state, over.attributes["media_title"]) == ("idle", None)


def test_when_the_application_ends_what_it_played_is_forgotten() -> None:
    it = Receiver()
    it.hear("receiver", corpus.RECEIVER)
    it.hear("media", corpus.MEDIA)
    said = it.hear("receiver", corpus.NOTHING)

    assert (said.state, said.attributes["media_title"]) == ("off", None)


def test_an_application_that_says_nothing_of_what_it_shows_counts_as_playing() -> None:
    assert Receiver().hear("receiver", corpus.NETFLIX).state == "playing"


def test_what_was_said_before_the_receiver_said_who_it_is_is_refused() -> None:
    said: list[Decoded] = list(Cast().hear(frame(PEER, "receiver", corpus.BACKDROP)))

    assert [each.code for each in said if isinstance(each, Rejected)] == ["not_described"]


@pytest.mark.parametrize(
    "action, data, body",
    [
        ("media_player.volume_set", {"volume_level": 0.25}, {"do": "volume", "level": 0.25}),
        ("media_player.volume_down", {}, {"do": "volume_by", "level": -0.1}),
        ("media_player.volume_mute", {"is_volume_muted": "off"}, {"do": "mute", "on": False}),
        ("media_player.media_play", {}, {"do": "play"}),
        ("media_player.media_stop", {}, {"do": "stop"}),
        ("media_player.turn_off", {}, {"do": "quit"}),
        ("media_player.turn_on", {}, {"do": "turn_on"}),
        ("media_player.select_source", {"source": "YouTube"}, {"do": "launch", "app_id": "233637DE"}),
        ("media_player.select_source", {"source": "cc32e753"}, {"do": "launch", "app_id": "CC32E753"}),
        ("media_player.media_seek", {"seek_position": "12.5"}, {"do": "seek", "position": 12.5}),
        (
            "media_player.play_media",
            {"media_content_id": "http://hub/bell.mp3", "extra": {"metadata": {"title": "Bell"}}},
            {
                "do": "play_address",
                "address": "http://hub/bell.mp3",
                "content_type": "audio/mpeg",
                "title": "Bell",
                "enqueue": False,
            },
        ),
    ],
)
def test_actions_become_what_the_receiver_is_asked(action: str, data: dict[str, Any], body: JsonObject) -> None:
    assert Receiver().ask(action, **data) == Request("cast", PEER, body)


@pytest.mark.parametrize(
    "address, kind, content_type",
    [
        ("http://x/a.flac", "music", "audio/flac"),
        ("http://x/a.flac?token=a.mp4", "music", "audio/flac"),
        ("http://x.org/stream", "music", "audio/mpeg"),
        ("http://x/a.mp3", "audio/ogg", "audio/ogg"),
        ("https://x/front.jpg", "image", "image/jpeg"),
        ("https://x.jpg/", "video", "video/mp4"),
    ],
)
def test_the_type_of_what_is_played_is_told(address: str, kind: str, content_type: str) -> None:
    assert content_type_of(address, kind) == content_type


@pytest.mark.parametrize(
    "action, data, words",
    [
        ("media_player.media_next_track", {}, "What plays now cannot do media_next_track"),
        ("media_player.shuffle_set", {"shuffle": True}, "does not know"),
        ("media_player.select_source", {"source": "Teletext"}, "no application that can be started"),
        ("media_player.play_media", {"media_content_id": "x-rincon-mp3radio://x"}, "only http"),
        ("media_player.play_media", {"media_content_id": "{}", "media_content_type": "cast"}, "select_source"),
    ],
)
def test_what_a_receiver_cannot_do_is_refused_in_words(action: str, data: dict[str, Any], words: str) -> None:
    it = Receiver()
    it.hear("receiver", corpus.RECEIVER)
    it.hear("media", {**corpus.MEDIA, "supportedMediaCommands": 15})

    with pytest.raises(NotPossible, match=words):
        it.ask(action, **data)
