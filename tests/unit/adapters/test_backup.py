"""A copy of the mirror beside it: whole, readable as a mirror, and only the newest are kept."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.backup import KEPT_MAX, Backup
from hub_agent.errors import NotPossible


def wal_database(path: Path, rows: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(rows)])
    return connection


def files_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


async def test_what_is_committed_is_in_the_copy_also_while_the_mirror_is_open(tmp_path: Path) -> None:
    with closing(wal_database(tmp_path / "mirror.db", 1000)):
        told: Any = (await Backup(tmp_path / "mirror.db").run({}, wants_response=True)).response
        with closing(sqlite3.connect(tmp_path / told["file"])) as copy:
            assert copy.execute("SELECT count(*) FROM t").fetchone() == (1000,)
        assert told["bytes"] == files_in(tmp_path)[told["file"]]


async def test_only_the_newest_are_kept_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    with closing(wal_database(tmp_path / "mirror.db", 1)):
        made: list[Any] = [
            (await Backup(tmp_path / "mirror.db").run({}, wants_response=True)).response for _ in range(5)
        ]
    kept = sorted(name for name in files_in(tmp_path) if "backup" in name)
    assert kept == [each["file"] for each in made[-KEPT_MAX:]]
    assert not any("unfinished" in name for name in files_in(tmp_path))


async def test_a_mirror_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="could not be copied"):
        await Backup(tmp_path / "none.db").run({}, wants_response=True)
