"""What others have told and will take back: healing's alerts, incidents, predictions, anomalies."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hub_agent.core.alerting.cause import Cause, Check, of_device
from hub_agent.core.alerting.looking import HEALED, Home, covers, is_meant, key_of_device
from hub_agent.core.alerting.rule import SEVERITIES, Condition, When
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject, Row

# Of which table, in which states it is still so.
OPEN_STATUSES: Final[Mapping[str, tuple[When, str, frozenset[str]]]] = {
    "security_incidents": (When.SECURITY, "status", frozenset({"detected", "investigating"})),
    "failure_predictions": (When.PREDICTION, "prediction_status", frozenset({"active", "monitoring"})),
    "anomaly_detections": (When.ANOMALY, "status", frozenset({"new", "investigating"})),
}
RISKY: Final = 70
OF_HEALING: Final = "healing/"


def of_healing(check: Check, row: Row, home: Home) -> Cause | None:
    """An alert that healing would make: of a question, or of what it could not mend."""
    rule, condition, cause_id = check.rule, check.condition, check.cause_id(f"{OF_HEALING}{row['id']}")
    context = _object(row.get("context"))
    code, severity = str(context.get("issue")), _severity(row)
    device_id = DeviceId(str(row.get("source_device_id")))
    is_question = "execution_id" in context
    if condition.when is When.HEALING:
        wanted = ("waits" if is_question else "failed") in condition.statuses
    else:
        wanted = (
            condition.when is When.ISSUE
            and not is_question
            and code in HEALED
            and not condition.lasts
            and is_meant(condition, code, severity, device_id)
        )
    if not wanted or not covers(rule, home.device(device_id), home):
        return None
    kind = str(row["alert_type"])
    key = f"question/{context['execution_id']}" if is_question else key_of_device(code, device_id, home)
    names = ("source_device_id", "source_type", "source_id", "device_state", "actionable", "suggested_actions")
    columns = {name: row[name] for name in names} | {"context": context}
    if isinstance(expires_at := row.get("expires_at"), datetime):
        columns["expires_at"] = expires_at.isoformat()
    return Cause(
        cause_id, key, rule.key, kind, rule.severity_of(condition, severity), str(row["title"]), str(row["message"]),
        columns, is_kept=True, source=str(row["id"]),  # type: ignore[arg-type]  # a row's columns are JSON but for instants
    )  # fmt: skip


def of_healed(check: Check, row: Row, home: Home) -> Cause | None:
    """Something was mended: told once."""
    rule, cause_id = check.rule, check.cause_id(f"healed/{row['id']}")
    device = home.device(DeviceId(str(row.get("device_id"))))
    remedy = _object(row.get("metadata")).get("remedy")
    if device is None or not covers(rule, device, home) or row.get("issue_resolved") is not True:
        return None
    text = f"{row.get('issue_detected')} It was mended: {str(remedy).replace('_', ' ')}."
    columns = of_device(device.id, name=device.name, remedy=str(remedy))
    title = f"{device.name} was mended"
    return Cause(cause_id, f"healed/{row['id']}", rule.key, "self_healing_completed", "info", title, text, columns)


def of_case(check: Check, table: str, row: Row, home: Home) -> Cause | None:
    rule, condition, cause_id = check.rule, check.condition, check.cause_id(f"{table}/{row['id']}")
    severity, device_id = _severity(row), row.get("device_id")
    device = home.device(DeviceId(device_id)) if isinstance(device_id, str) else None
    if not covers(rule, device, home) or (condition.severities and severity not in condition.severities):
        return None
    columns: JsonObject = (
        of_device(device.id, name=device.name, case=str(row["id"])) if device else {"context": {"case": str(row["id"])}}
    )
    name = device.name if device else "The home"
    match table:
        case "security_incidents":
            key, kind = f"security/{row['id']}", "unauthorized_access"
            title, text = str(row.get("title")), str(row.get("description") or row.get("title"))
            columns = {**columns, "source_type": "security"}
        case "failure_predictions":
            if not _is_pressing(row, condition):
                return None
            key, kind = f"prediction/{device_id}/{row.get('failure_type')}", "predictive_failure"
            failure = str(row.get("failure_type")).replace("_", " ")
            title, text = f"{name}: {failure} is coming", _foretold(row, name, failure)
            columns = {**columns, "source_type": "prediction", "actionable": True}
        case _:
            key, kind = f"anomaly/{device_id}/{row.get('metric_name')}", "energy_anomaly"
            title, text = f"{name} is not as usual", str(row.get("description") or f"{name} is not as usual.")
    return Cause(
        cause_id,
        key,
        rule.key,
        kind,
        rule.severity_of(condition, severity),
        title,
        text,
        columns,
        is_kept=True,
        source=str(row["id"]),
    )


def _is_pressing(row: Row, condition: Condition) -> bool:
    """As the cloud judges predictions of its own."""
    probability, risk = row.get("failure_probability"), row.get("risk_score")
    is_probable = isinstance(probability, int | float) and probability >= condition.probability
    is_risky = isinstance(risk, int | float) and risk >= RISKY
    return is_probable or is_risky or SEVERITIES.index(_severity(row)) >= SEVERITIES.index("error")


def _foretold(row: Row, name: str, failure: str) -> str:
    at = row.get("predicted_failure_date")
    when = f" around {str(at)[:10]}" if at else ""
    advice = row.get("recommended_maintenance")
    return f"{name}: {failure} is expected{when}.{f' {advice}' if isinstance(advice, str) else ''}"


def _severity(row: Row) -> str:
    return severity if (severity := row.get("severity")) in SEVERITIES else "warning"  # type: ignore[return-value]


def _object(value: object) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
