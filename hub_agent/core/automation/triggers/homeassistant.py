"""`homeassistant`: the engine is up, or about to stop. The name is what definitions call it."""

from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.reading import Fields, read_choice
from hub_agent.core.automation.triggers.trigger import NeverHeld, Reader

EVENTS = ("start", "shutdown")
WORDS = {"start": "engine starting", "shutdown": "engine stopping"}


@dataclass(frozen=True, slots=True)
class EngineSource:
    event: str

    def attach(self, attachment: Attachment, _now: datetime) -> NeverHeld:
        def wake(now: datetime) -> None:
            attachment.fire({"event": self.event, "description": WORDS[self.event]}, now)

        if self.event == "start":
            attachment.listen_start(wake)
        else:
            attachment.listen_stop(wake)
        return NeverHeld()


def read_homeassistant(fields: Fields, _reader: Reader) -> EngineSource:
    return EngineSource(read_choice(fields.require("event"), EVENTS, fields.path("event")))
