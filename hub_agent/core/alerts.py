"""Rows of the central schema's `alerts`, with all columns of the contract but the home (the cloud's)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeAlias, cast

from hub_agent.model.json import Column, JsonObject, JsonValue

AlertRow: TypeAlias = dict[str, Column]

_INSTANTS = frozenset(
    {"time", "created_at", "acknowledged_at", "resolved_at", "dismissed_at", "expires_at", "notification_sent_at"}
)


# What people see of one.
SHOWN: Final = (
    "id", "time", "alert_type", "severity", "priority", "title", "message", "status", "source_device_id", "source_type", "source_id",
    "context", "suggested_actions", "acknowledged_at", "resolved_at",
)  # fmt: skip


def new_alert(alert_id: str, alert_type: str, severity: str, *, title: str, message: str, now: datetime) -> AlertRow:
    """Of nothing in particular; who makes one fills in what it is about."""
    return {
        "id": alert_id,
        "time": now,
        "alert_rule_id": None,
        "alert_type": alert_type,
        "severity": severity,
        "priority": "normal",
        "title": title,
        "message": message,
        "source_device_id": None,
        "source_type": "system",
        "source_id": None,
        "context": {},
        "device_state": None,
        "actionable": False,
        "suggested_actions": [],
        "action_taken": None,
        "action_taken_at": None,
        "action_taken_by": None,
        "status": "active",
        "acknowledged_at": None,
        "acknowledged_by": None,
        "resolved_at": None,
        "resolved_by": None,
        "dismissed_at": None,
        "dismissed_by": None,
        "notification_sent": False,
        "notification_channels_used": None,
        "notification_sent_at": None,
        "notification_failed": False,
        "notification_error": None,
        "expires_at": None,
        "metadata": {},
        "created_at": now,
    }


def as_json(row: AlertRow) -> JsonObject:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    return cast(JsonObject, plain)  # the only other values that are put in are JSON


def from_json(body: JsonValue) -> AlertRow:
    if not isinstance(body, Mapping):
        return {}
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS and isinstance(value, str) else value
        for name, value in body.items()
    }
