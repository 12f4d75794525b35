"""One exchange with the cloud: gather what is owed, send it, take in the answer. Nothing is forgotten before it is confirmed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from hub_agent.core.sync.account import Account, Lost
from hub_agent.core.sync.definitions import OwedDefinition
from hub_agent.core.sync.envelope import (
    CASES_MAX,
    DEFINITIONS_MAX,
    GAPS_MAX,
    ROWS_MIN,
    Allowance,
    ClockReading,
    Envelope,
    IngestAnswer,
    Repair,
    Sender,
    encoded_columns,
    in_order,
    is_answer,
    read_answer,
)
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.isolation import Isolation
from hub_agent.core.sync.lineage import Lineage, begin_life
from hub_agent.core.sync.present import Told, streams_told
from hub_agent.core.sync.queued import Queued, is_only_records
from hub_agent.core.sync.told_time import behind_s, is_worth_setting
from hub_agent.errors import CloudError, CloudRefused, CloudUnreachable, MirrorFull
from hub_agent.model.effects import Durability, Save
from hub_agent.model.inputs import DefinitionTaken, Input
from hub_agent.model.json import JsonObject
from hub_agent.model.record import STREAMS, Priority
from hub_agent.ports import Case, Clock, Cloud, Gap, Identity, Moment, RecordBatch, Remembered, Store, StreamPosition
from hub_agent.runtime.reading_ahead import ReadingAhead, size_estimate

log = logging.getLogger(__name__)

# Measurements wait a little for company; nobody is waiting for them.
BULK_S = 5.0
# A deletion follows the records that point at what is deleted.
GONE_S = 1.0
# Never sooner than this, or the looking would be all there is.
LOOK_S = 0.1
# From so many rows on the loop is not held up for a whole envelope.
TURN_ROWS_MIN = 1000

# Of who we are, not of what we sent: nothing in the envelope is to blame.
IDENTITY_CODES = frozenset(
    {
        "hub_retired",
        "hub_unknown",
        "hub_mismatch",
        "secret_wrong",
        "unclaimed",
        "no_token",
        "token_missing",
        "token_invalid",
        "token_malformed",
        "token_expired",
        "role_unknown",
        "function_unknown",
    }
)

# Room and key of what is kept of the lives before.
LINEAGE_KEY = ("lineage", "line")
# And of the time, when it was known for certain.
TIME_KEY = ("told_time", "known_once")
KEEP_TIME_EVERY = timedelta(days=1)

Submit = Callable[[Sequence[Input]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`is_sent`: the cloud was spoken to; otherwise nothing was worth it. `is_more`: go on at once, it gets somewhere."""

    is_sent: bool
    is_more: bool = False
    pause_s: float = 0.0
    look_again_s: float = LOOK_S


async def line_of(store: Store, remembered: Remembered, incarnation: str) -> Lineage:
    """To be asked before this life has made anything."""
    return begin_life(
        remembered.saved.get(LINEAGE_KEY[0], {}).get(LINEAGE_KEY[1]),
        epoch=remembered.identity.epoch,
        incarnation=incarnation,
        positions=await store.positions(),
    )


class Exchange:
    def __init__(
        self,
        *,
        cloud: Cloud,
        store: Store,
        clock: Clock,
        identity: Identity,
        agent_version: str,
        owed: Callable[[int], Sequence[OwedDefinition]],
        owed_count: Callable[[], int],
        present: Callable[[], JsonObject],
        submit: Submit,
        clock_confirmed: Callable[[float], Awaitable[None]],
        lineage: Lineage,
        warned: Callable[[frozenset[str]], None],
        forked: Callable[[], None] = lambda: None,
        flow: Flow,
        known_once: datetime,
        account: Account,
    ) -> None:
        self._known_once = known_once
        self._account = account
        # Gaps that the cloud does not know of yet.
        self.untold: Sequence[Gap] = ()
        self._asked_at_s = 0.0
        self._flow = flow
        # Something waits that may not go yet.
        self._is_held = False
        self._lineage = lineage
        self._warned = warned
        self._forked = forked
        self._is_life_kept = False
        self._cloud = cloud
        self._store = store
        self._clock = clock
        self.identity = identity
        self._agent_version = agent_version
        self._owed = owed
        self._owed_count = owed_count
        self._present = present
        self._submit = submit
        self._clock_confirmed = clock_confirmed
        self.isolation = Isolation()
        self.queued = Queued()
        self._ahead = ReadingAhead(store)
        # The envelope before left something behind.
        self._was_cut = False
        self.positions: Sequence[StreamPosition] = ()
        # Where the cloud's mark was found below what it had confirmed.
        self._behind: dict[str, int] = {}
        # Deletions seen before everything that waited was sent: nothing points at them any more.
        self._gone_now: frozenset[str] = frozenset()
        self._drained_of: frozenset[str] = frozenset()
        self.start_afresh()

    def start_afresh(self) -> None:
        """After a time without the cloud: the present first, and all of it."""
        self._told = Told()
        self._sent_at_s = float("-inf")
        self._is_first = True

    def ask(self) -> None:
        """The next run speaks to the cloud, whether there is something to say or not."""
        self._sent_at_s = float("-inf")
        self._told.ask()

    async def look(self) -> Sequence[StreamPosition]:
        self.positions = await self._store.positions()
        return self.positions

    async def run(self) -> Exchanged:
        """Raises CloudError and MirrorError; whatever was sent and not confirmed is sent again next time."""
        moment = self._clock.now()
        if (free_in_s := self._flow.free_in_s(moment.monotonic_s)) > 0:
            return Exchanged(is_sent=False, look_again_s=free_in_s)
        self._is_held = False
        await self.begin_life()
        await self.look()
        envelope, is_cut = await self._gather(moment)
        wait_s = self._worth_after_s(envelope, moment)
        if wait_s > 0 and not is_cut:
            return self._put_off(envelope, wait_s)
        was_waiting = self.queued.is_waiting
        self._was_cut = is_cut
        if is_cut and envelope.batches and not self.isolation.is_searching:
            self._ahead.begin(envelope.batches[-1], self._flow.within(self.isolation.allowance))
        answer = await self._send(envelope)
        is_progress = await self._take_in(envelope, answer)
        is_drained = not (is_cut or self._is_held or self.queued.is_waiting)
        self._drained_of = self._gone_now if is_drained else frozenset()
        waits = is_cut or self._is_first or bool(self._behind) or self.isolation.is_searching
        is_gone_ready = bool(self._drained_of - {owed.id for owed in envelope.definitions})
        self._is_first = False
        is_more = (is_progress and (waits or is_gone_ready)) or self.queued.is_waiting or was_waiting
        return Exchanged(is_sent=True, is_more=is_more, pause_s=answer.pause_s)

    def _put_off(self, envelope: Envelope, wait_s: float) -> Exchanged:
        if self.isolation.is_searching:
            # Nothing to send this turn: the next one's may have.
            self.isolation.passed(())
            return Exchanged(is_sent=False, look_again_s=LOOK_S)
        if not envelope.batches and not self._is_held and not self.queued.is_waiting:
            self._drained_of = self._gone_now
        return Exchanged(is_sent=False, look_again_s=max(LOOK_S, min(wait_s, GONE_S) if self._gone_now else wait_s))

    # Whether we are still who we were.

    async def begin_life(self) -> None:
        """Once, before the cloud can hear of this life: a copy of the mirror made from now on knows of it."""
        if self._is_life_kept:
            return
        # The line is kept first; the epoch follows it, should the power have failed between the two.
        if not await self._keep_line_if_room(self._lineage):
            return
        if self.identity.epoch < self._lineage.epoch:
            await self._keep_epoch(self._lineage.epoch)
        self._is_life_kept = True

    async def _keep_line(self, lineage: Lineage) -> None:
        await self._store.commit([Save(*LINEAGE_KEY, lineage.as_json())], self._clock.now())
        self._lineage = lineage

    async def _keep_line_if_room(self, lineage: Lineage) -> bool:
        """A full disk must not keep the hub from sending what fills it. A line that was not kept costs a new epoch at most."""
        try:
            await self._keep_line(lineage)
        except MirrorFull:
            self._lineage = lineage
            return False
        return True

    async def _keep_epoch(self, epoch: int) -> None:
        identity = replace(self.identity, epoch=epoch)
        await self._store.save_identity(identity)
        self.identity = identity

    async def _begin_epoch(self, answer: IngestAnswer) -> None:
        """We are a copy: an older backup, or a second machine. What both of us may have made is mended in the old epoch."""
        line = self._lineage.forked(answer.fork_epoch or 0, answer.held, self.positions)
        text = ", ".join(f"{stream} {mark}" for stream, mark in sorted(answer.held.items())) or "nothing"
        log.warning(
            "The cloud knows another copy of this hub's mirror (%s): epoch %d begins; nothing is lost.",
            text,
            line.epoch,
        )
        await self._keep_line(line)
        await self._keep_epoch(line.epoch)
        self._behind.clear()
        self._ahead.drop()
        self.queued = Queued()
        # What the other copy told the cloud of definitions does not come by itself: it counts as said by us.
        self._forked()

    # What goes up.

    async def _gather(self, moment: Moment) -> tuple[Envelope, bool]:
        """The envelope, and whether more waits behind it."""
        now_s = moment.monotonic_s

        def wants(part: str) -> bool:
            return self.isolation.wants(part, now_s)

        definitions, are_definitions_cut = await self._definitions() if wants("definitions") else ((), False)
        cases = await self._store.cases(min(CASES_MAX, self.isolation.allowance.rows)) if wants("cases") else ()
        commands_done = await self._store.commands_done() if wants("commands_done") else ()
        self.untold = await self._store.gaps()
        shed = [gap for gap in self.untold if wants("gaps") and not self.isolation.is_set_aside(gap.stream, now_s)]
        batches: list[RecordBatch] = []
        repairs: list[Repair] = []
        gaps: list[Gap] = []
        is_cut = are_definitions_cut or self._is_first
        is_urgent = bool(definitions or cases or commands_done or self._gaps_in_reach(shed, ()))
        # Records point at definitions; and before the first answer neither the clock nor the way is known to be good.
        if not is_cut:
            repairs = await self._mends(now_s)
            is_cut = bool(repairs)
        if not is_cut and not self._travels_apart(now_s, is_urgent=is_urgent):
            batches, gaps, is_cut = await self._records(moment)
        elif not is_cut:
            is_cut = self._is_more_to_queue()
        gaps += self._gaps_in_reach(shed, batches)
        is_queue_turn = bool(batches) and self.queued.is_usual
        envelope = Envelope(
            self.sender(),
            ClockReading(moment.is_trusted, moment.boot_id, int(moment.monotonic_s * 1000), moment.wall),
            tuple(definitions),
            self._present_for(now_s) if wants("present") and not is_queue_turn else None,
            tuple(batches),
            tuple(cases),
            tuple(gaps),
            tuple(commands_done),
            repairs=tuple(repairs),
            queued=dict(self.queued.up_to),
            shared=frozenset(
                batch.stream for batch in batches if batch.first <= self._lineage.shared.get(batch.stream, 0)
            ),
        )
        return replace(envelope, may_wait=self._may_wait(envelope)), is_cut

    def _travels_apart(self, now_s: float, *, is_urgent: bool) -> bool:
        """Whether this envelope is for what the cloud's queue is not for; asking for the marks is such a thing."""
        return self.queued.is_usual and (is_urgent or self.queued.ask_in_s(now_s) <= 0)

    def _is_more_to_queue(self) -> bool:
        sent_up_to = self.queued.sent_up_to
        return not self.queued.is_full and any(
            each.waiting > 0 and each.last > sent_up_to(each.stream, each.acknowledged) for each in self.positions
        )

    def _may_wait(self, envelope: Envelope) -> bool:
        is_sure = not self._is_first and not envelope.shared and not self._behind and not self.isolation.is_searching
        streams = [batch.stream for batch in envelope.batches]
        return is_sure and self.queued.may_wait and is_only_records(envelope.parts(), streams)

    async def _mends(self, now_s: float) -> list[Repair]:
        """Of streams that have something to mend in the epoch before this one; they go on live when that is done."""
        repairs: list[Repair] = []
        left = self._flow.within(self.isolation.allowance)
        for stream in in_order(self._lineage.mends):
            if left.is_used_up or not self.isolation.wants(stream, now_s):
                continue
            mends = self._lineage.mends[stream]
            batch = await self._store.next_batch(stream, left.rows, left.bytes)
            rows = [] if batch is None else batch.rows[: max(0, mends.end + 1 - batch.first)]
            if batch is None or not rows:
                await self._store.acknowledge({stream: mends.end}, self._clock.now())
                await self._keep_line(self._lineage.mended(stream))
                continue
            repairs.append(Repair(replace(batch, rows=rows), mends.epoch))
            left = left.less(len(rows), size_estimate(batch))
        if repairs:
            return repairs
        await self.look()
        return []

    async def _definitions(self) -> tuple[list[OwedDefinition], bool]:
        owed = self._owed(min(DEFINITIONS_MAX, self.isolation.allowance.rows))
        if owed:
            # What is decided but not yet stored must not be known in the cloud first.
            await self._submit(())
        living = [each for each in owed if not each.is_deleted]
        gone = [each for each in owed if each.is_deleted]
        self._gone_now = frozenset(each.id for each in gone)
        # Records of what is deleted here may still wait: they go before it does.
        ready = [] if living else [each for each in gone if each.id in self._drained_of]
        is_cut = bool(living) and self._owed_count() > len(living) + len(gone)
        return [*living, *ready], is_cut

    async def _records(self, moment: Moment) -> tuple[list[RecordBatch], list[Gap], bool]:
        now_s, now = moment.monotonic_s, moment.wall
        left = self._flow.within(self.isolation.allowance)
        positions = {each.stream: each for each in self.positions}
        batches: list[RecordBatch] = []
        gaps: list[Gap] = []
        for stream in in_order(positions):
            position = positions[stream]
            if stream in self._lineage.mends:
                continue
            if not self.isolation.wants(stream, now_s) or (position.waiting <= 0 and stream not in self._behind):
                continue
            if left.is_used_up:
                return batches, gaps, True
            if stream not in self._behind and not self._flow.wants(position, now):
                self._is_held = True
                continue
            if stream in self._behind:
                batch = await self._again(stream, position, left, gaps)
            elif self.queued.is_full:
                continue
            else:
                sent_up_to = self.queued.sent_up_to(stream, position.acknowledged)
                batch = await self._ahead.take(stream, sent_up_to, left, self.untold)
                # A hole behind what is only queued: the gap is told when the marks are there.
                if batch is not None and sent_up_to > position.acknowledged and batch.first > sent_up_to + 1:
                    continue
            if batch is None or not batch.rows:
                continue
            batches.append(batch)
            left = left.less(len(batch.rows), size_estimate(batch))
            if batch.first + len(batch.rows) - 1 < position.last:
                return batches, gaps, True
        return batches, gaps, False

    def _gaps_in_reach(self, gaps: Sequence[Gap], batches: Sequence[RecordBatch]) -> list[Gap]:
        """Those up to which all is told by now. One further on waits, so that the cloud's mark never runs ahead of ours."""
        reach = {position.stream: position.acknowledged for position in self.positions}
        ends = {batch.stream: (batch.first, batch.first + len(batch.rows) - 1) for batch in batches}
        chosen: list[Gap] = []
        for gap in sorted(gaps, key=lambda gap: (gap.stream, gap.first)):
            first, last = ends.get(gap.stream, (0, 0))
            end = reach.get(gap.stream, 0)
            end = max(end, last) if first <= end + 1 else end
            if gap.first <= end + 1 and len(chosen) < GAPS_MAX:
                chosen.append(gap)
                reach[gap.stream] = max(end, gap.last)
        return chosen

    async def _again(
        self, stream: str, position: StreamPosition, left: Allowance, gaps: list[Gap]
    ) -> RecordBatch | None:
        """The cloud has less than it had confirmed: once more what is still here, a gap for what is not.

        A mark of nothing at all is no loss: the numbers below belong to an earlier epoch or an earlier claim.
        """
        mark = self._behind[stream]
        if mark == 0:
            gaps.append(Gap(stream, 1, position.acknowledged, 0, "before this epoch"))
            return await self._store.next_batch(stream, left.rows, left.bytes)
        last = min(position.acknowledged, mark + left.rows)
        here = await self._store.numbered(stream, range(mark + 1, last + 1))
        if here is None or here.first > mark + 1:
            gone_to = last if here is None else here.first - 1
            gaps.append(Gap(stream, mark + 1, gone_to, gone_to - mark, "lost in the cloud"))
        if here is None:
            return (
                await self._store.next_batch(stream, left.rows, left.bytes) if last == position.acknowledged else None
            )
        # Without holes, and as many as may go at a time.
        rows_max = max(1, len(here.rows) * left.bytes // max(1, size_estimate(here)))
        count = next((n for n, number in enumerate(here.numbers) if number != here.first + n), len(here.rows))
        return replace(here, rows=here.rows[: min(count, rows_max)], numbers=())

    def _present_for(self, now_s: float) -> JsonObject | None:
        if not self._told.is_due(now_s, self._flow.present_s):
            return None
        hub: JsonObject = {"streams": streams_told(self.positions), "measures_health": True}
        present = {**self._present(), "hub": hub}
        return self._told.next_word(present, now_s, self._flow.present_alone_s)

    @property
    def is_behind(self) -> bool:
        """The cloud has less than it had confirmed."""
        return bool(self._behind)

    def sender(self) -> Sender:
        identity = self.identity
        assert identity.hub_id is not None
        return Sender(
            identity.hub_id, identity.mirror_id, identity.epoch, self._agent_version, self._lineage.incarnations
        )

    def _worth_after_s(self, envelope: Envelope, moment: Moment) -> float:
        """0: now. Otherwise when it will be worth a request, if nothing happens in between."""
        since_s = moment.monotonic_s - self._sent_at_s
        ask_in_s = self.queued.ask_in_s(moment.monotonic_s)
        if envelope.definitions or envelope.cases or envelope.gaps or envelope.commands_done or envelope.repairs:
            return 0.0
        if ask_in_s <= 0:
            return 0.0
        if any(_is_urgent(batch.stream) or self.isolation.is_searching for batch in envelope.batches):
            return 0.0
        if envelope.batches and self._was_cut:  # the end of a backlog
            return 0.0
        return min((BULK_S if envelope.batches else self._flow.present_alone_s) - since_s, ask_in_s)

    # There and back.

    async def _send(self, envelope: Envelope) -> IngestAnswer:
        now_s = self._clock.now().monotonic_s
        parts, rows = envelope.parts(), envelope.row_count()
        self._asked_at_s = now_s
        try:
            raw = await self._cloud.ingest(await _encoded(envelope))
        except CloudError as err:
            self._ahead.drop()
            if isinstance(err, CloudRefused) and err.code == "envelope_too_large":
                self.isolation.too_large(parts, rows, now_s)
            elif isinstance(err, CloudRefused) and err.code not in IDENTITY_CODES:
                self.isolation.refused(parts, rows, now_s)
            raise
        if not is_answer(raw):
            raise CloudUnreachable(
                "The cloud answers with something else than marks. Is it NEXA's, and is the way to it open?"
            )
        self.isolation.passed(parts)
        last_made = {position.stream: position.last for position in self.positions}
        return read_answer(raw, envelope, last_made)

    async def _take_in(self, envelope: Envelope, answer: IngestAnswer) -> bool:
        """Whether anything got further by it."""
        await self._confirm_clock(answer)
        moment = self._clock.now()
        self.isolation.limit(answer.rows_max, answer.bytes_max)
        self._sent_at_s = moment.monotonic_s
        if answer.queued_at is not None:
            self.queued.took(envelope.reach(), self._acknowledged(), answer.queued_at, moment.monotonic_s)
            return True
        if envelope.may_wait:
            self.queued.answered_directly()
        self._warned(answer.warnings)
        if answer.fork_epoch is not None or answer.beyond or self._lineage.is_outrun(answer.held):
            await self._begin_epoch(answer)
            return True
        if self._lineage.floor is not None or self._lineage.is_new or len(self._lineage.incarnations) > 1:
            await self._keep_line_if_room(self._lineage.answered())
        is_ahead = await self._acknowledge(envelope, answer, moment)
        if envelope.present is not None:
            self._told.took(envelope.present, moment.monotonic_s)
        if answer.definitions:
            await self._submit(_taken(envelope, answer))
        for refused in answer.refused:
            log.warning("The cloud put a record aside: %s %s: %s", refused.stream, refused.seq, refused.reason)
        await self._keep_account(self._account.note_refused(answer.refused, moment.wall))
        is_done = bool(answer.definitions or answer.cases or envelope.commands_done)
        return is_ahead or is_done or self._is_first

    async def _keep_account(self, effects: Sequence[Save]) -> None:
        """What people are told must not keep the hub from sending."""
        if effects:
            with suppress(MirrorFull):
                await self._store.commit(effects, self._clock.now())

    async def _acknowledge(self, envelope: Envelope, answer: IngestAnswer, moment: Moment) -> bool:
        before = self._acknowledged()
        marks = {stream: mark for stream, mark in answer.marks.items() if mark > before.get(stream, 0)}
        self.queued.heard(before | marks, answer.written, moment.monotonic_s)
        # What was mended is there now, or was put aside for good: either way it is answered.
        told_of = envelope.parts() | {gap.stream for gap in envelope.gaps}
        not_taken = {refused.stream for refused in answer.refused if refused.seq is None} & told_of
        for stream in sorted(not_taken):
            # A cloud that does not know it, say: the others do not wait for it, and it is tried again later.
            self.isolation.refused([stream], ROWS_MIN, moment.monotonic_s)
        marks |= {
            each.batch.stream: each.batch.first + len(each.batch.rows) - 1
            for each in envelope.repairs
            if each.batch.stream not in not_taken
        }
        is_ahead = self._follow_behind(answer, before) or bool(marks)
        if marks:
            await self._store.acknowledge(marks, moment)
        own = set(await self._store.gaps()) if envelope.gaps else set()
        # Where the mark stays below, numbers before it are missing there: it is told again behind them.
        passed = [gap for gap in envelope.gaps if answer.marks.get(gap.stream, 0) >= gap.last]
        gaps = [gap for gap in passed if isinstance(gap, Gap) and gap in own]
        if gaps:
            is_ahead = True
            await self._store.acknowledge_gaps(gaps)
            self.untold = [gap for gap in self.untold if gap not in gaps]
            await self._keep_account(self._account.note_shed(lost_by(gaps)))
        cases = [case for case in envelope.cases if isinstance(case, Case) and (case.table, case.id) in answer.cases]
        if cases:
            await self._store.acknowledge_cases(cases)
        if envelope.commands_done:
            await self._store.acknowledge_commands_done([str(done["id"]) for done in envelope.commands_done])
        return is_ahead

    def _acknowledged(self) -> dict[str, int]:
        return {position.stream: position.acknowledged for position in self.positions}

    def _follow_behind(self, answer: IngestAnswer, before: dict[str, int]) -> bool:
        is_ahead = False
        for stream, mark in sorted(self._behind.items()):
            now = answer.marks.get(stream, mark)
            is_ahead = is_ahead or now > mark
            self._behind[stream] = now
            if now >= before.get(stream, 0):
                del self._behind[stream]
        for stream, mark in answer.missing.items():
            if stream not in self._behind and mark < before.get(stream, 0):
                log.warning("The cloud has %s up to %d only: sending what is missing.", stream, mark)
                self._behind[stream] = mark
                is_ahead = True
        return is_ahead

    async def _confirm_clock(self, answer: IngestAnswer) -> None:
        if answer.server_time is None:
            return
        now = self._clock.now()
        round_trip_s = now.monotonic_s - self._asked_at_s
        behind = behind_s(answer.server_time, now.wall, round_trip_s, self._known_once)
        if behind is None and not now.is_trusted:
            text = "The cloud says that it is %s, which is not believed (%.0f s after it was asked)."
            log.warning(text, answer.server_time, round_trip_s)
        if behind is not None and (not now.is_trusted or is_worth_setting(behind, round_trip_s)):
            await self._clock_confirmed(behind)
        await self._keep_time()

    async def _keep_time(self) -> None:
        """So that a hub that wakes up without a clock knows when it is not."""
        now = self._clock.now()
        if now.is_trusted and not self._known_once <= now.wall < self._known_once + KEEP_TIME_EVERY:
            self._known_once = now.wall
            # A full disk must not keep the cloud's answer from freeing it.
            with suppress(MirrorFull):
                await self._store.commit([Save(*TIME_KEY, {"at": now.wall.isoformat()}, Durability.COMMIT)], now)


def lost_by(gaps: Sequence[Gap]) -> list[Lost]:
    return [Lost(gap.stream, gap.reason, gap.count, gap.from_at, gap.to_at) for gap in gaps]


async def _encoded(envelope: Envelope) -> bytes:
    """The home gets its turn between the columns of a large envelope."""
    columns: dict[str, dict[str, orjson.Fragment]] = {}
    try:
        for batch in envelope.batches:
            if len(batch.rows) >= TURN_ROWS_MIN:
                encoded = columns.setdefault(batch.stream, {})
                for name, values in encoded_columns(batch):
                    encoded[name] = values
                    await asyncio.sleep(0)
    except TypeError:
        return envelope.encode()
    return envelope.encode(columns)


def _taken(envelope: Envelope, answer: IngestAnswer) -> list[Input]:
    sent = {(owed.kind, owed.id): owed for owed in envelope.definitions}
    return [
        DefinitionTaken(
            each.kind,
            each.id,
            each.status,
            each.version,
            None if sent[each.kind, each.id].is_deleted else sent[each.kind, each.id].fields,
            each.fields,
            each.is_deleted,
            each.error,
            each.existing_id,
            each.changed_at,
            each.changed_by,
        )
        for each in answer.definitions
    ]


def _is_urgent(stream: str) -> bool:
    declared = STREAMS.get(stream)
    return declared is not None and declared.priority is not Priority.BULK
