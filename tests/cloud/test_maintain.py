"""`maintain` does what is due and nothing else, in slices, one at a time, and goes on past a task that fails."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from cloud_schema import maintenance
from cloud_schema.apply import ApplyError
from cloud_schema.maintain import MAINTENANCE_LOCK, maintain
from cloud_schema.maintenance import TASKS, is_due
from tests.cloud.conftest import call
from tests.cloud.test_command_line import nexa_cloud

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEKLY = next(task for task in TASKS if task.name == "vacuum")


def run(dsn, *names, now=True):
    lines = []
    return {outcome.task: outcome for outcome in maintain(dsn, names, now=now, say=lines.append)}, lines


def ran(started, status="done", finished=True):
    return {
        "last_started": started,
        "last_finished": started if finished else None,
        "last_result": {"status": status},
    }


@pytest.mark.parametrize(
    "last,due",
    [
        (None, True),
        (ran(NOON - timedelta(days=7)), True),
        (ran(NOON - timedelta(days=7, seconds=-30)), True),
        (ran(NOON - timedelta(days=6, hours=23)), False),
        (ran(NOON - timedelta(days=1), "skipped"), False),
        (ran(NOON - timedelta(minutes=15), "failed"), True),
        (ran(NOON - timedelta(minutes=15), "running", finished=False), True),
    ],
)
def test_a_task_is_due_when_its_time_has_come_or_when_it_did_not_end_well(last, due):
    assert is_due(WEEKLY, last, NOON) is due


def test_retention_deletes_what_is_too_old_in_slices_and_nothing_else(dsn, db, hub, monkeypatch):
    monkeypatch.setattr(maintenance, "BLOCKS_A_SLICE", 2)
    device_id, other_id = hub.add_device(), hub.add_device()
    old, young = "now() - interval '380 days'", "now() - interval '300 days'"
    for at in (old, young):
        for one in (device_id, other_id):
            db.execute(
                "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value)"
                f" SELECT {at} - interval '1 second' * n, %s, 'power', n FROM generate_series(1, 1000) n",
                (one,),
            )
    left = "SELECT count(*) FILTER (WHERE time < now() - interval '365 days'), count(*) FROM ts.device_telemetry WHERE device_id IN (%s, %s)"
    before = db.execute(left, (device_id, other_id)).fetchone()

    outcomes, _ = run(dsn, "retention")

    assert before == (2000, 4000)
    assert outcomes["retention"].status == "done"
    after = db.execute(left, (device_id, other_id)).fetchone()
    assert after == (0, 2000)


def test_an_interrupted_retention_keeps_what_it_deleted_and_the_next_run_finishes_it(dsn, db, hub, monkeypatch):
    if db.execute("SELECT ts.timescale_schema()").fetchone() != (None,):
        pytest.skip("chunks are dropped at once here")
    monkeypatch.setattr(maintenance, "BLOCKS_A_SLICE", 2)
    device_id = hub.add_device()
    db.execute(
        "INSERT INTO ts.device_telemetry (time, device_id, metric_type) SELECT now() - interval '380 days', %s, 'power' FROM generate_series(1, 20000)",
        (device_id,),
    )

    left = "SELECT count(*) FROM ts.device_telemetry WHERE device_id = %s"

    def stop_half_way(line):
        # What other tests left in the table is not ours to count with.
        if "device_telemetry: " in line and db.execute(left, (device_id,)).fetchone()[0] < 20000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maintain(dsn, ("retention",), now=True, say=stop_half_way)
    half_done = db.execute(left, (device_id,)).fetchone()[0]
    outcomes, _ = run(dsn, "retention", now=False)

    assert 0 < half_done < 20000
    assert outcomes["retention"].status == "done"
    assert db.execute(left, (device_id,)).fetchone() == (0,)


def test_clean_up_expires_commands_and_forgets_what_nobody_needs(dsn, db, hub):
    home, mirror = hub.home_id, hub.mirror_id
    waiting, over, done = (str(uuid.uuid4()) for _ in range(3))
    for command_id, expires, status in (
        (waiting, "1 hour", "pending"),
        (over, "-1 hour", "pending"),
        (done, "-31 days", "done"),
    ):
        db.execute(
            "INSERT INTO hub_commands (id, home_id, hub_id, kind, expires_at, status) VALUES (%s, %s, %s, 'diagnose', now() + %s::interval, %s)",
            (command_id, home, hub.id, expires, status),
        )
    for age in ("91 days", "1 day"):
        db.execute(
            "INSERT INTO hub_dead_letters (hub_id, home_id, mirror_id, epoch, stream, reason, received_at) VALUES (%s, %s, %s, 1, 'alerts', 'x', now() - %s::interval)",
            (hub.id, home, mirror, age),
        )
        db.execute(
            "INSERT INTO hub_claims (code_sha256, home_id, expires_at) VALUES (sha256(%s), %s, now() - %s::interval)",
            (age.encode() + home.encode(), home, age),
        )
        db.execute(
            "INSERT INTO user_sessions (user_id, expires_at) VALUES (%s, now() - %s::interval)", (hub.owner_id, age)
        )

    outcomes, _ = run(dsn, "clean-up")

    assert outcomes["clean-up"].status == "done"
    commands = dict(db.execute("SELECT id::text, status FROM hub_commands WHERE home_id = %s", (home,)).fetchall())
    assert commands == {waiting: "pending", over: "expired"}
    assert hub.count("hub_dead_letters") == 1
    assert (
        db.execute(
            "SELECT count(*) FROM hub_claims WHERE home_id = %s AND expires_at < now() - interval '90 days'", (home,)
        ).fetchone()[0]
        == 0
    )
    assert db.execute("SELECT count(*) FROM user_sessions WHERE user_id = %s", (hub.owner_id,)).fetchone() == (1,)


def test_a_second_run_finds_nothing_due_and_a_forced_one_does_it_again(dsn):
    run(dsn, "clean-up")
    again, lines = run(dsn, "clean-up", now=False)
    forced, _ = run(dsn, "clean-up")

    assert (again["clean-up"].status, lines) == ("not due", [])
    assert forced["clean-up"].status == "done"


def test_one_task_that_fails_is_told_and_the_others_are_done(dsn, db):
    db.execute(
        "CREATE OR REPLACE FUNCTION refresh_materialized_views() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room left'; END $$"
    )
    try:
        outcomes, lines = run(dsn, "summaries", "clean-up")
        noted = db.execute("SELECT last_result FROM hub_maintenance WHERE task = 'summaries'").fetchone()[0]
        again, _ = run(dsn, "summaries", "clean-up", now=False)
    finally:
        _renew_summaries(db)

    assert {name: outcome.status for name, outcome in outcomes.items()} == {"summaries": "failed", "clean-up": "done"}
    assert "no room left" in noted["reason"]
    assert any("no room left" in line for line in lines)
    assert {name: outcome.status for name, outcome in again.items()} == {"summaries": "failed", "clean-up": "not due"}


def test_a_summary_that_is_not_refreshed_is_a_failure_though_the_function_only_warns(dsn, db):
    db.execute(
        "CREATE OR REPLACE FUNCTION refresh_materialized_views() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'one is stale'; END $$"
    )
    try:
        outcomes, _ = run(dsn, "summaries")
    finally:
        _renew_summaries(db)

    assert (outcomes["summaries"].status, outcomes["summaries"].reason) == ("failed", "one is stale")


def test_a_table_that_somebody_holds_is_told_and_the_others_lose_their_old_rows(
    dsn, db, hub, several_backends, monkeypatch
):
    monkeypatch.setattr(maintenance, "LOCK_TIMEOUT", "100ms")
    if db.execute("SELECT ts.timescale_schema()").fetchone() != (None,):
        pytest.skip("rows are deleted one table after the other on plain tables only")
    device_id = hub.add_device()
    db.execute(
        "INSERT INTO ts.network_metrics (time, device_id, home_id) VALUES (now() - interval '100 days', %s, %s)",
        (device_id, hub.home_id),
    )
    with db.transaction(force_rollback=True):
        # Sorted before network_metrics: it is met first.
        db.execute("LOCK TABLE ts.alerts IN ACCESS EXCLUSIVE MODE")
        outcomes, _ = run(dsn, "retention")

    assert outcomes["retention"].status == "failed"
    assert outcomes["retention"].reason.startswith("alerts: ")
    assert hub.count("network_metrics") == 0


def _renew_summaries(db):
    from cloud_schema.apply import SQL

    with db.transaction():
        db.execute("SET LOCAL check_function_bodies TO off")
        db.execute((SQL / "replaceable" / "07_summaries.sql").read_bytes())


def test_two_are_never_at_work_at_once(dsn, db, several_backends):
    db.execute("SELECT pg_advisory_lock(%s)", (MAINTENANCE_LOCK,))
    try:
        outcomes, lines = run(dsn, "clean-up")
    finally:
        db.execute("SELECT pg_advisory_unlock(%s)", (MAINTENANCE_LOCK,))

    assert outcomes["clean-up"].status == "skipped"
    assert lines == ["Another maintenance is at work in this database; nothing was done."]


def test_every_task_of_the_schedule_runs_on_this_engine(dsn):
    outcomes, _ = run(dsn)

    assert {task.name for task in TASKS} == outcomes.keys()
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome.status == "failed"} == {}
    assert outcomes["vacuum"].result["tables"] > 70
    assert "Restore a backup" in outcomes["statistics"].result["reminder"]


def test_unused_indexes_are_told_after_a_month_of_use(dsn, db):
    """Before, all that nobody has asked for yet would be among them."""
    young, _ = run(dsn, "review")
    assert "use is counted since" in young["review"].result["unused_indexes"]
    db.execute("UPDATE hub_schema_versions SET begun_at = begun_at - interval '29 days'")
    try:
        grown, _ = run(dsn, "review")
    finally:
        db.execute("UPDATE hub_schema_versions SET begun_at = begun_at + interval '29 days'")
    assert {"index", "size"} == set(grown["review"].result["unused_indexes"][0])


def test_nobody_but_the_operator_sees_what_was_maintained(db):
    for role in ("anon", "authenticated", "hub"):
        assert db.execute("SELECT has_any_column_privilege(%s, 'hub_maintenance', 'SELECT')", (role,)).fetchone() == (
            False,
        )


def test_an_unknown_task_is_refused_with_the_list_of_those_there_are(dsn):
    with pytest.raises(ApplyError, match=r"No such task: dusting\. There are: aggregates, summaries"):
        maintain(dsn, ("dusting",))


def test_the_command_tells_what_it_did_as_text_and_as_json(dsn, several_backends):
    done = nexa_cloud("maintain", "--task", "clean-up", "--now", "--json", NEXA_CLOUD_DSN=dsn)
    idle = nexa_cloud("maintain", dsn, "--task", "clean-up")

    document = json.loads(done.stdout)
    assert (done.returncode, document["ok"]) == (0, True)
    assert [(one["task"], one["status"]) for one in document["tasks"]] == [("clean-up", "done")]
    assert (idle.returncode, idle.stdout) == (0, "Nothing is due.\n")


def test_commands_are_given_through_their_function_and_expired_by_maintenance(dsn, db, hub):
    made = call(
        db,
        "service_role",
        {},
        "hub_command_v1",
        {"home_id": hub.home_id, "kind": "diagnose", "payload": {}, "expires_in_s": 60},
    )
    db.execute("UPDATE hub_commands SET expires_at = now() - interval '1 second' WHERE id = %s", (made["id"],))
    run(dsn, "clean-up")

    assert db.execute("SELECT status FROM hub_commands WHERE id = %s", (made["id"],)).fetchone() == ("expired",)
