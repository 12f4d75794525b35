"""`numeric_state`: numbers lie in a range now."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope
from hub_agent.core.automation.limits import NotANumber, Range, read_range
from hub_agent.core.automation.reading import Fields, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.model.automation import Outcome


@dataclass(frozen=True, slots=True)
class NumericTest:
    entity_ids: tuple[str, ...]
    range: Range

    def judge(self, scope: Scope) -> Outcome:
        is_met = True
        for entity_id in self.entity_ids:
            seen = scope.state(entity_id)
            try:
                scope.seen[entity_id] = self.range.value(entity_id, seen)
                is_met = self.range.holds(entity_id, seen, scope.outlook) and is_met
            except NotANumber as err:
                raise ConditionError(str(err)) from err
        return Outcome.TRUE if is_met else Outcome.FALSE


def read_numeric_state(fields: Fields, reader: Reader, _conditions: ConditionsReader) -> NumericTest:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    return NumericTest(entity_ids, read_range(fields, reader.templates))
