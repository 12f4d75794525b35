"""What one step of a diagnosis has found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


# From the far end to the device itself, and what is looked at besides.
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hub": "The hub itself",
        "network": "Network",
        "broker": "MQTT broker",
        "cloud": "Cloud",
        "dialect": "Its dialect",
        "parents": "What it hangs on",
        "power": "Power",
        "link": "Link",
        "protocol": "What it says and is told",
        "sensors": "Its values",
        "firmware": "Firmware",
        "automations": "Automations",
        "security": "Security",
        "energy": "Energy",
    }
)
# The step's column in `diagnostic_runs`, and `issue_type` in `diagnostic_issues`.
_CONNECTIVITY: Final = ("hub", "network", "broker", "cloud", "dialect", "parents", "link", "protocol")
AREAS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(_CONNECTIVITY, "connectivity")
    | {
        "power": "energy",
        "energy": "energy",
        "sensors": "sensor",
        "firmware": "firmware",
        "automations": "automation",
        "security": "security",
    }
)
# What explains the rest when it fails, and what it explains.
ROOTS: Final = ("network", "broker", "dialect", "parents", "power", "link")
EXPLAINED: Final = frozenset({"parents", "power", "link", "protocol", "sensors", "automations"})

_WORST_FIRST: Final = (Status.FAILED, Status.WARNING, Status.UNKNOWN, Status.OK, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Step:
    """`advice`: what a person may do. `code`: of the hub's issue that it was found by. `at`: the device that the fault is in, if it is
    another one. `because`: the step that explains this one.
    """

    key: str
    status: Status
    text: str
    facts: JsonObject = field(default_factory=dict)
    advice: str | None = None
    code: str | None = None
    at: DeviceId | None = None
    severity: str | None = None
    because: str | None = None

    @property
    def is_fault(self) -> bool:
        """Something is wrong here, and not only because something is wrong elsewhere."""
        return self.status in {Status.FAILED, Status.WARNING} and self.because is None

    def as_json(self) -> JsonObject:
        return {
            "key": self.key,
            "title": TITLES[self.key],
            "status": self.status.value,
            "text": self.text,
            "facts": self.facts,
            "advice": self.advice,
            "because": self.because,
        }


def explain(step: Step, root: Step | None) -> Step:
    """A step that comes after its root says what it follows from."""
    if root is None or step.key not in EXPLAINED or step.status not in {Status.FAILED, Status.WARNING}:
        return step
    words = f"{step.text} That follows from the step before: {TITLES[root.key].lower()}."
    return replace(step, because=root.key, text=words, advice=None)


def root_of(steps: Iterable[Step]) -> Step | None:
    """The first from the far end that explains what comes after it."""
    return next((each for each in steps if each.key in ROOTS and each.status is Status.FAILED), None)


def worst(steps: Sequence[Step]) -> Status:
    found = {each.status for each in steps}
    return next((status for status in _WORST_FIRST if status in found), Status.SKIPPED)
