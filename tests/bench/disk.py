"""What goes to the disk: records a second, bytes written per change of state, megabytes a day of a typical home."""

import asyncio
import itertools
import os
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson

from hub_agent.home import Core
from hub_agent.model.automation import Place
from hub_agent.model.effects import Durability
from hub_agent.model.report import MqttMessage, Publication, Subscribe
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror
from tests.bench.agent import written_bytes
from tests.bench.home import BASE, Size, fill_mirror, names, report
from tests.bench.mirror import commit_times, raw_times
from tests.bench.peers import Peer
from tests.bench.reaction import Bench
from tests.bench.table import Measure

ROWS_A_COMMIT = 100
STEADY_RATE = 100

# A home of people at home in the evening. Reports a day of each device of a kind, besides what follows from them.
TYPICAL = Size(devices=60, automations=40)
REPORTS_A_DAY = {"Lamp": 8, "Motion": 120, "Climate": 288, "Contact": 20, "Switch": 2880}
DAY_S = 86_400


def records(folder: Path, *, is_quick: bool) -> Measure:
    commits = 50 if is_quick else 200
    (folder / "ours").mkdir()
    times = asyncio.run(commit_times(folder / "ours", ROWS_A_COMMIT, commits, Durability.COMMIT))
    floor = raw_times(folder, ROWS_A_COMMIT, commits)
    return Measure(
        "records committed", ROWS_A_COMMIT / statistics.median(times), "rows/s", ROWS_A_COMMIT / statistics.median(floor),
        note=f"{ROWS_A_COMMIT} rows a commit, numbered and packed, through the writer's thread; floor: the same rows as JSON straight into SQLite",
    )  # fmt: skip


def bytes_per_change(bench: Bench) -> Measure:
    """At 100 changes of state a second, each of another device, by the kernel's count for the whole process."""
    seconds = 15 if bench.is_quick else 75
    peer = Peer(
        "steady", port=bench.port, base=BASE, rate=STEADY_RATE, seconds=seconds, devices=bench.size.devices // 5
    )
    before = bench.agent.written_bytes()
    cpu_before = bench.agent.cpu_s()
    changes = peer.answer()
    written = bench.agent.written_bytes() - before
    cpu = (bench.agent.cpu_s() - cpu_before) / (seconds + 2)
    note = f"{changes:,} changes in {seconds} s, checkpoints as they came; the agent took {cpu:.0%} of one core"
    return Measure(f"bytes written per change, {STEADY_RATE}/s", written / changes, "B", at_most=200, note=note)


def megabytes_a_day(folder: Path, *, is_quick: bool) -> Iterator[Measure]:
    """The real core and mirror under a clock of our own, in a typical home and in a large one."""
    kinds = ", ".join(f"{kind.lower()} {count}" for kind, count in REPORTS_A_DAY.items())
    for name, size, hours in (("typical", TYPICAL, 2 if is_quick else 6), ("large", Size(), 1 if is_quick else 4)):
        place = folder / name
        (place / "raw").mkdir(parents=True)
        lived = timedelta(hours=hours)
        written = asyncio.run(_live(place, size, lived))
        floor = _raw(place / "raw" / "raw.db", size, lived)
        reports = sum(REPORTS_A_DAY[each.partition(" ")[0]] for each in names(size))
        note = (
            f"{size.devices} devices, {size.automations} automations, {reports:,} reports a day (a day of each: {kinds}); "
            f"{hours} hours lived, scaled to 24; floor: the same reports as JSON straight into SQLite, a commit a second"
        )
        yield Measure(f"written by a {name} home", written * 24 / hours / 1e6, "MB/day", floor * 24 / hours / 1e6, note=note)  # fmt: skip


def _raw(path: Path, size: Size, how_long: timedelta) -> int:
    """Bytes that plain SQLite writes for the same reports."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE said (at REAL, name TEXT, body BLOB)")
    before = written_bytes(os.getpid())
    for _, group in itertools.groupby(_reports(size, how_long), key=lambda each: int(each[0])):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO said VALUES (?, ?, ?)", group)
        connection.execute("COMMIT")
    connection.close()
    return written_bytes(os.getpid()) - before


@dataclass(slots=True)
class _Clock:
    moment: Moment

    def now(self) -> Moment:
        return self.moment

    def pass_time(self, by: timedelta) -> None:
        now = self.moment
        self.moment = replace(now, wall=now.wall + by, monotonic_s=now.monotonic_s + by.total_seconds())


class _Lamps:
    """A broker at which lamps do as they are told."""

    is_connected = True

    def __init__(self) -> None:
        self.said: list[MqttMessage] = []

    def start(self, on_message: Callable[..., bool], on_change: Callable[..., None]) -> None:
        del on_message
        on_change(True, "")

    def resume(self) -> None: ...

    def subscribe(self, topics: object) -> None: ...

    def unsubscribe(self, topics: object) -> None: ...

    def publish(self, publication: Publication) -> bool:
        if publication.topic.endswith("/set"):
            self.said.append(MqttMessage(publication.topic.removesuffix("/set"), publication.payload))
        return True

    async def stop(self) -> None: ...


async def _live(folder: Path, size: Size, how_long: timedelta) -> int:
    clock = _Clock(Moment(datetime(2026, 1, 7, 16, tzinfo=UTC), 1000.0, "bench", True))
    path = folder / "mirror.db"
    await fill_mirror(path, size, clock.now())
    mirror, lamps = Mirror(path), _Lamps()
    remembered = await mirror.open(clock.now())
    core = Core(
        identity=remembered.identity, place=Place("Europe/Berlin", 52.5, 13.4), store=mirror, clock=clock,
        broker=lamps, new_id=lambda: str(uuid4()),
    )  # fmt: skip
    await core.start(remembered)
    before = written_bytes(os.getpid())
    begun = clock.now().monotonic_s
    for due_s, name, payload in _reports(size, how_long):
        # At least once a second, as the idle loop does, so that timers and what waits for company are seen to.
        while (wait_s := begun + due_s - clock.now().monotonic_s) > 0.001:
            clock.pass_time(timedelta(seconds=min(wait_s, 1)))
            await _turn(core, lamps)
        core.inbox.put_message(MqttMessage(f"{BASE}/{name}", payload))
        await _turn(core, lamps)
    await core.stop()
    written = written_bytes(os.getpid()) - before
    await mirror.close(clock.now())
    return written


async def _turn(core: Core, lamps: _Lamps) -> None:
    for said in lamps.said:
        core.inbox.put_message(said)
    lamps.said.clear()
    if not len(core.inbox):
        core.inbox.put(Subscribe(()))  # means nothing, but the loop need not wait
    await core.loop.turn()


def _reports(size: Size, how_long: timedelta) -> Iterator[tuple[float, str, bytes]]:
    """In order of time: the second, who, what."""
    chance = random.Random(7)
    due: list[tuple[float, str, int]] = []
    for name in names(size):
        every_s = DAY_S / REPORTS_A_DAY[name.partition(" ")[0]]
        at_s, number = chance.uniform(0, every_s), 1
        while at_s < how_long.total_seconds():
            due.append((at_s, name, number))
            at_s += every_s * chance.uniform(0.5, 1.5)
            number += 1
    for at_s, name, number in sorted(due):
        yield at_s, name, orjson.dumps(report(name.partition(" ")[0], number))


def folder_on_disk() -> tempfile.TemporaryDirectory[str]:
    """NEXA_BENCH_DIR says where: bytes written are counted only on a real disk."""
    return tempfile.TemporaryDirectory(prefix="nexa-bench-", dir=os.environ.get("NEXA_BENCH_DIR"))
