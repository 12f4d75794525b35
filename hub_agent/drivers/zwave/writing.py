"""Actions -> values to set, as (role's value id, value, options). What would do nothing is NotPossible."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.wishes import Wish, needed_number, needed_text, number_of
from hub_agent.drivers.zwave import values as cc
from hub_agent.drivers.zwave.entities import COMPONENTS
from hub_agent.drivers.zwave.reading import FULL, LEVEL_MAX, setpoints_of, whites_of
from hub_agent.drivers.zwave.values import ValueId, id_in_native, whole_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Setting:
    id: ValueId
    value: JsonValue
    options: JsonObject = field(default_factory=dict)


# A role of the entity -> what its value is now; None where it is not known.
Now = Callable[[str], JsonValue]
Write = Callable[[JsonObject, JsonObject, Now], list[Setting]]

# "Turn on as you were": the device knows its last level.
_RESTORE: Final = 255
_TRANSITION_S_MAX: Final = 7_620  # 127 minutes, the longest that the command class can say


def write(native: JsonObject, action: str, data: JsonObject, now: Now) -> Sequence[Setting]:
    """Raises NotPossible. `action` is `domain.verb`."""
    kind = given.text(native, "kind") or ""
    verb = action.partition(".")[2]
    verbs = _VERBS.get(kind, {})
    if verb not in verbs:
        known = ", ".join(verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {known}.")
    return verbs[verb](native, data, now)


def _target(native: JsonObject, role: str = "target") -> ValueId:
    identity = id_in_native(given.mapping(native, "values").get(role))
    if identity is None:
        raise NotPossible(f"it has no {role.replace('_', ' ')} that could be set.")
    return identity


def _fixed(value: JsonValue, role: str = "target") -> Write:
    return lambda native, _data, _now: [Setting(_target(native, role), value)]


def _toggle(on: JsonValue, off: JsonValue) -> Write:
    def write_toggle(native: JsonObject, _data: JsonObject, now: Now) -> list[Setting]:
        return [Setting(_target(native), off if _is_on(now) else on)]

    return write_toggle


def _is_on(now: Now) -> bool:
    value = now("current")
    if isinstance(value, bool):
        return value
    level = given.number_of(value)
    if level is None:
        raise NotPossible("its state is not known, so it cannot be toggled; turn it on or off.")
    return level > 0


# Lights.


def level_of_brightness(brightness: float) -> int:
    """0..255 -> 0..99; what is on stays on."""
    return max(1, round(brightness * LEVEL_MAX / FULL)) if brightness > 0 else 0


def level_of_percent(percent: float) -> int:
    return min(LEVEL_MAX, max(1, round(percent * LEVEL_MAX / 100))) if percent > 0 else 0


def _light_on(native: JsonObject, data: JsonObject, now: Now) -> list[Setting]:
    level = given.number_of(now("current")) or 0
    wish = Wish(data, round(min(level, LEVEL_MAX) * FULL / LEVEL_MAX))
    options = _transition(wish.transition)
    if wish.brightness == 0:
        return _light_off(native, data, now)
    settings = _colour_settings(native, _colour(native, wish), options)
    target = _target(native)
    if target.command_class == cc.SWITCH_BINARY:
        return [*settings, Setting(target, value=True)]
    if wish.brightness is not None:
        return [*settings, Setting(target, level_of_brightness(wish.brightness), options)]
    # A colour of a light that is on needs no second message.
    return settings if settings and level > 0 else [*settings, Setting(target, _RESTORE, options)]


def _light_off(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    target = _target(native)
    if target.command_class == cc.SWITCH_BINARY:
        return [Setting(target, value=False)]
    return [Setting(target, 0, _transition(number_of(data, "transition")))]


def _light_toggle(native: JsonObject, data: JsonObject, now: Now) -> list[Setting]:
    return _light_off(native, data, now) if _is_on(now) else _light_on(native, data, now)


def _colour_settings(native: JsonObject, colour: JsonObject, options: JsonObject) -> list[Setting]:
    """All components at once; one by one with servers that know no whole colour."""
    if not colour:
        return []
    if "colour" in given.mapping(native, "values"):
        return [Setting(_target(native, "colour"), colour, options)]
    keys = {name: key for key, name in COMPONENTS.items()}
    return [Setting(_target(native, f"colour_target_{keys[name]}"), value, options) for name, value in colour.items()]


def _transition(seconds: float | None) -> dict[str, JsonValue]:
    if seconds is None:
        return {}
    bounded = round(min(max(seconds, 0), _TRANSITION_S_MAX))
    # Whole minutes from two of them on: the command class counts seconds to 127 only.
    return {"transitionDuration": f"{bounded}s" if bounded <= 127 else f"{round(bounded / 60)}m"}


def _colour(native: JsonObject, wish: Wish) -> dict[str, JsonValue]:
    components = {whole_of(each) for each in given.listed(native, "components")}
    has_whites, has_colours = {0, 1} <= components, {2, 3, 4} <= components
    if wish.kelvin is not None and has_whites:
        warm, cold = whites_of(wish.kelvin)
        black: dict[str, JsonValue] = {"red": 0, "green": 0, "blue": 0} if has_colours else {}
        return {"warmWhite": warm, "coldWhite": cold, **black}
    if wish.has_colour and has_colours:
        red, green, blue = (round(min(max(each, 0), FULL)) for each in wish.as_rgb())
        whites: dict[str, JsonValue] = {
            name: 0 for key, name in ((0, "warmWhite"), (1, "coldWhite")) if key in components
        }
        return {"red": red, "green": green, "blue": blue, **whites}
    return {}


# Covers, fans, valves.


def _cover_position(role: str, name: str) -> Write:
    def write_position(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
        percent = needed_number(data, name)
        if not 0 <= percent <= 100:
            raise NotPossible(f"{name} must be between 0 and 100, not {percent:g}.")
        return [Setting(_target(native, role), level_of_percent(percent))]

    return write_position


def _stop(native: JsonObject, _data: JsonObject, _now: Now) -> list[Setting]:
    return [Setting(_target(native, "stop"), value=False)]


def _fan_on(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    percent = number_of(data, "percentage")
    level = _RESTORE if percent is None else level_of_percent(min(max(percent, 0), 100))
    return [Setting(_target(native), level)]


def _fan_speed(native: JsonObject, data: JsonObject, now: Now) -> list[Setting]:
    needed_number(data, "percentage")
    return _fan_on(native, data, now)


# Thermostats.


def _hvac_mode(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    modes = given.mapping(native, "modes")
    word = needed_text(data, "hvac_mode", tuple(modes))
    return [Setting(_target(native, "mode"), modes[word])]


def _climate_off(native: JsonObject, _data: JsonObject, now: Now) -> list[Setting]:
    return _hvac_mode(native, {"hvac_mode": "off"}, now)


def _climate_on(native: JsonObject, _data: JsonObject, now: Now) -> list[Setting]:
    modes = given.mapping(native, "modes")
    for word in ("heat_cool", "heat", "cool"):
        if word in modes:
            return _hvac_mode(native, {"hvac_mode": word}, now)
    raise NotPossible("this thermostat has no mode to turn it on with.")


def _preset(native: JsonObject, data: JsonObject, now: Now) -> list[Setting]:
    presets = given.mapping(native, "presets")
    word = needed_text(data, "preset_mode", ("none", *presets))
    return _climate_on(native, {}, now) if word == "none" else [Setting(_target(native, "mode"), presets[word])]


def _fan_mode(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    fans = given.mapping(native, "fans")
    return [Setting(_target(native, "fan"), fans[needed_text(data, "fan_mode", tuple(fans))])]


def _temperature(native: JsonObject, data: JsonObject, now: Now) -> list[Setting]:
    settings: list[Setting] = []
    mode = whole_of(now("mode"))
    if "hvac_mode" in data:
        settings = _hvac_mode(native, data, now)
        mode = whole_of(settings[0].value)
    numbers = setpoints_of(native, mode)
    single, low, high = (number_of(data, name) for name in ("temperature", "target_temp_low", "target_temp_high"))
    if len(numbers) == 2:
        wanted = zip(numbers, (low, high), strict=True)
        if low is None and high is None:
            raise NotPossible("in this mode it needs target_temp_low and target_temp_high.")
        settings += [_setpoint(native, number, value) for number, value in wanted if value is not None]
    elif single is not None and (numbers or given.listed(native, "setpoints")):
        # Off: the setpoint of heating is what it will have when it is turned on.
        first = numbers[0] if numbers else whole_of(given.listed(native, "setpoints")[0])
        settings.append(_setpoint(native, first or 1, single))
    else:
        raise NotPossible("climate.set_temperature needs a temperature.")
    return settings


def _setpoint(native: JsonObject, number: int, celsius: float) -> Setting:
    role = f"setpoint_{number}"
    limits = [given.number_of(each) for each in given.listed(native, "limits", role)]
    low, high = limits if len(limits) == 2 else (None, None)
    if (low is not None and celsius < low) or (high is not None and celsius > high):
        raise NotPossible(f"the temperature must be between {low:g} and {high:g} °C, not {celsius:g}.")
    is_fahrenheit = role in given.listed(native, "fahrenheit")
    value = round(celsius * 1.8 + 32, 1) if is_fahrenheit else celsius
    return Setting(_target(native, role), given.tidy(value))


# Sirens and single values.


def _sound_on(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    tones = given.mapping(native, "tones")
    tone: JsonValue = _RESTORE
    if data.get("tone") is not None:
        tone = tones[needed_text(data, "tone", tuple(tones))]
    volume = number_of(data, "volume_level")
    options: JsonObject = {"volume": round(min(max(volume, 0), 1) * 100)} if volume is not None else {}
    return [Setting(_target(native), tone, options)]


def _humidity(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    return [Setting(_target(native, "setpoint"), round(needed_number(data, "humidity")))]


def _humidifier_on(native: JsonObject, _data: JsonObject, _now: Now) -> list[Setting]:
    return [Setting(_target(native, "mode"), whole_of(native.get("on")) or 1)]


def _select(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    words = given.mapping(native, "words")
    option = needed_text(data, "option", tuple(str(word) for word in words.values()))
    number = next(number for number, word in words.items() if word == option)
    return [Setting(_target(native), int(number))]


def _number(native: JsonObject, data: JsonObject, _now: Now) -> list[Setting]:
    value = needed_number(data, "value")
    low, high = given.number(native, "limits", "min"), given.number(native, "limits", "max")
    if (low is not None and value < low) or (high is not None and value > high):
        raise NotPossible(f"the value must be between {low} and {high}, not {value:g}.")
    return [Setting(_target(native), given.tidy(value))]


def _press(native: JsonObject, _data: JsonObject, _now: Now) -> list[Setting]:
    return [Setting(_target(native), native.get("press", True))]


def _switching(on: JsonValue, off: JsonValue) -> dict[str, Write]:
    return {"turn_on": _fixed(on), "turn_off": _fixed(off), "toggle": _toggle(on, off)}


_COVER: Final[Mapping[str, Write]] = {
    "open_cover": _fixed(LEVEL_MAX),
    "close_cover": _fixed(0),
    "stop_cover": _stop,
    "set_cover_position": _cover_position("target", "position"),
    "set_cover_tilt_position": _cover_position("tilt_target", "tilt_position"),
    "open_cover_tilt": _fixed(LEVEL_MAX, "tilt_target"),
    "close_cover_tilt": _fixed(0, "tilt_target"),
}
_VERBS: Final[Mapping[str, Mapping[str, Write]]] = {
    "light": {"turn_on": _light_on, "turn_off": _light_off, "toggle": _light_toggle},
    "switch": _switching(on=True, off=False),
    "basic": _switching(on=FULL, off=0),
    "signaling": _switching(on=FULL, off=0),
    "level_siren": _switching(on=LEVEL_MAX, off=0),
    "sound": {"turn_on": _sound_on, "turn_off": _fixed(0)},
    "valve": {"open_valve": _fixed(value=True), "close_valve": _fixed(value=False)},
    "cover": _COVER,
    "barrier": {"open_cover": _fixed(FULL), "close_cover": _fixed(0)},
    "fan": {"turn_on": _fan_on, "turn_off": _fixed(0), "toggle": _toggle(_RESTORE, 0), "set_percentage": _fan_speed},
    "door_lock": {"lock": _fixed(FULL), "unlock": _fixed(0)},
    "plain_lock": {"lock": _fixed(value=True), "unlock": _fixed(value=False)},
    "climate": {
        "set_hvac_mode": _hvac_mode,
        "set_temperature": _temperature,
        "set_preset_mode": _preset,
        "set_fan_mode": _fan_mode,
        "turn_off": _climate_off,
        "turn_on": _climate_on,
    },
    "humidifier": {"turn_on": _humidifier_on, "turn_off": _fixed(0, "mode"), "set_humidity": _humidity},
    "select": {"select_option": _select},
    "setting": {"set_value": _number},
    "press": {"press": _press},
}
