"""A home with self-made devices, and what its mirror would hold: `restart` makes a new hub from that alone."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from hub_agent.core.hub import Hub
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import (
    Announce,
    Answer,
    AppendRecord,
    Effect,
    ForgetDevice,
    IssueCleared,
    IssueRaised,
    Save,
    SaveDefinition,
    SaveDevice,
    SendCommand,
)
from hub_agent.model.ids import CallId, EntityId, HomeId
from hub_agent.model.inputs import CallRequested, ClockStepped, DefinitionArrived, Input
from hub_agent.model.state import Cause

NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)  # 12:00 in Berlin
HOME = HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a")


class Home:
    def __init__(self) -> None:
        self.now = NOON
        self.ids = count(1)
        self.versions = count(1)
        self.devices: dict[str, Device] = {}
        self.saved: dict[str, dict[str, Any]] = {}
        self.definitions: dict[tuple[str, str], Definition] = {}
        self.records: list[dict[str, Any]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.issues: dict[str, str] = {}
        self.commands = 0
        self.restart(0)

    def device_id(self, entity_id: str) -> str:
        return str(uuid5(NAMESPACE_URL, entity_id))

    def define(self, entity_id: str, name: str | None = None, **settings: Any) -> None:
        """As the cloud says it."""
        domain, _, object_id = entity_id.partition(".")
        body = {"name": name, "domain": domain}
        fields = {
            "device_name": name or object_id,
            "device_type": "other",
            "manufacturer_device_id": f"helper/{object_id}",
            "capabilities": {"entities": {entity_id: body}},
            "settings": settings,
        }
        self.arrive(entity_id, fields)

    def arrive(self, entity_id: str, fields: Mapping[str, Any], *, is_deleted: bool = False) -> None:
        version = next(self.versions) * 10
        row = Definition("device", self.device_id(entity_id), fields, version, fields, is_deleted=is_deleted)
        self.tell(DefinitionArrived(row, is_from_cloud=True))

    def call(self, action: str, *targets: str, **data: Any) -> str | None:
        """What was wrong with it."""
        call = Call(CallId(self._new_id()), action, tuple(map(EntityId, targets)), data, Cause("manual", by="person"))
        answers = [each.answer for each in self.tell(CallRequested(call)) if isinstance(each, Answer)]
        assert len(answers) == 1
        return answers[0].error if isinstance(answers[0], CallAnswered) else None

    def wait(self, seconds: float) -> None:
        until = self.now + timedelta(seconds=seconds)
        while (due := self.hub.get_timer()) is not None and due <= until:
            self.now = max(due, self.now)
            self.keep(self.hub.handle_timer(self.now))
        self.now = until

    def restart(self, away_s: float = 5, *, keeps_states: bool = True) -> None:
        """`keeps_states`: the records of the last second were not lost."""
        before, self.now = self.now, self.now + timedelta(seconds=away_s)
        states = {}
        if keeps_states and hasattr(self, "hub"):
            states = {each: state for each in self.hub.states.entity_ids() if (state := self.hub.states.state(each))}
        self.hub = Hub(home_id=HOME, place=Place("Europe/Berlin", 52.5, 13.4), new_id=self._new_id)
        self.keep(
            self.hub.restore(
                devices=list(self.devices.values()),
                states=states,
                saved=self.saved,
                commands=[],
                definitions=list(self.definitions.values()),
                cloud_commands_done=[],
                last_alive_at=before,
                now=self.now,
            )
        )
        self.keep(self.hub.start(self.now))
        self.wait(0)

    def step_clock(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.tell(ClockStepped(timedelta(seconds=seconds), is_trusted=True))

    def tell(self, happened: Input) -> list[Effect]:
        return self.keep(self.hub.handle(happened, self.now))

    def state(self, entity_id: str) -> str | None:
        found = self.hub.states.state(EntityId(entity_id))
        return found.state if found else None

    def attribute(self, entity_id: str, name: str) -> Any:
        found = self.hub.states.state(EntityId(entity_id))
        assert found is not None
        return found.attributes.get(name)

    def keep(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            match effect:
                case SaveDevice(device):
                    self.devices[device.id] = device
                case ForgetDevice(device_id):
                    self.devices.pop(device_id, None)
                case Save(room, key, None):
                    self.saved.get(room, {}).pop(key, None)
                case Save(room, key, body):
                    self.saved.setdefault(room, {})[key] = body
                case SaveDefinition(definition):
                    self.definitions[definition.kind, definition.id] = definition
                case AppendRecord("device_states", row):
                    self.records.append(dict(row))
                case Announce("event", body):
                    self.events.append((str(body["event_type"]), dict(body["data"])))
                case IssueRaised(issue):
                    self.issues[issue.code] = issue.text
                case IssueCleared(code, _):
                    self.issues.pop(code, None)
                case SendCommand():
                    self.commands += 1
        return effects

    def _new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self.ids):012d}"


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def make_home() -> Callable[[], Home]:
    return Home
