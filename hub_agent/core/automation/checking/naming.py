"""What a definition names, and where: entities, devices, rooms, scripts. What is disabled is not looked at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub_agent.core.automation.reading import is_entity_id
from hub_agent.core.automation.references import FREE_DOMAINS
from hub_agent.model.json import JsonObject
from hub_agent.templating import is_template

PARTS = ("triggers", "conditions", "actions")
ENTITY_KEYS = frozenset({"entity_id", "scene", "zone"})
KIND_BY_KEY = {"device_id": "device", "area_id": "area"}
ACTION_KEYS = frozenset({"action", "service"})
# Free data of events and of those who made the definition: nothing of the home is named there.
OTHERS = frozenset({"event_data", "event_data_template", "metadata", "alias", "description", "context"})
# Of a script these are not names.
SCRIPT_VERBS = frozenset({"script.turn_on", "script.turn_off", "script.toggle", "script.reload"})

_FUNCTIONS = "states|state_attr|is_state|is_state_attr|has_value|expand"
_CALLED = re.compile(rf"\b(?:{_FUNCTIONS})\(\s*['\"]([a-z0-9_]+\.[a-z0-9_]+)['\"]")
_FILTERED = re.compile(rf"['\"]([a-z0-9_]+\.[a-z0-9_]+)['\"]\s*\|\s*(?:{_FUNCTIONS})\b")


@dataclass(frozen=True, slots=True)
class Name:
    """kind: entity | device | area | template (an entity that a template asks for by its id)."""

    kind: str
    id: str
    path: str


def names_in(fields: JsonObject) -> Iterator[Name]:
    for part in PARTS:
        yield from _walk(fields.get(part), part)


def scenes_made_by(fields: JsonObject) -> Iterator[str]:
    """Scenes that exist only once the rule has made them."""
    for mapping in _mappings(fields.get("actions")):
        if any(mapping.get(key) == "scene.create" for key in ACTION_KEYS):
            data = mapping.get("data")
            made = data.get("scene_id") if isinstance(data, Mapping) else None
            if isinstance(made, str):
                yield f"scene.{made}"


def _walk(value: object, path: str) -> Iterator[Name]:
    if isinstance(value, str):
        yield from _in_template(value, path)
    elif isinstance(value, Mapping):
        if value.get("enabled") is not False:
            for key, item in value.items():
                # Beside `domain` it is Home Assistant's number of a device, which says nothing here; the entity is named.
                if key not in OTHERS and not (key == "device_id" and "domain" in value):
                    yield from _under(str(key), item, f"{path}/{key}")
    elif isinstance(value, Sequence):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}/{index}")


def _under(key: str, value: object, path: str) -> Iterator[Name]:
    if key in ENTITY_KEYS:
        yield from _entities(value, path)
    elif key in KIND_BY_KEY:
        if "/data/" not in path:  # there it may be anything that the action understands
            yield from (Name(KIND_BY_KEY[key], each, path) for each in _texts(value))
    elif key in ACTION_KEYS and isinstance(value, str) and value.startswith("script.") and value not in SCRIPT_VERBS:
        yield from _entities(value, path)
    else:
        yield from _walk(value, path)


def _entities(value: object, path: str) -> Iterator[Name]:
    if isinstance(value, str) and is_template(value):
        yield from _in_template(value, path)
        return
    for text in _texts(value):
        for part in text.split(","):
            name = part.strip().lower()
            if is_entity_id(name) and name.partition(".")[0] not in FREE_DOMAINS:
                yield Name("entity", name, path)


def _texts(value: object) -> Iterator[str]:
    """Of one or of a list; what is a template is not known."""
    if isinstance(value, str):
        if not is_template(value) and value:
            yield value
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _in_template(text: str, path: str) -> Iterator[Name]:
    if "{" not in text or not is_template(text):
        return
    for pattern in (_CALLED, _FILTERED):
        for found in pattern.finditer(text):
            yield Name("template", found[1], path)


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, Mapping):
        yield value
        for item in value.values():
            yield from _mappings(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from _mappings(item)
