"""Runs programs step by step. A run stands still whenever it has to wait, as data, and goes on when what it waits for comes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

from hub_agent.core.automation.conditions.condition import Condition, Scope, judge_all
from hub_agent.core.automation.exchange import Attachment, Exchange, Output
from hub_agent.core.automation.program import TOP, Block, Program, Step
from hub_agent.core.automation.runs import Frame, Result, Run, Thread, Wait
from hub_agent.core.automation.signals import Aborted, RunStopped, SequenceEnded, Signal, StepFailed, TimedOut
from hub_agent.core.automation.triggers.template import Watch
from hub_agent.core.automation.triggers.trigger import Site, Trigger
from hub_agent.core.automation.values import Value, Variables, is_true_text
from hub_agent.core.automation.views import freeze, iso, thaw
from hub_agent.errors import TemplateError
from hub_agent.model.action import OUTSIDE_DOMAINS, Call, CallAnswered
from hub_agent.model.automation import Outcome, RunStatus
from hub_agent.model.effects import Warn
from hub_agent.model.ids import CallId, NewId, RunId
from hub_agent.model.inputs import EventFired
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause, StateChanged
from hub_agent.templating import Template

# Steps that a run may take without waiting once: a loop over nothing must not stop the hub.
STEPS_AT_ONCE_MAX = 50_000
THREADS_MAX = 200
# Somebody outside took a call and never answered.
ANSWER_WAIT_MAX = timedelta(minutes=15)
# What the run itself fired comes back within the same input; if it was dropped (a cascade without end), the run goes on anyway.
ECHO_WAIT_MAX = timedelta(seconds=1)

# What a saved run goes on to say of a call that was under way when the hub stopped.
CUT_OFF = "the hub was restarted before this was answered"


Resolve: TypeAlias = Callable[[str, str], Sequence[str] | None]


class Host(Protocol):
    """What the interpreter needs from the engine around it."""

    resolve: Resolve | None

    def program(self, run: Run) -> Program: ...

    def actions_done(self, run: Run, now: datetime) -> None:
        """The run's last step is done (or it was ended)."""

    def cancel_script(self, call_id: CallId, now: datetime) -> None:
        """Nobody waits any longer for the script that this call has started."""

    def has_script_for(self, call_id: CallId) -> bool: ...


class Interpreter:
    def __init__(self, exchange: Exchange, new_id: NewId, host: Host) -> None:
        self.exchange = exchange
        self.new_id = new_id
        self.host = host
        # Runs that are no longer as they were kept.
        self.changed: dict[RunId, Run] = {}
        self.waiting_by_call: dict[CallId, tuple[Run, Thread]] = {}
        self.result_by_call: dict[CallId, tuple[Run, Result]] = {}
        self._waiting_by_event: dict[int, tuple[EventFired, Run, Thread]] = {}

    # Beginning and ending.

    def begin(self, run: Run, now: datetime) -> None:
        run.stage = "running"
        run.new_thread(None, TOP)
        self.advance(run, run.main(), now)

    def cancel(self, run: Run, now: datetime) -> None:
        for thread in run.threads.values():
            self._drop_wait(thread, now)
        run.threads.clear()
        self.end(run, RunStatus.CANCELLED, None, now)

    def end(self, run: Run, status: RunStatus | None, error: str | None, now: datetime) -> None:
        """Without a status, the results decide when they are all in."""
        for thread in run.threads.values():
            self._drop_wait(thread, now)
        run.threads.clear()
        run.status = status
        run.error = error
        run.ended_at = now
        self.changed[run.id] = run
        self.host.actions_done(run, now)

    # Going on.

    def advance(self, run: Run, thread: Thread, now: datetime) -> None:
        """Takes steps until the thread waits or ends."""
        self._go_on(Execution(self, run, thread, now))

    def _go_on(self, at: "Execution") -> None:
        run, thread, now = at.run, at.thread, at.now
        if run.ended_at is not None:
            return
        program = self.host.program(run)
        self.changed[run.id] = run
        for _ in range(STEPS_AT_ONCE_MAX):
            if thread.wait is not None or run.ended_at is not None:
                return
            if not thread.frames:
                self._thread_done(run, thread, now)
                return
            self._take_step(program, at)
        self.end(run, RunStatus.FAILED, f"took more than {STEPS_AT_ONCE_MAX} steps without a wait", now)

    def _take_step(self, program: Program, at: "Execution") -> None:
        thread = at.thread
        frame = thread.frames[-1]
        block = program.blocks[frame.block]
        try:
            if frame.index >= len(block.steps):
                thread.frames.pop()
                if block.owner is not None:
                    step, owner = block.owner
                    at.path = step.path
                    owner.leave(at, frame)
                return
            step = block.steps[frame.index]
            frame.index += 1
            if not step.is_enabled:
                at.run.note(step.path, step.kind, at.now, "disabled")
                return
            at.path = step.path
            step.act.enter(at)
        except Signal as signal:
            self.signalled(program, at, signal)

    def signalled(self, program: Program, at: "Execution", signal: Signal) -> None:
        match signal:
            case SequenceEnded():
                frame = at.thread.frames[-1]
                frame.index = len(program.blocks[frame.block].steps)
            case StepFailed():
                self._failed(program, at, signal)
            case _:
                self._stopped(at, signal)

    def _failed(self, program: Program, at: "Execution", signal: StepFailed) -> None:
        """Goes on after the innermost step that is allowed to fail, or ends the thread."""
        frames = at.thread.frames
        while frames:
            frame = frames[-1]
            step = _step_before(program.blocks[frame.block], frame)
            if signal.may_go_on and step is not None and step.continues_on_error:
                return
            frames.pop()
        self._stopped(at, signal)

    def _stopped(self, at: "Execution", signal: Signal) -> None:
        thread = at.thread
        thread.frames.clear()
        if thread.parent is None:
            at.run.error_path = at.path
            self._end_with(at.run, signal, at.now)
            return
        # The other branches finish; then the run ends by this.
        thread.ended = "stopped"
        wait = at.run.threads[thread.parent].wait
        if wait is not None and "signal" not in wait.body:
            wait.body["signal"] = {**_signal_to_json(signal), "path": at.path}
        self._branch_ended(at.run, thread, at.now)

    def _end_with(self, run: Run, signal: Signal, now: datetime) -> None:
        match signal:
            case RunStopped(is_error=False):
                run.response = signal.response
                self.end(run, None, None, now)
            case TimedOut():
                self.end(run, RunStatus.TIMEOUT, str(signal), now)
            case StepFailed():
                run.caller_may_go_on = signal.may_go_on
                self.end(run, RunStatus.FAILED, str(signal), now)
            case _:
                run.is_caller_told = False
                self.end(run, RunStatus.FAILED, str(signal), now)

    def _thread_done(self, run: Run, thread: Thread, now: datetime) -> None:
        if thread.parent is None:
            self.end(run, None, None, now)
        else:
            thread.ended = "done"
            self._branch_ended(run, thread, now)

    def _branch_ended(self, run: Run, thread: Thread, now: datetime) -> None:
        assert thread.parent is not None
        parent = run.threads[thread.parent]
        wait = parent.wait
        if wait is None or wait.kind != "branches" or wait.body.get("is_starting"):
            return
        self.join_if_done(run, parent, now)

    def join_if_done(self, run: Run, parent: Thread, now: datetime) -> None:
        """Goes on after a `parallel` when all of its branches have ended."""
        wait = parent.wait
        assert wait is not None
        if any(run.threads[child].ended is None for child in wait.body["threads"]):
            return
        for child in wait.body["threads"]:
            del run.threads[child]
        parent.wait = None
        signal = wait.body.get("signal")
        if signal is not None:
            at = Execution(self, run, parent, now)
            at.path = signal.get("path", wait.path)
            self.signalled(self.host.program(run), at, _signal_from_json(signal))
        self.advance(run, parent, now)

    # Waiting.

    def _drop_wait(self, thread: Thread, now: datetime) -> None:
        wait, thread.wait = thread.wait, None
        if wait is None:
            return
        self._disarm(wait)
        for site in wait.sites:
            site.attachment.detach(forget_holds=False)
        if wait.attachment is not None:
            wait.attachment.detach()
        if wait.kind == "call":
            call_id = CallId(wait.body["call_id"])
            self.waiting_by_call.pop(call_id, None)
            self.host.cancel_script(call_id, now)
        if wait.kind == "event":
            self._waiting_by_event.pop(wait.body.get("key", 0), None)

    def wait(self, run: Run, thread: Thread, wait: Wait) -> None:
        thread.wait = wait
        self.changed[run.id] = run
        if wait.kind not in {"call", "event"}:
            self._arm(run, thread, wait)

    def arm(self, run: Run) -> None:
        """What has not come within the input that asked for it may not come in time: most of it has."""
        for thread in run.threads.values():
            if thread.wait is not None and thread.wait.timer is None:
                self._arm(run, thread, thread.wait)

    def _arm(self, run: Run, thread: Thread, wait: Wait) -> None:
        if wait.due is not None:
            wait.timer = self.exchange.timers.set(wait.due, lambda now: self._overdue(run, thread, wait, now))

    def _disarm(self, wait: Wait) -> None:
        if wait.timer is not None:
            self.exchange.timers.cancel(wait.timer)

    def _overdue(self, run: Run, thread: Thread, wait: Wait, now: datetime) -> None:
        if thread.wait is not wait:
            return
        match wait.kind:
            case "delay" | "event":
                self._resume(run, thread, now)
            case "call":
                self.answered(CallAnswered(CallId(wait.body["call_id"]), error="nobody answered the call"), now)
            case _:
                self._wait_timed_out(run, thread, wait, now)

    def _wait_timed_out(self, run: Run, thread: Thread, wait: Wait, now: datetime) -> None:
        self._drop_wait(thread, now)
        told: dict[str, object] = {"completed": False, "remaining": 0.0}
        self._tell_wait(thread, {**told, "trigger": None} if wait.kind == "trigger" else told)
        run.note(wait.path, "wait", now, "timeout")
        if wait.body.get("goes_on", True):
            self.advance(run, thread, now)
        else:
            at = Execution(self, run, thread, now)
            at.path = wait.path
            self.signalled(self.host.program(run), at, TimedOut("a wait was too long"))

    @staticmethod
    def _tell_wait(thread: Thread, told: dict[str, object]) -> None:
        thread.told, thread.has_told = told, True

    def wait_is_over(self, run: Run, thread: Thread, now: datetime, trigger: dict[str, object] | None) -> None:
        """What was waited for has come."""
        wait = thread.wait
        assert wait is not None
        remaining = None if wait.due is None else max(0.0, (wait.due - now).total_seconds())
        self._drop_wait(thread, now)
        told: dict[str, object] = {"completed": True, "remaining": remaining}
        self._tell_wait(thread, {**told, "trigger": trigger} if wait.kind == "trigger" else told)
        run.note(wait.path, "wait", now, "completed")
        self.advance(run, thread, now)

    def _resume(self, run: Run, thread: Thread, now: datetime) -> None:
        self._drop_wait(thread, now)
        self.advance(run, thread, now)

    def wait_for_triggers(
        self, run: Run, thread: Thread, wait: Wait, triggers: Sequence[Trigger], now: datetime
    ) -> None:
        holds: dict[str, Any] = wait.body.setdefault("holds", {})
        variables = Execution(self, run, thread, now).variables()

        def fire(told: dict[str, object], at: datetime) -> None:
            if thread.wait is wait:
                self.wait_is_over(run, thread, at, told)

        self.wait(run, thread, wait)
        for trigger in triggers:
            if thread.wait is not wait:
                continue
            site = trigger.attach(self.exchange, fire, self._remember_in(holds, trigger, run), variables, now)
            wait.sites.append(site)
            if thread.wait is not wait:
                site.attachment.detach(forget_holds=False)

    def _remember_in(
        self, holds: dict[str, Any], trigger: Trigger, run: Run
    ) -> Callable[[str, JsonObject | None], None]:
        """Holds of a waiting trigger are kept with the run."""

        def remember(key: str, body: JsonObject | None) -> None:
            name = f"{trigger.path}|{key}"
            self.changed[run.id] = run
            if body is None:
                holds.pop(name, None)
            else:
                holds[name] = body

        return remember

    def wait_for_template(self, run: Run, thread: Thread, wait: Wait, template: Template, now: datetime) -> None:
        def heard(is_true: bool, _change: StateChanged | None, at: datetime) -> None:  # noqa: FBT001 - what the watch tells
            if is_true and thread.wait is wait:
                self.wait_is_over(run, thread, at, None)

        attachment = Attachment(self.exchange, lambda *_: None, lambda *_: None, {})
        wait.attachment = attachment
        self.wait(run, thread, wait)
        Watch(template, attachment, Execution(self, run, thread, now).variables, heard).look(now)

    def fire_event(self, run: Run, thread: Thread, path: str, event: EventFired, now: datetime) -> None:
        """The run goes on after everybody has heard the event, so that a rule which it starts finds this one running."""
        wait = Wait("event", path, now, now + ECHO_WAIT_MAX, {"key": id(event)})
        self._waiting_by_event[id(event)] = (event, run, thread)
        self.wait(run, thread, wait)
        self.exchange.emit(event)

    def event_heard(self, event: EventFired, now: datetime) -> None:
        waiting = self._waiting_by_event.pop(id(event), None)
        if waiting is not None and waiting[0] is event:
            self._resume(waiting[1], waiting[2], now)

    def call(self, run: Run, thread: Thread, wait: Wait, call: Call) -> None:
        self.waiting_by_call[call.id] = (run, thread)
        self.wait(run, thread, wait)
        self.exchange.emit(call)

    def answered(self, answer: CallAnswered, now: datetime) -> None:
        waiting = self.waiting_by_call.pop(answer.call_id, None)
        if waiting is None:
            return
        run, thread = waiting
        wait = thread.wait
        assert wait is not None
        self._disarm(wait)
        thread.wait = None
        at = Execution(self, run, thread, now)
        at.path = wait.path
        self._take_answer(run, answer, now)
        name = wait.body.get("response_variable")
        if name is not None and answer.error is None:
            at.assign(name, answer.response)
        # A call that reached some of its targets has failed for the others only: the run goes on.
        if answer.error is not None and not answer.commands:
            failure = StepFailed(answer.error, may_go_on=not answer.is_unknown_action)
            self.signalled(self.host.program(run), at, failure)
        self._go_on(at)

    def _take_answer(self, run: Run, answer: CallAnswered, now: datetime) -> None:
        known = self.result_by_call.get(answer.call_id)
        if known is None:
            return
        result = known[1]
        self.changed[run.id] = run
        result.commands += answer.commands
        if answer.error is not None:
            result.result, result.error = "failed", answer.error
        if result.commands <= 0:
            result.end(result.result or "ok", result.error, now)
            del self.result_by_call[answer.call_id]

    # After a restart.

    def restore(self, run: Run, now: datetime) -> None:
        """Everything that the run waits for is waited for again; what has come meanwhile is decided now."""
        for thread in list(run.threads.values()):
            if run.ended_at is None and thread.id in run.threads and thread.wait is not None:
                self._restore_wait(run, thread, thread.wait, now)

    def _restore_wait(self, run: Run, thread: Thread, wait: Wait, now: datetime) -> None:
        match wait.kind:
            case "branches":
                pass
            case "delay":
                self.wait(run, thread, wait)
            case "event":
                self._resume(run, thread, now)
            case "call":
                self._restore_call(run, thread, wait, now)
            case "template" | "trigger":
                step = self._waiting_step(run, thread)
                if step is None:
                    self._resume(run, thread, now)
                else:
                    step.act.restore(Execution(self, run, thread, now), wait)  # type: ignore[attr-defined]  # the two kinds of steps that wait so

    def _restore_call(self, run: Run, thread: Thread, wait: Wait, now: datetime) -> None:
        call_id = CallId(wait.body["call_id"])
        self.waiting_by_call[call_id] = (run, thread)
        for result in run.results:
            if result.call_id == call_id:
                self.result_by_call[call_id] = (run, result)
        if self.host.has_script_for(call_id):
            self.wait(run, thread, wait)
            return
        known = self.result_by_call.get(call_id)
        if known is not None and known[1].action.partition(".")[0] in OUTSIDE_DOMAINS:
            # Nobody can tell whether it was done, and a rule may need its answer. It is not done a second time.
            self.answered(CallAnswered(call_id, error=CUT_OFF), now)
            return
        if known is not None:
            del self.result_by_call[call_id]
            known[1].end("unconfirmed", CUT_OFF, now)
        self.answered(CallAnswered(call_id), now)

    def _waiting_step(self, run: Run, thread: Thread) -> Step | None:
        if not thread.frames:
            return None
        frame = thread.frames[-1]
        return _step_before(self.host.program(run).blocks[frame.block], frame)


class Execution:
    """A step's view of its run while it is taken."""

    __slots__ = ("interpreter", "now", "path", "run", "thread")

    def __init__(self, interpreter: Interpreter, run: Run, thread: Thread, now: datetime) -> None:
        self.interpreter = interpreter
        self.run = run
        self.thread = thread
        self.now = now
        self.path = ""

    @property
    def exchange(self) -> Exchange:
        return self.interpreter.exchange

    def emit(self, output: Output) -> None:
        self.exchange.emit(output)

    def push(self, block: str, memory: dict[str, Any] | None = None) -> None:
        self.thread.frames.append(Frame(block, 0, memory or {}))

    def note(self, kind: str, result: str, **more: JsonValue) -> dict[str, JsonValue] | None:
        # Not by way of the run's own: one more call with names costs as much as the step itself.
        return self.run.add_step({"path": self.path, "kind": kind, "at": iso(self.now), "result": result, **more})

    def variables(self) -> Variables:
        """The run's, with what the thread and its parents see on top: the innermost `repeat` and `wait`."""
        run = self.run
        seen: dict[str, object] = {
            "context": {"id": run.id, "user_id": run.cause.by},
            **run.variables,
        }
        for thread in self._line():
            for frame in thread.frames:
                if "repeat" in frame.memory:
                    seen["repeat"] = frame.memory["repeat"]
            if thread.has_told:
                seen["wait"] = thread.told
        return seen

    def _line(self) -> list[Thread]:
        line = [self.thread]
        while line[0].parent is not None:
            line.insert(0, self.run.threads[line[0].parent])
        return line

    def assign(self, name: str, value: JsonValue) -> None:
        """Where the name is defined, otherwise for the whole run."""
        if name == "repeat":
            for frame in reversed(self.thread.frames):
                if "repeat" in frame.memory:
                    frame.memory["repeat"] = value
                    return
        if name == "wait" and self.thread.has_told:
            self.thread.told = value
            return
        self.run.variables[name] = value

    def get(self, value: Value, *, may_go_on: bool = True) -> JsonValue:
        """A value with its templates rendered; one that fails is a failure of the step."""
        if value.is_constant:
            return value.get(self.variables)
        self.exchange.outlook.now = self.now
        try:
            return value.get(self.variables)
        except TemplateError as err:
            raise StepFailed(str(err), may_go_on=may_go_on) from err

    def need(self, value: Value) -> JsonValue:
        """A value without which the run cannot go on."""
        try:
            return self.get(value)
        except StepFailed as err:
            raise Aborted(str(err)) from err

    def length(self, get: Callable[[Callable[[], Variables]], timedelta]) -> timedelta:
        self.exchange.outlook.now = self.now
        try:
            return get(self.variables)
        except (TemplateError, ValueError) as err:
            raise Aborted(str(err)) from err

    def judge(self, conditions: Sequence[Condition]) -> Outcome:
        self.exchange.outlook.now = self.now
        scope = Scope(self.exchange.outlook, self.now, self.variables)
        outcome = judge_all(conditions, scope)
        for note in scope.notes:
            self.run.add_step(note)
        return outcome

    def is_true(self, template: Template) -> bool:
        self.exchange.outlook.now = self.now
        try:
            return is_true_text(template.render(**self.variables()))
        except TemplateError as err:
            raise StepFailed(str(err), may_go_on=False) from err

    def warn(self, text: str) -> None:
        self.emit(Warn(f"run/{self.run.automation_id}/{self.path}", text))

    def cause(self) -> Cause:
        return Cause("automation", self.run.id, self.run.cause.by)


def _step_before(block: Block, frame: Frame) -> Step | None:
    """The step that is being taken: the frame already stands behind it."""
    return block.steps[frame.index - 1] if 0 < frame.index <= len(block.steps) else None


def resume_holds(wait: Wait, now: datetime) -> None:
    """The holds that a waiting trigger had before the restart."""
    saved: Mapping[str, Any] = dict(wait.body.get("holds", {}))
    by_path: dict[str, Site] = {site.trigger.path: site for site in wait.sites}
    for name, body in saved.items():
        path, _, key = name.rpartition("|")
        site = by_path.get(path)
        is_on = site is not None and site.resume_hold(
            key, datetime.fromisoformat(body["due"]), body["check"], thaw(body["told"]), now
        )
        if not is_on:
            wait.body["holds"].pop(name, None)


def _signal_to_json(signal: Signal) -> JsonObject:
    match signal:
        case RunStopped():
            return {
                "kind": "stop",
                "text": str(signal),
                "is_error": signal.is_error,
                "response": freeze(signal.response),
            }
        case TimedOut():
            return {"kind": "timeout", "text": str(signal)}
        case Aborted():
            return {"kind": "aborted", "text": str(signal)}
        case StepFailed():
            return {"kind": "failed", "text": str(signal), "may_go_on": signal.may_go_on}
        case _:
            return {"kind": "failed", "text": str(signal), "may_go_on": False}


def _signal_from_json(body: Mapping[str, Any]) -> Signal:
    match body["kind"]:
        case "stop":
            return RunStopped(body["text"], is_error=body["is_error"], response=thaw(body["response"]))
        case "timeout":
            return TimedOut(body["text"])
        case "aborted":
            return Aborted(body["text"])
        case _:
            return StepFailed(body["text"], may_go_on=body["may_go_on"])
