"""The rows of a diagnosis: `diagnostic_runs` and `diagnostic_issues`, with all columns of the contract but the home (the cloud's)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

from hub_agent.core.diagnosis.facts import Prospect
from hub_agent.core.diagnosis.step import AREAS, TITLES, Status, Step, root_of, worst
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import Column, JsonObject, JsonValue

CaseRow: TypeAlias = dict[str, Column]

_INSTANTS: Final = frozenset({"resolved_at", "created_at", "updated_at"})
_COLUMN_BY_AREA: Final = {
    "connectivity": "connectivity_check",
    "firmware": "firmware_check",
    "sensor": "sensor_check",
    "automation": "automation_check",
    "security": "security_check",
    "energy": "energy_check",
}
_POINTS: Final = {"info": 3, "warning": 10, "error": 40, "critical": 60}
# What healing can do something about.
_HEALABLE: Final = frozenset({"link", "protocol", "sensors", "parents"})


def severity_of(step: Step) -> str:
    return step.severity or ("error" if step.status is Status.FAILED else "warning")


def score_of(steps: Sequence[Step]) -> int:
    return max(0, 100 - sum(_POINTS[severity_of(step)] for step in steps if step.is_fault))


def overall(steps: Sequence[Step], *, is_home: bool) -> str:
    """failed: it cannot be reached at all; critical: something is broken; warning: something wants to be looked at."""
    faults = [step for step in steps if step.is_fault]
    if not is_home and root_of(steps) is not None:
        return "failed"
    if any(step.status is Status.FAILED for step in faults):
        return "critical"
    return "warning" if any(severity_of(step) != "info" for step in faults) else "healthy"


def summary(name: str, steps: Sequence[Step], *, is_home: bool) -> str:
    """One sentence that names the root."""
    faults = [step for step in steps if step.is_fault]
    if not faults:
        return f"{name}: nothing is wrong that can be found." if not is_home else "Nothing is wrong in the home."
    root = None if is_home else root_of(steps)
    first = root or min(faults, key=lambda step: -_POINTS[severity_of(step)])
    more = len(faults) - 1
    words = f" ({more} more finding{'s' if more > 1 else ''}.)" if more else ""
    return f"{first.text}{words}"


def recommendations(steps: Sequence[Step]) -> list[str]:
    """What to do, the root's first, nothing twice."""
    ordered = sorted((step for step in steps if step.is_fault), key=lambda step: -_POINTS[severity_of(step)])
    return list(dict.fromkeys(step.advice for step in ordered if step.advice))


def run_row(
    run_id: str,
    device_id: DeviceId,
    steps: Sequence[Step],
    *,
    is_home: bool,
    source: str,
    by: str | None,
    started_at: datetime,
    now: datetime,
) -> CaseRow:
    """`by`: the id of the person, if it is one of the home's."""
    checks: CaseRow = {column: _check(area, steps) for area, column in _COLUMN_BY_AREA.items()}
    findings: list[JsonValue] = [step.as_json() for step in steps if step.status not in {Status.OK, Status.SKIPPED}]
    advised: list[JsonValue] = [*recommendations(steps)]
    return {
        "id": run_id,
        "device_id": device_id,
        "triggered_by": by,
        "trigger_source": source,
        "overall_status": overall(steps, is_home=is_home),
        "health_score": score_of(steps),
        "issues_found": sum(1 for step in steps if step.is_fault),
        **checks,
        "duration_ms": max(0, round((now - started_at) / timedelta(milliseconds=1))),
        "started_at": started_at,
        "completed_at": now,
        "findings": findings,
        "recommendations": advised,
        "created_at": started_at,
    }


def _check(area: str, steps: Sequence[Step]) -> JsonObject:
    mine = [step for step in steps if AREAS[step.key] == area]
    status = worst(mine)
    told = next((step.text for step in mine if step.status is status), "It was not looked at.")
    facts: dict[str, JsonValue] = {
        step.key: {"status": step.status.value, "text": step.text, **step.facts} for step in mine
    }
    return {"status": status.value, "text": told, "facts": facts}


def issue_row(
    issue_id: str,
    run_id: str,
    *,
    device_id: DeviceId,
    component: str,
    step: Step,
    prospect: Prospect | None,
    now: datetime,
) -> CaseRow:
    can_fix = prospect is not None and step.key in _HEALABLE
    return {
        "id": issue_id,
        "diagnostic_run_id": run_id,
        "device_id": device_id,
        "issue_type": AREAS[step.key],
        "severity": severity_of(step),
        "title": TITLES[step.key],
        "description": step.text,
        "affected_component": component,
        "error_code": step.code,
        "recommended_action": step.advice,
        "can_auto_fix": can_fix,
        "fix_confidence_score": round(prospect.chance * 100) if prospect is not None and can_fix else None,
        "status": "investigating" if can_fix else "open",
        "resolved_at": None,
        "resolved_by": None,
        "metadata": {"remedy": prospect.remedy if prospect is not None and can_fix else None},
        "created_at": now,
    }


def fixed(row: CaseRow, now: datetime) -> CaseRow:
    return {**row, "status": "fixed", "resolved_at": now}


def as_json(row: Mapping[str, Column]) -> JsonObject:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return cast(JsonObject, plain)  # the only other values that are put in are JSON


def from_json(body: JsonValue) -> CaseRow:
    if not isinstance(body, Mapping):
        raise TypeError("a row is a mapping")
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS and isinstance(value, str) else value
        for name, value in body.items()
    }
