"""The batch behind the one that is under way, read while the cloud answers: a backlog drains as fast as the slower of the two can."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import orjson

from hub_agent.core.sync.envelope import Allowance, Batch
from hub_agent.model.record import STREAMS, Priority
from hub_agent.ports import Gap, RecordBatch, Store


class ReadingAhead:
    """What is read ahead is used only if it is what would be read now; otherwise it is read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading: asyncio.Task[RecordBatch | None] | None = None
        self._place = ("", 0)

    def begin(self, batch: Batch, allowance: Allowance) -> None:
        """Of measurements only: the others are few, or cost more to begin in the middle."""
        self.drop()
        declared = STREAMS.get(batch.stream)
        if declared is None or declared.priority is not Priority.BULK or batch.numbers:
            return
        self._place = (batch.stream, batch.first + len(batch.rows) - 1)
        self._reading = asyncio.create_task(
            self._store.next_batch(batch.stream, allowance.rows, allowance.bytes, self._place[1])
        )
        # Whoever drops it does not want to hear what it failed with.
        self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())

    def drop(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()

    async def take(self, stream: str, after: int, left: Allowance, gaps: Sequence[Gap]) -> RecordBatch | None:
        """None: nothing of use was read. `gaps`: those known now, so that what was shed meanwhile is not sent after all."""
        reading, self._reading = self._reading, None
        if reading is None:
            return None
        if self._place != (stream, after):
            reading.cancel()
            return None
        batch = await reading
        # What the clock's correction would still change is read again.
        if batch is None or not batch.is_clock_trusted or any(_touches(gap, batch) for gap in gaps):
            return None
        return _within(batch, left)


def size_estimate(batch: RecordBatch) -> int:
    return _row_size(batch) * len(batch.rows)


def _row_size(batch: RecordBatch) -> int:
    return len(orjson.dumps(batch.rows[0], default=str))


def _within(batch: RecordBatch, left: Allowance) -> RecordBatch:
    count = min(left.rows, max(1, left.bytes // _row_size(batch)))
    return batch if len(batch.rows) <= count else replace(batch, rows=batch.rows[:count])


def _touches(gap: Gap, batch: RecordBatch) -> bool:
    return gap.stream == batch.stream and gap.first < batch.first + len(batch.rows) and gap.last >= batch.first
