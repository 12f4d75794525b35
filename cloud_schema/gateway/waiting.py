"""Holding a hub's question open until there is an answer. No database connection is held meanwhile."""

import asyncio
import logging
import uuid
from contextlib import suppress

import psycopg

CHANNEL_SQL = "LISTEN nexa_hub_changes"
GREETING_SQL = "SELECT pg_notify('nexa_hub_changes', %s)"
WAITERS_MAX = 20_000
# A hub has one question open; those it gave up are held until their time is over.
WAITERS_OF_A_HOME_MAX = 10
# How long to sleep unwoken while the listening connection is away. While it is there nobody asks who is not woken: so thousands may wait.
SLEEP_S_DEAF = 2.0
RECONNECT_S = 2.0

log = logging.getLogger(__name__)


class Changes:
    """Wakes those who wait for a home when the database says that something of it has changed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiters: dict[str, set[asyncio.Event]] = {}
        self.count = 0
        self.is_listening = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="changes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def waiting(self, home_id: str) -> int:
        return len(self._waiters.get(home_id, ()))

    def arm(self, home_id: str) -> asyncio.Event | None:
        """Arm before asking, so that nothing falls between question and sleep. None: too many wait already."""
        if self.count >= WAITERS_MAX:
            return None
        event = asyncio.Event()
        self._waiters.setdefault(home_id, set()).add(event)
        self.count += 1
        return event

    def disarm(self, home_id: str, event: asyncio.Event) -> None:
        waiting = self._waiters[home_id]
        waiting.discard(event)
        self.count -= 1
        if not waiting:
            del self._waiters[home_id]

    async def sleep(self, event: asyncio.Event, seconds: float) -> None:
        """Until woken; at most `seconds`, and never so long that a lost notice would matter."""
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds if self.is_listening else min(seconds, SLEEP_S_DEAF))

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._dsn,
                    autocommit=True,
                    connect_timeout=5,
                    application_name="nexa-gateway-changes",
                    keepalives_idle=10,
                    keepalives_interval=5,
                    keepalives_count=3,
                ) as connection:
                    await connection.execute(CHANNEL_SQL)
                    greeting = await self._greet()
                    async for notice in connection.notifies():
                        if notice.payload == greeting:
                            self.is_listening = True
                            self._wake_all()
                        self._wake(notice.payload)
            except psycopg.Error as err:
                log.log(
                    logging.WARNING if self.is_listening else logging.DEBUG,
                    "not listening for changes, asking every %s s instead: %s",
                    SLEEP_S_DEAF,
                    err,
                )
            finally:
                self.is_listening = False
                self._wake_all()
            await asyncio.sleep(RECONNECT_S)

    async def _greet(self) -> str:
        """Said by another connection: not everything in front of a database that takes a LISTEN passes notices on (poolers do not)."""
        greeting = f"gateway {uuid.uuid4()}"
        async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=5) as connection:
            await connection.execute(GREETING_SQL, (greeting,))
        return greeting

    def _wake(self, home_id: str) -> None:
        for event in self._waiters.get(home_id, ()):
            event.set()

    def _wake_all(self) -> None:
        for home_id in self._waiters:
            self._wake(home_id)
