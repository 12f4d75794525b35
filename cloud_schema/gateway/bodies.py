"""Request bodies: bounded before and after decompression, and only then parsed."""

import asyncio
import io
import zlib
from typing import Any

import orjson
import zstandard
from fastapi import Request

from cloud_schema.gateway.admission import Load
from cloud_schema.gateway.refusal import Refused, nested_too_deep

RECEIVED_BYTES_MAX = 4 * 1024 * 1024
DECODED_BYTES_MAX = 16 * 1024 * 1024
# Who has no token yet has little to say.
STRANGERS_BYTES_MAX = 64 * 1024
BODY_S_MAX = 60.0
# Larger ones are unpacked beside the event loop, which the libraries leave free meanwhile. Small ones may hold a thousand times as much.
THREAD_FROM_BYTES = 4 * 1024
# Values, lists and objects of a body, each of which takes fifty bytes and more here: `[[],[],...` would fill the memory.
VALUES_MAX = 1_000_000


async def read_request(request: Request, load: Load, received_bytes_max: int = RECEIVED_BYTES_MAX) -> dict[str, Any]:
    """The call's `request` argument: {"request": {...}} as PostgREST has it, or the bare object."""
    return await unpack(*await receive(request, load, received_bytes_max), load)


async def receive(request: Request, load: Load, bytes_max: int = RECEIVED_BYTES_MAX) -> tuple[bytes, str]:
    """The body as it came, bounded, and how it is compressed."""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            received = await _received(request, load, bytes_max)
    except TimeoutError as err:
        raise Refused(408, "PGRST102", "The body did not come in time.", "body_too_slow") from err
    return received, request.headers.get("content-encoding", "identity").strip().lower()


async def unpack(received: bytes, encoding: str, load: Load) -> dict[str, Any]:
    """What `receive` answered, decompressed and parsed. Raises Refused."""
    if len(received) > THREAD_FROM_BYTES and encoding in {"gzip", "zstd"}:
        body = await asyncio.to_thread(_decoded, received, encoding)
    else:
        body = _decoded(received, encoding)
    load.add(len(body))
    return _parsed(body)


def read_body(received: bytes, encoding: str) -> dict[str, Any]:
    """Raises Refused."""
    return _parsed(_decoded(received, encoding))


def _parsed(body: bytes) -> dict[str, Any]:
    if len(body) > VALUES_MAX and sum(map(body.count, (b",", b"[", b"{"))) > VALUES_MAX:
        raise Refused(
            413,
            "PGRST102",
            f"The body has more than {VALUES_MAX} values.",
            "envelope_too_large",
            hint="Send fewer rows at a time.",
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise Refused(400, "PGRST102", f"The body is not JSON: {err}.", "request_malformed") from err
    if isinstance(document, dict) and document.keys() == {"request"}:
        document = document["request"]
    if not isinstance(document, dict):
        raise Refused(400, "PGRST102", "The body must be a JSON object.", "request_malformed")
    # jsonb cannot hold U+0000, and one such character from some device must not hold up all that is sent with it.
    try:
        return _without_nul(document) if b"\\u0000" in body else document
    except RecursionError as err:
        raise nested_too_deep() from err


async def _received(request: Request, load: Load, bytes_max: int) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > bytes_max:
            raise _too_large(bytes_max)
        load.add(len(chunk))
        load.received += len(chunk)
    return bytes(received)


def _decoded(received: bytes, encoding: str) -> bytes:
    try:
        if encoding == "gzip":
            decoder = zlib.decompressobj(wbits=31)
            body = decoder.decompress(received, DECODED_BYTES_MAX + 1)
            is_cut = not decoder.eof and len(body) <= DECODED_BYTES_MAX
        elif encoding == "zstd":
            reader = zstandard.ZstdDecompressor(max_window_size=DECODED_BYTES_MAX).stream_reader(io.BytesIO(received))
            body = reader.read(DECODED_BYTES_MAX + 1)
            is_cut = bool(received) and not body
        elif encoding in {"", "identity"}:
            return received
        else:
            raise Refused(
                415,
                "PGRST102",
                f"Content-Encoding {encoding!r} is not understood.",
                "encoding_unknown",
                hint="Use gzip or zstd.",
            )
    except (zlib.error, zstandard.ZstdError) as err:
        raise Refused(400, "PGRST102", f"The body is not {encoding}: {err}.", "request_malformed") from err
    if len(body) > DECODED_BYTES_MAX:
        raise _too_large(DECODED_BYTES_MAX)
    if is_cut:
        raise Refused(400, "PGRST102", f"The {encoding} body ends too early.", "request_malformed")
    return body


def _too_large(bytes_max: int) -> Refused:
    return Refused(
        413,
        "PGRST102",
        f"The body has more than {bytes_max} bytes.",
        "envelope_too_large",
        hint="Send fewer rows at a time.",
    )


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(one) for key, one in value.items()}
    return value
