"""Light as LIFX counts it: hue in degrees, saturation and brightness from 0 to 1, and kelvin, which shows where there is no saturation."""

from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import rgb_of_hs
from hub_agent.drivers.wishes import FULL, Wish
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

KELVIN_MIN: Final = 1500
KELVIN_MAX: Final = 9000


def read(color: JsonObject, *, has_color: bool, has_warmth: bool) -> dict[str, JsonValue]:
    """Attributes of a light."""
    attributes: dict[str, JsonValue] = {}
    brightness = given.number(color, "brightness")
    if brightness is not None:
        attributes["brightness"] = round(max(0, min(1, brightness)) * FULL)
    hue, saturation = given.number(color, "hue"), given.number(color, "saturation")
    kelvin = given.number(color, "kelvin")
    if has_color and saturation is not None and saturation > 0 and hue is not None:
        hs = [round(hue % 360, 2), round(max(0, min(1, saturation)) * 100, 2)]
        return attributes | {
            "color_mode": "hs",
            "hs_color": hs,
            "rgb_color": list(rgb_of_hs(*hs)),
            "color_temp_kelvin": None,
        }
    if has_warmth and kelvin is not None and kelvin > 0:
        return attributes | {
            "color_mode": "color_temp",
            "color_temp_kelvin": round(kelvin),
            "hs_color": None,
            "rgb_color": None,
        }
    return attributes | {"color_mode": "brightness"}


def write(wish: Wish, kelvins: tuple[float, float], *, has_color: bool, has_warmth: bool) -> dict[str, JsonValue]:
    """The parts of the colour that change; what is not named stays. Raises NotPossible."""
    wanted: dict[str, JsonValue] = {}
    if wish.brightness is not None:
        wanted["brightness"] = wish.brightness / FULL
    if wish.has_colour:
        if not has_color:
            raise NotPossible("This light has no colours.")
        hue, saturation = wish.as_hs()
        wanted |= {"hue": hue % 360, "saturation": max(0.0, min(1.0, saturation / 100))}
    elif wish.kelvin is not None:
        if not has_warmth:
            raise NotPossible("This light has no colour temperature.")
        low, high = kelvins
        wanted |= {"saturation": 0.0, "kelvin": round(max(low, min(high, wish.kelvin)))}
    return wanted
