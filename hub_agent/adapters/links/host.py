"""The process of one dialect: `python -m hub_agent.adapters.links.host MODULE CLASS [search]`. It ends when its standard input does.

It keeps a link to each peer that the agent wants, with a growing wait between tries, and passes on what they say.
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import sys
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final, cast

import orjson

from hub_agent.adapters.guest import become_a_guest
from hub_agent.adapters.links import wire
from hub_agent.adapters.links.link import Line, Link, Linking
from hub_agent.errors import LinkAsleep, LinkLost, OperatingError, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import LinkStatus, Need, NeedKind, Peer

log = logging.getLogger(__name__)

BACKOFF_S_MIN: Final = 1.0
BACKOFF_S_MAX: Final = 60.0
# A link that was up this long starts again without a wait.
STEADY_S: Final = 60.0
# From the beginning of `run` until the link says that it is up.
UP_S_MAX: Final = 120.0
ASK_S_MAX: Final = 10.0
PAIR_S_MAX: Final = 150.0
ASKS_WAITING_MAX: Final = 200
LINES_WAITING_MAX: Final = 5_000
BYTES_WAITING_MAX: Final = 64 * 1024 * 1024

_CLOSED: Final = "the link was closed"

# The home comes first.
MEMORY_BYTES_MAX: Final = 768 * 1024 * 1024
# The exit code where the dialect's library is missing (EX_UNAVAILABLE of sysexits.h).
NOT_INSTALLED: Final = 69


class Outbox:
    """Lines that wait for the agent to read them. When there are too many, frames are dropped, the oldest first: their links begin anew."""

    def __init__(self) -> None:
        self._lines: deque[tuple[bytes, str | None]] = deque()
        self._answers: deque[bytes] = deque()
        self._bytes = 0
        self._wakeup = asyncio.Event()
        self.dropped_keys: set[str] = set()
        self.dropped = 0

    def put(self, body: JsonObject, frame_of: str | None = None) -> None:
        """`frame_of`: the peer whose frame it is; only frames may be dropped."""
        try:
            line = _written(body) + b"\n"
        except (ValueError, RecursionError) as err:
            log.warning("A frame is left out, it cannot be written: %s", type(err).__name__)
            return
        if len(line) > wire.LINE_BYTES_MAX:
            log.warning("A frame of %d bytes is left out: no more than %d are read.", len(line), wire.LINE_BYTES_MAX)
            return
        self._bytes += len(line)
        if body["say"] == "done":
            # Somebody waits for it, be there ever so much else to say.
            self._answers.append(line)
        else:
            self._lines.append((line, frame_of))
        if len(self._lines) > LINES_WAITING_MAX or self._bytes > BYTES_WAITING_MAX:
            self._shed()
        self._wakeup.set()

    def _shed(self) -> None:
        kept: deque[tuple[bytes, str | None]] = deque()
        for line, frame_of in self._lines:
            if frame_of is None:
                kept.append((line, None))
                continue
            self.dropped += 1
            self._bytes -= len(line)
            self.dropped_keys.add(frame_of)
        self._lines = kept

    async def take(self) -> bytes:
        while not self._lines and not self._answers:
            self._wakeup.clear()
            await self._wakeup.wait()
        line = self._answers.popleft() if self._answers else self._lines.popleft()[0]
        self._bytes -= len(line)
        return line


def _written(body: JsonObject) -> bytes:
    try:
        return orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Half a character, or a number that is larger than any: the rest of what was said is no worse for it.
        return json.dumps(body, default=str, allow_nan=False, ensure_ascii=False).encode(errors="replace")


@dataclass(slots=True)
class Kept:
    """A peer that a link is kept to."""

    peer: Peer
    secrets: Mapping[str, str]
    asks: "asyncio.Queue[tuple[int, JsonObject]]"
    retry: asyncio.Event = field(default_factory=asyncio.Event)
    link: Link | None = None
    is_up: bool = False
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)


class Host:
    def __init__(self, linking: Linking, outbox: Outbox, asks_at_once: int) -> None:
        self._linking = linking
        self._outbox = outbox
        self._asks_at_once = asks_at_once
        self._kept_by_key: dict[str, Kept] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def handle(self, order: JsonObject) -> None:
        match order["do"]:
            case "open":
                await self._open(wire.peer_of(order["peer"]), wire.secrets_of(order["secrets"]))
            case "close":
                await self._close(str(order["key"]))
            case "ask":
                self._ask(_number(order["id"]), str(order["key"]), cast("JsonObject", order["body"]))
            case "pair":
                self._start(self._pair(order))
            case "ping":
                self._done(_number(order["id"]))

    async def stop(self) -> None:
        """All at once: each may take some seconds, and nobody waits for long."""
        await asyncio.gather(*(self._close(key) for key in list(self._kept_by_key)))

    async def search(self) -> None:
        """A search that fails is begun again."""
        while True:
            try:
                await self._linking.search(self._found)
            except OperatingError as err:
                log.warning("The search failed: %s", err)
            except Exception:
                log.exception("The search failed; it is begun again.")
            await asyncio.sleep(BACKOFF_S_MAX)

    def begin_anew(self) -> None:
        """Links whose frames were dropped: what they say first is everything."""
        keys, self._outbox.dropped_keys = self._outbox.dropped_keys, set()
        for kept in [self._kept_by_key[key] for key in sorted(keys) if key in self._kept_by_key]:
            self._start(self._reopen(kept))

    # Orders.

    async def _open(self, peer: Peer, secrets: Mapping[str, str]) -> None:
        kept = self._kept_by_key.get(peer.key)
        if kept is None:
            kept = Kept(peer, secrets, asyncio.Queue(ASKS_WAITING_MAX))
            self._kept_by_key[peer.key] = kept
            kept.tasks = [asyncio.create_task(self._keep(kept))]
            kept.tasks += [asyncio.create_task(self._answer(kept)) for _ in range(self._asks_at_once)]
            return
        has_moved = (peer.hosts, peer.port) != (kept.peer.hosts, kept.peer.port)
        has_news = secrets != kept.secrets
        kept.peer, kept.secrets = peer, secrets
        # One that is up is not disturbed by another address; one that is still trying the old one would try in vain.
        if kept.link is not None and (has_news or (has_moved and not kept.is_up)):
            await self._reopen(kept)
        kept.retry.set()

    async def _reopen(self, kept: Kept) -> None:
        await self._close(kept.peer.key)
        await self._open(kept.peer, kept.secrets)

    async def _close(self, key: str) -> None:
        kept = self._kept_by_key.pop(key, None)
        if kept is None:
            return
        for task in kept.tasks:
            task.cancel()
        await asyncio.gather(*kept.tasks, return_exceptions=True)
        while not kept.asks.empty():
            self._done(kept.asks.get_nowait()[0], error=_CLOSED)

    def _ask(self, number: int, key: str, body: JsonObject) -> None:
        kept = self._kept_by_key.get(key)
        if kept is None or kept.link is None or not kept.is_up:
            self._done(number, error="there is no connection to it")
            return
        try:
            kept.asks.put_nowait((number, body))
        except asyncio.QueueFull:
            self._done(number, error=f"{ASKS_WAITING_MAX} requests wait for it already")

    async def _pair(self, order: JsonObject) -> None:
        number, peer = _number(order["id"]), wire.peer_of(order["peer"])
        given = {**wire.secrets_of(order["secrets"]), **wire.secrets_of(order["given"])}
        try:
            async with asyncio.timeout(PAIR_S_MAX):
                secrets = await self._linking.pair(peer, given)
        except PersonNeeded as needed:
            self._done(number, error=str(needed), need=_need(needed))
        except TimeoutError:
            self._done(number, error=f"{peer.name} did not finish pairing within {PAIR_S_MAX:.0f} s.")
        except OperatingError as err:
            self._done(number, error=str(err))
        except Exception as err:
            log.exception("Pairing with %s failed.", peer.name)
            self._done(number, error=f"pairing failed: {type(err).__name__}")
        else:
            self._done(number, secrets=secrets)

    # Links.

    async def _keep(self, kept: Kept) -> None:
        """Until it is closed."""
        backoff_s = BACKOFF_S_MIN
        while True:
            self._tell(kept, LinkStatus.CONNECTING)
            began_s = asyncio.get_running_loop().time()
            kept.retry.clear()
            waits_s: float | None = backoff_s
            try:
                await self._run(kept)
            except PersonNeeded as needed:
                self._tell(kept, LinkStatus.NEEDS, str(needed), _need(needed))
                waits_s = None
            except LinkAsleep as asleep:
                self._tell(kept, LinkStatus.ASLEEP, str(asleep))
            except OperatingError as err:
                self._tell(kept, LinkStatus.DOWN, str(err))
            except Exception as err:
                log.exception("The link to %s failed.", kept.peer.name)
                self._tell(kept, LinkStatus.DOWN, f"a fault of ours: {type(err).__name__}")
            finally:
                kept.is_up, kept.link = False, None
            if asyncio.get_running_loop().time() - began_s > STEADY_S:
                backoff_s = BACKOFF_S_MIN
                waits_s = backoff_s if waits_s is not None else None
            await self._wait(kept, waits_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _wait(self, kept: Kept, waits_s: float | None) -> None:
        """`None`: until a person has done something."""
        seconds = None if waits_s is None else waits_s * random.uniform(0.75, 1.25)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await kept.retry.wait()

    async def _run(self, kept: Kept) -> None:
        came_up = asyncio.Event()
        key = kept.peer.key

        def say(kind: str, body: JsonValue) -> None:
            self._outbox.put({"say": "frame", "key": key, "kind": kind, "body": body}, frame_of=key)

        def up() -> None:
            came_up.set()
            if not kept.is_up:
                kept.is_up = True
                self._tell(kept, LinkStatus.UP)

        def asleep(reason: str) -> None:
            came_up.set()
            kept.is_up = False
            self._tell(kept, LinkStatus.ASLEEP, reason)

        def keep(secrets: Mapping[str, str]) -> None:
            kept.secrets = {**kept.secrets, **secrets}
            self._outbox.put({"say": "keep", "key": key, "secrets": dict(secrets)})

        kept.link = self._linking.open(kept.peer, Line(say=say, up=up, keep=keep, secrets=kept.secrets, asleep=asleep))
        running = asyncio.create_task(kept.link.run())
        rising = asyncio.create_task(came_up.wait())
        try:
            await asyncio.wait({running, rising}, timeout=UP_S_MAX, return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and not came_up.is_set():
                raise LinkLost(f"{kept.peer.name} did not come up within {UP_S_MAX:.0f} s")
            await running
        finally:
            for task in (running, rising):
                task.cancel()
            await asyncio.gather(running, rising, return_exceptions=True)
        raise LinkLost(f"{kept.peer.name} ended the connection")

    async def _answer(self, kept: Kept) -> None:
        """Carries out requests, in their order. Somebody waits for each, also when the link is closed meanwhile."""
        while True:
            number, body = await kept.asks.get()
            error: str | None = _CLOSED
            try:
                error = await self._carry_out(kept, body)
            finally:
                self._done(number, error=error)

    async def _carry_out(self, kept: Kept, body: JsonObject) -> str | None:
        """Why it could not be done."""
        if kept.link is None or not kept.is_up:
            return "there is no connection to it"
        try:
            async with asyncio.timeout(ASK_S_MAX):
                await kept.link.ask(body)
        except TimeoutError:
            return f"it did not answer within {ASK_S_MAX:.0f} s"
        except OperatingError as err:
            return str(err)
        except Exception as err:
            log.exception("A request to %s failed.", kept.peer.name)
            return f"a fault of ours: {type(err).__name__}"
        return None

    # Saying.

    def _tell(self, kept: Kept, status: LinkStatus, reason: str | None = None, need: Need | None = None) -> None:
        body: JsonObject = {
            "say": "link",
            "key": kept.peer.key,
            "status": status.value,
            "reason": reason,
            "need": wire.need_as_json(need),
        }
        self._outbox.put(body)

    def _found(self, peer: Peer) -> None:
        self._outbox.put({"say": "found", "peer": wire.peer_as_json(peer)})

    def _done(
        self,
        number: int,
        *,
        error: str | None = None,
        need: Need | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        body: JsonObject = {
            "say": "done",
            "id": number,
            "error": error,
            "need": wire.need_as_json(need),
            "secrets": dict(secrets) if secrets is not None else None,
        }
        self._outbox.put(body)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


def _need(needed: PersonNeeded) -> Need:
    return Need(NeedKind(needed.kind), str(needed), needed.fields)


def _number(value: JsonValue) -> int:
    assert isinstance(value, int)
    return value


async def serve(linking: Linking, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: "Serving") -> None:
    """Until `reader` ends."""
    outbox = Outbox()
    host = Host(linking, outbox, place.asks_at_once)

    async def pass_on() -> None:
        while True:
            writer.write(await outbox.take())
            await writer.drain()
            if outbox.dropped:
                dropped, outbox.dropped = outbox.dropped, 0
                outbox.put({"say": "dropped", "count": dropped})
                host.begin_anew()

    tasks = [asyncio.create_task(pass_on())]
    if place.searches:
        tasks.append(asyncio.create_task(host.search()))
    try:
        while line := await reader.readline():
            await host.handle(orjson.loads(line))
    finally:
        await host.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Serving:
    """How this dialect is served."""

    searches: bool = False
    asks_at_once: int = 1


async def _main(module: str, class_name: str, place: Serving, output: int) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=wire.LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(output, "wb", buffering=0)
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    linking = cast("Linking", getattr(import_module(module), class_name)())
    await serve(linking, reader, writer, place)


def main() -> None:
    module, class_name, asks_at_once, *options = sys.argv[1:]
    output = become_a_guest(MEMORY_BYTES_MAX)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    serving = Serving("search" in options, int(asks_at_once))
    try:
        asyncio.run(_main(module, class_name, serving, output))
    except ImportError as err:
        # The agent knows this exit code: what is not installed is told, and not tried again and again.
        log.warning("%s", err)
        sys.exit(NOT_INSTALLED)


if __name__ == "__main__":
    main()
