"""Finds the automations, scripts, scenes and helpers of a configuration, wherever they are written."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub_agent.errors import FileNotUnderstood
from hub_agent.importing.commands import COMMAND_DOMAINS
from hub_agent.importing.folder import Folder
from hub_agent.importing.helpers import HELPER_DOMAINS, FoundHelper, helpers_in
from hub_agent.importing.made_there import PLATFORM_DOMAINS, made_in
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import Missing, Place, PlacedList, PlacedMap, place_of

CONFIGURATION: Final = "configuration.yaml"
RULES_MAX: Final = 20_000
# `automation kitchen:` is one more list of automations.
_LABELLED: Final = re.compile(r"^(automation|script|scene)( .+)?$")
_TRIGGERS: Final = ("trigger", "triggers", "use_blueprint")
_ACTIONS: Final = ("action", "actions", "use_blueprint")
# A list's item with one of these is a template entity, not an automation, though it has triggers too.
_TEMPLATE_ENTITIES: Final = frozenset({"sensor", "binary_sensor", "number", "select", "image", "weather", "button"})


@dataclass(frozen=True, slots=True)
class Found:
    """One thing as it is written. `key`: a script's or labelled automation's name among its neighbours."""

    kind: str
    config: JsonValue
    place: Place
    key: str | None = None


@dataclass(slots=True)
class HomeFiles:
    folder: Folder
    found: list[Found] = field(default_factory=list)
    helpers: list[FoundHelper] = field(default_factory=list)
    # `rest_command.<name>` and `shell_command.<name>`, as they are written.
    commands: dict[str, JsonValue] = field(default_factory=dict)
    # Entities that Home Assistant makes of its configuration, with where.
    made_there: dict[str, Place] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Found]:
        return [each for each in self.found if each.kind == kind]


def read_home(path: Path) -> HomeFiles:
    """From a folder or one file. Raises FileNotUnderstood where nothing can be read at all."""
    if path.is_dir():
        home = HomeFiles(Folder(path))
        main = path / CONFIGURATION
        if main.is_file():
            _read_configuration(home, main)
        if not home.found:
            for each in home.folder.yaml_files():
                if "blueprints" not in each.relative_to(path).parts[:1] and each != main:
                    _guess(home, home.folder.read_or_note(each), each)
        return home
    if not path.is_file():
        raise FileNotUnderstood("there is no such file or folder", str(path), 1)
    home = HomeFiles(Folder(path.parent))
    if path.name == CONFIGURATION:
        _read_configuration(home, path)
    else:
        _guess(home, home.folder.read_or_note(path), path)
    return home


def _read_configuration(home: HomeFiles, main: Path) -> None:
    content = home.folder.read_or_note(main)
    if isinstance(content, PlacedMap):
        _take_package(home, content)
        core = content.get("homeassistant")
        packages = core.get("packages") if isinstance(core, PlacedMap) else None
        if isinstance(packages, PlacedMap):
            for package in packages.values():
                _take_package(home, package)
        elif isinstance(packages, PlacedList):
            for item in packages:
                for package in item.values() if isinstance(item, PlacedMap) else ():
                    _take_package(home, package)


def _take_package(home: HomeFiles, content: JsonValue) -> None:
    if not isinstance(content, PlacedMap):
        return
    for key, value in content.items():
        labelled = _LABELLED.match(key)
        if labelled is not None:
            _take_all(home, labelled[1], value, content.places[key])
        elif key in HELPER_DOMAINS:
            home.helpers += helpers_in(key, value, content.places[key])
        elif key in COMMAND_DOMAINS and isinstance(value, PlacedMap):
            home.commands |= {f"{key}.{name}": item for name, item in value.items()}
        elif key == "template" or key in PLATFORM_DOMAINS:
            home.made_there |= dict(made_in(key, value))


def _take_all(home: HomeFiles, kind: str, value: JsonValue, place: Place) -> None:
    """A list of things, one thing, or (scripts, and automations by name) a mapping of them."""
    if value is None or isinstance(value, Missing):
        return
    if isinstance(value, PlacedList):
        for item, at in zip(value, value.places, strict=True):
            if kind == "script" and isinstance(item, PlacedMap):  # a list of files with scripts
                _take_named(home, kind, item)
            elif kind == "automation" and isinstance(item, PlacedList):  # a list of files with lists
                _take_all(home, kind, item, at)
            elif not isinstance(item, Missing):
                _take(home, kind, item, place_of(item, at))
        return
    if not isinstance(value, PlacedMap):
        home.folder.note(place.file, place.line, f"'{kind}' holds neither a list nor a mapping")
    elif kind == "script":
        _take_named(home, kind, value)
    elif _is_one(kind, value):
        _take(home, kind, value, value.place)
    else:
        _take_named(home, kind, value)


def _is_one(kind: str, value: PlacedMap) -> bool:
    keys = ("entities",) if kind == "scene" else (*_TRIGGERS, *_ACTIONS)
    return any(key in value for key in keys)


def _take_named(home: HomeFiles, kind: str, value: PlacedMap) -> None:
    for key, item in value.items():
        if isinstance(item, PlacedList):
            _take_all(home, kind, item, value.places[key])
        elif item is not None and not isinstance(item, Missing):
            _take(home, kind, item, value.places[key], key)


def _take(home: HomeFiles, kind: str, config: JsonValue, place: Place, key: str | None = None) -> None:
    if len(home.found) >= RULES_MAX:
        raise FileNotUnderstood(
            f"there are more than {RULES_MAX} automations, scripts and scenes", place.file, place.line
        )
    home.found.append(Found(kind, config, place, key))


# Files without a configuration.yaml that says what they are.


def _guess(home: HomeFiles, content: JsonValue, path: Path) -> None:
    if path.name == "automations.yaml" and isinstance(content, PlacedList):
        _take_all(home, "automation", content, content.place)  # also what does not look like one
    elif isinstance(content, PlacedList):
        for item, at in zip(content, content.places, strict=True):
            _guess_one(home, item, at, None)
    elif isinstance(content, PlacedMap):
        if any(_LABELLED.match(key) for key in content) and not _looks_like(content):
            _take_package(home, content)
        elif not _guess_one(home, content, content.place, path.stem.rpartition("__")[2]):
            for key, item in content.items():
                if key in HELPER_DOMAINS:
                    home.helpers += helpers_in(key, item, content.places[key])
                else:
                    _guess_one(home, item, content.places[key], key)


def _guess_one(home: HomeFiles, item: JsonValue, place: Place, key: str | None) -> bool:
    kind = _looks_like(item)
    if kind is not None:
        _take(home, kind, item, place, key if kind == "script" else None)
    return kind is not None


def _looks_like(item: JsonValue) -> str | None:
    if not isinstance(item, PlacedMap) or "blueprint" in item:
        return None
    if "sequence" in item and not any(key in item for key in ("trigger", "triggers")):
        return "script"
    if any(key in item for key in _TRIGGERS) and any(key in item for key in _ACTIONS):
        return None if _TEMPLATE_ENTITIES & item.keys() else "automation"
    if isinstance(item.get("entities"), PlacedMap) and "name" in item:
        return "scene"
    return None
