"""What is owed to the cloud and happened: streams of records, and cases, which change after they were made. A new one is one entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum


class Priority(IntEnum):
    """What is sent first and shed last."""

    CRITICAL = 0
    NORMAL = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Stream:
    """A kind of record. `time_column` dates a row. Bulk streams travel as columns and may be thinned for lack of disk."""

    name: str
    priority: Priority
    time_column: str
    time_to_live: timedelta
    bytes_max: int


MEBIBYTE = 1024 * 1024

# All budgets together are below half of a 2 GB disk: the rest is for definitions, traces, snapshots and the file's own slack.
STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        Stream("automation_executions", Priority.CRITICAL, "time", timedelta(days=400), 64 * MEBIBYTE),
        Stream("scene_activations", Priority.CRITICAL, "time", timedelta(days=400), 16 * MEBIBYTE),
        Stream("audit_logs", Priority.CRITICAL, "time", timedelta(days=400), 32 * MEBIBYTE),
        Stream("automation_health_checks", Priority.NORMAL, "time", timedelta(days=90), 16 * MEBIBYTE),
        Stream("device_states", Priority.NORMAL, "created_at", timedelta(days=90), 256 * MEBIBYTE),
        Stream("device_health_history", Priority.NORMAL, "time", timedelta(days=90), 16 * MEBIBYTE),
        Stream("device_error_logs", Priority.NORMAL, "time", timedelta(days=90), 32 * MEBIBYTE),
        Stream("device_telemetry", Priority.BULK, "time", timedelta(days=30), 256 * MEBIBYTE),
        Stream("energy_usage", Priority.BULK, "time", timedelta(days=30), 128 * MEBIBYTE),
        Stream("network_metrics", Priority.BULK, "time", timedelta(days=30), 32 * MEBIBYTE),
    )
}


@dataclass(frozen=True, slots=True)
class CaseKind:
    """A table whose rows are opened, then change. `time_column` says when one was opened, and never changes."""

    table: str
    time_column: str


CASES: Mapping[str, CaseKind] = {
    kind.table: kind
    for kind in (
        CaseKind("alerts", "time"),
        CaseKind("self_healing_executions", "time"),
        CaseKind("diagnostic_runs", "started_at"),
        CaseKind("diagnostic_issues", "created_at"),
        CaseKind("security_incidents", "time"),
        CaseKind("security_scans", "started_at"),
        CaseKind("security_vulnerabilities", "detected_at"),
        CaseKind("firmware_updates", "started_at"),
        CaseKind("failure_predictions", "created_at"),
        CaseKind("anomaly_detections", "time"),
        CaseKind("device_usage_patterns", "created_at"),
        CaseKind("ai_insights", "created_at"),
        CaseKind("ml_predictions_log", "time"),
    )
}
