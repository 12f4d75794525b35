"""python -m tests.bench queue [--quick] [--json]: arrivals with and without a queue in between.

Hubs send envelopes of 1,000 readings as fast as they are answered, through one gateway (a process) into PostgreSQL; first with three NATS
servers in between (TLS, three copies, files) and one writer, then without. Everything is on this one machine, so they take each other's
processor: the figures say what a queue costs and what a hub sees of it, not how far it scales.
"""

import argparse
import asyncio
import gzip
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

import httpx
import psycopg

from cloud_schema.apply import apply, seed
from cloud_schema.gateway.tokens import Tokens
from tests.bench.cloud import _server
from tests.bench.table import Measure, render
from tests.cloud.conftest import Hub, call
from tests.cloud.nats_servers import Cluster, Program, eventually, free_ports, running_cluster
from tests.cloud.servers import SECRET

HUBS = 16
ROWS = 1_000
ENVELOPES = 60


@dataclass
class Arrived:
    seconds: float
    answers_ms: list[float]
    queued: int
    stored_after_s: float


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench queue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sixth of the envelopes")
    parser.add_argument("--json", action="store_true", help="for a program")
    options = parser.parse_args(arguments)
    envelopes = ENVELOPES // 6 if options.quick else ENVELOPES
    with _server(None) as dsn, running_cluster() as cluster, _folder() as folder:
        apply(dsn, lambda _line: None)
        seed(dsn, lambda _line: None)
        queued = asyncio.run(_arrive(dsn, folder, envelopes, cluster))
        direct = asyncio.run(_arrive(dsn, folder, envelopes, None))
    measures = list(_told(queued, direct, envelopes * HUBS))
    if options.json:
        print(json.dumps({"load_average": os.getloadavg(), "measures": [one.as_json() for one in measures]}, indent=2))
    else:
        print(render(measures))
        print(f"\n{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}")


def _told(queued: Arrived, direct: Arrived, envelopes: int) -> Iterator[Measure]:
    assert queued.queued == envelopes, "not all were queued"
    assert direct.queued == 0

    def rate(arrived: Arrived) -> float:
        return envelopes / arrived.seconds

    def p(arrived: Arrived, percent: int) -> float:
        return statistics.quantiles(arrived.answers_ms, n=100)[percent - 1]

    def rows_stored(arrived: Arrived) -> float:
        return envelopes * ROWS / (arrived.seconds + arrived.stored_after_s)

    yield Measure("envelopes answered by one gateway; floor: stored at once", rate(queued), "a second", rate(direct))
    yield Measure("answer to a hub, median", p(queued, 50), "ms", p(direct, 50))
    yield Measure("answer to a hub, 99 of 100", p(queued, 99), "ms", p(direct, 99))
    yield Measure(
        "stored in the end, from the first arrival", rows_stored(queued), "rows a second", rows_stored(direct)
    )
    yield Measure(
        "after the last answer everything is stored", queued.stored_after_s, "s", direct.stored_after_s or None
    )


async def _arrive(dsn: str, folder: Path, envelopes: int, cluster: Cluster | None) -> Arrived:
    (port,) = free_ports(1)
    own = {"NEXA_CLOUD_DSN": dsn, "NEXA_CLOUD_JWT_SECRET": SECRET}
    ca = () if cluster is None else ("--nats-ca-file", str(cluster.ca_file))

    def servers(user: str) -> dict[str, str]:
        return {} if cluster is None else {"NEXA_CLOUD_NATS": cluster.urls(user)}

    programs = [Program(folder, "gateway", "--port", str(port), *ca, **own, **servers("gateway"))]
    if cluster is not None:
        programs.append(Program(folder, "writer", *ca, **own, **servers("writer")))
    try:
        with psycopg.connect(dsn, autocommit=True) as db:
            hubs = [_new_hub(db) for _ in range(HUBS)]
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                senders = [_Sender(client, hub) for hub in hubs]
                await eventually(lambda: _is_ready(senders[0], is_queueing=cluster is not None), 60)
                return await _measured(db, senders, envelopes)
    finally:
        for program in programs:
            program.stop()


async def _measured(db: psycopg.Connection, senders: "list[_Sender]", envelopes: int) -> Arrived:
    bodies = [[sender.body(n) for n in range(envelopes)] for sender in senders]
    begun = time.perf_counter()
    answers = await asyncio.gather(*(sender.send(own) for sender, own in zip(senders, bodies, strict=True)))
    answered = time.perf_counter()
    wanted = envelopes * ROWS * len(senders)
    ids = [sender.hub.id for sender in senders]

    def is_stored() -> bool:
        found = db.execute("SELECT sum(mark) FROM hub_marks WHERE hub_id::text = ANY (%s)", (ids,)).fetchone()
        return found is not None and found[0] == wanted

    await eventually(is_stored, 600, 0.02)
    stored = time.perf_counter()
    flat = [one for own in answers for one in own]
    queued = sum("queued" in answer for _, answer in flat)
    return Arrived(answered - begun, [ms for ms, _ in flat], queued, stored - answered if queued else 0.0)


class _Sender:
    def __init__(self, client: httpx.AsyncClient, hub: Hub) -> None:
        self.hub = hub
        self._client = client
        self._device_id = hub.add_device()
        grant = {"role": "hub", "hub_id": hub.id, "home_id": hub.home_id, "expires_in_s": 3600}
        self._headers = {"Authorization": f"Bearer {Tokens(SECRET).sign(grant)}", "Content-Encoding": "gzip"}

    def body(self, number: int) -> bytes:
        first = number * ROWS + 1
        at = datetime(2026, 3, 1, tzinfo=UTC)
        columns = {
            "time": [(at + timedelta(seconds=n)).isoformat() for n in range(first, first + ROWS)],
            "device_id": [self._device_id] * ROWS,
            "metric_type": ["temperature"] * ROWS,
            "value": [20 + n % 70 / 10 for n in range(ROWS)],
            "unit": ["°C"] * ROWS,
        }
        streams = {"device_telemetry": {"lane": "live", "first": first, "columns": columns}}
        return gzip.compress(json.dumps(self.hub.envelope(streams=streams, may_wait=True)).encode(), 3)

    async def ask(self) -> httpx.Response:
        """As if a batch were sent whose rows the cloud has already."""
        streams: dict[str, Any] = {"device_telemetry": {"lane": "live", "first": 0, "rows": []}}
        content = gzip.compress(json.dumps(self.hub.envelope(streams=streams, may_wait=True)).encode())
        return await self._client.post("/rpc/hub_ingest_v1", content=content, headers=self._headers)

    async def send(self, bodies: list[bytes]) -> list[tuple[float, Any]]:
        answers = []
        for content in bodies:
            begun = time.perf_counter()
            answer = await self._client.post("/rpc/hub_ingest_v1", content=content, headers=self._headers)
            answer.raise_for_status()
            answers.append(((time.perf_counter() - begun) * 1000, answer.json()))
        return answers


async def _is_ready(sender: _Sender, *, is_queueing: bool) -> bool:
    try:
        answer = await sender.ask()
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and ("queued" in answer.json()) is is_queueing


def _new_hub(db: psycopg.Connection) -> Hub:
    owner_id, home_id, mirror_id = (str(uuid.uuid4()) for _ in range(3))
    db.execute("INSERT INTO auth.users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
    db.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (owner_id, f"{owner_id}@example.com"))
    db.execute("INSERT INTO homes (id, owner_id, name) VALUES (%s, %s, 'Bench')", (home_id, owner_id))
    code = call(db, "service_role", {}, "hub_issue_claim_code_v1", {"home_id": home_id})["claim_code"]
    claimed = call(db, "anon", {}, "hub_claim_v1", {"claim_code": code, "hub_name": "hall", "mirror_id": mirror_id})
    return Hub(db, claimed["hub_id"], home_id, claimed["secret"], owner_id, mirror_id)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nexa-bench-queue-"))
    try:
        yield folder
    except BaseException:
        for log in folder.glob("*.log"):
            print(log.read_text()[-2000:], file=sys.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
