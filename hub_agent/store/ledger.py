"""The one writer: everything the mirror does, synchronous, on one connection."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import IO

from hub_agent.errors import MirrorCorrupt, MirrorError, MirrorFull
from hub_agent.model.effects import ForgetDevice, Persistent
from hub_agent.model.ids import NewId
from hub_agent.model.json import JsonObject
from hub_agent.ports import Case, Gap, Identity, Moment, RecordBatch, Remembered, StreamPosition
from hub_agent.store import file, identity_copy, migrate, salvage
from hub_agent.store.blocks import optional_from_ms
from hub_agent.store.codec import to_ms
from hub_agent.store.records import Records
from hub_agent.store.rekey import rekey
from hub_agent.store.retention import DiskSpace, Retention
from hub_agent.store.tables import Tables, appends_of

# A snapshot of all states costs some 50 kB of writing and saves replaying at start (10 ms per 1,000 changes).
SNAPSHOT_CHANGES = 10_000
SNAPSHOT_AFTER = timedelta(hours=1)
SNAPSHOT_CHANGES_MIN = 2_000

TIDY_EVERY = timedelta(minutes=10)
TIDY_EVERY_UNDER_PRESSURE = timedelta(seconds=60)

# The later the WAL is folded into the file, the fewer times its hot pages are written; it is read again at a start.
CHECKPOINT_BYTES = 4 * 1024 * 1024
BYTES_PER_COMMIT = 6 * file.PAGE_BYTES  # pages touched besides the bodies, for the estimate

# Held back on the disk for the time when it is full: enough to fold the whole WAL into the file.
RESERVE_BYTES = CHECKPOINT_BYTES
# On a small disk at most these parts of it.
RESERVE_PART = 8
CHECKPOINT_PART = 16

# So many free pages are given back to the disk in one go.
VACUUM_PAGES = 2000
VACUUM_FREE_PART = 4  # at more than this part of the file

# While nothing is recorded, that we are alive is written down this often (with a commit that happens anyway).
ALIVE_EVERY_MS = 60_000


@dataclass(slots=True)
class _Due:
    """When the housekeeping was last done, by the monotonic clock."""

    tidied_s: float = 0.0
    snapshot_s: float = 0.0
    bytes_since_checkpoint: int = 0
    alive_written_ms: int = 0
    is_snapshot_needed: bool = False
    was_full: bool = False
    reserve_used: int = 0


class Ledger:
    """Constructor remembers, `open` acts. Raises MirrorError and its kinds only."""

    def __init__(
        self, path: Path, *, new_id: NewId, disk_space: Callable[[], DiskSpace], page_bytes: int = file.PAGE_BYTES
    ) -> None:
        self._path = path
        self._new_id = new_id
        self._disk_space = disk_space
        self._page_bytes = page_bytes
        self._lock: IO[str] | None = None
        self._opened: Connection | None = None
        self._due = _Due()
        self._checkpoint_bytes = CHECKPOINT_BYTES

    @property
    def connection(self) -> Connection:
        if self._opened is None:
            raise MirrorError(f"The mirror {self._path} is closed.")
        return self._opened

    def open(self, moment: Moment) -> Remembered:
        self._lock = file.lock(self._path)
        try:
            return self._open_with_room(moment)
        except BaseException:
            self.abandon()
            raise

    def close(self, moment: Moment) -> None:
        """With a snapshot, so that the next start has nothing to replay."""
        if self._opened is None:
            return
        try:
            with self._guarded(), file.transaction(self.connection, is_fsynced=True):
                self._tables.save_alive_at(to_ms(moment.wall))
                self._records.save_positions()
                if self._records.changes_since_snapshot:
                    self._records.save_snapshot(to_ms(moment.wall))
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Lets go of the file without a word, as a crash does."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def commit(self, effects: Sequence[Persistent], moment: Moment, *, is_fsynced: bool) -> None:
        appends = appends_of(effects)
        now_ms = to_ms(moment.wall)
        with self._guarded():
            prepared = self._records.prepare(appends, moment)
            with file.transaction(self.connection, is_fsynced=is_fsynced):
                if len(appends) < len(effects):
                    self._tables.write(effects, now_ms)
                self._records.insert(prepared)
                if not prepared and now_ms - self._due.alive_written_ms >= ALIVE_EVERY_MS:
                    self._tables.save_alive_at(now_ms)
                    self._due.alive_written_ms = now_ms
            self._records.is_unsynced = not is_fsynced
        self._records.keep(prepared, appends)
        for effect in effects:
            if isinstance(effect, ForgetDevice):
                self._records.standing.forget(effect.device_id)
                self._due.is_snapshot_needed = True
        self._due.bytes_since_checkpoint += sum(len(block.body) for block in prepared) + BYTES_PER_COMMIT

    def is_tidying_due(self, moment: Moment) -> bool:
        due = self._due
        return (
            due.is_snapshot_needed
            or due.was_full
            or due.bytes_since_checkpoint >= self._checkpoint_bytes
            or self._is_snapshot_due(moment)
            or moment.monotonic_s - due.tidied_s >= TIDY_EVERY.total_seconds()
            or (
                moment.monotonic_s - due.tidied_s >= TIDY_EVERY_UNDER_PRESSURE.total_seconds()
                and (self._retention.is_over_budget() or self._retention.is_disk_low())
            )
        )

    def tidy(self, moment: Moment) -> None:
        """Housekeeping between commits. That the disk is full is the next commit's to say."""
        try:
            with self._guarded():
                self._tidy(moment)
        except MirrorFull:
            self._due.was_full = True
        except MirrorError:
            # The commit before it was kept; damage is marked for the next start, and whoever needs those pages is told.
            return

    def tidy_now(self, moment: Moment) -> None:
        self._due.tidied_s = -TIDY_EVERY.total_seconds()
        self.tidy(moment)

    # Uplink and downlink

    def positions(self) -> list[StreamPosition]:
        with self._guarded():
            return self._records.positions()

    def next_batch(self, stream: str, rows_max: int, bytes_max: int, after: int = 0) -> RecordBatch | None:
        with self._guarded():
            self._sync()
            return self._records.next_batch(stream, rows_max, bytes_max, after)

    def numbered(self, stream: str, numbers: Sequence[int]) -> RecordBatch | None:
        with self._guarded():
            self._sync()
            return self._records.numbered(stream, numbers)

    def row_id(self, stream: str, number: int, row: Mapping[str, object]) -> str:
        return self._records.row_id(stream, number, row)

    def acknowledge(self, marks: Mapping[str, int], moment: Moment) -> None:
        with self._changing_records():
            self._records.acknowledge(marks, to_ms(moment.wall))

    def gaps(self) -> Sequence[Gap]:
        with self._guarded():
            self._sync()
            return self._records.gaps()

    def acknowledge_gaps(self, gaps: Sequence[Gap]) -> None:
        with self._changing_records():
            for gap in gaps:
                self._records.acknowledge_gap(gap)

    def cases(self, limit: int) -> list[Case]:
        with self._guarded():
            return self._tables.owed_cases(limit)

    def acknowledge_cases(self, cases: Sequence[Case]) -> None:
        with self._guarded(), file.transaction(self.connection, is_fsynced=False):
            self._tables.acknowledge_cases(cases)

    def commands_done(self) -> list[JsonObject]:
        with self._guarded():
            return self._tables.commands_done()

    def acknowledge_commands_done(self, ids: Sequence[str]) -> None:
        with self._guarded(), file.transaction(self.connection, is_fsynced=False):
            self._tables.acknowledge_commands_done(ids)

    def save_identity(self, identity: Identity) -> None:
        with self._guarded():
            with file.transaction(self.connection, is_fsynced=True):
                self._tables.save_identity(identity)
            identity_copy.write(self._path, identity)
        self._records.identify(identity)

    def cursor(self) -> str | None:
        with self._guarded():
            return self._tables.cursor()

    def save_cursor(self, cursor: str) -> None:
        with self._guarded(), file.transaction(self.connection, is_fsynced=False):
            self._tables.save_cursor(cursor)

    def ran_well(self) -> None:
        with self._guarded(), file.transaction(self.connection, is_fsynced=False):
            self._tables.save_ran_well()

    def answer(self) -> None:
        """A write that is taken back: all that a commit goes through, and nothing for the card."""
        with self._guarded():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self._tables.save_alive_at(0)
                self._tables.alive_at_ms()
            finally:
                self.connection.execute("ROLLBACK")

    def trust_clock(self, boot_id: str, offset_s: float) -> int:
        with self._guarded(), file.transaction(self.connection, is_fsynced=True):
            count = self._records.trust_clock(boot_id, offset_s)
        self._records.reload_dating()
        return count

    # Inside

    def _open_with_room(self, moment: Moment) -> Remembered:
        """To open it, a little has to be written: on a full disk, where room was held back for that."""
        try:
            return self._open_or_salvage(moment)
        except MirrorFull:
            self._close_connection()
            file.release_reserve(self._path)
            return self._open_or_salvage(moment)

    def _open_or_salvage(self, moment: Moment) -> Remembered:
        findings: list[str] = []
        with file.translated(self._path):
            try:
                with self._guarded():
                    salvage.check(self._path)
                    return self._open(moment, findings)
            except MirrorCorrupt as err:
                self._close_connection()
                aside = salvage.set_aside(self._path, moment.wall)
                findings.append(f"{err} It is now {aside}.")
            with self._guarded():
                return self._open(moment, findings, aside)

    def _open(self, moment: Moment, findings: list[str], aside: Path | None = None) -> Remembered:
        connection = self._opened = file.connect(self._path, self._page_bytes)
        migrate.migrate(connection, migrate.shipped(), to_ms(moment.wall))
        if aside:
            findings += salvage.fill(connection, aside)
        self._tables = Tables(connection)
        if aside:
            self._tables.forget_cursor()
        identity = self._identity()
        with file.transaction(connection, is_fsynced=True):
            rekey(connection, identity.home_id)
        self._records = Records(connection, identity)
        with file.transaction(connection, is_fsynced=True):
            self._records.load()
            self._records.start_boot(moment.boot_id)
        self._retention = Retention(self._records, self._space_besides_reserve)
        self._due = _Due(tidied_s=moment.monotonic_s, snapshot_s=moment.monotonic_s)
        self._checkpoint_bytes = min(CHECKPOINT_BYTES, max(1, self._disk_space().total // CHECKPOINT_PART))
        self._hold_reserve()
        remembered = self._remember(identity)
        # The pages that were read for it are not read again.
        connection.execute("PRAGMA shrink_memory")
        return replace(remembered, findings=[*findings, *self._tables.findings])

    def _identity(self) -> Identity:
        """From the mirror; if it is new, from the copy beside it, in a new epoch: the disk's numbers are gone."""
        is_new = self._tables.is_new()
        copied = identity_copy.read(self._path) if is_new else None
        with file.transaction(self.connection, is_fsynced=True):
            if copied:
                self._tables.save_identity(replace(copied, epoch=copied.epoch + 1))
            identity = self._tables.identity(self._new_id)
        identity_copy.write(self._path, identity)
        return identity

    def _remember(self, identity: Identity) -> Remembered:
        tables = self._tables
        return Remembered(
            identity=identity,
            devices=tables.devices(),
            states={str(entity_id): state for entity_id, state in self._records.standing.states().items()},
            saved=tables.saved(),
            commands=tables.commands(),
            definitions=tables.definitions(),
            cloud_commands_done=tables.cloud_commands_done(),
            last_alive_at=optional_from_ms(tables.alive_at_ms()),
            gone_aliases=tables.gone_aliases(),
        )

    def _tidy(self, moment: Moment) -> None:
        due = self._due
        now_ms = to_ms(moment.wall)
        if due.is_snapshot_needed or self._is_snapshot_due(moment):
            with file.transaction(self.connection, is_fsynced=False):
                self._records.save_snapshot(now_ms)
            self._records.changes_since_snapshot = 0
            due.is_snapshot_needed, due.snapshot_s = False, moment.monotonic_s
        if moment.monotonic_s - due.tidied_s >= TIDY_EVERY_UNDER_PRESSURE.total_seconds() or due.was_full:
            if due.was_full:
                due.reserve_used = _reserve_bytes(self._disk_space())
                file.release_reserve(self._path)
                # What could not be committed has made the WAL long: that room is the first to come back.
                self._checkpoint("TRUNCATE")
            due.tidied_s, due.was_full = moment.monotonic_s, False
            with self._changing_records():
                self._tables.trim(moment.wall)
                freed = self._retention.run(moment.wall, is_clock_trusted=moment.is_trusted)
            if freed:
                self._give_back_space()
            self._hold_reserve()
        if due.bytes_since_checkpoint >= self._checkpoint_bytes:
            self._checkpoint()

    def _checkpoint(self, how: str = "PASSIVE") -> None:
        self.connection.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
        self._due.bytes_since_checkpoint = 0

    def _hold_reserve(self) -> None:
        if not self._retention.is_disk_low():
            file.hold_reserve(self._path, _reserve_bytes(self._disk_space()))
            self._due.reserve_used = 0

    def _space_besides_reserve(self) -> DiskSpace:
        """Once the disk was full and the reserve is used, room for it counts as taken: it has to come back."""
        space = self._disk_space()
        return DiskSpace(max(0, space.free - self._due.reserve_used), space.total)

    def _is_snapshot_due(self, moment: Moment) -> bool:
        changes = self._records.changes_since_snapshot
        is_old = moment.monotonic_s - self._due.snapshot_s >= SNAPSHOT_AFTER.total_seconds()
        return changes >= SNAPSHOT_CHANGES or (is_old and changes >= SNAPSHOT_CHANGES_MIN)

    def _give_back_space(self) -> None:
        free = self.connection.execute("PRAGMA freelist_count").fetchone()[0]
        pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
        if free * VACUUM_FREE_PART > pages or self._retention.is_disk_low():
            # A page a step, and only a script is stepped to its end.
            self.connection.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
            self._checkpoint()

    def _sync(self) -> None:
        """What leaves the house must not be taken back by a power cut: its numbers would be given again."""
        if self._records.is_unsynced:
            with file.transaction(self.connection, is_fsynced=True):
                self._records.save_positions()
            self._records.is_unsynced = False

    @contextmanager
    def _changing_records(self) -> Iterator[None]:
        """A transaction in which positions move; if it fails they are read again."""
        with self._guarded():
            try:
                with file.transaction(self.connection, is_fsynced=False):
                    yield
            except BaseException:
                self._records.load_positions()
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with file.translated(self._path):
                yield
        except MirrorCorrupt:
            salvage.suspect(self._path)
            raise
        except MirrorFull:
            self._due.was_full = True
            raise

    def _close_connection(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _reserve_bytes(space: DiskSpace) -> int:
    return min(RESERVE_BYTES, space.total // RESERVE_PART)


def disk_space_of(path: Path) -> Callable[[], DiskSpace]:
    def measure() -> DiskSpace:
        try:
            usage = shutil.disk_usage(path.parent)
        except OSError:
            return DiskSpace(1, 1)
        return DiskSpace(usage.free, usage.total)

    return measure


def size_of(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 a Path's stat is the same and slower
    except OSError:
        return 0
