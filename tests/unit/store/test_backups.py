"""The agent's own backups: one a day, the newest kept; a failure is told, and its end too."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import NotPossible
from hub_agent.ports import Moment
from hub_agent.store import backups
from hub_agent.store.archive import Source, read
from hub_agent.store.backups import Backups
from tests.unit.store.homes import at, mirror_in

DAY_S = 86_400


@dataclass
class SetClock:
    """Fills ports.Clock, as far as it is asked."""

    seconds: float = 0

    def now(self) -> Moment:
        return at(self.seconds)


@dataclass
class Hub:
    state_dir: Path
    clock: SetClock = field(default_factory=SetClock)
    told: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)

    def backups(self, folder: Path | None = None, kept: int = 3) -> Backups:
        return Backups(Source(self.state_dir), folder=folder, kept=kept, clock=self.clock, tell=self.told.put_nowait)


@pytest.fixture
async def hub(tmp_path: Path) -> Hub:
    state_dir = tmp_path / "state"
    mirror = mirror_in(state_dir)
    await mirror.open(at())
    await mirror.close(at(1))
    return Hub(state_dir)


@pytest.fixture
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "FIRST_AFTER", timedelta(0))
    monkeypatch.setattr(backups, "AGAIN_AFTER", timedelta(0))


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.suffix == ".nexa-backup")


def folder_for(hub: Hub) -> Path:
    folder = hub.state_dir.parent / "disk"
    folder.mkdir()
    return folder


async def test_one_that_the_cloud_asks_for_stands_beside_the_mirror_and_says_what_it_is(hub: Hub) -> None:
    told: Any = (await hub.backups().run({}, wants_response=True)).response

    assert names(hub.state_dir) == [told["file"]]
    assert told["bytes"] == (hub.state_dir / told["file"]).stat().st_size
    assert read(hub.state_dir / told["file"], None).sha256.keys() >= {"mirror.db"}


async def test_only_the_newest_are_kept(hub: Hub) -> None:
    made: list[str] = []
    for day in range(5):
        hub.clock.seconds = day * DAY_S
        response: Any = (await hub.backups().run({}, wants_response=True)).response
        made.append(response["file"])

    assert names(hub.state_dir) == made[-3:]


async def test_a_hub_without_a_mirror_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="no mirror"):
        await Hub(tmp_path).backups().run({}, wants_response=True)


@pytest.mark.usefixtures("without_waiting")
async def test_by_itself_it_makes_one_when_the_last_is_a_day_old_and_tells_a_failure_and_its_end(
    hub: Hub, aside: Callable[..., None]
) -> None:
    folder = hub.state_dir.parent / "disk"
    aside(hub.backups(folder).nightly())

    failure = await asyncio.wait_for(hub.told.get(), 60)
    assert failure is not None
    assert "is not there: is its disk plugged in" in failure
    folder.mkdir()
    while await asyncio.wait_for(hub.told.get(), 60) is not None:
        pass  # what it had tried before the disk came

    assert len(names(folder)) == 1


@pytest.mark.parametrize("age_s, wait_s", [(0, DAY_S), (DAY_S - 60, 60), (3 * DAY_S, 0), (-90 * DAY_S, DAY_S)])
async def test_the_next_is_due_a_day_after_the_last_whatever_the_clock_said_then(
    hub: Hub, age_s: float, wait_s: float
) -> None:
    folder = folder_for(hub)
    await hub.backups(folder).make()
    made = folder / names(folder)[0]
    then = (hub.clock.now().wall - timedelta(seconds=age_s)).timestamp()
    os.utime(made, (then, then))

    assert hub.backups(folder).due_in() == timedelta(seconds=wait_s)


@pytest.fixture
async def aside():
    """Runs something beside the test, and ends it."""
    tasks: list[asyncio.Task[None]] = []
    yield lambda coroutine: tasks.append(asyncio.ensure_future(coroutine))
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
