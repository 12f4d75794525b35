"""Actions -> the state that is asked of a strip."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.wishes import Wish, needed_number, needed_text
from hub_agent.drivers.wled.entities import HAS_COLOUR, HAS_WARMTH, HAS_WHITE, relative_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body = dict[str, JsonValue]
_Write = Callable[[JsonObject, JsonObject, JsonObject], Body]

FULL: Final = 255
# In tenths of a second.
TRANSITION_MAX: Final = 65_535


def write(native: JsonObject, domain: str, action: str, data: JsonObject, state: JsonObject) -> Body:
    """Raises NotPossible. `state`: what the strip said last, for steps."""
    verb = action.partition(".")[2]
    verbs = _VERBS.get(given.text(native, "kind") or "", {})
    if action.partition(".")[0] not in {domain, "homeassistant"} or verb not in verbs:
        known = ", ".join(f"{domain}.{known}" for known in verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {known}.")
    return verbs[verb](native, data, state)


def _transition(wish: Wish) -> Body:
    """For this one call only."""
    if wish.transition is None:
        return {}
    return {"tt": min(max(round(wish.transition * 10), 0), TRANSITION_MAX)}


def _brightness(wish: Wish) -> int | None:
    return None if wish.brightness is None else min(max(round(wish.brightness), 0), FULL)


def _known_brightness(state: JsonObject) -> int:
    return round(given.number(state, "bri") or 0)


def _main_on(_native: JsonObject, data: JsonObject, state: JsonObject) -> Body:
    wish = Wish(data, _known_brightness(state))
    brightness = _brightness(wish)
    if brightness == 0:
        return {"on": False, **_transition(wish)}
    if wish.has_colour or wish.kelvin is not None or wish.effect is not None:
        raise NotPossible("the strip as a whole has no colour and no effect: ask one of its segments.")
    return {"on": True, **({"bri": brightness} if brightness is not None else {}), **_transition(wish)}


def _main_off(_native: JsonObject, data: JsonObject, state: JsonObject) -> Body:
    return {"on": False, **_transition(Wish(data, _known_brightness(state)))}


def _main_toggle(_native: JsonObject, _data: JsonObject, _state: JsonObject) -> Body:
    return {"on": "t"}


def _light_on(native: JsonObject, data: JsonObject, state: JsonObject) -> Body:
    is_sole = bool(given.flag(native, "sole"))
    wish = Wish(data, _known_brightness(state))
    brightness = _brightness(wish)
    if brightness == 0:
        return _light_off(native, data, state)
    segment: Body = {"id": _number_of_segment(native), "on": True, **_colour(native, wish)}
    body: Body = {"on": True, **_transition(wish)}
    if brightness is not None and is_sole:
        # One brightness upon the other is what is seen: the segment's own stands at full.
        body["bri"], segment["bri"] = brightness, FULL
    elif brightness is not None:
        segment["bri"] = brightness
    if wish.effect is not None:
        segment["fx"] = _numbered(wish.effect, given.mapping(native, "effects"), "effect")
    return {**body, "seg": [segment]}


def _light_off(native: JsonObject, data: JsonObject, state: JsonObject) -> Body:
    transition = _transition(Wish(data, _known_brightness(state)))
    if given.flag(native, "sole"):
        return {"on": False, **transition}
    return {"seg": [{"id": _number_of_segment(native), "on": False}], **transition}


def _light_toggle(native: JsonObject, _data: JsonObject, _state: JsonObject) -> Body:
    if given.flag(native, "sole"):
        return {"on": "t"}
    return {"seg": [{"id": _number_of_segment(native), "on": "t"}]}


def _colour(native: JsonObject, wish: Wish) -> Body:
    bits = int(given.number(native, "bits") or 0)
    if wish.kelvin is not None:
        if not bits & HAS_WARMTH:
            raise NotPossible("this strip has no colour temperature.")
        white: Body = {"col": [[0, 0, 0, FULL]]} if bits & HAS_COLOUR else {}
        return {"cct": relative_of(wish.kelvin), **white}
    if not wish.has_colour:
        return {}
    if not bits & HAS_COLOUR:
        raise NotPossible("this strip has no colours.")
    channels: list[JsonValue] = [min(max(round(value), 0), FULL) for value in wish.as_rgb()]
    if bits & HAS_WHITE:
        channels.append(min(max(round(wish.white[0]), 0), FULL) if wish.white else 0)
    return {"col": [channels]}


def _number_of_segment(native: JsonObject) -> int:
    return int(given.number(native, "segment") or 0)


def _numbered(name: str, numbers: JsonObject, what: str) -> JsonValue:
    if name not in numbers:
        raise NotPossible(f"it has no {what} {name!r:.60}.")
    return numbers[name]


def _at_place(native: JsonObject, value: JsonValue) -> Body:
    """`value` where the entity's field is: in the state, one level below, or in a segment."""
    field = given.texts(native, "field")
    body: Body = {field[-1]: value}
    if "segment" in native:
        return {"seg": [{"id": _number_of_segment(native), **body}]}
    return {field[0]: body} if len(field) == 2 else body


def _set_switch(word: str) -> _Write:
    return lambda native, _data, _state: _at_place(native, word == "on")


def _toggle_switch(native: JsonObject, _data: JsonObject, state: JsonObject) -> Body:
    if "segment" in native:
        return _at_place(native, "t")  # segments know a word for it
    return _at_place(native, not given.flag(state, *given.texts(native, "field")))


def _number(native: JsonObject, data: JsonObject, _state: JsonObject) -> Body:
    value = needed_number(data, "value")
    low, high = given.number(native, "min") or 0, given.number(native, "max") or FULL
    if not low <= value <= high:
        raise NotPossible(f"`value` has to be from {low:g} to {high:g}, not {value:g}")
    return _at_place(native, round(value))


def _option(native: JsonObject, data: JsonObject, _state: JsonObject) -> Body:
    values = given.mapping(native, "values")
    number = values[needed_text(data, "option", tuple(values))]
    # Playlists are started as the presets they are.
    return {"ps": number} if given.texts(native, "field") == ("pl",) else _at_place(native, number)


_VERBS: Final[Mapping[str, Mapping[str, _Write]]] = MappingProxyType(
    {
        "main": {"turn_on": _main_on, "turn_off": _main_off, "toggle": _main_toggle},
        "light": {"turn_on": _light_on, "turn_off": _light_off, "toggle": _light_toggle},
        "switch": {"turn_on": _set_switch("on"), "turn_off": _set_switch("off"), "toggle": _toggle_switch},
        "number": {"set_value": _number},
        "choice": {"select_option": _option},
        "reboot": {"press": lambda _native, _data, _state: {"rb": True}},
    }
)
