"""The present: what is so now. Only what differs from what the cloud was told last goes up; columns not named stay.

Copies of scenes are told whole, scene by scene: one that has none any more is told with nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from hub_agent.model.json import JsonObject, JsonValue

SECTIONS = ("devices", "automations", "scenes", "copies")


class Position(Protocol):
    """How far a stream has come."""

    @property
    def stream(self) -> str: ...
    @property
    def last(self) -> int: ...
    @property
    def acknowledged(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def oldest_at(self) -> datetime | None: ...


def streams_told(positions: Iterable[Position]) -> JsonObject:
    """How far the streams have come that have come to something, for the operator."""
    return {
        each.stream: {
            "last": each.last,
            "acknowledged": each.acknowledged,
            "waiting": each.waiting,
            "oldest_at": None if each.oldest_at is None else each.oldest_at.isoformat(),
        }
        for each in positions
        if each.last
    }


def news(present: JsonObject, told: JsonObject) -> JsonObject:
    """What of the present is new to whoever knows `told`."""
    fresh: dict[str, JsonValue] = {name: value for name, value in present.items() if name not in SECTIONS}
    for section in SECTIONS:
        now, before = _section(present, section), _section(told, section)
        changed = {each: value for each, value in now.items() if before.get(each) != value}
        if section == "copies":
            changed |= {each: {} for each, value in before.items() if value and each not in now}
        fresh[section] = changed
    return fresh


def has_news(present: JsonObject, told: JsonObject) -> bool:
    fresh = news(present, told)
    return any(_section(fresh, section) for section in SECTIONS)


def _section(present: JsonObject, name: str) -> Mapping[str, JsonValue]:
    section = present.get(name)
    return section if isinstance(section, Mapping) else {}
