"""From a rule as somebody wrote it to scenarios in worlds that differ: one way conditions hold, another they do not.

What must come out is told by a second reading of the file (`reading_rules.py`), not by the hub. None where that is not sure.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from tests.unit.importing.acted_out import HOME, Story, deed_of, one_of, plain_list, seconds_of, set_off
from tests.unit.importing.reading_rules import (
    Failed,
    NotPlain,
    World,
    filled,
    is_template,
    name_of,
    passes,
    spoken_of,
)

_REFERS_TO_OTHERS = ("sun.", "zone.", "script.", "automation.", "scene.", "person.")
_LOOSE_KEYS = {"id", "alias", "platform", "trigger"}
_ROUNDS_MAX = 4


class Stopped(Exception):
    pass


def lived_through(
    name: str, written: Mapping[str, Any], imported: Mapping[str, Any], seed: int
) -> tuple[dict[str, Any], int] | None:
    """The scenario, and how much must come of it. The same seed gives the same world."""
    try:
        return _lived(name, written, imported, Random(f"{name} {seed}"))
    except (NotPlain, ValueError, KeyError, TypeError):
        return None


def _lived(
    name: str, written: Mapping[str, Any], imported: Mapping[str, Any], rng: Random
) -> tuple[dict[str, Any], int]:
    if written.get("initial_state", True) not in (True, "on", "true") or "trigger_variables" in written:
        raise NotPlain
    triggers = [each for each in plain_list(written, "triggers", "trigger") if isinstance(each, Mapping)]
    index = rng.randrange(len(triggers))
    spoken = spoken_of({**written, "triggers": [], "trigger": []})
    trigger = _made_definite(triggers[index], spoken, rng)
    story = Story()
    set_off(story, trigger)
    story.trigger_id = str(trigger.get("id", index))
    if any(_may_fire(each, trigger, story) for number, each in enumerate(triggers) if number != index):
        raise NotPlain
    for entity_id in sorted(spoken):
        if entity_id.startswith(_REFERS_TO_OTHERS):
            raise NotPlain
        if entity_id not in story.initial:
            story.initial[entity_id] = {"state": rng.choice(sorted(spoken[entity_id]))}
    if story.slack_s > 1 and ("now()" in json.dumps(written) or '"time"' in json.dumps(written)):
        raise NotPlain
    world = _world(story, trigger)
    expect, ends_s = _expected(written, world, story.at_s)
    story.steps.append({"at": f"+{ends_s + 30 + (story.slack_s if story.slack_s > 1 else 0)}s", "advance": True})
    return _scenario(name, imported, story, expect), len(expect)


def _made_definite(trigger: Mapping[str, Any], spoken: Mapping[str, set[str]], rng: Random) -> dict[str, Any]:
    """A trigger that leaves open what comes is given one of the states that the rule speaks of."""
    if "variables" in trigger or "enabled" in trigger:
        raise NotPlain
    definite = dict(trigger)
    if trigger.get("platform", trigger.get("trigger")) == "state" and not {"attribute", "not_to", "not_from"} & set(
        trigger
    ):
        entity_ids = trigger["entity_id"] if isinstance(trigger["entity_id"], list) else [trigger["entity_id"]]
        definite["entity_id"] = rng.choice(entity_ids)
        wanted = trigger.get("to")
        if wanted is None:
            before = one_of(trigger.get("from"), "acted_before")
            choices = spoken.get(str(definite["entity_id"]), set()) | {"acted_after"}
            definite["to"] = rng.choice(sorted(choices - {before}))
        elif isinstance(wanted, list):
            definite["to"] = rng.choice(wanted)
    return definite


def _may_fire(other: Mapping[str, Any], trigger: Mapping[str, Any], story: Story) -> bool:
    """Whether another trigger of the rule might be set off by the same, or by the time that passes."""
    kind, own = (each.get("platform", each.get("trigger")) for each in (other, trigger))
    if other.get("enabled") is False:
        return False
    if kind in {"event", "mqtt", "webhook"}:
        return kind == own
    if kind in {"time", "sun"}:
        return own in {"time", "sun"} or story.at_s > 60
    if kind not in {"state", "numeric_state"} or not isinstance(trigger.get("entity_id"), str):
        return kind not in {"state", "numeric_state"}
    watched = other["entity_id"] if isinstance(other["entity_id"], list) else [other["entity_id"]]
    if trigger["entity_id"] not in [part.strip() for each in watched for part in str(each).split(",")]:
        return False
    if kind == "numeric_state" or set(other) - {*_LOOSE_KEYS, "entity_id", "from", "to", "for"}:
        return True
    before, after = story.initial[trigger["entity_id"]]["state"], story.after[trigger["entity_id"]]
    return _fits(other.get("from"), before) and _fits(other.get("to"), after)


def _fits(wanted: Any, state: str) -> bool:
    return wanted is None or state in (wanted if isinstance(wanted, list) else [wanted])


def _world(story: Story, trigger: Mapping[str, Any]) -> World:
    states = {entity_id: str(body["state"]) for entity_id, body in story.initial.items()} | story.after
    told: dict[str, Any] = {"id": story.trigger_id, "platform": trigger.get("platform", trigger.get("trigger"))}
    for entity_id, after in story.after.items():
        told["entity_id"] = entity_id
        named = {"entity_id": entity_id, "name": name_of(entity_id)}
        told["from_state"] = {**named, "state": story.initial[entity_id]["state"]}
        told["to_state"] = {**named, "state": after}
    for step in story.steps:
        if "event" in step:
            told["event"] = {"event_type": step["event"]["type"], "data": step["event"]["data"]}
        told |= step.get("mqtt", {})
    return World(story.start + timedelta(seconds=story.at_s), states, told)


def _expected(written: Mapping[str, Any], world: World, at_s: float) -> tuple[list[dict[str, Any]], float]:
    expect: list[dict[str, Any]] = []
    clock = _Clock(world, at_s)
    try:
        clock.assign(written.get("variables", {}))
        conditions = plain_list(written, "conditions", "condition")
        if passes(conditions, clock.world):
            clock.live(plain_list(written, "actions", "action"), expect)
    except (Stopped, Failed):
        pass
    return expect, clock.at_s


class _Clock:
    """A run, with its time."""

    def __init__(self, world: World, at_s: float) -> None:
        self.world = world
        self.at_s = at_s

    def assign(self, values: Any) -> None:
        for name, value in values.items():
            found = filled(value, self.world)
            if is_template(value) and found.replace(".", "", 1).lstrip("-").isdigit():
                found = float(found) if "." in found else int(found)
            self.world = replace(self.world, variables={**self.world.variables, name: found})

    def wait(self, value: Any) -> None:
        length = seconds_of(filled(value, self.world))
        self.at_s += length
        self.world = replace(self.world, now=self.world.now + timedelta(seconds=length))

    def live(self, steps: list[Any], expect: list[dict[str, Any]]) -> None:
        """A condition that does not hold ends the steps that it stands among."""
        for step in steps:
            if not isinstance(step, Mapping) or "enabled" in step:
                raise NotPlain
            keys = set(step) - {"alias"}
            if keys == {"delay"}:
                self.wait(step["delay"])
            elif "condition" in keys or keys in ({"and"}, {"or"}, {"not"}):
                if not passes([step], self.world):
                    return
            elif keys == {"variables"}:
                self.assign(step["variables"])
            elif "stop" in keys:
                raise Stopped
            elif keys in ({"event"}, {"event", "event_data"}):
                data = filled(step.get("event_data") or {}, self.world)
                expect.append({"at": f"+{self.at_s}s", "event": step["event"], "event_data": data})
            elif (inner := self._chosen(step, keys)) is not None:
                self.live(inner, expect)
            elif keys == {"repeat"} and set(step["repeat"]) == {"count", "sequence"}:
                self._repeat(step["repeat"], expect)
            else:
                self._call(step, expect)

    def _chosen(self, step: Mapping[str, Any], keys: set[str]) -> list[Any] | None:
        if keys == {"sequence"}:
            return plain_list(step, "sequence")
        if "if" in keys and keys <= {"if", "then", "else"}:
            return plain_list(step, "then" if passes(step["if"], self.world) else "else")
        if "choose" in keys and keys <= {"choose", "default"}:
            for option in plain_list(step, "choose"):
                if passes(option.get("conditions", option.get("condition")), self.world):
                    return plain_list(option, "sequence")
            return plain_list(step, "default")
        return None

    def _repeat(self, body: Mapping[str, Any], expect: list[dict[str, Any]]) -> None:
        count = int(str(filled(body["count"], self.world)))
        if count > _ROUNDS_MAX or "repeat." in json.dumps(body["sequence"]):
            raise NotPlain
        for _ in range(count):
            self.live(plain_list(body, "sequence"), expect)

    def _call(self, step: Mapping[str, Any], expect: list[dict[str, Any]]) -> None:
        names = {"service_template": "service"}
        plain = {names.get(key, key): filled(item, self.world) for key, item in step.items() if key != "alias"}
        deed = deed_of(plain, self.at_s)
        if deed["action"] == "mqtt.publish":
            deed["data"] = {key.removesuffix("_template"): item for key, item in deed["data"].items()}
        if not deed["action"].startswith("scene."):
            expect.append(deed)


def _scenario(name: str, imported: Mapping[str, Any], story: Story, expect: list[dict[str, Any]]) -> dict[str, Any]:
    called = {
        str(each["action"]).partition(".")[2] for each in expect if str(each.get("action")).startswith("acted_out.")
    }
    metadata = {key: value for key, value in imported["metadata"].items() if key != "imported_from"}
    automation = {"id": "acted_out", "alias": name, **metadata}
    automation |= {key: imported[key] for key in ("triggers", "conditions", "actions")}
    return {
        "name": name,
        "automation": automation,
        "scripts": {
            each: {"mode": "parallel", "sequence": [{"action": f"acted_out.{each}"}]} for each in sorted(called)
        },
        "home": {**HOME, "start": story.start.isoformat()},
        "initial": {entity_id: {"attributes": {}, **body} for entity_id, body in story.initial.items()},
        "steps": story.steps,
        "expect": expect,
        "tolerance_s": story.slack_s,
        "early_s": story.slack_s if story.slack_s > 1 else 0,
    }
