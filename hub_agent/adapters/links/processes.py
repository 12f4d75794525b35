"""Fills ports.Links: a process for each dialect that is needed, watched, bounded, and begun again when it ends."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from hub_agent.adapters.credentials import Credentials
from hub_agent.adapters.links import wire
from hub_agent.adapters.links.host import ASK_S_MAX, NOT_INSTALLED, PAIR_S_MAX
from hub_agent.adapters.links.registry import LINKINGS, Place
from hub_agent.errors import LinkLost, NotPossible, OperatingError, PersonNeeded
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.link import (
    DialectTroubled,
    Frame,
    LinkChanged,
    LinkStatus,
    Need,
    NeedKind,
    Peer,
    Request,
    Service,
)
from hub_agent.ports import FromLinks

log = logging.getLogger(__name__)

BACKOFF_S_MIN: Final = 1.0
BACKOFF_S_MAX: Final = 300.0
STEADY_S: Final = 300.0
PING_S: Final = 5.0
HUNG_S: Final = 20.0
STARTS_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 5.0
UNREAD_BYTES_MAX: Final = 1024 * 1024
ASKS_MAX: Final = 2_000
# So long after the last drop, or after it was begun again, a dialect counts as calm again.
CALM_S: Final = 60.0

_MAY_BE_REFUSED: Final = frozenset({"ask", "pair"})

Done = Callable[[str | None], None]


@dataclass(frozen=True, slots=True)
class Paired:
    error: str | None
    need: Need | None
    secrets: Mapping[str, str] | None


class LinkProcesses:
    def __init__(
        self,
        credentials: Credentials,
        places: Mapping[str, Place] = LINKINGS,
        python: Path = Path(sys.executable),
        expects: Callable[[str], None] = lambda _: None,
        ended: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`expects` is told of each dialect a while before its first frames come: when the first peer is met. `ended`: whose process ended by itself."""
        self._credentials = credentials
        self._expects = expects
        self._expected: set[str] = set()
        self._dialects = {name: Dialect(name, place, credentials, python, ended) for name, place in places.items()}

    def start(self, take: Callable[[FromLinks], bool]) -> None:
        for dialect in self._dialects.values():
            dialect.take = take

    def resume(self) -> None:
        for dialect in self._dialects.values():
            dialect.may_read.set()

    def open(self, peer: Peer) -> None:
        dialect = self._dialects.get(peer.dialect)
        if dialect is None:
            return
        if peer.dialect not in self._expected:
            self._expected.add(peer.dialect)
            self._expects(peer.dialect)
        dialect.open(peer)

    def close(self, dialect: str, key: str) -> None:
        if dialect in self._dialects:
            self._dialects[dialect].close(key)

    def ask(self, request: Request, done: Done) -> bool:
        dialect = self._dialects.get(request.dialect)
        return dialect is not None and dialect.ask(request, done)

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> None:
        dialect = self._dialects.get(peer.dialect)
        if dialect is None:
            raise NotPossible(f"{peer.name}: nothing here speaks {peer.dialect}.")
        paired = await dialect.pair(peer, given)
        if paired.need is not None:
            raise PersonNeeded(paired.need.text, paired.need.kind.value, paired.need.fields)
        if paired.error is not None or paired.secrets is None:
            raise LinkLost(paired.error or f"{peer.name} could not be paired.")
        self._credentials.keep(peer.dialect, peer.key, paired.secrets)

    def restart(self, dialect: str) -> bool:
        """Its process is ended at once, and begun again; False where none is running."""
        return dialect in self._dialects and self._dialects[dialect].end()

    def forget(self, dialect: str, key: str) -> None:
        self._credentials.forget(dialect, key)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, dialect in self._dialects.items():
                group.create_task(dialect.run(), name=f"links of {name}")


class Dialect:
    """One dialect's process and what is wanted of it."""

    def __init__(
        self, name: str, place: Place, credentials: Credentials, python: Path, ended: Callable[[str], None]
    ) -> None:
        self._name = name
        self._ended = ended
        self._place = place
        self._credentials = credentials
        self._python = python
        self._wanted: dict[str, Peer] = {}
        self._up: set[str] = set()
        self._is_needed = asyncio.Event()
        if place.searches:
            self._is_needed.set()
        self._is_running = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._number = 0
        self._waiting: dict[int, Callable[[Paired], None]] = {}
        self._read_at_s = 0.0
        self._is_reading = False
        self._dropped_at_s: float | None = None
        self._is_troubled = False
        self.take: Callable[[FromLinks], bool] = lambda _: True
        self.may_read = asyncio.Event()
        self.may_read.set()

    # What is wanted.

    def open(self, peer: Peer) -> None:
        self._wanted[peer.key] = peer
        self._is_needed.set()
        self._order(self._opening(peer))

    def close(self, key: str) -> None:
        if self._wanted.pop(key, None) is not None:
            self._up.discard(key)
            self._order({"do": "close", "key": key})

    def ask(self, request: Request, done: Done) -> bool:
        if request.peer not in self._up or len(self._waiting) >= ASKS_MAX:
            return False
        number = self._expect(lambda paired: done(paired.error))
        is_taken = self._order({"do": "ask", "id": number, "key": request.peer, "body": dict(request.body)})
        if not is_taken:
            self._waiting.pop(number, None)
        return is_taken

    async def pair(self, peer: Peer, given: Mapping[str, str]) -> Paired:
        self._is_needed.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STARTS_WITHIN_S):
                await self._is_running.wait()
        answer: asyncio.Future[Paired] = asyncio.get_running_loop().create_future()

        def answered(paired: Paired) -> None:
            if not answer.done():
                answer.set_result(paired)

        secrets = dict(self._credentials.of(self._name, peer.key))
        number = self._expect(answered)
        order: JsonObject = {
            "do": "pair",
            "id": number,
            "peer": wire.peer_as_json(peer),
            "given": dict(given),
            "secrets": dict(secrets),
        }
        try:
            if not self._order(order):
                raise LinkLost(f"{peer.name}: the part of the hub that speaks {self._name} is not running.")
            async with asyncio.timeout(PAIR_S_MAX + ASK_S_MAX):
                return await answer
        except TimeoutError as err:
            raise LinkLost(f"{peer.name} did not finish pairing in time.") from err
        finally:
            self._waiting.pop(number, None)

    def _opening(self, peer: Peer) -> JsonObject:
        secrets = dict(self._credentials.of(self._name, peer.key))
        return {"do": "open", "peer": wire.peer_as_json(peer), "secrets": dict(secrets)}

    def _expect(self, done: Callable[[Paired], None]) -> int:
        self._number += 1
        self._waiting[self._number] = done
        return self._number

    def _order(self, order: JsonObject) -> bool:
        """False when nobody listens. Which links are to be kept is said in any case: one that reads nothing for long is ended."""
        stdin = self._process.stdin if self._process else None
        if stdin is None or stdin.is_closing():
            return False
        if order["do"] in _MAY_BE_REFUSED and stdin.transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            return False
        stdin.write(orjson.dumps(order) + b"\n")
        return True

    # The process.

    def end(self) -> bool:
        """It may hang, so it is not asked. `run` begins it again."""
        if self._process is None or self._process.returncode is not None:
            return False
        self._process.kill()
        return True

    async def run(self) -> None:
        """Until cancelled: begun when it is needed, and again when it ends."""
        backoff_s = BACKOFF_S_MIN
        loop = asyncio.get_running_loop()
        while True:
            await self._is_needed.wait()
            began_s = loop.time()
            reason = await self._live()
            if reason is None:
                self._is_needed.clear()
                continue
            log.warning("%s: %s", self._name, reason)
            self._ended(self._name)
            self._trouble(reason)
            if loop.time() - began_s > STEADY_S:
                backoff_s = BACKOFF_S_MIN
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _live(self) -> str | None:
        """Why the process ended; None if it is not to be begun again before somebody wants it."""
        options = ["search"] if self._place.searches else []
        place = [self._place.module, self._place.class_name, str(self._place.asks_at_once), *options]
        # Nothing of the settings: they may hold secrets of others.
        environment = {name: said for name, said in os.environ.items() if not name.startswith("NEXA_")}
        try:
            process = await asyncio.create_subprocess_exec(
                self._python,
                "-P",
                "-m",
                "hub_agent.adapters.links.host",
                *place,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=wire.LINE_BYTES_MAX,
                env=environment,
            )
        except OSError as err:
            return f"its process could not be started: {err}"
        self._process = process
        try:
            for peer in self._wanted.values():
                self._order(self._opening(peer))
            self._is_running.set()
            return await self._attend(process)
        finally:
            self._is_running.clear()
            self._process = None
            await _end(process)
            self._lose_all()

    async def _attend(self, process: asyncio.subprocess.Process) -> str | None:
        loop = asyncio.get_running_loop()
        self._read_at_s = loop.time()
        reading = asyncio.create_task(self._read(process))
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({reading, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                return watching.result()
            fault = reading.exception()
            if fault is not None:
                return f"its process said what could not be read ({type(fault).__name__})"
            code = await process.wait()
        finally:
            for task in (reading, watching):
                task.cancel()
            await asyncio.gather(reading, watching, return_exceptions=True)
        if code == NOT_INSTALLED:
            self._is_not_installed()
            return None
        return f"its process ended ({code})"

    async def _watch(self) -> str:
        """Returns when the process no longer answers."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while True:
            self._order({"do": "ping", "id": self._expect(lambda _: None)})
            await asyncio.sleep(PING_S)
            now_s = loop.time()
            # While we do not read, its answer cannot arrive.
            if self._is_reading and now_s - self._read_at_s > HUNG_S:
                return f"its process did not answer for {HUNG_S:.0f} s"
            if now_s - max(began_s, self._dropped_at_s or began_s) > CALM_S:
                # Also where no peer is there that could come up.
                self._dropped_at_s = None
                self._calm()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        loop = asyncio.get_running_loop()
        allowance, filled_at_s = float(wire.FRAMES_AT_ONCE_MAX), loop.time()
        while True:
            self._is_reading = True
            self._read_at_s = loop.time()
            line = await process.stdout.readline()
            self._is_reading = False
            self._read_at_s = loop.time()
            if not line:
                return
            is_taken = self._hear(orjson.loads(line))
            allowance += (self._read_at_s - filled_at_s) * wire.FRAMES_A_SECOND_MAX - 1
            allowance, filled_at_s = min(allowance, float(wire.FRAMES_AT_ONCE_MAX)), self._read_at_s
            if allowance < 0:
                await asyncio.sleep(-allowance / wire.FRAMES_A_SECOND_MAX)
            if not is_taken:
                self.may_read.clear()
                await self.may_read.wait()

    def _hear(self, said: Mapping[str, JsonValue]) -> bool:
        """False when no more can be taken for now."""
        match said["say"]:
            case "frame":
                return self.take(Frame(self._name, str(said["key"]), str(said["kind"]), said["body"]))
            case "link":
                return self._link_changed(said)
            case "found":
                peer = wire.peer_of(said["peer"])
                kind = f"{self._name}.search"
                return self.take(
                    Service("search", kind, peer.key, peer.hosts, peer.port, None, {"name": peer.name, **peer.txt})
                )
            case "keep":
                self._keep(str(said["key"]), wire.secrets_of(said["secrets"]))
            case "done":
                self._done(said)
            case "dropped":
                self._dropped_at_s = asyncio.get_running_loop().time()
                self._trouble(f"it says more than can be heard: {said['count']} of what it said were dropped")
        return True

    def _link_changed(self, said: Mapping[str, JsonValue]) -> bool:
        key, status = str(said["key"]), LinkStatus(str(said["status"]))
        if key not in self._wanted:
            return True
        if status is LinkStatus.UP:
            self._up.add(key)
            if self._dropped_at_s is None:
                self._calm()
        else:
            self._up.discard(key)
        reason = said["reason"]
        return self.take(
            LinkChanged(
                self._name, key, status, None if reason is None else str(reason), wire.need_of(said.get("need"))
            )
        )

    def _keep(self, key: str, secrets: Mapping[str, str]) -> None:
        try:
            self._credentials.keep(self._name, key, secrets)
        except OperatingError as err:
            log.error("%s", err)  # noqa: TRY400 its words are enough

    def _done(self, said: Mapping[str, JsonValue]) -> None:
        number, error, secrets = said["id"], said["error"], said.get("secrets")
        done = self._waiting.pop(number, None) if isinstance(number, int) else None
        if done is not None:
            told = None if secrets is None else wire.secrets_of(secrets)
            done(Paired(None if error is None else str(error), wire.need_of(said.get("need")), told))

    # When it goes wrong.

    def _lose_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done(Paired("the part of the hub that speaks with it ended", None, None))
        lost, self._up = self._up, set()
        for key in sorted(lost):
            self.take(LinkChanged(self._name, key, LinkStatus.DOWN, "the part of the hub that speaks with it ended"))

    def _is_not_installed(self) -> None:
        extra = self._place.extra or self._name
        text = f"The software for {self._name} is not installed: run the installer again without --light, or pip install 'nexa-hub[{extra}]' and restart the hub."
        for key in self._wanted:
            need = Need(NeedKind.SOFTWARE, text)
            self.take(LinkChanged(self._name, key, LinkStatus.NEEDS, text, need))

    def _trouble(self, reason: str) -> None:
        self._is_troubled = True
        self.take(DialectTroubled(self._name, reason))

    def _calm(self) -> None:
        if self._is_troubled:
            self._is_troubled = False
            self.take(DialectTroubled(self._name, None))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Asked first, by the end of its input; then killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
