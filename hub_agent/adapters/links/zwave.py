"""The WebSocket of a Z-Wave JS server: https://zwave-js.github.io/zwave-js-server/#/

Everything is one connection: the server says its versions, we say which schema we speak, it tells the whole network, and then events.
"""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Final

import orjson
from websockets.asyncio.client import ClientConnection

from hub_agent.adapters.links.json_socket import ENDS, OPEN_S_MAX, connect_to, mapping, object_in, objects, words_of
from hub_agent.adapters.links.link import Line, Link, NoPairing, NoSearch
from hub_agent.errors import LinkLost, NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import Peer

PORT: Final = 3000
# Schema 15: values, events and statistics as they are read here. Up to 47 servers have been tried; a newer one still speaks 47.
SCHEMA_MIN: Final = 15
SCHEMA_MAX: Final = 47

# A server that has just started waits for its stick before it answers.
STATE_S_MAX: Final = 60
ANSWER_S_MAX: Final = 8
ANSWERS_WAITING_MAX: Final = 1_000

_USER_CODE: Final = 99


class ZWaveLinking(NoPairing, NoSearch):
    def open(self, peer: Peer, line: Line) -> Link:
        return ZWaveLink(peer, line)


class ZWaveLink:
    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._connection: ClientConnection | None = None
        self._numbers = count(1)
        self._answers: dict[str, asyncio.Future[JsonObject]] = {}

    async def run(self) -> None:
        connection = await connect_to(self._peer, PORT, "", self._name)
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

    @property
    def _name(self) -> str:
        return f"The Z-Wave JS server {self._peer.name}"

    async def _greet(self, connection: ClientConnection) -> None:
        async with asyncio.timeout(OPEN_S_MAX):
            version = object_in(await connection.recv(), self._name)
        if version.get("type") != "version":
            raise LinkLost(f"{self._name} is no Z-Wave JS server: it did not begin with its versions.")
        schema = self._schema(version)
        self._line.say("server", _without(version, "type"))
        await self._answered(connection, "initialize", schemaVersion=schema)
        state = mapping((await self._answered(connection, "start_listening")).get("state"))
        self._line.say("controller", mapping(state.get("controller")))
        numbers: list[JsonValue] = []
        for node in objects(state.get("nodes")):
            numbers.append(node.get("nodeId"))
            self._line.say("node", _discreet(node))
        self._line.say("listed", numbers)

    def _schema(self, version: JsonObject) -> int:
        oldest, newest = version.get("minSchemaVersion"), version.get("maxSchemaVersion")
        if not isinstance(oldest, int) or not isinstance(newest, int):
            raise LinkLost(f"{self._name} does not say which versions of its interface it speaks.")
        if newest < SCHEMA_MIN:
            said = f"it speaks versions to {newest} of its interface, the hub needs {SCHEMA_MIN}"
            raise LinkLost(f"{self._name} is too old ({said}): update Z-Wave JS.")
        if oldest > SCHEMA_MAX:
            said = f"it speaks versions from {oldest} of its interface, the hub knows those to {SCHEMA_MAX}"
            raise LinkLost(f"{self._name} is too new ({said}): update the hub.")
        return min(newest, SCHEMA_MAX)

    async def _answered(self, connection: ClientConnection, command: str, **fields: JsonValue) -> JsonObject:
        """Before events are listened to, what comes next is the answer."""
        number = self._next()
        await connection.send(orjson.dumps({"messageId": number, "command": command, **fields}).decode())
        async with asyncio.timeout(STATE_S_MAX):
            while True:
                message = object_in(await connection.recv(), self._name)
                if message.get("messageId") == number:
                    break
        if message.get("success") is not True:
            raise LinkLost(f"{self._name} refused {command}: {_fault(message)}.")
        return mapping(message.get("result"))

    def _next(self) -> str:
        return str(next(self._numbers))

    # What it says.

    def _heard(self, message: JsonObject) -> None:
        if message.get("type") == "result":
            future = self._answers.pop(str(message.get("messageId")), None)
            if future is not None and not future.done():
                future.set_result(message)
        elif message.get("type") == "event":
            event = mapping(message.get("event"))
            self._line.say("event", _discreet_event(event))
            for whole in (event.get("nodeState"), event.get("node")):
                if isinstance(whole, Mapping) and event.get("event") in {"ready", "node added"}:
                    self._line.say("node", _discreet(whole))

    def _forget(self) -> None:
        for future in self._answers.values():
            future.cancel()
        self._answers.clear()

    # What is asked.

    async def ask(self, body: JsonObject) -> None:
        connection = self._connection
        if connection is None:
            raise LinkLost(f"There is no connection to {self._name}.")
        if len(self._answers) >= ANSWERS_WAITING_MAX:
            # Those of sleeping nodes may wait for hours: the oldest are no longer listened for.
            self._answers.pop(next(iter(self._answers))).cancel()
        number = self._next()
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await connection.send(orjson.dumps({"messageId": number, **mapping(body.get("send"))}).decode())
            if body.get("later") is True:
                return
            async with asyncio.timeout(ANSWER_S_MAX):
                message = await answer
        except TimeoutError as err:
            raise NotPossible(f"the node did not answer within {ANSWER_S_MAX} s") from err
        except (*ENDS, asyncio.CancelledError) as err:
            if isinstance(err, asyncio.CancelledError) and not answer.cancelled():
                raise
            raise LinkLost(f"{self._name}: the connection ended.") from err
        finally:
            if body.get("later") is not True:
                self._answers.pop(number, None)
        _check(message)


# What became of a value that was set: https://zwave-js.github.io/zwave-js/#/api/node?id=setvaluestatus
_NOT_SET: Final = {
    0: "the device does not support it",
    2: "the device refused it",
    3: "the device has no such endpoint",
    4: "Z-Wave JS cannot set this",
    5: "the value is not valid",
}


def _check(message: JsonObject) -> None:
    if message.get("success") is not True:
        raise NotPossible(_fault(message))
    result = mapping(message.get("result"))
    status = mapping(result.get("result")).get("status")
    if isinstance(status, int) and status in _NOT_SET:
        raise NotPossible(_NOT_SET[status])
    if result.get("responded") is False:
        raise NotPossible("the node does not respond")


def _fault(message: JsonObject) -> str:
    for name in ("zwaveErrorMessage", "message", "errorCode"):
        words = message.get(name)
        if isinstance(words, str) and words:
            return words[:200]
    return "without a reason"


def _discreet(node: JsonObject) -> JsonObject:
    """Codes of locks stay here."""
    values = [value for value in objects(node.get("values")) if not _is_secret(value)]
    return {**node, "values": values}


def _discreet_event(event: JsonObject) -> JsonObject:
    """Whole nodes are said on their own."""
    plain = {name: said for name, said in event.items() if name not in {"nodeState", "node"}}
    node = event.get("node")
    if isinstance(node, Mapping):
        plain["node"] = {"nodeId": node.get("nodeId")}
    arguments = mapping(event.get("args"))
    if _is_secret(arguments):
        plain["args"] = _without(arguments, "newValue", "prevValue", "value")
    elif event.get("event") == "notification":
        plain["args"] = _without(arguments, "parameters")
    return plain


def _is_secret(value: JsonObject) -> bool:
    return value.get("commandClass") == _USER_CODE and value.get("property") == "userCode"


def _without(body: JsonObject, *names: str) -> JsonObject:
    return {name: said for name, said in body.items() if name not in names}
