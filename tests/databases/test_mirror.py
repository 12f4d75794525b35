"""Mirrors of every released schema still open, with everything in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub_agent.store import migrate
from hub_agent.store.migrate import Step
from tests.unit.store.homes import at, drain, lamp_device, light, mirror_in

RELEASED = sorted(Path(__file__).parent.glob("mirror_*.sql"))


def build(released: Path, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "mirror.db")) as connection:
        connection.executescript(released.read_text())


def test_there_is_a_file_for_each_schema() -> None:
    assert [int(path.stem.split("_")[1]) for path in RELEASED] == [step.number for step in migrate.shipped()]


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
async def test_a_mirror_of_a_released_schema_opens_with_everything_in_it(tmp_path, released) -> None:
    build(released, tmp_path)
    mirror = mirror_in(tmp_path)
    remembered = await mirror.open(at(100))
    assert remembered.findings == []
    assert (remembered.identity.home_id, remembered.identity.secret, remembered.identity.epoch) == ("home", "sesame", 1)
    assert remembered.devices == [lamp_device()]
    assert [definition.fields for definition in remembered.definitions] == [{"name": "Movie"}]
    assert remembered.saved == {"automation": {"run/1": {"frame": [1]}}}
    assert remembered.states["light.lamp"].attributes == {"level": 4}
    assert remembered.states["sensor.lamp"].state == "22.0"
    assert remembered.cloud_commands_done == {"cloud-1"}
    assert await mirror.cursor() == "7:1"
    assert await mirror.trace("run-1") == {"run_id": "run-1"}
    assert [case.id for case in await mirror.cases(5)] == ["alert-1"]
    await mirror.commit([light("off", 9)], at(101))
    rows = await drain(mirror, "device_states")
    assert [number for number, _ in rows] == [3, 4, 5, 6]
    assert rows[0][1]["state"]["light.lamp"]["attributes"] == {"level": 2}
    await mirror.close(at(102))


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
async def test_an_upgrade_that_fails_half_way_leaves_the_old_mirror_as_it_was(tmp_path, released, monkeypatch) -> None:
    build(released, tmp_path)
    steps = migrate.shipped()
    broken = Step(steps[-1].number + 1, "pre", "broken", ("DROP TABLE saved", "ALTER TABLE missing ADD COLUMN x"))
    monkeypatch.setattr(migrate, "shipped", lambda: [*steps, broken])
    with pytest.raises(Exception, match="no such table: missing"):
        await mirror_in(tmp_path).open(at(100))
    monkeypatch.undo()
    mirror = mirror_in(tmp_path)
    remembered = await mirror.open(at(101))
    assert remembered.saved == {"automation": {"run/1": {"frame": [1]}}}
    assert remembered.findings == []
    await mirror.close(at(102))
