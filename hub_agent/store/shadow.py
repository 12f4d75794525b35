"""The states as they were after some number of device_states: what a full snapshot of a device is put together from."""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

import orjson

from hub_agent.store import blocks, queries
from hub_agent.store.codec import unpack
from hub_agent.store.standing import ENERGY, STATE_STREAMS, STATES, TELEMETRY, Standing, lengthened

# What the mirror adds to rows for itself and the central tables do not have.
_OWN_COLUMNS: Mapping[str, frozenset[str]] = {
    STATES: frozenset({"entities"}),
    TELEMETRY: frozenset({"entity_id", "state"}),
    ENERGY: frozenset({"entity_id", "state", "unit"}),
}
_NONE: frozenset[str] = frozenset()


class Shadow:
    """Walks forward only; `numbers` says how far in each stream."""

    def __init__(self, connection: Connection, standing: Standing, numbers: Mapping[str, int]) -> None:
        self._connection = connection
        self._numbers = {stream: numbers.get(stream, 0) for stream in STATE_STREAMS}
        self.standing = standing
        self.turn = 0

    @property
    def number(self) -> int:
        return self._numbers[STATES]

    @property
    def numbers(self) -> Mapping[str, int]:
        return self._numbers

    def fork(self) -> "Shadow":
        return Shadow(self._connection, self.standing.fork(), self._numbers)

    def advance(self, number: int) -> None:
        """To just after this number of device_states."""
        if number <= self.number:
            return
        for block in blocks.read(self._connection, STATES, self.number):
            if block.first > number:
                break
            self.follow(block.turn)
            for row_number, row in enumerate(readable_rows(block), block.first):
                if row_number <= number:
                    self.take(row_number, row)
        self._numbers[STATES] = number

    def follow(self, turn: int) -> None:
        """Takes the measurements of the turns up to this one."""
        self.turn = max(self.turn, turn)
        for stream in (TELEMETRY, ENERGY):
            for block in blocks.read(self._connection, stream, self._numbers[stream]):
                if block.turn > turn:
                    break
                for row in readable_rows(block):
                    self.standing.apply(stream, row)
                self._numbers[stream] = block.last

    def take(self, number: int, row: Mapping[str, Any]) -> None:
        if number > self.number:
            self.standing.apply(STATES, row)
            self._numbers[STATES] = number

    def given_out(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of device_states as the central schema wants it; `take` it first."""
        return {**given_out(STATES, lengthened(row)), "state": self.standing.device(row["device_id"])}


def given_out(stream: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without what is the mirror's own."""
    own = _OWN_COLUMNS.get(stream, _NONE)
    if own.isdisjoint(row):
        return dict(row)
    return {column: value for column, value in row.items() if column not in own}


def readable_rows(block: blocks.Block) -> list[dict[str, Any]]:
    """No rows when the block is damaged: giving it out is where that is found and told."""
    try:
        return block.rows()
    except ValueError:
        return []


def at_or_before(connection: Connection, number: int) -> Shadow:
    """From the newest snapshot that is not beyond this number of device_states; from nothing if there is none."""
    listed = connection.execute(queries.load()["read_snapshot_numbers"]).fetchall()
    for turn, _, numbers in reversed(listed):
        if orjson.loads(numbers).get(STATES, 0) > number:
            continue
        shadow = from_snapshot(connection, turn)
        if shadow:
            return shadow
    return Shadow(connection, Standing(), {})


def newest(connection: Connection) -> Shadow:
    """From the newest snapshot that can be read."""
    for turn, _, _ in reversed(connection.execute(queries.load()["read_snapshot_numbers"]).fetchall()):
        shadow = from_snapshot(connection, turn)
        if shadow:
            return shadow
    return Shadow(connection, Standing(), {})


def from_snapshot(connection: Connection, turn: int) -> Shadow | None:
    row = connection.execute(queries.load()["read_snapshot"], (turn,)).fetchone()
    try:
        shadow = Shadow(connection, Standing.from_json(unpack(row[2])), orjson.loads(row[1]))
    except (ValueError, AssertionError, AttributeError):
        return None
    shadow.turn = turn
    return shadow
