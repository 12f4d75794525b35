"""Automations and scripts as people's files write them, in the old and the new spelling, as fields of an `automations` row."""

from collections.abc import Mapping

from hub_agent.core.automation.reading import Fields, items_of
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonObject, JsonValue

# What stands in the row's `metadata`, under the same name.
METADATA_KEYS = ("mode", "max", "max_exceeded", "variables", "trigger_variables", "initial_state", "trace", "fields")


def automation_fields(config: JsonValue) -> JsonObject:
    """Raises DefinitionError for what it does not know."""
    fields = Fields(config, "")
    own_id, alias = fields.take("id"), fields.take("alias")
    name = alias if alias is not None else own_id
    row: dict[str, JsonValue] = {
        "name": "automation" if name is None else str(name),
        "description": _text_or_none(fields.take("description"), "description"),
        "automation_type": "trigger_based",
        "triggers": list(items_of(fields.one_of("triggers", "trigger", []))),
        "conditions": list(items_of(fields.one_of("conditions", "condition", []))),
        "actions": _required_actions(fields, "actions", "action"),
        "metadata": {**_metadata(fields), **({} if own_id is None else {"imported_from": {"id": str(own_id)}})},
    }
    fields.finish()
    return row


def script_fields(object_id: str, config: JsonValue) -> JsonObject:
    fields = Fields(config, "")
    alias = fields.take("alias")
    row: dict[str, JsonValue] = {
        "name": object_id if alias is None else str(alias),
        "description": _text_or_none(fields.take("description"), "description"),
        "icon": fields.take("icon"),
        "automation_type": "condition_based",
        "triggers": [],
        "conditions": [],
        "actions": _required_actions(fields, "sequence", "actions"),
        "metadata": {**_metadata(fields), "kind": "script", "object_id": object_id},
    }
    fields.finish()
    return row


def _metadata(fields: Fields) -> Mapping[str, JsonValue]:
    fields.take("hide_entity")
    return {key: fields.take(key) for key in METADATA_KEYS if fields.has(key)}


def _required_actions(fields: Fields, new: str, old: str) -> list[JsonValue]:
    if not fields.has(new) and not fields.has(old):
        raise DefinitionError(f"'{new}' is missing", fields.where)
    return list(items_of(fields.one_of(new, old)))


def _text_or_none(value: JsonValue, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise DefinitionError("must be text", where)
