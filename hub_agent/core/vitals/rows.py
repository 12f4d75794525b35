"""What is owed to the cloud of the hub's own measurements: `device_telemetry` and `device_error_logs` of the hub's device."""

from datetime import datetime

from hub_agent.model.effects import AppendRecord
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import Column
from hub_agent.model.measured import HubMeasured

MEBIBYTE = 1024 * 1024


def telemetry(device_id: DeviceId, measured: HubMeasured, now: datetime) -> list[AppendRecord]:
    """One row for each that this machine tells; there is no other of that name at that time."""
    return [
        AppendRecord(
            "device_telemetry",
            {"time": now, "device_id": device_id, "metric_type": name, "value": value, "unit": unit},
        )
        for name, value, unit in figures(measured)
    ]


def figures(measured: HubMeasured) -> list[tuple[str, float, str]]:
    """(metric_type, value, unit) of what is known."""
    found: list[tuple[str, float | None, str]] = [
        ("cpu_temperature", _rounded(measured.cpu_celsius, 1), "celsius"),
        ("load_per_core", _rounded(measured.load_per_core, 2), "ratio"),
        ("loop_lag", _rounded(_times(measured.loop_lag_s, 1000), 0), "milliseconds"),
        ("agent_memory", _rounded(_times(measured.agent_bytes, 1 / MEBIBYTE), 0), "mebibytes"),
        ("memory_available", _percent(measured.memory_available_bytes, measured.memory_bytes), "percent"),
        ("swap_used", _rounded(_times(measured.swap_used_bytes, 1 / MEBIBYTE), 0), "mebibytes"),
        ("card_worn", measured.card_worn_percent, "percent"),
        ("card_written", _rounded(_times(measured.card_written_bytes, 1 / MEBIBYTE), 0), "mebibytes"),
    ]
    if measured.disks:
        least = min(measured.disks, key=lambda disk: disk.free_bytes / max(1, disk.total_bytes))
        found.append(("disk_free", _percent(least.free_bytes, least.total_bytes), "percent"))
    return [(name, value, unit) for name, value, unit in found if value is not None]


def error(device_id: DeviceId, issue: Issue, category: str, new_id: NewId, now: datetime) -> AppendRecord:
    columns: dict[str, Column] = {
        "error_level": issue.kind.severity,
        "error_code": issue.code,
        "error_message": issue.text,
        "error_category": category,
        "context": dict(issue.details),
    }
    return _log(device_id, columns, new_id, now)


def clock_stepped(device_id: DeviceId, seconds: float, new_id: NewId, now: datetime) -> AppendRecord:
    columns: dict[str, Column] = {
        "error_level": "info",
        "error_code": "clock_stepped",
        "error_message": f"The clock was set by {seconds:+.0f} seconds.",
        "error_category": "firmware",
        "context": {"seconds": round(seconds)},
    }
    return _log(device_id, columns, new_id, now)


def _log(device_id: DeviceId, columns: dict[str, Column], new_id: NewId, now: datetime) -> AppendRecord:
    row: dict[str, Column] = {"id": new_id(), "time": now, "device_id": device_id, **columns, "is_resolved": False}
    return AppendRecord("device_error_logs", row)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _percent(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 1)
