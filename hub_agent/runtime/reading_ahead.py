"""Batches for the cloud. The one behind what is under way is read while the cloud answers: a backlog drains as fast as the slower of the two can."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import orjson

from hub_agent.core.sync.envelope import Allowance, Batch
from hub_agent.model.record import STREAMS, Priority
from hub_agent.ports import Gap, RecordBatch, Store

# The home's commits get their turn in between.
PIECE_ROWS = 1000


class ReadingAhead:
    """What was read ahead is used only if it is what would be read now; otherwise it is read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading: asyncio.Task[RecordBatch | None] | None = None
        self._place = ("", 0)

    def begin(self, batch: Batch, allowance: Allowance) -> None:
        """Behind this one. Of measurements only: the others are few, or cost more to begin in the middle."""
        self.drop()
        if not _is_bulk(batch.stream) or batch.numbers:
            return
        self._place = (batch.stream, _last(batch))
        self._reading = asyncio.create_task(self._read(*self._place, allowance))
        # Whoever drops it does not want to hear what it failed with.
        self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())

    def drop(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()

    async def take(self, stream: str, after: int, left: Allowance, gaps: Sequence[Gap]) -> RecordBatch | None:
        """What follows `after`. `gaps`: those known now, so that what was shed meanwhile is not sent after all."""
        if self._reading is not None and self._place == (stream, after):
            reading, self._reading = self._reading, None
            batch = await reading
            # What the clock's correction would still change is read again.
            if batch is not None and batch.is_clock_trusted and not any(_touches(gap, batch) for gap in gaps):
                return _within(batch, left)
        return await self._read(stream, after, left)

    async def _read(self, stream: str, after: int, left: Allowance) -> RecordBatch | None:
        if not _is_bulk(stream):
            return await self._store.next_batch(stream, left.rows, left.bytes, after)
        pieces: list[RecordBatch] = []
        is_more = True
        while is_more:
            wanted = min(PIECE_ROWS, left.rows)
            piece = await self._store.next_batch(stream, wanted, left.bytes, after)
            if piece is None or (pieces and not _follows(piece, pieces[-1])):
                break
            pieces.append(piece)
            after = _last(piece)
            left = left.less(len(piece.rows), size_estimate(piece))
            is_more = len(piece.rows) == wanted and left.rows > 0 and left.bytes >= _row_size(piece)
        return replace(pieces[0], rows=[row for piece in pieces for row in piece.rows]) if pieces else None


def size_estimate(batch: RecordBatch) -> int:
    return _row_size(batch) * len(batch.rows)


def _is_bulk(stream: str) -> bool:
    declared = STREAMS.get(stream)
    return declared is not None and declared.priority is Priority.BULK


def _last(batch: Batch) -> int:
    return batch.first + len(batch.rows) - 1


def _follows(batch: RecordBatch, before: RecordBatch) -> bool:
    return batch.first == _last(before) + 1 and batch.is_clock_trusted == before.is_clock_trusted


def _row_size(batch: RecordBatch) -> int:
    return len(orjson.dumps(batch.rows[0], default=str))


def _within(batch: RecordBatch, left: Allowance) -> RecordBatch:
    count = min(left.rows, max(1, left.bytes // _row_size(batch)))
    return batch if len(batch.rows) <= count else replace(batch, rows=batch.rows[:count])


def _touches(gap: Gap, batch: RecordBatch) -> bool:
    return gap.stream == batch.stream and gap.first <= _last(batch) and gap.last >= batch.first
