"""What an entity's values say, in Home Assistant's states and attributes. A value that is missing or of another type says nothing."""

from collections.abc import Callable, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, xy_of_rgb
from hub_agent.drivers.zwave import meanings
from hub_agent.drivers.zwave.entities import COMPONENTS, KELVIN_COLD, KELVIN_WARM
from hub_agent.drivers.zwave.values import whole_of
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

# A role of the entity -> what its value is now.
Now = Callable[[str], JsonValue]

LEVEL_MAX: Final = 99
FULL: Final = 255
# A level that cannot be known: the device was just told to restore its last one.
_UNKNOWN_LEVEL: Final = 254


def read(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    reader = _READERS.get(given.text(native, "kind") or "")
    return reader(key, native, now) if reader is not None else None


def read_event(key: str, native: JsonObject, value: JsonValue) -> EntityReport | None:
    number = whole_of(value)
    word = given.text(native, "words", str(number)) if number is not None else None
    if number is None:
        return None
    return EntityReport(key, None, {"event_type": word or f"event_{number}"})


def _level(value: JsonValue) -> float | None:
    level = given.number_of(value)
    return min(level, LEVEL_MAX) if level is not None and 0 <= level != _UNKNOWN_LEVEL else None


def percent_of(level: float) -> int:
    return round(level * 100 / LEVEL_MAX)


def brightness_of(level: float) -> int:
    return round(level * FULL / LEVEL_MAX)


def _on_off(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    value = given.flag({"": now("current")}, "")
    return None if value is None else EntityReport(key, "on" if value else "off")


def _above_zero(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    value = given.number_of(now("current"))
    return None if value is None else EntityReport(key, "on" if value > 0 else "off")


def _valve(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    value = given.flag({"": now("current")}, "")
    return None if value is None else EntityReport(key, "open" if value else "closed")


def _light(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    value = now("current")
    if isinstance(value, bool):
        level: float | None = LEVEL_MAX if value else 0
    else:
        level = _level(value)
    colours = _components(native, now)
    attributes: dict[str, JsonValue] = {}
    if level == 0:
        names = ("brightness", *(("color_temp_kelvin",) if {0, 1} <= colours.keys() else ()))
        names += ("hs_color", "rgb_color", "xy_color") if {2, 3, 4} <= colours.keys() else ()
        return EntityReport(key, "off", dict.fromkeys((*names, *(("color_mode",) if colours else ()))))
    if level is not None and not isinstance(value, bool):
        attributes["brightness"] = brightness_of(level)
    attributes |= _colour(colours)
    state = "on" if level is not None else None
    return EntityReport(key, state, attributes) if state is not None or attributes else None


def _components(native: JsonObject, now: Now) -> dict[int, float]:
    whole = given.mapping({"": now("colour_now")}, "")
    found: dict[int, float] = {}
    for number in given.listed(native, "components"):
        component = whole_of(number)
        if component not in COMPONENTS:
            continue
        value = given.number(whole, COMPONENTS[component])
        value = given.number_of(now(f"colour_{component}")) if value is None else value
        if value is not None:
            found[component] = min(max(value, 0), FULL)
    return found


def _colour(components: Mapping[int, float]) -> dict[str, JsonValue]:
    attributes: dict[str, JsonValue] = {}
    warm, cold = components.get(0, 0), components.get(1, 0)
    has_whites, has_colours = {0, 1} <= components.keys(), {2, 3, 4} <= components.keys()
    is_white = warm + cold > 0
    if has_whites:
        attributes["color_temp_kelvin"] = _kelvin(warm, cold) if is_white else None
    if has_colours:
        rgb = tuple(round(components[key]) for key in (2, 3, 4))
        if is_white or not any(rgb):
            attributes |= dict.fromkeys(("hs_color", "rgb_color", "xy_color"))
        else:
            attributes |= {"rgb_color": list(rgb), "hs_color": list(hs_of_rgb(*rgb)), "xy_color": list(xy_of_rgb(*rgb))}
    if has_whites or has_colours:
        attributes["color_mode"] = "color_temp" if is_white or not has_colours else "rgb"
    return attributes


def _kelvin(warm: float, cold: float) -> int:
    return round(KELVIN_WARM + (KELVIN_COLD - KELVIN_WARM) * cold / (warm + cold))


def whites_of(kelvin: float) -> tuple[int, int]:
    """Warm and cold, together as bright as either alone."""
    share = (min(max(kelvin, KELVIN_WARM), KELVIN_COLD) - KELVIN_WARM) / (KELVIN_COLD - KELVIN_WARM)
    cold = round(share * FULL)
    return FULL - cold, cold


def _cover(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    level, tilt = _level(now("current")), _level(now("tilt"))
    attributes: dict[str, JsonValue] = {}
    if level is not None:
        attributes["current_position"] = percent_of(level)
    if tilt is not None:
        attributes["current_tilt_position"] = percent_of(tilt)
    position = level if level is not None else tilt
    state = None if position is None else "open" if position > 0 else "closed"
    return EntityReport(key, state, attributes) if attributes else None


_BARRIER_STATES: Final = {0: "closed", 252: "closing", 253: "open", 254: "opening", 255: "open"}


def _barrier(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    current = whole_of(now("current"))
    state = _BARRIER_STATES.get(current) if current is not None else None
    position = given.number_of(now("position"))
    attributes: dict[str, JsonValue] = {}
    if position is not None and 0 <= position <= 100:
        attributes["current_position"] = round(position)
    return EntityReport(key, state, attributes) if state is not None or attributes else None


def _fan(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    level = _level(now("current"))
    if level is None:
        return None
    return EntityReport(key, "on" if level else "off", {"percentage": percent_of(level)})


_SECURED: Final = 255
_UNKNOWN_LOCK: Final = 254


def _door_lock(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    mode = whole_of(now("current"))
    if mode is None or mode == _UNKNOWN_LOCK:
        return None
    return EntityReport(key, "locked" if mode == _SECURED else "unlocked")


def _plain_lock(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    locked = given.flag({"": now("current")}, "")
    return None if locked is None else EntityReport(key, "locked" if locked else "unlocked")


def _sound(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    tone = whole_of(now("current"))
    return None if tone is None else EntityReport(key, "on" if tone > 0 else "off")


_ACTIONS: Final = {0: "idle", 1: "heating", 2: "cooling", 3: "fan", 4: "idle", 5: "idle", 6: "fan", 7: "heating",
                   8: "heating", 9: "cooling", 10: "heating", 11: "heating"}  # fmt: skip

# Which setpoints hold in a mode; in those not listed the one of the same number.
SETPOINTS_BY_MODE: Final[Mapping[int, tuple[int, ...]]] = {3: (1, 2), 4: (1,), 10: (10, 1, 2), 13: (13, 14)}


def setpoints_of(native: JsonObject, mode: int | None) -> tuple[int, ...]:
    """Those that the thermostat has, for its mode; the first it has where nothing else is known."""
    have = tuple(number for each in given.listed(native, "setpoints") if (number := whole_of(each)) is not None)
    if mode is None:
        return have[:1]
    if mode == 0:
        return have[:1] if len(have) == 1 else ()
    fitting = tuple(number for number in SETPOINTS_BY_MODE.get(mode, (mode,)) if number in have)
    if mode == 10 and 10 in fitting:
        return (10,)
    return fitting or (have[:1] if len(have) == 1 else ())


def _climate(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    mode = whole_of(now("mode"))
    has_mode = bool(given.mapping(native, "modes"))
    attributes: dict[str, JsonValue] = {}
    current = _celsius(native, "current", now)
    if current is not None:
        attributes["current_temperature"] = current
    attributes |= _targets(native, mode, now)
    action = whole_of(now("action"))
    if action in _ACTIONS:
        attributes["hvac_action"] = "off" if mode == 0 else _ACTIONS[action]
    fan = whole_of(now("fan"))
    if fan is not None:
        attributes["fan_mode"] = _name_of(given.mapping(native, "fans"), fan)
    presets = given.mapping(native, "presets")
    if presets and mode is not None:
        attributes["preset_mode"] = _name_of(presets, mode) or "none"
    state = _hvac_state(mode) if has_mode else "heat"
    return EntityReport(key, state, attributes) if attributes or (has_mode and state) else None


_STATES: Final = {0: "off", 1: "heat", 2: "cool", 3: "heat_cool", 6: "fan_only", 8: "dry", 10: "heat_cool", 12: "cool",
                  14: "cool"}  # fmt: skip


def _hvac_state(mode: int | None) -> str | None:
    return None if mode is None else _STATES.get(mode, "heat")


def _name_of(numbers: JsonObject, wanted: int) -> str | None:
    return next((name for name, number in numbers.items() if number == wanted), None)


def _celsius(native: JsonObject, role: str, now: Now) -> float | None:
    value = given.number_of(now(role))
    if value is None:
        return None
    return round((value - 32) / 1.8, 1) if role in given.listed(native, "fahrenheit") else value


def _targets(native: JsonObject, mode: int | None, now: Now) -> dict[str, JsonValue]:
    numbers = setpoints_of(native, mode)
    targets = [_celsius(native, f"setpoint_{number}", now) for number in numbers]
    if len(numbers) == 2:
        return {"temperature": None, "target_temp_low": targets[0], "target_temp_high": targets[1]}
    several = len(given.listed(native, "setpoints")) > 1
    span: dict[str, JsonValue] = {"target_temp_low": None, "target_temp_high": None} if several else {}
    if not targets:
        return {"temperature": None, **span} if mode == 0 else {}
    return {"temperature": targets[0], **span} if targets[0] is not None else {}


def _humidifier(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    mode, setpoint = whole_of(now("mode")), given.number_of(now("setpoint"))
    attributes: dict[str, JsonValue] = {"humidity": setpoint} if setpoint is not None else {}
    return None if mode is None else EntityReport(key, "on" if mode > 0 else "off", attributes)


def _number(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    raw = given.number_of(now("current"))
    if raw is None or isinstance(now("current"), str):
        return None
    factor, offset = given.number(native, "factor"), given.number(native, "offset")
    converted = meanings.convert(1 if factor is None else factor, offset or 0, raw)
    return EntityReport(key, str(converted))


def _setting(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    value = given.number_of(now("current"))
    return None if value is None else EntityReport(key, str(given.tidy(value)))


def _words(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    number = whole_of(now("current"))
    if number is None:
        return None
    return EntityReport(key, given.text(native, "words", str(number)) or str(number))


def _alarm(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    number = whole_of(now("current"))
    if number is None:
        return None
    return EntityReport(key, "on" if number in given.listed(native, "on") else "off")


def _word(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    word = now("current")
    return EntityReport(key, "on" if word == native.get("on") else "off") if isinstance(word, str) else None


_ENABLED: Final = 1


def _count(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    said = [whole_of(now(role)) for role in given.mapping(native, "values")]
    if all(each is None for each in said):
        return None
    return EntityReport(key, str(sum(each == _ENABLED for each in said)))


_READERS: Final[Mapping[str, Callable[[str, JsonObject, Now], EntityReport | None]]] = {
    "switch": _on_off,
    "binary": _on_off,
    "basic": _above_zero,
    "level_siren": _above_zero,
    "signaling": _above_zero,
    "valve": _valve,
    "light": _light,
    "cover": _cover,
    "barrier": _barrier,
    "fan": _fan,
    "door_lock": _door_lock,
    "plain_lock": _plain_lock,
    "sound": _sound,
    "climate": _climate,
    "humidifier": _humidifier,
    "number": _number,
    "setting": _setting,
    "words": _words,
    "select": _words,
    "alarm": _alarm,
    "word": _word,
    "count": _count,
}
