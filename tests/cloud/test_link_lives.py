"""The hub's link through the real gateway to the real database: a new disk, a backup put back, a clock that nobody has set."""

import asyncio
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub_agent.adapters.cloud import HttpCloud
from hub_agent.ports import Moment
from tests.cloud.servers import Served
from tests.fakes.linked_home import LinkedHome
from tests.unit.runtime.test_link_time_and_flow import DatedHome
from tests.unit.runtime.test_uplink import HomeMirror

pytestmark = pytest.mark.heavy

WITHIN_S = 60.0


class MachineClock:
    """The machine's own; `behind` makes it wrong until somebody sets it."""

    def __init__(self, behind: timedelta = timedelta(0)) -> None:
        self.behind_s = behind.total_seconds()
        self.is_trusted = not behind

    def now(self) -> Moment:
        wall = datetime.now(UTC) - timedelta(seconds=self.behind_s)
        return Moment(wall, time.monotonic(), "boot-1", self.is_trusted)


@pytest.fixture
async def served(dsn, several_backends):
    gateway = Served(dsn)
    async with gateway:
        yield gateway


class Lives:
    """Homes on one central home, each with a mirror in a folder."""

    def __init__(self, served, db, call_as, home_id: str) -> None:
        self.served, self.db, self.call_as, self.home_id = served, db, call_as, home_id
        self.clouds: list[HttpCloud] = []
        self.lamp, self.rule = str(uuid.uuid4()), str(uuid.uuid4())

    async def begin(self, folder: Path, *, clock: MachineClock | None = None, kind: type = LinkedHome) -> LinkedHome:
        clock = clock or MachineClock()
        mirror = HomeMirror(folder / "mirror.db", inline=True)
        mirror.begin(await mirror.open(clock.now()))
        identity = mirror.identity
        cloud = HttpCloud(self.served.address, hub_id=identity.hub_id, secret=identity.secret)
        self.clouds.append(cloud)
        code = self.call_as("service_role", {}, "hub_issue_claim_code_v1", {"home_id": self.home_id})["claim_code"]
        home = kind(cloud, clock, claim_code=code, store=mirror, name=folder.name + str(len(self.clouds)))
        home.start()
        return home

    async def end(self, home: LinkedHome) -> None:
        await home.crash()
        await home.store.close(home.clock.now())

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.05)

    def rows(self, query: str) -> list[tuple]:
        return self.db.execute(query, (self.home_id,)).fetchall()

    def brightness(self) -> list[int]:
        """What the states in the cloud say, one number for each that was made."""
        query = (
            "SELECT (s.state #>> '{light.a,attributes,brightness}')::integer FROM device_states s"
            " JOIN devices d ON d.id = s.device_id WHERE d.home_id = %s ORDER BY 1"
        )
        return [row[0] for row in self.rows(query)]


@pytest.fixture
async def lives(served, db, call_as, new_home):
    home_id, _ = new_home()
    return Lives(served, db, call_as, home_id)


async def say(lives: Lives, home: LinkedHome, n: int) -> None:
    """One state, dated by the hub's own clock."""
    now = home.clock.now().wall
    entities = {"light.a": {"state": "on", "attributes": {"brightness": n}, "changed_at": now}}
    row = {"device_id": lives.lamp, "entities": entities, "changed_fields": ["light.a.brightness"], "created_at": now}
    await home.record("device_states", row | {"change_source": "manual"})


async def test_a_hub_with_a_new_disk_is_the_home_again_and_the_old_one_is_retired(lives, tmp_path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old = await lives.begin(tmp_path / "old")
    await old.add_device(lives.lamp, "lamp of the hall")
    await old.edit(
        "automation", lives.rule, {"name": "rule", "triggers": [], "actions": [], "automation_type": "trigger_based"}
    )
    await say(lives, old, 1)
    await lives.until(lambda: lives.brightness() == [1])
    old_identity = old.uplink.identity
    new = await lives.begin(tmp_path / "new")
    await lives.until(
        lambda: new.definitions.get("automation", lives.rule) and new.definitions.get("device", lives.lamp)
    )
    identity = new.uplink.identity
    assert identity.mirror_id != old_identity.mirror_id
    assert (identity.home_id, identity.epoch) == (old_identity.home_id, 1)
    assert new.definitions.get("device", lives.lamp).fields["device_name"] == "lamp of the hall"
    assert new.definitions.owed_count == 0
    await say(lives, new, 2)
    await lives.until(lambda: lives.brightness() == [1, 2])
    # The one with the old disk is told, keeps what it has, and changes nothing any more.
    await say(lives, old, 3)
    await lives.until(lambda: "taken over" in old.uplink.status()["text"])
    assert lives.rows("SELECT id::text FROM hub_hubs WHERE home_id = %s AND retired_at IS NULL") == [(identity.hub_id,)]
    assert lives.brightness() == [1, 2]
    for home in (old, new):
        await lives.end(home)


async def test_a_backup_that_was_put_back_loses_and_doubles_nothing(lives, tmp_path) -> None:
    for name in ("hub", "backup"):
        (tmp_path / name).mkdir()
    home = await lives.begin(tmp_path / "hub")
    await home.add_device(lives.lamp)
    await say(lives, home, 1)
    await lives.until(lambda: lives.brightness() == [1])
    await home.crash()
    await say(lives, home, 2)
    await home.store.close(home.clock.now())
    shutil.copytree(tmp_path / "hub", tmp_path / "backup", dirs_exist_ok=True)
    again = await lives.begin(tmp_path / "hub")
    await say(lives, again, 3)
    await lives.until(lambda: lives.brightness() == [1, 2, 3])
    await lives.end(again)
    copy = await lives.begin(tmp_path / "backup")
    await say(lives, copy, 4)
    await say(lives, copy, 5)
    await lives.until(lambda: lives.brightness() == [1, 2, 3, 4, 5] and not copy.uplink.status()["waiting"])
    assert copy.uplink.identity.epoch == 2
    ids = lives.rows("SELECT s.id FROM device_states s JOIN devices d ON d.id = s.device_id WHERE d.home_id = %s")
    assert len(set(ids)) == 5
    assert lives.rows("SELECT doubled_at FROM hub_hubs WHERE home_id = %s") == [(None,)]
    await lives.end(copy)


@pytest.mark.parametrize("behind", [timedelta(days=3 * 365), timedelta(days=-3 * 365)], ids=["behind", "ahead"])
async def test_a_hub_three_years_off_is_dated_right_in_the_database(lives, tmp_path, behind) -> None:
    (tmp_path / "hub").mkdir()
    began = datetime.now(UTC)
    home = await lives.begin(tmp_path / "hub", clock=MachineClock(behind), kind=DatedHome)
    await home.add_device(lives.lamp)
    await say(lives, home, 1)
    await lives.until(lambda: lives.brightness() == [1])
    await say(lives, home, 2)
    await lives.until(lambda: lives.brightness() == [1, 2])
    query = "SELECT s.created_at FROM device_states s JOIN devices d ON d.id = s.device_id WHERE d.home_id = %s"
    for (at,) in lives.rows(query):
        assert began - timedelta(seconds=30) < at < datetime.now(UTC) + timedelta(seconds=30)
    await lives.end(home)
