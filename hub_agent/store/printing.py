"""Fingerprints of what the mirror still has of the records that the cloud has confirmed, read beside the writer in bounded stretches."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub_agent.core.sync.prints import key_of, print_of, read_time
from hub_agent.core.sync.verifying import Printed, Stretch
from hub_agent.model.record import STREAMS
from hub_agent.store import blocks, queries, shadow
from hub_agent.store.blocks import Block
from hub_agent.store.codec import to_ms
from hub_agent.store.file import translated
from hub_agent.store.history import open_beside
from hub_agent.store.standing import STATES, lengthened

# Some ten milliseconds of a Pi's time.
STRETCH_ROWS = 1_000
# A row is dated by what happened, its block by its commit.
COMMIT_LATE = timedelta(days=1)

RowId = Callable[[str, int, Mapping[str, Any]], str]


def printed(path: Path, stream: str, after: int, since: datetime, row_id: RowId) -> Stretch:
    """The next stretch after this number; from the beginning, only what was made since. Raises MirrorError.

    Left out is what was made before the clock was trusted: it may be dated otherwise today than when it was sent.
    """
    with closing(open_beside(path)) as connection, translated(path):
        mark = _acknowledged(connection, stream)
        if after == 0:
            found = connection.execute(
                queries.load()["first_block_made_since"], (stream, to_ms(since - COMMIT_LATE))
            ).fetchone()
            after = found[0] - 1 if found else mark
        records: list[Printed] = []
        for block in blocks.read(connection, stream, after):
            if block.first > mark or len(records) >= STRETCH_ROWS:
                break
            after = block.last
            if block.is_clock_trusted:
                records += [each for each in _of_block(block, row_id) if each.number <= mark]
        else:
            return Stretch(records, after, is_end=True)
        return Stretch(records, after, is_end=block.first > mark)


def _acknowledged(connection: sqlite3.Connection, stream: str) -> int:
    return next((row[2] for row in connection.execute(queries.load()["read_streams"]) if row[0] == stream), 0)


def _of_block(block: Block, row_id: RowId) -> list[Printed]:
    declared = STREAMS.get(block.stream)
    time_column = declared.time_column if declared else "time"
    found: list[Printed] = []
    for number, stored in enumerate(shadow.readable_rows(block), block.first):
        row: Mapping[str, Any] = stored
        if block.stream == STATES:
            row = lengthened(stored)
            if "id" not in row:
                row = {**row, "id": row_id(STATES, number, stored)}
        at = read_time(row.get(time_column))
        if at is not None:
            found.append(Printed(number, at, print_of(block.stream, row), key_of(block.stream, row, number)))
    return found
