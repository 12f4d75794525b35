"""Live changes: in order, bounded, and nothing is left behind when a reader goes."""

import asyncio

import orjson
import pytest

from hub_agent.ports import Change
from hub_agent.runtime.changes import KEPT_MAX, QUEUE_MAX, READERS_MAX, Changes
from hub_agent.web.events import HEARTBEAT_S, STOPPING, EventStream
from tests.fakes.linked_home import live


class Reader:
    """A browser that follows the changes: over ASGI, under virtual time."""

    def __init__(self, changes: Changes, after: str | None = None) -> None:
        self.received: list[bytes] = []
        self.is_complete = False
        self.gone = asyncio.Event()
        self.stopping = asyncio.Event()
        self.may_take = asyncio.Event()
        self.may_take.set()
        self._has_asked = False
        scope = {"type": "http", STOPPING: self.stopping}
        self.task = asyncio.ensure_future(EventStream(changes.follow(after))(scope, self._receive, self._send))

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

    def marked(self) -> list[tuple[str, str, object]]:
        """Mark, topic and body of what was told."""
        told = [dict(line.split(": ", 1) for line in chunk.decode().splitlines() if line) for chunk in self.received]
        return [(each["id"], each["event"], orjson.loads(each["data"])) for each in told if "id" in each]

    def events(self) -> list[tuple[str, object]]:
        return [(topic, body) for _, topic, body in self.marked() if topic != "welcome"]

    async def cut_off(self) -> str:
        """The mark of what it heard last."""
        self.gone.set()
        await self.task
        return self.marked()[-1][0]


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
        first, welcome, *alive = reader.received
        assert first == b"retry: 1500\n\n"
        assert welcome.endswith(b"event: welcome\ndata: {}\n\n")
        assert alive == [b"event: alive\ndata: {}\n\n"] * 3
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


def numbers(reader: Reader) -> list[object]:
    return [body["number"] for topic, body in reader.events() if topic == "state"]


def test_who_was_cut_off_hears_what_was_missed_once_and_in_order() -> None:
    async def story() -> None:
        changes = Changes()
        reader = Reader(changes)
        await settle()
        for number in range(5):
            changes.tell(Change("state", {"number": number}))
        await settle()
        mark = await reader.cut_off()
        for number in range(5, 9):
            changes.tell(Change("state", {"number": number}))
        again = Reader(changes, mark)
        changes.tell(Change("state", {"number": 9}))
        await settle()
        changes.tell(Change("state", {"number": 10}))
        await settle()
        assert numbers(reader) == [0, 1, 2, 3, 4]
        assert numbers(again) == [5, 6, 7, 8, 9, 10]
        assert len({mark for mark, _, _ in again.marked()}) == 7
        assert again.marked()[0][:2] == (mark, "welcome")
        await again.cut_off()

    live(story())


def test_who_heard_nothing_yet_goes_on_from_the_welcome() -> None:
    async def story() -> None:
        changes = Changes()
        changes.tell(Change("state", {"number": 1}))
        reader = Reader(changes)
        await settle()
        mark = await reader.cut_off()
        changes.tell(Change("state", {"number": 2}))
        again = Reader(changes, mark)
        await settle()
        assert numbers(again) == [2]
        await again.cut_off()

    live(story())


@pytest.mark.parametrize("missed, is_known", [(KEPT_MAX, True), (KEPT_MAX + 1, False)])
def test_who_missed_more_than_is_kept_is_told_to_read_everything_anew(missed, is_known) -> None:
    async def story() -> None:
        changes = Changes()
        reader = Reader(changes)
        changes.tell(Change("state", {"number": 0}))
        await settle()
        mark = await reader.cut_off()
        for number in range(missed):
            changes.tell(Change("state", {"number": number}))
        again = Reader(changes, mark)
        await settle()
        assert (again.marked()[0][1], len(again.events())) == (("welcome", missed) if is_known else ("resync", 1))
        changes.tell(Change("state", {"number": 77}))
        await settle()
        assert numbers(again)[-1] == 77
        await again.cut_off()

    live(story())


@pytest.mark.parametrize("mark", ["", "-", "x", "0", "abc-1", "{run}-99", "{run}--1", "{run}-١", "{run}-"])
def test_a_mark_of_another_start_of_the_agent_or_of_nothing_is_no_mark(mark) -> None:
    async def story() -> None:
        changes = Changes()
        before = Reader(changes)
        await settle()
        run, _, _ = (await before.cut_off()).partition("-")
        reader = Reader(changes, mark.format(run=run))
        await settle()
        assert [topic for _, topic, _ in reader.marked()] == ["resync"]
        await reader.cut_off()

    live(story())
