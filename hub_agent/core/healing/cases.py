"""The rows of a healing: `self_healing_executions` and `alerts`, with all columns of the contract but the home (the cloud's)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias, cast
from uuid import UUID

from hub_agent.core.alerts import new_alert
from hub_agent.core.healing.remedies import action_id
from hub_agent.core.healing.remedy import Remedy, is_battery
from hub_agent.model.device import Device
from hub_agent.model.healing import Symptom
from hub_agent.model.issue import Issue
from hub_agent.model.json import Column, JsonObject, JsonValue

CaseRow: TypeAlias = dict[str, Column]

_INSTANTS = frozenset(
    {"time", "started_at", "completed_at", "verified_at", "created_at", "resolved_at", "approved_at", "expires_at"}
)
_ALERT_TYPES = {
    Symptom.SILENT: "device_offline",
    Symptom.UNAVAILABLE: "device_offline",
    Symptom.UNCONFIRMED: "connectivity_issue",
    Symptom.TOGETHER: "connectivity_issue",
    # What threatens the hub's work: the contract has no kind of its own for it.
    Symptom.DISK_NEARLY_FULL: "predictive_failure",
    Symptom.HUB_HOT: "predictive_failure",
    Symptom.HUB_UNDER_VOLTAGE: "predictive_failure",
    Symptom.HUB_MEMORY_LOW: "predictive_failure",
    Symptom.HUB_SLOW: "predictive_failure",
    Symptom.HUB_RESTARTING: "predictive_failure",
    Symptom.CARD_WEARING: "predictive_failure",
    Symptom.CLOCK_UNTRUSTED: "predictive_failure",
    Symptom.MIRROR_DAMAGED: "predictive_failure",
    Symptom.BROKER_UNREACHABLE: "connectivity_issue",
    Symptom.ROUTER_UNREACHABLE: "connectivity_issue",
    Symptom.INTERNET_UNREACHABLE: "connectivity_issue",
    Symptom.DNS_FAILING: "connectivity_issue",
    Symptom.CLOUD_UNREACHABLE: "connectivity_issue",
    Symptom.FLAPPING: "connectivity_issue",
    Symptom.STUCK: "predictive_failure",
    Symptom.IMPOSSIBLE: "predictive_failure",
    Symptom.BATTERY_LOW: "battery_low",
    Symptom.BATTERY_CRITICAL: "battery_low",
    Symptom.LINK_WEAK: "connectivity_issue",
    Symptom.LINKS_WEAK: "connectivity_issue",
    Symptom.ERRORS: "connectivity_issue",
    Symptom.REBOOTING: "predictive_failure",
    Symptom.RESET: "connectivity_issue",
    Symptom.REFERENCE: "automation_failure",
}


def execution(
    execution_id: str,
    device: Device,
    remedy: Remedy,
    issue: Issue,
    *,
    attempt: int,
    asks: bool,
    snapshot: JsonObject,
    now: datetime,
) -> CaseRow:
    """An attempt that has just begun, or that a person is asked about. `attempt` counts from 1; the column counts retries."""
    return {
        "id": execution_id,
        "time": now,
        "device_id": device.id,
        "action_id": action_id(remedy),
        "triggered_by": "diagnostic",
        "trigger_source_id": None,
        "issue_detected": issue.text,
        "issue_severity": issue.kind.severity,
        "device_state_before": snapshot,
        "status": "pending" if asks else "in_progress",
        "started_at": None if asks else now,
        "completed_at": None,
        "duration_ms": None,
        "action_parameters": {"remedy": remedy.name, "verify_within_s": remedy.verify_within.total_seconds()},
        "retry_attempt": attempt - 1,
        "success": None,
        "device_state_after": None,
        "error_message": None,
        "error_details": None,
        "issue_resolved": None,
        "verified_at": None,
        "verification_method": remedy.verification,
        "required_user_approval": asks,
        "approved_by": None,
        "approved_at": None,
        "user_feedback": None,
        "follow_up_required": False,
        "follow_up_action": None,
        "follow_up_scheduled_at": None,
        "metadata": {"remedy": remedy.name, "issue": issue.code},
        "created_at": now,
    }


def approved(row: CaseRow, by: str | None, snapshot: JsonObject, now: datetime) -> CaseRow:
    """`by`: a person of the home, by id; or who it was at the hub's own doors, which is kept beside the column."""
    began: CaseRow = {"status": "in_progress", "started_at": now, "device_state_before": snapshot}
    is_person = by is not None and _is_uuid(by)
    metadata = row.get("metadata")
    if by is not None and not is_person and isinstance(metadata, Mapping):
        began["metadata"] = {**metadata, "approved_by": by}
    return {**row, **began, "approved_by": by if is_person else None, "approved_at": now}


def ended(
    row: CaseRow, status: str, now: datetime, *, is_resolved: bool, snapshot: JsonObject, error: str | None = None
) -> CaseRow:
    """The attempt's last revision. status: completed | failed | skipped | requires_manual."""
    started_at = row["started_at"]
    took = now - started_at if isinstance(started_at, datetime) else timedelta(0)
    return {
        **row,
        "status": status,
        "completed_at": now,
        "duration_ms": max(0, round(took.total_seconds() * 1000)),
        "success": {"completed": True, "failed": False}.get(status),
        "device_state_after": snapshot,
        "error_message": error,
        "issue_resolved": is_resolved,
        "verified_at": now if status == "completed" else None,
        "follow_up_required": status == "requires_manual",
    }


def alert(
    alert_id: str, device: Device, issue: Issue, *, advice: str = "", tried: str, snapshot: JsonObject, now: datetime
) -> CaseRow:
    message = " ".join(each for each in (issue.text, advice, tried) if each)
    kind = _ALERT_TYPES[Symptom(issue.code)]
    row = new_alert(alert_id, kind, issue.kind.severity, title=issue.kind.title, message=message, now=now)
    return row | {
        "source_device_id": device.id,
        "source_type": "device",
        "source_id": device.id,
        "context": {"issue": issue.code, **issue.details},
        "device_state": snapshot,
        "actionable": True,
        "suggested_actions": ["check_battery" if is_battery(device) else "check_power", "check_distance"],
    }


def question(
    alert_id: str,
    device: Device,
    issue: Issue,
    remedy: Remedy,
    execution_id: str,
    *,
    expires_at: datetime,
    now: datetime,
) -> CaseRow:
    """Asks a person before something is tried."""
    message = f"{issue.text} May {remedy.words} be tried?"
    row = new_alert(
        alert_id,
        _ALERT_TYPES[Symptom(issue.code)],
        issue.kind.severity,
        title="A remedy waits for you",
        message=message,
        now=now,
    )
    return row | {
        "source_device_id": device.id,
        "source_type": "device",
        "source_id": device.id,
        "context": {"issue": issue.code, "remedy": remedy.name, "execution_id": execution_id, "risk": remedy.risk},
        "actionable": True,
        "suggested_actions": ["approve", "refuse"],
        "expires_at": expires_at,
    }


def resolved(row: CaseRow, now: datetime) -> CaseRow:
    return {**row, "status": "resolved", "resolved_at": now}


def as_json(row: CaseRow) -> JsonObject:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return cast(JsonObject, plain)  # the only other values that `execution` and `alert` put in are JSON


def from_json(body: JsonValue) -> CaseRow:
    if not isinstance(body, Mapping):
        return {}
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS and isinstance(value, str) else value
        for name, value in body.items()
    }


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def in_words(length: timedelta) -> str:
    """ "35 minutes": one unit, as people say it."""
    seconds = length.total_seconds()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size * 1.5 or (unit == "minute" and seconds >= size):
            count = round(seconds / size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    count = max(1, round(seconds))
    return f"{count} second{'s' if count != 1 else ''}"
