"""Takes envelopes out of the queue and has the database store them: at least once, and by their numbers once.

Each partition has one consumer that hands out one message at a time, to whichever writer asks first. So a hub's envelopes are
written in order by any number of writers, and one that dies costs its partitions `ACK_WAIT_S`.
"""

import asyncio
import json
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import nats.errors
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import APIError, NotFoundError

from cloud_schema.connection import ApplyError
from cloud_schema.gateway.database import CONNECTIONS_MAX, Database
from cloud_schema.gateway.refusal import Refused
from cloud_schema.queue.handling import DELIVERIES_MAX, Dead, is_away, judge
from cloud_schema.queue.message import BadMessage, Waiting, read
from cloud_schema.queue.places import ENVELOPES_OF_A_HUB_MAX, PARTITIONS, STREAM, SUBJECTS, consumer_of, subjects_of
from cloud_schema.queue.servers import API_TIMEOUT_S, Connection, NatsServers

ACK_WAIT_S = 12.0
FETCH_S = 5.0
# What is under way when stopping is finished within this time, or left to others.
STOP_WITHIN_S = 10.0
TELL_EVERY_S = 60.0
LETTERS_MAX = 100

# What was in it is told and not kept: the hub still has it, and sends it again past the queue.
LETTER: LiteralString = """
    INSERT INTO public.hub_dead_letters (hub_id, home_id, mirror_id, epoch, stream, seq, reason, body)
    SELECT h.id, h.home_id, %(mirror)s, %(epoch)s, 'envelope', NULL, %(reason)s, %(body)s::jsonb
    FROM public.hub_hubs h WHERE h.id::text = %(hub)s"""
TRIM: LiteralString = """
    DELETE FROM public.hub_dead_letters WHERE hub_id::text = %(hub)s AND stream = 'envelope' AND id <= (
        SELECT id FROM public.hub_dead_letters WHERE hub_id::text = %(hub)s AND stream = 'envelope'
        ORDER BY id DESC OFFSET %(letters_max)s LIMIT 1)"""

log = logging.getLogger(__name__)


@dataclass
class Counts:
    written: int = 0
    again: int = 0
    dead: int = 0


class Writer:
    def __init__(self, dsn: str, servers: NatsServers, *, replicas: int) -> None:
        self._database = Database(dsn)
        self._connection = Connection(servers, "nexa-writer")
        self._replicas = replicas
        self._may_write = asyncio.Semaphore(CONNECTIONS_MAX)
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises ApplyError if the servers refuse the stream."""
        await self._database.start()
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        preparing = asyncio.create_task(self._prepare(ready))
        self._connection.start()
        work: list[asyncio.Task[None]] = []
        try:
            await _first(stop, ready)
            if not stop.is_set():
                ready.result()
                log.info("writing; %d partitions", PARTITIONS)
                work = [asyncio.create_task(self._drain(partition, stop)) for partition in range(PARTITIONS)]
                work.append(asyncio.create_task(self._tell(stop)))
                await _first(stop, *work)
                for failed in filter(asyncio.Task.done, work):
                    failed.result()  # a partition without a drain would wait unseen: whoever runs this starts it again
                await asyncio.wait(work, timeout=STOP_WITHIN_S)
        finally:
            for task in (preparing, *work):
                task.cancel()
            await asyncio.gather(preparing, *work, return_exceptions=True)
            await self._connection.stop()
            await self._database.stop()

    async def _prepare(self, ready: asyncio.Future[None]) -> None:
        while True:
            try:
                if self._connection.is_up:
                    await prepare(self._connection, self._replicas)
                    ready.set_result(None)
                    return
            except ApplyError as err:
                ready.set_exception(err)
                return
            except (nats.errors.Error, OSError) as err:
                log.warning("the queue is not ready: %s", str(err) or type(err).__name__)
            await asyncio.sleep(0.5)

    async def _drain(self, partition: int, stop: asyncio.Event) -> None:
        subscription = None
        while not stop.is_set():
            try:
                if subscription is None:
                    subscription = await self._connection.jetstream.pull_subscribe_bind(
                        consumer=consumer_of(partition), stream=STREAM
                    )
                messages = await _unless(stop, subscription.fetch(1, timeout=FETCH_S))
            except TimeoutError:
                continue  # nothing there
            except (nats.errors.Error, OSError) as err:
                log.debug("partition %d: %s", partition, err)
                await _sleep(stop, 1.0)
                continue
            for message in messages or ():
                await self._take(message, stop)

    async def _take(self, message: Msg, stop: asyncio.Event) -> None:
        beating = asyncio.create_task(_beat(message))
        try:
            is_done = await self._write(message, stop)
        finally:
            beating.cancel()
        with suppress(nats.errors.Error, OSError):  # it comes again then, and is found to be stored
            await (message.ack() if is_done else message.nak())

    async def _write(self, message: Msg, stop: asyncio.Event) -> bool:
        """Whether the queue may forget it."""
        try:
            waiting = read(message.headers, message.data)
        except BadMessage as err:
            log.warning("a message in %s is no envelope: %s", message.subject, err)
            self.counts.dead += 1
            return True
        if message.metadata.num_delivered > DELIVERIES_MAX:
            return await self._bury(waiting, f"begun {DELIVERIES_MAX} times and never finished", stop)
        tries = waits = 0
        while True:
            try:
                await self._store(waiting)
            except BadMessage as err:
                return await self._bury(waiting, str(err), stop)
            except Refused as refused:
                waits, tries = waits + 1, tries + (not is_away(refused))
                verdict = judge(refused, tries, waits)
                log.log(logging.WARNING if waits == 1 else logging.DEBUG, "not stored: %s", refused)
            else:
                self.counts.written += 1
                return True
            if isinstance(verdict, Dead):
                return await self._bury(waiting, verdict.reason, stop)
            self.counts.again += 1
            if await _sleep(stop, verdict.after_s):
                return False

    async def _store(self, waiting: Waiting) -> None:
        request = waiting.request()
        async with self._may_write:
            claims = {**waiting.claims, "queued": True}
            await self._database.call("hub_ingest_v1", claims, request, waiting.told)

    async def _bury(self, waiting: Waiting, reason: str, stop: asyncio.Event) -> bool:
        """In the end it is forgotten even if no letter can be written: nothing may block a partition."""
        log.warning("an envelope of hub %s is put aside: %s", waiting.claims.get("hub_id"), reason)
        values = _letter(waiting, reason)
        tries = waits = 0
        while True:
            try:
                await self._database.as_operator((LETTER, values), (TRIM, values))
            except Refused as refused:
                waits, tries = waits + 1, tries + (not is_away(refused))
                verdict = judge(refused, tries, waits)
                if isinstance(verdict, Dead):
                    log.warning("it was put aside without a letter: %s", verdict.reason)
                elif await _sleep(stop, verdict.after_s):
                    return False
                else:
                    continue
            self.counts.dead += 1
            return True

    async def _tell(self, stop: asyncio.Event) -> None:
        before = Counts()
        while not await _sleep(stop, TELL_EVERY_S):
            if self.counts != before:
                log.info("so far: %s", ", ".join(f"{number} {what}" for what, number in asdict(self.counts).items()))
                before = Counts(**asdict(self.counts))


async def prepare(connection: Connection, replicas: int) -> None:
    """The stream and its consumers, made or brought to how they should be. Raises ApplyError if the servers refuse them."""
    jetstream = connection.jetstream
    stream = api.StreamConfig(
        name=STREAM,
        subjects=[SUBJECTS],
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        # What does not fit is refused, and the hub keeps it.
        discard=api.DiscardPolicy.NEW,
        discard_new_per_subject=True,
        max_msgs_per_subject=ENVELOPES_OF_A_HUB_MAX,
        num_replicas=replicas,
    )
    try:
        try:
            found = await jetstream.stream_info(STREAM)
        except NotFoundError:
            await jetstream.add_stream(stream)
        else:
            if (found.config.num_replicas, found.config.max_msgs_per_subject) != (replicas, ENVELOPES_OF_A_HUB_MAX):
                await jetstream.update_stream(stream)
        for partition in range(PARTITIONS):
            await jetstream.add_consumer(
                STREAM,
                api.ConsumerConfig(
                    durable_name=consumer_of(partition),
                    filter_subject=subjects_of(partition),
                    ack_policy=api.AckPolicy.EXPLICIT,
                    ack_wait=ACK_WAIT_S,
                    max_ack_pending=1,
                    max_deliver=-1,
                ),
                timeout=API_TIMEOUT_S,
            )
    except APIError as err:
        if err.code is not None and err.code >= 500 and "replicas" not in (err.description or ""):
            raise  # passing: an election is under way, say
        raise ApplyError(
            f"The NATS servers refuse the queue: {err.description}. {replicas} replicas need as many servers in one cluster,"
            " each with JetStream; --replicas 1 is for a single server."
        ) from err


def _letter(waiting: Waiting, reason: str) -> dict[str, Any]:
    try:
        request = waiting.request()
    except BadMessage:
        request = {}
    epoch = request.get("epoch")
    return {
        "hub": str(waiting.claims.get("hub_id")),
        "mirror": str(request.get("mirror_id", ""))[:200],
        "epoch": epoch if isinstance(epoch, int) and 0 <= epoch < 2**31 else 0,
        "reason": reason[:500],
        "body": json.dumps({"streams": _in_short(request.get("streams")), "bytes": len(waiting.body)}),
        "letters_max": LETTERS_MAX,
    }


def _in_short(streams: Any) -> dict[str, Any]:
    if not isinstance(streams, dict):
        return {}
    firsts = {str(name)[:100]: body.get("first") for name, body in list(streams.items())[:20] if isinstance(body, dict)}
    return {name: first if isinstance(first, int) else None for name, first in firsts.items()}


async def _beat(message: Msg) -> None:
    """Says that it is being worked on, so that nobody else gets it."""
    while True:
        await asyncio.sleep(ACK_WAIT_S / 3)
        with suppress(nats.errors.Error, OSError):
            await message.in_progress()


async def _sleep(stop: asyncio.Event, seconds: float) -> bool:
    """Whether a stop came first."""
    if seconds <= 0:
        return stop.is_set()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def _first(stop: asyncio.Event, *others: asyncio.Future[None]) -> None:
    stopping = asyncio.create_task(stop.wait())
    all_of_them: list[asyncio.Future[Any]] = [stopping, *others]
    await asyncio.wait(all_of_them, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, list[Msg]]) -> list[Msg] | None:
    """What it answers; None if a stop came first."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    both: list[asyncio.Future[Any]] = [task, stopping]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopping.cancel()
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, nats.errors.Error):
                await task
