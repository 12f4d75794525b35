"""`and`, `or`, `not`: over three outcomes."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import Condition, ConditionsReader, Scope, judge_all
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.model.automation import Outcome


@dataclass(frozen=True, slots=True)
class AndTest:
    conditions: tuple[Condition, ...]

    def judge(self, scope: Scope) -> Outcome:
        return judge_all(self.conditions, scope)


@dataclass(frozen=True, slots=True)
class OrTest:
    conditions: tuple[Condition, ...]

    def judge(self, scope: Scope) -> Outcome:
        outcome = Outcome.FALSE
        for condition in self.conditions:
            if condition.is_enabled:
                found = condition.judge(scope)
                if found is Outcome.TRUE:
                    return found
                if found is Outcome.ERROR:
                    outcome = found
        return outcome


@dataclass(frozen=True, slots=True)
class NotTest:
    """None of them may be true."""

    conditions: tuple[Condition, ...]

    def judge(self, scope: Scope) -> Outcome:
        match OrTest(self.conditions).judge(scope):
            case Outcome.TRUE:
                return Outcome.FALSE
            case Outcome.FALSE:
                return Outcome.TRUE
            case Outcome.ERROR:
                return Outcome.ERROR


def read_and(fields: Fields, reader: Reader, conditions: ConditionsReader) -> AndTest:
    return AndTest(conditions(fields.require("conditions"), reader, fields.path("conditions")))


def read_or(fields: Fields, reader: Reader, conditions: ConditionsReader) -> OrTest:
    return OrTest(conditions(fields.require("conditions"), reader, fields.path("conditions")))


def read_not(fields: Fields, reader: Reader, conditions: ConditionsReader) -> NotTest:
    return NotTest(conditions(fields.require("conditions"), reader, fields.path("conditions")))
