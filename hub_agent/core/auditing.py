"""Who did what on the hub itself: an entry for each deed of a person, at the page, the command line or the API. Rules, scenes and
the cloud leave their own traces.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.effects import AppendRecord
from hub_agent.model.ids import DeviceId, EntityId, HomeId
from hub_agent.model.inputs import (
    CallRequested,
    ConflictDecided,
    DefinitionArrived,
    DeviceEdited,
    Input,
    LostAnswered,
    PeerForgotten,
    PeerWanted,
    RemedyAnswered,
    RemedyWanted,
    RepairWanted,
    RoomEdited,
    ScenePressed,
)
from hub_agent.model.json import JsonObject, Row
from hub_agent.model.security import ScanWanted
from hub_agent.model.value import value

STREAM = "audit_logs"
# What is longer is not told whole: which columns were changed is said in any case.
VALUES_LENGTH_MAX = 8_192
# Of a call: what opens a lock or an alarm.
SECRETS = frozenset({"code", "pin", "password", "token"})

TABLE_BY_KIND: Mapping[str, str] = {
    "home": "homes",
    "room": "rooms",
    "device": "devices",
    "device_group": "device_groups",
    "scene": "scenes",
    "automation": "automations",
    "alert_rule": "alert_rules",
}
TABLE_BY_DOMAIN: Mapping[str, str] = {"scene": "scenes", "automation": "automations", "script": "automations"}


@value
class Deed:
    """`what` in a word; `key` tells it from others of the same instant."""

    what: str
    action: str
    table: str
    record_id: str | None
    key: str
    by: str | None
    before: JsonObject | None = None
    after: JsonObject | None = None
    details: JsonObject | None = None


class Audit:
    """`device_of`: whose entity that is."""

    def __init__(
        self, home_id: HomeId, definitions: Definitions, device_of: Callable[[EntityId], DeviceId | None]
    ) -> None:
        self._home_id = home_id
        self._definitions = definitions
        self._device_of = device_of

    def entry(self, deed: Deed, now: datetime) -> AppendRecord:
        return AppendRecord(STREAM, self._row(deed, now))

    def deed(self, happened: Input) -> Deed | None:
        """Looks before it is done, so that it can be said how it was."""
        match happened:
            case CallRequested(call) if call.cause.kind == "manual":
                devices = sorted({str(device) for each in call.target if (device := self._device_of(each)) is not None})
                table = TABLE_BY_DOMAIN.get(call.action.partition(".")[0], "devices")
                record_id = devices[0] if table == "devices" and len(devices) == 1 else None
                details: JsonObject = {"action": call.action, "target": list(call.target)}
                return Deed(
                    "call",
                    "UPDATE",
                    table,
                    record_id,
                    call.id,
                    call.cause.by,
                    after=_without_secrets(call.data),
                    details=details,
                )
            case ScenePressed(scene_id, cause, source, request_id) if cause.kind == "manual":
                return Deed("press", "UPDATE", "scenes", scene_id, request_id, cause.by, details={"source": source})
            case DefinitionArrived(definition, is_from_cloud) if not is_from_cloud:
                after = None if definition.is_deleted else definition.fields
                return self.edited(definition.kind, definition.id, after, happened.by)
            case DeviceEdited(device_id, name, room_id, by):
                after = {key: each for key, each in (("device_name", name), ("room_id", room_id)) if each is not None}
                return self.edited("device", device_id, after, by)
            case RoomEdited(room):
                return self.edited("room", room.id, {"name": room.name}, None)
            case ConflictDecided(kind, definition_id, is_for_hub_by_field, by):
                details = {"for_hub": dict(is_for_hub_by_field)}
                return self._about(kind, definition_id, "decide", by, details)
            case LostAnswered(kind, definition_id, field, at, is_put_back, by):
                what = "put back" if is_put_back else "let go"
                return self._about(kind, definition_id, what, by, {"field": field, "lost_at": at.isoformat()})
            case RepairWanted(automation_id, request_id, by):
                return Deed("repair", "UPDATE", "automations", automation_id, request_id, by)
            case RemedyAnswered(execution_id, is_approved, request_id, by):
                what = "approve" if is_approved else "refuse"
                return Deed(what, "UPDATE", "self_healing_executions", execution_id, request_id, by)
            case RemedyWanted(device_id, remedy, request_id, is_forced, by):
                details = {"device_id": device_id, "remedy": remedy, "forced": is_forced}
                return Deed("try", "INSERT", "self_healing_executions", None, request_id, by, details=details)
            case PeerWanted(dialect, key, by):
                return Deed("add", "INSERT", "devices", None, key, by, details={"dialect": dialect, "key": key})
            case ScanWanted(request_id, by):
                return Deed("scan", "INSERT", "security_scans", None, request_id, by)
            case PeerForgotten(dialect, key, is_ignored, by):
                what = "ignore" if is_ignored else "forget"
                return Deed(what, "DELETE", "devices", None, key, by, details={"dialect": dialect, "key": key})
        return None

    def _about(self, kind: str, definition_id: str, what: str, by: str | None, details: JsonObject) -> Deed | None:
        table = TABLE_BY_KIND.get(kind)
        return None if table is None else Deed(what, "UPDATE", table, definition_id, kind, by, details=details)

    def edited(self, kind: str, definition_id: str, after: JsonObject | None, by: str | None) -> Deed | None:
        """What is not changed is no edit. None: it is deleted."""
        table = TABLE_BY_KIND.get(kind)
        known = self._definitions.get(kind, definition_id)
        if table is None:
            return None
        if known is None:
            return Deed("add", "INSERT", table, definition_id, kind, by, after=after) if after is not None else None
        if after is None:
            return Deed("delete", "DELETE", table, definition_id, kind, by, before=known.fields)
        changed = sorted(name for name, each in after.items() if known.fields.get(name) != each)
        if not changed:
            return None
        before = {name: known.fields.get(name) for name in changed}
        return Deed("edit", "UPDATE", table, definition_id, kind, by, before, {name: after[name] for name in changed})

    def _row(self, deed: Deed, now: datetime) -> Row:
        place = f"{self._home_id}/{STREAM}/{now.isoformat()}/{deed.what}/{deed.key}/{deed.record_id}"
        member = self._definitions.of_kind("home_member") if deed.by else []
        changed = [*(deed.after or {})] if deed.action == "UPDATE" else []
        return {
            "id": str(uuid5(NAMESPACE_OID, place)),
            "time": now,
            "user_id": next((deed.by for each in member if each.fields.get("user_id") == deed.by), None),
            "action": deed.action,
            "table_name": deed.table,
            "record_id": deed.record_id,
            "old_values": _bounded(deed.before),
            "new_values": _bounded(deed.after),
            "changed_fields": changed or None,
            "metadata": {"what": deed.what, "by": deed.by, **(deed.details or {})},
        }


def _without_secrets(data: JsonObject) -> JsonObject:
    return {key: "***" if key in SECRETS else each for key, each in data.items()}


def _bounded(values: JsonObject | None) -> JsonObject | None:
    if values is None or len(str(values)) > VALUES_LENGTH_MAX:
        return None
    return values
