"""What goes, in which order, and that it is told. Dates are virtual."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub_agent.model import record
from hub_agent.model.effects import AppendRecord, Durability
from hub_agent.store import retention
from hub_agent.store.retention import DiskSpace
from tests.unit.store.homes import NOON, at, drain, execution, light, mirror_in, temperature

DAY = 86_400
HOUR = 3600


def numbers_covered(rows, gaps) -> list[int]:
    covered = [number for number, _ in rows]
    for gap in gaps:
        covered += range(gap.first, gap.last + 1)
    return sorted(covered)


async def test_what_is_sent_goes_after_eight_days_and_what_is_owed_stays(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in range(24 * 10):
        await mirror.commit(
            [light("on", hour * HOUR, level=hour), temperature(hour, hour * HOUR), execution(hour)], at(hour * HOUR)
        )
        if hour < 204:
            await mirror.acknowledge(
                {"device_states": hour + 1, "device_telemetry": hour + 1, "automation_executions": hour + 1},
                at(hour * HOUR),
            )
        if hour % 10 == 0:
            await mirror.close(at(hour * HOUR))
            mirror = mirror_in(tmp_path)
            await mirror.open(at(hour * HOUR))
    old = await mirror.numbered("automation_executions", range(1, 241))
    assert old is not None
    assert old.numbers[0] > 40  # older than eight days and acknowledged: gone
    assert await mirror.gaps() == []
    owed = await drain(mirror, "device_states")
    assert [number for number, _ in owed] == list(range(205, 241))
    assert owed[0][1]["state"]["sensor.lamp"]["state"] == "204"
    await mirror.close(at(250 * HOUR))


async def test_what_may_go_goes_at_once_when_that_is_asked_for(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in range(12):
        await mirror.commit([execution(hour)], at(hour * HOUR))
    await mirror.acknowledge({"automation_executions": 12}, at(12 * HOUR))
    before = await mirror.numbered("automation_executions", range(1, 13))

    await mirror.tidy(replace(at(12 * HOUR), wall=NOON + timedelta(days=30)))  # within the minute of the last time

    after = await mirror.numbered("automation_executions", range(1, 13))
    assert before is not None
    assert len(before.numbers) == 12
    assert after is None or len(after.numbers) < 12
    await mirror.close(at(13 * HOUR))


async def test_what_is_older_than_its_time_to_live_becomes_a_gap(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for day in range(100):
        await mirror.commit([light("on", day * DAY, n=day), execution(day, day * DAY)], at(day * DAY))
    gaps = await mirror.gaps()
    assert [(gap.stream, gap.first, gap.count, gap.reason) for gap in gaps] == [
        ("device_states", 1, gaps[0].last, retention.EXPIRED)
    ]
    assert gaps[0].from_at == NOON
    rows = await drain(mirror, "device_states")
    assert numbers_covered(rows, gaps) == list(range(1, 101))
    assert len(await drain(mirror, "automation_executions")) == 100
    await mirror.close(at(101 * DAY))


async def test_measurements_whose_time_is_over_are_thinned_and_go_when_they_are_too_old_even_so(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for day in range(0, 420, 5):
        second = day * DAY
        await mirror.commit([temperature(20 + n, second + n) for n in range(10)], at(second))
    gaps = await mirror.gaps()
    assert {gap.reason for gap in gaps} == {retention.THINNED, retention.EXPIRED}
    rows = await drain(mirror, "device_telemetry")
    assert numbers_covered(rows, gaps) == list(range(1, 841))
    means = [row for _, row in rows if row.get("metadata")]
    assert 70 <= len(means) <= 76
    assert {row["value"] for row in means} == {24.5}
    await mirror.close(at(421 * DAY))


async def test_what_is_thinned_because_of_its_age_leaves_few_gaps_and_long_stretches(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in (*range(60), *range(30 * 24, 30 * 24 + 60)):
        second = hour * 3600
        await mirror.commit([temperature(20 + n, second + n) for n in range(3)], at(second))
    gaps = await mirror.gaps()
    # Two days are over, some six hours at a time.
    assert 6 <= len(gaps) <= 10
    rows = await drain(mirror, "device_telemetry")
    assert numbers_covered(rows, gaps) == list(range(1, 120 * 3 + 1))
    await mirror.close(at(34 * DAY))


@pytest.fixture
def tight_budget(monkeypatch):
    """20 kB for telemetry and for states."""
    streams = {
        name: replace(stream, bytes_max=20_000) if name in {"device_telemetry", "device_states"} else stream
        for name, stream in record.STREAMS.items()
    }
    monkeypatch.setattr(retention, "STREAMS", streams)


def test_all_budgets_together_leave_more_than_half_of_a_disk_of_two_gigabytes() -> None:
    assert sum(stream.bytes_max for stream in record.STREAMS.values()) < 1_000_000_000


async def test_over_budget_measurements_are_thinned_before_any_is_dropped(tmp_path, tight_budget) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    total = 0
    for minute in range(900):
        second = minute * 60
        await mirror.commit([temperature(20 + (minute * 7 % 13) / 10 + n, second + n) for n in range(3)], at(second))
        total += 3
    gaps = await mirror.gaps()
    assert {gap.reason for gap in gaps} == {retention.THINNED}
    position = next(p for p in await mirror.positions() if p.stream == "device_telemetry")
    rows = await drain(mirror, "device_telemetry", 50)
    assert position.waiting == len(rows)
    assert numbers_covered(rows, gaps) == list(range(1, total + 1))
    rolled = [row for _, row in rows if row.get("metadata")]
    assert rolled
    rollup = rolled[0]["metadata"]["rollup"]
    assert rollup["count"] == 45
    assert rollup["value"]["min"] <= rolled[0]["value"] <= rollup["value"]["max"]
    times = [row["time"] for _, row in rows]
    assert times == sorted(times)
    await mirror.close(at(DAY))


async def test_over_budget_states_go_oldest_first_and_snapshots_stay_whole(tmp_path, tight_budget) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([light("on", 0, device="never_again"), temperature(19, device="d0")], at())
    for n in range(1500):
        await mirror.commit([light("on", n * 60, device=f"d{n % 5}", n=f"{n * 7919 % 10_007:020d}")], at(n * 60))
    gaps = await mirror.gaps()
    assert [(gap.first, gap.reason) for gap in gaps] == [(1, retention.OVER_BUDGET)]
    mirror.abandon()
    mirror = mirror_in(tmp_path)
    states = (await mirror.open(at(DAY * 2))).states
    assert states["light.never_again"].state == "on"
    assert states["sensor.d0"].state == "19"
    rows = await drain(mirror, "device_states")
    assert numbers_covered(rows, gaps) == list(range(1, 1502))
    first_of_d0 = next(row for _, row in rows if row["device_id"] == "d0")
    assert first_of_d0["state"]["sensor.d0"]["state"] == "19"
    await mirror.close(at(DAY * 3))


async def test_on_a_nearly_full_disk_the_precious_goes_last(tmp_path) -> None:
    space = DiskSpace(500, 10_000_000)
    mirror = mirror_in(tmp_path, disk_space=lambda: space)
    await mirror.open(at())
    seen: list[str] = []
    for minute in range(600):
        second = minute * 60
        power = AppendRecord(
            "energy_usage",
            {
                "time": NOON + timedelta(seconds=second),
                "device_id": "p",
                "entity_id": "sensor.p",
                "power_watts": minute,
                "unit": "W",
            },
        )
        await mirror.commit(
            [temperature(minute, second), power, light("on", second, n=minute), execution(minute, second)], at(second)
        )
        for gap in await mirror.gaps():
            if gap.stream not in seen:
                seen.append(gap.stream)
    assert set(seen[:2]) == {"device_telemetry", "energy_usage"}
    assert seen[2:] in ([], ["device_states"], ["device_states", "automation_executions"])
    for stream in ("device_telemetry", "energy_usage", "device_states", "automation_executions"):
        gaps = [gap for gap in await mirror.gaps() if gap.stream == stream]
        assert numbers_covered(await drain(mirror, stream), gaps) == list(range(1, 601)), stream
    await mirror.close(at(DAY))


async def test_a_disk_filled_by_others_does_not_cost_executions(tmp_path) -> None:
    mirror = mirror_in(tmp_path, disk_space=lambda: DiskSpace(40, 1000))
    await mirror.open(at())
    for minute in range(100):
        await mirror.commit([light("on", minute * 60), execution(minute, minute * 60)], at(minute * 60))
    assert await mirror.gaps() == []
    await mirror.close(at(DAY))


async def test_space_of_what_was_shed_is_given_back_to_the_disk(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(60):
        rows = [
            AppendRecord("scene_activations", {"id": f"{n * 7919 + k * 104_729:040d}", "time": NOON}, Durability.LAZY)
            for k in range(800)
        ]
        await mirror.commit(rows, at(n))
    await mirror.close(at(100))
    before = (tmp_path / "mirror.db").stat().st_size
    mirror = mirror_in(tmp_path)
    await mirror.open(at(200))
    await mirror.acknowledge({"scene_activations": 48_000}, at(201))
    for hour in range(200, 210):
        await mirror.commit([execution(hour)], at(hour * HOUR))
    await mirror.close(at(220 * HOUR))
    assert (tmp_path / "mirror.db").stat().st_size < before / 2
