"""Copies of the home's scenes that a bridge keeps, and groups for them: pure, bodies of CLIP on one side, desired states on the other.

A copy is a `scene` of a room or zone that has all its lamps; where there is none, a zone of our own. It is known again by its `appdata`
(`nexa:` and the copy's tag), which the bridge keeps with it and shows to nobody.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.hue.reading import FULL
from hub_agent.drivers.hue.resources import Resources, references
from hub_agent.drivers.hue.writing import Body, effect, shown, transition
from hub_agent.drivers.wishes import Wish
from hub_agent.errors import NotPossible
from hub_agent.model.device import Entity
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.scene import DesiredState, KeptScene, SceneCopy

# CLIP's bounds.
NAME_CHARS_MAX: Final = 32
_TAG: Final = re.compile(r"nexa:([0-9a-f]{8})")
_ZONE: Final = re.compile(r"NEXA ([0-9a-f]{8})")
_SHOWN: Final = (
    "brightness", "color_temp_kelvin", "kelvin", "color_temp", "hs_color", "xy_color", "rgb_color", "color_name", "effect", "color_mode",
)  # fmt: skip


def tag_of(scene: JsonObject) -> str | None:
    """Of a copy of ours; None for scenes that people made."""
    matched = _TAG.fullmatch(given.text(scene, "metadata", "appdata") or "")
    return matched[1] if matched else None


def is_our_zone(group: JsonObject) -> bool:
    return group.get("type") == "zone" and _ZONE.fullmatch(given.text(group, "metadata", "name") or "") is not None


def action_of(native: JsonObject, wish: DesiredState, transition_s: float | None = None) -> Body:
    """What a lamp does when the scene is recalled. Raises NotPossible for what it cannot show."""
    if (
        native.get("kind") not in {"light", "switch"}
        or native.get("type") != "light"
        or wish.state not in {"on", "off"}
    ):
        raise NotPossible("a Hue scene keeps lamps and plugs, on or off.")
    if wish.state == "off":
        return {"on": {"on": False}}
    data = {name: value for name, value in wish.attributes.items() if name in _SHOWN and value is not None}
    wanted = Wish(_one_colour(data), FULL)
    body: Body = {"on": {"on": True}}
    if native.get("kind") == "light":
        body |= shown(native, wanted)
        if wanted.effect is not None and wanted.effect not in {"no_effect", "none", "off"}:
            body |= effect(native, wanted.effect)
    seconds = wish.transition_s if wish.transition_s is not None else transition_s
    return body | (transition({"transition": seconds}) if seconds is not None else {})


def _one_colour(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """States tell a colour in all notations; the mode says which one is meant."""
    mode = data.get("color_mode")
    warm = ("color_temp_kelvin", "kelvin", "color_temp")
    colourful = ("hs_color", "xy_color", "rgb_color", "color_name")
    left_out = colourful if mode == "color_temp" else warm if mode in {"xy", "hs", "rgb"} else ()
    return {name: value for name, value in data.items() if name not in left_out and name != "color_mode"}


def actions_of(copy: SceneCopy) -> list[JsonValue]:
    return [
        {
            "target": {"rid": _light(member.entity), "rtype": "light"},
            "action": action_of(member.entity.native, member.wish, copy.transition_s),
        }
        for member in copy.members
    ]


def body_of(copy: SceneCopy, group: JsonObject | None) -> Body:
    """To POST; without `group` the zone that is made for it is filled in."""
    body: Body = {
        "type": "scene",
        "metadata": {"name": _name(copy), "appdata": f"nexa:{copy.tag}"},
        "actions": actions_of(copy),
    }
    return body if group is None else {**body, "group": {"rid": group["id"], "rtype": group["type"]}}


def update_of(copy: SceneCopy) -> Body:
    """To PUT."""
    return {"metadata": {"name": _name(copy)}, "actions": actions_of(copy)}


def zone_of(copy: SceneCopy) -> Body:
    return group_body(f"NEXA {copy.tag}", lights_of(copy))


def group_body(name: str, lights: Iterable[str]) -> Body:
    """A zone, to POST or (without its type) PUT."""
    return {
        "type": "zone",
        "metadata": {"name": name[:NAME_CHARS_MAX], "archetype": "other"},
        "children": [{"rid": rid, "rtype": "light"} for rid in lights],
    }


def lights_of(copy: SceneCopy) -> list[str]:
    return sorted({_light(member.entity) for member in copy.members})


def group_for(copy: SceneCopy, resources: Resources) -> JsonObject | None:
    """The smallest room or zone that has all lamps of the copy."""
    groups = (group for group in resources.of_kind("room", "zone") if has_all(group, copy, resources))
    return min(groups, default=None, key=lambda group: (len(_lights_in(group, resources)), str(group["id"])))


def has_all(group: JsonObject, copy: SceneCopy, resources: Resources) -> bool:
    return set(lights_of(copy)) <= _lights_in(group, resources)


def _lights_in(group: JsonObject, resources: Resources) -> set[str]:
    """A room has devices, a zone lamps."""
    found: set[str] = set()
    for kind, rid in references(group, "children"):
        if kind == "light":
            found.add(rid)
        elif kind == "device":
            found |= {str(each["id"]) for each in resources.owned_by(rid) if each["type"] == "light"}
    return found


def content_of(copy: SceneCopy) -> str:
    return _content(_name(copy), actions_of(copy))


def kept(scene: JsonObject) -> KeptScene | None:
    tag = tag_of(scene)
    if tag is None:
        return None
    content = _content(given.text(scene, "metadata", "name") or "", given.listed(scene, "actions"))
    return KeptScene(tag, str(scene["id"]), content)


def _content(name: str, actions: Iterable[JsonValue]) -> str:
    """Bridges count brightness in 254 steps and give colours back to the fourth place: what they may round is rounded first."""
    return json.dumps([name, sorted((_told(each) for each in actions), key=str)], separators=(",", ":"))


def _told(action: JsonValue) -> list[JsonValue]:
    body = given.mapping(action, "action")
    is_on = given.flag(body, "on", "on")
    told: list[JsonValue] = [given.text(action, "target", "rid"), is_on]
    if is_on is False:
        return told
    percent, mirek = given.number(body, "dimming", "brightness"), given.number(body, "color_temperature", "mirek")
    x, y = given.number(body, "color", "xy", "x"), given.number(body, "color", "xy", "y")
    told.append(None if percent is None else round(percent * 2.54))
    told.append(None if mirek is None else round(mirek))
    told.append(None if x is None or y is None else [round(x, 3), round(y, 3)])
    word = given.text(body, "effects_v2", "action", "effect") or given.text(body, "effects", "effect")
    return [*told, None if word == "no_effect" else word]


def _light(entity: Entity) -> str:
    return given.text(entity.native, "rid") or ""


def _name(copy: SceneCopy) -> str:
    return copy.name.strip()[:NAME_CHARS_MAX].strip() or "NEXA"
