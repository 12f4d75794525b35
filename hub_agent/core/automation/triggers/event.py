"""`event`: something fires an event of a type, with certain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, items_of, read_texts
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.values import are_same, read_value
from hub_agent.core.automation.views import iso, view, view_of_new
from hub_agent.errors import DefinitionError
from hub_agent.model.inputs import EventFired
from hub_agent.model.json import JsonValue
from hub_agent.model.state import Cause, StateChanged

REPORTED = "state_reported"
# Events of the engine's own that rules may listen to; all others come from devices, rules and doors.
CHANGED = "state_changed"
AT_START = ("homeassistant_start", "homeassistant_started")
AT_STOP = ("homeassistant_stop",)


@dataclass(frozen=True, slots=True)
class EventSource:
    event_types: tuple[str, ...]
    wanted: Mapping[str, JsonValue]
    user_ids: tuple[str | None, ...] | None

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def handle(event: EventFired, now: datetime) -> None:
            if self._accepts(event):
                attachment.fire({"event": _told(event, now), "description": f"event '{event.event_type}'"}, now)

        for event_type in self.event_types:
            attachment.listen_event(event_type, handle)
            self._listen_to_the_engine(event_type, attachment)
        return NeverHeld()

    def _listen_to_the_engine(self, event_type: str, attachment: Attachment) -> None:
        def fire(data: Mapping[str, object], now: datetime) -> None:
            if self._accepts_of(data, None):
                told = {"event_type": event_type, "data": data, "context": _context(event_type, None, None, now)}
                attachment.fire({"event": told, "description": f"event '{event_type}'"}, now)

        def change(changed: StateChanged, now: datetime) -> None:
            entity_id = changed.entity_id
            states = {"old_state": view(entity_id, changed.old), "new_state": view_of_new(changed)}
            fire({"entity_id": entity_id, **states}, now)

        if event_type in AT_START:
            attachment.listen_start(lambda now: fire({}, now))
        elif event_type in AT_STOP:
            attachment.listen_stop(lambda now: fire({}, now))
        elif event_type == CHANGED:
            named = self.wanted.get("entity_id")
            if isinstance(named, str):
                attachment.listen_states((named,), change)
            else:
                attachment.watch(set(), change, at_all=True)

    def _accepts(self, event: EventFired) -> bool:
        return self._accepts_of(event.data, event.user_id)

    def _accepts_of(self, data: Mapping[str, object], user_id: str | None) -> bool:
        if self.user_ids is not None and user_id not in self.user_ids:
            return False
        return not self.wanted or _is_within(self.wanted, data)


def _told(event: EventFired, now: datetime) -> dict[str, object]:
    return {
        "event_type": event.event_type,
        "data": event.data,
        "context": _context(event.event_type, event.cause, event.user_id, now),
    }


def _context(event_type: str, cause: Cause | None, user_id: str | None, now: datetime) -> dict[str, str | None]:
    """A rule's event bears the run's id, as `context.id` has it there; any other one an id of its own."""
    own = cause.id if cause is not None and cause.id else f"{event_type}/{iso(now)}"
    return {"id": own, "parent_id": None, "user_id": user_id}


def _is_within(wanted: JsonValue, given: object) -> bool:
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
