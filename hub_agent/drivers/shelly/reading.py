"""The status of a component -> what an entity says, by the `kind` in the entity's native."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, xy_of_rgb
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

FULL: Final = 255
_COLOURS: Final = ("rgb_color", "hs_color", "xy_color", "rgbw_color")
_DARK: Final[JsonObject] = dict.fromkeys(("brightness", "color_temp_kelvin", "color_mode", *_COLOURS))


def read(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    """None if the status says nothing of it."""
    reader = _READERS.get(given.text(native, "kind") or "")
    return reader(key, native, status) if reader is not None else None


def brightness_of(percent: float) -> int:
    return min(max(round(percent * FULL / 100), 0), FULL)


def _path(native: JsonObject) -> tuple[str, ...]:
    return given.texts(native, "path")


def _on_off(native: JsonObject, status: JsonObject) -> str | None:
    is_on = given.flag(status, *_path(native))
    return None if is_on is None else "on" if is_on else "off"


def _switch(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    state = _on_off(native, status)
    return EntityReport(key, state) if state is not None else None


def _binary(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    on = given.text(native, "on")
    if on is None:
        return _switch(key, native, status)
    word = given.text(status, *_path(native))
    return EntityReport(key, "on" if word == on else "off") if word is not None else None


def _number(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    value = given.at(status, *_path(native))
    number = None if isinstance(value, str) else given.number_of(value)
    limits = [limit for value in given.listed(native, "limits") if (limit := given.number_of(value)) is not None]
    if number is None or (len(limits) == 2 and not limits[0] <= number <= limits[1]):
        return None
    return EntityReport(key, str(given.tidy(number * (given.number(native, "factor") or 1))))


def _word(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    value = given.at(status, *_path(native))
    return EntityReport(key, value[: given.TEXT_CHARS_MAX]) if isinstance(value, str) else None


def _choice(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    value = given.text(status, *_path(native))
    names = {raw: name for name, raw in given.mapping(native, "values").items() if isinstance(raw, str)}
    return EntityReport(key, names.get(value, value)) if value is not None else None


# Lights.


def _light(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    state = _on_off(native, status)
    if state == "off":
        return EntityReport(key, state, _DARK)
    attributes: dict[str, JsonValue] = {}
    percent, kelvin = given.number(status, "brightness"), given.number(status, "ct")
    if percent is not None:
        attributes["brightness"] = brightness_of(percent)
    is_white = given.text(status, "mode") == "cct" or not given.flag(native, "colour")
    rgb = _rgb(given.listed(status, "rgb"))
    if is_white and "warmth" in native:
        attributes |= _warmth(kelvin) if kelvin is not None else {}
    elif rgb is not None:
        attributes |= _colour(rgb, given.number(status, "white") if given.flag(native, "white") else None)
        attributes |= {"color_temp_kelvin": None} if "warmth" in native else {}
    elif not given.flag(native, "colour"):
        attributes["color_mode"] = "brightness"
    return EntityReport(key, state, attributes) if state is not None or attributes else None


def _light1(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    state = _on_off(native, status)
    if state == "off":
        return EntityReport(key, state, _DARK)
    is_colour = bool(given.flag(native, "colour")) and given.text(status, "mode") != "white"
    percent = given.number(status, "gain" if is_colour else "brightness")
    attributes: dict[str, JsonValue] = {"color_mode": "brightness"}
    if percent is not None:
        attributes["brightness"] = brightness_of(percent)
    rgb = _rgb(tuple(status.get(name) for name in ("red", "green", "blue")))
    kelvin = given.number(status, "temp")
    if is_colour and rgb is not None:
        attributes |= _colour(rgb, None) | ({"color_temp_kelvin": None} if "warmth" in native else {})
    elif "warmth" in native and kelvin is not None:
        attributes |= _warmth(kelvin)
    return EntityReport(key, state, attributes)


def _warmth(kelvin: float) -> dict[str, JsonValue]:
    return {"color_temp_kelvin": round(kelvin), "color_mode": "color_temp", **dict.fromkeys(_COLOURS)}


def _rgb(values: object) -> tuple[int, int, int] | None:
    if not isinstance(values, list | tuple) or len(values) != 3:
        return None
    numbers = [number for value in values if (number := given.number_of(value)) is not None]
    if len(numbers) != 3:
        return None
    red, green, blue = (min(max(round(number), 0), FULL) for number in numbers)
    return red, green, blue


def _colour(rgb: tuple[int, int, int], white: float | None) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {
        "rgb_color": list(rgb),
        "hs_color": list(hs_of_rgb(*rgb)),
        "xy_color": list(xy_of_rgb(*rgb)),
        "color_mode": "rgb",
    }
    if white is not None:
        said |= {"rgbw_color": [*rgb, min(max(round(white), 0), FULL)], "color_mode": "rgbw"}
    return said


# Covers.

_COVER_STATES: Final = MappingProxyType(
    {"opening": "opening", "closing": "closing", "open": "open", "closed": "closed"}
)
_ROLLER_STATES: Final = MappingProxyType({"open": "opening", "close": "closing"})


def _cover(key: str, _native: JsonObject, status: JsonObject) -> EntityReport | None:
    word = given.text(status, "state")
    if word is None:
        return None
    return _moved(key, _COVER_STATES.get(word), given.number(status, "current_pos"), status, "slat_pos")


def _cover1(key: str, _native: JsonObject, status: JsonObject) -> EntityReport | None:
    word = given.text(status, "state")
    position = given.number(status, "current_pos") if given.flag(status, "positioning") is not False else None
    return _moved(key, _ROLLER_STATES.get(word or ""), position, status)


def _moved(
    key: str, state: str | None, position: float | None, status: JsonObject, tilt: str | None = None
) -> EntityReport:
    """One that stands still says where; where it knows no positions, the way it went last is the best guess."""
    attributes: dict[str, JsonValue] = {}
    if position is not None and 0 <= position <= 100:
        attributes["current_position"] = round(position)
        if state not in {"opening", "closing"}:
            state = "open" if position > 0 else "closed"
    slat = given.number(status, tilt) if tilt is not None else None
    if slat is not None:
        attributes["current_tilt_position"] = round(slat)
    if state is None and position is None:
        state = {"open": "open", "close": "closed"}.get(given.text(status, "last_direction") or "")
    return EntityReport(key, state, attributes)


# Thermostats.


def _climate(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    mode = given.text(native, "mode") or "heat"
    is_enabled, is_working = given.flag(status, "enable"), given.flag(status, "output")
    attributes = _temperatures(given.number(status, "target_C"), given.number(status, "current_C"))
    state = "off" if is_enabled is False else mode
    if is_working is not None:
        working = "heating" if mode == "heat" else "cooling"
        attributes["hvac_action"] = "off" if state == "off" else working if is_working else "idle"
    elif "pos" in status:
        attributes["hvac_action"] = "heating" if (given.number(status, "pos") or 0) > 0 else "idle"
    return EntityReport(key, state, attributes)


def _climate1(key: str, _native: JsonObject, status: JsonObject) -> EntityReport | None:
    attributes = _temperatures(given.number(status, "target_t", "value"), given.number(status, "tmp", "value"))
    position = given.number(status, "pos")
    if position is not None:
        attributes["hvac_action"] = "heating" if position > 0 else "idle"
    return EntityReport(key, "heat", attributes)


def _temperatures(target: float | None, current: float | None) -> dict[str, JsonValue]:
    said = {"temperature": target, "current_temperature": current}
    return {name: given.tidy(value) for name, value in said.items() if value is not None}


# Firmware.


def _update(key: str, native: JsonObject, status: JsonObject) -> EntityReport | None:
    """Which version runs is told by the member: a status names only what is offered."""
    if given.text(native, "component") == "device":
        body = given.mapping(status, "update")
        if not body:
            return None
        is_new = given.flag(body, "has_update") is True
        installed = given.text(body, "old_version")
        latest = given.text(body, "new_version") or installed
        is_busy = given.text(body, "status") == "updating"
    else:
        if "available_updates" not in status:
            return None
        installed = given.text(status, "installed_version")
        offered = given.text(status, "available_updates", "stable", "version")
        is_new, latest = offered is not None, offered or installed
        is_busy = given.flag(status, "is_updating") is True
    attributes: dict[str, JsonValue] = {
        "installed_version": installed,
        "latest_version": latest,
        "in_progress": is_busy,
        "update_percentage": given.number(status, "update_percentage") if is_busy else None,
    }
    return EntityReport(key, "on" if is_new else "off", attributes)


_READERS: Final[Mapping[str, Callable[[str, JsonObject, JsonObject], EntityReport | None]]] = MappingProxyType(
    {
        "switch": _switch,
        "boolean": _switch,
        "binary": _binary,
        "number": _number,
        "word": _word,
        "choice": _choice,
        "light": _light,
        "light1": _light1,
        "cover": _cover,
        "cover1": _cover1,
        "climate": _climate,
        "climate1": _climate1,
        "update": _update,
    }
)
