"""Tries a rule on the recorded past, in a process of its own beside the running agent: `python -m hub_agent.replay`.

The request comes on standard input as JSON; the answer goes to standard output, one JSON object a line: `{"progress": 0.4}` now and then, and
at last `{"replay": {...}}` or `{"error": "..."}`. The mirror is only read; deciding is the same engine as in the home, so it must not run in the agent's own process,
where it would take the home's time.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from hub_agent.core.automation.comparing import counted, happened, table
from hub_agent.core.automation.references import names_in
from hub_agent.core.automation.replaying import Replay, longest_hold, not_replayed, read_rule
from hub_agent.core.automation.views import iso
from hub_agent.core.time_of_day import zone
from hub_agent.errors import DefinitionError, MirrorError
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState
from hub_agent.store.file import translated
from hub_agent.store.history import Deeds, History, Holes, Recorded, deeds_of, open_beside

# What is held or armed when the window begins was set off before: so far back the rule is taken along, if the records reach there;
# with a longer `for:` that much farther, up to a bound.
WARM_UP = timedelta(hours=6)
HOLD_MAX = timedelta(days=2)
# When nothing happens the clock goes on in steps, so that a rule that follows it can be stopped too.
STEP = timedelta(hours=1)
CHANGES_PER_LOOK = 1000
PROGRESS_EVERY_S = 0.2
SECONDS_MAX = 60.0
LINES_TOLD_MAX = 1000
RESTARTS_TOLD_MAX = 5
# The agent hands the answer on: reading it must not take the home's time either.
LINES_BYTES_MAX = 1024 * 1024
# The replay goes when memory is short, not the home's agent.
OOM_SCORE = "500"

NO_DEEDS = Deeds([], [], None)
ASSUMED = "Calls succeed at once and change nothing: what was really done is in the records already."


@dataclass(slots=True)
class Request:
    mirror: Path
    since: datetime
    until: datetime
    place: Place
    definition: Definition
    is_known: bool
    scripts: list[Definition]
    targets: Mapping[str, Mapping[str, Sequence[str]]]
    present: dict[EntityId, EntityState]
    seconds_max: float

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Request":
        return cls(
            Path(body["mirror"]),
            datetime.fromisoformat(body["since"]),
            datetime.fromisoformat(body["until"]),
            Place(**body["place"]),
            _definition(body["definition"]),
            body["is_known"],
            [_definition(each) for each in body.get("scripts", ())],
            body.get("targets", {}),
            {EntityId(entity_id): _state(parts) for entity_id, parts in body.get("present", {}).items()},
            body.get("seconds_max", SECONDS_MAX),
        )

    def resolve(self, kind: str, name: str) -> Sequence[str] | None:
        return self.targets.get(kind, {}).get(name)


class _Player:
    """The records of a mirror, played to the rule."""

    def __init__(self, request: Request, connection: Connection) -> None:
        self._request = request
        self._connection = connection
        hold = longest_hold(read_rule(request.definition, request.place))
        warm_from = request.since - WARM_UP - min(hold, HOLD_MAX)
        self._history = History(connection, warm_from)
        self._until = request.until
        self._since = min(max(request.since, self._history.begins_at), request.until)
        self._warm_from = max(warm_from, self._history.begins_at)
        self._changes = 0
        self._is_cut_off = False
        self._replay = Replay(
            request.definition,
            scripts=request.scripts,
            place=request.place,
            states={**request.present, **self._history.states},
            warm_from=self._warm_from,
            since=self._since,
            resolve=request.resolve,
        )

    def play(self) -> Iterator[float]:
        """How far it is, now and then."""
        began_s = told_s = time.monotonic()
        whole = self._until - self._warm_from
        moments = _ticked(self._history.changes(self._until), self._warm_from, self._until)
        for number, (at, change) in enumerate(moments):
            if change is None:
                self._replay.advance(at)
            else:
                self._replay.take(at, *change)
                self._changes += at >= self._since
            if change is not None and number % CHANGES_PER_LOOK:
                continue
            now_s = time.monotonic()
            if now_s - began_s > self._request.seconds_max:
                self._until, self._is_cut_off = at, True
                break
            if now_s - told_s > PROGRESS_EVERY_S:
                told_s = now_s
                yield max(0.0, min(1.0, (at - self._warm_from) / whole))
        self._replay.end(self._until)

    def answer(self) -> JsonObject:
        request, rule = self._request, self._replay
        deeds = NO_DEEDS
        if request.is_known:
            deeds = deeds_of(self._connection, request.definition.id, self._since)
        did = happened(deeds.executions, deeds.traces, self._since, self._until)
        lines = table(rule.occasions, did)
        told = list(_within_bytes(each.as_json() for each in lines[:LINES_TOLD_MAX]))
        return {
            "automation_id": request.definition.id if request.is_known else None,
            "name": rule.program.name,
            "since": iso(self._since),
            "until": iso(self._until),
            "asked_since": iso(request.since),
            "history_begins_at": iso(self._history.begins_at),
            "time_zone": request.place.time_zone,
            "changes": self._changes,
            "counts": counted(lines),
            "lines": told,
            "lines_left_out": len(lines) - len(told) + rule.left_out,
            "not_replayed": not_replayed(rule.program),
            "notes": list(self._notes(deeds)),
        }

    def _notes(self, deeds: Deeds) -> Iterator[str]:
        request, begins_at = self._request, self._history.begins_at
        tz = zone(request.place.time_zone)
        if begins_at > request.since:
            yield f"History begins at {_clock(begins_at, tz)}: what was before that is no longer kept."
        if self._is_cut_off:
            text = f"Stopped at {_clock(self._until, tz)} after {request.seconds_max:g} s: ask for a shorter window."
            yield text
        yield ASSUMED
        if request.is_known:
            yield "The rule is tried as it is now, and as if it had been on all the time."
        if deeds.kept_since is not None and deeds.kept_since > self._since:
            yield f"What really ran is known since {_clock(deeds.kept_since, tz)} only."
        if request.is_known:
            yield "Of triggers that were really refused the hub keeps only the latest traces."
        restarts = [each for each in self._history.restarts if self._since <= each <= self._until]
        if restarts:
            shown = ", ".join(_clock(each, tz) for each in restarts[:RESTARTS_TOLD_MAX])
            more = " and later" if len(restarts) > RESTARTS_TOLD_MAX else ""
            yield f"The hub's machine was started again before {shown}{more}: while it was off nothing could really run."
        yield from _of_holes(self._history.holes, tz)
        asked = (request.definition.fields.get(key) for key in ("triggers", "conditions", "actions"))
        present = sorted({each for each in names_in(list(asked)) if each in request.present})
        if present:
            yield f"There are no records of {', '.join(present)}: taken as it is now."


def _ticked(
    changes: Iterator[Recorded], tick: datetime, until: datetime
) -> Iterator[tuple[datetime, tuple[EntityId, EntityState] | None]]:
    """The changes, and the time between them in steps."""
    for at, entity_id, state in changes:
        while tick + STEP < at:
            tick += STEP
            yield tick, None
        tick = max(tick, at)
        yield at, (entity_id, state)
    while tick + STEP < until:
        tick += STEP
        yield tick, None


def _within_bytes(lines: Iterable[JsonObject]) -> Iterator[JsonObject]:
    size = 0
    for line in lines:
        size += len(orjson.dumps(line, option=orjson.OPT_NON_STR_KEYS, default=str))
        if size > LINES_BYTES_MAX:
            return
        yield line


def _of_holes(holes: Holes, tz: ZoneInfo) -> Iterator[str]:
    if holes.first_at is None:
        return
    since = _clock(holes.first_at, tz)
    if holes.missing:
        count = f"{holes.missing} records are" if holes.missing > 1 else "One record is"
        yield f"{count} missing, since {since}: shed or damaged."
    if holes.thinned:
        yield f"{holes.thinned} measurements are means of 15 minutes, the first at {since}: single values are gone."


def _clock(at: datetime, tz: ZoneInfo) -> str:
    return f"{at.astimezone(tz):%Y-%m-%d %H:%M:%S}"


def _definition(body: Mapping[str, Any]) -> Definition:
    return Definition("automation", body["id"], body["fields"])


def _state(parts: Sequence[Any]) -> EntityState:
    state, attributes, changed_at, updated_at = parts
    return EntityState(state, attributes, datetime.fromisoformat(changed_at), datetime.fromisoformat(updated_at))


# The process.


def replayed(request: Request) -> Iterator[JsonObject]:
    """Progress, and at last the answer. Raises MirrorError and DefinitionError."""
    with closing(open_beside(request.mirror)) as connection, translated(request.mirror):
        player = _Player(request, connection)
        for part in player.play():
            yield {"progress": round(part, 3)}
        yield {"replay": player.answer()}


def main() -> None:
    """Whoever started it may close the pipe: then nobody wants the answer any more."""
    _step_back()
    try:
        for said in replayed(Request.from_json(orjson.loads(sys.stdin.buffer.read()))):
            _say(said)
    except (MirrorError, DefinitionError) as err:
        _say({"error": str(err)})
    except BrokenPipeError:
        os._exit(1)


def _say(said: JsonObject) -> None:
    sys.stdout.buffer.write(orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS, default=str) + b"\n")
    sys.stdout.buffer.flush()


def _step_back() -> None:
    """The home comes first: for the processor, and for memory. Where that is forbidden it goes without."""
    with suppress(OSError):
        os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")


if __name__ == "__main__":
    main()
