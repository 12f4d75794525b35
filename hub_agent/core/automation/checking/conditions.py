"""Conditions that can never hold: those a rule begins with, and those before a part of its steps."""

import re
from collections.abc import Iterator, Sequence

from hub_agent.core.automation.actions.flow import ChooseAct, ConditionAct, IfAct
from hub_agent.core.automation.actions.repeat import RepeatAct
from hub_agent.core.automation.checking.demands import clash_of, flatten, start_of
from hub_agent.core.automation.checking.finding import Aspect, Finding, Severity
from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.checking.possible import possible_range, possible_states
from hub_agent.core.automation.conditions.condition import Condition
from hub_agent.core.automation.conditions.logic import AndTest, OrTest
from hub_agent.core.automation.conditions.numeric_state import NumericTest
from hub_agent.core.automation.conditions.state import StateTest
from hub_agent.core.automation.conditions.template import TemplateTest
from hub_agent.core.automation.conditions.time import TimeTest
from hub_agent.core.automation.conditions.trigger import TriggerTest
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.reading import is_entity_id
from hub_agent.core.automation.values import is_true_text
from hub_agent.errors import TemplateError

# Of a template without names nothing can change.
_CONSTANT = re.compile(
    r"^\{\{\s*(?:true|false|none|True|False|None|not|and|or|[\d.<>=!()\s]|'[^'{}]*'|\"[^\"{}]*\")+\s*\}\}$"
)


def find_conditions(program: Program, home: Home) -> Iterator[Finding]:
    leaves = flatten(program.conditions)
    found = _never(leaves, program, home) or _against_all_triggers(leaves, program)
    if found is not None:
        condition, why = found
        text = f"Its conditions can never hold: {why}."
        yield Finding("condition_never_true", Severity.ERROR, Aspect.CONDITIONS, text, condition.path)
    for path, conditions, what in _in_steps(program):
        found = _never(flatten(conditions), program, home)
        if found is not None:
            condition, why = found
            text = f"{what} ({path}) never happens, because its condition can never hold: {why}."
            yield Finding("steps_never_taken", Severity.WARNING, Aspect.ACTIONS, text, condition.path)


def _in_steps(program: Program) -> Iterator[tuple[str, Sequence[Condition], str]]:
    for block in program.blocks.values():
        for step in block.steps:
            if not step.is_enabled:
                continue
            match step.act:
                case ConditionAct(condition):
                    yield step.path, (condition,), "What comes after the condition"
                case IfAct(conditions):
                    yield step.path, conditions, "The `then`"
                case ChooseAct(options):
                    for index, (conditions, _) in enumerate(options):
                        yield f"{step.path}/choose/{index}", conditions, "The option"
                case RepeatAct(before=before) if before is not None:
                    yield step.path, before, "The loop"


def _never(leaves: Sequence[Condition], program: Program, home: Home) -> tuple[Condition, str] | None:
    for each in leaves:
        why = _why_false(each, program, home)
        if why is not None:
            return each, why
    return clash_of(leaves)


def _against_all_triggers(leaves: Sequence[Condition], program: Program) -> tuple[Condition, str] | None:
    """Each trigger tells something of the moment it fires; a condition that is against all of them never holds then."""
    triggers = [trigger for trigger in program.triggers if trigger.is_enabled]
    if program.is_script or not triggers or not leaves:
        return None
    clashes = [clash_of(leaves, start_of(trigger)) for trigger in triggers]
    first = clashes[0]
    if first is None or not all(clashes):
        return None
    return first[0], f"whenever it is triggered, {first[1]}"


def _why_false(condition: Condition, program: Program, home: Home) -> str | None:
    match condition.test:
        case StateTest() as test:
            return _why_state(test, home)
        case NumericTest() as test:
            return _why_number(test, home)
        case TimeTest(weekdays=weekdays) if weekdays is not None and not weekdays:
            return "it names no weekday"
        case TriggerTest(ids):
            return _why_trigger(ids, program)
        case TemplateTest() as test:
            return _why_template(test)
        case OrTest(conditions):
            return _why_or([each for each in conditions if each.is_enabled], program, home)
        case AndTest(conditions):
            found = _never(flatten(conditions), program, home)
            return None if found is None else found[1]
    return None


def _why_state(test: StateTest, home: Home) -> str | None:
    wanted = [each for each in test.wanted if isinstance(each, str)]
    if test.attribute is not None or not wanted or any(is_entity_id(each) for each in wanted):
        return None
    impossible = [each for each in test.entity_ids if _is_impossible(each, wanted, home)]
    if not impossible or (test.is_any_enough and len(impossible) < len(test.entity_ids)):
        return None
    return f"{impossible[0]} is never {' or '.join(map(repr, wanted))}"


def _is_impossible(entity_id: str, wanted: Sequence[str], home: Home) -> bool:
    possible = possible_states(entity_id, home)
    return possible is not None and not possible & set(wanted)


def _why_number(test: NumericTest, home: Home) -> str | None:
    if test.range.template is not None:
        return None
    for entity_id in test.entity_ids:
        found = possible_range(entity_id, test.range.attribute, home)
        why = None if found is None else beyond(entity_id, test.range.above, test.range.below, found)
        if why is not None:
            return why
    return None


def beyond(
    entity_id: str, above: float | str | None, below: float | str | None, between: tuple[float, float]
) -> str | None:
    low, high = between
    if isinstance(above, float) and above >= high:
        return f"{entity_id} is never above {above:g}: it lies between {low:g} and {high:g}"
    if isinstance(below, float) and below <= low:
        return f"{entity_id} is never below {below:g}: it lies between {low:g} and {high:g}"
    return None


def _why_trigger(ids: frozenset[str], program: Program) -> str | None:
    if program.is_script or ids & {trigger.id for trigger in program.triggers}:
        return None
    return f"it has no trigger with the id {' or '.join(repr(each) for each in sorted(ids))}"


def _why_template(test: TemplateTest) -> str | None:
    source = test.template.source.strip()
    if _CONSTANT.match(source) is None:
        return None
    try:
        text = test.template.render()
    except TemplateError:
        return None
    return None if is_true_text(text) else f"the template {source} always gives {text!r}"


def _why_or(conditions: Sequence[Condition], program: Program, home: Home) -> str | None:
    if not conditions:
        return "an `or` of nothing is never true"
    reasons = [_why_false(each, program, home) for each in conditions]
    return reasons[0] if all(reasons) else None
