"""What hub and cloud hold is compared alike by the twin and by the real SQL, and what is missing is stored once."""

import base64
import hashlib
import struct
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub_agent.core.sync.envelope import Sender
from hub_agent.core.sync.prints import SPELLED, hash_of, packed, print_of
from hub_agent.ports import RecordBatch
from tests.contract.claimed import NOON, HubOf, reading, readings

DAY = "2026-03-01"
LAMP = "0d6f0d9c-52b1-4a4e-9e2e-3a8a5d0c7b10"


def test_the_fingerprint_is_spelled_as_the_contract_shows() -> None:
    """The worked example of wire.md; test_the_clouds_fingerprint_of_the_example is the other side of it."""
    row = reading(LAMP, 1, 21.5)
    micros = 1_772_366_401_000_000
    spelled = "\x1f".join([LAMP, "temperature", str(micros), struct.pack(">d", 21.5).hex(), "celsius"])
    assert spelled.split("\x1f")[3] == "4035800000000000"
    assert print_of("device_telemetry", row) == struct.unpack(">q", hashlib.md5(spelled.encode()).digest()[:8])[0]
    assert print_of("device_telemetry", row) == EXAMPLE_PRINT


EXAMPLE_PRINT = -7270439989862891770


def compared(rows: list[Any], stream: str = "device_telemetry") -> dict[str, Any]:
    return {DAY: {"count": len(rows), "hash": str(hash_of(print_of(stream, row) for row in rows))}}


def listed(rows: list[Any], first: int = 1, stream: str = "device_telemetry") -> dict[str, Any]:
    prints = base64.b64encode(packed(print_of(stream, row) for row in rows)).decode()
    return {
        "from": NOON.isoformat(),
        "to": (NOON + timedelta(hours=1)).isoformat(),
        "seqs": [[first, first + len(rows) - 1]],
        "prints": prints,
    }


async def ask(hub: HubOf, stream: str = "device_telemetry", **asked: Any) -> Any:
    request = {"mirror_id": hub.sender.mirror_id, "epoch": hub.sender.epoch, "streams": {stream: asked}}
    return (await hub.side.cloud.reconcile(request))["streams"][stream]


def again(batch: RecordBatch, *seqs: int) -> RecordBatch:
    """These of it, for the repair lane."""
    rows = [batch.rows[seq - batch.first] for seq in seqs]
    return replace(batch, first=seqs[0], rows=rows, numbers=seqs)


async def test_a_day_is_equal_by_count_and_hash_and_a_lost_or_changed_record_shows(side, hub) -> None:
    lamp = await hub.add_device()
    batch = readings(lamp, 1, 10)
    await hub.ingest(batches=(batch,))
    answer = (await ask(hub, days=compared(batch.rows)))["days"][DAY]
    assert answer == {**compared(batch.rows)[DAY], "differs": False}

    side.change("device_telemetry", NOON + timedelta(seconds=3), "value", 77.0)
    answer = (await ask(hub, days=compared(batch.rows)))["days"][DAY]
    assert (answer["count"], answer["differs"]) == (10, True)

    side.lose("device_telemetry", NOON + timedelta(seconds=4))
    assert (await ask(hub, days=compared(batch.rows)))["days"][DAY]["count"] == 9
    assert (await ask(hub, listed=listed(batch.rows))) == {"missing": [3, 4], "refused": []}


async def test_a_count_alone_is_compared_as_before(side, hub) -> None:
    lamp = await hub.add_device()
    await hub.ingest(batches=(readings(lamp, 1, 2),))
    for count, differs in ((2, False), (3, True)):
        assert (await ask(hub, days={DAY: {"count": count}}))["days"][DAY]["differs"] is differs


async def test_what_is_repaired_is_there_once_and_as_it_was(side, hub) -> None:
    lamp = await hub.add_device()
    batch = readings(lamp, 1, 6)
    batch = replace(batch, rows=[{**row, "value": float(n)} for n, row in enumerate(batch.rows, 1)])
    await hub.ingest(batches=(batch,))
    side.change("device_telemetry", NOON + timedelta(seconds=3), "value", 77.0)
    side.lose("device_telemetry", NOON + timedelta(seconds=4))
    for _ in range(2):
        answer = await hub.ingest(batches=(again(batch, 2, 3, 4),))
        assert (answer["marks"], answer["refused"]) == ({"device_telemetry": 6}, [])
        assert side.values("device_telemetry", "value") == [1, 2, 3, 4, 5, 6]
    assert not (await ask(hub, days=compared(batch.rows)))["days"][DAY]["differs"]


async def test_measurements_of_one_instant_are_told_apart(side, hub) -> None:
    lamp = await hub.add_device()
    rows = [reading(lamp, 1, 1.0), reading(lamp, 1, 2.0), reading(lamp, 2, 3.0)]
    batch = RecordBatch("device_telemetry", 1, rows)
    await hub.ingest(batches=(batch,))
    side.lose("device_telemetry", NOON + timedelta(seconds=1))
    await hub.ingest(batches=(again(batch, 1, 2),))
    assert side.values("device_telemetry", "value") == [1.0, 2.0, 3.0]
    side.change("device_telemetry", NOON + timedelta(seconds=1), "value", 9.0)
    await hub.ingest(batches=(again(batch, 1, 2),))
    assert side.values("device_telemetry", "value") == [1.0, 2.0, 3.0]


async def test_a_record_with_an_id_takes_the_place_of_what_it_was_changed_to(side, hub) -> None:
    lamp = await hub.add_device()
    at = NOON + timedelta(seconds=1)
    row = {
        "id": str(uuid.uuid4()),
        "created_at": at,
        "device_id": lamp,
        "state": {},
        "changed_fields": ["light.a.state", "light.a.brightness"],
        "change_source": "manual",
    }
    batch = RecordBatch("device_states", 1, [row])
    await hub.ingest(batches=(batch,))
    assert not (await ask(hub, "device_states", days=compared([row], "device_states")))["days"][DAY]["differs"]
    side.change("device_states", at, "change_source", "automation")
    assert (await ask(hub, "device_states", listed=listed([row], 1, "device_states")))["missing"] == [1]
    await hub.ingest(batches=(again(batch, 1),))
    assert side.values("device_states", "change_source") == ["manual"]


async def test_a_record_whose_time_was_changed_does_not_stay_beside_the_right_one(side, hub) -> None:
    lamp = await hub.add_device()
    rows = [
        {
            "id": str(uuid.uuid4()),
            "created_at": NOON + timedelta(seconds=n),
            "device_id": lamp,
            "state": {},
            "changed_fields": ["light.a.state"],
            "change_source": "manual",
        }
        for n in range(3)
    ]
    batch = RecordBatch("device_states", 1, rows)
    await hub.ingest(batches=(batch,))
    side.change("device_states", NOON + timedelta(seconds=1), "created_at", NOON + timedelta(hours=1))
    assert (await ask(hub, "device_states", listed=listed(rows, 1, "device_states")))["missing"] == [2]
    await hub.ingest(batches=(again(batch, 2),))
    assert side.count("device_states") == 3
    assert not (await ask(hub, "device_states", days=compared(rows, "device_states")))["days"][DAY]["differs"]


async def test_entries_of_the_audit_are_compared_and_nothing_takes_the_place_of_one(side, hub) -> None:
    rows = [
        {
            "id": str(uuid.uuid4()),
            "time": NOON + timedelta(seconds=n),
            "action": "UPDATE",
            "table_name": "homes",
            "record_id": side.cloud.home_id if not hasattr(side, "db") else side.home_id,
            "changed_fields": ["name"] if n else None,
        }
        for n in range(3)
    ]
    batch = RecordBatch("audit_logs", 1, rows)
    await hub.ingest(batches=(batch,))
    assert not (await ask(hub, "audit_logs", days=compared(rows, "audit_logs")))["days"][DAY]["differs"]
    side.lose("audit_logs", NOON)
    side.change("audit_logs", NOON + timedelta(seconds=1), "action", "DELETE")
    for missing in ([1, 2], [2]):
        assert (await ask(hub, "audit_logs", listed=listed(rows, 1, "audit_logs")))["missing"] == missing
        await hub.ingest(batches=(again(batch, 1, 2, 3),))
    assert side.count("audit_logs") == 3


async def test_what_was_refused_is_named_with_its_reason_and_costs_nothing(side, hub) -> None:
    lamp = await hub.add_device()
    rows = [reading(lamp, 1), reading(str(uuid.uuid4()), 2), reading(lamp, 3)]
    await hub.ingest(batches=(RecordBatch("device_telemetry", 1, rows),))
    answer = await ask(hub, listed=listed(rows))
    assert answer["missing"] == [2]
    assert [each["seq"] for each in answer["refused"]] == [2]
    assert "device_id" in answer["refused"][0]["reason"]


async def test_records_of_an_earlier_epoch_of_the_home_are_no_fault(side, hub) -> None:
    lamp = await hub.add_device()
    await hub.ingest(batches=(readings(lamp, 1, 5),))
    hub.sender = Sender(hub.sender.hub_id, "mirror-1", 2, "0.1.0")
    rows = [reading(lamp, n) for n in range(11, 14)]
    await hub.ingest(batches=(RecordBatch("device_telemetry", 1, rows),))
    assert (await ask(hub, days=compared(rows)))["days"][DAY]["differs"]
    assert (await ask(hub, listed=listed(rows)))["missing"] == []


async def test_definitions_of_another_version_are_named_also_those_nobody_there_knows(side, hub) -> None:
    lamp, unknown = await hub.add_device(), str(uuid.uuid4())
    for version, named in ((1, set()), (3, {(lamp, 1)})):
        answer = await side.cloud.reconcile({"definitions": {"device": {lamp: version, unknown: 2}}})
        told = {(each["id"], each["version"]) for each in answer["definitions"] if each["entity_type"] == "device"}
        assert told == named | {(unknown, None)}
    assert (await side.cloud.reconcile({"definitions": None}))["definitions"] == []
    assert lamp in {each["id"] for each in (await side.cloud.reconcile({}))["definitions"]}


@pytest.mark.parametrize("stream", sorted(SPELLED))
async def test_both_sides_spell_the_same_columns(side, hub, stream) -> None:
    if not hasattr(side, "db"):
        pytest.skip("not run: the twin spells with the hub's own words")
    declared = side.db.execute("SELECT hash_columns FROM hub_streams WHERE stream = %s", (stream,)).fetchone()[0]
    assert declared == [name for name, _ in SPELLED[stream]]
