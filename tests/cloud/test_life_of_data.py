"""A year of a home: measured, compressed, summed up, late, doubled, too old, deleted, dumped and restored. On each engine."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from cloud_schema.apply import apply
from cloud_schema.maintain import maintain
from tests.cloud.conftest import IS_WASM, Hub, call
from tests.cloud.servers import client_tool
from tests.cloud.timescale.server import running_timescale

SEED = 0.20260301
DAYS = 400  # longer than telemetry is kept
DEVICES = 12
STEP = timedelta(hours=2)
METRICS = ["power", "temperature"]
# Retention and compression look at today: the year ends with it.
NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)
# What is older is about to be dropped, and no longer summed up.
SINCE = NOW.replace(hour=0, minute=0) - timedelta(days=364)

TELEMETRY_LIVED = """
    INSERT INTO ts.device_telemetry (time, device_id, metric_type, value, unit)
    SELECT at, device_id, metric, round((20 + 10 * random())::numeric, 3), 'W'
    FROM unnest(%(devices)s::uuid[]) device_id, unnest(%(metrics)s::text[]) metric, generate_series(%(since)s, %(until)s, %(step)s) at"""
ENERGY_LIVED = """
    INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts, energy_kwh, cost_estimate)
    SELECT at, device_id, %(home)s, watts, watts / 1000, round((watts / 4000)::numeric, 4)
    FROM unnest(%(devices)s::uuid[]) device_id, generate_series(%(since)s, %(until)s, %(step)s) at,
         LATERAL (SELECT (1 + 2000 * random())::numeric(8, 1)::double precision AS watts WHERE at IS NOT NULL) w"""
HOURLY = """
    SELECT date_trunc('hour', time, 'UTC'), device_id, metric_type, round(avg(value)::numeric, 6), min(value), max(value),
           round(stddev(value)::numeric, 6), count(*)
    FROM ts.device_telemetry WHERE device_id = ANY (%(devices)s) AND time >= %(since)s GROUP BY 1, 2, 3"""
HOURLY_SEEN = """
    SELECT hour, device_id, metric_type, round(avg_value::numeric, 6), min_value, max_value, round(stddev_value::numeric, 6), sample_count
    FROM ts.device_telemetry_hourly WHERE device_id = ANY (%(devices)s) AND hour >= %(since)s"""
DAILY = """
    SELECT date_trunc('day', time, 'UTC'), device_id, metric_type, round(avg(value)::numeric, 6), min(value), max(value),
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY value)::numeric, 6), count(*)
    FROM ts.device_telemetry WHERE device_id = ANY (%(devices)s) AND time >= %(since)s GROUP BY 1, 2, 3"""
DAILY_SEEN = """
    SELECT day, device_id, metric_type, round(avg_value::numeric, 6), min_value, max_value, round(median_value::numeric, 6), sample_count
    FROM ts.device_telemetry_daily WHERE device_id = ANY (%(devices)s) AND day >= %(since)s"""
ENERGY = """
    SELECT date_trunc('hour', time, 'UTC'), device_id, home_id, round(avg(power_watts)::numeric, 6), max(power_watts),
           round(sum(energy_kwh)::numeric, 6), sum(cost_estimate), count(*)
    FROM ts.energy_usage WHERE device_id = ANY (%(devices)s) AND time >= %(since)s GROUP BY 1, 2, 3"""
ENERGY_SEEN = """
    SELECT hour, device_id, home_id, round(avg_power_watts::numeric, 6), peak_power_watts, round(total_energy_kwh::numeric, 6), total_cost,
           sample_count
    FROM ts.energy_usage_hourly WHERE device_id = ANY (%(devices)s) AND hour >= %(since)s"""
AGGREGATES = [(HOURLY_SEEN, HOURLY), (DAILY_SEEN, DAILY), (ENERGY_SEEN, ENERGY)]


@dataclass
class Engine:
    """What the server does by itself where it has background jobs, done by hand."""

    db: psycopg.Connection

    @property
    def is_community(self) -> bool:
        return self.db.execute("SELECT ts.has_community_features()").fetchone()[0]

    def run(self, job: str) -> None:
        if not self.is_community:
            return
        jobs = self.db.execute(
            "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = %s ORDER BY job_id", (job,)
        ).fetchall()
        assert jobs
        for (job_id,) in jobs:
            self.db.execute(sql.SQL("CALL run_job({})").format(sql.Literal(job_id)))

    def compress(self) -> None:
        self.run("policy_compression")

    def aggregate(self) -> None:
        self.run("policy_refresh_continuous_aggregate")
        self.run("catch_up_aggregates")

    def compressed_rows(self) -> int:
        return self.db.execute(
            "SELECT coalesce(sum(numrows_pre_compression), 0) FROM _timescaledb_catalog.compression_chunk_size"
        ).fetchone()[0]


@dataclass
class Home:
    hub: Hub
    devices: list[str]

    def count(self, table: str, condition: str = "true", devices: list[str] | None = None) -> int:
        statement = sql.SQL("SELECT count(*) FROM {} WHERE device_id = ANY (%s) AND " + condition).format(
            sql.Identifier("ts", table)
        )
        return self.hub.db.execute(statement, (devices or self.devices,)).fetchone()[0]


def moved_in(db: psycopg.Connection, device_count: int) -> Home:
    owner_id, home_id = str(uuid.uuid4()), str(uuid.uuid4())
    db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
    db.execute(
        "INSERT INTO users (id, email) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING",
        (owner_id, f"{owner_id}@example.com"),
    )
    db.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'A year')", (home_id, owner_id))
    code = call(db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
    mirror_id = str(uuid.uuid4())
    claimed = call(db, "anon", {}, "hub_claim_v1", {"claim_code": code, "hub_name": "hall", "mirror_id": mirror_id})
    hub = Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, mirror_id)
    return Home(hub, [hub.add_device(device_name=f"meter {n}") for n in range(device_count)])


def live(home: Home, since: datetime, until: datetime) -> None:
    """Every device measures all the time; the same seed gives the same life."""
    db = home.hub.db
    values = {
        "devices": home.devices,
        "home": home.hub.home_id,
        "since": since,
        "until": until,
        "step": STEP,
        "metrics": METRICS,
    }
    with db.transaction():
        db.execute("SELECT setseed(%s)", (SEED,))
        db.execute(TELEMETRY_LIVED, values)
        db.execute(ENERGY_LIVED, values)


def differences(db: psycopg.Connection, seen: str, computed: str, devices: list[str]) -> list[tuple]:
    """Rows that are in one and not in the other."""
    asked = f"(({seen}) EXCEPT ALL ({computed})) UNION ALL (({computed}) EXCEPT ALL ({seen})) LIMIT 5"
    return db.execute(asked, {"devices": devices, "since": SINCE}).fetchall()


@pytest.fixture(scope="module")
def engine(dsn) -> Iterator[Engine]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield Engine(connection)


@pytest.fixture(scope="module")
def year(engine) -> Home:
    """A home with a year behind it, of which what is old is compressed, and summed up."""
    home = moved_in(engine.db, DEVICES)
    live(home, NOW - timedelta(days=DAYS), NOW)
    engine.compress()
    engine.aggregate()
    return home


def reading(device_id: str, at: datetime, value: float) -> dict:
    return {"time": at.isoformat(), "device_id": device_id, "metric_type": "power", "value": value}


def test_a_year_lies_compressed_and_whole(engine, year):
    steps = timedelta(days=DAYS) // STEP + 1
    assert year.count("device_telemetry") == DEVICES * len(METRICS) * steps
    if engine.is_community:
        assert engine.compressed_rows() > 100_000


@pytest.mark.parametrize("seen, computed", AGGREGATES, ids=["hourly", "daily", "energy"])
def test_an_aggregate_says_what_a_plain_computation_says_up_to_the_last_minute(engine, year, seen, computed):
    kept = [*year.devices[-2:]]
    assert differences(engine.db, seen, computed, kept) == []


@pytest.mark.parametrize("view", ["device_telemetry_hourly", "energy_usage_hourly"])
def test_a_week_by_the_hour_is_looked_for_in_its_own_chunks_only(engine, year, view):
    asked = sql.SQL("EXPLAIN SELECT * FROM {} WHERE device_id = %s AND hour >= now() - interval '7 days'")
    plan = [line for (line,) in engine.db.execute(asked.format(sql.Identifier("ts", view)), (year.devices[-1],))]
    scans = [line for line in plan if " Scan " in line]
    assert 1 < len(scans) < 15, "\n".join(scans)


def test_what_comes_late_reaches_compressed_chunks_and_the_aggregates_once(engine, year):
    device_id = year.devices[-3]
    rows = [reading(device_id, NOW - timedelta(days=days, minutes=7), 1000.0 + days) for days in (1, 5, 12, 20, 29)]
    before = year.count("device_telemetry")
    for _ in range(2):
        year.hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
        year.hub.ingest(streams={"device_telemetry": {"lane": "repair", "seqs": [1, 2, 3, 4, 5], "rows": rows}})
    assert year.count("device_telemetry") == before + 5

    engine.aggregate()
    for seen, computed in AGGREGATES:
        assert differences(engine.db, seen, computed, [device_id]) == []
    assert year.count("device_telemetry_hourly", "max_value > 1000", [device_id]) == 5


def test_what_comes_later_than_a_hub_can_keep_it_reaches_them_too(engine, year):
    device_id = year.devices[-4]
    year.hub.db.execute(
        "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value) VALUES (%s, %s, 'power', 5000)",
        (NOW - timedelta(days=200), device_id),
    )
    engine.aggregate()
    assert differences(engine.db, HOURLY_SEEN, HOURLY, [device_id]) == []
    assert year.count("device_telemetry_daily", "max_value = 5000", [device_id]) == 1


def test_deleting_many_devices_leaves_nothing_of_them_and_all_of_the_others(engine, year):
    gone, others = year.devices[:8], year.devices[8:]
    tables = [
        "device_telemetry",
        "energy_usage",
        *("device_telemetry_hourly", "device_telemetry_daily", "energy_usage_hourly"),
    ]
    before = {table: year.count(table, devices=others) for table in tables}
    for device_id in gone:
        assert year.count("device_telemetry", devices=[device_id]) > 5_000
        with engine.db.transaction():
            # A device with more rows than TimescaleDB's own limit would take too long to make here.
            engine.db.execute("SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction TO 100")
            engine.db.execute("DELETE FROM devices WHERE id = %s", (device_id,))
    assert {table: year.count(table, devices=gone) for table in tables} == dict.fromkeys(tables, 0)
    assert {table: year.count(table, devices=others) for table in tables} == before


def test_deleting_a_home_leaves_nothing_of_it_and_all_of_its_neighbour(engine, year):
    home = moved_in(engine.db, 8)
    live(home, NOW - timedelta(days=60), NOW - timedelta(days=20))
    engine.compress()
    engine.aggregate()
    neighbours = year.count("device_telemetry")
    assert home.count("energy_usage_hourly") > 1000
    engine.db.execute("DELETE FROM homes WHERE id = %s", (home.hub.home_id,))
    for table in (
        "device_telemetry",
        "energy_usage",
        "device_telemetry_hourly",
        "device_telemetry_daily",
        "energy_usage_hourly",
    ):
        assert home.count(table) == 0, table
    assert year.count("device_telemetry") == neighbours


def test_a_restored_dump_holds_the_same_and_the_hub_goes_on(dsn, engine, year, an_empty_database, tmp_path):
    dumped = tmp_path / "home.dump"
    run_tool("pg_dump", "--format=custom", f"--file={dumped}", dsn)
    before = contents(engine.db)
    with psycopg.connect(an_empty_database, autocommit=True) as db:
        has_extension = engine.db.execute("SELECT ts.timescale_schema()").fetchone()[0] is not None
        if has_extension:
            db.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            db.execute("SELECT timescaledb_pre_restore()")
        # A new session finds that setting in the database; the one backend of the WASM has to be told again.
        told = psycopg.conninfo.make_conninfo(
            an_empty_database, options="-c timescaledb.restoring=on" if has_extension else None
        )
        run_tool("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={told}", str(dumped))
        if has_extension:
            db.execute("SELECT timescaledb_post_restore()")
        assert contents(db) == before

        apply(an_empty_database, lambda _line: None)
        hub = Hub(db, year.hub.id, year.hub.home_id, year.hub.secret, year.hub.owner_id, year.hub.mirror_id, epoch=2)
        answer = hub.ingest(streams={"device_telemetry": {"first": 1, "rows": [reading(year.devices[-1], NOW, 1.0)]}})
        assert (answer["marks"], answer["refused"]) == ({"device_telemetry": 1}, [])


def contents(db: psycopg.Connection) -> dict[str, int]:
    """How many rows each of our tables and aggregates has; a restored materialized view is as new as the restoration."""
    tables = db.execute(
        "SELECT c.relnamespace::regnamespace::text, c.relname FROM pg_class c WHERE (c.relkind IN ('r', 'p') OR c.relname IN (SELECT view_name FROM ts.aggregates))"
        " AND c.relnamespace IN ('public'::regnamespace, 'ts'::regnamespace, 'hub_sync'::regnamespace)"
    ).fetchall()
    assert len(tables) > 70
    return {
        f"{schema}.{table}": db.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
        ).fetchone()[0]
        for schema, table in tables
    }


def run_tool(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [client_tool(name), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def an_empty_database(request) -> Iterator[str]:
    if not IS_WASM:
        yield request.getfixturevalue("new_database")()
        return
    with running_timescale() as made:
        with psycopg.connect(made, autocommit=True) as connection:
            # A dump of a database has no roles.
            for role in ("anon", "authenticated", "service_role", "hub"):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield made


# The last one: it takes the beginning of the year away.
def test_rows_go_when_they_are_too_old_and_their_aggregates_stay(dsn, engine, year):
    device_id, other_id = year.devices[-1], year.devices[-2]
    kept_for = timedelta(days=300 if engine.is_community else 365)
    too_old = NOW - kept_for - timedelta(days=8)  # a chunk goes when all of it is too old
    young = f"time >= '{NOW - kept_for + timedelta(hours=1)}'"  # NOW is half an hour beside the clock, or less
    kept = year.count("device_telemetry", young)
    summed_up = year.count("device_telemetry_daily", f"day < '{too_old}'")
    if engine.is_community:
        with keeping_telemetry_for(engine.db, "300 days"):
            engine.run("policy_retention")
            engine.aggregate()
        assert year.count("device_telemetry_daily", f"day < '{too_old}'") == summed_up > 100
    else:
        maintain(dsn, ("retention",), now=True, say=lambda _line: None)
    assert year.count("device_telemetry", f"time < '{too_old}'") == 0
    assert year.count("device_telemetry", young) == kept > 0

    engine.db.execute("DELETE FROM devices WHERE id = %s", (device_id,))
    assert year.count("device_telemetry_daily", devices=[device_id]) == 0
    assert year.count("device_telemetry_daily", devices=[other_id]) > 100


@contextmanager
def keeping_telemetry_for(db: psycopg.Connection, interval: str) -> Iterator[None]:
    """As an operator changes a policy; the catching up has to heed it."""
    job_id, config = db.execute(
        "SELECT job_id, config FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND hypertable_name = 'device_telemetry'"
    ).fetchone()
    try:
        db.execute("SELECT alter_job(%s, config => %s)", (job_id, json.dumps(config | {"drop_after": interval})))
        yield
    finally:
        db.execute("SELECT alter_job(%s, config => %s)", (job_id, json.dumps(config)))
