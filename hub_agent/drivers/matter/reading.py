"""What an entity's attributes say, in Home Assistant's states and attributes. What is null or of another type says nothing."""

import math
from collections.abc import Callable, Mapping
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, rgb_of_hs, rgb_of_xy, xy_of_rgb
from hub_agent.drivers.matter.clusters import whole_of
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

# A role of the entity -> what its attribute is now.
Now = Callable[[str], JsonValue]

LEVEL_MAX: Final = 254
FULL: Final = 255
# Colours count to 65536 for 1.
XY_ONE: Final = 65_536
HUE_MAX: Final = 254


def read(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    reader = _READERS.get(given.text(native, "kind") or "")
    return reader(key, native, now) if reader is not None else None


def brightness_of(level: float) -> int:
    return min(max(round(level * FULL / LEVEL_MAX), 1), FULL)


def position_of(hundredths: float) -> int:
    """Matter counts how far it is closed, people how far it is open."""
    return 100 - round(min(max(hundredths, 0), 10_000) / 100)


def _is(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


def _switch(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    on = _is(now("on"))
    return None if on is None else EntityReport(key, "on" if on else "off")


def _light(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    on = _is(now("on"))
    roles = given.mapping(native, "paths")
    names = [
        *(["brightness"] if "level" in roles else []),
        *(["color_temp_kelvin"] if "mireds" in roles else []),
        *(["hs_color", "rgb_color", "xy_color"] if {"x", "hue"} & roles.keys() else []),
        *(["color_mode"] if "mode" in roles else []),
    ]
    if on is False:
        return EntityReport(key, "off", dict.fromkeys(names))
    attributes: dict[str, JsonValue] = {}
    level = given.number_of(now("level"))
    if level is not None and 0 < level < FULL:
        attributes["brightness"] = brightness_of(level)
    attributes |= _colour(now)
    state = "on" if on else None
    return EntityReport(key, state, attributes) if state or attributes else None


_HS_MODE, _XY_MODE, _WARMTH_MODE = 0, 1, 2


def _colour(now: Now) -> dict[str, JsonValue]:
    mode = whole_of(now("mode"))
    mireds = given.number_of(now("mireds"))
    if mode == _WARMTH_MODE and mireds is not None and mireds > 0:
        none: dict[str, JsonValue] = dict.fromkeys(("hs_color", "rgb_color", "xy_color"))
        return {"color_temp_kelvin": kelvin_of(mireds), **none, "color_mode": "color_temp"}
    hue, saturation, x, y = (given.number_of(now(role)) for role in ("hue", "saturation", "x", "y"))
    if mode == _HS_MODE and hue is not None and saturation is not None:
        pair = (round(hue * 360 / HUE_MAX, 2), round(saturation * 100 / HUE_MAX, 2))
        rgb = rgb_of_hs(*pair)
        colours: dict[str, JsonValue] = {"hs_color": [*pair], "rgb_color": [*rgb], "xy_color": [*xy_of_rgb(*rgb)]}
        return {**colours, "color_temp_kelvin": None, "color_mode": "hs"}
    if mode == _XY_MODE and x is not None and y is not None:
        place = (round(x / XY_ONE, 4), round(y / XY_ONE, 4))
        rgb = rgb_of_xy(*place)
        colours = {"xy_color": [*place], "rgb_color": [*rgb], "hs_color": [*hs_of_rgb(*rgb)]}
        return {**colours, "color_temp_kelvin": None, "color_mode": "xy"}
    return {}


_LOCK_STATES: Final = {0: "unlocked", 1: "locked", 2: "unlocked", 3: "open"}


def _lock(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    state = whole_of(now("state"))
    return EntityReport(key, _LOCK_STATES[state]) if state in _LOCK_STATES else None


def _cover(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    lift, percent = given.number_of(now("lift")), given.number_of(now("lift_percent"))
    tilt, tilt_percent = given.number_of(now("tilt")), given.number_of(now("tilt_percent"))
    lift = lift if lift is not None else percent * 100 if percent is not None else None
    tilt = tilt if tilt is not None else tilt_percent * 100 if tilt_percent is not None else None
    attributes: dict[str, JsonValue] = {}
    if lift is not None:
        attributes["current_position"] = position_of(lift)
    if tilt is not None:
        attributes["current_tilt_position"] = position_of(tilt)
    moving = (whole_of(now("moving")) or 0) & 3
    place = lift if lift is not None else tilt
    state = {1: "opening", 2: "closing"}.get(moving)
    if state is None and place is not None:
        state = "open" if position_of(place) > 0 else "closed"
    return EntityReport(key, state, attributes) if state is not None or attributes else None


_MODES: Final = {
    0: "off",
    1: "heat_cool",
    3: "cool",
    4: "heat",
    5: "heat",
    6: "cool",
    7: "fan_only",
    8: "dry",
    9: "auto",
}


def _climate(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    mode = whole_of(now("mode"))
    attributes: dict[str, JsonValue] = {}
    current = _celsius(now("current"))
    if current is not None:
        attributes["current_temperature"] = current
    attributes |= _targets(native, mode, now)
    action = _action(whole_of(now("running")), mode)
    if action is not None:
        attributes["hvac_action"] = action
    state = _MODES.get(mode) if mode is not None else None
    return EntityReport(key, state, attributes) if state is not None or attributes else None


def _celsius(value: JsonValue) -> float | None:
    hundredths = given.number_of(value)
    return given.tidy(hundredths / 100) if hundredths is not None and abs(hundredths) < 32_767 else None


def _targets(native: JsonObject, mode: int | None, now: Now) -> dict[str, JsonValue]:
    heat, cool = _celsius(now("heat")), _celsius(now("cool"))
    roles = given.mapping(native, "limits")
    if not {"heat", "cool"} <= roles.keys():
        target = heat if heat is not None else cool
        return {"temperature": target} if target is not None else {}
    if mode == 1 and heat is not None and cool is not None:
        return {"temperature": None, "target_temp_low": heat, "target_temp_high": cool}
    target = cool if mode in {3, 6} else heat
    none: dict[str, JsonValue] = {"target_temp_low": None, "target_temp_high": None}
    return {"temperature": target, **none} if target is not None else {}


_HEATING, _COOLING, _BLOWING = 0b1001, 0b10010, 0b1100100


def _action(running: int | None, mode: int | None) -> str | None:
    if running is None:
        return None
    if mode == 0:
        return "off"
    for bits, word in ((_HEATING, "heating"), (_COOLING, "cooling"), (_BLOWING, "fan")):
        if running & bits:
            return word
    return "idle"


_FAN_PRESETS: Final = {1: "low", 2: "medium", 3: "high", 5: "auto", 6: "auto"}


def _fan(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    mode, percent, setting = whole_of(now("mode")), given.number_of(now("percent")), given.number_of(now("setting"))
    attributes: dict[str, JsonValue] = {}
    speed = percent if percent is not None else setting
    if speed is not None and 0 <= speed <= 100:
        attributes["percentage"] = round(speed)
    word = _FAN_PRESETS.get(mode if mode is not None else -1)
    if mode is not None:
        attributes["preset_mode"] = word if word in given.listed(native, "presets") else None
    rock = whole_of(now("rock"))
    if rock is not None:
        attributes["oscillating"] = rock > 0
    direction = whole_of(now("direction"))
    if direction is not None:
        attributes["direction"] = "reverse" if direction else "forward"
    state = None if mode is None else "off" if mode == 0 else "on"
    return EntityReport(key, state, attributes) if state is not None or attributes else None


def _valve(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    state, target, level = whole_of(now("state")), whole_of(now("target")), given.number_of(now("level"))
    word = {0: "closed", 1: "open"}.get(state if state is not None else -1)
    if state == 2:
        word = "closing" if target == 0 else "opening"
    attributes: dict[str, JsonValue] = {"current_position": round(level)} if level is not None else {}
    return EntityReport(key, word, attributes) if word is not None or attributes else None


_VACUUM: Final = {0: "idle", 1: "cleaning", 2: "paused", 3: "error", 64: "returning", 65: "docked", 66: "docked"}


def _vacuum(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    state, run = whole_of(now("state")), whole_of(now("run"))
    word = _VACUUM.get(state) if state is not None else None
    if state == 1 and run in given.listed(native, "idles"):
        word = "idle"
    if word is None and run is not None:
        word = "cleaning" if run in given.listed(native, "cleans") else "idle"
    return EntityReport(key, word) if word is not None else None


def _number(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    value = now("now")
    field = native.get("field")
    if isinstance(field, str):
        value = given.mapping({"": value}, "").get(field)
    raw = None if isinstance(value, str) else given.number_of(value)
    if raw is None:
        return None
    if native.get("scale") == "logarithm":
        return EntityReport(key, str(lux_of(raw))) if 0 <= raw <= 0xFFFE else None
    return EntityReport(key, str(given.tidy(raw * (given.number(native, "factor") or 1))))


def lux_of(raw: float) -> float:
    """10000 * log10(lux) + 1; 0 is too dark to be measured."""
    return given.tidy(round(math.pow(10, (raw - 1) / 10_000), 1)) if raw > 0 else 0


def _flag(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    value = now("now")
    if value is None or not isinstance(value, bool | int):
        return None
    # True is 1 to Python, and another thing to Matter.
    is_on = any(type(each) is type(value) and each == value for each in given.listed(native, "on"))
    return EntityReport(key, "on" if is_on else "off")


def _words(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    number = whole_of(now("now"))
    if number is None:
        return None
    return EntityReport(key, given.text(native, "words", str(number)) or str(number))


def _choice(key: str, native: JsonObject, now: Now) -> EntityReport | None:
    value = now("now")
    word = given.text(native, "words", "null" if value is None else str(whole_of(value)))
    return EntityReport(key, word) if word is not None else None


# UpdateState: what is under way.
_UPDATING: Final = frozenset({3, 4, 5, 6, 7})
_PERCENT_STATES: Final = frozenset({4})


def _update(key: str, _native: JsonObject, now: Now) -> EntityReport | None:
    version, state, progress = now("version"), whole_of(now("state")), given.number_of(now("progress"))
    attributes: dict[str, JsonValue] = {}
    if isinstance(version, str):
        attributes["installed_version"] = version[: given.TEXT_CHARS_MAX]
    attributes["in_progress"] = state in _UPDATING
    attributes["update_percentage"] = progress if state in _PERCENT_STATES else None
    return EntityReport(key, None if state is None else "on" if state in _UPDATING else "off", attributes)


_READERS: Final[Mapping[str, Callable[[str, JsonObject, Now], EntityReport | None]]] = {
    "switch": _switch,
    "light": _light,
    "lock": _lock,
    "cover": _cover,
    "climate": _climate,
    "fan": _fan,
    "valve": _valve,
    "vacuum": _vacuum,
    "number": _number,
    "setting": _number,
    "target_temperature": _number,
    "flag": _flag,
    "words": _words,
    "mode": _words,
    "choice": _choice,
    "update": _update,
}


# Events of switches. https://csa-iot.org: Switch cluster, events 0 to 6.
_LATCHED, _INITIAL, _LONG, _SHORT_RELEASE, _LONG_RELEASE, _, _MULTI_COMPLETE = range(7)
_EVENTS: Final = {
    _LATCHED: "switch_latched",
    _INITIAL: "initial_press",
    _LONG: "long_press",
    _SHORT_RELEASE: "short_release",
    _LONG_RELEASE: "long_release",
}
_MULTI_FEATURE: Final = 16


def read_event(key: str, native: JsonObject, event: int, data: JsonObject) -> EntityReport | None:
    """Where presses are counted, the count is told and the single presses are not."""
    features = whole_of(native.get("features")) or 0
    word = _EVENTS.get(event)
    if event == _MULTI_COMPLETE:
        presses = whole_of(data.get("totalNumberOfPressesCounted", data.get("1")))
        word = f"multi_press_{presses}" if presses is not None and 0 < presses < 100 else None
    elif features & _MULTI_FEATURE and event in {_INITIAL, _SHORT_RELEASE}:
        word = None
    return EntityReport(key, None, {"event_type": word}) if word is not None else None
