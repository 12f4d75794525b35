"""The tables are the contract's, installation may be repeated, and a home that goes takes its rows with it."""

import json
import uuid
from pathlib import Path

import psycopg
import pytest

import cloud_schema

CONTRACT = json.loads((Path(cloud_schema.__file__).parent / "contract" / "contract.json").read_text())
TABLES = list(CONTRACT["tables"])
# Added by us to the contract's lists.
ADDED_ENUM_VALUES = {"alert_type": ["safety_alarm"]}


def base_of(table: str) -> str:
    return f"ts.{table}" if CONTRACT["tables"][table]["hypertable"] else f"public.{table}"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_contracts_columns_types_and_nullability(db, table):
    rows = db.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (base_of(table),),
    ).fetchall()
    found = {name: (kind, not not_null) for name, kind, not_null in rows}
    expected = {column["name"]: (column["type"], column["nullable"]) for column in CONTRACT["tables"][table]["columns"]}
    assert found == expected


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_contracts_defaults(db, table):
    wanted = {column["name"] for column in CONTRACT["tables"][table]["columns"] if "default" in column}
    rows = db.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND atthasdef", (base_of(table),))
    assert {name for (name,) in rows} == wanted


@pytest.mark.parametrize("table", TABLES)
def test_a_closed_list_of_values_is_enforced(db, table):
    checks = [
        text
        for (text,) in db.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
            (base_of(table),),
        )
    ]
    for column in CONTRACT["tables"][table]["columns"]:
        for value in column.get("allowed_values", []):
            assert any(f"'{value}'" in text and column["name"] in text for text in checks), (column["name"], value)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_contracts_keys(db, table):
    entry = CONTRACT["tables"][table]
    primary = entry["primary_key"]
    if primary and entry["hypertable"]:
        primary = [*primary, entry["hypertable"]["time_column"]]
    rows = db.execute(
        "SELECT contype::text, ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (n, o) JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY o)"
        " FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')",
        (base_of(table),),
    ).fetchall()
    assert [columns for kind, columns in rows if kind == "p"] == ([primary] if primary else [])
    assert sorted(columns for kind, columns in rows if kind == "u") == sorted(entry["unique"])


@pytest.mark.parametrize("table", [table for table in TABLES if not CONTRACT["tables"][table]["hypertable"]])
def test_a_plain_tables_references_are_the_contracts(db, table):
    actions = {"a": "no action", "c": "cascade", "n": "set null"}
    rows = db.execute(
        "SELECT (SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]), confrelid::regclass::text, confdeltype::text"
        " FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
        (base_of(table),),
    ).fetchall()
    found = {(column, target.removeprefix("public."), actions[action]) for column, target, action in rows}
    expected = {
        (column["name"], column["references"]["table"], column["references"]["on_delete"])
        for column in CONTRACT["tables"][table]["columns"]
        if "references" in column
    }
    assert found == expected


def test_the_enums_have_the_contracts_values_in_its_order(db):
    for name, values in CONTRACT["enums"].items():
        found = db.execute(
            "SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = %s::regtype",
            (name,),
        ).fetchone()[0]
        assert found == values + ADDED_ENUM_VALUES.get(name, [])


def test_a_hypertables_view_shows_all_columns_of_its_base(db):
    for table in (table for table in TABLES if CONTRACT["tables"][table]["hypertable"]):
        columns = "SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        assert db.execute(columns, (f"public.{table}",)).fetchone() == db.execute(columns, (f"ts.{table}",)).fetchone()
        options = db.execute(
            "SELECT reloptions FROM pg_class WHERE oid = %s::regclass", (f"public.{table}",)
        ).fetchone()[0]
        assert any(option.startswith("security_barrier") for option in options)


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
