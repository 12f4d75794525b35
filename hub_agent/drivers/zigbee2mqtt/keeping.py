"""Scenes of the home that Zigbee devices keep themselves: each copy is a Zigbee group of its own with one scene in it.

    group  `nexa_<tag>`                 its members are the copy's members
    scene  1, `<name> <version>`        `scene_add` to every member by itself, as each is to be otherwise

One `scene_recall` to the group moves all members at once. Zigbee2MQTT does not tell what a scene holds: its name carries the version
of what was stored. A device keeps scenes if its endpoint has the clusters for them. It keeps on or off, brightness, colour (as xy, warm
white as well) and the position of a cover.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers.colours import rgb_of_hs, xy_of_rgb
from hub_agent.drivers.vocabulary import OWN_GROUP, mireds_of
from hub_agent.drivers.zigbee2mqtt import fields, requests
from hub_agent.errors import NotPossible
from hub_agent.model.device import Device, Entity
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.scene import DesiredState, SceneCopy

SCENE: Final = 1
# Numbers that neither people nor Zigbee2MQTT (which counts from 1) nor touchlink would take.
_GROUPS_FROM: Final = 0x4E00
_GROUPS: Final = 0x1000
_VERSION: Final = re.compile(r"(?:^| )([0-9a-f]{6})$")
NAME_CHARS_MAX: Final = 60
# Zigbee counts tenths of a second in 16 bits.
TRANSITION_S_MAX: Final = 6_553.0

Place = tuple[str, int]  # address and endpoint


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """A group of ours as the bridge lists it. `version` is empty if its scene is not there, or not by its name."""

    tag: str
    number: int
    members: tuple[Place, ...]
    version: str = ""

    @property
    def content(self) -> str:
        return _content(self.members, self.version)


def tag_of(name: str) -> str | None:
    """Of a group's friendly name; None if it is somebody's own."""
    found = OWN_GROUP.fullmatch(name)
    return found[1] if found else None


def name_of(tag: str) -> str:
    return f"nexa_{tag}"


def kept_group(tag: str, number: int, members: Iterable[Place], scenes: Iterable[tuple[int, str]]) -> KeptGroup:
    version = next((found[1] for scene, name in scenes if scene == SCENE and (found := _VERSION.search(name))), "")
    return KeptGroup(tag, number, tuple(sorted(members)), version)


def can_keep(device: Device, entity: Entity, wish: DesiredState) -> bool:
    if _place(device, entity) is None:
        return False
    try:
        scene_values(entity.native, wish)
    except NotPossible:
        return False
    return True


def content_of(copy: SceneCopy) -> str:
    return _content(sorted(_places(copy)), copy.version)


def store(base: str, copy: SceneCopy, known: KeptGroup | None, numbers_taken: Iterable[int]) -> list[Publication]:
    """Everything again, in an order in which the devices can do it: who is no member any more goes, then members, then their scenes."""
    group = name_of(copy.tag)
    number = known.number if known is not None else _free_number(copy.tag, frozenset(numbers_taken))
    asked = [] if known is not None else [requests.add_group(base, group, number)]
    places = _places(copy)
    before = known.members if known is not None else ()
    for ieee, endpoint in before:
        if (ieee, endpoint) not in places:
            asked.append(requests.remove_member(base, number, ieee, endpoint))
    for ieee, endpoint in places:
        if (ieee, endpoint) not in before:
            asked.append(requests.add_member(base, number, ieee, endpoint))
    return [*asked, *_scenes(base, copy, number)]


def drop(base: str, group: str) -> list[Publication]:
    """The scene first: with the group, nobody could be told any more. Forced, so that a lamp without power does not keep the group."""
    tag = tag_of(group)
    if tag is None:
        raise NotPossible(f"{group} is no group of this hub.")
    return [
        requests.set_of(f"{base}/{group}", {"scene_remove": SCENE}),
        requests.ask(base, "group/remove", {"id": group, "force": True}),
    ]


def recall(base: str, group: str) -> Publication:
    return requests.set_of(f"{base}/{group}", {"scene_recall": SCENE})


def scene_values(native: JsonObject, wish: DesiredState) -> dict[str, JsonValue]:
    """What one member keeps, in the words of `scene_add`. Raises NotPossible."""
    kind = fields.text(native, "kind")
    if kind == "light":
        return _of_light(native, wish)
    if kind == "switch" and native.get("on") == "ON" and native.get("off") == "OFF" and wish.state in {"on", "off"}:
        return {"state": wish.state.upper()}
    if kind == "cover":
        return {"position": _position(native, wish)}
    raise NotPossible("Zigbee devices do not keep this in a scene.")


def _of_light(native: JsonObject, wish: DesiredState) -> dict[str, JsonValue]:
    roles = fields.mapping(native, "properties")
    if wish.state == "off":
        return {"state": "OFF"}
    given = wish.attributes
    effect = fields.text(given, "effect")
    if wish.state != "on" or (effect is not None and effect.lower() not in {"", "none", "off"}):
        raise NotPossible("Zigbee devices keep no effects in a scene.")
    values: dict[str, JsonValue] = {"state": "ON"}
    brightness = fields.number(given, "brightness")
    if brightness is not None and "brightness" in roles:
        highest = fields.number(native, "brightness_max") or 254
        if highest > 255:
            raise NotPossible("this light does not count its brightness as Zigbee does.")
        values["brightness"] = min(max(round(brightness * highest / 255), 1), 254)
    kelvin = fields.number(given, "color_temp_kelvin")
    colour = _xy(given)
    if kelvin is not None and kelvin > 0 and "color_temp" in roles:
        lowest, highest_mireds = fields.number(native, "min"), fields.number(native, "max")
        mireds = mireds_of(kelvin)
        values["color_temp"] = round(min(max(mireds, lowest or mireds), highest_mireds or mireds))
    elif colour is not None and "color" in roles:
        values["color"] = {"x": round(colour[0], 4), "y": round(colour[1], 4)}
    return values


def _xy(given: JsonObject) -> tuple[float, float] | None:
    x, y = (*_numbers(given, "xy_color", 2), None, None)[:2]
    if x is not None and y is not None:
        return x, y
    rgb = _numbers(given, "rgb_color", 3)
    if len(rgb) == 3:
        return xy_of_rgb(*(round(min(max(part, 0), 255)) for part in rgb))
    hs = _numbers(given, "hs_color", 2)
    return xy_of_rgb(*rgb_of_hs(*hs)) if len(hs) == 2 else None


def _numbers(given: JsonObject, name: str, count: int) -> tuple[float, ...]:
    values = [value for value in fields.listed(given, name) if isinstance(value, int | float)]
    return tuple(values) if len(values) == count else ()


def _position(native: JsonObject, wish: DesiredState) -> int:
    roles = fields.mapping(native, "properties")
    position = fields.number(wish.attributes, "current_position")
    if position is None:
        position = {"open": 100.0, "closed": 0.0}.get(wish.state)
    if position is None or not 0 <= position <= 100 or "position" not in roles:
        raise NotPossible("this cover does not keep this in a scene.")
    if fields.number(wish.attributes, "current_tilt_position") is not None and "tilt" in roles:
        raise NotPossible("Zigbee devices keep no tilt in a scene.")
    return round(position)


def _scenes(base: str, copy: SceneCopy, number: int) -> list[Publication]:
    name = f"{copy.name[:NAME_CHARS_MAX].strip()} {copy.version}"
    transition: dict[str, JsonValue] = {}
    if copy.transition_s:
        seconds = min(copy.transition_s, TRANSITION_S_MAX)
        transition = {"transition": int(seconds) if seconds == int(seconds) else seconds}
    values_by_topic: dict[str, dict[str, JsonValue]] = {}
    for member in copy.members:
        place = _place(member.device, member.entity)
        topic = fields.text(member.device.native, "name")
        if place is not None and topic is not None:
            kept = values_by_topic.setdefault(f"{base}/{topic}/{place[1]}", {})
            kept |= scene_values(member.entity.native, member.wish)
    return [
        requests.set_of(topic, {"scene_add": {"ID": SCENE, "group_id": number, "name": name, **transition, **values}})
        for topic, values in values_by_topic.items()
    ]


def _places(copy: SceneCopy) -> list[Place]:
    places = (_place(member.device, member.entity) for member in copy.members)
    return list(dict.fromkeys(place for place in places if place is not None))


def _place(device: Device, entity: Entity) -> Place | None:
    """The endpoint behind the entity, if it keeps scenes."""
    if device.native.get("kind") != "device":
        return None
    endpoints = fields.mapping(device.native, "scene_endpoints")
    named = fields.text(entity.native, "at")
    if named is not None:
        number = next((number for number, name in endpoints.items() if named in {name, number}), None)
    else:
        number = next(iter(endpoints), None)
    return (device.origin.native_id, int(number)) if number is not None and number.isdecimal() else None


def _content(members: Sequence[Place], version: str) -> str:
    return f"{','.join(f'{ieee}/{endpoint}' for ieee, endpoint in members)} {version}"


def _free_number(tag: str, taken: frozenset[int]) -> int:
    wanted = int(tag, 16) % _GROUPS
    for step in range(_GROUPS):
        number = _GROUPS_FROM + (wanted + step) % _GROUPS
        if number not in taken:
            return number
    raise NotPossible("every group that a scene could be kept in is taken.")
