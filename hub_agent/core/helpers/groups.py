"""group: several entities as one. On while one of them is, or all are; in the words of what its members are (home, open, unlocked)."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.helpers.kind import Following, Settings, Surroundings, bad_setting
from hub_agent.model.device import Capability
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import UNKNOWN

# domain -> what counts as on there; how a group of such entities says on and off.
_ON_OFF = (frozenset({"on"}), "on", "off")
_PRESENCE = (frozenset({"home"}), "home", "not_home")
_WORDS: Mapping[str, tuple[frozenset[str], str, str]] = {
    "alarm_control_panel": (
        frozenset(
            ["armed_away", "armed_custom_bypass", "armed_home", "armed_night", "armed_vacation", "on", "triggered"]
        ),
        "on",
        "off",
    ),
    "climate": (frozenset({"auto", "cool", "dry", "fan_only", "heat", "heat_cool", "on"}), "on", "off"),
    "cover": (frozenset({"open"}), "open", "closed"),
    "device_tracker": _PRESENCE,
    "lock": (frozenset({"jammed", "locking", "open", "opening", "unlocked", "unlocking"}), "unlocked", "locked"),
    "media_player": (frozenset({"idle", "on", "paused", "playing"}), "on", "off"),
    "person": _PRESENCE,
    "plant": (frozenset({"problem"}), "problem", "ok"),
    "sun": (frozenset({"above_horizon"}), "above_horizon", "below_horizon"),
    "vacuum": (frozenset({"cleaning", "error", "on", "returning"}), "on", "off"),
    "valve": (frozenset({"open"}), "open", "closed"),
    "water_heater": (
        frozenset(["eco", "electric", "gas", "heat_pump", "high_demand", "on", "performance"]),
        "on",
        "off",
    ),
}
# A group in a group has one of their words.
_WORDS_OF_GROUPS = {said: words for words in (_ON_OFF, *_WORDS.values()) for said in words[1:]}


@dataclass(frozen=True, slots=True)
class Group(Following):
    entities: tuple[EntityId, ...]
    needs_all: bool

    def watched(self) -> frozenset[EntityId]:
        return frozenset(self.entities)

    def follow(self, home: Surroundings) -> tuple[str, JsonObject]:
        attributes: JsonObject = {"entity_id": list(self.entities)}
        are_on: list[bool] = []
        spoken: dict[tuple[str, str], None] = {}
        for entity_id in self.entities:
            seen = home.state(entity_id)
            domain = entity_id.partition(".")[0]
            if seen is None or (domain == "group" and seen.state not in _WORDS_OF_GROUPS):
                continue  # not there, or a group that does not know itself
            words = _WORDS_OF_GROUPS[seen.state] if domain == "group" else _WORDS.get(domain, _ON_OFF)
            are_on.append(seen.state in words[0] or seen.state == words[1])
            spoken[words[1:]] = None
        if not are_on:
            return UNKNOWN, attributes
        on, off = next(iter(spoken)) if len(spoken) == 1 else _ON_OFF[1:]
        return on if (all if self.needs_all else any)(are_on) else off, attributes

    def capabilities(self) -> Mapping[str, Capability]:
        return {"on": Capability("bool", "rw")}


def read_group(settings: Settings) -> Group:
    entities = settings.entity_ids("entities")
    if not entities:
        raise bad_setting("entities", "must name the members of the group")
    return Group(entities, settings.flag("all") is True)
