"""Serves the app on the network and on the Unix socket, on the agent's own event loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hub_agent.errors import AddressInUse
from hub_agent.web.connections import LocalProtocol, PatientProtocol
from hub_agent.web.doorway import Certified, receive
from hub_agent.web.events import STOPPING

SOCKET_MODE = 0o660
SHUTDOWN_S_MAX = 3


class _Server(uvicorn.Server):
    """The agent listens to signals; uvicorn does not."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind_tcp(host: str, port: int) -> socket.socket:
    """Raises AddressInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as err:  # also a name that nobody knows
        listener.close()
        raise AddressInUse(
            f"The page cannot be served at {host}:{port}: {err.strerror}. Set web.port (or web.host) in the settings."
        ) from err
    return listener


def bind_unix(path: Path) -> socket.socket:
    """Raises AddressInUse when another agent lives there; a socket left by a dead one is replaced."""
    if _is_alive(path):
        raise AddressInUse(f"Another agent answers at {path}. Stop it, or set agent.socket in the settings.")
    if path.exists() and not path.is_socket():
        raise AddressInUse(f"{path} is there and is no socket. Move it away, or set agent.socket in the settings.")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        os.chmod(path, SOCKET_MODE)  # noqa: PTH101 a socket's mode, not a file's
    except OSError as err:
        listener.close()
        raise AddressInUse(f"The socket {path} cannot be made: {err}. Set agent.socket in the settings.") from err
    return listener


async def serve(app: ASGIApp, listener: socket.socket, certified: Certified | None = None) -> None:
    """Until cancelled; then requests under way may end, and streams end at once. `certified`: HTTPS at the same port."""
    stopping = asyncio.Event()
    ends: set[asyncio.Future[None]]
    receiving: asyncio.Future[None] | None = None
    config = uvicorn.Config(
        _told_of_the_end(app, stopping),
        log_config=None,
        access_log=False,
        lifespan="off",
        http=LocalProtocol if listener.family == socket.AF_UNIX else PatientProtocol,
        ws="none",
        # Whom a proxy speaks for is decided in proxies.py.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S_MAX,
        limit_concurrency=200,
        h11_max_incomplete_event_size=32 * 1024,
    )
    server = _Server(config)
    if certified is None:
        ends = {asyncio.ensure_future(server.serve(sockets=[listener]))}
    else:
        config.load()

        def create() -> asyncio.Protocol:
            made: asyncio.Protocol = config.http_protocol_class(config, server.server_state, {})  # type: ignore[call-arg]  # as the server itself calls it
            return made

        receiving = asyncio.ensure_future(receive(listener, certified, create))
        ends = {asyncio.ensure_future(server.serve(sockets=[])), receiving}
    try:
        ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ended:
            each.result()
    finally:
        stopping.set()
        server.should_exit = True
        if receiving is not None:
            receiving.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        listener.close()


def _told_of_the_end(app: ASGIApp, stopping: asyncio.Event) -> ASGIApp:
    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        scope[STOPPING] = stopping
        await app(scope, receive, send)

    return told


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
