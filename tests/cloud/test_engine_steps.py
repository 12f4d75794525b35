"""The steps that make hypertables, compression, retention and aggregates: each says whether this engine has it, and none undoes another."""

import uuid
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

STEPS = {
    "try_create_hypertable": "SELECT public.try_create_hypertable(%(table)s, 'time')",
    "try_add_compression_policy": "SELECT public.try_add_compression_policy(%(table)s, '30 days')",
    "try_add_retention_policy": "SELECT public.try_add_retention_policy(%(table)s, '1 year')",
    "try_add_continuous_aggregate_policy": "SELECT public.try_add_continuous_aggregate_policy('ts.device_telemetry_hourly', '3 hours', '1 hour', '1 hour')",
}
DAY = timedelta(days=1)


@pytest.fixture
def kind(db) -> str:
    has_extension, is_community = db.execute(
        "SELECT ts.timescale_schema() IS NOT NULL, ts.has_community_features()"
    ).fetchone()
    return "community" if is_community else "apache" if has_extension else "plain"


@pytest.fixture
def table(db):
    name = f"ts.step_{uuid.uuid4().hex[:8]}"
    db.execute(sql.SQL("CREATE TABLE {} (time timestamptz NOT NULL)").format(sql.Identifier(*name.split("."))))
    yield name
    db.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*name.split("."))))


def test_each_step_says_whether_this_engine_has_it_and_may_be_repeated(db, kind, table):
    for _ in range(2):
        said = {}
        for step, statement in STEPS.items():
            said[step] = db.execute(statement, {"table": table}).fetchone()[0]
            if step == "try_create_hypertable" and kind == "community":
                db.execute(
                    sql.SQL("ALTER TABLE {} SET (timescaledb.compress)").format(sql.Identifier(*table.split(".")))
                )
        assert said == {
            step: kind == "community" or (kind == "apache" and step == "try_create_hypertable") for step in STEPS
        }


def test_a_step_that_fails_is_said_aloud_and_undoes_nothing(db, kind, table):
    if kind == "plain":
        pytest.skip("no step can fail where there is none")
    heard = []
    db.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    with db.transaction():
        db.execute(sql.SQL("ALTER TABLE {} ADD id uuid PRIMARY KEY").format(sql.Identifier(*table.split("."))))
        assert db.execute(STEPS["try_create_hypertable"], {"table": table}).fetchone() == (False,)
    assert [line for line in heard if line.startswith(f"{table} stays a plain table: ")]
    assert db.execute(sql.SQL("SELECT count(id) FROM {}").format(sql.Identifier(*table.split(".")))).fetchone() == (0,)


@pytest.mark.parametrize("role", ["anon", "authenticated", "hub"])
@pytest.mark.parametrize("step", STEPS)
def test_no_client_may_take_a_step(db, role, step):
    with db.transaction(force_rollback=True):
        db.execute("SELECT set_config('role', %s, true)", (role,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(STEPS[step], {"table": "public.homes"})


def test_every_hypertable_is_compressed_and_forgets_in_the_spirit_of_its_table(db):
    declared = db.execute("SELECT table_name, compress_after, retain_for FROM ts.hypertables").fetchall()
    assert len(declared) == 17
    for name, compress_after, retain_for in declared:
        assert 7 * DAY <= compress_after <= 90 * DAY, name
        assert 90 * DAY <= retain_for <= 7 * 365 * DAY, name
        assert compress_after < retain_for, name


def test_aggregates_have_the_same_columns_on_every_engine_and_outlive_their_rows(db):
    columns = db.execute(
        "SELECT a.view_name, array_agg(c.attname::text || ' ' || format_type(c.atttypid, c.atttypmod) ORDER BY c.attnum)"
        " FROM ts.aggregates a JOIN pg_attribute c ON c.attrelid = format('ts.%I', a.view_name)::regclass AND c.attnum > 0"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert dict(columns) == {
        "device_telemetry_daily": [
            *("day timestamp with time zone", "device_id uuid", "metric_type text", "avg_value double precision"),
            *("min_value double precision", "max_value double precision", "median_value double precision"),
            "sample_count bigint",
        ],
        "device_telemetry_hourly": [
            *("hour timestamp with time zone", "device_id uuid", "metric_type text", "avg_value double precision"),
            *("min_value double precision", "max_value double precision", "stddev_value double precision"),
            "sample_count bigint",
        ],
        "energy_usage_hourly": [
            *("hour timestamp with time zone", "device_id uuid", "home_id uuid", "avg_power_watts double precision"),
            *("peak_power_watts double precision", "total_energy_kwh double precision", "total_cost numeric"),
            "sample_count bigint",
        ],
    }
    assert db.execute(
        "SELECT bool_and(a.retain_for > h.retain_for) FROM ts.aggregates a JOIN ts.hypertables h ON h.table_name = a.source"
    ).fetchone() == (True,)
