"""Nouns of the rules: where the home lies, how runs share an automation, how a condition can come out."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeGuard
from zoneinfo import ZoneInfo

from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Place:
    """Where the home lies: decides what "07:30" and "sunset" mean. `time_zone` is an IANA name."""

    time_zone: str = "UTC"
    latitude: float = 0.0
    longitude: float = 0.0
    elevation: float = 0.0

    def with_fields(self, fields: JsonObject) -> "Place":
        """As the home's row says; what it does not say (or says wrong) stays."""
        zone = fields.get("timezone")
        numbers = {name: fields.get(name) for name in ("latitude", "longitude", "elevation")}
        known = {
            name: float(n) for name, n in numbers.items() if isinstance(n, int | float) and not isinstance(n, bool)
        }
        return replace(self, time_zone=zone if _is_time_zone(zone) else self.time_zone, **known)


class Mode(StrEnum):
    """What a trigger does while the automation is running."""

    SINGLE = "single"
    RESTART = "restart"
    QUEUED = "queued"
    PARALLEL = "parallel"


class Outcome(StrEnum):
    """How a condition came out. An error is neither true nor false, so that `not` around a missing entity does not pass."""

    TRUE = "true"
    FALSE = "false"
    ERROR = "error"


class RunStatus(StrEnum):
    """How a run ended (the central schema's words), or why there was none (the last three, in traces only)."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    CONDITIONS_NOT_MET = "conditions_not_met"
    DROPPED = "dropped"
    ERROR = "error"


def _is_time_zone(name: JsonValue) -> TypeGuard[str]:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False
