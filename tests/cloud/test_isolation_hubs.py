"""A hub's token opens its own home, and where a hub is, people leave to it what is its own."""

import json
import uuid

import psycopg
import pytest

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
