"""Runs count up in their automation and tell how well it is; of a hub's automations the hub does the counting."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.cloud.rows import change, insert

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUSES = ["success", "failed", "partial", "cancelled", "timeout"]


def add_automation(db, home_id, **values):
    return insert(db, "automations", home_id=home_id, name="Hall light", **values)


def run(db, automation_id, home_id, status="success", minute=0, **values):
    at = NOON + timedelta(minutes=minute)
    return insert(
        db, "automation_executions", automation_id=automation_id, home_id=home_id, status=status, time=at, started_at=at, **values
    )  # fmt: skip


def runs(db, automation_id, home_id, *statuses):
    for minute, status in enumerate(statuses):
        run(db, automation_id, home_id, status, minute)


def counts(db, automation_id):
    return db.execute(
        "SELECT total_executions, success_count, failure_count FROM automations WHERE id = %s", (automation_id,)
    ).fetchone()


def health(db, automation_id):
    return db.execute("SELECT health_status FROM automations WHERE id = %s", (automation_id,)).fetchone()[0]


def checks(db, automation_id):
    return db.execute(
        "SELECT health_status, health_score FROM ts.automation_health_checks WHERE automation_id = %s ORDER BY time, created_at",
        (automation_id,),
    ).fetchall()


def alerts(db, automation_id):
    return db.execute(
        "SELECT status, severity::text, alert_type::text FROM ts.alerts WHERE source_id = %s ORDER BY time",
        (automation_id,),
    ).fetchall()


def test_runs_count_up_by_how_they_ended(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    runs(db, automation_id, home_id, "success", "failed", "partial", "timeout", "cancelled", "success")
    assert counts(db, automation_id) == (6, 2, 2)


def test_the_last_run_is_the_latest_not_the_last_to_arrive(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    last = "SELECT last_executed_at, last_execution_status, last_execution_duration_ms FROM automations WHERE id = %s"
    run(db, automation_id, home_id, "timeout", minute=5, duration_ms=70)
    run(db, automation_id, home_id, "success", minute=1, duration_ms=10)
    assert db.execute(last, (automation_id,)).fetchone() == (NOON + timedelta(minutes=5), "failed", 70)
    run(db, automation_id, home_id, "cancelled", minute=6, duration_ms=3)
    assert db.execute(last, (automation_id,)).fetchone() == (NOON + timedelta(minutes=6), "failed", 3)


@pytest.mark.parametrize(
    "statuses,expected",
    [
        (["success"] * 3, "healthy"),
        (["cancelled"] * 6, "healthy"),
        (["failed"], "degraded"),
        (["failed", "failed"], "degraded"),
        (["success"] * 9 + ["failed"], "healthy"),
        (["success"] * 8 + ["failed"] * 2, "degraded"),
        (["success"] * 7 + ["partial"] * 3, "healthy"),
        (["success"] * 6 + ["partial"] * 4, "degraded"),
        (["success", "failed", "timeout"], "failing"),
        (["failed"] * 4, "failing"),
        (["success"] * 5 + ["failed"] * 5, "broken"),
        (["success"] * 5 + ["failed"] * 4 + ["cancelled", "timeout"], "broken"),
        (["failed"] * 5 + ["success"], "failing"),
        (["failed"] * 10 + ["success"] * 10, "healthy"),
    ],
)
def test_health_is_that_of_the_last_ten_runs(db, new_home, statuses, expected):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    runs(db, automation_id, home_id, *statuses)
    assert health(db, automation_id) == expected


def expected_health(statuses):
    failures = [{"success": 0, "partial": 0.5}.get(status, 1) for status in statuses if status != "cancelled"][-10:]
    if len(failures) >= 5 and all(failure == 1 for failure in failures[-5:]):
        return "broken"
    share = sum(failures) / len(failures) if failures else 0
    if len(failures) >= 3 and share >= 0.5:
        return "failing"
    return "degraded" if share >= 0.2 else "healthy"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(statuses=st.lists(st.sampled_from(STATUSES), max_size=14))
def test_whatever_the_runs_counts_and_health_follow_them(db, new_home, statuses):
    home_id, _ = new_home()
    with db.transaction(force_rollback=True):
        automation_id = add_automation(db, home_id)
        runs(db, automation_id, home_id, *statuses)
        failed = statuses.count("failed") + statuses.count("timeout")
        assert counts(db, automation_id) == (len(statuses), statuses.count("success"), failed)
        assert health(db, automation_id) == expected_health(statuses)


def test_a_change_of_health_is_written_down_and_an_alert_while_it_lasts(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    runs(db, automation_id, home_id, *["failed"] * 7)
    assert checks(db, automation_id) == [("degraded", 0), ("failing", 0), ("broken", 0)]
    assert alerts(db, automation_id) == [("active", "error", "automation_failure")]
    for minute in range(10, 20):
        run(db, automation_id, home_id, "success", minute)
    assert [status for status, _ in checks(db, automation_id)] == [
        "degraded",
        "failing",
        "broken",
        "failing",
        "degraded",
        "healthy",
    ]
    assert alerts(db, automation_id) == [("resolved", "warning", "automation_failure")]
    assert health(db, automation_id) == "healthy"


def test_many_runs_in_one_statement_are_all_counted(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    db.execute(
        "INSERT INTO ts.automation_executions (time, automation_id, home_id, status, started_at)"
        " SELECT now() - n * interval '1 minute', %s, %s, 'success', now() - n * interval '1 minute' FROM generate_series(1, 200) n",
        (automation_id, home_id),
    )
    assert counts(db, automation_id) == (200, 200, 0)


def test_runs_that_end_at_the_same_time_are_all_counted(db, dsn, new_home, several_backends):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    ready = threading.Barrier(6)

    def end_runs(first):
        with psycopg.connect(dsn, autocommit=True) as connection:
            ready.wait()
            for minute in range(first, first + 5):
                run(connection, automation_id, home_id, "failed", minute)

    threads = [threading.Thread(target=end_runs, args=(100 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(db, automation_id) == (30, 0, 30)
    assert health(db, automation_id) == "broken"
    assert [status for status, *_ in alerts(db, automation_id)] == ["active"]


def test_counters_that_were_emptied_count_from_nothing(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    change(
        db,
        "automations",
        automation_id,
        total_executions=None,
        success_count=None,
        failure_count=None,
        health_status=None,
    )
    run(db, automation_id, home_id)
    assert counts(db, automation_id) == (1, 1, 0)
    assert health(db, automation_id) == "healthy"


def test_a_run_of_no_automation_is_stored_all_the_same(db, new_home):
    home_id, _ = new_home()
    nobody = "00000000-0000-0000-0000-000000000002"
    run(db, nobody, home_id)
    assert db.execute("SELECT count(*) FROM ts.automation_executions WHERE home_id = %s", (home_id,)).fetchone() == (1,)


def test_a_bad_run_is_refused_and_not_counted(db, new_home):
    home_id, _ = new_home()
    automation_id = add_automation(db, home_id)
    with pytest.raises(psycopg.errors.CheckViolation):
        run(db, automation_id, home_id, "succeeded")
    assert counts(db, automation_id) == (0, 0, 0)


def test_a_hub_counts_its_own_runs(hub, db):
    automation_id = hub.add_automation()
    rows = [
        {"time": f"2026-03-01T12:00:{n:02d}Z", "automation_id": automation_id, "status": "failed", "started_at": f"2026-03-01T12:00:{n:02d}Z"}
        for n in range(8)
    ]  # fmt: skip
    hub.ingest(
        streams={"automation_executions": {"first": 1, "rows": rows}},
        present={"automations": {automation_id: {"total_executions": 20, "health_status": "degraded"}}},
    )
    assert counts(db, automation_id) == (20, 0, 0)
    assert health(db, automation_id) == "degraded"
    assert (checks(db, automation_id), alerts(db, automation_id)) == ([], [])
