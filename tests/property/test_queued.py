"""A cloud that queues, whatever its queue does to what waits there: late, twice, in any order, or never. Every record is stored once."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from tests.fakes.linked_home import live
from tests.property.test_sync import DEVICES, RULES, Story

queue_steps = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 5)),
    st.tuples(st.just("write_any"), st.integers(0, 9)),
    st.tuples(st.just("double"), st.integers(0, 9)),
    st.tuples(st.just("drop"), st.integers(0, 9)),
    st.tuples(st.just("stop_queueing")),
    st.tuples(st.just("readings"), st.integers(1, 30)),
    st.tuples(st.just("state"), st.sampled_from(DEVICES)),
    st.tuples(st.just("run"), st.sampled_from(RULES)),
    st.tuples(st.just("edit"), st.sampled_from(RULES), st.sampled_from(["name", "triggers"])),
    st.tuples(st.just("shed"), st.sampled_from(["device_telemetry", "device_states"])),
    st.tuples(st.just("crash")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("mend")),
    st.tuples(st.just("wait"), st.floats(0.5, 100)),
)


class QueueStory(Story):
    """In the end the queue is written as it should be; what it lost stays lost."""

    marks_seen: dict[tuple[str, int, str], int]

    async def tell(self, steps: list[tuple[Any, ...]]) -> None:
        self.twin.is_queueing = True
        self.marks_seen = {}
        writer = asyncio.create_task(self.write_slowly())
        try:
            await super().tell(steps)
        finally:
            writer.cancel()

    async def write_slowly(self) -> None:
        while True:
            await asyncio.sleep(45)
            await self.write(3)

    async def write(self, count: int) -> None:
        for _ in range(min(count, len(self.twin.queue))):
            self.twin.write_queued()
        self.watch()

    async def write_any(self, number: int) -> None:
        if self.twin.queue:
            self.twin.write_queued(number % len(self.twin.queue))
        self.watch()

    async def double(self, number: int) -> None:
        if self.twin.queue:
            self.twin._store(self.twin.queue[number % len(self.twin.queue)][1])
        self.watch()

    async def drop(self, number: int) -> None:
        if self.twin.queue:
            self.twin.queue.pop(number % len(self.twin.queue))

    async def stop_queueing(self) -> None:
        """As behind a balancer with one gateway that has no queue."""
        self.twin.is_queueing = not self.twin.is_queueing

    async def readings(self, count: int) -> None:
        for n in range(count):
            await self.reading(DEVICES[n % len(DEVICES)])

    def watch(self) -> None:
        for key, mark in self.twin.marks.items():
            assert mark >= self.marks_seen.get(key, 0)
            self.marks_seen[key] = mark
        for stream, rows in self.twin.rows.items():
            numbers = [(row.epoch, row.seq) for row in rows]
            assert numbers == sorted(set(numbers)), (stream, numbers)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(queue_steps, max_size=40), st.integers(0, 2**32))
def test_whatever_the_queue_loses_doubles_or_turns_round_everything_is_stored_once(
    steps: list[tuple[Any, ...]], seed: int
) -> None:
    async def whole() -> QueueStory:
        story = QueueStory(seed)
        await story.tell(steps)
        return story

    story = live(whole())
    story.watch()
    story.check()
