"""`numeric_state`: numbers lie in a range now."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope, all_of
from hub_agent.core.automation.limits import NotANumber, Range, read_range
from hub_agent.core.automation.reading import Fields, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.model.automation import Outcome


@dataclass(frozen=True, slots=True)
class NumericTest:
    entity_ids: tuple[str, ...]
    range: Range

    def judge(self, scope: Scope) -> Outcome:
        return all_of(self.entity_ids, lambda entity_id: self._judge_one(entity_id, scope))

    def _judge_one(self, entity_id: str, scope: Scope) -> bool:
        seen = scope.state(entity_id)
        try:
            value = self.range.value(entity_id, seen, scope.variables)
            scope.seen[entity_id] = value
            return self.range.holds_value(value, entity_id, scope.outlook)
        except NotANumber as err:
            raise ConditionError(str(err)) from err


def read_numeric_state(fields: Fields, reader: Reader, _conditions: ConditionsReader) -> NumericTest:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    return NumericTest(entity_ids, read_range(fields, reader.templates))
