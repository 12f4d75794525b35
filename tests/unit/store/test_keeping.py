"""The hub's own settings and backups for the doors: secrets stay inside, what is taken away is encrypted."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from hub_agent.config import Config
from hub_agent.errors import NotPossible
from hub_agent.store import archive
from hub_agent.store.backups import Backups
from hub_agent.store.keeping import Keeping
from tests.unit.store.homes import at, mirror_in

SECRET = "sesame open"


@pytest.fixture
async def keeping(tmp_path: Path) -> Keeping:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.close(at(1))
    config = Config.model_validate({"agent": {"state_dir": tmp_path}, "cloud": {"claim_code": SECRET}})
    clock = SimpleNamespace(now=lambda: at(60))
    restarts: list[int] = []
    return Keeping(
        config, None, Backups(archive.Source(tmp_path), clock=clock), lambda: restarts.append(1), is_kept_up=False
    )


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if not each.name.startswith("mirror.db-")}


async def test_settings_are_shown_and_secrets_are_not(keeping: Keeping) -> None:
    told = keeping.settings()
    assert SECRET not in str(told)
    assert told["sections"]["cloud"]["claim_code"] == "(set)"


async def test_a_backup_is_made_and_listed(keeping: Keeping) -> None:
    assert keeping.backups()["files"] == []
    made = await keeping.make_backup()
    assert [each["name"] for each in keeping.backups()["files"]] == [made["name"]]


async def test_what_is_taken_away_is_encrypted_and_leaves_nothing_behind(keeping: Keeping, tmp_path: Path) -> None:
    before = names_in(tmp_path)
    async with keeping.backup_to_take(SECRET) as path:
        assert archive.read(path, SECRET).is_encrypted
    assert names_in(tmp_path) == before
    with pytest.raises(NotPossible, match="8 characters"):
        async with keeping.backup_to_take("short"):
            pass


async def test_an_agent_that_nothing_would_start_again_is_not_restarted(keeping: Keeping) -> None:
    with pytest.raises(NotPossible, match="Nothing would start"):
        keeping.restart()
