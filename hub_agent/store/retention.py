"""What goes when time or space runs out, by the table in model/record.py: what is sent and old; then, stream by stream in
order of priority, measurements are thinned (when they are old in any case) and the oldest goes. Whatever the cloud has not got becomes a gap that is told to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub_agent.model.record import STREAMS, Priority, Stream
from hub_agent.store.blocks import Head
from hub_agent.store.codec import to_ms
from hub_agent.store.records import Records
from hub_agent.store.standing import measured_columns

# A week of the past, and some time before it, to try rules on and to look back at.
KEEP_SENT = timedelta(days=8)
HEADS_PER_RUN_MAX = 500

THIN_WINDOW = timedelta(minutes=15)
THIN_OLDER_THAN = timedelta(hours=1)
THIN_ROWS_MAX = 20_000
# What is too old is thinned so much at a time: each time makes a gap, and what lies between two gaps goes to the cloud by itself.
THIN_AT_ONCE = timedelta(hours=6)
THINNED_TIME_TO_LIVE = timedelta(days=400)

# Over its budget a stream is cut to this part of it, so that it is not cut at every commit.
BUDGET_TARGET = 0.9

# With less of the disk free than this, unsent records of the priority go. When something else fills the disk, shedding
# everything would not help, so the precious ones wait until nothing else can.
FREE_MIN = 0.05
FREE_MIN_BY_PRIORITY: Mapping[Priority, float] = {
    Priority.BULK: 0.05,
    Priority.NORMAL: 0.03,
    Priority.CRITICAL: 0.01,
}
RELIEF_PART = 8  # at most this part of the records goes in one run

EXPIRED = "older than its time to live"
OVER_BUDGET = "over the stream's byte budget"
DISK_FULL = "the disk was nearly full"
THINNED = "thinned to 15-minute means"


@dataclass(frozen=True, slots=True)
class DiskSpace:
    free: int
    total: int

    @property
    def free_part(self) -> float:
        return self.free / self.total if self.total else 1.0


class Retention:
    """Every method runs inside a transaction and does a bounded amount of work."""

    def __init__(self, records: Records, disk_space: Callable[[], DiskSpace]) -> None:
        self._records = records
        self._disk_space = disk_space

    def is_over_budget(self) -> bool:
        return any(self._records.position(name).bytes > stream.bytes_max for name, stream in STREAMS.items())

    def is_disk_low(self) -> bool:
        return self._disk_space().free_part < FREE_MIN

    def run(self, now: datetime, *, is_clock_trusted: bool) -> int:
        """Answers the bytes given back."""
        freed = 0
        for stream in STREAMS.values():
            if is_clock_trusted:
                freed += self._trim_sent(stream, to_ms(now - KEEP_SENT), None)
                freed += self._expire(stream, now)
            freed += self._fit(stream, now)
        freed += self._relieve(now)
        if is_clock_trusted:
            self._records.trim_snapshots(to_ms(now - KEEP_SENT))
        return freed

    def _trim_sent(self, stream: Stream, older_than_ms: int | None, bytes_max: int | None) -> int:
        """Acknowledged blocks, oldest first; by age, or until so many bytes are gone."""
        end = self._records.trimmable(stream.name)
        going: list[Head] = []
        size = 0
        for head in self._records.heads(stream.name, 0, HEADS_PER_RUN_MAX):
            if head.last > end or (older_than_ms is not None and head.made_at >= older_than_ms):
                break
            if bytes_max is not None and size >= bytes_max:
                break
            going.append(head)
            size += head.bytes
        if not going:
            return 0
        return self._records.delete(stream.name, going)

    def _expire(self, stream: Stream, now: datetime) -> int:
        """Measurements are thinned when their time is over, and go when they are too old even so."""
        freed = 0
        older_than = to_ms(now - stream.time_to_live)
        if stream.priority is Priority.BULK:
            heads = self._thinnable(stream, older_than)
            if heads and heads[0].made_at < to_ms(now - stream.time_to_live - THIN_AT_ONCE):
                freed += self._thin(stream, heads, to_ms(now))
            older_than = to_ms(now - THINNED_TIME_TO_LIVE)
        going: list[Head] = []
        for head in self._owed(stream):
            if not head.is_clock_trusted or head.made_at >= older_than:
                break
            going.append(head)
        return freed + self._records.shed(stream.name, going, EXPIRED, to_ms(now))

    def _fit(self, stream: Stream, now: datetime) -> int:
        if self._records.position(stream.name).bytes <= stream.bytes_max:
            return 0
        excess = self._records.position(stream.name).bytes - int(stream.bytes_max * BUDGET_TARGET)
        return self._cut(stream, excess, OVER_BUDGET, now)

    def _relieve(self, now: datetime) -> int:
        space = self._disk_space()
        if space.free_part >= FREE_MIN:
            return 0
        held = sum(self._records.position(name).bytes for name in STREAMS)
        wanted = min(int(space.total * FREE_MIN) - space.free, held // RELIEF_PART + 1)
        freed = 0
        by_priority = sorted(STREAMS.values(), key=lambda stream: -stream.priority)
        for stream in by_priority:
            freed += self._trim_sent(stream, None, wanted - freed)
        for stream in by_priority:
            if freed < wanted and space.free_part < FREE_MIN_BY_PRIORITY[stream.priority]:
                freed += self._cut(stream, wanted - freed, DISK_FULL, now)
        return freed

    def _cut(self, stream: Stream, excess: int, reason: str, now: datetime) -> int:
        freed = self._trim_sent(stream, None, excess)
        while stream.priority is Priority.BULK and freed < excess:
            heads = self._thinnable(stream, to_ms(now - THIN_OLDER_THAN))
            if not heads:
                break
            freed += self._thin(stream, heads, to_ms(now))
        if freed < excess:
            freed += self._drop_oldest(stream, excess - freed, reason, now)
        return freed

    def _drop_oldest(self, stream: Stream, excess: int, reason: str, now: datetime) -> int:
        going: list[Head] = []
        size = 0
        for head in self._owed(stream):
            if size >= excess:
                break
            going.append(head)
            size += head.bytes
        return self._records.shed(stream.name, going, reason, to_ms(now))

    def _owed(self, stream: Stream) -> list[Head]:
        acknowledged = self._records.position(stream.name).acknowledged
        return self._records.heads(stream.name, acknowledged, HEADS_PER_RUN_MAX)

    def _thinnable(self, stream: Stream, older_than_ms: int) -> list[Head]:
        """The oldest blocks that were not thinned yet and follow each other."""
        acknowledged = self._records.position(stream.name).acknowledged
        chosen: list[Head] = []
        after = acknowledged
        while True:
            heads = self._records.heads(stream.name, after, HEADS_PER_RUN_MAX)
            for head in heads:
                is_ripe = head.is_clock_trusted and not head.is_thinned and head.first > acknowledged
                follows = not chosen or head.first == chosen[-1].last + 1
                if head.made_at >= older_than_ms or (chosen and not (is_ripe and follows)):
                    return chosen
                if is_ripe:
                    chosen.append(head)
                if chosen and chosen[-1].last - chosen[0].first >= THIN_ROWS_MAX:
                    return chosen
            if len(heads) < HEADS_PER_RUN_MAX:
                return chosen
            after = heads[-1].last

    def _thin(self, stream: Stream, heads: Sequence[Head], now_ms: int) -> int:
        rows = thinned(stream, list(self._records.read_rows(stream.name, heads)))
        return self._records.replace(stream.name, heads, rows, THINNED, now_ms)


def thinned(stream: Stream, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row per device, metric and window: the mean (of a meter's count the last), with min, max and how many in `metadata`."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        columns = measured_columns(stream.name, row)
        window = _window(row.get(stream.time_column))
        key = (row.get("device_id"), row.get("entity_id"), row.get("metric_type"), *columns, window)
        groups.setdefault(key, []).append(row)
    means = [_mean(stream, group) for group in groups.values()]
    return sorted(means, key=lambda row: str(row.get(stream.time_column)))


def _window(at: object) -> int:
    try:
        return to_ms(datetime.fromisoformat(str(at))) // (THIN_WINDOW // timedelta(milliseconds=1))
    except (ValueError, TypeError):
        return 0


def _mean(stream: Stream, group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    newest = dict(group[-1])
    columns = measured_columns(stream.name, newest)
    if len(group) == 1 or not columns:
        return newest
    newest.pop("state", None)
    ranges: dict[str, Any] = {}
    for column in columns:
        values = [row[column] for row in group]
        ranges[column] = {"min": min(values), "max": max(values)}
        if column != "energy_kwh":
            newest[column] = round(sum(values) / len(values), 6)
    metadata = newest.get("metadata")
    known = metadata if isinstance(metadata, Mapping) else {}
    return {**newest, "metadata": {**known, "rollup": {"count": len(group), "window_s": 900, **ranges}}}
