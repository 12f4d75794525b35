"""Energy that is not as usual: one row while it lasts, one issue, and its end."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub_agent.core.forecasts import rows
from hub_agent.core.forecasts.energy import Energy, Unusual
from hub_agent.core.forecasts.held import Held, keep
from hub_agent.model.device import Device
from hub_agent.model.effects import Effect, IssueCleared, IssueRaised
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

PREFIX = "anomaly/"
ISSUE = "energy_unusual"
_RECURS_WITHIN = timedelta(days=30)
_EARLIER_MAX = 10
_REVISED_EVERY = 24  # hours


@dataclass(slots=True)
class _Case:
    open: Held | None = None
    earlier: list[datetime] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        return {
            "open": None if self.open is None else self.open.as_json(),
            "earlier": [each.isoformat() for each in self.earlier],
        }


class Anomalies:
    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        self._cases: dict[DeviceId, _Case] = {}

    def open_rows(self) -> list[rows.CaseRow]:
        return [each.open.row for _, each in sorted(self._cases.items()) if each.open is not None]

    def open_devices(self) -> list[DeviceId]:
        return [device_id for device_id, each in self._cases.items() if each.open is not None]

    def hour_over(self, device: Device, energy: Energy, told: str | None, now: datetime) -> list[Effect]:
        """`told`: what `energy.note` said of the hour."""
        if told == "ended":
            return self.ended(device.id, "as usual again", now)
        unusual = energy.unusual
        if told is None or unusual is None:
            return []
        case = self._cases.setdefault(device.id, _Case())
        if case.open is None:
            return self._began(device, case, unusual, now)
        if unusual.hours % _REVISED_EVERY:
            return []
        return [case.open.told(now, _measured(device, unusual, now)), self._keep(device.id)]

    def ended(self, device_id: DeviceId, notes: str, now: datetime) -> list[Effect]:
        case = self._cases.get(device_id)
        if case is None or case.open is None:
            return []
        resolved: rows.CaseRow = {
            "status": "resolved",
            "resolved_at": now,
            "resolution_notes": notes,
            "updated_at": now,
        }
        told = case.open.told(now, resolved)
        case.open = None
        return [told, IssueCleared(ISSUE, device_id), self._keep(device_id)]

    def forget(self, device_id: DeviceId, now: datetime) -> list[Effect]:
        given = self.ended(device_id, "the device left the home", now)
        return [*given, keep(f"{PREFIX}{device_id}", None)] if self._cases.pop(device_id, None) else []

    def restore(self, device: Device, body: JsonObject, now: datetime) -> list[Effect]:
        earlier = body["earlier"]
        if not isinstance(earlier, list | tuple):
            raise TypeError("earlier is a list")
        case = _Case(None, [datetime.fromisoformat(str(each)) for each in earlier])
        case.open = None if body["open"] is None else Held.from_json(body["open"])
        self._cases[device.id] = case
        return [] if case.open is None else [IssueRaised(self._issue(device, case.open, now))]

    def _began(self, device: Device, case: _Case, unusual: Unusual, now: datetime) -> list[Effect]:
        case.earlier = [each for each in case.earlier if now - each <= _RECURS_WITHIN][-_EARLIER_MAX:]
        row = rows.anomaly(self._new_id(), device, is_more=unusual.is_more, earlier=case.earlier, now=now)
        case.open = Held("anomaly_detections", row | _measured(device, unusual, now))
        case.earlier.append(now)
        told = case.open.told(now)
        return [told, IssueRaised(self._issue(device, case.open, now)), self._keep(device.id)]

    @staticmethod
    def _issue(device: Device, held: Held, now: datetime) -> Issue:
        since = held.row["time"]
        details: JsonObject = {
            "name": device.name,
            "used": f"{held.row['actual_value']:.0f}",
            "usual": f"{held.row['expected_value']:.0f}",
        }
        return Issue(ISSUE, device.id, since if isinstance(since, datetime) else now, details)

    def _keep(self, device_id: DeviceId) -> Effect:
        return keep(f"{PREFIX}{device_id}", self._cases[device_id].as_json())


def _measured(device: Device, unusual: Unusual, now: datetime) -> rows.CaseRow:
    return rows.measured(
        device.name,
        usual=unusual.usual / unusual.hours,
        used=unusual.used / unusual.hours,
        hours=unusual.hours,
        score=unusual.score,
        now=now,
    )
