"""A rule that somebody is still writing: everything that is wrong with it at once, each at its place."""

from collections.abc import Mapping, Sequence

from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import Templates

FAULTS_MAX = 20

# What stands in for a part that cannot be read, so that the parts after it are read too.
_STAND_INS: Mapping[str, JsonValue] = {
    "triggers": {"trigger": "homeassistant", "event": "start"},
    "conditions": {"condition": "and", "conditions": []},
    "actions": {"delay": 0},
}


def read_draft(definition: Definition, templates: Templates) -> tuple[Rule, list[DefinitionError]]:
    """The rule, with a program if nothing is wrong with it."""
    program, faults = _read(definition, templates)
    entity_id = EntityId("automation.draft" if program is None else program.entity_id)
    return Rule(definition, entity_id, program), faults


def _read(definition: Definition, templates: Templates) -> tuple[Program | None, list[DefinitionError]]:
    faults: list[DefinitionError] = []
    fields: JsonObject | None = definition.fields
    while fields is not None and len(faults) < FAULTS_MAX:
        try:
            program = read_program(Definition(definition.kind, definition.id, fields), templates)
        except DefinitionError as err:
            if any(err.where == each.where for each in faults):
                break
            faults.append(err)
            fields = _without(fields, err.where)
        else:
            return (None if faults else program), faults
    return None, faults


def _without(fields: JsonObject, where: str) -> JsonObject | None:
    """The fields with something harmless at the place of the fault; None if there is no telling where that is."""
    column, _, rest = where.partition("/")
    part, _, _ = rest.partition("/")
    value = fields.get(column)
    if column == "name":
        return {**fields, "name": "?"}
    if column in _STAND_INS:
        items = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
        if part.isdigit() and int(part) < len(items):
            items[int(part)] = _STAND_INS[column]
            return {**fields, column: items}
        return {**fields, column: []} if value != [] else None
    if isinstance(value, Mapping) and part in value:
        return {**fields, column: {key: each for key, each in value.items() if key != part}}
    return {key: each for key, each in fields.items() if key != column} if column in fields else None
