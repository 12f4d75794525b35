"""The present: what is so now. Only what differs from what the cloud was told last goes up; columns not named stay.

Copies of scenes are told whole, scene by scene: one that has none any more is told with nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from hub_agent.core.sync.position import Reached
from hub_agent.model.json import JsonObject, JsonValue

SECTIONS = ("devices", "automations", "scenes", "network_access_rules", "copies")
# All of it goes now and then, in case the cloud forgot.
WHOLE_S = 3600.0


class Position(Reached, Protocol):
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


class Told:
    """What the cloud holds of the present, as far as it was told."""

    def __init__(self) -> None:
        self._known: JsonObject = {}
        self._at_s = self._whole_at_s = float("-inf")
        # What is on its way is all of it.
        self._is_whole = False

    def ask(self) -> None:
        """The next word is due at once."""
        self._at_s = float("-inf")

    def is_due(self, now_s: float, every_s: float) -> bool:
        return now_s - self._at_s >= every_s

    def next_word(self, present: JsonObject, now_s: float, alone_s: float) -> JsonObject | None:
        """What to tell of it; None: nothing is new, and it is not long ago that something was told."""
        self._is_whole = now_s - self._whole_at_s >= WHOLE_S
        if self._is_whole:
            return present
        if not has_news(present, self._known) and not self.is_due(now_s, alone_s):
            return None
        return news(present, self._known)

    def took(self, word: JsonObject, now_s: float) -> None:
        """The cloud has the word that was given out last."""
        if self._is_whole:
            self._known, self._whole_at_s = word, now_s
        else:
            self._known = _with(self._known, word)
        self._at_s = now_s


def _with(known: JsonObject, fresh: JsonObject) -> JsonObject:
    merged = {**known}
    for name, value in fresh.items():
        before = known.get(name)
        merged[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _section(present: JsonObject, name: str) -> Mapping[str, JsonValue]:
    section = present.get(name)
    return section if isinstance(section, Mapping) else {}
