"""Entities that keep a room as people want it: climate, water heaters, fans. Temperatures are in °C, whatever the node counts."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.kind import (
    NOT_KNOWN,
    NOTHING,
    Description,
    Fields,
    Kind,
    Said,
    bit,
    named,
    not_understood,
    number,
    number_of_name,
    numbers,
    short,
    whole,
    words,
)
from hub_agent.drivers.esphome.units import Unit, measured_in
from hub_agent.drivers.wishes import needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

_UNITS: Final = MappingProxyType({0: "°C", 1: "°F", 2: "K"})

MODES: Final = MappingProxyType({0: "off", 1: "heat_cool", 2: "cool", 3: "heat", 4: "fan_only", 5: "dry", 6: "auto"})
FAN_MODES: Final = MappingProxyType(
    {
        0: "on", 1: "off", 2: "auto", 3: "low", 4: "medium", 5: "high", 6: "middle", 7: "focus", 8: "diffuse", 9: "quiet",
    }
)  # fmt: skip
SWING_MODES: Final = MappingProxyType({0: "off", 1: "both", 2: "vertical", 3: "horizontal"})
PRESETS: Final = MappingProxyType(
    {0: "none", 1: "home", 2: "away", 3: "boost", 4: "comfort", 5: "eco", 6: "sleep", 7: "activity"}
)
_ACTIONS: Final = MappingProxyType(
    {0: "off", 2: "cooling", 3: "heating", 4: "idle", 5: "drying", 6: "fan", 7: "defrosting"}
)

_SAYS_TEMPERATURE: Final = 1 << 0
_TAKES_TWO: Final = 1 << 1
_NEEDS_TWO: Final = 1 << 2
_SAYS_HUMIDITY: Final = 1 << 3
_TAKES_HUMIDITY: Final = 1 << 4
_SAYS_ACTION: Final = 1 << 5
# Before API 1.13 each of them is a field of its own.
_FLAGS_BY_FIELD: Final = MappingProxyType(
    {
        "supports_current_temperature": _SAYS_TEMPERATURE,
        "supports_two_point_target_temperature": _NEEDS_TWO,
        "supports_current_humidity": _SAYS_HUMIDITY,
        "supports_target_humidity": _TAKES_HUMIDITY,
        "supports_action": _SAYS_ACTION,
    }
)


def celsius(unit: Unit, value: float | None) -> float | None:
    if value is None:
        return None
    return given.tidy(round(value * unit.factor + unit.offset, 2))


def from_celsius(unit: Unit, value: float) -> float:
    return round(unit.back(value), 2)


def _unit(body: JsonObject) -> Unit:
    return measured_in("temperature", _UNITS.get(whole(body, "temperature_unit") or 0, "°C"))


def _step(unit: Unit, value: float | None) -> float | None:
    return round(value * unit.factor, 2) if value else None


class Climate(Kind):
    domain = "climate"

    def describe(self, info: JsonObject) -> Description:
        unit = _unit(info)
        flags = whole(info, "feature_flags") or sum(
            flag for name, flag in _FLAGS_BY_FIELD.items() if given.flag(info, name)
        )
        modes = _names(MODES, info, "supported_modes")
        presets = (*_names(PRESETS, info, "supported_presets"), *words(info, "supported_custom_presets"))
        fan_modes = (*_names(FAN_MODES, info, "supported_fan_modes"), *words(info, "supported_custom_fan_modes"))
        swing_modes = _names(SWING_MODES, info, "supported_swing_modes")
        low = celsius(unit, number(info, "visual_min_temperature"))
        high = celsius(unit, number(info, "visual_max_temperature"))
        step = _step(unit, number(info, "visual_target_temperature_step"))
        capabilities: dict[str, Capability] = {}
        if flags & _SAYS_TEMPERATURE:
            capabilities["temperature"] = Capability("float", "r", unit="°C")
        capabilities["target_temperature"] = Capability("float", "rw", unit="°C", min=low, max=high, step=step)
        for name, options in (
            ("mode", modes), ("preset", presets), ("fan_mode", fan_modes), ("swing_mode", swing_modes),
        ):  # fmt: skip
            if options:
                capabilities[name] = Capability("enum", "rw", options=tuple(dict.fromkeys(options)))
        if flags & _SAYS_HUMIDITY:
            capabilities["humidity"] = Capability("float", "r", unit="%")
        if flags & _TAKES_HUMIDITY:
            capabilities["target_humidity"] = Capability(
                "int", "rw", unit="%", min=number(info, "visual_min_humidity"), max=number(info, "visual_max_humidity")
            )
        native: Fields = {
            "temperature_unit": whole(info, "temperature_unit") or 0,
            "flags": flags,
            "modes": modes,
            "presets": presets,
            "fan_modes": fan_modes,
            "swing_modes": swing_modes,
            "min": low,
            "max": high,
        }
        return Description(capabilities, native)

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        if given.flag(body, "missing_state"):
            return NOT_KNOWN
        unit = _unit(native)
        attributes: dict[str, JsonValue] = {}
        if bit(native, "flags", _SAYS_TEMPERATURE):
            attributes["current_temperature"] = celsius(unit, number(body, "current_temperature"))
        mode = named(MODES, body, "mode")
        attributes |= _targets(native, body, unit, mode)
        if bit(native, "flags", _SAYS_ACTION):
            attributes["hvac_action"] = named(_ACTIONS, body, "action")
        if bit(native, "flags", _SAYS_HUMIDITY):
            attributes["current_humidity"] = number(body, "current_humidity")
        if bit(native, "flags", _TAKES_HUMIDITY):
            attributes["humidity"] = number(body, "target_humidity")
        if words(native, "fan_modes"):
            attributes["fan_mode"] = short(body, "custom_fan_mode") or named(FAN_MODES, body, "fan_mode")
        if words(native, "presets"):
            attributes["preset_mode"] = short(body, "custom_preset") or named(PRESETS, body, "preset")
        if words(native, "swing_modes"):
            attributes["swing_mode"] = named(SWING_MODES, body, "swing_mode")
        return mode or NOT_KNOWN[0], attributes

    def write(self, native: JsonObject, verb: str, data: JsonObject, before: JsonObject) -> Fields:
        modes = words(native, "modes")
        if verb == "set_temperature":
            return self._temperatures(native, data, before)
        if verb == "set_hvac_mode":
            return {"mode": number_of_name(MODES, needed_text(data, "hvac_mode", modes))}
        if verb in {"turn_on", "turn_off"} and "off" in modes:
            wake = next((mode for mode in ("heat_cool", "auto", "heat", "cool", *modes) if mode in modes), "off")
            return {"mode": number_of_name(MODES, "off" if verb == "turn_off" else wake)}
        if verb == "set_humidity" and bit(native, "flags", _TAKES_HUMIDITY):
            return {"target_humidity": float(needed_number(data, "humidity"))}
        for name, (own, names, field, custom) in _CHOICES.items():
            if verb == f"set_{name}" and words(native, own):
                return _choice(names, needed_text(data, name, words(native, own)), field, custom)
        known = ["set_temperature", "set_hvac_mode", *(f"set_{name}" for name in _CHOICES)]
        raise not_understood(self.domain, verb, known)

    def _temperatures(self, native: JsonObject, data: JsonObject, before: JsonObject) -> Fields:
        wanted: Fields = {}
        mode = named(MODES, before, "mode")
        if data.get("hvac_mode") is not None:
            mode = needed_text(data, "hvac_mode", words(native, "modes"))
            wanted["mode"] = number_of_name(MODES, mode)
        single = "target_temperature"
        if bit(native, "flags", _NEEDS_TWO):
            single = "target_temperature_high" if mode in {"cool", "dry", "fan_only"} else "target_temperature_low"
        for key, field in (
            ("temperature", single),
            ("target_temp_low", "target_temperature_low"),
            ("target_temp_high", "target_temperature_high"),
        ):
            value = number_of(data, key)
            if value is None:
                continue
            if key != "temperature" and not bit(native, "flags", _TAKES_TWO | _NEEDS_TWO):
                raise NotPossible(f"`{key}` of this climate cannot be set.")
            wanted[field] = from_celsius(_unit(native), _within(native, key, value))
        if not wanted.keys() - {"mode"}:
            raise NotPossible("`temperature` is missing")
        return wanted


_CHOICES: Final[Mapping[str, tuple[str, Mapping[int, str], str, str | None]]] = MappingProxyType(
    {
        "preset_mode": ("presets", PRESETS, "preset", "custom_preset"),
        "fan_mode": ("fan_modes", FAN_MODES, "fan_mode", "custom_fan_mode"),
        "swing_mode": ("swing_modes", SWING_MODES, "swing_mode", None),
    }
)


def _choice(names: Mapping[int, str], wanted: str, field: str, custom: str | None) -> Fields:
    if wanted in names.values():
        return {field: number_of_name(names, wanted)}
    return {custom or field: wanted}


def _names(names: Mapping[int, str], info: JsonObject, field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names[value] for value in numbers(info, field) if value in names))


def _targets(native: JsonObject, body: JsonObject, unit: Unit, mode: str | None) -> Fields:
    low = celsius(unit, number(body, "target_temperature_low"))
    high = celsius(unit, number(body, "target_temperature_high"))
    if bit(native, "flags", _NEEDS_TWO):
        if mode == "heat":
            return {"temperature": low, "target_temp_low": None, "target_temp_high": None}
        if mode == "cool":
            return {"temperature": high, "target_temp_low": None, "target_temp_high": None}
        return {"temperature": None, "target_temp_low": low, "target_temp_high": high}
    target = celsius(unit, number(body, "target_temperature"))
    if bit(native, "flags", _TAKES_TWO) and mode in {"heat_cool", "auto"}:
        return {"temperature": target, "target_temp_low": low, "target_temp_high": high}
    return {"temperature": target}


def _within(native: JsonObject, key: str, value: float) -> float:
    low, high = number(native, "min"), number(native, "max")
    if low is not None and high is not None and low < high and not low <= value <= high:
        raise NotPossible(f"`{key}` must be between {low:g} and {high:g} °C, not {value:g}")
    return value


_HEATER_MODES: Final = MappingProxyType(
    {0: "off", 1: "eco", 2: "electric", 3: "performance", 4: "high_demand", 5: "heat_pump", 6: "gas"}
)
_HEATER_SAYS_TEMPERATURE: Final = 1 << 0
_HEATER_TAKES_TARGET: Final = 1 << 1
_HEATER_TAKES_MODE: Final = 1 << 2
_HEATER_TAKES_AWAY: Final = 1 << 3
_HEATER_TAKES_POWER: Final = 1 << 4
_IS_AWAY: Final = 1 << 0
_IS_ON: Final = 1 << 1


class WaterHeater(Kind):
    domain = "water_heater"

    def describe(self, info: JsonObject) -> Description:
        unit = _unit(info)
        low, high = celsius(unit, number(info, "min_temperature")), celsius(unit, number(info, "max_temperature"))
        modes = _names(_HEATER_MODES, info, "supported_modes")
        capabilities: dict[str, Capability] = {}
        if bit(info, "supported_features", _HEATER_SAYS_TEMPERATURE):
            capabilities["temperature"] = Capability("float", "r", unit="°C")
        if bit(info, "supported_features", _HEATER_TAKES_TARGET):
            step = _step(unit, number(info, "target_temperature_step"))
            capabilities["target_temperature"] = Capability("float", "rw", unit="°C", min=low, max=high, step=step)
        if modes:
            capabilities["mode"] = Capability("enum", "rw", options=modes)
        if bit(info, "supported_features", _HEATER_TAKES_POWER):
            capabilities["on"] = Capability("bool", "rw")
        native: Fields = {
            "temperature_unit": whole(info, "temperature_unit") or 0,
            "features": whole(info, "supported_features") or 0,
            "modes": modes,
            "min": low,
            "max": high,
        }
        return Description(capabilities, native)

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        if given.flag(body, "missing_state"):
            return NOT_KNOWN
        unit = _unit(native)
        attributes: dict[str, JsonValue] = {
            "current_temperature": celsius(unit, number(body, "current_temperature")),
            "temperature": celsius(unit, number(body, "target_temperature")),
        }
        if bit(native, "features", _HEATER_TAKES_AWAY):
            attributes["away_mode"] = "on" if bit(body, "state", _IS_AWAY) else "off"
        mode = named(_HEATER_MODES, body, "mode")
        if bit(native, "features", _HEATER_TAKES_POWER) and not bit(body, "state", _IS_ON):
            mode = "off"
        return mode or NOT_KNOWN[0], attributes

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        if verb == "set_temperature" and bit(native, "features", _HEATER_TAKES_TARGET):
            wanted = _within(native, "temperature", needed_number(data, "temperature"))
            return {"target_temperature": from_celsius(_unit(native), wanted)}
        if verb == "set_operation_mode" and words(native, "modes"):
            return {"mode": number_of_name(_HEATER_MODES, needed_text(data, "operation_mode", words(native, "modes")))}
        if verb in {"turn_on", "turn_off"} and bit(native, "features", _HEATER_TAKES_POWER):
            return {"on": verb == "turn_on"}
        if verb == "set_away_mode" and bit(native, "features", _HEATER_TAKES_AWAY):
            return {"away": data.get("away_mode") is True}
        raise not_understood(self.domain, verb, ("set_temperature", "set_operation_mode", "turn_on", "turn_off"))


_DIRECTIONS: Final = MappingProxyType({0: "forward", 1: "reverse"})
# Before API 1.3 speeds are low, medium and high, whatever the count says.
_SPEEDS_MAX: Final = 10_000


def fan_percentage(level: int, count: int) -> int:
    return max(0, min(100, int(level * 100 / count)))


def fan_level(percentage: float, count: int) -> int:
    """Never zero: that would be off."""
    return max(1, min(count, math.ceil(percentage * count / 100)))


class Fan(Kind):
    domain = "fan"

    def describe(self, info: JsonObject) -> Description:
        count = max(1, min(_SPEEDS_MAX, whole(info, "supported_speed_count") or 1))
        presets = words(info, "supported_preset_modes")
        native: Fields = {
            "speeds": count if given.flag(info, "supports_speed") else 0,
            "presets": presets,
            "oscillates": given.flag(info, "supports_oscillation"),
            "turns": given.flag(info, "supports_direction"),
        }
        capabilities = {"on": Capability("bool", "rw")}
        if native["speeds"]:
            capabilities["speed"] = Capability("int", "rw", unit="%", min=0, max=100)
        if presets:
            capabilities["preset"] = Capability("enum", "rw", options=presets)
        if native["oscillates"]:
            capabilities["oscillating"] = Capability("bool", "rw")
        if native["turns"]:
            capabilities["direction"] = Capability("enum", "rw", options=tuple(_DIRECTIONS.values()))
        return Description(capabilities, native)

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        if not isinstance(body.get("state"), bool):
            return NOT_KNOWN
        attributes: dict[str, JsonValue] = {}
        speeds, level = whole(native, "speeds") or 0, whole(body, "speed_level")
        if speeds > 0 and level is not None:
            attributes["percentage"] = fan_percentage(min(level, speeds), speeds) if body["state"] else 0
        if words(native, "presets"):
            attributes["preset_mode"] = short(body, "preset_mode")
        if given.flag(native, "oscillates"):
            attributes["oscillating"] = given.flag(body, "oscillating")
        if given.flag(native, "turns"):
            attributes["direction"] = named(_DIRECTIONS, body, "direction")
        return "on" if body["state"] else "off", attributes or NOTHING

    def write(self, native: JsonObject, verb: str, data: JsonObject, _before: JsonObject) -> Fields:
        speeds, presets = whole(native, "speeds") or 0, words(native, "presets")
        if verb == "turn_off":
            return {"state": False}
        if verb == "turn_on":
            wanted: Fields = {"state": True}
            if data.get("percentage") is not None and speeds:
                wanted |= _speed(needed_number(data, "percentage"), speeds)
            if data.get("preset_mode") is not None and presets:
                wanted["preset_mode"] = needed_text(data, "preset_mode", presets)
            return wanted
        if verb == "set_percentage" and speeds:
            return _speed(needed_number(data, "percentage"), speeds)
        if verb == "set_preset_mode" and presets:
            return {"preset_mode": needed_text(data, "preset_mode", presets)}
        if verb == "oscillate" and given.flag(native, "oscillates"):
            return {"oscillating": data.get("oscillating") is True}
        if verb == "set_direction" and given.flag(native, "turns"):
            wanted_way = needed_text(data, "direction", tuple(_DIRECTIONS.values()))
            return {"direction": number_of_name(_DIRECTIONS, wanted_way)}
        raise not_understood(self.domain, verb, ("turn_on", "turn_off", *(("set_percentage",) if speeds else ())))


def _speed(percentage: float, speeds: int) -> Fields:
    if percentage <= 0:
        return {"state": False}
    return {"state": True, "speed_level": fan_level(percentage, speeds)}
