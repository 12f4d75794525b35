"""Answers of the API travel compressed where that is worth it: what a home's devices are is a twentieth of its size then. Streams are left alone."""

import asyncio
import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WORTH_IT = 1_000
# Beyond this it is done on a thread: the loop belongs to the home.
LARGE = 64_000
_LEVEL = 4


class Compress:
    """ASGI middleware for whole JSON answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def send_compressed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if _is_json(message):
                    start = message
                else:
                    await send(message)
                return
            if start is not None:
                held, start = start, None
                if not message.get("more_body") and len(message.get("body", b"")) >= WORTH_IT:
                    message = {**message, "body": await _compressed(message["body"])}
                    headers = MutableHeaders(scope=held)
                    headers["content-encoding"] = "gzip"
                    headers["content-length"] = str(len(message["body"]))
                    headers.add_vary_header("accept-encoding")
                await send(held)
            await send(message)

        await self._app(scope, receive, send_compressed)


def _is_json(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("application/json") and "content-encoding" not in headers


async def _compressed(body: bytes) -> bytes:
    if len(body) < LARGE:
        return gzip.compress(body, _LEVEL)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL)
