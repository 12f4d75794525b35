"""A hub whose rules are looked at: devices, states and rules are told to it, and time passes."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from hub_agent.core.automation.spelling import automation_fields, script_fields
from hub_agent.core.hub import Hub
from hub_agent.model.action import CallAnswered, Command
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.device import AdvertisedEntity, Advertisement, Alias, Capability, Origin
from hub_agent.model.effects import (
    Answer,
    AppendRecord,
    Effect,
    IssueCleared,
    IssueRaised,
    Save,
    SaveDefinition,
    SendCommand,
)
from hub_agent.model.ids import EntityId, HomeId
from hub_agent.model.inputs import (
    CommandSent,
    DefinitionArrived,
    EventFired,
    Input,
    RepairWanted,
    StateRemoved,
    StateSet,
)
from hub_agent.model.report import EntityReport, Reported

NOON = datetime(2026, 1, 14, 11, tzinfo=UTC)  # a Wednesday, 12:00 in Berlin
HOME = HomeId("6a204bd8-9a3b-4f6f-8f0e-0a4e3c1d2b1a")
ON_OFF = {"on": Capability("bool", "rw")}
MOTION = {"trigger": "state", "entity_id": "binary_sensor.motion", "to": "on"}
LIGHT_ON = {"action": "light.turn_on", "target": {"entity_id": "light.hall"}}


class Outside:
    """Devices that do at once what they are told; `broken` fails with that text."""

    takes_whole_calls = False

    def __init__(self) -> None:
        self.broken: str | None = None
        self.is_obeyed = True
        self.waiting: list[Any] = []
        self.counts = False
        self.count = 0

    def call(self, call: Any, _now: datetime) -> list[Any]:
        if self.broken is not None:
            return [CallAnswered(call.id, error=self.broken)]
        given: list[Any] = [CallAnswered(call.id)]
        if self.counts:
            self.count += 1
            return [*given, *(StateSet(each, str(self.count + 1), None, cause=call.cause) for each in call.target)]
        self.waiting.append(call)
        state = {"turn_on": "on", "turn_off": "off"}.get(call.action.partition(".")[2])
        if state is not None and self.is_obeyed:
            given += [StateSet(entity_id, state, None, cause=call.cause) for entity_id in call.target]
        return given


class Home:
    def __init__(self, *, has_devices: bool = False) -> None:
        """`has_devices`: calls become commands to devices, as on a hub."""
        self.now = NOON
        self.ids = count(1)
        self.has_devices = has_devices
        self.sent: list[Command] = []
        self.saved: dict[str, dict[str, Any]] = {}
        self.definitions: dict[str, Definition] = {}
        self.rows: list[dict[str, Any]] = []
        self.issues: dict[tuple[str, str], str] = {}
        self.outside = Outside()
        self.devices: list[Any] = []
        self.start()

    # What a test does.

    def start(self) -> None:
        services = None if self.has_devices else self.outside
        self.hub = Hub(home_id=HOME, place=Place("Europe/Berlin", 52.5, 13.4), new_id=self._new_id, services=services)
        states = {}
        if self.devices:
            states = self.devices.pop()
        restored = self.hub.restore(
            devices=(),
            states=states,
            saved=self.saved,
            commands=(),
            definitions=tuple(self.definitions.values()),
            cloud_commands_done=(),
            last_alive_at=None,
            now=self.now,
        )
        self.keep(restored)
        self.keep(self.hub.start(self.now))

    def restart(self) -> None:
        states = self.hub.states
        self.devices.append({each: states.state(each) for each in states.entity_ids()})
        self.issues.clear()
        self.start()

    def load(self, name: str = "rule", *, triggers: Any = (MOTION,), actions: Any = (LIGHT_ON,), **more: Any) -> str:
        """A rule; the answer is its id."""
        fields_of_row = {
            key: more.pop(key) for key in ("is_enabled", "schedule_type", "schedule_config") if key in more
        }
        fields = automation_fields({"alias": name, "triggers": triggers, "actions": actions, **more})
        return self._arrive(name, {**fields, **fields_of_row})

    def load_script(self, name: str, *actions: Any) -> str:
        return self._arrive(name, script_fields(name, {"sequence": list(actions)}))

    def fire(self, event_type: str) -> None:
        self.tell(EventFired(event_type, {}))

    def answer(self, entity_id: str, *, after_s: float) -> None:
        """The device does what it was last told, and says so as one that a command made do it."""
        self.wait(after_s)
        for call in self.outside.waiting[-1:]:
            state = call.action.removeprefix("light.turn_")
            self.tell(StateSet(EntityId(entity_id), state, None, cause=call.cause))

    def obey(self, name: str, key: str) -> bool:
        """The device gets the next command, and reports that it did it; whether there was one."""
        if not self.sent:
            return False
        command = self.sent.pop(0)
        self.tell(CommandSent(command.id))
        self.wait(0.5)
        self.report(name, key, command.action.rpartition("_")[2])
        self.wait(0.5)
        return True

    def unload(self, name: str) -> None:
        self.tell(DefinitionArrived(Definition("automation", rule_id(name), {}, is_deleted=True), is_from_cloud=False))

    def set(self, entity_id: str, state: str, **attributes: Any) -> None:
        self.tell(StateSet(EntityId(entity_id), state, attributes))

    def remove(self, entity_id: str) -> None:
        self.tell(StateRemoved(EntityId(entity_id)))

    def meet(self, name: str, *entities: AdvertisedEntity) -> None:
        """A device announces itself with exactly these entities."""
        origin = Origin("zigbee2mqtt", f"0x{name}")
        self.tell(Advertisement(origin, (Alias("zigbee_ieee", f"0x{name}"),), name, entities))

    def report(self, name: str, key: str, state: str, **attributes: Any) -> None:
        self.tell(Reported(Origin("zigbee2mqtt", f"0x{name}"), (EntityReport(key, state, attributes),)))

    def wait(self, seconds: float = 0, **more: float) -> None:
        until = self.now + timedelta(seconds=seconds, **more)
        while (due := self.hub.get_timer()) is not None and due <= until:
            self.now = max(due, self.now)
            self.keep(self.hub.handle_timer(self.now))
        self.now = until

    def repair(self, name: str) -> Any:
        told = self.tell(RepairWanted(rule_id(name), "request"))
        return next(each.answer for each in told if isinstance(each, Answer))

    def tell(self, happened: Input) -> list[Effect]:
        return self.keep(self.hub.handle(happened, self.now))

    # What a test looks at.

    def report_of(self, name: str = "rule") -> Any:
        return self.hub.checks.report(rule_id(name), self.now)

    def found(self, name: str = "rule") -> dict[str, Any]:
        """What was found of a rule, by code."""
        report = self.report_of(name)
        return {each["code"]: each for each in [*report["issues"], *report["warnings"]]}

    def status(self, name: str = "rule") -> str:
        return str(self.report_of(name)["health_status"])

    def rows_of(self, name: str = "rule") -> list[dict[str, Any]]:
        return [row for row in self.rows if row["automation_id"] == rule_id(name)]

    def issues_of(self, name: str = "rule") -> dict[str, str]:
        return {code: text for (code, subject), text in self.issues.items() if subject == rule_id(name)}

    # How.

    def keep(self, effects: list[Effect]) -> list[Effect]:
        for each in effects:
            match each:
                case Save(room, key, None):
                    self.saved.get(room, {}).pop(key, None)
                case Save(room, key, body):
                    self.saved.setdefault(room, {})[key] = body
                case SaveDefinition(definition):
                    self.definitions[definition.id] = definition
                case SendCommand(command):
                    self.sent.append(command)
                case AppendRecord("automation_health_checks", row):
                    self.rows.append(dict(row))
                case IssueRaised(issue):
                    self.issues[issue.code, issue.subject] = issue.text
                case IssueCleared(code, subject):
                    self.issues.pop((code, subject), None)
        return effects

    def _arrive(self, name: str, fields: Any) -> str:
        self.tell(DefinitionArrived(Definition("automation", rule_id(name), fields), is_from_cloud=False))
        return rule_id(name)

    def _new_id(self) -> str:
        return str(UUID(int=next(self.ids)))


def rule_id(name: str) -> str:
    return str(UUID(bytes=name.encode().ljust(16, b".")[:16]))


def entity(key: str, domain: str, name: str | None = None, **more: Any) -> AdvertisedEntity:
    return AdvertisedEntity(key, domain, name, capabilities=more.pop("capabilities", ON_OFF), **more)


@pytest.fixture
def home() -> Home:
    """With what the rules of most tests name."""
    made = Home()
    made.set("binary_sensor.motion", "off")
    made.set("light.hall", "off")
    return made
