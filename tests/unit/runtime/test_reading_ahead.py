"""What is read while the cloud answers is what would be read then."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub_agent.core.sync.envelope import Allowance
from hub_agent.model.effects import AppendRecord
from hub_agent.ports import Gap, Moment, RecordBatch
from hub_agent.runtime.reading_ahead import ReadingAhead
from hub_agent.store.store import Mirror

STREAM = "device_telemetry"
MOST = Allowance(4, 100_000)


class CountingMirror(Mirror):
    reads = 0

    async def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        self.reads += 1
        return await super().next_batch(stream, rows_max, bytes_max, after)


def reading_ahead(path: Path, *, is_clock_trusted: bool, story: Callable[..., Awaitable[None]]) -> None:
    """Ten records; the first four are under way, and what follows them has been read."""

    async def told() -> None:
        moment = Moment(datetime(2026, 3, 1, tzinfo=UTC), 5.0, "boot", is_clock_trusted)
        mirror = CountingMirror(path / "mirror.db", inline=True)
        await mirror.open(moment)
        rows = [AppendRecord(STREAM, {"time": f"2026-03-01T00:00:0{n}Z", "value": n}) for n in range(10)]
        await mirror.commit(rows, moment)
        sent = await mirror.next_batch(STREAM, MOST.rows, MOST.bytes)
        ahead = ReadingAhead(mirror)
        ahead.begin(sent, MOST)
        await asyncio.sleep(0)
        assert mirror.reads > 1
        mirror.reads = 0
        await story(ahead, mirror)
        await mirror.close(moment)

    asyncio.run(told())


def test_the_batch_behind_the_one_under_way_is_there_when_it_is_wanted(tmp_path) -> None:
    async def story(ahead: ReadingAhead, mirror: CountingMirror) -> None:
        elsewhere = [Gap(STREAM, 3, 4, 2, "disk"), Gap(STREAM, 9, 9, 1, "disk"), Gap("device_states", 5, 6, 2, "disk")]
        batch = await ahead.take(STREAM, 4, MOST, elsewhere)
        assert mirror.reads == 0
        assert batch == await mirror.next_batch(STREAM, MOST.rows, MOST.bytes, 4)

    reading_ahead(tmp_path, is_clock_trusted=True, story=story)


def test_only_as_much_of_it_goes_as_there_is_room_for(tmp_path) -> None:
    async def story(ahead: ReadingAhead, _mirror: CountingMirror) -> None:
        batch = await ahead.take(STREAM, 4, Allowance(3, 100_000), ())
        assert (batch.first, len(batch.rows)) == (5, 3)

    reading_ahead(tmp_path, is_clock_trusted=True, story=story)


@pytest.mark.parametrize("gap", [(5, 5), (8, 9), (1, 100)])
def test_what_was_shed_meanwhile_is_read_again(tmp_path, gap) -> None:
    async def story(ahead: ReadingAhead, mirror: CountingMirror) -> None:
        assert await ahead.take(STREAM, 4, MOST, [Gap(STREAM, *gap, 1, "disk")])
        assert mirror.reads == 1

    reading_ahead(tmp_path, is_clock_trusted=True, story=story)


@pytest.mark.parametrize("after", [0, 2, 5, 9, 10])
def test_when_the_cloud_took_more_or_less_than_was_sent_it_is_read_again(tmp_path, after) -> None:
    async def story(ahead: ReadingAhead, mirror: CountingMirror) -> None:
        assert await ahead.take(STREAM, after, MOST, ()) == await mirror.next_batch(STREAM, 4, MOST.bytes, after)
        assert await ahead.take("energy_usage", 4, MOST, ()) is None

    reading_ahead(tmp_path, is_clock_trusted=True, story=story)


def test_what_the_clock_may_still_correct_is_read_again(tmp_path) -> None:
    async def story(ahead: ReadingAhead, mirror: CountingMirror) -> None:
        await mirror.trust_clock("boot", 3600.0)
        batch = await ahead.take(STREAM, 4, MOST, ())
        assert (batch.rows[0]["time"], batch.is_clock_trusted) == ("2026-03-01T01:00:04Z", True)

    reading_ahead(tmp_path, is_clock_trusted=False, story=story)


@pytest.mark.parametrize(
    "most", [Allowance(10, 100_000), Allowance(9, 100_000), Allowance(1, 100_000), Allowance(10, 99)]
)
def test_read_in_pieces_it_is_the_same(tmp_path, monkeypatch, most) -> None:
    monkeypatch.setattr("hub_agent.runtime.reading_ahead.PIECE_ROWS", 3)

    async def story(ahead: ReadingAhead, mirror: CountingMirror) -> None:
        ahead.drop()
        later = Moment(datetime(2026, 3, 2, tzinfo=UTC), 9.0, "boot", is_trusted=False)
        await mirror.commit([AppendRecord(STREAM, {"time": "2026-03-02T00:00:00Z", "value": 1})], later)
        for after in range(12):
            assert await ahead.take(STREAM, after, most, ()) == await mirror.next_batch(
                STREAM, most.rows, most.bytes, after
            )

    reading_ahead(tmp_path, is_clock_trusted=True, story=story)
