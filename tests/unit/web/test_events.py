"""Live changes: in order, bounded, and nothing is left behind when a reader goes."""

import asyncio

import orjson
import pytest

from hub_agent.ports import Change
from hub_agent.runtime.changes import QUEUE_MAX, READERS_MAX, Changes
from hub_agent.web.events import HEARTBEAT_S, STOPPING, EventStream
from tests.fakes.linked_home import live


class Reader:
    """A browser that follows the changes: over ASGI, under virtual time."""

    def __init__(self, changes: Changes) -> None:
        self.received: list[bytes] = []
        self.is_complete = False
        self.gone = asyncio.Event()
        self.stopping = asyncio.Event()
        self.may_take = asyncio.Event()
        self.may_take.set()
        self._has_asked = False
        scope = {"type": "http", STOPPING: self.stopping}
        self.task = asyncio.ensure_future(EventStream(changes.read())(scope, self._receive, self._send))

    async def _receive(self):
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message) -> None:
        await self.may_take.wait()
        if message["type"] == "http.response.body":
            self.received.append(message["body"])
            self.is_complete = not message["more_body"]

    def events(self) -> list[tuple[str, object]]:
        told = [chunk.decode().split("\n") for chunk in self.received if chunk.startswith(b"event: ")]
        return [(lines[0].removeprefix("event: "), orjson.loads(lines[1].removeprefix("data: "))) for lines in told]


async def settle() -> None:
    await asyncio.sleep(0.01)


def test_changes_arrive_in_the_order_in_which_they_happen() -> None:
    async def story() -> None:
        changes = Changes()
        reader = Reader(changes)
        await settle()
        for number in range(100):
            changes.tell(Change("state", {"number": number}))
        await settle()
        assert reader.events() == [("state", {"number": number}) for number in range(100)]
        reader.gone.set()
        await reader.task

    live(story())


def test_two_readers_are_told_the_same() -> None:
    async def story() -> None:
        changes = Changes()
        readers = [Reader(changes), Reader(changes)]
        await settle()
        changes.tell(Change("run", {"id": "1"}))
        await settle()
        assert [reader.events() for reader in readers] == [[("run", {"id": "1"})]] * 2
        for reader in readers:
            reader.gone.set()
            await reader.task

    live(story())


def test_while_nothing_happens_both_ends_see_that_the_other_lives() -> None:
    async def story() -> None:
        reader = Reader(Changes())
        await asyncio.sleep(HEARTBEAT_S * 3 + 1)
        assert reader.received == [b": welcome\nretry: 1500\n\n", *[b": still here\n\n"] * 3]
        reader.gone.set()
        await reader.task

    live(story())


def test_a_reader_that_is_too_slow_is_told_to_read_everything_anew() -> None:
    async def story() -> None:
        changes = Changes()
        reader = Reader(changes)
        await settle()
        reader.may_take.clear()
        for number in range(QUEUE_MAX + 50):
            changes.tell(Change("state", {"number": number}))
            if number % 100 == 0:
                await settle()
        reader.may_take.set()
        await settle()
        events = reader.events()
        assert ("resync", {}) in events
        assert len(events) < QUEUE_MAX
        assert events[-1] == ("state", {"number": QUEUE_MAX + 49})
        reader.gone.set()
        await reader.task

    live(story())


@pytest.mark.parametrize("end", ["gone", "stopping", "cancelled", "cancelled while sending"])
def test_a_reader_that_goes_leaves_nothing_behind(end) -> None:
    async def story() -> None:
        changes = Changes()
        before = asyncio.all_tasks()
        reader = Reader(changes)
        await settle()
        assert changes.has_readers
        match end:
            case "gone":
                reader.gone.set()
            case "stopping":
                reader.stopping.set()
            case "cancelled while sending":
                reader.may_take.clear()
                changes.tell(Change("state", {}))
                changes.tell(Change("state", {}))
                await settle()
                reader.task.cancel()
            case _:
                reader.task.cancel()
        await asyncio.gather(reader.task, return_exceptions=True)
        assert not changes.has_readers
        assert asyncio.all_tasks() == before
        assert reader.is_complete is (end in {"gone", "stopping"})

    live(story())


def test_when_too_many_look_on_the_oldest_reader_goes() -> None:
    async def story() -> None:
        changes = Changes()
        readers = []
        for _ in range(READERS_MAX + 1):
            readers.append(Reader(changes))
            await settle()
        assert readers[0].is_complete
        changes.tell(Change("state", {}))
        await settle()
        assert all(reader.events() == [("state", {})] for reader in readers[1:])
        for reader in readers[1:]:
            reader.gone.set()
            await reader.task

    live(story())
