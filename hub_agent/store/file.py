"""The mirror's file: opening, locking, and what SQLite's complaints mean."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from hub_agent.errors import MirrorCorrupt, MirrorError, MirrorFull

# tests/bench/mirror.py --pages compares: each commit writes whole pages, so small ones wear the card least.
PAGE_BYTES = 512
# Only a backstop: the ledger checkpoints between commits (see CHECKPOINT_BYTES there).
AUTOCHECKPOINT_PAGES = 32_000
CACHE_KIB = 2048
BUSY_TIMEOUT_S = 5.0

_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_DISK_FREE_BYTES_MIN = 1024 * 1024


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors in our words."""
    try:
        yield
    except sqlite3.Error as err:
        raise _translate(err, path) from err
    except OSError as err:
        raise MirrorError(f"The mirror {path} cannot be used: {err.strerror or err}.") from err


def is_corrupt(err: BaseException) -> bool:
    """SQLite found damage; the low byte of its code is the kind."""
    code = getattr(err, "sqlite_errorcode", None)
    return isinstance(err, sqlite3.DatabaseError) and code is not None and (code & 0xFF) in _CORRUPT


def lock(path: Path) -> IO[str]:
    """Holds the mirror for this process until the answer is closed. Raises MirrorError when another agent holds it."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        held = os.fdopen(os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    except OSError as err:
        raise MirrorError(
            f"The folder {path.parent} cannot be written ({err.strerror}). Give it to the user that runs the agent."
        ) from err
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        owner = held.read(20).strip()
        held.close()
        raise MirrorError(
            f"Another agent{f' (process {owner})' if owner else ''} uses the mirror {path}. Stop it first, or use another state directory."
        ) from err
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def hold_reserve(path: Path, size: int) -> None:
    """Keeps some room on the disk: to shed records when it is full, a little has to be written first."""
    reserve = _reserve(path)
    if reserve.exists():
        return
    with suppress(OSError), os.fdopen(os.open(reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as held:
        os.posix_fallocate(held.fileno(), 0, size)


def release_reserve(path: Path) -> None:
    with suppress(OSError):
        _reserve(path).unlink(missing_ok=True)


def _reserve(path: Path) -> Path:
    return path.with_name(path.name + ".reserve")


def connect(path: Path, page_bytes: int = PAGE_BYTES) -> sqlite3.Connection:
    """The writer's connection. The file is readable by its owner only: it holds the hub's secret."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    is_new = path.stat().st_size == 0
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S)
    try:
        for pragma in (
            *((f"page_size = {page_bytes}", "auto_vacuum = INCREMENTAL") if is_new else ()),
            "journal_mode = WAL",
            f"wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}",
            "synchronous = NORMAL",
            f"cache_size = -{CACHE_KIB}",
            "cell_size_check = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, *, is_fsynced: bool) -> Iterator[None]:
    """All or nothing. A transaction that is fsynced makes all earlier ones durable too: the WAL is one file in order."""
    connection.execute("PRAGMA synchronous = FULL" if is_fsynced else "PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on some errors
            connection.execute("ROLLBACK")
        raise


def fsync(path: Path) -> None:
    """All that is committed becomes durable, by a descriptor of its own: who commits meanwhile does not wait for it."""
    with suppress(FileNotFoundError):  # folded into the file, which is fsynced then
        wal = os.open(path.with_name(path.name + "-wal"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(wal)
        finally:
            os.close(wal)


def _translate(err: sqlite3.Error, path: Path) -> MirrorError:
    code = (getattr(err, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _CORRUPT:
        return MirrorCorrupt(
            f"The mirror {path} is damaged ({err}). The next start sets it aside and keeps what can be read."
        )
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_disk_full(path)):
        return MirrorFull(f"The mirror {path} cannot grow: {err}. Free some space on that disk.")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return MirrorError(f"The mirror {path} is locked by another program ({err}). Close what has it open.")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return MirrorError(
            f"The mirror {path} cannot be written ({err}). Check who owns it, and that its disk is not mounted read-only."
        )
    return MirrorError(f"The mirror {path} cannot be used: {err}.")


def _is_disk_full(path: Path) -> bool:
    try:
        space = os.statvfs(path.parent)
    except OSError:
        return False
    return space.f_bavail * space.f_frsize < _DISK_FREE_BYTES_MIN
