"""Why a trigger did not fire: what it waits for, and how each entity that it watches stands to that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from hub_agent.core.automation.as_of import AsOf
from hub_agent.core.automation.limits import NotANumber, Range
from hub_agent.core.automation.triggers.event import EventSource
from hub_agent.core.automation.triggers.homeassistant import EngineSource
from hub_agent.core.automation.triggers.mqtt import MqttSource
from hub_agent.core.automation.triggers.numeric_state import NumericSource
from hub_agent.core.automation.triggers.state import Filter, StateSource
from hub_agent.core.automation.triggers.sun import SunSource
from hub_agent.core.automation.triggers.template import TemplateSource
from hub_agent.core.automation.triggers.time import DailyTimes, TimeSource
from hub_agent.core.automation.triggers.trigger import Recurring, Site, Trigger
from hub_agent.core.automation.triggers.webhook import WebhookSource
from hub_agent.core.automation.triggers.zone import ZoneSource
from hub_agent.core.automation.values import Duration, Variables, is_truth
from hub_agent.core.automation.views import describe, iso
from hub_agent.core.automation.zones import is_in, zone_area
from hub_agent.core.time_of_day import DAY, WEEKDAYS
from hub_agent.errors import TemplateError
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, EntityState

# Around the instant that is asked about, so much counts as "then": people look at clocks, not at logs.
AROUND = timedelta(minutes=5)
SOURCE_CHARS_MAX = 160
TIMES_A_DAY_MAX = 24


@dataclass(frozen=True, slots=True)
class Finding:
    """`due` is when it will fire (or fired) if nothing changes."""

    code: str
    text: str
    entity_id: str | None = None
    seen: EntityState | None = None
    due: datetime | None = None

    def as_json(self) -> JsonObject:
        body: dict[str, JsonValue] = {"code": self.code, "text": self.text}
        if self.entity_id is not None:
            body |= {
                "entity_id": self.entity_id,
                "state": None if self.seen is None else self.seen.state,
                "changed_at": None if self.seen is None else iso(self.seen.changed_at),
            }
        return body if self.due is None else {**body, "due_at": iso(self.due)}


def find(
    trigger: Trigger, site: Site | None, as_of: AsOf, variables: Variables, on_since: datetime | None
) -> list[Finding]:
    """`on_since`: since when the automation has been listening, where that is known."""
    if not trigger.is_enabled:
        return [Finding("trigger_disabled", "this trigger is disabled in the rule")]
    source = trigger.source
    match source:
        case StateSource() | NumericSource() | ZoneSource():
            holds = {} if site is None or as_of.is_past else site.attachment.holds
            due_by_entity = {key: hold.timer.at for key, hold in holds.items()}
            return [_of_entity(source, each, as_of, due_by_entity.get(each), on_since) for each in source.entity_ids]
        case TemplateSource():
            return [_of_template(source, site, as_of, variables)]
        case Recurring():
            return [*_missing_times(source, as_of), _of_clock(source, as_of, on_since)]
        case _:
            return [Finding("not_heard", "nothing is kept of what it hears but does not accept")]


def words(trigger: Trigger) -> str:
    """What it waits for."""
    source = trigger.source
    match source:
        case StateSource():
            return _names(source.entity_ids) + _attribute(source.attribute) + _change(source) + _length(source.length)
        case NumericSource():
            return (
                f"{_names(source.entity_ids)}{_attribute(source.range.attribute)} crosses to {range_words(source.range)}"
                f"{_length(source.length)}"
            )
        case ZoneSource():
            return f"{_names(source.entity_ids)} {source.event}s {source.zone}"
        case TemplateSource():
            return f"{short(source.template.source)} becomes true{_length(source.length)}"
        case TimeSource():
            entities = tuple(each.entity_id for each in source.entities)
            return f"it is {_times(source.daily.times, entities)}{_weekdays(source.daily.weekdays)}"
        case DailyTimes():
            return f"it is {_times(source.times, ())}{_weekdays(source.weekdays)}"
        case SunSource():
            return f"it is {source.event}" + (f" {_signed(source.offset)}" if source.offset else "")
        case EventSource():
            return f"the event {' or '.join(source.event_types)} is fired"
        case MqttSource():
            return f"a message comes on {source.topic}" + (
                "" if source.payload is None else f" saying {source.payload!r}"
            )
        case WebhookSource():
            return f"the webhook {source.webhook_id} is called"
        case EngineSource():
            return "the hub has started" if source.event == "start" else "the hub is about to stop"
        case _:
            is_pattern = trigger.platform == "time_pattern"
            return "the clock matches its pattern" if is_pattern else f"its {trigger.platform} comes"


# Entities.


def _of_entity(
    source: StateSource | NumericSource | ZoneSource,
    entity_id: str,
    as_of: AsOf,
    due: datetime | None,
    on_since: datetime | None,
) -> Finding:
    seen = as_of.state(entity_id)
    if seen is None:
        words = "was not in this home then" if as_of.past is not None else "does not exist in this home"
        return Finding("entity_missing", f"{entity_id} {words}", entity_id)
    since = as_of.clock(seen.changed_at)
    last = seen.updated_at if _reads_attributes(source) else seen.changed_at
    if last > as_of.at:
        text = f"{entity_id} has changed since then (at {as_of.clock(last)}); what it was is not known"
        return Finding("not_known", text, entity_id, seen)
    if due is not None:
        left = timedelta(seconds=max(0, round((due - as_of.now).total_seconds())))
        text = f"{entity_id} is {seen.state!r}, and must stay so for another {left} (until {as_of.clock(due)})"
        return Finding("for_pending", text, entity_id, seen, due)
    if seen.state in {UNAVAILABLE, UNKNOWN} and not _wants(source, seen.state):
        return Finding("entity_unavailable", f"{entity_id} is {seen.state} since {since}", entity_id, seen)
    match source:
        case StateSource():
            code, text = _state(source, seen, since)
        case NumericSource():
            code, text = _number(source.range, entity_id, seen, since, as_of)
        case ZoneSource():
            code, text = _position(source, entity_id, seen, as_of)
    if code.startswith("already") and on_since is not None and seen.changed_at < on_since <= as_of.at:
        code = "before_on"
        text += f"; the rule has been listening only since {as_of.clock(on_since)}"
    return Finding(code, f"{entity_id} {text}", entity_id, seen)


def _state(source: StateSource, seen: EntityState, since: str) -> tuple[str, str]:
    value = source.value_of(seen)
    is_now = (
        f"is {_text(value)} since {since}" if source.attribute is None else f"has {source.attribute} {_text(value)}"
    )
    if source.attribute is not None and source.attribute not in seen.attributes:
        return "no_attribute", f"has no attribute {source.attribute} now"
    counts = _change(source).removeprefix(" ")
    if source.new.values is not None and not source.new.accepts(value):
        if not source.old.accepts(value):
            return "from_differs", f"{is_now}, and it counts only when it {counts}"
        return "state_differs", f"{is_now}, {_instead(source.new)}"
    if source.new.values is None or source.new.is_inverted:
        if not source.old.accepts(value):
            return "from_differs", f"{is_now}, and it counts only when it {counts}"
        return "no_change", f"{is_now}, and has not changed after that"
    return "already_so", f"{is_now} already, and counts only at the moment when it {counts}"


def _number(limits: Range, entity_id: str, seen: EntityState, since: str, as_of: AsOf) -> tuple[str, str]:
    with as_of.looking() as world:
        try:
            value = limits.value(entity_id, seen)
            is_inside = limits.holds(entity_id, seen, as_of.exchange.outlook)
        except NotANumber as err:
            return "not_a_number", f"cannot be compared: {err}"
    if world.changed:
        return "not_known", f"was compared with {_names(sorted(world.changed))}, which changed since then"
    is_now = f"is {_plain(value)} since {since}"
    wanted = range_words(limits, as_of)
    if is_inside:
        return "already_inside", f"{is_now}: already {wanted}, and it counts only when it crosses into that"
    return "outside", f"{is_now}, not {wanted}"


def _position(source: ZoneSource, entity_id: str, seen: EntityState, as_of: AsOf) -> tuple[str, str]:
    area = zone_area(source.zone, as_of.exchange.outlook)
    if area is None:
        return "entity_missing", f"is watched for {source.zone}, which does not exist in this home"
    if not source.is_somewhere(entity_id, seen):
        return "no_position", "tells no position"
    is_inside = is_in(entity_id, seen, source.zone, area)
    if is_inside is (source.event == "enter"):
        return "already_so", f"is {'in' if is_inside else 'outside'} {source.zone} already"
    return "state_differs", f"is {'in' if is_inside else 'outside'} {source.zone}"


def _wants(source: StateSource | NumericSource | ZoneSource, state: str) -> bool:
    """`unavailable` and `unknown` hide what is asked for, unless they are what is asked for, or where it shall come from."""
    if not isinstance(source, StateSource):
        return False
    return any(state in (each.values or ()) and not each.is_inverted for each in (source.old, source.new))


def _reads_attributes(source: StateSource | NumericSource | ZoneSource) -> bool:
    match source:
        case StateSource():
            return source.attribute is not None
        case NumericSource():
            return source.range.attribute is not None or source.range.template is not None
        case ZoneSource():
            return True


# Templates and clocks.


def _of_template(source: TemplateSource, site: Site | None, as_of: AsOf, variables: Variables) -> Finding:
    hold = None if site is None or as_of.is_past else site.attachment.holds.get("template")
    if hold is not None:
        left = timedelta(seconds=max(0, round((hold.timer.at - as_of.now).total_seconds())))
        text = f"the template is true, and must stay so for another {left} (until {as_of.clock(hold.timer.at)})"
        return Finding("for_pending", text, due=hold.timer.at)
    with as_of.looking() as world:
        try:
            rendered = source.template.render(**variables)
        except TemplateError as err:
            return Finding("template_error", f"the template fails: {err}")
        looked_at = as_of.exchange.outlook.looked.entity_ids
    unsure = sorted(world.changed | world.attributes_changed)
    if unsure:
        return Finding("not_known", f"{_names(unsure)} changed since then; what the template gave is not known")
    missing = sorted(each for each in looked_at if as_of.state(each) is None)
    told = f" (it looks at {_names(missing)}, which this home does not have)" if missing else ""
    if is_truth(rendered):
        return Finding(
            "already_true", f"the template is true already, and counts only when it becomes so after being false{told}"
        )
    code = "entity_missing" if missing else "template_false"
    return Finding(code, f"the template gives {short(rendered)!r}, which is not true{told}")


def _of_clock(source: Recurring, as_of: AsOf, on_since: datetime | None) -> Finding:
    due = source.next_after(as_of.at - AROUND if as_of.is_past else as_of.at, as_of.exchange)
    if as_of.is_past and due is not None and due <= as_of.at + AROUND:
        return Finding("was_due", f"it was due at {as_of.clock(due)}", due=due)
    text = "no such time is to come" if due is None else f"it is next due at {as_of.clock(due)}"
    last = _last_due(source, as_of)
    if last is not None:
        text += f"; it was last due at {as_of.clock(last)}"
        if on_since is not None and last < on_since:
            text += f", and the rule has been listening only since {as_of.clock(on_since)}"
    return Finding("never_due" if due is None else "not_due", text, due=due)


def _last_due(source: Recurring, as_of: AsOf) -> datetime | None:
    """Within the last day, unless it comes so often that the last time does not matter."""
    last, at = None, source.next_after(as_of.at - DAY, as_of.exchange)
    for _ in range(TIMES_A_DAY_MAX):
        if at is None or at > as_of.at:
            return last
        last, at = at, source.next_after(at, as_of.exchange)
    return None


def _missing_times(source: object, as_of: AsOf) -> Iterator[Finding]:
    for each in source.entities if isinstance(source, TimeSource) else ():
        seen = as_of.state(each.entity_id)
        if seen is None:
            yield Finding("entity_missing", f"{each.entity_id} does not exist in this home", each.entity_id)
        elif seen.state in {UNAVAILABLE, UNKNOWN}:
            text = f"{each.entity_id} is {seen.state} since {as_of.clock(seen.changed_at)}"
            yield Finding("entity_unavailable", text, each.entity_id, seen)


# Words.


def range_words(limits: Range, as_of: AsOf | None = None) -> str:
    parts = [
        f"{name} {_limit(limit, as_of)}"
        for name, limit in (("above", limits.above), ("below", limits.below))
        if limit is not None
    ]
    return " and ".join(parts)


def _limit(limit: float | str, as_of: AsOf | None) -> str:
    if not isinstance(limit, str):
        return f"{limit:g}"
    seen = None if as_of is None else as_of.state(limit)
    return limit if seen is None else f"{limit} ({seen.state})"


def _change(source: StateSource) -> str:
    if source.old.values is None and source.new.values is None:
        return " changes"
    parts = [" changes"]
    for word, each in (("from", source.old), ("to", source.new)):
        if each.values is not None:
            parts.append(f"{word} {'anything but ' if each.is_inverted else ''}{_any_of(each.values)}")
    return " ".join(parts)


def _instead(wanted: Filter) -> str:
    listed = _any_of(wanted.values or ())
    return f"which is left out ({listed})" if wanted.is_inverted else f"not {listed}"


def _any_of(values: Sequence[JsonValue]) -> str:
    return " or ".join(_text(each) for each in values)


def _text(value: JsonValue) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _plain(value: JsonValue) -> str:
    return str(describe(value))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)


def _attribute(name: str | None) -> str:
    return "" if name is None else f" ({name})"


def _length(length: Duration | None) -> str:
    if length is None:
        return ""
    return f" and stays so for {length.known}" if length.known is not None else " and stays so for some time"


def _times(times: Sequence[time], entities: Sequence[str]) -> str:
    return " or ".join([*(at.isoformat("minutes" if not at.second else "seconds") for at in times), *entities])


def _weekdays(weekdays: frozenset[str]) -> str:
    if len(weekdays) == len(WEEKDAYS):
        return ""
    return " on " + ", ".join(day for day in WEEKDAYS if day in weekdays)


def _signed(offset: timedelta) -> str:
    return f"+{offset}" if offset > timedelta() else f"-{-offset}"


def short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SOURCE_CHARS_MAX else f"{line[: SOURCE_CHARS_MAX - 3]}..."
