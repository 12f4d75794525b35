"""One remedy at a time on one device: chosen, asked about where that is wanted, begun, carried through its steps, ended."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hub_agent.core.healing import cases
from hub_agent.core.healing.guards import (
    awaits_way,
    forbidden,
    is_fitting,
    is_in_bounds,
    to_tell,
    told_key,
    untouchable,
)
from hub_agent.core.healing.learned import Learned, order
from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import LADDER, RESEND_COMMAND, TELL_PERSON
from hub_agent.core.healing.remedies.tell_person import what_to_do
from hub_agent.core.healing.remedy import Given, Home, Patient, Remedy, Treated
from hub_agent.core.healing.silence import are_others_heard
from hub_agent.core.healing.trouble import SAID, SAID_WITHIN, Attempt, Told, Trouble, matter_of
from hub_agent.core.healing.watch import Watch
from hub_agent.model.device import Device
from hub_agent.model.effects import Announce, AppendCase, Durability, Save
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause

ROOM = "healing"
TRIED = "tried/"
LEARNED = "learned"
SELF_HEALING = "self_healing"
ASKED_FOR = timedelta(hours=24)


class Treatment:
    def __init__(self, home: Home, new_id: NewId, watches: Mapping[DeviceId, Watch]) -> None:
        self._home = home
        self._new_id = new_id
        self._watches = watches
        self.learned = Learned()

    def patient(self, watch: Watch, now: datetime) -> Patient:
        trouble = watch.trouble
        if trouble is None:
            return Patient(watch.device, None, self._home, now)
        return Patient(watch.device, trouble.command, self._home, now, trouble.symptoms, are_others_heard(watch))

    def choose(self, watch: Watch, trouble: Trouble, now: datetime) -> Remedy | None:
        """The remedy that is worth most of those that fit and may be tried now."""
        patient, limits = self.patient(watch, now), self._limits()
        for remedy in order(LADDER, watch.device, self.learned):
            if not (is_in_bounds(remedy, watch, trouble, now) and is_fitting(remedy, trouble, patient)):
                continue
            if Symptom.SILENT in trouble.symptoms and watch.was_relieved_by(remedy.name, now):
                continue
            if remedy is TELL_PERSON or forbidden(remedy, patient, limits, self._watches) is None:
                return remedy
        return None

    def awaits_way(self, watch: Watch, trouble: Trouble, now: datetime) -> bool:
        """Whether something could be tried, were not what it is done through in trouble just now."""
        patient, limits = self.patient(watch, now), self._limits()
        return any(
            is_in_bounds(each, watch, trouble, now)
            and is_fitting(each, trouble, patient)
            and awaits_way(each, patient, limits, self._watches)
            for each in LADDER
        )

    def begin(
        self, watch: Watch, trouble: Trouble, remedy: Remedy, issue: Issue, now: datetime, *, is_wanted: bool = False
    ) -> list[Given]:
        """`is_wanted`: by a person, who is not asked then."""
        asks = not is_wanted and self._limits().asks_before(remedy, self.patient(watch, now))
        row = self._row(watch, trouble, remedy, issue, now, asks=asks)
        if is_wanted:
            row["triggered_by"] = "manual"
        trouble.attempt = attempt = Attempt(remedy, row, now + (ASKED_FOR if asks else remedy.verify_within))
        given: list[Given] = [AppendCase("self_healing_executions", attempt.id, 1, row)]
        if asks:
            question_id = self._new_id()
            attempt.question = cases.question(
                question_id, watch.device, issue, remedy, attempt.id, expires_at=attempt.verify_by, now=now
            )
            return [
                *given,
                AppendCase("alerts", question_id, 1, attempt.question),
                self._announce(watch, attempt, issue),
            ]
        attempt.step_at = now
        return [
            *given,
            self._save_tried(watch),
            self._announce(watch, attempt, issue),
            *self.go_on(watch, attempt, now),
        ]

    def outdated(self, watch: Watch, trouble: Trouble, remedy: Remedy, now: datetime) -> str | None:
        """Why what a person was asked about makes no sense any more, in words."""
        patient = self.patient(watch, now)
        if not is_fitting(remedy, trouble, patient):
            return "It does not fit what is wrong any more."
        reason = untouchable(remedy, patient)
        return None if reason is None else f"Not done: {reason}."

    def approved(self, watch: Watch, attempt: Attempt, issue: Issue, by: str | None, now: datetime) -> list[Given]:
        """A person has said yes to what was asked: its first step is due."""
        given = self._question_answered(attempt, now)
        attempt.row = cases.approved(attempt.row, by, self.snapshot(watch.device), now)
        attempt.revision += 1
        attempt.step_at = now
        watch.tried_at[attempt.remedy.name] = now
        return [
            *given,
            AppendCase("self_healing_executions", attempt.id, attempt.revision, attempt.row),
            self._save_tried(watch),
            self._announce(watch, attempt, issue),
        ]

    def go_on(self, watch: Watch, attempt: Attempt, now: datetime) -> list[Given]:
        """The step that is due. What is to be seen of it counts from then on."""
        steps = attempt.remedy.steps
        _, step = steps[attempt.steps_done]
        attempt.steps_done += 1
        within = attempt.remedy.verify_within
        attempt.verify_by = now + (max(within, SAID_WITHIN) if attempt.symptom in SAID else within)
        attempt.step_at = now + steps[attempt.steps_done][0] if attempt.steps_done < len(steps) else None
        return [*step(Treated(self.patient(watch, now), Cause(SELF_HEALING, attempt.id), self._new_id))]

    def is_settled(self, watch: Watch, remedy: Remedy) -> bool:
        """Whether that its calls were confirmed says that it has helped, and all of them are."""
        if remedy is RESEND_COMMAND or remedy.verification != "expected_state":
            return remedy is RESEND_COMMAND
        return not any(self._home.is_commanded(each.id) for each in watch.device.entities)

    def end(
        self,
        watch: Watch,
        trouble: Trouble,
        status: str,
        issue: Issue | None,
        now: datetime,
        *,
        is_resolved: bool,
        error: str | None = None,
    ) -> list[Given]:
        """What was begun is done to its end: what was switched off is switched on again."""
        attempt = trouble.attempt
        assert attempt is not None
        given = self._question_answered(attempt, now)
        while attempt.step_at is not None and attempt.steps_done:
            given += self.go_on(watch, attempt, now)
        trouble.attempt = None
        row = cases.ended(
            attempt.row, status, now, is_resolved=is_resolved, snapshot=self.snapshot(watch.device), error=error
        )
        given.append(AppendCase("self_healing_executions", attempt.id, attempt.revision + 1, row))
        attempt.row = row
        if status in {"completed", "failed"}:
            self.learned.note(attempt.remedy, watch.device, helped=is_resolved)
            if is_resolved:
                watch.relieved_at[attempt.remedy.name] = now
            given.append(Save(ROOM, LEARNED, self.learned.as_json(), Durability.LAZY))
        return [*given, self._announce(watch, attempt, issue)]

    def tell(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """Nothing else is left: a person learns it, with what was tried. Of each matter apart: each has its own end."""
        tried = [remedy.words for remedy in LADDER if remedy is not TELL_PERSON and trouble.attempts.get(remedy.name)]
        words = f"Tried: {', '.join(tried)}." if tried else ""
        given: list[Given] = []
        for symptom in to_tell(watch, trouble, now):
            issue = trouble.issue(watch.device.id, symptom)
            is_tried = not all(symptom not in remedy.symptoms for remedy in LADDER if remedy is not TELL_PERSON)
            given += self._tell_of(watch, trouble, issue, words if is_tried else "", now)
        return [*given, self._save_tried(watch)]

    def _tell_of(self, watch: Watch, trouble: Trouble, issue: Issue, tried: str, now: datetime) -> list[Given]:
        symptom = Symptom(issue.code)
        last_told_at = watch.tried_at.get(TELL_PERSON.name)
        row = self._row(watch, trouble, TELL_PERSON, issue, now, asks=False)
        if last_told_at is None:
            watch.tried_at.pop(TELL_PERSON.name)
        else:
            watch.tried_at[TELL_PERSON.name] = last_told_at
        watch.tried_at[told_key(symptom)] = now
        snapshot = self.snapshot(watch.device)
        execution = cases.ended(row, "requires_manual", now, is_resolved=False, snapshot=snapshot)
        advice = what_to_do(watch.device, symptom, self._home)
        alert = cases.alert(self._new_id(), watch.device, issue, advice=advice, tried=tried, snapshot=snapshot, now=now)
        trouble.told[matter_of(symptom)] = Told(execution, alert)
        return [
            AppendCase("self_healing_executions", str(execution["id"]), 1, execution),
            AppendCase("alerts", str(alert["id"]), 1, alert),
            self._announce(watch, Attempt(TELL_PERSON, execution, now), issue),
        ]

    def untold(self, watch: Watch, trouble: Trouble, now: datetime) -> list[Given]:
        """What is over: who was told of it learns that, too."""
        wrong = {matter_of(symptom) for symptom in trouble.symptoms}
        return [
            given
            for matter in [each for each in trouble.told if each not in wrong]
            for given in self._untold_of(watch, trouble.told.pop(matter), now)
        ]

    def _untold_of(self, watch: Watch, told: Told, now: datetime) -> list[Given]:
        execution = cases.ended(
            told.execution, "completed", now, is_resolved=True, snapshot=self.snapshot(watch.device)
        )
        alert = cases.resolved(told.alert, now)
        return [
            AppendCase("self_healing_executions", str(execution["id"]), 2, execution),
            AppendCase("alerts", str(alert["id"]), 2, alert),
        ]

    def snapshot(self, device: Device) -> JsonObject:
        states = ((entity.id, self._home.state(entity.id)) for entity in device.entities)
        return {str(name): {"state": state.state, "attributes": state.attributes} for name, state in states if state}

    def _limits(self) -> Limits:
        return Limits.read(self._home.healing_wishes())

    def _row(
        self, watch: Watch, trouble: Trouble, remedy: Remedy, issue: Issue, now: datetime, *, asks: bool
    ) -> cases.CaseRow:
        count = trouble.attempts.get(remedy.name, 0) + 1
        trouble.attempts[remedy.name] = count
        trouble.passed.add(remedy.name)
        if not asks:
            watch.tried_at[remedy.name] = now
        snapshot = self.snapshot(watch.device)
        return cases.execution(
            self._new_id(), watch.device, remedy, issue, attempt=count, asks=asks, snapshot=snapshot, now=now
        )

    def _question_answered(self, attempt: Attempt, now: datetime) -> list[Given]:
        if attempt.question is None:
            return []
        answered = cases.resolved(attempt.question, now)
        attempt.question = None
        return [AppendCase("alerts", str(answered["id"]), 2, answered)]

    def _save_tried(self, watch: Watch) -> Save:
        tried = {name: at.isoformat() for name, at in watch.tried_at.items()}
        return Save(ROOM, f"{TRIED}{watch.device.id}", tried, Durability.COMMIT)

    def _announce(self, watch: Watch, attempt: Attempt, issue: Issue | None) -> Announce:
        body = {"subject": watch.device.id, "name": watch.device.name, "remedy": attempt.remedy.name}
        status = str(attempt.row["status"])
        told = {"code": issue.code, "text": issue.text} if issue else {"code": None, "text": ""}
        return Announce("issue", {**body, "status": status, **told})
