"""The one loop: batch in, decisions, one transaction, effects out."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from hub_agent.errors import MirrorCorrupt, MirrorError, MirrorFull
from hub_agent.model.effects import (
    Announce,
    AppendRecord,
    Durability,
    Effect,
    IssueCleared,
    IssueRaised,
    Outward,
    Persistent,
    Save,
    SaveCommand,
    SaveDefinition,
    SaveDevice,
    SendCommand,
    Warn,
)
from hub_agent.model.inputs import ClockStepped, Input, TopicHeard
from hub_agent.model.issue import Issue
from hub_agent.model.link import Frame, Service, ServiceGone
from hub_agent.model.report import Decoded, MqttMessage
from hub_agent.ports import Clock, Moment, Store
from hub_agent.runtime.flushing import Flushing
from hub_agent.runtime.inbox import Heard, Inbox, Submitted
from hub_agent.runtime.tally import Tally

log = logging.getLogger(__name__)

# Reports without effects are committed together, at the latest after this long or this many.
LAZY_S_MAX = 1.0
LAZY_EFFECTS_MAX = 5000
# Devices are large: while more than this many are written, somebody would wait for their lamp.
DESCRIPTIONS_MAX = 50

# While the mirror cannot be written, this much is kept in memory for when it can be; the oldest measurements go first.
UNSTORED_MAX = 50_000
# Meanwhile it is tried again this often: trying costs, and the home must not wait for it.
RETRY_S = 1.0

# Also when nothing happens the loop comes round, so that one can see that it lives.
IDLE_S_MAX = 2.0

# Clocks round: what is due a little later than now is waited for at least this long, so that time has passed then.
TICK_S = 0.001

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
        decode: Callable[[Heard], Sequence[Decoded]],
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
        self._flushing = Flushing(store, clock, carry_out, self._note_failure)
        self._unstored: list[Persistent] = []
        self._unstored_since_s = 0.0
        self._descriptions = 0
        # Of a clock that was wrong until now: (boot, by how much), not yet written for lack of room.
        self._corrections: list[tuple[str, float]] = []
        self._failure: MirrorError | None = None
        self._failed_at_s = 0.0
        self._last = clock.now()
        self._is_turning = False
        self._is_ending = False
        self._ended = asyncio.Event()
        self.handled = 0
        self.tally = Tally()
        self.beaten_at_s = self._last.monotonic_s

    @property
    def is_interrupted(self) -> bool:
        """A batch was left half-way: what is in memory and what is stored may differ, and only the mirror is right."""
        return self._is_turning

    async def run(self) -> None:
        """Until `end`, or until the mirror turns out to be damaged (MirrorCorrupt)."""
        try:
            while not self._is_ending:
                await self.turn()
        finally:
            self._ended.set()

    async def end(self) -> None:
        """Lets `run` finish the batch that it has begun. Cancelled in the middle, it could not know what is stored."""
        self._is_ending = True
        self._inbox.wake()
        await self._ended.wait()

    async def turn(self) -> None:
        """One batch, whole: decided, stored, done."""
        batch = await self._inbox.take(0.0 if len(self._inbox) else self._wait_s())
        self._is_turning = True
        await self._work_off(batch)
        self._is_turning = False

    async def _work_off(self, batch: Sequence[Heard | Submitted | Input]) -> None:
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
        await self._flushing.finish()

    def _handle(
        self,
        item: Heard | Submitted | Input,
        moment: Moment,
        effects: list[Effect],
        stored: "list[asyncio.Future[None]]",
    ) -> None:
        if isinstance(item, MqttMessage):
            for decoded in self._decode(item):
                effects += self._hub.handle(decoded, moment.wall)
            if self._hub.listens_to_topics:
                effects += self._hub.handle(TopicHeard(item), moment.wall)
        elif isinstance(item, Frame | Service | ServiceGone):
            for decoded in self._decode(item):
                effects += self._hub.handle(decoded, moment.wall)
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
            self._descriptions += isinstance(effect, SaveDevice | SaveDefinition)
            is_urgent = is_urgent or effect.durability > Durability.LAZY
        failure = None
        if self._unstored and (is_urgent or self._is_overdue(moment)):
            failure = await self._commit(moment, may_run_ahead=not stored)
        if self._flushing.is_under_way:
            await self._do_meanwhile(outward, moment, is_answered=bool(stored))
        elif outward:
            self._carry_out(outward, moment)
        _answer(stored, failure)
        if isinstance(failure, MirrorCorrupt):
            raise failure

    async def _do_meanwhile(self, outward: Sequence[Outward], moment: Moment, *, is_answered: bool) -> None:
        """While records are fsynced, commands go out, announcements keep their order, and all else waits."""
        if is_answered or any(not isinstance(each, SendCommand | Announce) for each in outward):
            await self._flushing.finish()
            self._carry_out(outward, moment)
            return
        self._flushing.tell_after(each for each in outward if isinstance(each, Announce))
        self._carry_out([each for each in outward if isinstance(each, SendCommand)], moment)

    def _is_overdue(self, moment: Moment) -> bool:
        # Compared as it is waited for, in `_wait_s`: floats that differ in the last place would make the loop spin.
        is_old = self._unstored_since_s + LAZY_S_MAX - moment.monotonic_s <= 0
        return is_old or len(self._unstored) >= LAZY_EFFECTS_MAX or self._descriptions >= DESCRIPTIONS_MAX

    async def _commit(self, moment: Moment, *, may_run_ahead: bool = False) -> MirrorError | None:
        """Why it could not be stored, if so: then it waits in memory and is tried again. `may_run_ahead`: of the fsync of records."""
        # Compared as it is waited for, as in `_is_overdue`.
        if self._failure is not None and self._failed_at_s + RETRY_S - moment.monotonic_s > 0:
            self._keep_bound(moment)
            return self._failure
        if self._descriptions > 1:
            self._unstored = _described_once(self._unstored)
        try:
            await self._correct()
            if not may_run_ahead or any(_is_built_on(each) for each in self._unstored):
                await self._store.commit(self._unstored, moment)
            elif not await self._store.commit_ahead(self._unstored, moment):
                self._flushing.begin()
        except MirrorError as err:
            self._note_failure(err, moment)
            return err
        self.tally.stored(self._unstored)
        self._unstored = []
        self._descriptions = 0
        if self._failure is not None:
            log.info("The mirror can be written again.")
            self._carry_out([IssueCleared(_issue_code(self._failure), "mirror")], moment)
            self._failure = None
        self._on_commit()
        return None

    def _note_failure(self, err: MirrorError, moment: Moment) -> None:
        """The home goes on: what could not be stored waits in memory, as far as there is room."""
        if self._failure is None:
            log.error("%s The home goes on; what happens now may not be remembered.", err)
            issue = Issue(_issue_code(err), "mirror", moment.wall, {"reason": str(err)})
            self._carry_out([IssueRaised(issue)], moment)
        # Cleared under the code under which it was raised.
        self._failure = self._failure or err
        self._failed_at_s = self._unstored_since_s = moment.monotonic_s
        self._keep_bound(moment)

    def _keep_bound(self, moment: Moment) -> None:
        if len(self._unstored) <= UNSTORED_MAX:
            return
        kept = _newest_of_each(self._unstored)
        excess = len(kept) - UNSTORED_MAX // 2
        dropped = {id(each) for each in [each for each in kept if isinstance(each, AppendRecord)][: max(0, excess)]}
        self._unstored = [each for each in kept if id(each) not in dropped]
        if dropped:
            text = f"The mirror cannot be written for so long that {len(dropped)} records had to be dropped."
            self._carry_out([Warn("records_dropped", text)], moment)

    async def _follow_clock(self, moment: Moment) -> None:
        before, self._last = self._last, moment
        step_s = (moment.wall - before.wall).total_seconds() - (moment.monotonic_s - before.monotonic_s)
        if abs(step_s) < CLOCK_STEP_S and moment.is_trusted == before.is_trusted:
            return
        log.log(
            logging.WARNING if abs(step_s) >= CLOCK_STEP_S else logging.INFO,
            "The clock was set by %+.1f s; it is %s.",
            step_s,
            "trusted" if moment.is_trusted else "not trusted",
        )
        if self._unstored:
            await self._commit(before)  # it happened by the old clock, and is corrected with the rest of it
        if not before.is_trusted and moment.is_trusted:
            self._corrections.append((moment.boot_id, step_s))
            await self._correct_or_note(moment)
        stepped = ClockStepped(timedelta(seconds=step_s), moment.is_trusted)
        await self._finish(self._hub.handle(stepped, moment.wall), moment, [])

    async def _correct_or_note(self, moment: Moment) -> None:
        try:
            await self._correct()
        except MirrorCorrupt:
            raise
        except MirrorError as err:
            self._note_failure(err, moment)

    async def _correct(self) -> None:
        """Before anything else is written: what was dated by the wrong clock is dated right."""
        while self._corrections:
            await self._store.trust_clock(*self._corrections[0])
            self._corrections.pop(0)

    def _wait_s(self) -> float:
        """Until the next timer, or until what waits for company is due."""
        waits = [IDLE_S_MAX]
        moment = self._clock.now()
        if self._unstored:
            waits.append(self._unstored_since_s + LAZY_S_MAX - moment.monotonic_s)
        due = self._hub.get_timer()
        if due is not None:
            waits.append((due - moment.wall).total_seconds())
        soonest = min(waits)
        return max(soonest, TICK_S) if soonest > 0 else 0.0


def _answer(stored: "Sequence[asyncio.Future[None]]", failure: MirrorError | None) -> None:
    for future in stored:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _is_built_on(effect: Persistent) -> bool:
    """What has to be durable before anything is done: all that asks for it but records, which tell what is over."""
    return effect.durability == Durability.FSYNC and not isinstance(effect, AppendRecord)


def _issue_code(err: MirrorError) -> str:
    return "disk_full" if isinstance(err, MirrorFull) else "mirror_unwritable"


def _described_once(effects: Sequence[Persistent]) -> list[Persistent]:
    """A device that announces its parts one by one is written once, as it is in the end, and as safely as any of it has to be."""
    newest: dict[object, SaveDevice | SaveDefinition] = {}
    kept: list[Persistent] = []
    for effect in reversed(effects):
        if not isinstance(effect, SaveDevice | SaveDefinition):
            kept.append(effect)
            continue
        later = newest.get(slot := _slot(effect))
        if later is None:
            newest[slot] = effect
            kept.append(effect)
        elif later.durability < effect.durability:
            newest[slot] = safer = replace(later, durability=effect.durability)
            kept[next(place for place, each in enumerate(kept) if each is later)] = safer
    kept.reverse()
    return kept


def _newest_of_each(effects: Iterable[Persistent]) -> list[Persistent]:
    """Of what is written over and over only the last, where it stands; records are all kept."""
    newest: dict[object, Persistent] = {}
    for effect in effects:
        slot = _slot(effect)
        newest.pop(slot, None)
        newest[slot] = effect
    return list(newest.values())


def _slot(effect: Persistent) -> object:
    match effect:
        case Save(room, key):
            return (Save, room, key)
        case SaveCommand(command):
            return (SaveCommand, command.id)
        case SaveDevice(device):
            return (SaveDevice, device.id)
        case SaveDefinition(definition):
            return (SaveDefinition, definition.kind, definition.id)
    return id(effect)
