"""The automations and scripts of the home: which are on, what they listen to, how they look as entities."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from hub_agent.core.automation.exchange import Exchange
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule, Statistics
from hub_agent.core.automation.triggers.trigger import Site, Trigger
from hub_agent.core.automation.views import iso, thaw
from hub_agent.model.automation import Mode
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import AutomationId, EntityId, slugify
from hub_agent.model.inputs import StateRemoved, StateSet
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue

ROOM = "automation"

# Time triggers that were missed while the hub was down: how far the search goes.
MISSED_LOOKS_MAX = 1000

Saved: TypeAlias = Mapping[str, JsonObject]
OnFire: TypeAlias = Callable[[Rule, Trigger, dict[str, object], datetime], None]


class Rules:
    def __init__(self, exchange: Exchange, on_fire: OnFire) -> None:
        self._exchange = exchange
        self._on_fire = on_fire
        self.by_id: dict[AutomationId, Rule] = {}
        self._rule_by_entity: dict[EntityId, Rule] = {}

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(self.by_id.values()))

    def find(self, automation_id: str) -> Rule | None:
        return self.by_id.get(AutomationId(automation_id))

    def named(self, entity_id: str) -> Rule | None:
        return self._rule_by_entity.get(EntityId(entity_id))

    def add(self, definition: Definition, program: Program | None) -> Rule:
        wanted = (
            program.entity_id if program is not None else f"automation.{slugify(str(definition.fields.get('name')))}"
        )
        entity_id, number = EntityId(wanted), 2
        while entity_id in self._rule_by_entity:
            entity_id = EntityId(f"{wanted}_{number}")
            number += 1
        rule = Rule(definition, entity_id, program)
        self.by_id[AutomationId(definition.id)] = rule
        self._rule_by_entity[entity_id] = rule
        return rule

    def drop(self, rule: Rule, now: datetime) -> None:
        automation_id = AutomationId(rule.definition.id)
        self.detach(rule)
        self.tell_problem(rule, None, now)
        del self.by_id[automation_id]
        del self._rule_by_entity[rule.entity_id]
        for key in (f"switched/{automation_id}", f"statistics/{automation_id}"):
            self._exchange.emit(Save(ROOM, key, None, Durability.LAZY))
        self._exchange.emit(StateRemoved(rule.entity_id))

    def tell_problem(self, rule: Rule, problem: str | None, now: datetime) -> None:
        if problem is None and rule.problem is not None:
            self._exchange.emit(IssueCleared("automation_invalid", rule.definition.id))
        if problem is not None and problem != rule.problem:
            details: JsonObject = {"name": rule.name, "reason": problem}
            self._exchange.emit(IssueRaised(Issue("automation_invalid", rule.definition.id, now, details)))
        rule.problem = problem

    def switch_as_defined(self, rule: Rule, now: datetime, *, is_start: bool = False) -> None:
        """On or off: what a person switched holds until the definition says something new."""
        program = rule.program
        if program is None:
            rule.is_on = False
            self.show(rule)
            return
        if rule.switched is not None and rule.switched.get("defined") != program.is_enabled:
            rule.switched = None
            self._exchange.emit(Save(ROOM, f"switched/{rule.definition.id}", None))
        if self.is_to_be_on(rule, now, is_start=is_start):
            self.attach(rule, now)
        else:
            self.detach(rule)
            if program.pause_until is not None and _is_wanted(rule, program, is_start=is_start):
                rule.pause_timer = self._exchange.timers.set(
                    program.pause_until, lambda at: self._unpause(rule, at), is_elapsed=False
                )
        self.show(rule)

    def is_to_be_on(self, rule: Rule, now: datetime, *, is_start: bool) -> bool:
        program = rule.program
        return program is not None and _is_wanted(rule, program, is_start=is_start) and not _is_paused(program, now)

    def switched(self, rule: Rule) -> None:
        program = rule.program
        assert program is not None
        body: JsonObject = {"is_on": rule.is_on, "defined": program.is_enabled}
        rule.switched = None if rule.is_on is program.is_enabled else body
        self._exchange.emit(Save(ROOM, f"switched/{rule.definition.id}", rule.switched))
        self.show(rule)

    def attach(self, rule: Rule, now: datetime) -> None:
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
        # Partials, as there are thousands: they are a third of what functions in here would be.
        fire = partial(self._on_fire, rule, trigger)
        remember = partial(self._remember, rule, program, trigger)
        return trigger.attach(self._exchange, fire, remember, program.trigger_variables, now)

    def _remember(self, rule: Rule, program: Program, trigger: Trigger, key: str, body: JsonObject | None) -> None:
        kept = None if body is None else {**body, "fingerprint": program.fingerprint}
        self._exchange.emit(Save(ROOM, f"hold/{rule.definition.id}/{trigger.path}|{key}", kept))

    def detach(self, rule: Rule) -> None:
        rule.is_on = rule.is_attached = False
        for site in rule.sites:
            site.attachment.detach()
        rule.sites.clear()
        self._cancel_pause(rule)

    def _unpause(self, rule: Rule, now: datetime) -> None:
        rule.pause_timer = None
        self.attach(rule, now)
        self.show(rule)

    def _cancel_pause(self, rule: Rule) -> None:
        if rule.pause_timer is not None:
            self._exchange.timers.cancel(rule.pause_timer)
            rule.pause_timer = None

    def show(self, rule: Rule) -> None:
        """The automation as an entity."""
        program = rule.program
        attributes: dict[str, JsonValue] = {
            "id": rule.own_id,
            "friendly_name": rule.name,
            "last_triggered": None if rule.last_triggered is None else iso(rule.last_triggered),
            "mode": None if program is None else str(program.mode),
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
        if program is not None and (program.mode is Mode.QUEUED or program.mode is Mode.PARALLEL):
            attributes["max"] = program.runs_max
        self._exchange.emit(StateSet(rule.entity_id, state, attributes))

    def reschedule(self, rule: Rule, now: datetime) -> None:
        waits = (thread.wait for run in rule.runs for thread in run.threads.values())
        sites = [*rule.sites, *(site for wait in waits if wait is not None for site in wait.sites)]
        for site in sites:
            schedule = getattr(site.attached, "schedule", None)
            if schedule is not None:
                schedule(now)

    # After a restart.

    def restore(self, saved: Saved) -> None:
        for rule in self:
            rule.switched = saved.get(f"switched/{rule.definition.id}")
            body = saved.get(f"statistics/{rule.definition.id}")
            if body is not None:
                rule.statistics = Statistics.from_json(body)
                if rule.statistics.last_at is not None:
                    rule.last_triggered = datetime.fromisoformat(rule.statistics.last_at)

    def restore_holds(self, saved: Saved, now: datetime) -> None:
        sites = {
            f"{rule.definition.id}/{site.trigger.path}": (rule, site)
            for rule in self.by_id.values()
            for site in rule.sites
        }
        for saved_key, body in sorted(saved.items()):
            if not saved_key.startswith("hold/"):
                continue
            name, _, key = saved_key.removeprefix("hold/").rpartition("|")
            found = sites.get(name)
            if found is None or not self._resume_hold(*found, key, body, now):
                self._exchange.emit(Save(ROOM, saved_key, None))

    @staticmethod
    def _resume_hold(rule: Rule, site: Site, key: str, body: Mapping[str, Any], now: datetime) -> bool:
        if rule.program is None or body.get("fingerprint") != rule.program.fingerprint:
            return False
        due = datetime.fromisoformat(body["due"])
        return site.resume_hold(key, due, body["check"], thaw(body["told"]), now)

    def catch_up(self, rule: Rule, since: datetime, now: datetime) -> list[tuple[Trigger, datetime]]:
        """A time that passed while the hub was down is made up for once, unless that is too long ago. The answer: those that are not."""
        program = rule.program
        left_out: list[tuple[Trigger, datetime]] = []
        if program is None or not rule.is_attached:
            return left_out
        recent = max(since, now - program.catch_up.age_max) if program.catch_up.runs_once else now
        for site in rule.sites:
            next_after = getattr(site.trigger.source, "next_after", None)
            if next_after is None or site.trigger.platform == "time_pattern":
                continue
            missed = _last_between(next_after, recent, now, self._exchange)
            if missed is None:
                passed = _last_between(next_after, since, now, self._exchange)
                left_out += [] if passed is None else [(site.trigger, passed)]
            else:
                tell = getattr(site.attached, "told", None)
                told = {"now": missed} if tell is None else tell(missed)
                site.attachment.fire({**told, "is_caught_up": True}, now)
        return left_out


def _is_wanted(rule: Rule, program: Program, *, is_start: bool) -> bool:
    if is_start and program.initial_state is not None:
        return program.initial_state
    return rule.is_wanted


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
