"""Live changes for whoever looks on: each reader has a bounded queue; one that is too slow is told to read everything anew."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from hub_agent.ports import Change

QUEUE_MAX = 1000
READERS_MAX = 50


class Changes:
    def __init__(self) -> None:
        self._readers: dict[_Reader, None] = {}

    @property
    def has_readers(self) -> bool:
        return bool(self._readers)

    def tell(self, change: Change) -> None:
        for reader in self._readers:
            reader.put(change)

    async def read(self) -> AsyncGenerator[Change, None]:
        """From now on, until the caller stops. The oldest reader goes when there are too many."""
        reader = _Reader()
        if len(self._readers) >= READERS_MAX:
            oldest = next(iter(self._readers))
            del self._readers[oldest]
            oldest.close()
        self._readers[reader] = None
        try:
            while (change := await reader.get()) is not None:
                yield change
        finally:
            self._readers.pop(reader, None)


class _Reader:
    def __init__(self) -> None:
        self._queue: deque[Change] = deque()
        self._filled = asyncio.Event()
        self._is_closed = False

    def put(self, change: Change) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            change = Change("resync", {})
        self._queue.append(change)
        self._filled.set()

    def close(self) -> None:
        self._is_closed = True
        self._filled.set()

    async def get(self) -> Change | None:
        """None after the end."""
        while not self._queue:
            if self._is_closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()
