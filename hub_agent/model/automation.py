"""Nouns of the rules: where the home lies, how runs share an automation, how a condition can come out."""

from dataclasses import dataclass
from enum import Enum, StrEnum


@dataclass(frozen=True, slots=True)
class Place:
    """Where the home lies: decides what "07:30" and "sunset" mean. `time_zone` is an IANA name."""

    time_zone: str = "UTC"
    latitude: float = 0.0
    longitude: float = 0.0
    elevation: float = 0.0


class Mode(StrEnum):
    """What a trigger does while the automation is running."""

    SINGLE = "single"
    RESTART = "restart"
    QUEUED = "queued"
    PARALLEL = "parallel"


class Outcome(Enum):
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
