"""From a rule as somebody wrote it to a scenario: what sets it off, and what it must then do. Read from the file itself, not from what the importer made of it.

Only rules that can be understood without running them: a trigger, conditions, calls and delays without templates. Of others it is
None. Scripts that they call are played by one that calls `acted_out.<its name>`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.unit.importing.reading_rules import NotPlain

HOME = {"time_zone": "Europe/Berlin", "latitude": 52.5, "longitude": 13.4}
BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 3, 10, tzinfo=BERLIN)  # a Tuesday
SUNS = {"sunrise": timedelta(hours=6, minutes=31), "sunset": timedelta(hours=18, minutes=4)}
NOT_OUTSIDE = ("automation.", "script.turn_", "script.toggle", "scene.apply", "scene.create")


@dataclass
class Story:
    """`at`: how long after the start the rule is set off; `start`: when that is."""

    initial: dict[str, dict[str, Any]] = field(default_factory=dict)
    # What the trigger makes of its entity.
    after: dict[str, str] = field(default_factory=dict)
    trigger_id: str = "0"
    steps: list[dict[str, Any]] = field(default_factory=list)
    start: datetime = MIDNIGHT + timedelta(hours=12)
    at_s: float = 1.0
    slack_s: float = 1.0
    has_clock: bool = False

    def give(self, entity_id: str, state: str) -> None:
        if entity_id in self.after:
            if self.after[entity_id] != state:
                raise NotPlain
        elif self.initial.setdefault(entity_id, {"state": state})["state"] != state:
            raise NotPlain


def acted_out(name: str, written: Mapping[str, Any], imported: Mapping[str, Any]) -> dict[str, Any] | None:
    """`written` says what must happen; `imported`, the row, is what is run."""
    try:
        if "initial_state" in written or "variables" in written or "trigger_variables" in written:
            return None
        triggers = plain_list(written, "triggers", "trigger")
        story, trigger = _first_plain(triggers)
        if any(_watches(each, trigger) for each in triggers if each is not trigger):
            return None
        for condition in plain_list(written, "conditions", "condition"):
            _hold(story, condition)
        expect, ends_s = _deeds(story, plain_list(written, "actions", "action"), story.at_s)
    except (NotPlain, ValueError, KeyError):
        return None
    story.steps.append({"at": f"+{ends_s + 30 + (story.slack_s if story.slack_s > 1 else 0)}s", "advance": True})
    called = [
        name.removeprefix("acted_out.") for each in expect if (name := str(each.get("action"))).startswith("acted_out.")
    ]
    metadata = {key: value for key, value in imported["metadata"].items() if key != "imported_from"}
    automation = {"id": "acted_out", "alias": name} | metadata
    automation |= {key: imported[key] for key in ("triggers", "conditions", "actions")}
    return {
        "name": name,
        "automation": automation,
        "scripts": {each: {"mode": "parallel", "sequence": [{"action": f"acted_out.{each}"}]} for each in called},
        "home": {**HOME, "start": story.start.isoformat()},
        "initial": {entity_id: {"attributes": {}, **body} for entity_id, body in story.initial.items()},
        "steps": story.steps,
        "expect": expect,
        "tolerance_s": story.slack_s,
        "early_s": story.slack_s if story.slack_s > 1 else 0,
    }


def _first_plain(triggers: list[Any]) -> tuple[Story, Any]:
    for trigger in triggers:
        story = Story()
        try:
            set_off(story, trigger)
        except (NotPlain, ValueError, KeyError):
            continue
        story.trigger_id = str(trigger.get("id", triggers.index(trigger)))
        return story, trigger
    raise NotPlain


def _watches(other: Any, trigger: Mapping[str, Any]) -> bool:
    """Whether another trigger might be set off by the same."""
    if not isinstance(other, Mapping) or other.get("platform", other.get("trigger")) in {
        "template",
        "time_pattern",
        "homeassistant",
    }:
        return True
    same = ("entity_id", "topic", "event_type")
    shared = [set(_listed(other[key])) & set(_listed(trigger[key])) for key in same if key in other and key in trigger]
    clocks = {"time", "sun"}
    kinds = {each.get("platform", each.get("trigger")) for each in (other, trigger)}
    return any(shared) or bool(kinds & clocks)


def plain_list(config: Mapping[str, Any], *keys: str) -> list[Any]:
    value = next((config[key] for key in keys if key in config), [])
    return value if isinstance(value, list) else [value]


def _no_template(value: Any) -> Any:
    if isinstance(value, str) and ("{" in value or value.startswith("!")):
        raise NotPlain
    if isinstance(value, Mapping):
        return {key: _no_template(item) for key, item in value.items()}
    return [_no_template(each) for each in value] if isinstance(value, list) else value


def seconds_of(value: Any) -> float:
    if isinstance(value, Mapping):
        return timedelta(**{key: float(item) for key, item in value.items()}).total_seconds()
    if isinstance(value, str) and ":" in value:
        parts = [float(each) for each in value.split(":")]
        return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    return float(value)


def _first(value: Any) -> str:
    entity_id = str(value[0] if isinstance(value, list) else value).split(",")[0].strip()
    if entity_id == "sun.sun":
        raise NotPlain
    return entity_id


# What sets it off.


def set_off(story: Story, trigger: Any) -> None:
    if not isinstance(trigger, Mapping) or trigger.get("enabled") is False:
        raise NotPlain
    trigger = _no_template({key: value for key, value in trigger.items() if key not in {"id", "alias"}})
    kind = trigger.get("platform", trigger.get("trigger"))
    at = f"+{story.at_s}s"
    match kind:
        case "state" if not {"attribute", "not_to", "not_from", "state"} & trigger.keys():
            entity_id = _first(trigger["entity_id"])
            after = one_of(trigger.get("to"), "acted_after")
            story.initial[entity_id] = {"state": one_of(trigger.get("from"), "acted_before")}
            story.after[entity_id] = after
            story.steps.append({"at": at, "set": {"entity": entity_id, "state": after}})
            story.at_s += seconds_of(trigger.get("for", 0))
        case "numeric_state" if not {"attribute", "value_template"} & trigger.keys():
            entity_id = _first(trigger["entity_id"])
            inside, outside = _around(trigger)
            story.initial[entity_id] = {"state": str(outside)}
            story.after[entity_id] = str(inside)
            story.steps.append({"at": at, "set": {"entity": entity_id, "state": str(inside)}})
            story.at_s += seconds_of(trigger.get("for", 0))
        case "time" if set(trigger) <= {"platform", "trigger", "at"}:
            hours, minutes, *seconds = (int(each) for each in str(trigger["at"]).split(":"))
            due = MIDNIGHT + timedelta(days=1, hours=hours, minutes=minutes, seconds=sum(seconds))
            story.start, story.at_s, story.has_clock = due - timedelta(minutes=1), 60.0, True
        case "sun" if set(trigger) <= {"platform", "trigger", "event", "offset"}:
            offset = str(trigger.get("offset", "0"))
            shift = -seconds_of(offset[1:]) if offset.startswith("-") else seconds_of(offset.removeprefix("+"))
            due = MIDNIGHT + SUNS[trigger["event"]] + timedelta(seconds=shift)
            story.start, story.at_s, story.slack_s, story.has_clock = due - timedelta(hours=1), 3600.0, 900.0, True
        case "event" if set(trigger) <= {"platform", "trigger", "event_type", "event_data"}:
            name = one_of(trigger["event_type"], "")
            story.steps.append({"at": at, "event": {"type": name, "data": trigger.get("event_data") or {}}})
        case "mqtt" if set(trigger) <= {"platform", "trigger", "topic", "payload"} and "+" not in trigger["topic"]:
            told = {"topic": trigger["topic"], "payload": str(trigger.get("payload", "x"))}
            story.steps.append({"at": at, "mqtt": told})
        case _:
            raise NotPlain


def one_of(value: Any, otherwise: str) -> str:
    found = value[0] if isinstance(value, list) and value else value
    if found is not None and not isinstance(found, str):
        raise NotPlain
    return otherwise if found is None else found


def _around(limits: Mapping[str, Any]) -> tuple[float, float]:
    """A number within the limits, and one without."""
    above, below = (None if limits.get(key) is None else float(limits[key]) for key in ("above", "below"))
    if above is not None and below is not None:
        return (above + below) / 2, below + 1
    if above is not None:
        return above + 1, above - 1
    if below is None:
        raise NotPlain
    return below - 1, below + 1


# What must hold.


def _hold(story: Story, condition: Any) -> None:
    if not isinstance(condition, Mapping) or condition.get("enabled") is False:
        raise NotPlain
    condition = _no_template({key: value for key, value in condition.items() if key != "alias"})
    match condition.get("condition"):
        case "trigger" if set(condition) <= {"condition", "id"}:
            if story.trigger_id not in _listed(condition["id"]):
                raise NotPlain
        case "state" if set(condition) <= {"condition", "entity_id", "state"}:
            for entity_id in _listed(condition["entity_id"]):
                if entity_id == "sun.sun":
                    raise NotPlain
                story.give(entity_id, one_of(condition["state"], ""))
        case "numeric_state" if set(condition) <= {"condition", "entity_id", "above", "below"}:
            for entity_id in _listed(condition["entity_id"]):
                story.give(entity_id, str(_around(condition)[0]))
        case "time" if not story.has_clock and set(condition) <= {"condition", "after", "before"}:
            story.start, story.has_clock = _within(condition), True
        case _:
            raise NotPlain


def _within(condition: Mapping[str, Any]) -> datetime:
    after, before = seconds_of(condition.get("after", "00:00")), seconds_of(condition.get("before", "24:00"))
    length = (before - after) % 86400 or 86400
    return MIDNIGHT + timedelta(seconds=after + length / 2)


def _listed(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [part.strip() for each in found for part in str(each).split(",")]


# What it must do.


def _deeds(story: Story, steps: list[Any], at_s: float) -> tuple[list[dict[str, Any]], float]:
    """Of choices the first is made: what it asks for is so from the start."""
    expect: list[dict[str, Any]] = []
    for step in steps:
        if not isinstance(step, Mapping) or "enabled" in step:
            raise NotPlain
        keys = set(step) - {"alias"}
        inner: list[Any] | None = None
        if keys == {"delay"}:
            at_s += seconds_of(_no_template(step["delay"]))
        elif "condition" in step:
            _hold(story, step)
        elif keys in ({"event"}, {"event", "event_data"}):
            expect.append(
                {"at": f"+{at_s}s", "event": step["event"], "event_data": _no_template(step.get("event_data") or {})}
            )
        elif keys <= {"if", "then", "else"}:
            inner = _chosen(story, step["if"], step["then"])
        elif keys <= {"choose", "default"}:
            option = plain_list(step, "choose")[0]
            inner = _chosen(story, option["conditions"], option["sequence"])
        elif keys == {"sequence"}:
            inner = plain_list(step, "sequence")
        else:
            expect += [deed for deed in [deed_of(step, at_s)] if not deed["action"].startswith("scene.")]
        if inner is not None:
            deeds, at_s = _deeds(story, inner, at_s)
            expect += deeds
    return expect, at_s


def _chosen(story: Story, conditions: Any, steps: Any) -> list[Any]:
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        _hold(story, condition)
    return list(steps) if isinstance(steps, list) else [steps]


def deed_of(step: Mapping[str, Any], at_s: float) -> dict[str, Any]:
    known = {"alias", "action", "service", "target", "data", "data_template", "entity_id", "metadata"}
    name = step.get("action", step.get("service"))
    if set(step) - known or not isinstance(name, str) or "." not in name or name.startswith(NOT_OUTSIDE):
        raise NotPlain
    data = {**(step.get("data") or {}), **(step.get("data_template") or {})}
    target = step.get("target") or {}
    _no_template([name, data, target, step.get("entity_id")])
    if name.startswith("script."):
        return {"at": f"+{at_s}s", "action": f"acted_out.{name.removeprefix('script.')}", "target": [], "data": {}}
    if {"device_id", "area_id", "floor_id", "label_id"} & {*data, *target} or name == "hue.activate_scene":
        raise NotPlain
    entity_ids = list(
        dict.fromkeys(_entities(data.pop("entity_id", None), target.get("entity_id"), step.get("entity_id")))
    )
    return {"at": f"+{at_s}s", "action": name.lower(), "target": entity_ids, "data": data}


def _entities(*named: Any) -> Iterator[str]:
    for value in named:
        if value is not None:
            yield from (each for each in _listed(value) if each)
