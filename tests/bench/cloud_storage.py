"""What compression saves: realistic telemetry and energy in a TimescaleDB as WASM, before and after its chunks are compressed."""

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import sql

from cloud_schema.apply import apply
from tests.bench.table import Measure
from tests.cloud.timescale.server import running_timescale

DAYS = 7
DEVICES = 8
READING_S = 300
# Middle, swing over a day, noise, and the step in which the sensor tells it.
METRICS = {
    "temperature": (21, 3, 0.15, 0.1),
    "humidity": (50, 12, 0.8, 0.5),
    "battery": (88, 0, 0, 1),
    "linkquality": (120, 0, 12, 4),
}
SIZES = """
    SELECT sum(coalesce(before_compression_total_bytes, 0)), sum(coalesce(after_compression_total_bytes, 0))
    FROM hypertable_compression_stats(%s)
"""


def compression(*, is_quick: bool) -> Iterator[Measure]:
    days = 2 if is_quick else DAYS
    with running_timescale() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        apply(dsn, lambda _line: None)
        yield _compressed(
            connection,
            "device_telemetry",
            list(_readings(days)),
            "time, device_id, metric_type, value, unit, quality_score",
        )
        yield _compressed(
            connection,
            "energy_usage",
            list(_usage(days)),
            "time, device_id, home_id, power_watts, energy_kwh, cost_estimate, is_peak_hour",
        )


def _compressed(connection: psycopg.Connection, table: str, rows: list[tuple[object, ...]], columns: str) -> Measure:
    base = sql.Identifier("ts", table)
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(base, sql.SQL(columns))) as copy,
    ):
        for row in rows:
            copy.write_row(row)
    connection.execute("SELECT compress_chunk(c) FROM show_chunks(%s) c", (f"ts.{table}",))
    before, after = connection.execute(SIZES, (f"ts.{table}",)).fetchone()
    saved = 100 * (1 - float(after) / float(before))
    note = f"{len(rows):,} rows, {float(before) / len(rows):.0f} bytes a row with its indexes, then {float(after) / len(rows):.1f}; TimescaleDB 2.23 as WASM; the overview promises 50 to 70 %"
    return Measure(f"compression saves, {table}", saved, "%", at_least=50, note=note)


def _readings(days: int) -> Iterator[tuple[object, ...]]:
    """Sensors walk: what they tell changes little from one reading to the next, and comes a second early or late."""
    chance = random.Random(5)
    devices = [UUID(int=chance.getrandbits(128), version=4) for _ in range(DEVICES)]
    drift = dict.fromkeys(METRICS, 0.0)
    for at in _times(days):
        for device in devices:
            told = at + timedelta(milliseconds=chance.randrange(2000))
            for metric, (middle, swing, noise, step) in METRICS.items():
                drift[metric] = drift[metric] * 0.98 + chance.gauss(0, noise)
                value = middle + swing * math.sin(at.timestamp() / 13751) + drift[metric]
                yield told, device, metric, round(round(value / step) * step, 3), None, 100


def _usage(days: int) -> Iterator[tuple[object, ...]]:
    chance = random.Random(6)
    home = UUID(int=chance.getrandbits(128), version=4)
    devices = [UUID(int=chance.getrandbits(128), version=4) for _ in range(DEVICES)]
    for at in _times(days):
        for device in devices:
            watts = chance.choice(
                [0.0, 0.0, 1.2, 1.3, 60.5, round(chance.uniform(55, 70), 1), round(chance.uniform(900, 2000), 1)]
            )
            kwh = round(watts * READING_S / 3_600_000, 6)
            yield at, device, home, watts, kwh, round(kwh * 0.3, 4), 17 <= at.hour <= 20


def _times(days: int) -> Iterator[datetime]:
    first = datetime(2026, 3, 2, tzinfo=UTC)
    for number in range(days * 86400 // READING_S):
        yield first + timedelta(seconds=number * READING_S)
