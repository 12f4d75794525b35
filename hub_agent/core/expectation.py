"""What a device's next report must say once an action has been done: the table that confirms commands.

An expectation is a mapping of `state` and attribute names to values. `state` may be a list: any of them will do.
Devices round (254 steps of brightness, mireds, half degrees), so numbers are compared with a tolerance.
An attribute that a device never reports neither confirms nor contradicts; something expected has to be there, though.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from hub_agent.model.device import Capability, Device, Entity
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState

Expected: TypeAlias = dict[str, JsonValue]

CONFIRM_WITHIN = timedelta(seconds=5)
CONFIRM_MOVING_WITHIN = timedelta(seconds=60)
CONFIRM_WITHIN_MAX = timedelta(minutes=10)
MOVING_DOMAINS = frozenset({"cover", "lock", "valve"})
ON_WAY = frozenset({"opening", "closing"})


def expected_after(action: str, data: JsonObject, entity: Entity | None = None) -> Expected:
    """What a report must say for the action to be confirmed; empty if nothing can confirm it."""
    if entity is not None and is_mute(entity):
        return {}  # it takes commands and never says what became of them
    return _done(action, data, entity)


def is_mute(entity: Entity) -> bool:
    """It can be commanded, and nothing of it can be read."""
    return bool(entity.capabilities) and not any("r" in each.access for each in entity.capabilities.values())


def assumed_after(action: str, data: JsonObject, entity: Entity) -> Expected:
    """What an entity that never says its state is taken for once the action has been sent: `state` as text, and attributes."""
    assumed = _done(action, data, entity) if is_mute(entity) else {}
    state = assumed.get("state")
    if isinstance(state, Sequence) and not isinstance(state, str):
        assumed["state"] = next(iter(state), None)  # open, where opening would do, too
    elif state is not None:
        assumed["state"] = str(state)
    return assumed


def _done(action: str, data: JsonObject, entity: Entity | None) -> Expected:
    rule = _RULES.get(action) or _RULES_OF_ANY_DOMAIN.get(action.partition(".")[2])
    return rule(data, entity.capabilities if entity else {}) if rule else {}


def meets(expected: Mapping[str, JsonValue], state: EntityState) -> bool:
    """Whether the state is what was expected. Nothing expected: no."""
    if "current_position" in expected and state.state in ON_WAY:
        return True
    is_confirmed = False
    for key, wanted in expected.items():
        seen: JsonValue = state.state if key == "state" else state.attributes.get(key)
        if seen is None:
            continue
        if not _fits(key, wanted, seen):
            return False
        is_confirmed = True
    return is_confirmed


def contradict(older: Mapping[str, JsonValue], newer: Mapping[str, JsonValue]) -> bool:
    """Whether no state can be what both expect."""
    return any(newer[key] != wanted for key, wanted in older.items() if key in newer)


def confirm_within(action: str, data: JsonObject, device: Device | None = None) -> timedelta:
    """How long after being sent an action may take to be confirmed. The device's setting `confirm_s` comes first."""
    setting = number_in(device.settings.get("confirm_s")) if device else None
    if setting is not None and setting > 0:
        return min(timedelta(seconds=setting), CONFIRM_WITHIN_MAX)
    domain = action.partition(".")[0]
    if domain in MOVING_DOMAINS:
        return CONFIRM_MOVING_WITHIN
    transition_s = number_in(data.get("transition")) if domain == "light" else None
    return min(CONFIRM_WITHIN + timedelta(seconds=max(0.0, transition_s or 0.0)), CONFIRM_WITHIN_MAX)


def number_in(value: JsonValue) -> float | None:
    """A finite number, also one written as text; None for everything else (a bool is no number)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _fits(key: str, wanted: JsonValue, seen: JsonValue) -> bool:
    if key == "state" and isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return seen in wanted
    wanted_number, seen_number = number_in(wanted), number_in(seen)
    if wanted_number is None or seen_number is None:
        return wanted == seen
    tolerance = TOLERANCES.get(key, _tolerance_of_number)
    return abs(wanted_number - seen_number) <= tolerance(wanted_number)


def _tolerance_of_number(wanted: float) -> float:
    return max(0.01, abs(wanted) * 0.01)


def _within(amount: float) -> Callable[[float], float]:
    return lambda _wanted: amount


TOLERANCES: Mapping[str, Callable[[float], float]] = {
    "brightness": _within(3),
    "color_temp_kelvin": lambda wanted: wanted * 0.02,
    "current_position": _within(2),
    "current_tilt_position": _within(2),
    "temperature": _within(0.1),
    "target_temp_low": _within(0.1),
    "target_temp_high": _within(0.1),
    "humidity": _within(1),
    "volume_level": _within(0.02),
    # A fan with three speeds answers 66 to 50.
    "percentage": _within(17),
}

Capabilities: TypeAlias = Mapping[str, Capability]
_Rule: TypeAlias = Callable[[JsonObject, Capabilities], Expected]


def _state(*states: str) -> _Rule:
    return lambda _data, _capabilities: {"state": states[0] if len(states) == 1 else list(states)}


def _same(**attribute_by_field: str) -> _Rule:
    """Fields of the call that come back as attributes (or as the state) of these names."""

    def rule(data: JsonObject, _capabilities: Capabilities) -> Expected:
        return {name: data[field] for field, name in attribute_by_field.items() if data.get(field) is not None}

    return rule


def _light_turn_on(data: JsonObject, capabilities: Capabilities) -> Expected:
    if data.get("effect") is not None or data.get("flash") is not None:
        return {}  # lamps that play an effect report whatever it does to them
    brightness = brightness_in(data)
    if brightness == 0:
        return {"state": "off"}
    expected: Expected = {"state": "on"}
    if brightness is not None:
        expected["brightness"] = brightness
    kelvin = kelvin_in(data)
    if kelvin is not None:
        expected["color_temp_kelvin"] = _clamp(kelvin, capabilities.get("color_temp"))
    return expected


def brightness_in(data: JsonObject) -> int | None:
    """The absolute brightness (0..255) that a call of light.turn_on asks for."""
    brightness = number_in(data.get("brightness"))
    if brightness is None:
        percent = number_in(data.get("brightness_pct"))
        brightness = None if percent is None else percent * 2.55
    return None if brightness is None else max(0, min(255, round(brightness)))


def kelvin_in(data: JsonObject) -> float | None:
    """The colour temperature that a call of light.turn_on asks for, also in its older spellings."""
    kelvin = number_in(data.get("color_temp_kelvin", data.get("kelvin")))
    if kelvin is not None:
        return kelvin
    mireds = number_in(data.get("color_temp"))
    return None if not mireds else 1_000_000 / mireds


def _clamp(value: float, capability: Capability | None) -> float:
    if capability is None:
        return value
    low = -math.inf if capability.min is None else capability.min
    high = math.inf if capability.max is None else capability.max
    return max(low, min(high, value))


def _position(data: JsonObject, _capabilities: Capabilities) -> Expected:
    position = number_in(data.get("position"))
    return {} if position is None else {"current_position": position}


def _fan_percentage(data: JsonObject, _capabilities: Capabilities) -> Expected:
    percentage = number_in(data.get("percentage"))
    if percentage is None:
        return {}
    return {"state": "off"} if percentage == 0 else {"state": "on", "percentage": percentage}


def _fan_turn_on(data: JsonObject, capabilities: Capabilities) -> Expected:
    return {"state": "on", **_fan_percentage(data, capabilities)}


def _climate_temperature(data: JsonObject, capabilities: Capabilities) -> Expected:
    expected = _same(hvac_mode="state")(data, capabilities)
    for field in ("temperature", "target_temp_low", "target_temp_high"):
        wanted = number_in(data.get(field))
        if wanted is not None:
            expected[field] = _clamp(wanted, capabilities.get("target_temperature"))
    return expected


def _play_media(data: JsonObject, _capabilities: Capabilities) -> Expected:
    # What is put into the queue behind something else is heard later, if at all.
    return {} if data.get("enqueue") in {"add", "next"} else {"state": ["playing", "buffering"]}


def _nothing(_data: JsonObject, _capabilities: Capabilities) -> Expected:
    return {}


_RULES_OF_ANY_DOMAIN: Mapping[str, _Rule] = {
    "turn_on": _state("on"),
    "turn_off": _state("off"),
    "set_value": _same(value="state"),
    "select_option": _same(option="state"),
}

_RULES: Mapping[str, _Rule] = {
    "light.turn_on": _light_turn_on,
    "fan.turn_on": _fan_turn_on,
    "fan.set_percentage": _fan_percentage,
    "fan.set_preset_mode": _same(preset_mode="preset_mode"),
    "fan.oscillate": _same(oscillating="oscillating"),
    "fan.set_direction": _same(direction="direction"),
    "cover.open_cover": _state("open", "opening"),
    "cover.close_cover": _state("closed", "closing"),
    "cover.set_cover_position": _position,
    "cover.set_cover_tilt_position": _same(tilt_position="current_tilt_position"),
    "valve.open_valve": _state("open", "opening"),
    "valve.close_valve": _state("closed", "closing"),
    "valve.set_valve_position": _position,
    "lock.lock": _state("locked", "locking"),
    "lock.unlock": _state("unlocked", "unlocking", "open", "opening"),
    "lock.open": _state("open", "opening", "unlocked", "unlocking"),
    "date.set_value": _same(date="state"),
    "climate.turn_on": _nothing,  # comes back in whatever mode it had
    "climate.set_hvac_mode": _same(hvac_mode="state"),
    "climate.set_temperature": _climate_temperature,
    "climate.set_preset_mode": _same(preset_mode="preset_mode"),
    "climate.set_fan_mode": _same(fan_mode="fan_mode"),
    "climate.set_swing_mode": _same(swing_mode="swing_mode"),
    "climate.set_humidity": _same(humidity="humidity"),
    "humidifier.set_humidity": _same(humidity="humidity"),
    "humidifier.set_mode": _same(mode="mode"),
    "water_heater.turn_on": _nothing,
    "water_heater.set_temperature": _same(temperature="temperature"),
    "water_heater.set_operation_mode": _same(operation_mode="state"),
    "media_player.turn_on": _nothing,  # comes on idle, playing or standing by
    "media_player.turn_off": _state("off", "standby", "idle"),  # some cannot be more off than silent
    "media_player.media_play": _state("playing", "buffering"),
    "media_player.media_pause": _state("paused", "idle", "standby", "off"),  # a stream that cannot wait is stopped
    "media_player.media_stop": _state("idle", "paused", "standby", "off"),
    "media_player.play_media": _play_media,
    "media_player.shuffle_set": _same(shuffle="shuffle"),
    "media_player.repeat_set": _same(repeat="repeat"),
    "media_player.select_sound_mode": _same(sound_mode="sound_mode"),
    "media_player.volume_set": _same(volume_level="volume_level"),
    "media_player.volume_mute": _same(is_volume_muted="is_volume_muted"),
    "media_player.select_source": _same(source="source"),
    "vacuum.start": _state("cleaning"),
    "vacuum.return_to_base": _state("returning", "docked"),
    "vacuum.pause": _state("paused", "idle"),
    "vacuum.set_fan_speed": _same(fan_speed="fan_speed"),
    "scene.turn_on": _nothing,
    "script.turn_on": _nothing,
    "automation.turn_on": _state("on"),
}
