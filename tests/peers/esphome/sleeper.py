"""What a compiled node cannot play here: a board on batteries that sleeps after each message, and firmware that still has a password.

It says no more than the connection needs, in the messages of aioesphomeapi's own description of the API.
"""

import asyncio
import contextlib
from typing import Any, Final

from aioesphomeapi import api_pb2

from tests.peers.esphome.encrypted import read_varint, varint

MESSAGES: Final[Any] = api_pb2
MAC: Final = "aabbccddee01"
HELLO, AUTHENTICATION, DISCONNECT, DEVICE_INFO, LIST_ENTITIES, SUBSCRIBE_STATES = 1, 3, 5, 9, 11, 20
LIST_ENTITIES_DONE: Final = 19


class Sleeper:
    """`sleeps`: hangs up as soon as it has been asked for its states."""

    def __init__(self, *, password: str | None = None, sleeps: bool = True) -> None:
        self._password = password
        self._sleeps = sleeps
        self._server: asyncio.Server | None = None

    async def wake(self, port: int = 0) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        taken: int = self._server.sockets[0].getsockname()[1]
        return taken

    async def sleep(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(1)
        length, kind = await read_varint(reader), await read_varint(reader)
        body = await reader.readexactly(length)
        if kind == HELLO:
            _put(writer, kind + 1, MESSAGES.HelloResponse(api_version_major=1, api_version_minor=10, name="sleeper"))
        elif kind == AUTHENTICATION:
            given = MESSAGES.AuthenticationRequest.FromString(body).password
            is_wrong = self._password is not None and given != self._password
            _put(writer, kind + 1, MESSAGES.AuthenticationResponse(invalid_password=is_wrong))
        elif kind == DEVICE_INFO:
            info = MESSAGES.DeviceInfoResponse(name="sleeper", mac_address=MAC, has_deep_sleep=self._sleeps)
            _put(writer, kind + 1, info)
        elif kind == LIST_ENTITIES:
            _put(writer, LIST_ENTITIES_DONE, MESSAGES.ListEntitiesDoneResponse())
        elif kind == DISCONNECT:
            _put(writer, kind + 1, MESSAGES.DisconnectResponse())
        return kind != SUBSCRIBE_STATES or not self._sleeps


def _put(writer: asyncio.StreamWriter, kind: int, message: Any) -> None:
    body = message.SerializeToString()
    writer.write(b"\x00" + varint(len(body)) + varint(kind) + body)
