"""One look at one rule: all that can be found of it now."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub_agent.core.automation.checking.calls import find_calls
from hub_agent.core.automation.checking.conditions import find_conditions
from hub_agent.core.automation.checking.finding import Finding, Fix, Severity
from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.checking.naming import PARTS, Name
from hub_agent.core.automation.checking.past import Past
from hub_agent.core.automation.checking.references import find_references
from hub_agent.core.automation.checking.triggers import find_triggers, find_waits
from hub_agent.core.automation.checking.verdict import Verdict, has_old_spelling, invalid
from hub_agent.core.automation.conditions.numeric_state import NumericTest
from hub_agent.core.automation.conditions.state import StateTest
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.rule import Rule
from hub_agent.core.automation.triggers.numeric_state import NumericSource
from hub_agent.core.automation.triggers.state import StateSource

# Of a definition that names hundreds of things that are not there, so many are told.
FINDINGS_MAX = 100


@dataclass(frozen=True, slots=True)
class Given:
    """What is known besides the rule and the home. `more`: what was found of several rules together."""

    names: Sequence[Name]
    past: Past
    made: frozenset[str]
    fix: Callable[[str], Fix | None]
    more: Sequence[Finding] = ()


def look_at(rule: Rule, home: Home, given: Given, now: datetime) -> Verdict:
    fields = rule.definition.fields
    found = [invalid(rule)] if rule.program is None else list(_find(rule.program, home, given, now))
    is_old = any(has_old_spelling(fields.get(part)) for part in PARTS)
    return Verdict(rule.definition.id, rule.entity_id, rule.name, now, tuple(found[:FINDINGS_MAX]), is_old)


def _find(program: Program, home: Home, given: Given, now: datetime) -> Iterator[Finding]:
    references = list(find_references(given.names, home, now, made=given.made, fix=given.fix))
    yield from _hardened(program, references)
    yield from find_triggers(program, home, now)
    yield from find_conditions(program, home)
    yield from find_waits(program, home, now)
    yield from find_calls(program)
    yield from given.more
    yield from given.past.find(program, now)


def _hardened(program: Program, references: Iterable[Finding]) -> Iterator[Finding]:
    """Something missing is worse when nothing is left that could start the rule, or when a condition cannot be judged without it."""
    found = list(references)
    missing = {each.entity_id for each in found if each.code.endswith("_missing") and each.entity_id is not None}
    dead = _triggers_without(program, missing)
    needed = _needed_by_conditions(program)
    for each in found:
        is_fatal = each.entity_id in missing and each.path is not None
        if is_fatal and each.severity is not Severity.INFO and (_is_below(each.path, dead) or each.entity_id in needed):
            yield replace(each, severity=Severity.ERROR)
        else:
            yield each


def _triggers_without(program: Program, missing: set[str]) -> list[str]:
    """The paths of its triggers, if none of them has anything left to watch."""
    enabled = [trigger for trigger in program.triggers if trigger.is_enabled]
    watched = (
        trigger.source.entity_ids if isinstance(trigger.source, StateSource | NumericSource) else ()
        for trigger in enabled
    )
    is_dead = bool(enabled) and all(entity_ids and missing >= set(entity_ids) for entity_ids in watched)
    return [trigger.path for trigger in enabled] if is_dead else []


def _needed_by_conditions(program: Program) -> set[str]:
    found: set[str] = set()
    for condition in program.conditions:
        test = condition.test
        if condition.is_enabled and isinstance(test, StateTest | NumericTest):
            found.update(test.entity_ids)
    return found


def _is_below(path: str | None, tops: Iterable[str]) -> bool:
    return path is not None and any(path.startswith(f"{top}/") for top in tops)
