"""`state`: entities have a state (or attribute), perhaps for a time."""

import re
from dataclasses import dataclass
from datetime import timedelta

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope, all_of
from hub_agent.core.automation.reading import Fields, items_of, kind_of, read_choice, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import Duration, are_same, read_duration
from hub_agent.core.automation.views import iso
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.automation import Outcome
from hub_agent.model.json import JsonValue

_INPUT = re.compile(r"^input_(select|text|number|boolean|datetime)\.[a-z0-9_]+$")


@dataclass(frozen=True, slots=True)
class StateTest:
    entity_ids: tuple[str, ...]
    wanted: tuple[JsonValue, ...]
    attribute: str | None
    length: Duration | None
    is_any_enough: bool

    def judge(self, scope: Scope) -> Outcome:
        if len(self.entity_ids) == 1:
            return Outcome.TRUE if self._judge_one(self.entity_ids[0], scope) else Outcome.FALSE
        if not self.is_any_enough:
            return all_of(self.entity_ids, lambda entity_id: self._judge_one(entity_id, scope))
        # All are looked at: one that does not exist is a mistake even where another matches.
        found = [self._judge_one(entity_id, scope) for entity_id in self.entity_ids]
        return Outcome.TRUE if any(found) else Outcome.FALSE

    def _judge_one(self, entity_id: str, scope: Scope) -> bool:
        seen = scope.state(entity_id)
        value: JsonValue = seen.state
        if self.attribute is not None:
            value = seen.attributes.get(self.attribute)
            scope.seen[entity_id] = {self.attribute: value}
            if self.attribute not in seen.attributes:
                return False
        else:
            scope.seen[entity_id] = value
        if not any(are_same(value, self._wanted(each, scope)) for each in self.wanted):
            return False
        if self.length is None:
            return True
        scope.seen[f"{entity_id} since"] = iso(seen.changed_at)
        return scope.now - seen.changed_at > self._length(scope)

    def _wanted(self, value: JsonValue, scope: Scope) -> JsonValue:
        if isinstance(value, str) and value.startswith("input_") and _INPUT.match(value):
            seen = scope.state(value)
            scope.seen[value] = seen.state
            return seen.state
        return value

    def _length(self, scope: Scope) -> timedelta:
        try:
            return self.length.get(scope.variables) if self.length else timedelta()
        except (TemplateError, ValueError) as err:
            raise ConditionError(str(err)) from err


def read_state(fields: Fields, reader: Reader, _conditions: ConditionsReader) -> StateTest:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    attribute = fields.text("attribute") if fields.has("attribute") else None
    wanted = tuple(items_of(fields.require("state")))
    for each in wanted:
        if attribute is None and not isinstance(each, str):
            raise DefinitionError(f"a state is text, not {kind_of(each)}", fields.path("state"))
    length = read_duration(fields.take("for"), reader.templates, fields.path("for")) if fields.has("for") else None
    match = read_choice(fields.take("match", "all"), ("all", "any"), fields.path("match"))
    return StateTest(entity_ids, wanted, attribute, length, match == "any")
