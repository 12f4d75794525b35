"""What is wrong with one device, and how far its healing has come. All of it survives a crash."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub_agent.core.expectation import meets, number_in
from hub_agent.core.healing import cases
from hub_agent.core.healing.cases import CaseRow
from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.core.healing.remedy import Home, Remedy, Unconfirmed
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

# What may come of that which a device hangs on. An empty battery does not: it is the device's own whatever its bridge does.
REACHING = frozenset(
    {
        Symptom.SILENT,
        Symptom.UNAVAILABLE,
        Symptom.UNCONFIRMED,
        Symptom.TOGETHER,
        Symptom.FLAPPING,
        Symptom.ERRORS,
    }
)
UNREACHED = "unreached"
REPEATS_MAX = 10

# What is wrong with what a device says, so that the next thing that it says proves nothing: what ends it is that it passes.
SAID = frozenset({Symptom.STUCK, Symptom.ERRORS, Symptom.RESET})
SAID_WITHIN = timedelta(minutes=25)


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
    repeats: int = 0

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def symptom(self) -> Symptom:
        """What it was begun for."""
        metadata = self.row["metadata"]
        assert isinstance(metadata, Mapping)
        return Symptom(str(metadata["issue"]))

    @property
    def is_proved_by_report(self) -> bool:
        """That it says something proves nothing where it went on saying what is wrong."""
        return self.remedy.verification == "report" and self.symptom not in SAID

    @property
    def due_at(self) -> datetime:
        return self.verify_by if self.step_at is None else min(self.step_at, self.verify_by)

    def repeat_last(self, at: datetime) -> bool:
        """The last of several steps came to nothing, or may have: once more then. What was taken away must be given back."""
        if not self.remedy.then or self.steps_done < len(self.remedy.steps) or self.repeats >= REPEATS_MAX:
            return False
        self.repeats += 1
        self.steps_done -= 1
        self.step_at = at
        return True

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
            "repeats": self.repeats,
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
            int(number_in(body.get("repeats")) or 0),
        )


@dataclass(slots=True)
class Told:
    """A person has been told: the two rows that say "resolved" when it is over."""

    execution: CaseRow
    alert: CaseRow

    def as_json(self) -> JsonObject:
        return {"execution": cases.as_json(self.execution), "alert": cases.as_json(self.alert)}

    @classmethod
    def from_json(cls, body: JsonObject) -> "Told":
        return cls(cases.from_json(body["execution"]), cases.from_json(body["alert"]))


def matter_of(symptom: Symptom) -> str:
    """What people are told of at once: that it cannot be reached is one matter, an empty battery another."""
    return UNREACHED if symptom in REACHING else symptom.value


@dataclass(slots=True)
class Trouble:
    """`symptoms` by when they came: the first is the issue that healings are recorded under.

    `held_by`: the bridge whose trouble this is; while it is held nothing is tried here. `passed`: remedies that had their
    turn in this pass of the ladder; between two passes it rests. `told`: by matter.
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
    told: dict[str, Told] = field(default_factory=dict)
    since_by_symptom: dict[Symptom, datetime] = field(default_factory=dict)
    is_resting: bool = False

    @property
    def untold(self) -> list[Symptom]:
        """Of each matter that nobody was told of, what came first."""
        first = {matter_of(symptom): symptom for symptom in reversed(self.symptoms)}
        return [
            symptom
            for symptom in self.symptoms
            if first[matter_of(symptom)] is symptom and matter_of(symptom) not in self.told
        ]

    @property
    def unreached_since(self) -> datetime | None:
        """Since when it cannot be reached as it should; something else may have been wrong with it for long."""
        return min((self.since_of(symptom) for symptom in self.symptoms if symptom in REACHING), default=None)

    def issue(self, device_id: DeviceId, symptom: Symptom) -> Issue:
        return Issue(symptom.value, device_id, self.since_of(symptom), self.symptoms.get(symptom, {}))

    def since_of(self, symptom: Symptom) -> datetime:
        return self.since_by_symptom.get(symptom, self.since)

    def shift(self, by: timedelta) -> None:
        self.since += by
        self.ready_at += by
        self.since_by_symptom = {symptom: at + by for symptom, at in self.since_by_symptom.items()}
        if self.attempt is not None:
            self.attempt.shift(by)

    def is_for_what_lasts(self, remedy: Remedy) -> bool:
        """Whether something is wrong still that it is for; whatever keeps a device out of reach is one matter."""
        if REACHING.isdisjoint(remedy.symptoms):
            return not remedy.symptoms.isdisjoint(self.symptoms)
        return self.unreached_since is not None

    def as_json(self) -> JsonObject:
        return {
            "since": self.since.isoformat(),
            "since_by_symptom": {symptom.value: at.isoformat() for symptom, at in self.since_by_symptom.items()},
            "symptoms": {symptom.value: details for symptom, details in self.symptoms.items()},
            "raised": sorted(self.raised),
            "command": self.command.as_json() if self.command else None,
            "attempt": self.attempt.as_json() if self.attempt else None,
            "attempts": self.attempts.copy(),
            "passed": sorted(self.passed),
            "held_by": self.held_by,
            "told": {matter: told.as_json() for matter, told in self.told.items()},
        }

    @classmethod
    def from_json(cls, body: JsonObject, ready_at: datetime) -> "Trouble":
        trouble = cls(datetime.fromisoformat(str(body["since"])), ready_at)
        trouble.symptoms = {Symptom(code): mapping(details) for code, details in mapping(body["symptoms"]).items()}
        trouble.since_by_symptom = {
            Symptom(code): datetime.fromisoformat(str(at)) for code, at in mapping(body.get("since_by_symptom")).items()
        }
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
        if "alert" in told:  # as an older agent has kept it
            told = {UNREACHED: told}
        trouble.told = {matter: Told.from_json(mapping(each)) for matter, each in told.items()}
        return trouble


def is_settled_by_itself(trouble: Trouble, home: Home) -> bool:
    """The thing is as it was wanted, or somebody has changed it since: the command is no longer owed."""
    command = trouble.command
    state = home.state(command.entity_id) if command else None
    if command is None or state is None:
        return False
    return meets(command.expected, state) or state.changed_at > command.sent_at


def mapping(value: JsonValue) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _texts(values: JsonValue) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
