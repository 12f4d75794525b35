"""python -m tests.bench verify [--quick] [--dsn DSN] [--json]: compares a month of a home, hub's side and cloud's side.

A million rows of telemetry (--quick: a hundred thousand) lie in a mirror and in a PostgreSQL of its own; then a day and a few rows are lost there.
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg

from cloud_schema.apply import apply, seed
from hub_agent.core.sync.envelope import Allowance, Sender
from hub_agent.core.sync.flow import Flow
from hub_agent.model.effects import AppendRecord
from hub_agent.ports import Identity, Moment
from hub_agent.runtime.verifying import Verifier
from hub_agent.store.store import Mirror
from tests.bench.cloud import _become, _server
from tests.bench.table import Measure, render

NOW = datetime.now(UTC).replace(microsecond=0)
DAYS = 30
DEVICES = 40
COMMIT_ROWS = 50
COPY = "COPY ts.device_telemetry (time, device_id, metric_type, value, unit) FROM STDIN"


class Clock:
    def now(self) -> Moment:
        return Moment(NOW, time.monotonic(), "boot", is_trusted=True)


@dataclass
class Speaker:
    """What a verifier needs of the exchange."""

    identity: Identity

    @property
    def isolation(self) -> Any:
        return type("Allowed", (), {"allowance": Allowance()})

    def sender(self) -> Sender:
        assert self.identity.hub_id is not None
        return Sender(self.identity.hub_id, self.identity.mirror_id, 1, "0.1.0")


class DirectCloud:
    """The functions without a gateway, and what was said."""

    def __init__(self, connection: psycopg.Connection, identity: Identity) -> None:
        self._connection = connection
        self._identity = identity
        self.bytes = 0
        self.seconds = 0.0

    async def reconcile(self, request: Any) -> Any:
        return await asyncio.to_thread(self._call, "hub_reconcile_v1", orjson.dumps(request))

    async def ingest(self, envelope: bytes) -> Any:
        return await asyncio.to_thread(self._call, "hub_ingest_v1", envelope)

    def _call(self, function: str, request: bytes) -> Any:
        begun = time.perf_counter()
        with self._connection.transaction():
            _become(self._connection, "hub", {"hub_id": str(self._identity.hub_id), "home_id": self._identity.home_id})
            found = self._connection.execute(
                f"SELECT public.{function}(%s::jsonb)::text", (request.decode(),)
            ).fetchone()
        assert found is not None
        self.seconds += time.perf_counter() - begun
        self.bytes += len(request) + len(found[0])
        return orjson.loads(found[0])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench verify", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--dsn", help="an empty database to use instead of a server of our own")
    options = parser.parse_args(arguments)
    with _server(options.dsn) as dsn, tempfile.TemporaryDirectory(dir=os.environ.get("NEXA_BENCH_DIR")) as folder:
        measures = asyncio.run(_measured(dsn, Path(folder), 100_000 if options.quick else 1_000_000))
    if options.json:
        print(json.dumps({"load_average": os.getloadavg(), "measures": [one.as_json() for one in measures]}, indent=2))
    else:
        print(render(measures))
        print(f"\n{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}")


def _rows(count: int, devices: list[str]) -> Iterator[tuple[datetime, str, str, float, str]]:
    first = NOW - timedelta(days=DAYS - 1)
    step = timedelta(days=DAYS - 1) / count
    for n in range(count):
        yield (first + n * step, devices[n % len(devices)], ("temperature", "power")[n // 40 % 2], n % 997 / 7, "W")


async def _measured(dsn: str, folder: Path, count: int) -> list[Measure]:
    apply(dsn, lambda _line: None)
    seed(dsn, lambda _line: None)
    mirror = Mirror(folder / "mirror.db")
    opened = await mirror.open(Clock().now())
    with psycopg.connect(dsn, autocommit=True) as connection:
        identity, devices = _home(connection, opened.identity.mirror_id)
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in _rows(count, devices):
                copy.write_row(row)
        connection.execute(
            "INSERT INTO hub_marks (hub_id, mirror_id, epoch, stream, mark) VALUES (%s, %s, 1, 'device_telemetry', %s)",
            (identity.hub_id, identity.mirror_id, count),
        )
        connection.execute("ANALYZE ts.device_telemetry")
        waiting: list[AppendRecord] = []
        for at, device, metric, value, unit in _rows(count, devices):
            row = {"time": at, "device_id": device, "metric_type": metric, "value": value, "unit": unit}
            waiting.append(AppendRecord("device_telemetry", row))
            if len(waiting) == COMMIT_ROWS:
                await mirror.commit(waiting, Moment(at, time.monotonic(), "boot", is_trusted=True))
                waiting = []
        await mirror.commit(waiting, Clock().now())
        await mirror.acknowledge({"device_telemetry": count}, Clock().now())
        cloud = DirectCloud(connection, identity)
        verifier = Verifier(
            cloud=cloud, store=mirror, clock=Clock(), exchange=Speaker(identity), flow=Flow(), turn=asyncio.Lock(),  # type: ignore[arg-type]
            jitter=random.Random(1), is_online=lambda: True, is_busy=lambda: False, versions=dict, time_zone=lambda: UTC,
            submit=_nothing, read_all=lambda: None,
        )  # fmt: skip
        measures = [*await _run(verifier, cloud, f"a clean month, {count:,} rows")]
        connection.execute(
            "DELETE FROM ts.device_telemetry WHERE time::date = %s OR (extract(epoch FROM time)::bigint %% 4001) = 0",
            ((NOW - timedelta(days=10)).date(),),
        )
        measures += await _run(verifier, cloud, "a day and some rows lost")
    await mirror.close(Clock().now())
    return measures


async def _run(verifier: Verifier, cloud: DirectCloud, what: str) -> list[Measure]:
    cloud.bytes, cloud.seconds = 0, 0.0
    late = asyncio.create_task(_lateness())
    begun, used = time.perf_counter(), time.thread_time()
    processor = time.process_time()
    said = [each async for each in verifier.verify(DAYS + 1, "device_telemetry")]
    wall, processor, used = time.perf_counter() - begun, time.process_time() - processor, time.thread_time() - used
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    report: Any = said[-1]["verified"]
    stream = report["streams"][0]
    assert report["is_agreed"], report
    found = f"{stream['missing']:,} missing, {stream['repaired']:,} repaired"
    return [
        Measure(f"{what}: in all", wall, "s", note=found),
        Measure(f"{what}: the hub's processor", processor, "s", note=f"{used:.1f} s of it in the loop's thread"),
        Measure(f"{what}: the cloud's answers", cloud.seconds, "s"),
        Measure(f"{what}: on the wire, uncompressed", cloud.bytes / 1000, "kB"),
        Measure(f"{what}: the loop was late by at most", _Late.most * 1000, "ms"),
    ]


class _Late:
    most = 0.0


async def _lateness() -> None:
    _Late.most = 0.0
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        _Late.most = max(_Late.most, time.perf_counter() - begun - 0.005)


async def _nothing(_inputs: object) -> None:
    pass


def _home(connection: psycopg.Connection, mirror_id: str) -> tuple[Identity, list[str]]:
    owner, home, hub = (str(uuid.uuid4()) for _ in range(3))
    connection.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner, f"{owner}@example.com"))
    connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner, f"{owner}@example.com"))
    connection.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Home')", (home, owner))
    connection.execute(
        "INSERT INTO hub_hubs (id, home_id, name, secret_sha256, mirror_id) VALUES (%s, %s, 'hub', '', %s)",
        (hub, home, mirror_id),
    )
    devices = [str(uuid.uuid4()) for _ in range(DEVICES)]
    for device in devices:
        connection.execute(
            "INSERT INTO devices (id, home_id, device_name, device_type) VALUES (%s, %s, 'meter', 'sensor_temperature')",
            (device, home),
        )
    return Identity(home, hub, "secret", mirror_id, 1), devices
