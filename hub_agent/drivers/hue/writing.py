"""Actions -> what is put to a resource. What a lamp has no place for is left out; what would do nothing is NotPossible."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.drivers.colours import xy_of_kelvin
from hub_agent.drivers.hue.colours import Point, within
from hub_agent.drivers.hue.facets import NO_EFFECT
from hub_agent.drivers.hue.reading import FULL, percent_of_brightness
from hub_agent.drivers.vocabulary import mireds_of
from hub_agent.drivers.wishes import Wish, needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body: TypeAlias = dict[str, JsonValue]
_Write: TypeAlias = Callable[[JsonObject, JsonObject, JsonObject], Body]

TRANSITION_MS_MAX: Final = 6_000_000
SIGNAL_MS: Final = 10_000


def write(native: JsonObject, known: JsonObject, action: str, data: JsonObject) -> Body:
    """The body of a PUT. `known`: the resource as it was last told. Raises NotPossible."""
    kind = given.text(native, "kind") or ""
    domain, verbs = _VERBS.get(kind, ("", {}))
    called, _, verb = action.partition(".")
    if verb not in verbs or called not in {domain, "homeassistant"}:
        can = ", ".join(f"{domain}.{each}" for each in verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {can}.")
    return verbs[verb](native, known, data)


def shown(native: JsonObject, wish: Wish) -> Body:
    """Brightness and colour that a lamp is to show, for a call as for a scene."""
    can = given.texts(native, "has")
    body: Body = {}
    if wish.brightness is not None and "dimming" in can:
        body["dimming"] = {"brightness": percent_of_brightness(wish.brightness)}
    if wish.kelvin is not None:
        return body | _warmth(native, can, wish.kelvin)
    if wish.has_colour:
        if "color" not in can:
            raise NotPossible("This light has no colours.")
        body["color"] = _xy(native, *wish.as_xy())
    return body


def _warmth(native: JsonObject, can: Sequence[str], kelvin: float) -> Body:
    if "color_temperature" in can:
        limits = [int(each) for each in given.listed(native, "mirek") if isinstance(each, int)]
        coldest, warmest = limits if len(limits) == 2 else (153, 500)
        return {"color_temperature": {"mirek": max(coldest, min(warmest, mireds_of(max(kelvin, 1))))}}
    if "color" in can:
        return {"color": _xy(native, *xy_of_kelvin(kelvin))}
    raise NotPossible("This light has no colour temperature.")


def _xy(native: JsonObject, x: float, y: float) -> Body:
    """In thousandths: finer than anybody sees, and bridges give them back as they were."""
    x, y = within(_gamut(native), x, y)
    return {"xy": {"x": round(x, 3), "y": round(y, 3)}}


def _gamut(native: JsonObject) -> list[Point] | None:
    corners: list[Point] = []
    for corner in given.listed(native, "gamut"):
        point = [
            number
            for each in (corner if isinstance(corner, Sequence) else ())
            if (number := given.number_of(each)) is not None
        ]
        if len(point) == 2:
            corners.append((point[0], point[1]))
    return corners if len(corners) == 3 else None


def _light_on(native: JsonObject, known: JsonObject, data: JsonObject) -> Body:
    step = _step(data)
    wish = Wish({name: value for name, value in data.items() if not name.startswith("brightness_step")}, FULL)
    if wish.brightness == 0:
        return _light_off(native, known, data)
    body: Body = {"on": {"on": True}, **shown(native, wish)}
    if step is not None and wish.brightness is None and "dimming" in given.texts(native, "has"):
        body["dimming_delta"] = {"action": "up" if step > 0 else "down", "brightness_delta": abs(step)}
    if wish.effect is not None:
        body |= effect(native, wish.effect, wish.transition)
    if wish.flash is not None:
        body |= _flash(native, wish.flash)
    return body | transition(data)


def _step(data: JsonObject) -> float | None:
    percent, absolute = number_of(data, "brightness_step_pct"), number_of(data, "brightness_step")
    step = percent if percent is not None else None if absolute is None else absolute / FULL * 100
    return None if not step else max(-100.0, min(100.0, round(step, 2)))


def effect(native: JsonObject, name: str, transition_s: float | None = None) -> Body:
    if name in given.texts(native, "timed"):
        return {
            "timed_effects": {"effect": name, "duration": _milliseconds(transition_s) if transition_s else 1_800_000}
        }
    field = given.text(native, "effects")
    if field is None:
        raise NotPossible("This light has no effects.")
    word = NO_EFFECT if name.lower() in {"none", "off"} else name
    return {"effects_v2": {"action": {"effect": word}}} if field == "effects_v2" else {"effects": {"effect": word}}


def _flash(native: JsonObject, length: str) -> Body:
    if length == "long" and "on_off" in given.texts(native, "signals"):
        return {"signaling": {"signal": "on_off", "duration": SIGNAL_MS}}
    return {"alert": {"action": "breathe"}}


def transition(data: JsonObject) -> Body:
    seconds = number_of(data, "transition")
    return {} if seconds is None else {"dynamics": {"duration": _milliseconds(seconds)}}


def _milliseconds(seconds: float) -> int:
    return max(0, min(TRANSITION_MS_MAX, round(seconds * 1000)))


def _light_off(_native: JsonObject, _known: JsonObject, data: JsonObject) -> Body:
    return {"on": {"on": False}, **transition(data)}


def _light_toggle(native: JsonObject, known: JsonObject, data: JsonObject) -> Body:
    return (_light_off if given.flag(known, "on", "on") else _light_on)(native, known, data)


def _switched(is_on: bool | None) -> _Write:  # noqa: FBT001 what is written
    return lambda _native, known, _data: {
        "on": {"on": given.flag(known, "on", "on") is not True if is_on is None else is_on}
    }


def _enabled(is_on: bool) -> _Write:  # noqa: FBT001 what is written
    return lambda _native, _known, _data: {"enabled": is_on}


def _powerup(_native: JsonObject, _known: JsonObject, data: JsonObject) -> Body:
    preset = needed_text(data, "option", ("safety", "powerfail", "last_on_state", "custom"))
    if preset == "custom":
        raise NotPossible("what a lamp does by itself is set in the Hue app; here safety, powerfail and last_on_state.")
    return {"powerup": {"preset": preset}}


def _sensitivity(native: JsonObject, _known: JsonObject, data: JsonObject) -> Body:
    highest = given.number(native, "max") or 4
    value = needed_number(data, "value")
    if not 0 <= value <= highest:
        raise NotPossible(f"`value` must be between 0 and {highest:g}, not {value:g}")
    return {"sensitivity": {"sensitivity": round(value)}}


def _identify(_native: JsonObject, _known: JsonObject, _data: JsonObject) -> Body:
    return {"identify": {"action": "identify"}}


def _recall(native: JsonObject, _known: JsonObject, data: JsonObject) -> Body:
    return recall(
        given.text(native, "type") or "scene", number_of(data, "transition"), is_dynamic=data.get("dynamic") is True
    )


def recall(kind: str, transition_s: float | None = None, *, is_dynamic: bool = False) -> Body:
    """What is put to a scene to have it."""
    if kind == "smart_scene":
        return {"recall": {"action": "activate"}}
    body: Body = {"action": "dynamic_palette" if is_dynamic else "active"}
    if transition_s is not None:
        body["duration"] = _milliseconds(transition_s)
    return {"recall": body}


_VERBS: Final[Mapping[str, tuple[str, Mapping[str, _Write]]]] = MappingProxyType(
    {
        "light": ("light", {"turn_on": _light_on, "turn_off": _light_off, "toggle": _light_toggle}),
        "switch": (
            "switch",
            {"turn_on": _switched(is_on=True), "turn_off": _switched(is_on=False), "toggle": _switched(is_on=None)},
        ),
        "enabled": ("switch", {"turn_on": _enabled(is_on=True), "turn_off": _enabled(is_on=False)}),
        "powerup": ("select", {"select_option": _powerup}),
        "sensitivity": ("number", {"set_value": _sensitivity}),
        "identify": ("button", {"press": _identify}),
        "scene": ("scene", {"turn_on": _recall}),
    }
)
