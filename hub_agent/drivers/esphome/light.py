"""Lights. A colour mode is a set of bits: what the lamp mixes in it. Channels count from 0 to 1, colour temperatures are in mireds.

https://esphome.io/components/light/ and the API's LightColorCapability.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb
from hub_agent.drivers.esphome.kind import (
    NOT_KNOWN,
    Description,
    Fields,
    Kind,
    Said,
    fraction,
    not_understood,
    number,
    numbers,
    short,
    whole,
    words,
)
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.drivers.wishes import FULL, Wish, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue

ON_OFF: Final = 1 << 0
BRIGHTNESS: Final = 1 << 1
WHITE: Final = 1 << 2
WARMTH: Final = 1 << 3
COLD_WARM: Final = 1 << 4
RGB: Final = 1 << 5

# Home Assistant's names for what the lamp mixes, by the bits that tell.
_MODES: Final = (
    (RGB | COLD_WARM, "rgbww"),
    (RGB | WARMTH, "rgbww"),
    (RGB | WHITE, "rgbw"),
    (RGB, "rgb"),
    (COLD_WARM, "color_temp"),
    (WARMTH, "color_temp"),
    (WHITE, "white"),
    (BRIGHTNESS, "brightness"),
    (ON_OFF, "onoff"),
)
# Before API 1.6: a flag for each.
_LEGACY: Final = MappingProxyType(
    {
        "legacy_supports_brightness": BRIGHTNESS,
        "legacy_supports_rgb": RGB,
        "legacy_supports_white_value": WHITE,
        "legacy_supports_color_temperature": WARMTH,
    }
)
_FLASH_S: Final = MappingProxyType({"short": 2.0, "long": 10.0})
TRANSITION_S_MAX: Final = 86_400.0
_NO_EFFECT: Final = "None"
KELVIN_MIN: Final = 1000
KELVIN_MAX: Final = 20_000


class Light(Kind):
    domain = "light"

    def describe(self, info: JsonObject) -> Description:
        modes = numbers(info, "supported_color_modes")
        is_legacy = not modes
        if is_legacy:
            modes = (sum((bit for name, bit in _LEGACY.items() if given.flag(info, name)), ON_OFF),)
        has = 0
        for mode in modes:
            has |= mode
        effects = words(info, "effects")
        low, high = _mireds(info)
        capabilities = {"on": Capability("bool", "rw")}
        if has & ~ON_OFF:
            capabilities["brightness"] = Capability("int", "rw", unit="%", min=0, max=100)
        if has & (WARMTH | COLD_WARM):
            capabilities["color_temp"] = Capability("int", "rw", unit="K", min=kelvin_of(high), max=kelvin_of(low))
        if has & RGB:
            capabilities["color"] = Capability("text", "rw")
        if effects:
            capabilities["effect"] = Capability("enum", "rw", options=tuple(dict.fromkeys((_NO_EFFECT, *effects))))
        native: Fields = {
            "modes": modes,
            "is_legacy": is_legacy,
            "min_mireds": low,
            "max_mireds": high,
            "effects": effects,
        }
        return Description(capabilities, native)

    def read(self, native: JsonObject, body: JsonObject) -> Said | None:
        if not isinstance(body.get("state"), bool):
            return NOT_KNOWN
        state = "on" if body["state"] else "off"
        mode = self._mode(native, body)
        attributes: dict[str, JsonValue] = {"color_mode": _name_of(mode)}
        brightness = fraction(body, "brightness")
        if mode & ~ON_OFF and brightness is not None:
            attributes["brightness"] = round(brightness * FULL)
        attributes |= _warmth(native, body, mode)
        attributes |= _colour(body, mode)
        if words(native, "effects"):
            attributes["effect"] = short(body, "effect") or _NO_EFFECT
        return state, attributes

    def _mode(self, native: JsonObject, body: JsonObject) -> int:
        mode = whole(body, "color_mode") or 0
        modes = numbers(native, "modes")
        if mode <= 0 or given.flag(native, "is_legacy"):
            return modes[0] if modes else ON_OFF
        return mode

    def write(self, native: JsonObject, verb: str, data: JsonObject, before: JsonObject) -> Fields:
        if verb not in {"turn_on", "turn_off"}:
            raise not_understood(self.domain, verb, ("turn_on", "turn_off"))
        transition = number_of(data, "transition")
        wanted: Fields = {"state": verb == "turn_on"}
        if transition is not None:
            wanted["transition_length"] = max(0.0, min(TRANSITION_S_MAX, float(transition)))
        flash = data.get("flash")
        if isinstance(flash, str):
            wanted["flash_length"] = _FLASH_S.get(flash, _FLASH_S["short"])
        if verb == "turn_off":
            return wanted
        wish = Wish(data, round((fraction(before, "brightness") or 0) * FULL))
        if wish.brightness == 0:
            return wanted | {"state": False}
        if wish.brightness is not None:
            wanted["brightness"] = wish.brightness / FULL
        wanted |= self._look(native, wish)
        if wish.effect is not None:
            wanted["effect"] = _effect(wish.effect, words(native, "effects"))
        return wanted

    def _look(self, native: JsonObject, wish: Wish) -> Fields:
        """Colour, warmth or white, in the simplest mode that has it."""
        modes = numbers(native, "modes")
        if wish.has_colour:
            mode = _simplest(modes, RGB)
            if mode is None:
                raise NotPossible("This light has no colours.")
            look = _rgb_fields(wish)
            look |= _whites(mode, wish)
        elif wish.kelvin is not None:
            mode = _simplest(modes, WARMTH)
            if mode is None:
                mode = _simplest(modes, COLD_WARM)
            if mode is None:
                raise NotPossible("This light has no colour temperature.")
            low, high = _mireds(native)
            look = {"color_temperature": round(max(low, min(high, 1_000_000 / wish.kelvin)), 2)}
            if mode & RGB:
                look["color_brightness"] = 0.0
        elif wish.is_white:
            mode = _simplest(modes, WHITE)
            if mode is None:
                raise NotPossible("This light has no white of its own.")
            look = {"white": 1.0}
            if mode & RGB:
                look["color_brightness"] = 0.0
        else:
            return {}
        return look if given.flag(native, "is_legacy") else look | {"color_mode": mode}


def _simplest(modes: Iterable[int], bit: int) -> int | None:
    """The mode with the fewest channels that has this one."""
    return min((mode for mode in modes if mode & bit), key=lambda mode: (mode.bit_count(), mode), default=None)


def _rgb_fields(wish: Wish) -> Fields:
    """The node keeps a colour at its full brightness, and how bright that colour is, apart."""
    red, green, blue = (max(0.0, min(1.0, value / FULL)) for value in wish.as_rgb())
    brightest = max(red, green, blue)
    scale = brightest or 1
    return {"rgb": [red / scale, green / scale, blue / scale], "color_brightness": brightest}


def _whites(mode: int, wish: Wish) -> Fields:
    """The white channels beside a colour: as asked for, or dark."""
    asked = [max(0.0, min(1.0, value / FULL)) for value in wish.white]
    if mode & COLD_WARM:
        cold, warm = asked if len(asked) == 2 else (asked * 2 if asked else (0.0, 0.0))
        return {"cold_white": cold, "warm_white": warm}
    if mode & WHITE:
        return {"white": max(asked, default=0.0)}
    return {}


def _mireds(body: JsonObject) -> tuple[float, float]:
    """Coldest and warmest; what the node says wrongly or not at all is as wide as lamps are."""
    low, high = number(body, "min_mireds") or 0, number(body, "max_mireds") or 0
    low = low if low > 1_000_000 / KELVIN_MAX else 153.0
    high = high if 0 < high < 1_000_000 / KELVIN_MIN else 500.0
    return (low, high) if low < high else (high, low)


def _name_of(mode: int) -> str:
    return next((name for bits, name in _MODES if mode & bits == bits), "onoff")


def _warmth(native: JsonObject, body: JsonObject, mode: int) -> Fields:
    if not mode & (WARMTH | COLD_WARM):
        return {}
    mireds = number(body, "color_temperature")
    if not mireds or mireds <= 0:
        return {}
    low, high = _mireds(native)
    kelvin: JsonValue = kelvin_of(max(low, min(high, mireds)))
    # With the colour lit, the warmth of the white channels is not what is seen.
    is_colour = bool(mode & RGB) and (fraction(body, "color_brightness") or 0) > 0
    return {"color_temp_kelvin": None if is_colour else kelvin}


def _colour(body: JsonObject, mode: int) -> Fields:
    if not mode & RGB:
        return {}
    brightness = fraction(body, "color_brightness")
    brightness = 1 if brightness is None else brightness
    channels = [fraction(body, name) or 0.0 for name in ("red", "green", "blue")]
    rgb = [round(channel * brightness * FULL) for channel in channels]
    attributes: Fields = {"rgb_color": rgb, "hs_color": list(hs_of_rgb(*rgb))}
    if mode & COLD_WARM:
        whites = [fraction(body, name) or 0.0 for name in ("cold_white", "warm_white")]
        attributes["rgbww_color"] = [*rgb, *(round(white * FULL) for white in whites)]
    elif mode & WHITE:
        attributes["rgbw_color"] = [*rgb, round((fraction(body, "white") or 0.0) * FULL)]
    return attributes


def _effect(wanted: str, effects: tuple[str, ...]) -> str:
    if wanted.lower() in {"none", "off", "stop_effect"}:
        return _NO_EFFECT
    if wanted not in effects:
        raise NotPossible(f"`effect` must be one of {', '.join(effects)[:200] or 'none'}, not {wanted!r:.60}")
    return wanted
