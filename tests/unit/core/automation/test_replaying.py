"""A rule over a past that the test writes down: when it would have run, what it would have done, and what it cannot know."""

from datetime import timedelta

import pytest

from hub_agent.core.automation.comparing import counted, happened, table
from hub_agent.core.automation.replaying import Replay, longest_hold, not_replayed, read_rule
from hub_agent.core.automation.spelling import automation_fields, script_fields
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.state import EntityState
from tests.unit.core.automation.conftest import BERLIN, LIGHT_ON, MOTION, NOON


def rule(triggers=MOTION, actions=LIGHT_ON, *, fields=None, **config) -> Definition:
    row = automation_fields({"alias": "Rule", "triggers": triggers, "actions": actions, **config})
    return Definition("automation", "a", {**row, **(fields or {})})


def state(text: str, seconds: float = 0, **attributes) -> EntityState:
    at = NOON + timedelta(seconds=seconds)
    return EntityState(text, attributes, at, at)


def play(definition, *changes, until: float = 3600, since: float = 0, initial=None, scripts=()) -> Replay:
    """`changes`: seconds after noon, entity, state."""
    states = {EntityId(name): state(text) for name, text in (initial or {}).items()}
    begin = NOON + timedelta(seconds=since)
    replay = Replay(definition, scripts=scripts, place=BERLIN, states=states, warm_from=NOON, since=begin)
    for seconds, entity_id, text in changes:
        replay.take(NOON + timedelta(seconds=seconds), EntityId(entity_id), state(text, seconds))
    replay.end(NOON + timedelta(seconds=until))
    return replay


def told(replay) -> list[tuple[float, str]]:
    return [((each.at - NOON).total_seconds(), each.status) for each in replay.occasions]


def calls(occasion) -> list[str]:
    return [" ".join([call["action"], *call["target"]]) for call in occasion.calls]


ON_AT_TEN = (10, "binary_sensor.motion", "on")
OFF = {"binary_sensor.motion": "off"}


def test_a_recorded_change_runs_the_rule_at_its_time() -> None:
    replay = play(
        rule(), ON_AT_TEN, (20, "binary_sensor.motion", "off"), (30, "binary_sensor.motion", "on"), initial=OFF
    )

    assert told(replay) == [(10, "success"), (30, "success")]
    assert calls(replay.occasions[0]) == ["light.turn_on light.hall"]
    assert replay.occasions[0].trigger["to_state"] == "on"


def test_times_come_by_the_virtual_clock_with_nothing_recorded() -> None:
    replay = play(rule({"trigger": "time", "at": "12:30"}), until=3600)

    assert told(replay) == [(1800, "success")]


def test_a_hold_falls_due_between_two_changes() -> None:
    held = {**MOTION, "for": "00:01:00"}
    replay = play(rule(held), ON_AT_TEN, (200, "binary_sensor.motion", "off"), initial=OFF)

    assert told(replay) == [(70, "success")]


def test_a_hold_that_began_before_the_window_is_told_when_it_falls_due_in_it() -> None:
    replay = play(rule({**MOTION, "for": "00:01:00"}), ON_AT_TEN, initial=OFF, since=60)

    assert told(replay) == [(70, "success")]


def test_what_ran_before_the_window_is_not_told_but_still_keeps_a_single_rule_busy() -> None:
    lasting = rule(actions=[{"delay": 3000}, LIGHT_ON])
    changes = (ON_AT_TEN, (20, "binary_sensor.motion", "off"), (100, "binary_sensor.motion", "on"))

    assert told(play(lasting, *changes, initial=OFF, since=60)) == [(100, "dropped")]


def test_a_condition_that_does_not_hold_is_told_with_what_it_saw() -> None:
    condition = {"condition": "state", "entity_id": "light.hall", "state": "off"}
    replay = play(rule(conditions=[condition]), ON_AT_TEN, initial={**OFF, "light.hall": "on"})

    assert told(replay) == [(10, "conditions_not_met")]
    assert replay.occasions[0].conditions[0]["values"] == {"light.hall": "on"}
    assert replay.occasions[0].calls == []


def test_calls_change_nothing_only_the_records_do() -> None:
    seen = {"action": "notify.me", "data": {"message": "{{ states('light.hall') }}"}}
    replay = play(rule(actions=[LIGHT_ON, {"delay": 5}, seen]), ON_AT_TEN, initial={**OFF, "light.hall": "off"})
    recorded = play(
        rule(actions=[LIGHT_ON, {"delay": 5}, seen]),
        ON_AT_TEN,
        (11, "light.hall", "on"),
        initial={**OFF, "light.hall": "off"},
    )

    assert [each.occasions[0].calls[1]["data"]["message"] for each in (replay, recorded)] == ["off", "on"]


def test_what_a_script_does_is_told_as_done_by_the_rule_that_called_it() -> None:
    inner = Definition(
        "automation",
        "s2",
        script_fields("inner", {"sequence": [{"action": "light.turn_off", "target": {"entity_id": "light.all"}}]}),
    )
    outer = Definition("automation", "s1", script_fields("outer", {"sequence": [LIGHT_ON, {"action": "script.inner"}]}))
    replay = play(rule(actions=[{"action": "script.outer"}]), ON_AT_TEN, initial=OFF, scripts=(outer, inner))

    assert calls(replay.occasions[0]) == ["light.turn_on light.hall", "light.turn_off light.all"]


def test_what_the_rule_fires_is_told_and_heard_by_itself() -> None:
    triggers = [MOTION, {"trigger": "event", "event_type": "mine", "id": "again"}]
    choose = {"if": [{"condition": "trigger", "id": "again"}], "then": [LIGHT_ON], "else": [{"event": "mine"}]}
    replay = play(rule(triggers, [choose], mode="parallel"), ON_AT_TEN, initial=OFF)

    assert sorted(call for each in replay.occasions for call in calls(each)) == ["event", "light.turn_on light.hall"]


def test_a_run_that_the_end_of_the_window_cuts_off_is_told_as_running() -> None:
    replay = play(rule(actions=[LIGHT_ON, {"delay": 7200}, LIGHT_ON]), ON_AT_TEN, initial=OFF)

    assert replay.occasions[0].is_open
    assert calls(replay.occasions[0]) == ["light.turn_on light.hall"]


@pytest.mark.parametrize(
    "fields", [{"is_enabled": False}, {"is_paused": True}, {"is_paused": True, "pause_until": None}]
)
def test_a_rule_that_is_off_now_is_tried_as_if_it_were_on(fields) -> None:
    assert told(play(rule(fields=fields), ON_AT_TEN, initial=OFF)) == [(10, "success")]


def test_a_rule_that_is_off_after_each_start_is_tried_too() -> None:
    assert told(play(rule(initial_state=False), ON_AT_TEN, initial=OFF)) == [(10, "success")]


def test_the_start_of_a_replay_is_no_start_of_the_hub() -> None:
    assert told(play(rule({"trigger": "homeassistant", "event": "start"}))) == []


def test_a_rule_sees_its_own_last_run() -> None:
    pause = "{{ this.attributes.last_triggered is none or (now() - this.attributes.last_triggered).seconds > 60 }}"
    changes = ((at, "binary_sensor.motion", "on" if at % 20 else "off") for at in range(10, 140, 10))
    replay = play(rule(conditions=[pause]), *changes, initial=OFF)

    assert [at for at, status in told(replay) if status == "success"] == [10, 90]


def test_a_clock_that_was_set_back_does_not_take_the_replay_back() -> None:
    replay = play(rule(), (100, "light.hall", "on"), ON_AT_TEN, initial=OFF)

    assert told(replay) == [(100, "success")]


def test_a_rule_that_cannot_be_understood_says_where() -> None:
    with pytest.raises(DefinitionError, match="triggers/0"):
        play(rule({"trigger": "state"}))


# What a replay cannot know.


def silent(*triggers, actions=LIGHT_ON) -> list[str]:
    return [each["path"] for each in not_replayed(play(rule(list(triggers), actions)).program)]


def test_triggers_of_which_nothing_is_recorded_are_named() -> None:
    heard = [
        {"trigger": "event", "event_type": "x"},
        {"trigger": "mqtt", "topic": "a/b"},
        {"trigger": "webhook", "webhook_id": "w"},
        {"trigger": "homeassistant", "event": "start"},
        {"trigger": "state", "entity_id": "automation.other", "to": "on"},
    ]
    assert silent(MOTION, *heard, {"trigger": "time", "at": "07:00"}) == [f"triggers/{n}" for n in range(1, 6)]


def test_a_wait_for_something_that_is_not_recorded_is_named_too() -> None:
    wait = {"if": ["{{ true }}"], "then": [{"wait_for_trigger": [{"trigger": "mqtt", "topic": "a"}], "timeout": 5}]}

    assert silent(MOTION, actions=[wait]) == ["actions/0/then/0/wait_for_trigger/0"]


def test_a_wait_that_only_a_run_can_name_is_told_too() -> None:
    wait = [
        {"variables": {"topic": "a/b"}},
        {"wait_for_trigger": [{"trigger": "mqtt", "topic": "{{ topic }}"}], "timeout": 5},
    ]
    assert silent(MOTION, actions=wait) == ["actions/1/wait_for_trigger/0"]


@pytest.mark.parametrize(
    "triggers, hours",
    [
        ([MOTION], 0),
        ([MOTION, {**MOTION, "for": {"hours": 12}}, {**MOTION, "for": 60}], 12),
        ([{**MOTION, "for": "{{ 5 }}"}], 0),
    ],
)
def test_the_longest_hold_of_a_rule_is_known(triggers, hours) -> None:
    assert longest_hold(read_rule(rule(triggers), BERLIN)) == timedelta(hours=hours)


# Beside what really happened.


def record(seconds: float, run_id: str = "r", status: str = "success", **more):
    at = (NOON + timedelta(seconds=seconds)).isoformat()
    return {
        "id": run_id,
        "started_at": at,
        "completed_at": at,
        "status": status,
        "triggered_by": "device_event",
        **more,
    }


def trace(seconds: float, run_id: str = "t", status: str = "conditions_not_met"):
    at = (NOON + timedelta(seconds=seconds)).isoformat()
    return {"run_id": run_id, "started_at": at, "completed_at": at, "status": status, "trigger": {}, "steps": []}


def beside(replay, executions=(), traces=()):
    did = happened(executions, traces, NOON, NOON + timedelta(hours=1))
    return table(replay.occasions, did)


def pairs(lines):
    return [
        ((line.at - NOON).total_seconds(), line.would and line.would.status, line.did and line.did.status)
        for line in lines
    ]


TWICE = (ON_AT_TEN, (20, "binary_sensor.motion", "off"), (30, "binary_sensor.motion", "on"))


def test_a_run_that_happened_stands_beside_the_one_that_would_have() -> None:
    lines = beside(play(rule(), *TWICE, initial=OFF), [record(10.5, "r1"), record(50, "r2", "failed")])

    assert pairs(lines) == [(10, "success", "success"), (30, "success", None), (50, None, "failed")]
    assert counted(lines) == {"would_run": 2, "would_be_refused": 0, "did_run": 2, "were_refused": 0, "both_ran": 1}


def test_a_run_is_paired_with_a_run_before_it_is_with_a_refusal() -> None:
    lines = beside(
        play(rule(), ON_AT_TEN, initial=OFF), [record(10.8, "r1")], [trace(10), trace(10.8, "r1", "success")]
    )

    assert pairs(lines) == [(10, None, "conditions_not_met"), (10, "success", "success")] or pairs(lines) == [
        (10, "success", "success"),
        (10, None, "conditions_not_met"),
    ]


def test_what_was_refused_and_would_have_run_stands_in_one_line() -> None:
    lines = beside(play(rule(), ON_AT_TEN, initial=OFF), traces=[trace(10)])

    assert pairs(lines) == [(10, "success", "conditions_not_met")]
    assert counted(lines)["both_ran"] == 0


def test_what_happened_outside_of_the_window_is_left_out() -> None:
    assert beside(play(rule()), [record(-5, "r1"), record(3700, "r2")]) == []
