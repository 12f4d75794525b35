"""`state`: an entity's state or attribute changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, items_of, kind_of, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import Duration, are_same, read_duration
from hub_agent.core.automation.views import view, view_of_new
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.effects import Warn
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import EntityState, StateChanged

FILTERS = ("from", "not_from", "to", "not_to")
ANYTHING = "*"
EVENT_TYPE = "event_type"


@dataclass(frozen=True, slots=True)
class Filter:
    """Values that match (or with `is_inverted` do not); None matches all."""

    values: tuple[JsonValue, ...] | None = None
    is_inverted: bool = False

    def accepts(self, value: JsonValue) -> bool:
        if self.values is None:
            return True
        is_listed = value in self.values and (type(value) is str or any(are_same(value, each) for each in self.values))
        return is_listed is not self.is_inverted


@dataclass(frozen=True, slots=True)
class StateSource:
    entity_ids: tuple[str, ...]
    old: Filter
    new: Filter
    attribute: str | None
    length: Duration | None
    has_filter: bool
    holds_not_old: bool

    def attach(self, attachment: Attachment, _now: datetime) -> "AttachedState":
        attached = AttachedState(self, attachment)
        attachment.listen_states(self.entity_ids, attached.handle)
        return attached

    def value_of(self, seen: EntityState | None) -> JsonValue:
        if seen is None:
            return None
        return seen.state if self.attribute is None else seen.attributes.get(self.attribute)


class AttachedState:
    def __init__(self, source: StateSource, attachment: Attachment) -> None:
        self._source = source
        self._attachment = attachment

    def handle(self, change: StateChanged, now: datetime) -> None:
        source = self._source
        old, new = source.value_of(change.old), source.value_of(change.new)
        if self._attachment.holds:
            self._end_hold_if_over(change.entity_id, change.new)
        is_same = are_same(old, new) and not self._is_further_event(change)
        if is_same and (source.has_filter or source.attribute is not None):
            return
        if not source.old.accepts(old) or not source.new.accepts(new):
            return
        if source.length is None:
            self._attachment.fire(self._told(change), now)
        else:
            self._start_hold(change, old, new, now)

    def _is_further_event(self, change: StateChanged) -> bool:
        """Pressed twice alike is two presses: what an event entity is asked for is what happened, and each time counts."""
        if self._source.attribute != EVENT_TYPE or not change.entity_id.startswith("event."):
            return False
        return change.old is not None and change.new is not None and change.old.state != change.new.state

    def is_still_so(self, key: str, check: JsonValue, _now: datetime) -> bool:
        seen = self._attachment.exchange.world.state(EntityId(key))
        return seen is not None and _holds(self._source.value_of(seen), check)

    def _end_hold_if_over(self, entity_id: str, new: EntityState | None) -> None:
        hold = self._attachment.holds.get(entity_id)
        if hold is not None and (new is None or not _holds(self._source.value_of(new), hold.check)):
            self._attachment.end_hold(entity_id)

    def _start_hold(self, change: StateChanged, old: JsonValue, new: JsonValue, now: datetime) -> None:
        if change.new is None or change.entity_id in self._attachment.holds:
            return  # what goes on being held (an attribute changed meanwhile) is not restarted
        told = self._told(change)
        try:
            length = self._length(told)
        except (TemplateError, ValueError) as err:
            self._attachment.exchange.emit(Warn(f"for/{change.entity_id}", f"A trigger's `for` failed: {err}"))
            return
        told["for"] = length
        if not length:
            self._attachment.fire(told, now)
            return
        check: JsonValue = {"not": old} if self._source.holds_not_old else {"is": new}
        self._attachment.hold(change.entity_id, length, check, told, now)

    def _length(self, told: dict[str, object]) -> timedelta:
        length = self._source.length
        return length.get(lambda: {**self._attachment.variables(), "trigger": told}) if length else timedelta()

    def _told(self, change: StateChanged) -> dict[str, object]:
        return {
            "entity_id": change.entity_id,
            "from_state": view(change.entity_id, change.old),
            "to_state": view_of_new(change),
            "for": None,
            "attribute": self._source.attribute,
            "description": f"state of {change.entity_id}",
        }


def _holds(value: JsonValue, check: JsonValue) -> bool:
    if not isinstance(check, Mapping):
        return False
    return not are_same(value, check["not"]) if "not" in check else are_same(value, check.get("is"))


def read_state(fields: Fields, reader: Reader) -> StateSource:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    attribute = fields.text("attribute") if fields.has("attribute") else None
    for one, other in (("from", "not_from"), ("to", "not_to")):
        if fields.has(one) and fields.has(other):
            raise DefinitionError(f"has both '{one}' and '{other}'", fields.where)
    has_filter = any(fields.has(key) for key in FILTERS)
    holds_not_old = fields.has("from") and not fields.has("to")
    old = _read_filter(fields, "from", "not_from", attribute)
    new = _read_filter(fields, "to", "not_to", attribute)
    length = read_duration(fields.take("for"), reader.templates, fields.path("for")) if fields.has("for") else None
    return StateSource(entity_ids, old, new, attribute, length, has_filter, holds_not_old)


def _read_filter(fields: Fields, key: str, not_key: str, attribute: str | None) -> Filter:
    for name, is_inverted in ((key, False), (not_key, True)):
        if fields.has(name):
            value = fields.take(name)
            if value is None:
                return Filter()
            if value == ANYTHING:
                return Filter(()) if is_inverted else Filter()
            return Filter(_read_values(value, attribute, fields.path(name)), is_inverted)
    return Filter()


def _read_values(value: JsonValue, attribute: str | None, where: str) -> tuple[JsonValue, ...]:
    values = tuple(items_of(value))
    if attribute is None:
        for each in values:
            if not isinstance(each, str):
                raise DefinitionError(f"a state is text, not {kind_of(each)}", where)
    return values
