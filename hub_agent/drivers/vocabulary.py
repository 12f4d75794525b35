"""Words that dialects share: which type of device a set of entities makes, which units measure what."""

import re
import unicodedata
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from hub_agent.model.device import AdvertisedEntity, DeviceType

# (domain, device class or None for any) -> type; the first row that an entity matches wins, so the telling ones come first.
_TYPES: Final = (
    ("camera", None, DeviceType.CAMERA),
    ("lock", None, DeviceType.LOCK),
    ("alarm_control_panel", None, DeviceType.HUB),
    ("climate", None, DeviceType.THERMOSTAT),
    ("water_heater", None, DeviceType.APPLIANCE),
    ("cover", "garage", DeviceType.GARAGE_DOOR),
    ("cover", None, DeviceType.BLIND),
    ("light", None, DeviceType.LIGHT),
    ("vacuum", None, DeviceType.APPLIANCE),
    ("lawn_mower", None, DeviceType.APPLIANCE),
    ("humidifier", None, DeviceType.APPLIANCE),
    ("fan", None, DeviceType.APPLIANCE),
    ("media_player", None, DeviceType.SPEAKER),
    ("switch", "outlet", DeviceType.PLUG),
    ("switch", None, DeviceType.SWITCH),
    ("valve", None, DeviceType.SWITCH),
    ("binary_sensor", "smoke", DeviceType.SENSOR_SMOKE),
    ("binary_sensor", "carbon_monoxide", DeviceType.SENSOR_SMOKE),
    ("binary_sensor", "gas", DeviceType.SENSOR_SMOKE),
    ("binary_sensor", "moisture", DeviceType.SENSOR_LEAK),
    ("binary_sensor", "door", DeviceType.SENSOR_CONTACT),
    ("binary_sensor", "window", DeviceType.SENSOR_CONTACT),
    ("binary_sensor", "opening", DeviceType.SENSOR_CONTACT),
    ("binary_sensor", "garage_door", DeviceType.SENSOR_CONTACT),
    ("binary_sensor", "motion", DeviceType.SENSOR_MOTION),
    ("binary_sensor", "occupancy", DeviceType.SENSOR_MOTION),
    ("binary_sensor", "presence", DeviceType.SENSOR_MOTION),
    ("binary_sensor", "moving", DeviceType.SENSOR_MOTION),
    ("sensor", "temperature", DeviceType.SENSOR_TEMPERATURE),
    ("sensor", "humidity", DeviceType.SENSOR_HUMIDITY),
)

# A word of the model's description that says more than the entities do: (pattern, types it may replace, type).
_SWITCHES: Final = frozenset({DeviceType.SWITCH, DeviceType.OTHER})
_UNTOLD: Final = frozenset({DeviceType.OTHER, DeviceType.SENSOR_CONTACT, DeviceType.SENSOR_MOTION})
_WORDS: Final = (
    (re.compile(r"\bdoor ?bell", re.IGNORECASE), _UNTOLD, DeviceType.DOORBELL),
    (
        re.compile(r"(?<![a-z])garage", re.IGNORECASE),
        frozenset({DeviceType.BLIND, DeviceType.SENSOR_CONTACT, *_SWITCHES}),
        DeviceType.GARAGE_DOOR,
    ),
    (re.compile(r"\b(plug|outlet|socket)s?\b", re.IGNORECASE), _SWITCHES, DeviceType.PLUG),
    (
        re.compile(r"\b(air ?con|ac unit|heat pump|fan ?coil|hvac|split unit)", re.IGNORECASE),
        frozenset({DeviceType.THERMOSTAT}),
        DeviceType.HVAC,
    ),
    (
        re.compile(r"\b(router|repeater|range extender)\b", re.IGNORECASE),
        frozenset({DeviceType.OTHER}),
        DeviceType.ROUTER,
    ),
    (re.compile(r"\b(bridge|gateway|coordinator)\b", re.IGNORECASE), frozenset({DeviceType.OTHER}), DeviceType.BRIDGE),
)
WORDS_CHARS_MAX: Final = 500


def device_type_of(entities: Iterable[AdvertisedEntity], words: str = "") -> DeviceType:
    """Guess the central schema's type. `words`: model, description, name: whatever a person would judge by."""
    guess = _type_by_entities(tuple(entities))
    for pattern, replaceable, kind in _WORDS:
        if guess in replaceable and pattern.search(words[:WORDS_CHARS_MAX]):
            return kind
    return guess


def _type_by_entities(entities: tuple[AdvertisedEntity, ...]) -> DeviceType:
    # The main function speaks first: a motion sensor with a switch for its light is a motion sensor.
    primary = tuple(entity for entity in entities if entity.category is None)
    main = tuple(entity for entity in primary if entity.name is None)
    for rank in (main, primary):
        facets = {(entity.domain, entity.device_class) for entity in rank}
        domains = {entity.domain for entity in rank}
        for domain, device_class, kind in _TYPES:
            if (domain in domains) if device_class is None else ((domain, device_class) in facets):
                return kind
    return DeviceType.OTHER


SLUG_CHARS_MAX: Final = 120
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Lower-case letters of ASCII, digits and underscores: for metric names and keys."""
    plain = unicodedata.normalize("NFKD", text[:SLUG_CHARS_MAX].casefold()).encode("ascii", "ignore").decode()
    return _NOT_SLUG.sub("_", plain).strip("_")


# Home Assistant's colour temperature is in kelvin; older dialects count in mireds (a million divided by kelvin).
MIREDS_PER_KELVIN: Final = 1_000_000


def kelvin_of(mireds: float) -> int:
    """For any number: what no light can mean is taken for the end of the scale."""
    return round(MIREDS_PER_KELVIN / max(1, min(mireds, MIREDS_PER_KELVIN)))


def mireds_of(kelvin: float) -> int:
    return round(MIREDS_PER_KELVIN / max(1, min(kelvin, MIREDS_PER_KELVIN)))


# A group that the hub has made at a bridge to keep a scene in; the digits are the scene's. It is no device of the home, in any dialect.
OWN_GROUP: Final = re.compile(r"nexa_([0-9a-f]{8})")

# Device classes of Home Assistant's sensors that are measured in exactly these units; the first is the usual one.
UNITS_BY_DEVICE_CLASS: Final = MappingProxyType(
    {
        "temperature": ("°C", "°F", "K"),
        "humidity": ("%",),
        "battery": ("%",),
        "illuminance": ("lx",),
        "pressure": ("hPa", "Pa", "kPa", "bar", "mbar", "psi"),
        "power": ("W", "kW", "mW", "MW"),
        "energy": ("kWh", "Wh", "MWh"),
        "voltage": ("V", "mV"),
        "current": ("A", "mA"),
        "frequency": ("Hz", "kHz"),
        "carbon_dioxide": ("ppm",),
        "carbon_monoxide": ("ppm", "mg/m³"),
        "pm25": ("µg/m³",),
        "signal_strength": ("dBm", "dB"),
    }
)

# What entities can do, in all dialects: capability -> (type, unit). What only one device has is `config` or `diagnostic`, and free.
_ON: Final = ("bool", None)
_PERCENT: Final = ("int", "%")
_CHOICE: Final = ("enum", None)
_WORDS_OF_ITS_OWN: Final = ("text", None)
_CELSIUS: Final = ("float", "°C")
CAPABILITIES_BY_DOMAIN: Final = MappingProxyType(
    {
        "light": {
            "on": _ON, "brightness": _PERCENT, "color_temp": ("int", "K"), "color": _WORDS_OF_ITS_OWN, "effect": _CHOICE,
        },
        "switch": {"on": _ON},
        "siren": {"on": _ON, "tone": _CHOICE},
        "lock": {"locked": _ON},
        "cover": {"open": _ON, "position": _PERCENT, "tilt": _PERCENT},
        "valve": {"open": _ON, "position": _PERCENT},
        "fan": {"on": _ON, "speed": _PERCENT, "preset": _CHOICE, "oscillating": _ON, "direction": _CHOICE},
        "humidifier": {"on": _ON, "humidity": ("float", "%"), "target_humidity": _PERCENT, "mode": _CHOICE},
        "climate": {
            "temperature": _CELSIUS, "target_temperature": _CELSIUS, "target_temp_high": _CELSIUS, "target_temp_low": _CELSIUS, "humidity": ("float", "%"),
            "target_humidity": _PERCENT, "mode": _CHOICE, "action": _CHOICE, "preset": _CHOICE, "fan_mode": _CHOICE, "swing_mode": _CHOICE,
        },
        "water_heater": {"on": _ON, "mode": _CHOICE, "temperature": _CELSIUS, "target_temperature": _CELSIUS},
        "media_player": {
            "on": _ON, "playing": _ON, "volume": _PERCENT, "muted": _ON, "media": _WORDS_OF_ITS_OWN, "source": _CHOICE, "shuffle": _ON, "repeat": _CHOICE,
        },
        "alarm_control_panel": {"mode": _CHOICE},
        "vacuum": {"activity": _CHOICE, "fan_speed": _CHOICE},
        "lawn_mower": {"activity": _CHOICE},
        "scene": {"activate": _ON},
    }
)  # fmt: skip
# Any of these is there, or the entity is none of its domain.
MAIN_CAPABILITIES: Final = MappingProxyType(
    {
        "light": frozenset({"on"}),
        "switch": frozenset({"on"}),
        "lock": frozenset({"locked"}),
        "cover": frozenset({"open", "position", "tilt"}),
        "valve": frozenset({"open", "position"}),
        "fan": frozenset({"on", "speed"}),
        "climate": frozenset({"mode", "temperature", "target_temperature", "target_temp_low", "preset", "fan_mode"}),
        "humidifier": frozenset({"on"}),
        "media_player": frozenset({"on", "playing", "volume"}),
        "scene": frozenset({"activate"}),
    }
)
