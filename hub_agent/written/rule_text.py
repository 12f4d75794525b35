"""A rule as text that people can read, change and paste: YAML in the words of Home Assistant, of which JSON is a part. Both ways.

What a row keeps besides (where it was imported from, that it is a script) stays in the row and is not in the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub_agent.errors import DefinitionError, FileNotUnderstood
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.written.placed import Place, PlacedMap, find_place, plain

# How a fault's place is named that is not at a line of its own.
TEXT = "text"
LENGTH_MAX = 200_000
_WIDTH = 110

# What a row keeps in `metadata` stands at the top of the text.
_IN_METADATA = ("mode", "max", "max_exceeded", "variables", "trigger_variables", "initial_state", "catch_up", "trace")
# Columns of the row, and what they are when the text does not name them.
_COLUMNS: Mapping[str, JsonValue] = {
    "description": None,
    "triggers": [],
    "conditions": [],
    "actions": [],
    "execution_mode": "sequential",
    "delay_between_actions_ms": 0,
    "retry_on_failure": False,
    "max_retries": 3,
    "schedule_type": None,
    "schedule_config": None,
    "timezone": "UTC",
}
_OLD_SPELLING = {"trigger": "triggers", "condition": "conditions", "action": "actions"}
# Of a rule from elsewhere: what says nothing here.
_IGNORED = frozenset({"id"})


@dataclass(frozen=True, slots=True)
class RuleText:
    """A text that was read: the columns of the row, and where each part of them is written."""

    fields: JsonObject
    config: PlacedMap

    def line_of(self, path: str) -> int:
        """Of a place as a DefinitionError names it; as near as can be told."""
        return find_place(self.config, "alias" if path == "name" else path, Place(TEXT, 1)).line


def read_text(text: str, kept: JsonObject) -> RuleText:
    """`kept`: the `metadata` of the row as it is, of which stays what the text does not speak of. Raises FileNotUnderstood."""
    config = _read_yaml(text)
    if isinstance(config, list) and len(config) == 1:
        config = config[0]
    if not isinstance(config, PlacedMap):
        raise FileNotUnderstood("one automation is wanted: a mapping with alias, triggers and actions", TEXT, 1)
    given = {_OLD_SPELLING.get(key, key): plain(value) for key, value in config.items()}
    name = given.pop("alias", given.pop("name", None))
    metadata = {key: value for key, value in kept.items() if key not in _IN_METADATA}
    metadata |= {key: given.pop(key) for key in _IN_METADATA if key in given}
    fields: dict[str, JsonValue] = {"name": name, **_COLUMNS, "metadata": metadata}
    for key, value in given.items():
        if key in _COLUMNS:
            is_list = isinstance(_COLUMNS[key], list)
            fields[key] = _as_list(value) if is_list else value
        elif key not in _IGNORED:
            words = f"'{key}' is nothing that an automation has ({', '.join(['alias', *_COLUMNS, *_IN_METADATA])})"
            raise FileNotUnderstood(words, TEXT, config.places[key].line)
    if not isinstance(name, str):
        raise FileNotUnderstood("it needs a name: alias: Hall light with motion", TEXT, 1)
    return RuleText(fields, config)


def write_text(fields: JsonObject) -> str:
    """Raises DefinitionError for what no text can be made of."""
    import yaml  # only who looks behind a rule needs it

    metadata = fields.get("metadata")
    told: dict[str, JsonValue] = {"alias": fields.get("name")}
    told |= {
        key: fields[key]
        for key, usual in _COLUMNS.items()
        if key in {"triggers", "conditions", "actions"} or fields.get(key) not in (None, usual)
        if key in fields
    }
    told |= {key: metadata[key] for key in _IN_METADATA if isinstance(metadata, Mapping) and key in metadata}
    try:
        return str(yaml.dump(plain(told), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDTH))
    except (yaml.YAMLError, RecursionError) as err:
        raise DefinitionError(f"cannot be written as text: {err}") from err


def _read_yaml(text: str) -> JsonValue:
    from hub_agent.written.yaml_reader import Budget, read_yaml  # only who looks behind a rule needs it

    if len(text) > LENGTH_MAX:
        raise FileNotUnderstood(f"has more than {LENGTH_MAX} characters", TEXT, 1)

    def refuse(tag: str, _text: str, place: Place, _depth: int) -> JsonValue:
        raise FileNotUnderstood(
            f"'{tag}' is for files of Home Assistant; write here what it stands for", TEXT, place.line
        )

    return read_yaml(text, TEXT, refuse, Budget(LENGTH_MAX))


def _as_list(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _dumper() -> Any:
    """Text of several lines, as templates are, is written as several lines."""
    import yaml  # only who looks behind a rule needs it

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - what stands twice is written twice
            return True

    def write(dumper: Any, text: str) -> Any:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, write)
    return Dumper
