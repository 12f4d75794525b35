"""The past as the records tell it: how the home stood at some instant, and every change after it, in order.

Reads the mirror's file by a connection of its own, beside the agent that writes it. How far back it reaches is a matter of retention:
before the first snapshot whose following records are all still there, nothing is known.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeAlias

import orjson

from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState
from hub_agent.store import blocks, queries, reading, shadow
from hub_agent.store.blocks import Block, Dating, Head
from hub_agent.store.codec import from_ms, to_ms
from hub_agent.store.file import translated
from hub_agent.store.standing import STATE_STREAMS, STATES, Standing, state_of

EXECUTIONS = "automation_executions"
# A row is dated by what happened, its block by its commit, which may come a little later.
COMMIT_LATE = timedelta(minutes=1)
NO_SHIFT = timedelta()

# When, which entity, and how it was from then on.
Recorded: TypeAlias = tuple[datetime, EntityId, EntityState]
States: TypeAlias = Mapping[EntityId, EntityState]


@dataclass(slots=True)
class Holes:
    """What is not there of the records that were read."""

    missing: int = 0
    thinned: int = 0
    first_at: datetime | None = None

    def note(self, at_ms: int, *, missing: int = 0, thinned: int = 0) -> None:
        self.missing += missing
        self.thinned += thinned
        self.first_at = self.first_at or from_ms(at_ms)


@dataclass(frozen=True, slots=True)
class _Base:
    """Where reading begins: after these numbers, with these states. `turn` is None when that is before everything."""

    at_ms: int
    turn: int | None
    numbers: Mapping[str, int]


class History:
    """From the newest known stand of the home that is not after `since`; if there is none, from the oldest. `begins_at` says which instant that is."""

    def __init__(self, connection: Connection, since: datetime) -> None:
        self._connection = connection
        self._sql = queries.load()
        newest_boot = connection.execute(self._sql["newest_boot"]).fetchone()
        self._dating = Dating(connection, newest_boot[0] or 0)
        self._base = self._base_for(to_ms(since))
        self.begins_at = from_ms(self._base.at_ms)
        self.states: dict[EntityId, EntityState] = self._states_at_base()
        self.holes = Holes()
        # When the machine was seen to have been started again; that only the agent was leaves no mark.
        self.restarts: list[datetime] = []
        self._boot_number: int | None = None
        self._until = self.begins_at

    def changes(self, until: datetime) -> Iterator[Recorded]:
        """In the order in which they happened. Of a damaged block nothing is known."""
        last = self.begins_at
        self._until = until
        by_stream = [self._blocks(stream, to_ms(until + COMMIT_LATE)) for stream in STATE_STREAMS]
        for _, turn in groupby(merge(*by_stream, key=attrgetter("turn")), key=attrgetter("turn")):
            for at, entity_id, state in self._of_turn(list(turn)):
                last = max(last, at)  # a clock that was set back does not take the past back
                yield last, entity_id, state

    def follow(self, until: datetime) -> None:
        """The states as they were then."""
        for _ in self.changes(until):
            pass

    # Where to begin.

    def _base_for(self, since_ms: int) -> _Base:
        bases = self._bases()
        fitting = [base for base in bases if base.at_ms <= since_ms]
        if fitting:
            return fitting[-1]
        return bases[0] if bases else _Base(since_ms, None, {})

    def _bases(self) -> list[_Base]:
        """Before everything, and each snapshot; those of them after which no change of a device is missing. Oldest first."""
        listed = self._connection.execute(self._sql["read_snapshot_numbers"]).fetchall()
        found = [self._base_at(None, None, {})]
        found += [self._base_at(at_ms, turn, orjson.loads(numbers)) for turn, at_ms, numbers in listed]
        return sorted((base for base in found if base is not None), key=attrgetter("at_ms"))

    def _base_at(self, at_ms: int | None, turn: int | None, numbers: Mapping[str, int]) -> _Base | None:
        """Measurements may be missing: the next one says again how it is."""
        following: list[Head] = []
        for stream in STATE_STREAMS:
            number = numbers.get(stream, 0)
            heads = blocks.heads(self._connection, stream, number, 1)
            if stream == STATES and not self._follows(number, heads):
                return None
            following += heads
        # A snapshot that was made of old records, before they went, is dated by what comes after it.
        ats = [head.made_at for head in following] + ([] if at_ms is None else [at_ms])
        return _Base(min(ats), turn, numbers) if ats else None

    def _follows(self, number: int, heads: Sequence[Head]) -> bool:
        if heads:
            return heads[0].first <= number + 1
        last = self._connection.execute(self._sql["last_number"], (STATES,)).fetchone()
        return last is None or last[0] <= number

    def _states_at_base(self) -> dict[EntityId, EntityState]:
        if self._base.turn is None:
            return {}
        found = shadow.from_snapshot(self._connection, self._base.turn)
        return (found.standing if found else Standing()).states()

    # Reading on.

    def _blocks(self, stream: str, stop_ms: int) -> Iterator[Block]:
        number = self._base.numbers.get(stream, 0)
        for block in blocks.read(self._connection, stream, number):
            if block.first > number + 1:
                self.holes.note(block.made_at, missing=block.first - number - 1)
            number = block.last
            if block.is_thinned:
                self.holes.note(block.made_at, thinned=block.last - block.first + 1)
            if block.made_at > stop_ms and block.is_clock_trusted:
                return
            yield block

    def _of_turn(self, turn: list[Block]) -> list[Recorded]:
        found: list[Recorded] = []
        if turn[0].boot_number != self._boot_number:
            if self._boot_number is not None:
                self.restarts.append(from_ms(turn[0].made_at))
            self._boot_number = turn[0].boot_number
        for block in turn:
            self._take_block(block, found)
        if (
            len(turn) > 1
        ):  # rows of one commit: within a stream they stand in order, between the streams the time says it
            found.sort(key=itemgetter(0))
        return found

    def _take_block(self, block: Block, found: list[Recorded]) -> None:
        shift = NO_SHIFT if block.is_clock_trusted else timedelta(milliseconds=self._dating.shift_ms(block)[0])
        rows = shadow.readable_rows(block)
        if not rows:
            self.holes.note(block.made_at, missing=block.last - block.first + 1)
        take = self._take_change if block.stream == STATES else self._take_measurement
        for row in rows:
            try:
                take(row, shift, found)
            except (KeyError, TypeError, ValueError, AttributeError):
                self.holes.note(block.made_at, missing=1)

    def _take_change(self, row: Mapping[str, Any], shift: timedelta, found: list[Recorded]) -> None:
        at = datetime.fromisoformat(row["created_at"]) + shift
        for entity_id, said in row["entities"].items():
            if not isinstance(said, dict):
                continue
            text, since = said["state"], said.get("changed_at")
            changed_at = None if since is None else datetime.fromisoformat(since) + shift
            self._put(at, entity_id, text, said.get("attributes") or {}, changed_at, found)

    def _take_measurement(self, row: Mapping[str, Any], shift: timedelta, found: list[Recorded]) -> None:
        text = state_of(row)
        if text is not None:
            self._put(datetime.fromisoformat(row["time"]) + shift, row["entity_id"], text, None, None, found)

    def _put(  # noqa: PLR0917 done for every change: names would cost a fifth of the time
        self,
        at: datetime,
        entity_id: str,
        text: str,
        attributes: JsonObject | None,
        changed_at: datetime | None,
        found: list[Recorded],
    ) -> None:
        if at > self._until:
            return
        key = EntityId(entity_id)
        known = self.states.get(key)
        if attributes is None:
            attributes = {} if known is None else known.attributes
        if changed_at is None:
            changed_at = known.changed_at if known is not None and known.state == text else at
        state = self.states[key] = EntityState(text, attributes, changed_at, at)
        found.append((at, key, state))


# What a rule did.


@dataclass(frozen=True, slots=True)
class Deeds:
    """Execution records of a rule in a window, and what traces are kept of it. `kept_since`: None when records reach back to the beginning."""

    executions: list[JsonObject]
    traces: list[JsonObject]
    kept_since: datetime | None


def deeds_of(connection: Connection, automation_id: str, since: datetime) -> Deeds:
    sql = queries.load()
    found: list[JsonObject] = []
    first = connection.execute(sql["first_block_made_since"], (EXECUTIONS, to_ms(since - COMMIT_LATE))).fetchone()
    for block in blocks.read(connection, EXECUTIONS, first[0] - 1) if first else ():
        found += [row for row in shadow.readable_rows(block) if row.get("automation_id") == automation_id]
    heads = blocks.heads(connection, EXECUTIONS, 0, 1)
    last = connection.execute(sql["last_number"], (EXECUTIONS,)).fetchone()
    begins = from_ms(heads[0].made_at) if heads and heads[0].first > 1 else None
    if not heads and last is not None and last[0]:
        begins = since  # all of them are gone
    rows = connection.execute(sql["read_runs_of"], (automation_id, reading.RUNS_MAX)).fetchall()
    return Deeds(found, reading.runs(rows), begins)


# Opening.


def open_beside(path: Path) -> Connection:
    """For reading, while the agent goes on writing. Raises MirrorError."""
    with translated(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        connection.execute("PRAGMA query_only = ON")
        return connection


def states_at(path: Path, at: datetime) -> tuple[States, datetime]:
    """How the home stood, and since when that is known: if that is later than `at`, there are no states. Raises MirrorError."""
    with closing(open_beside(path)) as connection, translated(path):
        history = History(connection, at)
        if history.begins_at > at:
            return {}, history.begins_at
        history.follow(at)
        return history.states, history.begins_at
