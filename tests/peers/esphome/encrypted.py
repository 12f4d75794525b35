"""An encrypted door in front of a node that speaks plainly: the node's side of the API's Noise handshake, and nothing else.

ESPHome cannot be compiled with encryption here (its library comes from a registry that is not to be had); the frames are those of
https://developers.esphome.io/architecture/api/protocol_details/ and the cryptography is noiseprotocol's.
"""

import asyncio
import base64
import contextlib

from cryptography.exceptions import InvalidTag
from noise.connection import NoiseConnection

PROLOGUE = b"NoiseAPIInit\x00\x00"


class EncryptedDoor:
    """Serves on a port of its own; each connection is passed on to `node_port`, decrypted."""

    def __init__(self, key: str, name: str, mac: str, node_port: int) -> None:
        self._psk = base64.b64decode(key)
        self._greeting = b"\x01" + name.encode() + b"\x00" + mac.encode() + b"\x00"
        self._node_port = node_port
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        marker = await reader.readexactly(1)
        if marker != b"\x01":
            # A node with a key answers plain callers so, and hangs up.
            writer.write(b"\x01\x00\x00")
            return
        length = int.from_bytes(await reader.readexactly(2))
        await reader.readexactly(length)
        handshake = (await self._frame(reader))[1:]
        _put(writer, self._greeting)
        noise = NoiseConnection.from_name(b"Noise_NNpsk0_25519_ChaChaPoly_SHA256")
        noise.set_as_responder()
        noise.set_psks(self._psk)
        noise.set_prologue(PROLOGUE)
        noise.start_handshake()
        try:
            noise.read_message(handshake)
        except InvalidTag:
            _put(writer, b"\x01Handshake MAC failure")
            await writer.drain()
            return
        _put(writer, b"\x00" + bytes(noise.write_message()))
        node_reader, node_writer = await asyncio.open_connection("127.0.0.1", self._node_port)
        there = asyncio.create_task(self._decrypt(reader, node_writer, noise))
        back = asyncio.create_task(self._encrypt(node_reader, writer, noise))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            node_writer.close()

    async def _frame(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readexactly(3)
        return await reader.readexactly(int.from_bytes(head[1:]))

    async def _decrypt(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noise: NoiseConnection
    ) -> None:
        """Encrypted: type and length of the message in two bytes each. Plain: zero, length, type as varints."""
        while True:
            message = bytes(noise.decrypt(await self._frame(reader)))
            kind, body = int.from_bytes(message[:2]), message[4:]
            writer.write(b"\x00" + varint(len(body)) + varint(kind) + body)
            await writer.drain()

    async def _encrypt(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, noise: NoiseConnection
    ) -> None:
        while True:
            await reader.readexactly(1)
            length, kind = await read_varint(reader), await read_varint(reader)
            body = await reader.readexactly(length)
            _put(writer, bytes(noise.encrypt(kind.to_bytes(2) + length.to_bytes(2) + body)))
            await writer.drain()


def _put(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(b"\x01" + len(frame).to_bytes(2) + frame)


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


async def read_varint(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value
        shift += 7
