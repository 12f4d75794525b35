"""The part of ports.Store that the link to the cloud uses, in memory. What is committed survives a crash of whoever uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hub_agent.core.sync.prints import key_of, print_of, read_time
from hub_agent.core.sync.verifying import Printed, Stretch
from hub_agent.model.effects import AppendCase, AppendRecord, CloudCommandDone, Save, SaveDefinition
from hub_agent.model.record import STREAMS
from hub_agent.ports import Case, Gap, Identity, Moment, RecordBatch, StreamPosition

# Few, so that what is read in stretches is.
STRETCH_ROWS = 7


class MemoryStore:
    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.records: dict[str, dict[int, Any]] = {}
        self.last: dict[str, int] = {}
        self.marks: dict[str, int] = {}
        self.acknowledged_at: dict[str, Any] = {}
        self.made_at: dict[tuple[str, int], datetime] = {}
        self.definitions: dict[tuple[str, str], Any] = {}
        self.saved: dict[str, dict[str, Any]] = {}
        self.pending_gaps: list[Gap] = []
        self.all_cases: dict[tuple[str, str], Case] = {}
        self.told_cases: dict[tuple[str, str], int] = {}
        self.done: dict[str, dict[str, Any]] = {}
        self.ever_done: set[str] = set()
        self.saved_cursor: str | None = None
        self.failing: Exception | None = None

    async def commit(self, effects: Sequence[Any], moment: Moment) -> None:
        if self.failing is not None:
            raise self.failing
        for effect in effects:
            match effect:
                case AppendRecord(stream, row):
                    self.last[stream] = self.last.get(stream, 0) + 1
                    self.records.setdefault(stream, {})[self.last[stream]] = row
                    self.made_at[stream, self.last[stream]] = moment.wall
                case SaveDefinition(definition):
                    self.definitions[definition.kind, definition.id] = definition
                case Save(room, key, body):
                    self.saved.setdefault(room, {}).pop(key, None)
                    if body is not None:
                        self.saved[room][key] = body
                case AppendCase(table, case_id, revision, row):
                    self.all_cases[table, case_id] = Case(table, case_id, revision, row)
                case CloudCommandDone(command_id, status, result):
                    self.ever_done.add(command_id)
                    self.done[command_id] = {"id": command_id, "status": status, "result": result}

    async def commit_ahead(self, effects: Sequence[Any], moment: Moment) -> bool:
        await self.commit(effects, moment)
        return True

    async def fsync(self) -> None:
        """It is."""

    def shed(self, stream: str, first: int, last: int, reason: str = "disk_full") -> None:
        """Retention gives up what was not sent."""
        for number in range(first, last + 1):
            self.records[stream].pop(number)
        self.pending_gaps.append(Gap(stream, first, last, last - first + 1, reason))

    async def positions(self) -> Sequence[StreamPosition]:
        return self.positions_now()

    def positions_now(self) -> Sequence[StreamPosition]:
        return [
            StreamPosition(
                stream,
                last,
                self.marks.get(stream, 0),
                len(waiting),
                self.acknowledged_at.get(stream),
                self.made_at[stream, min(waiting)] if waiting else None,
            )
            for stream, last in sorted(self.last.items())
            for waiting in [self._waiting(stream)]
        ]

    def _waiting(self, stream: str) -> list[int]:
        return [number for number in self.records.get(stream, {}) if number > self.marks.get(stream, 0)]

    async def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        after = max(after, self.marks.get(stream, 0))
        waiting = sorted(number for number in self.records.get(stream, {}) if number > after)
        if not waiting:
            return None
        # As large as the first, all of them.
        rows_max = max(1, min(rows_max, bytes_max // len(str(self.records[stream][waiting[0]]))))
        rows = []
        for n, number in enumerate(waiting[:rows_max]):
            if number != waiting[0] + n:
                break
            rows.append(self.records[stream][number])
        return RecordBatch(stream, waiting[0], rows)

    async def numbered(self, stream: str, numbers: Sequence[int]) -> RecordBatch | None:
        there = [number for number in numbers if number in self.records.get(stream, {})]
        if not there:
            return None
        rows = [self.records[stream][number] for number in there]
        return RecordBatch(stream, there[0], rows, numbers=tuple(there))

    async def printed(self, stream: str, after: int, since: datetime) -> Stretch:
        mark = self.marks.get(stream, 0)
        numbers = [number for number in sorted(self.records.get(stream, {})) if after < number <= mark]
        found = []
        for number in numbers[:STRETCH_ROWS]:
            row = self.records[stream][number]
            at = read_time(row[STREAMS[stream].time_column])
            assert at is not None
            found.append(Printed(number, at, print_of(stream, row), key_of(stream, row, number)))
        is_end = len(numbers) <= STRETCH_ROWS
        return Stretch(found, numbers[-1] if numbers and is_end else found[-1].number if found else after, is_end)

    async def acknowledge(self, marks: Mapping[str, int], moment: Moment) -> None:
        for stream, mark in marks.items():
            self.marks[stream] = max(mark, self.marks.get(stream, 0))
            self.acknowledged_at[stream] = moment.wall

    async def gaps(self) -> Sequence[Gap]:
        return list(self.pending_gaps)

    async def acknowledge_gaps(self, gaps: Sequence[Gap]) -> None:
        self.pending_gaps = [gap for gap in self.pending_gaps if gap not in gaps]

    async def cases(self, limit: int) -> Sequence[Case]:
        return [case for key, case in sorted(self.all_cases.items()) if case.revision > self.told_cases.get(key, 0)][
            :limit
        ]

    async def acknowledge_cases(self, cases: Sequence[Case]) -> None:
        for case in cases:
            self.told_cases[case.table, case.id] = max(case.revision, self.told_cases.get((case.table, case.id), 0))

    async def commands_done(self) -> Sequence[Any]:
        return [done for _, done in sorted(self.done.items())]

    async def acknowledge_commands_done(self, ids: Sequence[str]) -> None:
        for each in ids:
            self.done.pop(each, None)

    async def save_identity(self, identity: Identity) -> None:
        self.identity = replace(identity)

    async def cursor(self) -> str | None:
        return self.saved_cursor

    async def save_cursor(self, cursor: str) -> None:
        self.saved_cursor = cursor
