"""What could not be read: secrets that are not among the files. The rule is judged with something in their place, and comes in switched off."""

from collections.abc import Iterator, Mapping
from typing import Final

from hub_agent.importing.abilities import Ability, ability
from hub_agent.importing.case import NAMES_AN_ACTION, Case
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import BlueprintInput, Missing, PlacedList, PlacedMap, texts_in

_GIVEN_ELSEWHERE: Final = ("!secret ", "!env_var ")
_ENTITIES: Final = frozenset({"entity_id", "zone"})
_ANY_TIME: Final = "00:00:00"


def look_at_gaps(case: Case) -> None:
    is_incomplete = False
    for path, mark in _marks_in(case.config):
        if isinstance(mark, BlueprintInput):
            case.add("blueprint", f"!input {mark} stands outside a blueprint", path, "cannot")
        elif _is_told_only(case.config, path):
            case.add("missing", f"{mark} could not be read; this hub does without it", path, "note")
        elif not mark.startswith(_GIVEN_ELSEWHERE):
            case.add("missing", f"{mark} could not be read", path, "cannot")
        else:
            words = f"{mark} is not among the files: the rule comes in switched off; import it again with its value in secrets.yaml"
            case.add("secret_missing", words, path)
            is_incomplete = True
    if is_incomplete:
        case.row["is_enabled"] = False
    for path in _odd_keys_in(case.config):
        case.add("key_not_text", "a key that is a number or a truth is kept as text", path, "note")


def filled(value: JsonValue, key: str = "", domain: str = "sensor") -> JsonValue:
    """A copy that the loader can read: something of the right form in place of each missing secret."""
    if isinstance(value, Missing):
        if not value.startswith(_GIVEN_ELSEWHERE):
            return value
        if key in _ENTITIES:
            return f"{'zone' if key == 'zone' else domain}.{slugify(value)}"
        return _ANY_TIME if key in {"at", "after", "before"} else value
    if isinstance(value, PlacedMap):
        action = next((value[each] for each in NAMES_AN_ACTION if isinstance(value.get(each), str)), None)
        inner = action.partition(".")[0] if isinstance(action, str) and not isinstance(action, Missing) else domain
        found = PlacedMap(value.place)
        found.has_odd_keys = value.has_odd_keys
        for name, item in value.items():
            found.put(name, filled(item, name, inner), value.places[name])
        return found
    if isinstance(value, PlacedList):
        items = PlacedList(value.place)
        for item, at in zip(value, value.places, strict=True):
            items.put(filled(item, key, domain), at)
        return items
    return value


def _marks_in(value: JsonValue, path: str = "") -> Iterator[tuple[str, BlueprintInput | Missing]]:
    if isinstance(value, BlueprintInput | Missing):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _marks_in(item, f"{path}/{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marks_in(item, f"{path}/{index}" if path else str(index))


def _odd_keys_in(value: JsonValue, path: str = "") -> Iterator[str]:
    if isinstance(value, PlacedMap):
        if value.has_odd_keys:
            yield path
        for key, item in value.items():
            yield from _odd_keys_in(item, f"{path}/{key}" if path else key)
    elif isinstance(value, PlacedList):
        for index, item in enumerate(value):
            yield from _odd_keys_in(item, f"{path}/{index}" if path else str(index))


def _is_told_only(config: PlacedMap, path: str) -> bool:
    """Whether what is missing stands among the data of a notice, which goes to the hub's own place anyway."""
    value: JsonValue = config
    holds_notice = False
    for part in path.split("/"):
        if isinstance(value, PlacedMap):
            action = next((value[key] for key in NAMES_AN_ACTION if key in value), None)
            holds_notice = holds_notice or (isinstance(action, str) and ability(action.strip()) is Ability.NOTICE)
            value = value.get(part)
        elif isinstance(value, PlacedList) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
    return holds_notice and not path.endswith((*NAMES_AN_ACTION, "message", "title"))


def note_secrets_told(case: Case, name_by_value: Mapping[str, str]) -> None:
    """A secret's value becomes part of a rule, which the central schema keeps too."""
    for path, text in texts_in(case.parts()) if name_by_value else ():
        name = name_by_value.get(text)
        if name is not None:
            words = f"the value of !secret {name} becomes part of the rule, in the central schema too"
            case.add("secret_told", words, path.removeprefix("metadata/"), "note")
