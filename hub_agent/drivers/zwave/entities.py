"""What a node's values are, as entities.

Each entity's `native` says what reading.py and writing.py need: `kind` (which of their functions) and `values` (role -> value id), and
what is fixed of them: limits, words of states, factors.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hub_agent.drivers.vocabulary import slug
from hub_agent.drivers.zwave import sensing, values as cc
from hub_agent.drivers.zwave.values import Value, ValueId, Values
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue

ENTITIES_MAX: Final = 250
ENDPOINTS_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a node besides its values: by its device class and by the maker's description."""

    generic: str = ""
    specific: str = ""
    description: str = ""


Roles = Mapping[str, Value | None]

_COVER: Final = re.compile(
    r"motor control|shutter|\bblind|\bshade|curtain|awning|\broller\b|window opener", re.IGNORECASE
)
_FAN: Final = re.compile(r"\bfan\b", re.IGNORECASE)
_SIREN: Final = re.compile(r"\bsiren\b", re.IGNORECASE)
_VALVE: Final = re.compile(r"\bvalve\b", re.IGNORECASE)
_OUTLET: Final = re.compile(r"\b(plug|outlet|socket)s?\b", re.IGNORECASE)

# Components of a colour, by their keys.
COMPONENTS: Final = {0: "warmWhite", 1: "coldWhite", 2: "red", 3: "green", 4: "blue"}
# Z-Wave says no kelvin: what Home Assistant takes the two whites for.
KELVIN_WARM: Final = 2700
KELVIN_COLD: Final = 6500

_HVAC_BY_MODE: Final = {0: "off", 1: "heat", 2: "cool", 3: "heat_cool", 6: "fan_only", 8: "dry", 10: "heat_cool"}


def entities_of(values: Values, words: Words) -> tuple[AdvertisedEntity, ...]:
    """The entities of one node; those that matter most first, should there be too many."""
    made: dict[str, AdvertisedEntity] = {}
    taken: set[ValueId] = set()
    endpoints = values.endpoints()[:ENDPOINTS_MAX]
    for build in _BUILDERS:
        for endpoint in endpoints:
            for entity in build(values, endpoint, words):
                # The contact of a lock and that of a sensor are two, even if both are called door.
                kept = replace(entity, key=f"{entity.key}_sensor") if entity.key in made else entity
                if kept.key not in made and len(made) < ENTITIES_MAX:
                    made[kept.key] = kept
                    taken |= _ids(kept)
    for entity in sensing.rest(values, taken):
        if len(made) < ENTITIES_MAX:
            made.setdefault(entity.key, entity)
    return tuple(made.values())


def _ids(entity: AdvertisedEntity) -> set[ValueId]:
    named = entity.native.get("values")
    found = named.values() if isinstance(named, Mapping) else ()
    return {identity for each in found if (identity := cc.id_in_native(each)) is not None}


def _main(
    domain: str,
    endpoint: int,
    kind: str,
    roles: Roles,
    capabilities: Mapping[str, Capability],
    **more: JsonValue,
) -> AdvertisedEntity:
    """A main function; one of several where there are endpoints."""
    named: dict[str, JsonValue] = {role: value.id.as_native() for role, value in roles.items() if value is not None}
    return AdvertisedEntity(
        key=f"{domain}_{endpoint}" if endpoint else domain,
        domain=domain,
        name=f"Channel {endpoint}" if endpoint else None,
        capabilities=capabilities,
        native={"kind": kind, "values": named, **more},
    )


_ON_OFF: Final = {"on": Capability("bool", "rw")}


def _lights(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    level = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue")
    colours = {value.id.key for value in values.of(cc.SWITCH_COLOUR, endpoint) if value.id.property == "currentColor"}
    switch = values.find(cc.SWITCH_BINARY, endpoint, "targetValue") if colours else None
    if values.of(cc.WINDOW_COVERING, endpoint) or (level is None and switch is None) or _role(words) != "light":
        return
    command_class = cc.SWITCH_MULTILEVEL if level is not None else cc.SWITCH_BINARY
    capabilities = dict(_ON_OFF)
    if level is not None:
        capabilities["brightness"] = Capability("int", "rw", unit="%", min=0, max=100)
    if {0, 1} <= colours:
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=KELVIN_WARM, max=KELVIN_COLD)
    if {2, 3, 4} <= colours:
        capabilities["color"] = Capability("text", "rw")
    roles = {
        "target": level or switch,
        "current": values.find(command_class, endpoint, "currentValue"),
        "colour": values.find(cc.SWITCH_COLOUR, endpoint, "targetColor"),
        "colour_now": values.find(cc.SWITCH_COLOUR, endpoint, "currentColor"),
        **{
            f"colour_target_{key}": values.find(cc.SWITCH_COLOUR, endpoint, "targetColor", key)
            for key in sorted(COMPONENTS)
            if key in colours
        },
        **{
            f"colour_{key}": values.find(cc.SWITCH_COLOUR, endpoint, "currentColor", key)
            for key in sorted(COMPONENTS)
            if key in colours
        },
    }
    is_beside = values.find(cc.SWITCH_BINARY, endpoint, "targetValue") is not None and _is_switch(words)
    components: list[JsonValue] = [key for key in sorted(COMPONENTS) if key in colours]
    more: dict[str, JsonValue] = {"components": components}
    light = _main("light", endpoint, "light", roles, capabilities, **more)
    yield replace(light, name="Light", category="config") if is_beside else light


def _is_switch(words: Words) -> bool:
    return words.generic == "Binary Switch"


def _role(words: Words) -> str:
    """What a multilevel switch is."""
    said = f"{words.generic} {words.specific} {words.description}"
    if "thermostat" in said.lower():
        return "valve"
    if _COVER.search(said):
        return "cover"
    if _FAN.search(said):
        return "fan"
    return "siren" if _SIREN.search(said) else "light"


def _covers(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    if values.of(cc.WINDOW_COVERING, endpoint):
        yield from _window_covering(values, endpoint)
        return
    target = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue")
    if target is None or _role(words) != "cover":
        return
    stop = next(
        (
            value
            for name in ("Up", "Open", "On")
            if (value := values.find(cc.SWITCH_MULTILEVEL, endpoint, name)) is not None
        ),
        None,
    )
    roles = {
        "target": target,
        "current": values.find(cc.SWITCH_MULTILEVEL, endpoint, "currentValue"),
        "stop": stop,
    }
    entity = _main("cover", endpoint, "cover", roles, _COVER_CAPABILITIES)
    yield replace(entity, device_class=_cover_class(words))


_COVER_CAPABILITIES: Final = {
    "open": Capability("bool", "rw"),
    "position": Capability("int", "rw", unit="%", min=0, max=100),
}
_COVER_CLASSES: Final = ("shutter", "blind", "shade", "curtain", "awning", "window")


def _cover_class(words: Words) -> str | None:
    said = words.description.lower()
    return next((word for word in _COVER_CLASSES if word in said), None)


# Window Covering: odd parameters know their position; the last two turn slats.
_POSITIONS: Final = (13, 1, 3, 5, 7, 9, 15, 17, 19, 21)
_TILTS: Final = (23, 11)


def _window_covering(values: Values, endpoint: int) -> Iterator[AdvertisedEntity]:
    def parameter(name: str, keys: Sequence[int]) -> Value | None:
        found = (values.find(cc.WINDOW_COVERING, endpoint, name, key) for key in keys)
        return next((value for value in found if value is not None), None)

    position, tilt = parameter("targetValue", _POSITIONS), parameter("targetValue", _TILTS)
    roles = {
        "target": position,
        "current": parameter("currentValue", _POSITIONS),
        "stop": parameter("levelChangeUp", _POSITIONS),
        "tilt_target": tilt,
        "tilt": parameter("currentValue", _TILTS),
    }
    capabilities = dict(_COVER_CAPABILITIES) if position is not None else {}
    if tilt is not None:
        capabilities["tilt"] = Capability("int", "rw", unit="%", min=0, max=100)
    if capabilities:
        yield _main("cover", endpoint, "cover", roles, capabilities)


def _fans(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    target = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue")
    if target is None or _role(words) != "fan":
        return
    roles = {"target": target, "current": values.find(cc.SWITCH_MULTILEVEL, endpoint, "currentValue")}
    capabilities = {**_ON_OFF, "speed": Capability("int", "rw", unit="%", min=0, max=100)}
    yield _main("fan", endpoint, "fan", roles, capabilities)


def _valve_positions(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    """How far a radiator's thermostat has its valve open."""
    target = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue")
    current = values.find(cc.SWITCH_MULTILEVEL, endpoint, "currentValue")
    if target is not None and current is not None and _role(words) == "valve":
        yield AdvertisedEntity(
            key=_key(endpoint, "valve_position"),
            domain="number",
            name="Valve position",
            unit="%",
            category="config",
            capabilities={"valve_position": Capability("int", "rw", unit="%", min=0, max=99)},
            native={
                "kind": "setting",
                "values": {"target": target.id.as_native(), "current": current.id.as_native()},
                "limits": {"min": 0, "max": 99},
            },
        )


def _switches(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    target = values.find(cc.SWITCH_BINARY, endpoint, "targetValue")
    has_colour = any(value.id.property == "currentColor" for value in values.of(cc.SWITCH_COLOUR, endpoint))
    has_level = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue") is not None
    # A dimmer repeats its level as on and off; a plug's light is a thing beside it.
    is_dimmer = (has_level or (has_colour and _role(words) == "light")) and not _is_switch(words)
    if target is None or is_dimmer:
        return
    roles = {"target": target, "current": values.find(cc.SWITCH_BINARY, endpoint, "currentValue")}
    said = f"{words.specific} {words.description}"
    if _SIREN.search(said):
        yield _main("siren", endpoint, "switch", roles, _ON_OFF)
    elif _VALVE.search(said) and not values.of(cc.THERMOSTAT_SETPOINT):
        yield _main("valve", endpoint, "valve", roles, {"open": Capability("bool", "rw")})
    else:
        entity = _main("switch", endpoint, "switch", roles, _ON_OFF)
        yield replace(entity, device_class="outlet" if _OUTLET.search(said) else None)


def _locks(values: Values, endpoint: int, _words: Words) -> Iterator[AdvertisedEntity]:
    locked = {"locked": Capability("bool", "rw")}
    target = values.find(cc.DOOR_LOCK, endpoint, "targetMode")
    plain = values.find(cc.LOCK, endpoint, "locked")
    if target is not None:
        roles = {"target": target, "current": values.find(cc.DOOR_LOCK, endpoint, "currentMode")}
        yield _main("lock", endpoint, "door_lock", roles, locked)
        yield from sensing.door_lock_parts(values, endpoint)
    elif plain is not None:
        yield _main("lock", endpoint, "plain_lock", {"target": plain, "current": plain}, locked)


def _barriers(values: Values, endpoint: int, _words: Words) -> Iterator[AdvertisedEntity]:
    target = values.find(cc.BARRIER, endpoint, "targetState")
    if target is None:
        return
    roles = {
        "target": target,
        "current": values.find(cc.BARRIER, endpoint, "currentState"),
        "position": values.find(cc.BARRIER, endpoint, "position"),
    }
    entity = _main("cover", endpoint, "barrier", roles, {"open": Capability("bool", "rw")})
    yield replace(entity, device_class="garage")
    for value in values.of(cc.BARRIER, endpoint):
        if value.id.property == "signalingState":
            yield AdvertisedEntity(
                key=_key(endpoint, "signaling", value.id.key),
                domain="switch",
                name=value.label,
                category="config",
                capabilities=_ON_OFF,
                native={
                    "kind": "signaling",
                    "values": {"target": value.id.as_native(), "current": value.id.as_native()},
                },
            )


def _key(endpoint: int, *parts: str | int | None) -> str:
    words = "_".join(str(part) for part in parts if part is not None)
    return f"{slug(words)}_{endpoint}" if endpoint else slug(words)


def _sirens(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    tone = values.find(cc.SOUND_SWITCH, endpoint, "toneId")
    if tone is not None:
        tones = tuple(dict.fromkeys(name for number, name in sorted(tone.states.items()) if 0 < number < 255))
        capabilities = dict(_ON_OFF)
        if tones:
            capabilities["tone"] = Capability("enum", "w", options=tones)
        more: dict[str, JsonValue] = {"tones": {name: number for number, name in tone.states.items()}}
        roles = {"target": tone, "current": tone, "volume": values.find(cc.SOUND_SWITCH, endpoint, "volume")}
        yield _main("siren", endpoint, "sound", roles, capabilities, **more)
        return
    target = values.find(cc.SWITCH_MULTILEVEL, endpoint, "targetValue")
    if target is not None and _role(words) == "siren":
        roles = {
            "target": target,
            "current": values.find(cc.SWITCH_MULTILEVEL, endpoint, "currentValue"),
            "volume": None,
        }
        yield _main("siren", endpoint, "level_siren", roles, _ON_OFF)


def _climates(values: Values, endpoint: int, _words: Words) -> Iterator[AdvertisedEntity]:
    """Mode and setpoints of one thermostat may be on different endpoints; a copy of the mode alone is no thermostat."""
    modes = {value.id.endpoint: value for value in values.of(cc.THERMOSTAT_MODE) if value.id.property == "mode"}
    owners = [each for each in values.endpoints() if _setpoints(values, each)]
    if owners and modes and not modes.keys() & set(owners):
        if endpoint == min(modes):
            yield _climate(values, endpoint, modes[endpoint], _setpoints(values, owners[0]))
    elif endpoint in (owners or modes):
        yield _climate(values, endpoint, modes.get(endpoint), _setpoints(values, endpoint))


def _setpoints(values: Values, endpoint: int) -> dict[int, Value]:
    return {
        value.id.key: value
        for value in values.of(cc.THERMOSTAT_SETPOINT, endpoint)
        if value.id.property == "setpoint" and isinstance(value.id.key, int) and value.id.key > 0
    }


def _climate(values: Values, endpoint: int, mode: Value | None, setpoints: Mapping[int, Value]) -> AdvertisedEntity:
    def near(command_class: int, name: str) -> Value | None:
        found = values.find(command_class, endpoint, name)
        return found or next((each for each in values.of(command_class) if each.id.property == name), None)

    states = mode.states if mode is not None else {}
    hvac = dict.fromkeys(_HVAC_BY_MODE[number] for number in sorted(states) if number in _HVAC_BY_MODE)
    presets = {words: number for number, words in sorted(states.items()) if number not in _HVAC_BY_MODE}
    fan = near(cc.THERMOSTAT_FAN_MODE, "mode")
    fans = {words: number for number, words in sorted(fan.states.items())} if fan is not None else {}
    fan = fan if fans else None
    capabilities: dict[str, Capability] = {}
    current = near(cc.SENSOR_MULTILEVEL, "Air temperature")
    if current is not None:
        capabilities["temperature"] = Capability("float", "r", unit="°C")
    first = next(iter(setpoints.values()), None)
    if first is not None:
        low, high = _limits(first)
        capabilities["target_temperature"] = Capability("float", "rw", unit="°C", min=low, max=high, step=0.5)
    if hvac:
        capabilities["mode"] = Capability("enum", "rw", options=tuple(hvac))
    if presets:
        capabilities["preset"] = Capability("enum", "rw", options=("none", *presets))
    if fan is not None:
        capabilities["fan_mode"] = Capability("enum", "rw", options=tuple(fans))
    roles: dict[str, Value | None] = {
        "mode": mode,
        "current": current,
        "action": near(cc.THERMOSTAT_OPERATING_STATE, "state"),
        "fan": fan,
        **{f"setpoint_{number}": value for number, value in sorted(setpoints.items())},
    }
    fahrenheit: list[JsonValue] = [role for role, value in roles.items() if value is not None and value.unit == "°F"]
    more: dict[str, JsonValue] = {
        "modes": {
            hvac_mode: number for number, hvac_mode in sorted(_HVAC_BY_MODE.items(), reverse=True) if number in states
        },
        "presets": presets,
        "fans": fans,
        "setpoints": sorted(setpoints),
        "fahrenheit": fahrenheit,
        "limits": {f"setpoint_{number}": list(_limits(value)) for number, value in sorted(setpoints.items())},
    }
    return _main("climate", endpoint, "climate", roles, capabilities, **more)


# What thermostats take that do not say what they take.
_CELSIUS_MIN: Final = 5.0
_CELSIUS_MAX: Final = 35.0


def _limits(setpoint: Value) -> tuple[float, float]:
    low, high = setpoint.min, setpoint.max
    if low is None or high is None or low >= high:
        return _CELSIUS_MIN, _CELSIUS_MAX
    if setpoint.unit == "°F":
        return round((low - 32) / 1.8, 1), round((high - 32) / 1.8, 1)
    return low, high


def _humidifiers(values: Values, endpoint: int, _words: Words) -> Iterator[AdvertisedEntity]:
    mode = values.find(cc.HUMIDITY_MODE, endpoint, "mode")
    setpoint = next(
        (value for value in values.of(cc.HUMIDITY_SETPOINT, endpoint) if value.id.property == "setpoint"), None
    )
    if mode is None:
        return
    roles = {"mode": mode, "setpoint": setpoint}
    capabilities = dict(_ON_OFF)
    if setpoint is not None:
        low, high = setpoint.min or 0, setpoint.max or 100
        capabilities["target_humidity"] = Capability("int", "rw", unit="%", min=low, max=high)
    drying = 2 in mode.states and 1 not in mode.states
    entity = _main("humidifier", endpoint, "humidifier", roles, capabilities, on=2 if drying else 1)
    yield replace(entity, device_class="dehumidifier" if drying else "humidifier")


def _basic(values: Values, endpoint: int, _words: Words) -> Iterator[AdvertisedEntity]:
    """Only where a node says nothing better of itself."""
    better = {cc.SWITCH_BINARY, cc.SWITCH_MULTILEVEL, cc.DOOR_LOCK, cc.BARRIER, cc.SOUND_SWITCH, cc.THERMOSTAT_SETPOINT,
              cc.SENSOR_BINARY, cc.SENSOR_MULTILEVEL, cc.NOTIFICATION, cc.CENTRAL_SCENE, cc.WINDOW_COVERING, cc.LOCK,
              cc.THERMOSTAT_MODE, cc.METER}  # fmt: skip
    target = values.find(cc.BASIC, endpoint, "targetValue")
    if target is None or any(identity.command_class in better for identity in values.described):
        return
    roles = {"target": target, "current": values.find(cc.BASIC, endpoint, "currentValue")}
    yield _main("switch", endpoint, "basic", roles, _ON_OFF)


def _sensing(values: Values, endpoint: int, words: Words) -> Iterator[AdvertisedEntity]:
    yield from sensing.entities(values, endpoint, words.description)


_Builder = Callable[[Values, int, Words], Iterator[AdvertisedEntity]]
_BUILDERS: Final[tuple[_Builder, ...]] = (
    _lights, _covers, _fans, _switches, _locks, _barriers, _sirens, _climates, _humidifiers, _basic, _valve_positions, _sensing,
)  # fmt: skip
