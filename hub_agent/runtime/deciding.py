"""What hub and cloud do not agree about: shown in words, and decided by people."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from hub_agent.core.hub import Hub
from hub_agent.core.sync.definitions import Conflict, Definitions
from hub_agent.core.sync.lost import LostValue
from hub_agent.core.sync.telling import Disputes
from hub_agent.core.sync.wording import label, name_in, wording
from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import ConflictDecided, LostAnswered
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.runtime.inbox import Inbox

SIDES = ("hub", "cloud")


class Deciding:
    def __init__(self, hub: Hub, inbox: Inbox) -> None:
        self._hub = hub
        self._inbox = inbox

    def conflicts(self) -> Sequence[JsonObject]:
        return [self._as_shown(conflict) for conflict in self._hub.definitions.conflicts]

    def lost(self) -> Sequence[JsonObject]:
        return [
            {
                "id": _id_of(each),
                "kind": each.kind,
                "definition_id": each.id,
                "name": self._name(each.kind, each.id),
                "field": each.field,
                "label": label(each.field),
                "of": each.of,
                "why": each.why,
                "at": each.at.isoformat(),
                "value": each.value,
                "text": self._words(each.field, each.value),
                "can_put_back": self._hub.definitions.get(each.kind, each.id) is not None,
            }
            for each in self._hub.definitions.lost.all()
        ]

    async def decide(self, name: str, side: str | None, fields: Mapping[str, str], by: str) -> JsonObject:
        conflict = self._conflict_named(name)
        if unknown := sorted(fields.keys() - conflict.theirs.keys()):
            waits = ", ".join(sorted(conflict.theirs))
            raise NotPossible(f"{', '.join(unknown)}: not disputed. What waits for a decision: {waits}.")
        chosen = {field: fields.get(field, side) for field in conflict.theirs}
        decided = {field: one for field, one in sorted(chosen.items()) if one is not None}
        if not decided or not set(decided.values()) <= set(SIDES):
            raise NotPossible("Say whose value holds: hub or cloud.")
        is_for_hub = {field: one == "hub" for field, one in decided.items()}
        await self._inbox.submit([ConflictDecided(conflict.kind, conflict.id, is_for_hub, by)])
        left: list[JsonValue] = [*sorted(conflict.theirs.keys() - decided.keys())]
        name = self._name(conflict.kind, conflict.id)
        return {"kind": conflict.kind, "id": conflict.id, "name": name, "decided": decided, "left": left}

    async def answer_lost(self, lost_id: str, *, is_put_back: bool, by: str) -> JsonObject:
        found = next((each for each in self._hub.definitions.lost.all() if _id_of(each) == lost_id), None)
        if found is None:
            raise NotFound(f"There is no value '{lost_id}' that gave way. List them with: nexa-hub sync lost")
        if is_put_back and self._hub.definitions.get(found.kind, found.id) is None:
            raise NotPossible(f"The {found.kind} is deleted: its values cannot be put back.")
        await self._inbox.submit([LostAnswered(found.kind, found.id, found.field, found.at, is_put_back, by)])
        return {"id": lost_id, "name": self._name(found.kind, found.id), "field": found.field, "put_back": is_put_back}

    def _as_shown(self, conflict: Conflict) -> JsonObject:
        definition = self._hub.definitions.get(conflict.kind, conflict.id)
        ours = definition.fields if definition else {}
        fields: list[JsonValue] = [
            {
                "field": field,
                "label": label(field),
                "hub": {"value": ours.get(field), "text": self._words(field, ours.get(field))},
                "cloud": {"value": theirs, "text": self._words(field, theirs)},
            }
            for field, theirs in sorted(conflict.theirs.items())
        ]
        return {
            "kind": conflict.kind,
            "id": conflict.id,
            "name": self._name(conflict.kind, conflict.id),
            "since": conflict.since.isoformat(),
            "hub": {"at": _iso(conflict.ours_at), "by": conflict.ours_by},
            "cloud": {"at": _iso(conflict.theirs_at), "by": conflict.theirs_by},
            "is_known_in_cloud": conflict.is_reported,
            "fields": fields,
        }

    def _conflict_named(self, name: str) -> Conflict:
        conflicts = self._hub.definitions.conflicts
        found = [each for each in conflicts if each.id == name]
        found = found or [
            each for each in conflicts if self._name(each.kind, each.id).casefold() == name.strip().casefold()
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFound(f"{len(found)} conflicts are about '{name}'; use the id.")
        raise NotFound(f"No conflict waits about '{name}'. List them with: nexa-hub sync conflicts")

    def _name(self, kind: str, definition_id: str) -> str:
        definition = self._hub.definitions.get(kind, definition_id)
        return name_in(definition.fields if definition else {}, definition_id)

    def _words(self, field: str, value: JsonValue) -> list[JsonValue]:
        return [*wording(field, value, self._name_of)]

    def _name_of(self, known_as: str) -> str | None:
        entity = self._hub.inventory.entity(EntityId(known_as))
        if entity is not None:
            device = self._hub.inventory.device(entity.device_id)
            return device.name if device and len(device.entities) == 1 else entity.name or known_as
        if (device := self._hub.inventory.device(DeviceId(known_as))) is not None:
            return device.name
        room = next((each for each in self._hub.rooms.by_id.values() if each.id == known_as), None)
        return room.name if room else None


def disputes_of(definitions: Definitions) -> Disputes:
    """What waits for a decision, in short."""

    def name(conflict: Conflict) -> str:
        known = definitions.get(conflict.kind, conflict.id)
        return name_in(known.fields if known else {}, conflict.id)

    return Disputes(tuple(name(each) for each in definitions.conflicts), len(definitions.lost.all()))


def _id_of(lost: LostValue) -> str:
    key = f"{lost.kind}/{lost.id}/{lost.field}/{lost.of}/{lost.at.isoformat()}"
    return hashlib.blake2b(key.encode(), digest_size=6).hexdigest()


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
