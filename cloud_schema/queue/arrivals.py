"""The gateway's side: puts envelopes into the queue, and knows how far it was written."""

import asyncio
import random
import time

import nats.errors
from nats.js.errors import NotFoundError

from cloud_schema.gateway.refusal import RETRY_AFTER_S, Refused
from cloud_schema.queue.message import HEADER_BYTES, Waiting
from cloud_schema.queue.places import PARTITIONS, STREAM, consumer_of, partition_of, subject_of
from cloud_schema.queue.servers import Connection, NatsServers

PUT_TIMEOUT_S = 5.0
# How far a partition was written is asked for this often at most, and not waited for longer than this.
WRITTEN_EVERY_S = 1.0
WRITTEN_TIMEOUT_S = 1.0


class Arrivals:
    def __init__(self, servers: NatsServers) -> None:
        self._connection = Connection(servers, "nexa-gateway")
        self._locks = [asyncio.Lock() for _ in range(PARTITIONS)]
        self._written: list[tuple[float, int | None]] = [(float("-inf"), None)] * PARTITIONS

    def start(self) -> None:
        self._connection.start()

    async def stop(self) -> None:
        await self._connection.stop()

    def has_room_for(self, body: bytes) -> bool:
        """Whether the servers take messages of this size; unknown while none was reached, then `put` says the rest."""
        return not self._connection.is_up or len(body) + HEADER_BYTES <= self._connection.client.max_payload

    async def put(self, waiting: Waiting) -> int:
        """The place; it is kept by most of the servers now. Raises Refused: then it may be there or not, which is the same."""
        if not self._connection.is_up:
            raise queue_away()
        subject = subject_of(str(waiting.claims["hub_id"]))
        try:
            # Headers last: what comes from outside has been bounded by the server that read it.
            acknowledged = await self._connection.jetstream.publish(
                subject, waiting.body, timeout=PUT_TIMEOUT_S, stream=STREAM, headers=waiting.headers()
            )
        except (nats.errors.Error, OSError, ValueError) as err:
            raise queue_away() from err
        return int(acknowledged.seq)

    async def written(self, hub_id: str) -> int | None:
        """The place up to which nothing of this hub's waits any more; None while nobody can tell. Never too high, sometimes too low."""
        partition = partition_of(hub_id)
        async with self._locks[partition]:
            asked_at, known = self._written[partition]
            if time.monotonic() - asked_at < WRITTEN_EVERY_S:
                return known
            known = await self._ask(partition)
            self._written[partition] = (time.monotonic(), known)
            return known

    async def _ask(self, partition: int) -> int | None:
        if not self._connection.is_up:
            return None
        try:
            found = await self._connection.jetstream.consumer_info(STREAM, consumer_of(partition), WRITTEN_TIMEOUT_S)
        except (nats.errors.Error, NotFoundError, OSError):
            return None
        return None if found.ack_floor is None else int(found.ack_floor.stream_seq)


def queue_away() -> Refused:
    """Spread over some seconds, so that not all hubs come back in the same one."""
    return Refused(
        503,
        "PGRST000",
        "The queue for arrivals cannot be reached, or is full.",
        "queue_away",
        hint="Try again later.",
        retry_after_s=random.randint(*RETRY_AFTER_S),
    )
