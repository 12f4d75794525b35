"""Triggers, conditions and actions of a device, as Home Assistant's editor writes them, in the words of the language.

`{trigger: device, domain: light, type: turned_on, entity_id: light.x}` is a state trigger on `light.x`, and so on. What has no such
words (a press that only an integration hears) has none here. https://www.home-assistant.io/docs/automation/trigger/#device-triggers
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from hub_agent.core.automation.reading import Fields
from hub_agent.errors import DefinitionError
from hub_agent.model.json import JsonValue

Words: TypeAlias = dict[str, JsonValue]
Given: TypeAlias = Mapping[str, JsonValue]

_SWITCHED: Final = frozenset(
    {"light", "switch", "fan", "humidifier", "input_boolean", "siren", "update", "media_player", "remote"}
)
_STATES_BY_TYPE: Final[Mapping[str, Mapping[str, str]]] = {
    "cover": {"opened": "open", "closed": "closed", "opening": "opening", "closing": "closing"},
    "valve": {"opened": "open", "closed": "closed", "opening": "opening", "closing": "closing"},
    "lock": {each: each for each in ("locked", "unlocked", "locking", "unlocking", "jammed", "open", "opening")},
    "alarm_control_panel": {
        each: each
        for each in ("triggered", "disarmed", "arming", "armed_home", "armed_away", "armed_night", "armed_vacation")
    },
    "vacuum": {"cleaning": "cleaning", "docked": "docked"},
    "lawn_mower": {"mowing": "mowing", "docked": "docked"},
    "media_player": {each: each for each in ("idle", "paused", "playing", "buffering")},
}
_STATES_BY_CONDITION: Final[Mapping[str, Mapping[str, str]]] = {
    "cover": {f"is_{each}": each for each in ("open", "closed", "opening", "closing")},
    "valve": {f"is_{each}": each for each in ("open", "closed", "opening", "closing")},
    "lock": {f"is_{each}": each for each in ("locked", "unlocked", "locking", "unlocking", "jammed", "open")},
    "alarm_control_panel": {
        f"is_{each}": each
        for each in ("triggered", "disarmed", "armed_home", "armed_away", "armed_night", "armed_vacation")
    },
    "vacuum": {"is_docked": "docked", "is_cleaning": "cleaning"},
    "media_player": {f"is_{each}": each for each in ("idle", "paused", "playing", "buffering")},
}
# What the limits are about, where it is not the state.
_ATTRIBUTE_BY_TYPE: Final[Mapping[str, str]] = {
    "position": "current_position",
    "tilt_position": "current_tilt_position",
    "current_temperature_changed": "current_temperature",
    "current_humidity_changed": "current_humidity",
    "target_humidity_changed": "humidity",
    "is_position": "current_position",
    "is_tilt_position": "current_tilt_position",
}
_OF_COVER: Final[Mapping[str, str]] = {
    "open": "open_cover",
    "close": "close_cover",
    "stop": "stop_cover",
    "set_position": "set_cover_position",
    "open_tilt": "open_cover_tilt",
    "close_tilt": "close_cover_tilt",
    "set_tilt_position": "set_cover_tilt_position",
}
_VERBS: Final[Mapping[str, Mapping[str, str]]] = {
    **{domain: {each: each for each in ("turn_on", "turn_off", "toggle")} for domain in _SWITCHED},
    "cover": _OF_COVER,
    "valve": {"open": "open_valve", "close": "close_valve", "set_position": "set_valve_position"},
    "alarm_control_panel": {
        each: f"alarm_{each}" for each in ("arm_away", "arm_home", "arm_night", "arm_vacation", "disarm", "trigger")
    },
    "lock": {each: each for each in ("lock", "unlock", "open")},
    "button": {"press": "press"},
    "number": {"set_value": "set_value"},
    "text": {"set_value": "set_value"},
    "select": {
        each: each for each in ("select_option", "select_first", "select_last", "select_next", "select_previous")
    },
    "climate": {each: each for each in ("set_hvac_mode", "set_preset_mode")},
    "humidifier": {each: each for each in ("turn_on", "turn_off", "toggle", "set_humidity", "set_mode")},
    "vacuum": {"clean": "start", "dock": "return_to_base"},
    "lawn_mower": {"start_mowing": "start_mowing", "dock": "dock", "pause": "pause"},
    "water_heater": {"turn_on": "turn_on", "turn_off": "turn_off"},
}
_STEPS_OF_LIGHT: Final[Mapping[str, Words]] = {
    "brightness_increase": {"brightness_step_pct": 10},
    "brightness_decrease": {"brightness_step_pct": -10},
    "flash": {"flash": "short"},
}
# What a binary_sensor may be, by its device class; with `no_` or `not_` before it, it is not.
_OF_BINARY: Final = frozenset(
    [
        "bat_low",
        "charging",
        "co",
        "cold",
        "connected",
        "gas",
        "hot",
        "light",
        "locked",
        "moist",
        "motion",
        "moving",
        "occupied",
        "open",
        "opened",
        "plugged_in",
        "powered",
        "present",
        "problem",
        "running",
        "smoke",
        "sound",
        "tampered",
        "unsafe",
        "update",
        "vibration",
    ]
)
_NOT_DATA: Final = frozenset({"device_id", "domain", "type", "entity_id", "metadata", "subtype"})
_TRACKED: Final = frozenset({"device_tracker", "person"})


def trigger_of_device(given: Given, entity_id: str) -> Words | None:
    """The trigger that means the same; None if there is none."""
    domain, kind = given.get("domain"), given.get("type")
    if not isinstance(domain, str) or not isinstance(kind, str):
        return None
    lasting: Words = {"for": given["for"]} if "for" in given else {}
    state = _STATES_BY_TYPE.get(domain, {}).get(kind)
    if domain in _SWITCHED and kind in {"turned_on", "turned_off"}:
        state = kind.removeprefix("turned_")
    elif domain == "binary_sensor":
        state = _state_of_binary(kind)
    if state is not None or kind == "changed_states":
        return {"trigger": "state", "entity_id": entity_id, "to": state, **lasting}
    if domain == "climate" and kind == "hvac_mode_changed":
        return {"trigger": "state", "entity_id": entity_id, "to": given.get("to"), **lasting}
    if domain == "select" and kind == "current_option_changed":
        wanted = {key: given[key] for key in ("from", "to") if key in given}
        return {"trigger": "state", "entity_id": entity_id, **(wanted or {"to": None}), **lasting}
    if domain in {"button", "event"} and kind in {"pressed", "received"}:
        return {"trigger": "state", "entity_id": entity_id, "to": None}
    if domain in _TRACKED and kind in {"enters", "leaves"} and isinstance(given.get("zone"), str):
        return {"trigger": "zone", "entity_id": entity_id, "zone": given["zone"], "event": kind.removesuffix("s")}
    limits, attribute = _limits(given), _attribute(kind)
    if limits and (domain in {"sensor", "number"} or attribute):
        return {"trigger": "numeric_state", "entity_id": entity_id, **attribute, **limits, **lasting}
    return None


def condition_of_device(given: Given, entity_id: str) -> Words | None:
    """The condition that means the same; None if there is none."""
    domain, kind = given.get("domain"), given.get("type")
    if not isinstance(domain, str) or not isinstance(kind, str):
        return None
    state = _STATES_BY_CONDITION.get(domain, {}).get(kind)
    if domain in _SWITCHED and kind in {"is_on", "is_off"}:
        state = kind.removeprefix("is_")
    elif domain == "binary_sensor" and kind.startswith("is_"):
        state = _state_of_binary(kind.removeprefix("is_"))
    elif domain in _TRACKED and kind == "is_home":
        state = "home"
    if state is not None:
        lasting: Words = {"for": given["for"]} if "for" in given else {}
        return {"condition": "state", "entity_id": entity_id, "state": state, **lasting}
    if domain in _TRACKED and kind == "is_not_home":
        at_home: Words = {"condition": "state", "entity_id": entity_id, "state": "home"}
        return {"condition": "not", "conditions": [at_home]}
    if domain == "climate" and kind == "is_hvac_mode" and isinstance(given.get("hvac_mode"), str):
        return {"condition": "state", "entity_id": entity_id, "state": given["hvac_mode"]}
    if domain == "select" and kind == "selected_option" and isinstance(given.get("option"), str):
        return {"condition": "state", "entity_id": entity_id, "state": given["option"]}
    attribute = _attribute(kind)
    if (limits := _limits(given)) and (domain in {"sensor", "number"} or attribute):
        return {"condition": "numeric_state", "entity_id": entity_id, **attribute, **limits}
    return None


def action_of_device(given: Given, entity_id: str) -> Words | None:
    """The call that means the same; None if there is none."""
    domain, kind = given.get("domain"), given.get("type")
    if not isinstance(domain, str) or not isinstance(kind, str):
        return None
    if domain == "light" and kind in _STEPS_OF_LIGHT:
        return {"action": "light.turn_on", "target": {"entity_id": entity_id}, "data": dict(_STEPS_OF_LIGHT[kind])}
    verb = _VERBS.get(domain, {}).get(kind)
    if verb is None:
        return None
    data: Words = {key: item for key, item in given.items() if key not in _NOT_DATA}
    if domain == "cover" and "position" in data and kind == "set_tilt_position":
        data["tilt_position"] = data.pop("position")
    return {"action": f"{domain}.{verb}", "target": {"entity_id": entity_id}, **({"data": data} if data else {})}


def read_device_words(fields: Fields, what: str) -> tuple[Words, str]:
    """All that is left of a device's trigger, condition or action, and its entity. Raises DefinitionError if it names none."""
    given: Words = {name: fields.take(name) for name in fields.names()}
    entity_id = given.get("entity_id")
    if not isinstance(entity_id, str) or "." not in entity_id:
        raise DefinitionError(
            f"a {what} of a device needs its entity here (entity_id: light.x): Home Assistant's numbers of devices mean nothing to this hub",
            fields.where,
        )
    return given, entity_id


def refused(given: Given, what: str, where: str) -> DefinitionError:
    return DefinitionError(f"a {what} '{given.get('domain')}/{given.get('type')}' of a device has no words here", where)


def _state_of_binary(kind: str) -> str | None:
    if kind in {"turned_on", "on"}:
        return "on"
    if kind in {"turned_off", "off"}:
        return "off"
    positive = kind.removeprefix("not_").removeprefix("no_")
    if positive not in _OF_BINARY:
        return None
    is_on = (positive == kind) is not (positive == "locked")  # a lock's sensor is on when it is open
    return "on" if is_on else "off"


def _attribute(kind: str) -> Words:
    return {"attribute": _ATTRIBUTE_BY_TYPE[kind]} if kind in _ATTRIBUTE_BY_TYPE else {}


def _limits(given: Given) -> Words:
    return {key: given[key] for key in ("above", "below") if key in given}
