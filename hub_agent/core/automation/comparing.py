"""What a rule would have done beside what it did: occasions of a replay paired with execution records and traces."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub_agent.core.automation.explaining import REFUSALS
from hub_agent.core.automation.replaying import Occasion
from hub_agent.core.automation.views import iso
from hub_agent.model.json import JsonObject, JsonValue

# The hub handles what arrives together at one instant, and a timer a little after it is due.
SAME_WITHIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Happened:
    """A run that was recorded, or a trigger of which a trace says that it started none."""

    at: datetime
    status: str
    body: JsonObject

    @property
    def is_refused(self) -> bool:
        return self.status in REFUSALS


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. At least one of the two is there."""

    would: Occasion | None
    did: Happened | None

    @property
    def at(self) -> datetime:
        if self.would is not None:
            return self.would.at
        assert self.did is not None
        return self.did.at

    def as_json(self) -> JsonObject:
        return {
            "at": iso(self.at),
            "would": None if self.would is None else _would(self.would),
            "did": None if self.did is None else self.did.body,
        }


def is_refused(occasion: Occasion) -> bool:
    return occasion.status in REFUSALS


def happened(
    executions: Iterable[Mapping[str, Any]], traces: Iterable[Mapping[str, Any]], since: datetime, until: datetime
) -> list[Happened]:
    """In order. A run is told by its record; of what has only a trace (a refusal) that is told."""
    found: dict[str, Happened] = {}
    for row in executions:
        found[row["id"]] = Happened(datetime.fromisoformat(row["started_at"]), row["status"], _of_record(row))
    for trace in traces:
        if trace["run_id"] not in found:
            at = datetime.fromisoformat(trace["started_at"])
            found[trace["run_id"]] = Happened(at, trace["status"], _of_trace(trace))
    return sorted((each for each in found.values() if since <= each.at <= until), key=lambda each: each.at)


def table(would: Sequence[Occasion], did: Sequence[Happened]) -> list[Line]:
    """Runs are paired with runs first, refusals with refusals; then what is left with what is left."""
    lines: list[Line] = []
    left_would: list[Occasion] = []
    left_did: list[Happened] = []
    for wants_refused in (False, True):
        paired, some_would, some_did = _pair(
            [each for each in would if is_refused(each) is wants_refused],
            [each for each in did if each.is_refused is wants_refused],
        )
        lines += paired
        left_would += some_would
        left_did += some_did
    paired, some_would, some_did = _pair(_by_time(left_would), _by_time(left_did))
    lines += paired
    lines += [Line(each, None) for each in some_would]
    lines += [Line(None, each) for each in some_did]
    return sorted(lines, key=lambda line: line.at)


def counted(lines: Sequence[Line]) -> JsonObject:
    """How many runs and refusals there would have been and were, and of the runs how many agree."""
    would = [line.would for line in lines if line.would is not None]
    did = [line.did for line in lines if line.did is not None]
    both = sum(
        line.would is not None and line.did is not None and not is_refused(line.would) and not line.did.is_refused
        for line in lines
    )
    return {
        "would_run": sum(not is_refused(each) for each in would),
        "would_be_refused": sum(1 + each.unkept if is_refused(each) else each.unkept for each in would),
        "did_run": sum(not each.is_refused for each in did),
        "were_refused": sum(each.is_refused for each in did),
        "both_ran": both,
    }


def _by_time(found: list[Any]) -> list[Any]:
    return sorted(found, key=lambda each: each.at)


def _pair(would: Sequence[Occasion], did: Sequence[Happened]) -> tuple[list[Line], list[Occasion], list[Happened]]:
    """Both in order of time. Answers the pairs, and what is left of each."""
    lines: list[Line] = []
    left_would: list[Occasion] = []
    left_did: list[Happened] = []
    number = 0
    for each in would:
        while number < len(did) and did[number].at < each.at - SAME_WITHIN:
            left_did.append(did[number])
            number += 1
        if number < len(did) and did[number].at <= each.at + SAME_WITHIN:
            lines.append(Line(each, did[number]))
            number += 1
        else:
            left_would.append(each)
    return lines, left_would, [*left_did, *did[number:]]


def _would(occasion: Occasion) -> JsonObject:
    body: dict[str, JsonValue] = {
        "status": "running" if occasion.is_open else occasion.status,
        "trigger": occasion.trigger,
        "ended_at": occasion.ended_at,
        "calls": list(occasion.calls),
        "conditions": list(occasion.conditions),
    }
    if occasion.error is not None:
        body["error"] = occasion.error
    if occasion.calls_left_out:
        body["calls_left_out"] = occasion.calls_left_out
    if occasion.unkept:
        body["not_kept_before"] = occasion.unkept
    return body


def _of_record(row: Mapping[str, Any]) -> JsonObject:
    results = row.get("action_results") or []
    kept = ("at", "action", "target", "result", "error")
    return {
        "run_id": row["id"],
        "at": row["started_at"],
        "status": row["status"],
        "triggered_by": row.get("triggered_by"),
        "trigger": row.get("trigger_data"),
        "ended_at": row.get("completed_at"),
        "calls": [{key: each[key] for key in kept if key in each} for each in results],
        "error": row.get("error_message"),
    }


def _of_trace(trace: Mapping[str, Any]) -> JsonObject:
    steps = trace.get("steps") or []
    kept = ("at", "action", "target", "result", "error")
    return {
        "run_id": trace["run_id"],
        "at": trace["started_at"],
        "status": trace["status"],
        "triggered_by": trace.get("triggered_by"),
        "trigger": trace.get("trigger"),
        "ended_at": trace.get("completed_at"),
        "calls": [{key: each[key] for key in kept if key in each} for each in steps if each.get("action")],
        "error": trace.get("error"),
    }
