"""`zone`: somebody enters or leaves a zone."""

from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, read_choice, read_entity_ids
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.views import StateView, view, view_of_new
from hub_agent.core.automation.zones import is_in, zone_area, zones_told_by
from hub_agent.core.geography import position_of
from hub_agent.errors import DefinitionError
from hub_agent.model.state import EntityState, StateChanged


@dataclass(frozen=True, slots=True)
class ZoneSource:
    entity_ids: tuple[str, ...]
    zone: str
    event: str

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def handle(change: StateChanged, now: datetime) -> None:
            told = self._told(change, attachment)
            if told is not None:
                attachment.fire(told, now)

        attachment.listen_states(self.entity_ids, handle)
        return NeverHeld()

    def _told(self, change: StateChanged, attachment: Attachment) -> dict[str, object] | None:
        area = zone_area(self.zone, attachment.exchange.outlook)
        if change.new is None or area is None or not self.is_somewhere(change.entity_id, change.new):
            return None
        if change.old is not None and not self.is_somewhere(change.entity_id, change.old):
            return None
        was_inside = change.old is not None and is_in(change.entity_id, change.old, self.zone, area)
        is_inside = is_in(change.entity_id, change.new, self.zone, area)
        if was_inside is is_inside or is_inside is not (self.event == "enter"):
            return None
        zone_state = attachment.exchange.outlook.see(self.zone)
        return {
            "entity_id": change.entity_id,
            "from_state": view(change.entity_id, change.old),
            "to_state": view_of_new(change),
            "zone": None if zone_state is None else StateView(self.zone, zone_state),
            "event": self.event,
            "description": f"{change.entity_id} {'entering' if is_inside else 'leaving'} {self.zone}",
        }

    @staticmethod
    def is_somewhere(entity_id: str, seen: EntityState) -> bool:
        return position_of(seen) is not None or zones_told_by(entity_id, seen) is not None


def read_zone(fields: Fields, _reader: Reader) -> ZoneSource:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    zones = read_entity_ids(fields.text("zone"), fields.path("zone"))
    if len(zones) != 1:
        raise DefinitionError("names more than one zone", fields.path("zone"))
    event = read_choice(fields.take("event", "enter"), ("enter", "leave"), fields.path("event"))
    return ZoneSource(entity_ids, zones[0], event)
