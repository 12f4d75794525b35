"""A device as a row of the central schema, and as one of the page's."""

from collections.abc import Mapping
from typing import Final

from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import EntityState

# The cloud's ecosystems are named after the dialects, but for these.
_ECOSYSTEMS: Final = {
    "homeassistant": "homeassistant_mqtt",
    "shelly_mqtt": "shelly",
    "hub": "nexa_hub",
    "helper": "nexa_hub",
}
VERSION_MAX: Final = 100


def definition_fields(device: Device) -> dict[str, JsonValue]:
    """The columns of `devices` that hub and people own."""
    mac = next((alias.value for alias in device.aliases if alias.kind == "mac"), None)
    if mac is not None and len(mac) == 12:
        mac = ":".join(mac[place : place + 2] for place in range(0, 12, 2))  # as the column gives it back
    protocol = device.protocol.value if device.protocol else None
    return {
        "device_name": device.name,
        "device_type": device.device_type.value,
        "room_id": device.room_id,
        "manufacturer_device_id": device.origin.native_id,
        "mac_address": mac,
        "primary_protocol": protocol,
        "supported_protocols": [protocol] if protocol else [],
        "power_source": device.power_source if device.power_source in {"battery", "wired", "solar"} else None,
        "capabilities": _capabilities(device),
        # Names, for which the cloud finds its catalogue's rows, or makes them.
        "brand": device.brand,
        "model": device.model,
        "integration_platform": ecosystem_of(device.origin.dialect),
        "ecosystem_device_id": device.origin.native_id,
    }


def present_of(device: Device, presence: Presence, states: Mapping[EntityId, EntityState]) -> dict[str, JsonValue]:
    """The observed columns of `devices`. `states`: how its `update` entities are."""
    return {
        **_firmware_offered(device, states),
        "is_online": connectivity(presence) == "online",
        "connectivity_status": connectivity(presence),
        "last_seen_at": presence.last_seen_at.isoformat() if presence.last_seen_at else None,
        "last_event_at": presence.last_event_at.isoformat() if presence.last_event_at else None,
        "battery_level": presence.battery_level,
        "signal_strength": presence.signal_strength,
        "firmware_version": presence.firmware_version or device.firmware_version,
        "ip_address": presence.ip_address,
    }


def ecosystem_of(dialect: str) -> str:
    """The slug of the cloud's ecosystem."""
    return _ECOSYSTEMS.get(dialect, dialect)


def update_entities(device: Device) -> list[EntityId]:
    return [entity.id for entity in device.entities if entity.domain == "update"]


def _firmware_offered(device: Device, states: Mapping[EntityId, EntityState]) -> dict[str, JsonValue]:
    """Nothing of a device that does not say: what was known stays."""
    told = [state for each in update_entities(device) if (state := states.get(each)) and state.state in {"on", "off"}]
    if not told:
        return {}
    offered = next((state for state in told if state.state == "on"), told[0])
    latest = offered.attributes.get("latest_version")
    return {
        "firmware_update_available": offered.state == "on",
        "latest_firmware_version": latest[:VERSION_MAX] if isinstance(latest, str) else None,
    }


def connectivity(presence: Presence) -> str:
    if presence.is_available is None:
        return "online" if presence.last_seen_at else "unknown"
    return "online" if presence.is_available else "offline"


def entity_as_shown(entity: Entity, state: EntityState | None) -> dict[str, JsonValue]:
    """An entity with its state, for the page, the API and the command line."""
    return {
        "id": entity.id,
        "name": entity.name,
        "domain": entity.domain,
        "device_class": entity.device_class,
        "unit": entity.unit,
        "category": entity.category,
        "capabilities": {name: capability.as_json() for name, capability in entity.capabilities.items()},
        "state": state.state if state else "unknown",
        "attributes": dict(state.attributes) if state else {},
        "changed_at": state.changed_at.isoformat() if state else None,
    }


def _capabilities(device: Device) -> Mapping[str, JsonValue]:
    entities: dict[str, JsonValue] = {}
    for entity in sorted(device.entities, key=lambda entity: entity.id):
        body: dict[str, JsonValue] = {
            "name": entity.name,
            "domain": entity.domain,
            "capabilities": {name: capability.as_json() for name, capability in entity.capabilities.items()},
        }
        if entity.device_class:
            body["device_class"] = entity.device_class
        if entity.category:
            body["category"] = entity.category
        entities[entity.id] = body
    capabilities: dict[str, JsonValue] = {"entities": entities}
    if device.via:
        capabilities["via"] = device.via
    if "powered_by" in device.settings:
        capabilities["powered_by"] = device.settings["powered_by"]
    return capabilities
