"""Where an envelope waits: one stream, and in it a partition by the hub, so that one hub's are written in the order in which they came."""

import zlib

STREAM = "NEXA_INGEST"
SUBJECTS = "nexa.ingest.*.*"
# As many envelopes are written side by side, whatever the number of writers. Another number is harmless, numbers of records decide.
PARTITIONS = 16
# More of one hub's are refused until some are written: nobody fills the queue for others. A good hub stops far sooner by itself.
ENVELOPES_OF_A_HUB_MAX = 1_000


def partition_of(hub_id: str) -> int:
    return zlib.crc32(hub_id.encode()) % PARTITIONS


def subject_of(hub_id: str) -> str:
    return f"nexa.ingest.{partition_of(hub_id)}.{hub_id}"


def subjects_of(partition: int) -> str:
    return f"nexa.ingest.{partition}.*"


def consumer_of(partition: int) -> str:
    return f"writer-{partition}"
