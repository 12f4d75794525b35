"""A rule made from a blueprint, written out: the blueprint's own text with what the instance gives in place of each `!input`."""

from collections.abc import Mapping
from typing import Final

from hub_agent.errors import DefinitionError, FileNotUnderstood
from hub_agent.importing.folder import Folder
from hub_agent.importing.known_blueprints import known_blueprint
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import BlueprintInput, Place, PlacedList, PlacedMap

# What of an instance stands beside the blueprint's text, and before it.
_DEPTH_MAX: Final = 100


def written_out(folder: Folder, kind: str, config: PlacedMap) -> PlacedMap:
    """Raises DefinitionError."""
    use = config["use_blueprint"]
    path = use.get("path") if isinstance(use, PlacedMap) else None
    if not isinstance(use, PlacedMap) or not isinstance(path, str):
        raise DefinitionError("needs the 'path' of a blueprint", "use_blueprint")
    given = use.get("input")
    blueprint = _read(folder, kind, path, use.place)
    inputs = {**_defaults(blueprint), **(given if isinstance(given, PlacedMap) else {})}
    written = _with_inputs(blueprint, inputs, path, 0)
    assert isinstance(written, PlacedMap)
    for key in config:
        if key != "use_blueprint":
            written.put(key, config[key], config.places[key])
    for key in ("blueprint", "use_blueprint"):
        written.pop(key, None)
    return written


def _read(folder: Folder, kind: str, path: str, place: Place) -> PlacedMap:
    for base in (folder.root / "blueprints", folder.root.parent / "blueprints"):
        file = base / kind / path
        if base.parent != folder.root and not file.resolve().is_relative_to(folder.root.resolve()):
            continue
        try:
            content = folder.read(file)
        except FileNotUnderstood as err:
            known = known_blueprint(kind, path, place)
            if known is not None:
                return known
            raise DefinitionError(
                f"the blueprint '{path}' {err.text.replace('there is no such file', 'is not among the files')}: put it at blueprints/{kind}/{path}",
                "use_blueprint/path",
            ) from err
        if isinstance(content, PlacedMap) and isinstance(content.get("blueprint"), PlacedMap):
            return content
        raise DefinitionError(f"'{path}' is not a blueprint", "use_blueprint/path")
    raise DefinitionError(f"the blueprint '{path}' is not among the files", "use_blueprint/path")


def _defaults(blueprint: PlacedMap) -> dict[str, JsonValue]:
    about = blueprint["blueprint"]
    declared = about.get("input") if isinstance(about, PlacedMap) else None
    found: dict[str, JsonValue] = {}
    for name, body in declared.items() if isinstance(declared, PlacedMap) else ():
        inner = body.get("input") if isinstance(body, PlacedMap) else None
        section: Mapping[str, JsonValue] = inner if isinstance(inner, PlacedMap) else {name: body}
        for key, one in section.items():
            if isinstance(one, PlacedMap) and "default" in one:
                found[key] = one["default"]
    return found


def _with_inputs(value: JsonValue, inputs: Mapping[str, JsonValue], path: str, depth: int) -> JsonValue:
    if isinstance(value, BlueprintInput):
        if str(value) not in inputs:
            raise DefinitionError(f"the blueprint '{path}' needs the input '{value}'", "use_blueprint/input")
        return inputs[str(value)]
    if depth > _DEPTH_MAX:
        raise DefinitionError(f"the blueprint '{path}' is nested too deep", "use_blueprint")
    if isinstance(value, PlacedMap):
        mapping = PlacedMap(value.place)
        mapping.has_odd_keys = value.has_odd_keys
        for key, item in value.items():
            if depth > 0 or key != "blueprint":
                mapping.put(key, _with_inputs(item, inputs, path, depth + 1), value.places[key])
        return mapping
    if isinstance(value, PlacedList):
        found = PlacedList(value.place)
        for item, at in zip(value, value.places, strict=True):
            found.put(_with_inputs(item, inputs, path, depth + 1), at)
        return found
    return value
