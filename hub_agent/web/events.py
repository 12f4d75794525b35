"""Live changes as server-sent events. A plain ASGI response of our own: it sees at once when the client goes or the server stops."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub_agent.ports import Told

HEARTBEAT_S = 15.0

# After a lost connection the browser tries again this soon.
RETRY_MS = 1500
_RETRY = b"retry: %d\n\n" % RETRY_MS
# An event, not a comment: a page can tell by it that the hub still speaks to it, also after the phone slept.
_ALIVE = b"event: alive\ndata: {}\n\n"
MARK_MAX = 60

# Where `server.serve` leaves the event that ends streams, so that an open page does not hold up the agent's stop.
STOPPING = "nexa_stopping"


class EventStream(Response):
    """Until the client goes, the server stops, or the changes end. Heartbeats show both ends that the other one lives."""

    media_type = "text/event-stream"

    def __init__(self, changes: AsyncGenerator[Told, None]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ends: set[asyncio.Future[Any]] = {asyncio.ensure_future(_client_gone(receive))}
        stopping = scope.get(STOPPING)
        if isinstance(stopping, asyncio.Event):
            ends.add(asyncio.ensure_future(_waited(stopping)))
        reading: asyncio.Future[Any] = self._next()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send(_chunk(_RETRY))
            while not any(end.done() for end in ends):
                await asyncio.wait({reading, *ends}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    if not any(end.done() for end in ends):
                        await send(_chunk(_ALIVE))
                    continue
                told = reading.result()
                if told is None:
                    break
                reading = self._next()
                await send(_chunk(_event(told)))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for task in (reading, *ends):
                task.cancel()
            await asyncio.gather(reading, *ends, return_exceptions=True)
            with contextlib.suppress(RuntimeError):  # it was never begun, or is ending by itself
                await self._changes.aclose()

    def _next(self) -> "asyncio.Future[Told | None]":
        return asyncio.ensure_future(anext(self._changes, None))


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _waited(event: asyncio.Event) -> None:
    await event.wait()


def _event(told: Told) -> bytes:
    change = told.change
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (told.mark.encode(), change.topic.encode(), _dump(change.body))


def _chunk(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _dump(body: Mapping[str, object]) -> bytes:
    return orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
