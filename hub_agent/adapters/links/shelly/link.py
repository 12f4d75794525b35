"""One Shelly. Which generation it is of is found out when it answers; then it is spoken to in its own way."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import WebSocketException

from hub_agent.adapters.links.json_http import JsonHttp, place_of
from hub_agent.adapters.links.link import Line
from hub_agent.adapters.links.shelly.rpc import FRAME_BYTES_MAX, Rpc, Socket, password_needed
from hub_agent.drivers import given
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

HOSTS_MAX: Final = 4
FIRST_S_MAX: Final = 5.0
# What is not said by itself, such as the strength of the signal, is asked for.
POLL_S: Final = 60.0
POLL_GEN1_S: Final = 30.0
# Between two descriptions of itself that a device asks us to read.
DESCRIBE_S_MIN: Final = 2.0
# One that sleeps is looked for so often beside waiting for it to call.
LOOK_S: Final = 60.0
COMPONENT_PAGES_MAX: Final = 20

_CHANGES: Final = frozenset({"config_changed", "component_added", "component_removed"})
# The first generation that sleeps most of the time; what else is on batteries listens.
_SLEEPERS_GEN1: Final = frozenset({"SHHT-1", "SHWT-1", "SHDW-1", "SHDW-2", "SHSM-01", "SHSM-02", "SHBTN-1", "SHBTN-2"})


async def identify(peer: Peer) -> tuple[JsonObject, str]:
    """What it says on `/shelly`, which every generation does without a password; and the address that answered. Raises LinkLost."""
    trouble: LinkLost = LinkLost(f"{peer.name} has no known address")
    for host in peer.hosts[:HOSTS_MAX]:
        try:
            async with JsonHttp(host, peer.port, s_max=FIRST_S_MAX) as http:
                answer = await http.get("/shelly")
        except LinkLost as err:
            trouble = err
            continue
        info = answer.body
        mac = given.mac_of(given.at(info, "mac"))
        if not isinstance(info, dict) or mac is None:
            trouble = LinkLost(f"what answers at {host} is no Shelly")
        elif given.mac_of(peer.key) not in {None, mac}:
            trouble = LinkLost(f"another device answers at {host}: {mac}")
        else:
            return info, host
    raise trouble


@dataclass(slots=True)
class _Call:
    """A connection that the device has opened, and what it said first."""

    socket: Socket
    first: str | bytes
    over: asyncio.Event = field(default_factory=asyncio.Event)


class ShellyLink:
    def __init__(self, peer: Peer, line: Line, outbound_port: int) -> None:
        self.peer = peer
        self.mac = given.mac_of(peer.key) or peer.key.lower()
        self._line = line
        self._outbound_port = outbound_port
        self._rpc: Rpc | None = None
        self._http: JsonHttp | None = None
        self._called = asyncio.Event()
        self._call: _Call | None = None
        self._is_waiting = False
        self._is_described = False
        self._changed = asyncio.Event()
        self._sleeps = line.secrets.get("sleeps") == "yes"

    async def run(self) -> None:
        while True:
            try:
                await self._run_once()
            except LinkLost:
                if not self._sleeps:
                    raise
            self._line.asleep(f"{self.peer.name} sleeps; it says how things are when it wakes.")
            await self._wait_for_call()

    async def _wait_for_call(self) -> None:
        """It is gone until it wakes: it calls, or answers when it is looked for."""
        self._is_waiting = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._called.wait()
        finally:
            self._is_waiting = False
            self._called.clear()

    async def ask(self, body: JsonObject) -> None:
        method = given.text(body, "method")
        if method is not None:
            if self._rpc is None:
                raise LinkLost(f"{self.peer.name} is not connected")
            result = await self._rpc.call(method, given.mapping(body, "params"))
            if method == "Shelly.GetStatus":
                self._line.say("status", result)
            return
        if self._http is None:
            raise LinkLost(f"{self.peer.name} is not connected")
        query = {name: str(value) for name, value in given.mapping(body, "query").items()}
        answer = await self._get(self._http, f"/{given.text(body, 'get') or ''}", query)
        if given.text(body, "get") == "status":
            self._line.say("status", answer)
        elif given.text(body, "get") not in {"reboot", "ota"}:
            self._line.say("status", await self._get(self._http, "/status"))

    async def _run_once(self) -> None:
        if self._call is not None:
            call, self._call = self._call, None
            try:
                await self._speak(call.socket, None, call.first)
            finally:
                call.over.set()
            return
        info, host = await identify(self.peer)
        self.mac = given.mac_of(info.get("mac")) or self.mac
        if "gen" in info:
            async with _dialled(host, self.peer) as socket:
                await self._speak(socket, info)
        else:
            await self._run_gen1(info, host)

    # The later generations.

    def is_named_in(self, first: str | bytes) -> bool:
        """Whether the first frame of a connection is from this device: its `src` ends with the MAC."""
        with contextlib.suppress(orjson.JSONDecodeError):
            source = given.text(orjson.loads(first), "src")
            return source is not None and source.lower().endswith(self.mac) and len(self.mac) >= 6
        return False

    async def serve(self, socket: ServerConnection, first: str | bytes) -> None:
        """It has called us: `run` takes over. One that is awake, or that is not known to sleep, is called by us."""
        if not self._is_waiting or self._call is not None:
            return
        call = self._call = _Call(socket, first)
        self._called.set()
        await call.over.wait()

    async def _speak(self, socket: Socket, info: JsonObject | None, first: str | bytes | None = None) -> None:
        rpc = Rpc(socket, self.peer.name, self._line.secrets.get("password"), self._heard)
        listening = asyncio.create_task(rpc.listen())
        working = asyncio.create_task(self._attend(rpc, info, first))
        self._rpc = rpc
        try:
            await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in (working, listening):
                if task.done():
                    task.result()
        finally:
            self._rpc = None
            for task in (listening, working):
                task.cancel()
            await asyncio.gather(listening, working, return_exceptions=True)

    async def _attend(self, rpc: Rpc, info: JsonObject | None, first: str | bytes | None) -> None:
        if first is None or not self._is_described:
            await self._describe(rpc, info)
        self._line.up()
        if first is not None:
            notification = orjson.loads(first)
            self._heard(notification)
        if self._sleeps and first is None:
            await self._invite(rpc)
        while True:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._changed.wait()
            if self._changed.is_set():
                await self._describe(rpc, None)
                await asyncio.sleep(DESCRIBE_S_MIN)
            else:
                self._line.say("status", await rpc.call("Shelly.GetStatus"))

    async def _describe(self, rpc: Rpc, info: JsonObject | None) -> None:
        body = await description(rpc, info)
        status, settings = body["status"], body["settings"]
        sleeps = bool(
            given.number(status, "sys", "wakeup_period") or given.number(settings, "sys", "sleep", "wakeup_period")
        )
        self._remember(sleeps=sleeps)
        self._line.say("device", body)
        self._is_described = True

    def _remember(self, *, sleeps: bool) -> None:
        """Kept over a restart: that it cannot be reached then is no fault."""
        if sleeps != self._sleeps:
            self._sleeps = sleeps
            self._line.keep({"sleeps": "yes" if sleeps else "no"})

    async def _invite(self, rpc: Rpc) -> None:
        """A device that sleeps is told whom to call when it wakes, unless it has been told by somebody else."""
        config = await rpc.call("Ws.GetConfig")
        address = await _own_address(self.peer)
        if address is None or given.flag(config, "enable") is True:
            return
        server = f"ws://{place_of(address, self._outbound_port)}/"
        with contextlib.suppress(NotPossible):
            await rpc.call("Ws.SetConfig", {"config": {"enable": True, "server": server}})

    def _heard(self, notification: JsonObject) -> None:
        self._line.say("notify", {"method": notification.get("method"), "params": notification.get("params")})
        for event in given.listed(notification, "params", "events"):
            if given.text(event, "event") in _CHANGES:
                self._changed.set()

    # The first generation.

    async def _run_gen1(self, info: JsonObject, host: str) -> None:
        self._remember(sleeps=given.text(info, "type") in _SLEEPERS_GEN1)
        secrets = self._line.secrets
        password = secrets.get("password")
        credentials = (secrets.get("username") or "admin", password) if password else None
        async with JsonHttp(host, self.peer.port, credentials=credentials) as http:
            status = await self._describe_gen1(http, info)
            self._line.up()
            self._http = http
            try:
                while True:
                    await asyncio.sleep(POLL_GEN1_S)
                    news = await self._get(http, "/status")
                    if given.at(news, "cfg_changed_cnt") != given.at(status, "cfg_changed_cnt"):
                        news = await self._describe_gen1(http, info)
                    else:
                        self._line.say("status", news)
                    status = news
            finally:
                self._http = None

    async def _describe_gen1(self, http: JsonHttp, info: JsonObject) -> JsonValue:
        settings, status = await self._get(http, "/settings"), await self._get(http, "/status")
        self._line.say(
            "device", {"shelly": info, "settings": _without_secrets(settings), "status": status, "components": []}
        )
        self._is_described = True
        return status

    async def _get(self, http: JsonHttp, path: str, query: Mapping[str, str] | None = None) -> JsonValue:
        answer = await http.get(path, query)
        if answer.status == 401:
            raise password_needed(self.peer.name, is_wrong="password" in self._line.secrets, user=True)
        if answer.status >= 400:
            raise NotPossible(f"{self.peer.name} refuses {path}: HTTP {answer.status}")
        return answer.body

    def pushed(self, body: JsonObject) -> None:
        """It has said something by itself."""
        if not self._is_described:
            self._called.set()  # it is awake: now it can be asked what it is
            return
        if self._http is None and self._sleeps:
            self._line.up()
            self._called.set()
        self._line.say("coiot", body)


async def description(rpc: Rpc, info: JsonObject | None) -> dict[str, JsonValue]:
    told = await rpc.call("Shelly.GetDeviceInfo") if info is None or "mac" not in info else info
    settings, status = await rpc.call("Shelly.GetConfig"), await rpc.call("Shelly.GetStatus")
    return {
        "shelly": told,
        "settings": _without_secrets(settings),
        "status": status,
        "components": await _components(rpc),
    }


# Passwords and addresses of other services stand in them, and nothing that a home needs.
_PRIVATE: Final = frozenset(
    {
        "wifi",
        "wifi_ap",
        "wifi_sta",
        "wifi_sta1",
        "ap_roaming",
        "mqtt",
        "ws",
        "cloud",
        "login",
        "pin_code",
        "sntp",
        "lat",
        "lng",
    }
)


def _without_secrets(settings: JsonValue) -> JsonValue:
    return {name: value for name, value in given.mapping(settings).items() if name not in _PRIVATE}


async def _components(rpc: Rpc) -> list[JsonValue]:
    """Virtual ones and those of Bluetooth devices, page by page. Old firmware knows no such thing."""
    found: list[JsonValue] = []
    for _ in range(COMPONENT_PAGES_MAX):
        params: JsonObject = {"offset": len(found), "include": ["config", "status"], "dynamic_only": True}
        try:
            page = await rpc.call("Shelly.GetComponents", params)
        except NotPossible:
            break
        more = given.listed(page, "components")
        found += more
        if not more or len(found) >= (given.number(page, "total") or 0):
            break
    return found


def _dialled(host: str, peer: Peer) -> "Dialled":
    return Dialled(f"ws://{place_of(host, peer.port)}/rpc", peer.name)


class Dialled:
    """A WebSocket that we open. Raises LinkLost where it cannot be opened."""

    def __init__(self, address: str, name: str) -> None:
        self._name = name
        self._connecting = connect(
            address, max_size=FRAME_BYTES_MAX, open_timeout=FIRST_S_MAX, close_timeout=2, ping_interval=30, proxy=None
        )

    async def __aenter__(self) -> Socket:
        try:
            return await self._connecting.__aenter__()
        except (OSError, TimeoutError, WebSocketException) as err:
            raise LinkLost(f"{self._name} takes no connection: {type(err).__name__}") from err

    async def __aexit__(self, *_: object) -> None:
        await self._connecting.__aexit__(None, None, None)


async def say_all(host: str, peer: Peer, password: str) -> None:
    """Tries a password: raises PersonNeeded if it is wrong."""
    async with _dialled(host, peer) as socket:
        rpc = Rpc(socket, peer.name, password, _nobody)
        listening = asyncio.create_task(rpc.listen())
        try:
            await rpc.call("Shelly.GetConfig")
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


_nobody: Callable[[JsonObject], None] = lambda _notification: None  # noqa: E731


async def _own_address(peer: Peer) -> str | None:
    """The address that the device sees us by."""
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(peer.hosts[0], 9)
        )
    except (OSError, IndexError):
        return None
    address = transport.get_extra_info("sockname")[0]
    transport.close()
    return str(address)
