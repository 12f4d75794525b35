"""Streams of records owed to the cloud, in one declared table. A new stream is one entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum


class Priority(IntEnum):
    """What is sent first and shed last."""

    CRITICAL = 0
    NORMAL = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind of record. `time_column` dates a row. Bulk streams travel as columns and may be thinned for lack of disk."""

    name: str
    priority: Priority
    time_column: str
    time_to_live: timedelta
    bytes_max: int


MEBIBYTE = 1024 * 1024

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        Stream("automation_executions", Priority.CRITICAL, "time", timedelta(days=365), 64 * MEBIBYTE),
        Stream("scene_activations", Priority.CRITICAL, "time", timedelta(days=365), 16 * MEBIBYTE),
        Stream("automation_health_checks", Priority.NORMAL, "time", timedelta(days=90), 16 * MEBIBYTE),
        Stream("device_states", Priority.NORMAL, "created_at", timedelta(days=90), 256 * MEBIBYTE),
        Stream("device_telemetry", Priority.BULK, "time", timedelta(days=30), 256 * MEBIBYTE),
        Stream("energy_usage", Priority.BULK, "time", timedelta(days=30), 128 * MEBIBYTE),
    )
}
