"""Values of characteristics -> states of entities. homebridge says 1 and 0 where others say true and false."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.drivers.colours import rgb_of_hs
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNKNOWN

FULL: Final = 255
# State, or None where nothing says it, and attributes.
Said: TypeAlias = tuple[str | None, dict[str, JsonValue]]


class Values:
    """What is known of an entity's characteristics, by role. `changed`: the roles of which something new was just said."""

    def __init__(
        self, native: JsonObject, known: Mapping[int, JsonValue], changed: frozenset[int] = frozenset()
    ) -> None:
        self._at = given.mapping(native, "at")
        self._known = known
        self.changed = frozenset(role for role in self._at if iid_of(native, role) in changed)
        self.native = native

    def has(self, role: str) -> bool:
        return role in self._at

    def number(self, role: str) -> float | None:
        value = self._value(role)
        return float(value) if isinstance(value, bool) else given.number_of(value)

    def whole(self, role: str) -> int | None:
        number = self.number(role)
        return None if number is None else int(number)

    def truth(self, role: str) -> bool | None:
        number = self.number(role)
        return None if number is None else number != 0

    def limit(self, role: str, name: str, default: float) -> float:
        found = given.number(self._at, role, name)
        return default if found is None else found

    def _value(self, role: str) -> JsonValue:
        iid = iid_of(self.native, role)
        return None if iid is None else self._known.get(iid)


def iid_of(native: JsonObject, role: str) -> int | None:
    iid = given.at(native, "at", role, "iid")
    return iid if isinstance(iid, int) else None


def iids_of(native: JsonObject) -> tuple[int, ...]:
    return tuple(iid for role in given.mapping(native, "at") if (iid := iid_of(native, role)) is not None)


def read(values: Values, memory: dict[str, JsonValue]) -> Said | None:
    """None: nothing is known of it. `memory`: what the entity has to remember from report to report."""
    kind = given.text(values.native, "kind") or ""
    reader = _READERS.get(kind)
    if reader is None:
        return None
    state, attributes = reader(values, memory)
    known = {name: value for name, value in attributes.items() if value is not None or name in _CLEARED}
    return (state, known) if state is not None or known else None


# Said as None when they are gone, so that nobody reads what was true an hour ago.
_CLEARED: Final = frozenset({
    "brightness", "color_temp_kelvin", "hs_color", "rgb_color", "temperature", "target_temp_low", "target_temp_high",
})  # fmt: skip


def percent_of_brightness(brightness: float) -> int:
    """0..255 -> %, never zero for what is on."""
    return max(1, min(100, round(brightness / FULL * 100)))


def brightness_of_percent(percent: float) -> int:
    return max(0, min(FULL, round(percent / 100 * FULL)))


def _on_off(is_on: object) -> str | None:
    return None if is_on is None else "on" if is_on else "off"


def _light(values: Values, memory: dict[str, JsonValue]) -> Said:
    is_on = values.truth("on")
    has_colour, has_warmth = values.has("hue") and values.has("saturation"), values.has("warmth")
    mode = _colour_mode(values, memory, has_colour=has_colour, has_warmth=has_warmth)
    attributes: dict[str, JsonValue] = {}
    if values.has("brightness"):
        percent = values.number("brightness")
        attributes["brightness"] = brightness_of_percent(percent) if is_on and percent is not None else None
    if has_warmth:
        mireds = values.number("warmth")
        shown = is_on and mode == "color_temp" and mireds is not None and mireds > 0
        attributes["color_temp_kelvin"] = kelvin_of(mireds) if shown and mireds is not None else None
    if has_colour:
        hue, saturation = values.number("hue"), values.number("saturation")
        is_shown = is_on and mode == "hs" and hue is not None and saturation is not None
        attributes["hs_color"] = [hue, saturation] if is_shown else None
        attributes["rgb_color"] = (
            list(rgb_of_hs(hue, saturation)) if is_shown and hue is not None and saturation is not None else None
        )
    if is_on and mode is not None:
        attributes["color_mode"] = mode
    return _on_off(is_on), attributes


def _colour_mode(values: Values, memory: dict[str, JsonValue], *, has_colour: bool, has_warmth: bool) -> str | None:
    """HomeKit does not say which of the two a lamp shows: the one that was set last. Setting the warmth moves hue and saturation along."""
    if not (has_colour and has_warmth):
        return "hs" if has_colour else "color_temp" if has_warmth else None
    if "warmth" in values.changed and values.changed & {"hue", "saturation"}:
        # Everything at once: the first report. A warm white lamp has hardly any saturation left.
        memory.setdefault("mode", "hs" if (values.number("saturation") or 0) > 60 else "color_temp")
    elif "warmth" in values.changed:
        memory["mode"] = "color_temp"
    elif values.changed & {"hue", "saturation"}:
        memory["mode"] = "hs"
    mode = memory.get("mode", "color_temp")
    return mode if isinstance(mode, str) else None


def _switch(values: Values, _memory: dict[str, JsonValue]) -> Said:
    return _on_off(values.truth("on" if values.has("on") else "value")), {}


def percent_of_speed(speed: float, low: float, high: float) -> int:
    span = high - max(low, 0)
    return max(0, min(100, round((speed - max(low, 0)) / span * 100))) if span > 0 else 0


def _fan(values: Values, _memory: dict[str, JsonValue]) -> Said:
    attributes: dict[str, JsonValue] = {}
    speed = values.number("speed")
    if speed is not None:
        attributes["percentage"] = percent_of_speed(speed, 0, values.limit("speed", "max", 100))
    direction = values.whole("direction")
    if direction is not None:
        attributes["direction"] = "reverse" if direction == 1 else "forward"
    attributes["oscillating"] = values.truth("swing")
    attributes["preset_mode"] = _choice(values, "target")
    return _on_off(values.truth("on")), attributes


def _choice(values: Values, role: str) -> str | None:
    raw = values.whole(role)
    choices = given.mapping(values.native, "choices")
    return None if raw is None else next((word for word, value in choices.items() if value == raw), None)


_THERMOSTAT_ACTIONS: Final = MappingProxyType({0: "idle", 1: "heating", 2: "cooling"})
_HEATER_ACTIONS: Final = MappingProxyType({0: "off", 1: "idle", 2: "heating", 3: "cooling"})


def _climate(values: Values, _memory: dict[str, JsonValue]) -> Said:
    is_heater = values.has("on")
    mode = "off" if is_heater and values.truth("on") is False else _choice(values, "mode")
    attributes: dict[str, JsonValue] = {
        "current_temperature": values.number("temperature"),
        "current_humidity": values.number("humidity"),
        "humidity": values.number("target_humidity"),
        **_targets(values, mode),
    }
    action = values.whole("action")
    if action is not None:
        attributes["hvac_action"] = (_HEATER_ACTIONS if is_heater else _THERMOSTAT_ACTIONS).get(action)
        if mode == "off" and not is_heater:
            attributes["hvac_action"] = "off"
    if values.has("swing"):
        swing = values.truth("swing")
        attributes["swing_mode"] = None if swing is None else "vertical" if swing else "off"
    return mode, attributes


def _targets(values: Values, mode: str | None) -> dict[str, JsonValue]:
    """One target, or in heat_cool the two between which it stays, if the device has two."""
    single, low, high = values.number("target"), values.number("heat"), values.number("cool")
    has_both = values.has("heat") and values.has("cool")
    if mode == "heat_cool" and has_both:
        return {"temperature": None, "target_temp_low": low, "target_temp_high": high}
    target = single
    if not values.has("target"):
        target = high if mode == "cool" and high is not None else low if low is not None else high
    targets: dict[str, JsonValue] = {"temperature": target}
    return targets | (dict.fromkeys(("target_temp_low", "target_temp_high")) if has_both else {})


_HUMIDIFIER_ACTIONS: Final = MappingProxyType({0: "off", 1: "idle", 2: "humidifying", 3: "drying"})


def _humidifier(values: Values, _memory: dict[str, JsonValue]) -> Said:
    mode = _choice(values, "mode")
    role = "dehumidify" if mode == "dehumidify" or not values.has("humidify") else "humidify"
    action = values.whole("action")
    return _on_off(values.truth("on")), {
        "mode": mode,
        "humidity": values.number(role),
        "current_humidity": values.number("humidity"),
        "action": None if action is None else _HUMIDIFIER_ACTIONS.get(action),
    }


_LOCK_STATES: Final = MappingProxyType({0: "unlocked", 1: "locked", 2: "jammed", 3: UNKNOWN})


def _lock(values: Values, _memory: dict[str, JsonValue]) -> Said:
    current, target = values.whole("current"), values.whole("target")
    if current in {0, 1} and target in {0, 1} and current != target:
        return "locking" if target == 1 else "unlocking", {}
    return (None if current is None else _LOCK_STATES.get(current, UNKNOWN)), {}


_GARAGE_STATES: Final = MappingProxyType({0: "open", 1: "closed", 2: "opening", 3: "closing", 4: "open"})


def _cover(values: Values, _memory: dict[str, JsonValue]) -> Said:
    attributes: dict[str, JsonValue] = {"obstruction_detected": values.truth("obstruction")}
    service = given.text(values.native, "service")
    if service == "41":
        current = values.whole("current")
        return (None if current is None else _GARAGE_STATES.get(current)), attributes
    attributes["current_tilt_position"] = _tilt(values)
    position, target, moving = values.whole("current"), values.whole("target"), values.whole("moving")
    if position is None:
        return None, attributes
    attributes["current_position"] = max(0, min(100, position))
    state = "closed" if position <= 0 else "open"
    if moving in {0, 1} and position != target:
        state = "opening" if moving == 1 else "closing"
    return state, attributes


def _tilt(values: Values) -> int | None:
    for role in ("horizontal", "vertical", "tilt"):
        angle = values.number(role)
        if angle is not None:
            return percent_of_angle(angle, values.limit(role, "min", -90), values.limit(role, "max", 90))
    return None


def percent_of_angle(angle: float, low: float, high: float) -> int:
    return max(0, min(100, round((angle - low) / (high - low) * 100))) if high > low else 0


_ALARM_STATES: Final = MappingProxyType(
    {0: "armed_home", 1: "armed_away", 2: "armed_night", 3: "disarmed", 4: "triggered"}
)


def _alarm(values: Values, _memory: dict[str, JsonValue]) -> Said:
    current, target = values.whole("current"), values.whole("target")
    if current is None:
        return None, {}
    if current == 3 and target in {0, 1, 2}:
        return "arming", {}
    return _ALARM_STATES.get(current, UNKNOWN), {}


def _valve(values: Values, _memory: dict[str, JsonValue]) -> Said:
    is_open = values.truth("on")
    return (None if is_open is None else "open" if is_open else "closed"), {}


def _event(values: Values, _memory: dict[str, JsonValue]) -> Said:
    pressed = _choice(values, "event") if "event" in values.changed else None
    return None, {"event_type": pressed}


_MEDIA_STATES: Final = MappingProxyType({0: "playing", 1: "paused", 2: "idle"})


def _player(values: Values, _memory: dict[str, JsonValue]) -> Said:
    volume = values.number("volume")
    attributes: dict[str, JsonValue] = {
        "volume_level": None if volume is None else round(max(0.0, min(100.0, volume)) / 100, 2),
        "is_volume_muted": values.truth("mute"),
        "source": _choice(values, "source"),
    }
    if values.truth("on") is False:
        return "off", attributes
    media = values.whole("media")
    if media is not None:
        return _MEDIA_STATES.get(media, "on" if values.has("on") else "idle"), attributes
    return ("on" if values.truth("on") or values.truth("mute") is not None else None), attributes


def _sensor(values: Values, _memory: dict[str, JsonValue]) -> Said:
    if given.mapping(values.native, "choices"):
        return _choice(values, "value"), {}
    number = values.number("value")
    return (None if number is None else str(given.tidy(round(number, 3)))), {}


def _binary_sensor(values: Values, _memory: dict[str, JsonValue]) -> Said:
    raw = values.whole("value")
    return (None if raw is None else _on_off(raw in given.listed(values.native, "on"))), {}


def _select(values: Values, _memory: dict[str, JsonValue]) -> Said:
    return _choice(values, "value"), {}


_READERS: Final[Mapping[str, Callable[[Values, dict[str, JsonValue]], Said]]] = MappingProxyType(
    {
        "light": _light,
        "switch": _switch,
        "fan": _fan,
        "climate": _climate,
        "humidifier": _humidifier,
        "lock": _lock,
        "cover": _cover,
        "alarm_control_panel": _alarm,
        "valve": _valve,
        "event": _event,
        "media_player": _player,
        "sensor": _sensor,
        "number": _sensor,
        "binary_sensor": _binary_sensor,
        "select": _select,
    }
)
