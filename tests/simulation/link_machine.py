"""One machine of a hub: the real loop, inbox, link, definitions, commands and mirror; devices and automations are left out. It may die at any step."""

import asyncio
import inspect
import random
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from hub_agent.adapters.cloud import HttpCloud
from hub_agent.core.cloud_commands import CloudCommands
from hub_agent.core.sync.definitions import DefinitionChanged, Definitions
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import Lineage
from hub_agent.errors import MirrorFull
from hub_agent.model.effects import Announce, Answer, Outward, SaveDefinition
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import (
    ClockStepped,
    CloudCommand,
    DefinitionArrived,
    DefinitionsForgotten,
    DefinitionTaken,
    ScenePressed,
)
from hub_agent.ports import Identity, Moment, Remembered
from hub_agent.runtime.exchange import line_of
from hub_agent.runtime.inbox import Inbox
from hub_agent.runtime.loop import Loop
from hub_agent.runtime.uplink import Uplink
from hub_agent.store.retention import DiskSpace
from hub_agent.store.store import Mirror
from tests.simulation.link_wire import Gateway, Wire, WiredCloud
from tests.simulation.world import Crash

READING = {"open", "positions", "next_batch", "numbered", "gaps", "cases", "commands_done", "cursor", "close"}
DISK_BYTES = 3_000_000


class MachineClock:
    """`true_now` is the world's. The machine's may be wrong, until somebody tells it the time."""

    def __init__(self, true_now: Callable[[], datetime]) -> None:
        self._true_now = true_now
        self.behind = timedelta(0)
        self.is_trusted = True
        self.boots = 1
        self._booted_at_s = 0.0

    def now(self) -> Moment:
        elapsed_s = asyncio.get_running_loop().time() - self._booted_at_s
        return Moment(self._true_now() - self.behind, elapsed_s, f"boot-{self.boots}", self.is_trusted)

    async def confirm(self, behind_s: float) -> None:
        """As adapters/clock.py does."""
        self.behind -= timedelta(seconds=behind_s)
        self.is_trusted = True

    def boot(self, behind: timedelta | None) -> None:
        """With a clock that is right, or that is wrong by this much until somebody tells."""
        self.boots += 1
        self._booted_at_s = asyncio.get_running_loop().time()
        self.behind, self.is_trusted = behind or timedelta(0), behind is None


class Fate:
    """Where the process dies: by the seed, at any step. `died` is set then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.crash = 0.0
        self.is_disk_full = False
        self.free_part = 0.9
        self.died = asyncio.Event()

    def disk_space(self) -> DiskSpace:
        return DiskSpace(int(DISK_BYTES * self.free_part), DISK_BYTES)

    def step(self) -> None:
        if not self.died.is_set() and self.crash > 0 and self._chance.random() < self.crash:
            self.died.set()
        if self.died.is_set():
            raise Crash


class FatedMirror(Mirror):
    """The real mirror. The process may die before or after each call, and the disk may be full. `seen` is told of each call that was carried out."""

    def __init__(
        self,
        path: Path,
        new_id: Callable[[], str],
        fate: Fate,
        seen: Callable[[str, tuple[Any, ...]], None],
        *,
        is_power_cut: bool,
    ) -> None:
        super().__init__(path, new_id=new_id, inline=True, disk_space=fate.disk_space)
        self._fate = fate
        self._seen = seen
        self._synced_bytes = 0
        self._is_syncing = self._is_unmeasured = False
        # Being told of each statement costs a fifth of what the mirror does.
        self._is_watched = is_power_cut

    async def open(self, moment: Moment) -> Remembered:
        remembered = await super().open(moment)
        if self._is_watched:
            self._ledger.connection.set_trace_callback(self._trace)
            self._synced_bytes = self._wal_bytes()
        return remembered

    @property
    def records(self) -> Any:
        return self._ledger._records

    @property
    def tables(self) -> Any:
        return self._ledger._tables

    def shed(self, moment: Moment, free_part: float) -> None:
        """The disk fills up, and the housekeeping comes by."""
        self._fate.step()
        self._fate.free_part = free_part
        self._ledger._due.tidied_s = float("-inf")
        self._ledger.tidy(moment)
        self._fate.free_part = 0.9
        self._seen("shed", ())
        self._fate.step()

    def cut_power(self) -> None:
        """What was never fsynced may be gone; here it is. The write-ahead log is a file in order, so its end is missing."""
        self._measure()
        synced = self._synced_bytes
        # As a crash: SQLite must not fold the log into the file while it closes.
        folder = Path(tempfile.mkdtemp(dir=self.path.parent))
        for suffix in ("", "-wal"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                shutil.copy(part, folder / part.name)
        self.abandon()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        for part in folder.iterdir():
            part.rename(self.path.parent / part.name)
        folder.rmdir()
        log = self._wal
        if log.exists():
            with log.open("r+b") as kept:
                kept.truncate(min(synced, log.stat().st_size))

    @property
    def _wal(self) -> Path:
        return self.path.with_name(self.path.name + "-wal")

    def _wal_bytes(self) -> int:
        return self._wal.stat().st_size if self._wal.exists() else 0

    def _trace(self, statement: str) -> None:
        """Transactions say first whether they are synced; the end of one is measured when the next one begins."""
        if statement.startswith("PRAGMA synchronous"):
            self._measure()
            self._is_syncing = statement.endswith("FULL")
        elif statement.startswith("COMMIT") and self._is_syncing:
            self._is_unmeasured = True

    def _measure(self) -> None:
        if self._is_unmeasured:
            self._synced_bytes, self._is_unmeasured = self._wal_bytes(), False


def _fated(name: str, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(self: FatedMirror, *args: Any, **kwargs: Any) -> Any:
        self._fate.step()
        if self._fate.is_disk_full and name not in READING:
            raise MirrorFull("The mirror cannot grow: database or disk is full.")
        answer = await real(self, *args, **kwargs)
        self._seen(name, args)
        self._fate.step()
        return answer

    return call


for _name, _real in inspect.getmembers(Mirror, inspect.iscoroutinefunction):
    if not _name.startswith("_") and _name not in {"open", "close"}:
        setattr(FatedMirror, _name, _fated(_name, _real))


@dataclass(frozen=True)
class Deed:
    """Something that happens in the home: what of it is to be kept and done. Told when it is decided."""

    work: "Callable[[LinkHub, datetime], Sequence[Any]]"


class LinkHub:
    """As much of core/hub.py as the link has to do with."""

    listens_to_topics = False

    def __init__(self, remembered: Remembered) -> None:
        self.definitions = Definitions()
        self.definitions.restore(remembered.definitions, remembered.saved)
        self.commands = CloudCommands(
            lambda _automation: EntityId("automation.a"), lambda *_alert: [], lambda *_remedy, is_approved: []
        )
        self.revisions: dict[tuple[str, str], int] = {}
        # In which order definitions were decided to be kept, by the object: the loop may leave out all but the last one of a kind.
        self.kept: dict[int, tuple[int, Any]] = {}
        self._under_way: dict[str, datetime] = {}
        under_way = remembered.saved.get("cloud_commands", {})
        self.restored = self.commands.restore(remembered.cloud_commands_done, under_way, lambda _id: False)

    def handle(self, happened: Any, now: datetime) -> list[Any]:
        match happened:
            case DefinitionArrived(definition, _):
                given = self.definitions.arrived(definition, now)
            case DefinitionTaken():
                given = self.definitions.taken(happened, now)
            case CloudCommand():
                given = self._command(happened, now)
            case DefinitionsForgotten(keys):
                given = self.definitions.forgotten(keys)
            case ClockStepped(by):
                self._under_way = {each: at + by for each, at in self._under_way.items()}
                given = []
            case Deed(work):
                given = list(work(self, now))
            case _:
                given = []
        for each in given:
            if isinstance(each, SaveDefinition):
                self.kept[id(each.definition)] = (len(self.kept), each.definition)
        return [each for each in given if not isinstance(each, DefinitionChanged)]

    def get_timer(self) -> datetime | None:
        return min(self._under_way.values(), default=None)

    def handle_timer(self, now: datetime) -> list[Any]:
        """Scenes take a second."""
        due = sorted(each for each, at in self._under_way.items() if at <= now)
        given: list[Any] = []
        for command_id in due:
            del self._under_way[command_id]
            given += self.commands.end(Answer(command_id, {"devices_targeted": 1}))
        return given

    def _command(self, command: CloudCommand, now: datetime) -> list[Any]:
        given: list[Any] = []
        for each in self.commands.take(command, now):
            if isinstance(each, ScenePressed):
                self._under_way[command.id] = now + timedelta(seconds=1)
                given.append(Announce("pressed", {"id": command.id}))
            else:
                given.append(each)
        return given


@cache
def empty_mirror() -> bytes:
    """A new mirror's file: making one takes longer than copying it. Not while a loop runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mirror.db"
        mirror = Mirror(path, inline=True, new_id=lambda: "00000000-0000-4000-8000-000000000001")
        with asyncio.Runner() as runner:
            moment = Moment(datetime.fromisoformat("2026-03-01T00:00:00+00:00"), 0.0, "factory", is_trusted=True)
            runner.run(mirror.open(moment))
            runner.run(mirror.close(moment))
        return path.read_bytes()


@dataclass
class Machine:
    """The box: its disk and clock last, its process comes and goes."""

    name: str
    path: Path
    chance: random.Random
    clock: MachineClock
    gateway: Gateway
    claim_code: str
    new_id: Callable[[], str]
    seen: Callable[["Machine", str, tuple[Any, ...]], None]
    looked: Callable[[], None]
    pressed: Callable[[str], None]
    present: Callable[[], dict[str, Any]]
    is_http: bool = True
    is_power_cut: bool = True
    flow: Callable[[], Flow] = Flow
    lives: int = 0
    deaths: int = 0
    requests: int = 0
    hub: LinkHub | None = None
    loop: Loop | None = None
    inbox: Inbox | None = None
    uplink: Uplink | None = None
    mirror: FatedMirror | None = None
    wire: Wire | None = None
    fate: Fate = field(init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fate = Fate(random.Random(self.chance.getrandbits(64)))

    @property
    def is_alive(self) -> bool:
        return bool(self._tasks) and not self.fate.died.is_set()

    @property
    def identity(self) -> Identity:
        assert self.uplink is not None
        return self.uplink.identity

    def do(self, work: Callable[[LinkHub, datetime], Sequence[Any]]) -> None:
        """In the next batch; nothing when nobody lives."""
        if self.is_alive and self.inbox is not None:
            self.inbox.put(Deed(work))  # type: ignore[arg-type]

    async def start(self) -> None:
        self.lives += 1
        self.fate.died.clear()
        self.mirror = mirror = FatedMirror(
            self.path,
            self.new_id,
            self.fate,
            lambda name, args: self.seen(self, name, args),
            is_power_cut=self.is_power_cut,
        )
        remembered = await mirror.open(self.clock.now())
        self.seen(self, "open", ())
        crash, self.fate.crash = self.fate.crash, 0.0
        lineage = await line_of(mirror, remembered, self.new_id())
        self.fate.crash = crash
        self.hub = hub = LinkHub(remembered)
        self.inbox = inbox = Inbox(lambda: None)
        self.loop = Loop(
            hub=hub,
            decode=lambda _heard: [],
            store=mirror,
            clock=self.clock,
            inbox=inbox,
            carry_out=self._carry_out,
            on_commit=self._committed,
        )
        self.wire = Wire(self.gateway, random.Random(self.chance.getrandbits(64)), self.fate.step, self.looked)
        self.begun_anew = asyncio.Event()
        self.uplink = self._link(remembered, lineage, mirror, inbox, hub)
        inbox.put(Deed(lambda hub, _now: hub.restored))  # type: ignore[arg-type]
        self._tasks = [asyncio.ensure_future(self.loop.run()), asyncio.ensure_future(self.uplink.run())]

    async def stop(self, *, is_power_cut: bool = False) -> None:
        """As dead as it gets: nothing is written any more. What the tasks ended with is looked at."""
        assert self.mirror is not None
        self.fate.died.set()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        self.requests += self.wire.requests if self.wire else 0
        self.deaths += 1
        if is_power_cut:
            self.mirror.cut_power()
        else:
            self.mirror.abandon()
        for each in ended:
            _complain_of_fault(each)

    async def close(self) -> None:
        """In peace."""
        assert self.mirror is not None
        await self._end_tasks()
        await self.mirror.close(self.clock.now())

    async def _end_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for each in await asyncio.gather(*tasks, return_exceptions=True):
            _complain_of_fault(each)
        self.requests += self.wire.requests if self.wire else 0

    def _link(
        self, remembered: Remembered, lineage: Lineage, mirror: FatedMirror, inbox: Inbox, hub: LinkHub
    ) -> Uplink:
        identity = remembered.identity

        async def claimed(fresh: Identity, _answer: Any) -> None:
            if fresh.home_id != identity.home_id:
                self.begun_anew.set()
                await asyncio.Event().wait()

        assert self.wire is not None
        flow = self.flow()
        known: dict[str, Any] = {"hub_id": identity.hub_id, "secret": identity.secret, "spent": flow.spent}
        cloud: HttpCloud = WiredCloud(self.wire, **known)
        if self.is_http:
            cloud = HttpCloud("http://twin.local", transport=self.wire, **known)
        return Uplink(
            cloud=cloud,
            store=mirror,
            clock=self.clock,
            jitter=random.Random(self.chance.getrandbits(64)),
            identity=identity,
            address="http://twin.local",
            agent_version="0.1.0",
            hub_name=self.name,
            claim_code=self.claim_code,
            owed=hub.definitions.owed,
            owed_count=lambda: hub.definitions.owed_count,
            present=self.present,
            submit=inbox.submit,
            claimed=claimed,
            clock_confirmed=self.clock.confirm,
            changed=lambda _change: None,
            lineage=lineage,
            flow=flow,
            versions=hub.definitions.versions,
        )

    def _carry_out(self, effects: Iterable[Outward], _moment: Moment) -> None:
        for effect in effects:
            if isinstance(effect, Announce) and effect.topic == "pressed":
                self.pressed(str(effect.body["id"]))

    def _committed(self) -> None:
        if self.uplink is not None:
            self.uplink.wake()


def _complain_of_fault(ended: object) -> None:
    """A process that was killed ends with Crash; everything else is a fault of the agent."""
    if isinstance(ended, BaseExceptionGroup):
        rest = ended.split((Crash, asyncio.CancelledError))[1]
        if rest is not None:
            raise rest
    elif isinstance(ended, Exception):
        raise ended
