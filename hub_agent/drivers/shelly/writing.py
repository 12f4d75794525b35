"""Actions -> what is asked of a device: a call of a method (`{"method", "params"}`), or an address of the first generation (`{"get", "query"}`)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.wishes import Wish, needed_number, needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue

Body = dict[str, JsonValue]
_Write = Callable[[JsonObject, JsonObject, JsonObject], Body]

FULL: Final = 255
_READ_ONLY: Final = frozenset({"sensor", "binary_sensor", "event"})
# The least and the most that a device takes for a transition.
TRANSITION_S_MIN: Final = 0.5
TRANSITION_S_MAX: Final = 10_800.0
TRANSITION_MS_MAX_GEN1: Final = 5_000


def write(native: JsonObject, domain: str, action: str, data: JsonObject, status: JsonObject) -> Body:
    """Raises NotPossible. `status`: what the component said last, for steps."""
    kind = given.text(native, "kind") or ""
    verb = action.partition(".")[2]
    verbs = _VERBS.get(kind, {})
    if domain in _READ_ONLY:
        raise NotPossible(f"{action}: this can only be read.")
    if action.partition(".")[0] not in {domain, "homeassistant"} or verb not in verbs:
        known = ", ".join(f"{domain}.{known}" for known in verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {known}.")
    return verbs[verb](native, data, status)


def refresh(generation: int) -> Body:
    return {"get": "status", "query": {}} if generation == 1 else {"method": "Shelly.GetStatus", "params": {}}


def percent_of(brightness: float) -> int:
    """Never zero: that would be off."""
    return min(max(round(brightness * 100 / FULL), 1), 100)


def _number_of_component(native: JsonObject) -> int:
    number = (given.text(native, "component") or "").partition(":")[2]
    return int(number) if number.isdecimal() and len(number) < 6 else 0


def _call(native: JsonObject, method: str, **params: JsonValue) -> Body:
    return {"method": method, "params": {"id": _number_of_component(native), **params}}


def _get(native: JsonObject, **query: JsonValue) -> Body:
    return {"get": given.text(native, "get") or "", "query": query}


def _rpc(native: JsonObject, verb: str) -> str:
    return f"{given.text(native, 'rpc')}.{verb}"


def _is_gen1(native: JsonObject) -> bool:
    return "get" in native


# Switches.


def _turn(word: str) -> _Write:
    def write_turn(native: JsonObject, _data: JsonObject, status: JsonObject) -> Body:
        if _is_gen1(native):
            return _get(native, turn=word)
        if given.text(native, "rpc") == "CB":
            is_on = not given.flag(status, "output") if word == "toggle" else word == "on"
            return _call(native, "CB.Set", output=is_on)
        if word == "toggle":
            return _call(native, _rpc(native, "Toggle"))
        return _call(native, _rpc(native, "Set"), on=word == "on")

    return write_turn


def _set_boolean(word: str) -> _Write:
    def write_boolean(native: JsonObject, _data: JsonObject, status: JsonObject) -> Body:
        is_on = not given.flag(status, "value") if word == "toggle" else word == "on"
        return _call(native, "Boolean.Set", value=is_on)

    return write_boolean


# Lights.


def _known_brightness(status: JsonObject) -> int:
    return round((given.number(status, "brightness") or 0) * FULL / 100)


def _kelvin_of(native: JsonObject, kelvin: float) -> int:
    limits = [number for value in given.listed(native, "warmth") if (number := given.number_of(value)) is not None]
    if len(limits) != 2:
        raise NotPossible("this light has one white only.")
    return round(min(max(kelvin, limits[0]), limits[1]))


def _light_on(native: JsonObject, data: JsonObject, status: JsonObject) -> Body:
    wish = Wish(data, _known_brightness(status))
    if wish.brightness == 0:
        return _light_off(native, data, status)
    params: Body = {"on": True}
    if wish.brightness is not None:
        params["brightness"] = percent_of(wish.brightness)
    has_modes = given.text(native, "rpc") == "RGBCCT"
    if wish.kelvin is not None:
        params["ct"] = _kelvin_of(native, wish.kelvin)
        params |= {"mode": "cct"} if has_modes else {}
    elif wish.has_colour:
        if not given.flag(native, "colour"):
            raise NotPossible("this light has no colours.")
        params["rgb"] = _channels(wish)
        params |= {"mode": "rgb"} if has_modes else {}
        if given.flag(native, "white") and wish.white:
            params["white"] = _channel(wish.white[0])
    return _call(native, _rpc(native, "Set"), **params, **_transition(wish.transition))


def _light_off(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    return _call(native, _rpc(native, "Set"), on=False, **_transition(Wish(data, 0).transition))


def _transition(seconds: float | None) -> Body:
    if seconds is None:
        return {}
    return {"transition_duration": given.tidy(min(max(seconds, TRANSITION_S_MIN), TRANSITION_S_MAX))}


def _channels(wish: Wish) -> list[JsonValue]:
    return [_channel(value) for value in wish.as_rgb()]


def _channel(value: float) -> int:
    return min(max(round(value), 0), FULL)


def _light1_on(native: JsonObject, data: JsonObject, status: JsonObject) -> Body:
    is_colour = bool(given.flag(native, "colour")) and given.text(status, "mode") != "white"
    known = given.number(status, "gain" if is_colour else "brightness") or 0
    wish = Wish(data, round(known * FULL / 100))
    if wish.brightness == 0:
        return _light1_off(native, data, status)
    query: Body = {"turn": "on"}
    if wish.kelvin is not None:
        query["temp"] = _kelvin_of(native, wish.kelvin)
        is_colour = False
    elif wish.has_colour:
        if not given.flag(native, "colour"):
            raise NotPossible("this light has no colours.")
        query |= dict(zip(("red", "green", "blue"), _channels(wish), strict=True))
        is_colour = True
    if given.flag(native, "modes") and (wish.kelvin is not None or wish.has_colour):
        query["mode"] = "color" if is_colour else "white"
    if wish.brightness is not None:
        query["gain" if is_colour else "brightness"] = percent_of(wish.brightness)
    return _get(native, **query, **_transition1(wish.transition))


def _light1_off(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    return _get(native, turn="off", **_transition1(Wish(data, 0).transition))


def _transition1(seconds: float | None) -> Body:
    return {} if seconds is None else {"transition": round(min(max(seconds * 1000, 0), TRANSITION_MS_MAX_GEN1))}


# Covers.


def _move(word: str) -> _Write:
    def write_move(native: JsonObject, _data: JsonObject, _status: JsonObject) -> Body:
        if _is_gen1(native):
            return _get(native, go=word)
        return _call(native, f"Cover.{word.capitalize()}")

    return write_move


def _position(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    position = _within(data, "position", 0, 100)
    if _is_gen1(native):
        return _get(native, go="to_pos", roller_pos=round(position))
    return _call(native, "Cover.GoToPosition", pos=round(position))


def _tilt(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    return _call(native, "Cover.GoToPosition", slat_pos=round(_within(data, "tilt_position", 0, 100)))


# Thermostats.


def _temperature(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    target = given.tidy(_within(data, "temperature", 4, 35))
    if _is_gen1(native):
        return _get(native, target_t_enabled=1, target_t=target)
    if given.text(native, "rpc") == "BluTRV":
        inner: Body = {"method": "Trv.SetTarget", "params": {"id": 0, "target_C": target}}
        return {"method": "BluTRV.Call", "params": {"id": _number_of_component(native), **inner}}
    config: Body = {"target_C": target}
    if "hvac_mode" in data:
        config["enable"] = _is_mode_on(native, data)
    return _configure(native, config)


def _mode(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    is_on = _is_mode_on(native, data)
    if given.text(native, "rpc") != "Thermostat":
        raise NotPossible("this valve is always on: set its temperature.")
    return _configure(native, {"enable": is_on})


def _is_mode_on(native: JsonObject, data: JsonObject) -> bool:
    return needed_text(data, "hvac_mode", ("off", given.text(native, "mode") or "heat")) != "off"


def _configure(native: JsonObject, config: Body) -> Body:
    return _call(native, "Thermostat.SetConfig", config={"id": _number_of_component(native), **config})


# Values, buttons, firmware.


def _value(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    if given.text(native, "kind") == "word":
        return _call(native, "Text.Set", value=needed_text(data, "value"))
    limits = [given.number_of(value) for value in given.listed(native, "limits")]
    low, high = (*limits, None, None)[:2]
    return _call(native, "Number.Set", value=given.tidy(_within(data, "value", low, high)))


def _option(native: JsonObject, data: JsonObject, _status: JsonObject) -> Body:
    values = given.mapping(native, "values")
    return _call(native, "Enum.Set", value=values[needed_text(data, "option", tuple(values))])


def _press(native: JsonObject, _data: JsonObject, _status: JsonObject) -> Body:
    event = given.text(native, "event")
    return _call(native, given.text(native, "rpc") or "", **({"event": event} if event is not None else {}))


def _within(data: JsonObject, name: str, low: float | None, high: float | None) -> float:
    number = needed_number(data, name)
    if (low is not None and number < low) or (high is not None and number > high):
        raise NotPossible(f"`{name}` has to be from {low:g} to {high:g}, not {number:g}" if low is not None and high is not None else f"`{name}` is out of range: {number:g}")  # fmt: skip
    return number


def reboot(generation: int) -> Body:
    return {"get": "reboot", "query": {}} if generation == 1 else {"method": "Shelly.Reboot", "params": {}}


def install(generation: int) -> Body:
    if generation == 1:
        return {"get": "ota", "query": {"update": "true"}}
    return {"method": "Shelly.Update", "params": {"stage": "stable"}}


_SWITCH: Final = {"turn_on": _turn("on"), "turn_off": _turn("off"), "toggle": _turn("toggle")}
_COVER: Final = {
    "open_cover": _move("open"),
    "close_cover": _move("close"),
    "stop_cover": _move("stop"),
    "set_cover_position": _position,
}
_VERBS: Final[Mapping[str, Mapping[str, _Write]]] = MappingProxyType(
    {
        "switch": _SWITCH,
        "boolean": {"turn_on": _set_boolean("on"), "turn_off": _set_boolean("off"), "toggle": _set_boolean("toggle")},
        "light": {"turn_on": _light_on, "turn_off": _light_off, "toggle": _turn("toggle")},
        "light1": {"turn_on": _light1_on, "turn_off": _light1_off, "toggle": _turn("toggle")},
        "cover": _COVER | {"set_cover_tilt_position": _tilt},
        "cover1": _COVER,
        "climate": {"set_temperature": _temperature, "set_hvac_mode": _mode},
        "climate1": {"set_temperature": _temperature},
        "number": {"set_value": _value},
        "word": {"set_value": _value},
        "choice": {"select_option": _option},
        "press": {"press": _press},
    }
)
