"""What is wrong with one device, and how far its healing has come. All of it survives a crash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub_agent.core.expectation import number_in
from hub_agent.core.healing import cases
from hub_agent.core.healing.cases import CaseRow
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.model.action import Command
from hub_agent.model.healing import Remedy, Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The newest command that the device did not confirm."""

    entity_id: EntityId
    action: str
    data: JsonObject
    expected: Mapping[str, JsonValue]
    sent_at: datetime

    @classmethod
    def of(cls, command: Command) -> "Unconfirmed":
        sent_at = command.sent_at or command.issued_at
        return cls(command.entity_id, command.action, command.data, command.expected, sent_at)

    def as_json(self) -> JsonObject:
        return {
            "entity_id": self.entity_id,
            "action": self.action,
            "data": self.data,
            "expected": self.expected,
            "sent_at": self.sent_at.isoformat(),
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Unconfirmed":
        return cls(
            EntityId(str(body["entity_id"])),
            str(body["action"]),
            mapping(body["data"]),
            mapping(body["expected"]),
            datetime.fromisoformat(str(body["sent_at"])),
        )


@dataclass(slots=True)
class Attempt:
    """A remedy that has been tried and is being verified."""

    remedy: Remedy
    row: CaseRow
    verify_by: datetime

    @property
    def id(self) -> str:
        return str(self.row["id"])


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
            "attempt": self._attempt_json(),
            "attempts": self.attempts.copy(),
            "passed": sorted(self.passed),
            "held_by": self.held_by,
            "told": None
            if self.told is None
            else {"execution": cases.as_json(self.told.execution), "alert": cases.as_json(self.told.alert)},
        }

    def _attempt_json(self) -> JsonObject | None:
        attempt = self.attempt
        if attempt is None:
            return None
        return {
            "remedy": attempt.remedy.name,
            "row": cases.as_json(attempt.row),
            "verify_by": attempt.verify_by.isoformat(),
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
            verify_by = datetime.fromisoformat(str(attempt["verify_by"]))
            trouble.attempt = Attempt(REMEDIES[str(attempt["remedy"])], cases.from_json(attempt["row"]), verify_by)
        if told:
            trouble.told = Told(cases.from_json(told["execution"]), cases.from_json(told["alert"]))
        return trouble


def mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _texts(values: JsonValue) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
