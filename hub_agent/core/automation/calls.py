"""`automation.*` and `script.*`, when a person or a rule calls them."""

from collections.abc import Callable, Mapping
from datetime import datetime

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.rules import Rules
from hub_agent.core.automation.running import Running
from hub_agent.core.automation.runs import Occasion, Run
from hub_agent.core.automation.variables import render_variables
from hub_agent.errors import TemplateError
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Mode, RunStatus
from hub_agent.model.effects import Warn
from hub_agent.model.ids import CallId
from hub_agent.model.json import JsonValue

SCRIPT_DEPTH_MAX = 20


class Calls:
    def __init__(self, exchange: Exchange, rules: Rules, running: Running) -> None:
        self._emit = exchange.emit
        self._rules = rules
        self._running = running

    def take(self, call: Call, now: datetime) -> None:
        if call.domain == "automation":
            self._call_automation(call, now)
        else:
            self._call_script(call, now)

    def _call_automation(self, call: Call, now: datetime) -> None:
        acts: Mapping[str, Callable[[Rule, Call, datetime], None]] = {
            "turn_on": self._turn_on,
            "turn_off": self._turn_off,
            "toggle": self._toggle,
        }
        verb = call.action.partition(".")[2]
        if verb == "trigger":
            self._trigger_by_hand(call, now)
            return
        act = acts.get(verb)
        if act is None:
            is_reload = verb == "reload"
            error = None if is_reload else f"there is no action {call.action}"
            self._emit(CallAnswered(call.id, error=error, is_unknown_action=not is_reload))
            return
        rules, missing = self._named(call)
        for rule in rules:
            act(rule, call, now)
        self._answer(call, missing)

    def _answer(self, call: Call, missing: list[str]) -> None:
        """A person is told what does not exist; a rule goes on without it."""
        error = f"there is no {', '.join(missing)}" if missing else None
        if error is not None and call.cause.kind == "automation":
            self._emit(Warn(f"missing/{call.cause.id}/{call.action}", f"{call.action}: {error}"))
            error = None
        self._emit(CallAnswered(call.id, error=error))

    def _named(self, call: Call) -> tuple[list[Rule], list[str]]:
        if "all" in call.target:
            return [rule for rule in self._rules if rule.entity_id.startswith(f"{call.domain}.")], []
        found: list[Rule] = []
        missing: list[str] = []
        for entity_id in call.target:
            rule = self._rules.named(entity_id)
            if rule is None or rule.program is None:
                missing.append(entity_id)
            else:
                found.append(rule)
        return found, missing

    def _turn_on(self, rule: Rule, _call: Call, now: datetime) -> None:
        if not rule.is_on:
            self._rules.attach(rule, now)
        self._rules.switched(rule)

    def _turn_off(self, rule: Rule, call: Call, now: datetime) -> None:
        self._rules.detach(rule)
        if call.data.get("stop_actions") is not False:
            self._running.cancel_active(rule, now)
        self._rules.switched(rule)

    def _toggle(self, rule: Rule, call: Call, now: datetime) -> None:
        (self._turn_off if rule.is_on else self._turn_on)(rule, call, now)

    def _trigger_by_hand(self, call: Call, now: datetime) -> None:
        """A rule waits until what it has triggered is done; how that went is not its concern."""
        rules, missing = self._named(call)
        caller = self._running.find(call.cause.id)
        is_waited_for = caller is not None and len(rules) == 1 and not missing
        runs = [self._trigger(rule, call, caller, now, answers=call.id if is_waited_for else None) for rule in rules]
        if not any(run is not None and run.answers is not None for run in runs):
            self._answer(call, missing)

    def _trigger(
        self, rule: Rule, call: Call, caller: Run | None, now: datetime, *, answers: CallId | None
    ) -> Run | None:
        program = rule.program
        assert program is not None
        given = call.data.get("variables")
        variables: dict[str, object] = {
            **program.trigger_variables,
            **self._running.itself(rule, program),
            **(given if isinstance(given, Mapping) else {}),
            "trigger": {"platform": None},
        }
        occasion = Occasion(variables, _triggered_by(call), call.cause)
        own = given if isinstance(given, Mapping) else ()
        try:
            variables.update(render_variables(program.variables, variables, without=own))
        except TemplateError as err:
            self._running.tell_no_run(rule, program, RunStatus.ERROR, occasion, now, error=str(err))
            return None
        ancestors = _ancestors(caller)
        if rule.definition.id in ancestors and program.mode in {Mode.RESTART, Mode.QUEUED}:
            answers = None  # it would wait for itself
        if call.data.get("skip_condition") is False:
            return self._running.judge_and_run(rule, program, occasion, now, answers=answers, ancestors=ancestors)
        return self._running.run(rule, program, occasion, now, answers=answers, ancestors=ancestors)

    def _call_script(self, call: Call, now: datetime) -> None:
        verb = call.action.partition(".")[2]
        if verb in {"turn_on", "turn_off", "toggle"}:
            rules, missing = self._named(call)
            for rule in rules:
                self._switch_script(rule, verb, call, now)
            self._answer(call, missing)
            return
        if verb == "reload":
            self._emit(CallAnswered(call.id))
            return
        script = self._rules.named(call.action)
        if script is None or script.program is None:
            error = f"there is no script {call.action}"
            self._emit(CallAnswered(call.id, error=error, is_unknown_action=True))
            return
        given: dict[str, JsonValue] = dict(call.data)
        if call.target:  # to a script these are a variable like any other
            given["entity_id"] = call.target[0] if len(call.target) == 1 else list(call.target)
        self._run_script(script, call, given, now, answers=call.id)

    def _switch_script(self, rule: Rule, verb: str, call: Call, now: datetime) -> None:
        program = rule.program
        assert program is not None
        if verb == "turn_off" or (verb == "toggle" and rule.runs):
            self._running.cancel_active(rule, now)
        else:
            given = call.data.get("variables")
            self._run_script(rule, call, dict(given) if isinstance(given, Mapping) else {}, now, answers=None)
        self._rules.show(rule)  # before the caller goes on and looks

    def _run_script(
        self, rule: Rule, call: Call, given: dict[str, JsonValue], now: datetime, *, answers: CallId | None
    ) -> None:
        """`answers`: the caller waits for the script's end."""
        program = rule.program
        assert program is not None
        caller = self._running.find(call.cause.id)
        # Who does not wait for it may be started by it again.
        ancestors = () if answers is None else _ancestors(caller)
        if rule.definition.id in ancestors and program.mode in {Mode.RESTART, Mode.QUEUED}:
            self._refuse_itself(rule, program, answers)
            return
        error = None
        if len(ancestors) >= SCRIPT_DEPTH_MAX:
            error = f"scripts call each other more than {SCRIPT_DEPTH_MAX} deep"
        variables: dict[str, object] = {**self._running.itself(rule, program), **given}
        if error is None:
            try:
                variables = {**render_variables(program.variables, variables, without=given), **variables}
            except TemplateError as err:
                error = str(err)
        if error is not None:
            self._emit(Warn(f"script/{program.id}", error))
            if answers is not None:
                self._emit(CallAnswered(answers, error=error))
            return
        triggered_by = caller.triggered_by if caller is not None else _triggered_by(call)
        occasion = Occasion(variables, triggered_by, call.cause)
        run = self._running.run(rule, program, occasion, now, answers=answers, ancestors=ancestors)
        if run is None and answers is not None:
            self._emit(CallAnswered(answers))  # dropped by its mode: nothing to wait for

    def _refuse_itself(self, rule: Rule, program: Program, answers: CallId | None) -> None:
        """Its caller goes on: it would otherwise wait for its own end."""
        text = f"{rule.entity_id} may not start itself in mode {program.mode.value}"
        self._emit(Warn(f"script/{program.id}", text))
        if answers is not None:
            self._emit(CallAnswered(answers))


def _ancestors(caller: Run | None) -> tuple[str, ...]:
    """Whose runs wait for one that this caller starts."""
    return () if caller is None else (*caller.ancestors, caller.automation_id)


def _triggered_by(call: Call) -> str:
    return "manual" if call.cause.kind in {"manual", "cloud", "scene"} else "ecosystem"
