"""`numeric_state`: a number enters a range that it has been seen outside of."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.limits import NotANumber, Range, read_range
from hub_agent.core.automation.reading import Fields, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import Duration, Variables, read_duration
from hub_agent.core.automation.views import view, view_of_new
from hub_agent.errors import TemplateError
from hub_agent.model.effects import Warn
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import EntityState, StateChanged


@dataclass(frozen=True, slots=True)
class NumericSource:
    entity_ids: tuple[str, ...]
    range: Range
    length: Duration | None

    def attach(self, attachment: Attachment, _now: datetime) -> "AttachedNumeric":
        attached = AttachedNumeric(self, attachment)
        attachment.listen_states(self.entity_ids, attached.handle)
        return attached


class AttachedNumeric:
    """`_armed`: entities that have been seen outside the range since they last entered it."""

    def __init__(self, source: NumericSource, attachment: Attachment) -> None:
        self._source = source
        self._attachment = attachment
        self._armed: set[str] = set()
        for entity_id in source.entity_ids:
            seen = attachment.exchange.world.state(EntityId(entity_id))
            if seen is not None and self._is_inside(entity_id, seen) is False:
                self._armed.add(entity_id)

    def handle(self, change: StateChanged, now: datetime) -> None:
        entity_id = change.entity_id
        if change.new is None:
            self._attachment.end_hold(entity_id)
            return
        is_inside = self._is_inside(entity_id, change.new)
        if not is_inside:
            self._attachment.end_hold(entity_id)
        if is_inside is False:
            self._armed.add(entity_id)
        elif is_inside and entity_id in self._armed:
            self._armed.discard(entity_id)
            self._enter(change, now)

    def is_still_so(self, key: str, _check: JsonValue, _now: datetime) -> bool:
        seen = self._attachment.exchange.world.state(EntityId(key))
        is_so = seen is not None and self._is_inside(key, seen) is True
        if is_so:
            self._armed.discard(key)
        return is_so

    def _is_inside(self, entity_id: str, seen: EntityState) -> bool | None:
        """None when that cannot be said: not a number, a limit that is missing."""
        try:
            return self._source.range.holds(
                entity_id, seen, self._attachment.exchange.outlook, lambda: self._variables(entity_id)
            )
        except NotANumber:
            return None

    def _variables(self, entity_id: str) -> Variables:
        limits = self._source.range
        told = {
            "platform": "numeric_state",
            "entity_id": entity_id,
            "above": limits.above,
            "below": limits.below,
            "attribute": limits.attribute,
        }
        return {**self._attachment.variables(), "trigger": told}

    def _enter(self, change: StateChanged, now: datetime) -> None:
        told = self._told(change)
        if self._source.length is None:
            self._attachment.fire(told, now)
            return
        try:
            length: timedelta = self._source.length.get(lambda: {**self._attachment.variables(), "trigger": told})
        except (TemplateError, ValueError) as err:
            self._attachment.exchange.emit(Warn(f"for/{change.entity_id}", f"A trigger's `for` failed: {err}"))
            return
        told["for"] = length
        if not length:
            self._attachment.fire(told, now)
            return
        self._attachment.hold(change.entity_id, length, None, told, now)

    def _told(self, change: StateChanged) -> dict[str, object]:
        return {
            "entity_id": change.entity_id,
            "from_state": view(change.entity_id, change.old),
            "to_state": view_of_new(change),
            "above": self._source.range.above,
            "below": self._source.range.below,
            "for": None,
            "attribute": self._source.range.attribute,
            "description": f"numeric state of {change.entity_id}",
        }


def read_numeric_state(fields: Fields, reader: Reader) -> NumericSource:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    limits = read_range(fields, reader.templates)
    length = read_duration(fields.take("for"), reader.templates, fields.path("for")) if fields.has("for") else None
    return NumericSource(entity_ids, limits, length)
