"""Players that play together: rules name entities, dialects their own names for devices."""

from collections.abc import Sequence
from dataclasses import replace

from hub_agent.core.automation.reading import items_of
from hub_agent.core.inventory import Inventory
from hub_agent.model.action import NATIVE_MEMBERS, Call
from hub_agent.model.device import Entity, Origin
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue

JOIN = "media_player.join"
MEMBERS = "group_members"


def with_native_members(call: Call, entity: Entity, inventory: Inventory) -> Call:
    own = inventory.device(entity.device_id)
    found = [_device_of(str(named), inventory) for named in items_of(call.data.get(MEMBERS))]
    native: list[JsonValue] = [
        origin.native_id
        for origin in found
        if origin is not None and own is not None and origin.dialect == own.origin.dialect
    ]
    return replace(call, data={**call.data, NATIVE_MEMBERS: native})


def _device_of(entity_id: str, inventory: Inventory) -> Origin | None:
    entity = inventory.entity(EntityId(entity_id.strip().lower()))
    device = inventory.device(entity.device_id) if entity is not None else None
    return None if device is None else device.origin


def with_entities(attributes: JsonObject, dialect: str, inventory: Inventory) -> JsonObject:
    """A driver's report names the members by their native ids; whom nobody has met is left out."""
    named = attributes.get(MEMBERS)
    if not isinstance(named, Sequence) or isinstance(named, str):
        return attributes
    players = (_player_of(Origin(dialect, str(native_id)), inventory) for native_id in named)
    return {**attributes, MEMBERS: [player for player in players if player is not None]}


def _player_of(origin: Origin, inventory: Inventory) -> EntityId | None:
    known = inventory.find(origin)
    if known is None:
        return None
    return next((entity.id for entity in known.device.entities if entity.domain == "media_player"), None)
