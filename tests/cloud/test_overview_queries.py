"""The queries of the overview, word for word, asked by an owner: the right answers, and by index."""

import json
import re
import subprocess
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.servers import client_tool

NOW = datetime.now(UTC)

# Exactly as the overview writes them; `?` is what is asked for.
HOME_OVERVIEW = "SELECT * FROM home_dashboard_summary WHERE home_id = ?;"
DEVICE_HEALTH = "SELECT * FROM device_health_summary WHERE home_id = ?;"
ENERGY_USAGE = "SELECT * FROM energy_usage_summary WHERE home_id = ? AND day >= ?;"
RECENT_TELEMETRY = """SELECT * FROM device_telemetry
WHERE device_id = ? AND time >= NOW() - INTERVAL '24 hours';"""
HOURLY_AVERAGES = """SELECT * FROM device_telemetry_hourly
WHERE device_id = ? AND hour >= NOW() - INTERVAL '7 days';"""
ACTIVE_PREDICTIONS = """SELECT * FROM failure_predictions
WHERE home_id = ? AND prediction_status = 'active'
ORDER BY risk_score DESC;"""
RECENT_ANOMALIES = """SELECT * FROM anomaly_detections
WHERE device_id = ? AND time >= NOW() - INTERVAL '7 days'
ORDER BY anomaly_score DESC;"""


class Seeded:
    """An owner's home with ten days of readings, among the readings of others."""

    def __init__(self, db: psycopg.Connection, home_id: str, owner_id: str) -> None:
        self.home_id, self.owner_id = home_id, owner_id
        self.device_ids = [
            db.execute(
                "INSERT INTO devices (home_id, device_name, device_type, is_online) VALUES (%s, %s, 'sensor_temperature', true) RETURNING id",
                (home_id, f"Climate {n}"),
            ).fetchone()[0]
            for n in range(5)
        ]
        self.device_id = self.device_ids[0]
        for device_id in self.device_ids:
            db.execute(
                "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value, unit)"
                " SELECT %s - n * interval '10 minutes', %s, metric, 20 + n %% 6, 'celsius' FROM generate_series(1, 1440) n, unnest(ARRAY['temperature', 'humidity']) metric",
                (NOW, device_id),
            )
        db.execute(
            "INSERT INTO ts.energy_usage (time, device_id, home_id, power_watts, energy_kwh) SELECT %s - n * interval '1 hour', %s, %s, 100, 0.1 FROM generate_series(1, 240) n",
            (NOW, self.device_id, home_id),
        )
        db.execute(
            "INSERT INTO failure_predictions (device_id, home_id, failure_type, failure_probability, risk_score, severity, prediction_status)"
            " SELECT %s, %s, 'battery', 0.5, n * 7 %% 100, 'warning', CASE WHEN n %% 2 = 0 THEN 'active' ELSE 'resolved' END FROM generate_series(1, 10) n",
            (self.device_id, home_id),
        )
        db.execute(
            "INSERT INTO ts.anomaly_detections (device_id, home_id, time, anomaly_type, anomaly_score, severity)"
            " SELECT %s, %s, %s - n * interval '1 day', 'spike', n * 3 %% 10, 'warning' FROM generate_series(1, 12) n",
            (self.device_id, home_id, NOW),
        )


@pytest.fixture(scope="module")
def connection(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def home(connection):
    made = [_make_home(connection) for _ in range(3)]
    with connection.transaction():
        connection.execute("SET LOCAL ROLE service_role")
        connection.execute("SELECT refresh_materialized_views()")
    for table in ("ts.device_telemetry", "ts.energy_usage", "ts.anomaly_detections", "failure_predictions", "devices"):
        connection.execute(f"ANALYZE {table}")
    return made[1]


def _make_home(connection: psycopg.Connection) -> Seeded:
    owner_id, home_id = str(uuid.uuid4()), str(uuid.uuid4())
    email = f"{owner_id}@example.com"
    connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner_id, email))
    connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner_id, email))
    connection.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Seeded')", (home_id, owner_id))
    return Seeded(connection, home_id, owner_id)


@pytest.fixture
def explain(db, home):
    """The plan for the owner. Small tables are read whole whatever indexes they have, unless that is forbidden; large ones must not be."""

    def explain(query, *values, how="COSTS OFF"):
        with db.transaction():
            claims = json.dumps({"role": "authenticated", "sub": home.owner_id})
            db.execute(
                "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
                (claims,),
            )
            if "telemetry" not in query:
                db.execute("SET LOCAL enable_seqscan = off")
            return "\n".join(line for (line,) in db.execute(f"EXPLAIN ({how}) {query.replace('?', '%s')}", values))

    return explain


@pytest.fixture
def ask(read_as, home):
    return lambda query, *values: read_as(home.owner_id, query.replace("?", "%s"), *values)


def test_the_dashboard_queries_answer(ask, home):
    overview = ask(HOME_OVERVIEW, home.home_id)
    assert [(str(row[0]), row[1], row[3], row[4]) for row in overview] == [(home.home_id, "Seeded", 5, 5)]
    assert {row[0] for row in ask(DEVICE_HEALTH, home.home_id)} == {*home.device_ids}
    since = NOW - timedelta(days=4)
    days = ask(ENERGY_USAGE, home.home_id, since)
    assert sorted(row[1] for row in days) == [
        day
        for n in range(5)
        if since
        <= (day := NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=4 - n))
        < NOW - timedelta(hours=1)
    ]
    assert all(row[-1] == 24 and row[2] == pytest.approx(2.4) for row in days[:-1] if row[1] < NOW - timedelta(days=2))


def _readings_since(then: datetime) -> int:
    """Each minute that the tests take some become too old."""
    return 2 * ((NOW - then) // timedelta(minutes=10))


def test_the_time_series_queries_answer(ask, home):
    before = datetime.now(UTC)
    recent = ask(RECENT_TELEMETRY, home.device_id)
    assert _readings_since(datetime.now(UTC) - timedelta(days=1)) <= len(recent)
    assert len(recent) <= _readings_since(before - timedelta(days=1))
    assert {(row[1], row[2]) for row in recent} == {(home.device_id, "temperature"), (home.device_id, "humidity")}

    hourly = ask(HOURLY_AVERAGES, home.device_id)
    assert len({row[0] for row in hourly}) in {167, 168, 169}  # by the minute of the hour
    assert len(hourly) == 2 * len({row[0] for row in hourly})
    whole = [row for row in hourly if row[-1] == 6]
    assert len(whole) >= 2 * 166
    # Six readings in a row are 20 to 25, from wherever they begin.
    assert {row[3:6] for row in whole} == {(22.5, 20.0, 25.0)}
    assert {round(row[6], 3) for row in whole} == {1.871}


def test_the_learning_queries_answer(ask, home, connection):
    predictions = ask(ACTIVE_PREDICTIONS, home.home_id)
    column = [name.name for name in connection.execute("SELECT * FROM failure_predictions LIMIT 0").description].index(
        "risk_score"
    )
    assert [row[column] for row in predictions] == [70, 56, 42, 28, 14]

    anomalies = ask(RECENT_ANOMALIES, home.device_id)
    column = [name.name for name in connection.execute("SELECT * FROM anomaly_detections LIMIT 0").description].index(
        "anomaly_score"
    )
    assert [int(row[column]) for row in anomalies] in ([9, 8, 6, 5, 3, 2], [9, 8, 6, 5, 3, 2, 1])


@pytest.mark.parametrize(
    "query, subject, index",
    [
        (HOME_OVERVIEW, "home_id", "idx_home_dashboard_home_id"),
        (DEVICE_HEALTH, "home_id", "idx_device_health_home"),
        (RECENT_TELEMETRY, "device_id", "idx_device_telemetry_device_metric"),
        (HOURLY_AVERAGES, "device_id", "idx_device_telemetry_device_metric"),
        (ACTIVE_PREDICTIONS, "home_id", "idx_predictions_active_high_risk"),
        (RECENT_ANOMALIES, "device_id", "idx_anomaly_detections_device"),
    ],
)
@pytest.mark.usefixtures("several_backends")
def test_the_queries_go_by_index(explain, home, query, subject, index):
    plan = explain(query, getattr(home, subject))
    assert re.search(rf"\b(_hyper_\d+_\d+_chunk_)?{index}\b", plan), (
        plan
    )  # a chunk's index has the chunk's name in front
    assert "Seq Scan on device_telemetry" not in plan, plan


def test_energy_since_a_day_goes_by_index(explain, home, several_backends):
    plan = explain(ENERGY_USAGE, home.home_id, NOW - timedelta(days=4))
    assert "idx_energy_summary_home_day" in plan, plan


def test_the_hours_of_a_week_read_the_rows_of_a_week(explain, home, several_backends):
    """However long the device has measured."""
    plan = explain(HOURLY_AVERAGES, home.device_id, how="ANALYZE, TIMING OFF, COSTS OFF")
    read = [
        float(rows) * int(loops)
        for rows, loops in re.findall(r"Scan.* on device_telemetry s .*actual rows=([\d.]+) loops=(\d+)", plan)
    ]
    assert read, plan
    assert max(read) <= 2 * 6 * 170, plan


@pytest.mark.parametrize(
    "command, shown",
    [
        (r"\dt public.*", "| devices "),
        (r"\d+ devices", " search_vector "),
        (r"\di devices*", "| devices_pkey "),
    ],
)
def test_the_key_commands_of_psql_show_the_schema(dsn, several_backends, command, shown):
    done = subprocess.run(
        [client_tool("psql"), "-X", "-d", dsn, "-c", command], capture_output=True, text=True, check=True
    )
    assert shown in done.stdout, done
