"""What people may see and do of what was met on the network: take it up with what it needs, or be rid of it."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from hub_agent.core.discovered import shown
from hub_agent.core.hub import Hub
from hub_agent.drivers.identification import identify
from hub_agent.errors import MirrorError, NotFound, NotPossible, PersonNeeded
from hub_agent.model.inputs import Input, PeerForgotten, PeerWanted
from hub_agent.model.json import JsonObject
from hub_agent.model.link import LinkStatus, Peer, Request, Service
from hub_agent.ports import Change, Links
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.inbox import Inbox

# How long somebody who adds a thing waits to hear what came of it.
COMES_UP_S_MAX: Final = 20.0
# A peer that is forgotten is given so long to hear of it.
GOODBYE_S_MAX: Final = 12.0
# What is asked of a peer before it is forgotten, where a dialect has such a thing.
FAREWELLS: Final[Mapping[str, JsonObject]] = {"homekit": {"do": "unpair"}}
SETTLED: Final = frozenset({LinkStatus.UP, LinkStatus.ASLEEP, LinkStatus.DOWN, LinkStatus.NEEDS})


class Discovering:
    def __init__(self, hub: Hub, inbox: Inbox, links: Links, changes: Changes, dialects: Sequence[str]) -> None:
        """`dialects`: those that can be reached at an address."""
        self._hub = hub
        self._inbox = inbox
        self._links = links
        self._changes = changes
        self._dialects = dialects

    def shown(self) -> list[JsonObject]:
        hub = self._hub
        return shown(hub.discovery.things(), hub.inventory.devices(), list(hub.rooms.by_id.values()))

    async def add(self, name: str, given: Mapping[str, str], by: str) -> JsonObject:
        peer = await self._met_at(name) if "://" in name else self._named(name)
        known = self._hub.discovery.known(peer.dialect, peer.key)
        if known is not None and known.need is not None and not given and known.need.fields:
            raise PersonNeeded(known.need.text, known.need.kind.value, known.need.fields)
        before = self._shown_of(peer)
        if given or (known is not None and known.need is not None):
            await self._links.pair(peer, given)
            if before is not None and self._shown_of(peer) is None:
                # What waits for a server of its dialect no longer announces itself once the server has it.
                return {**before, "status": "served", "needs": None, "reason": "its server has it now"}
        status = await self._until_settled(peer, PeerWanted(peer.dialect, peer.key, by))
        known = self._hub.discovery.known(peer.dialect, peer.key)
        if status is LinkStatus.NEEDS and known is not None and known.need is not None:
            raise PersonNeeded(known.need.text, known.need.kind.value, known.need.fields)
        return self._as_shown(peer)

    async def forget(self, name: str, *, is_ignored: bool, by: str) -> None:
        peer = self._named(name)
        await self._say_goodbye(peer)
        await self._submit(PeerForgotten(peer.dialect, peer.key, is_ignored, by))
        self._links.forget(peer.dialect, peer.key)

    # How.

    async def _say_goodbye(self, peer: Peer) -> None:
        """A peer that counts its homes is told that it is free again, while it can be told: without its secrets nobody could any more."""
        request = FAREWELLS.get(peer.dialect)
        if request is None:
            return
        answered = asyncio.Event()
        if self._links.ask(Request(peer.dialect, peer.key, request), lambda _: answered.set()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S_MAX):
                    await answered.wait()

    async def _met_at(self, address: str) -> Peer:
        found = identify(service_at(address, self._dialects))
        if found is None or found.dialect is None or found.key is None:
            raise NotPossible(f"'{address}' is nothing that can be talked to.")
        await self._submit(found)
        known = self._hub.discovery.known(found.dialect, found.key)
        if known is None:
            raise NotPossible(f"{address} could not be taken up: this hub knows too many peers already.")
        return known.peer

    def _named(self, name: str) -> Peer:
        wanted = name.strip().casefold()
        things = self.shown()
        by_id = [each for each in things if str(each["id"]).casefold() == wanted]
        found = by_id or [each for each in things if str(each["name"]).casefold() == wanted]
        if not found:
            raise NotFound(f"Nothing named '{name}' was discovered. List what was with: nexa-hub devices found")
        if len(found) > 1:
            raise NotFound(f"{len(found)} things named '{name}' were discovered; use the id: nexa-hub devices found")
        dialect, _, key = str(found[0]["id"]).partition("/")
        known = self._hub.discovery.known(dialect, key)
        if known is None:
            raise NotPossible(f"{found[0]['name']} is known, but nothing here can talk to it.")
        return known.peer

    def _shown_of(self, peer: Peer) -> JsonObject | None:
        wanted = f"{peer.dialect}/{peer.key}"
        return next((each for each in self.shown() if each["id"] == wanted), None)

    def _as_shown(self, peer: Peer) -> JsonObject:
        found = self._shown_of(peer)
        if found is None:
            raise NotFound(f"{peer.name} is no longer there.")
        return found

    async def _until_settled(self, peer: Peer, wanted: Input) -> LinkStatus | None:
        """What came of it; None when that takes longer."""
        changes = self._changes.read()
        try:
            async with asyncio.timeout(COMES_UP_S_MAX):
                # The reader listens from its first step on.
                next_change = asyncio.ensure_future(anext(changes))
                await asyncio.sleep(0)
                await self._submit(wanted)
                while True:
                    status = _settled(await next_change, peer)
                    if status is not None:
                        return status
                    next_change = asyncio.ensure_future(anext(changes))
        except TimeoutError:
            return None
        finally:
            next_change.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await next_change
            await changes.aclose()

    async def _submit(self, happened: Input) -> None:
        # A mirror that cannot be written keeps nobody from adding a device.
        with contextlib.suppress(MirrorError):
            await self._inbox.submit([happened])


def service_at(address: str, dialects: Sequence[str]) -> Service:
    """`shelly://192.168.1.30`, `esphome://lamp.local:6053`. Raises NotPossible in words."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as err:
        raise NotPossible(f"'{address}' is not an address: {err}.") from err
    if parts.scheme not in dialects:
        raise NotPossible(
            f"'{address}': an address begins with one of {', '.join(f'{each}://' for each in sorted(dialects))}"
        )
    if not parts.hostname or parts.username or parts.query or parts.fragment or parts.path not in {"", "/"}:
        raise NotPossible(f"'{address}' must be of the form {parts.scheme}://HOST or {parts.scheme}://HOST:PORT")
    return Service("manual", parts.scheme, parts.netloc.casefold(), (parts.hostname,), port)


def _settled(change: Change, peer: Peer) -> LinkStatus | None:
    body = change.body
    if change.topic != "discovery" or (body.get("dialect"), body.get("peer")) != (peer.dialect, peer.key):
        return None
    status = LinkStatus(str(body["status"]))
    return status if status in SETTLED else None
