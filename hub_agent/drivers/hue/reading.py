"""A resource -> the state of the entity that it is."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.drivers.colours import hs_of_rgb, rgb_of_xy
from hub_agent.drivers.hue.facets import NO_EFFECT, TURNS, has
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNKNOWN

Said: TypeAlias = tuple[str | None, dict[str, JsonValue]]
FULL: Final = 255
_COLOURS: Final = ("xy_color", "rgb_color", "hs_color")


def read(kind: str, resource: JsonObject) -> Said | None:
    """None: the resource does not say."""
    reader = _READERS.get(kind)
    return reader(resource) if reader is not None else None


def brightness_of_percent(percent: float) -> int:
    return max(0, min(FULL, round(percent / 100 * FULL)))


def percent_of_brightness(brightness: float) -> float:
    """In hundredths, as the bridge counts; never zero for what is on."""
    return max(1.0, min(100.0, round(brightness / FULL * 100, 2)))


def lux_of_level(level: float) -> float:
    """A Hue sensor says 10000 times the logarithm of lux, and one more."""
    return round(10 ** ((min(level, 60_000) - 1) / 10_000), 1) if level > 0 else 0.0


def _on_off(is_on: object) -> str | None:
    return None if is_on is None else "on" if is_on else "off"


def _switch(resource: JsonObject) -> Said | None:
    is_on = given.flag(resource, "on", "on")
    return None if is_on is None else (_on_off(is_on), {})


def _light(light: JsonObject) -> Said | None:
    is_on = given.flag(light, "on", "on")
    if is_on is None:
        return None
    attributes: dict[str, JsonValue] = {}
    if has(light, "dimming"):
        percent = given.number(light, "dimming", "brightness")
        attributes["brightness"] = max(1, brightness_of_percent(percent)) if is_on and percent is not None else None
    attributes |= _colour(light, is_on=is_on)
    effect = _effect(light)
    if effect is not None:
        attributes["effect"] = effect
    if has(light, "dynamics") and given.text(light, "dynamics", "status") is not None:
        attributes["dynamic"] = given.text(light, "dynamics", "status") == "dynamic_palette"
    if given.text(light, "mode") == "streaming":
        attributes["streaming"] = True
    return _on_off(is_on), attributes


def _colour(light: JsonObject, *, is_on: bool) -> dict[str, JsonValue]:
    attributes: dict[str, JsonValue] = {}
    mirek = given.number(light, "color_temperature", "mirek")
    x, y = given.number(light, "color", "xy", "x"), given.number(light, "color", "xy", "y")
    is_white = mirek is not None and mirek > 0 and given.flag(light, "color_temperature", "mirek_valid") is not False
    if has(light, "color_temperature"):
        attributes["color_temp_kelvin"] = kelvin_of(mirek) if is_on and is_white and mirek is not None else None
    if has(light, "color"):
        attributes |= dict.fromkeys(_COLOURS)
        if is_on and not is_white and x is not None and y is not None:
            rgb = rgb_of_xy(x, y)
            attributes |= {"xy_color": [x, y], "rgb_color": list(rgb), "hs_color": list(hs_of_rgb(*rgb))}
    if is_on and (is_white or x is not None):
        attributes["color_mode"] = "color_temp" if is_white else "xy"
    return attributes


def _effect(light: JsonObject) -> str | None:
    timed = given.text(light, "timed_effects", "status")
    if timed not in {None, NO_EFFECT}:
        return timed
    return given.text(light, "effects_v2", "status", "effect") or given.text(light, "effects", "status")


def _powerup(light: JsonObject) -> Said | None:
    preset = given.text(light, "powerup", "preset")
    return None if preset is None else (preset, {})


def _motion(sensor: JsonObject) -> Said | None:
    motion = given.mapping(sensor, "motion")
    seen = given.flag(motion, "motion_report", "motion")
    seen = given.flag(motion, "motion") if seen is None else seen
    is_valid = given.flag(motion, "motion_valid") is not False and given.flag(sensor, "enabled") is not False
    return (UNKNOWN if seen is None or not is_valid else _on_off(seen)), {}


def _contact(sensor: JsonObject) -> Said | None:
    state = given.text(sensor, "contact_report", "state")
    return {"contact": ("off", {}), "no_contact": ("on", {})}.get(state or "", (UNKNOWN, {}))


def _tamper(sensor: JsonObject) -> Said | None:
    """The newest report of each source; one of them is enough."""
    newest: dict[str, tuple[str, str]] = {}
    for report in given.listed(sensor, "tamper_reports")[:50]:
        source, changed = given.text(report, "source") or "", given.text(report, "changed") or ""
        newest[source] = max(newest.get(source, ("", "")), (changed, given.text(report, "state") or ""))
    return _on_off(any(state == "tampered" for _, state in newest.values())), {}


def _temperature(sensor: JsonObject) -> Said | None:
    value = given.number(sensor, "temperature", "temperature_report", "temperature")
    value = given.number(sensor, "temperature", "temperature") if value is None else value
    is_valid = given.flag(sensor, "temperature", "temperature_valid") is not False
    return (str(given.tidy(round(value, 2))) if value is not None and is_valid else UNKNOWN), {}


def _light_level(sensor: JsonObject) -> Said | None:
    value = given.number(sensor, "light", "light_level_report", "light_level")
    value = given.number(sensor, "light", "light_level") if value is None else value
    is_valid = given.flag(sensor, "light", "light_level_valid") is not False
    return (str(given.tidy(lux_of_level(value))) if value is not None and is_valid else UNKNOWN), {}


def _battery(power: JsonObject) -> Said | None:
    level = battery_of(power)
    return None if level is None else (str(level), {"battery_state": given.text(power, "power_state", "battery_state")})


def battery_of(power: JsonObject) -> int | None:
    level = given.number(power, "power_state", "battery_level")
    return None if level is None else max(0, min(100, round(level)))


def _connectivity(connectivity: JsonObject) -> Said | None:
    status = given.text(connectivity, "status")
    return None if status is None else (status, {})


def _update(software: JsonObject) -> Said | None:
    state = given.text(software, "state")
    if state is None:
        return None
    is_there = state in {"update_pending", "ready_to_install", "installing"}
    return _on_off(is_there), {"in_progress": state == "installing", "phase": state}


def _sensitivity(sensor: JsonObject) -> Said | None:
    value = given.number(sensor, "sensitivity", "sensitivity")
    return None if value is None else (str(given.tidy(value)), {})


def _enabled(sensor: JsonObject) -> Said | None:
    is_enabled = given.flag(sensor, "enabled")
    return None if is_enabled is None else (_on_off(is_enabled), {})


def _scene(scene: JsonObject) -> Said | None:
    active = given.text(scene, "status", "active") or given.text(scene, "state")
    recalled = given.text(scene, "status", "last_recall")
    return (recalled, {"active": active}) if active is not None or recalled is not None else None


def pressed(button: JsonObject) -> Said | None:
    """Of an event only: what is said besides is how it was."""
    event = given.text(button, "button", "button_report", "event") or given.text(button, "button", "last_event")
    return None if event is None else (None, {"event_type": event})


def turned(rotary: JsonObject) -> Said | None:
    about = given.mapping(rotary, "relative_rotary", "rotary_report") or given.mapping(
        rotary, "relative_rotary", "last_event"
    )
    direction = given.text(about, "rotation", "direction")
    if direction not in TURNS:
        return None
    details = {name: given.number(about, "rotation", name) for name in ("steps", "duration")}
    return None, {"event_type": direction, "action": given.text(about, "action"), **details}


_READERS: Final[Mapping[str, Callable[[JsonObject], Said | None]]] = MappingProxyType(
    {
        "light": _light,
        "switch": _switch,
        "powerup": _powerup,
        "occupancy": _motion,
        "contact": _contact,
        "tamper": _tamper,
        "temperature": _temperature,
        "illuminance": _light_level,
        "battery": _battery,
        "connectivity": _connectivity,
        "update": _update,
        "sensitivity": _sensitivity,
        "enabled": _enabled,
        "scene": _scene,
    }
)
