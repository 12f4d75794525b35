"""Definitions from elsewhere: which rows they become, and which of them the home has from an import before."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from uuid import UUID, uuid5

from hub_agent.core.self_made import PREFIX, is_self_made
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.definition import Definition
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonObject, JsonValue

Told: TypeAlias = dict[str, JsonValue]

_KINDS = ("automation", "scene", "device")


class Imported:
    def __init__(self, definitions: Definitions, home_id: str) -> None:
        self._definitions = definitions
        self._home_id = home_id
        living = [(kind, each) for kind in _KINDS for each in definitions.of_kind(kind)]
        self._known = {(kind, key): each for kind, each in living if (key := import_key(each)) is not None}
        self._address_owner = {
            str(each.fields["manufacturer_device_id"]): each.id for kind, each in living if is_self_made(each)
        }

    def take(self, definitions: Sequence[JsonObject]) -> tuple[list[Definition], list[JsonValue]]:
        """The rows, and what to tell of each. The same key is the same row again."""
        arrived: list[Definition] = []
        told: list[JsonValue] = []
        for each in definitions:
            kind, key, fields = str(each["kind"]), str(each["key"]), each["fields"]
            assert isinstance(fields, Mapping)
            definition, outcome = self._home(fields) if kind == "home" else self._row(kind, key, fields)
            arrived.append(definition)
            name = fields.get("name", fields.get("device_name"))
            told.append({"key": key, "id": definition.id, "name": name, "outcome": outcome})
        return arrived, told

    def _row(self, kind: str, key: str, fields: JsonObject) -> tuple[Definition, str]:
        before = self._known.get((kind, key))
        definition_id = before.id if before else str(uuid5(UUID(self._home_id), f"homeassistant:{key}"))
        if before is not None and _is_incomplete(before.fields) and not _is_incomplete(fields):
            fields = {"is_enabled": True, **fields}
        if kind == "device":
            fields = self._addressed(fields, key, definition_id, before)
        # What a self-made device can do the core writes out by itself.
        compared = {name: value for name, value in fields.items() if name != "capabilities"}
        is_same = before is not None and {**before.fields, **compared} == before.fields
        outcome = "same" if is_same else "changed" if before else "new"
        return Definition(kind, definition_id, fields), outcome

    def _addressed(self, fields: JsonObject, key: str, definition_id: str, before: Definition | None) -> JsonObject:
        """No two self-made devices have the same address: the second is named with its kind."""
        wanted = before.fields if before else fields
        address = str(wanted.get("manufacturer_device_id"))
        if self._address_owner.setdefault(address, definition_id) != definition_id:
            address = f"{PREFIX}{key.partition('/')[2]}"
            self._address_owner[address] = definition_id
        return {**fields, "manufacturer_device_id": address}

    def _home(self, fields: JsonObject) -> tuple[Definition, str]:
        """Zones join those that the home has; one of the same name is renewed."""
        before = self._definitions.get("home", self._home_id)
        known = before.fields.get("metadata") if before else None
        metadata = dict(known) if isinstance(known, Mapping) else {}
        zones = {_zone_key(each): each for source in (metadata, fields) for each in _zones_in(source)}
        fresh: JsonObject = {**metadata, "zones": list(zones.values())}
        outcome = "same" if fresh == metadata else "changed" if _zones_in(metadata) else "new"
        return Definition("home", self._home_id, {"metadata": fresh}), outcome


def _source(fields: JsonObject) -> JsonObject:
    metadata = fields.get("metadata")
    source = metadata.get("imported_from") if isinstance(metadata, Mapping) else None
    return source if isinstance(source, Mapping) else {}


def _is_incomplete(fields: JsonObject) -> bool:
    """It came in switched off, for want of a secret or the like."""
    return _source(fields).get("is_incomplete") is True


def import_key(definition: Definition) -> str | None:
    """By which an imported definition is known again, also after the home got another id at its claim."""
    if is_self_made(definition):
        capabilities = definition.fields.get("capabilities")
        entities = capabilities.get("entities") if isinstance(capabilities, Mapping) else None
        return f"device/{next(iter(entities))}" if isinstance(entities, Mapping) and entities else None
    metadata, source = definition.fields.get("metadata"), _source(definition.fields)
    if not isinstance(metadata, Mapping) or source.get("id") is None:
        return None
    return f"{metadata.get('kind') or definition.kind}/{source['id']}"


def _zones_in(source: JsonObject) -> list[JsonObject]:
    zones = source.get("zones")
    return [each for each in zones if isinstance(each, Mapping)] if isinstance(zones, Sequence) else []


def _zone_key(zone: JsonObject) -> str:
    return str(zone.get("object_id") or slugify(str(zone.get("name"))))
