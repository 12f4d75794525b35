"""Live changes for whoever looks on: each reader has a bounded queue; one that is too slow is told to read everything anew."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from hub_agent.ports import Change

QUEUE_MAX = 1000
READERS_MAX = 50


class Changes:
    def __init__(self) -> None:
        self._readers: set[_Reader] = set()

    @property
    def has_readers(self) -> bool:
        return bool(self._readers)

    def tell(self, change: Change) -> None:
        for reader in self._readers:
            reader.put(change)

    async def read(self) -> AsyncIterator[Change]:
        """From now on, until the caller stops. The oldest reader goes when there are too many."""
        reader = _Reader()
        if len(self._readers) >= READERS_MAX:
            self._readers.pop().put(Change("closed", {}))
        self._readers.add(reader)
        try:
            while True:
                change = await reader.get()
                if change.topic == "closed":
                    return
                yield change
        finally:
            self._readers.discard(reader)


class _Reader:
    def __init__(self) -> None:
        self._queue: deque[Change] = deque()
        self._filled = asyncio.Event()

    def put(self, change: Change) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            change = Change("resync", {})
        self._queue.append(change)
        self._filled.set()

    async def get(self) -> Change:
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()
