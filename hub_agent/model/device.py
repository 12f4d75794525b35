"""Devices and their entities, as drivers advertise them and as the inventory keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub_agent.model.ids import DeviceId, EntityId, RoomId
from hub_agent.model.json import JsonObject, JsonValue


class DeviceType(StrEnum):
    """The central schema's `device_type`."""

    LIGHT = "light"
    SWITCH = "switch"
    PLUG = "plug"
    THERMOSTAT = "thermostat"
    CAMERA = "camera"
    DOORBELL = "doorbell"
    LOCK = "lock"
    SENSOR_MOTION = "sensor_motion"
    SENSOR_CONTACT = "sensor_contact"
    SENSOR_TEMPERATURE = "sensor_temperature"
    SENSOR_HUMIDITY = "sensor_humidity"
    SENSOR_LEAK = "sensor_leak"
    SENSOR_SMOKE = "sensor_smoke"
    HVAC = "hvac"
    APPLIANCE = "appliance"
    GARAGE_DOOR = "garage_door"
    BLIND = "blind"
    SPEAKER = "speaker"
    HUB = "hub"
    ROUTER = "router"
    BRIDGE = "bridge"
    OTHER = "other"


class ProtocolType(StrEnum):
    """The central schema's `protocol_type`."""

    MATTER = "matter"
    THREAD = "thread"
    ZIGBEE = "zigbee"
    ZWAVE = "zwave"
    WIFI = "wifi"
    BLUETOOTH = "bluetooth"
    ETHERNET = "ethernet"
    PROPRIETARY = "proprietary"


class ConnectivityStatus(StrEnum):
    """The central schema's `connectivity_status`."""

    ONLINE = "online"
    OFFLINE = "offline"
    WEAK = "weak"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a device is met: the dialect, and its address in it (zigbee IEEE, discovery identifier ...)."""

    dialect: str
    native_id: str


# What no dialect brings: the hub itself, its broker, and the router that it reaches the rest of the world by.
HUB_ORIGIN = Origin("hub", "hub")
BROKER_ORIGIN = Origin("hub", "broker")
ROUTER_ORIGIN = Origin("hub", "router")


@dataclass(frozen=True, slots=True)
class Alias:
    """A native identity by which a device is known again. Kinds: zigbee_ieee, mac, serial, mdns, discovery_id, helper."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Capability:
    """What an entity can report or do. type: bool | int | float | enum | text. access: r | w | rw."""

    type: str
    access: str = "r"
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JsonValue]:
        """As it stands in `devices.capabilities`."""
        body: dict[str, JsonValue] = {"type": self.type, "access": self.access}
        if self.unit is not None:
            body["unit"] = self.unit
        for name in ("min", "max", "step"):
            value: float | None = getattr(self, name)
            if value is not None:
                body[name] = value
        if self.options:
            body["options"] = list(self.options)
        return body


@dataclass(frozen=True, slots=True)
class AdvertisedEntity:
    """One facet of a device as its driver describes it.

    `key` names it within its device and never changes. `name` is None for the device's main function.
    `native` is what the driver needs again to decode and encode (JSON only); nobody else reads it.
    A numeric sensor has exactly one capability, whose name is its `metric_type`.
    """

    key: str
    domain: str
    name: str | None = None
    object_id: str | None = None
    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = None
    category: str | None = None
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    native: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advertisement:
    """ "I exist": a device and entities of it.

    `aliases` are its native identities, strongest first. When `complete`, entities that are not listed are gone;
    otherwise the listed ones are added to those already known.
    """

    origin: Origin
    aliases: tuple[Alias, ...]
    name: str
    entities: tuple[AdvertisedEntity, ...] = ()
    complete: bool = True
    brand: str | None = None
    model: str | None = None
    device_type: DeviceType = DeviceType.OTHER
    protocol: ProtocolType | None = None
    via: Origin | None = None
    suggested_area: str | None = None
    firmware_version: str | None = None
    power_source: str | None = None
    native: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entity:
    """A facet of a device in the home."""

    id: EntityId
    device_id: DeviceId
    key: str
    domain: str
    name: str | None
    device_class: str | None
    unit: str | None
    state_class: str | None
    category: str | None
    capabilities: Mapping[str, Capability]
    native: JsonObject


@dataclass(frozen=True, slots=True)
class Device:
    """A physical or logical thing of the home. `name` and `room_id` are a person's once a person has set them."""

    id: DeviceId
    origin: Origin
    aliases: tuple[Alias, ...]
    name: str
    named_by_person: bool
    room_id: RoomId | None
    brand: str | None
    model: str | None
    device_type: DeviceType
    protocol: ProtocolType | None
    via: DeviceId | None
    firmware_version: str | None
    power_source: str | None
    native: JsonObject
    entities: tuple[Entity, ...]
    settings: JsonObject = field(default_factory=dict)
    added_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A place in the home."""

    id: RoomId
    name: str
    room_type: str | None = None
    sort_order: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """What is observed of a device now. signal_strength is in percent where the dialect's scale is known, else dBm."""

    is_available: bool | None = None
    last_seen_at: datetime | None = None
    last_event_at: datetime | None = None
    battery_level: int | None = None
    signal_strength: int | None = None
    firmware_version: str | None = None
    ip_address: str | None = None
