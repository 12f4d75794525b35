"""Diagnosis decides: wanted -> looked at from the far end -> asked -> looked at closely -> rows, and the answer for whoever waits.

A device is asked for its state, where it can be and nothing before it explains its silence, and has ANSWER_WITHIN to say something.
What healing finds is looked at by itself once, without asking (healing asks): AUTO_AFTER it began, if it lasts, and within bounds.
A finding stays open until it passes: at the next diagnosis, or when what it was found by is over. Nothing of a diagnosis is kept
before its end: after a crash it is wanted anew.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from hub_agent.core.diagnosis import rows
from hub_agent.core.diagnosis.examining import Examiner, OpenIssues
from hub_agent.core.diagnosis.facts import Facts
from hub_agent.core.diagnosis.findings import OPEN, ROOM, Findings, Key
from hub_agent.core.diagnosis.reach import Subject
from hub_agent.core.diagnosis.step import Status, Step, root_of
from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.device import Device
from hub_agent.model.effects import Announce, Answer, AppendCase, AskState, Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.inputs import DiagnosisWanted, Input
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

ANSWER_WITHIN: Final = timedelta(seconds=4)
LOOK_EVERY: Final = timedelta(milliseconds=250)
AUTO_AFTER: Final = timedelta(seconds=30)
AUTO_AGAIN: Final = timedelta(hours=24)
AUTO_A_DAY_MAX: Final = 20
DAY: Final = timedelta(days=1)
LOOK_AGAIN_AFTER: Final = timedelta(seconds=30)
# After a start: what is wrong still has been raised anew by then.
SETTLED_AFTER: Final = timedelta(minutes=10)
RUNNING_MAX: Final = 20
TOLD_MAX: Final = 10

# What concerns no device but the home.
OF_THE_HOME: Final = frozenset({"hub", "network", "broker", "cloud", "dialect"})

_TOLD: Final = "told"
_DAMAGED: Final = (KeyError, TypeError, ValueError, OverflowError, AttributeError)


@dataclass(slots=True)
class _Running:
    """A diagnosis of a device that waits for its answer."""

    wanted: DiagnosisWanted
    device: Device
    started_at: datetime
    far: list[Step]
    until: datetime


@dataclass(slots=True)
class _Found:
    """What one diagnosis has to tell. `whose`: for each step the device that it is about, if there is one, and how many suffer."""

    is_home: bool
    steps: list[Step] = field(default_factory=list)
    whose: list[tuple[Device | None, int]] = field(default_factory=list)

    @classmethod
    def of(cls, device: Device, steps: Iterable[Step]) -> "_Found":
        found = cls(is_home=False)
        for step in steps:
            found.add(step, device)
        return found

    def add(self, step: Step, device: Device | None, count: int = 1) -> None:
        self.steps.append(step)
        self.whose.append((device, count))


class Diagnosis(Monitor):
    room = ROOM
    INPUTS = frozenset({DiagnosisWanted})

    def __init__(self, facts: Facts, new_id: NewId) -> None:
        self._facts = facts
        self._new_id = new_id
        self._issues = OpenIssues()
        self._examiner = Examiner(facts, self._issues)
        self._running: list[_Running] = []
        self._findings = Findings()
        self._told: list[JsonObject] = []
        self._due_by_device: dict[DeviceId, datetime] = {}
        self._again_by_device: dict[DeviceId, datetime] = {}
        self._looked_at: dict[DeviceId, datetime] = {}
        self._made_at: list[datetime] = []
        self._next_look = datetime.max.replace(tzinfo=UTC)

    # For people.

    def diagnoses(self) -> Sequence[JsonObject]:
        """The last ones, the newest first."""
        return self._told[::-1]

    def diagnosis_of(self, device_id: DeviceId) -> JsonObject | None:
        """The last one of this device."""
        return next((each for each in reversed(self._told) if each.get("device_id") == device_id), None)

    # What happens.

    def take(self, happened: Input, now: datetime) -> Sequence[Given]:
        if not isinstance(happened, DiagnosisWanted):
            return ()
        if happened.device_id is None:
            return self._diagnose_home(happened, now)
        device = self._facts.device(happened.device_id)
        if device is None:
            return [Answer(happened.request_id, {"error": f"there is no device {happened.device_id} in this home"})]
        if len(self._running) >= RUNNING_MAX:
            return [Answer(happened.request_id, {"error": f"{RUNNING_MAX} diagnoses are under way already"})]
        return self._begin(happened, device, now)

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Given]:
        if isinstance(told, IssueRaised):
            self._issues.raised(told.issue)
            self._plan(told.issue, now)
            return ()
        self._issues.cleared(told.code, told.subject)
        return self._pass(told, now)

    def handle_removed(self, device_id: DeviceId, _now: datetime) -> Sequence[Given]:
        """Its rows go with it."""
        given: list[Given] = self._findings.forget(device_id)
        for running in [each for each in self._running if each.device.id == device_id]:
            self._running.remove(running)
            given.append(Answer(running.wanted.request_id, {"error": f"{running.device.name} was removed meanwhile"}))
        for by_device in (self._due_by_device, self._again_by_device, self._looked_at):
            by_device.pop(device_id, None)
        return given

    # Time.

    def get_timer(self) -> datetime | None:
        due = [*self._due_by_device.values(), *self._again_by_device.values()]
        if self._running:
            due.append(min(each.until for each in self._running))
            due.append(self._next_look)
        return min(due, default=None)

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        given: list[Given] = []
        for running in self._running.copy():
            seen_at = self._facts.presence(running.device.id).last_seen_at
            has_answered = seen_at is not None and seen_at > running.started_at
            if has_answered or now >= running.until:
                self._running.remove(running)
                given += self._finish(running, now, has_answered=has_answered)
        self._next_look = now + LOOK_EVERY
        for device_id in _due(self._due_by_device, now):
            given += self._diagnose_by_itself(device_id, now)
        for device_id in _due(self._again_by_device, now):
            given += self._look_again(device_id, now)
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        for running in self._running:
            running.started_at += by
            running.until += by
        if self._running:
            self._next_look += by
        for by_device in (self._due_by_device, self._again_by_device, self._looked_at):
            for device_id in by_device:
                by_device[device_id] += by
        self._made_at = [at + by for at in self._made_at]

    # Memory.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        for key, body in saved.items():
            with contextlib.suppress(*_DAMAGED):
                if key.startswith(OPEN):
                    self._findings.restore(body)
                elif key == _TOLD and isinstance(told := body["told"], list | tuple):
                    self._told = [each for each in told if isinstance(each, Mapping)][-TOLD_MAX:]
        for device_id in self._findings.devices():
            self._again_by_device[device_id] = now + SETTLED_AFTER
        return ()

    # A device.

    def _begin(self, wanted: DiagnosisWanted, device: Device, now: datetime) -> list[Given]:
        seen = self._examiner.subject(device, now)
        far = self._examiner.far_steps(seen)
        given: list[Given] = [self._announce(wanted, each, device) for each in far]
        running = _Running(wanted, device, now, far, now + ANSWER_WITHIN)
        if not self._can_be_asked(seen, far):
            return [*given, *self._finish(running, now, has_answered=None)]
        self._running.append(running)
        self._next_look = now + LOOK_EVERY
        return [*given, AskState(device.id)]

    @staticmethod
    def _can_be_asked(seen: Subject, far: Sequence[Step]) -> bool:
        return not seen.is_own and not seen.facts.is_battery(seen.device) and root_of(far) is None

    def _finish(self, running: _Running, now: datetime, *, has_answered: bool | None) -> list[Given]:
        wanted, device = running.wanted, self._facts.device(running.device.id) or running.device
        seen = self._examiner.subject(device, now, has_answered=has_answered)
        near = self._examiner.near_steps(seen, running.far)
        found = _Found.of(device, [*running.far, *near])
        given: list[Given] = [self._announce(wanted, each, device) for each in near]
        return [*given, *self._conclude(wanted, device, found, running.started_at, now)]

    def _diagnose_by_itself(self, device_id: DeviceId, now: datetime) -> list[Given]:
        self._made_at = [at for at in self._made_at if now - at < DAY]
        device = self._facts.device(device_id)
        looked_at = self._looked_at.get(device_id)
        is_known = looked_at is not None and now - looked_at < AUTO_AGAIN
        if device is None or is_known or not self._issues.of(device_id) or len(self._made_at) >= AUTO_A_DAY_MAX:
            return []
        self._made_at.append(now)
        wanted = DiagnosisWanted(device_id, self._new_id(), source="self_healing")
        return self._conclude(wanted, device, _Found.of(device, self._examiner.device_steps(device, now)), now, now)

    # The home.

    def _diagnose_home(self, wanted: DiagnosisWanted, now: datetime) -> list[Given]:
        found = _Found(is_home=True)
        given: list[Given] = []
        for device, step, count in self._examiner.home_steps(now):
            found.add(step, device, count)
            given.append(self._announce(wanted, step, device))
        return [*given, *self._conclude(wanted, None, found, now, now)]

    # What comes of it.

    def _conclude(
        self, wanted: DiagnosisWanted, device: Device | None, found: _Found, started_at: datetime, now: datetime
    ) -> list[Given]:
        hub = self._facts.hub()
        row_of = device or hub
        told = _told_of(wanted, device, found, started_at, now)
        given: list[Given] = []
        if row_of is not None:
            run_id = self._new_id()
            told["id"] = run_id
            row = rows.run_row(
                run_id,
                row_of.id,
                found.steps,
                is_home=found.is_home,
                source=wanted.source,
                by=wanted.by,
                started_at=started_at,
                now=now,
            )
            given.append(AppendCase("diagnostic_runs", run_id, 1, row))
            given += self._note_findings(run_id, found, row_of, now)
        if device is not None:
            self._looked_at[device.id] = now
            self._due_by_device.pop(device.id, None)
        self._told = [*self._told, told][-TOLD_MAX:]
        given.append(Save(ROOM, _TOLD, {"told": [*self._told]}, Durability.LAZY))
        given.append(Announce("diagnosis", {"id": wanted.request_id, "diagnosis": told}))
        if wanted.source != "self_healing":
            given.append(Answer(wanted.request_id, told))
        return given

    def _note_findings(self, run_id: str, found: _Found, row_of: Device, now: datetime) -> list[Given]:
        given: list[Given] = []
        still: set[Key] = set()
        for step, (device, _) in zip(found.steps, found.whose, strict=True):
            if step.is_fault:
                key = self._key(step, device or row_of)
                still.add(key)
                given += self._open(key, run_id, step, now) if key not in self._findings else []
        if found.is_home or row_of is self._facts.hub():
            return given
        return [*given, *self._findings.close([key for key in self._findings.of(row_of.id) if key not in still], now)]

    def _key(self, step: Step, device: Device) -> Key:
        """What is the home's is the hub's; that a bridge is away is the bridge's own."""
        hub = self._facts.hub()
        if step.key in OF_THE_HOME and hub is not None:
            return hub.id, step.key
        if step.key == "parents" and step.at is not None:
            return step.at, "link"
        return device.id, step.key

    def _open(self, key: Key, run_id: str, step: Step, now: datetime) -> list[Given]:
        device_id, component = key
        prospect = self._facts.prospect(device_id, now)
        row = rows.issue_row(
            self._new_id(), run_id, device_id=device_id, component=component, step=step, prospect=prospect, now=now
        )
        subjects = [each.subject for each in self._issues.all() if each.code == step.code]
        return self._findings.add(key, row, device_id if device_id in subjects else next(iter(subjects), None))

    # What passes.

    def _plan(self, issue: Issue, now: datetime) -> None:
        """Somebody has found something wrong with a device: if it lasts, it is looked at."""
        device_id = DeviceId(issue.subject)
        if device_id not in self._due_by_device and self._facts.device(device_id) is not None:
            self._due_by_device[device_id] = now + AUTO_AFTER

    def _pass(self, told: IssueCleared, now: datetime) -> list[Given]:
        given = self._findings.close(self._findings.found_by(told.code, told.subject), now)
        if self._findings.of(told.subject):
            self._again_by_device[DeviceId(told.subject)] = now + LOOK_AGAIN_AFTER
        return given

    def _look_again(self, device_id: DeviceId, now: datetime) -> list[Given]:
        """What is wrong no more is closed."""
        device, hub = self._facts.device(device_id), self._facts.hub()
        steps = [] if device is None else self._examiner.device_steps(device, now)
        if device is not None and device is hub:
            steps += [step for of, step, _ in self._examiner.home_steps(now) if of is None]
        still = {step.key for step in steps if step.is_fault}
        if any(step.key == "link" and step.status is Status.FAILED for step in steps):
            still.add("link")  # also where something before it explains it
        return self._findings.close([key for key in self._findings.of(device_id) if key[1] not in still], now)

    def _announce(self, wanted: DiagnosisWanted, step: Step, device: Device | None) -> Announce:
        return Announce("diagnosis", {"id": wanted.request_id, "step": _step_told(step, device, 1)})


def _due(due_by_device: dict[DeviceId, datetime], now: datetime) -> list[DeviceId]:
    due = sorted(device_id for device_id, at in due_by_device.items() if at <= now)
    for device_id in due:
        del due_by_device[device_id]
    return due


def _step_told(step: Step, device: Device | None, count: int) -> JsonObject:
    whose: JsonObject = {
        "device_id": None if device is None else device.id,
        "device": None if device is None else device.name,
        "count": count,
    }
    return {**step.as_json(), **whose}


def _told_of(
    wanted: DiagnosisWanted, device: Device | None, found: _Found, started_at: datetime, now: datetime
) -> dict[str, JsonValue]:
    name = "The home" if device is None else device.name
    steps = found.steps
    root = None if found.is_home else root_of(steps)
    told: list[JsonValue] = [_step_told(step, of, count) for step, (of, count) in zip(steps, found.whose, strict=True)]
    advised: list[JsonValue] = [*rows.recommendations(steps)]
    return {
        "id": wanted.request_id,
        "of": "home" if device is None else "device",
        "device_id": None if device is None else device.id,
        "name": name,
        "trigger_source": wanted.source,
        "started_at": started_at.isoformat(),
        "completed_at": now.isoformat(),
        "overall_status": rows.overall(steps, is_home=found.is_home),
        "health_score": rows.score_of(steps),
        "issues_found": sum(1 for step in steps if step.is_fault),
        "summary": rows.summary(name, steps, is_home=found.is_home),
        "root": None if root is None else root.as_json(),
        "steps": told,
        "recommendations": advised,
    }
