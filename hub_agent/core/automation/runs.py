"""A run as data: where it stands, what it knows, what it waits for. All of it becomes JSON and comes back from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub_agent.core.automation.exchange import Attachment
from hub_agent.core.automation.surroundings import Before
from hub_agent.core.automation.timers import Timer
from hub_agent.core.automation.triggers.trigger import Site
from hub_agent.core.automation.views import freeze, iso, thaw
from hub_agent.model.automation import RunStatus
from hub_agent.model.ids import AutomationId, CallId, RunId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause
from hub_agent.model.value import value

# What a run keeps of its story; what comes later is only counted.
STEPS_KEPT_MAX = 300
RESULTS_KEPT_MAX = 300


@dataclass(slots=True)
class Frame:
    """A place in a block: the next step, and what the block's owner must remember (a loop's round)."""

    block: str
    index: int = 0
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Wait:
    """What a thread waits for. kind: delay | trigger | template | call | event | branches. The last three fields live in memory only."""

    kind: str
    path: str
    since: datetime
    due: datetime | None = None
    body: dict[str, Any] = field(default_factory=dict)
    timer: Timer | None = None
    sites: list[Site] = field(default_factory=list)
    attachment: Attachment | None = None


@dataclass(slots=True)
class Thread:
    """One line of steps; a `parallel` step makes one for each branch. ended: done | stopped | failed."""

    id: int
    parent: int | None
    frames: list[Frame]
    wait: Wait | None = None
    told: object = None
    has_told: bool = False
    ended: str | None = None


@dataclass(slots=True)
class Result:
    """What became of one call. result: None (open) | ok | failed | unconfirmed | skipped."""

    path: str
    action: str
    target: tuple[str, ...]
    at: datetime
    call_id: CallId
    data: JsonObject
    result: str | None = None
    error: str | None = None
    ended_at: datetime | None = None
    commands: int = 0
    attempt: int = 1
    # A scene of which some devices failed.
    is_partial: bool = False

    def end(self, result: str, error: str | None, now: datetime) -> None:
        self.result, self.error, self.ended_at = result, error, now

    def as_json(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {
            "path": self.path,
            "action": self.action,
            "target": list(self.target),
            "at": iso(self.at),
            "duration_ms": 0 if self.ended_at is None else milliseconds(self.at, self.ended_at),
            "result": self.result or "unconfirmed",
        }
        if self.error is not None:
            body["error"] = self.error
        return body


@value
class Occasion:
    """What set a run off. `variables` hold the trigger and what the definition made of it."""

    variables: dict[str, object]
    triggered_by: str
    cause: Cause


@dataclass(slots=True)
class Run:
    """stage: queued | running | settling (its actions are done, its commands are not)."""

    id: RunId
    automation_id: AutomationId
    fingerprint: str
    triggered_by: str
    variables: dict[str, object]
    started_at: datetime
    cause: Cause
    stage: str = "running"
    threads: dict[int, Thread] = field(default_factory=dict)
    threads_made: int = 0
    steps: list[dict[str, JsonValue]] = field(default_factory=list)
    steps_left_out: int = 0
    results: list[Result] = field(default_factory=list)
    results_left_out: int = 0
    status: RunStatus | None = None
    error: str | None = None
    response: JsonValue = None
    answers: CallId | None = None
    ancestors: tuple[str, ...] = ()
    ended_at: datetime | None = None
    settle_by: datetime | None = None
    is_saved: bool = False
    timer: Timer | None = None
    retries: dict[int, Timer] = field(default_factory=dict)
    retry_calls: list[CallId] = field(default_factory=list)
    # What becomes of the caller when this run fails: is it told, and does `continue_on_error` help it?
    is_caller_told: bool = True
    caller_may_go_on: bool = True
    # For the record: where it failed, its devices as they were, and the home when it began.
    error_path: str | None = None
    before: Before = field(default_factory=dict)
    home: dict[str, JsonValue] = field(default_factory=dict)

    def note(self, path: str, kind: str, at: datetime, result: str, **more: JsonValue) -> dict[str, JsonValue] | None:
        """A step of the story. The answer may still be changed while the run is open."""
        return self.add_step({"path": path, "kind": kind, "at": iso(at), "result": result, **more})

    def add_step(self, step: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
        if len(self.steps) >= STEPS_KEPT_MAX:
            self.steps_left_out += 1
            return None
        self.steps.append(step)
        return step

    def has_open_results(self) -> bool:
        return None in [result.ended_at for result in self.results]

    def add_result(self, result: Result) -> None:
        if len(self.results) >= RESULTS_KEPT_MAX:
            self.results_left_out += 1
        else:
            self.results.append(result)

    def main(self) -> Thread:
        return self.threads[0]

    def new_thread(self, parent: int | None, block: str) -> Thread:
        thread = Thread(self.threads_made, parent, [Frame(block)])
        self.threads_made += 1
        self.threads[thread.id] = thread
        return thread


def milliseconds(start: datetime, end: datetime) -> int:
    if start is end:  # what was done at once
        return 0
    return max(0, round((end - start).total_seconds() * 1000))


# To and from JSON.


def run_to_json(run: Run) -> JsonObject:
    return {
        "automation_id": run.automation_id,
        "fingerprint": run.fingerprint,
        "triggered_by": run.triggered_by,
        "variables": freeze(run.variables),
        "started_at": iso(run.started_at),
        "cause": [run.cause.kind, run.cause.id, run.cause.by],
        "stage": run.stage,
        "threads": [_thread_to_json(thread) for thread in run.threads.values()],
        "threads_made": run.threads_made,
        "steps": list(run.steps),
        "steps_left_out": run.steps_left_out,
        "results": [_result_to_json(result) for result in run.results],
        "results_left_out": run.results_left_out,
        "status": run.status,
        "error": run.error,
        "response": freeze(run.response),
        "answers": run.answers,
        "ancestors": list(run.ancestors),
        "ended_at": _maybe_iso(run.ended_at),
        "settle_by": _maybe_iso(run.settle_by),
        "error_path": run.error_path,
        "before": {entity_id: None if was is None else list(was) for entity_id, was in run.before.items()},
        "home": run.home,
    }


def run_from_json(run_id: str, body: Mapping[str, Any]) -> Run:
    """Raises KeyError, TypeError or ValueError if it is not a saved run."""
    kind, cause_id, by = body["cause"]
    run = Run(
        RunId(run_id),
        AutomationId(body["automation_id"]),
        body["fingerprint"],
        body["triggered_by"],
        thaw(body["variables"]),
        datetime.fromisoformat(body["started_at"]),
        Cause(kind, cause_id, by),
        stage=body["stage"],
        threads_made=body["threads_made"],
        steps=[dict(step) for step in body["steps"]],
        steps_left_out=body["steps_left_out"],
        results=[_result_from_json(result) for result in body["results"]],
        results_left_out=body["results_left_out"],
        status=None if body["status"] is None else RunStatus(body["status"]),
        error=body["error"],
        response=thaw(body["response"]),
        answers=body["answers"],
        ancestors=tuple(body["ancestors"]),
        ended_at=_maybe_instant(body["ended_at"]),
        settle_by=_maybe_instant(body["settle_by"]),
        is_saved=True,
        error_path=body.get("error_path"),
        before={entity_id: was and (was[0], was[1]) for entity_id, was in body.get("before", {}).items()},
        home=dict(body.get("home", {})),
    )
    for each in body["threads"]:
        thread = _thread_from_json(each)
        run.threads[thread.id] = thread
    return run


def _thread_to_json(thread: Thread) -> JsonObject:
    wait = thread.wait
    return {
        "id": thread.id,
        "parent": thread.parent,
        "frames": [[frame.block, frame.index, freeze(frame.memory)] for frame in thread.frames],
        "wait": None
        if wait is None
        else [wait.kind, wait.path, iso(wait.since), _maybe_iso(wait.due), freeze(wait.body)],
        "told": freeze(thread.told),
        "has_told": thread.has_told,
        "ended": thread.ended,
    }


def _thread_from_json(body: Mapping[str, Any]) -> Thread:
    wait = None
    if body["wait"] is not None:
        kind, path, since, due, wait_body = body["wait"]
        wait = Wait(kind, path, datetime.fromisoformat(since), _maybe_instant(due), thaw(wait_body))
    frames = [Frame(block, index, thaw(memory)) for block, index, memory in body["frames"]]
    return Thread(body["id"], body["parent"], frames, wait, thaw(body["told"]), body["has_told"], body["ended"])


def _result_to_json(result: Result) -> JsonValue:
    return [
        result.path,
        result.action,
        list(result.target),
        iso(result.at),
        result.call_id,
        result.data,
        result.result,
        result.error,
        _maybe_iso(result.ended_at),
        result.commands,
        result.attempt,
        result.is_partial,
    ]


def _result_from_json(body: Any) -> Result:
    path, action, target, at, call_id, data, result, error, ended_at, commands, attempt, is_partial = body
    return Result(
        path,
        action,
        tuple(target),
        datetime.fromisoformat(at),
        CallId(call_id),
        data,
        result,
        error,
        _maybe_instant(ended_at),
        commands,
        attempt,
        is_partial,
    )


def _maybe_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def _maybe_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
