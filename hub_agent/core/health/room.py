"""Health of devices: told with the present, recorded hourly where it has changed and daily where not.

What is open now (issues) is heard anew after a start; the rest is saved every six hours, of the devices that it changed for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from hub_agent.core.expectation import number_in
from hub_agent.core.health import score
from hub_agent.core.health.facts import Facts, Open
from hub_agent.core.health.score import Factor, Score
from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.action import CommandSettled
from hub_agent.model.device import Device, Presence
from hub_agent.model.effects import AppendCase, AppendRecord, Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, Row

ROOM: Final = "health"
RECORD_EVERY: Final = timedelta(hours=1)
RECORD_AT_LEAST: Final = timedelta(days=1)
SAVE_EVERY: Final = timedelta(hours=6)
ISSUES_MAX: Final = 20
WIRED: Final = frozenset({"wired", "mains", "Mains"})
WORST_MAX: Final = 5

# What reading a body raises that somebody or something has damaged: it is forgotten.
DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)
# Issues that say that it cannot be reached: connectivity, not one more issue. Those of battery, link and predictions count by themselves.
AWAY: Final = frozenset({"device_silent", "device_unavailable"})
TOLD_OTHERWISE: Final = AWAY | {
    *("battery_low", "battery_critical", "link_weak"),
    *("battery_ending_soon", "connection_worsening"),  # predictions
}
_STILL_UNUSUAL = frozenset({"new", "investigating", None})
_STILL_FORESEEN = frozenset({"active", "monitoring"})
_STILL_WEAK = frozenset({"open", "acknowledged", "in_progress"})
_CASES = frozenset({"anomaly_detections", "failure_predictions", "security_vulnerabilities"})


class Home(Protocol):
    """What is read of the home."""

    def device(self, device_id: DeviceId) -> Device | None: ...

    def devices(self) -> Iterable[Device]: ...

    def presence(self, device_id: DeviceId) -> Presence: ...

    def firmware_offered(self, device: Device) -> str | None:
        """The version that waits for it; empty where it does not say which."""


class Health(Monitor):
    room = ROOM

    def __init__(self, home: Home) -> None:
        self._home = home
        self._facts: dict[DeviceId, Facts] = {}
        self._issues: dict[DeviceId, dict[str, Issue]] = {}
        self._of_home: dict[tuple[str, str], Issue] = {}
        self._unsaved: set[DeviceId] = set()
        self._now: datetime | None = None
        self._record_at: datetime | None = None
        self._save_at: datetime | None = None

    # Memory and time.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        self._now, self._record_at, self._save_at = now, now + RECORD_EVERY, now + SAVE_EVERY
        given: list[Given] = []
        for key, body in saved.items():
            try:
                if self._home.device(DeviceId(key)) is None:
                    raise ValueError(key)
                self._facts[DeviceId(key)] = Facts.from_json(body)
            except DAMAGED:
                given.append(Save(ROOM, key, None, Durability.LAZY))
        return given

    def get_timer(self) -> datetime | None:
        return self._record_at

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        self._now = now
        self._record_at = now + RECORD_EVERY
        given: list[Given] = []
        for device in self._home.devices():
            given += self._recorded(device, now)
        if self._save_at is None or self._save_at <= now:
            self._save_at = now + SAVE_EVERY
            given += [self._save(each) for each in sorted(self._unsaved)]
            self._unsaved.clear()
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        for facts in self._facts.values():
            facts.shift(by)
        for name in ("_now", "_record_at", "_save_at"):
            if (at := getattr(self, name)) is not None:
                setattr(self, name, at + by)

    # What happens.

    def handle_availability(self, device: Device, now: datetime, *, is_available: bool) -> Sequence[Given]:
        self._now = now
        if is_available:
            if (facts := self._facts.get(device.id)) is not None and facts.away_since is not None:
                facts.away_since = None
                self._unsaved.add(device.id)
        else:
            self._of(device.id).left(now)
            self._unsaved.add(device.id)
        return ()

    def handle_settled(self, settled: CommandSettled, device: Device, now: datetime) -> Sequence[Given]:
        if settled.outcome not in {"confirmed", "unconfirmed", "failed"}:
            return ()  # nobody can say whether it would have done it
        command = settled.command
        is_confirmed = settled.outcome == "confirmed"
        self._of(device.id).settled(settled.at - (command.sent_at or command.issued_at) if is_confirmed else None, now)
        self._unsaved.add(device.id)
        return ()

    def handle_removed(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        del now
        self._issues.pop(device_id, None)
        self._unsaved.discard(device_id)
        known = self._facts.pop(device_id, None)
        return () if known is None else (Save(ROOM, device_id, None, Durability.LAZY),)

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Given]:
        self._now = now
        code, subject = (
            (told.issue.code, told.issue.subject) if isinstance(told, IssueRaised) else (told.code, told.subject)
        )
        device = self._home.device(DeviceId(subject))
        if isinstance(told, IssueCleared):
            self._of_home.pop((code, subject), None)
            self._issues.get(DeviceId(subject), {}).pop(code, None)
        elif device is None:
            self._of_home[code, subject] = told.issue
        else:
            of_device = self._issues.setdefault(device.id, {})
            of_device[code] = told.issue
            while len(of_device) > ISSUES_MAX:
                del of_device[next(iter(of_device))]
        return ()

    def handle_case(self, case: AppendCase, now: datetime) -> Sequence[Given]:
        if case.table not in _CASES:
            return ()
        self._now = now
        device = self._home.device(DeviceId(str(case.row.get("device_id"))))
        if device is None:
            return ()
        self._of(device.id).noted(case.id, _open(case, now))
        return (self._save(device.id),)  # seldom, and told once

    # What is so now.

    def present_of(self, device_id: DeviceId) -> JsonObject:
        device = self._home.device(device_id)
        if device is None or self._now is None or not _is_judged(device):
            return {}
        return {"health_score": self.score(device, self._now).total}

    def score(self, device: Device, now: datetime) -> Score:
        return score.score(self._factors(device, now))

    def told(self, device: Device, now: datetime) -> JsonObject:
        """{"score", "parts": {part: 0..100}, "factors": [{"factor", "part", "points", "text"}], "recommendations"}. Nobody can tell of energy."""
        found = self.score(device, now)
        return {
            "score": found.total,
            "parts": {**found.parts, "energy_efficiency": None},
            "factors": [each.as_json() for each in found.factors],
            "recommendations": found.recommendations,
        }

    def scores(self, now: datetime) -> list[tuple[Device, Score]]:
        """Of all devices that can fail."""
        return [(each, self.score(each, now)) for each in self._home.devices() if _is_judged(each)]

    def of_home(self, scores: Sequence[tuple[Device, Score]]) -> JsonObject:
        """How the home is: the mean of its devices, less what is wrong with the home itself. {"score", "causes": [text]}"""
        judged = [(found, device.name) for device, found in scores]
        own = list(self._of_home.values())
        mean = sum(found.total for found, _ in judged) / len(judged) if judged else 100.0
        points = score.issues((each.kind.severity for each in own), ()).points
        worst = sorted((found.total, name, found) for found, name in judged if found.factors)[:WORST_MAX]
        causes = [each.text for each in own] + [f"{name}: {found.factors[0].text}" for _, name, found in worst]
        return {"score": max(0, round(mean - points)), "causes": causes}

    # How.

    def _of(self, device_id: DeviceId) -> Facts:
        if device_id not in self._facts:
            self._facts[device_id] = Facts()
        return self._facts[device_id]

    def _factors(self, device: Device, now: datetime) -> list[Factor]:
        facts = self._facts.get(device.id)
        factors = [] if facts is None else facts.factors(now)
        issues = self._issues.get(device.id) or {}
        presence = self._home.presence(device.id)
        silent = next((issues[code] for code in AWAY if code in issues), None) if issues else None
        if presence.is_available is False or silent is not None:
            left_at = facts.away_since if facts is not None else None
            factors.append(score.away(left_at or (silent.since if silent else presence.last_seen_at or now), now))
        elif "link_weak" in issues:
            factors.append(score.weak_link(issues["link_weak"].text))
        if others := [issue for code, issue in issues.items() if code not in TOLD_OTHERWISE]:
            factors.append(score.issues([each.kind.severity for each in others], [each.text for each in others]))
        level = presence.battery_level
        if level is not None and level <= score.BATTERY_LOW and device.power_source not in WIRED:
            factors.append(score.battery(level))
        if (version := self._home.firmware_offered(device)) is not None:
            factors.append(score.firmware(version))
        return factors

    def _recorded(self, device: Device, now: datetime) -> list[Given]:
        if not _is_judged(device):
            return []
        found = self.score(device, now)
        facts = self._of(device.id)
        is_due = facts.recorded_at is None or now - facts.recorded_at >= RECORD_AT_LEAST or now < facts.recorded_at
        if found.total == facts.recorded and not is_due:
            return []
        row = _row(device, found, facts.recorded, now)
        facts.recorded, facts.recorded_at = found.total, now
        self._unsaved.add(device.id)
        return [AppendRecord("device_health_history", row)]

    def _save(self, device_id: DeviceId) -> Save:
        return Save(ROOM, device_id, self._facts[device_id].as_json(), Durability.LAZY)


def _is_judged(device: Device) -> bool:
    """Self-made devices cannot fail."""
    return device.origin.dialect != "helper"


def _row(device: Device, found: Score, was: int | None, now: datetime) -> Row:
    change = None if was is None else found.total - was
    return {
        "time": now,
        "device_id": device.id,
        "health_score": found.total,
        **{f"{part}_score": value for part, value in found.parts.items()},
        "energy_efficiency_score": None,
        "previous_score": was,
        "score_change": change,
        "score_trend": "improving" if (change or 0) > 0 else "declining" if (change or 0) < 0 else "stable",
        "factors": [each.as_json() for each in found.factors],
        "recommendations": found.recommendations,
    }


def _open(case: AppendCase, now: datetime) -> Open | None:
    """None: it stands no longer."""
    row = case.row
    is_prediction = case.table == "failure_predictions"
    at = row.get("created_at" if is_prediction else "time")
    instant = at if isinstance(at, datetime) else now
    severity = str(row.get("severity"))
    if is_prediction:
        status, told = row.get("prediction_status"), row.get("failure_probability")
        if status not in _STILL_FORESEEN:
            return None
        probability = number_in(told) if isinstance(told, int | float | str) else None
        return Open("prediction", severity, instant, probability or 0.0, status == "monitoring")
    if case.table == "security_vulnerabilities":
        return Open("vulnerability", severity, now) if row.get("status") in _STILL_WEAK else None
    return Open("anomaly", severity, instant) if row.get("status") in _STILL_UNUSUAL else None
