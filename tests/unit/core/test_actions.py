"""What becomes of a call: done, refused in words that say why, or written down."""

from typing import Any

import pytest

from hub_agent.core.actions import ACTIONS
from hub_agent.core.expectation import expected_after, meets
from hub_agent.core.publishing import PAYLOAD_BYTES_MAX
from hub_agent.importing.abilities import DEVICE_ACTIONS
from hub_agent.model.action import CallAnswered
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Capability, Origin
from hub_agent.model.effects import Answer, Effect, LogLine, Publish, SendCommand, Warn
from hub_agent.model.ids import EntityId
from hub_agent.model.report import EntityReport, Reported
from hub_agent.model.state import EntityState
from tests.unit.core.test_hub import NOON, Living, calling, lamp, sent


def answered(effects: list[Effect]) -> CallAnswered | None:
    """The refusal, if it was one."""
    [answer] = [each.answer for each in effects if isinstance(each, Answer)]
    return answer if isinstance(answer, CallAnswered) else None


def refusal(action: str, *targets: str, **data: Any) -> str:
    home = Living()
    home.tell(lamp("Lamp"))
    effects = home.tell(calling(action, *targets, **data))
    assert sent(effects) == []
    found = answered(effects)
    return "" if found is None else found.error or ""


@pytest.mark.parametrize(
    "action, targets, words",
    [
        ("coffee.make", (), "there is no action coffee.make"),
        ("light.fly", ("light.lamp",), "there is no action light.fly; light knows toggle, turn_off, turn_on"),
        ("light.turn_on", ("light.gone",), "this home has no light.gone"),
        ("media_player.play_media", ("media_player.tv",), "this home has no media_player.tv"),
        ("media_player.explode", (), "there is no action media_player.explode"),
        ("homeassistant.restart", (), "by its service"),
        ("homeassistant.stop", (), "by its service"),
        ("homeassistant.set_location", (), "rules do not move it"),
        ("logger.set_level", (), "agent.log_level"),
        ("tts.speak", ("tts.piper",), "no text to speech"),
        ("tts.google_translate_say", (), "no text to speech"),
        ("camera.snapshot", ("camera.door",), "only where the settings allow it (camera.folder)"),
    ],
)
def test_what_is_not_done_is_refused_in_words(action: str, targets: tuple[str, ...], words: str) -> None:
    assert words in refusal(action, *targets)


@pytest.mark.parametrize(
    "action",
    ["homeassistant.check_config", "homeassistant.reload_all", "light.reload", "template.reload", "system_log.clear"],
)
def test_what_a_hub_always_does_by_itself_is_answered(action: str) -> None:
    assert refusal(action) == ""


def test_a_call_that_names_no_entity_does_nothing_and_says_so_in_the_log() -> None:
    effects = Living().tell(calling("light.turn_on"))

    assert answered(effects) is None
    assert [each.text for each in effects if isinstance(each, Warn)] == [
        "light.turn_on named no entity, so nothing was done."
    ]


def test_every_action_that_a_dialect_brings_is_a_known_action() -> None:
    assert {domain: verbs - ACTIONS[domain] for domain, verbs in DEVICE_ACTIONS.items()} == {
        domain: frozenset() for domain in DEVICE_ACTIONS
    }


# Relative to what is so now.


def made(domain: str, **capabilities: Capability) -> Advertisement:
    entity = AdvertisedEntity("main", domain, capabilities=capabilities)
    return Advertisement(Origin("zigbee2mqtt", "Thing"), (Alias("zigbee_ieee", "t"),), "Thing", entities=(entity,))


def meaning(domain: str, state: str, attributes: dict[str, Any], action: str, **data: Any) -> tuple[str, Any]:
    home = Living()
    home.tell(made(domain, mode=Capability("enum", "rw", options=("a", "b", "c"))))
    home.tell(Reported(Origin("zigbee2mqtt", "Thing"), (EntityReport("main", state, attributes),)))
    effects = home.tell(calling(action, f"{domain}.thing", **data))
    [command] = [each.command for each in effects if isinstance(each, SendCommand)]
    return command.action, command.data


@pytest.mark.parametrize(
    "state, action, data, option",
    [
        ("a", "select.select_next", {}, "b"),
        ("c", "select.select_next", {}, "a"),
        ("c", "select.select_next", {"cycle": False}, "c"),
        ("a", "select.select_previous", {}, "c"),
        ("a", "select.select_previous", {"cycle": False}, "a"),
        ("b", "select.select_first", {}, "a"),
        ("b", "select.select_last", {}, "c"),
        ("unknown", "select.select_next", {}, "a"),
    ],
)
def test_the_next_option_is_decided_from_the_present_one(
    state: str, action: str, data: dict[str, Any], option: str
) -> None:
    assert meaning("select", state, {}, action, **data) == ("select.select_option", {"option": option})


@pytest.mark.parametrize(
    "state, attributes, action, data, percentage",
    [
        ("on", {"percentage": 40}, "fan.increase_speed", {}, 50),
        ("on", {"percentage": 33, "percentage_step": 33.33}, "fan.increase_speed", {}, 66),
        ("on", {"percentage": 95}, "fan.increase_speed", {"percentage_step": 20}, 100),
        ("on", {"percentage": 5}, "fan.decrease_speed", {}, 0),
        ("off", {"percentage": 80}, "fan.increase_speed", {}, 10),
    ],
)
def test_a_little_faster_is_decided_from_the_present_speed(
    state: str, attributes: dict[str, Any], action: str, data: dict[str, Any], percentage: int
) -> None:
    wanted = ("fan.set_percentage", {"percentage": percentage})
    assert meaning("fan", state, attributes, action, **data) == wanted


def test_tilt_and_vacuums_go_the_other_way() -> None:
    tilt = "cover.toggle_cover_tilt"
    assert meaning("cover", "open", {"current_tilt_position": 0}, tilt)[0] == "cover.open_cover_tilt"
    assert meaning("cover", "open", {"current_tilt_position": 30}, tilt)[0] == "cover.close_cover_tilt"
    assert meaning("vacuum", "cleaning", {}, "vacuum.start_pause")[0] == "vacuum.pause"
    assert meaning("vacuum", "docked", {}, "vacuum.start_pause")[0] == "vacuum.start"


@pytest.mark.parametrize(
    "state, attributes, action, wanted",
    [
        (
            "playing",
            {"volume_level": 0.3},
            "media_player.volume_up",
            ("media_player.volume_set", {"volume_level": 0.4}),
        ),
        (
            "playing",
            {"volume_level": 0.05},
            "media_player.volume_down",
            ("media_player.volume_set", {"volume_level": 0}),
        ),
        ("playing", {"volume_level": 0.95}, "media_player.volume_up", ("media_player.volume_set", {"volume_level": 1})),
        ("playing", {}, "media_player.volume_up", ("media_player.volume_up", {})),
        ("playing", {}, "media_player.media_play_pause", ("media_player.media_pause", {})),
        ("paused", {}, "media_player.media_play_pause", ("media_player.media_play", {})),
        ("idle", {}, "media_player.toggle", ("media_player.turn_on", {})),
        ("standby", {}, "media_player.toggle", ("media_player.turn_on", {})),
        ("paused", {}, "media_player.toggle", ("media_player.turn_off", {})),
    ],
)
def test_louder_and_the_other_of_two_are_decided_from_what_the_player_does_now(
    state: str, attributes: dict[str, Any], action: str, wanted: tuple[str, Any]
) -> None:
    assert meaning("media_player", state, attributes, action) == wanted


def seen(state: str, attributes: dict[str, Any]) -> EntityState:
    return EntityState(state, attributes, NOON, NOON)


def players(home: Living, *names: str) -> None:
    for name in names:
        origin = Origin("sonos", f"RINCON_{name}")
        entity = AdvertisedEntity("player", "media_player", object_id=name)
        home.tell(Advertisement(origin, (Alias("sonos", name),), name, entities=(entity,)))


def test_players_that_join_are_given_to_their_dialect_by_its_own_names_and_told_by_entities() -> None:
    home = Living()
    players(home, "kitchen", "hall")
    members = ["media_player.hall", "media_player.not_there"]

    effects = home.tell(calling("media_player.join", "media_player.kitchen", group_members=members))
    told = Reported(
        Origin("sonos", "RINCON_hall"),
        (EntityReport("player", "playing", {"group_members": ["RINCON_kitchen", "RINCON_hall", "RINCON_unmet"]}),),
    )
    home.tell(told)

    [command] = [each.command for each in effects if isinstance(each, SendCommand)]
    told_of = home.hub.states.state(EntityId("media_player.hall"))
    assert command.data["native_members"] == ["RINCON_hall"]
    assert told_of is not None
    assert told_of.attributes["group_members"] == [
        "media_player.kitchen",
        "media_player.hall",
    ]


@pytest.mark.parametrize(
    "action, data, state, is_so",
    [
        ("media_player.volume_set", {"volume_level": 0.3}, seen("idle", {"volume_level": 0.31}), True),
        ("media_player.volume_set", {"volume_level": 0.3}, seen("idle", {"volume_level": 0.4}), False),
        ("media_player.media_play", {}, seen("buffering", {}), True),
        ("media_player.media_play", {}, seen("paused", {}), False),
        ("media_player.media_pause", {}, seen("idle", {}), True),
        ("media_player.play_media", {"media_content_id": "x"}, seen("playing", {}), True),
        ("media_player.play_media", {"enqueue": "add"}, seen("playing", {}), False),
        ("media_player.turn_off", {}, seen("idle", {}), True),
        ("media_player.repeat_set", {"repeat": "all"}, seen("playing", {"repeat": "off"}), False),
    ],
)
def test_what_confirms_an_action_of_a_player(
    action: str, data: dict[str, Any], state: EntityState, is_so: bool
) -> None:
    assert meets(expected_after(action, data), state) is is_so


# The broker and the log.


@pytest.mark.parametrize(
    "data, payload",
    [
        ({"payload": "on"}, b"on"),
        ({}, b""),
        ({"payload": None}, b""),
        ({"payload": 21.5}, b"21.5"),
        ({"payload": True}, b"True"),
        ({"payload": {"a": [1, "å"]}}, '{"a": [1, "å"]}'.encode()),
        ({"payload": "b'\\x01\\xff'"}, b"b'\\x01\\xff'"),
        ({"payload": "b'\\x01\\xff'", "evaluate_payload": True}, b"\x01\xff"),
        ({"payload": "plain", "evaluate_payload": True}, b"plain"),
        ({"payload_template": "x"}, b"x"),
        ({"payload": "\ud800"}, b"?"),
    ],
)
def test_a_payload_is_published_as_it_was_written(data: dict[str, Any], payload: bytes) -> None:
    effects = Living().tell(calling("mqtt.publish", topic="a/b", **data))

    [publication] = [each.publication for each in effects if isinstance(each, Publish)]
    assert (publication.topic, publication.payload) == ("a/b", payload)


def test_quality_and_retention_are_taken_also_as_text() -> None:
    effects = Living().tell(calling("mqtt.publish", topic="a", payload="x", qos="2", retain="true"))

    [publication] = [each.publication for each in effects if isinstance(each, Publish)]
    assert (publication.qos, publication.retain) == (2, True)


@pytest.mark.parametrize(
    "data, words",
    [
        ({}, "topic without wildcards"),
        ({"topic": ""}, "topic without wildcards"),
        ({"topic": 7}, "topic without wildcards"),
        ({"topic": "a/+/b"}, "topic without wildcards"),
        ({"topic": "a/#"}, "topic without wildcards"),
        ({"topic": "a\0b"}, "topic without wildcards"),
        ({"topic": "a" * 70_000}, "65535 bytes"),
        ({"topic": "a", "qos": 3}, "qos must be 0, 1 or 2, not 3"),
        ({"topic": "a", "qos": True}, "qos must be 0, 1 or 2"),
        ({"topic": "a", "retain": "maybe"}, "retain must be true or false"),
        ({"topic": "a", "payload": "b'\\x1'", "evaluate_payload": True}, "no bytes literal"),
        ({"topic": "a", "payload": "x" * (PAYLOAD_BYTES_MAX + 1)}, "a payload has 262144 bytes at most"),
    ],
)
def test_what_cannot_be_published_is_told(data: dict[str, Any], words: str) -> None:
    effects = Living().tell(calling("mqtt.publish", **data))

    found = answered(effects)
    assert found is not None
    assert words in (found.error or "")
    assert not any(isinstance(each, Publish) for each in effects)


@pytest.mark.parametrize(
    "action, data, line",
    [
        ("logbook.log", {"name": "Door", "message": "was opened"}, LogLine("info", "Door was opened")),
        ("system_log.write", {"message": "Oh"}, LogLine("error", "Oh")),
        ("system_log.write", {"message": "a\nFORGED\x1b[2J", "level": "INFO"}, LogLine("info", "a FORGED [2J")),
    ],
)
def test_a_rule_writes_into_the_log_one_line_at_a_time(action: str, data: dict[str, Any], line: LogLine) -> None:
    effects = Living().tell(calling(action, **data))

    assert [each for each in effects if isinstance(each, LogLine)] == [line]


@pytest.mark.parametrize(
    "action, data, words",
    [
        ("logbook.log", {"name": "x"}, "needs a message"),
        ("system_log.write", {"message": "x", "level": "loud"}, "level must be one of debug"),
    ],
)
def test_a_line_that_cannot_be_written_is_told(action: str, data: dict[str, Any], words: str) -> None:
    assert words in refusal(action, **data)
