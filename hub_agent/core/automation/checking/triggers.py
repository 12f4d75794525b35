"""Triggers that can never fire."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from hub_agent.core.automation.actions.wait import WaitForTriggerAct
from hub_agent.core.automation.checking.conditions import beyond
from hub_agent.core.automation.checking.finding import Aspect, Finding, Fix, Severity
from hub_agent.core.automation.checking.home import Home
from hub_agent.core.automation.checking.possible import ALWAYS, is_numeric, possible_range, possible_states
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.reading import to_number
from hub_agent.core.automation.triggers.numeric_state import NumericSource
from hub_agent.core.automation.triggers.schedule import OnceSource
from hub_agent.core.automation.triggers.state import Filter, StateSource
from hub_agent.core.automation.triggers.time import TimeSource
from hub_agent.core.automation.triggers.trigger import Source, Trigger
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN


def find_triggers(program: Program, home: Home, now: datetime) -> Iterator[Finding]:
    """An error when none of its triggers is left."""
    if program.is_script or not program.triggers:
        return
    enabled = [trigger for trigger in program.triggers if trigger.is_enabled]
    if not enabled:
        text = "All of its triggers are disabled: it runs only when something calls it."
        yield Finding("triggers_disabled", Severity.WARNING, Aspect.TRIGGERS, text, "triggers")
        return
    found = [each for trigger in enabled if (each := _look(trigger, home, now)) is not None]
    is_dead = len(found) == len(enabled)
    for each in found:
        is_over = each.code == "time_past"
        yield replace(each, severity=Severity.ERROR) if is_dead and not is_over else each


def find_waits(program: Program, home: Home, now: datetime) -> Iterator[Finding]:
    """Steps that wait for what can never happen."""
    for block in program.blocks.values():
        for step in block.steps:
            if not step.is_enabled or not isinstance(step.act, WaitForTriggerAct):
                continue
            enabled = [trigger for trigger in step.act.triggers if trigger.is_enabled]
            found = [each for trigger in enabled if (each := _look(trigger, home, now)) is not None]
            if found and len(found) == len(enabled):
                text = f"The wait ({step.path}) is in vain. {found[0].text}"
                yield replace(found[0], code="wait_in_vain", aspect=Aspect.ACTIONS, text=text)


def _look(trigger: Trigger, home: Home, now: datetime) -> Finding | None:
    if isinstance(trigger.source, OnceSource):
        if trigger.source.at > now:
            return None
        text = "Its only time has passed."
        return Finding("time_past", Severity.INFO, Aspect.TRIGGERS, text, trigger.path)
    why, fix = _why_never(trigger.source, home)
    if why is None:
        return None
    text = f"Trigger {trigger.index + 1} ({trigger.alias or trigger.platform}) can never fire: {why}."
    return Finding("trigger_never_fires", Severity.WARNING, Aspect.TRIGGERS, text, trigger.path, fix=fix)


def _why_never(source: Source, home: Home) -> tuple[str | None, Fix | None]:
    match source:
        case StateSource():
            return _why_state(source, home)
        case NumericSource():
            return _why_number(source, home), None
        case TimeSource(daily=daily) if not daily.weekdays:
            return "it names no weekday", None
    return None, None


def _why_state(source: StateSource, home: Home) -> tuple[str | None, Fix | None]:
    if _is_same_value(source.old, source.new):
        assert source.new.values is not None
        return f"it waits for a change from {source.new.values[0]!r} to the same", None
    if source.attribute is not None:
        return _why_attribute(source, home), None
    for side, word in ((source.new, "becomes"), (source.old, "was")):
        wanted = _wanted(side)
        if wanted and all(_is_impossible(each, wanted, home) for each in source.entity_ids):
            entity_id = source.entity_ids[0]
            return f"{entity_id} never {word} {_either(wanted)}", _spelling(entity_id, wanted, home)
    return None, None


def _is_same_value(old: Filter, new: Filter) -> bool:
    return (
        old.values is not None
        and len(old.values) == 1
        and old.values == new.values
        and old.is_inverted is new.is_inverted is False
    )


def _wanted(side: Filter) -> list[str]:
    if side.values is None or side.is_inverted:
        return []
    return [str(each) for each in side.values]


def _is_impossible(entity_id: str, wanted: list[str], home: Home) -> bool:
    possible = possible_states(entity_id, home)
    if possible is not None:
        return not possible & set(wanted)
    return is_numeric(entity_id, home) and all(each not in ALWAYS and to_number(each) is None for each in wanted)


def _spelling(entity_id: str, wanted: list[str], home: Home) -> Fix | None:
    """`On` for `on`: states are compared letter by letter."""
    possible = possible_states(entity_id, home) or frozenset()
    folded = {each.casefold(): each for each in possible}
    found = {each: folded[each.casefold()] for each in wanted if each.casefold() in folded}
    return Fix(f"Write {_either(list(found.values()))}.") if found else None


def _why_attribute(source: StateSource, home: Home) -> str | None:
    """Only what an entity tells always: many attributes are there only while it is on."""
    attribute = source.attribute
    if attribute is None or attribute in OFTEN_ABSENT:
        return None
    for entity_id in source.entity_ids:
        if not _lacks(entity_id, attribute, home):
            return None
    return f"{source.entity_ids[0]} has no attribute '{attribute}'"


def _lacks(entity_id: str, attribute: str, home: Home) -> bool:
    seen = home.state(EntityId(entity_id))
    entity = home.entity(EntityId(entity_id))
    if seen is None or entity is None or seen.state in {UNAVAILABLE, UNKNOWN} or entity.domain in SPARSE_DOMAINS:
        return False
    return bool(seen.attributes) and attribute not in seen.attributes and attribute not in entity.capabilities


# What these tell of themselves depends on what they do at the moment.
SPARSE_DOMAINS = frozenset(
    {"media_player", "light", "climate", "water_heater", "event", "vacuum", "fan", "humidifier", "update", "calendar"}
)
OFTEN_ABSENT = frozenset({"action", "click", "update", "last_seen", "battery_level", "error", "message"})


def _why_number(source: NumericSource, home: Home) -> str | None:
    limits = source.range
    above, below = limits.above, limits.below
    if isinstance(above, float) and isinstance(below, float) and above >= below:
        return f"no number is above {above:g} and below {below:g}"
    if limits.template is not None:
        return None
    reasons: list[str | None] = []
    for entity_id in source.entity_ids:
        found = possible_range(entity_id, limits.attribute, home)
        reasons.append(None if found is None else beyond(entity_id, above, below, found))
    return reasons[0] if all(reasons) else None


def _either(words: list[str] | tuple[JsonValue, ...]) -> str:
    return " or ".join(repr(each) for each in words)
