"""Payload -> reports of entities.

A device's payload repeats everything the bridge knows of it, most of it unchanged. So every reader remembers the last value
and its report, and gives the same report again for the same value: what costs is only what changed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Final

import orjson

from hub_agent.drivers.colours import hs_of_rgb, rgb_of_hs, rgb_of_xy, xy_of_rgb
from hub_agent.drivers.given import number_of
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.fields import NOTHING
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

STATE_CHARS_MAX: Final = 255
# What is the same for entities of the same key, as devices of one model have them, is made once; for so many.
SHARED_MAX: Final = 512
_UNREAD: Final = object()

StateOf = Callable[[JsonValue], str | None]
ReadValue = Callable[[JsonValue], EntityReport | None]
ReadBody = Callable[[JsonObject, list[str]], EntityReport | None]


class Single:
    """Reads an entity that hangs on one property. `value`, `kind` and `last`: what was read last, and its report."""

    __slots__ = ("kind", "last", "property_name", "read", "value")

    def __init__(self, property_name: str, read: ReadValue) -> None:
        self.property_name = property_name
        self.read = read
        self.value: object = _UNREAD
        # True equals 1 and 1 equals 1.0, but they are not said in the same words.
        self.kind: type = object
        self.last: EntityReport | None = None

    def report(self, value: JsonValue) -> EntityReport | None:
        """None if the value was not understood."""
        self.last = report = self.read(value)
        self.value = value
        self.kind = type(value)
        return report


class Compound:
    """Reads an entity that hangs on several properties of the same payload."""

    __slots__ = ("_names", "_read", "_report", "_values", "is_event", "properties")

    def __init__(self, properties: Iterable[str], read: ReadBody, *, is_event: bool = False) -> None:
        self._names = tuple(properties)
        self._read = read
        self._values: tuple[JsonValue, ...] | None = None
        self._report: EntityReport | None = None
        self.properties = _set_of(self._names)
        self.is_event = is_event

    def report(self, body: JsonObject, faults: list[str]) -> EntityReport | None:
        """None if it says nothing of the entity. Properties that were not understood are added to `faults`."""
        if self.is_event:
            return self._read(body, faults)
        values = tuple(map(body.get, self._names))
        if values != self._values:
            self._report = self._read(body, faults)
            self._values = values
        return self._report


Reader = Single | Compound


@lru_cache(SHARED_MAX)
def _set_of(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


def reader_of(key: str, native: JsonObject) -> Reader | None:
    """None for what only takes commands."""
    make = _READERS.get(fields.text(native, "kind") or "")
    return make(key, native) if make is not None else None


# Single properties.


_NUMBERS: Final = frozenset({int, float})


def _numeric(key: str, native: JsonObject) -> Reader:
    return Single(_property(native), _number(key))


@lru_cache(SHARED_MAX)
def _number(key: str) -> ReadValue:
    def read(value: JsonValue) -> EntityReport | None:
        # Exact types first: most of what a home says is numbers, and true is no number.
        if type(value) in _NUMBERS:
            return EntityReport(key, repr(value), NOTHING) if number_of(value) is not None else None
        if isinstance(value, str):
            return EntityReport(key, value.strip(), NOTHING) if number_of(value) is not None else None
        return None

    return read


def _enum(key: str, native: JsonObject) -> Reader:
    # Values beyond the listed ones are let through: converters forget some.
    return Single(_property(native), _word(key))


@lru_cache(SHARED_MAX)
def _word(key: str) -> ReadValue:
    return partial(_words, key)


def _words(key: str, value: JsonValue) -> EntityReport | None:
    if isinstance(value, bool):
        return EntityReport(key, "true" if value else "false", NOTHING)
    if isinstance(value, str | int | float):
        return EntityReport(key, str(value)[:STATE_CHARS_MAX], NOTHING)
    return None


def _json(key: str, native: JsonObject) -> Reader:
    def read(value: JsonValue) -> EntityReport:
        written = value if isinstance(value, str) else orjson.dumps(value).decode()
        return EntityReport(key, written[:STATE_CHARS_MAX])

    return Single(_property(native), read)


def _text(key: str, native: JsonObject) -> Reader:
    def read(value: JsonValue) -> EntityReport | None:
        if isinstance(value, dict | list):
            return EntityReport(key, orjson.dumps(value).decode()[:STATE_CHARS_MAX])
        return _words(key, value)

    return Single(_property(native), read)


def _two_states(on: str, off: str) -> Callable[[str, JsonObject], Reader]:
    def make(key: str, native: JsonObject) -> Reader:
        return Single(_property(native), _state(key, _on_off(native, on, off)))

    return make


@lru_cache(SHARED_MAX)
def _state(key: str, state_of: StateOf) -> ReadValue:
    def read(value: JsonValue) -> EntityReport | None:
        state = state_of(value)
        return EntityReport(key, state, NOTHING) if state is not None else None

    return read


def _on_off(native: JsonObject, on: str, off: str) -> StateOf:
    """Raw value -> state. What a converter calls "ON" a firmware may send as true, or in small letters."""
    return _state_of(_plain(native.get("on")), _plain(native.get("off")), on, off)


@lru_cache(SHARED_MAX)
def _state_of(said_on: str, said_off: str, on: str, off: str) -> StateOf:
    states = {said_off: off, said_on: on}
    spoken: dict[JsonValue, str] = {}
    if states.keys() == {"on", "off"}:
        spoken = {"true": states["on"], "false": states["off"]}

    def state_of(value: JsonValue) -> str | None:
        if not isinstance(value, bool | int | float | str):
            return None
        word = _plain(value)
        return states.get(word) or spoken.get(word)

    return state_of


def _plain(value: JsonValue) -> str:
    return str(value)[:STATE_CHARS_MAX].lower()


# Several properties.


_PHASES: Final = {"idle": "off", "available": "on", "scheduled": "on", "updating": "on"}


def _update(key: str, native: JsonObject) -> Reader:
    name = _property(native)

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        said = body.get(name)
        if isinstance(said, Mapping):
            return EntityReport(key, _PHASES.get(fields.text(said, "state") or ""), _update_attributes(said))
        if said is not None:
            faults.append(name)
        # Before 1.21 that was all there was.
        is_available = body.get("update_available")
        return EntityReport(key, "on" if is_available else "off") if isinstance(is_available, bool) else None

    return Compound((name, "update_available"), read)


def _update_attributes(said: JsonObject) -> dict[str, JsonValue]:
    phase = fields.text(said, "state")
    attributes: dict[str, JsonValue] = {
        name: _version(said.get(name)) for name in ("installed_version", "latest_version") if name in said
    }
    attributes["in_progress"] = phase == "updating"
    attributes["update_percentage"] = fields.number(said, "progress")
    for name, attribute in (("latest_source", "release_url"), ("latest_release_notes", "release_summary")):
        if name in said:
            text = fields.text(said, name)
            attributes[attribute] = text[:STATE_CHARS_MAX] if text is not None else None
    return attributes


def _version(value: JsonValue) -> str | None:
    """-1 until the device has been asked."""
    return str(value)[:STATE_CHARS_MAX] if isinstance(value, str | int) and value != -1 else None


def _event(key: str, native: JsonObject) -> Reader:
    name = _property(native)
    prefix = f"{name}_"
    before: set[str] = set()

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        action = body.get(name)
        if not isinstance(action, str) or action in {"", "None"}:
            if not isinstance(action, str | None):
                faults.append(name)
            return None
        details = {
            other: value
            for other, value in body.items()
            if other.startswith(prefix) and isinstance(value, str | int | float | bool)
        }
        attributes: dict[str, JsonValue] = dict.fromkeys(before - details.keys())
        before.clear()
        before.update(details)
        return EntityReport(key, None, attributes | details | {"event_type": action[:STATE_CHARS_MAX]})

    return Compound([name], read, is_event=True)


_COLOUR_ATTRIBUTES: Final = ("hs_color", "rgb_color", "xy_color")
_LIGHT_ATTRIBUTES: Final = {
    "brightness": ("brightness",),
    "color_temp": ("color_temp_kelvin",),
    "color": _COLOUR_ATTRIBUTES,
    "color_mode": ("color_mode",),
}


def _light(key: str, native: JsonObject) -> Reader:
    properties = _properties(native)
    state_of = _on_off(native, "on", "off")
    brightness_max = fields.number(native, "brightness_max") or 254
    dark: dict[str, JsonValue] = {
        attribute: None for role in properties for attribute in _LIGHT_ATTRIBUTES.get(role, ())
    }

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        given = _Given(body, properties, faults)
        state = given.word("state", state_of)
        if state == "off":
            # A light that is off has no brightness and no colour, in Home Assistant's words.
            return EntityReport(key, state, dark)
        attributes: dict[str, JsonValue] = {}
        brightness = given.number("brightness")
        if brightness is not None:
            attributes["brightness"] = min(max(round(brightness * 255 / brightness_max), 0), 255)
        attributes |= _light_colour(given)
        return EntityReport(key, state, attributes) if state is not None or attributes else None

    return Compound((name for role, name in properties.items() if role != "effect"), read)


def _light_colour(given: "_Given") -> dict[str, JsonValue]:
    mode = given.text("color_mode")
    warmth = given.number("color_temp")
    colour = given.mapping("color")
    attributes: dict[str, JsonValue] = {}
    is_white = mode == "color_temp" or (mode is None and not colour)
    if given.has("color_temp"):
        attributes["color_temp_kelvin"] = kelvin_of(warmth) if is_white and warmth is not None and warmth > 0 else None
    if given.has("color"):
        attributes |= dict.fromkeys(_COLOUR_ATTRIBUTES) if is_white else _colours(colour)
    if mode is not None:
        attributes["color_mode"] = mode[:STATE_CHARS_MAX]
    elif attributes.get("color_temp_kelvin") is not None:
        attributes["color_mode"] = "color_temp"
    return attributes


def _colours(colour: JsonObject) -> dict[str, JsonValue]:
    """In all three notations, from those that are given."""
    x, y = _share(colour, "x", 1), _share(colour, "y", 1)
    hue, saturation = _share(colour, "hue", 360), _share(colour, "saturation", 100)
    red, green, blue = (fields.number(colour, name) for name in ("r", "g", "b"))
    if red is not None and green is not None and blue is not None:
        rgb = (round(min(max(red, 0), 255)), round(min(max(green, 0), 255)), round(min(max(blue, 0), 255)))
    elif hue is not None and saturation is not None:
        rgb = rgb_of_hs(hue, saturation)
    elif x is not None and y is not None:
        rgb = rgb_of_xy(x, y)
    else:
        return {}
    hs = (hue, saturation) if hue is not None and saturation is not None else hs_of_rgb(*rgb)
    xy = (x, y) if x is not None and y is not None else xy_of_rgb(*rgb)
    return {"hs_color": list(hs), "rgb_color": list(rgb), "xy_color": list(xy)}


def _share(colour: JsonObject, name: str, most: int) -> float | None:
    value = number_of(colour.get(name))
    return None if value is None else min(max(value, 0), most)


_OPENING: Final = frozenset({"opening", "open", "forward", "up", "rising"})
_CLOSING: Final = frozenset({"closing", "close", "backward", "back", "reverse", "down", "declining"})
_COVER_STATES: Final = {
    "open": "open",
    "close": "closed",
    "closed": "closed",
    "opening": "opening",
    "closing": "closing",
}


def _cover(key: str, native: JsonObject) -> Reader:
    properties = _properties(native)

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        given = _Given(body, properties, faults)
        position, tilt = given.number("position"), given.number("tilt")
        attributes: dict[str, JsonValue] = {}
        if position is not None:
            attributes["current_position"] = _percent(position)
        if tilt is not None:
            attributes["current_tilt_position"] = _percent(tilt)
        state = _cover_state(given.text("motion"), given.text("state"), position)
        return EntityReport(key, state, attributes) if state is not None or attributes else None

    return Compound(properties.values(), read)


def _percent(said: float) -> int:
    return min(max(round(said), 0), 100)


def _cover_state(motion: str | None, state: str | None, position: float | None) -> str | None:
    moving = (motion or "").lower()
    if moving in _OPENING:
        return "opening"
    if moving in _CLOSING:
        return "closing"
    if position is not None:
        return "open" if position > 0 else "closed"
    return _COVER_STATES.get((state or "").lower())


_HVAC_MODES: Final = {
    **{mode: mode for mode in ("off", "heat", "cool", "heat_cool", "auto", "dry", "fan_only")},
    "emergency_heating": "heat",
    "sleep": "auto",
}
_HVAC_ACTIONS: Final = {"idle": "idle", "heat": "heating", "cool": "cooling", "fan_only": "fan", "off": "off"}


def _climate(key: str, native: JsonObject) -> Reader:
    properties = _properties(native)
    without_mode = "heat" if "heat" in properties else "cool" if "cool" in properties else "auto"

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        given = _Given(body, properties, faults)
        mode = given.word("mode", lambda value: _HVAC_MODES.get(value) if isinstance(value, str) else None)
        attributes: dict[str, JsonValue] = dict(_setpoints(given, mode))
        current = given.number("current")
        if current is not None:
            attributes["current_temperature"] = current
        action = given.word("action", lambda value: _HVAC_ACTIONS.get(value) if isinstance(value, str) else None)
        if action is not None:
            attributes["hvac_action"] = "off" if mode == "off" else action
        for role, attribute in (("preset", "preset_mode"), ("fan", "fan_mode"), ("swing", "swing_mode")):
            word = given.text(role)
            if word is not None:
                attributes[attribute] = word[:STATE_CHARS_MAX]
        state = mode if "mode" in properties else without_mode
        return EntityReport(key, state, attributes) if state is not None or attributes else None

    return Compound(properties.values(), read)


def _setpoints(given: "_Given", mode: str | None) -> dict[str, JsonValue]:
    heat, cool = given.number("heat"), given.number("cool")
    if heat is None or cool is None:
        target = heat if heat is not None else cool
        return {"temperature": target} if target is not None else {}
    if mode in {"auto", "heat_cool"}:
        return {"temperature": None, "target_temp_low": heat, "target_temp_high": cool}
    return {"temperature": cool if mode == "cool" else heat, "target_temp_low": None, "target_temp_high": None}


def _fan(key: str, native: JsonObject) -> Reader:
    properties = _properties(native)
    state_of = _on_off(native, "on", "off")
    speeds = fields.texts(native, "speeds")
    presets = fields.texts(native, "presets")
    speed_max = fields.number(fields.mapping(native, "speed_limits"), "max") or 254

    def read(body: JsonObject, faults: list[str]) -> EntityReport | None:
        given = _Given(body, properties, faults)
        mode, speed = given.text("mode"), given.number("speed")
        state = given.word("state", state_of) if "state" in properties else None
        if state is None and mode is not None:
            state = "off" if mode == "off" else "on"
        attributes: dict[str, JsonValue] = {}
        if speed is not None:
            attributes["percentage"] = min(max(round(speed * 100 / speed_max), 0), 100)
        elif mode is not None and speeds:
            is_running = state != "off" and mode in speeds
            attributes["percentage"] = (speeds.index(mode) + 1) * 100 // len(speeds) if is_running else 0
        if presets and mode is not None:
            attributes["preset_mode"] = mode if mode in presets else None
        return EntityReport(key, state, attributes) if state is not None or attributes else None

    return Compound(properties.values(), read)


class _Given:
    """A payload by roles; notes what is not of the expected type."""

    __slots__ = ("_body", "_faults", "_properties")

    def __init__(self, body: JsonObject, properties: Mapping[str, str], faults: list[str]) -> None:
        self._body = body
        self._properties = properties
        self._faults = faults

    def has(self, role: str) -> bool:
        return self._value(role) is not None

    def number(self, role: str) -> float | None:
        value = self._value(role)
        number = number_of(value)
        if number is None and value is not None:
            self._fault(role)
        return number

    def text(self, role: str) -> str | None:
        value = self._value(role)
        if value is None or isinstance(value, str):
            return value
        self._fault(role)
        return None

    def mapping(self, role: str) -> JsonObject:
        value = self._value(role)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self._fault(role)
        return NOTHING

    def word(self, role: str, word_of: Callable[[JsonValue], str | None]) -> str | None:
        value = self._value(role)
        if value is None:
            return None
        word = word_of(value)
        if word is None:
            self._fault(role)
        return word

    def _value(self, role: str) -> JsonValue:
        name = self._properties.get(role)
        return None if name is None else self._body.get(name)

    def _fault(self, role: str) -> None:
        self._faults.append(self._properties[role])


def _property(native: JsonObject) -> str:
    return fields.text(native, "property") or ""


def _properties(native: JsonObject) -> dict[str, str]:
    return {role: name for role, name in fields.mapping(native, "properties").items() if isinstance(name, str)}


_READERS: Final[Mapping[str, Callable[[str, JsonObject], Reader]]] = {
    "numeric": _numeric,
    "binary": _two_states("on", "off"),
    "switch": _two_states("on", "off"),
    "lock": _two_states("locked", "unlocked"),
    "enum": _enum,
    "text": _text,
    "json": _json,
    "update": _update,
    "event": _event,
    "light": _light,
    "cover": _cover,
    "climate": _climate,
    "fan": _fan,
}
