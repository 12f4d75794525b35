"""A year without the cloud, with little room: what is critical stays, the rest is thinned and shed, and every number is accounted for."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from hub_agent.errors import MirrorFull
from hub_agent.model import record
from hub_agent.model.effects import AppendRecord
from hub_agent.model.record import Priority
from hub_agent.store import retention
from tests.fakes.cloud_twin import CloudTwin
from tests.fakes.linked_home import LinkedHome, VirtualClock, execution, live
from tests.unit.runtime.test_uplink import LAMP, RULE, HomeMirror
from tests.unit.store.homes import at, drain, execution as run, light, mirror_in, temperature

DAYS = 365


@pytest.fixture
def little_room(monkeypatch):
    """A hundredth of the real budgets and less, for a home that says less than a real one; critical streams keep theirs."""
    streams = {
        name: stream
        if stream.priority is Priority.CRITICAL
        else replace(stream, bytes_max=30_000 if name != "device_states" else 6_000)
        for name, stream in record.STREAMS.items()
    }
    monkeypatch.setattr(retention, "STREAMS", streams)


def rows_of(home: LinkedHome, n: int) -> Iterable[tuple[str, dict]]:
    now = home.clock.now().wall
    for minute in range(0, 120, 5):
        moment = now - timedelta(minutes=120 - minute)
        yield (
            "device_telemetry",
            {
                "time": moment,
                "device_id": LAMP,
                "entity_id": "sensor.lamp",
                "metric_type": "temperature",
                "value": 20 + (n * 7 + minute) % 13 / 10,
                "unit": "celsius",
            },
        )
    yield "energy_usage", {"time": now, "device_id": LAMP, "entity_id": "sensor.meter", "energy_kwh": n / 10}
    entities = {"light.lamp": {"state": "on" if n % 2 else "off", "attributes": {"n": n}, "changed_at": now}}
    yield (
        "device_states",
        {
            "device_id": LAMP,
            "entities": entities,
            "changed_fields": ["light.lamp.state"],
            "change_source": "manual",
            "created_at": now,
        },
    )
    yield "automation_executions", execution(RULE, f"run-{n}", 0) | {"time": now, "started_at": now}


def test_after_a_year_offline_all_that_is_left_arrives_and_every_number_is_accounted_for(tmp_path, little_room) -> None:
    async def story() -> None:
        clock = VirtualClock()
        twin = CloudTwin(clock.true_now)
        mirror = HomeMirror(tmp_path / "mirror.db", inline=True)
        mirror.begin(await mirror.open(clock.now()))
        home = LinkedHome(twin, clock, claim_code=twin.issue_claim_code(), store=mirror)
        async with home:
            await home.add_device(LAMP)
            await home.edit("automation", RULE, {"name": "rule", "triggers": [], "actions": []})
            await asyncio.sleep(60)
        made = 0
        for day in range(DAYS):
            await asyncio.sleep(43_200)
            await asyncio.sleep(43_200)
            rows = list(rows_of(home, day))
            made += len(rows)
            await mirror.commit([AppendRecord(stream, row) for stream, row in rows], clock.now())
        last = {each.stream: each.last for each in await mirror.positions() if each.last}
        assert sum(last.values()) == made
        gaps = await mirror.gaps()
        assert {gap.reason for gap in gaps} == {retention.THINNED, retention.OVER_BUDGET}
        assert "automation_executions" not in {gap.stream for gap in gaps}
        assert (tmp_path / "mirror.db").stat().st_size < 3_000_000
        await mirror.close(clock.now())
        home.store = mirror = HomeMirror(tmp_path / "mirror.db", inline=True)
        mirror.begin(await mirror.open(clock.now()))
        async with home:
            await asyncio.sleep(3600)
            assert home.uplink.status()["text"] == "Online: the cloud has everything."
        assert len(twin.stored("automation_executions")) == DAYS
        for stream, numbers in last.items():
            stored = [each.seq for each in twin.rows[stream]]
            told = [n for (_, _, of, first, end) in twin.gaps if of == stream for n in range(first, end + 1)]
            assert sorted(stored + told) == list(range(1, numbers + 1)), stream
            assert sum(gap["count"] for key, gap in twin.gaps.items() if key[2] == stream) == len(told)
            assert twin.mark(stream) == numbers
        await mirror.close(clock.now())

    live(story())


@pytest.mark.parametrize("seed", range(2))
async def test_a_disk_that_is_full_midway_makes_no_number_disappear(tmp_path, little_room, seed) -> None:
    chance = random.Random(seed)
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    made = {"device_telemetry": 0, "device_states": 0, "automation_executions": 0}
    refused = 0
    for n in range(240):
        if n % 60 == 20:
            # From now on the file may hardly grow; SQLite answers as it does on a full disk.
            pages = mirror._ledger.connection.execute("PRAGMA page_count").fetchone()[0]
            mirror._ledger.connection.execute(f"PRAGMA max_page_count = {pages + chance.randrange(3)}")
        if n % 60 == 40:
            mirror._ledger.connection.execute("PRAGMA max_page_count = 1000000")
        second = n * 7200
        readings = [temperature(20 + (n * 7 + k) % 13 / 10, second + k * 60) for k in range(chance.randrange(1, 40))]
        effects = [*readings, light("on", second, n=n), run(n, second)]
        try:
            await mirror.commit(effects, at(second))
        except MirrorFull:
            refused += 1
            continue
        made["device_telemetry"] += len(readings)
        made["device_states"] += 1
        made["automation_executions"] += 1
    assert refused
    gaps = await mirror.gaps()
    last = {each.stream: each.last for each in await mirror.positions()}
    for stream, count in made.items():
        assert last[stream] == count
        kept = [number for number, _ in await drain(mirror, stream)]
        shed = [number for gap in gaps if gap.stream == stream for number in range(gap.first, gap.last + 1)]
        assert sorted(kept + shed) == list(range(1, count + 1)), stream
        assert sum(gap.count for gap in gaps if gap.stream == stream) == len(shed)
    assert not any(gap.stream == "automation_executions" for gap in gaps)
    await mirror.close(at(240 * 7200))
