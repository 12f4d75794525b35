"""What several conditions ask for together, and whether that can be: of states, numbers, times, weekdays and triggers.

Only what is certain is collected. A demand that is not understood demands nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import time

from hub_agent.core.automation.conditions.condition import Condition
from hub_agent.core.automation.conditions.logic import AndTest
from hub_agent.core.automation.conditions.numeric_state import NumericTest
from hub_agent.core.automation.conditions.state import StateTest
from hub_agent.core.automation.conditions.time import TimeTest
from hub_agent.core.automation.conditions.trigger import TriggerTest
from hub_agent.core.automation.limits import Range
from hub_agent.core.automation.reading import is_entity_id
from hub_agent.core.automation.triggers.numeric_state import NumericSource
from hub_agent.core.automation.triggers.state import StateSource
from hub_agent.core.automation.triggers.trigger import Trigger

DAY_S = 86_400.0
Span = tuple[float, float]


@dataclass(slots=True)
class Demands:
    """`clash` says what cannot be together, once that is so."""

    states: dict[str, frozenset[str]] = field(default_factory=dict)
    numbers: dict[tuple[str, str | None], Span] = field(default_factory=dict)
    trigger_ids: frozenset[str] | None = None
    weekdays: frozenset[str] | None = None
    spans: tuple[Span, ...] = ((0.0, DAY_S),)
    clash: str | None = None

    def add(self, condition: Condition) -> None:
        match condition.test:
            case StateTest() as test:
                self._add_states(test)
            case NumericTest(entity_ids, limits):
                for entity_id in entity_ids:
                    self.add_range(entity_id, limits)
            case TimeTest() as test:
                self._add_time(test)
            case TriggerTest(ids):
                self.add_trigger(ids)

    def add_state(self, entity_id: str, wanted: frozenset[str]) -> None:
        known = self.states.get(entity_id)
        both = wanted if known is None else known & wanted
        if known is not None and not both:
            self._fail(f"{entity_id} cannot be {_either(known)} and {_either(wanted)} at once")
        self.states[entity_id] = both

    def add_range(self, entity_id: str, limits: Range) -> None:
        if limits.template is not None:
            return
        above = limits.above if isinstance(limits.above, float) else float("-inf")
        below = limits.below if isinstance(limits.below, float) else float("inf")
        key = (entity_id, limits.attribute)
        low, high = self.numbers.get(key, (float("-inf"), float("inf")))
        low, high = max(low, above), min(high, below)
        if low >= high:
            self._fail(f"no number is above {low:g} and below {high:g} ({entity_id})")
        self.numbers[key] = (low, high)

    def add_trigger(self, ids: frozenset[str]) -> None:
        both = ids if self.trigger_ids is None else self.trigger_ids & ids
        if not both:
            self._fail(f"the run cannot be started by {_either(ids)} and by another trigger at once")
        self.trigger_ids = both

    def _add_states(self, test: StateTest) -> None:
        is_simple = test.attribute is None and not (test.is_any_enough and len(test.entity_ids) > 1)
        wanted = [each for each in test.wanted if isinstance(each, str)]
        # A text like `input_select.mode` stands for what that helper holds.
        if not is_simple or any(is_entity_id(each) for each in wanted):
            return
        for entity_id in test.entity_ids:
            self.add_state(entity_id, frozenset(wanted))

    def _add_time(self, test: TimeTest) -> None:
        if test.weekdays is not None:
            both = test.weekdays if self.weekdays is None else self.weekdays & test.weekdays
            if not both:
                self._fail("no day is in both lists of weekdays")
            self.weekdays = both
        if isinstance(test.after, str) or isinstance(test.before, str):
            return
        self.spans = tuple(_common(self.spans, _spans_of(test.after, test.before)))
        if not self.spans:
            self._fail("no time of day lies in both of the times")

    def _fail(self, text: str) -> None:
        self.clash = self.clash or text


def flatten(conditions: Iterable[Condition]) -> list[Condition]:
    """What must all hold, with the parts of every `and`; what is disabled is left out."""
    found: list[Condition] = []
    for each in conditions:
        if each.is_enabled:
            found += flatten(each.test.conditions) if isinstance(each.test, AndTest) else [each]
    return found


def start_of(trigger: Trigger) -> Demands:
    """What is so at the moment when this trigger fires."""
    demands = Demands(trigger_ids=frozenset({trigger.id}))
    match trigger.source:
        case StateSource(entity_ids=(entity_id,), attribute=None) as source:
            values = source.new.values
            if values is not None and not source.new.is_inverted:
                demands.add_state(entity_id, frozenset(str(each) for each in values))
        case NumericSource(entity_ids=(entity_id,), range=limits):
            demands.add_range(entity_id, limits)
    return demands


def clash_of(conditions: Sequence[Condition], begin: Demands | None = None) -> tuple[Condition, str] | None:
    """The first of these that cannot hold together with those before it."""
    demands = begin or Demands()
    for each in conditions:
        demands.add(each)
        if demands.clash is not None:
            return each, demands.clash
    return None


def _spans_of(after: time | None, before: time | None) -> list[Span]:
    start = _seconds(after)
    if before is None:
        return [(start, DAY_S)]
    end = _seconds(before)
    if start < end:
        return [(start, end)]
    return [(0.0, end), (start, DAY_S)]


def _common(some: Iterable[Span], others: Sequence[Span]) -> Iterable[Span]:
    for low, high in some:
        for other_low, other_high in others:
            if max(low, other_low) < min(high, other_high):
                yield max(low, other_low), min(high, other_high)


def _seconds(at: time | None) -> float:
    return 0.0 if at is None else at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6


def _either(words: Iterable[str]) -> str:
    return " or ".join(f"'{word}'" for word in sorted(words))
