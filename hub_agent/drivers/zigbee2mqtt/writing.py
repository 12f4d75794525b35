"""Actions -> what is published to a device's `set` topic. What a device has no place for is left out, as Home Assistant does; what would do nothing is NotPossible."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from hub_agent.drivers.colour_names import rgb_of_name
from hub_agent.drivers.colours import xy_of_kelvin
from hub_agent.drivers.vocabulary import kelvin_of, mireds_of
from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body = dict[str, JsonValue]
Write = Callable[[JsonObject, JsonObject], Body]


def write(native: JsonObject, action: str, data: JsonObject) -> Body:
    """Raises NotPossible. `action` is `domain.verb`."""
    kind = fields.text(native, "kind") or ""
    domain, _, verb = action.partition(".")
    verbs = _VERBS.get(kind, {})
    # homeassistant.turn_on and its like mean the same of every domain.
    if verb not in verbs or domain not in {*_DOMAINS.get(kind, ()), "homeassistant"}:
        raise NotPossible(f"{action} is nothing that this can do; it understands {_names(kind)}.")
    return verbs[verb](native, data)


def _names(kind: str) -> str:
    domain = next(iter(_DOMAINS.get(kind, ())), "")
    return ", ".join(f"{domain}.{verb}" for verb in _VERBS.get(kind, {})) or "no commands"


# Lights.


def _light_on(native: JsonObject, data: JsonObject) -> Body:
    body: Body = {}
    properties = fields.mapping(native, "properties")
    brightness = _brightness(native, data)
    if brightness == 0:
        return _light_off(native, data)
    if isinstance(state := properties.get("state"), str):
        body[state] = native.get("on")
    if isinstance(name := properties.get("brightness"), str):
        if brightness is not None:
            body[name] = brightness
        elif (step := _brightness_step(native, data)) is not None:
            body[name.replace("brightness", "brightness_step", 1)] = step
    body |= _colour(native, properties, data)
    effect = data.get("effect", _FLASHES.get(str(data.get("flash"))))
    if isinstance(effect, str) and isinstance(name := properties.get("effect"), str):
        body[name] = effect
    _add_transition(body, data)
    return body


# The Zigbee effects that look like Home Assistant's flashes.
_FLASHES: Final = {"short": "blink", "long": "breathe"}


def _light_off(native: JsonObject, data: JsonObject) -> Body:
    state = fields.text(fields.mapping(native, "properties"), "state")
    if state is None:
        raise NotPossible("this light cannot be turned off.")
    body: Body = {state: native.get("off")}
    _add_transition(body, data)
    return body


def _light_toggle(native: JsonObject, data: JsonObject) -> Body:
    state = fields.text(fields.mapping(native, "properties"), "state")
    if state is None or "toggle" not in native:
        raise NotPossible("this light cannot toggle; turn it on or off.")
    body = _light_on(native, data)
    body[state] = native["toggle"]
    return body


def _brightness(native: JsonObject, data: JsonObject) -> int | None:
    """In the device's own scale."""
    highest = fields.number(native, "brightness_max") or 254
    if "brightness_pct" in data:
        share = _number(data, "brightness_pct", 0, 100) / 100
    elif "brightness" in data:
        share = _number(data, "brightness", 0, 255) / 255
    else:
        return None
    return max(1, round(share * highest)) if share > 0 else 0


def _brightness_step(native: JsonObject, data: JsonObject) -> int | None:
    highest = fields.number(native, "brightness_max") or 254
    if "brightness_step_pct" in data:
        return round(_number(data, "brightness_step_pct", -100, 100) * highest / 100)
    if "brightness_step" in data:
        return round(_number(data, "brightness_step", -255, 255) * highest / 255)
    return None


def _colour(native: JsonObject, properties: JsonObject, data: JsonObject) -> Body:
    warmth, colour = fields.text(properties, "color_temp"), fields.text(properties, "color")
    kelvin = _kelvin(data)
    if kelvin is not None:
        if warmth is not None:
            lowest, highest = fields.number(native, "min"), fields.number(native, "max")
            mireds = mireds_of(kelvin)
            return {warmth: round(min(max(mireds, lowest or mireds), highest or mireds))}
        if colour is not None:
            x, y = xy_of_kelvin(kelvin)
            return {colour: {"x": x, "y": y}}
        return {}
    if colour is None:
        return {}
    if "rgb_color" in data:
        red, green, blue = _numbers(data, "rgb_color", 3, 255)
        return {colour: {"r": round(red), "g": round(green), "b": round(blue)}}
    if "hs_color" in data:
        hue, saturation = _numbers(data, "hs_color", 2, 360)
        return {colour: {"hue": round(hue, 2), "saturation": round(min(saturation, 100), 2)}}
    if "xy_color" in data:
        x, y = _numbers(data, "xy_color", 2, 1)
        return {colour: {"x": round(x, 4), "y": round(y, 4)}}
    if "color_name" in data:
        rgb = rgb_of_name(str(data["color_name"]))
        if rgb is None:
            raise NotPossible(f"{str(data['color_name'])[:40]!r} is no colour; say rgb_color: [255, 0, 0].")
        return {colour: {"r": rgb[0], "g": rgb[1], "b": rgb[2]}}
    return {}


def _kelvin(data: JsonObject) -> float | None:
    for name in ("color_temp_kelvin", "kelvin"):
        if name in data:
            return _number(data, name, 500, 50_000)
    if "color_temp" in data:
        return kelvin_of(_number(data, "color_temp", 20, 2_000))
    return None


def _add_transition(body: Body, data: JsonObject) -> None:
    if "transition" in data:
        body["transition"] = _tidy(_number(data, "transition", 0, 6_553))


# Switches, locks.


def _set_raw(name: str) -> Write:
    def write_raw(native: JsonObject, _data: JsonObject) -> Body:
        if name not in native:
            raise NotPossible(f"this cannot {name}; turn it on or off.")
        return {_property(native): native[name]}

    return write_raw


# Covers.


def _cover_move(raw: str, position: int) -> Write:
    def write_move(native: JsonObject, _data: JsonObject) -> Body:
        properties = fields.mapping(native, "properties")
        state = fields.text(properties, "state")
        states = {value.upper(): value for value in fields.texts(native, "states")}
        if state is not None and (raw in states or not states):
            return {state: states.get(raw, raw)}
        name = fields.text(properties, "position")
        if name is None or raw == "STOP":
            raise NotPossible(f"this cover cannot {raw.lower()}.")
        return {name: position}

    return write_move


def _cover_set(role: str, field: str) -> Write:
    def write_position(native: JsonObject, data: JsonObject) -> Body:
        name = fields.text(fields.mapping(native, "properties"), role)
        if name is None:
            raise NotPossible(f"this cover has no {role} that could be set.")
        return {name: round(_number(data, field, 0, 100))}

    return write_position


def _cover_tilt(tilt: int) -> Write:
    return lambda native, _data: _cover_set("tilt", "tilt_position")(native, {"tilt_position": tilt})


# Climate.


def _climate_temperature(native: JsonObject, data: JsonObject) -> Body:
    body: Body = {}
    if "hvac_mode" in data:
        body |= _climate_mode(native, data)
    mode = data.get("hvac_mode")
    single = "cool" if mode == "cool" and _is_settable(native, "cool") else "heat"
    if not _is_settable(native, single):
        single = "cool"
    for name, role in (("temperature", single), ("target_temp_low", "heat"), ("target_temp_high", "cool")):
        if data.get(name) is not None:
            body[_settable(native, role, "target temperature")] = _setpoint(native, role, data, name)
    if not body:
        raise NotPossible("climate.set_temperature needs a temperature.")
    return body


def _setpoint(native: JsonObject, role: str, data: JsonObject, name: str) -> JsonValue:
    limits = fields.mapping(native, f"{role}_limits")
    lowest, highest = fields.number(limits, "min"), fields.number(limits, "max")
    return _tidy(_number(data, name, -100 if lowest is None else lowest, 200 if highest is None else highest))


def _climate_choice(role: str, field: str, words: str) -> Write:
    def write_choice(native: JsonObject, data: JsonObject) -> Body:
        return {_settable(native, role, words): _choice(data, field, fields.texts(native, f"{role}_values"))}

    return write_choice


_climate_mode: Final = _climate_choice("mode", "hvac_mode", "mode")


def _climate_off(native: JsonObject, _data: JsonObject) -> Body:
    return _climate_mode(native, {"hvac_mode": "off"})


def _climate_on(native: JsonObject, _data: JsonObject) -> Body:
    modes = fields.texts(native, "mode_values")
    for mode in ("heat_cool", "heat", "auto", "cool"):
        if mode in modes:
            return _climate_mode(native, {"hvac_mode": mode})
    raise NotPossible("this thermostat has no mode to turn it on with.")


def _is_settable(native: JsonObject, role: str) -> bool:
    return role in fields.texts(native, "settable")


def _settable(native: JsonObject, role: str, words: str) -> str:
    name = fields.text(fields.mapping(native, "properties"), role)
    if name is None or not _is_settable(native, role):
        raise NotPossible(f"this thermostat has no {words} that could be set.")
    return name


# Fans.


def _fan_on(native: JsonObject, data: JsonObject) -> Body:
    if data.get("percentage") is not None:
        return _fan_speed(native, data)
    if data.get("preset_mode") is not None:
        return _fan_preset(native, data)
    return _fan_state(native, "on")


def _fan_off(native: JsonObject, _data: JsonObject) -> Body:
    return _fan_state(native, "off")


def _fan_toggle(native: JsonObject, _data: JsonObject) -> Body:
    return _fan_state(native, "toggle")


def _fan_state(native: JsonObject, name: str) -> Body:
    properties = fields.mapping(native, "properties")
    state = fields.text(properties, "state")
    if state is not None and name in native:
        return {state: native[name]}
    mode = fields.text(properties, "mode")
    if mode is not None and name in fields.texts(native, "modes"):
        return {mode: name}
    raise NotPossible(f"this fan has no way to be turned {name}." if name != "toggle" else "this fan cannot toggle.")


def _fan_speed(native: JsonObject, data: JsonObject) -> Body:
    share = _number(data, "percentage", 0, 100) / 100
    if share == 0:
        return _fan_state(native, "off")
    properties = fields.mapping(native, "properties")
    speed, mode, speeds = (
        fields.text(properties, "speed"),
        fields.text(properties, "mode"),
        fields.texts(native, "speeds"),
    )
    if speed is not None:
        highest = fields.number(fields.mapping(native, "speed_limits"), "max") or 254
        return {**_on_if_known(native), speed: max(1, round(share * highest))}
    if mode is None or not speeds:
        raise NotPossible("this fan has no speeds.")
    return {mode: speeds[math.ceil(share * len(speeds)) - 1]}


def _on_if_known(native: JsonObject) -> Body:
    state = fields.text(fields.mapping(native, "properties"), "state")
    return {state: native["on"]} if state is not None and "on" in native else {}


def _fan_preset(native: JsonObject, data: JsonObject) -> Body:
    mode = fields.text(fields.mapping(native, "properties"), "mode")
    presets = fields.texts(native, "presets")
    if mode is None or not presets:
        raise NotPossible("this fan has no presets.")
    return {mode: _choice(data, "preset_mode", presets)}


# Single properties.


def _number_set(native: JsonObject, data: JsonObject) -> Body:
    limits = fields.mapping(native, "limits")
    lowest, highest = fields.number(limits, "min"), fields.number(limits, "max")
    value = _number(data, "value", -math.inf if lowest is None else lowest, math.inf if highest is None else highest)
    return {_property(native): _tidy(value)}


def _select(native: JsonObject, data: JsonObject) -> Body:
    option = data.get("option")
    if not isinstance(option, str | int | float):
        raise NotPossible("select.select_option needs an option.")
    # Raw numbers and truth values are named by their words.
    raw = {_word(value): value for value in fields.listed(native, "values")}
    return {_property(native): raw.get(_word(option), _word(option))}


def _word(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(native: JsonObject, data: JsonObject) -> Body:
    value = data.get("value")
    if not isinstance(value, str | int | float):
        raise NotPossible("text.set_value needs a value.")
    return {_property(native): str(value)}


def _json(native: JsonObject, data: JsonObject) -> Body:
    value = data.get("value")
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise NotPossible(f"the value has to be JSON: {error}") from error
    return {_property(native): value}


def _press(native: JsonObject, _data: JsonObject) -> Body:
    return {_property(native): native.get("press")}


def _recall(native: JsonObject, _data: JsonObject) -> Body:
    return {_property(native): native.get("scene")}


# Sirens: the cluster's "start warning" is one structure, and what is left out of it is undefined.


def _siren_on(native: JsonObject, data: JsonObject) -> Body:
    tones = fields.texts(native, "tones")
    tone = _choice(data, "tone", tones) if "tone" in data else _first(("emergency", "burglar", *tones), tones)
    wanted: Mapping[str, JsonValue] = {
        "mode": tone,
        "level": _level(native, data),
        "strobe_level": "high",
        "strobe": True,
        "strobe_duty_cycle": 5,
        "duration": _tidy(_number(data, "duration", 0, 65_535)) if "duration" in data else 1_800,
    }
    return {_property(native): {name: wanted[name] for name in fields.texts(native, "fields") if name in wanted}}


def _siren_off(native: JsonObject, _data: JsonObject) -> Body:
    return {_property(native): {"mode": "stop", "level": "low", "strobe": False, "duration": 0}}


def _level(native: JsonObject, data: JsonObject) -> str:
    levels = fields.texts(native, "levels") or ("high",)
    if "volume_level" in data:
        return levels[min(int(_number(data, "volume_level", 0, 1) * len(levels)), len(levels) - 1)]
    return _first(("high",), levels)


def _first(wanted: tuple[str, ...], options: tuple[str, ...]) -> str:
    return next((word for word in wanted if word in options), "high")


_SWITCH_VERBS: Final = {"turn_on": _set_raw("on"), "turn_off": _set_raw("off"), "toggle": _set_raw("toggle")}
_VERBS: Final[Mapping[str, Mapping[str, Write]]] = {
    "light": {"turn_on": _light_on, "turn_off": _light_off, "toggle": _light_toggle},
    "switch": _SWITCH_VERBS,
    "lock": {"lock": _set_raw("on"), "unlock": _set_raw("off")},
    "cover": {
        "open_cover": _cover_move("OPEN", 100),
        "close_cover": _cover_move("CLOSE", 0),
        "stop_cover": _cover_move("STOP", 0),
        "set_cover_position": _cover_set("position", "position"),
        "open_cover_tilt": _cover_tilt(100),
        "close_cover_tilt": _cover_tilt(0),
        "set_cover_tilt_position": _cover_set("tilt", "tilt_position"),
        "turn_on": _cover_move("OPEN", 100),
        "turn_off": _cover_move("CLOSE", 0),
    },
    "climate": {
        "set_temperature": _climate_temperature,
        "set_hvac_mode": _climate_mode,
        "set_preset_mode": _climate_choice("preset", "preset_mode", "preset"),
        "set_fan_mode": _climate_choice("fan", "fan_mode", "fan mode"),
        "set_swing_mode": _climate_choice("swing", "swing_mode", "swing mode"),
        "turn_on": _climate_on,
        "turn_off": _climate_off,
    },
    "fan": {
        "turn_on": _fan_on,
        "turn_off": _fan_off,
        "toggle": _fan_toggle,
        "set_percentage": _fan_speed,
        "set_preset_mode": _fan_preset,
    },
    "numeric": {"set_value": _number_set},
    "enum": {"select_option": _select},
    "text": {"set_value": _text},
    "json": {"set_value": _json},
    "button": {"press": _press},
    "siren": {"turn_on": _siren_on, "turn_off": _siren_off},
    "scene": {"turn_on": _recall},
}
_DOMAINS: Final[Mapping[str, tuple[str, ...]]] = {
    "light": ("light",),
    "switch": ("switch",),
    "lock": ("lock",),
    "cover": ("cover",),
    "climate": ("climate",),
    "fan": ("fan",),
    "numeric": ("number",),
    "enum": ("select",),
    "text": ("text",),
    "json": ("text",),
    "button": ("button",),
    "siren": ("siren",),
    "scene": ("scene",),
}


def _property(native: JsonObject) -> str:
    name = fields.text(native, "property")
    if name is None:
        raise NotPossible("this takes no commands.")
    return name


def _number(data: JsonObject, name: str, lowest: float, highest: float) -> float:
    value = data.get(name)
    try:
        # Templates may give numbers as text.
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if not lowest <= number <= highest or math.isinf(number):
        raise NotPossible(f"{name} has to be a number from {lowest:g} to {highest:g}, not {str(value)[:40]!r}.")
    return number


def _numbers(data: JsonObject, name: str, count: int, highest: float) -> tuple[float, ...]:
    values = fields.listed(data, name)
    if len(values) != count:
        raise NotPossible(f"{name} has to be a list of {count} numbers.")
    return tuple(_number({name: value}, name, 0, highest) for value in values)


def _choice(data: JsonObject, name: str, options: tuple[str, ...]) -> str:
    value = data.get(name)
    if not isinstance(value, str) or (options and value not in options):
        raise NotPossible(f"{name} has to be one of {', '.join(options)}, not {str(value)[:40]!r}.")
    return value


def _tidy(value: float) -> float:
    """21.0 is sent as 21: some converters take whole numbers only."""
    return int(value) if value == int(value) else value
