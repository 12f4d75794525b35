"""Where a peer is, for libraries that know only IPv4."""

import asyncio
import contextlib
import ipaddress
import socket
from typing import Final

from hub_agent.errors import LinkLost
from hub_agent.model.link import Peer

LOOK_UP_S_MAX: Final = 5.0


async def ipv4_of(peer: Peer) -> str:
    """Addresses before names, that have to be looked up first. Raises LinkLost."""
    for host in peer.hosts:
        with contextlib.suppress(ValueError):
            return str(ipaddress.IPv4Address(host))
    for host in peer.hosts:
        if ":" in host:
            continue
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LOOK_UP_S_MAX):
                found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
            return str(found[0][4][0])
    raise LinkLost(f"{peer.name} has no IPv4 address that is known.")
