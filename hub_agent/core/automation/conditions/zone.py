"""`zone`: all of these are in one of these zones."""

from dataclasses import dataclass

from hub_agent.core.automation.conditions.condition import ConditionError, ConditionsReader, Scope
from hub_agent.core.automation.reading import Fields, read_entity_ids
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.zones import is_in_zone, position_of, zone_area
from hub_agent.model.automation import Outcome


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
        position = position_of(seen)
        if position is None:
            raise ConditionError(f"{entity_id} tells no position")
        scope.seen[entity_id] = list(position)
        missing = None
        for zone in self.zones:
            area = zone_area(zone, scope.outlook)
            if area is None:
                missing = zone
            elif is_in_zone(seen, area):
                return True
        if missing is not None:
            raise ConditionError(f"{missing} does not exist")
        return False


def read_zone(fields: Fields, _reader: Reader, _conditions: ConditionsReader) -> ZoneTest:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    return ZoneTest(entity_ids, read_entity_ids(fields.require("zone"), fields.path("zone")))
