"""Alert rules: one problem, one alert, one clear end."""

from datetime import timedelta

import pytest

from hub_agent.core.alerting.desk import STORM_ALERTS
from hub_agent.model.device import DeviceType
from hub_agent.model.effects import Answer, AppendCase
from hub_agent.model.healing import Symptom
from hub_agent.model.inputs import AlertAnswered, ChannelTested
from tests.fakes.told_home import ToldHome, device

OFFLINE = [{"when": "offline", "for_minutes": 10}]
COLD = [{"metric": "temperature", "below": 15, "hysteresis": 1}]


def home(*names: str) -> ToldHome:
    return ToldHome(*(device(name) for name in names or ("hall", "cellar")))


# One rule.


def test_a_device_that_is_away_for_as_long_as_the_rule_says_is_told_and_its_return_too() -> None:
    told = home()
    told.rule(OFFLINE, severity="error", priority="high")
    told.available("hall", False)
    told.wait(9)
    assert told.open() == []

    told.wait(1)
    [row] = told.open()
    assert (row["alert_type"], row["severity"], row["priority"]) == ("device_offline", "error", "high")
    assert (row["alert_rule_id"], row["source_device_id"], row["source_type"]) == ("r1", "hall", "device")
    told.wait(25)
    told.available("hall", True)
    assert [row["status"] for row in told.rows.values()] == ["resolved"]
    assert told.sent == [
        ("phone", "Hall cannot be reached", "Hall does not answer."),
        ("phone", "Resolved: Hall cannot be reached", "It is over. It lasted 25 minutes."),
    ]


def test_who_is_back_in_time_was_never_away() -> None:
    told = home()
    told.rule(OFFLINE)
    for _ in range(5):
        told.available("hall", False)
        told.wait(8)
        told.available("hall", True)
        told.wait(1)
    assert told.rows == {}


def test_a_number_is_told_once_it_is_beyond_the_bound_and_over_when_it_has_clearly_come_back() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold")
    for value in (18, 15.2, 14.9, 14.5, 15.3, 15.9):
        told.measure("hall", "temperature", value)
    [row] = told.open()
    assert row["message"] == "Hall: temperature is 14.9 °C, below 15 °C."
    told.measure("hall", "temperature", 16.1)
    assert told.open() == []
    assert len(told.rows) == 1


def test_the_rule_of_the_demo_home_is_understood() -> None:
    told = home()
    bounds = {"below": 15, "unit": "°C"}
    told.rule([{"metric": "temperature", "below": 15}], rule_type="threshold", threshold_config=bounds,
              target_type="device", target_id="hall")  # fmt: skip
    told.measure("cellar", "temperature", 4)
    assert told.open() == []
    told.measure("hall", "temperature", 4)
    assert [row["source_device_id"] for row in told.open()] == ["hall"]


def test_what_cannot_be_read_now_neither_begins_an_alert_nor_ends_one() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold")
    told.measure("hall", "temperature", "unavailable")
    told.measure("hall", "temperature", 3)
    told.measure("hall", "temperature", "unknown")
    assert len(told.open()) == 1


def test_too_much_power_is_told_as_a_matter_of_energy() -> None:
    told = home()
    told.rule([{"metric": "power", "above": 2000, "for_minutes": 5}], rule_type="threshold")
    told.measure("hall", "power", 2500)
    told.wait(4)
    assert told.open() == []
    told.wait(1)
    assert [row["alert_type"] for row in told.open()] == ["energy_anomaly"]


def test_a_low_battery_is_told_without_any_rule_and_only_once_while_it_swings() -> None:
    told = home()
    for level in (21, 19, 22, 18, 23):
        told.measure("hall", "battery", level)
        told.wait(20)
    assert [(row["alert_type"], row["status"]) for row in told.rows.values()] == [("battery_low", "active")]
    told.measure("hall", "battery", 100)
    assert told.open() == []


def test_a_rule_of_the_home_stands_in_the_place_of_what_is_built_in_also_when_it_is_switched_off() -> None:
    told = home()
    told.rule([{"when": "battery"}], is_enabled=False)
    told.measure("hall", "battery", 3)
    told.wait(60)
    assert told.rows == {}


@pytest.mark.parametrize(
    "fields,covered",
    [
        ({}, {"hall", "lock"}),
        ({"target_type": "room", "target_id": "kitchen"}, {"hall"}),
        ({"target_type": "device", "target_id": "lock"}, {"lock"}),
        ({"target_type": "group", "target_id": "g"}, {"lock"}),
        ({"metadata": {"device_types": ["lock"]}}, {"lock"}),
    ],
)
def test_a_rule_covers_the_home_or_a_part_of_it(fields: dict, covered: set[str]) -> None:
    told = ToldHome(device("hall", "kitchen"), device("lock", kind=DeviceType.LOCK))
    told.groups["g"] = frozenset({told.by_id["lock"].id})
    told.rule(OFFLINE, **fields)
    for name in ("hall", "lock"):
        told.available(name, False)
    told.wait(20)
    assert {row["source_device_id"] for row in told.open()} == covered


@pytest.mark.parametrize(
    "fields,reason",
    [
        ({"rule_type": "astrology"}, "rule_type is “astrology”"),
        ({"conditions": "cold"}, "conditions is not a list of objects"),
        ({"conditions": []}, "it has 0 conditions"),
        ({"conditions": [{"when": "moon"}]}, "`when` is “moon”"),
        ({"conditions": [{"below": 5}], "rule_type": "threshold"}, "neither a metric nor an entity"),
        ({"conditions": [{"metric": "temperature"}]}, "either `above` or `below`"),
        ({"conditions": [{"metric": "temperature", "above": "warm"}]}, "above is “warm”, which is no number"),
        ({"conditions": [{"when": "issue"}]}, "neither codes nor severities"),
        ({"conditions": [{"when": "offline", "for_minutes": -1}]}, "for_minutes is “-1”"),
        ({"target_type": "planet"}, "target_type is “planet”"),
        ({"target_type": "room", "target_id": None}, "its room is not there any more"),
        ({"severity": "dire"}, "severity is “dire”"),
        ({"metadata": [1]}, "metadata is not an object"),
        ({"quiet_hours_start": "noonish"}, "“noonish” is no time of day"),
        ({"max_alerts_per_day": {"many": 1}}, "which is no number"),
    ],
)
def test_a_rule_that_makes_no_sense_is_an_issue_in_words_and_mended_it_is_in_force(fields: dict, reason: str) -> None:
    told = home()
    told.rule(**{"conditions": OFFLINE, **fields})
    [broken] = [each for each in told.alerting.rules() if each["status"] == "broken"]
    assert reason in str(broken["reason"])

    told.rule(OFFLINE)
    assert [each["status"] for each in told.alerting.rules() if each["id"] == "r1"] == ["in force"]


def test_a_rule_that_is_changed_or_deleted_ends_what_it_says_no_more_and_finds_what_is_so_already() -> None:
    told = home()
    told.measure("hall", "temperature", 10)
    told.rule(COLD, rule_type="threshold")
    told.wait(1)
    assert len(told.open()) == 1, "it was cold before there was a rule"
    told.rule([{"metric": "temperature", "below": 5}], rule_type="threshold")
    told.wait(1)
    assert told.open() == []
    told.rule(COLD, rule_type="threshold", cooldown_minutes=0)
    told.wait(1)
    assert len(told.open()) == 1
    told.unrule("r1")
    told.wait(1)
    assert told.open() == []


# One problem, one alert.


def test_what_healing_tells_becomes_the_alert_of_the_rule_that_was_there_first() -> None:
    told = home()
    told.rule(OFFLINE, severity="error")
    told.available("hall", False)
    told.wait(11)
    alert_id = told.healing_tells("hall")
    [row] = told.open()
    assert row["message"].endswith("Tried: a reboot.")
    assert told.titles() == ["Hall cannot be reached"], "the same is not told again"

    told.available("hall", True)
    told.healing_ends(alert_id)
    assert told.open() == []
    assert told.titles()[1:] == ["Resolved: A device cannot be reached"]


def test_the_rule_finds_what_healing_has_told_already() -> None:
    told = home()
    told.rule(OFFLINE)
    told.available("hall", False)
    alert_id = told.healing_tells("hall")
    told.wait(30)
    assert len(told.rows) == 1
    told.healing_ends(alert_id)
    assert len(told.open()) == 1, "it is away still"
    told.available("hall", True)
    assert told.open() == []


def test_what_is_being_mended_is_no_alert_before_healing_tells_or_the_rules_time_is_over() -> None:
    told = home()
    told.rule([{"when": "issue", "codes": ["device_unavailable"]}], key="soon")
    told.rule([{"when": "issue", "codes": ["device_unavailable"], "for_minutes": 30}], key="late")
    told.issue("device_unavailable", "hall", name="Hall", reason="it says so")
    told.wait(29)
    assert told.rows == {}
    told.wait(1)
    assert [row["alert_rule_id"] for row in told.open()] == ["late"]
    told.healing_tells("hall")
    assert len(told.rows) == 1


def test_devices_behind_a_dead_bridge_are_not_told_one_by_one() -> None:
    names = [f"lamp{n}" for n in range(60)]
    told = home("bridge", *names)
    told.rule(OFFLINE, severity="error")
    told.held.update(names)
    for name in ("bridge", *names):
        told.available(name, False)
    told.wait(120)
    alert_id = told.healing_tells("bridge", Symptom.TOGETHER)
    told.wait(600)
    assert [row["source_device_id"] for row in told.rows.values()] == ["bridge"]

    told.held.clear()
    for name in ("bridge", *names):
        told.available(name, True)
    told.healing_ends(alert_id)
    told.wait(60)
    assert (len(told.rows), told.open()) == (1, [])
    assert len(told.titles()) == 2


def test_while_the_broker_is_away_no_device_is_told_of_and_afterwards_each_has_a_grace() -> None:
    told = home()
    told.rule(OFFLINE)
    told.take(told.alerting.handle_disconnected(told.now))
    told.available("hall", False)
    told.wait(60)
    assert told.rows == {}
    told.take(told.alerting.handle_connected(told.now))
    told.wait(4)
    told.available("hall", True)
    told.wait(60)
    assert told.rows == {}


def test_a_critical_issue_of_the_hub_is_told_without_any_rule_and_its_end() -> None:
    told = home()
    told.issue("disk_full", "mirror", reason="No room on the card.")
    told.wait(2)
    assert [(row["severity"], row["title"]) for row in told.open()] == [("critical", "The disk is full")]
    assert set(told.titles("office")) == {"The disk is full"}
    told.clear("disk_full", "mirror")
    assert told.open() == []


def test_automations_that_fail_are_told_by_a_rule() -> None:
    told = home()
    told.rule([{"when": "automation_failed"}], severity="info")
    told.issue("automation_invalid", "a1", name="Morning", reason="a trigger is missing")
    [row] = told.open()
    assert (row["alert_type"], row["severity"], row["source_type"], row["source_id"]) == (
        "automation_failure", "error", "automation", "a1",
    )  # fmt: skip


def test_an_incident_is_told_until_it_is_over() -> None:
    told = home()
    row = {
        "id": "i1",
        "device_id": None,
        "severity": "error",
        "title": "Wrong codes",
        "description": "Ten wrong codes.",
        "status": "detected",
    }
    told.case(AppendCase("security_incidents", "i1", 1, row))
    assert [(each["alert_type"], each["source_type"]) for each in told.open()] == [("unauthorized_access", "security")]
    told.case(AppendCase("security_incidents", "i1", 2, row | {"status": "contained"}))
    assert told.open() == []


def test_what_is_open_in_the_home_is_told_once_and_an_incident_by_its_row_alone() -> None:
    told = home()
    told.issue(
        "home_exposed", "open_telnet", names="Camera: Telnet is open", text="It is open.", advice="Switch it off."
    )
    told.issue("home_exposed", "open_telnet", names="Two are open", text="They are open.", advice="Switch them off.")
    told.issue("security_incident", "wrong_code/192.168.1.66", what="Codes", text="Ten.", advice="Look.")
    assert [(each["alert_type"], each["source_type"]) for each in told.open()] == [
        ("security_vulnerability", "security")
    ]
    told.clear("home_exposed", "open_telnet")
    assert told.open() == []
    told.rule([{"when": "issue", "severities": ["warning"]}])
    assert told.open() == []


def test_a_prediction_is_told_when_it_is_probable_and_only_then() -> None:
    told = home()
    row = {"id": "p1", "device_id": "hall", "severity": "warning", "failure_type": "battery_empty", "failure_probability": 0.4,
           "risk_score": 20, "prediction_status": "active", "predicted_failure_date": "2026-02-01T00:00:00+00:00"}  # fmt: skip
    told.case(AppendCase("failure_predictions", "p1", 1, row))
    assert told.rows == {}
    told.case(AppendCase("failure_predictions", "p1", 2, row | {"failure_probability": 0.8}))
    [alert] = told.open()
    assert alert["message"] == "Hall: battery empty is expected around 2026-02-01."
    told.case(AppendCase("failure_predictions", "p1", 3, row | {"prediction_status": "resolved"}))
    assert told.open() == []


def test_what_was_mended_is_told_once_to_those_who_want_it() -> None:
    told = home()
    row = {"id": "e1", "device_id": "hall", "status": "completed", "issue_resolved": True, "issue_detected": "Hall is unavailable.",
           "metadata": {"remedy": "reboot_device"}}  # fmt: skip
    told.case(AppendCase("self_healing_executions", "e1", 2, row))
    assert told.rows == {}
    told.rule([{"when": "healing", "status": ["failed", "completed"]}])
    told.case(AppendCase("self_healing_executions", "e2", 2, row | {"id": "e2"}))
    assert [(each["alert_type"], each["status"]) for each in told.rows.values()] == [
        ("self_healing_completed", "resolved")
    ]
    assert told.titles() == ["Hall was mended"]


# Not too often.


def test_the_same_is_not_told_again_within_the_cooldown_but_after_it_if_it_is_so_still() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold", cooldown_minutes=60)
    for value in (10, 20, 10):
        told.measure("hall", "temperature", value)
        told.wait(10)
    assert len(told.rows) == 1
    told.measure("cellar", "temperature", 10)
    assert len(told.rows) == 2, "that is another matter"
    told.wait(40)
    assert len(told.open()) == 2


def test_no_more_alerts_a_day_than_the_rule_allows() -> None:
    told = home("a", "b", "c")
    told.rule(COLD, rule_type="threshold", max_alerts_per_day=2)
    for name in "abc":
        told.measure(name, "temperature", 10)
    told.wait(60)
    assert len(told.rows) == 2
    told.wait(60 * 12)
    assert len(told.rows) == 3, "tomorrow is another day"


def test_in_quiet_hours_nobody_is_woken_unless_it_is_critical() -> None:
    told = home()
    quiet = {"quiet_hours_start": "10:00:00", "quiet_hours_end": "18:30:00"}
    told.rule(COLD, rule_type="threshold", **quiet)
    told.rule([{"metric": "temperature", "below": 0}], key="frost", rule_type="threshold", severity="critical", **quiet)
    told.measure("hall", "temperature", 10)
    told.measure("cellar", "temperature", 10)
    told.wait(60)
    told.measure("cellar", "temperature", 20)
    assert told.rows == {}
    told.measure("hall", "temperature", -2)
    assert [row["alert_rule_id"] for row in told.open()] == ["frost"]
    told.wait(60 * 6)
    assert sorted(row["alert_rule_id"] for row in told.open()) == ["frost", "r1"], "it is cold in the hall still"


def test_of_a_storm_the_first_stand_alone_and_the_rest_is_summed_up_until_all_is_over() -> None:
    names = [f"s{n:02}" for n in range(STORM_ALERTS + 14)]
    told = home(*names)
    told.rule(COLD, rule_type="threshold")
    for name in names:
        told.measure(name, "temperature", 10)
    told.wait(2)
    assert len(told.open()) == STORM_ALERTS + 1
    [storm] = [row for row in told.open() if row["title"] == "Much is wrong at once"]
    assert storm["message"].endswith("and 9 others.")
    assert len(told.titles()) == STORM_ALERTS + 1
    told.wait(60)
    for name in names:
        told.measure(name, "temperature", 20)
    assert told.open() == []


def test_a_rule_may_want_to_be_reminded_until_somebody_acknowledges() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold", metadata={"repeat_minutes": 30})
    told.measure("hall", "temperature", 10)
    told.wait(65)
    assert told.titles() == ["Rule r1", "Still: Rule r1", "Still: Rule r1"]
    assert told.alerting.answer(told.open()[0]["id"], "acknowledge", None, told.now) is not None
    told.wait(120)
    assert len(told.titles()) == 3


# People answer.


def test_what_a_person_has_dismissed_stays_quiet_until_it_was_over() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold", cooldown_minutes=0)
    told.measure("hall", "temperature", 10)
    [row] = told.open()
    told.take(told.alerting.take(AlertAnswered(row["id"], "dismiss", "u1", "q"), told.now))
    assert (told.rows[row["id"]]["status"], told.rows[row["id"]]["dismissed_by"]) == ("dismissed", "u1")
    told.measure("hall", "temperature", 9)
    told.wait(120)
    told.measure("hall", "temperature", 20)
    assert len(told.rows) == len(told.titles()) == 1
    told.measure("hall", "temperature", 9)
    assert len(told.open()) == 1


def test_what_was_answered_is_told_anew_when_it_becomes_worse() -> None:
    told = home()
    told.rule(OFFLINE)
    told.available("hall", False)
    told.wait(10)
    told.take(told.alerting.answer(told.open()[0]["id"], "resolve", None, told.now) or ())
    told.healing_tells("hall", Symptom.TOGETHER)
    assert [row["severity"] for row in told.open()] == ["error"]


def test_an_answer_to_what_is_not_there_says_so() -> None:
    told = home()
    [answer] = told.alerting.take(AlertAnswered("nothing", "resolve", None, "q"), told.now)
    assert isinstance(answer, Answer)
    assert answer.answer == {"error": "no alert nothing is open"}


def test_a_channel_can_be_tried() -> None:
    told = home()
    told.take(told.alerting.take(ChannelTested("phone", "q"), told.now))
    assert told.titles() == ["A test"]
    [answer] = told.alerting.take(ChannelTested("fax", "q"), told.now)
    assert isinstance(answer, Answer)
    assert "no channel fax" in str(answer.answer)


# Over a restart.


def test_an_open_alert_outlives_a_restart_and_ends_when_its_cause_is_gone() -> None:
    told = home()
    told.rule(OFFLINE)
    told.available("hall", False)
    told.wait(11)
    told.crash(connected=True)
    assert len(told.rows) == 1
    told.available("hall", True)
    assert told.open() == []


def test_a_cause_that_went_while_the_agent_was_away_ends_its_alert() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold")
    told.issue("disk_full", "mirror", reason="Full.")
    told.measure("hall", "temperature", 10)
    lost = told.healing_tells("cellar")
    told.wait(5)
    assert len(told.open()) == 3
    told.issues.clear()
    told.tells.discard(lost)
    told.states.clear()
    told.measure("hall", "temperature", 20)
    told.crash(connected=True)
    assert told.open() == []


def test_what_healing_told_at_night_is_told_in_the_morning_also_after_a_restart() -> None:
    told = home()
    told.rule([{"when": "healing"}], quiet_hours_start="11:00", quiet_hours_end="13:00")
    told.healing_tells("hall")
    told.crash(connected=True)
    assert told.rows == {}
    told.wait(60)
    assert len(told.open()) == 1


def test_damaged_memory_is_forgotten() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold")
    told.measure("hall", "temperature", 10)
    for key in list(told.saved):
        told.saved[key] = {"row": 7, "owed": [3, {}], "opened": {"r1 x": "yesterday"}}
    told.crash(connected=True)
    told.measure("cellar", "temperature", 10)
    assert {row["source_device_id"] for row in told.open()} == {"hall", "cellar"}


def test_a_clock_that_was_set_neither_hurries_nor_delays_anything() -> None:
    told = home()
    told.rule(OFFLINE)
    told.available("hall", False)
    told.wait(5)
    for by in (timedelta(days=400), timedelta(days=-700)):
        told.now += by
        told.alerting.handle_clock_step(by)
        told.wait(2)
    assert told.rows == {}
    told.wait(1)
    assert len(told.open()) == 1


# Others hear of it.


def test_the_broker_has_the_list_of_what_is_open() -> None:
    told = home()
    told.rule(COLD, rule_type="threshold")
    told.measure("hall", "temperature", 10)
    assert [each["title"] for each in told.published["nexa/home/alerts"]] == ["Rule r1"]
    assert told.published["nexa/home/alert/active"]["severity"] == "warning"
    told.measure("hall", "temperature", 20)
    assert told.published["nexa/home/alerts"] == []
    assert told.published["nexa/home/alert/resolved"]["status"] == "resolved"
