"""What only TimescaleDB has: chunks, and records that come late into compressed ones."""

import json
import uuid
from datetime import timedelta

import orjson
import psycopg
import pytest
from psycopg import sql

from cloud_schema.apply import apply
from hub_agent.model.record import STREAMS as HUB_STREAMS
from tests.cloud.conftest import IS_WASM
from tests.cloud.timescale.server import running_timescale
from tests.contract.test_records import NOON, case_of, record_of

# The states have no id of their own here; each other stream's rows bring one, or have none.
WITH_ID = {
    "automation_executions",
    "automation_health_checks",
    "scene_activations",
    "audit_logs",
    "device_states",
    "device_error_logs",
}
STREAMS = sorted(HUB_STREAMS)
OLD = "2025-01-01T12:00:{:02d}Z"


@pytest.fixture(autouse=True)
def timescale(db):
    if IS_WASM:
        return  # it was promised: without it the tests fail
    if db.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is None:
        pytest.skip("needs TimescaleDB")


@pytest.fixture
def compress(db):
    if db.execute("SELECT current_setting('timescaledb.license', true)").fetchone()[0] != "timescale":
        pytest.skip("needs TimescaleDB's community licence")

    def compress(table):
        chunks = db.execute(
            "SELECT count(compress_chunk(c, if_not_compressed => true)) FROM show_chunks(%s) c", (f"ts.{table}",)
        ).fetchone()[0]
        assert chunks > 0

    return compress


def readings(device_id, count):
    return [{"time": OLD.format(n), "device_id": device_id, "metric_type": "power", "value": n} for n in range(count)]


def test_all_are_hypertables_and_compressed_as_declared(db):
    declared = {name for (name,) in db.execute("SELECT table_name FROM ts.hypertables").fetchall()}
    found = db.execute(
        "SELECT hypertable_name::text, compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_schema = 'ts'"
    ).fetchall()
    assert len(declared) == 17
    assert {name for name, _ in found} == declared
    if db.execute("SELECT current_setting('timescaledb.license', true)").fetchone()[0] == "timescale":
        assert {name for name, is_compressed in found if not is_compressed} == set()


def test_what_comes_late_goes_into_a_compressed_chunk_once(hub, compress):
    device_id = hub.add_device()
    rows = readings(device_id, 20)
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows[:10]}})
    compress("device_telemetry")

    for _ in range(2):
        assert hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})["marks"] == {"device_telemetry": 20}
        hub.ingest(streams={"device_telemetry": {"lane": "repair", "seqs": [1, 2], "rows": rows[:2]}})
    assert hub.count("device_telemetry") == 20


@pytest.mark.parametrize("stream", STREAMS)
def test_late_rows_of_every_stream_and_dead_letters_go_into_compressed_chunks_once(hub, db, call_as, compress, stream):
    device, rule, scene = hub.add_device(), hub.add_automation(), hub.add_scene()
    late = {"device_id": str(uuid.uuid4()), "automation_id": str(uuid.uuid4()), "scene_id": str(uuid.uuid4())}
    rows = [json.loads(orjson.dumps(record_of(stream, n, device, rule, scene))) for n in range(4)]
    rows = [row | ({"id": str(uuid.uuid4())} if stream in WITH_ID else {}) for row in rows]
    rows[3] |= (
        {"table_name": "invoices"} if stream == "audit_logs" else {key: late[key] for key in late if key in rows[3]}
    )
    base = sql.Identifier("ts", stream)

    def count():
        at = sql.Identifier(HUB_STREAMS[stream].time_column)
        return db.execute(sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s)").format(base, at), (times,)).fetchone()[
            0
        ]

    times = [NOON + timedelta(seconds=n) for n in range(4)]
    before = count()
    hub.ingest(streams={stream: {"first": 1, "rows": rows[:2]}})
    compress(stream)
    for _ in range(2):
        hub.ingest(streams={stream: {"first": 1, "rows": rows}})
        hub.ingest(streams={stream: {"lane": "repair", "seqs": [1, 2, 3], "rows": rows[:3]}})
    assert count() == before + 3
    if stream == "audit_logs":
        return
    hub.define("device", late["device_id"], device_name="late", device_type="light")
    hub.define(
        "automation", late["automation_id"], name="late", automation_type="trigger_based", triggers=[], actions=[]
    )
    hub.define("scene", late["scene_id"], name="late", device_states=[])
    for stored in (1, 0):
        answer = call_as("service_role", {}, "hub_replay_dead_letters_v1", {"hub_id": hub.id})
        assert (answer["stored"], count()) == (stored, before + 4)


@pytest.mark.parametrize("table", ["anomaly_detections", "security_incidents", "self_healing_executions"])
def test_a_case_of_any_hypertable_takes_a_new_revision_in_a_compressed_chunk(hub, db, compress, table):
    row = json.loads(orjson.dumps(case_of(table, hub.add_device(), "")))
    case = {"table": table, "id": str(uuid.uuid4()), "time": NOON.isoformat(), "row": row}
    hub.ingest(cases=[case | {"revision": 1}])
    compress(table)
    for _ in range(2):
        assert hub.ingest(cases=[case | {"revision": 2}])["refused"] == []
    query = sql.SQL("SELECT count(*) FROM {} WHERE id = %s").format(sql.Identifier("ts", table))
    assert db.execute(query, (case["id"],)).fetchone()[0] == 1


def test_a_case_in_a_compressed_chunk_takes_a_new_revision(hub, db, compress):
    case = {
        "table": "alerts",
        "id": str(uuid.uuid4()),
        "time": OLD.format(0),
        "revision": 1,
        "row": {"alert_type": "battery_low", "severity": "info", "title": "Battery", "message": "first"},
    }
    hub.ingest(cases=[case])
    compress("alerts")
    assert hub.ingest(cases=[case | {"revision": 2, "row": case["row"] | {"message": "second"}}])["refused"] == []
    assert db.execute("SELECT message FROM alerts WHERE id = %s", (case["id"],)).fetchall() == [("second",)]


def test_many_devices_can_be_deleted_out_of_compressed_chunks(hub, db, compress):
    devices = [hub.add_device() for _ in range(12)]
    rows = [row for device_id in devices for row in readings(device_id, 50)]
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
    compress("device_telemetry")
    for device_id in devices[:10]:
        db.execute("DELETE FROM devices WHERE id = %s", (device_id,))
    assert hub.count("device_telemetry") == 100
    db.execute("DELETE FROM homes WHERE id = %s", (hub.home_id,))
    assert db.execute(
        "SELECT count(*) FROM ts.device_telemetry WHERE device_id = ANY (%s)", ([*map(uuid.UUID, devices)],)
    ).fetchone() == (0,)


def test_a_plain_database_becomes_one_of_hypertables_when_timescale_comes(tmp_path):
    """What was built on the plain views goes on, and no hour of the past is lost on the way."""
    if not IS_WASM:
        pytest.skip("needs a server that can be started without TimescaleDB")
    with running_timescale(str(tmp_path / "data"), "--plain") as dsn:
        apply(dsn, lambda _line: None)
        with psycopg.connect(dsn, autocommit=True) as db:
            db.execute(
                "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value)"
                " SELECT at, gen_random_uuid(), 'power', 1 FROM generate_series(now() - interval '200 days', now(), '1 day') at"
            )
            db.execute("CREATE VIEW somebodys_own AS SELECT * FROM ts.device_telemetry_hourly")
    with running_timescale(str(tmp_path / "data")) as dsn:
        warnings = []
        apply(dsn, lambda line: warnings.append(line) if "warning" in line else None)
        assert warnings == []
        with psycopg.connect(dsn, autocommit=True) as db:
            counts = "SELECT (SELECT count(*) FROM ts.device_telemetry_hourly), (SELECT count(*) FROM somebodys_own)"
            assert db.execute("SELECT count(*) FROM timescaledb_information.chunks").fetchone()[0] > 28
            assert db.execute("SELECT ts.materialized_rows_of('device_telemetry_hourly')").fetchone()[0] is not None
            assert db.execute(counts).fetchone() == (201, 201)
            # In the order in which the background workers would take them.
            for (job_id,) in db.execute(
                "SELECT job_id FROM timescaledb_information.jobs"
                " WHERE proc_name IN ('catch_up_aggregates', 'policy_refresh_continuous_aggregate')"
                " ORDER BY coalesce(next_start, initial_start, '-infinity')"
            ).fetchall():
                db.execute(sql.SQL("CALL run_job({})").format(sql.Literal(job_id)))
                assert db.execute(counts).fetchone() == (201, 201)

            db.execute("DROP VIEW somebodys_own")
            apply(dsn, lambda _line: None)
            left = "SELECT relname FROM pg_class WHERE relnamespace = 'ts'::regnamespace AND relname LIKE '%_before'"
            assert db.execute(left).fetchall() == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "hub"])
def test_a_client_can_start_a_session_and_sees_nothing_of_the_inside(db, role):
    """In a new session TimescaleDB looks its tables up in the name of whoever asks: without the schemas it could ask for nothing."""
    schemas = db.execute(
        "SELECT nspname, has_schema_privilege(%s, oid, 'USAGE') FROM pg_namespace"
        " WHERE nspname IN ('_timescaledb_catalog', '_timescaledb_internal', '_timescaledb_config', '_timescaledb_cache')",
        (role,),
    ).fetchall()
    assert schemas
    assert all(is_usable for _, is_usable in schemas), schemas
    seen = db.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        r" WHERE n.nspname LIKE '\_timescaledb\_%%' AND c.relkind IN ('r', 'v', 'm', 'p', 'S')"
        " AND (c.relkind <> 'S' AND has_table_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        "      OR c.relkind = 'S' AND has_sequence_privilege(%(role)s, c.oid, 'SELECT, USAGE, UPDATE'))",
        {"role": role},
    ).fetchall()
    assert seen == []


def test_what_was_lost_or_changed_in_a_compressed_chunk_is_found_and_repaired(hub, compress, db):
    device_id = hub.add_device()
    rows = [{**row, "unit": None} for row in readings(device_id, 40)]
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
    states = [
        {
            "id": str(uuid.uuid4()),
            "created_at": row["time"],
            "device_id": device_id,
            "state": {},
            "change_source": "manual",
        }
        for row in rows
    ]
    hub.ingest(streams={"device_states": {"first": 1, "rows": states}})
    compress("device_telemetry")
    compress("device_states")
    db.execute("DELETE FROM ts.device_telemetry WHERE device_id = %s AND time = %s", (device_id, rows[3]["time"]))
    db.execute(
        "UPDATE ts.device_telemetry SET value = 99 WHERE device_id = %s AND time = %s", (device_id, rows[4]["time"])
    )
    db.execute(
        "UPDATE ts.device_states SET change_source = 'automation' WHERE device_id = %s AND created_at = %s",
        (device_id, rows[5]["time"]),
    )
    compress("device_telemetry")

    def days(stream):
        asked = {"streams": {stream: {"days": {"2025-01-01": {"count": 40}}}}}
        return hub.call("hub_reconcile_v1", asked)["streams"][stream]["days"]["2025-01-01"]

    assert (days("device_telemetry")["count"], days("device_telemetry")["differs"]) == (39, True)
    for _ in range(2):
        for stream, again in (("device_telemetry", rows), ("device_states", states)):
            hub.ingest(streams={stream: {"lane": "repair", "replace": True, "seqs": list(range(1, 41)), "rows": again}})
    assert not days("device_telemetry")["differs"]
    stored = db.execute(
        "SELECT value FROM ts.device_telemetry WHERE device_id = %s ORDER BY value", (device_id,)
    ).fetchall()
    assert stored == [(float(n),) for n in range(40)]
    sources = db.execute(
        "SELECT DISTINCT change_source FROM ts.device_states WHERE device_id = %s", (device_id,)
    ).fetchall()
    assert (days("device_states")["count"], sources) == (40, [("manual",)])
