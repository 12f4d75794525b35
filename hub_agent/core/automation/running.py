"""Runs from beginning to end: may one start, is it to be kept, what is recorded when it is over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from hub_agent.core.automation.chains import Chains, Link, Loop
from hub_agent.core.automation.conditions.condition import Scope, judge_all
from hub_agent.core.automation.exchange import Exchange, Output
from hub_agent.core.automation.interpreter import Interpreter, Resolve
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.reading import to_number
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.rules import ROOM, Rules, Saved
from hub_agent.core.automation.runs import Occasion, Result, Run, milliseconds, run_from_json, run_to_json
from hub_agent.core.automation.surroundings import environment, home_told, states_told
from hub_agent.core.automation.told_events import AUTOMATION, SCRIPT, run_begun
from hub_agent.core.automation.trace import (
    describe_trigger,
    execution_row,
    final_status,
    kind_of_trigger,
    trace_of_no_run,
    trace_of_run,
)
from hub_agent.core.automation.triggers.trigger import Trigger
from hub_agent.core.automation.variables import render_variables
from hub_agent.core.automation.views import iso, view_of_itself
from hub_agent.errors import TemplateError
from hub_agent.model.action import Call, CallAnswered, CommandSettled
from hub_agent.model.automation import Mode, Outcome, RunStatus
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
from hub_agent.model.ids import AutomationId, CallId, NewId, RunId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.scene import SceneSettled
from hub_agent.model.state import Cause

STREAM = "automation_executions"

# After its actions are done a run waits so long for its devices to confirm.
SETTLE_MAX = timedelta(seconds=10)
# What moves takes longer; and a transition is waited for, up to a bound.
SETTLE_MAX_BY_DOMAIN = {domain: timedelta(seconds=65) for domain in ("cover", "lock", "valve")}
TRANSITION_MAX = timedelta(minutes=10)
RETRY_PAUSES_S = (1, 2, 4, 8)

# Traces of triggers that started nothing, per automation and minute; the rest is counted.
NO_RUN_TRACES_A_MINUTE = 10


class Running:
    """Fills interpreter.Host."""

    def __init__(self, exchange: Exchange, new_id: NewId, rules: Rules, resolve: Resolve | None) -> None:
        self.resolve = resolve
        self.interpreter = Interpreter(exchange, new_id, self)
        self._exchange = exchange
        self._new_id = new_id
        self._rules = rules
        self._runs: dict[RunId, Run] = {}
        self._script_runs: dict[CallId, Run] = {}
        self._shown: dict[AutomationId, Rule] = {}
        self.chains = Chains()

    def of(self, automation_id: str) -> list[str]:
        return [run.id for run in self._runs.values() if run.automation_id == automation_id]

    def find(self, run_id: str) -> Run | None:
        return self._runs.get(RunId(run_id))

    # One input.

    @property
    def has_changed(self) -> bool:
        return bool(self.interpreter.changed or self._shown)

    def leave(self) -> None:
        """After an input: keeps what has changed, shows what looks different."""
        changed = self.interpreter.changed
        if changed:
            for run in [run for run in changed.values() if not self._is_soon_answered(run)]:
                del changed[run.id]
                self._emit(self._save(run))
        for automation_id, rule in tuple(self._shown.items()):
            if not self.is_busy(rule):
                del self._shown[automation_id]
                self._rules.show(rule)

    def unsaved(self) -> list[Save]:
        if not self.interpreter.changed:
            return []
        saves = [self._save(run) for run in self.interpreter.changed.values()]
        self.interpreter.changed.clear()
        return saves

    def is_busy(self, rule: Rule) -> bool:
        """Something that it asked for in this very input has not been answered yet."""
        return any(map(self._is_soon_answered, rule.runs))

    # Starting.

    def triggered(self, rule: Rule, trigger: Trigger, told: dict[str, object], now: datetime) -> None:
        program = rule.program
        assert program is not None
        variables: dict[str, object] = {**program.trigger_variables, **self.itself(rule, program), "trigger": told}
        cause = Cause("automation", rule.definition.id)
        occasion = Occasion(variables, kind_of_trigger(trigger.platform), cause)
        if trigger.variables or program.variables:
            try:
                variables.update(render_variables(trigger.variables, variables))
                own = {name for name, _ in trigger.variables}
                variables.update(render_variables(program.variables, variables, without=own))
            except TemplateError as err:
                self.tell_no_run(rule, program, RunStatus.ERROR, occasion, now, error=str(err))
                self._emit(Warn(f"variables/{program.id}", f"{program.name}: {err}"))
                return
        self.judge_and_run(rule, program, occasion, now)

    def itself(self, rule: Rule, program: Program) -> dict[str, object]:
        if not program.sees_itself:
            return {}
        return {"this": view_of_itself(rule.entity_id, self._exchange.world.state(rule.entity_id))}

    def judge_and_run(
        self,
        rule: Rule,
        program: Program,
        occasion: Occasion,
        now: datetime,
        *,
        answers: CallId | None = None,
        ancestors: tuple[str, ...] = (),
    ) -> Run | None:
        steps: list[dict[str, JsonValue]] = []
        if program.conditions:
            scope = Scope(self._exchange.outlook, now, lambda: occasion.variables, steps)
            if judge_all(program.conditions, scope) is not Outcome.TRUE:
                self.tell_no_run(rule, program, RunStatus.CONDITIONS_NOT_MET, occasion, now, steps=steps)
                return None
        return self.run(rule, program, occasion, now, steps=steps, answers=answers, ancestors=ancestors)

    def run(
        self,
        rule: Rule,
        program: Program,
        occasion: Occasion,
        now: datetime,
        *,
        steps: list[dict[str, JsonValue]] | None = None,
        answers: CallId | None = None,
        ancestors: tuple[str, ...] = (),
    ) -> Run | None:
        """Starts or queues a run as the mode says; None when it is dropped."""
        active = len(rule.runs) + len(rule.queue)
        if not self._mode_admits(program, active):
            self._tell_dropped(rule, program, occasion, now)
            return None
        before = self.chains.before(occasion.cause)
        if before and self._goes_round(rule, program, occasion, before, now):
            return None
        run_id = RunId(self._new_id())
        self.chains.note(run_id, program.id, before, now)
        run = Run(
            run_id,
            AutomationId(program.id),
            program.fingerprint,
            occasion.triggered_by,
            occasion.variables,
            now,
            occasion.cause,
        )
        run.answers, run.ancestors = answers, ancestors
        run.home = home_told(self._exchange.world)
        if steps:
            run.steps = steps
        if answers is not None:
            self._script_runs[answers] = run
        self._runs[run_id] = run
        rule.last_triggered = now
        self._tell_begun(rule, run)
        if program.mode is Mode.RESTART and rule.runs:
            for running in list(rule.runs):
                self._cancel(running, now)
        if program.mode is Mode.QUEUED and rule.runs:
            run.stage = "queued"
            rule.queue.append(run)
            self.interpreter.changed[run.id] = run
            self._shown[AutomationId(program.id)] = rule
        else:
            self._begin(rule, run, now)
        return run

    def _tell_begun(self, rule: Rule, run: Run) -> None:
        listened_to = self._exchange.by_event
        if listened_to and (SCRIPT if rule.entity_id.startswith("script.") else AUTOMATION) in listened_to:
            trigger = run.variables.get("trigger")
            source = trigger.get("description") if isinstance(trigger, dict) else None
            self._emit(run_begun(rule.entity_id, rule.name, source, Cause("automation", run.id)))

    def _goes_round(
        self, rule: Rule, program: Program, occasion: Occasion, before: tuple[Link, ...], now: datetime
    ) -> bool:
        """Rules that set each other off without end are stopped; what else triggers them goes on."""
        loop = self.chains.refusal(program.id, before, now)
        if loop is None:
            loop = self.chains.found(program.id, before, now)
            if loop is None:
                return False
            self.tell_loop(loop, now)
        if program.id not in loop.automation_ids:
            return False
        error = f"stopped until {iso(loop.until)}: {self._loop_words(loop)}"
        self.tell_no_run(rule, program, RunStatus.DROPPED, occasion, now, error=error)
        return True

    def tell_loop(self, loop: Loop, now: datetime) -> None:
        words = self._loop_words(loop)
        self._emit(Warn(f"loop/{min(loop.automation_ids)}", f"Automations are stopped for a while: {words}"))
        for automation_id in sorted(loop.automation_ids):
            rule = self._rules.find(automation_id)
            name = automation_id if rule is None else rule.name
            details: JsonObject = {"name": name, "reason": words, "until": iso(loop.until)}
            self._emit(IssueRaised(Issue("automation_loop", automation_id, now, details)))
        self._exchange.timers.set(loop.until, lambda _now: self._loop_is_over(loop))

    def _loop_is_over(self, loop: Loop) -> None:
        for automation_id in sorted(loop.automation_ids):
            if self.chains.loop_of(automation_id) in {loop, None}:
                self._emit(IssueCleared("automation_loop", automation_id))

    def _loop_words(self, loop: Loop) -> str:
        rules = [self._rules.find(each) for each in sorted(loop.automation_ids)]
        names = [f"'{rule.name}'" for rule in rules if rule is not None]
        return f"{' and '.join(names)} set {'each other' if len(names) > 1 else 'itself'} off without end"

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
        self.interpreter.changed[run.id] = run
        self.interpreter.begin(run, now)

    def _tell_dropped(self, rule: Rule, program: Program, occasion: Occasion, now: datetime) -> None:
        error = f"already running (mode {program.mode.value})"
        if program.mode in {Mode.QUEUED, Mode.PARALLEL}:
            error = f"{program.runs_max} runs already (mode {program.mode.value})"
        if not program.is_silent_when_dropped:
            self._emit(Warn(f"dropped/{program.id}", f"{program.name} was triggered but not started: {error}"))
        self.tell_no_run(rule, program, RunStatus.DROPPED, occasion, now, error=error)

    def tell_missed(self, rule: Rule, trigger: Trigger, at: datetime, now: datetime) -> None:
        """A time that passed while the hub was off and is not made up for."""
        program = rule.program
        assert program is not None
        told: dict[str, object] = {"platform": trigger.platform, "id": trigger.id, "now": at}
        occasion = Occasion(
            {"trigger": told}, kind_of_trigger(trigger.platform), Cause("automation", rule.definition.id)
        )
        reason = "its policy is to skip such times"
        if program.catch_up.runs_once:
            reason = f"that is longer ago than {program.catch_up.age_max}"
        error = f"its time {iso(at)} passed while the hub was off, and {reason}"
        self.tell_no_run(rule, program, RunStatus.DROPPED, occasion, now, error=error)

    def tell_no_run(
        self,
        rule: Rule,
        program: Program,
        status: RunStatus,
        occasion: Occasion,
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
        body = trace_of_no_run(run_id, program, status, occasion, now, steps=tuple(steps), error=error, unkept=unkept)
        self._emit(SaveTrace(program.id, run_id, body, program.traces_max))

    # Cancelling.

    def _cancel(self, run: Run, now: datetime) -> None:
        if run.stage == "queued":
            rule = self._rule(run)
            if run in rule.queue:
                rule.queue.remove(run)
        self.interpreter.cancel(run, now)

    def cancel_active(self, rule: Rule, now: datetime) -> None:
        for run in [*rule.queue, *rule.runs]:
            self._cancel(run, now)

    def cancel_all(self, rule: Rule, now: datetime) -> None:
        for run in list(rule.queue):
            self._cancel(run, now)
        for run in list(rule.runs):
            self._cancel(run, now)
        for run in [run for run in self._runs.values() if run.automation_id == rule.definition.id]:
            self._close(run, now)  # those that were only waiting for their devices

    def forget(self, rule: Rule) -> None:
        self._shown.pop(AutomationId(rule.definition.id), None)

    # What the interpreter asks.

    def program(self, run: Run) -> Program:
        program = self._rule(run).program
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
        rule = self._rule(run)
        if run in rule.runs:
            rule.runs.remove(run)
        self._shown[run.automation_id] = rule
        if run.answers is not None:
            self._script_runs.pop(run.answers, None)
            if not rule.runs:  # before its caller goes on and looks
                self._rules.show(rule)
            # How an automation fared that somebody triggered is its own concern.
            is_script = rule.program is not None and rule.program.is_script
            has_failed = run.status is RunStatus.FAILED and run.is_caller_told and is_script
            error = run.error or "failed" if has_failed else None
            is_fatal = has_failed and not run.caller_may_go_on
            self._emit(CallAnswered(run.answers, error=error, response=run.response, is_unknown_action=is_fatal))
        if run.has_open_results() and run.status is not RunStatus.CANCELLED:
            run.stage = "settling"
            run.settle_by = now + max(_settle_within(result) for result in run.results if result.ended_at is None)
            self._wait_until_settled(run)
        else:
            self._close(run, now)
        if rule.queue and not rule.runs:
            self._begin(rule, rule.queue.pop(0), now)

    # The end of a run.

    def _wait_until_settled(self, run: Run) -> None:
        assert run.settle_by is not None
        run.timer = self._exchange.timers.set(run.settle_by, lambda now: self._close(run, now))
        self.interpreter.changed[run.id] = run

    def settled(self, settled: CommandSettled, now: datetime) -> None:
        known = self.interpreter.result_by_call.get(settled.command.call_id)
        if known is None:
            return
        run, result = known
        result.commands -= 1
        if not settled.is_success:
            if self._retries(run, result, settled, now):
                return
            result.result = "failed" if settled.outcome == "failed" else "unconfirmed"
            result.error = settled.error or f"{settled.command.entity_id}: {settled.outcome}"
        self._end_if_settled(run, result, settled.command.call_id, now)

    def scene_settled(self, settled: SceneSettled, now: datetime) -> None:
        known = self.interpreter.result_by_call.get(settled.call_id)
        if known is None:
            return
        run, result = known
        result.commands -= 1
        if settled.status != "success":
            result.result = "failed"
            result.is_partial = settled.status == "partial"
            result.error = "; ".join(f"{each.name}: {each.error}" for each in settled.failed) or settled.status
        self._end_if_settled(run, result, settled.call_id, now)

    def _end_if_settled(self, run: Run, result: Result, call_id: CallId, now: datetime) -> None:
        if result.commands > 0 or self._is_unanswered(call_id):
            return
        result.end(result.result or "ok", result.error, now)
        del self.interpreter.result_by_call[call_id]
        if run.stage == "settling" and not run.has_open_results():
            self._close(run, now)
        elif run.is_saved:
            self.interpreter.changed[run.id] = run

    def _is_unanswered(self, call_id: CallId) -> bool:
        """Its commands may settle before the call is answered; how many there are is not known until then."""
        return call_id in self.interpreter.waiting_by_call

    def _retries(self, run: Run, result: Result, settled: CommandSettled, now: datetime) -> bool:
        """`retry_on_failure`: the same again for the device that did not confirm, after a pause that grows."""
        rule = self._rules.find(run.automation_id)
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
            self.interpreter.result_by_call[call_id] = (run, result)
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
            self.interpreter.result_by_call.pop(call_id, None)
        for result in run.results:
            self.interpreter.result_by_call.pop(result.call_id, None)
            if result.ended_at is None:
                result.end(result.result or "unconfirmed", result.error, now)
        self.interpreter.changed.pop(run.id, None)
        rule = self._rule(run)
        program = self.program(run)
        status = final_status(run)
        trigger = describe_trigger(run.variables)
        self._count(rule, run, status)
        states = states_told(run.before, self._exchange.world)
        around = environment(run.home, run.started_at, self._exchange.place.time_zone)
        row = execution_row(run, program, status, trigger, states=states, environment=around)
        self._emit(AppendRecord(STREAM, row, Durability.FSYNC))
        story = trace_of_run(run, program, status, trigger)
        self._emit(SaveTrace(program.id, run.id, story, program.traces_max))
        if run.is_saved:
            self._emit(Save(ROOM, f"run/{run.id}", None, Durability.COMMIT))
        body: dict[str, object] = {
            "id": run.id,
            "automation_id": program.id,
            "automation": program.name,
            "status": str(status),
            "started_at": iso(run.started_at),
            "triggered_by": run.triggered_by,
            "trigger": trigger,
        }
        self._emit(Announce("run", body))

    def _count(self, rule: Rule, run: Run, status: RunStatus) -> None:
        statistics = rule.statistics
        statistics.total += 1
        statistics.note_status(status)
        statistics.last_at = iso(run.started_at)
        statistics.last_duration_ms = milliseconds(run.started_at, run.ended_at or run.started_at)
        self._emit(Save(ROOM, f"statistics/{rule.definition.id}", statistics.as_json(), Durability.LAZY))

    # The clock, and the mirror.

    def shift(self, by: timedelta) -> None:
        """The clock was set: what counts elapsed time moves with it. The timers have moved already."""
        for run in self._runs.values():
            for thread in run.threads.values():
                wait = thread.wait
                if wait is not None:
                    wait.since += by
                    wait.due = None if wait.due is None else wait.due + by
                    for site in wait.sites:
                        site.attachment.shift(by)
            if run.settle_by is not None:
                run.settle_by += by
            if run.is_saved:
                self.interpreter.changed[run.id] = run

    def restore(self, saved: Saved) -> None:
        """Runs are where they were, so that their rules look as they did; `go_on` takes them up."""
        restored: list[Run] = []
        for key, body in saved.items():
            if key.startswith("run/"):
                run = self._read_run(key, body)
                if run is not None:
                    restored.append(run)
        restored.sort(key=lambda run: (run.started_at, run.id))
        for run in restored:
            self._place(run)

    def go_on(self, now: datetime) -> None:
        for run in tuple(self._runs.values()):
            if run.stage == "running":
                self.interpreter.restore(run, now)
            elif run.stage == "settling":
                self._wait_until_settled(run)
        for rule in self._rules:
            if rule.queue and not rule.runs:
                self._begin(rule, rule.queue.pop(0), now)

    def _read_run(self, key: str, body: JsonObject) -> Run | None:
        """A run goes on if its automation still means the same."""
        try:
            run = run_from_json(key.removeprefix("run/"), body)
        except (KeyError, TypeError, ValueError) as err:
            self._emit(Warn("saved_run", f"A saved run cannot be read and is dropped: {err!r}"))
            self._emit(Save(ROOM, key, None))
            return None
        rule = self._rules.find(run.automation_id)
        if rule is None or rule.program is None or rule.program.fingerprint != run.fingerprint:
            self._emit(
                Warn("saved_run", f"A run of {run.automation_id} is over: its automation has changed or is gone")
            )
            self._emit(Save(ROOM, key, None))
            return None
        return run

    def _place(self, run: Run) -> None:
        rule = self._rule(run)
        self._runs[run.id] = run
        if run.answers is not None:
            self._script_runs[run.answers] = run
        for result in run.results:
            if result.ended_at is None:
                self.interpreter.result_by_call[result.call_id] = (run, result)
        if run.stage == "running":
            rule.runs.append(run)
        elif run.stage == "queued":
            rule.queue.append(run)
        self._shown[run.automation_id] = rule

    def _is_soon_answered(self, run: Run) -> bool:
        """It has just begun to wait for an answer or its own event, which as a rule come within this very input: saving it now would be in vain."""
        now = self._exchange.outlook.now
        for thread in run.threads.values():
            wait = thread.wait
            if wait is not None and wait.since == now and wait.kind in {"call", "event"}:
                return True
        return False

    def _save(self, run: Run) -> Save:
        run.is_saved = True
        self.interpreter.arm(run)
        durability = Durability.COMMIT if run.stage == "settling" else Durability.FSYNC
        return Save(ROOM, f"run/{run.id}", run_to_json(run), durability)

    def _rule(self, run: Run) -> Rule:
        return self._rules.by_id[run.automation_id]  # a rule's runs end before it goes

    def _emit(self, output: Output) -> None:
        self._exchange.outputs.append(output)


def _settle_within(result: Result) -> timedelta:
    within = SETTLE_MAX_BY_DOMAIN.get(result.action.partition(".")[0], SETTLE_MAX)
    transition = to_number(result.data.get("transition"))
    return within + min(timedelta(seconds=max(0.0, min(transition or 0.0, 1e6))), TRANSITION_MAX)
