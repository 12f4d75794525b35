"""How the queue is: what waits in each partition, since when, and how the servers' copies stand."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from nats.js.errors import NotFoundError

from cloud_schema.connection import ApplyError
from cloud_schema.queue.places import PARTITIONS, STREAM, consumer_of, subjects_of
from cloud_schema.queue.servers import Connection, NatsServers


@dataclass(frozen=True)
class PartitionState:
    partition: int
    waiting: int
    oldest_s: float | None
    redelivered: int
    writers_waiting: int


@dataclass(frozen=True)
class QueueState:
    waiting: int
    bytes: int
    oldest_s: float | None
    leader: str | None
    copies: int
    copies_behind: tuple[str, ...]
    partitions: tuple[PartitionState, ...]

    def document(self) -> dict[str, Any]:
        return asdict(self)


async def look(servers: NatsServers) -> QueueState:
    """Raises ApplyError, nats.errors.Error and OSError."""
    connection = Connection(servers, "nexa-queue-status", is_patient=False)
    try:
        await connection.open()
        return await _state(connection)
    except NotFoundError as err:
        raise ApplyError("There is no queue on these servers yet: `nexa-cloud writer` makes it.") from err
    finally:
        await connection.stop()


async def _state(connection: Connection) -> QueueState:
    found = await connection.jetstream.stream_info(STREAM)
    partitions = [await _partition(connection, number) for number in range(PARTITIONS)]
    cluster = found.cluster
    replicas = (cluster.replicas or []) if cluster else []
    return QueueState(
        waiting=found.state.messages,
        bytes=found.state.bytes,
        oldest_s=max((each.oldest_s for each in partitions if each.oldest_s is not None), default=None),
        leader=cluster.leader if cluster else None,
        copies=1 + len(replicas),
        copies_behind=tuple(str(peer.name) for peer in replicas if peer.offline or not peer.current),
        partitions=tuple(partitions),
    )


async def _partition(connection: Connection, partition: int) -> PartitionState:
    jetstream = connection.jetstream
    found = await jetstream.consumer_info(STREAM, consumer_of(partition))
    waiting = (found.num_pending or 0) + (found.num_ack_pending or 0)
    return PartitionState(
        partition,
        waiting,
        await _oldest_s(connection, partition) if waiting else None,
        found.num_redelivered or 0,
        found.num_waiting or 0,
    )


async def _oldest_s(connection: Connection, partition: int) -> float | None:
    try:
        first = await connection.jetstream.get_msg(STREAM, seq=1, subject=subjects_of(partition), next=True)
    except NotFoundError:
        return None
    if first.time is None:
        return None
    return round(max(0.0, (datetime.now(UTC) - first.time).total_seconds()), 1)
