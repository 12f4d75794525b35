"""Reads discovery messages: which topic, which components, which device."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from hub_agent.drivers.given import is_shallow
from hub_agent.drivers.homeassistant.abbreviations import BASE, expand, fill_base
from hub_agent.drivers.homeassistant.options import TEXT_CHARS_MAX, Wrong
from hub_agent.model.device import Alias
from hub_agent.model.json import JsonObject, JsonValue

COMPONENTS_MAX: Final = 500
IDENTITIES_MAX: Final = 50
CONFIG_BYTES_MAX: Final = 512 * 1024
# What is kept of a configuration has to be written down, and writers of JSON have an end.
DEPTH_MAX: Final = 16

# Options of the whole device that its components take over unless they have their own.
_SHARED: Final = (
    "availability",
    "availability_mode",
    "availability_template",
    "availability_topic",
    "command_topic",
    "encoding",
    "payload_available",
    "payload_not_available",
    "qos",
    "state_topic",
    BASE,
)
_NAME = r"[a-zA-Z0-9_-]+"
_ZIGBEE = re.compile(r"zigbee2mqtt_(?:bridge_)?(0x[0-9a-f]{16})", re.IGNORECASE)
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2}", re.IGNORECASE)
_ID_CHARS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Place:
    """Where a discovery message stands: `<prefix>/<component>/[<node>/]<object>/config`."""

    component: str
    discovery_id: str


@dataclass(frozen=True, slots=True)
class Component:
    """One entity of an announcement; `config` None: it is to be removed."""

    kind: str
    discovery_id: str
    config: dict[str, JsonValue] | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """`is_migrating`: these entities are about to come back from another topic and stay meanwhile."""

    components: tuple[Component, ...] = ()
    is_migrating: bool = False


class Reader:
    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}/"
        self._topic = re.compile(rf"{re.escape(prefix)}/(\w+)/(?:({_NAME})/)?({_NAME})/config", re.ASCII)

    def is_discovery(self, topic: str) -> bool:
        return topic.endswith("/config") and topic.startswith(self._prefix)

    def read_place(self, topic: str) -> Place | None:
        match = self._topic.fullmatch(topic)
        if match is None:
            return None
        component, node, name = match.groups()
        return Place(component, f"{node} {name}" if node else name)

    def read(self, place: Place, payload: bytes) -> Announcement:
        """Raises Wrong."""
        body = _load(payload)
        if body is None:
            return Announcement()
        config = expand(body)
        if config.get("migrate_discovery") is True and len(config) == 1:
            return Announcement(is_migrating=True)
        if place.component != "device":
            return Announcement((Component(place.component, place.discovery_id, fill_base(config)),))
        return Announcement(_read_components(place, config))


def _load(payload: bytes) -> JsonObject | None:
    if not payload.strip():
        return None
    if len(payload) > CONFIG_BYTES_MAX:
        raise Wrong(
            "too_large", f"a configuration may have at most {CONFIG_BYTES_MAX} bytes, this one has {len(payload)}"
        )
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError as err:
        raise Wrong("not_json", f"the configuration is not JSON: {err}") from err
    # As many brackets as levels are needed to be too deep: most configurations are cleared by counting alone.
    if payload.count(b"{") + payload.count(b"[") > DEPTH_MAX and not is_shallow(body, DEPTH_MAX):
        raise Wrong("too_deep", f"a configuration may be nested {DEPTH_MAX} levels deep at most")
    if not isinstance(body, dict):
        raise Wrong("not_object", f"the configuration must be a JSON object, not {type(body).__name__}")
    return body or None


def _read_components(place: Place, config: dict[str, JsonValue]) -> tuple[Component, ...]:
    listed = config.get("components")
    if not isinstance(listed, Mapping):
        raise Wrong("key_missing" if listed is None else "key_wrong", "`components` must be a mapping of components")
    if len(listed) > COMPONENTS_MAX:
        raise Wrong(
            "too_large", f"`components` may hold at most {COMPONENTS_MAX} of them, this one holds {len(listed)}"
        )
    if not isinstance(config.get("device"), Mapping):
        raise Wrong("key_missing", "`device` is missing")
    # As Home Assistant does it, so that an entity that moves here from a topic of its own stays the same.
    _, _, name = place.discovery_id.rpartition(" ")
    return tuple(_read_component(f"{name} {key}", key, each, config) for key, each in listed.items())


def _read_component(discovery_id: str, key: str, component: JsonValue, whole: dict[str, JsonValue]) -> Component:
    if not isinstance(component, Mapping):
        return Component("", discovery_id, {"components": key})
    config = expand(component)
    kind = config.pop("platform", None)
    if not config and isinstance(kind, str):
        return Component(kind, discovery_id, None)
    for shared in _SHARED:
        if shared in whole:
            config.setdefault(shared, _copy(whole[shared]))
    config["device"], origin = whole["device"], whole.get("origin")
    if origin is not None:
        config["origin"] = origin
    return Component(kind if isinstance(kind, str) else "", discovery_id, fill_base(config))


def _copy(value: JsonValue) -> JsonValue:
    # Bases are filled in in place, entity by entity.
    return [dict(each) if isinstance(each, Mapping) else each for each in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class DeviceBlock:
    """Who the device says it is. Without a block the entity is a device of its own."""

    aliases: tuple[Alias, ...]
    name: str | None = None
    brand: str | None = None
    model: str | None = None
    firmware_version: str | None = None
    area: str | None = None
    via: tuple[Alias, ...] = ()


def read_device(config: JsonObject, kind: str, discovery_id: str) -> DeviceBlock:
    """Raises Wrong."""
    block = config.get("device")
    if block is None:
        own = config.get("unique_id")
        return DeviceBlock(
            (Alias("discovery_id", f"{kind}.{own if isinstance(own, str) and own else discovery_id}"[:_ID_CHARS_MAX]),)
        )
    if not isinstance(block, Mapping):
        raise Wrong("key_wrong", "`device` must be a mapping")
    aliases = _read_aliases(block)
    if not aliases:
        raise Wrong("key_missing", "`device` must have `identifiers` or `connections`")
    via = _text(block, "via_device")
    return DeviceBlock(
        aliases,
        _text(block, "name"),
        _text(block, "manufacturer"),
        _text(block, "model"),
        _text(block, "sw_version"),
        _text(block, "suggested_area"),
        _identifier_aliases(via) if via else (),
    )


def _read_aliases(block: JsonObject) -> tuple[Alias, ...]:
    identifiers, connections = block.get("identifiers"), block.get("connections")
    aliases: list[Alias] = []
    for each in identifiers if isinstance(identifiers, list) else [identifiers]:
        if isinstance(each, str | int) and not isinstance(each, bool) and each != "":
            aliases += _identifier_aliases(str(each))
        elif each is not None:
            raise Wrong("key_wrong", "`device.identifiers` must be a text or a list of texts")
    if connections is not None and not isinstance(connections, list):
        raise Wrong("key_wrong", "`device.connections` must be a list of pairs")
    for each in connections or []:
        if not (isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)):
            raise Wrong("key_wrong", "`device.connections` must be a list of pairs")
        aliases += _connection_aliases(*each)
    strength = {"zigbee_ieee": 0, "mac": 1, "discovery_id": 2}
    ordered = sorted(dict.fromkeys(aliases), key=lambda alias: strength[alias.kind])
    return tuple(ordered[:IDENTITIES_MAX])


def _identifier_aliases(identifier: str) -> tuple[Alias, ...]:
    """Zigbee2MQTT announces its devices here too; by its address a device is the same in both dialects."""
    zigbee = _ZIGBEE.fullmatch(identifier)
    own = Alias("discovery_id", identifier[:_ID_CHARS_MAX])
    if zigbee:
        return Alias("zigbee_ieee", zigbee[1].lower()), own
    # ESPHome and others name themselves by their MAC. Twelve digits without a letter may be any number.
    is_mac = _MAC.fullmatch(identifier) is not None and not identifier.isdecimal()
    return (*(_connection_aliases("mac", identifier) if is_mac else ()), own)


def _connection_aliases(kind: str, value: str) -> tuple[Alias, ...]:
    if kind in {"mac", "bluetooth"} and _MAC.fullmatch(value):
        return (Alias("mac", re.sub(r"[:-]", "", value.lower())),)
    return (Alias("discovery_id", f"{kind}:{value}"[:_ID_CHARS_MAX]),) if value else ()


def _text(block: JsonObject, key: str) -> str | None:
    value = block.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong("key_wrong", f"`device.{key}` must be text")
    return str(value)[: min(TEXT_CHARS_MAX, 255)]
