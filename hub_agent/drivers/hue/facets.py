"""From a bridge's resources to entities. Each entity's `native` names its resource (`rid`, `type`) and what is needed to write to it."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.hue.colours import gamut_of, mirek_range
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonObject, JsonValue

EFFECTS_MAX: Final = 40
NO_EFFECT: Final = "no_effect"
PRESSES: Final = ("initial_press", "repeat", "short_release", "long_press", "long_release", "double_short_release")
TURNS: Final = ("clock_wise", "counter_clock_wise")
_PLUG: Final = "plug"


def entities_of(resource: JsonObject, *, is_only: bool, label: str | None = None) -> Iterator[AdvertisedEntity]:
    """`is_only`: no other of its type on the device; `label`: what to call it otherwise."""
    maker = _MAKERS.get(str(resource["type"]))
    if maker is not None:
        yield from maker(resource, None if is_only else label)


def native_of(resource: JsonObject, kind: str, **more: JsonValue) -> dict[str, JsonValue]:
    return {"kind": kind, "type": resource["type"], "rid": resource["id"], **more}


def key_of(resource: JsonObject, word: str | None = None) -> str:
    return f"{word or resource['type']}_{resource['id']}"


def effects_of(light: JsonObject) -> tuple[str, ...]:
    """The newer way of effects first; timed ones (a sunrise) are effects too."""
    newer = given.texts(light, "effects_v2", "action", "effect_values")
    older = given.texts(light, "effects", "effect_values") or given.texts(light, "effects", "status_values")
    timed = given.texts(light, "timed_effects", "effect_values")
    return tuple(dict.fromkeys([*(newer or older), *timed]))[:EFFECTS_MAX]


def is_plug(light: JsonObject) -> bool:
    archetypes = {given.text(light, "metadata", "archetype"), given.text(light, "product_data", "product_archetype")}
    return _PLUG in archetypes and not has(light, "dimming")


def has(resource: JsonObject, feature: str) -> bool:
    """Older bridges write null for what a lamp does not have."""
    return isinstance(resource.get(feature), Mapping)


def _light(light: JsonObject, label: str | None) -> Iterator[AdvertisedEntity]:
    if is_plug(light):
        yield AdvertisedEntity(
            key=key_of(light),
            domain="switch",
            name=label,
            device_class="outlet",
            capabilities={"on": Capability("bool", "rw")},
            native=native_of(light, "switch"),
        )
    else:
        yield AdvertisedEntity(
            key=key_of(light), domain="light", name=label, capabilities=_shown_by(light), native=_light_native(light)
        )
    presets = ("safety", "powerfail", "last_on_state", "custom")
    if has(light, "powerup"):
        yield AdvertisedEntity(
            key=key_of(light, "powerup"),
            domain="select",
            name="Power-on behaviour",
            category="config",
            capabilities={"option": Capability("enum", "rw", options=presets)},
            native=native_of(light, "powerup"),
        )


def _shown_by(light: JsonObject) -> dict[str, Capability]:
    capabilities = {"on": Capability("bool", "rw")}
    if has(light, "dimming"):
        capabilities["brightness"] = Capability("int", "rw", unit="%", min=0, max=100)
    if has(light, "color_temperature"):
        coldest, warmest = mirek_range(light)
        capabilities["color_temp"] = Capability("int", "rw", unit="K", min=kelvin_of(warmest), max=kelvin_of(coldest))
    if has(light, "color"):
        capabilities["color"] = Capability("text", "rw")
    effects = effects_of(light)
    if effects:
        capabilities["effect"] = Capability("enum", "rw", options=effects)
    return capabilities


def _light_native(light: JsonObject) -> JsonObject:
    gamut = gamut_of(light)
    return native_of(
        light,
        "light",
        has=[each for each in ("dimming", "color_temperature", "color", "alert") if has(light, each)],
        mirek=list(mirek_range(light)) if has(light, "color_temperature") else None,
        gamut=[list(corner) for corner in gamut] if gamut is not None else None,
        effects="effects_v2" if has(light, "effects_v2") else "effects" if has(light, "effects") else None,
        timed=list(given.texts(light, "timed_effects", "effect_values")[:EFFECTS_MAX]),
        signals=list(given.texts(light, "signaling", "signal_values")[:EFFECTS_MAX]),
    )


def _grouped_light(light: JsonObject, label: str | None) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(light), domain="light", name=label, capabilities=_shown_by(light), native=_light_native(light)
    )


def _binary(
    word: str, name: str, device_class: str, category: str | None = None
) -> Callable[..., Iterator[AdvertisedEntity]]:
    def make(resource: JsonObject, label: str | None) -> Iterator[AdvertisedEntity]:
        yield AdvertisedEntity(
            key=key_of(resource),
            domain="binary_sensor",
            name=label or name,
            device_class=device_class,
            category=category,
            capabilities={word: Capability("bool")},
            native=native_of(resource, word),
        )
        yield from _settings(resource, label or name)

    return make


def _settings(resource: JsonObject, name: str) -> Iterator[AdvertisedEntity]:
    highest = given.number(resource, "sensitivity", "sensitivity_max")
    if highest is not None and highest > 0:
        yield AdvertisedEntity(
            key=key_of(resource, "sensitivity"),
            domain="number",
            name=f"{name} sensitivity",
            category="config",
            capabilities={"value": Capability("int", "rw", min=0, max=highest, step=1)},
            native=native_of(resource, "sensitivity", max=highest),
        )
    if isinstance(resource.get("enabled"), bool) and resource["type"] not in {
        "temperature",
        "light_level",
        "grouped_motion",
    }:
        yield AdvertisedEntity(
            key=key_of(resource, "enabled"),
            domain="switch",
            name=f"{name} enabled",
            category="config",
            capabilities={"on": Capability("bool", "rw")},
            native=native_of(resource, "enabled"),
        )


def _measured(
    word: str, name: str, unit: str, category: str | None = None
) -> Callable[..., Iterator[AdvertisedEntity]]:
    def make(resource: JsonObject, label: str | None) -> Iterator[AdvertisedEntity]:
        yield AdvertisedEntity(
            key=key_of(resource),
            domain="sensor",
            name=label or name,
            device_class=word,
            unit=unit,
            state_class="measurement",
            category=category,
            capabilities={word: Capability("float", unit=unit)},
            native=native_of(resource, word),
        )

    return make


def _button(button: JsonObject, _label: str | None) -> Iterator[AdvertisedEntity]:
    number = given.number(button, "metadata", "control_id")
    presses = given.texts(button, "button", "event_values")[: len(PRESSES)] or PRESSES
    is_bell = button["type"] == "bell_button"
    yield AdvertisedEntity(
        key=key_of(button),
        domain="event",
        name="Doorbell" if is_bell else f"Button {number:g}" if number else "Button",
        device_class="doorbell" if is_bell else "button",
        capabilities={"event": Capability("enum", options=presses)},
        native=native_of(button, "button"),
    )


def _rotary(rotary: JsonObject, _label: str | None) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(rotary),
        domain="event",
        name="Dial",
        capabilities={"event": Capability("enum", options=TURNS)},
        native=native_of(rotary, "rotary"),
    )


_CONNECTED: Final = ("connected", "disconnected", "connectivity_issue", "unidirectional_incoming", "pending_discovery")


def _connectivity(connectivity: JsonObject, _label: str | None) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(connectivity),
        domain="sensor",
        name="Zigbee connectivity",
        device_class="enum",
        category="diagnostic",
        capabilities={"connectivity": Capability("enum", options=_CONNECTED)},
        native=native_of(connectivity, "connectivity"),
    )


def _software(software: JsonObject, _label: str | None) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key="update",
        domain="update",
        name="Firmware",
        device_class="firmware",
        category="config",
        capabilities={"available": Capability("bool")},
        native=native_of(software, "update"),
    )


def _scene(scene: JsonObject, _label: str | None) -> Iterator[AdvertisedEntity]:
    yield AdvertisedEntity(
        key=key_of(scene),
        domain="scene",
        name=given.text(scene, "metadata", "name") or "Scene",
        capabilities={"activate": Capability("bool", "w")},
        native=native_of(scene, "scene"),
    )


def identify(rid: str) -> AdvertisedEntity:
    return AdvertisedEntity(
        key="identify",
        domain="button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("bool", "w")},
        native={"kind": "identify", "type": "device", "rid": rid},
    )


_MAKERS: Final[Mapping[str, Callable[[JsonObject, str | None], Iterator[AdvertisedEntity]]]] = MappingProxyType(
    {
        "light": _light,
        "grouped_light": _grouped_light,
        **dict.fromkeys(("motion", "camera_motion"), _binary("occupancy", "Motion", "motion")),
        "grouped_motion": _binary("occupancy", "Motion", "motion"),
        "convenience_area_motion": _binary("occupancy", "Area motion", "motion"),
        "security_area_motion": _binary("occupancy", "Security area motion", "motion"),
        "contact": _binary("contact", "Contact", "door"),
        "tamper": _binary("tamper", "Tamper", "tamper", "diagnostic"),
        "temperature": _measured("temperature", "Temperature", "°C"),
        "light_level": _measured("illuminance", "Illuminance", "lx"),
        "grouped_light_level": _measured("illuminance", "Illuminance", "lx"),
        "device_power": _measured("battery", "Battery", "%", "diagnostic"),
        "button": _button,
        "bell_button": _button,
        "relative_rotary": _rotary,
        "zigbee_connectivity": _connectivity,
        "device_software_update": _software,
        "scene": _scene,
        "smart_scene": _scene,
    }
)
