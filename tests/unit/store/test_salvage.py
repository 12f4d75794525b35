"""A damaged file is set aside, what can be read is kept, and the agent starts."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hub_agent.errors import MirrorCorrupt
from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase, Save, SaveDefinition, SaveDevice
from hub_agent.store import salvage
from tests.unit.store.homes import at, drain, execution, lamp_device, light, mirror_in, temperature


def overwrite(path: Path, start: int, length: int, seed: int = 1) -> None:
    body = bytearray(path.read_bytes())
    body[start : start + length] = random.Random(seed).randbytes(length)
    path.write_bytes(bytes(body))


async def filled(folder: Path) -> None:
    """A claimed home with definitions, 400 states of which 100 are acknowledged, and 50 executions."""
    mirror = mirror_in(folder)
    opened = await mirror.open(at())
    await mirror.save_identity(replace(opened.identity, home_id="home", hub_id="hub", secret="sesame"))
    await mirror.commit([SaveDevice(lamp_device()), AppendCase("alerts", "a", 1, {"status": "open"})], at(1))
    for n in range(30):
        fields = {"name": f"Rule {n}", "actions": [{"action": "light.turn_on", "note": f"{n * 7919:050d}"}]}
        await mirror.commit(
            [SaveDefinition(Definition("automation", f"a{n}", fields)), Save("automation", f"run/{n}", {"n": n})], at(n)
        )
    for n in range(400):
        await mirror.commit(
            [light("on" if n % 2 else "off", n, device=f"d{n % 7}", n=n), temperature(n, n)], at(100 + n)
        )
        if n % 8 == 0:
            await mirror.commit([execution(n)], at(100 + n))
    await mirror.acknowledge({"device_states": 100, "device_telemetry": 100}, at(600))
    await mirror.close(at(601))


@pytest.mark.parametrize("body", [b"this is not a database, it is a letter to the editor" * 40, b"\0" * 5000])
async def test_a_file_that_is_no_database_is_set_aside_and_the_agent_starts(tmp_path, body) -> None:
    await filled(tmp_path)
    (tmp_path / "mirror.db").write_bytes(body)
    mirror = mirror_in(tmp_path)
    remembered = await mirror.open(at(700))
    assert (remembered.identity.home_id, remembered.identity.secret, remembered.identity.epoch) == ("home", "sesame", 2)
    assert "corrupt-20260301T121140Z" in remembered.findings[0]
    assert [path.read_bytes() for path in tmp_path.glob("mirror.db.corrupt-*Z")] == [body]
    await mirror.commit([light("on")], at(701))
    assert [number for number, _ in await drain(mirror, "device_states")] == [1]
    await mirror.close(at(702))


async def test_a_broken_page_costs_what_stands_on_it_and_the_rest_is_owed_in_a_new_epoch(tmp_path) -> None:
    await filled(tmp_path)
    path = tmp_path / "mirror.db"
    size = path.stat().st_size
    lost_whole = 0
    for page in range(1, size // 512, 23):
        folder = tmp_path / f"page{page}"
        folder.mkdir()
        for name in ("mirror.db", "mirror.db.identity"):
            (folder / name).write_bytes((tmp_path / name).read_bytes())
        overwrite(folder / "mirror.db", page * 512, 512, seed=page)
        mirror = mirror_in(folder)
        remembered = await mirror.open(at(700))
        given: list[str] = []
        try:
            await give_out(mirror, given)
        except MirrorCorrupt:  # found later: the next start looks closer
            mirror.abandon()
            mirror = mirror_in(folder)
            remembered = await mirror.open(at(701))
            await give_out(mirror, given)
        identity = remembered.identity
        assert (identity.home_id, identity.hub_id, identity.secret) == ("home", "hub", "sesame")
        if identity.epoch == 2:
            assert any("Kept of the damaged mirror" in finding for finding in remembered.findings)
            assert len(list(folder.glob("mirror.db.corrupt-*Z"))) == 1
        assert len(given) == len(set(given))
        lost_whole += len(given) < 200
        await mirror.commit([light("on")], at(702))
        await mirror.close(at(703))
        again = mirror_in(folder)
        assert (await again.open(at(704))).identity == identity
        await again.close(at(705))
    assert lost_whole <= 1  # a root, or the schema


async def test_damage_that_is_found_while_running_is_mended_by_the_next_start(tmp_path) -> None:
    await filled(tmp_path)
    mirror = mirror_in(tmp_path)
    await mirror.open(at(700))
    was_sound = await mirror.is_sound()
    size = (tmp_path / "mirror.db").stat().st_size
    overwrite(tmp_path / "mirror.db", size // 2 // 512 * 512, 20 * 512)

    assert (was_sound, await mirror.is_sound(), salvage.is_suspect(tmp_path / "mirror.db")) == (True, False, True)
    mirror.abandon()

    again = mirror_in(tmp_path)
    remembered = await again.open(at(701))
    assert "Kept of the damaged mirror" in " ".join(remembered.findings)
    assert (await again.is_sound(), salvage.is_suspect(tmp_path / "mirror.db")) == (True, False)
    await again.close(at(702))


async def test_a_mirror_that_is_not_there_is_not_damaged(tmp_path) -> None:
    assert salvage.is_sound(tmp_path / "mirror.db")


async def give_out(mirror, given: list[str]) -> None:
    """Drains the states; numbers and gaps together must cover each number once."""
    start = next(p.acknowledged for p in await mirror.positions() if p.stream == "device_states")
    covered: list[int] = []
    while batch := await mirror.next_batch("device_states", 37, 1_000_000):
        last = batch.first + len(batch.rows) - 1
        covered += range(batch.first, last + 1)
        assert all(row["state"] for row in batch.rows)
        given += [row["created_at"] for row in batch.rows]
        await mirror.acknowledge({"device_states": last}, at(700))
    for gap in await mirror.gaps():
        if gap.stream == "device_states":
            covered += range(gap.first, gap.last + 1)
    last = next(p.last for p in await mirror.positions() if p.stream == "device_states")
    assert sorted(covered) == list(range(start + 1, last + 1))


async def test_numbers_of_the_new_epoch_begin_after_the_old_mark(tmp_path) -> None:
    await filled(tmp_path)
    overwrite(tmp_path / "mirror.db", 24, 4)  # a harmless place
    (tmp_path / "mirror.db.damaged").touch()
    body = bytearray((tmp_path / "mirror.db").read_bytes())
    body[52:56] = b"\0\0\0\0"  # "not auto-vacuumed": quick_check finds the pointer pages never used
    (tmp_path / "mirror.db").write_bytes(bytes(body))
    mirror = mirror_in(tmp_path)
    remembered = await mirror.open(at(700))
    assert remembered.identity.epoch == 2
    assert len(remembered.definitions) == 30
    assert len(remembered.saved["automation"]) == 30
    assert len(remembered.devices) == 1
    assert remembered.states["light.d0"].attributes == {"n": 399}
    assert remembered.states["sensor.lamp"].state == "399"
    rows = await drain(mirror, "device_states")
    assert [number for number, _ in rows] == list(range(1, 301))
    assert rows[0][1]["state"]["light.d2"]["attributes"] == {"n": 100}
    assert rows[0][1]["created_at"] == "2026-03-01T12:01:40Z"
    assert len(await drain(mirror, "automation_executions")) == 50
    assert [case.id for case in await mirror.cases(5)] == ["a"]
    await mirror.close(at(701))


async def test_a_damaged_block_becomes_a_gap_and_its_neighbours_are_given_out(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(5):
        await mirror.commit([temperature(k, n) for k in range(20)], at(n))
    writer = mirror._ledger.connection
    writer.execute("UPDATE record_blocks SET body = zeroblob(100) WHERE first = 41")
    rows = await drain(mirror, "device_telemetry")
    assert [number for number, _ in rows] == [*range(1, 41), *range(61, 101)]
    assert [(gap.first, gap.last, gap.count, gap.reason) for gap in await mirror.gaps()] == [(41, 60, 20, "damaged")]
    await mirror.close(at(9))


async def test_wrecks_do_not_pile_up(tmp_path) -> None:
    for n in range(6):
        (tmp_path / "mirror.db").write_bytes(b"garbage" * 1000)
        mirror = mirror_in(tmp_path)
        await mirror.open(at(n))
        await mirror.close(at(n))
    assert len(list(tmp_path.glob("mirror.db.corrupt-*Z*"))) <= 3
    assert (tmp_path / "mirror.db").exists()


async def test_an_unreadable_device_is_passed_over_and_told(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([SaveDevice(lamp_device())], at(1))
    mirror._ledger.connection.execute("UPDATE devices SET body = '{\"id\": 1}'")
    mirror.abandon()
    again = mirror_in(tmp_path)
    remembered = await again.open(at(2))
    assert remembered.devices == []
    assert "device lamp cannot be read" in remembered.findings[0]
    await again.close(at(3))
