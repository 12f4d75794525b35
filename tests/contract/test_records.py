"""Every stream and every kind of case that a hub may send, against any cloud: stored once, and refused when it points elsewhere."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_agent.core.forecasts.models import BATTERY
from hub_agent.model.record import CASES, STREAMS
from hub_agent.ports import Case, RecordBatch
from tests.contract.claimed import HubOf

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record_of(stream: str, n: int, device: str, rule: str, scene: str) -> dict[str, Any]:
    at = NOON + timedelta(seconds=n)
    rows: dict[str, dict[str, Any]] = {
        "automation_executions": {
            "automation_id": rule,
            "triggered_by": "device_event",
            "status": "success",
            "started_at": at,
        },
        "automation_health_checks": {"automation_id": rule, "health_status": "healthy"},
        "scene_activations": {"scene_id": scene, "activation_source": "manual", "status": "success"},
        "audit_logs": {"action": "UPDATE", "table_name": "devices", "record_id": device, "metadata": {"by": "Anna"}},
        "device_states": {"device_id": device, "state": {}, "changed_fields": [], "change_source": "manual"},
        "device_health_history": {"device_id": device, "health_score": 90, "factors": [{"code": "silent"}]},
        "device_error_logs": {"device_id": device, "error_level": "warning", "error_message": "no answer"},
        "device_telemetry": {"device_id": device, "metric_type": "temperature", "value": 20.5, "unit": "celsius"},
        "energy_usage": {"device_id": device, "power_watts": 60.0},
        "network_metrics": {"device_id": device, "signal_strength_dbm": -60, "bssid": "02:00:00:00:00:01"},
    }
    return {STREAMS[stream].time_column: at, **rows[stream]}


def case_of(table: str, device: str, run: str) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {
        "alerts": {
            "source_device_id": device,
            "alert_type": "device_offline",
            "severity": "warning",
            "title": "Lamp",
            "message": "is gone",
        },
        "self_healing_executions": {
            "device_id": device,
            "action_id": str(
                uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, "https://nexa.example/self_healing_actions"), "ask_state")
            ),
            "triggered_by": "diagnostic",
            "issue_detected": "silent",
            "status": "in_progress",
            "started_at": NOON,
        },
        "diagnostic_runs": {"device_id": device, "overall_status": "warning"},
        "diagnostic_issues": {
            "device_id": device,
            "diagnostic_run_id": run,
            "issue_type": "connectivity",
            "severity": "error",
            "title": "Silent",
        },
        "security_incidents": {
            "device_id": device,
            "devices_affected": [device],
            "incident_type": "brute_force",
            "severity": "critical",
            "title": "Many tries",
            "description": "from one address",
            "attack_source_ip": "192.0.2.7",
            "detected_at": NOON,
        },
        "security_scans": {
            "target_devices": [device],
            "scan_type": "scheduled",
            "scan_scope": "all_devices",
            "status": "completed",
            "security_grade": "A+",
        },
        "security_vulnerabilities": {
            "device_id": device,
            "vulnerability_type": "open_port",
            "severity": "warning",
            "title": "Telnet is open",
            "description": "port 23",
        },
        "firmware_updates": {"device_id": device, "update_status": "pending", "to_version": "2.0"},
        "failure_predictions": {
            "device_id": device,
            "failure_type": "battery_death",
            "failure_probability": 0.9,
            "risk_score": 80,
            "severity": "error",
        },
        "anomaly_detections": {
            "device_id": device,
            "anomaly_type": "sensor_reading",
            "anomaly_score": 3.5,
            "severity": "warning",
        },
        "device_usage_patterns": {"device_id": device, "pattern_type": "daily_schedule", "day_of_week": [0, 6]},
        "ai_insights": {
            "device_id": device,
            "insight_type": "maintenance",
            "title": "Look at it",
            "description": "It is healed every week.",
            "data_sources": [{"source": "self_healing_executions"}],
        },
        "ml_predictions_log": {
            "device_id": device,
            "ml_model_id": BATTERY.id,
            "prediction_type": "battery_death",
            "input_features": {},
            "output_prediction": {"failure_probability": 0.9},
        },
    }
    return {CASES[table].time_column: NOON, **rows[table]}


@pytest.mark.parametrize("stream", STREAMS)
async def test_a_stream_is_stored_once_and_what_points_elsewhere_is_set_aside(side, hub, stream) -> None:
    device, rule, scene = await hub.add_device(), await hub.add_rule(), str(uuid.uuid4())
    await hub.define("scene", scene, name="Evening", device_states=[])
    stray = str(uuid.uuid4())
    rows = [
        record_of(stream, 1, device, rule, scene),
        record_of(stream, 2, stray, stray, stray) | ({"table_name": "invoices"} if stream == "audit_logs" else {}),
        record_of(stream, 3, device, rule, scene),
    ]
    for _ in range(2):
        answer = await hub.ingest(batches=(RecordBatch(stream, 1, rows),))
    assert answer["marks"] == {stream: 3}
    assert side.count(stream) == 2
    assert side.dead_letters() == [(stream, 2)]


async def opened(hub: HubOf, device: str) -> str:
    run = str(uuid.uuid4())
    await hub.ingest(cases=(Case("diagnostic_runs", run, 1, case_of("diagnostic_runs", device, run)),))
    return run


@pytest.mark.parametrize("table", CASES)
async def test_of_a_case_of_any_kind_the_highest_revision_stays(side, hub, table) -> None:
    device, case_id = await hub.add_device(), str(uuid.uuid4())
    row = case_of(table, device, await opened(hub, device))
    for revision, held in ((1, 1), (3, 3), (2, 3)):
        answer = await hub.ingest(cases=(Case(table, case_id, revision, row),))
        assert answer["refused"] == []
        assert answer["cases"] == [{"table": table, "id": case_id, "revision": held}]
    assert side.case_revision(table, case_id) == 3


@pytest.mark.parametrize("table", CASES)
async def test_a_case_of_a_device_that_is_not_of_this_home_is_refused_alone(side, hub, table) -> None:
    device, good, bad = await hub.add_device(), str(uuid.uuid4()), str(uuid.uuid4())
    run = await opened(hub, device)
    stray = case_of(table, str(uuid.uuid4()), run)
    answer = await hub.ingest(cases=(Case(table, bad, 1, stray), Case(table, good, 1, case_of(table, device, run))))
    assert [one["id"] for one in answer["refused"]] == [bad]
    assert [one["id"] for one in answer["cases"]] == [good]


async def test_an_issue_of_an_examination_that_nobody_knows_is_refused(hub) -> None:
    device, issue = await hub.add_device(), str(uuid.uuid4())
    row = case_of("diagnostic_issues", device, str(uuid.uuid4()))
    answer = await hub.ingest(cases=(Case("diagnostic_issues", issue, 1, row),))
    assert [one["reason"] for one in answer["refused"]] == ["diagnostic_run_id is not known in this home"]


@pytest.mark.parametrize("stream", ["device_telemetry", "device_states"])
async def test_a_record_from_the_future_is_set_aside_unless_the_hub_says_that_nobody_knew_the_time(
    side,
    hub,
    stream,
) -> None:
    device = await hub.add_device()
    ahead = {STREAMS[stream].time_column: datetime.now(UTC) + timedelta(hours=2)}
    rows = [record_of(stream, n, device, "", "") for n in range(3)]
    rows[1] |= ahead
    answer = await hub.ingest(batches=(RecordBatch(stream, 1, rows),))
    assert [(one["seq"], one["reason"]) for one in answer["refused"]] == [(2, "it is dated more than 01:00:00 ahead")]
    assert side.undated() == []
    answer = await hub.ingest(batches=(RecordBatch(stream, 4, rows, is_clock_trusted=False),))
    assert (answer["refused"], answer["marks"][stream], side.count(stream)) == ([], 6, 5)
    assert side.undated() == [(stream, 4, 6)]
    assert side.dead_letters() == [(stream, 2)]


async def test_what_is_refused_again_is_set_aside_once(side, hub) -> None:
    for _ in range(2):
        await hub.ingest(batches=(RecordBatch("dreams", 1, [{"a": 1}]),))
    assert side.dead_letters() == [("dreams", None)]
