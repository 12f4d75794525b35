"""`event`: something for others to hear."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.interpreter import Execution
from hub_agent.core.automation.reading import Fields
from hub_agent.core.automation.signals import StepFailed
from hub_agent.core.automation.values import Value, read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.inputs import EventFired
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class EventAct:
    event_type: str
    parts: tuple[Value, ...]

    def enter(self, at: Execution) -> None:
        told: dict[str, JsonValue] = {}
        for part in self.parts:
            told |= self._render(part, at)
        at.note("event", "fired", event=self.event_type)
        event = EventFired(self.event_type, told, at.run.cause.by, at.cause())
        at.interpreter.fire_event(at.run, at.thread, at.path, event, at.now)

    @staticmethod
    def _render(part: Value, at: Execution) -> JsonObject:
        """Data that cannot be rendered is left out, and the event is fired without it."""
        try:
            found = at.get(part)
        except StepFailed as err:
            at.warn(f"{at.path} of {at.run.automation_id}: {err}")
            return {}
        if not isinstance(found, Mapping):
            raise StepFailed(f"event_data is {found!r}, not a mapping")
        return found


def read_event_step(fields: Fields, builder: Builder) -> EventAct:
    parts: list[Value] = []
    for key in ("event_data", "event_data_template"):
        value = fields.take(key)
        if value is not None:
            if not isinstance(value, Mapping | str):
                raise DefinitionError("must be a mapping", fields.path(key))
            parts.append(read_value(value, builder.reader.templates, fields.path(key)))
    return EventAct(fields.text("event"), tuple(parts))
