"""What the mirror says of the records it still has, so that hub and cloud can be compared."""

from datetime import timedelta

import pytest

from hub_agent.core.sync.prints import print_of
from hub_agent.core.sync.verifying import Printed
from hub_agent.store import printing
from hub_agent.store.store import Mirror
from tests.unit.store.homes import NOON, at, drain, execution, light, mirror_in, temperature

LONG_AGO = NOON - timedelta(days=300)


@pytest.fixture
async def mirror(tmp_path):
    opened = mirror_in(tmp_path)
    await opened.open(at())
    yield opened
    await opened.close(at())


async def all_of(mirror: Mirror, stream: str, since=LONG_AGO) -> list[Printed]:
    found: list[Printed] = []
    after, is_end = 0, False
    while not is_end:
        stretch = await mirror.printed(stream, after, since)
        assert stretch.upto >= after
        found += stretch.records
        after, is_end = stretch.upto, stretch.is_end
    return found


async def test_fingerprints_are_those_of_what_was_sent_and_would_be_sent_again(mirror) -> None:
    for n in range(40):
        await mirror.commit([light("on" if n % 2 else "off", n, brightness=n), temperature(n / 10, n)], at(n))
        await mirror.commit([execution(n, n)], at(n))
    for stream in ("device_states", "device_telemetry", "automation_executions"):
        sent = [(number, print_of(stream, row)) for number, row in await drain(mirror, stream, 7)]
        found = await all_of(mirror, stream)
        assert [(each.number, each.fingerprint) for each in found] == sent
        assert len({each.fingerprint for each in found}) == 40
        again = await mirror.numbered(stream, [number for number, _ in sent])
        assert again is not None
        assert [(number, print_of(stream, row)) for number, row in zip(again.numbers, again.rows, strict=True)] == sent
        assert [each.at for each in found] == [NOON + timedelta(seconds=n) for n in range(40)]


async def test_what_is_not_confirmed_is_not_told_also_of_a_block_that_is_so_in_part(mirror) -> None:
    await mirror.commit([temperature(n, n) for n in range(20)], at())
    assert await all_of(mirror, "device_telemetry") == []
    await mirror.acknowledge({"device_telemetry": 7}, at())
    assert [each.number for each in await all_of(mirror, "device_telemetry")] == [1, 2, 3, 4, 5, 6, 7]


async def test_stretches_are_bounded_and_follow_on_each_other(mirror, monkeypatch) -> None:
    monkeypatch.setattr(printing, "STRETCH_ROWS", 10)
    for n in range(35):
        await mirror.commit([temperature(n, n)], at(n))
    await mirror.acknowledge({"device_telemetry": 33}, at())
    stretch = await mirror.printed("device_telemetry", 0, LONG_AGO)
    assert (len(stretch.records), stretch.upto, stretch.is_end) == (10, 10, False)
    assert [each.number for each in await all_of(mirror, "device_telemetry")] == list(range(1, 34))


async def test_only_what_was_made_since_is_read(mirror) -> None:
    for day in range(6):
        await mirror.commit([temperature(day, day * 86_400)], at(day * 86_400))
    await mirror.acknowledge({"device_telemetry": 6}, at())
    since = NOON + timedelta(days=4)
    assert [each.number for each in await all_of(mirror, "device_telemetry", since)] == [4, 5, 6]


async def test_what_was_made_before_the_clock_was_trusted_is_left_out(mirror) -> None:
    """It may be dated otherwise today than when it was sent."""
    await mirror.commit([temperature(1, 1)], at(1, trusted=False))
    await mirror.commit([temperature(2, 2)], at(2))
    await mirror.acknowledge({"device_telemetry": 2}, at())
    assert [each.number for each in await all_of(mirror, "device_telemetry")] == [2]


async def test_measurements_of_one_instant_go_by_one_name(mirror) -> None:
    await mirror.commit([temperature(1, 1), temperature(2, 1), temperature(3, 2)], at())
    await mirror.acknowledge({"device_telemetry": 3}, at())
    first, second, third = await all_of(mirror, "device_telemetry")
    assert first.key == second.key != third.key
    assert first.fingerprint != second.fingerprint


async def test_a_damaged_block_is_passed_over(mirror) -> None:
    for n in range(3):
        await mirror.commit([temperature(n, n)], at(n))
    await mirror.acknowledge({"device_telemetry": 3}, at())
    mirror._ledger.connection.execute("UPDATE record_blocks SET body = x'00' WHERE block_key & 0xFFFFFFFFFF = 2")
    assert [each.number for each in await all_of(mirror, "device_telemetry")] == [1, 3]


async def test_a_stream_without_records_has_none(mirror) -> None:
    assert await all_of(mirror, "energy_usage") == []
    assert await all_of(mirror, "dreams") == []
