"""Request bodies: bounded before and after decompression, and only then parsed."""

import io
import zlib
from typing import Any

import orjson
import zstandard
from fastapi import Request

from cloud_schema.gateway.refusal import Refused

RECEIVED_BYTES_MAX = 4 * 1024 * 1024
DECODED_BYTES_MAX = 16 * 1024 * 1024


async def read_request(request: Request) -> dict[str, Any]:
    """The call's `request` argument: {"request": {...}} as PostgREST has it, or the bare object."""
    return read_body(*await receive(request))


async def receive(request: Request) -> tuple[bytes, str]:
    """The body as it came, bounded, and how it is compressed."""
    return await _received(request), request.headers.get("content-encoding", "identity").strip().lower()


def read_body(received: bytes, encoding: str) -> dict[str, Any]:
    """Raises Refused."""
    body = _decoded(received, encoding)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise Refused(400, "PGRST102", f"The body is not JSON: {err}.", "request_malformed") from err
    if isinstance(document, dict) and document.keys() == {"request"}:
        document = document["request"]
    if not isinstance(document, dict):
        raise Refused(400, "PGRST102", "The body must be a JSON object.", "request_malformed")
    # jsonb cannot hold U+0000, and one such character from some device must not hold up all that is sent with it.
    return _without_nul(document) if b"\\u0000" in body else document


async def _received(request: Request) -> bytes:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > RECEIVED_BYTES_MAX:
            raise _too_large(RECEIVED_BYTES_MAX)
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
