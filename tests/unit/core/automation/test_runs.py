"""What is kept of runs: records, traces, and what survives a crash."""

from datetime import UTC, datetime, timedelta

from hub_agent.model.effects import Announce, Durability, Save, Warn
from hub_agent.model.ids import EntityId
from hub_agent.model.scene import FailedDevice, SceneSettled

from .conftest import LIGHT_ON, MOTION, NOON, Home

TWO_STEPS = {"triggers": [MOTION], "actions": [LIGHT_ON, {"delay": 60}, {"action": "light.turn_off"}]}

COLUMNS = {
    "id",
    "time",
    "automation_id",
    "triggered_by",
    "trigger_data",
    "status",
    "started_at",
    "completed_at",
    "duration_ms",
    "actions_total",
    "actions_succeeded",
    "actions_failed",
    "action_results",
    "error_message",
    "error_details",
    "retry_attempt",
    "device_states_before",
    "device_states_after",
    "environment_context",
    "created_at",
}


def started(home: Home, config=None, **fields) -> Home:
    home.set("binary_sensor.motion", "off")
    home.load(config, **fields)
    home.start()
    return home


def test_a_run_is_recorded_with_all_columns_of_the_central_schema(home) -> None:
    started(home).set("binary_sensor.motion", "on")

    (row,) = home.records
    assert set(row) == COLUMNS
    assert row["automation_id"] == "id-a"
    assert (row["status"], row["triggered_by"]) == ("success", "device_event")
    assert (row["actions_total"], row["actions_succeeded"], row["actions_failed"]) == (1, 1, 0)
    assert row["trigger_data"]["entity_id"] == "binary_sensor.motion"
    assert (row["trigger_data"]["from_state"], row["trigger_data"]["to_state"]) == ("off", "on")
    assert row["action_results"] == [
        {
            "path": "actions/0",
            "action": "light.turn_on",
            "target": ["light.hall"],
            "at": NOON.isoformat(),
            "duration_ms": 0,
            "result": "ok",
        }
    ]


def test_a_run_that_never_waits_is_not_saved(home) -> None:
    started(home).set("binary_sensor.motion", "on")

    assert home.records
    assert not [save for save in home.seen(Save) if save.key.startswith("run/")]


def test_a_trace_tells_the_trigger_each_condition_with_what_was_seen_and_each_step(home) -> None:
    home.set("input_boolean.guests", "off")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, {"triggers": [MOTION], "conditions": [condition], "actions": [LIGHT_ON, {"delay": 5}]})
    home.set("binary_sensor.motion", "on")
    home.wait(10)

    (trace,) = home.traces
    assert (trace["automation"], trace["status"], trace["duration_ms"]) == ("a", "success", 5000)
    assert trace["trigger"]["entity_id"] == "binary_sensor.motion"
    assert [(step["path"], step["kind"], step["result"]) for step in trace["steps"]] == [
        ("conditions/0", "state", "true"),
        ("actions/0", "action", "ok"),
        ("actions/1", "delay", "waiting"),
    ]
    assert trace["steps"][0]["values"] == {"input_boolean.guests": "off"}


def test_a_run_that_did_not_happen_says_which_condition_was_not_met(home) -> None:
    condition = {"condition": "numeric_state", "entity_id": "sensor.lux", "below": 10}
    home.set("sensor.lux", "40")
    started(home, {"triggers": [MOTION], "conditions": [condition], "actions": [LIGHT_ON]})
    home.set("binary_sensor.motion", "on")

    (trace,) = home.traces
    assert trace["status"] == "conditions_not_met"
    assert trace["steps"][0]["values"] == {"sensor.lux": "40"}
    assert not home.records


def test_traces_of_what_did_not_happen_are_bounded_and_the_rest_is_counted(home) -> None:
    started(home, {"triggers": [MOTION], "conditions": ["{{ false }}"], "actions": [LIGHT_ON]})
    for _ in range(50):
        home.set("binary_sensor.motion", "on")
        home.set("binary_sensor.motion", "off")
    home.wait(60)
    home.set("binary_sensor.motion", "on")

    assert len(home.traces) == 11
    assert home.traces[-1]["not_kept_before"] == 40


def test_a_dropped_trigger_is_logged_and_traced(home) -> None:
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")
    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")

    assert home.traces[-1]["status"] == "dropped"
    assert "already running" in home.traces[-1]["error"]
    assert any("not started" in warning.text for warning in home.seen(Warn))


def test_a_delay_ends_when_it_would_have_ended_without_the_crash(home) -> None:
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")
    home.wait(20)
    home.crash(away=timedelta(seconds=10))
    home.wait(29)
    assert home.actions == ["light.turn_on"]

    home.wait(2)

    assert home.actions == ["light.turn_on", "light.turn_off"]
    assert home.records[0]["started_at"] == NOON
    assert home.records[0]["duration_ms"] == 60_000
    assert not home.saved_runs()


def test_a_delay_that_ended_during_the_downtime_goes_on_at_once(home) -> None:
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")
    home.crash(away=timedelta(hours=1))
    home.wait(1)

    assert home.actions == ["light.turn_on", "light.turn_off"]


def test_an_action_that_was_issued_before_the_crash_is_not_issued_again(home) -> None:
    home.answers = None
    started(home, {"triggers": [MOTION], "actions": [{"action": "notify.phone"}, LIGHT_ON]})
    home.set("binary_sensor.motion", "on")
    assert home.actions == ["notify.phone"]

    home.answers = (None, 0)
    home.crash()
    home.wait(1)

    assert home.actions == ["notify.phone", "light.turn_on"]
    assert [result["result"] for result in home.records[0]["action_results"]] == ["unconfirmed", "ok"]
    assert home.records[0]["status"] == "partial"


def test_waits_are_saved_so_that_they_survive_a_power_cut(home) -> None:
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")

    saves = [save for save in home.seen(Save) if save.key.startswith("run/")]
    assert [save.durability for save in saves] == [Durability.FSYNC]


def test_results_are_final_when_the_devices_have_confirmed(home) -> None:
    home.answers = (None, 1)
    started(home).set("binary_sensor.motion", "on")
    assert not home.records

    home.wait(0.3)
    home.settle(home.calls[0], "confirmed")

    (row,) = home.records
    assert (row["status"], row["duration_ms"]) == ("success", 0)
    assert row["action_results"][0]["duration_ms"] == 300
    assert not home.saved_runs()


def test_a_device_that_does_not_confirm_makes_the_run_fail(home) -> None:
    home.answers = (None, 1)
    started(home).set("binary_sensor.motion", "on")
    home.settle(home.calls[0], "unconfirmed", error="light.hall did not report")

    (row,) = home.records
    assert (row["status"], row["actions_failed"]) == ("failed", 1)
    assert row["action_results"][0]["result"] == "unconfirmed"
    assert "did not report" in row["error_message"]


def test_one_of_two_devices_that_fails_makes_the_run_partial(home) -> None:
    home.answers = (None, 1)
    other = {"action": "light.turn_on", "target": {"entity_id": "light.stairs"}}
    started(home, {"triggers": [MOTION], "actions": [LIGHT_ON, other]}).set("binary_sensor.motion", "on")
    home.settle(home.calls[0], "confirmed")
    home.settle(home.calls[1], "failed", "light.stairs", "no route")

    assert home.records[0]["status"] == "partial"


def test_a_run_does_not_wait_longer_than_ten_seconds_for_its_devices(home) -> None:
    home.answers = (None, 1)
    started(home).set("binary_sensor.motion", "on")
    home.wait(11)

    assert home.records[0]["action_results"][0]["result"] == "unconfirmed"


def test_a_run_whose_devices_have_not_confirmed_yet_is_over_for_its_mode(home) -> None:
    home.answers = (None, 1)
    started(home).set("binary_sensor.motion", "on")
    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")

    assert len(home.calls) == 2


def test_the_record_of_a_run_whose_devices_had_not_confirmed_survives_a_crash(home) -> None:
    home.answers = (None, 1)
    started(home).set("binary_sensor.motion", "on")
    home.crash()
    home.settle(home.calls[0], "confirmed")

    assert [row["status"] for row in home.records] == ["success"]
    assert not home.saved_runs()


def test_a_device_that_did_not_confirm_is_told_again_if_the_automation_says_so(home) -> None:
    home.answers = (None, 1)
    started(home, None, retry_on_failure=True, max_retries=2).set("binary_sensor.motion", "on")
    home.settle(home.calls[0], "unconfirmed")
    home.wait(2)
    assert len(home.calls) == 2
    home.settle(home.calls[1], "confirmed")

    (row,) = home.records
    assert (row["status"], row["retry_attempt"], row["actions_total"]) == ("success", 1, 1)


def test_retries_end(home) -> None:
    home.answers = (None, 1)
    started(home, None, retry_on_failure=True, max_retries=2).set("binary_sensor.motion", "on")
    for number in range(3):
        home.settle(home.calls[number], "unconfirmed")
        home.wait(5)

    assert len(home.calls) == 3
    assert home.records[0]["status"] == "failed"


def test_a_refused_call_ends_the_run_as_failed(home) -> None:
    home.answers = ("this home has no light.hall", 0)
    started(home, {"triggers": [MOTION], "actions": [LIGHT_ON, LIGHT_ON]}).set("binary_sensor.motion", "on")

    (row,) = home.records
    assert (row["status"], row["actions_total"]) == ("failed", 1)
    assert row["error_message"] == "this home has no light.hall"


def test_a_call_that_reached_only_some_targets_does_not_end_the_run(home) -> None:
    home.answers = ("this home has no light.attic", 1)
    started(home, {"triggers": [MOTION], "actions": [LIGHT_ON, LIGHT_ON]}).set("binary_sensor.motion", "on")

    assert len(home.calls) == 2


def test_a_restarted_run_is_recorded_as_cancelled(home) -> None:
    started(home, {**TWO_STEPS, "mode": "restart"}).set("binary_sensor.motion", "on")
    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")

    assert [row["status"] for row in home.records] == ["cancelled"]


def test_a_wait_that_may_not_time_out_is_recorded_as_timeout(home) -> None:
    wait = {"wait_template": "{{ false }}", "timeout": 5, "continue_on_timeout": False}
    started(home, {"triggers": [MOTION], "actions": [wait, LIGHT_ON]}).set("binary_sensor.motion", "on")
    home.wait(6)

    assert home.records[0]["status"] == "timeout"
    assert not home.calls


def test_the_page_is_told_of_each_run(home) -> None:
    started(home).set("binary_sensor.motion", "on")

    assert [each.body["status"] for each in home.seen(Announce) if each.topic == "run"] == ["success"]


def test_statistics_are_counted_and_survive_a_crash(home) -> None:
    started(home).set("binary_sensor.motion", "on")
    home.crash()
    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")

    told = home.automations.present()["id-a"]
    assert (told["total_executions"], told["success_count"], told["last_execution_status"]) == (2, 2, "success")


def test_a_saved_run_that_cannot_be_read_is_dropped_and_said(home) -> None:
    home.saved["run/broken"] = {"automation_id": "id-a"}
    started(home)

    assert not home.saved_runs()
    assert any("cannot be read" in warning.text for warning in home.seen(Warn))


def test_a_run_of_an_automation_that_has_changed_meanwhile_is_over(home) -> None:
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")
    home.definitions = []
    home.load({"triggers": [MOTION], "actions": [LIGHT_ON]})
    home.crash()
    home.wait(100)

    assert home.actions == ["light.turn_on"]
    assert not home.saved_runs()


def test_a_clock_that_is_set_moves_delays_and_fires_nothing_that_was_jumped_over(home) -> None:
    from hub_agent.model.inputs import ClockStepped

    daily = {"triggers": [{"trigger": "time", "at": "15:00"}], "actions": [{"action": "notify.daily"}]}
    home.load(daily, key="daily")
    started(home, TWO_STEPS).set("binary_sensor.motion", "on")
    home.wait(20)
    step = timedelta(hours=6)
    home.now += step
    home.route(home.automations.handle(ClockStepped(step, is_trusted=True), home.now))
    home.wait(39)
    assert home.actions == ["light.turn_on"]

    home.wait(2)

    assert home.actions == ["light.turn_on", "light.turn_off"]


def test_a_clock_that_is_set_moves_holds_too(home) -> None:
    from hub_agent.model.inputs import ClockStepped

    started(home, {"triggers": [{**MOTION, "for": 60}], "actions": [LIGHT_ON]}).set("binary_sensor.motion", "on")
    step = timedelta(days=-400)
    home.now += step
    home.route(home.automations.handle(ClockStepped(step, is_trusted=True), home.now))
    home.crash()
    home.wait(59)
    assert not home.calls

    home.wait(2)

    assert home.actions == ["light.turn_on"]


def test_a_clock_that_is_set_back_a_little_does_not_fire_a_time_again(home) -> None:
    from hub_agent.model.inputs import ClockStepped

    started(home, {"triggers": [{"trigger": "time", "at": "12:00:30"}], "actions": [LIGHT_ON]})
    home.wait(31)
    step = timedelta(seconds=-10)
    home.now += step
    home.route(home.automations.handle(ClockStepped(step, is_trusted=True), home.now))
    home.wait(60)

    assert len(home.calls) == 1


def test_a_time_missed_during_a_short_downtime_is_made_up_for_once(home) -> None:
    started(home, {"triggers": [{"trigger": "time", "at": "12:05"}], "actions": [LIGHT_ON]})
    home.crash(away=timedelta(minutes=10))

    assert home.actions == ["light.turn_on"]
    assert home.records[0]["triggered_by"] == "schedule"
    assert home.records[0]["trigger_data"]["is_caught_up"] is True


def test_a_time_missed_long_ago_is_not_made_up_for(home) -> None:
    started(home, {"triggers": [{"trigger": "time", "at": "12:05"}], "actions": [LIGHT_ON]})
    home.crash(away=timedelta(hours=1))

    assert not home.calls
    (trace,) = home.traces
    assert (trace["status"], trace["trigger"]["platform"]) == ("dropped", "time")
    assert "11:05" in trace["trigger"]["now"]
    assert "longer ago than 0:15:00" in trace["error"]


def test_a_time_that_is_to_be_skipped_is_traced_as_such(home) -> None:
    config = {"triggers": [{"trigger": "time", "at": "12:05"}], "actions": [LIGHT_ON]}
    started(home, config, metadata={"catch_up": {"policy": "skip"}})
    home.crash(away=timedelta(minutes=10))

    assert not home.calls
    assert "its policy is to skip such times" in home.traces[0]["error"]


def test_catch_up_follows_the_automations_policy(home) -> None:
    config = {"triggers": [{"trigger": "time", "at": "12:05"}], "actions": [LIGHT_ON]}
    started(home, config, metadata={"catch_up": {"policy": "skip"}}, key="a")
    home.load(config, key="b", metadata={"catch_up": {"policy": "run_once", "max_age_s": 7200}})
    home.crash(away=timedelta(hours=1))

    assert [row["automation_id"] for row in home.records] == ["id-b"]


def test_schedule_columns_are_one_more_trigger(home) -> None:
    started(
        home,
        {"triggers": [], "actions": [LIGHT_ON]},
        schedule_type="weekly",
        schedule_config={"time": "07:30", "weekdays": ["thu"]},
    )
    home.wait(86400)

    assert len(home.calls) == 1
    assert home.records[0]["started_at"] == datetime(2026, 1, 15, 6, 30, tzinfo=UTC)
    assert home.records[0]["triggered_by"] == "schedule"


def test_cron_and_once_schedules(home) -> None:
    empty = {"triggers": [], "actions": [LIGHT_ON]}
    started(home, empty, key="cron", schedule_type="cron", schedule_config={"expression": "*/20 13 * * mon-fri"})
    once = {"at": "2026-01-14T18:00:00+01:00"}
    home.load(empty, key="once", schedule_type="once", schedule_config=once)
    home.wait(3 * 86400)

    times = [row["started_at"].strftime("%d %H:%M") for row in home.records]
    assert times == [
        "14 12:00",
        "14 12:20",
        "14 12:40",
        "14 17:00",
        "15 12:00",
        "15 12:20",
        "15 12:40",
        "16 12:00",
        "16 12:20",
        "16 12:40",
    ]


def test_an_automations_own_time_zone_is_for_its_schedule_only(home) -> None:
    started(
        home,
        {"triggers": [], "actions": [LIGHT_ON]},
        schedule_type="daily",
        schedule_config={"time": "07:30"},
        timezone="America/New_York",
    )
    home.wait(86400)

    assert home.records[0]["started_at"] == datetime(2026, 1, 14, 12, 30, tzinfo=UTC)


def test_parallel_execution_does_not_wait_for_the_first_action(home) -> None:
    actions = [{"sequence": [{"delay": 5}, {"action": "notify.late"}]}, {"action": "notify.now"}]
    started(home, {"triggers": [MOTION], "actions": actions}, execution_mode="parallel")
    home.set("binary_sensor.motion", "on")
    assert home.actions == ["notify.now"]
    home.wait(6)

    assert home.actions == ["notify.now", "notify.late"]


def test_a_delay_between_actions_stands_between_top_level_actions_only(home) -> None:
    actions = [LIGHT_ON, {"sequence": [LIGHT_ON, LIGHT_ON]}, LIGHT_ON]
    started(home, {"triggers": [MOTION], "actions": actions}, delay_between_actions_ms=2000)
    home.set("binary_sensor.motion", "on")
    counts = []
    for _ in range(3):
        counts.append(len(home.calls))
        home.wait(2)

    assert counts == [1, 3, 4]


def test_a_scene_of_which_one_device_failed_makes_the_run_partial(home) -> None:
    home.answers = (None, 1)
    started(home, {"triggers": [MOTION], "actions": [{"action": "scene.turn_on", "target": {"entity_id": "scene.a"}}]})
    home.set("binary_sensor.motion", "on")
    failed = (FailedDevice("lamp", "Hall lamp", "it did not report"),)
    settled = SceneSettled(home.calls[0].id, EntityId("scene.a"), "partial", failed, home.now)
    home.route(home.automations.handle(settled, home.now))

    (row,) = home.records
    assert row["status"] == "partial"
    assert row["error_message"] == "scene.turn_on: Hall lamp: it did not report"


def test_a_transition_is_waited_for(home) -> None:
    home.answers = (None, 1)
    slow = {**LIGHT_ON, "data": {"transition": 30}}
    started(home, {"triggers": [MOTION], "actions": [slow]}).set("binary_sensor.motion", "on")
    home.wait(31)
    assert not home.records
    home.settle(home.calls[0], "confirmed")

    assert home.records[0]["status"] == "success"


def test_a_rule_can_ask_when_it_was_triggered_before(home) -> None:
    quiet = (
        "{{ this.attributes.last_triggered is none or (now() - this.attributes.last_triggered).total_seconds() > 60 }}"
    )
    started(home, {"triggers": [MOTION], "conditions": [quiet], "actions": [LIGHT_ON]})
    for pause in (30, 40, 1):
        home.set("binary_sensor.motion", "on")
        home.set("binary_sensor.motion", "off")
        home.wait(pause)
    home.set("binary_sensor.motion", "on")

    assert [row["started_at"] for row in home.records] == [NOON, NOON + timedelta(seconds=70)]
    assert [trace["status"] for trace in home.traces] == [
        "success",
        "conditions_not_met",
        "success",
        "conditions_not_met",
    ]


def test_turning_off_empties_a_long_queue_without_starting_any_of_it(home) -> None:
    started(home, {**TWO_STEPS, "mode": "queued"})
    for _ in range(4):
        home.set("binary_sensor.motion", "on")
        home.set("binary_sensor.motion", "off")
    home.call("automation.turn_off", "automation.a")
    home.wait(1000)

    assert home.actions == ["light.turn_on"]
    assert [row["status"] for row in home.records] == ["cancelled"] * 4
