"""Calls of methods over a WebSocket, whoever opened it, and what the device says by itself.

A call is `{"id", "src", "method", "params"}`. With a password set, the device answers 401 with a challenge (its text is JSON), and the call is
made again with the answer to it: https://shelly-api-docs.shelly.cloud/gen2/General/Authentication
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from typing import Final, Protocol

import orjson
from websockets.exceptions import ConnectionClosed

from hub_agent.drivers import given
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import NeedKind

CALL_S_MAX: Final = 10.0
CALLS_MAX: Final = 50
FRAME_BYTES_MAX: Final = 1024 * 1024
SOURCE: Final = "nexa-hub"
USER: Final = "admin"
_UNAUTHORISED: Final = 401
_HA2: Final = hashlib.sha256(b"dummy_method:dummy_uri").hexdigest()


class Socket(Protocol):
    """What a client's and a server's WebSocket have in common."""

    async def send(self, message: str) -> None: ...

    async def recv(self) -> str | bytes: ...


class Rpc:
    """`heard`: notifications. `listen` runs as long as the socket is open; calls are made beside it."""

    def __init__(self, socket: Socket, name: str, password: str | None, heard: Callable[[JsonObject], None]) -> None:
        self._socket = socket
        self._name = name
        self._password = password
        self._heard = heard
        self._number = 0
        self._waiting: dict[int, asyncio.Future[JsonObject]] = {}
        self._challenge: JsonObject | None = None
        self._count = 0

    async def listen(self) -> None:
        """Until the connection ends; raises LinkLost then."""
        try:
            while True:
                frame = _parsed(await self._socket.recv())
                number = frame.get("id")
                if "method" in frame and "id" not in frame:
                    self._heard(frame)
                elif isinstance(number, int) and number in self._waiting:
                    self._answered(self._waiting.pop(number), frame)
        except ConnectionClosed as err:
            raise LinkLost(f"{self._name} ended the connection") from err
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(LinkLost(f"{self._name} ended the connection"))
            self._waiting.clear()

    @staticmethod
    def _answered(waiting: "asyncio.Future[JsonObject]", frame: JsonObject) -> None:
        if not waiting.done():  # it may have been given up
            waiting.set_result(frame)

    async def call(self, method: str, params: JsonObject | None = None) -> JsonValue:
        """Raises NotPossible with the device's words, PersonNeeded where the password is missing or wrong."""
        answer = await self._call(method, params)
        error = given.mapping(answer, "error")
        # The first challenge, or one in place of an older one; a second time only if it says that it is a matter of age.
        for is_second in (False, True):
            if given.number(error, "code") != _UNAUTHORISED:
                break
            if self._password is None:
                raise password_needed(self._name)
            self._challenge, self._count = _challenge_of(error), 0
            if self._challenge is None or (is_second and not given.flag(self._challenge, "stale")):
                raise password_needed(self._name, is_wrong=True)
            answer = await self._call(method, params)
            error = given.mapping(answer, "error")
        if given.number(error, "code") == _UNAUTHORISED:
            raise password_needed(self._name, is_wrong=True)
        if error:
            raise NotPossible(f"{self._name} refuses {method}: {given.text(error, 'message') or 'it does not say why'}")
        return answer.get("result")

    async def _call(self, method: str, params: JsonObject | None) -> JsonObject:
        if len(self._waiting) >= CALLS_MAX:
            raise NotPossible(f"{self._name} has {CALLS_MAX} calls to answer already")
        self._number += 1
        number = self._number
        frame: dict[str, JsonValue] = {"id": number, "src": SOURCE, "method": method, "params": params or {}}
        if self._challenge is not None and self._password is not None:
            frame["auth"] = self._authorisation(self._challenge, self._password)
        waiting: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(CALL_S_MAX):
                await self._socket.send(orjson.dumps(frame).decode())
                return await waiting
        except TimeoutError as err:
            raise LinkLost(f"{self._name} did not answer within {CALL_S_MAX:g} s") from err
        except ConnectionClosed as err:
            raise LinkLost(f"{self._name} ended the connection") from err
        finally:
            self._waiting.pop(number, None)

    def _authorisation(self, challenge: JsonObject, password: str) -> dict[str, JsonValue]:
        realm, nonce = given.text(challenge, "realm") or "", challenge.get("nonce")
        first = int(given.number(challenge, "nc") or 1)
        count, self._count = first + self._count, self._count + 1
        client_nonce = secrets.token_hex(16)
        secret = _sha256(f"{USER}:{realm}:{password}")
        return {
            "realm": realm,
            "username": USER,
            "nonce": nonce,
            "cnonce": client_nonce,
            "nc": count,
            "response": _sha256(f"{secret}:{nonce}:{count}:{client_nonce}:auth:{_HA2}"),
            "algorithm": "SHA-256",
        }


def password_needed(name: str, *, is_wrong: bool = False, user: bool = False) -> PersonNeeded:
    text = f"The password of {name} is wrong." if is_wrong else f"{name} asks for its password."
    return PersonNeeded(
        f"{text} It was set in its app or on its page.",
        NeedKind.PASSWORD.value,
        ("username", "password") if user else ("password",),
    )


def _challenge_of(error: JsonObject) -> JsonObject | None:
    text = error.get("message")
    if not isinstance(text, str):
        return None
    challenge = _parsed(text)
    return challenge if "nonce" in challenge else None


def _parsed(text: str | bytes) -> JsonObject:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return given.NOTHING
    return body if isinstance(body, dict) else given.NOTHING


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
