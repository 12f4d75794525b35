"""Self-made devices (`input_boolean`, `timer`, `group` …) and zones: from what the files say of them to rows of this hub.

What Home Assistant's editor made lies as JSON in `.storage/<kind>`; there the registry may have given it another entity id than its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hub_agent.core.helpers import KINDS, read_kind
from hub_agent.errors import DefinitionError
from hub_agent.importing.folder import Folder
from hub_agent.importing.registry import Registry, listed
from hub_agent.importing.verdict import Judged, Reason, Severity
from hub_agent.model.ids import EntityId, slugify
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.written.placed import Missing, Place, PlacedList, PlacedMap, find_place, plain

# What a kind was called before.
OLD_NAMES: Final[Mapping[str, str]] = {"input_slider": "input_number"}
ZONE: Final = "zone"
HELPER_DOMAINS: Final = frozenset({*KINDS, *OLD_NAMES, ZONE})
_UNNAMED: Final = frozenset({"name", "id", "entity_id"})
_FLAGS: Final = frozenset({"has_date", "has_time", "restore", "all"})
_TRUTHS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "on", "1", "enable"), True),
    **dict.fromkeys(("false", "no", "off", "0", "disable"), False),
}
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class FoundHelper:
    """One as it is written."""

    domain: str
    object_id: str
    config: JsonValue
    place: Place

    @property
    def entity_id(self) -> str:
        return f"{self.domain}.{self.object_id}"


def helpers_in(domain: str, value: JsonValue, place: Place) -> Iterator[FoundHelper]:
    """Of the content of `input_boolean:` and its like: a mapping by object id, or a list of named ones."""
    domain = OLD_NAMES.get(domain, domain)
    if isinstance(value, PlacedMap) and domain not in {ZONE, "person"}:
        for key, item in value.items():
            yield FoundHelper(domain, key, item, value.places[key])
    elif isinstance(value, PlacedMap):
        yield from _named(domain, value, place)
    elif isinstance(value, PlacedList):
        for item, at in zip(value, value.places, strict=True):
            if domain in {ZONE, "person"}:
                yield from _named(domain, item, at)
            else:  # a list of files with mappings
                yield from helpers_in(domain, item, at)


def _named(domain: str, item: JsonValue, place: Place) -> Iterator[FoundHelper]:
    name = item.get("name") if isinstance(item, PlacedMap) else None
    if isinstance(name, str):
        yield FoundHelper(domain, slugify(name), item, place)


def stored_helpers(root: Path, registry: Registry) -> Iterator[FoundHelper]:
    for domain in sorted({*KINDS, ZONE}):
        file = root / ".storage" / domain
        for each in listed(file, "items"):
            own = each.get("id")
            if isinstance(own, str):
                entity_id = registry.entity_by_item.get((domain, own))
                object_id = entity_id.partition(".")[2] if entity_id else _object_id_of(domain, own, each)
                yield FoundHelper(domain, object_id, dict(each), Place(f".storage/{domain}", 1))


def _object_id_of(domain: str, own: str, item: Mapping[str, JsonValue]) -> str:
    """People and zones have numbers for ids: their entities are called by their names."""
    return slugify(str(item.get("name", own))) if domain in {"person", ZONE} else own


def judge_helpers(folder: Folder, found: list[FoundHelper]) -> list[Judged]:
    """Of two with the same entity id the first counts, as in Home Assistant."""
    seen: set[str] = set()
    shared: Counter[str] = Counter()
    judged: list[Judged] = []
    for each in sorted(found, key=lambda one: (one.place.file.startswith(".storage"), one.domain, one.object_id)):
        if each.domain != ZONE and each.entity_id not in seen:
            seen.add(each.entity_id)
            shared[each.object_id] += 1
            judged.append(_judged(folder, each, is_first=shared[each.object_id] == 1))
    return judged


def zones_of(folder: Folder, found: list[FoundHelper]) -> list[JsonValue]:
    """As the home's row holds them. `zone.home` is where the home is, and no zone of the files."""
    zones: dict[str, JsonValue] = {}
    for each in found:
        if each.domain != ZONE or each.object_id in {"home", *zones} or not isinstance(each.config, dict):
            continue
        config = each.config
        position = {key: _number(config.get(key)) for key in ("latitude", "longitude")}
        if None in position.values():
            folder.note(
                each.place.file,
                each.place.line,
                f"{each.entity_id} is left out: it needs latitude and longitude as numbers",
            )
            continue
        radius = _number(config.get("radius"))
        more: JsonObject = {key: config[key] for key in ("icon", "passive") if config.get(key) is not None}
        named: JsonObject = {"name": str(config.get("name")), "object_id": each.object_id}
        zones[each.object_id] = {**named, **position, "radius": 100 if radius is None else radius, **more}
    return list(zones.values())


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _judged(folder: Folder, found: FoundHelper, *, is_first: bool) -> Judged:
    config = found.config if isinstance(found.config, dict) else {}
    name = str(config.get("name") or found.object_id.replace("_", " ").capitalize())
    reasons: list[Reason] = []

    def add(code: str, text: str, path: str, severity: Severity) -> None:
        place = find_place(found.config, path, found.place)
        reasons.append(Reason(code, folder.masked(text), place.file, place.line, path, severity))

    settings = {key: plain(value) for key, value in config.items() if key not in _UNNAMED}
    for key, value in config.items():
        if isinstance(value, Missing):
            add("secret_missing", f"{value} is not among the files: it is left out", key, "differs")
            settings.pop(key, None)
    settings = _as_here(found.domain, settings)
    if found.config is not None and not isinstance(found.config, dict | list | str):
        add("not_understood", "must be a mapping", "", "cannot")
    if EntityId(found.entity_id) != found.entity_id or slugify(found.object_id) != found.object_id:
        add("not_understood", f"'{found.object_id}' is no name of small letters, digits and underscores", "", "cannot")
    try:
        read_kind(found.domain, settings)
    except DefinitionError as err:
        path = err.where.removeprefix("settings/")
        add("not_understood", str(err).removeprefix(f"{err.where}: "), path, "cannot")
    is_fatal = any(each.is_fatal for each in reasons)
    row = None if is_fatal else _row(found, name, settings, is_first=is_first)
    key = f"device/{found.entity_id}"
    return Judged("device", key, folder.masked(name), found.place.file, found.place.line, tuple(reasons), row)


def _row(found: FoundHelper, name: str, settings: JsonObject, *, is_first: bool) -> JsonObject:
    address = found.object_id if is_first else found.entity_id
    return {
        "device_name": name,
        "device_type": "other",
        "manufacturer_device_id": f"helper/{address}",
        "capabilities": {"entities": {found.entity_id: {"name": name, "domain": found.domain}}},
        "settings": settings,
    }


def _as_here(domain: str, settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
    flags = _FLAGS | ({"initial"} if domain == "input_boolean" else set())
    settings = {key: _truth(value) if key in flags else value for key, value in settings.items()}
    match domain:
        case "group":
            return {**settings, "entities": _entities_of(settings.get("entities"))}
        case "person":
            return {**settings, "device_trackers": _entities_of(settings.get("device_trackers"))}
        case "schedule":
            days = {day: [_block(each) for each in _list_of(settings.get(day))] for day in _DAYS if settings.get(day)}
            return {**{key: value for key, value in settings.items() if key not in _DAYS}, **days}
        case "input_select":
            return {**settings, "options": [str(each) for each in _list_of(settings.get("options"))]}
    return settings


def _entities_of(value: JsonValue) -> list[JsonValue]:
    """A list, or a text of several."""
    return [name.strip().lower() for each in _list_of(value) for name in str(each).split(",") if name.strip()]


def _list_of(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _truth(value: JsonValue) -> JsonValue:
    """Home Assistant takes words and numbers for a truth."""
    return _TRUTHS.get(str(value).lower(), value)


def _block(value: JsonValue) -> JsonValue:
    """YAML reads 17:30:00 without quotes as a number of seconds."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: _clock(item) if key in {"from", "to"} and isinstance(item, int) else item for key, item in value.items()
    }


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
