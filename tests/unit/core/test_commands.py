"""Commands: durable before they are sent, confirmed by a report, never sent late, settled once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from hub_agent.core.commands import PENDING_MAX, RECALL_WITHIN, TIME_TO_LIVE, Commands
from hub_agent.model.action import Call, Command, CommandSettled, Recall
from hub_agent.model.device import Capability, Device, DeviceType, Entity, Origin
from hub_agent.model.effects import Durability, SaveCommand, SendCommand
from hub_agent.model.ids import CallId, DeviceId, EntityId
from hub_agent.model.inputs import CommandNotSent, CommandSent
from hub_agent.model.state import Cause, EntityState

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def device(name: str, **settings: object) -> Device:
    return Device(
        DeviceId(name),
        Origin("zigbee2mqtt", name),
        (),
        name,
        False,
        None,
        None,
        None,
        DeviceType.LIGHT,
        None,
        None,
        None,
        None,
        {},
        (),
        settings,
    )


def entity(entity_id: str, capabilities: Mapping[str, Capability] | None = None) -> Entity:
    domain = entity_id.partition(".")[0]
    return Entity(
        EntityId(entity_id), DeviceId("d"), "key", domain, None, None, None, None, None, capabilities or {}, {}
    )


def state(text: str, **attributes: object) -> EntityState:
    return EntityState(text, attributes, NOON, NOON)


def commands() -> Commands:
    numbers = count(1)
    return Commands(lambda: f"c{next(numbers)}")


def call(action: str, *, call_id: str = "call", **data: object) -> Call:
    return Call(CallId(call_id), action, (), data, Cause("manual"))


def issue(room: Commands, asked: Call, entity_id: str, now: datetime = NOON, known: EntityState | None = None) -> list:
    return room.issue(asked, [(device("d"), entity(entity_id), known)], now)


def sent_one(room: Commands, asked: Call, entity_id: str, now: datetime = NOON) -> Command:
    command = issue(room, asked, entity_id, now)[-1].command
    room.handle_sent(CommandSent(command.id), now)
    return command


def outcomes(given: list) -> list[tuple[str, str]]:
    return [(settled.command.id, settled.outcome) for settled in given if isinstance(settled, CommandSettled)]


def test_a_command_is_kept_and_then_sent() -> None:
    kept, sent = issue(commands(), call("light.turn_on", brightness=128), "light.hall")

    assert isinstance(kept, SaveCommand)
    assert isinstance(sent, SendCommand)
    assert kept.durability is Durability.COMMIT
    assert kept.command == sent.command
    assert sent.command.expires_at == NOON + TIME_TO_LIVE
    assert sent.command.expected == {"state": "on", "brightness": 128}


def test_each_entity_of_a_call_gets_a_command_of_its_own() -> None:
    targets = [(device(name), entity(f"light.{name}"), None) for name in ("a", "b", "c")]

    given = commands().issue(call("light.turn_off"), targets, NOON)

    assert [effect.command.entity_id for effect in given if isinstance(effect, SendCommand)] == [
        "light.a",
        "light.b",
        "light.c",
    ]


@pytest.mark.parametrize(
    "entity_id, known, action",
    [
        ("light.hall", "on", "light.turn_off"),
        ("light.hall", "off", "light.turn_on"),
        ("light.hall", "unavailable", "light.turn_on"),
        ("cover.blind", "open", "cover.close_cover"),
        ("cover.blind", "closed", "cover.open_cover"),
    ],
)
def test_a_toggle_is_decided_once_by_what_is_so_now(entity_id: str, known: str, action: str) -> None:
    asked = call(f"{entity_id.partition('.')[0]}.toggle")

    assert issue(commands(), asked, entity_id, known=state(known))[-1].command.action == action


def test_an_action_of_another_domain_fails_with_words() -> None:
    (settled,) = issue(commands(), call("light.turn_on"), "switch.pump")

    assert settled.outcome == "failed"
    assert "switch.pump is a switch" in settled.error


def test_the_report_that_says_what_was_asked_confirms() -> None:
    room = commands()
    command = sent_one(room, call("light.turn_on", brightness=128), "light.hall")

    assert room.handle_state(EntityId("light.hall"), state("on", brightness=90), NOON + SECOND) == []
    given = room.handle_state(EntityId("light.hall"), state("on", brightness=127), NOON + SECOND)

    assert outcomes(given) == [(command.id, "confirmed")]
    assert given[0].is_settled
    assert room.handle_state(EntityId("light.hall"), state("on", brightness=127), NOON + SECOND) == []
    assert room.get_timer() is None


def test_a_report_from_before_the_command_was_sent_confirms_nothing() -> None:
    room = commands()
    issue(room, call("light.turn_on"), "light.hall")

    assert room.handle_state(EntityId("light.hall"), state("on"), NOON) == []


def test_silence_for_five_seconds_after_sending_is_unconfirmed() -> None:
    room = commands()
    command = sent_one(room, call("light.turn_on"), "light.hall", NOON)

    assert room.get_timer() == NOON + 5 * SECOND
    assert room.handle_timer(NOON + 4 * SECOND) == []
    assert outcomes(room.handle_timer(NOON + 5 * SECOND)) == [(command.id, "unconfirmed")]
    assert room.get_timer() is None


@pytest.mark.parametrize(
    "asked, entity_id, within_s",
    [
        (call("light.turn_on", transition=20), "light.hall", 25),
        (call("cover.open_cover"), "cover.blind", 60),
        (call("lock.lock"), "lock.door", 60),
        (call("switch.turn_on", transition=20), "switch.pump", 5),
    ],
)
def test_slow_things_have_longer_to_confirm(asked: Call, entity_id: str, within_s: int) -> None:
    room = commands()
    sent_one(room, asked, entity_id)

    assert room.get_timer() == NOON + within_s * SECOND


def test_a_device_may_be_given_its_own_time_to_confirm() -> None:
    room = commands()
    given = room.issue(call("light.turn_on"), [(device("d", confirm_s=30), entity("light.hall"), None)], NOON)
    room.handle_sent(CommandSent(given[-1].command.id), NOON)

    assert room.get_timer() == NOON + 30 * SECOND


def test_a_cover_on_its_way_is_enough() -> None:
    room = commands()
    command = sent_one(room, call("cover.set_cover_position", position=40), "cover.blind")

    given = room.handle_state(EntityId("cover.blind"), state("closing", current_position=90), NOON)

    assert outcomes(given) == [(command.id, "confirmed")]


def test_what_nothing_can_confirm_settles_when_it_is_sent_and_is_kept_at_once() -> None:
    room = commands()
    command = issue(room, call("button.press"), "button.identify")[-1].command

    given = room.handle_sent(CommandSent(command.id), NOON)

    assert outcomes(given) == [(command.id, "sent")]
    assert given[0].durability is Durability.COMMIT


def test_a_device_that_never_says_its_state_is_not_blamed_for_silence() -> None:
    room = commands()
    relay = entity("switch.a", {"on": Capability("bool", "w")})
    command = room.issue(call("switch.turn_on"), [(device("d"), relay, None)], NOON)[-1].command

    assert outcomes(room.handle_sent(CommandSent(command.id), NOON)) == [(command.id, "sent")]


def test_what_could_not_be_sent_for_thirty_seconds_is_never_sent() -> None:
    room = commands()
    command = issue(room, call("light.turn_on"), "light.hall")[-1].command
    room.handle_not_sent(CommandNotSent(command.id, "no connection", may_try_again=True), NOON)

    assert outcomes(room.handle_timer(NOON + TIME_TO_LIVE)) == [(command.id, "expired")]
    assert room.handle_connected(NOON + TIME_TO_LIVE) == []


def test_what_waits_for_the_connection_is_sent_when_it_is_back() -> None:
    room = commands()
    command = issue(room, call("light.turn_on"), "light.hall")[-1].command
    room.handle_not_sent(CommandNotSent(command.id, "no connection", may_try_again=True), NOON)

    assert room.handle_connected(NOON + 10 * SECOND) == [SendCommand(command)]


def test_what_is_being_sent_when_the_connection_comes_back_is_not_sent_twice() -> None:
    room = commands()
    command = issue(room, call("button.press"), "button.bell")[-1].command

    assert room.handle_connected(NOON) == [], "whether it was sent is not known yet"
    room.handle_sent(CommandSent(command.id), NOON)
    assert room.handle_connected(NOON) == []


def test_what_can_never_be_sent_fails_with_the_reason() -> None:
    room = commands()
    command = issue(room, call("light.turn_on"), "light.hall")[-1].command

    given = room.handle_not_sent(CommandNotSent(command.id, "it has no brightness"), NOON)

    assert outcomes(given) == [(command.id, "failed")]
    assert given[1].error == "it has no brightness"


def test_a_newer_command_that_wants_something_else_supersedes() -> None:
    room = commands()
    first = sent_one(room, call("light.turn_on"), "light.hall")

    given = issue(room, call("light.turn_off"), "light.hall", NOON + SECOND)

    assert outcomes(given) == [(first.id, "superseded")]
    assert isinstance(given[-1], SendCommand)


def test_commands_that_can_both_come_true_stand_side_by_side() -> None:
    room = commands()
    first = sent_one(room, call("light.turn_on", brightness=128), "light.hall")
    second = sent_one(room, call("light.turn_on", color_temp_kelvin=2700), "light.hall")

    given = room.handle_state(EntityId("light.hall"), state("on", brightness=128, color_temp_kelvin=2703), NOON)

    assert outcomes(given) == [(first.id, "confirmed"), (second.id, "confirmed")]


def test_stopping_a_cover_supersedes_moving_it() -> None:
    room = commands()
    first = sent_one(room, call("cover.set_cover_position", position=40), "cover.blind")

    assert (first.id, "superseded") in outcomes(issue(room, call("cover.stop_cover"), "cover.blind"))


def test_after_a_crash_only_what_has_not_expired_is_sent() -> None:
    fresh = issue(commands(), call("light.turn_on"), "light.fresh", NOON)[-1].command
    stale = replace(fresh, id="stale", entity_id=EntityId("light.stale"), expires_at=NOON - SECOND)
    sent = replace(fresh, id="sent", entity_id=EntityId("light.sent"), sent_at=NOON - 60 * SECOND)
    room = commands()

    given = room.restore([stale, sent, fresh], NOON + SECOND)

    assert [effect.command.id for effect in given if isinstance(effect, SendCommand)] == [fresh.id]
    assert outcomes(given) == [("stale", "expired")]
    assert outcomes(room.handle_state(EntityId("light.sent"), state("on"), NOON + 2 * SECOND)) == [
        ("sent", "confirmed")
    ]


def test_a_clock_step_expires_nothing_by_itself() -> None:
    room = commands()
    command = sent_one(room, call("light.turn_on"), "light.hall")
    waiting = issue(room, call("light.turn_on"), "light.other")[-1].command
    hour = timedelta(hours=1)

    kept = room.handle_clock_step(hour)

    assert {effect.command.id for effect in kept} == {command.id, waiting.id}
    assert room.handle_timer(NOON + hour + 4 * SECOND) == []
    assert outcomes(room.handle_timer(NOON + hour + 5 * SECOND)) == [(command.id, "unconfirmed")]


def test_more_than_a_home_can_have_fail_at_once_with_words() -> None:
    room = commands()
    targets = [(device("d"), entity(f"light.l{number}"), None) for number in range(PENDING_MAX + 1)]

    given = room.issue(call("light.turn_on"), targets, NOON)

    assert [settled.error for settled in given if isinstance(settled, CommandSettled)] == [
        f"{PENDING_MAX} commands are waiting already; light.turn_on was not sent."
    ]


@pytest.mark.parametrize(
    "asked, entity_id, seen, is_confirmed",
    [
        (call("light.turn_on", brightness=0), "light.a", state("off"), True),
        (call("light.turn_on", brightness_pct=50), "light.a", state("on", brightness=127), True),
        (call("light.turn_on", brightness=50), "light.a", state("off", brightness=50), False),
        (call("light.turn_on", color_temp=370), "light.a", state("on", color_temp_kelvin=2702), True),
        (call("light.turn_on", brightness=50), "light.a", state("on"), True),
        (call("climate.set_temperature", temperature=21), "climate.a", state("heat", temperature=21.05), True),
        (call("climate.set_temperature", temperature=21), "climate.a", state("heat", temperature=20), False),
        (call("climate.set_temperature", temperature=21), "climate.a", state("heat"), False),
        (call("fan.set_percentage", percentage=50), "fan.a", state("on", percentage=66), True),
        (call("select.select_option", option="eco"), "select.a", state("eco"), True),
        (call("number.set_value", value=21), "number.a", state("21.0"), True),
        (call("lock.unlock"), "lock.a", state("unlocking"), True),
        (call("lock.lock"), "lock.a", state("jammed"), False),
    ],
)
def test_reports_are_compared_as_devices_round(
    asked: Call, entity_id: str, seen: EntityState, is_confirmed: bool
) -> None:
    room = commands()
    sent_one(room, asked, entity_id)

    assert bool(room.handle_state(EntityId(entity_id), seen, NOON)) is is_confirmed


def test_a_lamp_is_not_blamed_for_its_limits() -> None:
    room = commands()
    lamp = entity("light.a", {"color_temp": Capability("int", "rw", "K", 2200, 6500)})
    command = room.issue(call("light.turn_on", color_temp_kelvin=2000), [(device("d"), lamp, None)], NOON)[-1].command
    room.handle_sent(CommandSent(command.id), NOON)

    assert outcomes(room.handle_state(EntityId("light.a"), state("on", color_temp_kelvin=2200), NOON)) == [
        (command.id, "confirmed")
    ]


def test_what_a_recalled_scene_did_not_move_is_told_alone_once_and_then_given_up() -> None:
    room = commands()
    recalled = replace(call("light.turn_on"), recall=Recall(DeviceId("bridge"), "group 7", "press"))
    room.issue(recalled, [(device("d"), entity("light.a"), state("off"))], NOON)
    [pending] = room.handle_sent(CommandSent("c1"), NOON)
    assert pending.command.recall is not None
    due = room.get_timer()
    assert due == NOON + RECALL_WITHIN
    alone = [each.command for each in room.handle_timer(due) if isinstance(each, SendCommand)]
    assert [(each.recall, each.attempt) for each in alone] == [(None, 2)]
    room.handle_sent(CommandSent("c1"), due)
    settled = [each for each in room.handle_timer(due + TIME_TO_LIVE) if isinstance(each, CommandSettled)]
    assert [each.outcome for each in settled] == ["unconfirmed"]
