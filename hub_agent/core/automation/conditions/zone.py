"""`zone`: all of these are in one of these zones."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields, read_choice, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.zones import is_in, zone_area, zones_told_by
from hub_agent.core.geography import position_of
from hub_agent.model.automation import Outcome
from hub_agent.model.state import UNAVAILABLE, UNKNOWN


@dataclass(frozen=True, slots=True)
class ZoneTest:
    entity_ids: tuple[str, ...]
    zones: tuple[str, ...]

    def judge(self, scope: Scope) -> Outcome:
        are_all_in = True
        for entity_id in self.entity_ids:
            are_all_in = self._is_in_any(entity_id, scope) and are_all_in
        return Outcome.TRUE if are_all_in else Outcome.FALSE

    def _is_in_any(self, entity_id: str, scope: Scope) -> bool:
        seen = scope.state(entity_id)
        if seen.state in {UNAVAILABLE, UNKNOWN}:
            scope.seen[entity_id] = seen.state
            return False
        position = position_of(seen)
        if position is None and zones_told_by(entity_id, seen) is None:
            raise ConditionError(f"{entity_id} tells no position")
        scope.seen[entity_id] = seen.state if position is None else list(position)
        missing = None
        for zone in self.zones:
            area = zone_area(zone, scope.outlook)
            if area is None:
                missing = zone
            elif is_in(entity_id, seen, zone, area):
                return True
        if missing is not None:
            raise ConditionError(f"{missing} does not exist")
        return False


def read_zone(fields: Fields, _reader: Reader, _conditions: ConditionsReader) -> ZoneTest:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    if fields.has("event"):  # of old definitions; it never meant anything here
        read_choice(fields.take("event"), ("enter", "leave"), fields.path("event"))
    return ZoneTest(entity_ids, read_entity_ids(fields.require("zone"), fields.path("zone")))
