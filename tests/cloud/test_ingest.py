"""At least once, stored once: whatever is repeated, overlaps, is bad or is not the hub's."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
import pytest

from hub_agent.core.notices import Notices
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import AppendCase, CallOutside
from hub_agent.model.ids import CallId, HomeId
from hub_agent.model.state import Cause
from tests.cloud import rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def readings(device_id, first, count):
    return [
        {
            "time": (NOON + timedelta(seconds=n)).isoformat(),
            "device_id": device_id,
            "metric_type": "temperature",
            "value": n / 10,
            "unit": "celsius",
        }
        for n in range(first, first + count)
    ]


def telemetry(device_id, first, count):
    return {"device_telemetry": {"lane": "live", "first": first, "rows": readings(device_id, first, count)}}


def as_columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture
def device_id(hub):
    return hub.add_device()


def test_a_batch_is_stored_and_the_mark_says_so(hub, device_id):
    answer = hub.ingest(streams=telemetry(device_id, 1, 10))

    assert answer["marks"] == {"device_telemetry": 10}
    assert answer["refused"] == []
    assert answer["limits"] == {"rows_max": 10000, "bytes_max": 4194304}
    assert answer["pause_s"] == 0
    assert hub.count("device_telemetry") == 10


def test_a_repeated_batch_is_stored_once(hub, device_id):
    for _ in range(3):
        assert hub.ingest(streams=telemetry(device_id, 1, 10))["marks"] == {"device_telemetry": 10}
    assert hub.count("device_telemetry") == 10


def test_of_overlapping_batches_each_row_is_stored_once(hub, device_id):
    for first, count in ((1, 10), (5, 10), (3, 4), (12, 8)):
        hub.ingest(streams=telemetry(device_id, first, count))
    assert hub.count("device_telemetry") == 19


def test_columns_store_what_rows_store(hub, device_id, db):
    rows = [
        {
            "created_at": NOON.isoformat(),
            "device_id": device_id,
            "state": {"light.a": {"state": "on"}},
            "changed_fields": ["light.a.state"],
            "change_source": "manual",
        },
        {
            "created_at": NOON.isoformat(),
            "device_id": device_id,
            "state": {"light.a": {"state": "off"}},
            "changed_fields": None,
            "change_source": None,
        },
    ]
    hub.ingest(streams={"device_states": {"first": 1, "columns": as_columns(rows)}})
    hub.ingest(streams={"device_states": {"first": 3, "rows": rows}})

    stored = db.execute(
        "SELECT state, changed_fields, change_source, created_at FROM device_states WHERE device_id = %s ORDER BY state, changed_fields",
        (device_id,),
    ).fetchall()
    assert stored[0::2] == stored[1::2]
    assert {row[3] for row in stored} == {NOON}
    assert sorted(row[2] is None for row in stored) == [False, False, True, True]


def test_the_ids_of_records_without_one_are_the_same_each_time(hub, device_id, db):
    rows = [{"created_at": NOON.isoformat(), "device_id": device_id, "state": {}}]
    hub.ingest(streams={"device_states": {"first": 1, "rows": rows}})
    db.execute("UPDATE hub_marks SET mark = 0 WHERE hub_id = %s", (hub.id,))
    hub.ingest(streams={"device_states": {"first": 1, "rows": rows}})
    assert hub.count("device_states") == 1


def test_a_batch_that_starts_above_the_mark_is_not_taken(hub, device_id):
    hub.ingest(streams=telemetry(device_id, 1, 5))
    assert hub.ingest(streams=telemetry(device_id, 8, 5))["marks"] == {"device_telemetry": 5}
    assert hub.count("device_telemetry") == 5


def test_a_gap_lets_the_mark_pass_over(hub, device_id, db):
    hub.ingest(streams=telemetry(device_id, 1, 5))
    gap = {
        "stream": "device_telemetry",
        "first": 6,
        "last": 7,
        "count": 2,
        "reason": "disk full",
        "from": NOON.isoformat(),
        "to": NOON.isoformat(),
    }
    for _ in range(2):
        assert hub.ingest(gaps=[gap])["marks"] == {"device_telemetry": 7}
    assert hub.ingest(gaps=[gap], streams=telemetry(device_id, 8, 5))["marks"] == {"device_telemetry": 12}

    assert db.execute("SELECT count, reason FROM hub_gaps WHERE hub_id = %s", (hub.id,)).fetchall() == [
        (2, "disk full")
    ]


def test_rows_that_survive_inside_a_gap_are_stored(hub, device_id):
    gap = {"stream": "device_telemetry", "first": 1, "last": 10, "count": 8, "reason": "thinned"}
    rows = readings(device_id, 1, 2)
    answer = hub.ingest(gaps=[gap], streams={"device_telemetry": {"lane": "live", "seqs": [3, 9], "rows": rows}})
    assert answer["marks"] == {"device_telemetry": 10}
    assert hub.count("device_telemetry") == 2


def test_a_bad_gap_is_refused_alone(hub):
    answer = hub.ingest(
        gaps=[
            {"stream": "device_telemetry", "first": 9, "last": 3},
            {"stream": "device_telemetry", "first": 1, "last": 3, "reason": "disk"},
        ]
    )
    assert answer["marks"] == {"device_telemetry": 3}
    assert len(answer["refused"]) == 1


def test_a_new_epoch_and_a_new_mirror_start_at_nought(hub, device_id):
    hub.ingest(streams=telemetry(device_id, 1, 5))
    hub.epoch = 2
    assert hub.ingest()["marks"] == {}
    assert hub.ingest(streams=telemetry(device_id, 1, 3))["marks"] == {"device_telemetry": 3}
    hub.mirror_id = "another disk"
    assert hub.ingest(streams=telemetry(device_id, 1, 2))["marks"] == {"device_telemetry": 2}
    assert hub.count("device_telemetry") == 10


@pytest.mark.parametrize("form", ["rows", "columns"])
@pytest.mark.parametrize(
    "bad,reason",
    [
        ({"value": "warm"}, "a value cannot be read"),
        ({"time": None}, "time is missing"),
        ({"time": "yesterday, about noon"}, "a value cannot be read"),
        ({"device_id": "not-a-uuid"}, "a value cannot be read"),
        ({"quality_score": 101}, "not among those allowed"),
        ({"quality_score": 1e30}, "a value is out of range"),
        ({"value": "NaN"}, "value is no number that can be reckoned with"),
        ({"value": "-Infinity"}, "value is no number that can be reckoned with"),
        ({"time": "infinity"}, "it is dated more than 01:00:00 ahead"),
        ({"time": "1969-12-31T00:00:00Z"}, "it is dated before 1970-01-01"),
    ],
)
def test_a_bad_row_is_set_aside_and_its_neighbours_are_stored(hub, device_id, form, bad, reason):
    rows = [{**row, "quality_score": 100} for row in readings(device_id, 1, 20)]
    rows[13] |= bad
    body = rows if form == "rows" else as_columns(rows)

    for _ in range(2):
        answer = hub.ingest(streams={"device_telemetry": {"first": 1, form: body}})
        assert answer["marks"] == {"device_telemetry": 20}

    assert answer["refused"] == []
    assert hub.count("device_telemetry") == 19
    seq, why, buried = hub.db.execute(
        "SELECT seq, reason, body FROM hub_dead_letters WHERE hub_id = %s", (hub.id,)
    ).fetchone()
    assert (seq, buried["metric_type"]) == (14, "temperature")
    assert reason in why


def test_many_bad_rows_are_each_named(hub, device_id):
    rows = readings(device_id, 1, 200)
    for n in range(0, 200, 3):
        rows[n] = rows[n] | {"value": "NaN-ish"} if n % 2 else "no object"
    answer = hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
    assert [one["seq"] for one in answer["refused"]] == list(range(1, 201, 3))
    assert hub.count("device_telemetry") == 133


@contextmanager
def counting_calls(db, *functions):
    """Yields a list that then has how often they were called inside."""
    counted = "SELECT coalesce(sum(pg_stat_get_xact_function_calls(oid)), 0) FROM pg_proc WHERE proname = ANY (%s)"
    called = []
    with db.transaction():
        db.execute("SET LOCAL track_functions = 'all'")
        # What earlier transactions called may not have been handed in yet.
        before = db.execute(counted, (list(functions),)).fetchone()[0]
        yield called
        called.append(db.execute(counted, (list(functions),)).fetchone()[0] - before)


def test_a_batch_that_is_bad_throughout_is_looked_at_twice_a_row_at_most(hub):
    with counting_calls(hub.db, "insert_around_bad") as called:
        answer = hub.ingest(streams={"device_telemetry": {"first": 1, "rows": [{"time": "never"}] * 2500}})
    assert called[0] < 2 * 2500
    assert answer["marks"] == {"device_telemetry": 2500}
    assert len(answer["refused"]) == 2500
    assert hub.db.execute("SELECT count(*) FROM hub_dead_letters WHERE hub_id = %s", (hub.id,)).fetchone() == (2500,)


def test_of_dead_letters_the_newest_are_kept(hub, device_id):
    hub.db.execute(
        "INSERT INTO hub_dead_letters (hub_id, home_id, mirror_id, epoch, stream, reason) SELECT %s, %s, '', 1, 'old', '' FROM generate_series(1, 10000)",
        (hub.id, hub.home_id),
    )
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": [{"time": "never"}]}})
    kept = hub.db.execute(
        "SELECT count(*), count(*) FILTER (WHERE stream <> 'old') FROM hub_dead_letters WHERE hub_id = %s", (hub.id,)
    ).fetchone()
    assert kept == (10000, 1)


def test_a_device_of_another_home_is_refused_and_its_neighbours_are_stored(hub, new_hub, device_id):
    stranger = new_hub()
    foreign = stranger.add_device()
    rows = [
        *readings(device_id, 1, 2),
        *readings(foreign, 3, 1),
        *readings(str(uuid.uuid4()), 4, 1),
        *readings(device_id, 5, 1),
    ]

    answer = hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})

    assert [(one["seq"], one["reason"]) for one in answer["refused"]] == [
        (3, "device_id is not known in this home"),
        (4, "device_id is not known in this home"),
    ]
    assert (hub.count("device_telemetry"), stranger.count("device_telemetry")) == (3, 0)


def test_a_row_that_names_another_home_lands_in_the_hubs_own(hub, new_hub, device_id):
    other = new_hub()
    hub.ingest(
        streams={
            "energy_usage": {
                "first": 1,
                "rows": [
                    {"time": NOON.isoformat(), "device_id": device_id, "home_id": other.home_id, "power_watts": 1}
                ],
            }
        }
    )
    assert (hub.count("energy_usage"), other.count("energy_usage")) == (1, 0)


@pytest.mark.parametrize(
    "body,reason",
    [
        ({"first": 1, "columns": {"time": ["a"], "device_id": []}}, "rows_malformed"),
        ({"first": 1, "columns": {"time": 7}}, "rows_malformed"),
        ({"first": 1, "rows": {"a": 1}}, "rows_malformed"),
        ({"first": "one", "rows": [{}]}, "numbers_malformed"),
        ({"rows": [{}]}, "first_missing"),
        ({"seqs": [1], "rows": [{}, {}]}, "seqs_and_rows_differ"),
        ({"seqs": [2, 2], "rows": [{}, {}]}, "seqs_not_rising"),
    ],
)
def test_a_malformed_stream_is_refused_and_others_are_stored(hub, device_id, body, reason):
    answer = hub.ingest(streams={"energy_usage": body, **telemetry(device_id, 1, 3)})
    assert answer["refused"] == [{"stream": "energy_usage", "seq": None, "reason": reason}]
    assert answer["marks"]["device_telemetry"] == 3


def test_repair_stores_only_what_is_missing(hub, device_id, db):
    rows = readings(device_id, 1, 10)
    hub.ingest(streams={"device_telemetry": {"first": 1, "rows": rows}})
    db.execute("DELETE FROM ts.device_telemetry WHERE device_id = %s AND value IN (0.3, 0.7)", (device_id,))

    for _ in range(2):
        answer = hub.ingest(
            streams={
                "device_telemetry": {
                    "lane": "repair",
                    "seqs": [2, 3, 7, 8],
                    "rows": [rows[1], rows[2], rows[6], rows[7]],
                }
            }
        )
    assert hub.count("device_telemetry") == 10
    assert answer["marks"] == {"device_telemetry": 10}


def test_repair_does_not_run_ahead_of_the_live_lane(hub, device_id):
    hub.ingest(streams={"device_telemetry": {"lane": "repair", "seqs": [1, 2], "rows": readings(device_id, 1, 2)}})
    assert hub.count("device_telemetry") == 0
    hub.ingest(streams=telemetry(device_id, 1, 2))
    assert hub.count("device_telemetry") == 2


def test_the_present_is_taken_over_and_columns_that_are_not_observed_are_not(hub, device_id, db):
    automation_id, scene_id = hub.add_automation(), hub.add_scene()
    hub.ingest(
        present={
            "devices": {
                device_id: {
                    "is_online": True,
                    "battery_level": 80,
                    "last_seen_at": NOON.isoformat(),
                    "ip_address": "10.0.0.7",
                    "device_name": "renamed",
                }
            },
            "automations": {
                automation_id: {"total_executions": 4, "success_count": 3, "last_execution_status": "success"}
            },
            "scenes": {scene_id: {"activation_count": 2}},
            "hub": {"waiting": {"device_telemetry": 12}},
        }
    )
    hub.ingest(present={"devices": {device_id: {"signal_strength": 70}}})

    assert db.execute("SELECT is_online, battery_level, last_seen_at, host(ip_address), device_name, signal_strength FROM devices WHERE id = %s", (device_id,)).fetchone() == (
        True, 80, NOON, "10.0.0.7", "lamp", 70,
    )  # fmt: skip
    assert db.execute(
        "SELECT total_executions, success_count, last_execution_status FROM automations WHERE id = %s", (automation_id,)
    ).fetchone() == (4, 3, "success")
    assert db.execute("SELECT activation_count FROM scenes WHERE id = %s", (scene_id,)).fetchone() == (2,)


def test_a_bad_value_in_the_present_loses_that_device_only(hub, new_hub, db):
    good, bad, foreign = hub.add_device(), hub.add_device(), new_hub().add_device()
    hub.ingest(
        present={
            "devices": {
                good: {"battery_level": 50},
                bad: {"battery_level": 900},
                foreign: {"battery_level": 1},
                "nonsense": {"battery_level": 2},
            }
        }
    )
    levels = "SELECT battery_level FROM devices WHERE id = %s"
    assert [db.execute(levels, (one,)).fetchone()[0] for one in (good, bad, foreign)] == [50, None, None]


def test_a_late_snapshot_does_not_overwrite_a_newer_one(hub, device_id, db):
    def send(monotonic_ms, level, boot_id="boot 1"):
        hub.ingest(
            clock={"boot_id": boot_id, "monotonic_ms": monotonic_ms},
            present={"devices": {device_id: {"battery_level": level}}},
        )
        return db.execute("SELECT battery_level FROM devices WHERE id = %s", (device_id,)).fetchone()[0]

    assert send(2000, 50) == 50
    assert send(2000, 55) == 55  # the same once more, as after an answer that got lost
    assert send(1000, 60) == 55
    assert send(10, 40, "boot 2") == 40


def alert(revision, device_id, **row):
    return {
        "table": "alerts",
        "id": "7d9f1c1e-0000-4000-8000-000000000001",
        "time": NOON.isoformat(),
        "revision": revision,
        "row": {
            "alert_type": "device_offline",
            "severity": "warning",
            "title": "Lamp away",
            "message": f"revision {revision}",
            "source_device_id": device_id,
        }
        | row,
    }


def test_of_a_case_the_highest_revision_stays(hub, device_id, db):
    case_id = str(uuid.uuid4())
    for revision in (1, 3, 2, 3):
        answer = hub.ingest(
            cases=[alert(revision, device_id, status="active" if revision < 3 else "resolved") | {"id": case_id}]
        )
        assert answer["refused"] == []
    assert answer["cases"] == [{"table": "alerts", "id": case_id, "revision": 3}]
    assert db.execute("SELECT message, status, home_id::text FROM alerts WHERE id = %s", (case_id,)).fetchall() == [
        ("revision 3", "resolved", hub.home_id)
    ]


def test_what_a_rule_says_is_an_alert_and_then_what_came_of_it(hub, db):
    notices = Notices(HomeId(hub.home_id), lambda: str(uuid.uuid4()), ("phone",))
    said = Call(CallId("c"), "notify.anna", (), {"title": "Washing", "message": "Done"}, Cause("automation", "run"))
    effects = notices.handle(said, NOON)
    [sent] = [each.call for each in effects if isinstance(each, CallOutside)]
    effects += notices.handle_answered(CallAnswered(sent.id), NOON)
    revisions = [each for each in effects if isinstance(each, AppendCase)]
    for each in revisions:
        row = json.loads(orjson.dumps(each.row))
        case = {"table": each.table, "id": each.id, "time": row["time"], "revision": each.revision, "row": row}
        assert hub.ingest(cases=[case])["refused"] == []

    found = db.execute(
        "SELECT alert_type::text, title, message, source_type, metadata FROM alerts WHERE id = %s",
        (revisions[0].id,),
    ).fetchone()
    assert found == (
        "notice",
        "Washing",
        "Done",
        "automation",
        {"hub_channels": {"at": NOON.isoformat(), "reached": ["phone"]}},
    )


def test_a_healing_is_a_case_of_a_seeded_remedy(hub, device_id, db):
    action_id = str(
        uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "https://nexa.example/self_healing_actions"), "ask_state")
    )
    row = {
        "device_id": device_id,
        "action_id": action_id,
        "triggered_by": "diagnostic",
        "issue_detected": "silent",
        "status": "in_progress",
        "started_at": NOON.isoformat(),
    }
    case = {
        "table": "self_healing_executions",
        "id": str(uuid.uuid4()),
        "time": NOON.isoformat(),
        "revision": 1,
        "row": row,
    }
    assert hub.ingest(cases=[case])["refused"] == []
    assert db.execute(
        "SELECT name FROM self_healing_executions e JOIN self_healing_actions a ON a.id = e.action_id WHERE e.id = %s",
        (case["id"],),
    ).fetchone() == ("ask_state",)


def test_a_bad_case_is_refused_alone(hub, new_hub, device_id):
    foreign = alert(1, new_hub().add_device()) | {"id": str(uuid.uuid4())}
    misspelt = alert(1, device_id, severity="terrible") | {"id": str(uuid.uuid4())}
    fine = alert(1, device_id) | {"id": str(uuid.uuid4())}
    answer = hub.ingest(
        cases=[
            foreign,
            misspelt,
            {"table": "users", "id": str(uuid.uuid4()), "time": NOON.isoformat(), "revision": 1, "row": {}},
            fine,
        ]
    )
    assert [one["id"] for one in answer["cases"]] == [fine["id"]]
    assert [one["id"] for one in answer["refused"]][:2] == [foreign["id"], misspelt["id"]]
    assert len(answer["refused"]) == 3


def test_a_case_of_another_home_cannot_be_overwritten(hub, new_hub, device_id, db):
    case_id = str(uuid.uuid4())
    hub.ingest(cases=[alert(1, device_id) | {"id": case_id}])
    stranger = new_hub()
    answer = stranger.ingest(cases=[alert(9, None) | {"id": case_id}])
    assert answer["refused"][0]["reason"] == "this id is taken by another home"
    assert db.execute("SELECT message FROM ts.alerts WHERE id = %s", (case_id,)).fetchall() == [("revision 1",)]


def test_a_case_of_a_plain_table_of_another_home_cannot_be_overwritten_and_keeps_its_beginning(hub, new_hub, db):
    def update(hub, revision, device, started_at="2026-03-01T12:00:00Z"):
        row = {"device_id": device, "update_status": "pending", "to_version": f"{revision}"}
        case = {"table": "firmware_updates", "id": case_id, "time": started_at, "revision": revision, "row": row}
        return hub.ingest(cases=[case])

    case_id, stranger = str(uuid.uuid4()), new_hub()
    device, foreign = hub.add_device(), stranger.add_device()
    assert update(hub, 1, device)["refused"] == []
    assert update(hub, 2, device, "2026-03-01T13:00:00Z")["refused"] == []
    assert update(hub, 1, device, "2026-03-01T14:00:00Z")["cases"][0]["revision"] == 2
    assert update(stranger, 9, foreign)["refused"][0]["reason"] == "this id is taken by another home"
    db.execute("DELETE FROM hub_case_revisions WHERE id = %s", (case_id,))
    assert update(stranger, 9, foreign)["refused"][0]["reason"] == "this id is taken by another home"
    assert db.execute("SELECT to_version, started_at FROM firmware_updates WHERE id = %s", (case_id,)).fetchall() == [
        ("2", NOON)
    ]


@pytest.mark.parametrize(
    "table,column,row",
    [
        ("security_incidents", "devices_affected", {"incident_type": "ddos", "description": "", "detected_at": "2026-03-01T12:00:00Z"}),
        ("diagnostic_issues", "diagnostic_run_id", {"issue_type": "sensor"}),
        ("alerts", "alert_rule_id", {"alert_type": "notice", "message": ""}),
        ("security_vulnerabilities", "security_scan_id", {"vulnerability_type": "open_port", "description": ""}),
    ],
)  # fmt: skip
def test_a_case_that_points_at_another_home_is_refused(hub, new_hub, table, column, row):
    stranger = new_hub()
    device, foreign = hub.add_device(), stranger.add_device()
    theirs = {
        "devices_affected": lambda: [device, foreign],
        "diagnostic_run_id": lambda: rows.insert(
            hub.db, "diagnostic_runs", device_id=foreign, home_id=stranger.home_id, started_at=NOON
        ),
        "alert_rule_id": lambda: rows.insert(hub.db, "alert_rules", home_id=stranger.home_id),
        "security_scan_id": lambda: rows.insert(hub.db, "security_scans", home_id=stranger.home_id),
    }[column]()
    told = {"severity": "warning", "title": "t", **({} if table == "alerts" else {"device_id": device}), **row}
    case = {"table": table, "id": str(uuid.uuid4()), "time": NOON.isoformat(), "revision": 1}
    answer = hub.ingest(cases=[case | {"row": told | {column: json.loads(json.dumps(theirs, default=str))}}])
    assert [one["reason"] for one in answer["refused"]] == [f"{column} is not known in this home"]


def test_who_is_not_of_the_home_is_left_out_of_its_rows(hub, new_home, db):
    _, somebody = new_home()
    case_id = str(uuid.uuid4())
    row = {"acknowledged_by": somebody, "resolved_by": hub.owner_id}
    scene_id = hub.add_scene()
    pressed = [
        {"time": NOON.isoformat(), "scene_id": scene_id, "activation_source": "manual", "status": "success", "activated_by": by}
        for by in (somebody, hub.owner_id)
    ]  # fmt: skip
    answer = hub.ingest(
        cases=[alert(1, None, **row) | {"id": case_id}], streams={"scene_activations": {"first": 1, "rows": pressed}}
    )
    assert answer["refused"] == []
    assert db.execute(
        "SELECT acknowledged_by::text, resolved_by::text FROM ts.alerts WHERE id = %s", (case_id,)
    ).fetchone() == (None, hub.owner_id)
    assert sorted(
        db.execute(
            "SELECT coalesce(activated_by::text, '') FROM ts.scene_activations WHERE scene_id = %s", (scene_id,)
        ).fetchall()
    ) == [("",), (hub.owner_id,)]


def test_an_audit_row_of_a_hub_says_which_hub_and_speaks_of_its_own_home_only(hub, new_hub, db):
    stranger, device = new_hub(), hub.add_device()
    foreign = stranger.add_device()

    def audited(table, record, **more):
        return {"time": NOON.isoformat(), "action": "UPDATE", "table_name": table, "record_id": record, **more}

    claims = {"hub_id": stranger.id, "home_id": stranger.home_id, "by": "Anna"}
    told = [
        audited("devices", device, user_id=hub.owner_id, metadata=claims, new_values={"psk": "very secret"}),
        audited("devices", foreign),
        audited("invoices", None),
        audited("homes", stranger.home_id),
        audited("devices", str(uuid.uuid4()), metadata="nonsense"),
    ]
    answer = hub.ingest(streams={"audit_logs": {"first": 1, "rows": told}})
    assert [(one["seq"], one["reason"]) for one in answer["refused"]] == [
        (n, "it points at another home") for n in (2, 3, 4)
    ]
    stored = db.execute(
        "SELECT user_id::text, metadata, new_values FROM ts.audit_logs WHERE record_id = %s AND metadata ->> 'told_by' = 'hub'",
        (device,),
    ).fetchall()
    stamp = {"told_by": "hub", "role": "hub", "hub_id": hub.id, "home_id": hub.home_id}
    assert stored == [(hub.owner_id, {"by": "Anna", **stamp}, {"psk": "***"})]


def test_two_envelopes_of_a_hub_at_once_are_stored_one_after_the_other(hub, dsn, device_id, several_backends):
    """The second waits for the first, and finds what it brought; of what the first takes back, nothing is there."""
    request = json.dumps(hub.envelope(streams=telemetry(device_id, 1, 50)))
    with psycopg.connect(dsn) as first, ThreadPoolExecutor(1) as others:
        for keeps in (False, True):
            act_as_hub(first, hub)
            first.execute("SELECT hub_ingest_v1(%s::jsonb)", (request,))
            expected = 60 if keeps else 20
            second = others.submit(hub_ingest, dsn, hub, telemetry(device_id, 1, expected))
            while hub.db.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
                assert not second.done()
            first.commit() if keeps else first.rollback()
            assert second.result(30)["marks"] == {"device_telemetry": expected}
            assert hub.count("device_telemetry") == expected


def act_as_hub(connection, hub):
    claims = json.dumps({"role": "hub", **hub.claims})
    connection.execute("SELECT set_config('role', 'hub', true), set_config('request.jwt.claims', %s, true)", (claims,))


def hub_ingest(dsn, hub, streams):
    with psycopg.connect(dsn) as connection:
        act_as_hub(connection, hub)
        request = json.dumps(hub.envelope(streams=streams))
        return connection.execute("SELECT hub_ingest_v1(%s::jsonb)", (request,)).fetchone()[0]


def test_an_empty_envelope_asks_for_the_marks(hub, device_id):
    hub.ingest(streams=telemetry(device_id, 1, 4))
    assert hub.ingest()["marks"] == {"device_telemetry": 4}


@pytest.mark.parametrize(
    "parts", [{"mirror_id": ""}, {"epoch": "first"}, {"epoch": -1}, {"streams": []}, {"definitions": {}}, {"cases": 7}]
)
def test_a_malformed_envelope_is_refused_whole(hub, parts):
    with pytest.raises(psycopg.Error) as error:
        hub.call("hub_ingest_v1", {**hub.envelope(), **parts})
    assert error.value.sqlstate == "PT400"


@pytest.mark.parametrize(
    "version,is_too_old",
    [("0.9.12", True), ("0.10", True), ("0.10.1", False), ("1.0.0rc1", False), ("unknown", False), (None, False)],
)
def test_an_agent_that_is_too_old_is_told_so(hub, version, is_too_old):
    hub.db.execute("UPDATE hub_limits SET agent_version_min = '0.10.1'")
    try:
        if is_too_old:
            with pytest.raises(psycopg.Error, match="too old") as error:
                hub.ingest(agent_version=version)
            assert (error.value.sqlstate, error.value.diag.message_detail) == ("PT426", "agent_too_old")
        else:
            assert hub.ingest(agent_version=version)["marks"] == {}
    finally:
        hub.db.execute("UPDATE hub_limits SET agent_version_min = NULL")


def test_too_many_rows_are_refused_whole(hub):
    with pytest.raises(psycopg.Error) as error:
        hub.ingest(streams={"device_telemetry": {"first": 1, "columns": {"value": [1] * 20_001}}})
    assert (error.value.sqlstate, error.value.diag.message_detail) == ("PT413", "envelope_too_large")


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_five_thousand_rows_go_in_as_one_set(hub, device_id, form):
    rows = readings(device_id, 1, 5000)
    body = {"device_telemetry": {"first": 1, form: rows if form == "rows" else as_columns(rows)}}
    with counting_calls(hub.db, "insert_records", "insert_around_bad") as called:
        assert hub.ingest(streams=body)["marks"] == {"device_telemetry": 5000}
    assert called[0] <= 1
    assert hub.count("device_telemetry") == 5000
