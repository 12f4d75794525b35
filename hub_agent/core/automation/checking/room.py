"""Looks at rules: soon after they change, when what they name comes, goes or stays away, and once a day.

A few rules at a time, so that a home of a thousand rules is not held up. A record is made when something else was found than
the last time, and once a day; what concerns people becomes an issue until it is over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Protocol

from hub_agent.core.automation.chains import Chains
from hub_agent.core.automation.checking.fights import Fights
from hub_agent.core.automation.checking.finding import Aspect, Finding, Fix, Severity
from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.checking.look import Given, look_at
from hub_agent.core.automation.checking.naming import Name, names_in, scenes_made_by
from hub_agent.core.automation.checking.past import FAILS_MIN, Past
from hub_agent.core.automation.checking.references import AWAY_FOR
from hub_agent.core.automation.checking.renaming import Was, fix_for, was_of
from hub_agent.core.automation.checking.repair import replaced
from hub_agent.core.automation.checking.together import Together, look_at_all
from hub_agent.core.automation.checking.verdict import Health, Verdict, row_of
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.views import iso
from hub_agent.model.effects import AppendRecord, Durability, Effect, IssueCleared, IssueRaised, Save, SaveTrace
from hub_agent.model.ids import EntityId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNAVAILABLE, StateChanged

ROOM = "checks"
STREAM = "automation_health_checks"
ISSUE = "automation_unhealthy"
LOOP_ISSUE = "automation_loop"

# Devices need a moment to be found again after a start.
GRACE = timedelta(minutes=3)
# Who edits a rule may edit it again; what happens in the home comes in bursts.
AFTER_EDIT = timedelta(seconds=5)
AFTER_CHANGE = timedelta(seconds=60)
DAILY = timedelta(days=1)
# So many rules at a time, and then a pause.
BATCH = 5
PAUSE = timedelta(milliseconds=250)
# Of a rule that names many things that are not there, for so many another name is searched.
SEARCHES_MAX = 3
LOOP_TOLD_FOR = timedelta(days=1)
NAMED_MAX = 3


class RulesHere(Protocol):
    def __iter__(self) -> Iterator[Rule]: ...

    def find(self, automation_id: str, /) -> Rule | None: ...


@dataclass(slots=True)
class Watched:
    """What the room knows of a rule. `kept` is what the last record said, `recorded_at` when that was."""

    names: tuple[Name, ...] = ()
    fingerprint: str | None = None
    past: Past = field(default_factory=Past)
    was: dict[str, Was] = field(default_factory=dict)
    verdict: Verdict | None = None
    kept: JsonObject | None = None
    recorded_at: datetime | None = None
    told: str | None = None
    repaired: Mapping[str, str] | None = None


class Checks:
    def __init__(self, home: Home, rules: RulesHere, chains: Chains, new_id: NewId) -> None:
        self._home = home
        self._rules = rules
        self._chains = chains
        self._new_id = new_id
        self._fights = Fights()
        self._watched: dict[str, Watched] = {}
        self._named_by: dict[str, set[str]] = {}
        self._lacking: set[str] = set()
        self._due_by_id: dict[str, datetime] = {}
        self._order: list[tuple[datetime, str]] = []
        self._not_before: datetime | None = None
        self._together = Together()
        self._is_together_old = True
        self._is_live = False
        self._newcomers_noted_at: datetime | None = None
        self._made: frozenset[str] = frozenset()

    # What happens.

    def restore(self, saved: Mapping[str, JsonObject]) -> list[Effect]:
        for automation_id, body in saved.items():
            self._watched[automation_id] = _watched_of(body)
        return []

    def start(self, now: datetime) -> None:
        self._is_live = True
        for rule in self._rules:
            self._want(rule.definition.id, now + GRACE)

    def changed(self, automation_id: str, now: datetime) -> None:
        """A definition is new, or another one."""
        self._is_together_old = True
        if self._is_live:
            self._want(automation_id, now + AFTER_EDIT)

    def forget(self, automation_id: str) -> list[Effect]:
        """The rule is gone."""
        self._is_together_old = True
        self._due_by_id.pop(automation_id, None)
        self._lacking.discard(automation_id)
        self._fights.forget(automation_id)
        self._chains.forget(automation_id)
        watched = self._watched.pop(automation_id, None)
        if watched is None:
            return []
        self._note_names(automation_id, watched, ())
        cleared: list[Effect] = [IssueCleared(ISSUE, automation_id)] if watched.told else []
        return [*cleared, Save(ROOM, automation_id, None, Durability.LAZY)]

    def note_change(self, change: StateChanged, now: datetime) -> None:
        """On the path of every change: most concern nobody here."""
        cause, old, new = change.cause, change.old, change.new
        if cause is not None and cause.kind == "automation":
            self._note_order(change, cause.id, now)
        if old is not None and new is not None:
            if old.state == new.state or UNAVAILABLE not in {old.state, new.state}:
                return
        elif new is not None:
            self._note_newcomer(now)
        is_away = new is not None and new.state == UNAVAILABLE
        for automation_id in sorted(self._named_by.get(change.entity_id, ())):
            self._want(automation_id, now + (AWAY_FOR if is_away else AFTER_CHANGE))

    def note_trace(self, trace: SaveTrace) -> None:
        if self._rules.find(trace.automation_id) is None:
            return
        now = datetime.fromisoformat(str(trace.body["completed_at"]))
        past = (self._watched.get(trace.automation_id) or self._watched.setdefault(trace.automation_id, Watched())).past
        has_failed = past.failures >= FAILS_MIN
        past.note(trace.body, now)
        if has_failed is not (past.failures >= FAILS_MIN):
            self._want(trace.automation_id, now + AFTER_CHANGE)

    def note_issue(self, issue: Issue) -> None:
        if issue.code == LOOP_ISSUE:
            self._want(issue.subject, issue.since + AFTER_EDIT)

    def handle_clock_step(self, by: timedelta) -> None:
        self._due_by_id = {each: due + by for each, due in self._due_by_id.items()}
        self._order = [(due, each) for each, due in self._due_by_id.items()]
        heapify(self._order)
        self._not_before = None if self._not_before is None else self._not_before + by

    def get_timer(self) -> datetime | None:
        order = self._order
        while order and self._due_by_id.get(order[0][1]) != order[0][0]:
            heappop(order)
        if not order:
            return None
        return order[0][0] if self._not_before is None else max(order[0][0], self._not_before)

    def handle_timer(self, now: datetime) -> list[Effect]:
        effects: list[Effect] = []
        self._not_before = None
        for _ in range(BATCH):
            due = self.get_timer()
            if due is None or due > now:
                break
            _, automation_id = heappop(self._order)
            del self._due_by_id[automation_id]
            effects += self._check(automation_id, now)
        self._not_before = now + PAUSE
        return effects

    # For people.

    def report(self, automation_id: str, now: datetime) -> JsonObject | None:
        """How the rule is now; None if there is no such rule. Changes nothing."""
        rule = self._rules.find(automation_id)
        return None if rule is None else self._look(rule, self._watch(rule), now).as_json()

    def unhealthy(self, now: datetime) -> list[JsonObject]:
        """Of all rules, those that cannot do all that they are for, the worst first; as they were last looked at."""
        found: list[Verdict] = []
        for rule in self._rules:
            watched = self._watch(rule)
            verdict = watched.verdict or self._look(rule, watched, now)
            if verdict.health is not Health.HEALTHY:
                found.append(verdict)
        return [each.as_json() for each in sorted(found, key=lambda each: (each.score, each.name.casefold()))]

    def naming(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """The rules that name one of these entities or devices, each with its name and its health as it was last looked at."""
        found = {rule_id for name in names for rule_id in self._named_by.get(name, ())}
        return [
            (rule.name, self.health_of(rule_id) or "healthy")
            for rule_id in sorted(found)
            if (rule := self._rules.find(rule_id)) is not None
        ]

    def health_of(self, automation_id: str) -> str | None:
        """As it was last looked at."""
        watched = self._watched.get(automation_id)
        return None if watched is None or watched.verdict is None else watched.verdict.health.value

    def with_health(self, present: JsonObject) -> JsonObject:
        """What the cloud is told of each automation, with how it was last looked at."""
        found: dict[str, dict[str, JsonValue]] = {
            each: dict(told) for each, told in present.items() if isinstance(told, Mapping)
        }
        for automation_id, watched in self._watched.items():
            if watched.verdict is not None:
                body = found.setdefault(automation_id, {})
                body["health_status"] = watched.verdict.health.value
                body["last_health_check_at"] = iso(watched.verdict.at)
        return found

    def look_at_draft(self, rule: Rule, now: datetime) -> Verdict:
        """At a rule that is not the home's yet: what it names and the home does not have, what can never be."""
        given = Given(tuple(names_in(rule.definition.fields)), Past(), self._made, self._fixer({}))
        return look_at(rule, self._home, given, now)

    def repair_of(self, automation_id: str, now: datetime) -> tuple[JsonObject, dict[str, str]]:
        """As `repair`, but nothing is done about it."""
        rule = self._rules.find(automation_id)
        new_by_old = {} if rule is None else self._look(rule, self._watch(rule), now).repairs
        return (replaced(rule.definition.fields, new_by_old), new_by_old) if rule and new_by_old else ({}, {})

    def repair(self, automation_id: str, now: datetime) -> tuple[JsonObject, Mapping[str, str]]:
        """The columns that change, and what is put in place of what; nothing where nothing can be done."""
        rule = self._rules.find(automation_id)
        if rule is None:
            return {}, {}
        watched = self._watch(rule)
        new_by_old = self._look(rule, watched, now).repairs
        if not new_by_old:
            return {}, {}
        watched.repaired = new_by_old
        self._want(automation_id, now)
        return replaced(rule.definition.fields, new_by_old), new_by_old

    # How.

    def _want(self, automation_id: str, at: datetime) -> None:
        """The earlier of two wishes counts."""
        known = self._due_by_id.get(automation_id)
        if known is None or at < known:
            self._due_by_id[automation_id] = at
            heappush(self._order, (at, automation_id))

    def _note_newcomer(self, now: datetime) -> None:
        """It may be what others lack, under another name. Newcomers come in crowds: one look after all of them."""
        if not self._lacking or (
            self._newcomers_noted_at is not None and now < self._newcomers_noted_at + AFTER_CHANGE / 2
        ):
            return
        self._newcomers_noted_at = now
        for automation_id in sorted(self._lacking):
            self._want(automation_id, now + AFTER_CHANGE)

    def _note_order(self, change: StateChanged, run_id: str, now: datetime) -> None:
        automation_id = self._chains.automation_of(run_id)
        if automation_id is None:
            return
        for each in self._fights.note(change, automation_id, self._chains.leads_to(run_id), now):
            self._want(each, now + AFTER_EDIT)

    def _check(self, automation_id: str, now: datetime) -> list[Effect]:
        rule = self._rules.find(automation_id)
        if rule is None:
            return []
        watched = self._watch(rule)
        verdict = self._look(rule, watched, now)
        watched.verdict = verdict
        effects = self._tell(rule, watched, verdict, now)
        is_new = watched.kept != verdict.signature() or watched.repaired is not None
        if is_new or watched.recorded_at is None or now - watched.recorded_at >= DAILY:
            effects.append(
                AppendRecord(STREAM, row_of(verdict, self._new_id(), repaired=_has_helped(watched, verdict)))
            )
            watched.kept, watched.recorded_at, watched.repaired = verdict.signature(), now, None
            effects.append(Save(ROOM, automation_id, _as_json(watched), Durability.LAZY))
        self._want(automation_id, min(self._still_away(watched, now), watched.recorded_at + DAILY))
        return effects

    def _still_away(self, watched: Watched, now: datetime) -> datetime:
        """When the first of what cannot be reached now will have been away for so long that it is told."""
        found = now + DAILY
        for name in watched.names:
            seen = self._home.state(EntityId(name.id))
            if seen is not None and seen.state == UNAVAILABLE and seen.changed_at + AWAY_FOR > now:
                found = min(found, seen.changed_at + AWAY_FOR)
        return found

    def _watch(self, rule: Rule) -> Watched:
        """What is known of it; names are read again when the definition is another one."""
        automation_id = rule.definition.id
        watched = self._watched.setdefault(automation_id, Watched())
        fingerprint = str(rule.problem) if rule.program is None else rule.program.fingerprint
        if watched.fingerprint != fingerprint:
            if watched.fingerprint is not None:
                watched.past.forget_errors()
            self._note_names(automation_id, watched, tuple(names_in(rule.definition.fields)))
            watched.fingerprint, watched.verdict = fingerprint, None
        return watched

    def _note_names(self, automation_id: str, watched: Watched, names: tuple[Name, ...]) -> None:
        for name in watched.names:
            naming = self._named_by.get(name.id)
            if naming is not None:
                naming.discard(automation_id)
                if not naming:
                    del self._named_by[name.id]
        watched.names = names
        for name in names:
            self._named_by.setdefault(name.id, set()).add(automation_id)

    def _look(self, rule: Rule, watched: Watched, now: datetime) -> Verdict:
        automation_id = rule.definition.id
        self._look_at_all(now)
        for name in watched.names:
            entity = self._home.entity(EntityId(name.id)) if name.kind == "entity" else None
            if entity is not None:
                watched.was[name.id] = was_of(entity)

        more = [
            *self._together.of(automation_id),
            *self._fights.find(automation_id, self._name_of, now),
            *self._stopped_loop(automation_id, now),
        ]
        given = Given(watched.names, watched.past, self._made, self._fixer(watched.was), more)
        verdict = look_at(rule, self._home, given, now)
        is_lacking = any(each.code.endswith("_missing") for each in verdict.findings)
        (self._lacking.add if is_lacking else self._lacking.discard)(automation_id)
        return verdict

    def _fixer(self, was: Mapping[str, Was]) -> Callable[[str], Fix | None]:
        searched: set[str] = set()

        def fix(entity_id: str) -> Fix | None:
            searched.add(entity_id)
            return fix_for(entity_id, was.get(entity_id), self._home) if len(searched) <= SEARCHES_MAX else None

        return fix

    def _look_at_all(self, now: datetime) -> None:
        """Again after definitions have changed; whom something else concerns than before is looked at too."""
        if not self._is_together_old:
            return
        self._is_together_old = False
        before, self._together = self._together, look_at_all(self._rules)
        self._made = frozenset(scene for rule in self._rules for scene in scenes_made_by(rule.definition.fields))
        for automation_id in sorted(before.concerned() | self._together.concerned()):
            if before.of(automation_id) != self._together.of(automation_id):
                self._want(automation_id, now + AFTER_EDIT)

    def _stopped_loop(self, automation_id: str, now: datetime) -> Iterator[Finding]:
        loop = self._chains.loop_of(automation_id)
        if loop is None or now - loop.since >= LOOP_TOLD_FOR:
            return
        others = tuple(sorted(loop.automation_ids - {automation_id}))
        names = ", ".join(f"'{self._name_of(each)}'" for each in others) or "itself"
        text = f"It and {names} set each other off without end; that was stopped at {iso(loop.since)}."
        yield Finding("loop_stopped", Severity.ERROR, Aspect.RUNS, text, since=loop.since, automations=others)

    def _name_of(self, automation_id: str) -> str:
        rule = self._rules.find(automation_id)
        return automation_id if rule is None else rule.name

    def _tell(self, rule: Rule, watched: Watched, verdict: Verdict, now: datetime) -> list[Effect]:
        found = verdict.to_tell
        texts = [each.text for each in found]
        more = len(texts) - NAMED_MAX
        text = " ".join(texts[:NAMED_MAX]) + (f" And {more} more." if more > 0 else "")
        if text == (watched.told or ""):
            return []
        watched.told = text or None
        if not text:
            return [IssueCleared(ISSUE, verdict.automation_id)]
        details: JsonObject = {"name": rule.name, "reason": text}
        return [IssueRaised(Issue(ISSUE, verdict.automation_id, now, details))]


def _has_helped(watched: Watched, verdict: Verdict) -> bool | None:
    if watched.repaired is None:
        return None
    return not any(each.entity_id in watched.repaired for each in verdict.issues)


# What is kept over a restart.


def _as_json(watched: Watched) -> JsonObject:
    was: dict[str, JsonValue] = {
        entity_id: [each.device_id, each.key, each.device_class] for entity_id, each in watched.was.items()
    }
    return {
        "past": watched.past.as_json(),
        "was": was,
        "kept": watched.kept,
        "recorded_at": None if watched.recorded_at is None else iso(watched.recorded_at),
    }


def _watched_of(body: JsonObject) -> Watched:
    past, was, kept, at = (body.get(name) for name in ("past", "was", "kept", "recorded_at"))
    found = Watched()
    if isinstance(past, Mapping):
        found.past = Past.from_json(past)
    if isinstance(was, Mapping):
        for entity_id, each in was.items():
            if isinstance(each, list | tuple) and len(each) == 3:
                found.was[entity_id] = Was(str(each[0]), str(each[1]), None if each[2] is None else str(each[2]))
    found.kept = kept if isinstance(kept, Mapping) else None
    found.recorded_at = datetime.fromisoformat(at) if isinstance(at, str) else None
    return found
