"""`event`: something fires an event of a type, with certain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, items_of, read_texts
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.values import are_same, read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.inputs import EventFired
from hub_agent.model.json import JsonValue

REPORTED = "state_reported"


@dataclass(frozen=True, slots=True)
class EventSource:
    event_types: tuple[str, ...]
    wanted: Mapping[str, JsonValue]
    user_ids: tuple[str | None, ...] | None

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def handle(event: EventFired, now: datetime) -> None:
            if self._accepts(event):
                attachment.fire({"event": _told(event), "description": f"event '{event.event_type}'"}, now)

        for event_type in self.event_types:
            attachment.listen_event(event_type, handle)
        return NeverHeld()

    def _accepts(self, event: EventFired) -> bool:
        if self.user_ids is not None and event.user_id not in self.user_ids:
            return False
        return not self.wanted or _is_within(self.wanted, event.data)


def _told(event: EventFired) -> dict[str, object]:
    return {"event_type": event.event_type, "data": event.data, "context": {"user_id": event.user_id}}


def _is_within(wanted: JsonValue, given: JsonValue) -> bool:
    """Mappings are subsets, also nested ones; everything else is equal."""
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            key in given and _is_within(item, given[key]) for key, item in wanted.items()
        )
    return are_same(wanted, given)


def read_event(fields: Fields, reader: Reader) -> EventSource:
    types = reader.limited(
        read_value(fields.require("event_type"), reader.templates, fields.path("event_type")),
        fields.path("event_type"),
    )
    event_types = read_texts(types, fields.path("event_type"))
    if REPORTED in event_types:
        raise DefinitionError(f"'{REPORTED}' comes far too often to be listened to", fields.path("event_type"))
    if not event_types:
        raise DefinitionError("names no event", fields.path("event_type"))
    wanted = reader.limited(
        read_value(fields.take("event_data", {}), reader.templates, fields.path("event_data")),
        fields.path("event_data"),
    )
    if not isinstance(wanted, Mapping):
        raise DefinitionError("must be a mapping", fields.path("event_data"))
    return EventSource(event_types, wanted, _read_user_ids(fields, reader))


def _read_user_ids(fields: Fields, reader: Reader) -> tuple[str | None, ...] | None:
    if not fields.has("context"):
        return None
    where = fields.path("context")
    context = Fields(reader.limited(read_value(fields.take("context"), reader.templates, where), where), where)
    given = context.require("user_id")
    user_ids = (None,) if given is None else tuple(str(each) for each in items_of(given))
    context.finish()
    return user_ids
