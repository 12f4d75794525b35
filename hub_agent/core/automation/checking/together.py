"""What rules do to each other: loops, and opposite orders at the same moment. Found by playing the rules against each other.

Only rules take part that always do the same when they are triggered: without conditions, waits and templates. Devices are
taken to do what they are told, so a loop that is found here goes round as fast as they answer.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from hub_agent.core.automation.checking.effects import TOGGLED, Sets, what_it_sets
from hub_agent.core.automation.checking.finding import Aspect, Finding, Severity
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.triggers.state import StateSource

# A change that has set off so many others goes round.
LOOP_STEPS = 60
# Of those, the last are looked at for who takes part: the first may only have led into it.
LOOP_TAIL = 20
# What moves takes its time: rules that wait for each other's covers are slow, and may be meant so.
SLOW_DOMAINS = frozenset({"cover", "lock", "valve"})
CONFLICTS_MAX = 10


@dataclass(frozen=True, slots=True)
class Player:
    """A rule that does the same whenever it is triggered."""

    rule: Rule
    listens: tuple[StateSource, ...]
    sets: tuple[Sets, ...]


@dataclass(slots=True)
class Together:
    """Findings by the rules' ids."""

    loops: dict[str, Finding] = field(default_factory=dict)
    conflicts: dict[str, list[Finding]] = field(default_factory=dict)

    def concerned(self) -> set[str]:
        return {*self.loops, *self.conflicts}

    def of(self, automation_id: str) -> list[Finding]:
        loop = self.loops.get(automation_id)
        return [*([loop] if loop else []), *self.conflicts.get(automation_id, ())]


def look_at_all(rules: Iterable[Rule]) -> Together:
    found = Together()
    listed = [rule for rule in rules if rule.program is not None and rule.is_on and not rule.program.is_script]
    players = [player for rule in listed if (player := _player(rule)) is not None]
    _find_loops(players, found)
    _find_conflicts(listed, found)
    return found


# Loops.


def _player(rule: Rule) -> Player | None:
    program = rule.program
    if program is None or any(condition.is_enabled for condition in program.conditions):
        return None
    listens = tuple(
        trigger.source
        for trigger in program.triggers
        if trigger.is_enabled
        and isinstance(trigger.source, StateSource)
        and trigger.source.attribute is None
        and trigger.source.length is None
    )
    sets = tuple(each for each in what_it_sets(program) if each.entity_id.partition(".")[0] not in SLOW_DOMAINS)
    return Player(rule, listens, sets) if listens and sets else None


def _find_loops(players: Sequence[Player], found: Together) -> None:
    listening: dict[str, list[tuple[StateSource, Player]]] = {}
    for player in players:
        for source in player.listens:
            for entity_id in source.entity_ids:
                listening.setdefault(entity_id, []).append((source, player))
    for player in players:
        is_heard = any(each.entity_id in listening for each in player.sets)
        if is_heard and player.rule.definition.id not in found.loops:
            _tell_loop(_play(player, listening), found)


def _play(first: Player, listening: Mapping[str, Sequence[tuple[StateSource, Player]]]) -> list[Player]:
    """The rules that go round when this one has been triggered; empty when all comes to rest."""
    states: dict[str, str] = {}
    waiting = deque([first])
    ran: list[Player] = []
    while waiting:
        player = waiting.popleft()
        ran.append(player)
        if len(ran) >= LOOP_STEPS:
            return ran[-LOOP_TAIL:]
        for each in player.sets:
            old, new = states.get(each.entity_id), each.state
            if new == TOGGLED:
                new = "off" if old == "on" else "on"
            if old != new:
                states[each.entity_id] = new
                waiting.extend(
                    listener
                    for source, listener in listening.get(each.entity_id, ())
                    if (old is None or source.old.accepts(old)) and source.new.accepts(new)
                )
    return []


def _tell_loop(players: Sequence[Player], found: Together) -> None:
    by_id = {player.rule.definition.id: player.rule for player in players}
    if not by_id:
        return
    names = ", ".join(sorted(f"'{rule.name}'" for rule in by_id.values()))
    for automation_id in by_id:
        others = tuple(sorted(set(by_id) - {automation_id}))
        text = f"{names} trigger each other without end." if others else "It triggers itself without end."
        found.loops[automation_id] = Finding(
            "loop", Severity.WARNING, Aspect.ACTIONS, text, "actions", automations=others
        )


# Opposite orders.


def _find_conflicts(rules: Sequence[Rule], found: Together) -> None:
    by_moment: dict[bytes, list[tuple[Rule, dict[str, Sets]]]] = {}
    for rule in rules:
        assert rule.program is not None
        sets = {each.entity_id: each for each in what_it_sets(rule.program) if each.state != TOGGLED}
        if sets:
            for moment in _moments(rule):
                by_moment.setdefault(moment, []).append((rule, sets))
    for sharing in by_moment.values():
        for number, (rule, sets) in enumerate(sharing):
            for other, others_sets in sharing[number + 1 :]:
                _compare(rule, sets, other, others_sets, found)


def _moments(rule: Rule) -> Iterator[bytes]:
    """Each of its triggers together with its conditions, as text: rules that share one run at the same moments."""
    fields = rule.definition.fields
    triggers = fields.get("triggers")
    if not isinstance(triggers, Sequence) or isinstance(triggers, str):
        triggers = [triggers]
    seen: set[bytes] = set()
    for trigger in triggers:
        if isinstance(trigger, Mapping) and trigger.get("enabled") is not False:
            bare = {key: item for key, item in trigger.items() if key not in {"id", "alias", "variables"}}
            moment = orjson.dumps([bare, fields.get("conditions") or []], option=orjson.OPT_SORT_KEYS, default=dict)
            if moment not in seen:
                seen.add(moment)
                yield moment


def _compare(rule: Rule, sets: Mapping[str, Sets], other: Rule, others: Mapping[str, Sets], found: Together) -> None:
    for entity_id, own in sets.items():
        theirs = others.get(entity_id)
        if theirs is None or theirs.state == own.state or rule is other:
            continue
        for this, that, here, there in ((rule, other, own, theirs), (other, rule, theirs, own)):
            told = found.conflicts.setdefault(this.definition.id, [])
            text = f"At the same moment it sets {entity_id} to {here.state} and '{that.name}' sets it to {there.state}."
            finding = Finding(
                "conflict",
                Severity.WARNING,
                Aspect.ACTIONS,
                text,
                here.path,
                entity_id,
                automations=(that.definition.id,),
            )
            if len(told) < CONFLICTS_MAX and finding not in told:
                told.append(finding)
