"""State and info of a strip -> what an entity says, by the `kind` in the entity's native."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, xy_of_rgb
from hub_agent.drivers.wled.entities import HAS_COLOUR, HAS_WARMTH, HAS_WHITE, kelvin_of, segments_of
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

FULL: Final = 255
_COLOURS: Final = ("rgb_color", "hs_color", "xy_color", "rgbw_color")
_DARK: Final[JsonObject] = dict.fromkeys(("brightness", "color_temp_kelvin", "color_mode", "effect", *_COLOURS))


def read(key: str, native: JsonObject, state: JsonObject, info: JsonObject) -> EntityReport | None:
    """None if nothing is said of it."""
    reader = _READERS.get(given.text(native, "kind") or "")
    return reader(key, native, state, info) if reader is not None else None


def _byte(value: float) -> int:
    return min(max(round(value), 0), FULL)


def _main(key: str, _native: JsonObject, state: JsonObject, _info: JsonObject) -> EntityReport | None:
    is_on, brightness = given.flag(state, "on"), given.number(state, "bri")
    if is_on is None:
        return None
    if not is_on:
        return EntityReport(key, "off", _DARK)
    attributes: dict[str, JsonValue] = {"color_mode": "brightness"}
    if brightness is not None:
        attributes["brightness"] = _byte(brightness)
    return EntityReport(key, "on", attributes)


def _light(key: str, native: JsonObject, state: JsonObject, _info: JsonObject) -> EntityReport | None:
    segment = _segment(native, state)
    is_on, is_all_on = given.flag(segment, "on"), given.flag(state, "on")
    if segment is None or is_all_on is None:
        return None
    if not is_all_on or is_on is False:
        return EntityReport(key, "off", _DARK)
    attributes: dict[str, JsonValue] = {}
    brightness, whole = given.number(segment, "bri"), given.number(state, "bri")
    if brightness is not None and given.flag(native, "sole") and whole is not None:
        # The only segment is the strip: what is seen is one brightness upon the other.
        brightness = brightness * whole / FULL
    if brightness is not None:
        attributes["brightness"] = _byte(brightness)
    attributes |= _colour(int(given.number(native, "bits") or 0), segment)
    effect = given.number(segment, "fx")
    names = given.mapping(native, "effects")
    attributes["effect"] = next((name for name, number in names.items() if number == effect), None)
    return EntityReport(key, "on", attributes)


def _colour(bits: int, segment: JsonObject) -> dict[str, JsonValue]:
    colours = given.listed(segment, "col")
    first = colours[0] if colours else None
    channels = [
        _byte(number) for value in given.listed({"c": first}, "c")[:4] if (number := given.number_of(value)) is not None
    ]
    relative = given.number(segment, "cct")
    is_grey = len(channels) > 3 and not any(channels[:3])
    if bits & HAS_WARMTH and relative is not None and (not bits & HAS_COLOUR or is_grey):
        return {"color_temp_kelvin": kelvin_of(relative), "color_mode": "color_temp", **dict.fromkeys(_COLOURS)}
    if not bits & HAS_COLOUR or len(channels) < 3:
        return {"color_mode": "brightness"}
    red, green, blue = channels[:3]
    said: dict[str, JsonValue] = {
        "rgb_color": [red, green, blue],
        "hs_color": list(hs_of_rgb(red, green, blue)),
        "xy_color": list(xy_of_rgb(red, green, blue)),
        "color_mode": "rgb",
    }
    if bits & HAS_WHITE and len(channels) == 4:
        said |= {"rgbw_color": channels, "color_mode": "rgbw"}
    return said | ({"color_temp_kelvin": None} if bits & HAS_WARMTH else {})


def _segment(native: JsonObject, state: JsonObject) -> JsonObject | None:
    number = given.number(native, "segment")
    return segments_of(state).get(int(number)) if number is not None else None


def _place(native: JsonObject, state: JsonObject) -> JsonValue:
    body = _segment(native, state) if "segment" in native else state
    return given.at(body, *given.texts(native, "field"))


def _switch(key: str, native: JsonObject, state: JsonObject, _info: JsonObject) -> EntityReport | None:
    is_on = given.flag({"v": _place(native, state)}, "v")
    return EntityReport(key, "on" if is_on else "off") if is_on is not None else None


def _number(key: str, native: JsonObject, state: JsonObject, _info: JsonObject) -> EntityReport | None:
    number = given.number_of(_place(native, state))
    return EntityReport(key, str(given.tidy(number))) if number is not None else None


def _choice(key: str, native: JsonObject, state: JsonObject, _info: JsonObject) -> EntityReport | None:
    number = given.number_of(_place(native, state))
    if number is None:
        return None
    names = given.mapping(native, "values")
    # No preset is -1: then none of its options is so.
    return EntityReport(key, next((name for name, value in names.items() if value == number), "unknown"))


def _info(key: str, native: JsonObject, _state: JsonObject, info: JsonObject) -> EntityReport | None:
    number = given.number(info, *given.texts(native, "path"))
    if number is None:
        return None
    return EntityReport(key, str(given.tidy(number * (given.number(native, "factor") or 1))))


def _live(key: str, _native: JsonObject, _state: JsonObject, info: JsonObject) -> EntityReport | None:
    is_live = given.flag(info, "live")
    return EntityReport(key, "on" if is_live else "off") if is_live is not None else None


_READERS: Final[Mapping[str, Callable[[str, JsonObject, JsonObject, JsonObject], EntityReport | None]]] = (
    MappingProxyType(
        {
            "main": _main,
            "light": _light,
            "switch": _switch,
            "number": _number,
            "choice": _choice,
            "info": _info,
            "live": _live,
        }
    )
)
