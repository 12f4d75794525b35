"""The one loop: batch in, decisions, one transaction, effects out."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hub_agent.errors import MirrorError
from hub_agent.model.effects import AppendRecord, Durability, Effect, IssueCleared, IssueRaised, Outward, Persistent
from hub_agent.model.inputs import ClockStepped, Input, TopicHeard
from hub_agent.model.issue import Issue
from hub_agent.model.report import Decoded, MqttMessage
from hub_agent.ports import Clock, Moment, Store
from hub_agent.runtime.inbox import Inbox, Submitted

log = logging.getLogger(__name__)

# Reports without effects are committed together, at the latest after this long or this many.
LAZY_S_MAX = 1.0
LAZY_EFFECTS_MAX = 5000

# While the disk is full, this much is kept in memory for when it has room again; the oldest measurements go first.
UNSTORED_MAX = 50_000

# Also when nothing happens the loop comes round, so that one can see that it lives.
IDLE_S_MAX = 2.0

# A wall clock that moves this much against the monotonic one was set by somebody.
CLOCK_STEP_S = 2.0


class Decider(Protocol):
    """What the loop needs of the core."""

    @property
    def listens_to_topics(self) -> bool: ...

    def handle(self, happened: Input, now: datetime) -> list[Effect]: ...

    def get_timer(self) -> datetime | None: ...

    def handle_timer(self, now: datetime) -> list[Effect]: ...


class Loop:
    def __init__(
        self,
        *,
        hub: Decider,
        decode: Callable[[MqttMessage], Sequence[Decoded]],
        store: Store,
        clock: Clock,
        inbox: Inbox,
        carry_out: Callable[[Iterable[Outward], Moment], None],
        on_commit: Callable[[], None],
    ) -> None:
        self._hub = hub
        self._decode = decode
        self._store = store
        self._clock = clock
        self._inbox = inbox
        self._carry_out = carry_out
        self._on_commit = on_commit
        self._unstored: list[Persistent] = []
        self._unstored_since_s = 0.0
        self._is_disk_full = False
        self._last = clock.now()
        self.handled = 0
        self.beaten_at_s = self._last.monotonic_s

    async def run(self) -> None:
        while True:
            await self.turn()

    async def turn(self) -> None:
        """One batch, whole: decided, stored, done."""
        batch = await self._inbox.take(self._wait_s())
        moment = self._clock.now()
        self.beaten_at_s = moment.monotonic_s
        await self._follow_clock(moment)
        effects: list[Effect] = []
        stored: list[asyncio.Future[None]] = []
        for item in batch:
            self._handle(item, moment, effects, stored)
        due = self._hub.get_timer()
        if due is not None and due <= moment.wall:
            effects += self._hub.handle_timer(moment.wall)
        self.handled += len(batch)
        await self._finish(effects, moment, stored)

    async def begin(self, effects: list[Effect]) -> None:
        """What came of restoring and starting: stored and done like any other decision."""
        await self._finish(effects, self._clock.now(), [])

    async def flush(self) -> None:
        """Commits what waits for company."""
        if self._unstored:
            await self._commit(self._clock.now())

    def _handle(
        self,
        item: MqttMessage | Submitted | Input,
        moment: Moment,
        effects: list[Effect],
        stored: "list[asyncio.Future[None]]",
    ) -> None:
        if isinstance(item, MqttMessage):
            for decoded in self._decode(item):
                effects += self._hub.handle(decoded, moment.wall)
            if self._hub.listens_to_topics:
                effects += self._hub.handle(TopicHeard(item), moment.wall)
        elif isinstance(item, Submitted):
            for each in item.inputs:
                effects += self._hub.handle(each, moment.wall)
            stored.append(item.stored)
        else:
            effects += self._hub.handle(item, moment.wall)

    async def _finish(self, effects: list[Effect], moment: Moment, stored: "list[asyncio.Future[None]]") -> None:
        outward: list[Outward] = []
        is_urgent = bool(stored)
        for effect in effects:
            if isinstance(effect, Outward):
                outward.append(effect)
                continue
            if not self._unstored:
                self._unstored_since_s = moment.monotonic_s
            self._unstored.append(effect)
            is_urgent = is_urgent or effect.durability > Durability.LAZY
        if self._unstored and (is_urgent or self._is_overdue(moment)):
            await self._commit(moment)
        if outward:
            self._carry_out(outward, moment)
        for future in stored:
            if not future.done():
                future.set_result(None)

    def _is_overdue(self, moment: Moment) -> bool:
        is_old = moment.monotonic_s - self._unstored_since_s >= LAZY_S_MAX
        return is_old or len(self._unstored) >= LAZY_EFFECTS_MAX

    async def _commit(self, moment: Moment) -> None:
        try:
            await self._store.commit(self._unstored, moment)
        except MirrorError as err:
            self._keep_unstored(err, moment)
            return
        self._unstored = []
        if self._is_disk_full:
            self._is_disk_full = False
            log.info("The mirror can be written again.")
            self._carry_out([IssueCleared("disk_full", "mirror")], moment)
        self._on_commit()

    def _keep_unstored(self, err: MirrorError, moment: Moment) -> None:
        """The home goes on: what could not be stored waits in memory, as far as there is room."""
        if not self._is_disk_full:
            log.error("%s The home goes on; what happens now may not be remembered.", err)
            self._is_disk_full = True
            details = {"reason": str(err), "path": "the state directory"}
            self._carry_out([IssueRaised(Issue("disk_full", "mirror", moment.wall, details))], moment)
        self._unstored_since_s = moment.monotonic_s
        excess = len(self._unstored) - UNSTORED_MAX
        if excess > 0:
            lazy = [each for each in self._unstored if isinstance(each, AppendRecord)][:excess]
            dropped = {id(each) for each in lazy}
            self._unstored = [each for each in self._unstored if id(each) not in dropped]

    async def _follow_clock(self, moment: Moment) -> None:
        before, self._last = self._last, moment
        step_s = (moment.wall - before.wall).total_seconds() - (moment.monotonic_s - before.monotonic_s)
        if abs(step_s) < CLOCK_STEP_S and moment.is_trusted == before.is_trusted:
            return
        log.warning(
            "The clock was set by %+.1f s; it is %s.", step_s, "trusted" if moment.is_trusted else "not trusted"
        )
        await self.flush()
        if not before.is_trusted and moment.is_trusted:
            await self._store.trust_clock(moment.boot_id, step_s)
        stepped = ClockStepped(timedelta(seconds=step_s), moment.is_trusted)
        await self._finish(self._hub.handle(stepped, moment.wall), moment, [])

    def _wait_s(self) -> float:
        """Until the next timer, or until what waits for company is due."""
        waits = [IDLE_S_MAX]
        moment = self._clock.now()
        if self._unstored:
            waits.append(self._unstored_since_s + LAZY_S_MAX - moment.monotonic_s)
        due = self._hub.get_timer()
        if due is not None:
            waits.append((due - moment.wall).total_seconds())
        return max(0.0, min(waits))
