"""A rule over the recorded past: the same engine under a virtual clock, with states that only the records change.

Every call is answered at once and changes nothing, for what really was done is in the records already. So a rule that was not there then
is tried on a home that did not feel it.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from hub_agent.core.automation.actions.wait import WaitForTriggerAct
from hub_agent.core.automation.as_of import UNRECORDED_DOMAINS
from hub_agent.core.automation.engine import AGAIN, Automations
from hub_agent.core.automation.exchange import Output
from hub_agent.core.automation.interpreter import Resolve
from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.triggers.trigger import Trigger
from hub_agent.core.automation.values import Duration
from hub_agent.core.automation.views import iso
from hub_agent.core.automation.world import Outlook
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.effects import SaveTrace
from hub_agent.model.ids import EntityId
from hub_agent.model.inputs import EventFired, StateRemoved, StateSet
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState, StateChanged

# A rule that fires all the time: so many occasions are kept, the others counted.
OCCASIONS_MAX = 20_000
CALLS_TOLD_MAX = 50
# What one change may set off inside; the hub's own bound for rules that set themselves off.
CASCADE_MAX = 10_000

# Of these nothing is recorded, so a trigger that waits for them stays silent.
UNRECORDED = {
    "event": "events are not recorded; those that the rule itself fires are heard",
    "homeassistant": "it is not recorded when the hub was started and stopped",
    "mqtt": "messages are not recorded",
    "webhook": "calls of webhooks are not recorded",
}


class Past:
    """Fills world.World."""

    def __init__(self, states: Mapping[EntityId, EntityState]) -> None:
        self._states = dict(states)

    def state(self, entity_id: EntityId, /) -> EntityState | None:
        return self._states.get(entity_id)

    def entity_ids(self) -> Iterable[EntityId]:
        return self._states

    def put(self, entity_id: EntityId, new: EntityState, at: datetime) -> StateChanged:
        old = self._states.get(entity_id)
        self._states[entity_id] = new
        return StateChanged(entity_id, old, new, at)

    def write(self, wanted: StateSet, at: datetime) -> StateChanged:
        """What the rule shows of itself."""
        old = self._states.get(wanted.entity_id)
        state = wanted.state if wanted.state is not None else (old.state if old else "")
        changed_at = old.changed_at if old and old.state == state else at
        return self.put(wanted.entity_id, EntityState(state, wanted.attributes or {}, changed_at, at), at)

    def remove(self, entity_id: EntityId, at: datetime) -> StateChanged:
        return StateChanged(entity_id, self._states.pop(entity_id, None), None, at)


@dataclass(slots=True)
class Occasion:
    """A trigger that fired in the replay, and what came of it. `is_open`: still running when the replay ended."""

    run_id: str
    at: datetime
    status: str
    trigger: JsonObject
    calls: list[JsonObject] = field(default_factory=list)
    calls_left_out: int = 0
    conditions: list[JsonObject] = field(default_factory=list)
    error: str | None = None
    ended_at: str | None = None
    is_open: bool = False
    unkept: int = 0


class Replay:
    """One rule. Raises DefinitionError. It listens from `warm_from` on, so that what is held or armed at `since` is so; told is what begins then."""

    def __init__(
        self,
        definition: Definition,
        *,
        scripts: Iterable[Definition] = (),
        place: Place,
        states: Mapping[EntityId, EntityState],
        warm_from: datetime,
        since: datetime,
        resolve: Resolve | None = None,
    ) -> None:
        self.occasions: list[Occasion] = []
        self.left_out = 0
        self.definition = _switched_on(definition)
        self._scripts = tuple(scripts)
        self._past = Past(states)
        self._since = since
        self._now = warm_from
        self._ids = count(1)
        self._calls_by_run: dict[str, list[JsonObject]] = {}
        self._is_begun = self._is_over = False
        # Read apart from the engine, which would only raise an issue.
        self.program = read_rule(self.definition, place)
        self._automations = Automations(self._past, self._new_id, place, resolve)

    def take(self, at: datetime, entity_id: EntityId, state: EntityState) -> None:
        """The next recorded change."""
        self.advance(at)
        change = self._past.put(entity_id, state, self._now)
        if self._is_begun and (given := self._automations.handle(change, self._now)):
            self._route(given)

    def advance(self, until: datetime) -> None:
        """Timers that fall due."""
        if until < self._now:
            return
        if not self._is_begun:
            self._begin()
        while (due := self._automations.get_timer()) is not None and due <= until:
            self._now = max(self._now, due)
            self._route(self._automations.handle_timer(self._now))
        self._now = until

    def _begin(self) -> None:
        self._is_begun = True
        self._route(self._automations.restore({}, self._now, None))
        self._route(self._automations.start(self._now))
        # Loaded into a hub that is up already: `start` triggers stay silent.
        for each in (*self._scripts, self.definition):
            self._route(self._automations.load(each, self._now))

    def end(self, until: datetime) -> None:
        self.advance(until)
        self._is_over = True
        self._route(self._automations.unload(self.definition.id, self._now))

    def _new_id(self) -> str:
        return str(UUID(int=next(self._ids)))

    # What the engine answers.

    def _route(self, given: Iterable[Output]) -> None:
        waiting = deque(given)
        for _ in range(CASCADE_MAX):
            if not waiting:
                break
            waiting.extend(self._answer(waiting.popleft()))
        self._automations.unsaved()

    def _answer(self, given: Output) -> Iterable[Output]:
        automations, now = self._automations, self._now
        match given:
            case Call():
                return self._call(given)
            case CallAnswered() | EventFired():
                return automations.handle(given, now)
            case StateSet():
                return automations.handle(self._past.write(given, now), now)
            case StateRemoved(entity_id):
                return automations.handle(self._past.remove(entity_id, now), now)
            case SaveTrace(automation_id, run_id, body) if automation_id == self.definition.id:
                self._keep(run_id, dict(body))
        return ()

    def _call(self, call: Call) -> Iterable[Output]:
        is_inside = call.domain == "script" and self._automations.is_script(call.action)
        if not is_inside and call.action != AGAIN:
            told: JsonObject = {
                "at": iso(self._now),
                "action": call.action,
                "target": list(call.target),
                "data": call.data,
            }
            self._calls_by_run.setdefault(self._automations.root_of(call.cause.id), []).append(told)
        if call.domain in {"automation", "script"}:
            return self._automations.call(call, self._now)
        return self._automations.handle(CallAnswered(call.id), self._now)

    def _keep(self, run_id: str, body: dict[str, Any]) -> None:
        calls = self._calls_by_run.pop(run_id, [])
        at = datetime.fromisoformat(body["started_at"])
        if at < self._since:
            return
        if len(self.occasions) >= OCCASIONS_MAX:
            self.left_out += 1
            return
        steps: list[dict[str, Any]] = body["steps"]
        calls += [
            {"at": step["at"], "action": "event", "target": [], "data": {"event": step["event"]}}
            for step in steps
            if step["kind"] == "event"
        ]
        calls.sort(key=lambda each: str(each["at"]))
        self.occasions.append(
            Occasion(
                run_id,
                at,
                body["status"],
                body["trigger"],
                calls[:CALLS_TOLD_MAX],
                max(0, len(calls) - CALLS_TOLD_MAX),
                [step for step in steps if str(step["path"]).startswith("conditions")],
                body.get("error"),
                None if self._is_over else body["completed_at"],
                self._is_over,
                body.get("not_kept_before", 0),
            )
        )


def read_rule(definition: Definition, place: Place) -> Program:
    """Raises DefinitionError."""
    return read_program(definition, Outlook(Past({}), place, str).templates)


def longest_hold(program: Program) -> timedelta:
    """The longest `for:` of its triggers, as far as that is known: so long before a window something may have begun that falls due in it."""
    lengths = (getattr(trigger.source, "length", None) for trigger in program.triggers)
    known = (length.known for length in lengths if isinstance(length, Duration))
    return max((each for each in known if each is not None), default=timedelta())


def _switched_on(definition: Definition) -> Definition:
    """As if it had been on all the time, whatever it is now."""
    fields: dict[str, JsonValue] = {**definition.fields, "is_enabled": True, "is_paused": False}
    metadata = fields.get("metadata")
    if isinstance(metadata, Mapping):
        fields["metadata"] = {key: value for key, value in metadata.items() if key != "initial_state"}
    return replace(definition, fields=fields)


# What a replay cannot know.


def not_replayed(program: Program) -> list[JsonObject]:
    """Triggers that stay silent in a replay, and why: also those that a run would wait for."""
    found: list[JsonObject] = []
    own = ((each.path, each.platform, _watched(each)) for each in program.triggers)
    for path, platform, entity_ids in (*own, *_waited_for(program)):
        text = UNRECORDED.get(platform)
        watched = [each for each in entity_ids if each.partition(".")[0] in UNRECORDED_DOMAINS]
        if text is None and watched:
            text = f"changes of {', '.join(watched)} are not recorded"
        if text is not None:
            found.append({"path": path, "platform": platform, "text": text})
    return found


def _waited_for(program: Program) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Path, kind, and the entities that are watched, where these are known before there is a run."""
    for block in program.blocks.values():
        for step in block.steps:
            if isinstance(step.act, WaitForTriggerAct):
                yield from ((each.path, each.platform, _watched(each)) for each in step.act.triggers)
                yield from ((each.where, _platform_of(each.item), ()) for each in step.act.late)


def _platform_of(config: JsonValue) -> str:
    named = config.get("trigger", config.get("platform")) if isinstance(config, Mapping) else None
    return str(named)


def _watched(trigger: Trigger) -> Sequence[str]:
    found: object = getattr(trigger.source, "entity_ids", ())
    return found if isinstance(found, tuple) else ()
