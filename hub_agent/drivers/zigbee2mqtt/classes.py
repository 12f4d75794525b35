"""What the names and units of Zigbee2MQTT's properties mean in Home Assistant's vocabulary."""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    device_class: str | None = None
    state_class: str | None = None


_UNITS: Final = MappingProxyType(
    {
        "C": "°C", "ºC": "°C", "℃": "°C", "℉": "°F",
        "Lx": "lx", "lux": "lx",
        "sec": "s", "Sec": "s", "seconds": "s", "minute": "min", "minutes": "min", "hours": "h", "day": "d", "days": "d",
        "VAr": "var", "VAR": "var", "kVArh": "kvarh", "ug/m3": "µg/m³", "μg/m³": "µg/m³", "mg/m3": "mg/m³",
    }
)  # fmt: skip


def unit_of(unit: str | None) -> str | None:
    """One spelling per unit: converters spell them in many ways."""
    stripped = (unit or "").strip()[:32]
    return _UNITS.get(stripped, stripped) or None


# By the property's name: (device class, units it may have; empty for any). A class without its unit is no class.
_NUMERIC: Final = MappingProxyType(
    {
        "battery": ("battery", ("%",)),
        "humidity": ("humidity", ("%",)),
        "soil_moisture": ("moisture", ("%",)),
        "soil_humidity": ("moisture", ("%",)),
        "pressure": ("atmospheric_pressure", ("hPa", "kPa", "Pa", "mbar", "bar")),
        "co2": ("carbon_dioxide", ("ppm",)),
        "eco2": ("carbon_dioxide", ("ppm",)),
        "co": ("carbon_monoxide", ("ppm",)),
        "pm25": ("pm25", ("µg/m³",)),
        "pm10": ("pm10", ("µg/m³",)),
        "pm1": ("pm1", ("µg/m³",)),
        "voc": ("volatile_organic_compounds", ("µg/m³",)),
        "aqi": ("aqi", ()),
        "power_factor": ("power_factor", ()),
        "water_consumed": ("water", ("L", "m³")),
        "noise": ("sound_pressure", ("dB", "dBA")),
        "wind_speed": ("wind_speed", ("m/s", "km/h")),
    }
)
_BY_UNIT: Final = MappingProxyType(
    {
        "°C": "temperature", "°F": "temperature", "W": "power", "kW": "power", "kWh": "energy", "Wh": "energy",
        "V": "voltage", "mV": "voltage", "A": "current", "mA": "current", "Hz": "frequency", "lx": "illuminance",
        "hPa": "pressure", "kPa": "pressure", "VA": "apparent_power", "var": "reactive_power", "dBm": "signal_strength",
        "s": "duration", "min": "duration", "h": "duration", "d": "duration", "ms": "duration", "m": "distance",
        "cm": "distance", "mm": "distance", "km": "distance", "m³/h": "volume_flow_rate", "L/min": "volume_flow_rate",
        "m/s": "speed", "µS/cm": "conductivity",
    }
)  # fmt: skip
_TOTALS: Final = frozenset({"energy", "water"})
# Numbers without a class of their own that are measured nevertheless.
_MEASURED: Final = frozenset(
    {"linkquality", "voc", "voc_index", "hcho", "formaldehyd", "gas_density", "smoke_density", "people", "power_factor",
     "illuminance", "position", "pi_heating_demand", "occupancy_level", "rssi"}
)  # fmt: skip
# Differences and limits are in degrees, too, but are no temperatures.
_NO_READING: Final = re.compile(
    r"calibration|offset|sensitivity|deadzone|hysteresis|threshold|precision|interval|delta", re.IGNORECASE
)


def numeric_meaning(name: str, unit: str | None) -> Meaning:
    known = _NUMERIC.get(name)
    if known is not None:
        device_class = known[0] if not known[1] or unit in known[1] else None
    elif unit is None or _NO_READING.search(name):
        device_class = None
    else:
        device_class = _BY_UNIT.get(unit)
    if device_class in _TOTALS:
        return Meaning(device_class, "total_increasing")
    is_measured = device_class not in {None, "duration"} or name in _MEASURED
    return Meaning(device_class, "measurement" if is_measured else None)


BINARY: Final = MappingProxyType(
    {
        "battery_low": "battery",
        "carbon_monoxide": "carbon_monoxide",
        "carbon_monoxide_alarm": "carbon_monoxide",
        "consumer_connected": "connectivity",
        "contact": "door",
        "garage_door_contact": "garage_door",
        "gas": "gas",
        "moving": "moving",
        "noise_detected": "sound",
        "occupancy": "motion",
        "motion": "motion",
        "presence": "presence",
        "rain": "moisture",
        "smoke": "smoke",
        "sos": "safety",
        "tamper": "tamper",
        "vibration": "vibration",
        "water_leak": "moisture",
        "window": "window",
        "window_open": "window",
        "charging": "battery_charging",
        "ac_connected": "plug",
    }
)

_NUMBERED: Final = re.compile(r"(_alarm)?(_[0-9]{1,2}|_phase_[a-z]|_[a-d])?$")


def plain_name(name: str) -> str:
    """ "water_leak_alarm_1" -> "water_leak": one of several of the same kind."""
    return _NUMBERED.sub("", name, count=1)


DIAGNOSTIC: Final = frozenset(
    {"battery", "battery_low", "battery_state", "battery_voltage", "linkquality", "device_temperature", "cpu_temperature",
     "power_outage_count", "trigger_count", "test", "ac_frequency", "reported_packages", "rejoin_count", "reboot_count"}
)  # fmt: skip

# Settable things that people use every day; any other generic setting is a matter of configuration.
EVERYDAY: Final = frozenset(
    {"state", "alarm", "siren", "volume", "position", "mode", "preset", "fan_mode", "speed", "brightness", "feed",
     "valve_state", "boost_heating", "away_mode", "melody", "trigger"}
)  # fmt: skip


def title(name: str) -> str:
    """ "power_on_behavior" -> "Power on behavior": for models that come without labels."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
