"""The NATS servers: their addresses, and one connection that comes back by itself."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from cloud_schema.connection import ApplyError

PORT = 4222
CONNECT_TIMEOUT_S = 5
RECONNECT_S = 1
API_TIMEOUT_S = 5.0
PING_S = 10

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NatsServers:
    """One user and password for all of them."""

    urls: tuple[str, ...]
    user: str | None = None
    password: str | None = field(repr=False, default=None)
    ca_file: Path | None = None

    @classmethod
    def read(cls, text: str, ca_file: Path | None = None) -> "NatsServers":
        """URLs by commas or on lines of their own. Raises ApplyError, without showing them."""
        found = [urlsplit(part.strip()) for part in text.replace("\n", ",").split(",") if part.strip()]
        for parts in found:
            if parts.scheme not in {"nats", "tls"} or not parts.hostname or _port(parts) is None:
                raise ApplyError(
                    "This is no address of a NATS server. Expected nats://user:password@host:4222, or tls://."
                )
        logins = {(parts.username, parts.password) for parts in found}
        if len(logins) != 1:
            raise ApplyError("All NATS servers must be given with the same user and password.")
        user, password = logins.pop()
        urls = tuple(f"{parts.scheme}://{_host(parts)}:{_port(parts)}" for parts in found)
        return cls(urls, _unquoted(user), _unquoted(password), ca_file)

    @property
    def shown(self) -> str:
        return ", ".join(self.urls)

    def tls(self) -> ssl.SSLContext | None:
        """Verified always; None only where all addresses say nats://."""
        if self.ca_file is None and not any(url.startswith("tls://") for url in self.urls):
            return None
        try:
            return ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except OSError as err:
            raise ApplyError(f"{self.ca_file} cannot be read as certificates: {err}.") from err


class Connection:
    """Connects in the background and again whenever it is lost; `name` is what the servers' operators see."""

    def __init__(self, servers: NatsServers, name: str, *, is_patient: bool = True) -> None:
        self._servers = servers
        self._name = name
        self._is_patient = is_patient
        self._client = Client()
        self._is_away = self._is_stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        return bool(self._client.is_connected)

    @property
    def client(self) -> Client:
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        return self._client.jetstream(timeout=API_TIMEOUT_S)

    def start(self, then: Callable[[], Awaitable[None]] | None = None) -> None:
        """`then` is done once the servers were reached for the first time."""
        self._task = asyncio.create_task(self._start(then), name="nats")

    async def _start(self, then: Callable[[], Awaitable[None]] | None) -> None:
        while True:
            try:
                await self.open()
                break
            except (nats.errors.Error, OSError) as err:
                self._note(err)
                await asyncio.sleep(RECONNECT_S)
        if then is not None:
            await then()

    async def open(self) -> None:
        """Raises nats.errors.Error and OSError."""
        context = self._servers.tls()
        options: dict[str, Any] = {"user": self._servers.user, "password": self._servers.password}
        if context is not None:
            options["tls"] = context
        # Each try begins with a new client: one that could not connect keeps what it had begun.
        self._client = Client()
        await self._client.connect(
            list(self._servers.urls),
            name=self._name,
            # Of its own, so that no login needs to hear what goes to another's.
            inbox_prefix=f"_INBOX_{self._name}".encode(),
            connect_timeout=CONNECT_TIMEOUT_S,
            reconnect_time_wait=RECONNECT_S,
            max_reconnect_attempts=-1 if self._is_patient else 1,
            ping_interval=PING_S,
            allow_reconnect=self._is_patient,
            error_cb=self._errored,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
            **options,
        )
        await self._reconnected()

    async def stop(self) -> None:
        self._is_stopping = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(nats.errors.Error, OSError):
            await self._client.close()

    async def _errored(self, err: Exception) -> None:
        self._note(err)

    async def _disconnected(self) -> None:
        if not self._is_away and not self._is_stopping:
            log.warning("the NATS server is away")
        self._is_away = True

    async def _reconnected(self) -> None:
        if self._is_away:
            log.info("a NATS server is back")
        self._is_away = False

    def _note(self, err: Exception) -> None:
        log.log(logging.DEBUG if self._is_away else logging.WARNING, "NATS: %s", str(err) or type(err).__name__)
        self._is_away = True


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or PORT
    except ValueError:
        return None


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)
