"""A link to a real peer, with its driver behind it: what the peer says becomes reports, and calls become requests to it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Self

import orjson

from hub_agent.adapters.links.link import Line, Link, Linking
from hub_agent.drivers.driver import LinkDriver
from hub_agent.errors import LinkError
from hub_agent.model.device import Advertisement, Device
from hub_agent.model.json import JsonValue
from hub_agent.model.link import Frame, Peer, Request
from hub_agent.model.report import Decoded, Rejected, Reported
from tests.recorded.zigbee2mqtt.wire import device_of, entity_of

WITHIN_S = 60.0


class Linked:
    """`async with Linked(...) as home`: connected. `ended` is what ended the link, once it has."""

    def __init__(
        self, linking: Linking, driver: LinkDriver, peer: Peer, secrets: Mapping[str, str] | None = None
    ) -> None:
        self.driver = driver
        self.peer = peer
        self.frames: list[Frame] = []
        self.rejected: list[Rejected] = []
        self.devices: dict[str, Device] = {}
        self.states: dict[tuple[str, str], tuple[str | None, dict[str, Any]]] = {}
        self.observed: dict[str, dict[str, Any]] = {}
        self.ended: LinkError | None = None
        self._secrets = dict(secrets or {})
        self._linking = linking
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_up = False
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> None:
        """Until it is up. Raises what ended it instead."""
        self._is_up, self.ended = False, None
        line = Line(say=self._hear, up=self._rise, keep=self._secrets.update, secrets=self._secrets)
        self._link = self._linking.open(self.peer, line)
        self._task = asyncio.create_task(self._run(self._link))
        await self.until(lambda: self._is_up or self.ended is not None)
        if self.ended is not None:
            raise self.ended

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def until(self, is_so: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Looks whenever something is heard."""
        async with asyncio.timeout(within_s):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def lost(self) -> LinkError:
        await self.until(lambda: self.ended is not None)
        assert self.ended is not None
        return self.ended

    async def call(self, native_id: str, key: str, action: str, **data: JsonValue) -> None:
        device = self.devices[native_id]
        assert self._link is not None
        for request in self.driver.encode(device, entity_of(device, key), action, data):
            assert isinstance(request, Request)
            # As it comes to the adapter: over a pipe.
            await self._link.ask(orjson.loads(orjson.dumps(request.body)))

    async def said(self, native_id: str, key: str, state: str | None, **attributes: Any) -> None:
        """Until the entity is so."""

        def is_so() -> bool:
            seen = self.states.get((native_id, key))
            if seen is None or (state is not None and seen[0] != state):
                return False
            return all(seen[1].get(name) == value for name, value in attributes.items())

        try:
            await self.until(is_so)
        except TimeoutError:
            seen = self.states.get((native_id, key))
            raise AssertionError(f"{key} of {native_id} is {seen}, not {state} {attributes}") from None

    async def _run(self, link: Link) -> None:
        try:
            await link.run()
        except LinkError as error:
            self.ended = error
            self._news.set()

    def _rise(self) -> None:
        self._is_up = True
        self._news.set()

    def _hear(self, kind: str, body: JsonValue) -> None:
        frame = Frame(self.peer.dialect, self.peer.key, kind, orjson.loads(orjson.dumps(body)))
        self.frames.append(frame)
        for decoded in self.driver.hear(frame):
            self._take(decoded)
        self._news.set()

    def _take(self, decoded: Decoded) -> None:
        if isinstance(decoded, Advertisement):
            self.devices[decoded.origin.native_id] = device_of(decoded)
        elif isinstance(decoded, Reported):
            self.observed.setdefault(decoded.origin.native_id, {}).update(decoded.observed)
            for report in decoded.entities:
                known = self.states.get((decoded.origin.native_id, report.key), (None, {}))
                state = report.state if report.state is not None else known[0]
                self.states[decoded.origin.native_id, report.key] = (state, {**known[1], **report.attributes})
        elif isinstance(decoded, Rejected):
            self.rejected.append(decoded)
