"""Whoever looks on hears every change, or that it has missed some."""

import asyncio

from hub_agent.ports import Change
from hub_agent.runtime.changes import QUEUE_MAX, READERS_MAX, Changes
from tests.fakes.linked_home import live


def change(number: int) -> Change:
    return Change("state", {"number": number})


def test_changes_come_in_order() -> None:
    async def story() -> None:
        changes = Changes()
        reader = changes.read()
        first = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0)
        for number in range(3):
            changes.tell(change(number))
        assert [await first, await anext(reader), await anext(reader)] == [change(0), change(1), change(2)]
        await reader.aclose()
        assert not changes.has_readers

    live(story())


def test_a_slow_reader_is_told_to_read_everything_anew() -> None:
    async def story() -> None:
        changes = Changes()
        reader = changes.read()
        first = asyncio.ensure_future(anext(reader))
        await asyncio.sleep(0)
        for number in range(QUEUE_MAX + 1):
            changes.tell(change(number))
        assert await first == Change("resync", {})
        changes.tell(change(9))
        assert await anext(reader) == change(9)
        await reader.aclose()

    live(story())


def test_when_too_many_look_on_the_oldest_is_let_go() -> None:
    async def story() -> None:
        changes = Changes()
        readers = [changes.read() for _ in range(READERS_MAX + 1)]
        waiting = [asyncio.ensure_future(anext(reader, None)) for reader in readers]
        await asyncio.sleep(0)
        changes.tell(change(1))
        told = await asyncio.gather(*waiting)
        assert told == [None, *[change(1)] * READERS_MAX]
        for reader in readers:
            await reader.aclose()

    live(story())
