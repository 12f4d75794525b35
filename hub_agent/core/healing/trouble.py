"""What is wrong with one device, and how far its healing has come. All of it survives a crash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub_agent.core.expectation import number_in
from hub_agent.core.healing import cases
from hub_agent.core.healing.cases import CaseRow
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.healing.remedy import Remedy, Unconfirmed
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(slots=True)
class Attempt:
    """A remedy that has been tried and is being verified; with `question`, one that a person is asked about first.

    `steps_done` of the remedy's steps; the next is due at `step_at`. `verify_by`: until when it may show an effect, or
    somebody may answer.
    """

    remedy: Remedy
    row: CaseRow
    verify_by: datetime
    revision: int = 1
    steps_done: int = 0
    step_at: datetime | None = None
    question: CaseRow | None = None

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def due_at(self) -> datetime:
        return self.verify_by if self.step_at is None else min(self.step_at, self.verify_by)

    def shift(self, by: timedelta) -> None:
        self.verify_by += by
        if self.step_at is not None:
            self.step_at += by

    def as_json(self) -> JsonObject:
        return {
            "remedy": self.remedy.name,
            "row": cases.as_json(self.row),
            "verify_by": self.verify_by.isoformat(),
            "revision": self.revision,
            "steps_done": self.steps_done,
            "step_at": None if self.step_at is None else self.step_at.isoformat(),
            "question": None if self.question is None else cases.as_json(self.question),
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Attempt":
        step_at, question = body.get("step_at"), mapping(body.get("question"))
        return cls(
            REMEDIES[str(body["remedy"])],
            cases.from_json(body["row"]),
            datetime.fromisoformat(str(body["verify_by"])),
            int(number_in(body.get("revision")) or 1),
            int(number_in(body.get("steps_done")) or 0),
            datetime.fromisoformat(step_at) if isinstance(step_at, str) else None,
            cases.from_json(question) if question else None,
        )


@dataclass(slots=True)
class Told:
    """A person has been told: the two rows that say "resolved" when it is over."""

    execution: CaseRow
    alert: CaseRow


@dataclass(slots=True)
class Trouble:
    """`symptoms` by when they came: the first is the issue that healings are recorded under.

    `held_by`: the bridge whose trouble this is; while it is held nothing is tried here. `passed`: remedies that had their
    turn in this pass of the ladder.
    """

    since: datetime
    ready_at: datetime
    symptoms: dict[Symptom, JsonObject] = field(default_factory=dict)
    raised: set[Symptom] = field(default_factory=set)
    command: Unconfirmed | None = None
    attempt: Attempt | None = None
    attempts: dict[str, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    held_by: DeviceId | None = None
    told: Told | None = None

    def as_json(self) -> JsonObject:
        return {
            "since": self.since.isoformat(),
            "symptoms": {symptom.value: details for symptom, details in self.symptoms.items()},
            "raised": sorted(self.raised),
            "command": self.command.as_json() if self.command else None,
            "attempt": self.attempt.as_json() if self.attempt else None,
            "attempts": self.attempts.copy(),
            "passed": sorted(self.passed),
            "held_by": self.held_by,
            "told": None
            if self.told is None
            else {"execution": cases.as_json(self.told.execution), "alert": cases.as_json(self.told.alert)},
        }

    @classmethod
    def from_json(cls, body: JsonObject, ready_at: datetime) -> "Trouble":
        trouble = cls(datetime.fromisoformat(str(body["since"])), ready_at)
        trouble.symptoms = {Symptom(code): mapping(details) for code, details in mapping(body["symptoms"]).items()}
        trouble.raised = {Symptom(code) for code in _texts(body.get("raised"))}
        trouble.attempts = {name: int(number_in(count) or 0) for name, count in mapping(body["attempts"]).items()}
        trouble.passed = set(_texts(body.get("passed")))
        held_by = body.get("held_by")
        trouble.held_by = DeviceId(held_by) if isinstance(held_by, str) else None
        command, attempt, told = mapping(body["command"]), mapping(body["attempt"]), mapping(body["told"])
        if command:
            trouble.command = Unconfirmed.from_json(command)
        if attempt and str(attempt["remedy"]) in REMEDIES:
            trouble.attempt = Attempt.from_json(attempt)
        if told:
            trouble.told = Told(cases.from_json(told["execution"]), cases.from_json(told["alert"]))
        return trouble


def mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _texts(values: JsonValue) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
