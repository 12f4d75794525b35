"""What the hub's language says otherwise: device triggers, conditions and actions, and spellings that Home Assistant itself gave up.

Each translation means the same as what it replaces, or is told; what has no translation is left as it is, for the loader to refuse.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hub_agent.importing.macros import Macros
from hub_agent.importing.placed import PlacedList, PlacedMap
from hub_agent.importing.registry import Registry
from hub_agent.importing.verdict import Severity
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue

Words: TypeAlias = dict[str, JsonValue]

_SWITCHED: Final = frozenset({"light", "switch", "fan", "humidifier", "input_boolean", "siren", "update"})
_STATES_BY_TYPE: Final[Mapping[str, Mapping[str, str]]] = {
    "cover": {"opened": "open", "closed": "closed", "opening": "opening", "closing": "closing"},
    "lock": {each: each for each in ("locked", "unlocked", "locking", "unlocking", "jammed")},
    "alarm_control_panel": {
        each: each
        for each in ("triggered", "disarmed", "arming", "armed_home", "armed_away", "armed_night", "armed_vacation")
    },
    "vacuum": {"cleaning": "cleaning", "docked": "docked"},
    "media_player": {each: each for each in ("idle", "paused", "playing", "buffering")},
}
# What the limits of a device's trigger or condition are about, where it is not the state.
_ATTRIBUTE_BY_TYPE: Final[Mapping[str, str]] = {
    "position": "current_position",
    "tilt_position": "current_tilt_position",
    "current_temperature_changed": "current_temperature",
    "current_humidity_changed": "current_humidity",
    "target_humidity_changed": "humidity",
    "is_position": "current_position",
    "is_tilt_position": "current_tilt_position",
}
_STATES_BY_CONDITION: Final[Mapping[str, Mapping[str, str]]] = {
    "cover": {"is_open": "open", "is_closed": "closed", "is_opening": "opening", "is_closing": "closing"},
    "lock": {f"is_{each}": each for each in ("locked", "unlocked", "locking", "unlocking", "jammed")},
    "alarm_control_panel": {
        f"is_{each}": each for each in ("triggered", "disarmed", "armed_home", "armed_away", "armed_night")
    },
    "vacuum": {"is_docked": "docked"},
}
_VERBS: Final[Mapping[str, Mapping[str, str]]] = {
    **{domain: {each: each for each in ("turn_on", "turn_off", "toggle")} for domain in _SWITCHED},
    "cover": {
        "open": "open_cover",
        "close": "close_cover",
        "stop": "stop_cover",
        "set_position": "set_cover_position",
        "open_tilt": "open_cover_tilt",
        "close_tilt": "close_cover_tilt",
        "set_tilt_position": "set_cover_tilt_position",
    },
    "alarm_control_panel": {
        each: f"alarm_{each}" for each in ("arm_away", "arm_home", "arm_night", "arm_vacation", "disarm", "trigger")
    },
    "lock": {"lock": "lock", "unlock": "unlock", "open": "open"},
    "button": {"press": "press"},
    "number": {"set_value": "set_value"},
    "select": {"select_option": "select_option"},
    "climate": {"set_hvac_mode": "set_hvac_mode", "set_preset_mode": "set_preset_mode"},
    "vacuum": {"clean": "start", "dock": "return_to_base"},
}
_KEPT: Final = ("id", "alias", "enabled", "variables", "continue_on_error")


@dataclass(slots=True)
class Translator:
    registry: Registry
    macros: Macros
    # What cannot be named without Home Assistant's registries, which are not among the files.
    gaps: list[tuple[str, str]] = field(default_factory=list)
    _unnamed: list[str] = field(default_factory=list)
    # What became something else: where, in words, and whether that makes a difference.
    notes: list[tuple[str, str, Severity]] = field(default_factory=list)

    def translate(self, value: JsonValue, path: str = "") -> JsonValue:
        """A copy in which everything that can be said in the hub's language is."""
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
    domain, kind, entity_id = value.get("domain"), value.get("type"), translator.entity(value)
    lasting: Words = {"for": value["for"]} if "for" in value else {}
    if domain == "mqtt":
        return _press(translator, value)
    if entity_id is None or not isinstance(domain, str) or not isinstance(kind, str):
        return None
    state = _STATES_BY_TYPE.get(domain, {}).get(kind)
    if domain in _SWITCHED:
        state = {"turned_on": "on", "turned_off": "off"}.get(kind)
    elif domain == "binary_sensor":
        state = _state_of_binary(kind)
    if state is not None or kind == "changed_states":
        return {"trigger": "state", "entity_id": entity_id, "to": state, **lasting}
    if domain == "climate" and kind == "hvac_mode_changed":
        return {"trigger": "state", "entity_id": entity_id, "to": value.get("to"), **lasting}
    if domain == "select" and kind == "current_option_changed":
        wanted = {key: value[key] for key in ("from", "to") if key in value}
        return {"trigger": "state", "entity_id": entity_id, **(wanted or {"to": None}), **lasting}
    if domain in {"device_tracker", "person"} and kind in {"enters", "leaves"} and isinstance(value.get("zone"), str):
        return {"trigger": "zone", "entity_id": entity_id, "zone": value["zone"], "event": kind.removesuffix("s")}
    limits = _limits(value)
    attribute = _attribute(kind)
    if limits and (domain in {"sensor", "number"} or attribute):
        return {"trigger": "numeric_state", "entity_id": entity_id, **attribute, **limits, **lasting}
    return None


def _press(translator: Translator, value: PlacedMap) -> Words | None:
    """A button of Zigbee2MQTT: its presses come on a topic of the device's name."""
    name = translator.name_in_zigbee2mqtt(str(value.get("device_id")))
    subtype = value.get("subtype")
    if name is None or value.get("type") != "action" or not isinstance(subtype, str):
        return None
    return {"trigger": "mqtt", "topic": f"zigbee2mqtt/{name}/action", "payload": subtype}


def _condition_of_device(translator: Translator, value: PlacedMap) -> Words | None:
    if value.get("condition") != "device":
        return None
    domain, kind, entity_id = value.get("domain"), value.get("type"), translator.entity(value)
    if entity_id is None or not isinstance(domain, str) or not isinstance(kind, str):
        return None
    state = _STATES_BY_CONDITION.get(domain, {}).get(kind)
    if domain in _SWITCHED:
        state = {"is_on": "on", "is_off": "off"}.get(kind)
    elif domain == "binary_sensor" and kind.startswith("is_"):
        state = _state_of_binary(kind.removeprefix("is_"))
    elif domain in {"device_tracker", "person"} and kind == "is_home":
        state = "home"
    if state is not None:
        lasting: Words = {"for": value["for"]} if "for" in value else {}
        return {"condition": "state", "entity_id": entity_id, "state": state, **lasting}
    if domain in {"device_tracker", "person"} and kind == "is_not_home":
        at_home: Words = {"condition": "state", "entity_id": entity_id, "state": "home"}
        return {"condition": "not", "conditions": [at_home]}
    if domain == "climate" and kind == "is_hvac_mode" and isinstance(value.get("hvac_mode"), str):
        return {"condition": "state", "entity_id": entity_id, "state": value["hvac_mode"]}
    if domain == "select" and kind == "selected_option" and isinstance(value.get("option"), str):
        return {"condition": "state", "entity_id": entity_id, "state": value["option"]}
    attribute = _attribute(kind)
    if (limits := _limits(value)) and (domain in {"sensor", "number"} or attribute):
        return {"condition": "numeric_state", "entity_id": entity_id, **attribute, **limits}
    return None


def _action_of_device(translator: Translator, value: PlacedMap) -> Words | None:
    if "device_id" not in value or "condition" in value or not {"platform", "trigger"}.isdisjoint(value):
        return None
    domain, kind = value.get("domain"), value.get("type")
    if domain == "mobile_app" and kind == "notify":
        data: Words = {key: value[key] for key in ("title", "message", "data") if key in value}
        return {"action": "notify.mobile_app", "data": data}
    entity_id = translator.entity(value)
    verb = _VERBS.get(domain, {}).get(kind) if isinstance(domain, str) and isinstance(kind, str) else None
    if domain == "light" and kind in _STEPS_OF_LIGHT and entity_id is not None:
        return {"action": "light.turn_on", "target": {"entity_id": entity_id}, "data": dict(_STEPS_OF_LIGHT[str(kind)])}
    if entity_id is None or verb is None:
        return None
    rest: Words = {
        key: item
        for key, item in value.items()
        if key not in {"device_id", "domain", "type", "entity_id", "metadata", *_KEPT}
    }
    return {"action": f"{domain}.{verb}", "target": {"entity_id": entity_id}, **({"data": rest} if rest else {})}


_STEPS_OF_LIGHT: Final[Mapping[str, Mapping[str, JsonValue]]] = {
    "brightness_increase": {"brightness_step_pct": 10},
    "brightness_decrease": {"brightness_step_pct": -10},
}


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


def _state_of_binary(kind: str) -> str | None:
    if kind in {"locked", "not_locked"}:  # a lock's sensor is on when it is open
        return "off" if kind == "locked" else "on"
    return "off" if kind.startswith(("no_", "not_")) or kind in {"turned_off", "off"} else "on"


def _attribute(kind: str) -> Words:
    return {"attribute": _ATTRIBUTE_BY_TYPE[kind]} if kind in _ATTRIBUTE_BY_TYPE else {}


def _limits(value: PlacedMap) -> Words:
    return {key: value[key] for key in ("above", "below") if key in value}


_Reader: TypeAlias = Callable[[Translator, PlacedMap], "Words | None"]
# With the words for a person, where there is something to tell.
_READERS: Final[tuple[tuple[_Reader, str | None], ...]] = (
    (_trigger_of_device, None),
    (_condition_of_device, None),
    (_action_of_device, None),
    (_start_event, None),
    (_published_template, None),
    (_hue_scene, "hue.activate_scene is read as scene.turn_on: without dynamics they do the same"),
    (_device_as_target, None),
    (_old_pattern, None),
    (_old_time, "the old key 'after' is read as 'at'"),
    (_old_state, "the old key 'state' is read as 'to'"),
)
