"""Links to ESPHome nodes by their native API: plain, encrypted by the node's key, or with the password of older firmware."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final, cast

import orjson
from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    APIConnectionError,
    BadMACAddressAPIError,
    BadNameAPIError,
    EncryptionPlaintextAPIError,
    InvalidAuthAPIError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from aioesphomeapi.model import COMPONENT_TYPE_TO_INFO, EntityInfo, EntityState, UserService
from aioesphomeapi.model_conversions import SUBSCRIBE_STATES_RESPONSE_TYPES

from hub_agent.adapters.links.link import Line, Link, NoSearch
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkAsleep, LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import NeedKind, Peer

PORT: Final = 6053
# The library would wait a minute for an address that nobody has any longer.
CONNECT_S_MAX: Final = 10.0
LIST_S_MAX: Final = 30.0
CLOSE_S_MAX: Final = 5.0
# A node that is silent for so long is pinged; the library takes it for lost after four and a half times as long.
KEEPALIVE_S: Final = 10.0
NAMED: Final = "nexa-hub"
# What sleeps is remembered of so many nodes.
SLEEPERS_MAX: Final = 1000

_KIND_BY_INFO: Final = {info: kind for kind, info in COMPONENT_TYPE_TO_INFO.items()}
_MAC_CHARS: Final = 12


class EsphomeLinking(NoSearch):
    def __init__(self) -> None:
        # A node that sleeps says so when it is awake; that it cannot be reached is then no fault.
        self._sleepers: dict[str, None] = {}

    def open(self, peer: Peer, line: Line) -> Link:
        return EsphomeLink(peer, line, self._sleepers)

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        """Tries what was given. A node that needs nothing answers to nothing."""
        client = _client(peer, given)
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await client.connect(login=True, log_errors=False)
                await client.device_info()
        except (APIConnectionError, TimeoutError, OSError) as err:
            raise _in_words(peer, given, err) from err
        finally:
            await _close(client)
        return {name: given[name] for name in ("key", "password") if given.get(name)}


class EsphomeLink:
    def __init__(self, peer: Peer, line: Line, sleepers: dict[str, None]) -> None:
        self._peer = peer
        self._line = line
        self._sleepers = sleepers
        self._client: APIClient | None = None

    async def run(self) -> None:
        client = _client(self._peer, self._line.secrets)
        ended = asyncio.Event()

        async def on_stop(*_: bool) -> None:
            ended.set()

        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                await client.connect(on_stop=on_stop, login=True, log_errors=False)
            async with asyncio.timeout(LIST_S_MAX):
                await self._introduce(client)
            self._client = client
            client.subscribe_states(self._say_state)
            self._line.up()
            # The library pings, and ends the connection when nothing answers.
            await ended.wait()
        except (APIConnectionError, TimeoutError, OSError) as err:
            error = _in_words(self._peer, self._line.secrets, err)
            raise self._asleep() if isinstance(error, LinkLost) and self._is_sleeper else error from err
        finally:
            self._client = None
            await _close(client)
        raise self._asleep() if self._is_sleeper else LinkLost(f"{self._peer.name} ended the connection.")

    async def _introduce(self, client: APIClient) -> None:
        info, entities, services = await client.device_info_and_list_entities()
        version = client.api_version
        mac = info.mac_address.replace(":", "").lower()
        if _is_mac(self._peer.key) and _is_mac(mac) and mac != self._peer.key:
            raise LinkLost(f"Another node answers at the address of {self._peer.name}.")
        if info.has_deep_sleep and len(self._sleepers) < SLEEPERS_MAX:
            self._sleepers[self._peer.key] = None
        elif not info.has_deep_sleep:
            self._sleepers.pop(self._peer.key, None)
        body = {
            "info": info.to_dict(),
            "entities": [_listed(entity) for entity in entities],
            "services": [service.to_dict() for service in services],
            "api": [version.major, version.minor] if version is not None else [],
            "address": client.connected_address,
        }
        self._line.say("node", _plain(body))

    def _say_state(self, state: EntityState) -> None:
        kind = _KIND_BY_STATE.get(type(state))
        if kind is not None:
            self._line.say("state", _plain({"kind": kind, **state.to_dict()}))

    @property
    def _is_sleeper(self) -> bool:
        return self._peer.key in self._sleepers

    def _asleep(self) -> LinkAsleep:
        return LinkAsleep(f"{self._peer.name} sleeps, and comes back by itself.")

    async def ask(self, body: JsonObject) -> None:
        client = self._client
        if client is None:
            raise LinkLost(f"{self._peer.name} is not connected.")
        command = str(body.get("command"))
        try:
            if command == "service":
                await client.execute_service(_service(body), cast("dict[str, Any]", body.get("data")))
                return
            method = _METHODS.get(command)
            if method is None:
                raise NotPossible(f"A node has no command {command!r:.40}.")
            fields = cast("dict[str, Any]", dict(cast("JsonObject", body.get("fields") or {})))
            getattr(client, method)(**fields)
        except (APIConnectionError, OSError) as err:
            raise LinkLost(f"{self._peer.name} did not take the command: {why_lost(err)}.") from err
        except (TypeError, ValueError, KeyError) as err:
            raise NotPossible(f"{self._peer.name} cannot be told so: {_short(err)}") from err


_METHODS: Final = {
    kind: f"{kind}_command"
    for kind in (
        "alarm_control_panel", "button", "climate", "cover", "date", "datetime", "fan", "light", "lock", "media_player", "number",
        "select", "siren", "switch", "text", "time", "update", "valve", "water_heater",
    )
}  # fmt: skip


def _kinds_by_state() -> dict[type[EntityState], str]:
    """The API's states by the kind of entity they are of; pictures and what is not shown are left out."""
    kinds: dict[type[EntityState], str] = {}
    for message, state in SUBSCRIBE_STATES_RESPONSE_TYPES.items():
        kind = _snake(message.__name__.removesuffix("Response").removesuffix("State"))
        kinds[state] = _KINDS_OTHERWISE.get(kind, kind)
    return {state: kind for state, kind in kinds.items() if kind in COMPONENT_TYPE_TO_INFO}


_KINDS_OTHERWISE: Final = {"date_time": "datetime"}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


_KIND_BY_STATE: Final = _kinds_by_state()


def _client(peer: Peer, secrets: Mapping[str, str]) -> APIClient:
    if not peer.hosts:
        raise LinkLost(f"No address of {peer.name} is known.")
    return APIClient(
        peer.hosts[0],
        peer.port or PORT,
        secrets.get("password") or None,
        client_info=NAMED,
        keepalive=KEEPALIVE_S,
        noise_psk=secrets.get("key") or None,
        addresses=list(peer.hosts),
        expected_mac=peer.key if _is_mac(peer.key) else None,
    )


def _is_mac(text: str) -> bool:
    return len(text) == _MAC_CHARS and all(letter in "0123456789abcdef" for letter in text)


async def _close(client: APIClient) -> None:
    with contextlib.suppress(APIConnectionError, TimeoutError, OSError):
        async with asyncio.timeout(CLOSE_S_MAX):
            await client.disconnect()
    client.force_disconnect()


def _in_words(peer: Peer, secrets: Mapping[str, str], error: Exception) -> LinkLost | PersonNeeded:
    """What a person has to do, or that it is tried again. Nothing of a secret in it."""
    name = peer.name
    if isinstance(error, InvalidEncryptionKeyAPIError | RequiresEncryptionAPIError):
        text = (
            f"The encryption key of {name} is wrong: its YAML has the right one, below `api: encryption: key`."
            if secrets.get("key")
            else f"{name} encrypts: give the key that its YAML has below `api: encryption: key`."
        )
        return PersonNeeded(text, NeedKind.KEY.value, ("key",))
    if isinstance(error, EncryptionPlaintextAPIError):
        text = f"{name} does not encrypt, though a key was given for it: leave the key empty, or set one in its YAML."
        return PersonNeeded(text, NeedKind.KEY.value, ("key",))
    if isinstance(error, InvalidAuthAPIError):
        text = (
            f"The password of {name} is wrong."
            if secrets.get("password")
            else f"{name} asks for the password that its YAML has below `api: password`."
        )
        return PersonNeeded(text, NeedKind.PASSWORD.value, ("password",))
    if isinstance(error, BadMACAddressAPIError | BadNameAPIError):
        return LinkLost(f"Another node answers at the address of {name}.")
    if isinstance(error, TimeoutError):
        return LinkLost(f"{name} did not answer in time.")
    return LinkLost(f"{name} cannot be reached: {why_lost(error)}.")


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]


def _listed(entity: EntityInfo) -> dict[str, Any]:
    return {"kind": _KIND_BY_INFO.get(type(entity), ""), **entity.to_dict()}


def _service(body: JsonObject) -> UserService:
    return UserService.from_dict({"name": body.get("name"), "key": body.get("key"), "args": body.get("args")})


def _plain(body: object) -> JsonValue:
    """Plain JSON: enumerations are their numbers, what is not a number is null."""
    plain: JsonValue = orjson.loads(orjson.dumps(body))
    return plain
