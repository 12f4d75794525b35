"""Devices and entities as the driver runs them: made from an announcement, or again from what the mirror kept of it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from hub_agent.drivers.homeassistant.announcement import Component, DeviceBlock
from hub_agent.drivers.homeassistant.availability import Availability, read_availability
from hub_agent.drivers.homeassistant.climate import Climate, Fan, Humidifier, WaterHeater
from hub_agent.drivers.homeassistant.facet import Facet
from hub_agent.drivers.homeassistant.formerly import rename
from hub_agent.drivers.homeassistant.lighting import make_light
from hub_agent.drivers.homeassistant.moments import Date, DateTime, Time
from hub_agent.drivers.homeassistant.opening import Cover, LawnMower, Vacuum, Valve
from hub_agent.drivers.homeassistant.options import Options, Wrong
from hub_agent.drivers.homeassistant.sensing import (
    BinarySensor,
    Camera,
    DeviceTracker,
    DeviceTrigger,
    Event,
    Image,
    Sensor,
    Tag,
    Update,
)
from hub_agent.drivers.homeassistant.switching import (
    AlarmControlPanel,
    Button,
    DeviceScene,
    Lock,
    Notify,
    Number,
    Select,
    Siren,
    Switch,
    Text,
)
from hub_agent.drivers.vocabulary import device_type_of
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Device, Entity, Origin, ProtocolType
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import Templates

DIALECT: Final = "homeassistant"

MAKERS: Final[Mapping[str, Callable[[Options], Facet]]] = {
    "alarm_control_panel": AlarmControlPanel,
    "binary_sensor": BinarySensor,
    "button": Button,
    "camera": Camera,
    "climate": Climate,
    "cover": Cover,
    "date": Date,
    "datetime": DateTime,
    "device_automation": DeviceTrigger,
    "device_tracker": DeviceTracker,
    "event": Event,
    "fan": Fan,
    "humidifier": Humidifier,
    "image": Image,
    "lawn_mower": LawnMower,
    "light": make_light,
    "lock": Lock,
    "notify": Notify,
    "number": Number,
    "scene": DeviceScene,
    "select": Select,
    "sensor": Sensor,
    "siren": Siren,
    "switch": Switch,
    "tag": Tag,
    "text": Text,
    "time": Time,
    "update": Update,
    "vacuum": Vacuum,
    "valve": Valve,
    "water_heater": WaterHeater,
}
_CATEGORIES: Final = frozenset({"config", "diagnostic"})
# What the entity does not need again once its device is known.
_NOT_KEPT: Final = frozenset({"device", "origin", "icon", "entity_picture"})


@dataclass(slots=True)
class Member:
    """An entity as the driver runs it."""

    entity: AdvertisedEntity
    facet: Facet
    availability: Availability | None
    topic: str
    observes: str | None = None

    def keep_availability(self, before: "Member") -> None:
        """The same entity announced anew: what its topics said still holds."""
        old, new = before.availability, self.availability
        if old is not None and new is not None and old.signature == new.signature:
            new.take_over(old)


@dataclass(slots=True)
class Known:
    """A device as the driver runs it, under one origin."""

    origin: Origin
    aliases: tuple[Alias, ...]
    block: DeviceBlock
    members: dict[str, Member] = field(default_factory=dict)


class Maker:
    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def make(
        self, kind: str, discovery_id: str, config: dict[str, JsonValue], block: DeviceBlock, topic: str
    ) -> Member:
        """Raises Wrong."""
        config = rename(kind, config)
        options = Options(config, self._templates)
        facet = MAKERS[kind](options)
        if options.flag("optimistic"):
            # It may say its state, but not as an answer: what was commanded is taken for done.
            facet.capabilities = {
                name: replace(each, access=each.access.replace("rw", "w")) for name, each in facet.capabilities.items()
            }
        availability = read_availability(options, self._templates)
        name = _entity_name(options, facet, block)
        # Each entity repeats the whole device block; one copy, of the device, is enough.
        options.config = {key: value for key, value in config.items() if key not in _NOT_KEPT}
        entity = AdvertisedEntity(
            key=key_of(Component(kind, discovery_id, config)),
            domain=facet.domain,
            name=name,
            object_id=_object_id(options),
            device_class=facet.device_class,
            unit=facet.unit,
            state_class=facet.state_class,
            category=_category(options),
            capabilities=facet.capabilities,
            native={"component": kind, "discovery_id": discovery_id, "topic": topic, "config": options.config},
        )
        return Member(entity, facet, availability, topic, _observes(entity))

    def make_again(self, entity: Entity, block: DeviceBlock) -> Member:
        """From what the mirror kept. Raises Wrong or KeyError where that is not ours."""
        native = entity.native
        config = native["config"]
        if not isinstance(config, Mapping):
            raise Wrong("key_wrong", "`config` must be a mapping")
        member = self.make(
            str(native["component"]), str(native["discovery_id"]), dict(config), block, str(native["topic"])
        )
        return replace(member, entity=replace(member.entity, key=entity.key, name=entity.name))


_IP = re.compile(r"(^|[_ -])ip([_ -]?address)?$", re.IGNORECASE)


def _observes(entity: AdvertisedEntity) -> str | None:
    """What a sensor tells of its device itself."""
    if entity.domain != "sensor":
        return None
    if entity.device_class == "battery" and entity.unit == "%":
        return "battery_level"
    if entity.device_class == "signal_strength":
        return "signal_strength"
    is_ip = entity.device_class is None and entity.unit is None and _IP.search(entity.name or "")
    return "ip_address" if is_ip else None


def advertise(known: Known, keys: Iterable[str], via: str | None) -> Advertisement:
    """These entities of the device, and all that is known of the device itself."""
    block = known.block
    name = block.name or _name_for(known)
    words = " ".join(word for word in (block.model, name) if word)
    return Advertisement(
        origin=known.origin,
        aliases=known.aliases,
        name=name,
        entities=tuple(known.members[key].entity for key in dict.fromkeys(keys)),
        complete=False,
        brand=block.brand,
        model=block.model,
        device_type=device_type_of([member.entity for member in known.members.values()], words),
        protocol=ProtocolType.ZIGBEE if any(alias.kind == "zigbee_ieee" for alias in known.aliases) else None,
        via=Origin(DIALECT, via) if via is not None else None,
        suggested_area=block.area,
        firmware_version=block.firmware_version,
        native={"block": _block_as_json(block)},
    )


def key_of(component: Component) -> str:
    unique = component.config.get("unique_id") if component.config is not None else None
    own = str(unique) if isinstance(unique, str | int) and unique != "" else component.discovery_id
    return f"{component.kind}.{own}"[:255]


def _entity_name(options: Options, facet: Facet, block: DeviceBlock) -> str | None:
    if "name" in options.config and options.config["name"] is None:
        return None
    name = options.optional_text("name")
    if options.config.get("device") is None:
        return None  # it is its own device, which bears the name
    if not name:
        label: str | None = getattr(facet, "label", None)
        return label or (facet.device_class or facet.domain).replace("_", " ").capitalize()
    name = name[:255]
    if block.name and name == block.name:
        return None
    if block.name and name.startswith(f"{block.name} "):
        return name[len(block.name) + 1 :].strip() or None
    return name


def _object_id(options: Options) -> str | None:
    wanted = options.optional_text("default_entity_id")
    if wanted:
        return (wanted.partition(".")[2] or wanted)[:255]
    return (options.optional_text("object_id") or "")[:255] or None


def _category(options: Options) -> str | None:
    category = options.optional_text("entity_category")
    if category and category not in _CATEGORIES:
        raise Wrong("key_wrong", f"`entity_category` must be config or diagnostic, not {category!r:.40}")
    return category or None


def _name_for(known: Known) -> str:
    """A device that does not say its name: its model, its address, or, where an entity is its own device, that one's name."""
    if known.block.model:
        return known.block.model
    member = next(iter(known.members.values()))
    is_own_device = known.origin.native_id == member.entity.key
    name = member.facet.options.optional_text("name") if is_own_device else None
    return name[:255] if name else known.origin.native_id


def merge_blocks(before: DeviceBlock, now: DeviceBlock) -> DeviceBlock:
    """Not every entity repeats all about its device."""
    return DeviceBlock(
        now.aliases,
        now.name or before.name,
        now.brand or before.brand,
        now.model or before.model,
        now.firmware_version or before.firmware_version,
        now.area or before.area,
        now.via or before.via,
    )


def _block_as_json(block: DeviceBlock) -> JsonObject:
    return {
        "name": block.name,
        "area": block.area,
        "via": [[alias.kind, alias.value] for alias in block.via],
    }


def block_from(device: Device) -> DeviceBlock:
    body = device.native.get("block")
    name = body.get("name") if isinstance(body, Mapping) else None
    area = body.get("area") if isinstance(body, Mapping) else None
    via = body.get("via") if isinstance(body, Mapping) else None
    pairs = [pair for pair in via if isinstance(pair, list) and len(pair) == 2] if isinstance(via, list) else []
    return DeviceBlock(
        device.aliases,
        name if isinstance(name, str) else None,
        device.brand,
        device.model,
        device.firmware_version,
        area if isinstance(area, str) else None,
        tuple(Alias(str(kind), str(value)) for kind, value in pairs),
    )
