"""YAML into placed values. Built from the parser's events, so that nothing is made before it is measured.

An alias costs as much as what it stands for, written out: a file of a kilobyte that means a gigabyte is refused.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from hub_agent.errors import FileNotUnderstood
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import Place, PlacedList, PlacedMap

DEPTH_MAX: Final = 100
NODES_MAX: Final = 3_000_000
NUMBER_CHARS_MAX: Final = 400
# This many characters of text count as one node.
CHARS_PER_NODE: Final = 64

# The fast parser where the platform has it.
_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final[Any] = Resolver()
_CONSTRUCTOR: Final[Any] = SafeConstructor()
_CORE: Final = "tag:yaml.org,2002:"
_MERGE: Final = f"{_CORE}merge"

# A tag of the application (`!include`): what is at its place instead. The last is how deep it stands.
ReadTag: TypeAlias = Callable[[str, str, Place, int], JsonValue]


@dataclass(slots=True)
class Budget:
    """What all files together may hold."""

    nodes_left: int = NODES_MAX

    def spend(self, nodes: int, place: Place) -> None:
        self.nodes_left -= nodes
        if self.nodes_left < 0:
            raise FileNotUnderstood(f"there is more than {NODES_MAX} values in all", place.file, place.line)


def read_yaml(text: str, file: str, read_tag: ReadTag, budget: Budget, depth: int = 0) -> JsonValue:
    """Raises FileNotUnderstood. An empty file is None."""
    reader = _Reader(file, read_tag, budget, yaml.parse(text, Loader=_PARSER))
    try:
        return reader.document(depth)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        words = err.problem or err.context or "is not YAML"
        raise FileNotUnderstood(words, file, mark.line + 1 if mark else 1) from err
    except (yaml.YAMLError, ValueError, OverflowError) as err:
        raise FileNotUnderstood(str(err).splitlines()[0] if str(err) else "is not YAML", file, 1) from err


class _Reader:
    def __init__(self, file: str, read_tag: ReadTag, budget: Budget, events: Iterator[Any]) -> None:
        self._file = file
        self._read_tag = read_tag
        self._budget = budget
        self._events = events
        # Anchor -> what it stands for, and how many nodes that is written out. None while it is being read.
        self._anchors: dict[str, tuple[JsonValue, int] | None] = {}

    def document(self, depth: int) -> JsonValue:
        event = next(self._events)
        while not isinstance(event, yaml.DocumentStartEvent):
            if isinstance(event, yaml.StreamEndEvent):
                return None
            event = next(self._events)
        value = self._value(next(self._events), depth)
        next(self._events)
        further = next(self._events)
        if isinstance(further, yaml.DocumentStartEvent):
            raise self._wrong("a file holds one document", self._place(further))
        return value

    def _value(self, event: Any, depth: int) -> JsonValue:
        place = self._place(event)
        if depth > DEPTH_MAX:
            raise self._wrong(f"nested more than {DEPTH_MAX} levels deep", place)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place)
        before = self._budget.nodes_left
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._budget.spend(1, place)
        value = self._fresh(event, place, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, before - self._budget.nodes_left)
        return value

    def _alias(self, anchor: str, place: Place) -> JsonValue:
        if anchor not in self._anchors:
            raise self._wrong(f"there is no anchor '&{anchor}' above", place)
        known = self._anchors[anchor]
        if known is None:
            raise self._wrong(f"'*{anchor}' stands inside itself", place)
        value, nodes = known
        self._budget.spend(nodes, place)
        return value

    def _fresh(self, event: Any, place: Place, depth: int) -> JsonValue:
        if isinstance(event, yaml.ScalarEvent):
            self._budget.spend(len(event.value) // CHARS_PER_NODE, place)
            return self._scalar(event, place, depth)
        tag = event.tag
        if tag is not None and not tag.startswith(_CORE) and tag != "!":
            raise self._wrong(f"'{tag}' is followed by text, not by a list or mapping", place)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(place, depth)
        return self._mapping(place, depth)

    def _sequence(self, place: Place, depth: int) -> JsonValue:
        found = PlacedList(place)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            at = self._place(event)
            found.put(self._value(event, depth + 1), at)
        return found

    def _mapping(self, place: Place, depth: int) -> JsonValue:
        found = PlacedMap(place)
        merged: list[JsonValue] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = self._place(event)
            key = self._key(event, found, at, depth)
            value = self._value(next(self._events), depth + 1)
            if key is None:
                merged += value if isinstance(value, PlacedList) else [value]
            else:
                found.put(key, value, at)
        for each in merged:
            if not isinstance(each, PlacedMap):
                raise self._wrong("'<<' takes a mapping or a list of them", place)
            for name in each:
                if name not in found:
                    found.put(name, each[name], each.places[name])
        return found

    def _key(self, event: Any, into: PlacedMap, place: Place, depth: int) -> str | None:
        """None for the merging `<<`."""
        if isinstance(event, yaml.AliasEvent):
            key = self._alias(str(event.anchor), place)
        elif isinstance(event, yaml.ScalarEvent):
            if event.value == "<<" and event.implicit[0] and event.tag is None:
                return None
            key = self._value(event, depth)
        else:
            raise self._wrong("a key must be text: put templates such as {{ x }} into quotes", place)
        if isinstance(key, str):
            return key
        if isinstance(key, PlacedList | PlacedMap):
            raise self._wrong("a key must be text", place)
        into.has_odd_keys = True
        return str(event.value) if isinstance(event, yaml.ScalarEvent) else str(key)

    def _scalar(self, event: Any, place: Place, depth: int) -> JsonValue:
        text = str(event.value)
        if event.tag is None or event.tag == "!":
            if not event.implicit[0]:
                return text
            tag = str(_RESOLVER.resolve(ScalarNode, text, (True, False)))
        else:
            tag = str(event.tag)
        if not tag.startswith(_CORE):
            return self._read_tag(tag, text, place, depth)
        return self._of_kind(tag.removeprefix(_CORE), tag, text, place)

    def _of_kind(self, kind: str, tag: str, text: str, place: Place) -> JsonValue:
        if kind in {"str", "timestamp", "value", "merge"}:  # a date is kept as it is written: JSON has none
            return text
        if kind == "null":
            return None
        if kind not in {"bool", "int", "float"}:
            raise self._wrong(f"'!!{kind}' is nothing that a rule may hold", place)
        if len(text) > NUMBER_CHARS_MAX:
            raise self._wrong("a number has too many digits", place)
        node = ScalarNode(tag, text)
        try:
            if kind == "bool":
                return bool(_CONSTRUCTOR.construct_yaml_bool(node))
            if kind == "int":
                return int(_CONSTRUCTOR.construct_yaml_int(node))
            number = float(_CONSTRUCTOR.construct_yaml_float(node))
        except (ValueError, KeyError, OverflowError) as err:
            raise self._wrong(f"{text!r:.40} is not of the kind '!!{kind}'", place) from err
        return number if math.isfinite(number) else text

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1)

    def _wrong(self, text: str, place: Place) -> FileNotUnderstood:
        return FileNotUnderstood(text, place.file, place.line)
