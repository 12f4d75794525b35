"""Values that know where they were written: what YAML gives, as plain JSON with a place for every mapping, key and item."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub_agent.model.json import JsonValue


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """`file` is named below the folder that is read; `line` counts from 1."""

    file: str
    line: int


class PlacedMap(dict[str, JsonValue]):
    """A mapping; `places` says where each key stands. `has_odd_keys`: numbers or truths were keys, and are text now."""

    __slots__ = ("has_odd_keys", "place", "places")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: dict[str, Place] = {}
        self.has_odd_keys = False

    def put(self, key: str, value: JsonValue, place: Place) -> None:
        self[key] = value
        self.places[key] = place


class PlacedList(list[JsonValue]):
    __slots__ = ("place", "places")

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: list[Place] = []

    def put(self, value: JsonValue, place: Place) -> None:
        self.append(value)
        self.places.append(place)


class BlueprintInput(str):
    """`!input name`: to be replaced by what an instance gives. The text is the name."""

    __slots__ = ()


class Missing(str):
    """Stands for what could not be read: a secret that is not there, a file that is missing. The text says how it was written."""

    __slots__ = ()


def place_of(value: JsonValue, default: Place) -> Place:
    return value.place if isinstance(value, PlacedMap | PlacedList) else default


# What the loader's paths call otherwise than the files may.
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "triggers": ("trigger",),
    "conditions": ("condition",),
    "actions": ("action", "sequence"),
    "trigger": ("platform",),
    "action": ("service", "service_template"),
    "entity_id": ("target", "data", "data_template"),
    "data": ("data_template",),
}


def find_place(config: JsonValue, path: str, default: Place) -> Place:
    """Where the thing at `path` (as a DefinitionError names it) was written; as near as can be told."""
    place = place_of(config, default)
    value = config
    for part in path.split("/"):
        if isinstance(value, PlacedMap):
            key = next((each for each in (part, *_SPELLINGS.get(part, ())) if each in value), None)
            if key is None:
                if part in {"metadata", "0"}:
                    continue  # `metadata` is where the row keeps what stands at the top of a file; one thing is its own list
                return place
            place, value = value.places.get(key, place), value[key]
        elif isinstance(value, PlacedList) and part.isdigit() and int(part) < len(value):
            place, value = value.places[int(part)], value[int(part)]
        elif part != "0":
            return place
    return place_of(value, place) if isinstance(value, PlacedMap) else place


def texts_in(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(item, f"{path}/{key}" if path else key)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts_in(item, f"{path}/{index}" if path else str(index))


def plain(value: JsonValue) -> JsonValue:
    """A copy of plain dicts and lists, to be sent or changed."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
