"""One rule while it is judged, and how to walk through it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hub_agent.core.automation.reading import items_of
from hub_agent.importing.home import Found, HomeFiles
from hub_agent.importing.scenes import judge_scene
from hub_agent.importing.verdict import Reason, Severity
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.written.placed import Place, PlacedList, PlacedMap, find_place

REASONS_MAX = 50
NESTED_MAX = 60
NAMES_AN_ACTION = frozenset({"action", "service", "service_template"})
# Where the loader and the files keep what a rule does.
PARTS = ("triggers", "conditions", "actions", "metadata")

Step = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Undone:
    """A step that nothing here carries out. `is_aside`: it says, shows or writes something down, and changes nothing in the home."""

    step: Step
    path: str
    code: str
    text: str
    is_aside: bool


@dataclass(slots=True)
class Case:
    """`config` is as it is written, `row` what would be stored."""

    found: Found
    config: PlacedMap
    row: dict[str, JsonValue]
    reasons: list[Reason] = field(default_factory=list)
    # Steps that do something in the home, that tell somebody, and those that nothing comes of.
    doing: int = 0
    telling: int = 0
    undone: list[Undone] = field(default_factory=list)

    def add(self, code: str, text: str, path: str, severity: Severity = "differs") -> None:
        if severity == "note" and any(each.code == code and each.text == text for each in self.reasons):
            return
        place = find_place(self.config, path, self.found.place)
        reason = Reason(code, text, place.file, place.line, path, severity)
        if len(self.reasons) < REASONS_MAX or reason.is_fatal:
            self.reasons.append(reason)
        elif severity == "differs" and not any(each.severity == "differs" for each in self.reasons):
            self.reasons[-1] = reason

    def parts(self) -> dict[str, JsonValue]:
        return {key: self.row.get(key) for key in PARTS}


@dataclass(slots=True)
class Known:
    """What the files themselves bring about: events that their rules fire, scenes that they hold or make, scripts, automations, self-made devices."""

    events: set[str] = field(default_factory=set)
    scenes: set[str] = field(default_factory=set)
    scripts: set[str] = field(default_factory=set)
    automations: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)
    # What Home Assistant makes of its own configuration, with where.
    made_there: Mapping[str, Place] = field(default_factory=dict)


def known_in(home: HomeFiles) -> Known:
    known = Known(helpers={each.entity_id for each in home.helpers}, made_there=home.made_there)
    for found in home.found:
        if found.kind == "scene":
            name = found.config.get("name") if isinstance(found.config, PlacedMap) else None
            if isinstance(name, str) and judge_scene(home.folder, found).verdict != "cannot":
                known.scenes.add(f"scene.{slugify(name)}")
        else:
            _know(found.config, known)
        if found.kind == "script":
            known.scripts.add(found.key or "")
        if found.kind == "automation" and isinstance(found.config, PlacedMap):
            named = (found.config.get("alias"), found.config.get("id"), found.key)
            known.automations |= {f"automation.{slugify(str(name))}" for name in named if name is not None}
    return known


def _know(value: JsonValue, known: Known) -> None:
    if isinstance(value, PlacedMap):
        fired, made = value.get("event"), value.get("scene_id")
        if isinstance(fired, str) and not {"platform", "trigger"} & value.keys():
            known.events.add(fired)
        if isinstance(made, str):
            known.scenes.add(f"scene.{made}")
        for item in value.values():
            _know(item, known)
    elif isinstance(value, PlacedList):
        for item in value:
            _know(item, known)


def mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def replace_step(step: Step, by: Step, words: str) -> None:
    kept = {key: step[key] for key in ("id",) if key in step}
    step.clear()
    step.update({**by, **kept, "alias": f"left out at import: {words}"[:200]})


def flat_triggers(value: JsonValue, path: str, depth: int = 0) -> list[tuple[str, Step]]:
    """The triggers, also those of `{triggers: [...]}`."""
    found: list[tuple[str, Step]] = []
    for index, item in enumerate(items_of(value)):
        where = f"{path}/{index}" if isinstance(value, list) else path
        if not isinstance(item, dict):
            continue
        if set(item) == {"triggers"} and depth < NESTED_MAX:
            found += flat_triggers(item["triggers"], f"{where}/triggers", depth + 1)
        else:
            found.append((where, item))
    return found


def steps_in(value: JsonValue, path: str, depth: int = 0) -> Iterator[tuple[str, Step]]:
    """Every step that is not switched off, with those inside it."""
    if depth > NESTED_MAX:
        return
    for index, item in enumerate(items_of(value)):
        where = f"{path}/{index}"
        if isinstance(item, list):
            yield from steps_in(item, where, depth + 1)
        if not isinstance(item, dict) or item.get("enabled") is False:
            continue
        inner = [
            (f"{where}/{key}", item[key]) for key in ("then", "else", "default", "sequence", "parallel") if key in item
        ]
        inner += [
            (f"{where}/choose/{number}/sequence", option.get("sequence"))
            for number, option in enumerate(items_of(item.get("choose")))
            if isinstance(option, Mapping)
        ]
        if isinstance(item.get("repeat"), Mapping):
            inner.append((f"{where}/repeat/sequence", mapping(item["repeat"]).get("sequence")))
        yield where, item
        for at, each in inner:
            yield from steps_in(each, at, depth + 1)
