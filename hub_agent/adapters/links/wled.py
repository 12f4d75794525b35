"""Links to WLED: everything at once over HTTP, then what changes over a WebSocket."""

import asyncio
import contextlib
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from hub_agent.adapters.links.json_http import JsonHttp, place_of
from hub_agent.adapters.links.link import Line, Link, NoPairing, NoSearch
from hub_agent.drivers import given
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

HOSTS_MAX: Final = 4
OPEN_S_MAX: Final = 5.0
FRAME_BYTES_MAX: Final = 256 * 1024
# A strip that says nothing for so long is asked.
QUIET_S_MAX: Final = 60.0
# It takes few WebSockets at a time: where it takes none of ours, it is asked so often.
POLL_S: Final = 10.0


class WledLinking(NoPairing, NoSearch):
    def open(self, peer: Peer, line: Line) -> Link:
        return WledLink(peer, line)


class WledLink:
    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._http: JsonHttp | None = None
        self._described: tuple[JsonValue, ...] = ()

    async def run(self) -> None:
        trouble = LinkLost(f"{self._peer.name} has no known address")
        for host in self._peer.hosts[:HOSTS_MAX]:
            async with JsonHttp(host, self._peer.port) as http:
                try:
                    await self._describe(http)
                except LinkLost as err:
                    trouble = err
                    continue
                self._line.up()
                self._http = http
                try:
                    await self._follow(http, host)
                finally:
                    self._http = None
        raise trouble

    async def ask(self, body: JsonObject) -> None:
        """`{}` changes nothing, and all is answered."""
        if self._http is None:
            raise LinkLost(f"{self._peer.name} is not connected")
        # `v`: the answer is the state after it.
        answer = await self._http.post("/json/state", {**body, "v": True})
        if answer.status >= 400:
            raise NotPossible(f"{self._peer.name} refuses it: HTTP {answer.status}")
        if "rb" not in body and "on" in given.mapping(answer.body):
            self._line.say("update", {"state": answer.body, "info": {}})

    async def _describe(self, http: JsonHttp) -> None:
        answer = await http.get("/json")
        mac = given.mac_of(given.at(answer.body, "info", "mac"))
        if answer.status >= 400 or mac is None:
            raise LinkLost(f"what answers at {http.place} is no WLED")
        if given.mac_of(self._peer.key) not in {None, mac}:
            raise LinkLost(f"another strip answers at {http.place}: {mac}")
        presets = await http.get("/presets.json")
        self._described = _shape_of(answer.body)
        body = {**given.mapping(answer.body), "presets": presets.body}
        # Small ones leave the long lists out when they are short of memory.
        for name, path in (("effects", "/json/eff"), ("palettes", "/json/pal")):
            if not given.listed(body, name):
                body[name] = (await http.get(path)).body
        self._line.say("device", body)

    async def _follow(self, http: JsonHttp, host: str) -> None:
        """Until it does not answer any more."""
        while True:
            try:
                async with connect(
                    f"ws://{place_of(host, self._peer.port)}/ws",
                    max_size=FRAME_BYTES_MAX,
                    open_timeout=OPEN_S_MAX,
                    close_timeout=2,
                    ping_interval=None,
                    proxy=None,
                ) as socket:
                    await self._listen(socket, http)
            except ConnectionClosed as err:
                raise LinkLost(f"{self._peer.name} ended the connection") from err
            except (OSError, TimeoutError, WebSocketException):
                await self._update(http, (await http.get("/json/si")).body)
                await asyncio.sleep(POLL_S)

    async def _listen(self, socket: ClientConnection, http: JsonHttp) -> None:
        while True:
            said: JsonValue = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUIET_S_MAX):
                    said = _parsed(await socket.recv())
            await self._update(http, said if said is not None else (await http.get("/json/si")).body)

    async def _update(self, http: JsonHttp, body: JsonValue) -> None:
        """Segments that come or go, or other presets, are another description."""
        if "state" not in given.mapping(body) or "info" not in given.mapping(body):
            return
        if _shape_of(body) != self._described:
            await self._describe(http)
        else:
            self._line.say("update", {"state": given.at(body, "state"), "info": given.at(body, "info")})


def _shape_of(body: JsonValue) -> tuple[JsonValue, ...]:
    """What the entities depend on: name, version, segments, and when the presets were changed."""
    segments = given.listed(body, "state", "seg")
    return (
        given.at(body, "info", "name"),
        given.at(body, "info", "ver"),
        given.at(body, "info", "fs", "pmt"),
        *(
            (given.at(segment, "id"), given.at(segment, "n"), given.number(segment, "stop") == 0)
            for segment in segments
        ),
    )


def _parsed(text: str | bytes) -> JsonValue:
    try:
        body: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return body
