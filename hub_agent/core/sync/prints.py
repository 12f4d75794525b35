"""Fingerprints of records, spelled as `cloud_schema/contract/wire.md` says, so that hub and cloud can compare what they hold.

A fingerprint is the first 8 bytes of the MD5 of a row's columns; the hash of many rows is the sum of theirs, whatever the order.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import md5

from hub_agent.model.json import Row

Spell = Callable[[object], str]

BETWEEN_COLUMNS = "\x1f"
BETWEEN_ELEMENTS = "\x1e"
_PRINTS = 2**64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# What the cloud takes two records for one by; those of the other streams have an id of their own.
KEYS: Mapping[str, tuple[str, ...]] = {
    "device_telemetry": ("device_id", "metric_type", "time"),
    "energy_usage": ("device_id", "time"),
    "network_metrics": ("device_id", "time"),
    "device_health_history": ("device_id", "time"),
}


def key_of(stream: str, row: Row, number: int) -> int:
    names = KEYS.get(stream)
    return number if names is None else hash(tuple(str(row.get(name)) for name in names))


def read_time(value: object) -> datetime | None:
    """An instant as rows have it; None when that is none."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return at if isinstance(at, datetime) and at.tzinfo is not None else None


def _text(value: object) -> str:
    # What no database can hold is replaced on the way there.
    return str(value).replace("\0", "\ufffd")


def _time(value: object) -> str:
    at = read_time(value)
    if at is None:
        return "?"
    since = at - _EPOCH
    return str((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _float(value: object) -> str:
    try:
        return struct.pack(">d", float(value)).hex()  # type: ignore[arg-type]  # what is no number says so
    except (TypeError, ValueError, OverflowError):
        return "?"


def _truth(value: object) -> str:
    return "true" if value is True else "false" if value is False else "?"


def _texts(value: object) -> str:
    return BETWEEN_ELEMENTS.join(map(_text, value)) if isinstance(value, list | tuple) else "?"


def _columns(names: str, spell: Spell = _text) -> list[tuple[str, Spell]]:
    return [(name, spell) for name in names.split()]


# The columns that are compared, in the order of `hub_streams.hash_columns` (10_0_declarations.sql). Streams without any are
# counted only.
SPELLED: Mapping[str, tuple[tuple[str, Spell], ...]] = {
    stream: tuple(columns)
    for stream, columns in {
        "audit_logs": [
            *_columns("id"),
            ("time", _time),
            *_columns("action table_name record_id"),
            ("changed_fields", _texts),
        ],
        "device_states": [
            *_columns("id device_id"),
            ("created_at", _time),
            ("changed_fields", _texts),
            *_columns("change_source"),
        ],
        "device_telemetry": [
            *_columns("device_id metric_type"),
            ("time", _time),
            ("value", _float),
            *_columns("unit"),
        ],
        "energy_usage": [
            *_columns("device_id"),
            ("time", _time),
            *_columns("power_watts energy_kwh voltage current_amps power_factor", _float),
        ],
        "network_metrics": [
            *_columns("device_id"),
            ("time", _time),
            *_columns("signal_strength_dbm signal_quality_percent ssid channel frequency_mhz latency_ms"),
        ],
        "device_health_history": [
            *_columns("device_id"),
            ("time", _time),
            *_columns("health_score connectivity_score performance_score reliability_score security_score"),
            *_columns("energy_efficiency_score previous_score score_change score_trend"),
        ],
        "device_error_logs": [
            *_columns("id device_id"),
            ("time", _time),
            *_columns("error_level error_code error_message error_category"),
        ],
        "automation_executions": [
            *_columns("id"),
            ("time", _time),
            *_columns("automation_id triggered_by status"),
            *_columns("started_at completed_at", _time),
            *_columns("duration_ms actions_total actions_succeeded actions_failed error_message"),
        ],
        "automation_health_checks": [
            *_columns("id"),
            ("time", _time),
            *_columns("automation_id health_status health_score"),
            *_columns("trigger_valid conditions_valid actions_valid devices_accessible", _truth),
        ],
        "scene_activations": [
            *_columns("id"),
            ("time", _time),
            *_columns("scene_id activation_source status devices_targeted devices_succeeded devices_failed"),
            *_columns("execution_duration_ms error_message"),
        ],
    }.items()
}


def print_of(stream: str, row: Row) -> int:
    """From -2^63 up to below 2^63. Of a stream that is counted only: 0."""
    columns = SPELLED.get(stream)
    if columns is None:
        return 0
    spelled = BETWEEN_COLUMNS.join("" if (value := row.get(name)) is None else spell(value) for name, spell in columns)
    return int.from_bytes(md5(spelled.encode("utf-8", "replace"), usedforsecurity=False).digest()[:8], signed=True)


def hash_of(prints: Iterable[int]) -> int:
    """Of rows in any order; sums of sums are the same."""
    return sum(prints) % _PRINTS


def packed(prints: Iterable[int]) -> bytes:
    return b"".join(each.to_bytes(8, signed=True) for each in prints)
