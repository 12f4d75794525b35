"""Actions -> commands of clusters and attributes to write. What would do nothing is NotPossible."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.matter import clusters as c
from hub_agent.drivers.matter.clusters import whole_of
from hub_agent.drivers.matter.reading import FULL, HUE_MAX, LEVEL_MAX, XY_ONE, brightness_of
from hub_agent.drivers.vocabulary import mireds_of
from hub_agent.drivers.wishes import Wish, needed_number, needed_text, number_of
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Command:
    cluster: int
    name: str
    payload: JsonObject = field(default_factory=dict)
    # Locks take commands only within a time that is announced beforehand.
    is_timed: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    cluster: int
    attribute: int
    value: JsonValue


Deed = Command | Write
Now = Callable[[str], JsonValue]
Do = Callable[[JsonObject, JsonObject, Now], list[Deed]]


def write(native: JsonObject, action: str, data: JsonObject, now: Now) -> list[Deed]:
    """Raises NotPossible. `action` is `domain.verb`."""
    verbs = _VERBS.get(given.text(native, "kind") or "", {})
    verb = action.partition(".")[2]
    if verb not in verbs:
        known = ", ".join(verbs) or "no commands"
        raise NotPossible(f"{action} is nothing that this can do; it understands {known}.")
    return verbs[verb](native, data, now)


def _command(cluster: int, name: str, *, is_timed: bool = False, **payload: JsonValue) -> Do:
    return lambda _native, _data, _now: [Command(cluster, name, payload, is_timed=is_timed)]


# Lights.


def level_of(brightness: float) -> int:
    """0..255 -> 0..254; what is on stays on."""
    return max(1, round(brightness * LEVEL_MAX / FULL)) if brightness > 0 else 0


def tenths_of(seconds: float | None) -> int:
    return round(min(max(seconds or 0, 0), 6_553) * 10)


# "Do it even if the light is off", so that it comes on in its new colour.
_WHILE_OFF: Final[dict[str, JsonValue]] = {"optionsMask": 1, "optionsOverride": 1}


def _light_on(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    level = given.number_of(now("level"))
    wish = Wish(data, brightness_of(level) if level else 0)
    if wish.brightness == 0:
        return _light_off(native, data, now)
    tenths = tenths_of(wish.transition)
    deeds = _colour(native, wish, tenths)
    if wish.brightness is None or "level" not in given.mapping(native, "paths"):
        # A colour of a light that is on needs no second message.
        return deeds if deeds and now("on") is True else [*deeds, Command(c.ON_OFF, "On")]
    payload: dict[str, JsonValue] = {"level": level_of(wish.brightness), "transitionTime": tenths}
    return [*deeds, Command(c.LEVEL, "MoveToLevelWithOnOff", {**payload, "optionsMask": 0, "optionsOverride": 0})]


def _colour(native: JsonObject, wish: Wish, tenths: int) -> list[Deed]:
    roles = given.mapping(native, "paths")
    more: dict[str, JsonValue] = {"transitionTime": tenths, **_WHILE_OFF}
    if wish.kelvin is not None and wish.kelvin > 0 and "mireds" in roles:
        low, high = (given.number_of(each) for each in given.listed(native, "mireds") or (153, 500))
        mireds = round(min(max(mireds_of(wish.kelvin), low or 1), high or 500))
        return [Command(c.COLOUR, "MoveToColorTemperature", {"colorTemperatureMireds": mireds, **more})]
    if not wish.has_colour:
        return []
    if "x" in roles:
        x, y = wish.as_xy()
        place: dict[str, JsonValue] = {"colorX": _share(x, XY_ONE, 65_279), "colorY": _share(y, XY_ONE, 65_279)}
        return [Command(c.COLOUR, "MoveToColor", {**place, **more})]
    if "hue" in roles:
        hue, saturation = wish.as_hs()
        pair: dict[str, JsonValue] = {
            "hue": _share(hue / 360, HUE_MAX, HUE_MAX),
            "saturation": _share(saturation / 100, HUE_MAX, HUE_MAX),
        }
        return [Command(c.COLOUR, "MoveToHueAndSaturation", {**pair, **more})]
    return []


def _share(share: float, one: int, highest: int) -> int:
    return min(max(round(share * one), 0), highest)


def _light_off(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    transition = number_of(data, "transition")
    if transition and "level" in given.mapping(native, "paths"):
        payload: dict[str, JsonValue] = {"level": 0, "transitionTime": tenths_of(transition)}
        return [Command(c.LEVEL, "MoveToLevelWithOnOff", {**payload, "optionsMask": 0, "optionsOverride": 0})]
    return [Command(c.ON_OFF, "Off")]


def _light_toggle(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    if now("on") is None or not data:
        return [Command(c.ON_OFF, "Toggle")]
    return _light_off(native, data, now) if now("on") is True else _light_on(native, data, now)


# Locks.


def _unlock(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    """A lock with a bolt and a latch: unlocking draws the bolt, opening pulls the latch too."""
    name = "UnboltDoor" if native.get("unbolts") is True else "UnlockDoor"
    return _command(c.DOOR_LOCK, name, is_timed=True)(native, data, now)


def _open_lock(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    if native.get("unbolts") is not True:
        raise NotPossible("this lock has no latch that could be opened; unlock it.")
    return _command(c.DOOR_LOCK, "UnlockDoor", is_timed=True)(native, data, now)


# Covers, valves.


def hundredths_of(position: float) -> int:
    return round((100 - position) * 100)


def _cover_position(name: str, feature: int, command: str, value: str) -> Do:
    def write_position(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
        position = _percent(data, name)
        if not (whole_of(native.get("features")) or 0) & feature:
            raise NotPossible(f"this cover has no {name.replace('_', ' ')} that could be set.")
        return [Command(c.WINDOW_COVERING, command, {value: hundredths_of(position)})]

    return write_position


_TILT: Final = _cover_position("tilt_position", 2, "GoToTiltPercentage", "tiltPercent100thsValue")


def _tilt_to(position: int) -> Do:
    return lambda native, _data, now: _TILT(native, {"tilt_position": position}, now)


def _percent(data: JsonObject, name: str) -> float:
    value = needed_number(data, name)
    if not 0 <= value <= 100:
        raise NotPossible(f"{name} must be between 0 and 100, not {value:g}.")
    return value


def _valve_position(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    level = round(_percent(data, "position"))
    if level == 0:
        return _command(c.VALVE, "Close")(native, data, now)
    if "level" not in given.mapping(native, "paths"):
        raise NotPossible("this valve is open or closed; it has no positions.")
    return [Command(c.VALVE, "Open", {"targetLevel": level})]


# Thermostats.


_SYSTEM_MODES: Final = {"off": 0, "heat_cool": 1, "auto": 1, "cool": 3, "heat": 4, "fan_only": 7, "dry": 8}


def _hvac_mode(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    modes = tuple(str(each) for each in given.listed(native, "modes"))
    return [Write(c.THERMOSTAT, 28, _SYSTEM_MODES[needed_text(data, "hvac_mode", modes)])]


def _climate_on(native: JsonObject, _data: JsonObject, now: Now) -> list[Deed]:
    modes = given.listed(native, "modes")
    for word in ("heat_cool", "heat", "cool"):
        if word in modes:
            return _hvac_mode(native, {"hvac_mode": word}, now)
    raise NotPossible("this thermostat has no mode to turn it on with.")


def _climate_off(native: JsonObject, _data: JsonObject, now: Now) -> list[Deed]:
    return _hvac_mode(native, {"hvac_mode": "off"}, now)


_SETPOINTS: Final = {"heat": 18, "cool": 17}


def _temperature(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    deeds = _hvac_mode(native, data, now) if "hvac_mode" in data else []
    mode = deeds[0].value if deeds and isinstance(deeds[0], Write) else now("mode")
    roles = given.mapping(native, "limits")
    single = "cool" if (mode in {3, 6} or "heat" not in roles) and "cool" in roles else "heat"
    for name, role in (("temperature", single), ("target_temp_low", "heat"), ("target_temp_high", "cool")):
        celsius = number_of(data, name)
        if celsius is not None:
            deeds.append(_setpoint(native, role, celsius))
    if not any(isinstance(deed, Write) and deed.attribute != 28 for deed in deeds):
        raise NotPossible("climate.set_temperature needs a temperature.")
    return deeds


def _setpoint(native: JsonObject, role: str, celsius: float) -> Deed:
    limits = [given.number_of(each) for each in given.listed(native, "limits", role)]
    if len(limits) != 2:
        raise NotPossible(f"this thermostat cannot {role}.")
    low, high = limits
    if low is not None and high is not None and not low <= celsius <= high:
        raise NotPossible(f"the temperature must be between {low:g} and {high:g} °C, not {celsius:g}.")
    return Write(c.THERMOSTAT, _SETPOINTS[role], round(celsius * 100))


# Fans.


_FAN_MODES: Final = {"low": 1, "medium": 2, "high": 3, "auto": 5}


def _fan_on(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    if data.get("percentage") is not None:
        return _fan_speed(native, data, now)
    if data.get("preset_mode") is not None:
        return _fan_preset(native, data, now)
    presets = given.listed(native, "presets")
    word = next((word for word in ("auto", "medium", "high", "low") if word in presets), "high")
    return [Write(c.FAN, 0, _FAN_MODES[word])]


def _fan_off(_native: JsonObject, _data: JsonObject, _now: Now) -> list[Deed]:
    return [Write(c.FAN, 0, 0)]


def _fan_toggle(native: JsonObject, data: JsonObject, now: Now) -> list[Deed]:
    return _fan_off(native, data, now) if whole_of(now("mode")) else _fan_on(native, data, now)


def _fan_speed(_native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    return [Write(c.FAN, 2, round(_percent(data, "percentage")))]


def _fan_preset(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    presets = tuple(str(each) for each in given.listed(native, "presets"))
    return [Write(c.FAN, 0, _FAN_MODES[needed_text(data, "preset_mode", presets)])]


def _fan_rock(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    if "rock" not in given.mapping(native, "paths"):
        raise NotPossible("this fan does not oscillate.")
    return [Write(c.FAN, 8, (whole_of(native.get("rock")) or 1) if data.get("oscillating") else 0)]


def _fan_direction(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    if "direction" not in given.mapping(native, "paths"):
        raise NotPossible("this fan has one direction.")
    return [Write(c.FAN, 11, int(needed_text(data, "direction", ("forward", "reverse")) == "reverse"))]


# Vacuums.


def _vacuum_start(native: JsonObject, _data: JsonObject, now: Now) -> list[Deed]:
    if whole_of(now("state")) == 2:
        return [Command(c.RVC_OPERATIONAL_STATE, "Resume")]
    return _run_mode(native, "cleans", "cleaning")


def _vacuum_stop(native: JsonObject, _data: JsonObject, _now: Now) -> list[Deed]:
    return _run_mode(native, "idles", "idleness")


def _run_mode(native: JsonObject, name: str, words: str) -> list[Deed]:
    modes = given.listed(native, name)
    if not modes:
        raise NotPossible(f"this vacuum has no mode for {words}.")
    return [Command(c.RVC_RUN_MODE, "ChangeToMode", {"newMode": modes[0]})]


# Single values.


def _place(native: JsonObject) -> tuple[int, int]:
    parts = (given.text(native, "paths", "now") or "").split("/")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise NotPossible("it has nothing that could be set.")
    return int(parts[1]), int(parts[2])


def _number(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    return [Write(*_place(native), _raw(native, data))]


def _raw(native: JsonObject, data: JsonObject) -> int:
    value = needed_number(data, "value")
    limits = [given.number_of(each) for each in given.listed(native, "limits")]
    low, high = limits if len(limits) == 2 else (None, None)
    if (low is not None and value < low) or (high is not None and value > high):
        raise NotPossible(f"the value must be between {low:g} and {high:g}, not {value:g}.")
    return round(value / (given.number(native, "factor") or 1))


def _target(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    return [Command(c.TEMPERATURE_CONTROL, "SetTemperature", {"targetTemperature": _raw(native, data)})]


def _named(native: JsonObject, data: JsonObject) -> str:
    names = given.mapping(native, "words")
    option = needed_text(data, "option", tuple(str(word) for word in names.values()))
    return next(raw for raw, word in names.items() if word == option)


def _choice(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    raw = _named(native, data)
    return [Write(*_place(native), None if raw == "null" else int(raw))]


def _mode(native: JsonObject, data: JsonObject, _now: Now) -> list[Deed]:
    cluster = whole_of(native.get("cluster"))
    assert cluster is not None  # ours
    return [Command(cluster, "ChangeToMode", {"newMode": int(_named(native, data))})]


def _press(native: JsonObject, _data: JsonObject, _now: Now) -> list[Deed]:
    cluster, name = whole_of(native.get("cluster")), given.text(native, "command")
    assert cluster is not None
    assert name is not None
    return [Command(cluster, name)]


IDENTIFY_S: Final = 10

_SWITCH: Final[Mapping[str, Do]] = {
    "turn_on": _command(c.ON_OFF, "On"),
    "turn_off": _command(c.ON_OFF, "Off"),
    "toggle": _command(c.ON_OFF, "Toggle"),
}
_VERBS: Final[Mapping[str, Mapping[str, Do]]] = {
    "switch": _SWITCH,
    "light": {"turn_on": _light_on, "turn_off": _light_off, "toggle": _light_toggle},
    "lock": {"lock": _command(c.DOOR_LOCK, "LockDoor", is_timed=True), "unlock": _unlock, "open": _open_lock},
    "cover": {
        "open_cover": _command(c.WINDOW_COVERING, "UpOrOpen"),
        "close_cover": _command(c.WINDOW_COVERING, "DownOrClose"),
        "stop_cover": _command(c.WINDOW_COVERING, "StopMotion"),
        "set_cover_position": _cover_position("position", 1, "GoToLiftPercentage", "liftPercent100thsValue"),
        "set_cover_tilt_position": _TILT,
        "open_cover_tilt": _tilt_to(100),
        "close_cover_tilt": _tilt_to(0),
    },
    "climate": {
        "set_hvac_mode": _hvac_mode,
        "set_temperature": _temperature,
        "turn_on": _climate_on,
        "turn_off": _climate_off,
    },
    "fan": {
        "turn_on": _fan_on,
        "turn_off": _fan_off,
        "toggle": _fan_toggle,
        "set_percentage": _fan_speed,
        "set_preset_mode": _fan_preset,
        "oscillate": _fan_rock,
        "set_direction": _fan_direction,
    },
    "valve": {
        "open_valve": _command(c.VALVE, "Open"),
        "close_valve": _command(c.VALVE, "Close"),
        "set_valve_position": _valve_position,
    },
    "vacuum": {
        "start": _vacuum_start,
        "turn_on": _vacuum_start,
        "stop": _vacuum_stop,
        "turn_off": _command(c.RVC_OPERATIONAL_STATE, "GoHome"),
        "pause": _command(c.RVC_OPERATIONAL_STATE, "Pause"),
        "return_to_base": _command(c.RVC_OPERATIONAL_STATE, "GoHome"),
    },
    "setting": {"set_value": _number},
    "target_temperature": {"set_value": _target},
    "choice": {"select_option": _choice},
    "mode": {"select_option": _mode},
    "press": {"press": _press},
    "identify": {"press": _command(c.IDENTIFY, "Identify", identifyTime=IDENTIFY_S)},
}
