"""What is kept of a run: the execution record that goes to the cloud, and the trace that says why."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub_agent.core.automation.program import Program
from hub_agent.core.automation.runs import Occasion, Run, milliseconds
from hub_agent.core.automation.views import StateView, describe, iso
from hub_agent.model.automation import RunStatus
from hub_agent.model.json import JsonObject, JsonValue, Row

# By what the central schema's `triggered_by` distinguishes. Everything else that happens in the home is a device event.
SCHEDULES = frozenset({"time", "time_pattern", "sun", "schedule"})


def kind_of_trigger(platform: str) -> str:
    return "schedule" if platform in SCHEDULES else "device_event"


def describe_trigger(variables: Mapping[str, object]) -> dict[str, JsonValue]:
    """The trigger's own words, with states as text and of attributes only those that changed."""
    trigger = variables.get("trigger")
    if not isinstance(trigger, dict):
        return {}
    told: dict[str, JsonValue] = {
        str(key): value if type(value) is str else describe(value)
        for key, value in trigger.items()
        if value is not None
    }
    old, new = trigger.get("from_state"), trigger.get("to_state")
    if isinstance(old, StateView) and isinstance(new, StateView) and old.state == new.state:
        names = sorted(old.attributes.keys() | new.attributes.keys())
        changed = ((name, old.attributes.get(name), new.attributes.get(name)) for name in names)
        told["attributes_changed"] = {
            name: [describe(before), describe(after)] for name, before, after in changed if before != after
        }
    return told


def final_status(run: Run) -> RunStatus:
    """As the run ended, or else as its results say."""
    if run.status is not None:
        return run.status
    outcomes = [result.result for result in run.results if result.result != "skipped"]
    if outcomes.count("ok") == len(outcomes):
        return RunStatus.SUCCESS
    is_partly_done = "ok" in outcomes or any(result.is_partial for result in run.results)
    return RunStatus.PARTIAL if is_partly_done else RunStatus.FAILED


def final_error(run: Run) -> str | None:
    if run.error is not None:
        return run.error
    return next(
        (f"{result.action}: {result.error or result.result}" for result in run.results if result.result != "ok"), None
    )


def error_details(run: Run, status: RunStatus) -> JsonObject | None:
    """Where it went wrong: the step that ended the run, and the actions that failed."""
    if status in {RunStatus.SUCCESS, RunStatus.CANCELLED}:
        return None
    failed: list[JsonValue] = [
        {"path": result.path, "action": result.action, "result": result.result, "error": result.error}
        for result in run.results
        if result.result not in {"ok", "skipped"}
    ]
    told: dict[str, JsonValue] = {"failed_actions": failed}
    if run.error is not None:
        told |= {"path": run.error_path, "reason": run.error}
    return told


def execution_row(
    run: Run,
    program: Program,
    status: RunStatus,
    trigger: JsonObject,
    *,
    states: tuple[JsonObject | None, JsonObject | None] = (None, None),
    environment: JsonObject | None = None,
) -> Row:
    """`states`: its devices before and after."""
    completed_at = run.ended_at or run.started_at
    results = run.results
    outcomes = [result.result for result in results]
    is_success = status is RunStatus.SUCCESS
    # As a rule all went well, and there is nothing to be counted.
    all_ok = outcomes.count("ok") == len(outcomes)
    return {
        "id": run.id,
        "time": run.started_at,
        "automation_id": program.id,
        "triggered_by": run.triggered_by,
        "trigger_data": trigger,
        "status": str(status),
        "started_at": run.started_at,
        "completed_at": completed_at,
        "duration_ms": milliseconds(run.started_at, completed_at),
        "actions_total": len(results) + run.results_left_out,
        "actions_succeeded": outcomes.count("ok"),
        "actions_failed": 0 if all_ok else outcomes.count("failed") + outcomes.count("unconfirmed"),
        "action_results": [result.as_json() for result in results],
        "error_message": None if is_success else final_error(run),
        "error_details": None if is_success else error_details(run, status),
        "retry_attempt": max([result.attempt for result in results]) - 1 if results else 0,
        "device_states_before": states[0],
        "device_states_after": states[1],
        "environment_context": environment,
        "created_at": completed_at,
    }


def trace_of_run(run: Run, program: Program, status: RunStatus, trigger: JsonObject) -> JsonObject:
    completed_at = run.ended_at or run.started_at
    by_call = {result.call_id: result for result in run.results}
    steps: list[JsonValue] = []
    for step in run.steps:
        result = by_call.get(step["call"]) if "call" in step else None  # type: ignore[call-overload]  # a call's step holds its id
        if result is not None:
            told = step.copy()
            del told["call"]
            told["result"] = result.result or "unconfirmed"
            if result.error is not None:
                told["error"] = result.error
            if result.ended_at is not None:
                told["duration_ms"] = milliseconds(result.at, result.ended_at)
            steps.append(told)
        else:
            steps.append(step)
    if run.steps_left_out:
        steps.append(
            {"path": "", "kind": "more", "at": iso(completed_at), "result": f"{run.steps_left_out} more steps"}
        )
    body = _head(run.id, program, status, triggered_by=run.triggered_by, trigger=trigger, started_at=run.started_at)
    body |= {
        "completed_at": iso(completed_at),
        "duration_ms": milliseconds(run.started_at, completed_at),
        "steps": steps,
    }
    error = None if status is RunStatus.SUCCESS else final_error(run)
    if error is not None:
        body["error"] = error
    return body


def trace_of_no_run(
    run_id: str,
    program: Program,
    status: RunStatus,
    occasion: Occasion,
    now: datetime,
    *,
    steps: Sequence[JsonObject] = (),
    error: str | None = None,
    unkept: int = 0,
) -> JsonObject:
    """Why a trigger started nothing. `unkept`: so many more of these were not kept since the last."""
    trigger = describe_trigger(occasion.variables)
    body = _head(run_id, program, status, triggered_by=occasion.triggered_by, trigger=trigger, started_at=now)
    body |= {"completed_at": iso(now), "duration_ms": 0, "steps": list(steps)}
    if error is not None:
        body["error"] = error
    if unkept:
        body["not_kept_before"] = unkept
    return body


def _head(
    run_id: str, program: Program, status: RunStatus, *, triggered_by: str, trigger: JsonObject, started_at: datetime
) -> dict[str, JsonValue]:
    return {
        "run_id": run_id,
        "automation_id": program.id,
        "automation": program.name,
        "status": str(status),
        "triggered_by": triggered_by,
        "trigger": trigger,
        "started_at": iso(started_at),
    }
