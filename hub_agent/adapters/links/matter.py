"""The WebSocket of a Matter server (python-matter-server): its docs/websockets_api.md.

The server says who it is, tells all nodes when it is asked to, and then what changes. A device that waits to be commissioned is a peer of its
own, which nobody talks to: its setup code is given to the server.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection

from hub_agent.adapters.links.json_socket import ENDS, OPEN_S_MAX, connect_to, mapping, object_in, objects, words_of
from hub_agent.adapters.links.link import Line, Link, NoSearch
from hub_agent.drivers.matter.setup_code import read_setup_code
from hub_agent.errors import LinkAsleep, LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import NeedKind, Peer

PORT: Final = 5580
PATH: Final = "/ws"
# Schema 9: nodes and attributes as they are read here. 11 is the newest that has been tried; servers say from which on they understand us.
SCHEMA_MIN: Final = 9
SCHEMA_MAX: Final = 11

STATE_S_MAX: Final = 60
ANSWER_S_MAX: Final = 8
COMMISSION_S_MAX: Final = 140
ANSWERS_WAITING_MAX: Final = 1_000

COMMISSIONABLE: Final = "commissionable/"
_COMMISSIONED: Final = "commissioned"

# Certificates, keys, who may do what, and counters of the radio: nothing that a driver reads, and much of it.
_NOT_SAID: Final = frozenset({"31", "48", "49", "50", "52", "53", "60", "62", "63"})


class MatterLinking(NoSearch):
    def __init__(self) -> None:
        self._link_by_server: dict[str, MatterLink] = {}

    def open(self, peer: Peer, line: Line) -> Link:
        if peer.key.startswith(COMMISSIONABLE):
            return Commissionable(peer, line)
        link = MatterLink(peer, line)
        self._link_by_server[peer.key] = link
        return link

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        """Gives the setup code to the server that is connected; where there are several, to the one that is meant, else to the first."""
        try:
            code = read_setup_code(given.get("code", ""))
        except NotPossible as err:
            raise PersonNeeded(str(err), NeedKind.CODE.value, ("code",)) from err
        servers = {key: link for key, link in self._link_by_server.items() if link.is_up}
        server = servers.get(peer.key) or next(iter(servers.values()), None)
        if server is None:
            text = "No Matter server is known: start one and add its address, matter://host:5580."
            raise PersonNeeded(text, NeedKind.SERVER.value)
        node = await server.commission(code, peer.name)
        return {_COMMISSIONED: str(node)} if peer.key.startswith(COMMISSIONABLE) else {}


class Commissionable:
    """A device that announces that it can be commissioned. Once it is, the server serves it."""

    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._node = line.secrets.get(_COMMISSIONED)

    async def run(self) -> None:
        if self._node is not None:
            raise LinkAsleep(f"{self._peer.name} is served by the Matter server as node {self._node}.")
        raise PersonNeeded(
            "Its setup code: 11 or 21 digits, or the text of its QR code.", NeedKind.CODE.value, ("code",)
        )

    async def ask(self, _body: JsonObject) -> None:
        raise LinkLost(f"{self._peer.name} is not commissioned.")


class MatterLink:
    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._connection: ClientConnection | None = None
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[JsonObject]] = {}
        # What is done with an answer that nobody waits for: by its number, the node it is about.
        self._updates: dict[str, JsonValue] = {}

    @property
    def is_up(self) -> bool:
        return self._connection is not None

    @property
    def _name(self) -> str:
        return f"The Matter server {self._peer.name}"

    async def run(self) -> None:
        connection = await connect_to(self._peer, PORT, PATH, self._name)
        try:
            async with connection:
                await self._greet(connection)
                self._connection = connection
                self._line.up()
                async for message in connection:
                    self._heard(object_in(message, self._name))
        except ENDS as err:
            raise LinkLost(f"{self._name}: the connection ended ({words_of(err)}).") from err
        finally:
            self._connection = None
            self._forget()
        raise LinkLost(f"{self._name} closed the connection.")

    async def _greet(self, connection: ClientConnection) -> None:
        async with asyncio.timeout(OPEN_S_MAX):
            info = object_in(await connection.recv(), self._name)
        self._check(info)
        self._line.say("server", info)
        number = str(next(self._numbers))
        await connection.send(_written(number, {"command": "start_listening"}))
        early: list[JsonObject] = []
        async with asyncio.timeout(STATE_S_MAX):
            while (message := object_in(await connection.recv(), self._name)).get("message_id") != number:
                early.append(message)
        if "error_code" in message:
            raise LinkLost(f"{self._name} does not say its nodes: {_said(message)}.")
        numbers: list[JsonValue] = []
        for node in objects(message.get("result")):
            numbers.append(node.get("node_id"))
            self._line.say("node", _plain(node))
        self._line.say("listed", numbers)
        for message in early:
            self._heard(message)

    def _check(self, info: JsonObject) -> None:
        newest, oldest = info.get("schema_version"), info.get("min_supported_schema_version")
        if not isinstance(newest, int) or not isinstance(oldest, int) or "compressed_fabric_id" not in info:
            raise LinkLost(f"{self._name} is no Matter server: it did not begin with its versions.")
        if newest < SCHEMA_MIN:
            said = f"it speaks version {newest} of its interface, the hub needs {SCHEMA_MIN}"
            raise LinkLost(f"{self._name} is too old ({said}): update the Matter server.")
        if oldest > SCHEMA_MAX:
            said = f"it needs version {oldest} of its interface, the hub knows those to {SCHEMA_MAX}"
            raise LinkLost(f"{self._name} is too new ({said}): update the hub.")

    # What it says.

    def _heard(self, message: JsonObject) -> None:
        if "message_id" in message:
            self._answered(str(message["message_id"]), message)
            return
        name, data = message.get("event"), message.get("data")
        if name == "attribute_updated":
            if not _is_kept_back(data):
                self._line.say("attribute", data)
        elif name == "node_event":
            self._line.say("event", data)
        elif name in {"node_added", "node_updated"}:
            self._line.say("node", _plain(mapping(data)))
        elif name == "node_removed":
            self._line.say("removed", data)

    def _answered(self, number: str, message: JsonObject) -> None:
        future = self._answers.pop(number, None)
        if future is not None and not future.done():
            future.set_result(message)
        node = self._updates.pop(number, None)
        if node is not None and "error_code" not in message:
            self._line.say("update", {"node": node, "offer": message.get("result")})

    def _forget(self) -> None:
        for future in self._answers.values():
            future.cancel()
        self._answers.clear()
        self._updates.clear()

    # What is asked.

    async def ask(self, body: JsonObject) -> None:
        command = mapping(body.get("send"))
        if body.get("later") is True:
            await self._send(command)
            return
        message = await self._answer_to(command, ANSWER_S_MAX)
        if "error_code" in message:
            raise NotPossible(_said(message))
        if command.get("command") == "get_node":
            self._line.say("node", _plain(mapping(message.get("result"))))
        for status in objects(message.get("result")):
            # The answer to an attribute that was written.
            if status.get("Status") not in {0, None}:
                raise NotPossible(f"the device refused it (status {status.get('Status')})")

    async def commission(self, code: str, name: str) -> int:
        """Raises PersonNeeded, LinkLost."""
        command: JsonObject = {"command": "commission_with_code", "args": {"code": code, "network_only": True}}
        try:
            message = await self._answer_to(command, COMMISSION_S_MAX)
        except NotPossible as err:
            raise LinkLost(f"{self._name} did not finish commissioning {name} within {COMMISSION_S_MAX} s.") from err
        node = mapping(message.get("result")).get("node_id")
        if "error_code" in message or not isinstance(node, int):
            text = f"{self._name} could not commission {name}: is the code right, and the device in pairing mode? {_said(message)}"
            raise PersonNeeded(text[:300], NeedKind.CODE.value, ("code",))
        return node

    async def _answer_to(self, command: JsonObject, within_s: float) -> JsonObject:
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        number = await self._send(command, answer)
        try:
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError as err:
            raise NotPossible(f"no answer within {within_s:g} s") from err
        except asyncio.CancelledError as err:
            if answer.cancelled() and self._connection is None:
                raise LinkLost(f"{self._name}: the connection ended.") from err
            raise
        finally:
            self._answers.pop(number, None)

    async def _send(self, command: JsonObject, answer: "asyncio.Future[JsonObject] | None" = None) -> str:
        connection = self._connection
        if connection is None:
            raise LinkLost(f"There is no connection to {self._name}.")
        if len(self._answers) >= ANSWERS_WAITING_MAX:
            raise NotPossible(f"{ANSWERS_WAITING_MAX} answers are waited for already")
        number = str(next(self._numbers))
        if answer is not None:
            self._answers[number] = answer
        elif command.get("command") == "check_node_update" and len(self._updates) < ANSWERS_WAITING_MAX:
            self._updates[number] = mapping(command.get("args")).get("node_id")
        try:
            await connection.send(_written(number, command))
        except ENDS as err:
            self._answers.pop(number, None)
            raise LinkLost(f"{self._name}: the connection ended ({words_of(err)}).") from err
        return number


def _written(number: str, command: JsonObject) -> str:
    return orjson.dumps({"message_id": number, **command}).decode()


def _plain(node: JsonObject) -> JsonObject:
    attributes = mapping(node.get("attributes"))
    kept = {path: value for path, value in attributes.items() if _cluster_of(path) not in _NOT_SAID}
    return {"node_id": node.get("node_id"), "available": node.get("available"), "attributes": kept}


def _is_kept_back(data: JsonValue) -> bool:
    path = data[1] if isinstance(data, list) and len(data) == 3 else None
    return isinstance(path, str) and _cluster_of(path) in _NOT_SAID


def _cluster_of(path: str) -> str:
    return path.partition("/")[2].partition("/")[0]


# The server's errors, in words for people. https://github.com/home-assistant-libs/python-matter-server: common/errors.py
_WORDS: Final = {
    1: "commissioning failed",
    2: "the device did not say what it is",
    3: "the device cannot be reached now",
    4: "the device cannot be found on the network",
    5: "the server no longer knows the device",
    6: "the server wants another version of its interface",
    7: "the device refused it or did not answer",
    8: "the server did not understand it",
    9: "the server knows no such command",
    10: "looking for an update failed",
    11: "the update failed",
}


def _said(message: JsonObject) -> str:
    code, details = message.get("error_code"), message.get("details")
    words = _WORDS.get(code, "it failed") if isinstance(code, int) else "it failed"
    return f"{words} ({details[:200]})" if isinstance(details, str) and details else words
