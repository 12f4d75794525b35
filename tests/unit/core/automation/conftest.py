"""A home for automations: states, a clock that is told, and an outside that answers at once unless told otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from hub_agent.core.automation.engine import Automations
from hub_agent.core.automation.exchange import Output
from hub_agent.core.automation.spelling import automation_fields
from hub_agent.core.states import States
from hub_agent.model.action import Call, CallAnswered, Command, CommandSettled
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendRecord, Effect, Save, SaveTrace
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.inputs import EventFired, StateRemoved, StateSet
from hub_agent.model.state import Cause

NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)  # 12:00 in Berlin
BERLIN = Place("Europe/Berlin", 52.52, 13.405, 34)
MOTION = {"trigger": "state", "entity_id": "binary_sensor.motion", "to": "on"}
LIGHT_ON = {"action": "light.turn_on", "target": {"entity_id": "light.hall"}}


@dataclass
class Home:
    """`answers`: what the outside says to a call: None (nothing yet), or (error, commands)."""

    now: datetime = NOON
    states: States = field(default_factory=States)
    saved: dict[str, Any] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    answers: Any = (None, 0)
    calls: list[Call] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.automations = Automations(self.states, self.new_id, BERLIN)

    def new_id(self) -> str:
        return str(UUID(int=next(self.numbers) + 1))

    # What a test does.

    def load(self, config: Mapping[str, Any] | None = None, key: str = "a", **fields: Any) -> Definition:
        row = {
            **automation_fields({"alias": key, **(config or {"triggers": [MOTION], "actions": [LIGHT_ON]})}),
            **fields,
        }
        definition = Definition("automation", f"id-{key}", row)
        self.definitions = [each for each in self.definitions if each.id != definition.id] + [definition]
        self.route(self.automations.load(definition, self.now))
        return definition

    def start(self, last_alive_at: datetime | None = None) -> None:
        self.route(self.automations.restore(dict(self.saved), self.now, last_alive_at))
        self.route(self.automations.start(self.now))

    def crash(self, *, away: timedelta = timedelta(0)) -> None:
        """Everything but what was kept is lost; the hub comes back after `away`."""
        alive_at = self.now
        self.now += away
        self.automations = Automations(self.states, self.new_id, BERLIN)
        for definition in self.definitions:
            self.route(self.automations.load(definition, self.now))
        self.start(alive_at)

    def set(self, entity_id: str, state: str | None = None, attributes: Any = None) -> None:
        self.route([StateSet(EntityId(entity_id), state, attributes)])

    def fire(self, event_type: str, **data: Any) -> None:
        self.route([EventFired(event_type, data)])

    def call(self, action: str, *target: str, **data: Any) -> None:
        cause = Cause("manual", by="person")
        self.route([Call(CallId(self.new_id()), action, tuple(EntityId(each) for each in target), data, cause)])

    def wait(self, seconds: float) -> None:
        until = self.now + timedelta(seconds=seconds)
        while (due := self.automations.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.route(self.automations.handle_timer(self.now))
        self.now = until

    def settle(self, call: Call, outcome: str, entity_id: str = "light.hall", error: str | None = None) -> None:
        command = Command(
            CommandId(self.new_id()),
            call.id,
            DeviceId("device"),
            EntityId(entity_id),
            call.action,
            call.data,
            call.cause,
            self.now,
            self.now,
        )
        self.route(self.automations.handle(CommandSettled(command, outcome, self.now, error), self.now))

    def route(self, outputs: Any) -> None:
        waiting: list[Output] = list(outputs)
        while waiting:
            each = waiting.pop(0)
            match each:
                case Call() if each.domain in {"automation", "script"}:
                    waiting += self.automations.call(each, self.now)
                case Call():
                    self.calls.append(each)
                    if self.answers is not None:
                        error, commands = self.answers
                        waiting += self.automations.handle(
                            CallAnswered(each.id, error=error, commands=commands), self.now
                        )
                case CallAnswered() | EventFired():
                    waiting += self.automations.handle(each, self.now)
                case StateSet():
                    change = self.states.write(each.entity_id, each.state, each.attributes, self.now)
                    waiting += self.automations.handle(change, self.now) if change else []
                case StateRemoved():
                    change = self.states.remove(each.entity_id, self.now)
                    waiting += self.automations.handle(change, self.now) if change else []
                case _:
                    self._keep(each)
        for save in self.automations.unsaved():
            self._keep(save)

    def _keep(self, effect: Effect) -> None:
        self.effects.append(effect)
        if isinstance(effect, Save):
            assert effect.room == "automation"
            if effect.body is None:
                self.saved.pop(effect.key, None)
            else:
                self.saved[effect.key] = effect.body

    # What a test looks at.

    @property
    def actions(self) -> list[str]:
        return [call.action for call in self.calls]

    @property
    def records(self) -> list[Any]:
        return [effect.row for effect in self.effects if isinstance(effect, AppendRecord)]

    @property
    def traces(self) -> list[Any]:
        return [effect.body for effect in self.effects if isinstance(effect, SaveTrace)]

    def seen(self, kind: type) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def saved_runs(self) -> list[str]:
        return [key for key in self.saved if key.startswith("run/")]


@pytest.fixture
def home() -> Home:
    return Home()
