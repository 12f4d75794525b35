"""Fills the central schema for its benchmark: homes with devices and a month of what they measured."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

METRICS_A_HOME = 16
READINGS_A_DAY = 288
_, *_PARTS = re.split(
    r"^-- name: (\w+)$", Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"), flags=re.MULTILINE
)
STATEMENTS = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))
LOADED = ("device_telemetry", "energy_usage")


@dataclass(frozen=True, slots=True)
class CloudSize:
    homes: int = 200
    devices: int = 40
    telemetry_rows: int = 30_000_000

    @property
    def days(self) -> int:
        return max(8, round(self.telemetry_rows / (self.homes * METRICS_A_HOME * READINGS_A_DAY)))


def fill(connection: psycopg.Connection, size: CloudSize) -> None:
    """The readings go in without their indexes and triggers, which are made and switched on afterwards."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        _run(connection, "homes", homes=size.homes, devices=size.devices)
    # Triggers were off.
    connection.execute("UPDATE brands SET name = name")
    connection.execute("UPDATE device_models SET model_name = model_name")
    connection.execute("UPDATE devices SET device_name = device_name")
    first_day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=size.days - 1)
    with _without_indexes(connection):
        for number in range(size.days):
            _say(f"day {number + 1} of {size.days}")
            with connection.transaction():
                connection.execute("SET LOCAL session_replication_role = replica")
                for table in ("telemetry", "energy"):
                    _run(connection, table, day=first_day + timedelta(days=number))
    connection.execute("VACUUM (ANALYZE)")


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    found = connection.execute(
        "SELECT schemaname, indexname, indexdef FROM pg_indexes WHERE schemaname = 'ts' AND tablename = ANY (%s)",
        ([*LOADED],),
    ).fetchall()
    for schema, name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(schema, name)))
    yield
    connection.execute("SET maintenance_work_mem = '1GB'")
    for _, name, definition in found:
        _say(f"index {name}")
        connection.execute(definition)


def _run(connection: psycopg.Connection, name: str, **values: object) -> None:
    # One by one: a statement with parameters may not be several.
    for statement in STATEMENTS[name].split(";\n"):
        if statement.strip():
            connection.execute(psycopg.ClientCursor(connection).mogrify(statement, values))


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
