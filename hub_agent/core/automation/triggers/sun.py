"""`sun`: at sunrise or sunset, with an offset."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.core.automation.exchange import Attachment, Exchange
from hub_agent.core.automation.reading import Fields, read_choice
from hub_agent.core.automation.triggers.clock import AttachedClock
from hub_agent.core.automation.triggers.trigger import Reader
from hub_agent.core.automation.values import read_duration
from hub_agent.core.sun import EVENTS, next_sun_event
from hub_agent.errors import DefinitionError


@dataclass(frozen=True, slots=True)
class SunSource:
    event: str
    offset: timedelta

    def attach(self, attachment: Attachment, now: datetime) -> AttachedClock:
        return AttachedSun(self, attachment, now)

    def next_after(self, after: datetime, exchange: Exchange) -> datetime | None:
        return next_sun_event(exchange.place, self.event, self.offset, after)


class AttachedSun(AttachedClock):
    def __init__(self, source: SunSource, attachment: Attachment, now: datetime) -> None:
        self._sun = source
        super().__init__(source, attachment, now)

    def told(self, due: datetime) -> dict[str, object]:
        event, offset = self._sun.event, self._sun.offset
        words = f"{event} with offset" if offset else event
        return {"now": super().told(due)["now"], "event": event, "offset": offset, "description": words}


def read_sun(fields: Fields, reader: Reader) -> SunSource:
    event = read_choice(fields.require("event"), EVENTS, fields.path("event"))
    offset = read_duration(fields.take("offset", 0), reader.templates, fields.path("offset"), may_be_negative=True)
    if offset.known is None:
        raise DefinitionError("an offset cannot be a template", fields.path("offset"))
    return SunSource(event, offset.known)
