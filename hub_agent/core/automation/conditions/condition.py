"""What all kinds of conditions have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import Variables
from hub_agent.core.automation.views import iso
from hub_agent.core.automation.world import Outlook
from hub_agent.model.automation import Outcome
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import EntityState

NOTES_MAX = 200


class ConditionError(Exception):
    """A condition that cannot be judged: a missing entity, a value that is no number, a template that fails."""


@dataclass(slots=True)
class Scope:
    """What a condition is judged by. `notes` collects what was seen, for the trace; `seen` is that of the present condition."""

    outlook: Outlook
    now: datetime
    variables: Callable[[], Variables]
    notes: list[dict[str, JsonValue]] = field(default_factory=list)
    seen: dict[str, JsonValue] = field(default_factory=dict)

    def state(self, entity_id: str) -> EntityState:
        found = self.outlook.world.state(EntityId(entity_id))
        if found is None:
            self.seen[entity_id] = None
            raise ConditionError(f"{entity_id} does not exist")
        return found


class Test(Protocol):
    """One kind of condition as it was defined. May raise ConditionError."""

    def judge(self, scope: Scope) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Condition:
    path: str
    kind: str
    test: Test
    is_enabled: bool = True

    def judge(self, scope: Scope) -> Outcome:
        outer, scope.seen = scope.seen, {}
        error = None
        position = len(scope.notes)
        try:
            outcome = self.test.judge(scope)
        except ConditionError as err:
            outcome, error = Outcome.ERROR, str(err)
        if position < NOTES_MAX:
            note: dict[str, JsonValue] = {
                "path": self.path,
                "kind": self.kind,
                "at": iso(scope.now),
                "result": str(outcome),
            }
            if scope.seen:
                note["values"] = scope.seen
            if error is not None:
                note["error"] = error
            # Before those of the conditions inside it, as a reader expects it.
            scope.notes.insert(position, note)
        scope.seen = outer
        return outcome


def judge_all(conditions: Sequence[Condition], scope: Scope) -> Outcome:
    """False if any is false, else an error if any is one."""
    outcome = Outcome.TRUE
    for condition in conditions:
        if condition.is_enabled:
            found = condition.judge(scope)
            if found is Outcome.FALSE:
                return found
            if found is Outcome.ERROR:
                outcome = found
    return outcome


def all_of(entity_ids: Sequence[str], judge_one: Callable[[str], bool]) -> Outcome:
    """All entities must match: one that does not settles it, also where another cannot be judged. Raises ConditionError."""
    error = None
    for entity_id in entity_ids:
        try:
            if not judge_one(entity_id):
                return Outcome.FALSE
        except ConditionError as err:
            error = error or err
    if error is not None:
        raise error
    return Outcome.TRUE


ConditionsReader = Callable[[JsonValue, Reader, str], tuple[Condition, ...]]
TestReader = Callable[[Fields, Reader, ConditionsReader], Test]
