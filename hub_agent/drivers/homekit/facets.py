"""From an accessory's services to the entities that it has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from hub_agent.drivers.homekit import singles
from hub_agent.drivers.homekit.accessory import Accessory, Characteristic, Service, native_of
from hub_agent.drivers.vocabulary import kelvin_of
from hub_agent.model.device import AdvertisedEntity, Capability
from hub_agent.model.json import JsonValue

Roles = Mapping[str, Characteristic]


@dataclass(frozen=True, slots=True)
class Facet:
    """A service that is one entity. `roles`: what its characteristics are for; the `needed` ones make it what it is."""

    domain: str
    title: str
    roles: Mapping[str, str]
    needed: tuple[str, ...]
    describe: Callable[[Roles], tuple[dict[str, Capability], dict[str, JsonValue]]]
    device_class: str | None = None
    # Characteristics that are taken by the entity, but that are entities of their own too.
    also: tuple[str, ...] = ()
    category: str | None = None


def _access(found: Characteristic | None) -> str:
    if found is None:
        return "r"
    return ("r" if found.is_read else "") + ("w" if found.is_written else "") or "r"


def _switch(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return {"on": Capability("bool", _access(roles["on"]))}, {}


def _light(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    capabilities = {"on": Capability("bool", _access(roles["on"]))}
    if "brightness" in roles:
        capabilities["brightness"] = Capability("int", _access(roles["brightness"]), unit="%", min=0, max=100)
    if (warmth := roles.get("warmth")) is not None:
        coldest, warmest = (warmth.low or 140), (warmth.high or 500)
        capabilities["color_temp"] = Capability(
            "int", _access(warmth), unit="K", min=kelvin_of(warmest), max=kelvin_of(coldest)
        )
    if "hue" in roles and "saturation" in roles:
        capabilities["color"] = Capability("text", _access(roles["hue"]))
    return capabilities, {}


_FAN_TARGETS: Final = MappingProxyType({0: "manual", 1: "auto"})


def _fan(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    capabilities = {"on": Capability("bool", _access(roles["on"]))}
    choices: dict[str, int] = {}
    if (speed := roles.get("speed")) is not None:
        capabilities["speed"] = Capability("int", _access(speed), unit="%", min=0, max=100)
    if (direction := roles.get("direction")) is not None:
        capabilities["direction"] = Capability("enum", _access(direction), options=("forward", "reverse"))
    if (swing := roles.get("swing")) is not None:
        capabilities["oscillating"] = Capability("bool", _access(swing))
    if (target := roles.get("target")) is not None:
        choices = target.choices(_FAN_TARGETS)
        capabilities["preset"] = Capability("enum", _access(target), options=tuple(choices))
    return capabilities, {"choices": choices}


_THERMOSTAT_MODES: Final = MappingProxyType({0: "off", 1: "heat", 2: "cool", 3: "heat_cool"})
_HEATER_MODES: Final = MappingProxyType({0: "heat_cool", 1: "heat", 2: "cool"})


def _thermostat(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return _climate(roles, roles["mode"].choices(_THERMOSTAT_MODES))


def _heater_cooler(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return _climate(roles, {"off": -1, **roles["mode"].choices(_HEATER_MODES)})


def _climate(roles: Roles, modes: dict[str, int]) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    capabilities = {"mode": Capability("enum", _access(roles["mode"]), options=tuple(modes))}
    if "temperature" in roles:
        capabilities["temperature"] = Capability("float", unit="°C")
    targets = [roles[role] for role in ("target", "heat", "cool") if role in roles]
    if targets:
        first = targets[0]
        lows = [each.low for each in targets if each.low is not None]
        highs = [each.high for each in targets if each.high is not None]
        capabilities["target_temperature"] = Capability(
            "float",
            _access(first),
            unit="°C",
            min=first.low if "target" in roles else min(lows, default=None),
            max=first.high if "target" in roles else max(highs, default=None),
            step=first.step,
        )
    if (humidity := roles.get("target_humidity")) is not None:
        capabilities["target_humidity"] = Capability(
            "int", _access(humidity), unit="%", min=humidity.low or 0, max=humidity.high or 100
        )
    if "swing" in roles:
        capabilities["swing_mode"] = Capability("enum", _access(roles["swing"]), options=("off", "vertical"))
    return capabilities, {"choices": modes}


_HUMIDIFIER_MODES: Final = MappingProxyType({0: "auto", 1: "humidify", 2: "dehumidify"})


def _humidifier(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    modes = roles["mode"].choices(_HUMIDIFIER_MODES)
    capabilities = {
        "on": Capability("bool", _access(roles["on"])),
        "mode": Capability("enum", _access(roles["mode"]), options=tuple(modes)),
    }
    target = roles.get("humidify") or roles.get("dehumidify")
    if target is not None:
        capabilities["target_humidity"] = Capability(
            "int", _access(target), unit="%", min=target.low or 0, max=target.high or 100
        )
    if "humidity" in roles:
        capabilities["humidity"] = Capability("float", unit="%")
    return capabilities, {"choices": modes}


def _lock(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return {"locked": Capability("bool", _access(roles["target"]))}, {}


def _garage(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return {"open": Capability("bool", _access(roles["target"]))}, {}


def _cover(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    capabilities: dict[str, Capability] = {}
    if (target := roles.get("target")) is not None:
        capabilities["open"] = Capability("bool", _access(target))
        capabilities["position"] = Capability("int", _access(target), unit="%", min=0, max=100)
    tilt = next(
        (roles[role] for role in ("horizontal_target", "vertical_target", "tilt_target") if role in roles), None
    )
    if tilt is not None:
        capabilities["tilt"] = Capability("int", _access(tilt), unit="%", min=0, max=100)
    return capabilities, {}


_ALARM_TARGETS: Final = MappingProxyType({0: "armed_home", 1: "armed_away", 2: "armed_night", 3: "disarmed"})


def _alarm(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    choices = roles["target"].choices(_ALARM_TARGETS)
    return {"mode": Capability("enum", "r", options=(*choices, "triggered"))}, {"choices": choices}


def _valve(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    return {"open": Capability("bool", _access(roles["on"]))}, {}


_PRESSES: Final = MappingProxyType({0: "single_press", 1: "double_press", 2: "long_press"})


def _event(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    choices = roles["event"].choices(_PRESSES)
    return {"event": Capability("enum", options=tuple(choices))}, {"choices": choices}


def _player(roles: Roles) -> tuple[dict[str, Capability], dict[str, JsonValue]]:
    capabilities: dict[str, Capability] = {}
    if "on" in roles:
        capabilities["on"] = Capability("bool", _access(roles["on"]))
    if "play" in roles or "key" in roles:
        capabilities["playing"] = Capability("bool", "rw" if "media" in roles else "w")
    if "volume" in roles:
        capabilities["volume"] = Capability("int", _access(roles["volume"]), unit="%", min=0, max=100)
    if "mute" in roles:
        capabilities["muted"] = Capability("bool", _access(roles["mute"]))
    return capabilities, {}


_PERCENT_SPEED: Final = {"speed": "29", "swing": "B6"}
_CLIMATE_ROLES: Final = {"temperature": "11", "humidity": "10"}
FACETS: Final[Mapping[str, Facet]] = MappingProxyType(
    {
        "43": Facet(
            "light",
            "Light",
            {"on": "25", "brightness": "8", "hue": "13", "saturation": "2F", "warmth": "CE"},
            ("on",),
            _light,
        ),
        "49": Facet("switch", "Switch", {"on": "25"}, ("on",), _switch),
        "47": Facet("switch", "Outlet", {"on": "25"}, ("on",), _switch, "outlet"),
        "40": Facet("fan", "Fan", {"on": "25", "speed": "29", "direction": "28"}, ("on",), _fan),
        "B7": Facet("fan", "Fan", {"on": "B0", "direction": "28", "target": "BF", **_PERCENT_SPEED}, ("on",), _fan),
        "BB": Facet("fan", "Air purifier", {"on": "B0", "target": "A8", **_PERCENT_SPEED}, ("on",), _fan),
        "4A": Facet(
            "climate",
            "Thermostat",
            {
                "mode": "33", "action": "F", "target": "35", "heat": "12", "cool": "D", "target_humidity": "34", **_CLIMATE_ROLES,
            },
            ("mode",),
            _thermostat,
            also=("11", "10"),
        ),
        "BC": Facet(
            "climate",
            "Heater cooler",
            {"on": "B0", "mode": "B2", "action": "B1", "heat": "12", "cool": "D", "swing": "B6", **_CLIMATE_ROLES},
            ("on", "mode"),
            _heater_cooler,
            also=("11",),
        ),
        "BD": Facet(
            "humidifier",
            "Humidifier",
            {"on": "B0", "mode": "B4", "action": "B3", "humidify": "CA", "dehumidify": "C9", "humidity": "10"},
            ("on", "mode"),
            _humidifier,
            also=("10",),
        ),
        "45": Facet("lock", "Lock", {"target": "1E", "current": "1D"}, ("target", "current"), _lock),
        "41": Facet(
            "cover",
            "Garage door",
            {"target": "32", "current": "E", "obstruction": "24"},
            ("target", "current"),
            _garage,
            "garage",
        ),
        **{
            kind: Facet(
                "cover",
                title,
                {
                    "target": "7C", "current": "6D", "moving": "72", "hold": "6F", "obstruction": "24",
                    "horizontal_target": "7B", "horizontal": "6C", "vertical_target": "7D", "vertical": "6E",
                },
                ("target", "current"),
                _cover,
                device_class,
            )
            for kind, title, device_class in (
                ("8C", "Window covering", None),
                ("8B", "Window", "window"),
                ("81", "Door", "door"),
            )
        },
        "B9": Facet("cover", "Slats", {"tilt_target": "C2", "tilt": "C1"}, ("tilt_target",), _cover, "shutter"),
        "7E": Facet("alarm_control_panel", "Alarm", {"target": "67", "current": "66"}, ("target", "current"), _alarm),
        "D0": Facet("valve", "Valve", {"on": "B0"}, ("on",), _valve, "water"),
        "D7": Facet("valve", "Faucet", {"on": "B0"}, ("on",), _valve, "water"),
        "CF": Facet("switch", "Irrigation", {"on": "B0"}, ("on",), _switch),
        "89": Facet("event", "Button", {"event": "73"}, ("event",), _event, "button"),
        "88": Facet("event", "Button", {"event": "73"}, ("event",), _event, "button"),
        "121": Facet("event", "Doorbell", {"event": "73"}, ("event",), _event, "doorbell"),
        "D8": Facet(
            "media_player",
            "Television",
            {"on": "B0", "source": "E7", "key": "E1", "media": "E0", "play": "137"},
            ("on",),
            _player,
            "tv",
        ),
        "228": Facet(
            "media_player",
            "Speaker",
            {"media": "E0", "play": "137", "volume": "119", "mute": "11A"},
            ("play",),
            _player,
            "speaker",
        ),
        "113": Facet("media_player", "Speaker", {"on": "B0", "volume": "119", "mute": "11A"}, ("mute",), _player, "speaker"),
    }
)  # fmt: skip
_CAMERA: Final = "110"
_MICROPHONE: Final = "112"
_TELEVISION: Final = "D8"
_SPEAKER: Final = "113"
_INPUT: Final = "D9"
# Each of a device's sensors may say it, of the same battery.
_ONE_EACH: Final = frozenset({"79"})


def entities_of(accessory: Accessory) -> list[AdvertisedEntity]:
    """The accessory's main function first, and nameless."""
    made = [*_facets(accessory), *_singles(accessory)]
    if any(True for _ in accessory.of_kind(_CAMERA)):
        made.insert(0, (AdvertisedEntity("camera", "camera", native={"kind": "camera", "aid": accessory.aid}), True))
    identify = _identify(accessory)
    return [*_named(made), *([identify] if identify is not None else [])]


def _facets(accessory: Accessory) -> Iterator[tuple[AdvertisedEntity, bool]]:
    """Entities, and whether the accessory calls that its main service."""
    has_television = any(True for _ in accessory.of_kind(_TELEVISION))
    for service in accessory.services:
        facet = FACETS.get(service.kind)
        if facet is None or (service.kind == _SPEAKER and has_television):
            continue
        roles = {role: service.by_kind[kind] for role, kind in facet.roles.items() if kind in service.by_kind}
        if any(role not in roles for role in facet.needed):
            continue
        if service.kind == _TELEVISION:
            roles |= _speaker_of(accessory)
        yield _entity(accessory, service, facet, roles), service.is_primary


def _entity(accessory: Accessory, service: Service, facet: Facet, roles: Roles) -> AdvertisedEntity:
    capabilities, more = facet.describe(roles)
    native: dict[str, JsonValue] = {
        "kind": facet.domain,
        "service": service.kind,
        "aid": accessory.aid,
        "at": native_of(roles),
        **more,
    }
    if service.kind == _TELEVISION:
        sources = _sources(accessory)
        native["choices"] = sources
        if sources and "source" in roles:
            capabilities["source"] = Capability("enum", _access(roles["source"]), options=tuple(sources))
    return AdvertisedEntity(
        key=f"{facet.domain}_{service.iid}",
        domain=facet.domain,
        name=_name(accessory, service) or _numbered(service) or facet.title,
        device_class=facet.device_class,
        category=facet.category,
        capabilities=capabilities,
        native=native,
    )


def _name(accessory: Accessory, service: Service) -> str | None:
    """What the service is called, without the accessory's own name in front."""
    name, whole = service.name, accessory.information("23")
    if name is None or name == whole:
        return None
    rest = name.removeprefix(whole).strip(" -:") if whole else name
    return rest[:1].upper() + rest[1:] if rest else None


def _numbered(service: Service) -> str | None:
    label = service.by_kind.get("CB")
    return f"Button {label.value}" if label is not None and isinstance(label.value, int) else None


def _speaker_of(accessory: Accessory) -> dict[str, Characteristic]:
    kinds = {"mute": "11A", "volume": "119", "volume_step": "EA"}
    return {
        role: service.by_kind[kind]
        for service in accessory.of_kind(_SPEAKER)
        for role, kind in kinds.items()
        if kind in service.by_kind
    }


def _sources(accessory: Accessory) -> dict[str, int]:
    found: dict[str, int] = {}
    for service in accessory.of_kind(_INPUT):
        identifier = service.by_kind.get("E6")
        if service.name is not None and identifier is not None and isinstance(identifier.value, int):
            found.setdefault(service.name, identifier.value)
    return found


def _singles(accessory: Accessory) -> Iterator[tuple[AdvertisedEntity, bool]]:
    seen: set[str] = set()
    for service in accessory.services:
        facet = FACETS.get(service.kind)
        taken = {kind for kind in facet.roles.values() if kind not in facet.also} if facet is not None else set()
        for kind, found in service.by_kind.items():
            single = singles.SINGLES.get(kind)
            if single is None and service.kind == _MICROPHONE:
                single = singles.SOUND.get(kind)
            if kind in taken or (kind in _ONE_EACH and kind in seen):
                continue
            seen.add(kind)
            entity = (
                singles.entity_of(single, found, accessory.aid)
                if single is not None
                else singles.described(found, accessory.aid)
            )
            if entity is None:
                continue
            if service.kind == _MICROPHONE:
                entity = replace(entity, name=f"Microphone {(entity.name or '').lower()}")
            yield entity, facet is None and service.is_primary and singles.is_a_function(kind)


def _named(made: list[tuple[AdvertisedEntity, bool]]) -> list[AdvertisedEntity]:
    """One main entity, and no two of the same name."""
    candidates = [entity for entity, is_primary in made if is_primary]
    candidates += [entity for entity, _ in made if entity.category is None]
    main = candidates[0].key if candidates else None
    named: list[AdvertisedEntity] = []
    seen: dict[str, int] = {}
    for entity, _ in made:
        if entity.key == main:
            named.insert(0, replace(entity, name=None))
            continue
        name = entity.name or entity.domain
        seen[name] = seen.get(name, 0) + 1
        named.append(replace(entity, name=name if seen[name] == 1 else f"{name} {seen[name]}"))
    return list({entity.key: entity for entity in named}.values())


def _identify(accessory: Accessory) -> AdvertisedEntity | None:
    found = next((each.by_kind["14"] for each in accessory.of_kind("3E") if "14" in each.by_kind), None)
    if found is None or not found.is_written:
        return None
    return AdvertisedEntity(
        key="identify",
        domain="button",
        name="Identify",
        device_class="identify",
        category="config",
        capabilities={"press": Capability("bool", "w")},
        native={"kind": "button", "aid": accessory.aid, "at": {"value": found.as_native()}},
    )
