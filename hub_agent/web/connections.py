"""The server's connections: nobody on the network can hold them all, and at the Unix socket it is known who calls."""

import asyncio
from collections import Counter
from typing import Any, ClassVar

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from hub_agent.web.guard import PEER
from hub_agent.web.pace import household_of
from hub_agent.web.peers import peer_of

# A proxy comes with all its browsers from one address.
OF_ONE_ADDRESS_MAX = 100
# How long a connection may be open without a request under way.
IDLE_S_MAX = 15.0


class PatientProtocol(H11Protocol):
    """Closes connections over which nobody asks anything: opened and left, or a request that comes byte by byte."""

    open_by_address: ClassVar[Counter[str]] = Counter()
    idle_s_max = IDLE_S_MAX

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._address = ""
        self._look: asyncio.TimerHandle | None = None
        self._was_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = household_of(self.client[0]) if self.client else ""
        self.open_by_address[self._address] += 1
        if self.client and self.open_by_address[self._address] > OF_ONE_ADDRESS_MAX:
            transport.abort()
        else:
            self._look = self.loop.call_later(self.idle_s_max / 2, self._look_again)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._look:
            self._look.cancel()
        self.open_by_address[self._address] -= 1
        if self.open_by_address[self._address] <= 0:
            del self.open_by_address[self._address]

    def _look_again(self) -> None:
        is_idle = getattr(self.cycle, "response_complete", True)  # there is none before the first request
        if is_idle and self._was_idle:
            self.transport.close()
            return
        self._was_idle = is_idle
        self._look = self.loop.call_later(self.idle_s_max / 2, self._look_again)


class LocalProtocol(H11Protocol):
    """Leaves in the scope who is at the other end of the Unix socket."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app, peer = self.app, peer_of(transport.get_extra_info("socket"))

        async def known(scope: Scope, receive: Receive, send: Send) -> None:
            scope[PEER] = peer
            await app(scope, receive, send)

        self.app = known
