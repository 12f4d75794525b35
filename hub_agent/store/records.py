"""Streams of records: numbering, giving out, acknowledging, shedding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import orjson

from hub_agent.model.effects import AppendRecord
from hub_agent.model.json import Row
from hub_agent.model.record import STREAMS, Priority
from hub_agent.ports import Gap, Identity, Moment, RecordBatch, StreamPosition
from hub_agent.store import blocks, queries, shadow
from hub_agent.store.blocks import Block, Dating, Head, Stamp
from hub_agent.store.codec import pack, to_json, to_ms
from hub_agent.store.file import transaction
from hub_agent.store.shadow import Shadow
from hub_agent.store.standing import STATE_STREAMS, STATES, Standing

DAMAGED = "damaged"


@dataclass(slots=True)
class Position:
    last: int = 0
    acknowledged: int = 0
    acknowledged_at: int | None = None
    bytes: int = 0


class Records:
    """Everything here runs inside the writer. What changes in memory changes after the commit, never before."""

    def __init__(self, connection: Connection, identity: Identity) -> None:
        self._connection = connection
        self._sql = queries.load()
        self._identity = identity
        self._positions = {stream: Position() for stream in STREAMS}
        self._shadow: Shadow | None = None
        self._turn = 0
        # As the file has them; None: to be read. After long without a cloud they are tens of thousands, and asked for every few seconds.
        self._gaps: list[Gap] | None = None
        self._boot_number = 0
        self._boot_id = ""
        self._dating = Dating(connection, 0)
        self.standing = Standing()
        self.changes_since_snapshot = 0
        # Written without fsync: a power cut may take it back, so it must not leave the house yet.
        self.is_unsynced = False

    def load(self) -> None:
        """Where each stream stands, and the states of now."""
        self.load_positions()
        self._turn = self._connection.execute(self._sql["newest_turn"]).fetchone()[0]
        now = shadow.newest(self._connection)
        before = sum(now.numbers.values())
        self._replay(now)
        self.standing = now.standing
        self.changes_since_snapshot = sum(now.numbers.values()) - before

    def load_positions(self) -> None:
        """As the file has them; also after a transaction that moved them and failed."""
        self._gaps = None
        add_streams(self._connection)
        known = {row[0]: Position(*row[1:]) for row in self._connection.execute(self._sql["read_streams"])}
        self._positions = {stream: known.get(stream, Position()) for stream in {**STREAMS, **known}}
        for stream, position in self._positions.items():
            newest, size = self._connection.execute(self._sql["appended_since"], (stream, position.last)).fetchone()
            position.last = max(position.last, newest)
            position.bytes += size

    def start_boot(self, boot_id: str) -> None:
        """From now on records are of this boot."""
        if boot_id == self._boot_id:
            return
        row = self._connection.execute(self._sql["boot_number"], (boot_id,)).fetchone()
        number = row[0] if row else self._connection.execute(self._sql["add_boot"], (boot_id,)).lastrowid
        assert number
        self._boot_number, self._boot_id = number, boot_id
        self._dating = Dating(self._connection, number)

    def identify(self, identity: Identity) -> None:
        self._identity = identity

    # Appending

    def prepare(self, appends: Sequence[AppendRecord], moment: Moment) -> list[Block]:
        stamp = Stamp(to_ms(moment.wall), self._boot_number, int(moment.monotonic_s * 1000), int(moment.is_trusted))
        lasts = {stream: position.last for stream, position in self._positions.items()}
        return list(blocks.build([(each.stream, each.row) for each in appends], lasts, self._turn, stamp))

    def insert(self, prepared: Sequence[Block]) -> None:
        for block in prepared:
            blocks.insert(self._connection, block)

    def keep(self, prepared: Sequence[Block], appends: Sequence[AppendRecord]) -> None:
        """They are committed."""
        for block in prepared:
            position = self._positions[block.stream]
            position.last = block.last
            position.bytes += len(block.body)
            self._turn = block.turn
        for each in appends:
            if each.stream in STATE_STREAMS:
                self.standing.apply(each.stream, each.row)
                self.changes_since_snapshot += 1

    def save_snapshot(self, at_ms: int) -> None:
        numbers = {stream: self._positions[stream].last for stream in STATE_STREAMS}
        self._write_snapshot(self._turn, at_ms, numbers, self.standing)

    # Giving out

    def positions(self) -> list[StreamPosition]:
        shed = self._shed_by_stream()
        return [
            StreamPosition(
                stream,
                position.last,
                position.acknowledged,
                max(0, position.last - position.acknowledged - shed.get(stream, 0)),
                blocks.optional_from_ms(position.acknowledged_at),
                self._oldest_owed(stream, position),
            )
            for stream, position in self._positions.items()
        ]

    def _oldest_owed(self, stream: str, position: Position) -> datetime | None:
        if position.last == position.acknowledged:
            return None
        following = self.heads(stream, position.acknowledged, 1)
        return blocks.optional_from_ms(following[0].made_at) if following else None

    def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        position = self._positions.get(stream)
        if position is None or position.last <= max(after, position.acknowledged):
            return None
        after = max(after, position.acknowledged)
        walker = self._shadow_at_mark().fork() if stream == STATES else None
        if walker:
            walker.advance(after)
        first, expected, is_trusted, size = 0, 0, True, 0
        rows: list[Row] = []
        for block in blocks.read(self._connection, stream, after):
            decoded = self._rows_or_gap(block)
            shift_ms, is_block_trusted = self._dating.shift_ms(block)
            if rows and (block.first != expected or is_block_trusted != is_trusted):
                break
            if decoded:
                expected, is_trusted = block.last + 1, is_block_trusted
            for number, row in self._given_out(block, decoded, shift_ms, walker):
                if number <= after:
                    continue
                size += len(to_json(row))
                if rows and (size > bytes_max or len(rows) >= rows_max):
                    return RecordBatch(stream, first, rows, is_trusted)
                first = first or number
                rows.append(row)
        return RecordBatch(stream, first, rows, is_trusted) if rows else None

    def numbered(self, stream: str, numbers: Sequence[int]) -> RecordBatch | None:
        wanted = set(numbers)
        if stream not in self._positions or not wanted:
            return None
        lowest, highest = min(wanted), max(wanted)
        walker = shadow.at_or_before(self._connection, lowest - 1).fork() if stream == STATES else None
        found: list[int] = []
        rows: list[Row] = []
        is_trusted = True
        if walker:
            walker.advance(lowest - 1)
        for block in blocks.read(self._connection, stream, lowest - 1):
            if block.first > highest:
                break
            shift_ms, is_block_trusted = self._dating.shift_ms(block)
            for number, row in self._given_out(block, shadow.readable_rows(block), shift_ms, walker):
                if number in wanted:
                    found.append(number)
                    rows.append(row)
                    is_trusted = is_trusted and is_block_trusted
        return RecordBatch(stream, found[0], rows, is_trusted, tuple(found)) if rows else None

    def acknowledge(self, marks: Mapping[str, int], at_ms: int) -> None:
        """Inside a transaction. A mark beyond what we made cannot be ours: it counts as all."""
        for stream, mark in marks.items():
            position = self._positions.get(stream)
            if position is None or mark <= position.acknowledged:
                continue
            position.acknowledged = min(mark, position.last)
            position.acknowledged_at = at_ms
            self._save_position(stream, position)

    def save_positions(self) -> None:
        for stream, position in self._positions.items():
            if position.last:
                self._save_position(stream, position)

    def trust_clock(self, boot_id: str, offset_s: float) -> int:
        """Inside a transaction."""
        row = self._connection.execute(self._sql["boot_number"], (boot_id,)).fetchone()
        if not row:
            return 0
        since = self._dating.corrected_turn(row[0])
        count = 0
        for stream, position in self._positions.items():
            bounds = self._connection.execute(
                self._sql["untrusted_of_boot"], (stream, position.acknowledged, row[0], since)
            )
            count += sum(last - max(first, position.acknowledged + 1) + 1 for first, last in bounds)
        self._connection.execute(self._sql["add_correction"], (row[0], self._turn, round(offset_s * 1000)))
        return count

    def reload_dating(self) -> None:
        self._dating.load()

    # Shedding

    def position(self, stream: str) -> Position:
        return self._positions[stream]

    def heads(self, stream: str, after: int, limit: int) -> list[Head]:
        return blocks.heads(self._connection, stream, after, limit)

    def delete(self, stream: str, heads: Sequence[Head]) -> int:
        """Inside a transaction. Answers the bytes given back."""
        self._connection.executemany(self._sql["delete_block"], [(stream, head.last) for head in heads])
        freed = sum(head.bytes for head in heads)
        position = self._positions[stream]
        position.bytes -= freed
        self._save_position(stream, position)
        self.is_unsynced = True
        return freed

    def shed(self, stream: str, heads: Sequence[Head], reason: str, now_ms: int) -> int:
        """Deletes what the cloud has not got, and writes down that it is gone."""
        if not heads:
            return 0
        self.protect_states(stream, heads[-1].last, now_ms)
        acknowledged = self._positions[stream].acknowledged
        for head in heads:
            first = max(head.first, acknowledged + 1)
            self.add_gap(stream, (first, head.last), head.last - first + 1, reason, head.made_at)
        return self.delete(stream, heads)

    def replace(self, stream: str, heads: Sequence[Head], rows: Sequence[Row], reason: str, now_ms: int) -> int:
        """Fewer rows in the place of these blocks (which follow each other): they take the last numbers, the others become a gap."""
        first, last = heads[0].first, heads[-1].last
        template = next(blocks.read(self._connection, stream, last - 1))
        self.protect_states(stream, last, now_ms)
        freed = self.delete(stream, heads)
        kept_from = last - len(rows) + 1
        if kept_from > first:
            self.add_gap(stream, (first, kept_from - 1), kept_from - first, reason, heads[0].made_at)
        for start in range(0, len(rows), blocks.BLOCK_ROWS_MAX):
            part = rows[start : start + blocks.BLOCK_ROWS_MAX]
            block_first = kept_from + start
            block = replace(
                template, first=block_first, last=block_first + len(part) - 1, is_thinned=1, body=pack(part)
            )
            blocks.insert(self._connection, block)
            self._positions[stream].bytes += len(block.body)
            freed -= len(block.body)
        self._save_position(stream, self._positions[stream])
        return freed

    def read_rows(self, stream: str, heads: Sequence[Head]) -> Iterator[Mapping[str, Any]]:
        """Rows of these blocks with their times put right."""
        for block in blocks.read(self._connection, stream, heads[0].first - 1):
            if block.first > heads[-1].last:
                return
            shift_ms, _ = self._dating.shift_ms(block)
            for row in shadow.readable_rows(block):
                yield blocks.shifted(row, timedelta(milliseconds=shift_ms)) if shift_ms else row

    def add_gap(self, stream: str, bounds: tuple[int, int], count: int, reason: str, at_ms: int) -> None:
        """A gap that follows another one for the same reason makes that one longer."""
        first, last = bounds
        self._gaps = None
        newest = self._connection.execute(self._sql["last_gap"], (stream,)).fetchone()
        if newest and newest[1] == first - 1 and newest[2] == reason:
            self._connection.execute(self._sql["extend_gap"], (last, count, at_ms, newest[0]))
        else:
            self._connection.execute(self._sql["add_gap"], (stream, first, last, count, reason, at_ms, at_ms))
        self.is_unsynced = True

    def gaps(self) -> Sequence[Gap]:
        if self._gaps is None:
            self._gaps = [
                Gap(stream, first, last, count, why, blocks.optional_from_ms(from_at), blocks.optional_from_ms(to_at))
                for stream, first, last, count, why, from_at, to_at in self._connection.execute(self._sql["read_gaps"])
            ]
        return self._gaps

    def acknowledge_gap(self, gap: Gap) -> None:
        """Inside a transaction. If it has grown since it was told, the rest stays."""
        self._gaps = None
        self._connection.execute(self._sql["delete_gap"], (gap.stream, gap.first, gap.last))
        self._connection.execute(
            self._sql["shorten_gap"],
            (gap.last + 1, gap.count, blocks.optional_ms(gap.to_at), gap.stream, gap.first, gap.last),
        )

    def trimmable(self, stream: str) -> int:
        """Up to this number acknowledged blocks may go: the full snapshots of what is still owed do not need them."""
        position = self._positions[stream]
        if stream not in STATE_STREAMS:
            return position.acknowledged
        base = self._base_numbers()
        return min(position.acknowledged, base.get(stream, 0))

    def trim_snapshots(self, older_than_ms: int) -> None:
        """Keeps the newest, the one that the owed snapshots start from, and what is young."""
        listed = self._connection.execute(self._sql["read_snapshot_numbers"]).fetchall()
        owed_from = self._owed_from()
        usable = [turn for turn, _, numbers in listed if orjson.loads(numbers).get(STATES, 0) <= owed_from]
        base = usable[-1] if usable else 0
        for turn, at, _ in listed[:-1]:
            if turn < base and at < older_than_ms:
                self._connection.execute(self._sql["delete_snapshot"], (turn,))

    def protect_states(self, stream: str, last: int, now_ms: int) -> None:
        """Before blocks up to `last` go: what they say of the states is kept in a snapshot."""
        if stream == STATES:
            base = self._shadow_at_mark()
            base.advance(last)
            if base.turn:
                self._write_snapshot(base.turn, now_ms, base.numbers, base.standing)
        if stream in STATE_STREAMS:
            row = self._connection.execute(self._sql["newest_snapshot"]).fetchone()
            if row is None or orjson.loads(row[1]).get(stream, 0) < last:
                self.save_snapshot(now_ms)

    # Inside

    def _replay(self, now: Shadow) -> None:
        """To the end of all streams."""
        for block in blocks.read(self._connection, STATES, now.number):
            now.follow(block.turn)
            for number, row in enumerate(shadow.readable_rows(block), block.first):
                now.take(number, row)
        now.follow(self._turn)

    def _given_out(
        self, block: Block, rows: Sequence[Mapping[str, Any]], shift_ms: int, walker: Shadow | None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        if walker:
            walker.follow(block.turn)
        for number, row in enumerate(rows, block.first):
            if walker:
                walker.take(number, row)
                given = walker.given_out(row)
                given.setdefault("id", self.row_id(block.stream, number, row))
            else:
                given = shadow.given_out(block.stream, row)
            yield number, blocks.shifted(given, timedelta(milliseconds=shift_ms)) if shift_ms else given

    def row_id(self, stream: str, number: int, row: Mapping[str, Any]) -> str:
        """A record without an id has one by its number, the same each time it is given out, in whatever epoch; and by its time
        as it was written, since a copy of this mirror gives the same numbers to other records.
        """
        made_at = row.get(STREAMS[stream].time_column)
        return str(uuid5(NAMESPACE_OID, f"{self._identity.mirror_id}/{stream}/{number}/{made_at}"))

    def _rows_or_gap(self, block: Block) -> list[dict[str, Any]]:
        """The rows; of a damaged block none, and its numbers become a gap."""
        try:
            return block.rows()
        except ValueError:
            head = Head(block.last, block.first, block.turn, block.made_at, block.is_clock_trusted, 0, len(block.body))
            with transaction(self._connection, is_fsynced=True):
                self.shed(block.stream, [head], DAMAGED, block.made_at)
            return []

    def _shadow_at_mark(self) -> Shadow:
        number = self._owed_from()
        if self._shadow is None or self._shadow.number > number:
            self._shadow = shadow.at_or_before(self._connection, number)
        self._shadow.advance(number)
        return self._shadow

    def _owed_from(self) -> int:
        """The number of device_states just before the first one that is owed and still there."""
        position = self._positions[STATES]
        following = blocks.heads(self._connection, STATES, position.acknowledged, 1)
        return max(position.acknowledged, following[0].first - 1) if following else position.last

    def _base_numbers(self) -> Mapping[str, int]:
        owed_from = self._owed_from()
        for _, _, text in reversed(self._connection.execute(self._sql["read_snapshot_numbers"]).fetchall()):
            numbers: Mapping[str, int] = orjson.loads(text)
            if numbers.get(STATES, 0) <= owed_from:
                return numbers
        return {}

    def _write_snapshot(self, turn: int, at_ms: int, numbers: Mapping[str, int], standing: Standing) -> None:
        marks = {stream: position.acknowledged for stream, position in self._positions.items()}
        self._connection.execute(
            self._sql["save_snapshot"],
            (turn, at_ms, to_json(dict(numbers)).decode(), to_json(marks).decode(), pack(standing.as_json())),
        )

    def _save_position(self, stream: str, position: Position) -> None:
        self._connection.execute(
            self._sql["save_stream"],
            (stream, position.last, position.acknowledged, position.acknowledged_at, position.bytes),
        )

    def _shed_by_stream(self) -> dict[str, int]:
        shed: dict[str, int] = {}
        for gap in self.gaps():
            position = self._positions.get(gap.stream)
            if position and gap.last > position.acknowledged:
                shed[gap.stream] = shed.get(gap.stream, 0) + gap.count
        return shed


def add_streams(connection: Connection) -> None:
    """Those of the declared table that the file does not know yet. The first one added has the highest number."""
    busiest_first = sorted(
        STREAMS.values(), key=lambda stream: (stream.priority is not Priority.NORMAL, -stream.priority)
    )
    connection.executemany(queries.load()["add_stream"], [(stream.name,) for stream in busiest_first])
