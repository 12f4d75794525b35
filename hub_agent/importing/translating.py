"""What the hub's language says otherwise: device triggers, conditions and actions, and spellings that Home Assistant itself gave up.

Each translation means the same as what it replaces, or is told; what has no translation is left as it is, for the loader to refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hub_agent.core.automation.device_words import action_of_device, condition_of_device, trigger_of_device
from hub_agent.importing.clock_sensors import asks_the_clock, looks_at_its_state, tick
from hub_agent.importing.macros import Macros
from hub_agent.importing.registry import Registry
from hub_agent.importing.verdict import Severity
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template
from hub_agent.written.placed import PlacedList, PlacedMap

Words: TypeAlias = dict[str, JsonValue]

_KEPT: Final = ("id", "alias", "enabled", "variables", "continue_on_error")


@dataclass(slots=True)
class Translator:
    registry: Registry
    macros: Macros
    # What cannot be named without Home Assistant's registries, which are not among the files.
    gaps: list[tuple[str, str]] = field(default_factory=list)
    _unnamed: list[str] = field(default_factory=list)
    is_about_states: bool = False
    # What became something else: where, in words, and whether that makes a difference.
    notes: list[tuple[str, str, Severity]] = field(default_factory=list)

    def translate(self, value: JsonValue, path: str = "") -> JsonValue:
        """A copy in which everything that can be said in the hub's language is."""
        if not path:
            self.is_about_states = looks_at_its_state(value)
        if isinstance(value, PlacedList):
            items = PlacedList(value.place)
            for index, (item, at) in enumerate(zip(value, value.places, strict=True)):
                items.put(self.translate(item, _below(path, str(index))), at)
            return items
        if not isinstance(value, PlacedMap):
            return self._text(value, path) if type(value) is str else value
        replaced = self._replaced(value, path)
        found = PlacedMap(value.place)
        found.has_odd_keys = value.has_odd_keys
        for key, item in (value if replaced is None else replaced).items():
            inner = self.translate(item, _below(path, key)) if replaced is None else item
            found.put(key, inner, value.places.get(key, value.place))
        return found

    def _text(self, text: str, path: str) -> str:
        if "input_slider." in text:
            self.notes.append((path, "input_slider is called input_number today", "note"))
            text = text.replace("input_slider.select_value", "input_number.set_value")
            text = text.replace("input_slider.", "input_number.")
        if is_template(text) and (asked := asks_the_clock(text)) != text:
            self.notes.append((path, "a sensor that says the time is read as now()", "note"))
            text = asked
        return self.macros.written_in(text)

    def _replaced(self, value: PlacedMap, path: str) -> Words | None:
        self._unnamed.clear()
        for read, note in _READERS:
            words = read(self, value)
            if words is not None:
                if note is not None:
                    self.notes.append((path, note, "note"))
                self.gaps += [(path, f"{each} is named in Home Assistant's folder .storage") for each in self._unnamed]
                return {**{key: value[key] for key in _KEPT if key in value}, **words}
        return None

    def entity(self, value: PlacedMap) -> str | None:
        """The entity that a device's trigger, condition or action is about."""
        named = value.get("entity_id")
        if not isinstance(named, str):
            return None
        if "." in named or self.registry.is_known:
            return named if "." in named else self.registry.entity_by_number.get(named)
        return self._stand_in(f"the entity {named}", str(value.get("domain")), named)

    def entities_of_device(self, number: str, domain: str) -> list[str] | None:
        """Those that an action of the kind is for."""
        if not self.registry.is_known:
            return [self._stand_in(f"the device {number}", "switch" if domain == "homeassistant" else domain, number)]
        found = self.registry.entities_by_device.get(number)
        return (
            None if found is None else [each for each in found if domain in {"homeassistant", each.partition(".")[0]}]
        )

    def name_in_zigbee2mqtt(self, number: str) -> str | None:
        if self.registry.is_known:
            return self.registry.zigbee2mqtt_name_by_device.get(number)
        return self._stand_in(f"the device {number}", "device", number)

    def _stand_in(self, what: str, domain: str, number: str) -> str:
        self._unnamed.append(what)
        return f"{domain}.number_{slugify(number)[:12]}"


def _below(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key


def _trigger_of_device(translator: Translator, value: PlacedMap) -> Words | None:
    if "device" not in (value.get("platform"), value.get("trigger")):
        return None
    press = _PRESSES.get(str(value.get("domain")))
    if press is not None:
        return press(translator, value)
    entity_id = translator.entity(value)
    return None if entity_id is None else trigger_of_device(_without_kept(value), entity_id)


def _press_of_zigbee2mqtt(translator: Translator, value: PlacedMap) -> Words | None:
    """A button's presses come on a topic of the device's name."""
    name = translator.name_in_zigbee2mqtt(str(value.get("device_id")))
    subtype = value.get("subtype")
    if name is None or value.get("type") != "action" or not isinstance(subtype, str):
        return None
    return {"trigger": "mqtt", "topic": f"zigbee2mqtt/{name}/action", "payload": subtype}


def _press_of_hue(_translator: Translator, value: PlacedMap) -> Words | None:
    """Home Assistant hears such a press as an event; buttons of the bridge's old interface by codes that stand nowhere here."""
    if str(value.get("type")).startswith("remote_") or not {"device_id", "type", "subtype"} <= value.keys():
        return None
    data: Words = {key: value[key] for key in ("device_id", "type", "subtype")}
    return {"trigger": "event", "event_type": "hue_event", "event_data": data}


def _press_of_shelly(_translator: Translator, value: PlacedMap) -> Words | None:
    channel = _SHELLY_CHANNELS.get(str(value.get("subtype")))
    if channel is None or not {"device_id", "type"} <= value.keys():
        return None
    data: Words = {"device_id": value["device_id"], "channel": channel, "click_type": value["type"]}
    return {"trigger": "event", "event_type": "shelly.click", "event_data": data}


_SHELLY_CHANNELS: Final[Mapping[str, int]] = {"button": 1, **{f"button{number}": number for number in range(1, 5)}}
_Press: TypeAlias = "Callable[[Translator, PlacedMap], Words | None]"
_PRESSES: Final[Mapping[str, _Press]] = {
    "mqtt": _press_of_zigbee2mqtt,
    "hue": _press_of_hue,
    "shelly": _press_of_shelly,
}


def _condition_of_device(translator: Translator, value: PlacedMap) -> Words | None:
    entity_id = translator.entity(value) if value.get("condition") == "device" else None
    return None if entity_id is None else condition_of_device(_without_kept(value), entity_id)


def _action_of_device(translator: Translator, value: PlacedMap) -> Words | None:
    if "device_id" not in value or "condition" in value or not {"platform", "trigger"}.isdisjoint(value):
        return None
    if value.get("domain") == "mobile_app" and value.get("type") == "notify":
        data: Words = {key: value[key] for key in ("title", "message", "data") if key in value}
        return {"action": "notify.mobile_app", "data": data}
    entity_id = translator.entity(value)
    return None if entity_id is None else action_of_device(_without_kept(value), entity_id)


def _without_kept(value: PlacedMap) -> Words:
    return {key: item for key, item in value.items() if key not in _KEPT}


def _device_as_target(translator: Translator, value: PlacedMap) -> Words | None:
    """`target: {device_id: ...}`: the entities of the device that the action is for."""
    action = value.get("action", value.get("service"))
    holder = next((key for key in ("target", "data") if _holds_device(value.get(key))), None)
    if holder is None or not isinstance(action, str) or not _PLAIN.match(action):
        return None
    named = value[holder]
    assert isinstance(named, PlacedMap)
    numbers = named["device_id"] if isinstance(named["device_id"], list) else [named["device_id"]]
    entity_ids = _as_list(named.get("entity_id"))
    for number in numbers:
        found = translator.entities_of_device(str(number), action.partition(".")[0])
        if found is None:
            return None
        entity_ids += found
    rest = {key: item for key, item in named.items() if key != "device_id"}
    return {**value, holder: {**rest, "entity_id": entity_ids}}


def _holds_device(value: JsonValue) -> bool:
    """By numbers, as Home Assistant gives them; a template is left as it is."""
    named = value.get("device_id") if isinstance(value, PlacedMap) else None
    return bool(named) and all(isinstance(each, str) and _NUMBER.match(each) for each in _as_list(named))


def _as_list(value: JsonValue) -> list[JsonValue]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


_PLAIN: Final = re.compile(r"^\s*[a-z0-9_]+\.[a-z0-9_]+\s*$")
_NUMBER: Final = re.compile(r"^[0-9a-f]{32}$")


def _old_pattern(_translator: Translator, value: PlacedMap) -> Words | None:
    """`platform: time` with hours, minutes or seconds: what is `time_pattern` today."""
    parts = [key for key in ("hours", "minutes", "seconds") if key in value]
    if value.get("platform") != "time" or "at" in value or not parts:
        return None
    return {"trigger": "time_pattern", **{key: value[key] for key in parts}}


def _old_time(_translator: Translator, value: PlacedMap) -> Words | None:
    """`platform: time` with `after`: what is `at` today."""
    if value.get("platform") != "time" or "at" in value or set(value) - {"platform", "after", *_KEPT}:
        return None
    return {"trigger": "time", "at": value["after"]} if "after" in value else None


def _old_state(_translator: Translator, value: PlacedMap) -> Words | None:
    """`platform: state` with `state`: what is `to` today."""
    if value.get("platform") != "state" or "state" not in value or "to" in value:
        return None
    rest = {key: item for key, item in value.items() if key not in {"platform", "state", *_KEPT}}
    return {"trigger": "state", "to": value["state"], **rest}


def _only(value: JsonValue) -> object:
    """The one thing of a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else str(value)


def _tick(translator: Translator, value: PlacedMap) -> Words | None:
    return None if translator.is_about_states else tick(value, _KEPT)


def _start_event(_translator: Translator, value: PlacedMap) -> Words | None:
    """The events of a start and an end: what the trigger `homeassistant` says."""
    if "event" not in (value.get("platform"), value.get("trigger")) or "event_data" in value:
        return None
    event = _START_EVENTS.get(_only(value.get("event_type")))
    return None if event is None else {"trigger": "homeassistant", "event": event}


_START_EVENTS: Final[Mapping[object, str]] = {
    "homeassistant_start": "start",
    "homeassistant_started": "start",
    "homeassistant_stop": "shutdown",
}


def _published_template(_translator: Translator, value: PlacedMap) -> Words | None:
    """`payload_template` and `topic_template` of mqtt.publish: every payload may be a template."""
    data = next((value[each] for each in ("data", "data_template") if isinstance(value.get(each), PlacedMap)), None)
    if "mqtt.publish" not in (value.get("action"), value.get("service")) or not isinstance(data, PlacedMap):
        return None
    if not {"payload_template", "topic_template"} & data.keys():
        return None
    return {
        "action": "mqtt.publish",
        "data": {key.removesuffix("_template"): item for key, item in data.items()},
    }


def _hue_scene(_translator: Translator, value: PlacedMap) -> Words | None:
    key = next((each for each in ("action", "service") if value.get(each) == "hue.activate_scene"), None)
    if key is None:
        return None
    data = value.get("data")
    transition: Words = {}
    if isinstance(data, PlacedMap) and set(data) - {"entity_id", "transition"}:
        return None  # `dynamic`, `speed`, `brightness` are more than a scene of this hub has
    if isinstance(data, PlacedMap) and "transition" in data:
        transition = {"data": {"transition": data["transition"]}}
    named = value.get("target", {"entity_id": value.get("entity_id")})
    if isinstance(data, PlacedMap) and "entity_id" in data:
        named = {"entity_id": data["entity_id"]}
    return {"action": "scene.turn_on", "target": named, **transition}


_Reader: TypeAlias = Callable[[Translator, PlacedMap], "Words | None"]
# With the words for a person, where there is something to tell.
_READERS: Final[tuple[tuple[_Reader, str | None], ...]] = (
    (_trigger_of_device, None),
    (_condition_of_device, None),
    (_action_of_device, None),
    (_start_event, None),
    (_tick, "a sensor that says the time is read as the time itself"),
    (_published_template, None),
    (_hue_scene, "hue.activate_scene is read as scene.turn_on: without dynamics they do the same"),
    (_device_as_target, None),
    (_old_pattern, None),
    (_old_time, "the old key 'after' is read as 'at'"),
    (_old_state, "the old key 'state' is read as 'to'"),
)
