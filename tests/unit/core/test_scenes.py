"""Scenes: planned in order, confirmed per device, recorded once; one dead lamp holds up nobody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from hub_agent.core.scenes import Scenes
from hub_agent.model.action import Call, CallAnswered, Command, CommandSettled, Recall
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Announce, Answer, AppendRecord, Durability, IssueCleared, IssueRaised, Save, Warn
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId, SceneId
from hub_agent.model.inputs import ScenePressed, StateRemoved, StateSet
from hub_agent.model.scene import SceneSettled
from hub_agent.model.state import Cause, EntityState

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LAMP_A, LAMP_B, LAMP_C = (f"00000000-0000-4000-8000-00000000000{letter}" for letter in "abc")
PERSON = "11111111-0000-4000-8000-000000000000"
MOVIE = SceneId("22222222-0000-4000-8000-000000000000")


class House:
    """The states that scenes read."""

    def __init__(self, **states: EntityState) -> None:
        self.states = {EntityId(name.replace("__", ".")): state for name, state in states.items()}

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)


def state(text: str, **attributes: object) -> EntityState:
    return EntityState(text, attributes, NOON, NOON)


def house() -> House:
    return House(light__a=state("off"), light__b=state("off"), light__c=state("off"))


def scenes(world: House, *definitions: Definition) -> Scenes:
    numbers = count(1)
    room = Scenes(world, lambda: f"id{next(numbers)}", {LAMP_A: "Lamp A", LAMP_B: "Lamp B"}.get)
    for definition in definitions:
        room.load(definition, NOON)
    return room


def wish(device_id: str, entity_id: str, text: str = "on", **attributes: object) -> dict:
    return {"device_id": device_id, "desired_state": {entity_id: {"state": text, "attributes": attributes}}}


def movie(*wishes: dict, **fields: object) -> Definition:
    return Definition("scene", MOVIE, {"name": "Movie night", "device_states": list(wishes), **fields})


THREE_LAMPS = movie(
    wish(LAMP_B, "light.b", brightness=50), wish(LAMP_A, "light.a", brightness=128), wish(LAMP_C, "light.c")
)


def press(room: Scenes, request_id: str = "r1", now: datetime = NOON) -> list:
    return room.press(ScenePressed(MOVIE, Cause("manual", by=PERSON), "manual", request_id), now)


def turn_on(room: Scenes, *targets: str, action: str = "scene.turn_on", **data: object) -> list:
    target = tuple(EntityId(name) for name in targets)
    return room.call(Call(CallId("step"), action, target, data, Cause("automation", "run")), NOON)


def calls_in(given: list) -> list[Call]:
    return [item for item in given if isinstance(item, Call)]


def of(kind: type, given: list) -> list:
    return [item for item in given if isinstance(item, kind)]


def settled(call: Call, outcome: str = "confirmed", error: str | None = None) -> CommandSettled:
    command = Command(
        CommandId(f"c-{call.id}"),
        call.id,
        DeviceId("d"),
        call.target[0],
        call.action,
        call.data,
        call.cause,
        NOON,
        NOON + 30 * SECOND,
    )
    return CommandSettled(command, outcome, NOON, error)


def plan(given: list) -> list[tuple[str, str, dict]]:
    return [(call.action, call.target[0], dict(call.data)) for call in calls_in(given)]


def test_pressing_a_scene_calls_each_entity_in_the_lists_order() -> None:
    given = press(scenes(house(), THREE_LAMPS))

    assert plan(given) == [
        ("light.turn_on", "light.b", {"brightness": 50}),
        ("light.turn_on", "light.a", {"brightness": 128}),
        ("light.turn_on", "light.c", {}),
    ]
    assert {call.cause.kind for call in calls_in(given)} == {"scene"}


def test_a_press_is_kept_before_anything_is_called() -> None:
    given = press(scenes(house(), THREE_LAMPS))
    kinds = [type(item) for item in given]

    assert of(Save, given)[0].durability is Durability.FSYNC
    assert kinds.index(Save) < kinds.index(Call)


def test_it_ends_when_every_device_has_settled() -> None:
    room = scenes(house(), THREE_LAMPS)
    first, second, third = calls_in(press(room))

    assert room.handle_settled(settled(first), NOON + SECOND) == []
    assert room.handle_settled(settled(second), NOON + SECOND) == []
    given = room.handle_settled(settled(third, "sent"), NOON + 2 * SECOND)

    (record,) = of(AppendRecord, given)
    assert record.stream == "scene_activations"
    assert record.durability is Durability.FSYNC
    assert record.row == {
        "id": "id1",
        "time": NOON,
        "scene_id": MOVIE,
        "activated_by": PERSON,
        "activation_source": "manual",
        "status": "success",
        "devices_targeted": 3,
        "devices_succeeded": 3,
        "devices_failed": 0,
        "execution_duration_ms": 2000,
        "failed_devices": [],
        "error_message": None,
        "created_at": NOON + 2 * SECOND,
    }
    assert Save("scenes", "activation/id1", None) in given
    assert of(Answer, given)[0].answer["status"] == "success"
    assert of(Announce, given)[0].body["id"] == MOVIE
    assert room.get_timer() is None


def test_one_dead_lamp_makes_it_partial_and_is_named() -> None:
    room = scenes(house(), THREE_LAMPS)
    first, second, third = calls_in(press(room))
    room.handle_settled(settled(first), NOON)
    room.handle_settled(settled(second, "unconfirmed", "The device did not report that it did it."), NOON)

    answer = of(Answer, room.handle_settled(settled(third), NOON))[0].answer

    assert answer["status"] == "partial"
    assert answer["devices_succeeded"] == 2
    assert answer["failed_devices"] == [
        {"id": LAMP_A, "name": "Lamp A", "error": "The device did not report that it did it."}
    ]


def test_after_six_seconds_it_ends_whoever_is_missing() -> None:
    world = house()
    room = scenes(world, THREE_LAMPS)
    first, _, _ = calls_in(press(room))
    room.handle_settled(settled(first), NOON)
    world.states[EntityId("light.a")] = state("on", brightness=128)

    assert room.get_timer() == NOON + 6 * SECOND
    (record,) = of(AppendRecord, room.handle_timer(NOON + 6 * SECOND))

    assert record.row["status"] == "partial"
    assert record.row["failed_devices"] == [LAMP_C]
    assert record.row["execution_duration_ms"] == 6000


def test_a_slow_transition_has_longer() -> None:
    room = scenes(house(), movie(wish(LAMP_A, "light.a"), transition_duration_ms=4000))

    assert plan(press(room)) == [("light.turn_on", "light.a", {"transition": 4.0})]
    assert room.get_timer() == NOON + 10 * SECOND


def test_devices_that_are_there_already_get_no_command_and_count_as_succeeded() -> None:
    world = House(light__a=state("on", brightness=128), light__b=state("on", brightness=50), light__c=state("on"))

    given = press(scenes(world, THREE_LAMPS))

    assert calls_in(given) == []
    assert of(AppendRecord, given)[0].row["devices_succeeded"] == 3
    assert of(Answer, given)[0].answer["status"] == "success"


def test_an_entity_that_does_not_exist_fails_with_words_and_the_rest_goes_on() -> None:
    world = house()
    del world.states[EntityId("light.b")]
    room = scenes(world, THREE_LAMPS)

    given = press(room)

    assert [target for _, target, _ in plan(given)] == ["light.a", "light.c"]
    (raised,) = of(IssueRaised, given)
    assert raised.issue.text == "Movie night names light.b, which this home does not have."
    for call in calls_in(given):
        last = room.handle_settled(settled(call), NOON)
    assert of(AppendRecord, last)[0].row["error_message"] == "Lamp B: light.b does not exist in this home"


def test_an_unavailable_lamp_is_commanded_all_the_same() -> None:
    world = house()
    world.states[EntityId("light.a")] = state("unavailable")

    assert "light.a" in [target for _, target, _ in plan(press(scenes(world, THREE_LAMPS)))]


def test_a_device_with_two_entities_counts_once() -> None:
    both = {"device_id": LAMP_A, "desired_state": {"light.a": "on", "light.b": {"state": "on"}}}
    room = scenes(house(), movie(both))
    first, second = calls_in(press(room))
    room.handle_settled(settled(first), NOON)

    row = of(AppendRecord, room.handle_settled(settled(second, "failed", "no"), NOON))[0].row

    assert (row["devices_targeted"], row["devices_failed"], row["status"]) == (1, 1, "failed")


def test_a_repeated_request_is_not_done_twice_and_gets_the_same_answer() -> None:
    room = scenes(house(), movie(wish(LAMP_A, "light.a")))
    (call,) = calls_in(press(room))

    assert press(room) == []
    first = of(Answer, room.handle_settled(settled(call), NOON))
    assert press(room) == first


def test_pressing_what_does_not_exist_is_answered_in_words() -> None:
    (answer,) = press(scenes(house()))

    assert "no such scene" in answer.answer["error"]


def test_a_crash_half_way_still_gives_one_record() -> None:
    definition = THREE_LAMPS
    given = press(scenes(house(), definition))
    (kept,) = of(Save, given)
    world = house()
    room = scenes(world, definition)
    room.restore({kept.key: kept.body}, NOON + 60 * SECOND)

    (first, second, _) = calls_in(given)
    room.handle_settled(settled(first), NOON + 61 * SECOND)
    room.handle_settled(settled(second), NOON + 61 * SECOND)
    ended = room.handle_timer(NOON + 66 * SECOND)

    (record,) = of(AppendRecord, ended)
    assert record.row["id"] == "id1"
    assert record.row["time"] == NOON
    assert record.row["failed_devices"] == [LAMP_C]
    assert Save("scenes", kept.key, None) in ended
    assert of(Answer, ended)[0].request_id == "r1"


def test_how_often_and_when_last_is_remembered_across_a_restart() -> None:
    world = House(light__a=state("on"))
    definition = movie(wish(LAMP_A, "light.a"))
    kept = [save for save in of(Save, press(scenes(world, definition))) if save.body]
    room = scenes(world, definition)

    given = room.restore({save.key: save.body for save in kept}, NOON + SECOND)

    assert room.present() == {MOVIE: {"activation_count": 1, "last_activated_at": NOON.isoformat()}}
    assert given == [StateSet(EntityId("scene.movie_night"), NOON.isoformat())]


def test_the_scenes_state_is_when_it_was_last_activated() -> None:
    room = scenes(house())

    (loaded,) = room.load(THREE_LAMPS, NOON)
    (pressed,) = of(StateSet, press(room))

    assert (loaded.entity_id, loaded.state) == ("scene.movie_night", None)
    assert pressed.state == NOON.isoformat()
    assert pressed.attributes["entity_id"] == ["light.b", "light.a", "light.c"]


def test_a_rules_scene_is_answered_after_its_calls_and_settles_by_name() -> None:
    room = scenes(house(), movie(wish(LAMP_A, "light.a"), wish(LAMP_B, "light.b")))
    given = turn_on(room, "scene.movie_night", transition=2)

    assert given[-1] == CallAnswered(CallId("step"), commands=1)
    assert plan(given)[0] == ("light.turn_on", "light.a", {"transition": 2.0})
    first, second = calls_in(given)
    assert first.cause == Cause("automation", "run")
    room.handle_settled(settled(first), NOON)
    ended = room.handle_settled(settled(second, "unconfirmed", "silence"), NOON)

    (end,) = of(SceneSettled, ended)
    assert (end.call_id, end.status, [device.name for device in end.failed]) == ("step", "partial", ["Lamp B"])
    assert of(AppendRecord, ended)[0].row["activation_source"] == "automation"


def test_an_unknown_scene_is_a_warning_not_a_failure() -> None:
    given = turn_on(scenes(house()), "scene.gone")

    assert of(Warn, given)
    assert of(CallAnswered, given) == [CallAnswered(CallId("step"))]


def test_an_answer_without_commands_is_an_end() -> None:
    room = scenes(house(), movie(wish(LAMP_A, "light.a"), wish(LAMP_B, "light.b")))
    first, second = calls_in(press(room))

    assert room.handle_answered(CallAnswered(first.id), NOON) == []
    ended = room.handle_answered(CallAnswered(second.id, "nobody serves it"), NOON)

    assert of(Answer, ended)[0].answer["failed_devices"][0]["error"] == "nobody serves it"


def test_apply_takes_states_without_a_scene_and_leaves_no_record() -> None:
    room = scenes(house())

    given = turn_on(
        room, action="scene.apply", entities={"light.a": {"state": "on", "brightness": 10}, "light.b": True}
    )

    assert plan(given) == [("light.turn_on", "light.a", {"brightness": 10}), ("light.turn_on", "light.b", {})]
    ended = [end for call in calls_in(given) for end in room.handle_settled(settled(call), NOON)]
    assert [type(end) for end in ended] == [SceneSettled]


def test_a_snapshot_brings_back_what_was() -> None:
    world = House(light__a=state("on", brightness=30), light__b=state("unavailable"))
    room = scenes(world)
    turn_on(room, action="scene.create", scene_id="before", snapshot_entities=["light.a", "light.b"])
    world.states[EntityId("light.a")] = state("off")

    assert plan(turn_on(room, "scene.before")) == [("light.turn_on", "light.a", {"brightness": 30})]


def test_only_created_scenes_can_be_deleted() -> None:
    room = scenes(house(), THREE_LAMPS)
    turn_on(room, action="scene.create", scene_id="mine", entities={"light.a": "on"})

    (refused,) = turn_on(room, "scene.movie_night", action="scene.delete")
    deleted = turn_on(room, "scene.mine", action="scene.delete")

    assert "scene of the home" in refused.error
    assert StateRemoved(EntityId("scene.mine")) in deleted


def test_creating_over_a_scene_of_the_home_is_ignored() -> None:
    room = scenes(house(), THREE_LAMPS)

    given = turn_on(room, action="scene.create", scene_id="movie_night", entities={"light.a": "off"})

    assert of(Warn, given)
    assert len(plan(press(room))) == 3


def test_an_action_that_does_not_exist_is_named() -> None:
    (answered,) = turn_on(scenes(house()), action="scene.fly")

    assert answered.is_unknown_action


def test_attributes_need_a_state() -> None:
    (answered,) = turn_on(scenes(house()), action="scene.apply", entities={"light.a": {"brightness": 10}})

    assert answered.error == "entities/light.a: attributes need a state beside them"


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"device_states": []}, "name: a scene needs a name"),
        ({"name": "x"}, "device_states: must be a list of devices and their desired states"),
        ({"name": "x", "device_states": ["light.a"]}, "device_states/0: must hold a device_id and its desired_state"),
        (
            {"name": "x", "device_states": [{"device_id": LAMP_A, "desired_state": {"kitchen": "on"}}]},
            'device_states/0/desired_state/kitchen: "kitchen" is not an entity id such as light.kitchen',
        ),
        (
            {"name": "x", "device_states": [wish(LAMP_A, "light.a") | {"transition_ms": "soon"}]},
            "device_states/0/transition_ms: must be a number of milliseconds, not 'soon'",
        ),
    ],
)
def test_a_bad_scene_becomes_an_issue_that_says_where(fields: dict, reason: str) -> None:
    room = scenes(house())

    (raised,) = of(IssueRaised, room.load(Definition("scene", MOVIE, fields), NOON))

    assert raised.issue.code == "scene_invalid"
    assert raised.issue.details["reason"] == reason
    assert reason in of(Answer, press(room))[0].answer["error"]
    assert IssueCleared("scene_invalid", MOVIE) in room.load(THREE_LAMPS, NOON)


def test_a_scene_that_is_switched_off_does_nothing_and_says_so() -> None:
    given = press(scenes(house(), replace(THREE_LAMPS, fields={**THREE_LAMPS.fields, "is_active": False})))

    assert calls_in(given) == []
    assert of(Answer, given)[0].answer["failed_devices"][0]["error"] == "the scene is switched off"


def test_two_scenes_of_one_name_have_entities_of_their_own() -> None:
    other = Definition("scene", "other", {"name": "Movie night", "device_states": []})
    room = scenes(house(), THREE_LAMPS, other)

    assert [scene.entity_id for scene in room.scenes()] == ["scene.movie_night", "scene.movie_night_2"]


def test_a_renamed_scene_moves_its_entity_and_keeps_its_history() -> None:
    room = scenes(House(light__a=state("on")), movie(wish(LAMP_A, "light.a")))
    press(room)

    given = room.load(Definition("scene", MOVIE, {"name": "Cinema", "device_states": []}), NOON)

    assert [(type(item), item.entity_id) for item in given] == [
        (StateRemoved, "scene.movie_night"),
        (StateSet, "scene.cinema"),
    ]
    assert given[1].state == NOON.isoformat()


@pytest.mark.parametrize(
    "entity_id, wanted, current, expected",
    [
        (
            "light.a",
            {"state": "on", "brightness": 50},
            state("on", brightness=80),
            [("light.turn_on", {"brightness": 50})],
        ),
        ("light.a", "off", state("off"), []),
        (
            "light.a",
            {"state": "on", "color_mode": "color_temp", "color_temp_kelvin": 2700, "rgb_color": [1, 2, 3]},
            state("off"),
            [("light.turn_on", {"color_temp_kelvin": 2700})],
        ),
        ("light.a", {"state": "on", "xy_color": [0.3, 0.3]}, state("on", xy_color=[0.3, 0.3]), []),
        ("switch.s", True, state("off"), [("switch.turn_on", {})]),
        (
            "cover.c",
            {"state": "open", "current_position": 40},
            state("open", current_position=80),
            [("cover.set_cover_position", {"position": 40})],
        ),
        ("cover.c", "closed", state("open"), [("cover.close_cover", {})]),
        ("cover.c", "open", state("opening"), []),
        ("valve.v", "open", state("closed"), [("valve.open_valve", {})]),
        ("lock.l", "locked", state("unlocked"), [("lock.lock", {})]),
        (
            "climate.c",
            {"state": "heat", "temperature": 21, "preset_mode": "eco"},
            state("off", temperature=18, preset_mode="none"),
            [
                ("climate.set_hvac_mode", {"hvac_mode": "heat"}),
                ("climate.set_preset_mode", {"preset_mode": "eco"}),
                ("climate.set_temperature", {"temperature": 21}),
            ],
        ),
        ("climate.c", {"state": "heat", "temperature": 21}, state("heat", temperature=21.0), []),
        (
            "fan.f",
            {"state": "on", "percentage": 66},
            state("off"),
            [("fan.turn_on", {}), ("fan.set_percentage", {"percentage": 66})],
        ),
        ("input_boolean.b", "on", state("off"), [("input_boolean.turn_on", {})]),
        ("input_number.n", "7", state("3.0"), [("input_number.set_value", {"value": 7})]),
        ("number.n", 7.5, state("7.5"), []),
        ("input_select.s", "eco", state("boost"), [("input_select.select_option", {"option": "eco"})]),
        ("input_datetime.d", "07:30:00", state("06:00:00"), [("input_datetime.set_datetime", {"time": "07:30:00"})]),
        ("media_player.m", "paused", state("playing"), [("media_player.media_pause", {})]),
        ("media_player.m", "paused", state("idle"), []),
        ("media_player.m", "idle", state("off"), []),
        ("media_player.m", "off", state("playing"), [("media_player.turn_off", {})]),
        ("media_player.m", "on", state("standby"), [("media_player.turn_on", {})]),
        (
            "media_player.m",
            {"state": "playing", "volume_level": 0.2},
            state("off", volume_level=0.9),
            [
                ("media_player.turn_on", {}),
                ("media_player.volume_set", {"volume_level": 0.2}),
                ("media_player.media_play", {}),
            ],
        ),
        (
            "media_player.m",
            {"state": "playing", "volume_level": 0.2, "source": "Radio", "is_volume_muted": False},
            state("paused", volume_level=0.2, source="TV", is_volume_muted=True),
            [
                ("media_player.volume_mute", {"is_volume_muted": False}),
                ("media_player.select_source", {"source": "Radio"}),
            ],
        ),
        ("vacuum.v", "docked", state("returning"), []),
    ],
)
def test_each_domain_is_driven_by_its_own_actions(
    entity_id: str, wanted: object, current: EntityState, expected: list[tuple[str, dict]]
) -> None:
    room = scenes(House(**{entity_id.replace(".", "__"): current}))

    given = turn_on(room, action="scene.apply", entities={entity_id: wanted})

    assert [(call.action, dict(call.data)) for call in calls_in(given)] == expected


@pytest.mark.parametrize("entity_id, wanted", [("sensor.s", "21"), ("light.a", "purple"), ("lock.l", "unavailable")])
def test_a_state_that_cannot_be_brought_about_fails_with_words(entity_id: str, wanted: str) -> None:
    room = scenes(House(**{entity_id.replace(".", "__"): state("off")}))

    (end,) = of(SceneSettled, turn_on(room, action="scene.apply", entities={entity_id: wanted}))

    assert end.status == "failed"
    assert entity_id in end.failed[0].error


def test_members_of_a_copy_that_a_bridge_keeps_are_moved_by_one_word_and_the_others_alone() -> None:
    numbers = count(1)
    recall = Recall(DeviceId("bridge"), "group 7", "id1")
    kept = {EntityId("light.a"): recall, EntityId("light.b"): recall}
    room = Scenes(house(), lambda: f"id{next(numbers)}", recalls=lambda _scene, _transition_s, _activation: kept)
    room.load(THREE_LAMPS, NOON)
    assert {each.target[0]: each.recall for each in calls_in(press(room))} == {
        "light.b": recall,
        "light.a": recall,
        "light.c": None,
    }


def test_a_copy_is_not_recalled_for_a_single_lamp_that_is_not_there_yet() -> None:
    numbers = count(1)
    recall = Recall(DeviceId("bridge"), "group 7", "id1")
    kept = {EntityId("light.a"): recall, EntityId("light.b"): recall}
    home = House(light__a=state("on", brightness=128), light__b=state("off"), light__c=state("on"))
    room = Scenes(home, lambda: f"id{next(numbers)}", recalls=lambda _scene, _transition_s, _activation: kept)
    room.load(THREE_LAMPS, NOON)
    assert [(each.target[0], each.recall) for each in calls_in(press(room))] == [("light.b", None)]
