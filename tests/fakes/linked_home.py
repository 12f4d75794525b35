"""A home that is nothing but its link to the cloud: definitions, a store and the uplink, under virtual time, with crashes."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import async_solipsism

from hub_agent.core.sync.account import ACCOUNT_ROOM, Account
from hub_agent.core.sync.definitions import DefinitionChanged, Definitions
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.lineage import begin_life
from hub_agent.model.effects import AppendCase, AppendRecord, CloudCommandDone, Save, SaveDefinition
from hub_agent.model.inputs import CloudCommand, DefinitionArrived, DefinitionsForgotten, DefinitionTaken
from hub_agent.ports import Change, Cloud, Identity, Moment
from hub_agent.runtime.deciding import disputes_of
from hub_agent.runtime.uplink import Uplink
from tests.fakes.memory_store import MemoryStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSISTENT = (Save, SaveDefinition, AppendRecord, AppendCase, CloudCommandDone)

Answer = TypeVar("Answer")


def live(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Runs it on a loop whose time passes at once."""
    loop = async_solipsism.EventLoop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


class VirtualClock:
    """`behind_s`: how far the wall clock is behind the true time."""

    def __init__(self, *, behind_s: float = 0.0, is_trusted: bool = True) -> None:
        self.behind_s = behind_s
        self.is_trusted = is_trusted

    def true_now(self) -> datetime:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())

    def now(self) -> Moment:
        seconds = asyncio.get_running_loop().time()
        return Moment(self.true_now() - timedelta(seconds=self.behind_s), seconds, "boot-1", self.is_trusted)


class LinkedHome:
    def __init__(
        self,
        cloud: Cloud,
        clock: VirtualClock,
        *,
        claim_code: str | None = None,
        store: MemoryStore | None = None,
        seed: int = 0,
        name: str = "hub",
    ) -> None:
        self.name = name
        self.cloud = cloud
        self.clock = clock
        self.claim_code = claim_code
        self.store = store or MemoryStore(Identity("home-of-its-own", None, None, "mirror-1"))
        self.jitter = random.Random(seed)
        self.devices_seen: dict[str, Any] = {}
        self.commands: list[CloudCommand] = []
        self.news: list[DefinitionChanged] = []
        self.changes: list[Change] = []
        self.warnings: list[Any] = []
        self.offsets: list[float] = []
        self.warned: list[frozenset[str]] = []
        self.lives = 0
        self.flow: Flow | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.crash()

    def start(self) -> None:
        """From what the store remembers, and nothing else."""
        self._unstored: list[Any] = []
        self.definitions = Definitions()
        self.definitions.restore(self.store.definitions.values(), self.store.saved)
        self.uplink = Uplink(
            cloud=self.cloud,
            store=self.store,
            clock=self.clock,
            jitter=self.jitter,
            identity=self.store.identity,
            address="https://cloud.example",
            agent_version="0.1.0",
            hub_name="hall",
            claim_code=self.claim_code,
            versions=self.definitions.versions,
            owed=self.definitions.owed,
            owed_count=lambda: self.definitions.owed_count,
            present=lambda: {
                "devices": dict(self.devices_seen),
                "automations": {},
                "scenes": {},
                "hub": {"waiting": {}},
            },
            submit=self.submit,
            claimed=self._claimed,
            clock_confirmed=self._clock_confirmed,
            changed=self.changes.append,
            lineage=begin_life(
                self.store.saved.get("lineage", {}).get("line"),
                epoch=self.store.identity.epoch,
                incarnation=self._next_incarnation(),
                positions=self.store.positions_now(),
            ),
            warned=self.warned.append,
            flow=self.flow,
            account=Account(self.store.saved.get(ACCOUNT_ROOM)),
            disputes=lambda: disputes_of(self.definitions),
        )
        self._task = asyncio.create_task(self.uplink.run())

    def _next_incarnation(self) -> str:
        self.lives += 1
        return f"{self.name} life {self.lives}"

    async def crash(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def restart(self) -> None:
        await self.crash()
        self.start()

    async def submit(self, inputs: Sequence[Any]) -> None:
        outcomes: list[Any] = []
        done: list[CloudCommand] = []
        now = self.clock.now().wall
        for each in inputs:
            match each:
                case DefinitionArrived(definition, _):
                    outcomes += self.definitions.arrived(definition, now)
                case DefinitionTaken():
                    outcomes += self.definitions.taken(each, now)
                case DefinitionsForgotten(keys):
                    outcomes += self.definitions.forgotten(keys)
                case CloudCommand(command_id) if command_id not in self.store.ever_done:
                    done.append(each)
                    outcomes.append(CloudCommandDone(command_id, "done", {"devices": 1}))
        await self.keep(outcomes)
        self.commands += done

    async def keep(self, outcomes: Sequence[Any]) -> None:
        self.news += [each for each in outcomes if isinstance(each, DefinitionChanged)]
        self.warnings += [each for each in outcomes if not isinstance(each, (DefinitionChanged, *PERSISTENT))]
        effects = [each for each in outcomes if isinstance(each, PERSISTENT)]
        self._unstored += effects
        await asyncio.sleep(0)
        if self._unstored:
            # What cannot be stored now waits in memory, and its inputs count as not yet taken in.
            await self.store.commit(self._unstored, self.clock.now())
            self._unstored = []
            self.uplink.wake()

    async def edit(self, kind: str, definition_id: str, fields: dict[str, Any]) -> None:
        await self.keep(self.definitions.edit(kind, definition_id, fields, self.clock.now().wall))

    async def add_device(self, device_id: str, name: str = "lamp") -> None:
        await self.edit("device", device_id, {"device_name": name, "device_type": "light", "capabilities": {}})

    async def record(self, stream: str, *rows: dict[str, Any]) -> None:
        await self.keep([AppendRecord(stream, row) for row in rows])

    async def _claimed(self, identity: Identity, answer: Any) -> None:
        self.claim_answer = answer

    async def _clock_confirmed(self, offset_s: float) -> None:
        if self.clock.is_trusted:
            return
        self.offsets.append(offset_s)
        self.clock.is_trusted = True
        self.clock.behind_s -= offset_s


def telemetry(device_id: str, n: int) -> dict[str, Any]:
    return {
        "time": NOON + timedelta(seconds=n),
        "device_id": device_id,
        "metric_type": "temperature",
        "value": float(n),
        "unit": "°C",
    }


def execution(automation_id: str, record_id: str, n: int) -> dict[str, Any]:
    at = NOON + timedelta(seconds=n)
    return {
        "id": record_id,
        "time": at,
        "automation_id": automation_id,
        "triggered_by": "state",
        "status": "success",
        "started_at": at,
    }


def device_state(device_id: str, record_id: str, n: int) -> dict[str, Any]:
    return {
        "id": record_id,
        "device_id": device_id,
        "state": {"light.a": {"state": "on", "attributes": {"brightness": n}}},
        "changed_fields": ["light.a.brightness"],
        "change_source": "manual",
        "created_at": NOON + timedelta(seconds=n),
    }
