"""Actions -> values of characteristics. What an accessory has no place for is left out; what would do nothing is NotPossible."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, rgb_of_xy, xy_of_kelvin
from hub_agent.drivers.homekit.reading import Values, brightness_of_percent, iid_of, percent_of_brightness
from hub_agent.drivers.vocabulary import mireds_of
from hub_agent.drivers.wishes import Wish, needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

# By role.
Wanted: TypeAlias = dict[str, JsonValue]
_Write: TypeAlias = Callable[[Values, JsonObject], Wanted]


def write(values: Values, action: str, data: JsonObject) -> list[tuple[int, JsonValue]]:
    """Instance ids and the values they are to have, in each characteristic's own format. Raises NotPossible."""
    kind = given.text(values.native, "kind") or ""
    domain, _, verb = action.partition(".")
    verbs = _VERBS.get(kind, {})
    if verb not in verbs or domain not in {kind, "homeassistant"}:
        can = ", ".join(f"{kind}.{each}" for each in verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {can}.")
    wanted = verbs[verb](values, data)
    written = [
        (iid, _formatted(values, role, value))
        for role, value in wanted.items()
        if (iid := iid_of(values.native, role)) is not None
    ]
    if not written:
        raise NotPossible(f"{action}: this accessory has no place for that.")
    return written


def _formatted(values: Values, role: str, value: JsonValue) -> JsonValue:
    """As the characteristic counts: bool, whole number or step, within its limits."""
    kind = given.text(values.native, "at", role, "format") or ""
    if kind == "bool":
        return bool(value)
    number = given.number_of(int(value) if isinstance(value, bool) else value)
    if number is None or kind in {"string", "tlv8", "data"}:
        return value
    low, high = values.limit(role, "min", -math.inf), values.limit(role, "max", math.inf)
    step = values.limit(role, "step", 0)
    if step > 0:
        base = low if math.isfinite(low) else 0
        number = base + round((number - base) / step) * step
    number = max(low, min(high, number))
    return float(given.tidy(number)) if kind == "float" else round(number)


def _on(_values: Values, _data: JsonObject) -> Wanted:
    return {"on": True}


def _off(_values: Values, _data: JsonObject) -> Wanted:
    return {"on": False}


def _toggle(values: Values, _data: JsonObject) -> Wanted:
    role = "on" if values.has("on") else "value"
    return {role: values.truth(role) is not True}


# Lights.


def _light_on(values: Values, data: JsonObject) -> Wanted:
    known = values.number("brightness")
    wish = Wish(data, brightness_of_percent(100 if known is None else known))
    if wish.brightness == 0:
        return {"on": False}
    wanted: Wanted = {"on": True}
    if wish.brightness is not None:
        wanted["brightness"] = percent_of_brightness(wish.brightness)
    if wish.kelvin is not None:
        return wanted | _warmth(values, wish.kelvin)
    if wish.has_colour:
        if not (values.has("hue") and values.has("saturation")):
            raise NotPossible("This light has no colours.")
        hue, saturation = wish.as_hs()
        wanted |= {"hue": hue, "saturation": saturation}
    return wanted


def _warmth(values: Values, kelvin: float) -> Wanted:
    if values.has("warmth"):
        return {"warmth": mireds_of(max(kelvin, 1))}
    if not (values.has("hue") and values.has("saturation")):
        raise NotPossible("This light has no colour temperature.")
    hue, saturation = hs_of_rgb(*rgb_of_xy(*xy_of_kelvin(kelvin)))
    return {"hue": hue, "saturation": saturation}


# Fans.


def _fan_on(values: Values, data: JsonObject) -> Wanted:
    if number_of(data, "percentage") is not None:
        return _fan_speed(values, data)
    if data.get("preset_mode") is not None:
        return {"on": True, **_fan_preset(values, data)}
    return {"on": True}


def _fan_speed(values: Values, data: JsonObject) -> Wanted:
    percentage = _percent(data, "percentage")
    if percentage == 0:
        return {"on": False}
    if not values.has("speed"):
        raise NotPossible("This fan has no speeds.")
    high, step = values.limit("speed", "max", 100), values.limit("speed", "step", 1)
    return {"on": True, "speed": max(step, percentage / 100 * high)}


def _fan_preset(values: Values, data: JsonObject) -> Wanted:
    return {"target": _chosen(values, data, "preset_mode")}


def _fan_direction(_values: Values, data: JsonObject) -> Wanted:
    return {"direction": 1 if needed_text(data, "direction", ("forward", "reverse")) == "reverse" else 0}


def _fan_swing(_values: Values, data: JsonObject) -> Wanted:
    return {
        "swing": 1 if data.get("oscillating") is True or str(data.get("oscillating")).lower() in {"on", "true"} else 0
    }


def _chosen(values: Values, data: JsonObject, field: str) -> JsonValue:
    choices = given.mapping(values.native, "choices")
    return choices[needed_text(data, field, tuple(choices))]


def _percent(data: JsonObject, field: str) -> float:
    number = needed_number(data, field)
    if not 0 <= number <= 100:
        raise NotPossible(f"`{field}` must be between 0 and 100, not {number:g}")
    return number


# Climate.


def _climate_mode(values: Values, data: JsonObject) -> Wanted:
    mode = _chosen(values, data, "hvac_mode")
    if not values.has("on"):
        return {"mode": mode}
    return {"on": False} if mode == -1 else {"on": True, "mode": mode}


def _climate_off(values: Values, _data: JsonObject) -> Wanted:
    return {"on": False} if values.has("on") else _climate_mode(values, {"hvac_mode": "off"})


def _climate_on(values: Values, _data: JsonObject) -> Wanted:
    if values.has("on"):
        return {"on": True}
    choices = given.mapping(values.native, "choices")
    mode = next((word for word in ("heat_cool", "heat", "cool") if word in choices), None)
    if mode is None:
        raise NotPossible("this thermostat has no mode but off.")
    return {"mode": choices[mode]}


def _climate_temperature(values: Values, data: JsonObject) -> Wanted:
    wanted = _climate_mode(values, data) if data.get("hvac_mode") is not None else {}
    single, low, high = (number_of(data, name) for name in ("temperature", "target_temp_low", "target_temp_high"))
    if single is not None:
        role = _single_role(values, data.get("hvac_mode"))
        wanted[role] = _within(values, role, single, "temperature")
    if low is not None:
        wanted["heat"] = _within(values, "heat", low, "target_temp_low")
    if high is not None:
        wanted["cool"] = _within(values, "cool", high, "target_temp_high")
    if not wanted:
        raise NotPossible("climate.set_temperature needs a temperature.")
    return wanted


def _single_role(values: Values, mode: JsonValue) -> str:
    """Which characteristic holds the one target: a heater cooler has a threshold for each."""
    if values.has("target"):
        return "target"
    if mode is None:
        raw = values.whole("mode")
        mode = next((word for word, each in given.mapping(values.native, "choices").items() if each == raw), None)
    is_cooling = (mode == "cool" and values.has("cool")) or not values.has("heat")
    return "cool" if is_cooling else "heat"


def _within(values: Values, role: str, number: float, field: str) -> float:
    low, high = values.limit(role, "min", -math.inf), values.limit(role, "max", math.inf)
    if not values.has(role):
        raise NotPossible(f"this device has no `{field}`.")
    if not low <= number <= high:
        raise NotPossible(f"`{field}` must be between {low:g} and {high:g}, not {number:g}")
    return number


def _climate_humidity(values: Values, data: JsonObject) -> Wanted:
    return {"target_humidity": _within(values, "target_humidity", needed_number(data, "humidity"), "humidity")}


def _climate_swing(_values: Values, data: JsonObject) -> Wanted:
    return {"swing": 0 if needed_text(data, "swing_mode", ("off", "vertical")) == "off" else 1}


def _humidifier_mode(values: Values, data: JsonObject) -> Wanted:
    return {"mode": _chosen(values, data, "mode")}


def _humidifier_target(values: Values, data: JsonObject) -> Wanted:
    choices = given.mapping(values.native, "choices")
    is_drying = values.whole("mode") == choices.get("dehumidify", -1)
    role = "dehumidify" if (is_drying and values.has("dehumidify")) or not values.has("humidify") else "humidify"
    return {role: _within(values, role, needed_number(data, "humidity"), "humidity")}


# What opens and closes.


def _opened(percent: int) -> _Write:
    def write_position(values: Values, _data: JsonObject) -> Wanted:
        if given.text(values.native, "service") == "41":
            return {"target": 0 if percent else 1}
        return {"target": values.limit("target", "max", 100) if percent else values.limit("target", "min", 0)}

    return write_position


def _position(values: Values, data: JsonObject) -> Wanted:
    if given.text(values.native, "service") == "41":
        raise NotPossible("a garage door opens and closes; it cannot stop at a position.")
    return {"target": _percent(data, "position")}


def _hold(values: Values, _data: JsonObject) -> Wanted:
    if values.has("hold"):
        return {"hold": True}
    position = values.number("current")
    if position is None or given.text(values.native, "service") == "41":
        raise NotPossible("this cover cannot stop.")
    return {"target": position}


def _tilt(values: Values, data: JsonObject) -> Wanted:
    return _tilted(values, _percent(data, "tilt_position"))


def _tilted(values: Values, percent: float) -> Wanted:
    for role in ("horizontal_target", "vertical_target", "tilt_target"):
        if values.has(role):
            return {role: angle_of_percent(percent, values.limit(role, "min", -90), values.limit(role, "max", 90))}
    raise NotPossible("this cover has no slats to tilt.")


def angle_of_percent(percent: float, low: float, high: float) -> float:
    return low + percent / 100 * (high - low)


# Media.


def _play(target: int, key: int) -> _Write:
    def write_target(values: Values, _data: JsonObject) -> Wanted:
        return {"play": target} if values.has("play") else {"key": key}

    return write_target


def _key(key: int) -> _Write:
    return lambda _values, _data: {"key": key}


def _volume(_values: Values, data: JsonObject) -> Wanted:
    level = needed_number(data, "volume_level")
    if not 0 <= level <= 1:
        raise NotPossible(f"`volume_level` must be between 0 and 1, not {level:g}")
    return {"volume": round(level * 100)}


def _louder(step: int) -> _Write:
    def write_step(values: Values, _data: JsonObject) -> Wanted:
        if values.has("volume_step"):
            return {"volume_step": 0 if step > 0 else 1}
        known = values.number("volume")
        if known is None:
            raise NotPossible("this player has no volume.")
        return {"volume": max(0, min(100, known + step))}

    return write_step


def _mute(_values: Values, data: JsonObject) -> Wanted:
    return {"mute": data.get("is_volume_muted") is True or str(data.get("is_volume_muted")).lower() in {"on", "true"}}


# Single characteristics.


def _value(values: Values, data: JsonObject) -> Wanted:
    return {"value": _within(values, "value", needed_number(data, "value"), "value")}


def _set_value(value: JsonValue) -> _Write:
    return lambda values, _data: {"on" if values.has("on") else "value": value}


def _alarm_verb(word: str) -> _Write:
    return lambda values, _data: {"target": _chosen(values, {"mode": word}, "mode")}


_SWITCHED: Final = {"turn_on": _on, "turn_off": _off, "toggle": _toggle}
_VERBS: Final[Mapping[str, Mapping[str, _Write]]] = MappingProxyType(
    {
        "light": {"turn_on": _light_on, "turn_off": _off, "toggle": _toggle},
        "switch": {"turn_on": _set_value(True), "turn_off": _set_value(False), "toggle": _toggle},
        "fan": {
            "turn_on": _fan_on,
            "turn_off": _off,
            "toggle": _toggle,
            "set_percentage": _fan_speed,
            "set_preset_mode": _fan_preset,
            "set_direction": _fan_direction,
            "oscillate": _fan_swing,
        },
        "climate": {
            "set_hvac_mode": _climate_mode,
            "set_temperature": _climate_temperature,
            "set_humidity": _climate_humidity,
            "set_swing_mode": _climate_swing,
            "turn_on": _climate_on,
            "turn_off": _climate_off,
        },
        "humidifier": {**_SWITCHED, "set_mode": _humidifier_mode, "set_humidity": _humidifier_target},
        "lock": {"lock": lambda _values, _data: {"target": 1}, "unlock": lambda _values, _data: {"target": 0}},
        "cover": {
            "open_cover": _opened(100),
            "close_cover": _opened(0),
            "stop_cover": _hold,
            "set_cover_position": _position,
            "set_cover_tilt_position": _tilt,
            "open_cover_tilt": lambda values, _data: _tilted(values, 100),
            "close_cover_tilt": lambda values, _data: _tilted(values, 0),
        },
        "alarm_control_panel": {
            "alarm_disarm": _alarm_verb("disarmed"),
            "alarm_arm_home": _alarm_verb("armed_home"),
            "alarm_arm_away": _alarm_verb("armed_away"),
            "alarm_arm_night": _alarm_verb("armed_night"),
        },
        "valve": {"open_valve": _on, "close_valve": _off},
        "media_player": {
            **_SWITCHED,
            "media_play": _play(0, 11),
            "media_pause": _play(1, 11),
            "media_stop": _play(2, 10),
            "media_next_track": _key(2),
            "media_previous_track": _key(3),
            "volume_set": _volume,
            "volume_up": _louder(5),
            "volume_down": _louder(-5),
            "volume_mute": _mute,
            "select_source": lambda values, data: {"source": _chosen(values, data, "source")},
        },
        "number": {"set_value": _value},
        "select": {"select_option": lambda values, data: {"value": _chosen(values, data, "option")}},
        "button": {"press": _set_value(True)},
    }
)
