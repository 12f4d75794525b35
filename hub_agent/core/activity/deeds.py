"""What people and the cloud do, as it reaches the hub: an entry for the audit, and one for people. Looked at before it is done."""

from collections.abc import Callable, Sequence
from datetime import datetime

from hub_agent.core.activity import words
from hub_agent.core.activity.room import Activity
from hub_agent.core.auditing import TABLE_BY_KIND, Audit, Deed
from hub_agent.core.sync.definitions import Definitions
from hub_agent.model.effects import Effect
from hub_agent.model.ids import DeviceId
from hub_agent.model.inputs import DefinitionArrived, Input

_KIND_BY_TABLE = {table: kind for kind, table in TABLE_BY_KIND.items()}
_NAMES = ("name", "device_name")


class Deeds:
    def __init__(
        self,
        audit: Audit,
        activity: Activity,
        definitions: Definitions,
        device_name: Callable[[DeviceId], str | None],
    ) -> None:
        self._audit = audit
        self._activity = activity
        self._definitions = definitions
        self._device_name = device_name

    def before(self, happened: Input, now: datetime) -> Sequence[Effect]:
        if isinstance(happened, DefinitionArrived) and happened.is_from_cloud:
            return self._from_cloud(happened, now)
        deed = self._audit.deed(happened)
        if deed is None:
            return ()
        return [self._audit.entry(deed, now), *self._activity.of_deed(deed, self._name(deed), now)]

    def _from_cloud(self, arrived: DefinitionArrived, now: datetime) -> Sequence[Effect]:
        """What is new in the cloud is told of scenes and automations only: at the claim all of them come."""
        definition = arrived.definition
        after = None if definition.is_deleted else definition.fields
        deed = self._audit.edited(definition.kind, definition.id, after, definition.modified_by)
        if deed is None or (deed.what == "add" and deed.table not in {"scenes", "automations"}):
            return ()
        who = words.cloud()
        told = Activity.edited(who, deed.what, deed.table, deed.record_id, self._name(deed))
        return self._activity.note(told, now)

    def _name(self, deed: Deed) -> str:
        if deed.record_id is None:
            return ""
        known = self._definitions.get(_KIND_BY_TABLE.get(deed.table, ""), deed.record_id)
        for fields in (known.fields if known is not None else {}, deed.after or {}, deed.before or {}):
            for key in _NAMES:
                if isinstance(name := fields.get(key), str) and name:
                    return name
        return self._device_name(DeviceId(deed.record_id)) or ""
