"""How each condition of a rule comes out at some instant, with the values that it saw."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub_agent.core.automation.as_of import AsOf, WorldAsOf
from hub_agent.core.automation.conditions.condition import Condition, Scope
from hub_agent.core.automation.conditions.logic import AndTest, NotTest, OrTest
from hub_agent.core.automation.conditions.numeric_state import NumericTest
from hub_agent.core.automation.conditions.state import StateTest
from hub_agent.core.automation.conditions.sun import Bound, SunTest
from hub_agent.core.automation.conditions.template import TemplateTest
from hub_agent.core.automation.conditions.time import TimeTest
from hub_agent.core.automation.conditions.trigger import TriggerTest
from hub_agent.core.automation.conditions.zone import ZoneTest
from hub_agent.core.automation.explaining_triggers import range_words, short
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.values import ListOfValues, MappingOfValues, Templated, Value, Variables
from hub_agent.core.automation.variables import render_variables
from hub_agent.core.time_of_day import WEEKDAYS
from hub_agent.model.automation import Outcome
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import Template

# Besides true, false and error: it asks which trigger fired, or what it saw may have been otherwise then.
DEPENDS = "depends_on_trigger"
NOT_KNOWN = "not_known"

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Judged:
    """`outcome`: true | false | error, or one of the two above. `notes`: as in a trace, its own first."""

    condition: Condition
    outcome: str
    text: str
    notes: list[dict[str, JsonValue]] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        body: dict[str, JsonValue] = {
            "path": self.condition.path,
            "kind": self.condition.kind,
            "wants": wants(self.condition),
            "result": self.outcome,
            "text": self.text,
        }
        for note in self.notes[:1]:
            body |= {key: note[key] for key in ("values", "error") if key in note}
        return {**body, "parts": list(self.notes[1:])} if len(self.notes) > 1 else body


@dataclass(frozen=True, slots=True)
class Given:
    """What templates find without a trigger. `of_trigger`: names that only a trigger can fill, and what is made of them."""

    known: Mapping[str, object]
    free: tuple[tuple[str, Value], ...]
    of_trigger: frozenset[str]

    @classmethod
    def of(cls, known: Mapping[str, object], program: Program) -> "Given":
        names = {"trigger", *(name for trigger in program.triggers for name, _ in trigger.variables)}
        free: list[tuple[str, Value]] = []
        for name, value in program.variables:
            if _mentions(value, names):
                names.add(name)
            else:
                free.append((name, value))
        return cls(known, tuple(free), frozenset(names))

    def variables(self) -> Variables:
        """Rendered when a condition asks for them, so that what they look at counts as looked at by it."""
        return {**self.known, **render_variables(self.free, self.known)}


def judge_each(conditions: Sequence[Condition], as_of: AsOf, given: Given) -> list[Judged]:
    """All of them, where a run stops at the first that is false."""
    return [_judge(condition, as_of, given) for condition in conditions if condition.is_enabled]


def _judge(condition: Condition, as_of: AsOf, given: Given) -> Judged:
    if any(_asks_for_the_trigger(each, given) for each in _leaves(condition)):
        return Judged(condition, DEPENDS, f"asks which trigger fired: {wants(condition)}")
    notes: list[dict[str, JsonValue]] = []
    with as_of.looking() as world:
        outcome = condition.judge(Scope(as_of.exchange.outlook, as_of.at, given.variables, notes))
    unsure = _unsure(condition, world)
    if unsure:
        text = f"wanted {wants(condition)}; {', '.join(unsure)} changed since then, so what it saw is not known"
        return Judged(condition, NOT_KNOWN, text)
    saw = values_words(notes, as_of)
    if outcome is Outcome.ERROR:
        why = next((str(note["error"]) for note in reversed(notes) if "error" in note), "it cannot be judged")
        return Judged(condition, outcome.value, f"cannot be judged: {why}", notes)
    return Judged(condition, outcome.value, f"wants {wants(condition)}{f'; it sees {saw}' if saw else ''}", notes)


def _unsure(condition: Condition, world: WorldAsOf) -> list[str]:
    unsure = set(world.changed)
    if any(_reads_attributes(each) for each in _leaves(condition)):
        unsure |= world.attributes_changed
    return sorted(unsure)


def values_words(notes: Sequence[Mapping[str, Any]], as_of: AsOf) -> str:
    """What they saw, each thing once."""
    seen: dict[str, JsonValue] = {}
    for note in notes:
        seen |= note.get("values") or {}
    return ", ".join(f"{name} = {as_of.plain(value)}" for name, value in seen.items())


def _leaves(condition: Condition) -> Iterator[Condition]:
    test = condition.test
    if isinstance(test, AndTest | OrTest | NotTest):
        for each in test.conditions:
            yield from _leaves(each)
    else:
        yield condition


def _asks_for_the_trigger(condition: Condition, given: Given) -> bool:
    test = condition.test
    if isinstance(test, TemplateTest):
        return _names_in(test.template, given.of_trigger)
    return isinstance(test, TriggerTest)


def _mentions(value: Value, names: Collection[str]) -> bool:
    match value:
        case Templated():
            return _names_in(value.template, names)
        case ListOfValues():
            return any(_mentions(part, names) for part in value.parts)
        case MappingOfValues():
            return any(_mentions(part, names) for _, part in value.parts)
        case _:
            return False


def _names_in(template: Template, names: Collection[str]) -> bool:
    return any(word in names for word in _WORD.findall(template.source))


def _reads_attributes(condition: Condition) -> bool:
    match condition.test:
        case StateTest(attribute=attribute):
            return attribute is not None
        case NumericTest(range=limits):
            return limits.attribute is not None or limits.template is not None
        case SunTest():
            return False
        case _:
            return True


# Words.


def wants(condition: Condition) -> str:
    test = condition.test
    match test:
        case StateTest():
            name = f" ({test.attribute})" if test.attribute is not None else ""
            length = "" if test.length is None else f" for {test.length.known or 'some time'}"
            entities = (" or " if test.is_any_enough else ", ").join(test.entity_ids)
            return f"{entities}{name} to be {' or '.join(repr(each) for each in test.wanted)}{length}"
        case NumericTest():
            return f"{', '.join(test.entity_ids)} to be {range_words(test.range)}"
        case TimeTest():
            return _time(test)
        case SunTest():
            parts = (("after", test.after), ("before", test.before))
            return " and ".join(f"{word} {_bound(each)}" for word, each in parts if each is not None)
        case TemplateTest():
            return f"{short(test.template.source)} to give 'true'"
        case TriggerTest():
            return f"the trigger {' or '.join(sorted(test.ids))}"
        case ZoneTest():
            return f"{', '.join(test.entity_ids)} to be in {' or '.join(test.zones)}"
        case AndTest():
            return _joined(" and ", test.conditions)
        case OrTest():
            return _joined(" or ", test.conditions)
        case NotTest():
            return f"none of: {_joined(' or ', test.conditions)}"
        case _:
            return f"its {condition.kind}"


def _joined(word: str, conditions: Sequence[Condition]) -> str:
    return "(" + word.join(wants(each) for each in conditions if each.is_enabled) + ")"


def _time(test: TimeTest) -> str:
    parts = [
        f"{word} {str(each)[:8]}" if not isinstance(each, str) else f"{word} {each}"
        for word, each in (("after", test.after), ("before", test.before))
        if each is not None
    ]
    if test.weekdays is not None:
        parts.append("on " + ", ".join(day for day in WEEKDAYS if day in test.weekdays))
    return " and ".join(parts)


def _bound(bound: Bound) -> str:
    return (
        bound.event
        if not bound.offset
        else f"{bound.event} {'+' if bound.offset.days >= 0 else '-'}{abs(bound.offset)}"
    )
