"""The fsync of records of what is over, beside the loop: nothing that is done depends on them, so only what is told waits for it."""

import asyncio
from collections.abc import Callable, Iterable

from hub_agent.errors import MirrorError
from hub_agent.model.effects import Announce, Outward
from hub_agent.ports import Clock, Moment, Store


class Flushing:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        tell: Callable[[Iterable[Outward], Moment], None],
        on_failure: Callable[[MirrorError, Moment], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._on_failure = on_failure
        self._waiting: list[Announce] = []
        self._is_owed = False
        self._under_way: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        return self._under_way is not None

    def begin(self) -> None:
        """What is committed by now is to be fsynced. An fsync that is under way may have begun before it: then by the next one."""
        self._is_owed = True
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._run(), name="fsync")

    def tell_after(self, announcements: Iterable[Announce]) -> None:
        """In their order, once what they tell of is durable."""
        self._waiting += announcements

    async def finish(self) -> None:
        if self._under_way is not None:
            await asyncio.wait([self._under_way])

    async def _run(self) -> None:
        try:
            while self._is_owed:
                self._is_owed = False
                count = len(self._waiting)
                try:
                    await self._store.fsync()
                except MirrorError as err:
                    self._on_failure(err, self._clock.now())
                told = self._waiting[:count] if self._is_owed else self._waiting
                self._waiting = self._waiting[len(told) :]
                self._tell(told, self._clock.now())
        finally:
            self._under_way = None
