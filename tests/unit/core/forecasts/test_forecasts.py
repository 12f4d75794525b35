"""From what is seen of a home to rows and issues: predictions, anomalies, habits, insights, over days and restarts."""

import json
import math
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub_agent.core.forecasts import rows
from hub_agent.core.forecasts.models import BATTERY, MODELS
from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase
from tests.fakes.batteries import alkaline, coin_cell, healthy
from tests.fakes.foreseen_home import DAY, HOUR, MONDAY, ForeseenHome, device, entity
from tests.house.repository import ROOT

CONTRACT = json.loads((ROOT / "cloud_schema/contract/contract.json").read_text(encoding="utf-8"))["tables"]
LOOK = timedelta(minutes=5)


def columns(table: str) -> set[str]:
    return {each["name"] for each in CONTRACT[table]["columns"]} - {"home_id"}


def a_home() -> ForeseenHome:
    return ForeseenHome(device("sensor"))


# Predictions.


def falling(home: ForeseenHome, *, until: int) -> None:
    home.days(*[level for level in alkaline(1, 120) if level > until])


def test_a_battery_that_falls_becomes_a_prediction_an_issue_and_an_entry_of_the_log() -> None:
    home = a_home()
    falling(home, until=20)

    [row] = home.rows("failure_predictions")
    assert set(row) == columns("failure_predictions")
    assert (row["failure_type"], row["prediction_status"], row["device_id"]) == ("battery_death", "active", "sensor")
    assert row["earliest_failure_date"] < row["predicted_failure_date"] < row["latest_failure_date"]
    assert abs(row["predicted_failure_date"] - (MONDAY + timedelta(days=114))) <= timedelta(days=7)
    assert row["ml_model_id"] == BATTERY.id
    assert row["failure_probability"] >= 0.6
    assert row["preventive_actions"][0]["name"] == "replace_battery"
    assert {each["name"] for each in row["primary_indicators"]} >= {"battery_level", "battery_slope"}
    [log] = home.rows("ml_predictions_log")
    assert set(log) == columns("ml_predictions_log")
    assert (log["id"], log["time"]) == (row["id"], row["created_at"])
    assert log["prediction_correct"] is None
    [issue] = home.issues.values()
    assert issue.code == "battery_ending_soon"
    assert "Sensor will need a new battery around 2026-0" in issue.text


def test_people_are_told_four_weeks_ahead_and_the_row_is_revised_rarely() -> None:
    home = a_home()
    falling(home, until=45)
    [early] = home.rows("failure_predictions")
    assert early["severity"] == "info"
    assert early["failure_probability"] < 0.6  # what is likelier becomes an alert
    assert home.issues == {}
    falling(home, until=20)
    assert len([each for each in home.told if each.table == "failure_predictions"]) <= 6


def test_a_new_battery_ends_it_as_prevented_and_nobody_knows_whether_it_was_right() -> None:
    home = a_home()
    falling(home, until=20)
    home.days(100, 100, 100)

    [row] = home.rows("failure_predictions")
    assert (row["prediction_status"], row["was_prevented"]) == ("resolved", True)
    [log] = home.rows("ml_predictions_log")
    assert (log["prediction_correct"], log["actual_outcome"]["prediction_status"]) == (None, "resolved")
    assert log["outcome_recorded_at"] is not None
    assert home.issues == {}
    assert not [key for key in home.saved if key.startswith("prediction/")]


def test_a_battery_that_is_empty_when_foreseen_makes_the_forecast_right() -> None:
    home = a_home()
    falling(home, until=4)
    home.days(4, 4, 3, 2)

    [row] = home.rows("failure_predictions")
    assert (row["prediction_status"], row["was_prevented"]) == ("occurred", False)
    assert row["actual_failure_date"] is not None
    assert [each["prediction_correct"] for each in home.rows("ml_predictions_log")] == [True]


def test_a_fall_that_stops_makes_it_a_false_one() -> None:
    home = a_home()
    falling(home, until=30)
    home.days(*[60] * 60)

    assert {each["prediction_status"] for each in home.rows("failure_predictions")} <= {"false_positive", "resolved"}
    assert {each["prediction_correct"] for each in home.rows("ml_predictions_log")} <= {False, None}
    assert home.issues == {}


def test_a_restart_on_any_day_changes_nothing_but_the_hours_of_that_day() -> None:
    levels = [*alkaline(2, 120)[:100], *[100] * 5]
    untouched, restarted = a_home(), a_home()
    untouched.days(*levels)
    for place, level in enumerate(levels):
        restarted.days(level)
        if place % 3 == 0:
            restarted.restart()
            assert ("battery_ending_soon" in restarted.raised) == bool(restarted.issues) or place > 99
    for table in ("failure_predictions", "ml_predictions_log"):
        ends = [
            [row["prediction_status"] for row in each.rows("failure_predictions")] for each in (untouched, restarted)
        ]
        assert ends[0] == ends[1]
        assert len(untouched.rows(table)) == len(restarted.rows(table)) == 1


def test_a_home_of_healthy_devices_has_no_prediction_in_a_year() -> None:
    """Fifteen devices: batteries that last, are charged, say 20 % for years; signals that waver; a few dropouts."""
    home = ForeseenHome(*[device(f"d{number}") for number in range(15)], step=DAY)
    chance = random.Random(7)
    levels = [healthy(number, 365, number) for number in range(15)]

    def seen(now: datetime) -> None:
        day = min(364, (now - MONDAY).days)
        for number in range(15):
            wave = 5 * math.sin(day / 20 + number)
            home.see(
                f"d{number}",
                battery_level=levels[number][day],
                signal_strength=round(60 + wave + chance.gauss(0, 5)),
                is_available=True,
            )
            if chance.random() < 0.02:
                home.forecasts.handle_availability(home.by_id[f"d{number}"], now, is_available=False)
                home.forecasts.handle_availability(home.by_id[f"d{number}"], now + LOOK, is_available=True)

    home.before_look = seen
    home.live(365 * DAY)
    assert home.told == []
    assert home.raised == []


def dropouts(home: ForeseenHome, name: str, count: int, *, apart: timedelta = HOUR) -> None:
    for _ in range(count):
        home.forecasts.handle_availability(home.by_id[name], home.now, is_available=False)
        home.now += timedelta(minutes=2)
        home.forecasts.handle_availability(home.by_id[name], home.now, is_available=True)
        home.now += apart


def test_a_device_that_drops_out_more_and_more_is_told_until_it_holds_again() -> None:
    home = a_home()
    home.see("sensor", is_available=True)
    home.live(30 * DAY)
    for _ in range(8):
        dropouts(home, "sensor", 5)
        home.live(DAY)
    assert [issue.code for issue in home.issues.values()] == ["connection_worsening"]
    assert [each["failure_category"] for each in home.rows("failure_predictions")] == ["network"]
    home.live(20 * DAY)
    assert home.issues == {}
    assert [each["prediction_status"] for each in home.rows("failure_predictions")] == ["false_positive"]


def test_absences_with_the_bridge_the_broker_or_many_others_are_not_the_devices() -> None:
    bridge = device("bridge")
    behind = [replace(device(f"d{number}"), via=bridge.id) for number in range(2)]
    others = [device(f"e{number}") for number in range(3)]
    home = ForeseenHome(bridge, *behind, *others)
    for each in (*behind, *others):
        home.see(each.id, is_available=True)
    home.live(30 * DAY)
    for _ in range(8):
        for _ in range(5):
            gone = [bridge, *behind, *others]
            for each in gone:
                home.forecasts.handle_availability(each, home.now, is_available=False)
            home.now += timedelta(minutes=5)
            for each in gone:
                home.forecasts.handle_availability(each, home.now, is_available=True)
            home.forecasts.handle_disconnected(home.now)
            dropouts(home, "d0", 1, apart=timedelta(minutes=30))
        home.live(DAY)
    assert home.raised == []


def test_a_device_that_leaves_takes_its_forecasts_along() -> None:
    home = a_home()
    falling(home, until=20)
    home.take(home.forecasts.handle_removed(home.by_id.pop("sensor").id, home.now))
    assert home.issues == {}
    assert not [key for key in home.saved if "sensor" in key]
    home.live(2 * DAY)


# Energy, habits and insights: looked at every five minutes.


def metered(watts: Any, days: int, *, more: tuple[Any, ...] = ()) -> ForeseenHome:
    power = entity("plug", "sensor.plug_power", "power", "W")
    plug = device("plug", entity("plug", "switch.plug"), power)
    home = ForeseenHome(plug, *more, step=LOOK)
    home.see("plug", is_available=True)
    home.set("switch.plug", "on")
    home.before_look = lambda now: home.set("sensor.plug_power", str(watts(now)))
    home.live(days * DAY)
    return home


@pytest.fixture(scope="module")
def fridge() -> ForeseenHome:
    chance = random.Random(3)
    return metered(lambda _now: round(chance.gauss(50, 4), 1), 50)


def test_a_fridge_that_draws_far_more_for_hours_is_one_anomaly_with_an_end(fridge: ForeseenHome) -> None:
    assert fridge.raised == []
    fridge.before_look = lambda _now: fridge.set("sensor.plug_power", "140")
    fridge.live(10 * HOUR)
    assert [issue.code for issue in fridge.issues.values()] == ["energy_unusual"]
    fridge.restart()
    assert [issue.code for issue in fridge.issues.values()] == ["energy_unusual"]
    fridge.before_look = lambda _now: fridge.set("sensor.plug_power", "50")
    fridge.live(5 * HOUR)
    [row] = fridge.rows("anomaly_detections")
    assert set(row) == columns("anomaly_detections")
    assert (row["status"], row["is_recurring"], row["occurrence_count"]) == ("resolved", False, 1)
    assert 45 < row["expected_value"] < 55
    assert 135 < row["actual_value"] <= 140
    assert fridge.issues == {}


def test_what_somebody_switched_off_is_not_unusual(fridge: ForeseenHome) -> None:
    raised = len(fridge.raised)
    fridge.set("switch.plug", "off")
    fridge.before_look = lambda _now: fridge.set("sensor.plug_power", "0")
    fridge.live(2 * DAY)
    assert len(fridge.raised) == raised


def test_standby_is_advice_with_its_evidence() -> None:
    home = metered(lambda now: 90 if 19 <= now.hour < 22 else 9, 36)
    [row] = home.rows("ai_insights")
    assert set(row) == columns("ai_insights")
    assert row["title"] == "Plug draws 9 W while nobody uses it"
    assert row["insight_type"] == "energy_saving"
    assert row["data_sources"] == [
        {"source": "energy_usage", "what": "watts in the nights, median of four weeks and more", "value": 9.0}
    ]


def lamp_and_motion() -> ForeseenHome:
    lamp = device("lamp", entity("lamp", "light.lamp"), room="living")
    motion = device("motion", entity("motion", "binary_sensor.motion", "motion"), room="living")
    home = ForeseenHome(lamp, motion, step=LOOK)
    home.set("light.lamp", "off")
    home.set("binary_sensor.motion", "off")
    return home


def test_evenings_with_the_lamp_on_become_a_habit_and_days_without_are_counted() -> None:
    home = lamp_and_motion()

    def evening(now: datetime) -> None:
        home.set("light.lamp", "on" if 19 <= now.hour < 22 else "off")
        home.set("binary_sensor.motion", "on" if 19 <= now.hour < 22 and now.minute == 0 else "off")

    home.before_look = evening
    home.live(23 * DAY)
    lamp = next(each for each in home.rows("device_usage_patterns") if each["device_id"] == "lamp")
    assert set(lamp) == columns("device_usage_patterns")
    assert lamp["pattern_name"] == "Lamp: every day 19:00 to 22:00"
    assert (lamp["time_of_day_start"], lamp["time_of_day_end"]) == ("19:00:00", "22:00:00")
    assert (lamp["day_of_week"], lamp["average_usage_duration_minutes"]) == ([0, 1, 2, 3, 4, 5, 6], 180)
    home.restart()
    home.before_look = lambda _now: home.set("light.lamp", "off")
    home.live(3 * DAY)
    home.before_look = evening
    home.live(21 * DAY)
    lamp = next(each for each in home.rows("device_usage_patterns") if each["device_id"] == "lamp")
    assert lamp["deviation_count"] == 3
    assert lamp["is_active"]


def test_a_lamp_that_is_on_for_hours_with_nobody_there_is_advice_and_taken_back() -> None:
    home = lamp_and_motion()
    home.before_look = lambda now: home.set("light.lamp", "on" if 8 <= now.hour < 17 else "off")
    home.live(9 * DAY)
    [row] = home.rows("ai_insights")
    assert row["title"] == "Lamp is on with nobody there"
    assert "about 9 hours a day" in row["description"]
    home.restart()
    home.before_look = lambda _now: home.set("light.lamp", "off")
    home.live(9 * DAY)
    assert [each["is_active"] for each in home.rows("ai_insights")] == [False]
    assert len({each.id for each in home.told if each.table == "ai_insights"}) == 1


def test_a_lamp_with_somebody_there_is_no_advice() -> None:
    home = lamp_and_motion()

    def day(now: datetime) -> None:
        home.set("light.lamp", "on" if 8 <= now.hour < 17 else "off")
        home.set("binary_sensor.motion", "on" if now.minute == 20 else "off")

    home.before_look = day
    home.live(9 * DAY)
    assert home.rows("ai_insights") == []


def test_heating_with_the_window_open_is_advice_after_three_days() -> None:
    valve = device("valve", entity("valve", "climate.valve"), room="bath")
    window = device("window", entity("window", "binary_sensor.window", "window"), room="bath")
    home = ForeseenHome(valve, window, step=LOOK)

    def airing(now: datetime) -> None:
        home.set("binary_sensor.window", "on" if 7 <= now.hour < 10 else "off")
        home.set("climate.valve", "heat", hvac_action="heating" if now.hour < 12 else "idle")

    home.before_look = airing
    home.live(4 * DAY)
    assert [each["title"] for each in home.rows("ai_insights")] == ["Valve heats with the window open"]


def test_a_device_that_is_healed_every_week_is_advice() -> None:
    home = a_home()
    for _ in range(4):
        done = AppendCase("self_healing_executions", "x", 1, {"device_id": "sensor", "status": "completed"})
        home.take(home.forecasts.handle_case(done, home.now))
        home.live(7 * DAY)
        home.restart()
    assert [each["title"] for each in home.rows("ai_insights")] == ["Sensor has to be repaired every week"]


def test_two_batteries_that_end_are_a_list_to_buy() -> None:
    home = ForeseenHome(device("one"), device("two"))
    for day in range(80):
        home.see("one", battery_level=alkaline(1, 110)[day])
        home.see("two", battery_level=coin_cell(2, 90)[day])
        home.live(DAY)
    [row] = [each for each in home.rows("ai_insights") if each["is_active"]]
    assert row["title"] == "2 batteries are needed soon"
    assert row["requires_purchase"]
    assert "One (Acme X1" in row["description"]


# What the cloud sends, what doors read, what is damaged.


def test_the_clouds_parameters_hold_and_wrong_ones_are_an_issue() -> None:
    home = a_home()

    def send(parameters: Any) -> None:
        definition = Definition("ml_model", BATTERY.id, {"hyperparameters": parameters})
        home.take(home.forecasts.handle_definition("ml_model", BATTERY.id, definition, home.now))

    def horizon() -> Any:
        models: Any = home.forecasts.answer()["models"]
        return next(each for each in models if each["id"] == BATTERY.id)["parameters"]["horizon_days"]

    send({"horizon_days": 30})
    assert horizon() == 30
    send({"horizon_days": 10_000})
    assert horizon() == 56
    assert [each.text for each in home.issues.values()] == [
        "battery_empty: horizon_days must be between 7 and 180. The built-in ones are used."
    ]
    send({})
    assert home.issues == {}
    home.take(home.forecasts.handle_definition("ml_model", "another", None, home.now))


def test_the_doors_read_it_all_as_plain_json() -> None:
    home = a_home()
    falling(home, until=20)
    answer = json.loads(json.dumps(home.forecasts.answer()))
    assert [each["device_name"] for each in answer["predictions"]] == ["Sensor"]
    assert answer["batteries"][0]["name"] == "Sensor"
    assert answer["batteries"][0]["days_left"] > 0
    assert [each["name"] for each in answer["models"]] == [each.name for each in MODELS]


def test_what_is_damaged_in_the_mirror_is_forgotten_and_nothing_else() -> None:
    home = a_home()
    falling(home, until=20)
    whole = dict(home.saved)
    damages: list[Any] = [
        {},
        {"runs": 3},
        {"battery": {"runs": [[1]], "replaced": []}},
        {"row": {}, "log": 1},
        {"days": [[]]},
    ]
    for key in whole:
        for damage in damages:
            home.saved = {**whole, key: damage}
            home.restart()
            home.live(DAY)


def test_rows_come_back_from_the_mirror_as_they_were() -> None:
    home = a_home()
    falling(home, until=20)
    for case in home.told:
        row = dict(case.row)
        assert rows.from_json(json.loads(json.dumps(rows.as_json(row)))) == row


def test_a_clock_that_is_set_mixes_no_hours() -> None:
    home = a_home()
    home.days(50, 50)
    for by in (timedelta(days=300), timedelta(days=-300)):
        home.now += by
        home.forecasts.handle_clock_step(by)
        timer = home.forecasts.get_timer()
        assert timer is not None
        assert timer - home.now <= LOOK
        home.days(50, 50)
    assert home.told == []
