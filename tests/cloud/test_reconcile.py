"""How the cloud spells and compares records; what hub and cloud agree on is in tests/contract/test_reconcile.py."""

import base64
import json
import uuid

import psycopg
import pytest

LAMP = "0d6f0d9c-52b1-4a4e-9e2e-3a8a5d0c7b10"
NOON = "2026-03-01T12:00:00+00:00"


def row(device_id, n, value=1.0):
    return {
        "time": f"2026-03-01T12:{n // 60:02}:{n % 60:02}Z",
        "device_id": device_id,
        "metric_type": "temperature",
        "value": value,
        "unit": "celsius",
    }


def print_of(db, stream, one):
    """By the cloud's own expression."""
    expression, table = db.execute(
        "SELECT hub_sync.print_sql(s, 'r'), s.target_table FROM hub_streams s WHERE stream = %s", (stream,)
    ).fetchone()
    return db.execute(
        f"SELECT {expression} FROM jsonb_populate_record(NULL::ts.{table}, %s::jsonb) r".encode(), (json.dumps(one),)
    ).fetchone()[0]


def test_the_clouds_fingerprint_of_the_example(db):
    assert print_of(db, "device_telemetry", row(LAMP, 1, 21.5)) == -7270439989862891770


def listed(rows, db, **bounds):
    prints = b"".join(print_of(db, "device_telemetry", each).to_bytes(8, signed=True) for each in rows)
    return {
        "from": NOON,
        "to": "2026-03-01T13:00:00Z",
        "seqs": [[1, len(rows)]],
        "prints": base64.b64encode(prints).decode(),
        **bounds,
    }


def reconcile(hub, **asked):
    return hub.call("hub_reconcile_v1", {"streams": {"device_telemetry": asked}})["streams"]["device_telemetry"]


def test_another_homes_records_are_neither_counted_nor_found(hub, db):
    lamp = hub.add_device()
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": [row(lamp, n) for n in range(3)]}})
    stranger = str(uuid.uuid4())
    rows = [row(stranger, 1)]
    db.execute(
        "INSERT INTO ts.device_telemetry (time, device_id, metric_type, value, unit) VALUES (%s, %s, 'temperature', 1, 'celsius')",
        (rows[0]["time"], stranger),
    )
    assert reconcile(hub, listed=listed(rows, db))["missing"] == [1]
    assert reconcile(hub, days={"2026-03-01": {"count": 3}})["days"]["2026-03-01"]["differs"] is False


def test_a_repair_removes_nothing_of_another_home(hub, db):
    """Ids and times may be guessed: what lies there under them is another home's."""
    lamp, other = hub.add_device(), str(uuid.uuid4())
    record = {"id": str(uuid.uuid4()), "device_id": lamp, "state": {}, "created_at": NOON}
    db.execute(
        "INSERT INTO ts.device_states (id, device_id, state, created_at, change_source) VALUES (%s, %s, '{}', %s, 'manual')",
        (record["id"], other, NOON),
    )
    hub.ingest(gaps=[{"stream": "device_states", "first": 1, "last": 5, "count": 5, "reason": "x"}])
    hub.ingest(streams={"device_states": {"lane": "repair", "replace": True, "seqs": [1], "rows": [record]}})
    assert db.execute("SELECT device_id::text FROM ts.device_states WHERE id = %s", (record["id"],)).fetchall() == [
        (other,)
    ]


def test_a_bad_row_takes_nobodys_place(hub, db):
    lamp = hub.add_device()
    good = {"id": str(uuid.uuid4()), "device_id": lamp, "state": {}, "created_at": NOON, "change_source": "manual"}
    hub.ingest(streams={"device_states": {"first": 1, "rows": [good]}})
    bad = {**good, "change_source": "by magic"}
    answer = hub.ingest(streams={"device_states": {"lane": "repair", "replace": True, "seqs": [1], "rows": [bad]}})
    assert [each["seq"] for each in answer["refused"]] == [1]
    assert db.execute("SELECT change_source FROM ts.device_states WHERE id = %s", (good["id"],)).fetchall() == [
        ("manual",)
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"listed": {"from": NOON, "to": NOON, "seqs": [[1, 3]], "prints": "AAAAAAAAAAA="}},
        {"listed": {"from": NOON, "to": NOON, "seqs": [[1, 10**15]], "prints": ""}},
        {"listed": {"from": NOON, "to": NOON, "seqs": [[1, 10**15]] * 50_000, "prints": ""}},
        {"listed": {"from": "someday", "to": NOON, "seqs": [], "prints": ""}},
        {"listed": {"from": NOON, "to": NOON, "seqs": [["a", 1]], "prints": ""}},
        {"listed": {"from": NOON, "to": NOON, "seqs": [], "prints": "%"}},
        {"days": {"someday": {"count": 1}}},
        {"days": {"2026-03-01": {"count": "many"}}},
        {"days": {"2026-03-01": {"count": 1, "hash": "abc"}}},
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(hub, asked):
    with pytest.raises(psycopg.Error) as refused:
        reconcile(hub, **asked)
    assert refused.value.sqlstate == "PT400"
    assert refused.value.diag.message_detail == "request_malformed"


def test_streams_nobody_knows_and_nothing_asked_are_answered_with_nothing(hub):
    answer = hub.call("hub_reconcile_v1", {"streams": {"dreams": {"days": {}}, "alerts": {}}, "definitions": {}})
    assert answer["streams"].get("dreams") is None
    assert "server_time" in answer
