"""Room is made in order: what nobody can need first, and no more than is needed."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from hub_agent.adapters.disk import FreeDisk
from hub_agent.errors import MirrorError


class Usage(NamedTuple):
    total: int
    used: int
    free: int


GIB = 1024**3
PATTERN = "nexa-hub-*.tar"


class Disk:
    """A disk of which each file that goes gives back `each` bytes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, each: int) -> None:
        self.folder = folder
        self.tidied = 0
        count = len(list(folder.iterdir()))
        monkeypatch.setattr(
            shutil, "disk_usage", lambda _: Usage(30 * GIB, 0, free + each * (count - len(list(folder.iterdir()))))
        )

    async def tidy(self) -> None:
        self.tidied += 1

    async def free(self) -> list[str]:
        done = await FreeDisk(self.folder / "mirror.db", PATTERN, self.tidy).run({}, wants_response=True)
        assert isinstance(done.response, dict)
        removed = done.response["removed"]
        assert isinstance(removed, list)
        return [str(name) for name in removed]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "mirror.db",
        "mirror.db-wal",
        "mirror.db.reserve",
        "mirror.db.corrupt-20260101T000000Z",
        "mirror.db.corrupt-20260101T000000Z-wal",
        "mirror.db.corrupt-20260301T000000Z",
        "nexa-hub-20260101T000000Z.tar",
        "nexa-hub-20260201T000000Z.tar",
        "nexa-hub-20260301T000000Z.tar",
        "nexa-hub-20260302T000000Z.tar.unfinished",
        "credentials.json",
    ):
        (tmp_path / name).touch()
    os.utime(tmp_path / "nexa-hub-20260302T000000Z.tar.unfinished", (0, 0))
    return tmp_path


async def test_the_least_needed_goes_first_and_the_newest_of_each_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Disk(folder, monkeypatch, free=0, each=1)

    removed = await room.free()

    assert removed == [
        "nexa-hub-20260302T000000Z.tar.unfinished",
        "mirror.db.corrupt-20260101T000000Z-wal",
        "mirror.db.corrupt-20260101T000000Z",
        "nexa-hub-20260101T000000Z.tar",
        "nexa-hub-20260201T000000Z.tar",
    ]
    assert room.tidied == 1


async def test_no_more_goes_than_is_needed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = Disk(folder, monkeypatch, free=GIB, each=GIB)

    assert await room.free() == ["nexa-hub-20260302T000000Z.tar.unfinished", "mirror.db.corrupt-20260101T000000Z-wal"]


async def test_where_tidying_the_mirror_is_enough_nothing_is_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await Disk(folder, monkeypatch, free=20 * GIB, each=1).free() == []


async def test_a_backup_that_is_being_made_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nexa-hub-20260302T000000Z.tar.unfinished").touch()

    assert "nexa-hub-20260302T000000Z.tar.unfinished" not in await Disk(folder, monkeypatch, free=0, each=1).free()


async def test_a_mirror_that_cannot_be_tidied_keeps_nobody_from_deleting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Disk(folder, monkeypatch, free=0, each=1)

    async def fail() -> None:
        raise MirrorError("full")

    monkeypatch.setattr(room, "tidy", fail)

    assert len(await room.free()) == 5
