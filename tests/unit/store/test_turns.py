"""Small commits are done where they are asked for, large and fsynced ones on the writer's thread: never two at once."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_agent.model.effects import AppendRecord, Durability
from hub_agent.ports import Moment
from hub_agent.store import file
from hub_agent.store.store import AT_ONCE_MAX, Mirror

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)


def moment(second: float) -> Moment:
    return Moment(NOON + timedelta(seconds=second), 100.0 + second, "boot", True)


def reports(count: int, durability: Durability = Durability.COMMIT) -> list[AppendRecord]:
    row = {"time": NOON, "device_id": "d", "entity_id": "sensor.t", "metric_type": "t", "value": 21, "unit": None}
    return [AppendRecord("device_telemetry", row, durability) for _ in range(count)]


async def test_commits_of_all_kinds_and_the_uplinks_reading_do_not_disturb_each_other(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror.db")
    await mirror.open(moment(0))
    made = 0

    async def commit() -> None:
        nonlocal made
        for turn in range(60):
            rows = reports(AT_ONCE_MAX * 3) if turn % 7 == 0 else reports(3)
            if turn % 5 == 0:
                rows += reports(1, Durability.FSYNC)
            await mirror.commit(rows, moment(turn))
            made += len(rows)
            await asyncio.sleep(0)

    async def send() -> int:
        sent = 0
        while sent < made or not committing.done():
            batch = await mirror.next_batch("device_telemetry", 100, 100_000)
            if batch is not None:
                assert batch.first == sent + 1
                sent += len(batch.rows)
                await mirror.acknowledge({"device_telemetry": sent}, moment(100))
            await asyncio.sleep(0)
        return sent

    committing = asyncio.ensure_future(commit())
    sent = await send()
    await committing
    await mirror.close(moment(200))

    assert sent == made


async def test_a_small_commit_waits_while_somebody_else_is_at_the_mirror(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "mirror.db")
    await mirror.open(moment(0))
    with mirror._turn:
        small = asyncio.ensure_future(mirror.commit(reports(1), moment(1)))
        reading = asyncio.ensure_future(mirror.positions())
        # That something does not happen cannot be awaited.
        done, _ = await asyncio.wait({small, reading}, timeout=0.3)
        assert not done

    await small
    last = {position.stream: position.last for position in await reading}
    await mirror.close(moment(2))
    assert last["device_telemetry"] == 1


async def test_a_commit_that_runs_ahead_is_fsynced_by_itself_and_others_do_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = Mirror(tmp_path / "mirror.db")
    await mirror.open(moment(0))
    fsynced, may_end = [], threading.Event()

    def fsync(descriptor: int) -> None:
        fsynced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        assert may_end.wait(10)

    monkeypatch.setattr(file.os, "fdatasync", fsync)
    assert not await mirror.commit_ahead(reports(3, Durability.FSYNC), moment(1))
    assert fsynced == []
    following = asyncio.create_task(mirror.fsync())
    assert await mirror.commit_ahead(reports(1), moment(2)), "nothing of it asks for an fsync"
    await mirror.commit(reports(1, Durability.FSYNC), moment(3))
    may_end.set()
    await following
    assert fsynced == ["mirror.db-wal"]
    await mirror.close(moment(4))
    await mirror.fsync()
