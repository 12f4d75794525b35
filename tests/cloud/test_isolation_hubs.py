"""A hub's token opens its own home, and where a hub is, people leave to it what is its own."""

import json
import uuid

import psycopg
import pytest

from tests.cloud import rows

AT = "2026-03-01T12:00:00Z"


def test_a_hub_reaches_its_functions_with_its_own_home_only(call_as, new_hub):
    mine, other = new_hub(), new_hub()
    for claims in (
        {"hub_id": mine.id, "home_id": other.home_id},
        {"hub_id": str(uuid.uuid4()), "home_id": mine.home_id},
        {},
    ):
        with pytest.raises(psycopg.Error) as refused:
            call_as("hub", claims, "hub_changes_v1", {"wait_s": 0})
        assert refused.value.sqlstate == "PT401"
    with pytest.raises(psycopg.Error) as refused:
        call_as("hub", mine.claims, "hub_ingest_v1", other.envelope())
    assert refused.value.sqlstate == "PT403"


def test_where_a_hub_is_its_records_and_alerts_are_its_own(hub, db):
    device_id, alert_id = hub.add_device(), str(uuid.uuid4())
    row = {
        "alert_type": "safety_alarm",
        "severity": "critical",
        "title": "Smoke",
        "message": "Smoke",
        "source_device_id": device_id,
    }
    hub.ingest(cases=[{"table": "alerts", "id": alert_id, "time": AT, "revision": 1, "row": row}])
    by_the_cloud = db.execute(
        "INSERT INTO ts.alerts (home_id, alert_type, severity, title, message) VALUES (%s, 'predictive_failure', 'warning', 'a', 'b') RETURNING id",
        (hub.home_id,),
    ).fetchone()[0]
    answer = "UPDATE alerts SET status = 'acknowledged', acknowledged_by = %s WHERE id = %s"
    with db.transaction(force_rollback=True):
        claims = json.dumps({"role": "authenticated", "sub": hub.owner_id})
        db.execute(
            "SELECT set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true)", (claims,)
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keeps this alert"), db.transaction():
            db.execute(answer, (hub.owner_id, alert_id))
        assert db.execute(answer, (hub.owner_id, by_the_cloud)).rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hub of this home"), db.transaction():
            db.execute(
                "INSERT INTO device_telemetry (time, device_id, metric_type) VALUES (now(), %s, 'power')", (device_id,)
            )


def test_the_present_of_another_home_stays_as_it_is(new_hub, db):
    mine, other = new_hub(), new_hub()
    rule = rows.insert(db, "network_access_rules", home_id=other.home_id)
    ids = {
        "devices": other.add_device(),
        "automations": other.add_automation(),
        "scenes": other.add_scene(),
        "network_access_rules": str(rule),
    }
    observed = {
        "devices": {"is_online": True, "battery_level": 3},
        "automations": {"total_executions": 77},
        "scenes": {"activation_count": 77},
        "network_access_rules": {"hit_count": 77},
    }

    def theirs():
        return [
            db.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE id = %s", (entity,)).fetchone()
            for table, entity in ids.items()
        ]

    before = theirs()
    mine.ingest(present={table: {entity: observed[table]} for table, entity in ids.items()})
    assert theirs() == before
    other.ingest(present={table: {entity: observed[table]} for table, entity in ids.items()})
    assert theirs() != before


def test_a_case_of_another_home_is_refused_whatever_its_revision_and_says_nothing_of_theirs(new_hub, db):
    mine, other = new_hub(), new_hub()
    row = {"alert_type": "safety_alarm", "severity": "critical", "title": "Smoke", "message": "Smoke"}
    case = {"table": "alerts", "id": str(uuid.uuid4()), "time": AT, "revision": 5, "row": row}
    assert other.ingest(cases=[case])["cases"][0]["revision"] == 5
    for revision in (1, 5, 9):
        answer = mine.ingest(cases=[case | {"revision": revision, "row": row | {"title": "Mine"}}])
        assert (answer["cases"], answer["refused"][0]["reason"]) == ([], "this id is taken by another home")
    statement = "SELECT home_id::text, title FROM alerts WHERE id = %s"
    assert db.execute(statement, (case["id"],)).fetchall() == [(other.home_id, "Smoke")]


def test_what_was_refused_of_another_hub_is_not_told(new_hub, db):
    mine, other = new_hub(), new_hub()
    bad = {"time": AT, "device_id": str(uuid.uuid4()), "metric_type": "power", "value": 1}
    streams = {"device_telemetry": {"first": 1, "rows": [bad]}}
    assert len(other.ingest(streams=streams)["refused"]) == 1
    asked = {"from": AT, "to": AT, "seqs": [[1, 1]], "prints": "AAAAAAAAAAA="}
    request = {"mirror_id": other.mirror_id, "epoch": other.epoch, "streams": {"device_telemetry": {"listed": asked}}}
    told = [hub.call("hub_reconcile_v1", request)["streams"]["device_telemetry"]["refused"] for hub in (mine, other)]
    assert [len(each) for each in told] == [0, 1]


def test_only_records_of_the_own_home_are_counted_whichever_way_they_name_it(new_hub):
    mine, other = new_hub(), new_hub()
    counted = []
    for hub, n in ((other, 3), (mine, 2)):
        device_id = hub.add_device()
        automation_id = hub.add_automation()
        times = [f"2026-03-01T12:00:0{second}Z" for second in range(n)]
        streams = {
            "energy_usage": [{"time": at, "device_id": device_id, "power_watts": 5} for at in times],
            "device_telemetry": [{"time": at, "device_id": device_id, "metric_type": "power"} for at in times],
            "automation_executions": [
                {"time": at, "automation_id": automation_id, "status": "success", "started_at": at} for at in times
            ],
            "audit_logs": [
                {"time": at, "action": "UPDATE", "table_name": "homes", "record_id": hub.home_id} for at in times
            ],
        }
        hub.ingest(streams={name: {"first": 1, "rows": rows} for name, rows in streams.items()})
        asked = {name: {"days": {"2026-03-01": {"count": n}}} for name in streams}
        told = hub.call("hub_reconcile_v1", {"streams": asked})["streams"]
        counted.append({name: told[name]["days"]["2026-03-01"]["count"] for name in streams})
    assert counted == [dict.fromkeys(streams, 3), dict.fromkeys(streams, 2)]
