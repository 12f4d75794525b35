"""What the owner has declared: how far healing may go without asking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from hub_agent.core.expectation import number_in
from hub_agent.core.healing.remedy import RISKS, Patient, Remedy, wishes_of
from hub_agent.model.json import JsonObject, JsonValue

DEVICES_PER_HOUR = 10
QUIET_HOURS = (time(22), time(7))


@dataclass(frozen=True, slots=True)
class Limits:
    """`homes.metadata.healing`: `{"risk": "none" | "low" | "medium" | "high", "quiet_hours": {"from": "22:00", "to": "07:00"} | null,
    "devices_per_hour": 10}`. `risk`: the most that is taken without asking; None: as the catalogue has it for each remedy.
    """

    risk: str | None = None
    quiet_hours: tuple[time, time] | None = QUIET_HOURS
    devices_per_hour: int = DEVICES_PER_HOUR

    @classmethod
    def read(cls, wishes: JsonObject) -> "Limits":
        """What makes no sense is read as the more careful."""
        risk = wishes.get("risk")
        if risk is not None and risk not in {"none", *RISKS}:
            risk = "none"
        count = number_in(wishes.get("devices_per_hour"))
        per_hour = DEVICES_PER_HOUR if count is None else max(0, min(int(count), 1_000))
        return cls(str(risk) if risk is not None else None, _quiet_hours(wishes), per_hour)

    def is_quiet(self, at: time) -> bool:
        if self.quiet_hours is None:
            return False
        begin, end = self.quiet_hours
        return begin <= at < end if begin <= end else at >= begin or at < end

    def asks_before(self, remedy: Remedy, patient: Patient) -> bool:
        """Whether a person is asked before it is tried on this device."""
        if remedy.risk != "low" and wishes_of(patient.device).get("ask_first") is True:
            return True
        if self.risk is None:
            wanted = patient.home.remedy_row(remedy.name).get("requires_user_approval")
            return wanted is True or (wanted is not False and (remedy.asks or remedy.risk == "high"))
        return self.risk == "none" or RISKS.index(remedy.risk) > RISKS.index(self.risk)


def _quiet_hours(wishes: JsonObject) -> tuple[time, time] | None:
    if "quiet_hours" not in wishes:
        return QUIET_HOURS
    wanted = wishes["quiet_hours"]
    if wanted is None:
        return None
    if not isinstance(wanted, Mapping):
        return QUIET_HOURS
    begin, end = _time(wanted.get("from")), _time(wanted.get("to"))
    return QUIET_HOURS if begin is None or end is None else (begin, end)


def _time(text: JsonValue) -> time | None:
    try:
        return time.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
