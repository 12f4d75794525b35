"""What a component measures: where it stands, what it is called, and in which unit. One table per kind of component."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

WH_IN_KWH: Final = 0.001
_LIMITS_BY_METRIC: Final = MappingProxyType({"tilt": (0, 180), "illuminance": (0, 1_000_000)})
WATT_MINUTES_IN_KWH: Final = 1 / 60_000


@dataclass(frozen=True, slots=True)
class Measure:
    """`path` within the component's status; `factor` from the device's unit to `unit`. `text`: a word instead of a number."""

    path: tuple[str, ...]
    metric: str
    name: str
    unit: str | None = None
    device_class: str | None = None
    factor: float = 1
    category: str | None = None
    is_total: bool = False
    text: bool = False

    @property
    def limits(self) -> tuple[float, float] | None:
        """What it can be: sensors that fail say -275 °C, -2 % or 999."""
        if self.device_class == "temperature":
            return -100, 300
        return (0, 100) if self.unit == "%" else _LIMITS_BY_METRIC.get(self.metric)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that is or is not. `on`: the word that means yes, where it is not true."""

    path: tuple[str, ...]
    metric: str
    name: str
    device_class: str | None = None
    category: str | None = None
    on: str | None = None


def _energy(path: tuple[str, ...], metric: str, name: str, factor: float = WH_IN_KWH) -> Measure:
    return Measure(path, metric, name, "kWh", "energy", factor, is_total=True)


_DIAGNOSTIC: Final = "diagnostic"
_WARMTH: Final = Measure(
    ("temperature", "tC"), "device_temperature", "Device temperature", "°C", "temperature", category=_DIAGNOSTIC
)
INNER_WARMTH: Final = Measure(
    ("tC",), "device_temperature", "Device temperature", "°C", "temperature", category=_DIAGNOSTIC
)
_METER: Final = (
    Measure(("apower",), "power", "Power", "W", "power"),
    Measure(("voltage",), "voltage", "Voltage", "V", "voltage"),
    Measure(("current",), "current", "Current", "A", "current"),
    Measure(("pf",), "power_factor", "Power factor", None, "power_factor"),
    Measure(("freq",), "frequency", "Frequency", "Hz", "frequency"),
    _energy(("aenergy", "total"), "energy", "Energy"),
    _energy(("ret_aenergy", "total"), "returned_energy", "Returned energy"),
    _WARMTH,
)
_PHASE: Final = (
    ("act_power", "power", "power", "W", "power"),
    ("aprt_power", "apparent_power", "apparent power", "VA", "apparent_power"),
    ("voltage", "voltage", "voltage", "V", "voltage"),
    ("current", "current", "current", "A", "current"),
    ("pf", "power_factor", "power factor", None, "power_factor"),
    ("freq", "frequency", "frequency", "Hz", "frequency"),
)


def _phases() -> Iterator[Measure]:
    for phase in ("a", "b", "c"):
        for field, metric, name, unit, device_class in _PHASE:
            yield Measure((f"{phase}_{field}",), metric, f"Phase {phase.upper()} {name}", unit, device_class)
    yield Measure(("n_current",), "current", "Neutral current", "A", "current")
    yield Measure(("total_current",), "current", "Total current", "A", "current")
    yield Measure(("total_act_power",), "power", "Power", "W", "power")
    yield Measure(("total_aprt_power",), "apparent_power", "Total apparent power", "VA", "apparent_power")


def _phase_totals() -> Iterator[Measure]:
    for phase in ("a", "b", "c"):
        yield _energy((f"{phase}_total_act_energy",), "energy", f"Phase {phase.upper()} energy")
        yield _energy((f"{phase}_total_act_ret_energy",), "returned_energy", f"Phase {phase.upper()} returned energy")
    yield _energy(("total_act",), "energy", "Energy")
    yield _energy(("total_act_ret",), "returned_energy", "Returned energy")


_SINGLE_PHASE: Final = tuple(
    Measure((field,), metric, name.capitalize(), unit, device_class)
    for field, metric, name, unit, device_class in _PHASE
)
_RSSI: Final = Measure(("rssi",), "rssi", "Signal", "dBm", "signal_strength", category=_DIAGNOSTIC)

# By the kind of component: the part of its key before the colon.
MEASURES: Final[Mapping[str, tuple[Measure, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(("switch", "light", "rgb", "rgbw", "cct", "rgbcct", "cover", "pm1"), _METER),
        "cb": (_WARMTH, Measure(("total_cycles",), "cycles", "Cycles", category=_DIAGNOSTIC)),
        "em": tuple(_phases()),
        "emdata": tuple(_phase_totals()),
        "em1": _SINGLE_PHASE,
        "em1data": (
            _energy(("total_act_energy",), "energy", "Energy"),
            _energy(("total_act_ret_energy",), "returned_energy", "Returned energy"),
        ),
        "temperature": (Measure(("tC",), "temperature", "Temperature", "°C", "temperature"),),
        "humidity": (Measure(("rh",), "humidity", "Humidity", "%", "humidity"),),
        "illuminance": (
            Measure(("lux",), "illuminance", "Illuminance", "lx", "illuminance"),
            Measure(("illumination",), "illumination", "Illumination", text=True),
        ),
        "voltmeter": (
            Measure(("voltage",), "voltage", "Voltage", "V", "voltage"),
            Measure(("xvoltage",), "measured_value", "Measured value"),
        ),
        "devicepower": (
            Measure(("battery", "percent"), "battery", "Battery", "%", "battery", category=_DIAGNOSTIC),
            Measure(("battery", "V"), "battery_voltage", "Battery voltage", "V", "voltage", category=_DIAGNOSTIC),
        ),
        "input": (
            Measure(("percent",), "input_level", "Level", "%"),
            Measure(("xpercent",), "measured_value", "Measured value"),
            Measure(("counts", "total"), "count", "Count", is_total=True),
            Measure(("freq",), "frequency", "Frequency", "Hz", "frequency"),
        ),
        "thermostat": (Measure(("current_humidity",), "humidity", "Humidity", "%", "humidity"),),
        "blutrv": (
            Measure(("pos",), "valve_position", "Valve position", "%"),
            Measure(("battery",), "battery", "Battery", "%", "battery", category=_DIAGNOSTIC),
            _RSSI,
        ),
        "presencezone": (Measure(("num_objects",), "people", "Objects"),),
        "wifi": (_RSSI,),
        # First generation.
        "meter": (
            Measure(("power",), "power", "Power", "W", "power"),
            _energy(("total",), "energy", "Energy", WATT_MINUTES_IN_KWH),
        ),
        "emeter": (
            Measure(("power",), "power", "Power", "W", "power"),
            Measure(("reactive",), "reactive_power", "Reactive power", "var", "reactive_power"),
            Measure(("voltage",), "voltage", "Voltage", "V", "voltage"),
            Measure(("current",), "current", "Current", "A", "current"),
            Measure(("pf",), "power_factor", "Power factor", None, "power_factor"),
            _energy(("total",), "energy", "Energy"),
            _energy(("total_returned",), "returned_energy", "Returned energy"),
        ),
        "trv": (Measure(("pos",), "valve_position", "Valve position", "%"),),
        "adc": (Measure(("voltage",), "voltage", "Voltage", "V", "voltage"),),
        "ext_temperature": (Measure(("tC",), "temperature", "Temperature", "°C", "temperature"),),
        "ext_humidity": (Measure(("hum",), "humidity", "Humidity", "%", "humidity"),),
        "device": (
            Measure(("tmp", "tC"), "temperature", "Temperature", "°C", "temperature"),
            Measure(("hum", "value"), "humidity", "Humidity", "%", "humidity"),
            Measure(("lux", "value"), "illuminance", "Illuminance", "lx", "illuminance"),
            Measure(("concentration", "ppm"), "gas_concentration", "Gas concentration", "ppm"),
            Measure(("gas_sensor", "alarm_state"), "gas_alarm", "Gas alarm", text=True),
            Measure(("accel", "tilt"), "tilt", "Tilt", "°"),
            Measure(("voltage",), "voltage", "Voltage", "V", "voltage"),
            Measure(("bat", "value"), "battery", "Battery", "%", "battery", category=_DIAGNOSTIC),
            Measure(("bat", "voltage"), "battery_voltage", "Battery voltage", "V", "voltage", category=_DIAGNOSTIC),
            Measure(("wifi_sta", "rssi"), "rssi", "Signal", "dBm", "signal_strength", category=_DIAGNOSTIC),
        ),
    }
)

SIGNS: Final[Mapping[str, tuple[Sign, ...]]] = MappingProxyType(
    {
        "smoke": (Sign(("alarm",), "smoke", "Smoke", "smoke"), Sign(("mute",), "muted", "Muted", None, _DIAGNOSTIC)),
        "flood": (Sign(("alarm",), "water_leak", "Flood", "moisture"), Sign(("mute",), "muted", "Muted", None, _DIAGNOSTIC)),
        "presencezone": (Sign(("value",), "occupancy", "Presence", "occupancy"),),
        "devicepower": (Sign(("external", "present"), "external_power", "External power", "plug", _DIAGNOSTIC),),
        "cover": (Sign(("safety",), "safety", "Safety", "safety", _DIAGNOSTIC),),
        "cb": (Sign(("safety",), "safety_lever", "Safety lever", None, _DIAGNOSTIC),),
        # First generation.
        "relay": (
            Sign(("overpower",), "overpower", "Overpower", "problem", _DIAGNOSTIC),
            Sign(("overtemperature",), "overheated", "Overheated", "problem", _DIAGNOSTIC),
        ),
        "trv": (Sign(("window_open",), "window_open", "Window open", "window", _DIAGNOSTIC),),
        "device": (
            Sign(("flood",), "water_leak", "Flood", "moisture"),
            Sign(("smoke",), "smoke", "Smoke", "smoke"),
            Sign(("sensor", "motion"), "motion", "Motion", "motion"),
            Sign(("sensor", "vibration"), "vibration", "Vibration", "vibration"),
            Sign(("sensor", "state"), "contact", "Door", "door", on="open"),
            Sign(("accel", "vibration"), "vibration", "Vibration", "vibration"),
            Sign(("charger",), "external_power", "External power", "plug", _DIAGNOSTIC),
            Sign(("overtemperature",), "overheated", "Overheated", "problem", _DIAGNOSTIC),
            Sign(("ext_switch", "0", "input"), "external_input", "External input"),
        ),
    }
)  # fmt: skip


def measured(component: str, status: JsonObject, label: str = "") -> Iterator[AdvertisedEntity]:
    """The sensors of a component. `label` stands before their names where the device has several of its kind."""
    kind = component.partition(":")[0]
    for measure in MEASURES.get(kind, ()):
        if _is_there(status, measure.path):
            yield sensor(component, measure, label)
    for sign in SIGNS.get(kind, ()):
        if given.at(status, *sign.path) is not None:
            yield binary(component, sign, label)


def _is_there(status: JsonObject, path: tuple[str, ...]) -> bool:
    """Null is a value that is not known yet; what is not listed is not measured."""
    return path[-1] in given.mapping(status, *path[:-1])


def key_of(component: str, *rest: str) -> str:
    return "_".join((component.replace(":", "_"), *rest))


def sensor(component: str, measure: Measure, label: str = "", name: str | None = None) -> AdvertisedEntity:
    native: dict[str, JsonValue] = {
        "kind": "word" if measure.text else "number",
        "component": component,
        "path": list(measure.path),
    }
    if measure.limits is not None:
        native["limits"] = list(measure.limits)
    if measure.factor != 1:
        native["factor"] = measure.factor
    capability = Capability("text") if measure.text else Capability("float", unit=measure.unit)
    return AdvertisedEntity(
        key=key_of(component, *measure.path),
        domain="sensor",
        name=name or _named(label, measure.name),
        device_class=measure.device_class,
        unit=measure.unit,
        state_class=None if measure.text else "total_increasing" if measure.is_total else "measurement",
        category=measure.category,
        capabilities={measure.metric: capability},
        native=native,
    )


def binary(component: str, sign: Sign, label: str = "", name: str | None = None) -> AdvertisedEntity:
    native: dict[str, JsonValue] = {"kind": "binary", "component": component, "path": list(sign.path)}
    if sign.on is not None:
        native["on"] = sign.on
    return AdvertisedEntity(
        key=key_of(component, *sign.path),
        domain="binary_sensor",
        name=name or _named(label, sign.name),
        device_class=sign.device_class,
        category=sign.category,
        capabilities={sign.metric: Capability("bool")},
        native=native,
    )


def _named(label: str, name: str) -> str:
    return f"{label} {name[:1].lower()}{name[1:]}" if label else name
