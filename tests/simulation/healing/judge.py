"""Lives through one fault and compares what the hub said and did with what truly was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub_agent.model.effects import AppendCase, Effect, IssueCleared, IssueRaised
from tests.simulation.healing.faults import Fault
from tests.simulation.healing.home import Home

# What a device that does not answer may always be asked, and what never touches it.
HARMLESS = frozenset({"ask_state", "tell_person"})
# Said besides and taken back within this: on its way to the cause.
IN_PASSING = timedelta(minutes=15)


@dataclass
class Told:
    """An issue, from when to when."""

    code: str
    name: str
    since: datetime
    until: datetime | None = None


class Witness:
    """Writes down what the hub says and does."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.issues: list[Told] = []
        self.executions: dict[str, dict[str, Any]] = {}
        self.alerts: dict[str, dict[str, Any]] = {}
        home.watcher = self.see

    def see(self, effect: Effect, now: datetime) -> None:
        match effect:
            case IssueRaised(issue):
                name = self._home.name_of(issue.subject)
                if not any(each.until is None and (each.code, each.name) == (issue.code, name) for each in self.issues):
                    self.issues.append(Told(issue.code, name, now))
            case IssueCleared(code, subject):
                name = self._home.name_of(subject)
                for each in self.issues:
                    if each.until is None and (each.code, each.name) == (code, name):
                        each.until = now
            case AppendCase("self_healing_executions", case_id, _, row):
                self.executions[case_id] = dict(row)
            case AppendCase("alerts", case_id, _, row):
                self.alerts[case_id] = dict(row)
            case _:
                pass


@dataclass
class Verdict:
    fault: Fault
    seed: int
    detected_after: timedelta | None = None
    named: list[str] = field(default_factory=list)
    named_wrong: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)
    helped: str | None = None
    done: list[str] = field(default_factory=list)
    wrong_place: list[str] = field(default_factory=list)
    healed_after: timedelta | None = None
    is_over: bool = False
    left_open: list[str] = field(default_factory=list)
    alerts: int = 0
    resolved: int = 0

    def complaints(self) -> list[str]:
        """What is not as it should be."""
        fault = self.fault
        wrong = [f"wrong place: {each}" for each in self.wrong_place]
        wrong += [f"wrong cause: {each}" for each in self.named_wrong]
        wrong += [f"still said at the end: {each}" for each in self.left_open]
        if fault.codes and self.detected_after is None:
            wrong.append("not noticed")
        if fault.cure is not None and fault.cure not in self.done:
            wrong.append(f"{self.helped} helped, it should have been {fault.cure}")
        if not self.is_over:
            wrong.append("not healed at the end")
        if self.alerts != self.resolved:
            wrong.append(f"{self.alerts} alerts, {self.resolved} resolved")
        if self.alerts > fault.alerts_max:
            wrong.append(f"{self.alerts} alerts")
        return wrong


def live_through(fault: Fault, home: Home) -> Verdict:
    """`home` is warm, and used up by this."""
    stage = home.stage
    home.open_hub()
    stage.run_until(_next_noon(stage.now))
    witness, began = Witness(home), stage.now
    fault.begin(home)
    is_over = fault.is_over or (lambda _home: True)
    cured_at: datetime | None = None
    mend_at, end = began + timedelta(hours=fault.lasts_h), began + timedelta(hours=fault.lasts_h + fault.watch_h)
    is_mended = False
    while stage.now < end:
        stage.run_for(minutes=1)
        if cured_at is None and fault.is_over is not None and is_over(home):
            cured_at = stage.now
        if not is_mended and stage.now >= mend_at:
            is_mended = True
            fault.mend(home)
    return _verdict(fault, home, witness, began, is_over=is_over(home))


def _verdict(fault: Fault, home: Home, witness: Witness, began: datetime, *, is_over: bool) -> Verdict:
    verdict = Verdict(fault, home.stage.seed, is_over=is_over)
    right = [each for each in witness.issues if each.name in fault.subjects and each.code in fault.codes]
    if right:
        verdict.detected_after = right[0].since - began
        verdict.named = list(dict.fromkeys(f"{each.code} {each.name}" for each in right))
        ended = [each.until for each in right if each.until is not None]
        verdict.healed_after = max(ended) - began if len(ended) == len(right) else None
    elif treated := [each for each in witness.executions.values() if _is_of(fault, home, each)]:
        # It was only asked, and that has ended it: nothing had to be said.
        verdict.detected_after = treated[0]["started_at"] - began
        verdict.named = [
            f"{treated[0]['metadata']['issue']} {home.name_of(str(treated[0]['device_id']))}, healed without a word"
        ]
        verdict.healed_after = treated[-1]["completed_at"] - began if treated[-1]["completed_at"] else None
    besides = [each for each in witness.issues if each not in right and each.name not in fault.subjects]
    verdict.named_wrong = [
        f"{each.code} {each.name}" for each in besides if (each.until or home.stage.now) - each.since > IN_PASSING
    ]
    verdict.left_open = [f"{each.code} {each.name}" for each in witness.issues if each.until is None]
    places = (*fault.subjects, *fault.places)
    for row in witness.executions.values():
        remedy, place = row["metadata"]["remedy"], home.name_of(str(row["device_id"]))
        verdict.remedies.append(remedy if row["status"] != "skipped" else f"({remedy})")
        if row["issue_resolved"] and row["status"] == "completed" and remedy != "tell_person":
            verdict.helped = remedy
        if row["status"] == "completed":
            verdict.done.append(remedy)
        if place not in places and remedy not in HARMLESS:
            verdict.wrong_place.append(f"{remedy} {place}")
    verdict.alerts = len(witness.alerts)
    verdict.resolved = sum(row["status"] == "resolved" for row in witness.alerts.values())
    return verdict


def _is_of(fault: Fault, home: Home, row: dict[str, Any]) -> bool:
    return home.name_of(str(row["device_id"])) in fault.subjects and row["metadata"]["issue"] in fault.codes


def _next_noon(now: datetime) -> datetime:
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    return noon if noon > now + timedelta(hours=1) else noon + timedelta(days=1)
