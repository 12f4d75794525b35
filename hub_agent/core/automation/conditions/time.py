"""`time`: it is between two times of day, on certain weekdays."""

from dataclasses import dataclass
from datetime import time

from hub_agent.core.automation.clock_text import read_clock_time, time_of_day_of_entity
from hub_agent.core.automation.conditions.condition import ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields, is_entity_id, read_choices
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.time_of_day import WEEKDAYS, zone
from hub_agent.errors import DefinitionError
from hub_agent.model.automation import Outcome

BOUND_DOMAINS = ("input_datetime", "time", "sensor")


@dataclass(frozen=True, slots=True)
class TimeTest:
    """`after` counts as inside, `before` as outside; after > before spans midnight; both equal is always."""

    after: time | str | None
    before: time | str | None
    weekdays: frozenset[str] | None

    def judge(self, scope: Scope) -> Outcome:
        local = scope.now.astimezone(zone(scope.outlook.place.time_zone))
        scope.seen["now"] = local.strftime("%a %H:%M:%S").lower()
        if self.weekdays is not None and WEEKDAYS[local.weekday()] not in self.weekdays:
            return Outcome.FALSE
        after = self._bound(self.after, scope)
        before = self._bound(self.before, scope)
        if (after is None and self.after is not None) or (before is None and self.before is not None):
            return Outcome.FALSE  # there is an entity, but it holds no time now
        return Outcome.TRUE if _is_between(local.time(), after, before) else Outcome.FALSE

    @staticmethod
    def _bound(bound: time | str | None, scope: Scope) -> time | None:
        if not isinstance(bound, str):
            return bound
        seen = scope.state(bound)
        scope.seen[bound] = seen.state
        return time_of_day_of_entity(bound, seen, zone(scope.outlook.place.time_zone))


def _is_between(at: time, after: time | None, before: time | None) -> bool:
    start = after or time(0)
    if before is None:
        return at >= start
    if start < before:
        return start <= at < before
    return at >= start or at < before


def read_time(fields: Fields, _reader: Reader, _conditions: ConditionsReader) -> TimeTest:
    after, before = _read_bound(fields, "after"), _read_bound(fields, "before")
    weekdays = None
    if fields.has("weekday"):
        weekdays = frozenset(read_choices(fields.take("weekday"), WEEKDAYS, fields.path("weekday")))
    if after is None and before is None and weekdays is None:
        raise DefinitionError("needs 'after', 'before' or 'weekday'", fields.where)
    return TimeTest(after, before, weekdays)


def _read_bound(fields: Fields, key: str) -> time | str | None:
    value = fields.take(key)
    if value is None:
        return None
    if isinstance(value, str) and is_entity_id(value) and value.partition(".")[0] in BOUND_DOMAINS:
        return value
    return read_clock_time(value, fields.path(key))
