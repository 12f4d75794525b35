"""The past is read back as it was, however the records came into the file, and what is gone is known to be gone."""

from datetime import timedelta

import pytest

from hub_agent.errors import MirrorError
from hub_agent.model.effects import AppendRecord, Durability, SaveTrace
from hub_agent.store.history import History, deeds_of, open_beside, states_at
from tests.unit.store.homes import NOON, at, light, mirror_in, temperature

HOUR = 3600
DAY = 24 * HOUR


def moment(seconds: float):
    return NOON + timedelta(seconds=seconds)


def read(folder, since: float, until: float):
    connection = open_beside(folder / "mirror.db")
    history = History(connection, moment(since))
    changes = [
        ((when - NOON).total_seconds(), entity_id, state.state)
        for when, entity_id, state in history.changes(moment(until))
    ]
    connection.close()
    return history, changes


def stood(folder, seconds: float) -> dict[str, str]:
    states, begins_at = states_at(folder / "mirror.db", moment(seconds))
    return {entity_id: state.state for entity_id, state in states.items()} if begins_at <= moment(seconds) else None


async def test_all_streams_that_bear_states_are_read_in_the_order_of_time(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([temperature(20, 1)], at(1))
    await mirror.commit([light("on", 2), temperature(21, 3), light("off", 4, device="b")], at(5))
    await mirror.commit([light("off", 6)], at(6))

    _, changes = read(tmp_path, 0, 100)
    assert changes == [
        (1, "sensor.lamp", "20"),
        (2, "light.lamp", "on"),
        (3, "sensor.lamp", "21"),
        (4, "light.b", "off"),
        (6, "light.lamp", "off"),
    ]
    await mirror.close(at(7))


async def test_a_state_is_known_with_its_attributes_and_since_when_it_is_so(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([light("on", 0, brightness=10)], at(0))
    row = {
        **light("on", 60, brightness=99).row,
        "entities": {"light.lamp": {"state": "on", "attributes": {"brightness": 99}, "changed_at": NOON}},
    }
    await mirror.commit([AppendRecord("device_states", row)], at(60))
    await mirror.commit([light("off", 120)], at(120))

    states, _ = states_at(tmp_path / "mirror.db", moment(90))
    seen = states["light.lamp"]
    assert (seen.state, seen.attributes, seen.changed_at, seen.updated_at) == (
        "on",
        {"brightness": 99},
        NOON,
        moment(60),
    )
    await mirror.close(at(200))


async def test_states_are_rebuilt_from_a_snapshot_and_what_follows_it(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in range(12):
        await mirror.commit(
            [light("on" if hour % 2 else "off", hour * HOUR), temperature(hour, hour * HOUR)], at(hour * HOUR)
        )
        if hour % 4 == 3:
            await mirror.close(at(hour * HOUR + 1))  # with a snapshot
            mirror = mirror_in(tmp_path)
            await mirror.open(at(hour * HOUR + 2))
    history, changes = read(tmp_path, 5 * HOUR, 12 * HOUR)

    assert history.begins_at == moment(3 * HOUR + 1)
    assert len(changes) == 16
    assert [stood(tmp_path, hour * HOUR + 60)["sensor.lamp"] for hour in range(12)] == [str(hour) for hour in range(12)]
    assert [stood(tmp_path, hour * HOUR + 60)["light.lamp"] for hour in range(4)] == ["off", "on", "off", "on"]
    await mirror.close(at(13 * HOUR))


async def test_before_the_first_record_nothing_is_known(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    assert read(tmp_path, -DAY, 0)[1] == []
    await mirror.commit([light("on", 10)], at(10))

    history, _ = read(tmp_path, -DAY, 20)
    assert history.begins_at == moment(10)
    assert stood(tmp_path, 5) is None
    assert stood(tmp_path, 10) == {"light.lamp": "on"}
    await mirror.close(at(20))


async def test_history_begins_where_the_records_that_are_left_begin(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for hour in range(24 * 12):
        await mirror.commit(
            [light("on" if hour % 2 else "off", hour * HOUR), temperature(hour, hour * HOUR)], at(hour * HOUR)
        )
        await mirror.acknowledge({"device_states": hour + 1, "device_telemetry": hour + 1}, at(hour * HOUR))
        if hour % 10 == 0:
            await mirror.close(at(hour * HOUR + 1))
            mirror = mirror_in(tmp_path)
            await mirror.open(at(hour * HOUR + 2))
    history, changes = read(tmp_path, 0, 24 * 12 * HOUR)

    kept = moment(24 * 12 * HOUR) - history.begins_at
    assert timedelta(days=7, hours=6) < kept < timedelta(days=9)
    assert history.holes.missing == 0
    since = history.begins_at + timedelta(hours=3)
    hours = int((since - NOON).total_seconds() // HOUR)
    assert stood(tmp_path, hours * HOUR + 60)["sensor.lamp"] == str(hours)
    assert all(when >= (history.begins_at - NOON).total_seconds() for when, _, _ in changes)
    assert stood(tmp_path, HOUR) is None
    await mirror.close(at(24 * 12 * HOUR))


async def test_a_damaged_block_is_passed_over_and_counted(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for second in range(3):
        await mirror.commit([light("on" if second % 2 else "off", second)], at(second))
    mirror._ledger.connection.execute(
        "UPDATE record_blocks SET body = x'00ff' WHERE made_at = ?", (int(at(1).wall.timestamp() * 1000),)
    )
    history, changes = read(tmp_path, 0, 10)

    assert [when for when, _, _ in changes] == [0, 2]
    assert (history.holes.missing, history.holes.first_at) == (1, moment(1))
    await mirror.close(at(10))


async def test_times_of_a_boot_that_did_not_know_the_time_are_put_right(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at(-DAY, boot="boot-2", trusted=False))
    await mirror.commit([light("on", -DAY)], at(-DAY, boot="boot-2", trusted=False))
    await mirror.trust_clock("boot-2", DAY + 30)
    await mirror.commit([light("off", 60)], at(60, boot="boot-2"))

    _, changes = read(tmp_path, -2 * DAY, 100)
    assert [(when, state) for when, _, state in changes] == [(30, "on"), (60, "off")]
    await mirror.close(at(100))


async def test_what_a_rule_did_is_read_from_its_records_and_traces(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for number, second in ((1, 30), (2, 3000)):
        row = {"id": f"r{number}", "automation_id": "a", "started_at": moment(second), "status": "success"}
        other = {**row, "id": f"o{number}", "automation_id": "b"}
        appends = [AppendRecord("automation_executions", each, Durability.FSYNC) for each in (row, other)]
        await mirror.commit([*appends, SaveTrace("a", f"r{number}", {"run_id": f"r{number}"})], at(second))
    connection = open_beside(tmp_path / "mirror.db")
    whole, later = deeds_of(connection, "a", NOON), deeds_of(connection, "a", moment(2000))
    connection.close()

    assert [row["id"] for row in whole.executions] == ["r1", "r2"]
    assert [row["id"] for row in later.executions] == ["r2"]
    assert [each["run_id"] for each in whole.traces] == ["r2", "r1"]
    assert whole.kept_since is None
    await mirror.close(at(4000))


async def test_a_mirror_that_is_not_there_is_an_error_in_words(tmp_path) -> None:
    with pytest.raises(MirrorError, match=r"nowhere\.db"):
        states_at(tmp_path / "nowhere.db", NOON)
