"""Triggers that follow the clock when the clock is set, when the hub was down, and when an entity holds the time."""

from datetime import timedelta

import pytest

from hub_agent.model.inputs import ClockStepped

from .conftest import LIGHT_ON, Home

TIMESTAMP = {"device_class": "timestamp"}


def at(*times: object, **more: object) -> dict[str, object]:
    return {"triggers": [{"trigger": "time", "at": list(times), **more}], "actions": [LIGHT_ON]}


def started(home: Home, config: dict[str, object], **fields: object) -> Home:
    home.load(config, **fields)
    home.start()
    return home


def step(home: Home, **by: float) -> None:
    """Somebody sets the clock."""
    length = timedelta(**by)
    home.now += length
    home.route(home.automations.handle(ClockStepped(length, is_trusted=True), home.now))


def times(home: Home) -> list[str]:
    return [record["started_at"].strftime("%d %H:%M:%S") for record in home.records]


@pytest.mark.parametrize("back_s", [1, 20, 60, 3500])
def test_a_clock_set_back_does_not_repeat_what_a_helper_or_a_sensor_asked_for(home, back_s) -> None:
    home.set("input_datetime.wake", "12:00:30")
    home.set("sensor.next", "2026-01-14T11:00:31+00:00", TIMESTAMP)
    started(home, at("input_datetime.wake", "sensor.next"))
    home.wait(40)
    step(home, seconds=-back_s)
    home.wait(7200)

    assert times(home) == ["14 11:00:30", "14 11:00:31"]


def test_a_clock_that_was_hours_wrong_is_not_believed_afterwards(home) -> None:
    started(home, at("12:00:30"))
    home.wait(40)
    step(home, hours=-5)
    home.wait(6 * 3600)

    assert times(home) == ["14 11:00:30", "14 11:00:30"]


def test_a_clock_set_forward_jumps_over_and_the_next_day_is_as_usual(home) -> None:
    started(home, at("13:00"))
    step(home, hours=2)
    home.wait(86400)

    assert times(home) == ["15 12:00:00"]


def test_a_pattern_goes_on_in_step_with_a_clock_that_was_set(home) -> None:
    started(home, {"triggers": [{"trigger": "time_pattern", "minutes": "/15"}], "actions": [LIGHT_ON]})
    home.wait(600)
    step(home, minutes=7)
    home.wait(1000)

    assert times(home) == ["14 11:30:00"]


def test_a_helper_that_is_set_again_after_the_clock_went_back_counts(home) -> None:
    home.set("input_datetime.wake", "12:00:30")
    started(home, at("input_datetime.wake"))
    home.wait(40)
    step(home, seconds=-30)
    home.set("input_datetime.wake", "12:00:45")
    home.wait(60)

    assert times(home) == ["14 11:00:30", "14 11:00:45"]


def test_a_missed_time_of_a_helper_is_made_up_for_on_its_weekdays_only(home) -> None:
    home.set("input_datetime.wake", "12:05:00")
    home.load(at("input_datetime.wake", weekday=["wed"]), key="today")
    started(home, at("input_datetime.wake", weekday=["thu"]), key="tomorrow")
    home.crash(away=timedelta(minutes=10))

    assert [record["automation_id"] for record in home.records] == ["id-today"]


def test_what_is_made_up_for_tells_the_time_that_was_due(home) -> None:
    words = "{{ trigger.now.strftime('%H:%M') }} {{ trigger.entity_id }} {{ trigger.is_caught_up }}"
    home.set("input_datetime.wake", "12:05:00")
    config = {**at("input_datetime.wake"), "actions": [{"action": "notify.note", "data": {"message": words}}]}
    started(home, config)
    home.crash(away=timedelta(minutes=10))

    assert home.calls[0].data == {"message": "12:05 input_datetime.wake True"}


def test_a_missed_sunset_is_made_up_for_and_tells_which_event_it_was(home) -> None:
    say = {"action": "notify.note", "data": {"message": "{{ trigger.event }} {{ trigger.offset }}"}}
    started(home, {"triggers": [{"trigger": "sun", "event": "sunset", "offset": "-01:00:00"}], "actions": [say]})
    home.wait(3 * 3600 + 600)  # 15:10; the sun sets at 16:18
    home.crash(away=timedelta(minutes=12))

    assert home.calls[0].data == {"message": "sunset -1 day, 23:00:00"}


def test_of_several_missed_times_of_one_trigger_the_last_is_made_up_for(home) -> None:
    started(home, at("12:05", "12:07", "12:09"))
    home.crash(away=timedelta(minutes=10))

    assert times(home) == ["14 11:10:00"]
    assert home.records[0]["trigger_data"]["now"].endswith("12:09:00+01:00")


def test_two_triggers_that_were_missed_both_run(home) -> None:
    config = at("12:05")
    config["triggers"] = [*config["triggers"], {"trigger": "time", "at": "12:06"}]
    started(home, {**config, "mode": "queued"})
    home.crash(away=timedelta(minutes=10))

    assert len(home.calls) == 2


def test_a_pattern_is_never_made_up_for(home) -> None:
    started(home, {"triggers": [{"trigger": "time_pattern", "minutes": "/5"}], "actions": [LIGHT_ON]})
    home.wait(60)
    home.crash(away=timedelta(minutes=7))

    assert not home.calls


def test_an_automation_that_is_off_makes_up_for_nothing(home) -> None:
    started(home, at("12:05"))
    home.call("automation.turn_off", "automation.a")
    home.crash(away=timedelta(minutes=10))

    assert not home.calls


def test_what_is_exactly_as_old_as_the_limit_is_made_up_for(home) -> None:
    limit = {"catch_up": {"policy": "run_once", "max_age_s": 300}}
    home.load(at("12:04:59"), key="older", metadata=limit)
    started(home, at("12:05:01"), key="younger", metadata=limit)
    home.crash(away=timedelta(minutes=10))

    assert [record["automation_id"] for record in home.records] == ["id-younger"]


def test_a_hold_that_fell_due_while_the_hub_was_down_is_decided_at_the_start(home) -> None:
    home.set("sensor.a", "off")
    home.set("sensor.b", "off")
    trigger = {"trigger": "state", "entity_id": ["sensor.a", "sensor.b"], "to": "on", "for": 60}
    started(home, {"triggers": [trigger], "actions": [LIGHT_ON], "mode": "queued"})
    home.set("sensor.a", "on")
    home.set("sensor.b", "on")
    home.states.write("sensor.b", "off", None, home.now)  # it changed while the hub was down
    home.crash(away=timedelta(minutes=5))
    home.wait(1)

    assert times(home) == ["14 11:05:00"]
    assert home.records[0]["trigger_data"]["entity_id"] == "sensor.a"
    assert home.records[0]["trigger_data"]["for"] == "0:01:00", "as a clock shows it"
