"""What a device says that it is: nodes with properties, in the form of convention 5; a tree of convention 3 or 4 is brought into it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject, JsonValue

NODES_MAX: Final = 100
PROPERTIES_MAX: Final = 500
FORMAT_CHARS_MAX: Final = 2_000

DATATYPES: Final = frozenset(
    {"string", "integer", "float", "boolean", "enum", "color", "datetime", "duration", "json", "percent"}
)
_ID: Final = re.compile(r"[^/+#$\s\0][^/+#\0]{0,100}")


@dataclass(frozen=True, slots=True)
class Property:
    node: str
    id: str
    name: str
    datatype: str
    format: str
    unit: str | None
    is_settable: bool
    is_retained: bool

    @property
    def place(self) -> str:
        return f"{self.node}/{self.id}"


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    name: str
    kind: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """`base` is the topic of the device. `body` is what all of this was read from, and can be read from again."""

    id: str
    base: str
    name: str
    version: str
    parent: str | None
    nodes: tuple[Node, ...]
    body: JsonObject

    @property
    def is_of_5(self) -> bool:
        return self.version.startswith("5")


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def read_tree(device_id: str, base: str, body: JsonObject, neighbour: Callable[[str], str] = str) -> Tree:
    """Whatever is missing has its default; what is no node and no property is left out. `neighbour`: how a device that it names is called here."""
    nodes: list[Node] = []
    left = PROPERTIES_MAX
    for node_id, about in given.mapping(body, "nodes").items():
        if len(nodes) >= NODES_MAX or not is_id(node_id) or not isinstance(about, Mapping):
            continue
        properties = tuple(_properties(node_id, about))[:left]
        left -= len(properties)
        nodes.append(
            Node(node_id, given.text(about, "name") or _title(node_id), given.text(about, "type") or "", properties)
        )
    parent = given.text(body, "parent")
    return Tree(
        device_id,
        base,
        given.text(body, "name") or _title(device_id.rpartition("/")[2]),
        given.text(body, "homie") or "4.0",
        neighbour(parent) if parent is not None and is_id(parent) else None,
        tuple(nodes),
        body,
    )


def _properties(node: str, about: JsonObject) -> list[Property]:
    found: list[Property] = []
    for own, each in given.mapping(about, "properties").items():
        datatype = str(given.text(each, "datatype") or "string").lower()
        if not is_id(own) or datatype not in DATATYPES or len(found) >= PROPERTIES_MAX:
            continue
        form = given.at(each, "format")
        found.append(
            Property(
                node=node,
                id=own,
                name=given.text(each, "name") or _title(own),
                datatype="float" if datatype == "percent" else datatype,
                format=form[:FORMAT_CHARS_MAX] if isinstance(form, str) else "",
                unit=given.text(each, "unit"),
                is_settable=given.flag(each, "settable") or False,
                is_retained=given.flag(each, "retained") is not False,
            )
        )
    return found


def _title(own: str) -> str:
    words = own.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


ATTRIBUTES_MAX: Final = 5_000
_TRUE: Final = {"true": True, "false": False}
# What convention 3 and its extension tell of the device itself.
OF_DEVICE: Final = {"$implementation": "implementation", "$mac": "mac", "$fw/version": "firmware"}
_OF_PROPERTY: Final = ("name", "datatype", "format", "unit", "settable", "retained")


@dataclass(slots=True)
class Gathered:
    """The attributes of a device of convention 3 or 4, as they come in, in whatever order."""

    texts: dict[str, str] = field(default_factory=dict)

    def put(self, place: str, text: str) -> bool:
        """Whether that is new. `place` is the topic below the device, `engine/speed/$unit`."""
        if self.texts.get(place) == text or (place not in self.texts and len(self.texts) >= ATTRIBUTES_MAX):
            return False
        self.texts[place] = text[:FORMAT_CHARS_MAX]
        return True

    @property
    def is_complete(self) -> bool:
        """All lists are there, and of all properties it is known what they are."""
        return self._lists_are_there() and all(
            f"{node}/{own}/$datatype" in self.texts for node in self._nodes() for own in self._properties_of(node)
        )

    @property
    def is_begun(self) -> bool:
        return self._lists_are_there()

    def describe(self) -> dict[str, JsonValue]:
        """In the form of convention 5. A property of which the kind is not known is not told."""
        nodes: dict[str, JsonValue] = {}
        for node in self._nodes():
            properties: dict[str, JsonValue] = {}
            for own in self._properties_of(node):
                about = {
                    key: self.texts[f"{node}/{own}/${key}"]
                    for key in _OF_PROPERTY
                    if f"{node}/{own}/${key}" in self.texts
                }
                if "datatype" in about:
                    properties[own] = {
                        key: _TRUE.get(value, value) if key in {"settable", "retained"} else value
                        for key, value in about.items()
                    }
            nodes[node] = {
                "name": self.texts.get(f"{node}/$name", ""),
                "type": self.texts.get(f"{node}/$type", ""),
                "properties": properties,
            }
        said: dict[str, JsonValue] = {key: self.texts[place] for place, key in OF_DEVICE.items() if place in self.texts}
        return {"homie": self.texts.get("$homie", "4.0"), "name": self.texts.get("$name", ""), "nodes": nodes, **said}

    def _lists_are_there(self) -> bool:
        return "$nodes" in self.texts and all(f"{node}/$properties" in self.texts for node in self._nodes())

    def _nodes(self) -> list[str]:
        # Convention 3 knows arrays of nodes: `lights[]`. Their members come as nodes of their own.
        return [name for name in _listed(self.texts.get("$nodes", "")) if is_id(name) and not name.endswith("[]")][
            :NODES_MAX
        ]

    def _properties_of(self, node: str) -> list[str]:
        return [name for name in _listed(self.texts.get(f"{node}/$properties", "")) if is_id(name)][:PROPERTIES_MAX]


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
