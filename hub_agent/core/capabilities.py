"""From what people set (`on=true brightness=40`) to the calls that do it: people's units in, Home Assistant's out."""

from collections.abc import Callable, Iterable, Mapping
from string import hexdigits
from typing import TypeAlias

from hub_agent.core.desired import ActionCall
from hub_agent.core.expectation import number_in
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability, Entity
from hub_agent.model.json import JsonValue

Values: TypeAlias = Mapping[str, JsonValue]

# Names under which people and dialects may know the same capability.
_SYNONYMS = (
    ("on", "state"),
    ("color_temp", "color_temp_kelvin"),
    ("color", "color_rgb", "rgb_color"),
    ("position", "current_position"),
    ("tilt", "tilt_position", "current_tilt_position"),
    ("target_temperature", "temperature", "current_heating_setpoint"),
    ("mode", "hvac_mode", "operation_mode", "system_mode"),
    ("preset", "preset_mode"),
    ("speed", "percentage", "fan_percentage"),
    ("target_humidity", "humidity"),
    ("locked", "lock"),
)
_NAMES = {name: names[0] for names in _SYNONYMS for name in names}
_VALUE_DOMAINS = {
    "number": ("set_value", "value"),
    "text": ("set_value", "value"),
    "input_number": ("set_value", "value"),
    "input_text": ("set_value", "value"),
    "select": ("select_option", "option"),
    "input_select": ("select_option", "option"),
    "input_datetime": ("set_datetime", "datetime"),
    "counter": ("set_value", "value"),
    "date": ("set_value", "date"),
    "time": ("set_value", "time"),
    "datetime": ("set_value", "datetime"),
}


def calls_for(entity: Entity, values: Values) -> list[ActionCall]:
    """The calls that set these capabilities of the entity. Raises NotPossible, naming what the entity can do."""
    if not values:
        raise NotPossible(f"Nothing to set. {_can_do(entity)}")
    wanted = {_NAMES.get(name, name): value for name, value in values.items()}
    for name, value in wanted.items():
        _check(entity, name, value)
    calls = list(_PLANNERS.get(entity.domain, _plan_value)(entity, wanted))
    if not calls:
        raise NotPossible(f"{entity.id} cannot be set so. {_can_do(entity)}")
    return calls


def _check(entity: Entity, name: str, value: JsonValue) -> None:
    if name == "transition" and entity.domain == "light":
        return
    capability = _capability(entity, name)
    if capability is None or "w" not in capability.access:
        raise NotPossible(f'{entity.id} has no "{name}" that can be set. {_can_do(entity)}')
    number = number_in(value)
    if capability.type in {"int", "float"} and number is None:
        raise NotPossible(f'{entity.id}: {name} must be a number, not "{value}". {_can_do(entity)}')
    if number is not None and not _is_in_range(capability, number):
        raise NotPossible(f"{entity.id}: {name} must be {_range(capability)}, not {value}.")
    if capability.options and value not in capability.options:
        raise NotPossible(f'{entity.id}: {name} must be one of {", ".join(capability.options)}, not "{value}".')


def _capability(entity: Entity, name: str) -> Capability | None:
    """By any of its names, one that can be set first; an entity that holds one value knows it as `value` too."""
    found = [capability for known, capability in entity.capabilities.items() if _NAMES.get(known, known) == name]
    if not found and name == "value" and entity.domain in _VALUE_DOMAINS:
        found = list(entity.capabilities.values())
    return next((each for each in found if "w" in each.access), found[0] if found else None)


def _is_in_range(capability: Capability, number: float) -> bool:
    if capability.type not in {"int", "float"}:
        return True
    return (capability.min is None or number >= capability.min) and (capability.max is None or number <= capability.max)


def _range(capability: Capability) -> str:
    unit = f" {capability.unit}" if capability.unit else ""
    if capability.min is None or capability.max is None:
        bound = f"at least {capability.min:g}" if capability.min is not None else f"at most {capability.max:g}"
        return f"{bound}{unit}"
    return f"between {capability.min:g} and {capability.max:g}{unit}"


def _can_do(entity: Entity) -> str:
    settable = [
        f"{name}{_limits(capability)}" for name, capability in entity.capabilities.items() if "w" in capability.access
    ]
    if not settable:
        return f"{entity.id} can only be read."
    return f"{entity.id} can be set: {', '.join(settable)}."


def _limits(capability: Capability) -> str:
    if capability.options:
        return f" ({', '.join(capability.options)})"
    if capability.type in {"int", "float"} and (capability.min is not None or capability.max is not None):
        return f" ({_range(capability)})"
    return " (true, false)" if capability.type == "bool" else ""


def _is_true(entity: Entity, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"on", "true", "yes", "off", "false", "no"}:
        return value.lower() in {"on", "true", "yes"}
    raise NotPossible(f'{entity.id}: "{value}" is neither true nor false.')


_Planner: TypeAlias = Callable[[Entity, Values], Iterable[ActionCall]]


def _plan_light(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    data: dict[str, JsonValue] = {}
    if "transition" in wanted:
        data["transition"] = number_in(wanted["transition"])
    if "on" in wanted and not _is_true(entity, wanted["on"]):
        yield "light.turn_off", data
        return
    percent = number_in(wanted.get("brightness"))
    if percent is not None:
        data["brightness"] = round(percent * 2.55)
    if "color_temp" in wanted:
        data["color_temp_kelvin"] = wanted["color_temp"]
    if "color" in wanted:
        data.update(_colour(wanted["color"]))
    if "effect" in wanted:
        data["effect"] = wanted["effect"]
    yield "light.turn_on", data


def _colour(value: JsonValue) -> dict[str, JsonValue]:
    """[255, 128, 0], "#ff8000", or a colour's name."""
    if not isinstance(value, str):
        return {"rgb_color": value}
    digits = value.removeprefix("#")
    if len(digits) == 6 and all(digit in hexdigits for digit in digits):
        return {"rgb_color": list(bytes.fromhex(digits))}
    return {"color_name": value}


def _plan_on_off(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    if "on" in wanted:
        yield f"{entity.domain}.turn_{'on' if _is_true(entity, wanted['on']) else 'off'}", {}


def _plan_fields(verbs: Mapping[str, tuple[str, str]]) -> _Planner:
    """Capability -> (verb, field), each a call of its own."""

    def plan(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
        for name, (verb, field) in verbs.items():
            if name in wanted:
                yield f"{entity.domain}.{verb}", {field: wanted[name]}

    return plan


_PLAYER_FIELDS = {
    "source": ("select_source", "source"),
    "sound_mode": ("select_sound_mode", "sound_mode"),
    "repeat": ("repeat_set", "repeat"),
}
_FAN_FIELDS = {
    "speed": ("set_percentage", "percentage"),
    "preset": ("set_preset_mode", "preset_mode"),
    "oscillating": ("oscillate", "oscillating"),
    "direction": ("set_direction", "direction"),
}
_CLIMATE_TARGETS = {
    "target_temperature": "temperature",
    "target_temp_low": "target_temp_low",
    "target_temp_high": "target_temp_high",
}
_CLIMATE_FIELDS = {
    "preset": ("set_preset_mode", "preset_mode"),
    "fan_mode": ("set_fan_mode", "fan_mode"),
    "swing_mode": ("set_swing_mode", "swing_mode"),
    "target_humidity": ("set_humidity", "humidity"),
}


def _plan_fan(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    yield from _plan_on_off(entity, wanted)
    if "on" not in wanted or _is_true(entity, wanted["on"]):
        yield from _plan_fields(_FAN_FIELDS)(entity, wanted)


def _plan_humidifier(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    yield from _plan_on_off(entity, wanted)
    yield from _plan_fields({"mode": ("set_mode", "mode"), "target_humidity": ("set_humidity", "humidity")})(
        entity, wanted
    )


def _plan_openable(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    if "position" in wanted:
        yield f"{entity.domain}.set_{entity.domain}_position", {"position": wanted["position"]}
    elif "on" in wanted or "open" in wanted:
        is_open = wanted.get("open", wanted.get("on"))
        word = is_open.lower() if isinstance(is_open, str) else is_open
        verb = {"open": "open", "close": "close", "closed": "close", "stop": "stop"}.get(str(word))
        verb = verb or ("open" if _is_true(entity, is_open) else "close")
        yield f"{entity.domain}.{verb}_{entity.domain}", {}
    if "tilt" in wanted:
        yield f"{entity.domain}.set_{entity.domain}_tilt_position", {"tilt_position": wanted["tilt"]}


def _plan_lock(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    value = wanted.get("locked", wanted.get("on"))
    word = str(value).lower()
    if word in {"lock", "unlock", "open"}:
        yield f"lock.{word}", {}
    elif value is not None:
        yield f"lock.{'lock' if _is_true(entity, value) else 'unlock'}", {}


def _plan_climate(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    if "on" in wanted and "mode" not in wanted:
        yield f"climate.turn_{'on' if _is_true(entity, wanted['on']) else 'off'}", {}
    targets = {field: wanted[name] for name, field in _CLIMATE_TARGETS.items() if name in wanted}
    if targets:
        mode: dict[str, JsonValue] = {"hvac_mode": wanted["mode"]} if "mode" in wanted else {}
        yield "climate.set_temperature", {**targets, **mode}
    elif "mode" in wanted:
        yield "climate.set_hvac_mode", {"hvac_mode": wanted["mode"]}
    yield from _plan_fields(_CLIMATE_FIELDS)(entity, wanted)


def _plan_water_heater(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    yield from _plan_on_off(entity, wanted)
    fields = {
        "mode": ("set_operation_mode", "operation_mode"),
        "target_temperature": ("set_temperature", "temperature"),
    }
    yield from _plan_fields(fields)(entity, wanted)


def _plan_siren(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    if "on" in wanted and not _is_true(entity, wanted["on"]):
        yield "siren.turn_off", {}
    else:
        yield "siren.turn_on", {name: value for name, value in wanted.items() if name != "on"}


def _plan_update(_entity: Entity, _wanted: Values) -> Iterable[ActionCall]:
    yield "update.install", {}


def _plan_media_player(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    """How loud before what is played."""
    yield from _plan_on_off(entity, wanted)
    percent = number_in(wanted.get("volume"))
    if percent is not None:
        yield "media_player.volume_set", {"volume_level": percent / 100}
    if "muted" in wanted:
        yield "media_player.volume_mute", {"is_volume_muted": _is_true(entity, wanted["muted"])}
    if "shuffle" in wanted:
        yield "media_player.shuffle_set", {"shuffle": _is_true(entity, wanted["shuffle"])}
    yield from _plan_fields(_PLAYER_FIELDS)(entity, wanted)
    if "media" in wanted:
        yield "media_player.play_media", {"media_content_id": wanted["media"], "media_content_type": "music"}
    if "playing" in wanted:
        yield f"media_player.media_{'play' if _is_true(entity, wanted['playing']) else 'pause'}", {}


def _plan_timer(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    if "on" in wanted:
        yield f"timer.{'start' if _is_true(entity, wanted['on']) else 'cancel'}", {}


def _plan_button(entity: Entity, _wanted: Values) -> Iterable[ActionCall]:
    yield f"{entity.domain}.press", {}


def _plan_value(entity: Entity, wanted: Values) -> Iterable[ActionCall]:
    """Domains that hold one value, whatever its name is."""
    if entity.domain not in _VALUE_DOMAINS:
        yield from _plan_on_off(entity, wanted)
        return
    verb, field = _VALUE_DOMAINS[entity.domain]
    for value in wanted.values():
        yield f"{entity.domain}.{verb}", {field: value}


_PLANNERS: Mapping[str, _Planner] = {
    "light": _plan_light,
    "fan": _plan_fan,
    "humidifier": _plan_humidifier,
    "cover": _plan_openable,
    "valve": _plan_openable,
    "lock": _plan_lock,
    "climate": _plan_climate,
    "water_heater": _plan_water_heater,
    "siren": _plan_siren,
    "media_player": _plan_media_player,
    "update": _plan_update,
    "button": _plan_button,
    "input_button": _plan_button,
    "timer": _plan_timer,
}
