import asyncio
import os
import sqlite3
import stat
from dataclasses import replace
from datetime import timedelta

import pytest

from hub_agent.errors import MirrorError, MirrorFull
from hub_agent.model.action import Command
from hub_agent.model.definition import Definition
from hub_agent.model.device import Alias
from hub_agent.model.effects import (
    AppendCase,
    AppendRecord,
    CloudCommandDone,
    ForgetDevice,
    Save,
    SaveCommand,
    SaveDefinition,
    SaveDevice,
    SaveTrace,
)
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.state import Cause, EntityState
from hub_agent.ports import Gap
from hub_agent.store import tables
from tests.unit.store.homes import (
    NOON,
    at,
    drain,
    execution,
    lamp_device,
    light,
    mirror_in,
    temperature,
)

COMMAND = Command(
    CommandId("c1"), CallId("call"), DeviceId("lamp"), EntityId("light.lamp"), "light.turn_on", {"brightness": 9},
    Cause("automation", "run-1"), NOON, NOON + timedelta(seconds=30), {"state": "on"}, sent_at=NOON,
)  # fmt: skip


async def test_what_was_committed_is_remembered_after_a_crash(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    first = await mirror.open(at())
    definition = Definition(
        "scene", "s1", {"name": "Movie"}, 3, {"name": "Old"}, modified_at=NOON, aliases=(("a", "b"),)
    )
    await mirror.commit(
        [
            Save("automation", "run/1", {"frame": [1, 2]}),
            Save("automation", "run/2", {"frame": []}),
            Save("automation", "run/2", None),
            SaveCommand(COMMAND),
            SaveCommand(replace(COMMAND, id=CommandId("c2"))),
            SaveCommand(replace(COMMAND, id=CommandId("c2")), is_settled=True),
            SaveDevice(lamp_device()),
            SaveDefinition(definition),
            CloudCommandDone("cloud-1", "done", {"ok": True}),
            light("on", brightness=12),
        ],
        at(1),
    )
    mirror.abandon()

    again = mirror_in(tmp_path)
    remembered = await again.open(at(60))
    assert remembered.identity == first.identity
    assert remembered.saved == {"automation": {"run/1": {"frame": [1, 2]}}}
    assert remembered.commands == [COMMAND]
    assert remembered.devices == [lamp_device()]
    assert remembered.definitions == [definition]
    assert remembered.cloud_commands_done == {"cloud-1"}
    assert remembered.states == {"light.lamp": EntityState("on", {"brightness": 12}, NOON, NOON)}
    assert remembered.last_alive_at == NOON + timedelta(seconds=1)
    assert remembered.findings == []
    await again.close(at(61))


async def test_the_writer_thread_gives_the_same_answers(tmp_path) -> None:
    mirror = mirror_in(tmp_path, inline=False)
    await mirror.open(at())
    await asyncio.gather(
        *(mirror.commit([light("on", n), SaveTrace("a", f"run-{n}", {"n": n})], at(n)) for n in range(20))
    )
    assert [number for number, _ in await drain(mirror, "device_states")] == list(range(1, 21))
    assert len(await mirror.runs("a", 100)) == 20
    assert (await mirror.sizes())["integrity"] == "ok"
    await mirror.close(at(30))
    with pytest.raises(MirrorError, match="closed"):
        await mirror.commit([light("on")], at(31))


async def test_rows_of_device_states_are_given_out_as_full_snapshots(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([light("on", brightness=1), temperature(20.5), light("off", 1)], at(1))
    await mirror.commit([temperature(21, 2), light("on", 3)], at(3))

    batch = await mirror.next_batch("device_states", 10, 10_000)
    assert batch is not None
    assert batch.first == 1
    states = [row["state"] for row in batch.rows]
    assert states[0]["light.lamp"] == {"state": "on", "attributes": {"brightness": 1}}
    assert states[1] == {
        "light.lamp": {"state": "off", "attributes": {}},
        "sensor.lamp": {"state": "20.5", "attributes": {}},
    }
    assert states[2]["sensor.lamp"]["state"] == "21"
    assert set(batch.rows[0]) == {"id", "device_id", "state", "changed_fields", "change_source", "created_at"}
    assert batch.rows[0]["changed_fields"] == ["light.lamp.state"]
    assert batch.rows[0]["created_at"] == "2026-03-01T12:00:00Z"
    assert len({row["id"] for row in batch.rows}) == 3
    assert batch == await mirror.next_batch("device_states", 10, 10_000)  # asking again changes nothing
    telemetry = await mirror.next_batch("device_telemetry", 10, 10_000)
    assert telemetry is not None
    assert set(telemetry.rows[0]) == {"time", "device_id", "metric_type", "value", "unit"}
    await mirror.close(at(4))


async def test_the_snapshot_of_a_row_is_the_same_after_acknowledging_and_restarting(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(6):
        await mirror.commit([light("on", n, device=f"d{n % 2}", level=n), temperature(n, n, device=f"d{n % 2}")], at(n))
    whole = await mirror.next_batch("device_states", 10, 10_000)
    assert whole is not None
    await mirror.acknowledge({"device_states": 3}, at(7))
    await mirror.close(at(8))
    again = mirror_in(tmp_path)
    await again.open(at(9))
    rest = await again.next_batch("device_states", 10, 10_000)
    assert rest is not None
    assert rest.first == 4
    assert list(rest.rows) == list(whole.rows[3:])
    repaired = await again.numbered("device_states", [2, 5])
    assert repaired is not None
    assert list(repaired.numbers) == [2, 5]
    assert list(repaired.rows) == [whole.rows[1], whole.rows[4]]
    await again.close(at(10))


async def test_an_entity_whose_state_comes_from_two_streams_in_one_commit_ends_as_the_last_said(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    gone = AppendRecord(
        "device_states",
        {
            "device_id": "lamp",
            "entities": {"sensor.lamp": {"state": "unavailable", "attributes": {}}},
            "created_at": NOON,
        },
    )
    await mirror.commit([temperature(20), gone, temperature(21, 1)], at(1))
    mirror.abandon()
    again = mirror_in(tmp_path)
    assert (await again.open(at(2))).states["sensor.lamp"].state == "21"
    await again.close(at(3))


async def test_a_removed_entity_has_no_state_any_more(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    removed = AppendRecord("device_states", {"device_id": "lamp", "entities": {"light.lamp": None}, "created_at": NOON})
    await mirror.commit([light("on"), temperature(3, text="3.00"), removed], at(1))
    mirror.abandon()
    again = mirror_in(tmp_path)
    assert {key: state.state for key, state in (await again.open(at(2))).states.items()} == {"sensor.lamp": "3.00"}
    await again.close(at(3))


async def test_a_batch_behind_what_was_sent_already_is_what_a_whole_one_has_from_there(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(4):
        await mirror.commit([light("on"), temperature(n), light("off")], at(n))
    await mirror.acknowledge({"device_states": 1}, at(5))
    for stream, last in (("device_states", 8), ("device_telemetry", 4)):
        whole = await mirror.next_batch(stream, 100, 100_000)
        assert whole is not None
        for after in range(last):
            rest = await mirror.next_batch(stream, 100, 100_000, after)
            skipped = max(0, after - whole.first + 1)
            assert rest is not None
            assert (rest.first, rest.rows) == (whole.first + skipped, whole.rows[skipped:])
        assert await mirror.next_batch(stream, 100, 100_000, last) is None
    await mirror.close(at(6))


async def test_batches_keep_to_their_limits_and_acknowledging_never_goes_back(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([temperature(n) for n in range(2500)], at(1))
    by_rows = await mirror.next_batch("device_telemetry", 7, 10_000_000)
    assert by_rows is not None
    assert len(by_rows.rows) == 7
    by_bytes = await mirror.next_batch("device_telemetry", 1000, 1000)
    assert by_bytes is not None
    assert 1 <= len(by_bytes.rows) < 12
    await mirror.acknowledge({"device_telemetry": 7, "unheard_of": 3}, at(2))
    await mirror.acknowledge({"device_telemetry": 3}, at(2))
    position = next(p for p in await mirror.positions() if p.stream == "device_telemetry")
    assert (position.last, position.acknowledged, position.waiting) == (2500, 7, 2493)
    assert position.acknowledged_at == NOON + timedelta(seconds=2)
    await mirror.acknowledge({"device_telemetry": 99_999}, at(3))
    assert await mirror.next_batch("device_telemetry", 10, 1000) is None
    await mirror.commit([temperature(1)], at(4))
    assert [number for number, _ in await drain(mirror, "device_telemetry")] == [2501]
    await mirror.close(at(5))


async def test_a_position_says_since_when_its_oldest_record_waits(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())

    async def oldest():
        return next(each.oldest_at for each in await mirror.positions() if each.stream == "device_telemetry")

    assert await oldest() is None
    await mirror.commit([temperature(1)], at(10))
    await mirror.commit([temperature(2, 50)], at(50))
    assert await oldest() == NOON + timedelta(seconds=10)
    await mirror.acknowledge({"device_telemetry": 1}, at(60))
    assert await oldest() == NOON + timedelta(seconds=50)
    await mirror.acknowledge({"device_telemetry": 2}, at(61))
    assert await oldest() is None
    await mirror.close(at(62))


async def test_cases_are_owed_until_their_newest_revision_is_acknowledged(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([AppendCase("alerts", "a", 2, {"status": "open"}), AppendCase("alerts", "b", 1, {})], at(1))
    told = await mirror.cases(10)
    await mirror.commit([AppendCase("alerts", "a", 3, {"status": "done"}), AppendCase("alerts", "a", 1, {})], at(2))
    await mirror.acknowledge_cases(told)
    assert [(case.id, case.revision, case.row) for case in await mirror.cases(10)] == [("a", 3, {"status": "done"})]
    await mirror.acknowledge_cases(await mirror.cases(10))
    assert await mirror.cases(10) == []
    await mirror.close(at(3))


async def test_an_examination_is_given_out_before_its_issues_however_late_it_changed(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([AppendCase("diagnostic_issues", "issue", 1, {}), AppendCase("alerts", "a", 1, {})], at(1))
    await mirror.commit([AppendCase("diagnostic_runs", "run", 2, {})], at(2))
    assert [case.id for case in await mirror.cases(10)] == ["run", "a", "issue"]
    await mirror.close(at(3))


async def test_of_too_many_cases_those_go_first_that_the_cloud_has(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(tables, "CASES_MAX", 3)
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(6):
        await mirror.commit([AppendCase("alerts", f"{n}", 1, {})], at(n))
    told = [case for case in await mirror.cases(10) if case.id in {"4", "5"}]
    await mirror.acknowledge_cases(told)
    await mirror.commit([Save("room", "key", {})], at(7_200))
    await mirror.close(at(7_200))
    again = mirror_in(tmp_path)
    await again.open(at(7_201))
    assert [case.id for case in await again.cases(10)] == ["1", "2", "3"]
    assert "1 alerts and the like" in caplog.text
    await again.close(at(7_202))


async def test_a_cloud_command_is_told_once_and_known_for_ever_after(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([CloudCommandDone("x", "failed", {"error": "no"}), CloudCommandDone("x", "done", {})], at(1))
    assert await mirror.commands_done() == [{"id": "x", "status": "failed", "result": {"error": "no"}}]
    await mirror.acknowledge_commands_done(["x"])
    assert await mirror.commands_done() == []
    await mirror.close(at(2))
    again = mirror_in(tmp_path)
    assert (await again.open(at(3))).cloud_commands_done == {"x"}
    await again.close(at(4))


async def test_a_device_that_left_keeps_its_id_by_its_aliases(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([SaveDevice(lamp_device()), light("on")], at(1))
    await mirror.commit([ForgetDevice(DeviceId("lamp"))], at(2))
    mirror.abandon()
    again = mirror_in(tmp_path)
    remembered = await again.open(at(3))
    assert remembered.devices == []
    assert remembered.states == {}
    assert (Alias("zigbee_ieee", "0x01"), "lamp") in remembered.gone_aliases
    await again.commit([SaveDevice(lamp_device(name="Back"))], at(4))
    await again.close(at(5))
    third = mirror_in(tmp_path)
    remembered = await third.open(at(6))
    assert [device.name for device in remembered.devices] == ["Back"]
    assert remembered.gone_aliases == []
    await third.close(at(7))


async def test_traces_are_kept_by_count_and_found_by_a_unique_beginning(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(60):
        await mirror.commit(
            [SaveTrace("often", f"run-{n:02d}", {"n": n}), SaveTrace("rare", f"other-{n}", {})][: 2 - n % 2], at(n)
        )
    often = await mirror.runs("often", 100)
    assert [body["n"] for body in often][:3] == [59, 58, 57]
    assert 20 <= len(often) <= 25
    assert len(await mirror.runs(None, 5)) == 5
    assert await mirror.trace("run-59") == {"n": 59}
    assert await mirror.trace("run-5") is None  # more than one begins so
    assert await mirror.trace("nothing") is None
    await mirror.close(at(61))


async def test_of_a_rule_that_asks_for_more_or_fewer_traces_that_many_are_kept(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    for n in range(60):
        traces = [SaveTrace(f"keeps-{kept}", f"{kept}-{n:02d}", {"n": n}, kept) for kept in (0, 1, 40)]
        await mirror.commit(traces, at(n))
    assert await mirror.runs("keeps-0", 100) == []
    assert 1 <= len(await mirror.runs("keeps-1", 100)) <= 2
    assert 40 <= len(await mirror.runs("keeps-40", 100)) <= 45
    await mirror.close(at(61))


async def test_a_trace_goes_when_it_is_old(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    day = 86_400
    for n in (0, 20, 29, 31):
        await mirror.commit([SaveTrace("rare", f"run-{n}", {"n": n})], at(n * day))
    await mirror.commit([SaveTrace("other", "run-x", {"n": 32})], at(32 * day))
    assert [body["n"] for body in await mirror.runs("rare", 100)] == [31, 29, 20]
    await mirror.close(at(32 * day))


async def test_identity_and_cursor_survive_and_the_secret_is_readable_by_the_owner_only(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    opened = await mirror.open(at())
    assert opened.identity.epoch == 1
    assert opened.identity.hub_id is None
    claimed = replace(opened.identity, home_id="home", hub_id="hub", secret="sesame")
    await mirror.save_identity(claimed)
    assert await mirror.cursor() is None
    await mirror.save_cursor("17:4")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    mirror.abandon()
    again = mirror_in(tmp_path)
    assert (await again.open(at(1))).identity == claimed
    assert await again.cursor() == "17:4"
    await again.close(at(2))


async def test_a_lost_file_costs_the_records_but_not_the_home(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    opened = await mirror.open(at())
    await mirror.save_identity(replace(opened.identity, hub_id="hub", secret="sesame"))
    await mirror.close(at(1))
    (tmp_path / "mirror.db").unlink()
    again = mirror_in(tmp_path)
    identity = (await again.open(at(2))).identity
    assert (identity.hub_id, identity.secret, identity.epoch) == ("hub", "sesame", 2)
    await again.close(at(3))


async def test_a_full_disk_keeps_nothing_of_the_commit_and_the_next_one_goes_on(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([execution(1)], at(1))
    writer = mirror._ledger.connection
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 3}")
    big = [Save("r", "k", {"text": [str(n) for n in range(20_000)]}), execution(2), light("on")]
    with pytest.raises(MirrorFull, match="Free some space"):
        await mirror.commit(big, at(2))
    writer.execute("PRAGMA max_page_count = 1000000")
    await mirror.commit([execution(2)], at(3))
    assert [(number, row["id"]) for number, row in await drain(mirror, "automation_executions")] == [
        (1, "run-1"),
        (2, "run-2"),
    ]
    await mirror.close(at(4))
    again = mirror_in(tmp_path)
    remembered = await again.open(at(5))
    assert remembered.saved == {}
    assert remembered.states == {}
    await again.close(at(6))


async def test_a_second_agent_is_told_who_holds_the_mirror(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    with pytest.raises(MirrorError, match=rf"Another agent \(process {os.getpid()}\)"):
        await mirror_in(tmp_path).open(at())
    await mirror.close(at(1))
    again = mirror_in(tmp_path)
    await again.open(at(2))
    await again.close(at(3))


async def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MirrorError, match="cannot be written"):
        await mirror_in(tmp_path / "file" / "deeper").open(at())


async def test_a_program_that_holds_the_file_is_a_mirror_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("hub_agent.store.file.BUSY_TIMEOUT_S", 0.01)
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    other = sqlite3.connect(tmp_path / "mirror.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(MirrorError, match="locked by another program"):
        await mirror.commit([light("on")], at(1))
    other.execute("ROLLBACK")
    other.close()
    await mirror.commit([light("on")], at(2))
    assert len(await drain(mirror, "device_states")) == 1
    await mirror.close(at(3))


async def test_what_json_cannot_say_is_replaced_and_holds_up_nothing(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    deep: object = "end"
    for _ in range(300):
        deep = [deep]
    await mirror.commit(
        [light("on", odd="\ud800", big=2**70, nan=float("nan"), deep=deep), Save("r", "k", {"x": "\udfff"})], at(1)
    )
    mirror.abandon()
    again = mirror_in(tmp_path)
    attributes = (await again.open(at(2))).states["light.lamp"].attributes
    assert attributes["odd"] == "?"
    assert attributes["big"] == float(2**70)
    assert attributes["nan"] is None
    await again.close(at(3))


async def test_a_gap_below_the_mark_takes_nothing_off_what_waits(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([temperature(20.0 + n, n) for n in range(5)], at(9))
    mirror._ledger._records.add_gap("device_telemetry", (1, 2), 2, "why", 1_000)
    await mirror.acknowledge({"device_telemetry": 3}, at(10))
    assert {each.stream: each.waiting for each in await mirror.positions()}["device_telemetry"] == 2
    await mirror.close(at(11))


async def test_gaps_are_read_again_only_when_they_have_changed(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    records = mirror._ledger._records
    reads: list[str] = []
    records._connection.set_trace_callback(lambda sql: reads.append(sql) if "FROM gaps ORDER BY" in sql else None)
    for first in (1, 20):
        records.add_gap("energy_usage", (first, first + 9), 10, "why", 1_000)
        for _ in range(3):
            await mirror.positions()
            told = await mirror.gaps()
    assert [gap.first for gap in told] == [1, 20]
    assert len(reads) == 2
    await mirror.acknowledge_gaps(told[:1])
    assert [gap.first for gap in await mirror.gaps()] == [20]
    await mirror.close(at(1))


async def test_a_gap_that_grew_since_it_was_told_stays_with_its_rest(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    records = mirror._ledger._records
    records.add_gap("energy_usage", (1, 10), 10, "why", 1_000)
    told = await mirror.gaps()
    records.add_gap("energy_usage", (11, 15), 5, "why", 2_000)
    await mirror.acknowledge_gaps(told)
    rest = await mirror.gaps()
    assert [(gap.first, gap.last, gap.count, gap.reason) for gap in rest] == [(11, 15, 5, "why")]
    await mirror.acknowledge_gaps(rest)
    assert await mirror.gaps() == []
    assert isinstance(told[0], Gap)
    await mirror.close(at(1))


async def test_a_mirror_says_that_it_can_write_without_writing_anything(tmp_path) -> None:
    mirror = mirror_in(tmp_path)
    await mirror.open(at())
    await mirror.commit([Save("automation", "run/1", {})], at(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")}

    await mirror.answers()

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if not path.name.endswith("-shm")} == before
    await mirror.close(at(2))
    with pytest.raises(MirrorError):
        await mirror.answers()
