"""What sensors, meters and notifications of Z-Wave mean in Home Assistant's vocabulary.

Sensor types, meters and notifications have numbers of the Z-Wave Alliance; Z-Wave JS calls properties by the sensor's name.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.vocabulary import slug


@dataclass(frozen=True, slots=True)
class Meaning:
    """`metric`: the capability's name. `factor`, `offset`: value = raw * factor + offset, in `unit`."""

    metric: str
    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = "measurement"
    factor: float = 1
    offset: float = 0


# Units as Z-Wave JS writes them -> (ours, factor, offset).
_UNITS: Final = MappingProxyType(
    {
        "°F": ("°C", 5 / 9, -160 / 9),
        "Lux": ("lx", 1, 0),
        "Wh": ("kWh", 0.001, 0),
        "mA": ("A", 0.001, 0),
        "mV": ("V", 0.001, 0),
        "W": ("W", 1, 0),
        "dB": ("dB", 1, 0),
        "μg/m³": ("µg/m³", 1, 0),
        "m3/h": ("m³/h", 1, 0),
        "m³/h": ("m³/h", 1, 0),
        "inHg": ("hPa", 33.8639, 0),
        "Inches of Mercury": ("hPa", 33.8639, 0),
        "kPa": ("hPa", 10, 0),
        "l/h": ("m³/h", 0.001, 0),
        "cubic feet": ("ft³", 1, 0),
        "US gallons": ("gal", 1, 0),
        "US gallon": ("gal", 1, 0),
        "Cubic feet": ("ft³", 1, 0),
        "kW": ("W", 1000, 0),
        "mph": ("m/s", 0.44704, 0),
        "ppm": ("ppm", 1, 0),
        "Pulse count": ("pulses", 1, 0),
    }
)

# By the sensor's name: (metric, device class). The unit decides whether the class fits.
_SENSORS: Final = MappingProxyType(
    {
        "air temperature": ("temperature", "temperature"),
        "humidity": ("humidity", "humidity"),
        "illuminance": ("illuminance", "illuminance"),
        "power": ("power", "power"),
        "voltage": ("voltage", "voltage"),
        "current": ("current", "current"),
        "frequency": ("frequency", "frequency"),
        "carbon dioxide (CO₂) level": ("co2", "carbon_dioxide"),
        "carbon monoxide (CO) level": ("co", "carbon_monoxide"),
        "particulate matter 2.5": ("pm25", "pm25"),
        "particulate matter 10": ("pm10", "pm10"),
        "particulate matter 1": ("pm1", "pm1"),
        "volatile organic compound level": ("voc", None),
        "barometric pressure": ("pressure", "atmospheric_pressure"),
        "atmospheric pressure": ("pressure", "atmospheric_pressure"),
        "ultraviolet": ("uv_index", None),
        "loudness": ("noise", "sound_pressure"),
        "velocity": ("wind_speed", "wind_speed"),
        "rain rate": ("rain_rate", "precipitation_intensity"),
        "dew point": ("dew_point", "temperature"),
        "moisture": ("soil_moisture", "moisture"),
        "soil humidity": ("soil_moisture", "moisture"),
        "weight": ("weight", "weight"),
        "distance": ("distance", "distance"),
        "water flow": ("flow", "volume_flow_rate"),
        "rf signal strength": ("signal", "signal_strength"),
    }
)
_CLASS_UNITS: Final = MappingProxyType(
    {
        "temperature": ("°C", "K"), "humidity": ("%",), "illuminance": ("lx",), "power": ("W",), "voltage": ("V",),
        "current": ("A",), "frequency": ("Hz", "kHz"), "carbon_dioxide": ("ppm",), "carbon_monoxide": ("ppm",),
        "pm25": ("µg/m³",), "pm10": ("µg/m³",), "pm1": ("µg/m³",), "atmospheric_pressure": ("hPa",),
        "sound_pressure": ("dB", "dBA"), "wind_speed": ("m/s",), "precipitation_intensity": ("mm/h",), "moisture": ("%",),
        "weight": ("kg",), "distance": ("m", "cm"), "volume_flow_rate": ("m³/h",), "signal_strength": ("dBm",),
    }
)  # fmt: skip
_BY_SLUG: Final = MappingProxyType({slug(name): meaning for name, meaning in _SENSORS.items()})


def sensor_meaning(name: str, unit: str | None) -> Meaning:
    unit, factor, offset = _converted(unit)
    metric, device_class = _BY_SLUG.get(slug(name), (slug(name) or "value", None))
    if device_class is None and "temperature" in metric:
        device_class = "temperature"
    if device_class is not None and unit not in _CLASS_UNITS.get(device_class, ()):
        device_class = None
    if metric == "humidity" and device_class is None:
        metric = "absolute_humidity"
    return Meaning(metric, device_class, unit, "measurement", factor, offset)


def _converted(unit: str | None) -> tuple[str | None, float, float]:
    return _UNITS.get(unit or "", (unit, 1, 0))


_ELECTRIC, _GAS, _WATER, _HEATING, _COOLING = 1, 2, 3, 4, 5
# Scales of the electric meter.
_METRICS: Final = MappingProxyType(
    {
        "kWh": ("energy", "energy", "total_increasing"),
        "kVAh": ("apparent_energy", None, "total_increasing"),
        "W": ("power", "power", "measurement"),
        "V": ("voltage", "voltage", "measurement"),
        "A": ("current", "current", "measurement"),
        "kVar": ("reactive_power", None, "measurement"),
        "kVarh": ("reactive_energy", None, "total_increasing"),
        "pulses": ("pulses", None, "total_increasing"),
        "m³": ("volume", None, "total_increasing"),
        "ft³": ("volume", None, "total_increasing"),
        "gal": ("volume", None, "total_increasing"),
    }
)
_POWER_FACTOR_SCALE: Final = 6
_VOLUMES: Final = MappingProxyType({_GAS: ("gas", "gas"), _WATER: ("water", "water")})
_PRODUCED: Final = 2


def meter_meaning(meter_type: int | None, scale: int | None, rate: int | None, unit: str | None) -> Meaning:
    unit, factor, offset = _converted(unit)
    metric, device_class, state_class = _METRICS.get(unit or "", ("meter", None, "measurement"))
    if metric == "volume":
        metric, device_class = _VOLUMES.get(meter_type or 0, ("volume", None))
    elif meter_type in {_HEATING, _COOLING} and metric == "energy":
        metric = "heat_energy" if meter_type == _HEATING else "cooling_energy"
    elif meter_type == _ELECTRIC and scale == _POWER_FACTOR_SCALE:
        metric, device_class, unit = "power_factor", "power_factor", None
    if rate == _PRODUCED:
        metric = f"{metric}_produced"
    return Meaning(metric, device_class, unit, state_class, factor, offset)


@dataclass(frozen=True, slots=True)
class Alarm:
    """`on`: the numbers that mean yes; the others mean no."""

    key: str
    device_class: str | None
    on: frozenset[int]
    is_diagnostic: bool = False


# (notification type, its variable or None for any) -> what it is about. https://zwave-js.github.io/zwave-js/#/config-files/notifications
_DOOR_OPEN: Final = 22
_ALARMS: Final = MappingProxyType(
    {
        (1, "Sensor status"): ("smoke", "smoke", False),
        (1, "Alarm status"): ("smoke_silenced", None, True),
        (2, "Sensor status"): ("carbon_monoxide", "carbon_monoxide", False),
        (3, "Sensor status"): ("carbon_dioxide", "gas", False),
        (4, "Heat sensor status"): ("heat", "heat", False),
        (5, "Sensor status"): ("water_leak", "moisture", False),
        (6, "Door state"): ("door", "door", False),
        (6, "Door state (simple)"): ("door", "door", False),
        (6, "Window/door state"): ("door", "door", False),
        (7, "Cover status"): ("tamper", "tamper", True),
        (7, "Motion sensor status"): ("motion", "motion", False),
        (7, "Sensor status"): ("intrusion", "safety", False),
        (8, "Power status"): ("power_applied", "power", True),
        (8, "Mains status"): ("mains_lost", "problem", True),
        (8, "Over-load status"): ("overload", "problem", False),
        (8, "Over-current status"): ("over_current", "problem", False),
        (8, "Over-voltage status"): ("over_voltage", "problem", False),
        (14, "Siren status"): ("siren_active", "sound", True),
        (16, "Rain alarm"): ("rain", "moisture", False),
        (18, "Combustible gas status"): ("gas", "gas", False),
        (18, "Sensor status"): ("gas", "gas", False),
    }
)
# What of the type says that something is wrong.
_PROBLEMS: Final = frozenset({1, 2, 3, 4, 5, 8, 9, 12, 15, 18})
_WELL: Final = ("idle", "fully charged", "closed")


def alarm_meaning(notification: int | None, variable: str, states: dict[int, str]) -> Alarm | None:
    """None: it says more than yes or no, and is told in words."""
    if {_DOOR_OPEN, 23} <= states.keys():
        return Alarm("door", "door", frozenset({_DOOR_OPEN}))
    on = frozenset(number for number, words in states.items() if not any(well in words.lower() for well in _WELL))
    known = _ALARMS.get((notification or 0, variable))
    if known is not None:
        return Alarm(known[0], known[1], on, known[2])
    if 0 not in states or len(states) != 2 or len(on) != 1:
        return None
    words = states[next(iter(on))]
    return Alarm(slug(words), "problem" if notification in _PROBLEMS else None, on, is_diagnostic=True)


# Binary Sensor command class: by the sensor's name.
BINARY: Final = MappingProxyType(
    {
        "Smoke": ("smoke", "smoke"),
        "CO": ("carbon_monoxide", "carbon_monoxide"),
        "CO2": ("carbon_dioxide", "gas"),
        "Heat": ("heat", "heat"),
        "Water": ("water_leak", "moisture"),
        "Freeze": ("freeze", "cold"),
        "Tamper": ("tamper", "tamper"),
        "Aux": ("aux", None),
        "Door/Window": ("door", "door"),
        "Tilt": ("tilt", "opening"),
        "Motion": ("motion", "motion"),
        "Glass Break": ("glass_break", "vibration"),
        "Any": ("sensor", None),
        "General Purpose": ("sensor", None),
    }
)


# A sensor of "any" kind: what it is for stands in the maker's description.
_WORDS: Final = (
    (re.compile(r"door|window|contact", re.IGNORECASE), "door"),
    (re.compile(r"motion|\bpir\b|multisensor", re.IGNORECASE), "motion"),
    (re.compile(r"flood|leak|water", re.IGNORECASE), "moisture"),
    (re.compile(r"smoke", re.IGNORECASE), "smoke"),
)


def class_in_words(description: str) -> str | None:
    return next((device_class for pattern, device_class in _WORDS if pattern.search(description)), None)


def convert(meaning_factor: float, meaning_offset: float, raw: float) -> float:
    return given.tidy(raw * meaning_factor + meaning_offset)
