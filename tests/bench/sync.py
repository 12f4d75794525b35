"""python -m tests.bench sync [--quick] [--json] [--only WORD]: the link to the cloud: a real mirror, the real uplink, a gateway as a process, PostgreSQL.

A server of its own under NEXA_BENCH_DIR. Five million rows take some minutes; --quick takes 200,000 and a thousand hubs.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import statistics
import subprocess
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

import httpx
import jwt
import psycopg
import zstandard

from cloud_schema.apply import apply, seed
from cloud_schema.gateway.copying import stored_by_copy
from hub_agent.adapters.clock import SystemClock
from hub_agent.model.effects import AppendRecord
from hub_agent.ports import Identity
from hub_agent.store.store import Mirror
from tests.bench.cloud import _server as running_server
from tests.bench.draining import resident_kb
from tests.bench.swarm import Swarm
from tests.bench.table import Measure, render
from tests.fakes.broker import free_port

NAMES = ("drain", "store", "wire", "latency", "downlink", "hubs", "return", "waiting")
SECRET = "a secret of the benchmark, long enough for it"
DEVICES = 40
ROWS = 5000
METRICS = (("temperature", "°C"), ("humidity", "%"), ("power", "W"), ("linkquality", "lqi"))
COLUMNS = "time, device_id, metric_type, value, unit, quality_score"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class House:
    home_id: str
    hub_id: str
    secret: str
    devices: tuple[str, ...]

    @property
    def token(self) -> str:
        claims = {"role": "hub", "hub_id": self.hub_id, "home_id": self.home_id, "exp": int(time.time()) + 36_000}
        return jwt.encode(claims, SECRET, algorithm="HS256")

    @property
    def claims(self) -> dict[str, str]:
        return {"role": "hub", "hub_id": self.hub_id, "home_id": self.home_id}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench sync", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twenty-fifth of the rows, a tenth of the hubs")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this (may be repeated)")
    options = parser.parse_args(arguments)
    chosen = set(options.only or NAMES)
    measures = []
    with running_server(None) as dsn, tempfile.TemporaryDirectory(dir=os.environ.get("NEXA_BENCH_DIR")) as folder:
        apply(dsn, lambda _line: None)
        seed(dsn, lambda _line: None)
        with psycopg.connect(dsn, autocommit=True) as db:
            for measure in measured(db, dsn, Path(folder), chosen, is_quick=options.quick):
                print(f"  {measure.name}: {measure.figure:.4g} {measure.unit}", file=sys.stderr, flush=True)
                measures.append(measure)
    if options.json:
        print(json.dumps({"load_average": os.getloadavg(), "measures": [one.as_json() for one in measures]}, indent=2))
    else:
        print(render(measures))
        print(f"\n{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}")


def measured(db: psycopg.Connection, dsn: str, folder: Path, chosen: set[str], *, is_quick: bool) -> Iterator[Measure]:
    if "store" in chosen:
        yield from storing(db, dsn)
    if "wire" in chosen:
        yield from on_the_wire()
    if not chosen & {"drain", "latency", "downlink", "hubs", "return", "waiting"}:
        return
    with gateway(dsn, folder) as (url, pid):
        if "drain" in chosen:
            yield from draining(db, folder, url, pid, 200_000 if is_quick else 5_000_000)
        if "latency" in chosen:
            yield from latency(db, url)
        if "downlink" in chosen:
            yield from downlink(db, dsn, url, 20 if is_quick else 100)
        if "hubs" in chosen:
            yield from hubs_at_once(db, url, pid)
        if "return" in chosen:
            yield from returning(db, url, pid, 1_000 if is_quick else 10_000)
        if "waiting" in chosen:
            yield from waiting(db, url, pid, 1_000 if is_quick else 10_000)


@contextmanager
def gateway(dsn: str, folder: Path) -> Iterator[tuple[str, int]]:
    port = free_port()
    log = (folder / "gateway.log").open("ab")
    # In this process's own place: `nexa-cloud` would be a second one between.
    process = subprocess.Popen(
        [sys.executable, "-m", "cloud_schema", "gateway", "--port", str(port)],
        env={**os.environ, "NEXA_CLOUD_DSN": dsn, "NEXA_CLOUD_JWT_SECRET": SECRET},
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{url}/ready").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def new_house(db: psycopg.Connection) -> House:
    return new_houses(db, 1, DEVICES)[0]


def new_houses(db: psycopg.Connection, count: int, devices: int) -> list[House]:
    """Straight into the tables: claiming is not what is measured."""
    found = []
    with db.transaction():
        for _ in range(count):
            home, hub, owner, secret = str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4()), uuid.uuid4().hex
            db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner, owner))
            db.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner, owner))
            db.execute(
                "INSERT INTO homes (id, owner_id, name, timezone) VALUES (%s, %s, 'bench', 'UTC')", (home, owner)
            )
            db.execute(
                "INSERT INTO hub_hubs (id, home_id, name, secret_sha256, mirror_id) VALUES (%s, %s, 'bench', sha256(convert_to(%s, 'UTF8')), 'bench')",
                (hub, home, secret),
            )
            rows = db.execute(
                "INSERT INTO devices (home_id, device_name, device_type)"
                " SELECT %s, 'bench ' || n, 'sensor_temperature' FROM generate_series(1, %s) n RETURNING id::text",
                (home, devices),
            ).fetchall()
            found.append(House(home, hub, secret, tuple(row[0] for row in rows)))
    return found


def reading(house: House, number: int) -> dict[str, Any]:
    metric, unit = METRICS[number % len(METRICS)]
    noise = number * 2654435761 % 2**32  # without it the rows would compress as none do
    return {
        "time": (FIRST + timedelta(milliseconds=500 * number + noise % 499))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        "device_id": house.devices[number // len(METRICS) % len(house.devices)],
        "metric_type": metric,
        "value": round(20 + noise % 1009 / 100, 2),
        "unit": unit,
        "quality_score": 100,
    }


def envelope(house: House, first: int, count: int) -> dict[str, Any]:
    rows = [reading(house, number) for number in range(first, first + count)]
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    streams = {"device_telemetry": {"lane": "live", "first": first, "columns": columns}} if rows else {}
    return {"hub_id": house.hub_id, "mirror_id": "bench", "epoch": 1, "streams": streams}


# A backlog.


def draining(db: psycopg.Connection, folder: Path, url: str, gateway_pid: int, rows: int) -> Iterator[Measure]:
    db.execute("TRUNCATE ts.device_telemetry")
    house = new_house(db)
    path = folder / "mirror.db"
    begun = time.perf_counter()
    asyncio.run(fill(path, house, rows))
    print(f"  {rows:,} rows in the mirror after {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    gateway_before_s = processor_s(gateway_pid)
    output = subprocess.run(
        [sys.executable, "-m", "tests.bench.draining", path, url], check=True, capture_output=True, text=True
    ).stdout
    told = json.loads(output)
    gateway_s = processor_s(gateway_pid) - gateway_before_s
    stored = db.execute("SELECT count(*) FROM ts.device_telemetry").fetchone()[0]
    assert stored == rows, f"{stored} of {rows} rows arrived"
    floor_s = copied_again(db, folder / "rows.copy")
    note = (
        f"processor time a row: the hub {told['processor_s'] / rows * 1e6:.1f} µs ({told['processor_s'] / told['seconds']:.0%} of a core), "
        f"the gateway {gateway_s / rows * 1e6:.1f} µs; floor: COPY of the same rows into the same table by one connection"
    )
    yield Measure("backlog drained", rows / told["seconds"], "rows/s", rows / floor_s, note=note)
    yield Measure(
        "memory of the hub's process while draining",
        told["resident_peak_mb"],
        "MB at most",
        told["resident_before_mb"],
        note="floor: before",
    )
    figures = httpx.get(f"{url}/metrics").text
    received = float(
        next(line for line in figures.splitlines() if line.startswith("nexa_gateway_received_bytes_total ")).split()[1]
    )
    yield Measure("on the wire, a row of the backlog", received / rows, "bytes")
    yield Measure("memory of the gateway after it", resident_kb("VmHWM", gateway_pid) / 1024, "MB at most")


async def fill(path: Path, house: House, rows: int) -> None:
    clock = SystemClock()
    await clock.confirm(0.0)  # else the times would be unconfirmed, which the cloud notes besides, and without COPY
    mirror = Mirror(path)
    await mirror.open(clock.now())
    await mirror.save_identity(Identity(house.home_id, house.hub_id, house.secret, "bench", 1))
    for first in range(0, rows, ROWS):
        records = [AppendRecord("device_telemetry", reading(house, n)) for n in range(first, min(first + ROWS, rows))]
        await mirror.commit(records, clock.now())
    await mirror.close(clock.now())


def copied_again(db: psycopg.Connection, path: Path) -> float:
    """Seconds for the rows that are there, once more into the emptied table."""
    with (
        path.open("wb") as file,
        db.cursor().copy(f"COPY (SELECT {COLUMNS} FROM ts.device_telemetry) TO STDOUT (FORMAT BINARY)") as copy,
    ):
        for block in copy:
            file.write(block)
    db.execute("TRUNCATE ts.device_telemetry")
    begun = time.perf_counter()
    with (
        path.open("rb") as file,
        db.cursor().copy(f"COPY ts.device_telemetry ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        while block := file.read(1 << 18):
            copy.write(block)
    return time.perf_counter() - begun


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# One envelope.


def storing(db: psycopg.Connection, dsn: str) -> Iterator[Measure]:
    """By the server's own processor, which other work on the machine does not change much."""
    by_copy, by_function = asyncio.run(_storing(db, dsn))
    house = new_house(db)
    floor = []
    for number in range(8):
        rows = [tuple(reading(house, n).values()) for n in range(number * ROWS, (number + 1) * ROWS)]
        before = backend_ms(db.info.backend_pid)
        with db.cursor().copy(f"COPY ts.device_telemetry ({COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        floor.append((backend_ms(db.info.backend_pid) - before) * 1000 / ROWS)
    for name, figures in (("columns by COPY", by_copy), ("by hub_ingest_v1 alone", by_function)):
        yield Measure(
            f"stored {name}, processor of the server a row",
            statistics.median(figures),
            "µs",
            statistics.median(floor),
            note="floor: COPY alone",
        )


async def _storing(db: psycopg.Connection, dsn: str) -> tuple[list[float], list[float]]:
    found: tuple[list[float], list[float]] = ([], [])
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        for figures, is_copied in zip(found, (True, False), strict=True):
            house = new_house(db)
            for number in range(8):
                request: Any = envelope(house, 1 + number * ROWS, ROWS)
                before = backend_ms(connection.info.backend_pid)
                async with connection.transaction():
                    await connection.execute(
                        "SELECT set_config('role', 'hub', true), set_config('request.jwt.claims', %s, true)",
                        (json.dumps(house.claims),),
                    )
                    rest = await stored_by_copy(connection, request) if is_copied else request
                    cursor = await connection.execute("SELECT public.hub_ingest_v1(%s::jsonb)", (json.dumps(rest),))
                    marks = (await cursor.fetchone())[0]["marks"]
                    assert marks == {"device_telemetry": (number + 1) * ROWS}
                figures.append((backend_ms(connection.info.backend_pid) - before) * 1000 / ROWS)
    return found


def backend_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6


def on_the_wire() -> Iterator[Measure]:
    house = House("h", str(uuid.uuid4()), "s", tuple(str(uuid.uuid4()) for _ in range(DEVICES)))
    body = json.dumps(envelope(house, 1, ROWS), separators=(",", ":")).encode()
    for name, compress in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        begun = time.process_time()
        packed = compress(body)
        took_ms = (time.process_time() - begun) * 1000
        yield Measure(
            f"on the wire by {name}, a row of telemetry",
            len(packed) / ROWS,
            "bytes",
            len(body) / ROWS,
            note=f"{took_ms:.0f} ms for {ROWS:,} rows; floor: uncompressed",
        )


def latency(db: psycopg.Connection, url: str) -> Iterator[Measure]:
    house = new_house(db)
    first = 1
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {house.token}"}, timeout=60) as client:
        for rows, times in ((0, 200), (1, 200), (100, 100), (1000, 50), (5000, 20)):
            took = []
            for _ in range(times):
                body = gzip.compress(json.dumps(envelope(house, first, rows)).encode(), 6)
                begun = time.perf_counter()
                answer = client.post("/rpc/hub_ingest_v1", content=body, headers={"Content-Encoding": "gzip"})
                took.append((time.perf_counter() - begun) * 1000)
                assert answer.status_code == 200, answer.text
                first += rows
            took.sort()
            yield Measure(
                f"envelope of {rows:,} rows answered, median",
                took[len(took) // 2],
                "ms",
                note=f"p99 {took[int(len(took) * 0.99)]:.0f} ms",
            )


def downlink(db: psycopg.Connection, dsn: str, url: str, times: int) -> Iterator[Measure]:
    """From the moment at which somebody begins to say it until the hub has it in hand; the floor is a word from one connection to another."""
    floor_ms = statistics.median(notified(db, dsn, times)) * 1000
    houses = new_houses(db, 300, 1)
    house = houses[0]
    owner = db.execute("SELECT owner_id::text FROM homes WHERE id = %s", (house.home_id,)).fetchone()[0]
    claims = {"role": "authenticated", "sub": owner, "exp": int(time.time()) + 36_000}
    person = {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}
    command = {
        "home_id": house.home_id,
        "kind": "device.set",
        "payload": {},
        "expires_in_s": 20,  # before it would be told again
    }

    with httpx.Client(base_url=url, headers=person, timeout=60) as client:

        def change() -> None:
            db.execute("UPDATE devices SET device_name = gen_random_uuid() WHERE id = %s", (house.devices[0],))

        def press() -> None:
            while (
                answer := client.post("/rpc/hub_command_v1", json=command)
            ).status_code == 503:  # busy: pressed again
                time.sleep(0.1)
            answer.raise_for_status()

        for count in (1, len(houses)):
            tokens = [each.token for each in houses[:count]]
            for name, tell in (("a change", change), ("a command", press)):
                took = sorted(asyncio.run(Swarm(url).hear(tokens, tell, times)))
                yield Measure(
                    f"{name} heard by a hub, {count:,} waiting, median",
                    statistics.median(took) * 1000,
                    "ms",
                    floor_ms,
                    note=f"p95 {took[int(len(took) * 0.95)] * 1000:.0f} ms; floor: NOTIFY heard by LISTEN",
                )


def notified(db: psycopg.Connection, dsn: str, times: int) -> Iterator[float]:
    with psycopg.connect(dsn, autocommit=True) as listener:
        listener.execute("LISTEN bench")
        for _ in range(times):
            begun = time.perf_counter()
            db.execute("NOTIFY bench")
            next(listener.notifies(timeout=60))
            yield time.perf_counter() - begun


# Many hubs.


def hubs_at_once(db: psycopg.Connection, url: str, pid: int) -> Iterator[Measure]:
    for count in (1, 4, 16):
        houses = new_houses(db, count, DEVICES)
        envelopes = 80 // count if count < 16 else 5
        bodies = [
            [gzip.compress(json.dumps(envelope(house, 1 + n * ROWS, ROWS)).encode(), 6) for n in range(envelopes)]
            for house in houses
        ]
        swarm = Swarm(url)
        before = processor_s(pid)
        asyncio.run(swarm.send([(house.token, each) for house, each in zip(houses, bodies, strict=True)]))
        rows = count * envelopes * ROWS
        note = f"processor of the gateway {(processor_s(pid) - before) / rows * 1e6:.1f} µs a row"
        yield Measure(f"one gateway, hubs at once: {count}", rows / swarm.seconds, "rows/s", note=note)


def returning(db: psycopg.Connection, url: str, pid: int, count: int) -> Iterator[Measure]:
    """All at the same moment, one in ten with a backlog of ten envelopes of 500 rows, the others with one of 20."""
    houses = new_houses(db, count, 1)
    bodies = []
    for number, house in enumerate(houses):
        many = number % 10 == 0
        size, times = (500, 10) if many else (20, 1)
        bodies.append(
            (
                house.token,
                [gzip.compress(json.dumps(envelope(house, 1 + n * size, size)).encode(), 6) for n in range(times)],
            )
        )
    swarm = Swarm(url, jitter=random.Random(1))
    asyncio.run(swarm.send(bodies))
    done = sorted(swarm.done_s)
    small = sorted(swarm.done_s_by_size[1])
    note = (
        f"median {done[len(done) // 2]:.1f} s, small ones at the latest after {small[-1]:.1f} s; sent away {swarm.refused:,} times with Retry-After, "
        f"failed otherwise {swarm.failed:,} times; the gateway at most {resident_kb('VmHWM', pid) / 1024:.0f} MB"
    )
    yield Measure(f"{count:,} hubs come back at once, the slowest served after", done[-1], "s", note=note)


def waiting(db: psycopg.Connection, url: str, pid: int, count: int) -> Iterator[Measure]:
    """All wait for changes; how long one change among them takes to be heard."""
    houses = new_houses(db, count, 1)
    before_mb = resident_kb("VmRSS", pid) / 1024
    swarm = Swarm(url)
    heard = asyncio.run(swarm.wait(db, [(house.token, house.devices[0]) for house in houses], changes=20))
    heard.sort()
    note = f"of {len(heard)} changes; p99 {heard[-1] * 1000:.0f} ms; the gateway grew by {(resident_kb('VmRSS', pid) / 1024 - before_mb) * 1024 / count:.0f} kB a hub"
    yield Measure(
        f"a change heard among {count:,} waiting hubs, median", statistics.median(heard) * 1000, "ms", note=note
    )
