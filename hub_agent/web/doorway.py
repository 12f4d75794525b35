"""One port for both: whoever begins with a TLS handshake speaks HTTPS, everybody else HTTP.

So `http://hub.lan:8380` that somebody types goes on to work, or says where to go, whatever the settings are.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

log = logging.getLogger(__name__)

# The first byte of a TLS record that is a handshake. No method of HTTP begins with it.
_HANDSHAKE = b"\x16"
# Browsers open connections ahead of need. One that has said nothing for this long is closed.
SILENT_S_MAX = 15.0
HANDSHAKE_S_MAX = 10.0
# So many may have said nothing yet; more are turned away until those have spoken or gone.
SILENT_MAX = 100
# Without descriptors nobody can be let in: they come back when others have gone.
AGAIN_S = 1.0
_BACKLOG = 512


class Certified(Protocol):
    async def context(self, address: str | None) -> ssl.SSLContext | None:
        """For whoever came to this address of ours; None where there is no TLS."""


async def receive(listener: socket.socket, certified: Certified, create: Callable[[], asyncio.Protocol]) -> None:
    """Until cancelled."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    listener.listen(_BACKLOG)
    opening: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as err:
                log.warning("Nobody can be let in at the page: %s", err)
                await asyncio.sleep(AGAIN_S)
                continue
            if len(opening) >= SILENT_MAX:
                connection.close()
                continue
            task = asyncio.create_task(_open(connection, certified, create))
            opening.add(task)
            task.add_done_callback(opening.discard)
    finally:
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)


async def _open(connection: socket.socket, certified: Certified, create: Callable[[], asyncio.Protocol]) -> None:
    """Whatever a stranger sends ends at most their own connection."""
    is_handed_over = False
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout(SILENT_S_MAX):
            first = await _first_byte(connection)
        if not first:
            return
        context = None
        if first == _HANDSHAKE:
            context = await certified.context(str(connection.getsockname()[0]))
            if context is None:
                return
        loop = asyncio.get_running_loop()
        is_handed_over = True  # from here on a transport closes it
        await loop.connect_accepted_socket(
            create, connection, ssl=context, ssl_handshake_timeout=HANDSHAKE_S_MAX if context else None
        )
    except (OSError, TimeoutError) as err:  # also what TLS does not like: ssl.SSLError is an OSError
        log.debug("Somebody was not let in at the page: %s", err)
    finally:
        if not is_handed_over:
            connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """Without taking it; nothing where the other side has gone."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    while True:
        with suppress(BlockingIOError, InterruptedError):
            return connection.recv(1, socket.MSG_PEEK)
        readable = loop.create_future()
        loop.add_reader(connection, _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(connection)


def _wake(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)
