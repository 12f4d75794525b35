"""Records made before the clock was trusted."""

from datetime import datetime, timedelta

from hub_agent.model.effects import AppendRecord, Durability
from hub_agent.ports import Moment
from tests.unit.store.homes import NOON, at, mirror_in

WRONG = datetime.fromisoformat("1970-01-01T00:05:00+00:00")


def wrong(seconds: float, boot: str = "boot-2") -> Moment:
    return Moment(WRONG + timedelta(seconds=seconds), seconds, boot, False)


def run(moment: Moment) -> AppendRecord:
    row = {
        "id": "run",
        "time": moment.wall,
        "action_results": [{"at": moment.wall.isoformat(), "attributes": {"seen_at": moment.wall}}],
    }
    return AppendRecord("automation_executions", row, Durability.FSYNC)


async def test_records_of_this_boot_are_dated_right_once_the_clock_is_trusted(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(wrong(0))
    await mirror.commit([run(wrong(1))], wrong(1))
    before = await mirror.next_batch("automation_executions", 10, 10_000)
    assert before is not None
    assert not before.is_clock_trusted
    offset = (NOON - WRONG).total_seconds()
    assert await mirror.trust_clock("boot-2", offset) == 1
    right = Moment(NOON + timedelta(seconds=9), 9, "boot-2", True)
    await mirror.commit([run(right)], right)
    mirror.abandon()

    again = mirror_in(tmp_path)
    await again.open(at(60, boot="boot-3"))
    batch = await again.next_batch("automation_executions", 10, 10_000)
    assert batch is not None
    assert batch.is_clock_trusted
    assert [row["time"] for row in batch.rows] == ["2026-03-01T12:00:01Z", "2026-03-01T12:00:09Z"]
    result = batch.rows[0]["action_results"][0]
    assert result["at"] == "2026-03-01T12:00:01Z"
    assert result["attributes"] == {"seen_at": "1970-01-01T00:05:01Z"}  # the device's own word is left alone
    await again.close(at(61))


async def test_a_second_correction_counts_only_for_what_came_after_the_first(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(wrong(0))
    await mirror.commit([run(wrong(1))], wrong(1))
    assert await mirror.trust_clock("boot-2", 100) == 1
    await mirror.commit([run(wrong(2))], wrong(2))
    assert await mirror.trust_clock("boot-2", 1000) == 1
    batch = await mirror.next_batch("automation_executions", 10, 10_000)
    assert batch is not None
    assert [row["time"] for row in batch.rows] == ["1970-01-01T00:06:41Z", "1970-01-01T00:21:42Z"]
    assert await mirror.trust_clock("never-booted", 5) == 0
    await mirror.close(wrong(3))


async def test_records_of_a_boot_that_never_knew_the_time_lie_between_their_neighbours_and_are_flagged(
    tmp_path,
) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at(0))
    await mirror.commit([run(at(0))], at(0))
    mirror.abandon()
    mirror = mirror_in(tmp_path)
    await mirror.open(wrong(0))
    await mirror.commit([run(wrong(1))], wrong(1))
    mirror.abandon()
    mirror = mirror_in(tmp_path)
    await mirror.open(at(100, boot="boot-3"))
    await mirror.commit([run(at(100))], at(100, boot="boot-3"))

    trusted = []
    times = []
    while batch := await mirror.next_batch("automation_executions", 10, 10_000):
        trusted.append(batch.is_clock_trusted)
        times += [row["time"] for row in batch.rows]
        await mirror.acknowledge({"automation_executions": batch.first + len(batch.rows) - 1}, at(101))
    assert trusted == [True, False, True]
    assert times == ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:01:40Z"]
    await mirror.close(at(102))


async def test_nothing_expires_by_a_clock_that_is_not_trusted(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(wrong(0))
    await mirror.commit([run(wrong(1))], wrong(1))
    for day in range(3):
        late = Moment(NOON + timedelta(days=400 + day), 1000.0 + day * 86_400, "boot-2", True)
        await mirror.commit([run(late)], late)
    batch = await mirror.next_batch("automation_executions", 10, 10_000)
    assert batch is not None
    assert batch.first == 1
    await mirror.close(wrong(2))
