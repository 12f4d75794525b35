"""`zone`: somebody enters or leaves a zone."""

from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, read_choice, read_entity_ids
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader
from hub_agent.core.automation.views import StateView, view
from hub_agent.core.automation.zones import is_in_zone, position_of, zone_area
from hub_agent.model.state import StateChanged


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
        if change.new is None or area is None or position_of(change.new) is None:
            return None
        if change.old is not None and position_of(change.old) is None:
            return None
        was_in = change.old is not None and is_in_zone(change.old, area)
        is_in = is_in_zone(change.new, area)
        if was_in is is_in or is_in is not (self.event == "enter"):
            return None
        zone_state = attachment.exchange.outlook.see(self.zone)
        return {
            "entity_id": change.entity_id,
            "from_state": view(change.entity_id, change.old),
            "to_state": view(change.entity_id, change.new),
            "zone": None if zone_state is None else StateView(self.zone, zone_state),
            "event": self.event,
        }


def read_zone(fields: Fields, _reader: Reader) -> ZoneSource:
    entity_ids = read_entity_ids(fields.require("entity_id"), fields.path("entity_id"))
    zones = read_entity_ids(fields.text("zone"), fields.path("zone"))
    event = read_choice(fields.take("event", "enter"), ("enter", "leave"), fields.path("event"))
    return ZoneSource(entity_ids, zones[0], event)
