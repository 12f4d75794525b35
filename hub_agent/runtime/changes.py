"""Live changes for whoever looks on: each reader has a bounded queue; one that is too slow is told to read everything anew.
The last of them are kept, so that one who was cut off goes on where it was.
"""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterator

from hub_agent.ports import Change, Told

QUEUE_MAX = 1000
KEPT_MAX = 500
READERS_MAX = 50

_RESYNC = Change("resync", {})
_WELCOME = Change("welcome", {})


class Changes:
    def __init__(self) -> None:
        self._readers: dict[_Reader, None] = {}
        # Numbers begin anew with each start of the agent; a mark from before it must not be taken for one of now.
        self._run = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[tuple[int, Change]] = deque(maxlen=KEPT_MAX)

    @property
    def has_readers(self) -> bool:
        return bool(self._readers)

    def tell(self, change: Change) -> None:
        self._number += 1
        self._kept.append((self._number, change))
        for reader in self._readers:
            reader.put(self._number, change)

    async def read(self) -> AsyncGenerator[Change, None]:
        """From now on, until the caller stops. The oldest reader goes when there are too many."""
        with self._registered() as reader:
            while told := await reader.get():
                yield told[1]

    async def follow(self, after: str | None) -> AsyncGenerator[Told, None]:
        """The same with marks. With the last mark that somebody had, what came after it is told first; where that is not known any more, `resync` is.
        Begins with `welcome` otherwise, so that everybody has a mark.
        """
        with self._registered() as reader:
            missed = self._after(after)
            reader.put(self._number - len(missed or ()), _RESYNC if missed is None else _WELCOME)
            for number, change in missed or ():
                reader.put(number, change)
            while told := await reader.get():
                yield Told(f"{self._run}-{told[0]}", told[1])

    def _after(self, mark: str | None) -> list[tuple[int, Change]] | None:
        """None: it cannot be told what came after it."""
        if mark is None:
            return []
        run, _, number = mark.partition("-")
        if run != self._run or not (number.isascii() and number.isdecimal()) or int(number) > self._number:
            return None
        first_kept = self._number - len(self._kept) + 1
        if int(number) + 1 < first_kept:
            return None
        return [each for each in self._kept if each[0] > int(number)]

    @contextlib.contextmanager
    def _registered(self) -> "Iterator[_Reader]":
        if len(self._readers) >= READERS_MAX:
            oldest = next(iter(self._readers))
            del self._readers[oldest]
            oldest.close()
        reader = _Reader()
        self._readers[reader] = None
        try:
            yield reader
        finally:
            self._readers.pop(reader, None)


class _Reader:
    def __init__(self) -> None:
        self._queue: deque[tuple[int, Change]] = deque()
        self._filled = asyncio.Event()
        self._is_closed = False

    def put(self, number: int, change: Change) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._queue.clear()
            change = _RESYNC
        self._queue.append((number, change))
        self._filled.set()

    def close(self) -> None:
        self._is_closed = True
        self._filled.set()

    async def get(self) -> tuple[int, Change] | None:
        """None after the end."""
        while not self._queue:
            if self._is_closed:
                return None
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()
