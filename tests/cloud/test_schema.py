"""A fresh database is as the contract says, and a home that goes takes its rows with it."""

import uuid

import psycopg
import pytest

from cloud_schema.verify import report, unused_patterns, verdict_on


def test_a_fresh_database_is_as_the_contract_says(db):
    verdict = verdict_on(db)

    assert [finding.key for finding in verdict.wrong] == []
    assert list(report(verdict))[-1] == "The database is as the contract says."


def test_what_differs_on_purpose_is_counted_and_named_only_when_asked(db):
    verdict = verdict_on(db)
    named = f"  {verdict.deliberate[0][0].contract}: "

    assert not any(line.startswith(named) for line in report(verdict))
    assert f"for {len(verdict.deliberate)} reasons" in "\n".join(report(verdict))
    assert any(line.startswith(named) for line in report(verdict, names_deliberate=True))


def test_every_difference_that_is_declared_is_there(db):
    # What is declared and not there would hide a fault one day.
    verdict = verdict_on(db)

    assert [pattern for pattern in unused_patterns(verdict) if "policy" not in pattern] == []
    assert all(difference.because for difference, _ in verdict.deliberate)


def test_no_function_reads_a_column_where_it_means_its_parameter(db):
    # In SQL's own functions the column wins, silently.
    statement = r"""
        SELECT p.oid::regprocedure::text, a.name, c.relname
        FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'sql'
        CROSS JOIN LATERAL unnest(p.proargnames) WITH ORDINALITY a (name, place)
        JOIN pg_attribute t ON t.attname = a.name AND t.attnum > 0
        JOIN pg_class c ON c.oid = t.attrelid AND c.relkind IN ('r', 'v', 'm', 'p') AND c.relnamespace IN ('public'::regnamespace, 'ts'::regnamespace)
        WHERE p.pronamespace IN ('public'::regnamespace, 'ts'::regnamespace, 'hub_sync'::regnamespace) AND coalesce(p.proargmodes[a.place], 'i') IN ('i', 'b')
          AND p.prosrc ~ ('\m(FROM|JOIN|UPDATE|INTO|USING)\s+((public|ts)[.])?' || c.relname || '\M') AND p.prosrc ~ ('(^|[^.\w])' || a.name || '\M')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    """
    assert db.execute(statement).fetchall() == []


def test_a_deleted_home_takes_all_its_rows_with_it(hub, db):
    device_id, automation_id, scene_id = hub.add_device(), hub.add_automation(), hub.add_scene()
    at = "2026-03-01T12:00:00Z"
    answer = hub.ingest(
        streams={
            "device_telemetry": {
                "first": 1,
                "rows": [{"time": at, "device_id": device_id, "metric_type": "temperature", "value": 20}],
            },
            "energy_usage": {"first": 1, "rows": [{"time": at, "device_id": device_id, "power_watts": 5}]},
            "device_states": {"first": 1, "rows": [{"created_at": at, "device_id": device_id, "state": {}}]},
            "automation_executions": {
                "first": 1,
                "rows": [{"time": at, "automation_id": automation_id, "status": "success", "started_at": at}],
            },
            "scene_activations": {"first": 1, "rows": [{"time": at, "scene_id": scene_id, "status": "success"}]},
            "nonsense": {"first": 1, "rows": []},
        },
        gaps=[{"stream": "energy_usage", "first": 2, "last": 3, "count": 2, "reason": "disk"}],
        cases=[
            {
                "table": "alerts",
                "id": str(uuid.uuid4()),
                "time": at,
                "revision": 1,
                "row": {
                    "alert_type": "safety_alarm",
                    "severity": "critical",
                    "title": "Smoke",
                    "message": "Smoke in the hall",
                    "source_device_id": device_id,
                },
            }
        ],
    )
    assert [one["reason"] for one in answer["refused"]] == ["stream_unknown"]
    assert hub.count("alerts") == 1

    db.execute("DELETE FROM homes WHERE id = %s", (hub.home_id,))

    tables = db.execute(
        "SELECT c.oid::regclass::text, array_agg(a.attname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname IN ('public', 'ts') AND c.relkind = 'r' AND a.attname IN ('home_id', 'device_id', 'hub_id') GROUP BY c.oid"
    ).fetchall()
    assert len(tables) > 15
    ids = {"home_id": hub.home_id, "device_id": device_id, "hub_id": hub.id}
    for table, columns in tables:
        for column in columns:
            left = db.execute(
                psycopg.sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(
                    psycopg.sql.SQL(table), psycopg.sql.Identifier(column)
                ),
                (ids[column],),
            ).fetchone()[0]
            assert left == 0, (table, column)


def test_a_deleted_device_takes_its_records_with_it_and_leaves_its_neighbours(hub, db):
    gone, stays = hub.add_device(), hub.add_device()
    rows = [
        {"time": "2026-03-01T12:00:00Z", "device_id": one, "metric_type": "power", "value": 1} for one in (gone, stays)
    ]
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})

    db.execute("DELETE FROM devices WHERE id = %s", (gone,))

    assert db.execute(
        "SELECT array_agg(device_id::text) FROM ts.device_telemetry WHERE device_id IN (%s, %s)", (gone, stays)
    ).fetchone()[0] == [stays]


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("function", ["hub_ingest_v1", "hub_changes_v1", "hub_reconcile_v1"])
def test_only_a_hub_may_call_a_hubs_functions(call_as, role, function):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call_as(role, {}, function, {})


def test_the_operator_sees_all_homes(hub, new_hub, db):
    homes = {hub.home_id, new_hub().home_id}
    with db.transaction():
        db.execute("SELECT set_config('role', 'service_role', true)")
        assert homes <= {home_id for (home_id,) in db.execute("SELECT id::text FROM homes").fetchall()}
        assert homes <= {str(home_id) for (home_id,) in db.execute("SELECT my_homes()").fetchall()}
