"""What the mirror costs: bytes written per state change, commits and rows a second, time to open.

python tests/bench/mirror.py [--pages 512,1024,4096]
"""

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))

from hub_agent.model.definition import Definition
from hub_agent.model.device import Alias, Device, DeviceType, Entity, Origin, ProtocolType
from hub_agent.model.effects import AppendRecord, Durability, Persistent, SaveDefinition, SaveDevice
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.ports import Moment
from hub_agent.store import ledger
from hub_agent.store.file import PAGE_BYTES
from hub_agent.store.store import Mirror

START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("light", "switch", "binary_sensor", "cover", "sensor")
ROOMS = ("kitchen", "living_room", "hall", "bedroom", "bath", "garage", "office", "attic")


class Home:
    """500 devices of one entity each; a fifth are sensors."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.devices = [self._device(number) for number in range(500)]

    def changes(self, count: int, at: datetime) -> list[Persistent]:
        """Changes of distinct devices."""
        return [self._change(device, entity, at) for device, entity in self.random.sample(self.devices, count)]

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _device(self, number: int) -> tuple[str, str]:
        kind = KINDS[number % len(KINDS)]
        return self.uuid(), f"{kind}.{ROOMS[number % len(ROOMS)]}_{kind}_{number}"

    def _change(self, device_id: str, entity_id: str, at: datetime) -> AppendRecord:
        draw = self.random
        at += timedelta(microseconds=draw.randrange(1_000_000))
        domain = entity_id.partition(".")[0]
        if domain == "sensor":
            row = {"time": at, "device_id": device_id, "entity_id": entity_id, "metric_type": "temperature"}
            return AppendRecord(
                "device_telemetry", {**row, "value": draw.randrange(1800, 2500) / 100, "unit": "celsius"}
            )
        attributes: dict[str, object] = {}
        if domain == "light":
            attributes = {"brightness": draw.randrange(256), "color_mode": "color_temp", "color_temp_kelvin": 2700}
        elif domain == "cover":
            attributes = {"current_position": draw.randrange(101)}
        state = {"state": draw.choice(["on", "off"]), "attributes": attributes, "changed_at": at}
        return AppendRecord(
            "device_states",
            {
                "id": self.uuid(),
                "device_id": device_id,
                "entities": {entity_id: state},
                "changed_fields": [f"{entity_id}.state", *(f"{entity_id}.{name}" for name in attributes)],
                "change_source": "manual",
                "created_at": at,
            },
        )


def definitions(home: Home, count: int) -> Iterator[Persistent]:
    for number in range(count):
        _, entity_id = home.devices[number % len(home.devices)]
        fields = {
            "name": f"Automation {number}",
            "triggers": [{"trigger": "state", "entity_id": [entity_id], "to": "on", "for": {"minutes": 5}}],
            "conditions": [{"condition": "time", "after": "18:00:00", "before": "23:00:00"}],
            "actions": [
                {"action": "light.turn_on", "target": {"entity_id": [entity_id]}, "data": {"brightness_pct": 40}},
                {"delay": {"seconds": 30}},
                {"action": "light.turn_off", "target": {"entity_id": [entity_id]}},
            ],
            "is_enabled": True,
            "metadata": {"mode": "single"},
        }
        yield SaveDefinition(Definition("automation", home.uuid(), fields, 1, fields))


def devices(home: Home) -> Iterator[Persistent]:
    for device_id, entity_id in home.devices:
        entity = Entity(
            EntityId(entity_id), DeviceId(device_id), "state", entity_id.partition(".")[0], None, None, None, None, None, {}, {}
        )  # fmt: skip
        native = {"friendly_name": entity_id, "exposes": ["state", "brightness", "linkquality"]}
        yield SaveDevice(
            Device(
                DeviceId(device_id), Origin("zigbee2mqtt", device_id[:18]), (Alias("zigbee_ieee", device_id[:18]),),
                entity_id, False, None, "Brand", "Model", DeviceType.LIGHT, ProtocolType.ZIGBEE, None, "1.0", "mains",
                native, (entity,),
            )
        )  # fmt: skip


def moment(second: float) -> Moment:
    return Moment(START + timedelta(seconds=second), second, "bench", True)


def written_bytes() -> int:
    """What this process handed to the disk, in pages of the page cache (Linux)."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    return 0


def asked_bytes() -> int:
    """What this process asked to be written, as it asked."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "wchar":
            return int(value)
    return 0


async def bytes_per_change(folder: Path, page_bytes: int, per_commit: int, commits: int) -> tuple[float, float]:
    """With all checkpoints, snapshots and the close. Answers asked and paged bytes for each change."""
    home = Home()
    mirror = Mirror(folder / "mirror.db", page_bytes=page_bytes)
    await mirror.open(moment(0))
    asked, paged = asked_bytes(), written_bytes()
    for second in range(commits):
        await mirror.commit(home.changes(per_commit, START + timedelta(seconds=second)), moment(second + 1))
    await mirror.close(moment(commits + 1))
    changes = per_commit * commits
    return (asked_bytes() - asked) / changes, (written_bytes() - paged) / changes


async def commit_times(folder: Path, rows: int, commits: int, durability: Durability = Durability.LAZY) -> list[float]:
    home = Home()
    mirror = Mirror(folder / "mirror.db")
    await mirror.open(moment(0))
    batches = [
        [change for _ in range(-(-rows // 500)) for change in home.changes(min(rows, 500), START)][:rows]
        for _ in range(commits)
    ]
    for batch in batches:
        batch[0] = AppendRecord(batch[0].stream, batch[0].row, durability)
    times = []
    for second, batch in enumerate(batches):
        begun = time.perf_counter()
        await mirror.commit(batch, moment(second))
        times.append(time.perf_counter() - begun)
    await mirror.close(moment(commits))
    return times


def raw_times(folder: Path, rows: int, commits: int) -> list[float]:
    """The floor: the same rows as JSON text, one row each, straight into SQLite on this thread."""
    import orjson

    home = Home()
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, body BLOB)")
    bodies = [
        [(orjson.dumps(dict(change.row)),) for _ in range(-(-rows // 500)) for change in home.changes(min(rows, 500), START)][:rows]
        for _ in range(commits)
    ]  # fmt: skip
    times = []
    for batch in bodies:
        begun = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO records (body) VALUES (?)", batch)
        connection.execute("COMMIT")
        times.append(time.perf_counter() - begun)
    connection.close()
    return times


async def open_time(folder: Path, replayed: int, repeats: int) -> float:
    home = Home()
    mirror = Mirror(folder / "mirror.db")
    await mirror.open(moment(0))
    await mirror.commit([*devices(home), *definitions(home, 1000)], moment(1))
    await mirror.commit(home.changes(500, START), moment(2))
    await mirror.close(moment(3))
    if replayed:
        crashed = Mirror(folder / "mirror.db")
        await crashed.open(moment(4))
        for second in range(replayed // 100):
            await crashed.commit(home.changes(100, START), moment(5 + second))
        crashed.abandon()
    times = []
    for _ in range(repeats):
        mirror = Mirror(folder / "mirror.db")
        begun = time.perf_counter()
        await mirror.open(moment(10_000))
        times.append(time.perf_counter() - begun)
        mirror.abandon()
    return statistics.median(times)


async def drain_rate(folder: Path) -> tuple[float, float]:
    """Rows a second given out: states as full snapshots, and telemetry."""
    home = Home()
    mirror = Mirror(folder / "mirror.db")
    await mirror.open(moment(0))
    for second in range(100):
        await mirror.commit(home.changes(400, START), moment(second + 1))
    rates = []
    for stream in ("device_states", "device_telemetry"):
        count, begun = 0, time.perf_counter()
        while batch := await mirror.next_batch(stream, 2000, 4_000_000):
            count += len(batch.rows)
            await mirror.acknowledge({stream: batch.first + len(batch.rows) - 1}, moment(200))
        rates.append(count / (time.perf_counter() - begun))
    await mirror.close(moment(300))
    return rates[0], rates[1]


def _line(what: str, value: str) -> None:
    print(f"{what:<62} {value:>18}")


def _in_folder(work, *args):
    with tempfile.TemporaryDirectory(dir=os.environ.get("NEXA_BENCH_DIR")) as folder:
        result = work(Path(folder), *args)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result


def _quantile(times: Sequence[float], part: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the bytes")
    parser.add_argument("--pages", default=str(PAGE_BYTES), help="page sizes to compare, in bytes")
    options = parser.parse_args()
    pages = [int(text) for text in options.pages.split(",")]
    print(f"SQLite {sqlite3.sqlite_version}, snapshot every {ledger.SNAPSHOT_CHANGES} changes")
    for page_bytes in pages:
        asked, paged = _in_folder(bytes_per_change, page_bytes, 100, 1200)
        _line(f"bytes per change, 100/s, one commit a second, pages {page_bytes}", f"{asked:.0f} ({paged:.0f})")
        asked, paged = _in_folder(bytes_per_change, page_bytes, 1, 4000)
        _line(f"bytes per change, 1 per commit, pages {page_bytes}", f"{asked:.0f} ({paged:.0f})")
    if options.quick:
        return
    for rows in (1, 100, 1000):
        commits = 3000 if rows == 1 else 200
        times, floor = _in_folder(commit_times, rows, commits), _in_folder(raw_times, rows, commits)
        ratio = statistics.median(times) / statistics.median(floor)
        _line(f"commit of {rows} rows, median (p99; against raw SQLite inline)",
              f"{statistics.median(times) * 1e6:.0f} µs ({_quantile(times, 0.99) * 1e6:.0f}; {ratio:.1f}x)")  # fmt: skip
        _line(f"rows a second, {rows} a commit", f"{rows * commits / sum(times):,.0f}")
    times = _in_folder(commit_times, 1, 300, Durability.FSYNC)
    _line("commit of 1 row with fsync, median", f"{statistics.median(times) * 1e6:.0f} µs")
    for replayed in (0, 5000, 19_900):
        opened = _in_folder(open_time, replayed, 5)
        _line(f"open: 500 devices, 1,000 definitions, {replayed} changes to replay", f"{opened * 1000:.0f} ms")
    states, telemetry = _in_folder(drain_rate)
    _line("rows a second given out, device_states (full snapshots)", f"{states:,.0f}")
    _line("rows a second given out, device_telemetry", f"{telemetry:,.0f}")


if __name__ == "__main__":
    main()
