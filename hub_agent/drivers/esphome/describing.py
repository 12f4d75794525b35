"""What a node says of itself, as devices: the node, and each device behind it that it has a name for.

Each entity's `native` says what the kinds need: `kind` (a key of KINDS), `key` and `device_id` (how the node names it), and what its kind adds.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.esphome.climate import Climate, Fan, WaterHeater
from hub_agent.drivers.esphome.kind import Fields, Kind, objects, short, whole
from hub_agent.drivers.esphome.light import Light
from hub_agent.drivers.esphome.opening import Cover, Valve
from hub_agent.drivers.esphome.sensing import BinarySensor, Camera, Event, Sensor, TextSensor, Update
from hub_agent.drivers.esphome.sounding import MediaPlayer
from hub_agent.drivers.esphome.switching import (
    Alarm,
    Button,
    Date,
    DateTime,
    Lock,
    Number,
    Select,
    Siren,
    Switch,
    Text,
    Time,
)
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Capability, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue

DIALECT: Final = "esphome"

# By the API's name for what is listed.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "binary_sensor": BinarySensor(),
        "cover": Cover(),
        "fan": Fan(),
        "light": Light(),
        "sensor": Sensor(),
        "switch": Switch(),
        "text_sensor": TextSensor(),
        "camera": Camera(),
        "climate": Climate(),
        "number": Number(),
        "date": Date(),
        "datetime": DateTime(),
        "select": Select(),
        "siren": Siren(),
        "button": Button(),
        "lock": Lock(),
        "media_player": MediaPlayer(),
        "alarm_control_panel": Alarm(),
        "text": Text(),
        "time": Time(),
        "valve": Valve(),
        "event": Event(),
        "update": Update(),
        "water_heater": WaterHeater(),
    }
)
SERVICE: Final = "service"
ENTITIES_MAX: Final = 300
PARTS_MAX: Final = 64
SERVICES_MAX: Final = 50
_CATEGORIES: Final = MappingProxyType({1: "config", 2: "diagnostic"})
# The key under which the hub knows what does the same on all devices.
_KEYS_BY_CLASS: Final = MappingProxyType({"restart": "reboot", "identify": "identify"})


def devices_of(peer: str, body: JsonObject) -> list[Advertisement] | None:
    """None: it is no description of a node."""
    info = given.mapping(body, "info")
    name = short(info, "name")
    mac = given.mac_of(info.get("mac_address"))
    if name is None or mac is None:
        return None
    main = Origin(DIALECT, mac)
    entities_by_part = _entities_by_part(body)
    parts = {part: each for each in _parts(info) if (part := whole(each, "device_id"))}
    # What is said to belong to a part that is not listed belongs to the node.
    own = [entity for part, entities in entities_by_part.items() if part not in parts for entity in entities]
    advertisements = [_node(peer, main, info, (*own, *_services(body)))]
    for part, each in parts.items():
        advertisements.append(_part(peer, main, info, each, tuple(entities_by_part.get(part, ()))))
    return advertisements


def _node(peer: str, origin: Origin, info: JsonObject, entities: tuple[AdvertisedEntity, ...]) -> Advertisement:
    name = short(info, "friendly_name") or short(info, "name") or origin.native_id
    project, _, product = (short(info, "project_name") or "").partition(".")
    brand = project if product else short(info, "manufacturer")
    model = product or short(info, "model")
    sleeps = given.flag(info, "has_deep_sleep")
    return Advertisement(
        origin=origin,
        aliases=(Alias("mac", origin.native_id),),
        name=name,
        entities=entities,
        brand=brand,
        model=model,
        device_type=device_type_of(entities, f"{model or ''} {name}"),
        protocol=ProtocolType.WIFI,
        suggested_area=_area(info, whole(given.mapping(info, "area"), "area_id") or 0),
        firmware_version=_version(info),
        power_source="battery" if sleeps else None,
        native={"peer": peer, "sleeps": sleeps},
    )


def _part(
    peer: str, main: Origin, info: JsonObject, part: JsonObject, entities: tuple[AdvertisedEntity, ...]
) -> Advertisement:
    origin = Origin(DIALECT, f"{main.native_id}/{whole(part, 'device_id')}")
    name = short(part, "name") or f"{short(info, 'name')} {whole(part, 'device_id')}"
    return Advertisement(
        origin=origin,
        aliases=(Alias("esphome", origin.native_id),),
        name=name,
        entities=entities,
        device_type=device_type_of(entities, name),
        via=main,
        suggested_area=_area(info, whole(part, "area_id") or 0),
        native={"peer": peer},
    )


def _version(info: JsonObject) -> str | None:
    """A project's own version says more; the version of ESPHome is what can be updated."""
    project, esphome = short(info, "project_version"), short(info, "esphome_version")
    return f"{project} (ESPHome {esphome})" if project and esphome else project or esphome


def _area(info: JsonObject, area_id: int) -> str | None:
    areas = [*objects(info, "areas"), given.mapping(info, "area")]
    found = next((area for area in areas if area_id and whole(area, "area_id") == area_id), None)
    if found is not None:
        return short(found, "name")
    return None if area_id else short(info, "suggested_area")


def _parts(info: JsonObject) -> list[JsonObject]:
    return list(objects(info, "devices"))[:PARTS_MAX]


def _entities_by_part(body: JsonObject) -> dict[int, list[AdvertisedEntity]]:
    entities: dict[int, list[AdvertisedEntity]] = {}
    keys: set[tuple[int, str]] = set()
    listed = list(objects(body, "entities"))[:ENTITIES_MAX]
    api = [value for value in given.listed(body, "api") if isinstance(value, int)][:2]
    for info in listed:
        kind = given.text(info, "kind") or ""
        part, number = whole(info, "device_id") or 0, whole(info, "key")
        if kind not in KINDS or number is None:
            continue
        key = _key(kind, number, info)
        if (part, key) in keys:
            key = f"{kind}_{number}"
        keys.add((part, key))
        entities.setdefault(part, []).append(_entity(kind, key, info, api))
    return entities


def _key(kind: str, number: int, info: JsonObject) -> str:
    own = _KEYS_BY_CLASS.get(short(info, "device_class") or "") if kind == "button" else None
    object_id = short(info, "object_id")
    return own or (f"{kind}_{object_id}" if object_id else f"{kind}_{number}")


def _entity(kind: str, key: str, info: JsonObject, api: list[int]) -> AdvertisedEntity:
    is_legacy = kind == "cover" and bool(api) and tuple(api) < (1, 1)
    description = KINDS[kind].describe({**info, "is_legacy": is_legacy})
    category = _CATEGORIES.get(whole(info, "entity_category") or 0) or description.category
    named: Fields = {"kind": kind, "key": whole(info, "key"), "device_id": whole(info, "device_id") or 0}
    return AdvertisedEntity(
        key=key,
        domain=KINDS[kind].domain,
        name=short(info, "name"),
        device_class=description.device_class,
        unit=description.unit,
        state_class=description.state_class,
        category=category,
        capabilities=description.capabilities,
        native={**named, **description.native},
    )


def _services(body: JsonObject) -> Iterator[AdvertisedEntity]:
    """Actions that the node's owner has written: a button each, with what it asks for as the call's data."""
    for service in _distinct(objects(body, "services")):
        name = short(service, "name")
        arguments: list[JsonValue] = [
            {
                "name": short(argument, "name"),
                "type": whole(argument, "type") or 0,
                "optional": given.flag(argument, "optional"),
            }
            for argument in list(objects(service, "args"))[:20]
        ]
        yield AdvertisedEntity(
            key=f"service_{name}",
            domain="button",
            name=f"{name}".replace("_", " ").capitalize(),
            category="config",
            capabilities={"press": Capability("bool", "w")},
            native={
                "kind": SERVICE,
                "name": name,
                "key": whole(service, "key") or 0,
                "device_id": 0,
                "args": arguments,
            },
        )


def _distinct(services: Iterable[JsonObject]) -> list[JsonObject]:
    known = {name: service for service in services if (name := short(service, "name"))}
    return list(known.values())[:SERVICES_MAX]
