"""The health of a device: what costs points and gives them back, what is written down, and by whom."""

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import cloud_schema
from cloud_schema.maintain import maintain
from tests.cloud.rows import acting, add_device, change, insert

FLOWS = (Path(cloud_schema.__file__).parent / "FLOWS.md").read_text()
POINTS = {
    (part, what): (float(points), int(most))
    for part, what, points, most in re.findall(r"^\| (\w+) \| ([^|]+) \| ([\d.]+) \| (\d+) \|$", FLOWS, re.MULTILINE)
}
DAY = timedelta(days=1)
SEVERITIES = ["info", "warning", "error", "critical"]


def score_of(db, device_id):
    return db.execute("SELECT health_score FROM devices WHERE id = %s", (device_id,)).fetchone()[0]


def measured(db, device_id):
    return db.execute("SELECT calculate_device_health_score(%s)", (device_id,)).fetchone()[0]


def history(db, device_id):
    return db.execute(
        "SELECT health_score, previous_score, score_change, score_trend, factors FROM ts.device_health_history WHERE device_id = %s ORDER BY time",
        (device_id,),
    ).fetchall()


def ago(days: float) -> datetime:
    return datetime.now(UTC) - days * DAY


def add_error(db, device_id, level, days=0.0, **values):
    home_id = db.execute("SELECT home_id FROM devices WHERE id = %s", (device_id,)).fetchone()[0]
    at = values.pop("time", ago(days))
    return insert(db, "device_error_logs", device_id=device_id, home_id=home_id, error_level=level, time=at, **values)


def add_issue(db, device_id, severity, **values):
    home_id = db.execute("SELECT home_id FROM devices WHERE id = %s", (device_id,)).fetchone()[0]
    run = insert(db, "diagnostic_runs", device_id=device_id, home_id=home_id)
    return insert(db, "diagnostic_issues", device_id=device_id, diagnostic_run_id=run, severity=severity, **values)


def happen(db, device_id, home_id, part, what):
    """Lets one row of the table of points come true."""
    of_device = {"device_id": device_id, "home_id": home_id}
    match part, what:
        case "connectivity", "offline" | "offline for a day" | "offline for a week":
            days = {"offline": 0, "offline for a day": 2, "offline for a week": 8}[what]
            change(db, "devices", device_id, connectivity_status="offline", last_seen_at=ago(days))
        case "connectivity", _:
            change(db, "devices", device_id, connectivity_status=what, is_online=True)
        case "errors", _:
            add_error(db, device_id, what, time=datetime.now(UTC) + timedelta(minutes=1))
        case "issues", _:
            add_issue(db, device_id, what)
        case "battery", _:
            change(db, "devices", device_id, power_source="battery", battery_level=int(what.removesuffix(" %")))
        case "firmware", _:
            change(db, "devices", device_id, firmware_update_available=True)
        case "vulnerabilities", _:
            insert(db, "security_vulnerabilities", severity=what, **of_device)
        case "anomalies", _:
            at = datetime.now(UTC) + timedelta(minutes=1)
            insert(db, "anomaly_detections", severity=what, time=at, **of_device)
        case "predictions", _:
            status = "monitoring" if "monitored" in what else "active"
            insert(db, "failure_predictions", failure_probability=1, prediction_status=status, **of_device)


@pytest.mark.parametrize("part,what", POINTS)
def test_a_device_loses_the_points_that_the_table_says(db, new_home, part, what):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    points, most = POINTS[part, what]

    happen(db, device_id, home_id, part, what)
    assert score_of(db, device_id) == measured(db, device_id) == round(100 - points)

    if part in {"errors", "issues", "vulnerabilities", "anomalies"}:
        for _ in range(most):
            happen(db, device_id, home_id, part, what)
        assert score_of(db, device_id) == 100 - most
    assert {factor["factor"] for factor in history(db, device_id)[-1][4]} == {part}


def test_the_table_of_points_is_there():
    assert len(POINTS) > 20


def test_all_at_once_is_zero_and_not_less(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    for part, what in POINTS:
        for _ in range(6):
            happen(db, device_id, home_id, part, what)
    assert score_of(db, device_id) == 0


def test_what_is_over_gives_the_points_back(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    of_device = {"device_id": device_id, "home_id": home_id}
    error = add_error(db, device_id, "critical")
    issue = add_issue(db, device_id, "error")
    anomaly = insert(db, "anomaly_detections", severity="critical", time=datetime.now(UTC), **of_device)
    vulnerability = insert(db, "security_vulnerabilities", severity="critical", **of_device)
    prediction = insert(db, "failure_predictions", failure_probability=1, **of_device)
    scores = [score_of(db, device_id)]
    assert scores == [100 - 10 - 8 - 8 - 10 - 15]
    for table, row_id, over in [
        ("device_error_logs", error, {"is_resolved": True}),
        ("diagnostic_issues", issue, {"status": "fixed"}),
        ("anomaly_detections", anomaly, {"status": "false_positive"}),
        ("security_vulnerabilities", vulnerability, {"status": "resolved"}),
        ("failure_predictions", prediction, {"prediction_status": "resolved"}),
    ]:
        change(db, table, row_id, **over)
        scores.append(score_of(db, device_id))
    assert scores == sorted(scores)
    assert scores[-1] == 100


@pytest.mark.parametrize(
    "device",
    [
        {"connectivity_status": "unknown"},
        {"power_source": "wired", "battery_level": 1},
        {"power_source": "battery", "battery_level": 1, "is_charging": True},
        {"power_source": "battery", "battery_level": 21},
    ],
)
def test_what_is_not_wrong_costs_nothing(db, new_home, device):
    assert measured(db, add_device(db, new_home()[0], **device)) == 100


def test_infos_and_what_is_older_than_a_week_cost_nothing(db, new_home):
    device_id = add_device(db, new_home()[0])
    add_error(db, device_id, "info")
    add_error(db, device_id, "critical", days=7.01)
    assert (score_of(db, device_id), measured(db, device_id)) == (100, 100)


def test_a_flood_of_infos_hides_no_error(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    add_error(db, device_id, "critical")
    db.execute(
        "INSERT INTO ts.device_error_logs (device_id, home_id, error_level) SELECT %s, %s, 'info' FROM generate_series(1, 2000)",
        (device_id, home_id),
    )
    assert measured(db, device_id) == 90


def test_a_device_that_is_deleted_or_unknown_has_no_health(db, new_home):
    device_id = add_device(db, new_home()[0])
    change(db, "devices", device_id, deleted_at="2026-03-01T12:00:00Z")
    assert measured(db, device_id) is None
    assert measured(db, "00000000-0000-0000-0000-000000000000") is None
    add_error(db, device_id, "critical")
    assert history(db, device_id) == []


def test_an_error_of_a_device_that_is_gone_is_stored_all_the_same(db, new_home):
    nobody = "00000000-0000-0000-0000-000000000001"
    insert(db, "device_error_logs", device_id=nobody, home_id=new_home()[0], error_level="critical")


def test_the_score_is_told_to_the_homes_people_and_to_nobody_else(db, new_home):
    home_id, owner_id = new_home()
    device_id = add_device(db, home_id)
    _, stranger_id = new_home()
    for user_id, expected in [(owner_id, 100), (stranger_id, None)]:
        with acting(db, {"sub": user_id, "role": "authenticated"}, role="authenticated"):
            assert measured(db, device_id) == expected
    for role in ("anon", "hub"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting(db, role=role):
            measured(db, device_id)


def test_history_tells_each_change_once_and_within_a_minute_in_one_row(db, new_home):
    device_id = add_device(db, new_home()[0])
    change(db, "devices", device_id, firmware_update_available=True)
    change(db, "devices", device_id, firmware_update_available=True)
    add_error(db, device_id, "critical")
    [row] = history(db, device_id)
    assert row[:4] == (85, 100, -15, "declining")

    db.execute(
        "UPDATE ts.device_health_history SET time = now() - interval '2 minutes' WHERE device_id = %s", (device_id,)
    )
    change(db, "devices", device_id, firmware_update_available=False)
    assert [row[:4] for row in history(db, device_id)] == [(85, 100, -15, "declining"), (90, 85, 5, "improving")]


def test_errors_at_the_same_time_are_both_counted(db, dsn, new_home, several_backends):
    device_id = add_device(db, new_home()[0])
    ready = threading.Barrier(4)

    def log_errors():
        with psycopg.connect(dsn, autocommit=True) as connection:
            ready.wait()
            for _ in range(2):
                add_error(connection, device_id, "error")

    threads = [threading.Thread(target=log_errors) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert score_of(db, device_id) == measured(db, device_id) == 100 - 8 * 4


# What a device may go through: what, how bad, how many days ago, and whether it is over.
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["error", "issue", "anomaly", "vulnerability"]),
        st.sampled_from(SEVERITIES),
        st.floats(0, 9),
        st.booleans(),
    ),
    max_size=12,
)
WEIGHTS = {
    kind: {"info": 0.0} | {severity: POINTS[part, severity][0] for severity in SEVERITIES[1:]}
    for kind, part in [("error", "errors"), ("issue", "issues"), ("anomaly", "anomalies"), ("vulnerability", "vulnerabilities")]
}  # fmt: skip
MOST = {"error": 35, "issue": 25, "anomaly": 15, "vulnerability": 15}


def go_through(db, device_id, home_id, event):
    """Answers what makes it over, as arguments of `change`."""
    kind, severity, days, is_over = event
    of_device = {"device_id": device_id, "home_id": home_id}
    at = db.execute("SELECT now() - %s * interval '1 day'", (days,)).fetchone()[0]
    if kind == "error":
        row = insert(db, "device_error_logs", error_level=severity, time=at, is_resolved=is_over, **of_device)
        return "device_error_logs", row, {"is_resolved": True}
    if kind == "issue":
        row = add_issue(db, device_id, severity, status="fixed" if is_over else "open")
        return "diagnostic_issues", row, {"status": "ignored"}
    if kind == "anomaly":
        status = "resolved" if is_over else "new"
        row = insert(db, "anomaly_detections", severity=severity, time=at, status=status, **of_device)
        return "anomaly_detections", row, {"status": "false_positive"}
    status = "risk_accepted" if is_over else "open"
    row = insert(db, "security_vulnerabilities", severity=severity, status=status, **of_device)
    return "security_vulnerabilities", row, {"status": "resolved"}


def expected_score(events):
    lost = dict.fromkeys(MOST, 0.0)
    for kind, severity, days, is_over in events:
        decay = max(0.0, 1 - days / 7) if kind in {"error", "anomaly"} else 1.0
        lost[kind] += 0 if is_over else WEIGHTS[kind][severity] * decay
    return 100 - sum(min(MOST[kind], points) for kind, points in lost.items())


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=EVENTS)
def test_the_score_is_within_bounds_falls_with_what_happens_and_recovers_with_what_is_over(db, new_home, events):
    home_id, _ = new_home()
    # One transaction: the time stands still, so points do not decay while the test looks.
    with db.transaction(force_rollback=True):
        device_id = add_device(db, home_id)
        scores = [100]
        ends = []
        for event in events:
            ends.append(go_through(db, device_id, home_id, event))
            scores.append(score_of(db, device_id))
            assert scores[-1] == measured(db, device_id)
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] <= 100
        assert abs(scores[-1] - expected_score(events)) <= 0.51
        for table, row_id, over in ends:
            before = score_of(db, device_id)
            change(db, table, row_id, **over)
            assert score_of(db, device_id) >= before
        assert score_of(db, device_id) == 100


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(flood=st.integers(1, 60), level=st.sampled_from(SEVERITIES), days=st.floats(0, 8))
def test_more_errors_than_are_counted_never_raise_the_score(db, new_home, flood, level, days):
    home_id, _ = new_home()
    with db.transaction(force_rollback=True):
        device_id = add_device(db, home_id)
        for severity in ("warning", "error", "critical"):
            add_error(db, device_id, severity, days=5)
        before = score_of(db, device_id)
        db.execute(
            "INSERT INTO ts.device_error_logs (device_id, home_id, error_level, time)"
            " SELECT %s, %s, %s::alert_severity, now() - %s * interval '1 day' FROM generate_series(1, %s)",
            (device_id, home_id, level, days, flood),
        )
        assert score_of(db, device_id) <= before


def test_a_hub_that_tells_is_not_measured_while_it_tells_but_at_maintenance(hub, db):
    device_id = hub.add_device()
    hub.ingest(present={"devices": {device_id: {"connectivity_status": "weak", "is_online": True}}})
    assert (score_of(db, device_id), history(db, device_id)) == (100, [])
    assert db.execute("SELECT record_device_health(%s)", (hub.home_id,)).fetchone() == (1,)
    assert score_of(db, device_id) == 92


def test_a_hub_that_measures_for_itself_owns_score_and_history_until_it_says_so_no_more(hub, db):
    device_id = hub.add_device()
    measured_there = {"devices": {device_id: {"health_score": 55, "is_online": True}}}
    hub.ingest(present=measured_there | {"hub": {"streams": {}, "measures_health": True}})
    add_error(db, device_id, "critical")
    assert db.execute("SELECT record_device_health(%s)", (hub.home_id,)).fetchone() == (0,)
    assert (score_of(db, device_id), history(db, device_id)) == (55, [])
    hub.ingest(present={"devices": {}})
    add_error(db, device_id, "critical")
    assert score_of(db, device_id) == 55
    for lie in ("yes", {"true": True}, None):
        hub.ingest(present={"hub": {"streams": {}, "measures_health": lie}})
        db.execute("SELECT record_device_health(%s)", (hub.home_id,))
        assert score_of(db, device_id) == 80


def test_what_a_hub_measures_goes_from_telemetry_to_the_summary(hub, db):
    device_id = hub.add_device()
    at = ago(0.1).replace(microsecond=0)
    reading = {
        "time": at.isoformat(),
        "device_id": device_id,
        "metric_type": "temperature",
        "value": 21.5,
        "unit": "°C",
    }
    measured_there = {"time": at.isoformat(), "device_id": device_id, "health_score": 73, "connectivity_score": 29}
    told = {"score_trend": "declining", "previous_score": 100, "score_change": -27, "factors": [], "recommendations": ["check_connection"]}  # fmt: skip
    answer = hub.ingest(
        streams={
            "device_telemetry": {"first": 1, "rows": [reading]},
            "device_health_history": {"first": 1, "rows": [measured_there | told]},
        },
        present={"devices": {device_id: {"health_score": 73, "is_online": False}}, "hub": {"measures_health": True}},
    )
    assert answer["refused"] == []
    maintain_all = "SELECT record_device_health(%s)"
    assert db.execute(maintain_all, (hub.home_id,)).fetchone() == (0,)
    db.execute("SELECT public.refresh_materialized_views()")
    assert [row[:4] for row in history(db, device_id)] == [(73, 100, -27, "declining")]
    summary = "SELECT health_score, is_online FROM ts.device_health_summary WHERE device_id = %s"
    assert db.execute(summary, (device_id,)).fetchone() == (73, False)
    hours = "SELECT avg_value FROM ts.device_telemetry_hourly WHERE device_id = %s"
    assert [float(row[0]) for row in db.execute(hours, (device_id,)).fetchall()] == [21.5]


def test_each_day_has_its_history_and_points_decay_though_nothing_happens(db, new_home):
    home_id, _ = new_home()
    device_id, quiet_id = add_device(db, home_id), add_device(db, home_id)
    error = add_error(db, device_id, "critical")
    for table in ("device_error_logs", "device_health_history"):
        change_time = psycopg.sql.SQL("UPDATE {} SET time = time - interval '3.5 days' WHERE device_id = %s")
        db.execute(change_time.format(psycopg.sql.Identifier("ts", table)), (device_id,))
    assert error
    assert db.execute("SELECT record_device_health(%s), record_device_health(%s)", (home_id, home_id)).fetchone() == (
        2,
        0,
    )
    assert [row[:4] for row in history(db, device_id)] == [(90, 100, -10, "declining"), (95, 90, 5, "improving")]
    assert [row[:4] for row in history(db, quiet_id)] == [(100, 100, 0, "stable")]


def test_maintenance_measures_every_home(db, dsn, new_home):
    devices = [add_device(db, new_home()[0]) for _ in range(2)]
    for device_id in devices:
        add_error(db, device_id, "critical")
        db.execute(
            "UPDATE ts.device_error_logs SET time = time - interval '3.5 days' WHERE device_id = %s", (device_id,)
        )
    assert [score_of(db, device_id) for device_id in devices] == [90, 90]
    [outcome] = maintain(dsn, ("health",), now=True, say=lambda _line: None)
    assert outcome.status == "done", outcome
    assert [score_of(db, device_id) for device_id in devices] == [95, 95]


def test_the_days_telemetry_is_compared_with_that_of_a_week_ago(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    # An hour and a half from both ends, so that no reading falls out of its day while the test runs.
    for hours in [2, 3, *(7 * 24 + hour for hour in range(2, 10))]:
        insert(db, "device_telemetry", device_id=device_id, time=ago(hours / 24), value=1)
    db.execute("SELECT record_device_health(%s)", (home_id,))
    [row] = history(db, device_id)
    assert row[4] == [{"factor": "telemetry", "points": 0, "hours": 2, "hours_a_week_ago": 8}]
    assert row[0] == 100


def test_from_telemetry_over_hours_and_history_to_the_summary(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    for hours in (2, 3, 7 * 24 + 2):
        insert(db, "device_telemetry", device_id=device_id, time=ago(hours / 24), value=20)
    add_error(db, device_id, "critical")
    db.execute("SELECT record_device_health(%s)", (home_id,))
    db.execute("SELECT refresh_materialized_views()")
    hours = "SELECT count(*) FROM device_telemetry_hourly WHERE device_id = %s AND hour > now() - interval '1 day'"
    assert db.execute(hours, (device_id,)).fetchone() == (2,)
    assert [row[0] for row in history(db, device_id)] == [90]
    summary = "SELECT health_score, errors_last_7_days FROM device_health_summary WHERE device_id = %s"
    assert db.execute(summary, (device_id,)).fetchone() == (90, 1)


def test_only_the_operator_records_health(db, new_home):
    home_id, owner_id = new_home()
    for role, claims in [("authenticated", {"sub": owner_id}), ("anon", {}), ("hub", {"home_id": home_id})]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), acting(db, claims, role=role):
            db.execute("SELECT record_device_health(%s)", (home_id,))
    with acting(db, {"role": "service_role"}, role="service_role"):
        assert db.execute("SELECT record_device_health(%s)", (home_id,)).fetchone() == (0,)


def test_a_prediction_that_has_expired_is_resolved_at_maintenance(db, new_home):
    home_id, _ = new_home()
    device_id = add_device(db, home_id)
    prediction = insert(
        db, "failure_predictions", device_id=device_id, home_id=home_id, failure_probability=0.8, expires_at=ago(-1)
    )
    assert score_of(db, device_id) == 88
    db.execute("UPDATE failure_predictions SET expires_at = now() - interval '1 hour' WHERE id = %s", (prediction,))
    db.execute("SELECT record_device_health(%s)", (home_id,))
    assert db.execute("SELECT prediction_status FROM failure_predictions WHERE id = %s", (prediction,)).fetchone() == (
        "resolved",
    )
    assert score_of(db, device_id) == 100
