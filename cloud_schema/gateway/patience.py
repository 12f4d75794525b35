"""Cuts connections on which no request is completed: a slow caller, or one that says nothing, holds a place for some seconds only."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEADERS_S_MAX = 10.0
# A hub speaks once a minute when it has nothing to do, and keeps its connection.
KEEP_ALIVE_S = 75


class ImpatientProtocol(H11Protocol):
    """uvicorn's own, which waits for the first request, and for the rest of one, without end."""

    _cut_task: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._disarm()
        elif self._cut_task is None:
            self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._cut_task = self.loop.call_later(HEADERS_S_MAX, self.transport.close)

    def _disarm(self) -> None:
        if self._cut_task is not None:
            self._cut_task.cancel()
            self._cut_task = None
