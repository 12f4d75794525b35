"""Blocks: records of one stream that were committed together, and how their times are put right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any

from hub_agent.model.json import Row
from hub_agent.store import queries
from hub_agent.store.codec import from_ms, pack, to_ms, unpack
from hub_agent.store.standing import STATE_STREAMS, STATES, entities_of, shortened

# A block is decoded whole, so a commit of many rows becomes several.
BLOCK_ROWS_MAX = 1000
READ_BLOCKS = 32

# What devices say stands under this key; its times are theirs, not ours.
_FOREIGN_KEYS = frozenset({"attributes"})
_TIME_KEYS = frozenset({"time", "at"})


@dataclass(frozen=True, slots=True)
class Block:
    """As it stands in record_blocks; instants in milliseconds."""

    stream: str
    last: int
    first: int
    turn: int
    made_at: int
    boot_number: int
    monotonic_ms: int
    is_clock_trusted: int
    is_thinned: int
    body: bytes

    def rows(self) -> list[dict[str, Any]]:
        """Raises ValueError when the body is damaged."""
        rows = unpack(self.body)
        if not isinstance(rows, list) or len(rows) != self.last - self.first + 1:
            raise ValueError("not as many rows as numbers")
        return rows


@dataclass(frozen=True, slots=True)
class Head:
    """A block without its body."""

    last: int
    first: int
    turn: int
    made_at: int
    is_clock_trusted: int
    is_thinned: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a commit was made."""

    made_at: int
    boot_number: int
    monotonic_ms: int
    is_clock_trusted: int


def grouped(appends: Sequence[tuple[str, Row]]) -> list[list[tuple[str, list[Row]]]]:
    """Turns of rows by stream. Where an entity's state comes from two streams a new turn begins, so that turns replay in order."""
    turns: list[list[tuple[str, list[Row]]]] = []
    rows_by_stream: dict[str, list[Row]] = {}
    stream_by_entity: dict[str, str] = {}
    for stream, row in appends:
        if stream in STATE_STREAMS:
            entities = entities_of(stream, row)
            for entity in entities:
                if stream_by_entity.get(entity, stream) != stream:
                    turns.append(list(rows_by_stream.items()))
                    rows_by_stream, stream_by_entity = {}, {}
                    break
            for entity in entities:
                stream_by_entity[entity] = stream
        rows_by_stream.setdefault(stream, []).append(row)
    if rows_by_stream:
        turns.append(list(rows_by_stream.items()))
    return turns


def build(
    appends: Sequence[tuple[str, Row]], last_by_stream: Mapping[str, int], turn: int, stamp: Stamp
) -> Iterator[Block]:
    """Blocks with the next numbers and turns."""
    numbers = dict(last_by_stream)
    for turn_after, groups in enumerate(grouped(appends), turn + 1):
        for stream, rows in groups:
            for start in range(0, len(rows), BLOCK_ROWS_MAX):
                part = rows[start : start + BLOCK_ROWS_MAX]
                first = numbers[stream] + 1
                numbers[stream] += len(part)
                yield Block(
                    stream,
                    numbers[stream],
                    first,
                    turn_after,
                    stamp.made_at,
                    stamp.boot_number,
                    stamp.monotonic_ms,
                    stamp.is_clock_trusted,
                    0,
                    pack([shortened(row) for row in part] if stream == STATES else part),
                )


def insert(connection: Connection, block: Block) -> None:
    connection.execute(
        queries.load()["append_block"],
        (
            block.stream,
            block.last,
            block.first,
            block.turn,
            block.made_at,
            block.boot_number,
            block.monotonic_ms,
            block.is_clock_trusted,
            block.is_thinned,
            block.body,
        ),
    )


def read(connection: Connection, stream: str, after: int) -> Iterator[Block]:
    """Blocks with numbers above `after`, in order. No statement stays open between two of them."""
    statement = queries.load()["read_blocks"]
    while True:
        rows = connection.execute(statement, (stream, after, READ_BLOCKS)).fetchall()
        for row in rows:
            yield Block(*row)
        if len(rows) < READ_BLOCKS:
            return
        after = rows[-1][1]


def heads(connection: Connection, stream: str, after: int, limit: int) -> list[Head]:
    rows = connection.execute(queries.load()["read_block_heads"], (stream, after, limit))
    return [Head(*row) for row in rows]


class Dating:
    """By how much the times of a block are wrong, as far as that is known."""

    def __init__(self, connection: Connection, current_boot: int) -> None:
        self._connection = connection
        self._current_boot = current_boot
        self._corrections: dict[int, list[tuple[int, int]]] = {}
        self.load()

    def load(self) -> None:
        self._corrections = {}
        for boot_number, turn_max, offset_ms in self._connection.execute(queries.load()["read_corrections"]):
            self._corrections.setdefault(boot_number, []).append((turn_max, offset_ms))

    def corrected_turn(self, boot_number: int) -> int:
        """Up to this turn the boot's blocks have their correction."""
        return max((turn for turn, _ in self._corrections.get(boot_number, ())), default=0)

    def shift_ms(self, block: Block) -> tuple[int, bool]:
        """What to add to the block's times, and whether they can then be trusted."""
        if block.is_clock_trusted:
            return 0, True
        for turn_max, offset_ms in self._corrections.get(block.boot_number, ()):
            if block.turn <= turn_max:
                return offset_ms, True
        if block.boot_number == self._current_boot:
            return 0, False
        return self._bounded(block) - block.made_at, False

    def _bounded(self, block: Block) -> int:
        """The boot never knew the time: its records lie between those of the boots before and after it."""
        before = self._connection.execute(queries.load()["trusted_before"], (block.stream, block.first)).fetchone()
        after = self._connection.execute(queries.load()["trusted_after"], (block.stream, block.last)).fetchone()
        made_at = block.made_at
        if after:
            made_at = min(made_at, after[0])
        if before:
            made_at = max(made_at, before[0])
        return made_at


def shifted(value: Any, by: timedelta) -> Any:
    """The row with our own instants moved: what stands under `time`, `at` or `..._at`, outside of what devices say."""
    if isinstance(value, dict):
        return {
            key: inner
            if key in _FOREIGN_KEYS
            else _shifted_instant(inner, by)
            if isinstance(inner, str) and (key in _TIME_KEYS or key.endswith("_at"))
            else shifted(inner, by)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [shifted(inner, by) for inner in value]
    return value


def _shifted_instant(text: str, by: timedelta) -> str:
    try:
        at = datetime.fromisoformat(text)
        return (at + by).isoformat().replace("+00:00", "Z") if at.tzinfo else text
    except (ValueError, OverflowError):
        return text


def optional_ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def optional_from_ms(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
