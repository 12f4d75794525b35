"""What is foreseen or found becomes one alert, which follows it and ends with it."""

import threading
import uuid

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.cloud.rows import acting, add_device, change, insert


def predict(db, device_id, home_id, **values):
    fields = {"failure_type": "compressor_failure", "failure_probability": 0.7, "risk_score": 10, "severity": "warning"}
    return insert(db, "failure_predictions", device_id=device_id, home_id=home_id, **(fields | values))


def find_issue(db, device_id, home_id, **values):
    run = insert(db, "diagnostic_runs", device_id=device_id, home_id=home_id)
    fields = {"issue_type": "connectivity", "severity": "error", "title": "No route", "error_code": "E7"}
    return insert(db, "diagnostic_issues", device_id=device_id, diagnostic_run_id=run, **(fields | values))


def alerts(db, home_id):
    return db.execute(
        "SELECT alert_type::text, severity::text, status FROM ts.alerts WHERE home_id = %s ORDER BY created_at, alert_type", (home_id,)
    ).fetchall()  # fmt: skip


def the_alert(db, home_id, columns):
    statement = psycopg.sql.SQL("SELECT {} FROM ts.alerts WHERE home_id = %s").format(
        psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns))
    )
    [row] = db.execute(statement, (home_id,)).fetchall()
    return row


@pytest.fixture
def home(db, new_home):
    return new_home()[0]


@pytest.fixture
def device(db, home):
    return add_device(db, home, device_name="Fridge", device_type="appliance")


@pytest.mark.parametrize(
    "prediction,is_told",
    [
        ({"failure_probability": 0.6}, True),
        ({"failure_probability": 0.59}, False),
        ({"failure_probability": 0.1, "risk_score": 70}, True),
        ({"failure_probability": 0.1, "severity": "error"}, True),
        ({"failure_probability": 1, "prediction_status": "monitoring"}, False),
        ({"failure_probability": 1, "prediction_status": "resolved"}, False),
        ({"failure_probability": 1, "expires_at": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_a_prediction_that_is_likely_or_grave_is_an_alert(db, home, device, prediction, is_told):
    predict(db, device, home, **prediction)
    assert len(alerts(db, home)) == is_told


def test_the_alert_says_what_is_expected_and_of_which_device(db, home, device):
    prediction = predict(
        db, device, home, predicted_failure_date="2026-05-04T10:00:00Z", expires_at="2099-01-01T00:00:00Z"
    )
    title, message, source_type, source_id, device_id, context = the_alert(
        db, home, ["title", "message", "source_type", "source_id", "source_device_id", "context"]
    )
    assert title == "Fridge may fail"
    assert message == "compressor failure is expected with a probability of 70 %, around 2026-05-04."
    assert (source_type, source_id, str(device_id)) == ("prediction", prediction, device)
    assert context["failure_type"] == "compressor_failure"


def test_a_prediction_has_one_alert_however_often_it_changes(db, home, device):
    prediction = predict(db, device, home)
    change(db, "failure_predictions", prediction, failure_probability=0.9, severity="error")
    change(db, "failure_predictions", prediction, user_feedback="seen")
    assert alerts(db, home) == [("predictive_failure", "error", "active")]
    assert "90 %" in the_alert(db, home, ["message"])[0]
    # Less likely now: the alert follows, it does not vanish and come back.
    change(db, "failure_predictions", prediction, failure_probability=0.3, severity="warning")
    assert alerts(db, home) == [("predictive_failure", "warning", "active")]


@pytest.mark.parametrize("outcome", ["resolved", "false_positive", "occurred"])
def test_the_alert_ends_with_the_prediction_and_a_new_one_is_new(db, home, device, outcome):
    prediction = predict(db, device, home)
    change(db, "failure_predictions", prediction, prediction_status=outcome)
    assert alerts(db, home) == [("predictive_failure", "warning", "resolved")]
    assert the_alert(db, home, ["resolved_at"])[0] is not None
    change(db, "failure_predictions", prediction, prediction_status="active")
    assert [status for *_, status in alerts(db, home)] == ["resolved", "active"]


def test_an_alert_that_was_acknowledged_wakes_when_it_gets_worse_only(db, home, device):
    prediction = predict(db, device, home)
    db.execute("UPDATE ts.alerts SET status = 'acknowledged' WHERE home_id = %s", (home,))
    change(db, "failure_predictions", prediction, failure_probability=0.8)
    assert alerts(db, home) == [("predictive_failure", "warning", "acknowledged")]
    change(db, "failure_predictions", prediction, severity="critical")
    assert alerts(db, home) == [("predictive_failure", "critical", "active")]


def test_one_that_a_person_dismissed_stays_dismissed_until_it_is_foreseen_anew(db, home, device):
    prediction = predict(db, device, home)
    db.execute("UPDATE ts.alerts SET status = 'dismissed' WHERE home_id = %s", (home,))
    change(db, "failure_predictions", prediction, user_feedback="no")
    assert [status for *_, status in alerts(db, home)] == ["dismissed"]
    change(db, "failure_predictions", prediction, prediction_status="false_positive")
    change(db, "failure_predictions", prediction, prediction_status="active")
    assert [status for *_, status in alerts(db, home)] == ["resolved", "active"]


def test_preventive_actions_that_fit_are_linked_the_harmless_first(db, home):
    brand = insert(db, "brands")
    device = add_device(db, home, device_type="camera", primary_protocol="wifi", brand_id=brand)
    name = uuid.uuid4().hex

    def action(order, risk, **fit):
        values = {"action_type": "reboot", "category": "connectivity", "risk_level": risk, "applicable_brands": [brand]}
        return insert(db, "self_healing_actions", name=f"{name}-{order}", **(values | fit))

    action(1, "medium", applicable_device_types=["camera"])
    action(2, "low", applicable_protocols=["wifi", "zigbee"], average_success_rate=0.5)
    action(3, "low", average_success_rate=0.9)
    action(4, "low", applicable_device_types=["lock"], average_success_rate=1)
    action(5, "low", applicable_protocols=["zigbee"], average_success_rate=1)
    action(6, "low", category="automation", average_success_rate=1)
    action(7, "low", is_active=False, average_success_rate=1)
    prediction = predict(db, device, home, failure_category="network")

    actions = db.execute("SELECT preventive_actions FROM failure_predictions WHERE id = %s", (prediction,)).fetchone()[
        0
    ]
    ours = [one["name"] for one in actions if one["name"].startswith(name)]
    assert ours[:2] == [f"{name}-3", f"{name}-2"][: len(ours)]
    assert not {f"{name}-{n}" for n in (4, 5, 6, 7)} & set(ours)
    assert ours
    assert the_alert(db, home, ["actionable", "suggested_actions"]) == (True, actions)
    db.execute("DELETE FROM self_healing_actions WHERE name LIKE %s", (name + "%",))


def test_actions_that_a_prediction_names_are_left_as_they_are(db, home, device):
    named = Jsonb([{"name": "Clean the filter"}])
    prediction = predict(db, device, home, preventive_actions=named)
    actions = db.execute("SELECT preventive_actions FROM failure_predictions WHERE id = %s", (prediction,)).fetchone()[
        0
    ]
    assert actions == [{"name": "Clean the filter"}]


@pytest.mark.parametrize("odd", [{"a": 1}, "text", None])
def test_actions_of_an_odd_shape_cost_no_alert(db, home, device, odd):
    predict(db, device, home, preventive_actions=Jsonb(odd), failure_type="100 % {odd} \\", failure_probability=1)
    message, suggested = the_alert(db, home, ["message", "suggested_actions"])
    assert message == "100 % {odd} \\ is expected with a probability of 100 %."
    assert isinstance(suggested, list)


@pytest.mark.parametrize("outcome,is_right", [("occurred", True), ("false_positive", False), ("resolved", None)])
def test_what_a_model_said_is_logged_and_what_came_of_it(db, home, device, outcome, is_right):
    model = insert(db, "ml_models")
    prediction = predict(
        db, device, home, ml_model_id=model, primary_indicators=Jsonb(["rising current"]), model_version="2"
    )
    log = "SELECT input_features, output_prediction, prediction_correct, actual_outcome, model_version FROM ts.ml_predictions_log WHERE id = %s"
    [(features, output, correct, came, version)] = db.execute(log, (prediction,)).fetchall()
    assert features["primary_indicators"] == ["rising current"]
    assert (output["failure_type"], correct, came, version) == ("compressor_failure", None, None, "2")
    change(db, "failure_predictions", prediction, prediction_status=outcome)
    [(_, _, correct, came, _)] = db.execute(log, (prediction,)).fetchall()
    assert (correct, came["prediction_status"]) == (is_right, outcome)


def test_a_prediction_without_a_model_is_not_logged(db, home, device):
    predict(db, device, home)
    assert db.execute("SELECT count(*) FROM ts.ml_predictions_log WHERE home_id = %s", (home,)).fetchone() == (0,)


@pytest.mark.parametrize(
    "issue_type,alert_type",
    [
        ("connectivity", "connectivity_issue"),
        ("firmware", "firmware_update"),
        ("sensor", "predictive_failure"),
        ("automation", "automation_failure"),
        ("security", "security_vulnerability"),
        ("energy", "energy_anomaly"),
    ],
)
def test_a_grave_issue_is_an_alert_of_its_kind_until_it_is_fixed(db, home, device, issue_type, alert_type):
    issue = find_issue(db, device, home, issue_type=issue_type)
    assert alerts(db, home) == [(alert_type, "error", "active")]
    assert the_alert(db, home, ["title"]) == ("Fridge: No route",)
    change(db, "diagnostic_issues", issue, status="investigating")
    assert alerts(db, home) == [(alert_type, "error", "active")]
    change(db, "diagnostic_issues", issue, status="fixed")
    assert alerts(db, home) == [(alert_type, "error", "resolved")]


def test_from_an_issue_to_the_message_for_the_homes_people(db, home, device):
    find_issue(db, device, home, severity="critical")
    messages = "SELECT user_id = (SELECT owner_id FROM homes WHERE id = home_id), related_device_id::text, channel FROM ts.user_notifications WHERE home_id = %s"
    found = db.execute(messages, (home,)).fetchall()
    assert (True, device, "in_app") in found
    # The diagnosis that finds it again tells nobody again.
    find_issue(db, device, home, severity="critical")
    assert db.execute(messages, (home,)).fetchall() == found


def test_an_issue_that_is_not_grave_is_no_alert_until_it_is(db, home, device):
    issue = find_issue(db, device, home, severity="warning")
    assert alerts(db, home) == []
    change(db, "diagnostic_issues", issue, severity="critical")
    assert alerts(db, home) == [("connectivity_issue", "critical", "active")]
    change(db, "diagnostic_issues", issue, severity="info")
    assert alerts(db, home) == [("connectivity_issue", "critical", "resolved")]


def test_a_fault_that_each_diagnosis_finds_again_is_one_alert(db, home, device):
    first, second = find_issue(db, device, home), find_issue(db, device, home, severity="critical")
    find_issue(db, device, home, error_code="E8")
    assert alerts(db, home) == [("connectivity_issue", "critical", "active"), ("connectivity_issue", "error", "active")]
    change(db, "diagnostic_issues", second, status="fixed")
    assert min(alerts(db, home)) == ("connectivity_issue", "error", "active")
    db.execute("DELETE FROM diagnostic_issues WHERE id = %s", (first,))
    assert sorted(status for *_, status in alerts(db, home)) == ["active", "resolved"]


def test_the_same_fault_found_at_the_same_time_is_one_alert(db, dsn, home, device, several_backends):
    ready = threading.Barrier(5)

    def find():
        with psycopg.connect(dsn, autocommit=True) as connection:
            ready.wait()
            find_issue(connection, device, home)

    threads = [threading.Thread(target=find) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alerts(db, home) == [("connectivity_issue", "error", "active")]


def test_an_issue_that_turns_out_to_be_another_moves_its_alert(db, home, device):
    issue = find_issue(db, device, home)
    change(db, "diagnostic_issues", issue, issue_type="energy")
    assert sorted(alerts(db, home)) == [
        ("connectivity_issue", "error", "resolved"),
        ("energy_anomaly", "error", "active"),
    ]


@pytest.mark.parametrize("has_device", [True, False])
def test_a_critical_vulnerability_is_an_alert_until_it_is_closed(db, home, device, has_device):
    vulnerability = insert(
        db, "security_vulnerabilities", home_id=home, device_id=device if has_device else None, severity="critical", title="Open telnet"
    )  # fmt: skip
    assert alerts(db, home) == [("security_vulnerability", "critical", "active")]
    change(db, "security_vulnerabilities", vulnerability, status="acknowledged")
    change(db, "security_vulnerabilities", vulnerability, status="risk_accepted")
    assert alerts(db, home) == [("security_vulnerability", "critical", "resolved")]
    insert(db, "security_vulnerabilities", home_id=home, severity="error")
    assert len(alerts(db, home)) == 1


def test_what_is_deleted_ends_its_alert(db, home, device):
    prediction = predict(db, device, home)
    vulnerability = insert(db, "security_vulnerabilities", home_id=home, severity="critical")
    db.execute("DELETE FROM failure_predictions WHERE id = %s", (prediction,))
    db.execute("DELETE FROM security_vulnerabilities WHERE id = %s", (vulnerability,))
    assert {status for *_, status in alerts(db, home)} == {"resolved"}


def firmware(db, device_id):
    return db.execute(
        "SELECT firmware_version, firmware_update_available, latest_firmware_version, last_firmware_update_at IS NOT NULL FROM devices WHERE id = %s",
        (device_id,),
    ).fetchone()


def test_firmware_that_waits_is_shown_on_its_device_until_it_runs_there(db, home):
    device = add_device(db, home, firmware_version="1.0")
    update = insert(db, "firmware_updates", device_id=device, update_status="pending", to_version="1.1")
    assert firmware(db, device) == ("1.0", True, "1.1", False)
    change(db, "firmware_updates", update, update_status="installing", install_progress=50)
    change(db, "firmware_updates", update, update_status="failed")
    assert firmware(db, device) == ("1.0", True, "1.1", False)
    change(db, "firmware_updates", update, update_status="completed")
    assert firmware(db, device) == ("1.1", False, "1.1", True)


def test_a_newer_firmware_keeps_waiting_when_an_older_one_is_through(db, home):
    device = add_device(db, home, firmware_version="1.0")
    older = insert(db, "firmware_updates", device_id=device, update_status="pending", to_version="1.1")
    insert(db, "firmware_updates", device_id=device, update_status="pending", to_version="1.2")
    change(db, "firmware_updates", older, update_status="completed")
    assert firmware(db, device)[:3] == ("1.1", True, "1.2")
    insert(db, "firmware_updates", device_id=device, update_status="pending", to_version="1.1")
    assert firmware(db, device)[:3] == ("1.1", True, "1.2")


def test_a_hub_tells_its_own_alerts(db, home, device):
    with acting(db, {"role": "hub"}):
        predict(db, device, home)
        find_issue(db, device, home)
        insert(db, "security_vulnerabilities", home_id=home, severity="critical")
        insert(db, "firmware_updates", device_id=device, update_status="pending", to_version="9")
    assert alerts(db, home) == []
    assert firmware(db, device)[1] is False
