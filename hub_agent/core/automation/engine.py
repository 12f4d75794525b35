"""The automation room: knows all automations and scripts, starts their runs, keeps what must survive.

A trigger fires, variables are rendered, conditions are judged, the mode decides, the interpreter takes the steps. Whatever is to
be done in the home leaves as a `Call`; its answer comes back through `handle`, within the same input as a rule.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hub_agent.core.automation.conditions.condition import Scope, judge_all
from hub_agent.core.automation.exchange import Exchange, Output
from hub_agent.core.automation.interpreter import Interpreter, Resolve
from hub_agent.core.automation.loading import read_program, slugify
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule, Statistics
from hub_agent.core.automation.runs import Result, Run, milliseconds, run_from_json, run_to_json
from hub_agent.core.automation.trace import (
    describe_trigger,
    execution_row,
    final_status,
    kind_of_trigger,
    trace_of_no_run,
    trace_of_run,
)
from hub_agent.core.automation.triggers.mqtt import topic_matches
from hub_agent.core.automation.triggers.trigger import Site, Trigger
from hub_agent.core.automation.variables import render_variables
from hub_agent.core.automation.views import iso, thaw
from hub_agent.core.automation.world import World
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.automation import Mode, Outcome, Place, RunStatus
from hub_agent.model.definition import Definition
from hub_agent.model.effects import (
    Announce,
    AppendRecord,
    Durability,
    IssueCleared,
    IssueRaised,
    Save,
    SaveTrace,
    Warn,
)
from hub_agent.model.ids import AutomationId, CallId, EntityId, NewId, RunId
from hub_agent.model.inputs import ClockStepped, EventFired, StateSet, TopicHeard, WebhookCalled
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import MqttMessage
from hub_agent.model.state import Cause, StateChanged

ROOM = "automation"
STREAM = "automation_executions"

# A second trigger of the same automation from the same input waits until what the first one did has been routed.
AGAIN = "automation.fire_again"
AGAIN_ROUNDS_MAX = 20
AGAIN_MAX = 1000

# After its actions are done a run waits so long for its devices to confirm.
SETTLE_MAX = timedelta(seconds=10)
RETRY_PAUSES_S = (1, 2, 4, 8)

# Traces of triggers that started nothing, per automation and minute; the rest is counted.
NO_RUN_TRACES_A_MINUTE = 10

SCRIPT_DEPTH_MAX = 20
# Time triggers that were missed while the hub was down: how far the search goes.
MISSED_LOOKS_MAX = 1000


class Automations:
    def __init__(self, world: World, new_id: NewId, home: Place, resolve: Resolve | None = None) -> None:
        """`resolve(kind, id)`: the entities of a device or room (kind: device_id | area_id), None if there is no such thing."""
        self._exchange = Exchange(world, home)
        self._interpreter = Interpreter(self._exchange, new_id, self)
        self._new_id = new_id
        self.resolve = resolve
        self._rules: dict[AutomationId, Rule] = {}
        self._rule_by_entity: dict[EntityId, Rule] = {}
        self._runs: dict[RunId, Run] = {}
        self._script_runs: dict[CallId, Run] = {}
        self._changed: dict[RunId, Run] = {}
        self._shown: dict[AutomationId, Rule] = {}
        self._fired: set[AutomationId] = set()
        self._again: list[tuple[Rule, Trigger, dict[str, object], int]] = []
        self._saved: dict[str, JsonObject] = {}
        self._last_alive_at: datetime | None = None
        self._is_live = False

    # Definitions.

    def load(self, definition: Definition, now: datetime) -> list[Output]:
        """A new or changed definition. One that means the same as before disturbs nothing; one that is wrong stops nobody else."""
        self._enter(now)
        rule = self._rules.get(AutomationId(definition.id))
        if definition.is_deleted:
            self._drop(AutomationId(definition.id), now)
            return self._leave(now)
        try:
            program, problem = read_program(definition, self._exchange.outlook.templates), None
        except DefinitionError as err:
            program, problem = None, str(err)
        if rule is None:
            rule = self._add(definition, program)
        elif program is None or rule.program is None or program.fingerprint != rule.program.fingerprint:
            self._detach(rule, now)
            self._cancel_runs(rule, now)
        rule.definition, rule.program = definition, program
        self._tell_problem(rule, problem, now)
        if self._is_live:
            self._switch_as_defined(rule, now)
        return self._leave(now)

    def unload(self, automation_id: str, now: datetime) -> list[Output]:
        self._enter(now)
        self._drop(AutomationId(automation_id), now)
        return self._leave(now)

    def set_home(self, home: Place, now: datetime) -> list[Output]:
        """Another time zone or position: everything that follows the clock or the sun is set anew."""
        self._enter(now)
        if home != self._exchange.place:
            self._exchange.outlook.set_place(home)
            for rule in self._rules.values():
                if rule.program is not None:  # its templates know the time zone
                    rule.program = read_program(rule.definition, self._exchange.outlook.templates)
                self._reschedule(rule, now)
        return self._leave(now)

    # Starting and stopping.

    def restore(self, saved: Mapping[str, JsonObject], now: datetime, last_alive_at: datetime | None) -> list[Output]:
        """What was kept before the restart; it is taken up by `start`."""
        self._enter(now)
        self._saved = dict(saved)
        self._last_alive_at = last_alive_at
        return self._leave(now)

    def start(self, now: datetime) -> list[Output]:
        """Automations are live from now on: holds, runs and waits go on, missed times are caught up with, `start` triggers fire."""
        self._enter(now)
        self._is_live = True
        for rule in self._rules.values():
            self._restore_statistics(rule)
            self._switch_as_defined(rule, now, is_start=True)
        self._restore_holds(now)
        self._restore_runs(now)
        if self._last_alive_at is not None:
            for rule in list(self._rules.values()):
                self._catch_up(rule, self._last_alive_at, now)
        for wake in list(self._exchange.at_start):
            wake(now)
        self._saved = {}
        return self._leave(now)

    def stop(self, now: datetime) -> list[Output]:
        """The engine is about to stop: `shutdown` triggers fire."""
        self._enter(now)
        for wake in list(self._exchange.at_stop):
            wake(now)
        return self._leave(now)

    # What happens.

    def handle(
        self,
        happened: StateChanged | EventFired | TopicHeard | WebhookCalled | CallAnswered | CommandSettled | ClockStepped,
        now: datetime,
    ) -> list[Output]:
        exchange = self._exchange
        if isinstance(happened, StateChanged):
            listening = exchange.by_entity.get(happened.entity_id)
            if listening is None and not exchange.at_all_entities:
                return []
            self._enter(now)
            for on_state in (*(listening or ()), *exchange.at_all_entities):
                on_state(happened, now)
            return self._leave(now)
        self._enter(now)
        match happened:
            case CallAnswered():
                self._interpreter.answered(happened, now)
            case CommandSettled():
                self._settled(happened, now)
            case EventFired():
                for on_event in tuple(exchange.by_event.get(happened.event_type, ())):
                    on_event(happened, now)
                self._interpreter.event_heard(happened, now)
            case TopicHeard(message):
                self._hear(message, now)
            case WebhookCalled():
                for on_webhook in tuple(exchange.by_webhook.get(happened.webhook_id, ())):
                    on_webhook(happened, now)
            case ClockStepped():
                self._clock_stepped(happened, now)
        return self._leave(now)

    def call(self, call: Call, now: datetime) -> list[Output]:
        """`automation.*` and `script.*`."""
        self._enter(now)
        if call.action == AGAIN:
            self._fire_again(now)
        elif call.domain == "automation":
            self._call_automation(call, now)
        else:
            self._call_script(call, now)
        return self._leave(now)

    def get_timer(self) -> datetime | None:
        return self._exchange.timers.next_at()

    def handle_timer(self, now: datetime) -> list[Output]:
        self._enter(now)
        timer = self._exchange.timers.take_due(now)
        while timer is not None:
            timer.wake(now)
            timer = self._exchange.timers.take_due(now)
        return self._leave(now)

    def unsaved(self) -> list[Save]:
        """Runs that wait for an answer from outside, after one input has been routed to its end: they are to be kept too."""
        saves = [self._save(run) for run in self._changed.values()]
        self._changed.clear()
        return saves

    # What others may know.

    @property
    def listens_to_topics(self) -> bool:
        return bool(self._exchange.by_topic or self._exchange.by_pattern)

    def topics(self) -> frozenset[str]:
        """Topic filters that triggers listen to now."""
        return frozenset(self._exchange.by_topic) | frozenset(self._exchange.by_pattern)

    def has_webhook(self, webhook_id: str) -> bool:
        return webhook_id in self._exchange.by_webhook

    def entity_id_of(self, automation_id: AutomationId) -> EntityId | None:
        rule = self._rules.get(automation_id)
        return None if rule is None else rule.entity_id

    def problem_of(self, automation_id: AutomationId) -> str | None:
        rule = self._rules.get(automation_id)
        return None if rule is None else rule.problem

    def present(self) -> JsonObject:
        """For the cloud: execution statistics by automation id."""
        return {rule.definition.id: rule.statistics.as_json() for rule in self._rules.values() if rule.statistics.total}

    def described(self) -> list[JsonObject]:
        """For people: each as ports.Door.automations says."""
        return [self._describe(rule) for rule in sorted(self._rules.values(), key=lambda rule: rule.name.casefold())]

    def _describe(self, rule: Rule) -> JsonObject:
        return {
            "id": rule.definition.id,
            "entity_id": rule.entity_id,
            "name": rule.name,
            "description": rule.definition.fields.get("description"),
            "is_enabled": rule.is_on,
            "mode": None if rule.program is None else rule.program.mode.value,
            "kind": "script" if rule.entity_id.startswith("script.") else "automation",
            "last_triggered_at": None if rule.last_triggered is None else iso(rule.last_triggered),
            "last_status": rule.statistics.last_status,
            "running": len(rule.runs),
            "problem": rule.problem,
        }

    # What the interpreter asks (interpreter.Host).

    def program(self, run: Run) -> Program:
        program = self._rules[run.automation_id].program
        assert program is not None  # runs end before their program goes
        return program

    def has_script_for(self, call_id: CallId) -> bool:
        return call_id in self._script_runs

    def cancel_script(self, call_id: CallId, now: datetime) -> None:
        run = self._script_runs.pop(call_id, None)
        if run is not None and run.ended_at is None:
            run.answers = None
            self._cancel(run, now)

    def actions_done(self, run: Run, now: datetime) -> None:
        """The run counts as over; its record waits until its commands have settled."""
        rule = self._rules[run.automation_id]
        if run in rule.runs:
            rule.runs.remove(run)
        self._shown[run.automation_id] = rule
        if run.answers is not None:
            self._script_runs.pop(run.answers, None)
            error = run.error or "failed" if run.status is RunStatus.FAILED else None
            self._emit(CallAnswered(run.answers, error=error, response=run.response))
        if run.has_open_results() and run.status is not RunStatus.CANCELLED:
            run.stage = "settling"
            run.settle_by = now + SETTLE_MAX
            self._wait_until_settled(run)
        else:
            self._close(run, now)
        if rule.queue:
            self._begin(rule, rule.queue.popleft(), now)

    # Entering and leaving: one input.

    def _enter(self, now: datetime) -> None:
        self._exchange.outlook.now = now
        self._fired.clear()

    def _leave(self, now: datetime) -> list[Output]:
        for run in list(self._changed.values()):
            if not self._is_soon_answered(run):
                del self._changed[run.id]
                self._emit(self._save(run))
        for automation_id, rule in list(self._shown.items()):
            if not any(self._is_soon_answered(run) for run in rule.runs):
                del self._shown[automation_id]
                self._show(rule, now)
        return self._exchange.take_outputs()

    def _is_soon_answered(self, run: Run) -> bool:
        """It has just begun to wait for an answer or its own event, which as a rule come within this very input: saving it now would be in vain."""
        now = self._exchange.outlook.now
        for thread in run.threads.values():
            wait = thread.wait
            if wait is not None and wait.since == now and wait.kind in {"call", "event"}:
                return True
        return False

    def _emit(self, output: Output) -> None:
        self._exchange.outputs.append(output)

    def _save(self, run: Run) -> Save:
        run.is_saved, run.is_changed = True, False
        durability = Durability.COMMIT if run.stage == "settling" else Durability.FSYNC
        return Save(ROOM, f"run/{run.id}", run_to_json(run), durability)

    # Rules.

    def _add(self, definition: Definition, program: Program | None) -> Rule:
        wanted = (
            program.entity_id if program is not None else f"automation.{slugify(str(definition.fields.get('name')))}"
        )
        entity_id, number = EntityId(wanted), 2
        while entity_id in self._rule_by_entity:
            entity_id = EntityId(f"{wanted}_{number}")
            number += 1
        rule = Rule(definition, entity_id, program)
        self._rules[AutomationId(definition.id)] = rule
        self._rule_by_entity[entity_id] = rule
        return rule

    def _drop(self, automation_id: AutomationId, now: datetime) -> None:
        rule = self._rules.get(automation_id)
        if rule is None:
            return
        self._detach(rule, now)
        self._cancel_runs(rule, now)
        self._tell_problem(rule, None, now)
        self._shown.pop(automation_id, None)
        del self._rules[automation_id]
        del self._rule_by_entity[rule.entity_id]
        for key in (f"switched/{automation_id}", f"statistics/{automation_id}"):
            self._emit(Save(ROOM, key, None, Durability.LAZY))
        self._emit(StateSet(rule.entity_id, "unavailable", {}))

    def _tell_problem(self, rule: Rule, problem: str | None, now: datetime) -> None:
        if problem is None and rule.problem is not None:
            self._emit(IssueCleared("automation_invalid", rule.definition.id))
        if problem is not None and problem != rule.problem:
            details: JsonObject = {"name": rule.name, "reason": problem}
            self._emit(IssueRaised(Issue("automation_invalid", rule.definition.id, now, details)))
        rule.problem = problem

    def _switch_as_defined(self, rule: Rule, now: datetime, *, is_start: bool = False) -> None:
        """On or off: what a person switched holds until the definition says something new."""
        program = rule.program
        if program is None:
            rule.is_on = False
            self._show(rule, now)
            return
        is_on = program.is_enabled
        key = f"switched/{rule.definition.id}"
        switched = self._saved.get(key)
        if switched is not None and switched.get("defined") == program.is_enabled:
            is_on = switched.get("is_on") is True
        if is_start and program.initial_state is not None:
            is_on = program.initial_state
        if is_on and _is_paused(program, now):
            self._detach(rule, now)
            self._cancel_pause(rule)
            if program.pause_until is not None:
                rule.pause_timer = self._exchange.timers.set(
                    program.pause_until, lambda at: self._unpause(rule, at), is_elapsed=False
                )
            rule.is_on = False
        elif is_on:
            self._attach(rule, now)
        else:
            self._detach(rule, now)
        self._show(rule, now)

    def _unpause(self, rule: Rule, now: datetime) -> None:
        rule.pause_timer = None
        self._attach(rule, now)
        self._show(rule, now)

    def _cancel_pause(self, rule: Rule) -> None:
        if rule.pause_timer is not None:
            self._exchange.timers.cancel(rule.pause_timer)
            rule.pause_timer = None

    def _attach(self, rule: Rule, now: datetime) -> None:
        program = rule.program
        assert program is not None
        self._cancel_pause(rule)
        rule.is_on = True
        if rule.is_attached:
            return
        rule.is_attached = True
        for trigger in program.triggers:
            if trigger.is_enabled:
                rule.sites.append(self._attach_trigger(rule, program, trigger, now))

    def _attach_trigger(self, rule: Rule, program: Program, trigger: Trigger, now: datetime) -> Site:
        def fire(told: dict[str, object], at: datetime) -> None:
            self._fire(rule, trigger, told, at)

        def remember(key: str, body: JsonObject | None) -> None:
            kept = None if body is None else {**body, "fingerprint": program.fingerprint}
            self._emit(Save(ROOM, f"hold/{rule.definition.id}/{trigger.path}|{key}", kept))

        return trigger.attach(self._exchange, fire, remember, program.trigger_variables, now)

    def _detach(self, rule: Rule, _now: datetime) -> None:
        rule.is_on = rule.is_attached = False
        for site in rule.sites:
            site.attachment.detach()
        rule.sites.clear()
        self._cancel_pause(rule)

    def _show(self, rule: Rule, now: datetime) -> None:
        """The automation as an entity."""
        program = rule.program
        attributes: dict[str, JsonValue] = {
            "id": rule.definition.id,
            "friendly_name": rule.name,
            "last_triggered": None if rule.last_triggered is None else iso(rule.last_triggered),
            "mode": None if program is None else program.mode.value,
            "current": len(rule.runs),
        }
        if rule.pause_timer is not None:
            attributes["paused_until"] = iso(rule.pause_timer.at)
        if program is None:
            state = "unavailable"
        elif program.is_script:
            state = "on" if rule.runs else "off"
        else:
            state = "on" if rule.is_on else "off"
        if program is not None and program.mode in {Mode.QUEUED, Mode.PARALLEL}:
            attributes["max"] = program.runs_max
        self._emit(StateSet(rule.entity_id, state, attributes))

    # Triggers.

    def _hear(self, message: MqttMessage, now: datetime) -> None:
        for on_topic in tuple(self._exchange.by_topic.get(message.topic, ())):
            on_topic(message, now)
        for pattern, listening in tuple(self._exchange.by_pattern.items()):
            if topic_matches(pattern, message.topic):
                for on_topic in tuple(listening):
                    on_topic(message, now)

    def _fire(self, rule: Rule, trigger: Trigger, told: dict[str, object], now: datetime) -> None:
        automation_id = AutomationId(rule.definition.id)
        if automation_id not in self._fired:
            self._fired.add(automation_id)
            self._triggered(rule, trigger, told, now)
        elif len(self._again) < AGAIN_MAX:
            if not self._again:
                self._ask_again()
            self._again.append((rule, trigger, told, 0))

    def _ask_again(self) -> None:
        self._emit(Call(CallId(self._new_id()), AGAIN, (), {}, Cause("automation")))

    def _fire_again(self, now: datetime) -> None:
        again, self._again = self._again, []
        for rule, trigger, told, rounds in again:
            is_busy = any(self._is_soon_answered(run) for run in rule.runs) or rule.definition.id in self._fired
            if is_busy and rounds < AGAIN_ROUNDS_MAX:
                if not self._again:
                    self._ask_again()
                self._again.append((rule, trigger, told, rounds + 1))
            elif rule.is_attached:
                self._fired.add(AutomationId(rule.definition.id))
                self._triggered(rule, trigger, told, now)

    def _triggered(self, rule: Rule, trigger: Trigger, told: dict[str, object], now: datetime) -> None:
        program = rule.program
        assert program is not None
        variables: dict[str, object] = {**program.trigger_variables, "trigger": told}
        if trigger.variables or program.variables:
            try:
                variables |= render_variables((*trigger.variables, *program.variables), variables)
            except TemplateError as err:
                triggered_by = kind_of_trigger(trigger.platform)
                self._tell_no_run(rule, program, RunStatus.ERROR, variables, triggered_by, now, error=str(err))
                self._emit(Warn(f"variables/{program.id}", f"{program.name}: {err}"))
                return
        cause = Cause("automation", rule.definition.id)
        self._judge_and_run(rule, program, variables, kind_of_trigger(trigger.platform), cause, now)

    def _judge_and_run(
        self,
        rule: Rule,
        program: Program,
        variables: dict[str, object],
        triggered_by: str,
        cause: Cause,
        now: datetime,
    ) -> Run | None:
        steps: list[dict[str, JsonValue]] = []
        if program.conditions:
            scope = Scope(self._exchange.outlook, now, lambda: variables, steps)
            if judge_all(program.conditions, scope) is not Outcome.TRUE:
                self._tell_no_run(
                    rule, program, RunStatus.CONDITIONS_NOT_MET, variables, triggered_by, now, steps=steps
                )
                return None
        return self._run(rule, program, variables, triggered_by, cause, now, steps=steps)

    # Runs.

    def _run(
        self,
        rule: Rule,
        program: Program,
        variables: dict[str, object],
        triggered_by: str,
        cause: Cause,
        now: datetime,
        *,
        steps: list[dict[str, JsonValue]] | None = None,
        answers: CallId | None = None,
        ancestors: tuple[str, ...] = (),
    ) -> Run | None:
        """Starts or queues a run as the mode says; None when it is dropped."""
        active = len(rule.runs) + len(rule.queue)
        if not self._mode_admits(program, active):
            self._tell_dropped(rule, program, variables, triggered_by, now)
            return None
        run_id = RunId(self._new_id())
        run = Run(run_id, AutomationId(program.id), program.fingerprint, triggered_by, variables, now, cause)
        run.answers, run.ancestors = answers, ancestors
        if steps:
            run.steps = steps
        if answers is not None:
            self._script_runs[answers] = run
        self._runs[run_id] = run
        rule.last_triggered = now
        if program.mode is Mode.RESTART and rule.runs:
            for running in list(rule.runs):
                self._cancel(running, now)
        if program.mode is Mode.QUEUED and rule.runs:
            run.stage = "queued"
            rule.queue.append(run)
            self._changed[run.id] = run
            self._shown[AutomationId(program.id)] = rule
        else:
            self._begin(rule, run, now)
        return run

    @staticmethod
    def _mode_admits(program: Program, active: int) -> bool:
        match program.mode:
            case Mode.SINGLE:
                return active == 0
            case Mode.RESTART:
                return True
            case Mode.QUEUED | Mode.PARALLEL:
                return active < program.runs_max

    def _begin(self, rule: Rule, run: Run, now: datetime) -> None:
        rule.runs.append(run)
        self._shown[run.automation_id] = rule
        self._changed[run.id] = run
        self._interpreter.begin(run, now)

    def _cancel(self, run: Run, now: datetime) -> None:
        if run.stage == "queued":
            rule = self._rules[run.automation_id]
            if run in rule.queue:
                rule.queue.remove(run)
        self._interpreter.cancel(run, now)

    def _cancel_runs(self, rule: Rule, now: datetime) -> None:
        for run in list(rule.queue):
            self._cancel(run, now)
        for run in list(rule.runs):
            self._cancel(run, now)
        for run in [run for run in self._runs.values() if run.automation_id == rule.definition.id]:
            self._close(run, now)  # those that were only waiting for their devices

    def _tell_dropped(
        self, rule: Rule, program: Program, variables: dict[str, object], triggered_by: str, now: datetime
    ) -> None:
        error = f"already running (mode {program.mode.value})"
        if program.mode in {Mode.QUEUED, Mode.PARALLEL}:
            error = f"{program.runs_max} runs already (mode {program.mode.value})"
        if not program.is_silent_when_dropped:
            self._emit(Warn(f"dropped/{program.id}", f"{program.name} was triggered but not started: {error}"))
        self._tell_no_run(rule, program, RunStatus.DROPPED, variables, triggered_by, now, error=error)

    def _tell_no_run(
        self,
        rule: Rule,
        program: Program,
        status: RunStatus,
        variables: dict[str, object],
        triggered_by: str,
        now: datetime,
        *,
        steps: Iterable[JsonObject] = (),
        error: str | None = None,
    ) -> None:
        minute = now.replace(second=0, microsecond=0)
        if rule.minute != minute:
            rule.minute, rule.kept = minute, 0
        if rule.kept >= NO_RUN_TRACES_A_MINUTE:
            rule.unkept += 1
            return
        rule.kept += 1
        unkept, rule.unkept = rule.unkept, 0
        run_id = self._new_id()
        body = trace_of_no_run(
            run_id, program, status, variables, triggered_by, now, steps=tuple(steps), error=error, unkept=unkept
        )
        self._emit(SaveTrace(program.id, run_id, body))

    # The end of a run.

    def _wait_until_settled(self, run: Run) -> None:
        assert run.settle_by is not None
        run.timer = self._exchange.timers.set(run.settle_by, lambda now: self._close(run, now))
        self._changed[run.id] = run

    def _settled(self, settled: CommandSettled, now: datetime) -> None:
        known = self._interpreter.result_by_call.get(settled.command.call_id)
        if known is None:
            return
        run, result = known
        result.commands -= 1
        if not settled.is_success:
            if self._retries(run, result, settled, now):
                return
            result.result = "failed" if settled.outcome == "failed" else "unconfirmed"
            result.error = settled.error or f"{settled.command.entity_id}: {settled.outcome}"
        if result.commands > 0 or self._is_unanswered(settled.command.call_id):
            return
        result.end(result.result or "ok", result.error, now)
        del self._interpreter.result_by_call[settled.command.call_id]
        if run.stage == "settling" and not run.has_open_results():
            self._close(run, now)
        elif run.is_saved:
            self._changed[run.id] = run

    def _is_unanswered(self, call_id: CallId) -> bool:
        """Its commands may settle before the call is answered; how many there are is not known until then."""
        return call_id in self._interpreter.waiting_by_call

    def _retries(self, run: Run, result: Result, settled: CommandSettled, now: datetime) -> bool:
        """`retry_on_failure`: the same again for the device that did not confirm, after a pause that grows."""
        rule = self._rules.get(run.automation_id)
        program = None if rule is None else rule.program
        if program is None or result.attempt > program.retries_max or self._is_unanswered(result.call_id):
            return False
        pause = timedelta(seconds=RETRY_PAUSES_S[min(result.attempt, len(RETRY_PAUSES_S)) - 1])
        result.attempt += 1
        result.commands += 1
        command = settled.command

        def retry(_at: datetime) -> None:
            del run.retries[id(retry)]
            call_id = CallId(self._new_id())
            run.retry_calls.append(call_id)
            self._interpreter.result_by_call[call_id] = (run, result)
            self._emit(Call(call_id, result.action, (command.entity_id,), result.data, command.cause))

        run.retries[id(retry)] = self._exchange.timers.set(now + pause, retry)
        if run.settle_by is not None and run.timer is not None:
            self._exchange.timers.cancel(run.timer)
            run.settle_by = now + pause + SETTLE_MAX
            self._wait_until_settled(run)
        return True

    def _close(self, run: Run, now: datetime) -> None:
        """The run's story is complete: its record and its trace are written, and it is forgotten."""
        if self._runs.pop(run.id, None) is None:
            return
        if run.timer is not None:
            self._exchange.timers.cancel(run.timer)
        for timer in run.retries.values():
            self._exchange.timers.cancel(timer)
        for call_id in run.retry_calls:
            self._interpreter.result_by_call.pop(call_id, None)
        for result in run.results:
            self._interpreter.result_by_call.pop(result.call_id, None)
            if result.ended_at is None:
                result.end(result.result or "unconfirmed", result.error, now)
        self._changed.pop(run.id, None)
        rule = self._rules[run.automation_id]
        program = self.program(run)
        status = final_status(run)
        self._count(rule, run, status)
        self._emit(AppendRecord(STREAM, execution_row(run, program, status), Durability.COMMIT))
        self._emit(SaveTrace(program.id, run.id, trace_of_run(run, program, status)))
        if run.is_saved:
            self._emit(Save(ROOM, f"run/{run.id}", None, Durability.COMMIT))
        body: dict[str, object] = {
            "id": run.id,
            "automation_id": program.id,
            "automation": program.name,
            "status": status.value,
            "started_at": iso(run.started_at),
            "triggered_by": run.triggered_by,
            "trigger": describe_trigger(run.variables),
        }
        self._emit(Announce("run", body))

    def _count(self, rule: Rule, run: Run, status: RunStatus) -> None:
        statistics = rule.statistics
        statistics.total += 1
        statistics.succeeded += status is RunStatus.SUCCESS
        statistics.failed += status in {RunStatus.FAILED, RunStatus.TIMEOUT}
        statistics.last_at = iso(run.started_at)
        statistics.last_status = status.value
        statistics.last_duration_ms = milliseconds(run.started_at, run.ended_at or run.started_at)
        self._emit(Save(ROOM, f"statistics/{rule.definition.id}", statistics.as_json(), Durability.LAZY))

    # Calls to automations and scripts.

    def _call_automation(self, call: Call, now: datetime) -> None:
        acts: Mapping[str, Callable[[Rule, Call, datetime], None]] = {
            "turn_on": self._turn_on,
            "turn_off": self._turn_off,
            "toggle": self._toggle,
            "trigger": self._trigger_by_hand,
        }
        verb = call.action.partition(".")[2]
        act = acts.get(verb)
        if act is None:
            is_reload = verb == "reload"
            error = None if is_reload else f"there is no action {call.action}"
            self._emit(CallAnswered(call.id, error=error, is_unknown_action=not is_reload))
            return
        rules, missing = self._named(call)
        for rule in rules:
            act(rule, call, now)
        self._emit(CallAnswered(call.id, error=f"there is no {', '.join(missing)}" if missing else None))

    def _named(self, call: Call) -> tuple[list[Rule], list[str]]:
        if "all" in call.target:
            return [rule for rule in self._rules.values() if rule.entity_id.startswith(f"{call.domain}.")], []
        found: list[Rule] = []
        missing: list[str] = []
        for entity_id in call.target:
            rule = self._rule_by_entity.get(entity_id)
            if rule is None or rule.program is None:
                missing.append(entity_id)
            else:
                found.append(rule)
        return found, missing

    def _turn_on(self, rule: Rule, _call: Call, now: datetime) -> None:
        if not rule.is_on:
            self._attach(rule, now)
        self._switched(rule, now)

    def _turn_off(self, rule: Rule, call: Call, now: datetime) -> None:
        self._detach(rule, now)
        if call.data.get("stop_actions") is not False:
            self._cancel_active(rule, now)
        self._switched(rule, now)

    def _cancel_active(self, rule: Rule, now: datetime) -> None:
        for run in [*rule.queue, *rule.runs]:
            self._cancel(run, now)

    def _toggle(self, rule: Rule, call: Call, now: datetime) -> None:
        (self._turn_off if rule.is_on else self._turn_on)(rule, call, now)

    def _switched(self, rule: Rule, now: datetime) -> None:
        program = rule.program
        assert program is not None
        body: JsonObject = {"is_on": rule.is_on, "defined": program.is_enabled}
        key = f"switched/{rule.definition.id}"
        self._emit(Save(ROOM, key, None if rule.is_on is program.is_enabled else body))
        self._show(rule, now)

    def _trigger_by_hand(self, rule: Rule, call: Call, now: datetime) -> None:
        program = rule.program
        assert program is not None
        trigger: dict[str, object] = {"platform": None, "id": None, "idx": None, "alias": None}
        variables: dict[str, object] = {**program.trigger_variables, "trigger": trigger}
        try:
            variables |= render_variables(program.variables, variables)
        except TemplateError as err:
            self._tell_no_run(rule, program, RunStatus.ERROR, variables, "manual", now, error=str(err))
            return
        triggered_by = _triggered_by(call)
        if call.data.get("skip_condition") is False:
            self._judge_and_run(rule, program, variables, triggered_by, call.cause, now)
        else:
            self._run(rule, program, variables, triggered_by, call.cause, now)

    def _call_script(self, call: Call, now: datetime) -> None:
        verb = call.action.partition(".")[2]
        if verb in {"turn_on", "turn_off", "toggle"}:
            rules, missing = self._named(call)
            for rule in rules:
                self._switch_script(rule, verb, call, now)
            self._emit(CallAnswered(call.id, error=f"there is no {', '.join(missing)}" if missing else None))
            return
        if verb == "reload":
            self._emit(CallAnswered(call.id))
            return
        script = self._rule_by_entity.get(EntityId(call.action))
        if script is None or script.program is None:
            error = f"there is no script {call.action}"
            self._emit(CallAnswered(call.id, error=error, is_unknown_action=True))
            return
        self._run_script(script, script.program, call, dict(call.data), call.id, now)

    def _switch_script(self, rule: Rule, verb: str, call: Call, now: datetime) -> None:
        program = rule.program
        assert program is not None
        if verb == "turn_off" or (verb == "toggle" and rule.runs):
            self._cancel_active(rule, now)
            return
        given = call.data.get("variables")
        self._run_script(rule, program, call, dict(given) if isinstance(given, Mapping) else {}, None, now)

    def _run_script(
        self,
        rule: Rule,
        program: Program,
        call: Call,
        given: dict[str, JsonValue],
        answers: CallId | None,
        now: datetime,
    ) -> None:
        """`answers`: the caller waits for the script's end."""
        caller = self._runs.get(RunId(call.cause.id))
        ancestors = () if caller is None else (*caller.ancestors, caller.automation_id)
        error = None
        if rule.definition.id in ancestors and program.mode in {Mode.RESTART, Mode.QUEUED}:
            error = f"{rule.entity_id} may not start itself in mode {program.mode.value}"
        elif len(ancestors) >= SCRIPT_DEPTH_MAX:
            error = f"scripts call each other more than {SCRIPT_DEPTH_MAX} deep"
        variables: dict[str, object] = dict(given)
        if error is None:
            try:
                variables = {**render_variables(program.variables, variables), **variables}
            except TemplateError as err:
                error = str(err)
        if error is not None:
            self._emit(Warn(f"script/{program.id}", error))
            if answers is not None:
                self._emit(CallAnswered(answers, error=error))
            return
        triggered_by = caller.triggered_by if caller is not None else _triggered_by(call)
        run = self._run(rule, program, variables, triggered_by, call.cause, now, answers=answers, ancestors=ancestors)
        if run is None and answers is not None:
            self._emit(CallAnswered(answers))  # dropped by its mode: nothing to wait for

    # The clock.

    def _clock_stepped(self, stepped: ClockStepped, now: datetime) -> None:
        self._exchange.timers.shift(stepped.by)
        for run in self._runs.values():
            for thread in run.threads.values():
                wait = thread.wait
                if wait is not None:
                    wait.since += stepped.by
                    wait.due = None if wait.due is None else wait.due + stepped.by
                    for site in wait.sites:
                        site.attachment.shift(stepped.by)
            if run.settle_by is not None:
                run.settle_by += stepped.by
            if run.is_saved:
                self._changed[run.id] = run
        for rule in self._rules.values():
            for site in rule.sites:
                site.attachment.shift(stepped.by)
            self._reschedule(rule, now)

    def _reschedule(self, rule: Rule, now: datetime) -> None:
        waits = (thread.wait for run in rule.runs for thread in run.threads.values())
        sites = [*rule.sites, *(site for wait in waits if wait is not None for site in wait.sites)]
        for site in sites:
            schedule = getattr(site.attached, "schedule", None)
            if schedule is not None:
                schedule(now)

    def _catch_up(self, rule: Rule, since: datetime, now: datetime) -> None:
        """A time that passed while the hub was down is made up for once, unless that is too long ago."""
        program = rule.program
        if program is None or not rule.is_attached or not program.catch_up.runs_once:
            return
        since = max(since, now - program.catch_up.age_max)
        for site in rule.sites:
            next_after = getattr(site.trigger.source, "next_after", None)
            if next_after is None or site.trigger.platform == "time_pattern":
                continue
            missed = _last_between(next_after, since, now, self._exchange)
            if missed is not None:
                site.attachment.fire({"now": missed, "is_caught_up": True}, now)

    # Taking up what was kept.

    def _restore_statistics(self, rule: Rule) -> None:
        body = self._saved.get(f"statistics/{rule.definition.id}")
        if body is not None:
            rule.statistics = Statistics.from_json(body)
            if rule.statistics.last_at is not None:
                rule.last_triggered = datetime.fromisoformat(rule.statistics.last_at)

    def _restore_holds(self, now: datetime) -> None:
        sites = {
            f"{rule.definition.id}/{site.trigger.path}": (rule, site)
            for rule in self._rules.values()
            for site in rule.sites
        }
        for saved_key, body in sorted(self._saved.items()):
            if not saved_key.startswith("hold/"):
                continue
            name, _, key = saved_key.removeprefix("hold/").rpartition("|")
            found = sites.get(name)
            if found is None or not self._resume_hold(*found, key, body, now):
                self._emit(Save(ROOM, saved_key, None))

    @staticmethod
    def _resume_hold(rule: Rule, site: Site, key: str, body: Mapping[str, Any], now: datetime) -> bool:
        if rule.program is None or body.get("fingerprint") != rule.program.fingerprint:
            return False
        due = datetime.fromisoformat(body["due"])
        return site.resume_hold(key, due, body["check"], thaw(body["told"]), now)

    def _restore_runs(self, now: datetime) -> None:
        restored: list[Run] = []
        for key, body in self._saved.items():
            if key.startswith("run/"):
                run = self._read_run(key, body)
                if run is not None:
                    restored.append(run)
        restored.sort(key=lambda run: (run.started_at, run.id))
        for run in restored:
            self._place(run)
        for run in restored:
            if run.stage == "running":
                self._interpreter.restore(run, now)
            elif run.stage == "settling":
                self._wait_until_settled(run)
        for rule in self._rules.values():
            if rule.queue and not rule.runs:
                self._begin(rule, rule.queue.popleft(), now)

    def _read_run(self, key: str, body: JsonObject) -> Run | None:
        """A run goes on if its automation still means the same."""
        try:
            run = run_from_json(key.removeprefix("run/"), body)
        except (KeyError, TypeError, ValueError) as err:
            self._emit(Warn("saved_run", f"A saved run cannot be read and is dropped: {err!r}"))
            self._emit(Save(ROOM, key, None))
            return None
        rule = self._rules.get(run.automation_id)
        if rule is None or rule.program is None or rule.program.fingerprint != run.fingerprint:
            self._emit(
                Warn("saved_run", f"A run of {run.automation_id} is over: its automation has changed or is gone")
            )
            self._emit(Save(ROOM, key, None))
            return None
        return run

    def _place(self, run: Run) -> None:
        rule = self._rules[run.automation_id]
        self._runs[run.id] = run
        if run.answers is not None:
            self._script_runs[run.answers] = run
        for result in run.results:
            if result.ended_at is None:
                self._interpreter.result_by_call[result.call_id] = (run, result)
        if run.stage == "running":
            rule.runs.append(run)
        elif run.stage == "queued":
            rule.queue.append(run)
        self._shown[run.automation_id] = rule


def _triggered_by(call: Call) -> str:
    return "manual" if call.cause.kind in {"manual", "cloud", "scene"} else "ecosystem"


def _is_paused(program: Program, now: datetime) -> bool:
    if program.pause_until is not None and program.pause_until <= now:
        return False
    return program.is_paused


def _last_between(
    next_after: Callable[[datetime, Exchange], datetime | None], since: datetime, now: datetime, exchange: Exchange
) -> datetime | None:
    last = None
    at = next_after(since, exchange)
    for _ in range(MISSED_LOOKS_MAX):
        if at is None or at > now:
            break
        last = at
        at = next_after(at, exchange)
    return last
