"""Why a rule did not run: whether it may, what its triggers wait for, what its conditions say, and what its traces tell.

The answer is put together when somebody asks, from what the rule, the states and the kept traces are; nothing is noted for it beforehand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from hub_agent.core.automation.as_of import AsOf, Recorded
from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.explaining_conditions import DEPENDS, NOT_KNOWN, Given, Judged, judge_each, values_words
from hub_agent.core.automation.explaining_triggers import AROUND, Finding, find, words
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.triggers.trigger import Trigger
from hub_agent.core.automation.views import iso, view_of_itself
from hub_agent.model.automation import Mode, Outcome, RunStatus
from hub_agent.model.json import JsonObject, JsonValue

REFUSALS = frozenset({RunStatus.CONDITIONS_NOT_MET.value, RunStatus.DROPPED.value, RunStatus.ERROR.value})
# Of a rule that watches many entities, so many are told as reasons; all of them stand under `triggers`.
FINDINGS_SHOWN_MAX = 5
# Where paths of triggers and conditions begin; a schedule column is a trigger too.
TRIGGERS = ("triggers", "schedule")
CONDITIONS = "conditions"
OUTCOME_WORDS = {
    Outcome.FALSE.value: "does not hold",
    Outcome.ERROR.value: "does not pass",
    DEPENDS: "is open",
    NOT_KNOWN: "is open",
}
# A trace as the store gives it; what it holds was written by `trace.py`.
Trace = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    text: str
    path: str | None = None

    def as_json(self) -> JsonObject:
        body: dict[str, JsonValue] = {"code": self.code, "text": self.text}
        return body if self.path is None else {**body, "path": self.path}


@dataclass(frozen=True, slots=True)
class Looked:
    """All that an answer is made of."""

    rule: Rule
    as_of: AsOf
    traces: Sequence[Trace]
    on_since: datetime | None
    triggers: Sequence[tuple[Trigger, Sequence[Finding]]]
    conditions: Sequence[Judged]


def explain(
    rule: Rule,
    exchange: Exchange,
    traces: Sequence[JsonObject],
    now: datetime,
    at: datetime | None = None,
    *,
    recorded: Recorded | None = None,
) -> JsonObject:
    """As ports.Door.explain says. `traces`: those kept of this rule, newest first; `at`: the instant asked about, now if None;
    `recorded`: the states of that instant.
    """
    as_of = AsOf(exchange, at or now, now, recorded)
    shown = as_of.state(rule.entity_id)
    on_since = shown.changed_at if shown is not None and rule.is_on else None
    program = rule.program
    triggers: list[tuple[Trigger, Sequence[Finding]]] = []
    conditions: list[Judged] = []
    if program is not None:
        sites = {site.trigger.path: site for site in rule.sites}
        for trigger in program.triggers:
            found = find(trigger, sites.get(trigger.path), as_of, program.trigger_variables, on_since)
            triggers.append((trigger, found))
        conditions = judge_each(program.conditions, as_of, _given(rule, program, as_of))
    known = [dict(trace) for trace in traces]
    looked = Looked(rule, as_of, known, on_since, triggers, conditions)
    return _answer(looked)


def _answer(looked: Looked) -> JsonObject:
    rule, as_of = looked.rule, looked.as_of
    reasons = [*(_then(looked) if as_of.is_past else _now(looked)), *_of_triggers(looked), *_of_conditions(looked)]
    if not reasons:
        reasons.append(Reason("nothing_seen", "Nothing keeps it from running."))
    program = rule.program
    return {
        "automation_id": rule.definition.id,
        "entity_id": rule.entity_id,
        "name": rule.name,
        "at": iso(as_of.at),
        "is_past": as_of.is_past,
        "summary": _summary(looked, reasons),
        "reasons": [each.as_json() for each in reasons],
        "is_enabled": rule.is_on,
        "paused_until": None if rule.pause_timer is None else iso(rule.pause_timer.at),
        "mode": None if program is None else program.mode.value,
        "running": len(rule.runs),
        "queued": len(rule.queue),
        "triggers": [_trigger_as_json(trigger, found) for trigger, found in looked.triggers],
        "conditions": [each.as_json() for each in looked.conditions],
        "last_run": _last_run(looked),
        "last_refusal": next((_told(each) for each in looked.traces if each.get("status") in REFUSALS), None),
        "around": [_told(each) for each in _around(looked)] if as_of.is_past else [],
        "not_known": list(_not_known(looked)) if as_of.is_past else [],
    }


def _summary(looked: Looked, reasons: Sequence[Reason]) -> str:
    """What kept it from running by itself; or that nothing did, and no trigger fired."""
    fired = sum(each.path is not None and each.path.startswith(TRIGGERS) for each in reasons[:1])
    if fired and len(looked.triggers) > 1 and reasons[0].code != "for_pending":
        return f"None of its {len(looked.triggers)} triggers has fired; what each waits for stands below."
    return reasons[0].text


# Whether it may run.


def _now(looked: Looked) -> Iterator[Reason]:
    rule, as_of = looked.rule, looked.as_of
    yield from _standing(rule, as_of)
    yield from _mode(rule, as_of)
    yield from _without_triggers(rule)
    for trigger, found in looked.triggers:
        for each in found:
            if each.code == "for_pending":
                yield Reason(each.code, f"It is about to: {each.text}.", trigger.path)
    refusal = next((each for each in looked.traces if each.get("status") in REFUSALS), None)
    if refusal is not None and refusal is looked.traces[0]:
        yield _of_refusal(refusal, as_of)


def _standing(rule: Rule, as_of: AsOf) -> Iterator[Reason]:
    program = rule.program
    if program is None:
        yield Reason("invalid", f"The rule cannot be understood: {rule.problem}")
    elif rule.is_on or program.is_script:
        return
    elif rule.pause_timer is not None:
        yield Reason("paused", f"It is paused until {as_of.clock(rule.pause_timer.at)}.")
    elif rule.switched is not None:
        yield Reason("switched_off", "It was switched off by hand or by another rule.")
    elif not program.is_enabled:
        yield Reason("disabled", "It is disabled in its definition.")
    elif program.is_paused:
        yield Reason("paused", "It is paused, without an end.")
    else:
        yield Reason("switched_off", "It is off: it is to be off after each start of the hub.")


def _mode(rule: Rule, as_of: AsOf) -> Iterator[Reason]:
    program = rule.program
    if program is None or not rule.runs or min(run.started_at for run in rule.runs) > as_of.at:
        return
    active = len(rule.runs) + len(rule.queue)
    since = as_of.clock(min(run.started_at for run in rule.runs))
    if program.mode is Mode.SINGLE:
        yield Reason("running", f"It is running since {since}: in mode single a trigger meanwhile starts nothing.")
    elif program.mode is not Mode.RESTART and active >= program.runs_max:
        text = (
            f"{active} runs are under way since {since}: in mode {program.mode.value} there may be {program.runs_max}."
        )
        yield Reason("running", text)


def _without_triggers(rule: Rule) -> Iterator[Reason]:
    program = rule.program
    if program is None:
        return
    if program.is_script:
        yield Reason("is_script", "It is a script: it runs only when something calls it.")
    elif not program.triggers:
        yield Reason("no_trigger", "It has no triggers: it runs only when something calls it.")


# What happened then.


def _then(looked: Looked) -> Iterator[Reason]:
    rule, as_of = looked.rule, looked.as_of
    for trace in _around(looked):
        if trace.get("status") in REFUSALS:
            yield _of_refusal(trace, as_of)
        else:
            text = (
                f"It did run at {_clock_of(trace, as_of)} ({trace.get('status')}): see run {str(trace['run_id'])[:8]}."
            )
            yield Reason("did_run", text)
    for trace in looked.traces:
        if _is_during(trace, as_of) and trace.get("status") not in REFUSALS:
            yield Reason("running", f"It was running from {_clock_of(trace, as_of)} on (mode {_mode_of(rule)}).")
    yield from _mode(rule, as_of)
    shown = as_of.state(rule.entity_id)
    if rule.program is None or (shown is not None and shown.changed_at <= as_of.at):
        yield from _standing(rule, as_of)
    yield from _without_triggers(rule)


def _around(looked: Looked) -> list[Trace]:
    at = looked.as_of.at
    return [each for each in looked.traces if abs(_started(each) - at) <= AROUND]


def _is_during(trace: Trace, as_of: AsOf) -> bool:
    """Begun well before, and not over then."""
    completed = trace.get("completed_at")
    is_open = completed is None or datetime.fromisoformat(completed) >= as_of.at
    return is_open and _started(trace) < as_of.at - AROUND


def _not_known(looked: Looked) -> Iterator[str]:
    as_of, traces = looked.as_of, looked.traces
    if not traces:
        yield "No trace of this rule is kept: it was never triggered, or too long ago."
    elif as_of.at < _started(traces[-1]):
        yield f"The oldest trace that is kept of this rule is of {_clock_of(traces[-1], as_of)}."
    shown = as_of.state(looked.rule.entity_id)
    if shown is None or shown.changed_at > as_of.at:
        since = "" if shown is None else f" (it is {shown.state} since {as_of.clock(shown.changed_at)})"
        yield f"Whether the rule was on then, and whether the hub was running{since}."
    if any(each.code == "not_known" for _, found in looked.triggers for each in found):
        recorded = as_of.recorded
        is_older = recorded is not None and recorded.begins_at > as_of.at
        since = f" (records begin at {as_of.clock(recorded.begins_at)})" if recorded and is_older else ""
        yield f"States that have changed since then and stand in no record{since}."


# What its triggers and conditions say.


def _of_triggers(looked: Looked) -> Iterator[Reason]:
    for trigger, found in looked.triggers:
        told = [each for each in found if each.code != "for_pending"]
        for each in islice(_worst_first(told), FINDINGS_SHOWN_MAX):
            yield Reason(each.code, f"{_name(trigger)} waits until {words(trigger)}: {each.text}.", trigger.path)


def _worst_first(found: Sequence[Finding]) -> list[Finding]:
    """What is missing or silent cannot trigger anything: that first."""
    return sorted(found, key=lambda each: not each.code.startswith("entity_"))


def _of_conditions(looked: Looked) -> Iterator[Reason]:
    now = "" if looked.as_of.is_past else " now"
    for number, each in enumerate(looked.conditions, 1):
        if each.outcome != Outcome.TRUE.value:
            head = f"Condition {number} ({each.condition.kind}) {OUTCOME_WORDS[each.outcome]}{now}"
            yield Reason(f"condition_{each.outcome}", f"{head}: it {each.text}.", each.condition.path)


def _of_refusal(trace: Trace, as_of: AsOf) -> Reason:
    head = f"It was triggered at {_clock_of(trace, as_of)} ({_trigger_words(trace)})"
    if trace.get("status") != RunStatus.CONDITIONS_NOT_MET.value:
        word = "but not started" if trace.get("status") == RunStatus.DROPPED.value else "but failed before it began"
        return Reason(str(trace.get("status")), f"{head}, {word}: {trace.get('error')}.")
    steps: list[Trace] = trace.get("steps") or []
    failed: Trace = next((each for each in steps if _is_top(each) and each.get("result") != Outcome.TRUE.value), {})
    path = str(failed.get("path"))
    inside = [each for each in steps if f"{each.get('path')}/".startswith(f"{path}/")]
    saw = values_words(inside, as_of)
    why = failed.get("error") or (f"it saw {saw}" if saw else str(failed.get("result")))
    text = f"{head}, but the condition {path} ({failed.get('kind')}) did not hold: {why}."
    return Reason("conditions_not_met", text, path)


def _is_top(step: Trace) -> bool:
    """Not a part of another condition: as a part of `or` a false one may be no reason."""
    return str(step.get("path")).count("/") == 1


# Parts.


def _given(rule: Rule, program: Program, as_of: AsOf) -> Given:
    variables: dict[str, object] = {**program.trigger_variables}
    if program.sees_itself:
        variables["this"] = view_of_itself(rule.entity_id, as_of.state(rule.entity_id))
    return Given.of(variables, program)


def _trigger_as_json(trigger: Trigger, found: Sequence[Finding]) -> JsonObject:
    return {
        "path": trigger.path,
        "id": trigger.id,
        "alias": trigger.alias,
        "platform": trigger.platform,
        "is_enabled": trigger.is_enabled,
        "waits_for": words(trigger),
        "findings": [each.as_json() for each in found],
    }


def _last_run(looked: Looked) -> JsonObject | None:
    """The trace, or what the statistics remember of a run whose trace is gone."""
    found = next((_told(each) for each in looked.traces if each.get("status") not in REFUSALS), None)
    if found is not None:
        return found
    statistics = looked.rule.statistics
    if statistics.last_at is None:
        return None
    return {"run_id": None, "status": statistics.last_status, "started_at": statistics.last_at}


def _told(trace: Trace) -> JsonObject:
    """Of a trace what says how it ended; the conditions' steps say why, those of the actions are the trace's own."""
    kept = ("run_id", "status", "started_at", "completed_at", "trigger", "error", "not_kept_before")
    body = {key: trace[key] for key in kept if key in trace}
    steps = [step for step in trace.get("steps", ()) if str(step.get("path")).startswith(CONDITIONS)]
    return {**body, "conditions": steps} if steps else body


def _started(trace: Trace) -> datetime:
    return datetime.fromisoformat(trace["started_at"])


def _clock_of(trace: Trace, as_of: AsOf) -> str:
    return as_of.clock(_started(trace))


def _trigger_words(trace: Trace) -> str:
    told = trace.get("trigger") or {}
    if told.get("entity_id"):
        return f"{told['entity_id']}: {told.get('from_state')} -> {told.get('to_state')}"
    return str(told.get("platform") or trace.get("triggered_by"))


def _name(trigger: Trigger) -> str:
    return f"Trigger {trigger.index + 1} ({trigger.alias or trigger.platform})"


def _mode_of(rule: Rule) -> str:
    return "unknown" if rule.program is None else rule.program.mode.value
