"""Components of the second generation and later, as entities.

Each entity's `native` names its `component` (`switch:0`) and says what reading.py and writing.py need: `kind` (which of their functions),
`path` within the component's status, `rpc` (the name that its methods begin with).
https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Introduction
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly.measures import INNER_WARMTH, Sign, binary, key_of, measured, sensor
from hub_agent.drivers.shelly.virtual import VIRTUAL
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

ENTITIES_MAX: Final = 250
COMPONENTS_MAX: Final = 128

PRESSES: Final = ("single_push", "double_push", "triple_push", "long_push", "btn_down", "btn_up")

_RPC: Final = MappingProxyType(
    {"switch": "Switch", "light": "Light", "rgb": "RGB", "rgbw": "RGBW", "cct": "CCT", "rgbcct": "RGBCCT", "cover": "Cover", "cb": "CB"}
)  # fmt: skip
_TITLES: Final = MappingProxyType(
    {"switch": "Switch", "light": "Light", "rgb": "Light", "rgbw": "Light", "cct": "White", "rgbcct": "Light", "cover": "Cover",
     "cb": "Circuit breaker", "thermostat": "Thermostat", "blutrv": "Valve", "input": "Input", "em1": "Channel", "em1data": "Channel",
     "pm1": "Channel", "voltmeter": "Voltmeter", "temperature": "Sensor", "humidity": "Sensor", "presencezone": "Zone"}
)  # fmt: skip


def entities_of(status: JsonObject, config: JsonObject) -> tuple[AdvertisedEntity, ...]:
    """`status` and `config` by component: `{"switch:0": {...}}`, those of the dynamic components among them."""
    made: dict[str, AdvertisedEntity] = {}
    mains = [name for name in islice(status, COMPONENTS_MAX) if _kind(name) in _MAINS]
    for name in sorted(islice(status, COMPONENTS_MAX)):
        body = given.mapping(status, name)
        settings = given.mapping(config, name)
        label = _label(name, settings, status)
        for entity in _entities(name, body, settings, label, is_sole=mains == [name], is_inner=_is_inner(name, status)):
            if len(made) < ENTITIES_MAX - 2:
                made.setdefault(entity.key, entity)
    made["update"] = update_entity("sys")
    made["reboot"] = reboot_entity()
    return tuple(made.values())


def update_entity(component: str) -> AdvertisedEntity:
    return AdvertisedEntity(
        key="update",
        domain="update",
        name="Firmware",
        device_class="firmware",
        category="config",
        capabilities={"install": Capability("bool", "w")},
        native={"kind": "update", "component": component},
    )


def reboot_entity() -> AdvertisedEntity:
    return AdvertisedEntity(
        key="reboot",
        domain="button",
        name="Restart",
        device_class="restart",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native={"kind": "reboot"},
    )


def _is_inner(component: str, status: JsonObject) -> bool:
    """A thermometer on the board, for who looks after the device: one that measures the room has a hygrometer or a battery with it."""
    number = component.partition(":")[2]
    is_addon = len(number) > 2
    return not is_addon and f"humidity:{number}" not in status and f"devicepower:{number}" not in status


def _kind(component: str) -> str:
    return component.partition(":")[0]


def _label(component: str, settings: JsonObject, status: JsonObject) -> str:
    """How a component is called among others of its kind: by its own name, else by its number; not at all if it is the only one."""
    kind, _, number = component.partition(":")
    named = given.text(settings, "name")
    if named is not None:
        return named
    others = sum(1 for other in islice(status, COMPONENTS_MAX) if _kind(other) == kind)
    if others < 2 or kind not in _TITLES:
        return ""
    if not number.isdecimal() or len(number) > 5:
        return _TITLES[kind]
    # From 100 on they are an add-on's.
    return (
        f"{_TITLES[kind]} {int(number) + 1}"
        if int(number) < 100
        else f"External {_TITLES[kind].lower()} {int(number) % 100 + 1}"
    )


def _entities(
    component: str, status: JsonObject, config: JsonObject, label: str, *, is_sole: bool, is_inner: bool
) -> Iterator[AdvertisedEntity]:
    kind = _kind(component)
    build = _MAINS.get(kind) or _OTHERS.get(kind) or VIRTUAL.get(kind)
    if build is not None:
        for entity in build(component, status, config):
            if entity.category is None and (kind in _MAINS or kind == "input"):
                yield replace(entity, name=None if is_sole else label or _TITLES.get(kind, component))
            else:
                yield entity
    if kind in VIRTUAL:
        return
    if kind == "temperature" and is_inner:
        yield sensor(component, INNER_WARMTH, label)
        return
    for entity in measured(component, status, "" if is_sole else label or (_TITLES[kind] if kind in _MAINS else "")):
        # An alarm is what the device is for.
        is_alarm = kind in {"smoke", "flood"} and entity.category is None
        yield replace(entity, name=None) if is_alarm else entity


def _native(kind: str, component: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"kind": kind, "component": component, **more}


def _switch(component: str, _status: JsonObject, _config: JsonObject) -> Iterator[AdvertisedEntity]:
    native = _native("switch", component, path=["output"], rpc=_RPC[_kind(component)])
    yield AdvertisedEntity(
        key=key_of(component), domain="switch", capabilities={"on": Capability("bool", "rw")}, native=native
    )


def _light(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    kind = _kind(component)
    has_colour = kind in {"rgb", "rgbw", "rgbcct"}
    has_warmth = kind in {"cct", "rgbcct"}
    capabilities = {
        "on": Capability("bool", "rw"),
        "brightness": Capability("int", "rw", unit="%", min=0, max=100),
    }
    native = _native("light", component, path=["output"], rpc=_RPC[kind], white=kind == "rgbw", colour=has_colour)
    if has_warmth:
        low, high = _warmth_range(config)
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=low, max=high)
        native["warmth"] = [low, high]
    if has_colour:
        capabilities["color"] = Capability("text", "rw")
    yield AdvertisedEntity(key=key_of(component), domain="light", capabilities=capabilities, native=native)


KELVIN_MIN: Final = 2700
KELVIN_MAX: Final = 6500


def _warmth_range(config: JsonObject) -> tuple[float, float]:
    limits = [limit for value in given.listed(config, "ct_range")[:2] if (limit := given.number_of(value)) is not None]
    if len(limits) == 2 and 500 <= limits[0] < limits[1] <= 20_000:
        return limits[0], limits[1]
    return KELVIN_MIN, KELVIN_MAX


def _cover(component: str, status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    capabilities = {"open": Capability("bool", "rw")}
    if given.flag(status, "pos_control") is not False:
        capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
    if given.flag(config, "slat", "enable"):
        capabilities["tilt"] = Capability("int", "rw", unit="%", min=0, max=100)
    native = _native("cover", component, rpc="Cover")
    yield AdvertisedEntity(key=key_of(component), domain="cover", capabilities=capabilities, native=native)


def _thermostat(component: str, _status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    mode = "cool" if given.text(config, "type") == "cooling" else "heat"
    capabilities = {
        "temperature": Capability("float", unit="°C"),
        "target_temperature": Capability("float", "rw", unit="°C", min=5, max=35, step=0.5),
        "mode": Capability("enum", "rw", options=("off", mode)),
    }
    yield AdvertisedEntity(
        key=key_of(component),
        domain="climate",
        capabilities=capabilities,
        native=_native("climate", component, rpc="Thermostat", mode=mode),
    )


def _blutrv(component: str, _status: JsonObject, _config: JsonObject) -> Iterator[AdvertisedEntity]:
    capabilities = {
        "temperature": Capability("float", unit="°C"),
        "target_temperature": Capability("float", "rw", unit="°C", min=4, max=30, step=0.1),
        "mode": Capability("enum", "r", options=("heat",)),
    }
    native = _native("climate", component, rpc="BluTRV", mode="heat")
    yield AdvertisedEntity(key=key_of(component), domain="climate", capabilities=capabilities, native=native)


def _input(component: str, status: JsonObject, config: JsonObject) -> Iterator[AdvertisedEntity]:
    kind = given.text(config, "type") or ("button" if status.get("state", 0) is None else "switch")
    if given.flag(config, "enable") is False:
        return
    if kind == "button":
        yield AdvertisedEntity(
            key=key_of(component, "event"),
            domain="event",
            device_class="button",
            capabilities={"action": Capability("enum", options=PRESSES)},
            native=_native("event", component),
        )
    elif kind == "switch":
        yield replace(binary(component, Sign(("state",), "input", "Input")), category=None)


def _smoke(component: str, _status: JsonObject, _config: JsonObject) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(component, "mute"),
        domain="button",
        name="Mute alarm",
        category="config",
        capabilities={"press": Capability("enum", "w", options=("press",))},
        native=_native("press", component, rpc="Smoke.Mute"),
    )


_Build = Callable[[str, JsonObject, JsonObject], Iterator[AdvertisedEntity]]
_MAINS: Final[Mapping[str, _Build]] = MappingProxyType(
    {
        "switch": _switch,
        "cb": _switch,
        **dict.fromkeys(("light", "rgb", "rgbw", "cct", "rgbcct"), _light),
        "cover": _cover,
        "thermostat": _thermostat,
        "blutrv": _blutrv,
    }
)
_OTHERS: Final[Mapping[str, _Build]] = MappingProxyType({"input": _input, "smoke": _smoke})
