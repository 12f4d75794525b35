"""Components that people or gateways add to a device: virtual values, and what Bluetooth sensors of others say."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly.measures import Measure, Sign, binary, key_of, sensor
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

OPTIONS_MAX: Final = 100


def _name(component: str, config: JsonObject) -> str:
    kind, _, number = component.partition(":")
    return given.text(config, "name") or f"{kind.capitalize()} {number[:6]}"


def _native(kind: str, component: str, rpc: str) -> dict[str, JsonValue]:
    return {"kind": kind, "component": component, "path": ["value"], "rpc": rpc}


def _is_label(config: JsonObject) -> bool:
    """Shown, not set: the maker of the component wants it so."""
    return given.text(config, "meta", "ui", "view") == "label"


def _boolean(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    if _is_label(config):
        yield binary(component, Sign(("value",), "value", "Value"), name=_name(component, config))
        return
    yield AdvertisedEntity(
        key=key_of(component),
        domain="switch",
        name=_name(component, config),
        capabilities={"on": Capability("bool", "rw")},
        native=_native("boolean", component, "Boolean"),
    )


def _number(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    unit = given.text(config, "meta", "ui", "unit")
    device_class = _class_of(unit, given.text(config, "role") or "")
    if _is_label(config):
        measure = Measure(("value",), device_class or "value", "Value", unit, device_class)
        yield sensor(component, measure, name=_name(component, config))
        return
    capability = Capability(
        "float",
        "rw",
        unit=unit,
        min=given.number(config, "min"),
        max=given.number(config, "max"),
        step=given.number(config, "meta", "ui", "step"),
    )
    yield AdvertisedEntity(
        key=key_of(component),
        domain="number",
        name=_name(component, config),
        unit=unit,
        device_class=device_class,
        capabilities={"value": capability},
        native=_native("number", component, "Number") | {"limits": [capability.min, capability.max]},
    )


_CLASS_BY_UNIT: Final = MappingProxyType(
    {
        "°C": "temperature",
        "W": "power",
        "kWh": "energy",
        "V": "voltage",
        "A": "current",
        "lx": "illuminance",
        "Hz": "frequency",
    }
)


def _class_of(unit: str | None, role: str) -> str | None:
    """`role`: what the maker of the component says it is for."""
    return "humidity" if unit == "%" and role.endswith("humidity") else _CLASS_BY_UNIT.get(unit or "")


def _text(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    if _is_label(config):
        yield sensor(component, Measure(("value",), "value", "Value", text=True), name=_name(component, config))
        return
    yield AdvertisedEntity(
        key=key_of(component),
        domain="text",
        name=_name(component, config),
        capabilities={"value": Capability("text", "rw")},
        native=_native("word", component, "Text"),
    )


def _enum(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    """Its options are words of the maker's own; `titles` may name them for people."""
    values = given.texts(config, "options")[:OPTIONS_MAX]
    titles = given.mapping(config, "meta", "ui", "titles")
    names = [given.text(titles, value) or value for value in values]
    if len(set(names)) < len(names):
        names = list(values)
    native = _native("choice", component, "Enum") | {"values": dict(zip(names, values, strict=True))}
    yield AdvertisedEntity(
        key=key_of(component),
        domain="sensor" if _is_label(config) else "select",
        name=_name(component, config),
        device_class="enum" if _is_label(config) else None,
        capabilities={"value": Capability("enum", "r" if _is_label(config) else "rw", options=tuple(names))},
        native=native,
    )


def _button(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(component),
        domain="button",
        name=_name(component, config),
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "press", "component": component, "rpc": "Button.Trigger", "event": "single_push"},
    )


# What a number of the BTHome format measures: https://bthome.io/format/. The gateway has applied the factor already.
_BTHOME_MEASURES: Final = MappingProxyType(
    {
        1: Measure(("value",), "battery", "Battery", "%", "battery", category="diagnostic"),
        2: Measure(("value",), "temperature", "Temperature", "°C", "temperature"),
        3: Measure(("value",), "humidity", "Humidity", "%", "humidity"),
        4: Measure(("value",), "pressure", "Pressure", "hPa", "atmospheric_pressure"),
        5: Measure(("value",), "illuminance", "Illuminance", "lx", "illuminance"),
        10: Measure(("value",), "energy", "Energy", "kWh", "energy", is_total=True),
        11: Measure(("value",), "power", "Power", "W", "power"),
        12: Measure(("value",), "voltage", "Voltage", "V", "voltage"),
        18: Measure(("value",), "co2", "CO₂", "ppm", "carbon_dioxide"),
        20: Measure(("value",), "soil_moisture", "Moisture", "%", "moisture"),
        46: Measure(("value",), "humidity", "Humidity", "%", "humidity"),
        63: Measure(("value",), "rotation", "Rotation", "°"),
        64: Measure(("value",), "distance", "Distance", "mm", "distance"),
        69: Measure(("value",), "temperature", "Temperature", "°C", "temperature"),
    }
)
_BTHOME_SIGNS: Final = MappingProxyType(
    {
        21: Sign(("value",), "battery_low", "Battery low", "battery", "diagnostic"),
        26: Sign(("value",), "contact", "Door", "door"),
        27: Sign(("value",), "contact", "Garage door", "garage_door"),
        32: Sign(("value",), "water_leak", "Leak", "moisture"),
        33: Sign(("value",), "motion", "Motion", "motion"),
        35: Sign(("value",), "occupancy", "Occupancy", "occupancy"),
        41: Sign(("value",), "smoke", "Smoke", "smoke"),
        44: Sign(("value",), "vibration", "Vibration", "vibration"),
        45: Sign(("value",), "contact", "Window", "window"),
    }
)
_BTHOME_BUTTON: Final = 58
BLU_PRESSES: Final = ("single_push", "double_push", "triple_push", "long_push", "hold_push")


def _bthome_sensor(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    what = given.number(config, "obj_id")
    if what is None:
        return
    measure, sign = _BTHOME_MEASURES.get(int(what)), _BTHOME_SIGNS.get(int(what))
    named = given.text(config, "name")
    address = given.text(config, "addr") or component
    if measure is not None:
        yield sensor(component, measure, name=named or f"{measure.name} {address}")
    elif sign is not None:
        yield binary(component, sign, name=named or f"{sign.name} {address}")
    elif int(what) == _BTHOME_BUTTON:
        yield AdvertisedEntity(
            key=key_of(component, "event"),
            domain="event",
            name=named or f"Button {address}",
            device_class="button",
            capabilities={"action": Capability("enum", options=BLU_PRESSES)},
            native={"kind": "event", "component": component},
        )


def _bthome_device(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    address = given.text(config, "name") or given.text(config, "addr") or component
    yield sensor(
        component,
        Measure(("rssi",), "rssi", "Signal", "dBm", "signal_strength", category="diagnostic"),
        name=f"Signal {address}",
    )


VIRTUAL: Final[Mapping[str, Callable[[str, JsonObject, JsonObject], Iterator[AdvertisedEntity]]]] = MappingProxyType(
    {
        "boolean": _boolean,
        "number": _number,
        "text": _text,
        "enum": _enum,
        "button": _button,
        "bthomesensor": _bthome_sensor,
        "bthomedevice": _bthome_device,
    }
)
