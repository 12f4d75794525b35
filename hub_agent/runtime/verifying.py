"""Compares hub and cloud, and sends again what the cloud lost: when somebody asks, and once a day in quiet time."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta, tzinfo

from hub_agent.core.sync.envelope import ClockReading, Envelope, in_order
from hub_agent.core.sync.flow import Flow
from hub_agent.core.sync.pace import Pace
from hub_agent.core.sync.prints import key_of
from hub_agent.core.sync.verifying import (
    Ask,
    Heard,
    Mend,
    Read,
    Report,
    Send,
    Step,
    StreamReport,
    Taken,
    Versions,
    quiet_time_after,
    verify,
)
from hub_agent.errors import CloudRefused, CloudUnreachable, NotPossible, OperatingError
from hub_agent.model.inputs import DefinitionsForgotten
from hub_agent.model.json import JsonObject
from hub_agent.model.record import STREAMS
from hub_agent.ports import Clock, Cloud, RecordBatch, Store, StreamPosition
from hub_agent.runtime.exchange import IDENTITY_CODES, Exchange, Submit

log = logging.getLogger(__name__)

# As long as what is sent is kept; older records are there only where they could not be sent.
DAYS = 8
DAYS_MAX = 400
# A little rest between two stretches: the home comes first.
REST_S = 0.02
# What waits to be sent goes first; but not for ever.
LIVE_FIRST_S_MAX = 60.0
LIVE_FIRST_S = 0.5
TRIES_MAX = 6
# After the cloud was found to have lost records: when those that follow on each other are there again.
SOON_S = 120.0
AGAIN_S = 3600.0
# How often it is looked whether the cloud is back, and whether the time is known.
LOOK_AGAIN_S = 60.0
CLOCK_S = 3600.0


class Verifier:
    """`turn` is held while the cloud is spoken to, as by the link itself. `is_busy`: live records could go at once."""

    def __init__(
        self,
        *,
        cloud: Cloud,
        store: Store,
        clock: Clock,
        exchange: Exchange,
        flow: Flow,
        turn: asyncio.Lock,
        jitter: random.Random,
        is_online: Callable[[], bool],
        is_busy: Callable[[], bool],
        versions: Callable[[], Versions],
        time_zone: Callable[[], tzinfo],
        submit: Submit,
        read_all: Callable[[], None],
    ) -> None:
        self._cloud = cloud
        self._store = store
        self._clock = clock
        self._exchange = exchange
        self._flow = flow
        self._turn = turn
        self._jitter = jitter
        self._is_online = is_online
        self._is_busy = is_busy
        self._versions = versions
        self._time_zone = time_zone
        self._submit = submit
        self._read_all = read_all
        # The same each night and in each life, or it might be done twice in one.
        self._chance = random.Random(exchange.identity.mirror_id).random()
        self._is_running = False
        self._soon_s: float | None = None
        self._woken = asyncio.Event()
        self.last: JsonObject | None = None

    def soon(self) -> None:
        """There is reason to look: the cloud lost something, or was asked to be read anew."""
        if self._soon_s is None:
            self._soon_s = self._clock.now().monotonic_s + SOON_S
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled: once a night, and when there is reason to."""
        night_s: float | None = None
        while True:
            self._woken.clear()
            if night_s is None:
                night_s = self._next_night_s()
            now_s = self._clock.now().monotonic_s
            due_s = min((each for each in (night_s, self._soon_s) if each is not None), default=float("inf"))
            if due_s <= now_s and self._is_online() and not self._is_running:
                await self._verify_by_itself()
                night_s = None
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(due_s - now_s, LOOK_AGAIN_S), CLOCK_S)):
                    await self._woken.wait()

    async def _verify_by_itself(self) -> None:
        self._soon_s = None
        try:
            async for _ in self.verify(DAYS, None):
                pass
        except OperatingError as err:
            log.info("Hub and cloud could not be compared: %s", err)
            self._soon_s = self._clock.now().monotonic_s + AGAIN_S
        except Exception:  # the link must not stop because comparing has a fault
            log.exception("Comparing hub and cloud has a fault; it is tried again in the night.")

    async def verify(self, days: int, stream: str | None) -> AsyncGenerator[JsonObject, None]:
        """As Door.verify gives it."""
        if stream is not None and stream not in STREAMS:
            raise NotPossible(f"There is no stream {stream}. There are: {', '.join(sorted(STREAMS))}.")
        if not 1 <= days <= DAYS_MAX:
            raise NotPossible(f"Between 1 and {DAYS_MAX} days can be compared.")
        if self._is_running:
            raise NotPossible("Hub and cloud are being compared already. Try again when that is done.")
        if not self._is_online():
            raise NotPossible("The cloud cannot be reached now. What it lacks is found when it is back.")
        self._is_running = True
        try:
            yield {"progress": 0.0}
            async for said in self._verify(days, [stream] if stream else in_order(STREAMS), has_definitions=not stream):
                yield said
        finally:
            self._is_running = False

    async def _verify(
        self, days: int, streams: Sequence[str], *, has_definitions: bool
    ) -> AsyncGenerator[JsonObject, None]:
        now = self._clock.now().wall
        first = now.date() - timedelta(days=days - 1)
        since = datetime.combine(first, datetime.min.time(), now.tzinfo)
        report = Report()
        # What is on its way is known on both sides first.
        await self._submit(())
        talk = verify(streams, first, now.date(), self._versions() if has_definitions else None, report)
        heard: Heard = None
        positions = {each.stream: each for each in await self._store.positions()}
        while True:
            try:
                step = talk.send(heard)
            except StopIteration:
                break
            if isinstance(step, Read):
                yield {"progress": _progress(step, streams, positions)}
            heard = await self._carry_out(step, since)
        self.last = _as_json(report, first.isoformat(), now)
        log.log(logging.INFO if report.is_agreed else logging.WARNING, "%s", self.last["text"])
        yield {"verified": self.last}

    # What is wanted, done.

    async def _carry_out(self, step: Step, since: datetime) -> Heard:
        match step:
            case Read(stream, after):
                await asyncio.sleep(REST_S)
                return await self._store.printed(stream, after, since)
            case Ask(request):
                return await self._with_patience(lambda: self._ask(request))
            case Send(stream, numbers):
                batch = await self._store.numbered(stream, numbers)
                if batch is None:
                    return Taken(0)
                return await self._with_patience(lambda: self._send_all(batch))
            case Mend(forgotten, is_newer_there):
                if forgotten:
                    await self._submit([DefinitionsForgotten(forgotten)])
                if is_newer_there:
                    self._read_all()
        return None

    async def _ask(self, request: JsonObject) -> JsonObject:
        identity = self._exchange.identity
        said = {"hub_id": identity.hub_id, "mirror_id": identity.mirror_id, "epoch": identity.epoch, **request}
        async with self._turn:
            return await self._cloud.reconcile(said)

    async def _send_all(self, batch: RecordBatch) -> Taken:
        refused: list[tuple[int, str]] = []
        allowance = self._flow.within(self._exchange.isolation.allowance)
        size = max(1, len(str(batch.rows[0])))
        for part in _parts(batch, min(allowance.rows, allowance.bytes // size)):
            refused += await self._send(part)
        return Taken(len(batch.rows), tuple(refused))

    async def _send(self, batch: RecordBatch) -> list[tuple[int, str]]:
        """Halved where the cloud does not take it as a whole, until what is to blame stands alone."""
        try:
            async with self._turn:
                answer = await self._cloud.ingest(self._envelope(batch).encode())
        except CloudRefused as err:
            if err.code in IDENTITY_CODES:
                raise
            if len(batch.rows) == 1:
                return [(batch.numbers[0], str(err))]
            return [each for half in _parts(batch, len(batch.rows) // 2) for each in await self._send(half)]
        return list(_refused(answer, batch))

    def _envelope(self, batch: RecordBatch) -> Envelope:
        moment = self._clock.now()
        clock = ClockReading(moment.is_trusted, moment.boot_id, int(moment.monotonic_s * 1000), moment.wall)
        return Envelope(self._exchange.sender(), clock, batches=(batch,))

    async def _with_patience(self, ask: Callable[[], Awaitable[Heard]]) -> Heard:
        """What is lost on the way is asked for again; whatever was done by it is done once."""
        pace = Pace(self._jitter, idle_s=0.0)
        for tries_left in reversed(range(TRIES_MAX)):
            await self._let_live_records_go()
            try:
                return await ask()
            except CloudUnreachable as err:
                if not tries_left:
                    raise
                now_s = self._clock.now().monotonic_s
                pace.failed(now_s, retry_after_s=err.retry_after_s)
                await asyncio.sleep(pace.due_s - now_s)
        raise AssertionError("the last try answers or raises")

    async def _let_live_records_go(self) -> None:
        waited_s = 0.0
        while self._is_busy() and waited_s < LIVE_FIRST_S_MAX:
            await asyncio.sleep(LIVE_FIRST_S)
            waited_s += LIVE_FIRST_S
        # A thin line is for one request at a time.
        await asyncio.sleep(max(0.0, self._flow.free_in_s(self._clock.now().monotonic_s)))

    # When.

    def _next_night_s(self) -> float | None:
        """By the monotonic clock. Without a trusted clock nobody knows when the night is."""
        moment = self._clock.now()
        if not moment.is_trusted:
            return None
        at = quiet_time_after(moment.wall, self._time_zone(), self._chance, self._flow.compare_every_days)
        return moment.monotonic_s + (at - moment.wall).total_seconds()


def _parts(batch: RecordBatch, rows_max: int) -> Iterable[RecordBatch]:
    """Records of one key in one part: the cloud takes a part for all that there is of its keys. Where they are too many for that, it
    is told that it is not.
    """
    rows_max = max(1, rows_max)
    by_key: dict[int, list[int]] = {}
    for place, (row, number) in enumerate(zip(batch.rows, batch.numbers, strict=True)):
        by_key.setdefault(key_of(batch.stream, row, number), []).append(place)
    part: list[int] = []
    for places in by_key.values():
        if part and len(part) + len(places) > rows_max:
            yield _picked(batch, part)
            part = []
        if len(places) <= rows_max:
            part += places
            continue
        for start in range(0, len(places), rows_max):
            yield replace(_picked(batch, places[start : start + rows_max]), is_all_of_its_keys=False)
    if part:
        yield _picked(batch, part)


def _picked(batch: RecordBatch, places: Sequence[int]) -> RecordBatch:
    places = sorted(places)
    numbers = [batch.numbers[place] for place in places]
    return replace(batch, first=numbers[0], rows=[batch.rows[place] for place in places], numbers=numbers)


def _refused(answer: JsonObject, batch: RecordBatch) -> Iterable[tuple[int, str]]:
    refused = answer.get("refused")
    for one in refused if isinstance(refused, list) else ():
        if not isinstance(one, dict) or one.get("stream") != batch.stream:
            continue
        seq, reason = one.get("seq"), str(one.get("reason"))[:500]
        if seq is None:
            yield from ((number, reason) for number in batch.numbers)
        elif isinstance(seq, int):
            yield seq, reason


def _progress(step: Read, streams: Sequence[str], positions: dict[str, StreamPosition]) -> float:
    position = positions.get(step.stream)
    within = min(1.0, step.after / position.acknowledged) if position and position.acknowledged else 0.0
    return round((streams.index(step.stream) + within) / len(streams), 3)


def _as_json(report: Report, since_day: str, now: datetime) -> JsonObject:
    return {
        "since": since_day,
        "until": now.date().isoformat(),
        "finished_at": now.isoformat(),
        "is_agreed": report.is_agreed,
        "streams": [asdict(each) for each in report.streams],
        "definitions": report.definitions,
        "definitions_newer_there": report.definitions_newer_there,
        "definitions_forgotten_there": report.definitions_forgotten_there,
        "text": in_words(report),
    }


def in_words(report: Report) -> str:
    told = report.streams
    records = sum(each.records for each in told)
    missing = sum(each.missing for each in told)
    sentences = [f"{records:,} records of this hub were compared."]
    sentences.append("The cloud has them all." if not missing else _missing_in_words(told, missing))
    if report.definitions_newer_there:
        sentences.append(f"{report.definitions_newer_there} definitions are newer in the cloud: they are fetched.")
    if report.definitions_forgotten_there:
        sentences.append(
            f"{report.definitions_forgotten_there} definitions were lost in the cloud: they are sent again."
        )
    left_out = [each.stream for each in told if each.by == "nothing"]
    if left_out:
        sentences.append(f"The cloud cannot compare {', '.join(left_out)}.")
    return " ".join(sentences)


def _missing_in_words(told: Sequence[StreamReport], missing: int) -> str:
    repaired, refused, still = (sum(getattr(each, name) for each in told) for name in ("repaired", "refused", "still"))
    parts = [f"{repaired:,} were sent again and are there now"] if repaired else []
    parts += [f"{refused:,} were refused there"] if refused else []
    parts += [f"{still:,} still differ"] if still else []
    return f"{missing:,} were missing or changed in the cloud: {', '.join(parts)}."
