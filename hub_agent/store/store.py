"""The mirror's door: every call is one hop to the writer's thread, or none when it runs inline."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import aiosqlite

from hub_agent.core.sync.verifying import Stretch
from hub_agent.errors import MirrorError, MirrorFull
from hub_agent.model.activity import ActivityAsked
from hub_agent.model.definition import Definition, Former
from hub_agent.model.effects import Durability, Persistent
from hub_agent.model.ids import EntityId, NewId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState
from hub_agent.ports import Case, Gap, Identity, Moment, RecordBatch, Remembered, StreamPosition
from hub_agent.store import file, history, printing, queries, reading, salvage
from hub_agent.store.file import PAGE_BYTES, translated
from hub_agent.store.ledger import Ledger, disk_space_of
from hub_agent.store.retention import DiskSpace

# More than this would hold up the event loop for longer than two hops between threads do.
AT_ONCE_MAX = 64

P = ParamSpec("P")
T = TypeVar("T")


def random_id() -> str:
    return str(uuid.uuid4())


class Mirror:
    """Fills ports.Store. `inline` runs everything on the caller's thread: for simulations and tests under virtual time."""

    def __init__(
        self,
        path: Path,
        *,
        new_id: NewId = random_id,
        inline: bool = False,
        disk_space: Callable[[], DiskSpace] | None = None,
        page_bytes: int = PAGE_BYTES,
    ) -> None:
        self._path = path
        self._inline = inline
        self._ledger = Ledger(path, new_id=new_id, disk_space=disk_space or disk_space_of(path), page_bytes=page_bytes)
        self._writer: ThreadPoolExecutor | None = None
        self._turn = threading.Lock()
        self._reader: aiosqlite.Connection | None = None
        self._reader_turn = asyncio.Lock()

    @property
    def path(self) -> Path:
        return self._path

    async def open(self, moment: Moment) -> Remembered:
        if not self._inline:
            self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mirror")
        try:
            return await self._write(self._ledger.open, moment)
        except BaseException:
            self._stop_writer()
            raise

    async def commit(self, effects: Sequence[Persistent], moment: Moment) -> None:
        if effects:
            await self._commit(effects, moment, is_fsynced=_asks_for_fsync(effects))

    async def commit_ahead(self, effects: Sequence[Persistent], moment: Moment) -> bool:
        if self._inline or not _asks_for_fsync(effects):
            await self.commit(effects, moment)
            return True
        await self._commit(effects, moment, is_fsynced=False)
        return False

    async def fsync(self) -> None:
        if not self._inline:
            with translated(self._path):
                await asyncio.to_thread(file.fsync, self._path)

    async def _commit(self, effects: Sequence[Persistent], moment: Moment, *, is_fsynced: bool) -> None:
        # The answer comes when the commit is durable; housekeeping follows on the writer's thread while the caller goes on.
        try:
            if is_fsynced or not self._commit_at_once(effects, moment):
                await self._write(self._ledger.commit, effects, moment, is_fsynced=is_fsynced)
        except MirrorFull:
            # Nothing was kept. Sheds what may go, and tries once more.
            await self._write(self._ledger.tidy, moment)
            await self._write(self._ledger.commit, effects, moment, is_fsynced=is_fsynced)
        if not self._ledger.is_tidying_due(moment):
            return
        if self._writer is None:
            self._ledger.tidy(moment)
        else:
            self._writer.submit(self._exclusively, self._ledger.tidy, moment)

    async def close(self, moment: Moment) -> None:
        await self._close_reader()
        try:
            await self._write(self._ledger.close, moment)
        finally:
            self._stop_writer()

    def abandon(self) -> None:
        """Lets go of everything as a crash does: nothing more is written."""
        self._stop_writer()
        if self._reader is not None:
            self._reader.stop()
            self._reader = None
        self._ledger.abandon()

    async def positions(self) -> Sequence[StreamPosition]:
        return await self._write(self._ledger.positions)

    async def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        return await self._write(self._ledger.next_batch, stream, rows_max, bytes_max, after)

    async def numbered(self, stream: str, numbers: Sequence[int]) -> RecordBatch | None:
        return await self._write(self._ledger.numbered, stream, numbers)

    async def printed(self, stream: str, after: int, since: datetime) -> Stretch:
        """By a connection of its own on a thread of its own: neither a commit nor the loop waits for it."""
        read = partial(printing.printed, self._path, stream, after, since, self._ledger.row_id)
        return read() if self._inline else await asyncio.to_thread(read)

    async def acknowledge(self, marks: Mapping[str, int], moment: Moment) -> None:
        await self._write(self._ledger.acknowledge, marks, moment)

    async def gaps(self) -> Sequence[Gap]:
        return await self._write(self._ledger.gaps)

    async def acknowledge_gaps(self, gaps: Sequence[Gap]) -> None:
        await self._write(self._ledger.acknowledge_gaps, gaps)

    async def cases(self, limit: int) -> Sequence[Case]:
        return await self._write(self._ledger.cases, limit)

    async def acknowledge_cases(self, cases: Sequence[Case]) -> None:
        await self._write(self._ledger.acknowledge_cases, cases)

    async def commands_done(self) -> Sequence[JsonObject]:
        return await self._write(self._ledger.commands_done)

    async def acknowledge_commands_done(self, ids: Sequence[str]) -> None:
        await self._write(self._ledger.acknowledge_commands_done, ids)

    async def save_identity(self, identity: Identity) -> None:
        await self._write(self._ledger.save_identity, identity)

    async def cursor(self) -> str | None:
        return await self._write(self._ledger.cursor)

    async def save_cursor(self, cursor: str) -> None:
        await self._write(self._ledger.save_cursor, cursor)

    async def trust_clock(self, boot_id: str, offset_s: float) -> int:
        return await self._write(self._ledger.trust_clock, boot_id, offset_s)

    async def runs(self, automation_id: str | None, limit: int) -> Sequence[JsonObject]:
        return reading.runs(await self._read(*reading.runs_query(automation_id, limit)))

    async def trace(self, run_id: str) -> JsonObject | None:
        return reading.trace(run_id, await self._read(*reading.trace_query(run_id)))

    async def recent_cases(self, table: str, limit: int) -> Sequence[JsonObject]:
        return reading.runs(await self._read(queries.load()["read_recent_cases"], (table, limit)))

    async def activity(self, asked: ActivityAsked) -> Sequence[JsonObject]:
        return reading.activity(await self._read(*reading.activity_query(asked)))

    async def definition_history(self, kind: str, definition_id: str) -> Sequence[Former]:
        rows = await self._read(queries.load()["read_formers"], (kind, definition_id))
        return reading.definition_history(rows)

    async def changed_since_well(self) -> Sequence[Former]:
        """How definitions were when the agent last ran well, of those that have changed since."""
        rows = await self._read(queries.load()["read_formers_since_well"], ())
        first: dict[tuple[str, str], Former] = {}
        for former in reading.definition_history(rows):
            first.setdefault((former.kind, former.id), former)
        return list(first.values())

    async def is_sound(self) -> bool:
        """By a connection of its own on a thread of its own; it takes as long as reading the file does. Damage is looked at closer at the next start."""
        is_sound = (
            salvage.is_sound(self._path) if self._inline else await asyncio.to_thread(salvage.is_sound, self._path)
        )
        if not is_sound:
            salvage.suspect(self._path)
        return is_sound

    async def tidy(self, moment: Moment) -> None:
        """What time and space let go goes now."""
        await self._write(self._ledger.tidy_now, moment)

    async def answers(self) -> None:
        """Returns once the writer has done a write, which leaves nothing behind."""
        await self._write(self._ledger.answer)

    async def ran_well(self) -> None:
        await self._write(self._ledger.ran_well)

    async def catalogue(self, kind: str) -> Sequence[Definition]:
        return reading.definitions(await self._read(queries.load()["read_definitions_of_kind"], (kind,)))

    async def states_at(self, at: datetime) -> tuple[Mapping[EntityId, EntityState], datetime]:
        """By a connection of its own on a thread of its own: neither a commit nor the loop waits for it."""
        if self._inline:
            return history.states_at(self._path, at)
        return await asyncio.to_thread(history.states_at, self._path, at)

    async def sizes(self) -> JsonObject:
        tables = await self._read(reading.TABLES_QUERY, ())
        counts = {str(name): (await self._read(reading.count_query(str(name)), ()))[0][0] for (name,) in tables}
        checked = await self._read(reading.INTEGRITY_QUERY, ())
        return reading.sizes(self._path, counts, str(checked[0][0]))

    async def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._inline:
            return work(*args, **kwargs)
        if self._writer is None:
            raise MirrorError(f"The mirror {self._path} is closed.")
        exclusive = partial(self._exclusively, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writer, exclusive)

    def _exclusively(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._turn:
            return work(*args, **kwargs)

    def _commit_at_once(self, effects: Sequence[Persistent], moment: Moment) -> bool:
        """A small commit without fsync takes a tenth of a millisecond, the way to the writer's thread and back several times that.
        It is done here, if the writer is at rest.
        """
        if self._writer is None or len(effects) > AT_ONCE_MAX or not self._turn.acquire(blocking=False):
            return False
        try:
            self._ledger.commit(effects, moment, is_fsynced=False)
        finally:
            self._turn.release()
        return True

    async def _read(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        with translated(self._path):
            if self._inline:
                return self._ledger.connection.execute(statement, values).fetchall()
            reader = await self._open_reader()
            return [tuple(row) for row in await reader.execute_fetchall(statement, values)]

    async def _open_reader(self) -> aiosqlite.Connection:
        """A connection of its own, so that a long read never holds up a commit."""
        async with self._reader_turn:
            if self._writer is None:
                raise MirrorError(f"The mirror {self._path} is closed.")
            if self._reader is None:
                self._reader = await aiosqlite.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
            return self._reader

    async def _close_reader(self) -> None:
        async with self._reader_turn:
            if self._reader is not None:
                await self._reader.close()
                self._reader = None

    def _stop_writer(self) -> None:
        if self._writer is not None:
            self._writer.shutdown(wait=True)
            self._writer = None


def _asks_for_fsync(effects: Sequence[Persistent]) -> bool:
    return any(each.durability == Durability.FSYNC for each in effects)
