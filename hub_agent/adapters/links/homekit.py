"""HomeKit accessories over IP, by aiohomekit: pairing with the code, the encrypted session, events. README: hub_agent/drivers/homekit."""

import asyncio
import json
import socket
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from aiohomekit.characteristic_cache import CharacteristicCacheMemory
from aiohomekit.controller.ip import IpPairing
from aiohomekit.controller.ip.connection import SecureHomeKitConnection
from aiohomekit.controller.ip.controller import IpController
from aiohomekit.controller.ip.discovery import IpDiscovery
from aiohomekit.exceptions import (
    AccessoryDisconnectedError,
    AuthenticationError,
    BackoffError,
    BusyError,
    HomeKitException,
    HttpErrorResponse,
    IncorrectPairingIdError,
    InvalidError,
    MalformedPinError,
    MaxPeersError,
    MaxTriesError,
    UnavailableError,
)
from aiohomekit.model.categories import Categories
from aiohomekit.model.feature_flags import FeatureFlags
from aiohomekit.model.status_flags import StatusFlags
from aiohomekit.zeroconf import HomeKitService

from hub_agent.adapters.links.link import Line, NoSearch
from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost, NotPossible, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import NeedKind, Peer

CONNECT_S_MAX: Final = 15.0
ANSWER_S_MAX: Final = 20.0
PAIR_S_MAX: Final = 60.0
# What tells no changes is read this often; reading is also how a dead connection is noticed.
POLL_S: Final = 60.0
# A bridge may get another accessory behind it.
LOOK_AGAIN_S: Final = 300.0
IDS_A_READ: Final = 40
PORT: Final = 51826

PAIRING: Final = "pairing"
_CODE: Final = ("code",)
_UNPAIRED: Final = 1

Ids = tuple[int, int]


class HomeKitLinking(NoSearch):
    def open(self, peer: Peer, line: Line) -> "HomeKitLink":
        return HomeKitLink(peer, line)

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> Mapping[str, str]:
        code = _written(given.get("code", ""))
        if code is None:
            raise _code_needed(peer)
        # Its pairing and closing have no types of their own.
        discovery: Any = IpDiscovery(_controller(), await _description(peer))
        try:
            async with asyncio.timeout(PAIR_S_MAX):
                finish = await discovery.async_start_pairing(peer.key)
                pairing = await finish(code)
        except TimeoutError as err:
            raise LinkLost(f"{peer.name} did not answer while pairing.") from err
        except (HomeKitException, OSError, ValueError) as err:
            raise _why_not_paired(peer, err) from err
        finally:
            await discovery.close()
        data = dict(pairing.pairing_data)
        await pairing.close()
        return {PAIRING: json.dumps(data)}


def _why_not_paired(peer: Peer, err: Exception) -> Exception:
    match err:
        case AuthenticationError() | MalformedPinError():
            return PersonNeeded(
                f"The code of {peer.name} is another one: eight digits, on the device or its manual.",
                NeedKind.CODE,
                _CODE,
            )
        case UnavailableError():
            return PersonNeeded(
                f"{peer.name} is paired already: remove it from the other home or reset it, then give its code.",
                NeedKind.CODE,
                _CODE,
            )
        case MaxTriesError():
            return PersonNeeded(
                f"{peer.name} was given too many wrong codes: switch it off and on, then give its code.",
                NeedKind.CODE,
                _CODE,
            )
        case BusyError():
            return PersonNeeded(
                f"{peer.name} is just being paired by somebody else: try again in a minute.", NeedKind.CODE, _CODE
            )
        case BackoffError():
            return PersonNeeded(
                f"{peer.name} wants a pause after a wrong code: try again in a minute.", NeedKind.CODE, _CODE
            )
        case MaxPeersError():
            return PersonNeeded(
                f"{peer.name} is paired with as many homes as it can be: remove it from one, then give its code.",
                NeedKind.CODE,
                _CODE,
            )
        case AccessoryDisconnectedError() | OSError():
            return LinkLost(f"{peer.name} could not be reached for pairing.")
        case _:
            return LinkLost(f"{peer.name} did not keep to the protocol while pairing ({type(err).__name__}).")


def _code_needed(peer: Peer) -> PersonNeeded:
    flags = peer.txt.get("sf", "")
    if flags.isdigit() and not int(flags) & _UNPAIRED:
        text = f"{peer.name} is paired with another home: remove it there or reset it, then give its code."
    else:
        text = f"{peer.name} needs its HomeKit code: eight digits, on the device or its manual."
    return PersonNeeded(text, NeedKind.CODE, _CODE)


def _written(code: str) -> str | None:
    digits = "".join(letter for letter in code if letter.isdigit())
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if len(digits) == 8 else None


class _Connection(SecureHomeKitConnection):
    """One that ends when it is lost, instead of coming back by itself: the host decides when to try again."""

    def __init__(self, owner: IpPairing, pairing_data: dict[str, Any]) -> None:
        super().__init__(owner, pairing_data)
        self.lost = asyncio.Event()

    def _connection_lost(self, exception: Exception) -> None:
        if self.is_secure:
            self.closing = True
            self.lost.set()
        super()._connection_lost(exception)


class _Pairing(IpPairing):
    def __init__(self, controller: IpController, pairing_data: Any) -> None:
        super().__init__(controller, pairing_data)
        self.ending = _Connection(self, pairing_data)
        self.connection = self.ending


class HomeKitLink:
    """Asks for all accessories, subscribes to what tells its changes, and reads the rest now and then."""

    def __init__(self, peer: Peer, line: Line) -> None:
        self._peer = peer
        self._line = line
        self._pairing: _Pairing | None = None
        self._accessories = ""
        self._told: list[Ids] = []
        self._silent: list[Ids] = []

    async def run(self) -> None:
        kept = self._line.secrets.get(PAIRING)
        if kept is None:
            raise _code_needed(self._peer)
        data = {**json.loads(kept), "Connection": "IP"}
        data["AccessoryIPs"] = await _addresses(self._peer)
        data["AccessoryIP"], data["AccessoryPort"] = data["AccessoryIPs"][0], self._peer.port or PORT
        pairing = _Pairing(_controller(), data)
        try:
            await self._begin(pairing)
            await self._follow(pairing)
        except AuthenticationError as err:
            raise PersonNeeded(
                f"{self._peer.name} no longer knows this hub: give its code to pair it again.", NeedKind.CODE, _CODE
            ) from err
        except (HomeKitException, TimeoutError, OSError) as err:
            raise LinkLost(f"{self._peer.name} could not be talked to: {why_lost(err)}.") from err
        finally:
            self._pairing = None
            await pairing.shutdown()

    async def _begin(self, pairing: _Pairing) -> None:
        await self._connect(pairing)
        self._told, self._silent = _told_and_silent(await _ask_for_all(pairing))
        pairing.dispatcher_connect(lambda said: self._say("event", said))
        await self._subscribe(pairing, self._told)
        # Only what is said from here on is followed by each of its changes.
        await self._look(pairing)
        self._pairing = pairing
        self._line.up()

    async def _connect(self, pairing: _Pairing) -> None:
        """Once; the host knows when to try again. A wrong address may be another accessory's: then the next one is tried."""
        connection: Any = pairing.ending
        for _ in connection.hosts:
            try:
                async with asyncio.timeout(CONNECT_S_MAX):
                    await connection._connect_once()  # noqa: SLF001 what is public tries for ever, and hides why it fails
            except IncorrectPairingIdError:
                continue
            except InvalidError as err:
                if self._is_unpaired:
                    raise AuthenticationError(str(err)) from err
                raise
            return
        raise LinkLost(f"At the address of {self._peer.name} is another accessory.")

    @property
    def _is_unpaired(self) -> bool:
        flags = self._peer.txt.get("sf", "")
        return flags.isdigit() and bool(int(flags) & _UNPAIRED)

    @staticmethod
    async def _subscribe(pairing: Any, ids: Iterable[Ids]) -> None:
        async with asyncio.timeout(ANSWER_S_MAX):
            await pairing.subscribe(list(ids))

    async def _follow(self, pairing: _Pairing) -> None:
        """Until the connection is lost."""
        waited_s = 0.0
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await pairing.ending.lost.wait()
            except TimeoutError:
                waited_s += POLL_S
            else:
                raise LinkLost(f"{self._peer.name} ended the connection.")
            await self._read(pairing, self._silent)
            if waited_s >= LOOK_AGAIN_S:
                waited_s = 0.0
                known = set(self._told)
                await self._look(pairing)
                await self._subscribe(pairing, (each for each in self._told if each not in known))

    async def _look(self, pairing: _Pairing, *, is_asked: bool = False) -> None:
        """Asks for all accessories, and says them if they are not those said before."""
        accessories = await _ask_for_all(pairing)
        shape = json.dumps([[each["aid"], [[s["iid"], s["type"]] for s in each["services"]]] for each in accessories])
        self._told, self._silent = _told_and_silent(accessories)
        if shape != self._accessories or is_asked:
            self._accessories = shape
            self._line.say("accessories", {"accessories": accessories})

    async def _read(self, pairing: _Pairing, ids: Iterable[Ids]) -> None:
        wanted = list(ids)
        for start in range(0, len(wanted), IDS_A_READ):
            async with asyncio.timeout(ANSWER_S_MAX):
                said = await pairing.get_characteristics(wanted[start : start + IDS_A_READ])
            self._say("read", said)

    def _say(self, kind: str, said: Mapping[Ids, Mapping[str, JsonValue]]) -> None:
        if said:
            body = [{"aid": aid, "iid": iid, **about} for (aid, iid), about in said.items()]
            self._line.say(kind, {"characteristics": body})

    async def ask(self, body: JsonObject) -> None:
        pairing = self._pairing
        if pairing is None:
            raise LinkLost(f"{self._peer.name} is not connected.")
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._carry_out(pairing, body)
        except HttpErrorResponse as err:
            raise NotPossible(f"{self._peer.name} refused it (HTTP {err.response.code}).") from err
        except (HomeKitException, TimeoutError, OSError) as err:
            raise LinkLost(f"{self._peer.name} could not be talked to: {why_lost(err)}.") from err

    async def _carry_out(self, pairing: _Pairing, body: JsonObject) -> None:
        match body.get("do"):
            case "put":
                await self._put(pairing, body.get("values"))
            case "read":
                await self._read(pairing, [each for each in (*self._told, *self._silent) if each[0] == body.get("aid")])
            case "accessories":
                await self._look(pairing, is_asked=True)
            case "unpair":
                await pairing.remove_pairing(str(pairing.pairing_data["iOSPairingId"]))
            case other:
                raise NotPossible(f"a HomeKit accessory cannot be asked to {other!r:.40}.")

    async def _put(self, pairing: _Pairing, values: JsonValue) -> None:
        wanted = [
            (each["aid"], each["iid"], each["value"])
            for each in (values if isinstance(values, list | tuple) else ())
            if isinstance(each, Mapping)
        ]
        try:
            answers: Mapping[Ids, Mapping[str, Any]] = await pairing.put_characteristics(wanted)
        except (KeyError, AttributeError) as err:
            raise NotPossible(f"{self._peer.name} no longer has what is to be set.") from err
        refused = [str(about.get("description")) for about in answers.values() if about.get("status")]
        if refused:
            raise NotPossible(f"{self._peer.name} refused it: {refused[0]}")


async def _ask_for_all(pairing: _Pairing) -> list[dict[str, Any]]:
    async with asyncio.timeout(ANSWER_S_MAX):
        return await pairing.list_accessories_and_characteristics()


def _told_and_silent(accessories: Iterable[Mapping[str, Any]]) -> tuple[list[Ids], list[Ids]]:
    """What tells its changes; and what is to be read: all else, and one of each accessory, to see whether its bridge reaches it."""
    told: list[Ids] = []
    silent: list[Ids] = []
    for accessory in accessories:
        first: Ids | None = None
        for service in accessory["services"]:
            for each in service["characteristics"]:
                perms, ids = each.get("perms", ()), (accessory["aid"], each["iid"])
                if "ev" in perms:
                    told.append(ids)
                    first = ids if first is None and "pr" in perms else first
                elif "pr" in perms and each.get("format") in {"bool", "int", "float", "uint8", "uint16", "uint32"}:
                    silent.append(ids)
        silent += [first] if first is not None else []
    return told, silent


def _controller() -> IpController:
    """Holds nothing: the addresses of accessories come from the hub's own discovery."""
    return IpController(char_cache=CharacteristicCacheMemory(), zeroconf_instance=cast("Any", None))


async def _addresses(peer: Peer) -> list[str]:
    """Literal addresses: aiohomekit takes no names."""
    loop = asyncio.get_running_loop()
    found: dict[str, None] = {}
    for host in peer.hosts:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                for *_, address in await loop.getaddrinfo(host, peer.port or PORT, type=socket.SOCK_STREAM):
                    found[str(address[0])] = None
        except (OSError, TimeoutError):
            continue
    if not found:
        raise LinkLost(f"{peer.name} has no address that is known.")
    return list(found)


async def _description(peer: Peer) -> HomeKitService:
    addresses = await _addresses(peer)
    features = peer.txt.get("ff", "0")
    return HomeKitService(
        name=peer.name,
        id=peer.key,
        model=peer.txt.get("md", ""),
        feature_flags=FeatureFlags(int(features) & 3 if features.isdigit() else 0),
        status_flags=StatusFlags.UNPAIRED,
        config_num=0,
        state_num=0,
        category=Categories.OTHER,
        protocol_version=peer.txt.get("pv", "1.0"),
        type="_hap._tcp.local.",
        address=addresses[0],
        addresses=addresses,
        port=peer.port or PORT,
    )
