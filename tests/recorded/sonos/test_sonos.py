"""From what Sonos players say to states, and from actions to what they are asked."""

from typing import Any

import pytest

from hub_agent.drivers.sonos import Sonos
from hub_agent.errors import NotPossible
from hub_agent.model.device import Advertisement, Alias, Device, DeviceType, Entity, Origin
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Request
from hub_agent.model.report import Decoded, EntityReport, Rejected, Reported
from tests.recorded.sonos import corpus
from tests.recorded.sonos.corpus import HALL, HALL_PEER, KITCHEN, KITCHEN_PEER, frame


def advertised(decoded: list[Decoded]) -> Advertisement:
    [one] = [each for each in decoded if isinstance(each, Advertisement)]
    return one


def told(decoded: list[Decoded], uid: str = KITCHEN, key: str = "player") -> EntityReport:
    """The last that was said of this entity."""
    said = [
        entity
        for each in decoded
        if isinstance(each, Reported) and each.origin.native_id == uid
        for entity in each.entities
        if entity.key == key
    ]
    return said[-1]


class Household:
    def __init__(self, *players: tuple[str, str]) -> None:
        self.driver = Sonos()
        self.said: list[Decoded] = []
        for uid, peer in players or ((KITCHEN, KITCHEN_PEER),):
            self.hear(peer, "description", corpus.description(uid, "Hall" if uid == HALL else "Kitchen"))

    def hear(self, peer: str, kind: str, body: Any) -> list[Decoded]:
        said = list(self.driver.hear(frame(peer, kind, body)))
        self.said += said
        return said

    def transport(self, **variables: Any) -> EntityReport:
        return told(self.hear(KITCHEN_PEER, "av_transport", {**corpus.PLAYING, **variables}))

    def device(self, uid: str = KITCHEN) -> Device:
        found = [each for each in self.said if isinstance(each, Advertisement) and each.origin.native_id == uid][-1]
        return device_of(found)

    def ask(self, action: str, key: str = "player", /, **data: Any) -> JsonObject:
        [request] = self.requests(action, key, **data)
        return request.body

    def requests(self, action: str, key: str = "player", /, **data: Any) -> list[Request]:
        device = self.device()
        [entity] = [each for each in device.entities if each.key == key]
        return list(self.driver.encode(device, entity, action, data))


def device_of(found: Advertisement) -> Device:
    device_id = DeviceId("d")
    entities = tuple(
        Entity(
            EntityId(f"{each.domain}.x_{each.key}"),
            device_id,
            each.key,
            each.domain,
            each.name,
            each.device_class,
            each.unit,
            each.state_class,
            each.category,
            each.capabilities,
            each.native,
        )
        for each in found.entities
    )
    return Device(
        device_id,
        found.origin,
        found.aliases,
        found.name,
        named_by_person=False,
        room_id=None,
        brand=found.brand,
        model=found.model,
        device_type=found.device_type,
        protocol=found.protocol,
        via=None,
        firmware_version=found.firmware_version,
        power_source=found.power_source,
        native=found.native,
        entities=entities,
    )


def test_a_player_is_known_by_its_network_address_and_its_room_is_suggested() -> None:
    found = advertised(list(Sonos().hear(frame(KITCHEN_PEER, "description", corpus.description(KITCHEN, "Kitchen")))))

    assert found.origin == Origin("sonos", KITCHEN)
    assert found.aliases == (Alias("mac", "000e58a0b0c0"), Alias("sonos", KITCHEN))
    assert (found.name, found.suggested_area, found.brand, found.model) == ("Kitchen", "Kitchen", "Sonos", "Sonos One")
    assert (found.device_type, found.firmware_version) == (DeviceType.SPEAKER, "14.18.1")
    assert found.native["peer"] == KITCHEN_PEER


def test_without_a_serial_number_the_network_address_is_in_the_players_name() -> None:
    body = {**corpus.description(KITCHEN, "Kitchen"), "mac_address": None}

    assert advertised(list(Sonos().hear(frame("x", "description", body)))).aliases[0] == Alias("mac", "000e58a0b0c0")


def test_volume_and_mute_are_told_in_home_assistants_units() -> None:
    said = told(Household().hear(KITCHEN_PEER, "rendering_control", corpus.RENDERING))

    assert said.attributes["volume_level"] == 0.14
    assert said.attributes["is_volume_muted"] is False


def test_the_sounds_that_a_player_knows_become_entities_with_their_states() -> None:
    house = Household()
    said = house.hear(KITCHEN_PEER, "rendering_control", corpus.SOUNDBAR)

    assert {entity.key: entity.domain for entity in advertised(said).entities} == {
        "player": "media_player",
        "bass": "number",
        "treble": "number",
        "loudness": "switch",
        "night_sound": "switch",
        "speech_enhancement": "switch",
    }
    assert told(said, key="treble").state == "-2"
    assert told(said, key="night_sound").state == "on"
    assert told(said, key="speech_enhancement").state == "off"


def test_a_piece_that_plays_is_told_with_its_title_and_order() -> None:
    said = told(Household().hear(KITCHEN_PEER, "av_transport", corpus.PLAYING))

    assert said.state == "playing"
    assert {name: said.attributes[name] for name in ("media_title", "media_artist", "media_album_name")} == {
        "media_title": "Waterloo",
        "media_artist": "Abba",
        "media_album_name": "Waterloo",
    }
    assert (said.attributes["media_duration"], said.attributes["shuffle"], said.attributes["repeat"]) == (
        166,
        True,
        "off",
    )


def test_a_station_is_told_with_what_is_on_air_and_is_the_favourite_it_was_chosen_as() -> None:
    house = Household()
    house.hear(KITCHEN_PEER, "favourites", corpus.FAVOURITES)
    said = told(house.hear(KITCHEN_PEER, "av_transport", corpus.RADIO))

    assert said.attributes["media_channel"] == said.attributes["source"] == "Radio Paradise"
    assert (said.attributes["media_title"], said.attributes["media_artist"]) == ("Hey Jude", "The Beatles")
    assert said.attributes["media_duration"] is None


@pytest.mark.parametrize(
    "variables, state",
    [
        ({"transport_state": "PAUSED_PLAYBACK"}, "paused"),
        ({"transport_state": "STOPPED"}, "paused"),
        ({"transport_state": "TRANSITIONING"}, "buffering"),
        (corpus.EMPTY, "idle"),
        ({"transport_state": "NO_MEDIA_PRESENT"}, "idle"),
        (corpus.LINE_IN, "playing"),
    ],
)
def test_transport_states_become_home_assistants(variables: dict[str, Any], state: str) -> None:
    assert Household().transport(**variables).state == state


def test_between_two_pieces_a_player_goes_on_playing() -> None:
    house = Household()
    house.transport()

    assert house.transport(transport_state="TRANSITIONING").state == "playing"


def test_what_stands_at_the_socket_is_a_source() -> None:
    assert Household().transport(**corpus.LINE_IN).attributes["source"] == "Line-in"


def test_those_in_a_group_play_what_their_coordinator_plays() -> None:
    house = Household((KITCHEN, KITCHEN_PEER), (HALL, HALL_PEER))
    house.hear(KITCHEN_PEER, "av_transport", corpus.PLAYING)
    house.hear(HALL_PEER, "av_transport", corpus.FOLLOWING)
    joined = told(house.hear(HALL_PEER, "topology", corpus.TOGETHER), HALL)
    paused = told(house.hear(KITCHEN_PEER, "av_transport", {"transport_state": "PAUSED_PLAYBACK"}), HALL)
    alone = told(house.hear(HALL_PEER, "topology", corpus.APART), HALL)

    assert joined.attributes["media_title"] == "Waterloo"
    assert joined.attributes["group_members"] == [KITCHEN, HALL]
    assert paused.state == "paused"
    assert alone.attributes["group_members"] == [HALL]
    assert alone.attributes["media_title"] is None


def test_a_player_that_nobody_sees_is_no_device() -> None:
    body = corpus.description(KITCHEN, "Kitchen", is_visible=False)

    assert list(Sonos().hear(frame(KITCHEN_PEER, "description", body))) == []


def test_a_battery_is_told_with_its_charge() -> None:
    said = Household().hear(KITCHEN_PEER, "battery", {"level": 87, "charging": True})

    assert told(said, key="battery").state == "87"
    assert told(said, key="charging").state == "on"
    assert [each.observed["battery_level"] for each in said if isinstance(each, Reported)] == [87]
    assert advertised(said).power_source == "battery"


def test_what_was_said_before_the_player_said_who_it_is_is_refused() -> None:
    [said] = Sonos().hear(frame(KITCHEN_PEER, "rendering_control", corpus.RENDERING))

    assert isinstance(said, Rejected)
    assert said.code == "not_described"


def test_after_a_restart_a_player_is_known_before_it_has_spoken() -> None:
    device = Household().device()
    driver = Sonos()
    driver.restore([device])

    [said] = driver.hear(frame(KITCHEN_PEER, "av_transport", {"transport_state": "PLAYING"}))[-1:]

    assert isinstance(said, Reported)
    assert said.entities[0].state == "playing"


@pytest.mark.parametrize(
    "action, data, body",
    [
        ("media_player.volume_set", {"volume_level": 0.3}, {"do": "volume", "percent": 30}),
        ("media_player.volume_up", {}, {"do": "volume_by", "percent": 10}),
        ("media_player.volume_mute", {"is_volume_muted": True}, {"do": "mute", "on": True}),
        ("media_player.media_play", {}, {"do": "play"}),
        ("media_player.media_pause", {}, {"do": "pause"}),
        ("media_player.turn_off", {}, {"do": "stop"}),
        ("media_player.media_next_track", {}, {"do": "next"}),
        ("media_player.media_seek", {"seek_position": 75}, {"do": "seek", "position": "0:01:15"}),
        ("media_player.shuffle_set", {"shuffle": False}, {"do": "play_mode", "mode": "NORMAL"}),
        ("media_player.repeat_set", {"repeat": "all"}, {"do": "play_mode", "mode": "SHUFFLE"}),
        ("media_player.select_source", {"source": "Radio Paradise"}, {"do": "favourite", "title": "Radio Paradise"}),
        ("media_player.unjoin", {}, {"do": "unjoin"}),
        (
            "media_player.play_media",
            {"media_content_id": "http://hub/bell.mp3", "media_content_type": "music"},
            {"do": "play_address", "address": "http://hub/bell.mp3", "is_radio": False},
        ),
        (
            "media_player.play_media",
            {"media_content_id": "http://hub/bell.mp3", "enqueue": "next"},
            {"do": "queue_address", "address": "http://hub/bell.mp3", "is_radio": False, "next": True},
        ),
        (
            "media_player.play_media",
            {"media_content_id": "Dinner", "media_content_type": "playlist"},
            {"do": "playlist", "title": "Dinner"},
        ),
    ],
)
def test_actions_become_what_the_player_is_asked(action: str, data: dict[str, Any], body: JsonObject) -> None:
    house = Household()
    house.hear(KITCHEN_PEER, "av_transport", corpus.PLAYING)
    house.hear(KITCHEN_PEER, "favourites", corpus.FAVOURITES)

    [request] = house.requests(action, **data)

    assert request == Request("sonos", KITCHEN_PEER, body)


@pytest.mark.parametrize(
    "action, data, words",
    [
        ("media_player.turn_on", {}, "always on"),
        ("media_player.volume_set", {"volume_level": 30}, "between 0 and 1"),
        ("media_player.volume_set", {}, "`volume_level` is missing"),
        ("media_player.volume_mute", {}, "must be true or false"),
        ("media_player.repeat_set", {"repeat": "twice"}, "off, all, one"),
        ("media_player.select_source", {"source": "Polka"}, "is not among its favourites"),
        ("media_player.select_sound_mode", {"sound_mode": "Stadium"}, "does not know"),
        ("media_player.play_media", {"media_content_id": "media-source://tts/x?message=Hello"}, "no text to speech"),
        ("media_player.play_media", {"media_content_id": "media-source://media_source/local/a.mp3"}, "give an address"),
        ("media_player.play_media", {"media_content_id": "/local/a.mp3"}, "cannot fetch"),
        ("media_player.join", {"native_members": [KITCHEN]}, "names no other Sonos player"),
    ],
)
def test_what_a_player_cannot_do_is_refused_in_words(action: str, data: dict[str, Any], words: str) -> None:
    house = Household()
    house.hear(KITCHEN_PEER, "favourites", corpus.FAVOURITES)

    with pytest.raises(NotPossible, match=words):
        house.requests(action, **data)


def test_those_who_shall_join_are_asked_to() -> None:
    house = Household((KITCHEN, KITCHEN_PEER), (HALL, HALL_PEER))

    [request] = house.requests("media_player.join", native_members=[HALL, KITCHEN, "RINCON_UNMET"])

    assert request == Request("sonos", HALL_PEER, {"do": "join", "coordinator": KITCHEN})


def test_sounds_are_set_by_their_variables() -> None:
    house = Household()
    house.hear(KITCHEN_PEER, "rendering_control", corpus.SOUNDBAR)

    assert house.ask("number.set_value", "bass", value=-4) == {"do": "sound", "name": "bass", "value": -4}
    assert house.ask("switch.turn_on", "night_sound") == {"do": "sound", "name": "night_mode", "value": True}
    with pytest.raises(NotPossible, match="between -10 and 10"):
        house.ask("number.set_value", "bass", value=40)
