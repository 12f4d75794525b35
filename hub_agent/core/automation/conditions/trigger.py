"""`trigger`: the run was started by one of these triggers."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields, items_of
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Outcome


@dataclass(frozen=True, slots=True)
class TriggerTest:
    ids: frozenset[str]

    def judge(self, scope: Scope) -> Outcome:
        trigger = scope.variables().get("trigger")
        fired = trigger.get("id") if isinstance(trigger, Mapping) else None
        scope.seen["trigger"] = fired
        return Outcome.TRUE if fired in self.ids else Outcome.FALSE


def read_trigger(fields: Fields, _reader: Reader, _conditions: ConditionsReader) -> TriggerTest:
    ids = frozenset(str(each) for each in items_of(fields.require("id")))
    if not ids:
        raise DefinitionError("names no trigger", fields.path("id"))
    return TriggerTest(ids)
