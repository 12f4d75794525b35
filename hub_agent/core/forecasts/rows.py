"""What is foreseen and learned as rows of the central schema, with all columns of the contract but the home (the cloud's)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, cast

from hub_agent.core.forecasts.models import ENERGY, LINK, Model
from hub_agent.core.forecasts.usage import Pattern
from hub_agent.model.device import Device
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import Column, JsonObject, JsonValue

CaseRow: TypeAlias = dict[str, Column]

_INSTANTS = frozenset(
    {
        "time", "created_at", "updated_at", "expires_at", "resolved_at", "outcome_recorded_at", "predicted_failure_date",
        "earliest_failure_date", "latest_failure_date", "actual_failure_date", "first_occurrence_at", "last_occurrence_at",
        "first_observed_at", "last_observed_at", "last_deviation_at", "acknowledged_at", "viewed_at", "actioned_at",
    }
)  # fmt: skip
_CATEGORY_BY_TYPE = {"camera": "camera", "doorbell": "camera", "thermostat": "hvac", "hvac": "hvac"}
SUNDAY_FIRST = (1, 2, 3, 4, 5, 6, 0)  # the schema counts from Sunday


def category_of(device: Device, model: Model) -> str:
    """One of those that the contract allows."""
    if model is LINK:
        return "network"
    kind = device.device_type.value
    return "sensor" if kind.startswith("sensor") else _CATEGORY_BY_TYPE.get(kind, "appliance")


def prediction(
    prediction_id: str,
    device: Device,
    model: Model,
    failure_type: str,
    *,
    action: JsonObject,
    now: datetime,
) -> CaseRow:
    """One that has just been made; `foreseen` says what."""
    return {
        "id": prediction_id,
        "device_id": device.id,
        "ml_model_id": model.id,
        "failure_type": failure_type,
        "failure_category": category_of(device, model),
        "anomalies_detected": [],
        "historical_patterns": [],
        "preventive_actions": [action],
        "recommended_maintenance": action.get("words"),
        "estimated_cost_to_prevent": None,
        "estimated_cost_if_failed": None,
        "prediction_status": "active",
        "actual_failure_date": None,
        "was_prevented": None,
        "prevention_action_taken": None,
        "user_notified": False,
        "user_acknowledged": False,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "user_feedback": None,
        "model_version": model.version,
        "prediction_metadata": {},
        "created_at": now,
    }


def foreseen(
    *,
    probability: float,
    confidence: float,
    severity: str,
    days: tuple[float, float, float] | None,
    indicators: Sequence[JsonObject],
    now: datetime,
) -> CaseRow:
    """The columns that change whenever it is looked at anew. `days` from now: likely, earliest, latest."""
    likely, earliest, latest = (
        (None, None, None) if days is None else tuple(now + timedelta(days=each) for each in days)
    )
    return {
        "failure_probability": round(probability, 4),
        "risk_score": round(100 * probability * (0.5 + confidence / 2)),
        "confidence_level": round(confidence, 4),
        "severity": severity,
        "predicted_failure_date": likely,
        "estimated_time_to_failure_days": None if days is None else round(days[0]),
        "earliest_failure_date": earliest,
        "latest_failure_date": latest,
        "primary_indicators": list(indicators),
        "updated_at": now,
        "expires_at": (latest or now) + timedelta(days=30),
    }


def logged(row: CaseRow, prediction_type: str, now: datetime) -> CaseRow:
    """The prediction in `ml_predictions_log`, by its own id and time."""
    told = ("failure_type", "failure_probability", "risk_score", "severity", "predicted_failure_date")
    output = {name: _plain(row[name]) for name in (*told, "earliest_failure_date", "latest_failure_date")}
    return {
        "id": row["id"],
        "time": row["created_at"],
        "ml_model_id": row["ml_model_id"],
        "device_id": row["device_id"],
        "prediction_type": prediction_type,
        "input_features": {"primary_indicators": row["primary_indicators"]},
        "output_prediction": cast(JsonValue, output),
        "confidence_score": row["confidence_level"],
        "actual_outcome": None,
        "outcome_recorded_at": None,
        "prediction_correct": None,
        "inference_time_ms": None,
        "model_version": row["model_version"],
        "created_at": now,
    }


def scored(log: CaseRow, outcome: JsonObject, now: datetime, *, is_correct: bool | None) -> CaseRow:
    """What came of it. Whether a failure that was prevented would have come, nobody knows."""
    return {**log, "actual_outcome": outcome, "outcome_recorded_at": now, "prediction_correct": is_correct}


def anomaly(anomaly_id: str, device: Device, *, is_more: bool, earlier: Sequence[datetime], now: datetime) -> CaseRow:
    """One that has just begun; `measured` says how much."""
    more = ["it runs longer than usual", "a door or a seal does not close", "it was set otherwise", "it is failing"]
    less = ["it is off or unplugged", "it has failed", "nobody is at home"]
    return {
        "id": anomaly_id,
        "time": now,
        "device_id": device.id,
        "ml_model_id": ENERGY.id,
        "anomaly_type": "energy_consumption",
        "severity": "warning",
        "metric_name": "energy_per_hour",
        "metric_unit": "Wh",
        "possible_causes": cast(JsonValue, more if is_more else less),
        "related_anomalies": None,
        "is_recurring": bool(earlier),
        "occurrence_count": len(earlier) + 1,
        "first_occurrence_at": earlier[0] if earlier else now,
        "last_occurrence_at": now,
        "status": "new",
        "resolved_at": None,
        "resolution_notes": None,
        "ai_analysis": None,
        "ai_confidence": None,
        "created_at": now,
    }


def measured(name: str, *, usual: float, used: float, hours: int, score: float, now: datetime) -> CaseRow:
    """Wh per hour, on the average of so many hours."""
    deviation = 100 * (used - usual) / max(usual, 1)
    return {
        "anomaly_score": round(min(score, 9_999), 4),
        "expected_value": round(usual, 1),
        "actual_value": round(used, 1),
        "deviation_percent": round(max(-999_999, min(deviation, 999_999)), 2),
        "description": f"{name} has used {used:.0f} Wh an hour for {hours} hours; at these hours {usual:.0f} Wh are usual.",
        "last_occurrence_at": now,
        "updated_at": now,
    }


def pattern(pattern_id: str, device: Device, found: Pattern, *, first_at: datetime, now: datetime) -> CaseRow:
    is_daily = len(found.weekdays) == 7
    when = "every day" if is_daily else "on workdays" if 0 in found.weekdays else "at weekends"
    start, end = slot_time(found.first), slot_time(found.last + 1)
    return {
        "id": pattern_id,
        "device_id": device.id,
        "pattern_type": "daily_schedule" if is_daily else "weekly_routine",
        "pattern_name": f"{device.name}: {when} {start[:5]} to {end[:5]}",
        "day_of_week": sorted(SUNDAY_FIRST[each] for each in found.weekdays),
        "time_of_day_start": start,
        "time_of_day_end": end,
        "month_of_year": None,
        "average_usage_duration_minutes": found.minutes,
        "usage_frequency_per_week": found.per_week,
        "typical_state": {"state": "on"},
        "confidence_score": found.confidence,
        "sample_size": found.sample_size,
        "first_observed_at": first_at,
        "last_observed_at": now,
        "conditions": {},
        "related_devices": None,
        "is_active": True,
        "reliability_score": round(100 * found.confidence),
        "last_deviation_at": None,
        "deviation_count": 0,
        "created_at": first_at,
        "updated_at": now,
    }


def insight(
    insight_id: str,
    device_id: DeviceId | None,
    *,
    kind: str,
    category: str,
    title: str,
    description: str,
    action: str,
    priority: str,
    confidence: float,
    evidence: Sequence[JsonObject],
    saves_kwh: float | None,
    buys: bool,
    now: datetime,
) -> CaseRow:
    """`status` and what else people say of it is theirs: the cloud keeps it."""
    return {
        "id": insight_id,
        "device_id": device_id,
        "insight_type": kind,
        "insight_category": category,
        "title": title,
        "description": description,
        "priority": priority,
        "potential_savings_annual": None,
        "potential_energy_savings_kwh": None if saves_kwh is None else round(saves_kwh, 1),
        "roi_estimate_months": None,
        "recommended_action": action,
        "action_complexity": "easy",
        "estimated_time_minutes": None,
        "requires_purchase": buys,
        "estimated_cost": None,
        "ml_model_id": None,
        "confidence_score": round(confidence, 4),
        "data_sources": list(evidence),
        "status": "new",
        "user_feedback": None,
        "user_rating": None,
        "viewed_at": None,
        "viewed_by": None,
        "actioned_at": None,
        "actioned_by": None,
        "is_active": True,
        "expires_at": now + timedelta(days=30),
        "metadata": {},
        "created_at": now,
        "updated_at": now,
    }


def slot_time(slot: int) -> str:
    """A half hour of the day; the end of the last one is a second before midnight."""
    return "23:59:59" if slot >= 48 else f"{slot // 2:02d}:{slot % 2 * 30:02d}:00"


def as_json(row: CaseRow) -> JsonObject:
    return {name: _plain(value) for name, value in row.items()}


def from_json(body: JsonValue) -> CaseRow:
    if not isinstance(body, Mapping):
        return {}
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS and isinstance(value, str) else value
        for name, value in body.items()
    }


def _plain(value: Column) -> JsonValue:
    # The only other values that are put in are JSON.
    return value.isoformat() if isinstance(value, datetime) else cast(JsonValue, value)
