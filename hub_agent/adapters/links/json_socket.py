"""Connections with servers that speak JSON over a WebSocket, and say much in one message."""

from collections.abc import Iterator, Mapping
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

OPEN_S_MAX: Final = 10
PING_S: Final = 20
# Large networks say everything in one message.
MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024

# What a connection may end with.
ENDS: Final = (WebSocketException, OSError, TimeoutError)


async def connect_to(peer: Peer, port: int, path: str, name: str) -> ClientConnection:
    """At the first of its addresses that answers. Raises LinkLost."""
    faults: list[str] = []
    for host in peer.hosts:
        address = f"ws://{f'[{host}]' if ':' in host else host}:{peer.port or port}{path}"
        try:
            return await connect(
                address,
                open_timeout=OPEN_S_MAX,
                close_timeout=2,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                max_size=MESSAGE_BYTES_MAX,
                proxy=None,
            )
        except ENDS as err:
            faults.append(f"{address}: {why_lost(err)}")
    raise LinkLost(f"{name} does not answer: {'; '.join(faults) or 'no address is known'}.")


def object_in(message: str | bytes, name: str) -> JsonObject:
    """Raises LinkLost: who does not speak JSON is not the server that was looked for."""
    try:
        body = orjson.loads(message)
    except orjson.JSONDecodeError as err:
        raise LinkLost(f"{name} said something that is not JSON.") from err
    return mapping(body)


def mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def objects(value: JsonValue) -> Iterator[JsonObject]:
    each = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return (one for one in each if isinstance(one, Mapping))


def words_of(err: Exception) -> str:
    """What a WebSocket says of its end is short and plain."""
    return why_lost(err) if isinstance(err, OSError) else str(err)[:200] or type(err).__name__
