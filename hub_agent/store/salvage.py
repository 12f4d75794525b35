"""A damaged mirror: the file is set aside, and what can be read of it goes row by row into a new one, in a new epoch.

The new epoch numbers what is still owed from 1: number n of before is n minus the old high-water mark. What is missing in
between becomes a gap. (Going on with the old numbers would be wrong: where the newest blocks are lost, numbers that the cloud
has seen would be given again, and it would skip them.)
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import orjson

from hub_agent.errors import MirrorCorrupt
from hub_agent.model.record import STREAMS
from hub_agent.ports import Identity
from hub_agent.store import blocks, queries, shadow
from hub_agent.store.blocks import Block
from hub_agent.store.codec import pack, to_json, unpack
from hub_agent.store.file import is_corrupt, transaction
from hub_agent.store.records import DAMAGED, Records, add_streams
from hub_agent.store.standing import STATE_STREAMS, STATES, Standing
from hub_agent.store.tables import Tables

SET_ASIDE_MAX = 3  # older ones go: a dying card must not fill itself with its own wrecks
KEY_BITS = 40  # of a block's key are its last number

_SKIPPED_TABLES = frozenset({"migrations"})


def suspect(path: Path) -> None:
    """Damage was met while running: the next start looks closer."""
    with suppress(OSError):
        _marker(path).touch()


def is_suspect(path: Path) -> bool:
    return _marker(path).exists()


def is_sound(path: Path) -> bool:
    """Reads the whole file, beside whoever writes it."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as err:
        # That it is locked or cannot be opened now says nothing of it.
        return not is_corrupt(err)


def check(path: Path) -> None:
    """Where damage was met before, looks at the whole file. Raises MirrorCorrupt."""
    if not _marker(path).exists():
        return
    if path.exists() and not _is_sound(path):
        raise MirrorCorrupt(f"The mirror {path} was found damaged.")
    _marker(path).unlink(missing_ok=True)


def set_aside(path: Path, now: datetime) -> Path:
    aside = _free_name(path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%SZ}"))
    path.rename(aside)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        wal.rename(aside.with_name(aside.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    _marker(path).unlink(missing_ok=True)
    for wreck in _wrecks(path)[:-SET_ASIDE_MAX]:
        for suffix in ("", "-wal", "-shm"):
            wreck.with_name(wreck.name + suffix).unlink(missing_ok=True)
    return aside


def fill(connection: sqlite3.Connection, aside: Path) -> list[str]:
    """Copies what can be read into the new mirror and begins the new epoch. Answers what was found, for people."""
    kept: dict[str, int] = {}
    try:
        with closing(sqlite3.connect(aside, isolation_level=None)) as old:
            with transaction(connection, is_fsynced=False):
                add_streams(connection)
            for table in _tables(connection):
                rows = list(_rows(connection, old, table))
                with transaction(connection, is_fsynced=False):
                    kept[table] = _copy(connection, table, rows)
    except sqlite3.DatabaseError as err:
        if not is_corrupt(err) and err.__class__ is not sqlite3.DatabaseError:
            raise
    with transaction(connection, is_fsynced=True):
        _begin_epoch(connection)
    counted = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in kept.items() if count)
    return [f"Kept of the damaged mirror: {counted or 'nothing could be read'}."]


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def _free_name(wanted: Path) -> Path:
    name, count = wanted, 1
    while name.exists():
        count += 1
        name = wanted.with_name(f"{wanted.name}-{count}")
    return name


def _wrecks(path: Path) -> list[Path]:
    found = [each for each in path.parent.glob(f"{path.name}.corrupt-*") if not each.name.endswith(("-wal", "-shm"))]
    return sorted(found)


def _tables(connection: sqlite3.Connection) -> list[str]:
    names = (row[0] for row in connection.execute(queries.load()["count_tables"]))
    return [name for name in names if name not in _SKIPPED_TABLES]


def _rows(new: sqlite3.Connection, old: sqlite3.Connection, table: str) -> Iterator[dict[str, object]]:
    """All rows that can be read, in the columns that both files have."""
    theirs = {row[1] for row in _quietly(old, f"PRAGMA table_info({table})", ())}
    info = new.execute(f"PRAGMA table_info({table})").fetchall()
    columns = [row[1] for row in info if row[1] in theirs]
    key = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    if not columns:
        return
    if table == "record_blocks":
        yield from _scan_blocks(new, old, columns)
        return
    seen: set[tuple[object, ...]] = set()
    # From both ends: one damaged page costs what stands on it, not what comes after.
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{column} {direction}" for column in key)
        statement = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"  # noqa: S608 names are our own schema's
        for values in _quietly(old, statement, ()):
            row = dict(zip(columns, values, strict=True))
            identity = tuple(row[column] for column in key)
            if identity not in seen:
                seen.add(identity)
                yield row


def _scan_blocks(
    new: sqlite3.Connection, old: sqlite3.Connection, columns: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Stream by stream and number by number, jumping over what is damaged."""
    numbers = [row[0] for row in new.execute(queries.load()["read_stream_numbers"])]
    names = ", ".join(columns)
    statement = f"SELECT {names} FROM record_blocks WHERE block_key > ? AND block_key < ? ORDER BY block_key"  # noqa: S608 names are our own schema's
    for stream_number in numbers:
        after, end, jump = stream_number << KEY_BITS, (stream_number + 1) << KEY_BITS, 0
        while jump < KEY_BITS:
            try:
                for values in old.execute(statement, (after, end)):
                    row = dict(zip(columns, values, strict=True))
                    assert isinstance(row["block_key"], int)
                    after, jump = row["block_key"], 0
                    yield row
            except sqlite3.DatabaseError:
                after += 1 << jump
                jump += 1
            else:
                break


def _quietly(
    connection: sqlite3.Connection, statement: str, values: tuple[object, ...]
) -> Iterator[tuple[object, ...]]:
    """Rows until the damage."""
    try:
        yield from connection.execute(statement, values)
    except sqlite3.DatabaseError:
        return


def _copy(connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, object]]) -> int:
    count = 0
    for row in rows:
        if not _is_readable(row):
            continue
        marks = ", ".join("?" for _ in row)
        statement = f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608 names are our own schema's
        try:
            connection.execute(statement, tuple(row.values()))
        except sqlite3.IntegrityError:
            continue
        count += 1
    return count


def _is_readable(row: Mapping[str, object]) -> bool:
    body = row.get("body", row.get("result"))
    if body is None:
        return True
    try:
        unpack(body)
    except ValueError:
        return False
    return True


def _begin_epoch(connection: sqlite3.Connection) -> None:
    """Inside a transaction: renumbers what is owed, from 1."""
    identity = _identity(connection)
    if identity is None:
        return
    sql = queries.load()
    marks = _marks(connection)
    for stream, mark in marks.items():
        connection.execute(sql["save_stream"], (stream, mark, mark, None, 0))
    records = Records(connection, identity)
    records.load()
    base = shadow.at_or_before(connection, marks.get(STATES, 0))
    base.advance(marks.get(STATES, 0))
    connection.execute(sql["delete_snapshots"])
    lasts: dict[str, int] = {}
    for stream, mark in marks.items():
        lasts[stream] = _renumber(connection, stream, mark)
        size = sum(head.bytes for head in blocks.heads(connection, stream, 0, -1))
        connection.execute(sql["save_stream"], (stream, lasts[stream], 0, None, size))
    base_numbers = {stream: max(0, base.numbers[stream] - marks[stream]) for stream in STATE_STREAMS}
    _save_snapshot(connection, 0, base_numbers, base.standing)
    turn = connection.execute(sql["newest_turn"]).fetchone()[0]
    _save_snapshot(connection, turn + 1, {stream: lasts[stream] for stream in STATE_STREAMS}, records.standing)
    Tables(connection).save_identity(replace(identity, epoch=identity.epoch + 1))


def _identity(connection: sqlite3.Connection) -> Identity | None:
    row = connection.execute(queries.load()["read_identity"]).fetchone()
    return Identity(*row) if row else None


def _marks(connection: sqlite3.Connection) -> dict[str, int]:
    """The highest acknowledged numbers that any part of the file tells of."""
    marks = dict.fromkeys(STREAMS, 0)
    sql = queries.load()
    told = [{row[0]: row[2]} for row in connection.execute(sql["read_streams"])]
    told += [orjson.loads(row[0]) for row in connection.execute(sql["read_snapshot_marks"])]
    for each in told:
        for stream, mark in each.items():
            marks[stream] = max(marks.get(stream, 0), mark)
    return marks


def _renumber(connection: sqlite3.Connection, stream: str, mark: int) -> int:
    """Answers the last number."""
    sql = queries.load()
    gaps = _shifted_gaps(connection, stream, mark)
    connection.execute(sql["delete_blocks_up_to"], (stream, mark))
    expected = 1
    for block in blocks.read(connection, stream, mark):
        connection.execute(sql["delete_block"], (stream, block.last))
        try:
            moved = _moved(block, mark)
        except ValueError:
            continue  # its numbers become a hole
        gaps += _holes(expected, moved.first - 1, gaps, moved)
        blocks.insert(connection, moved)
        expected = moved.last + 1
    for first, last, count, reason, from_at, to_at in sorted(gaps):
        connection.execute(sql["add_gap"], (stream, first, last, count, reason, from_at, to_at))
    return max([expected - 1, *(gap[1] for gap in gaps)])


_GapRow = tuple[int, int, int, str, int | None, int | None]


def _shifted_gaps(connection: sqlite3.Connection, stream: str, mark: int) -> list[_GapRow]:
    sql = queries.load()
    rows = connection.execute(sql["read_gaps_above"], (stream, mark)).fetchall()
    connection.execute(sql["delete_gaps"], (stream,))
    return [
        (max(1, first - mark), last - mark, count, reason, from_at, to_at)
        for first, last, count, reason, from_at, to_at in rows
    ]


def _holes(expected: int, end: int, gaps: Sequence[_GapRow], following: Block) -> list[_GapRow]:
    """The stretches up to `end` that no gap tells of yet."""
    holes: list[_GapRow] = []
    for first, last, *_ in gaps:
        if last < expected or first > end:
            continue
        if first > expected:
            holes.append((expected, first - 1, first - expected, DAMAGED, None, following.made_at))
        expected = last + 1
    if expected <= end:
        holes.append((expected, end, end - expected + 1, DAMAGED, None, following.made_at))
    return holes


def _moved(block: Block, mark: int) -> Block:
    """With its new numbers, without the rows that the cloud has."""
    sent = max(0, mark - block.first + 1)
    rows = block.rows()
    body = pack(rows[sent:]) if sent else block.body
    return replace(block, first=block.first + sent - mark, last=block.last - mark, body=body)


def _save_snapshot(connection: sqlite3.Connection, turn: int, numbers: Mapping[str, int], standing: Standing) -> None:
    body = pack(standing.as_json())
    connection.execute(queries.load()["save_snapshot"], (turn, 0, to_json(dict(numbers)).decode(), "{}", body))
