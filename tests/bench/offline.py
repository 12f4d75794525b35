"""A year without the cloud, on a disk of 2 GB: how large the mirror grows, what stays, what it costs."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from hub_agent.model.effects import AppendRecord, Durability
from hub_agent.store.retention import DiskSpace
from hub_agent.store.store import Mirror
from tests.bench.agent import written_bytes
from tests.bench.table import Measure
from tests.unit.store.homes import at

DISK = 2_000_000_000
# A busy home: 20,000 measurements, 2,000 changes and 300 runs a day, committed every ten minutes.
COMMITS_A_DAY = 144
ROWS_A_COMMIT = {"device_telemetry": 139, "device_states": 14, "automation_executions": 2}


def year_offline(folder: Path, *, is_quick: bool) -> Iterator[Measure]:
    days = 3 if is_quick else 365
    return iter(asyncio.run(_live(folder, days)))


async def _live(folder: Path, days: int) -> list[Measure]:
    file = folder / "mirror.db"
    mirror = Mirror(file, inline=True, disk_space=lambda: DiskSpace(max(0, DISK - _size(folder)), DISK))
    await mirror.open(at())
    chance = random.Random(1)
    began_s, written, largest = time.perf_counter(), written_bytes(os.getpid()), 0
    for commit in range(days * COMMITS_A_DAY):
        second = commit * 86_400 / COMMITS_A_DAY
        await mirror.commit(list(_rows(chance, second)), at(second))
        if commit % COMMITS_A_DAY == 0:
            largest = max(largest, _size(folder))
    wall_s, written = time.perf_counter() - began_s, written_bytes(os.getpid()) - written
    positions = {each.stream: each for each in await mirror.positions()}
    shed = dict.fromkeys(ROWS_A_COMMIT, 0)
    for gap in await mirror.gaps():
        shed[gap.stream] += gap.count
    for stream, rows in ROWS_A_COMMIT.items():
        position = positions[stream]
        assert position.last == rows * COMMITS_A_DAY * days
        assert position.waiting + shed[stream] == position.last
    await mirror.close(at(days * 86_400))
    kept = ", ".join(f"{positions[name].waiting:,} of {positions[name].last:,} {name}" for name in ROWS_A_COMMIT)
    return [
        Measure(f"mirror after {days} days offline", largest / 1e6, "MB", at_most=2000, note=f"at its largest; kept: {kept}"),
        Measure(f"{days} days offline", wall_s, "s", note=f"{COMMITS_A_DAY} commits a day, the housekeeping with them"),
        Measure("written offline", written / days / 1e6, "MB/day", note="by the kernel's count"),
    ]  # fmt: skip


def _rows(chance: random.Random, second: float) -> Iterator[AppendRecord]:
    for n in range(ROWS_A_COMMIT["device_telemetry"]):
        device = f"device-{chance.randrange(60)}"
        row: dict[str, object] = {
            "time": _at(second + n * 4),
            "device_id": device,
            "entity_id": f"sensor.{device}",
            "metric_type": "power",
            "value": round(chance.random() * 2000, 1),
            "unit": "W",
        }
        yield AppendRecord("device_telemetry", row)
    for n in range(ROWS_A_COMMIT["device_states"]):
        device = f"device-{chance.randrange(60)}"
        now = _at(second + n * 40)
        entity = {"state": chance.choice(("on", "off")), "attributes": {"n": chance.randrange(255)}, "changed_at": now}
        row = {
            "device_id": device,
            "entities": {f"light.{device}": entity},
            "changed_fields": [f"light.{device}.state"],
            "change_source": "manual",
            "created_at": now,
        }
        yield AppendRecord("device_states", row)
    for n in range(ROWS_A_COMMIT["automation_executions"]):
        row = {
            "id": f"{second}/{n}",
            "time": _at(second),
            "automation_id": f"rule-{chance.randrange(40)}",
            "triggered_by": "state",
            "status": "success",
            "action_results": [{"index": 0, "status": "success", "at": _at(second), "device": f"device-{n}"}],
        }
        yield AppendRecord("automation_executions", row, Durability.COMMIT)


def _at(second: float) -> object:
    return at().wall + timedelta(seconds=second)


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.iterdir())
