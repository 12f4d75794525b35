"""The automation room: knows all automations and scripts, starts their runs, keeps what must survive.

A trigger fires, variables are rendered, conditions are judged, the mode decides, the interpreter takes the steps. Whatever is to
be done in the home leaves as a `Call`; its answer comes back through `handle`, within the same input as a rule.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub_agent.core.automation.as_of import Recorded
from hub_agent.core.automation.calls import Calls
from hub_agent.core.automation.drafting import read_draft
from hub_agent.core.automation.exchange import Exchange, Output
from hub_agent.core.automation.explaining import explain
from hub_agent.core.automation.interpreter import Resolve
from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.references import References
from hub_agent.core.automation.registry import Registry
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.rules import Rules
from hub_agent.core.automation.running import Running
from hub_agent.core.automation.told_events import CALL
from hub_agent.core.automation.triggers.mqtt import topic_matches
from hub_agent.core.automation.triggers.trigger import Trigger
from hub_agent.core.automation.upcoming import next_times
from hub_agent.core.automation.world import World
from hub_agent.errors import DefinitionError
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Announce, Save
from hub_agent.model.ids import AutomationId, CallId, EntityId, NewId
from hub_agent.model.inputs import ClockStepped, EventFired, TopicHeard, WebhookCalled
from hub_agent.model.json import JsonObject
from hub_agent.model.report import MqttMessage, Subscribe
from hub_agent.model.scene import SceneSettled
from hub_agent.model.state import Cause, StateChanged

# A second trigger of the same automation from the same input waits until what the first one did has been routed.
AGAIN = "automation.fire_again"
AGAIN_ROUNDS_MAX = 20
AGAIN_MAX = 1000


class Automations:
    def __init__(
        self,
        world: World,
        new_id: NewId,
        home: Place,
        resolve: Resolve | None = None,
        registry: Registry | None = None,
    ) -> None:
        """`resolve(kind, id)`: the entities of a device or room (kind: device_id | area_id), None if there is no such thing."""
        self._exchange = Exchange(world, home, new_id, registry)
        self._new_id = new_id
        self._rules = Rules(self._exchange, self._fire)
        self._running = Running(self._exchange, new_id, self._rules, resolve)
        self.chains = self._running.chains
        self._references = References(self._exchange)
        self._calls = Calls(self._exchange, self._rules, self._running)
        self._fired: set[str] = set()
        self._again: list[tuple[Rule, Trigger, dict[str, object], int]] = []
        self._saved: Mapping[str, JsonObject] = {}
        self._last_alive_at: datetime | None = None
        self._has_appeared = False
        self._is_live = False

    # Definitions.

    def load(self, definition: Definition, now: datetime) -> list[Output]:
        """A new or changed definition. One that means the same as before disturbs nothing; one that is wrong stops nobody else."""
        if definition.is_deleted:
            return self.unload(definition.id, now)
        self._enter(now)
        try:
            program, problem = read_program(definition, self._exchange.outlook.templates), None
        except DefinitionError as err:
            program, problem = None, str(err)
        rule = self._rules.find(definition.id)
        if rule is None:
            rule = self._rules.add(definition, program)
        elif program is None or rule.program is None or program.fingerprint != rule.program.fingerprint:
            self._rules.detach(rule)
            self._running.cancel_all(rule, now)
        rule.definition, rule.program = definition, program
        self._rules.tell_problem(rule, problem, now)
        if self._is_live:
            self._rules.switch_as_defined(rule, now)
            self._references.watch(rule, now)
        return self._leave()

    def unload(self, automation_id: str, now: datetime) -> list[Output]:
        self._enter(now)
        rule = self._rules.find(automation_id)
        if rule is not None:
            self._running.cancel_all(rule, now)
            self._running.forget(rule)
            self._references.forget(rule)
            self._rules.drop(rule, now)
        return self._leave()

    def set_home(self, home: Place, now: datetime) -> list[Output]:
        """Another time zone or position: everything that follows the clock or the sun is set anew."""
        self._enter(now)
        if home != self._exchange.place:
            self._exchange.outlook.set_place(home)
            for rule in self._rules:
                if rule.program is not None:  # its templates know the time zone
                    rule.program = read_program(rule.definition, self._exchange.outlook.templates)
                self._rules.reschedule(rule, now)
        return self._leave()

    def render(self, source: str, variables: Mapping[str, object], now: datetime) -> str:
        """A template that is no rule's, which sees the home as theirs do. Raises TemplateError."""
        self._exchange.outlook.now = now
        return self._exchange.outlook.templates.compile(source).render(**variables)

    # Starting and stopping.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime, last_alive_at: datetime | None) -> list[Output]:
        """What was kept before the restart; it is taken up by `start`."""
        self._enter(now)
        self._saved = saved
        self._last_alive_at = last_alive_at
        return self._leave()

    def appear(self, now: datetime) -> list[Output]:
        """Rules are there as entities before any of them listens: that they came sets nothing off, and the first to run finds them all."""
        self._enter(now)
        self._has_appeared = True
        self._rules.restore(self._saved)
        self._running.restore(self._saved)
        for rule in self._rules:
            rule.is_on = self._rules.is_to_be_on(rule, now, is_start=True)
            self._rules.show(rule)
        return self._leave()

    def start(self, now: datetime) -> list[Output]:
        """Automations are live from now on: holds, runs and waits go on, missed times are caught up with, `start` triggers fire."""
        early = [] if self._has_appeared else self.appear(now)
        self._enter(now)
        self._is_live = True
        for rule in self._rules:
            self._rules.switch_as_defined(rule, now, is_start=True)
            self._references.watch(rule, now)
        self._rules.restore_holds(self._saved, now)
        self._running.go_on(now)
        if self._last_alive_at is not None:
            for rule in self._rules:
                for trigger, at in self._rules.catch_up(rule, self._last_alive_at, now):
                    self._running.tell_missed(rule, trigger, at, now)
        for wake in list(self._exchange.at_start):
            wake(now)
        self._saved = {}
        return [*early, *self._leave()]

    def stop(self, now: datetime) -> list[Output]:
        """The engine is about to stop: `shutdown` triggers fire."""
        self._enter(now)
        for wake in list(self._exchange.at_stop):
            wake(now)
        return self._leave()

    # What happens.

    def handle(
        self,
        happened: StateChanged
        | EventFired
        | TopicHeard
        | WebhookCalled
        | CallAnswered
        | CommandSettled
        | SceneSettled
        | ClockStepped,
        now: datetime,
    ) -> list[Output]:
        exchange = self._exchange
        if isinstance(happened, StateChanged):
            listening = exchange.by_entity.get(happened.entity_id)
            if listening is None and not exchange.at_all_entities:
                return []
            self._enter(now)
            self.chains.happening = happened
            for on_state in (*(listening or ()), *exchange.at_all_entities):
                on_state(happened, now)
            self.chains.happening = None
            return self._leave()
        self._enter(now)
        match happened:
            case CallAnswered():
                self._running.interpreter.answered(happened, now)
            case CommandSettled():
                self._running.settled(happened, now)
            case SceneSettled():
                self._running.scene_settled(happened, now)
            case EventFired():
                self._exchange.emit(Announce("event", {"event_type": happened.event_type, "data": happened.data}))
                self.chains.happening = happened
                for on_event in tuple(exchange.by_event.get(happened.event_type, ())):
                    on_event(happened, now)
                self.chains.happening = None
                self._running.interpreter.event_heard(happened, now)
            case TopicHeard(message):
                self._hear(message, now)
            case WebhookCalled():
                for on_webhook in tuple(exchange.by_webhook.get(happened.webhook_id, ())):
                    on_webhook(happened, now)
            case ClockStepped():
                self._clock_stepped(happened, now)
        return self._leave()

    def call(self, call: Call, now: datetime) -> list[Output]:
        """`automation.*` and `script.*`."""
        self._enter(now)
        if call.action == AGAIN:
            self._fire_again(now)
        else:
            self._calls.take(call, now)
        return self._leave()

    def get_timer(self) -> datetime | None:
        return self._exchange.timers.next_at()

    def handle_timer(self, now: datetime) -> list[Output]:
        self._enter(now)
        timer = self._exchange.timers.take_due(now)
        while timer is not None:
            timer.wake(now)
            timer = self._exchange.timers.take_due(now)
        return self._leave()

    def unsaved(self) -> list[Save]:
        """Runs that wait for an answer from outside, after one input has been routed to its end: they are to be kept too."""
        return self._running.unsaved()

    # What others may know.

    @property
    def rules(self) -> Rules:
        """For the room that looks whether they can still do what they are for."""
        return self._rules

    def stop_loops(self, now: datetime) -> list[Output]:
        """What was routed came to no end: the rules that went round are stopped for a while."""
        self._enter(now)
        for loop in self.chains.stop_at_once(now):
            self._running.tell_loop(loop, now)
        return self._leave()

    @property
    def listens_to_topics(self) -> bool:
        return bool(self._exchange.by_topic or self._exchange.by_pattern)

    @property
    def listens_to_calls(self) -> bool:
        return CALL in self._exchange.by_event

    def topics(self) -> frozenset[str]:
        """Topic filters that triggers listen to now."""
        return frozenset(self._exchange.by_topic) | frozenset(self._exchange.by_pattern)

    def has_webhook(self, webhook_id: str) -> bool:
        return webhook_id in self._exchange.by_webhook

    def entity_id_of(self, automation_id: AutomationId) -> EntityId | None:
        rule = self._rules.find(automation_id)
        return None if rule is None else rule.entity_id

    def problem_of(self, automation_id: AutomationId) -> str | None:
        rule = self._rules.find(automation_id)
        return None if rule is None else rule.problem

    def going_on(self, automation_id: str) -> list[str]:
        """Its runs that have no trace yet: they take steps, or wait to hear what came of them."""
        return self._running.of(automation_id)

    def is_script(self, entity_id: str) -> bool:
        rule = self._rules.named(entity_id)
        return rule is not None and rule.program is not None and rule.program.is_script

    def root_of(self, run_id: str) -> str:
        """The run that a run of a script was called by, and so on up; of another run it is itself."""
        run = self._running.find(run_id)
        while run is not None and self._running.find(run.cause.id) is not None:
            run_id = run.cause.id
            run = self._running.find(run_id)
        return run_id

    def present(self) -> JsonObject:
        """For the cloud: execution statistics by automation id."""
        return {rule.definition.id: rule.statistics.as_present() for rule in self._rules if rule.statistics.total}

    def described(self) -> list[JsonObject]:
        """For people: each as ports.Door.automations says."""
        return [rule.as_json() for rule in sorted(self._rules, key=lambda rule: rule.name.casefold())]

    def next_times(self, now: datetime) -> dict[str, datetime]:
        """When the clock starts them next, by automation id."""
        self._exchange.outlook.now = now
        return next_times(self._rules, self._exchange, now)

    def drafted(self, definition: Definition) -> tuple[Rule, list[DefinitionError]]:
        """A rule that is not loaded, and all that is wrong with it. Changes nothing."""
        return read_draft(definition, self._exchange.outlook.templates)

    def explained(
        self,
        automation_id: str,
        traces: Sequence[JsonObject],
        now: datetime,
        at: datetime | None = None,
        recorded: Recorded | None = None,
    ) -> JsonObject | None:
        """Why it did not run, as ports.Door.explain says; None if there is no such automation. Changes nothing."""
        rule = self._rules.find(automation_id)
        return None if rule is None else explain(rule, self._exchange, traces, now, at, recorded=recorded)

    # One input.

    def _enter(self, now: datetime) -> None:
        self._exchange.outlook.now = now
        self._fired.clear()

    def _leave(self) -> list[Output]:
        if self._running.has_changed:
            self._running.leave()
        if self._exchange.new_topics:
            self._exchange.emit(Subscribe(tuple(sorted(self._exchange.new_topics))))
            self._exchange.new_topics.clear()
        return self._exchange.take_outputs()

    def _hear(self, message: MqttMessage, now: datetime) -> None:
        for on_topic in tuple(self._exchange.by_topic.get(message.topic, ())):
            on_topic(message, now)
        for pattern, listening in tuple(self._exchange.by_pattern.items()):
            if topic_matches(pattern, message.topic):
                for on_topic in tuple(listening):
                    on_topic(message, now)

    def _fire(self, rule: Rule, trigger: Trigger, told: dict[str, object], now: datetime) -> None:
        automation_id = rule.definition.id
        if automation_id not in self._fired:
            self._fired.add(automation_id)
            self._running.triggered(rule, trigger, told, now)
        elif len(self._again) < AGAIN_MAX:
            if not self._again:
                self._ask_again()
            self._again.append((rule, trigger, told, 0))

    def _ask_again(self) -> None:
        self._exchange.emit(Call(CallId(self._new_id()), AGAIN, (), {}, Cause("automation")))

    def _fire_again(self, now: datetime) -> None:
        again, self._again = self._again, []
        for rule, trigger, told, rounds in again:
            is_busy = self._running.is_busy(rule) or rule.definition.id in self._fired
            if is_busy and rounds < AGAIN_ROUNDS_MAX:
                if not self._again:
                    self._ask_again()
                self._again.append((rule, trigger, told, rounds + 1))
            elif rule.is_attached:
                self._fired.add(rule.definition.id)
                self._running.triggered(rule, trigger, told, now)

    def _clock_stepped(self, stepped: ClockStepped, now: datetime) -> None:
        self._exchange.timers.shift(stepped.by)
        self.chains.shift(stepped.by)
        self._running.shift(stepped.by)
        for rule in self._rules:
            for site in rule.sites:
                site.attachment.shift(stepped.by)
            self._rules.reschedule(rule, now)
