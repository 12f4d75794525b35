"""Sensors, from the shape of the SENSOR message that the device shows beforehand in `tasmota/discovery/<mac>/sensors`.

A value is found by its path, `ENERGY` `Power` 1; what it measures is told by the last name that is known: of `TX23` `Speed` `Avg` it is the speed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from hub_agent.drivers.tasmota.part import Part, number_in
from hub_agent.drivers.tasmota.setup import Setup
from hub_agent.drivers.vocabulary import slug
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import EntityReport

SENSORS_MAX: Final = 300
DEPTH_MAX: Final = 5
STATE_CHARS_MAX: Final = 255

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Quantity:
    metric: str
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = "measurement"


_UG: Final = "µg/m³"
# Only the meter's own total is `energy`: what else counts kWh is a part of it, and would be counted twice.
_QUANTITIES: Final[Mapping[str, Quantity]] = {
    "Temperature": Quantity("temperature", "°C", "temperature"),
    "OBJTMP": Quantity("temperature", "°C", "temperature"),
    "AMBTMP": Quantity("ambient_temperature", "°C", "temperature"),
    "ProbeTemperature": Quantity("temperature", "°C", "temperature"),
    "ReferenceTemperature": Quantity("reference_temperature", "°C", "temperature"),
    "DewPoint": Quantity("dew_point", "°C", "temperature"),
    "HeatIndex": Quantity("heat_index", "°C", "temperature"),
    "Humidity": Quantity("humidity", "%", "humidity"),
    "Pressure": Quantity("pressure", "hPa", "atmospheric_pressure"),
    "SeaPressure": Quantity("sea_pressure", "hPa", "atmospheric_pressure"),
    "Illuminance": Quantity("illuminance", "lx", "illuminance"),
    "Ambient": Quantity("illuminance", "lx", "illuminance"),
    "Moisture": Quantity("moisture", "%", "moisture"),
    "Battery": Quantity("battery", "%", "battery"),
    "CarbonDioxide": Quantity("co2", "ppm", "carbon_dioxide"),
    "eCO2": Quantity("eco2", "ppm", "carbon_dioxide"),
    "TVOC": Quantity("tvoc", "ppb", "volatile_organic_compounds_parts"),
    "PM1": Quantity("pm1", _UG, "pm1"),
    "PM2.5": Quantity("pm25", _UG, "pm25"),
    "PM10": Quantity("pm10", _UG, "pm10"),
    "PM4": Quantity("pm4", _UG),
    "PM1_0": Quantity("pm1", _UG, "pm1"),
    "PM2_5": Quantity("pm25", _UG, "pm25"),
    "PM4_0": Quantity("pm4", _UG),
    "CF1": Quantity("cf1", _UG),
    "CF2.5": Quantity("cf25", _UG),
    "CF10": Quantity("cf10", _UG),
    "Distance": Quantity("distance", "cm", "distance"),
    "Weight": Quantity("weight", "kg", "weight"),
    "Speed": Quantity("wind_speed", "km/h", "wind_speed"),
    "CCT": Quantity("colour_temperature", "K"),
    "Power": Quantity("power", "W", "power"),
    "ActivePower": Quantity("power", "W", "power"),
    "ApparentPower": Quantity("apparent_power", "VA", "apparent_power"),
    "ReactivePower": Quantity("reactive_power", "var", "reactive_power"),
    "Factor": Quantity("power_factor", None, "power_factor"),
    "Frequency": Quantity("frequency", "Hz", "frequency"),
    "Voltage": Quantity("voltage", "V", "voltage"),
    "Current": Quantity("current", "A", "current"),
    "CurrentNeutral": Quantity("current_neutral", "A", "current"),
    "PhaseAngle": Quantity("phase_angle", "°"),
    "Total": Quantity("energy", "kWh", "energy", "total_increasing"),
    "Today": Quantity("energy_today", "kWh", None, "total_increasing"),
    "Yesterday": Quantity("energy_yesterday", "kWh", None, None),
    "Period": Quantity("energy_period", "Wh", None, None),
    "TotalTariff": Quantity("energy_tariff", "kWh", None, "total_increasing"),
    "ImportActive": Quantity("energy_imported", "kWh", None, "total_increasing"),
    "ExportActive": Quantity("energy_exported", "kWh", None, "total_increasing"),
    "ExportTariff": Quantity("energy_exported_tariff", "kWh", None, "total_increasing"),
    "ImportReactive": Quantity("reactive_energy_imported", "kvarh", None, "total_increasing"),
    "ExportReactive": Quantity("reactive_energy_exported", "kvarh", None, "total_increasing"),
    "Flow": Quantity("flow", "L/min", "volume_flow_rate"),
    "Noise": Quantity("noise", "dB", "sound_pressure"),
    "UvIndex": Quantity("uv_index"),
    "UvLevel": Quantity("uv_level"),
}  # fmt: skip

# What a sensor calls by a word that means another thing elsewhere: how far away the lightning is.
_OF_SENSORS: Final[Mapping[tuple[str, str], Quantity]] = {
    ("AS3935", "Distance"): Quantity("lightning_distance", "km", "distance"),
}

_Convert: TypeAlias = Callable[[float], float]
_TO_CELSIUS: Final[Mapping[str, _Convert]] = {
    "F": lambda value: (value - 32) * 5 / 9,
    "K": lambda value: value - 273.15,
}
_TO_HPA: Final[Mapping[str, _Convert]] = {
    "mmHg": lambda value: value * 1.33322387415,
    "inHg": lambda value: value * 33.8638866667,
    "kPa": lambda value: value * 10,
    "Pa": lambda value: value / 100,
}
_TO_KMH: Final[Mapping[str, _Convert]] = {
    "m/s": lambda value: value * 3.6,
    "kn": lambda value: value * 1.852,
    "mph": lambda value: value * 1.609344,
    "ft/s": lambda value: value * 1.09728,
    "yd/s": lambda value: value * 3.29184,
}
_CONVERT_BY_UNIT: Final[Mapping[str, tuple[str, Mapping[str, _Convert]]]] = {
    "°C": ("TempUnit", _TO_CELSIUS),
    "hPa": ("PressureUnit", _TO_HPA),
    "km/h": ("SpeedUnit", _TO_KMH),
}
_NO_SENSORS: Final = frozenset(
    {"Time", "TempUnit", "PressureUnit", "SpeedUnit", "TotalStartTime", "Id", "PN532", "RDM6300"}
)
_NUMBERED: Final = re.compile(r"(?<=[A-Za-z])\d{1,2}$")
_ELSEWHERE: Final = re.compile(r"(Switch|Shutter|Button)\d{1,2}")


def sensors(setup: Setup, sn: JsonObject) -> list[Part]:
    named = {name for name in setup.switch_names if name}
    units = {key: value for key, value in sn.items() if isinstance(value, str) and key.endswith("Unit")}
    parts: dict[str, Part] = {}
    for path, value in _leaves(sn, ()):
        if len(parts) >= SENSORS_MAX:
            break
        if path[0] in named or _ELSEWHERE.fullmatch(str(path[0])):
            continue  # inputs and shutters tell their state here, too
        key = "sensor_" + slug("_".join(str(step) for step in path))
        while key in parts:
            key += "_"
        parts[key] = Sensor(key, path, value, units)
    return list(parts.values())


def _leaves(value: JsonValue, path: Path) -> Iterator[tuple[Path, JsonValue]]:
    if isinstance(value, Mapping):
        for name, child in value.items() if len(path) < DEPTH_MAX else ():
            if name not in _NO_SENSORS and len(name) <= 60:
                yield from _leaves(child, (*path, name))
    elif isinstance(value, list):
        for place, child in enumerate(value[:16] if len(path) < DEPTH_MAX else ()):
            yield from _leaves(child, (*path, place))
    elif path:
        yield path, value


class Sensor(Part):
    def __init__(self, key: str, path: Path, example: JsonValue, units: Mapping[str, str]) -> None:
        self._path = path
        quantity = _quantity(path)
        self._is_numeric = quantity is not None or example is None or number_in(example) is not None
        self._unit_key, self._convert_by_word = _CONVERT_BY_UNIT.get((quantity and quantity.unit) or "", ("", {}))
        # What the device counts in; a message may say otherwise.
        self._unit_word = units.get(self._unit_key, "")
        metric = quantity.metric if quantity else slug(str(path[-1])) or "value"
        super().__init__(
            AdvertisedEntity(
                key,
                "sensor",
                name=_name(path),
                device_class=quantity.device_class if quantity else None,
                unit=quantity.unit if quantity else None,
                state_class=quantity.state_class if quantity else "measurement" if self._is_numeric else None,
                category="diagnostic" if str(path[0]).startswith("ESP32") else None,
                capabilities={
                    metric: Capability("float", unit=quantity.unit if quantity else None)
                    if self._is_numeric
                    else Capability("text")
                },
            )
        )

    def read(self, body: JsonObject) -> EntityReport | None:
        value = _at(body, self._path)
        if value is None:
            return None
        if not self._is_numeric:
            text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
            return EntityReport(self.entity.key, text[:STATE_CHARS_MAX]) if text else None
        number = number_in(value)
        if number is None:
            return None
        word = body.get(self._unit_key) if self._unit_key else None
        convert = self._convert_by_word.get(word if isinstance(word, str) else self._unit_word)
        state = round(convert(number), 3) if convert is not None else number
        return EntityReport(self.entity.key, f"{state:g}" if abs(state) < 1e5 and convert else str(state))


def _quantity(path: Path) -> Quantity | None:
    """By the last name that is known; lightning and radar have an `Energy` that is none."""
    if len(path) == 2 and (path[0], path[1]) in _OF_SENSORS:
        return _OF_SENSORS[str(path[0]), str(path[1])]
    for step in reversed(path):
        if isinstance(step, str):
            known = _QUANTITIES.get(step) or _QUANTITIES.get(_NUMBERED.sub("", step))
            if known is not None:
                return known
    return None


def _name(path: Path) -> str:
    *device, _ = path
    words = [str(step + 1) if isinstance(step, int) else step for step in path]
    if words[0] == "ENERGY":
        words = words[1:] if device else words
    if words[0] in _QUANTITIES:
        words[0] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words[0]).capitalize()
        if words[0] in {"Total", "Today", "Yesterday", "Period"}:
            words[0] = f"Energy {words[0].lower()}"
    return " ".join(words)[:120]


def _at(body: JsonValue, path: Path) -> JsonValue:
    """A device with one phase may say a number where it has said a list before, and the other way round."""
    for step in path:
        if isinstance(step, int):
            if isinstance(body, list):
                body = body[step] if step < len(body) else None
            elif step:
                return None
        else:
            body = body.get(step) if isinstance(body, Mapping) else None
    if isinstance(body, list):
        body = body[0] if body else None
    return None if isinstance(body, Mapping | list) else body


def own_sensors(setup: Setup) -> list[Part]:
    """What a device tells of itself in STATE."""
    parts: list[Part] = [
        Own(
            "signal_strength",
            "Signal strength",
            ("Wifi", "Signal"),
            Quantity("signal_strength", "dBm", "signal_strength"),
        ),
        Own("uptime", "Uptime", ("UptimeSec",), Quantity("uptime", "s", "duration", None)),
    ]
    if setup.has_battery:
        parts.append(Own("battery", "Battery", ("BatteryPercentage",), Quantity("battery", "%", "battery")))
    return parts


class Own(Part):
    def __init__(self, key: str, name: str, path: Path, quantity: Quantity) -> None:
        self._path = path
        super().__init__(
            AdvertisedEntity(
                key, "sensor", name=name, device_class=quantity.device_class, unit=quantity.unit, state_class=quantity.state_class,
                category="diagnostic", capabilities={quantity.metric: Capability("float", unit=quantity.unit)},
            )
        )  # fmt: skip

    def read(self, body: JsonObject) -> EntityReport | None:
        number = number_in(_at(body, self._path))
        return (
            EntityReport(self.entity.key, f"{number:g}" if abs(number) < 1e5 else str(round(number)))
            if number is not None
            else None
        )
