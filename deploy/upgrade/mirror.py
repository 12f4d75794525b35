"""The home's data during an upgrade: the mirror is tried, kept and put back, by the user that it belongs to. See upgrade.py."""

import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from subprocess import run
from typing import TypedDict

MIRROR = "mirror.db"
REHEARSAL = "mirror-rehearsal.db"
KEPT = "mirror-before-upgrade.db"
ASIDE = "mirror-after-upgrade.db"
# What the agent counts its crashes in.
COUNTED = ("lives", "failures")


class Who(TypedDict):
    user: int
    group: int
    extra_groups: tuple[int, ...]


def owner_of(state: Path) -> Who:
    status = state.stat()
    return Who(user=status.st_uid, group=status.st_gid, extra_groups=())


def schema_of(state: Path) -> int:
    """0: there is no mirror, or none that can be read."""
    mirror = state / MIRROR
    try:
        with closing(sqlite3.connect(f"file:{mirror}?mode=ro", uri=True)) as connection:
            newest: int = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    except sqlite3.Error:
        return 0
    return newest


def rehearse(state: Path, python: str) -> None:
    """The new version migrates a copy."""
    copy = state / REHEARSAL
    _remove(copy)
    try:
        _copy(state / MIRROR, copy)
        migrated = run(
            [python, "-m", "hub_agent.store.migrate", copy], capture_output=True, text=True, check=False, cwd="/"
        )
        if migrated.returncode:
            sys.exit((migrated.stderr or migrated.stdout).strip())
    finally:
        _remove(copy)


def keep(state: Path) -> None:
    _copy(state / MIRROR, state / f"{KEPT}.part")
    (state / f"{KEPT}.part").replace(state / KEPT)
    _remove(state / ASIDE)
    _sync(state)


def put_back(state: Path) -> None:
    """The mirror of before takes the place of what is there, which is set aside. At every moment there is a whole one."""
    mirror, part = state / MIRROR, state / f"{MIRROR}.part"
    _copy(state / KEPT, part)
    with suppress(sqlite3.Error), closing(sqlite3.connect(mirror)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    # What is left of a mirror that cannot even be opened: it must not be taken for the other one's.
    for left in (mirror.with_name(f"{MIRROR}-wal"), mirror.with_name(f"{MIRROR}-shm")):
        left.unlink(missing_ok=True)
    if not (state / ASIDE).exists():
        os.link(mirror, state / ASIDE)
    part.replace(mirror)
    _sync(state)


def forget_crashes(state: Path) -> None:
    """How one version failed is not held against the other."""
    for name in COUNTED:
        (state / name).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    _remove(target)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copied,
    ):
        # So many pages at a time: the agent that still writes waits no longer than that takes.
        original.backup(copied, pages=500)
        copied.execute("PRAGMA journal_mode = DELETE")
        verdict = copied.execute("PRAGMA quick_check").fetchone()[0]
    if verdict != "ok":
        sys.exit(f"the copy of {source} is damaged: {verdict}")
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


if __name__ == "__main__":
    folder, deed, *rest = sys.argv[1:]
    try:
        if deed == "rehearse":
            rehearse(Path(folder), *rest)
        elif deed == "keep":
            keep(Path(folder))
        elif deed == "put-back":
            put_back(Path(folder))
        elif deed == "forget-crashes":
            forget_crashes(Path(folder))
        else:
            sys.exit(f"unknown: {deed}")
    except (OSError, sqlite3.Error) as err:
        sys.exit(f"{folder}: {err}")
