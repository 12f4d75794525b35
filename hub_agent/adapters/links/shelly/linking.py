"""All Shellys of a home: a link each, and what they open towards us."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from hub_agent.adapters.links.json_http import JsonHttp
from hub_agent.adapters.links.link import Line, Link, NoSearch
from hub_agent.adapters.links.shelly import coap
from hub_agent.adapters.links.shelly.link import ShellyLink, identify, say_all
from hub_agent.adapters.links.shelly.rpc import FRAME_BYTES_MAX, password_needed
from hub_agent.drivers import given
from hub_agent.model.link import Peer

log = logging.getLogger(__name__)

# Devices of the later generations that sleep open a WebSocket to this port when they wake.
OUTBOUND_PORT: Final = 8124
OUTBOUND_MAX: Final = 200
FIRST_FRAME_S_MAX: Final = 10.0


class ShellyLinking(NoSearch):
    def __init__(self, coap_port: int = coap.PORT, outbound_port: int = OUTBOUND_PORT) -> None:
        self._coap_port = coap_port
        self.outbound_port = outbound_port
        self._links: list[ShellyLink] = []
        self._starting: asyncio.Task[None] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._server: Server | None = None

    def open(self, peer: Peer, line: Line) -> Link:
        # Links of the past are over: a peer has one.
        self._links = [link for link in self._links if link.peer.key != peer.key]
        link = ShellyLink(peer, line, self.outbound_port)
        self._links.append(link)
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return link

    async def pair(self, peer: Peer, secrets: Mapping[str, str]) -> Mapping[str, str]:
        """Tries what was given. A device without a password needs nothing."""
        info, host = await identify(peer)
        password, user = secrets.get("password") or "", secrets.get("username") or "admin"
        is_gen1 = "gen" not in info
        if given.flag(info, "auth" if is_gen1 else "auth_en") is not True:
            return {}
        if not password:
            raise password_needed(peer.name, user=is_gen1)
        if is_gen1:
            async with JsonHttp(host, peer.port, credentials=(user, password)) as http:
                answer = await http.get("/settings")
            if answer.status == 401:
                raise password_needed(peer.name, is_wrong=True, user=True)
            return {"username": user, "password": password}
        await say_all(host, peer, password)
        return {"password": password}

    async def close(self) -> None:
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _start(self) -> None:
        self._transport = await coap.listen(self._coap_port, self._pushed)
        try:
            self._server = await serve(
                self._connected, None, self.outbound_port, max_size=FRAME_BYTES_MAX, open_timeout=10, ping_interval=30
            )
        except OSError as err:
            log.warning(
                "Port %d is not to be had; Shellys that sleep are heard only while awake: %s", self.outbound_port, err
            )

    def _pushed(self, push: coap.Push) -> None:
        link = next((link for link in self._links if link.mac.endswith(push.device)), None)
        if link is not None and len(push.device) >= 6:
            link.pushed(push.body)

    async def _connected(self, socket: ServerConnection) -> None:
        """A device has called. What it says first names it; one that nobody waits for is sent away."""
        if self._server is not None and len(self._server.connections) > OUTBOUND_MAX:
            return
        try:
            async with asyncio.timeout(FIRST_FRAME_S_MAX):
                first = await socket.recv()
        except (ConnectionClosed, TimeoutError):
            return
        link = next((link for link in self._links if link.is_named_in(first)), None)
        if link is not None:
            await link.serve(socket, first)
