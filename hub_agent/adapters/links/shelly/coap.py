"""CoIoT: what devices of the first generation send by themselves, to a multicast group or to us.

A CoAP message (RFC 7252) of code 0.30 whose option 3332 names the device (`SHSW-25#3494546BBF7E#2`) and whose payload is JSON.
https://shelly-api-docs.shelly.cloud/gen1/#coiot-protocol
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from hub_agent.model.json import JsonObject

log = logging.getLogger(__name__)

PORT: Final = 5683
GROUP: Final = "224.0.1.187"
DEVICE_ID: Final = 3332
MESSAGE_BYTES_MAX: Final = 8 * 1024
_STATUS: Final = 30
_END_OF_OPTIONS: Final = 0xFF


@dataclass(frozen=True, slots=True)
class Push:
    """`device`: the MAC, or the last six digits of it, in lower case."""

    device: str
    body: JsonObject


def push_of(packet: bytes) -> Push | None:
    """None for anything that is not a device's status."""
    if not 4 <= len(packet) <= MESSAGE_BYTES_MAX or packet[1] != _STATUS:
        return None
    named: str | None = None
    option, place = 0, 4 + (packet[0] & 0x0F)
    try:
        while packet[place] != _END_OF_OPTIONS:
            head, place = packet[place], place + 1
            delta, place = _extended(packet, head >> 4, place)
            length, place = _extended(packet, head & 0x0F, place)
            option += delta
            if option == DEVICE_ID:
                named = packet[place : place + length].decode(errors="replace")
            place += length
        body = orjson.loads(packet[place + 1 :])
    except (IndexError, ValueError):
        return None
    parts = (named or "").split("#")
    if len(parts) < 2 or not isinstance(body, dict):
        return None
    return Push(parts[1].lower()[:12], body)


def _extended(packet: bytes, value: int, place: int) -> tuple[int, int]:
    """RFC 7252, section 3.1. 15 is reserved."""
    if value == 13:
        return packet[place] + 13, place + 1
    if value == 14:
        return int.from_bytes(packet[place : place + 2], "big") + 269, place + 2
    if value == 15:
        raise ValueError
    return value, place


class Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[Push], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _addr: object) -> None:
        push = push_of(data)
        if push is not None:
            self._heard(push)


async def listen(port: int, heard: Callable[[Push], None]) -> asyncio.DatagramTransport | None:
    """None where the port is taken or there is no network: what devices say is then asked for only."""
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        endpoint.setblocking(False)
        endpoint.bind(("", port))
        try:
            endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + bytes(4))
        except OSError as err:
            log.warning("No multicast for Shellys of the first generation: %s", err)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Listener(heard), sock=endpoint)
    except OSError as err:
        endpoint.close()
        log.warning(
            "Port %d is not to be had; Shellys of the first generation are asked for their state only: %s", port, err
        )
        return None
    return transport
