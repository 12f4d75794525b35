"""The first generation, put into the form of the later ones: `/status` and `/settings` as components, components as entities.

    relay:0 light:0 roller:0 meter:0 emeter:0 input:0 trv:0 ext_temperature:0 ...   the lists of /status
    device                                                                          everything else in it
https://shelly-api-docs.shelly.cloud/gen1/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.shelly.components import ENTITIES_MAX, KELVIN_MAX, KELVIN_MIN, reboot_entity, update_entity
from hub_agent.drivers.shelly.measures import Sign, binary, key_of, measured
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

CHANNELS_MAX: Final = 16
_COMPONENT_BY_LIST: Final = MappingProxyType(
    {
        "relays": "relay",
        "lights": "light",
        "rollers": "roller",
        "meters": "meter",
        "emeters": "emeter",
        "inputs": "input",
        "thermostats": "trv",
        "adcs": "adc",
        "ext_temperature": "ext_temperature",
        "ext_humidity": "ext_humidity",
    }
)
_TITLES: Final = MappingProxyType(
    {
        "relay": "Switch",
        "light": "Light",
        "roller": "Cover",
        "input": "Input",
        "meter": "Channel",
        "emeter": "Channel",
        "ext_temperature": "External",
        "ext_humidity": "External",
        "adc": "Input",
    }
)
_MAINS: Final = ("relay", "light", "roller", "trv")
PRESS_BY_CODE: Final = MappingProxyType(
    {"S": "single", "SS": "double", "SSS": "triple", "L": "long", "SL": "single_long", "LS": "long_single"}
)
_RGBW2: Final = "SHRGBW2"

# The type that it says, as people know it.
MODELS: Final = MappingProxyType(
    {
        "SHSW-1": "1", "SHSW-L": "1L", "SHSW-PM": "1PM", "SHSW-21": "2", "SHSW-25": "2.5", "SHSW-44": "4 Pro", "SHAIR-1": "Air",
        "SHBLB-1": "Bulb", "SHCB-1": "Bulb RGBW", "SHBTN-1": "Button1", "SHBTN-2": "Button1", "SHDM-1": "Dimmer", "SHDM-2": "Dimmer 2",
        "SHDIMW-1": "Dimmer W1", "SHBDUO-1": "Duo", "SHDW-1": "Door/Window", "SHDW-2": "Door/Window 2", "SHEM": "EM", "SHEM-3": "3EM",
        "SHWT-1": "Flood", "SHGS-1": "Gas", "SHHT-1": "H&T", "SHIX3-1": "i3", "SHMOS-01": "Motion", "SHMOS-02": "Motion 2",
        "SHPLG-1": "Plug", "SHPLG2-1": "Plug E", "SHPLG-S": "Plug S", "SHPLG-U1": "Plug US", "SHRGBWW-01": "RGBW", "SHRGBW2": "RGBW2",
        "SHSEN-1": "Sense", "SHSM-01": "Smoke", "SHSM-02": "Smoke 2", "SHSPOT-1": "Spot", "SHSPOT-2": "Spot 2", "SHUNI-1": "Uni",
        "SHTRV-01": "TRV", "SHBVIN-1": "Vintage", "SHVIN-1": "Vintage",
    }
)  # fmt: skip


def components_of(body: JsonObject) -> dict[str, JsonObject]:
    """`/status` or `/settings` by component."""
    components: dict[str, JsonObject] = {}
    for name, kind in _COMPONENT_BY_LIST.items():
        channels = body.get(name)
        if isinstance(channels, Mapping):  # sensors of the add-on, by their number
            found = [(number, channels[number]) for number in list(channels)[:CHANNELS_MAX] if number.isdecimal()]
        else:
            found = [(str(number), channel) for number, channel in enumerate(given.listed(body, name)[:CHANNELS_MAX])]
        for number, channel in found:
            if isinstance(channel, Mapping):
                components[f"{kind}:{number[:4]}"] = channel
    rest = {name: value for name, value in body.items() if name not in _COMPONENT_BY_LIST}
    components["device"] = rest
    return components


def entities_of(
    info: JsonObject, settings: JsonObject, status: Mapping[str, JsonObject]
) -> tuple[AdvertisedEntity, ...]:
    """`status`: by component."""
    config = components_of(settings)
    is_roller = given.text(settings, "mode") == "roller"
    shown = {name: body for name, body in status.items() if _is_shown(name, body, is_roller=is_roller)}
    mains = [name for name in shown if name.partition(":")[0] in _MAINS]
    made: dict[str, AdvertisedEntity] = {}
    for name in sorted(shown):
        is_sole = mains == [name] or (
            name.startswith(("meter:", "emeter:")) and len(mains) < 2 and _is_single(name, shown)
        )
        label = "" if is_sole or name == "device" else _label(name, given.mapping(config, name), shown)
        for entity in _entities(name, shown[name], label, info, settings):
            if len(made) < ENTITIES_MAX - 2:
                made.setdefault(entity.key, entity)
    made["update"] = update_entity("device")
    made["reboot"] = reboot_entity()
    return tuple(made.values())


def _is_shown(name: str, body: JsonObject, *, is_roller: bool) -> bool:
    kind, _, number = name.partition(":")
    if kind == "relay":
        return not is_roller
    if kind == "roller":
        return is_roller
    if kind == "meter":
        # Some have a place for a meter and no meter: it counts no energy. A roller's motor has one meter, though two are listed.
        return "total" in body and not (is_roller and number != "0")
    return True


def _is_single(name: str, shown: Mapping[str, JsonObject]) -> bool:
    kind = name.partition(":")[0]
    return sum(1 for other in shown if other.partition(":")[0] == kind) == 1


def _label(name: str, config: JsonObject, shown: Mapping[str, JsonObject]) -> str:
    kind, _, number = name.partition(":")
    named = given.text(config, "name")
    if named is not None:
        return named
    if kind == "meter" and f"relay:{number}" in shown:
        return f"Switch {int(number) + 1}"
    if kind == "meter" and f"light:{number}" in shown:
        return f"Light {int(number) + 1}"
    title = _TITLES.get(kind, kind.capitalize())
    return (
        title
        if _is_single(name, shown) and kind not in {"ext_temperature", "ext_humidity"}
        else f"{title} {int(number) + 1}"
    )


def _entities(
    name: str, status: JsonObject, label: str, info: JsonObject, settings: JsonObject
) -> Iterator[AdvertisedEntity]:
    kind, _, number = name.partition(":")
    called = label or None
    if kind == "relay":
        native = _native("switch", name, path=["ison"], get=f"relay/{number}")
        yield _entity(name, "switch", called, {"on": Capability("bool", "rw")}, native)
    elif kind == "light":
        yield replace(_light(name, status, info, settings), name=called)
    elif kind == "roller":
        yield replace(_roller(name, status), name=called)
    elif kind == "trv":
        yield replace(_trv(name), name=called)
    elif kind == "input":
        yield from _input(name, label, info, settings)
    for entity in measured(name, status, label):
        yield _sole_purpose(entity, status) if kind == "device" else entity


def _native(kind: str, component: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"kind": kind, "component": component, **more}


def _entity(
    component: str, domain: str, name: str | None, capabilities: Mapping[str, Capability], native: JsonObject
) -> AdvertisedEntity:
    return AdvertisedEntity(key=key_of(component), domain=domain, name=name, capabilities=capabilities, native=native)


def _sole_purpose(entity: AdvertisedEntity, status: JsonObject) -> AdvertisedEntity:
    """A leak, smoke, motion or a door is what its device is for. The warmth of a relay's chip is for who looks after it."""
    if entity.domain == "binary_sensor" and entity.device_class in {"moisture", "smoke", "motion", "door"}:
        return replace(entity, name=None)
    is_sensor = bool({"bat", "hum", "flood", "smoke", "sensor"} & status.keys())
    if entity.device_class == "temperature" and not is_sensor:
        return replace(entity, name="Device temperature", category="diagnostic")
    return entity


def _light(component: str, status: JsonObject, info: JsonObject, settings: JsonObject) -> AdvertisedEntity:
    number = component.partition(":")[2]
    is_rgbw2 = given.text(info, "type") == _RGBW2
    can_colour = "red" in status and not (is_rgbw2 and given.text(settings, "mode") != "color")
    has_warmth = "temp" in status
    capabilities = {
        "on": Capability("bool", "rw"),
        "brightness": Capability("int", "rw", unit="%", min=0, max=100),
    }
    place = ("color" if can_colour else "white") if is_rgbw2 else "light"
    native = _native("light1", component, path=["ison"], get=f"{place}/{number}", colour=can_colour)
    native["modes"] = can_colour and has_warmth
    if has_warmth:
        low = 3000 if can_colour else KELVIN_MIN
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=low, max=KELVIN_MAX)
        native["warmth"] = [low, KELVIN_MAX]
    if can_colour:
        capabilities["color"] = Capability("text", "rw")
    return _entity(component, "light", None, capabilities, native)


def _roller(component: str, status: JsonObject) -> AdvertisedEntity:
    capabilities = {"open": Capability("bool", "rw")}
    if given.flag(status, "positioning") is not False:
        capabilities["position"] = Capability("int", "rw", unit="%", min=0, max=100)
    native = _native("cover1", component, get=f"roller/{component.partition(':')[2]}")
    return _entity(component, "cover", None, capabilities, native)


def _trv(component: str) -> AdvertisedEntity:
    capabilities = {
        "temperature": Capability("float", unit="°C"),
        "target_temperature": Capability("float", "rw", unit="°C", min=4, max=31, step=0.5),
        "mode": Capability("enum", "r", options=("heat",)),
    }
    native = _native("climate1", component, get=f"thermostat/{component.partition(':')[2]}")
    return _entity(component, "climate", None, capabilities, native)


_BUTTONS: Final = ("SHBTN-1", "SHBTN-2", "SHIX3-1")
_MOMENTARY: Final = ("momentary", "momentary_on_release", "detached", "one_button", "dual_button")


def _input(component: str, label: str, info: JsonObject, settings: JsonObject) -> Iterator[AdvertisedEntity]:
    number = component.partition(":")[2]
    if _is_button(int(number), info, settings):
        yield replace(
            _entity(
                component,
                "event",
                label or "Input",
                {"action": Capability("enum", options=tuple(PRESS_BY_CODE.values()))},
                _native("presses", component),
            ),
            key=key_of(component, "event"),
            device_class="button",
        )
    else:
        yield binary(component, Sign(("input",), "input", "Input"), name=label or "Input")


def _is_button(number: int, info: JsonObject, settings: JsonObject) -> bool:
    """As its wiring is set: at the input itself, or at what it switches."""
    for name, key in (
        ("inputs", "btn_type"),
        ("relays", "btn_type"),
        ("lights", "btn_type"),
        ("rollers", "button_type"),
    ):
        channels: Sequence[JsonValue] = given.listed(settings, name)
        channel = channels[min(number, len(channels) - 1)] if channels else None
        wired = given.text(channel, key)
        if wired is not None:
            return wired in _MOMENTARY
    return given.text(info, "type") in _BUTTONS
