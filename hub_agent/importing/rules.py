"""Judges automations and scripts: what the hub's own loader says of them, and what it does not look at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hub_agent.core.automation.actions.registry import STEPS
from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.reading import items_of
from hub_agent.core.automation.spelling import automation_fields, script_fields
from hub_agent.core.automation.triggers.registry import TRIGGERS
from hub_agent.errors import DefinitionError
from hub_agent.importing.abilities import (
    DEVICE_ACTIONS,
    HELPERS,
    IGNORED_DATA,
    SCRIPT_VERBS,
    UNHEARD_TRIGGERS,
    Ability,
    ability,
    ability_of_domain,
    domain_of,
    is_never_here,
    is_plain_action,
)
from hub_agent.importing.blueprints import written_out
from hub_agent.importing.home import Found, HomeFiles
from hub_agent.importing.placed import BlueprintInput, Missing, PlacedList, PlacedMap, find_place, plain, texts_in
from hub_agent.importing.registry import Registry
from hub_agent.importing.scenes import judge_scene
from hub_agent.importing.template_check import TemplateCheck
from hub_agent.importing.translating import Translator
from hub_agent.importing.verdict import Judged, Reason
from hub_agent.model.definition import Definition
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.templating import Templates, is_template

REASONS_MAX: Final = 50
NESTED_MAX: Final = 60
# What a template asks of by name: `states('light.a')`, `states.light.a`; and helpers, however it comes to them.
_ASKED: Final = re.compile(
    r"(?<![\w.])(?:states|is_state|state_attr|is_state_attr|has_value|expand)\(\s*['\"]([a-z0-9_]+\.[a-z0-9_]+)['\"]"
)
_ASKED_BY_DOT: Final = re.compile(r"(?<![\w.'\"])states\.([a-z0-9_]+\.[a-z0-9_]+)")
_HELPER: Final = re.compile(rf"(?<![\w.])((?:{'|'.join(sorted(HELPERS))})\.[a-z0-9_]+)(?![\w(])")
_NAMES_ENTITIES: Final = frozenset({"entity_id", "zone", "above", "below", "at", "after", "before", "entities"})
_HOLDS_TARGETS: Final = ("target", "data", "data_template")
_NAMES_AN_ACTION: Final = frozenset({"action", "service", "service_template"})
_OUTSIDE: Final = {
    "calendar": "this hub keeps no calendars",
    "conversation": "this hub understands no spoken sentences",
    "device": "a device of Home Assistant is named by its number; with Home Assistant's folder .storage beside the files many can be translated",
    "geo_location": "this hub knows no such places",
    "persistent_notification": "this hub keeps no notifications",
    "tag": "this hub reads no tags",
}

_Step = dict[str, JsonValue]


@dataclass(slots=True)
class _Case:
    """One rule while it is judged. `config` is as it is written, `row` what would be stored."""

    found: Found
    config: PlacedMap
    row: dict[str, JsonValue]
    reasons: list[Reason] = field(default_factory=list)
    # Steps that do something in the home, that tell somebody, that cannot be done, that are left out for being aside.
    doing: int = 0
    telling: int = 0
    undone: list[tuple[_Step, str, str, str]] = field(default_factory=list)
    aside: list[tuple[_Step, str, str, str]] = field(default_factory=list)

    def add(self, code: str, text: str, path: str, *, is_fatal: bool = False) -> None:
        if len(self.reasons) < REASONS_MAX:
            place = find_place(self.config, path, self.found.place)
            self.reasons.append(Reason(code, text, place.file, place.line, path, is_fatal))


@dataclass(slots=True)
class Known:
    """What the files themselves bring about: events that their rules fire, scenes that they hold or make, automations."""

    events: set[str] = field(default_factory=set)
    scenes: set[str] = field(default_factory=set)
    automations: set[str] = field(default_factory=set)


def known_in(home: HomeFiles) -> Known:
    known = Known()
    for found in home.found:
        if found.kind == "scene":
            name = found.config.get("name") if isinstance(found.config, PlacedMap) else None
            if isinstance(name, str) and judge_scene(home.folder, found).verdict != "cannot":
                known.scenes.add(f"scene.{slugify(name)}")
        else:
            _know(found.config, known)
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


class Rules:
    """`scripts`: object ids of the files' scripts, and those of them that cannot run."""

    def __init__(self, home: HomeFiles, registry: Registry, templates: Templates) -> None:
        self._home = home
        self._registry = registry
        self._templates = templates
        self._check = TemplateCheck(templates)
        self.scripts = {each.key or "" for each in home.of_kind("script")}
        self._known = known_in(home)
        self.broken_scripts: set[str] = set()
        # Those that only say or show something: a rule may go without them.
        self._quiet_scripts: set[str] = set()

    def judge(self, found: Found) -> Judged:
        try:
            return self._judge(found)
        except DefinitionError as err:
            config = found.config
            place = find_place(config, err.where, found.place)
            words = str(err).removeprefix(f"{err.where}: ")
            code = "blueprint" if err.where.startswith("use_blueprint") else "not_understood"
            reason = Reason(code, self._home.folder.masked(words), place.file, place.line, err.where, is_fatal=True)
            return self._judged(found, config if isinstance(config, PlacedMap) else None, (reason,), None)

    def _judge(self, found: Found) -> Judged:
        if not isinstance(found.config, PlacedMap):
            raise DefinitionError("must be a mapping with triggers and actions", "")
        config = found.config
        if "use_blueprint" in config:
            config = written_out(self._home.folder, found.kind, config)
        translator = Translator(self._registry)
        translated = translator.translate(config)
        assert isinstance(translated, PlacedMap)
        row = plain(_row_of(found, translated))
        assert isinstance(row, dict)
        case = _Case(found, translated, row)
        for path, words in translator.notes:
            case.add("translated", words, path)
        self._look_at_gaps(case)
        self._look_at_triggers(case)
        self._look_at_steps(case)
        if found.kind == "script" and not case.doing and not case.undone:
            self._quiet_scripts.add(found.key or "")
        self._leave_out(case)
        self._load(case)
        self._look_at_templates(case)
        self._look_at_names(case)
        place = found.place
        row["metadata"] = {
            **_mapping(row.get("metadata")),
            "imported_from": {"file": place.file, "line": place.line, "id": _key_of(found, config)},
        }
        return self._judged(found, config, tuple(case.reasons), row)

    def _judged(
        self, found: Found, config: PlacedMap | None, reasons: tuple[Reason, ...], row: Mapping[str, JsonValue] | None
    ) -> Judged:
        masked = self._home.folder.masked
        alias = config.get("alias") if config is not None else None
        name = str(alias) if alias is not None else found.key or (_own_id(config) if config is not None else None)
        named = name or f"{found.place.file}:{found.place.line}"
        key = f"{found.kind}/{_key_of(found, config)}"
        reasons = tuple(
            Reason(each.code, masked(each.text), each.file, each.line, each.path, each.is_fatal) for each in reasons
        )
        is_fatal = any(each.is_fatal for each in reasons)
        return Judged(
            found.kind,
            key,
            masked(named),
            found.place.file,
            found.place.line,
            reasons,
            None if is_fatal else row,
            has_own_id=config is not None and _own_id(config) is not None,
        )

    # What the loader does not look at.

    def _look_at_gaps(self, case: _Case) -> None:
        for path, text in _marks_in(case.config):
            if isinstance(text, BlueprintInput):
                case.add("blueprint", f"!input {text} stands outside a blueprint", path, is_fatal=True)
            else:
                case.add("missing", f"{text} could not be read", path, is_fatal=not _is_told_only(case.config, path))
        for path in _odd_keys_in(case.config):
            case.add("key_not_text", "a key that is a number or a truth is kept as text", path)

    def _look_at_triggers(self, case: _Case) -> None:
        triggers = _flat(case.row.get("triggers"), "triggers", 0)
        left, dead, alive = 0, [], 0
        for path, item in triggers:
            kind = item.get("trigger", item.get("platform"))
            is_off = item.get("enabled") is False
            if isinstance(kind, str) and kind not in TRIGGERS:
                if not is_off:
                    words = _OUTSIDE.get(kind, "this hub does not know it")
                    case.add("trigger_unknown", f"the trigger '{kind}' is left out: {words}", path)
                    left += 1
                _replace(item, {"trigger": "event", "event_type": "left_out_at_import", "enabled": False}, kind)
            elif not is_off:
                fault = _silence_of(item, kind)
                if fault is None:
                    alive += 1
                    self._look_at_events(case, item, path)
                else:
                    dead.append((path, fault))
        for path, fault in dead:
            case.add("never_fires", f"the trigger never fires: {fault}", path, is_fatal=not alive)
        if left and not alive and not dead:
            case.reasons = [
                replace(each, is_fatal=True) if each.code == "trigger_unknown" else each for each in case.reasons
            ]

    def _look_at_events(self, case: _Case, trigger: Mapping[str, JsonValue], path: str) -> None:
        """Rules fire events, also rules that are not among the files; nobody else does."""
        for each in items_of(trigger.get("event_type")):
            name = str(each)
            if name not in self._known.events and not is_template(name):
                words = f"no rule among the files fires the event {name}, and on this hub only rules fire events"
                case.add("event_unfired", words, f"{path}/event_type")

    def _look_at_steps(self, case: _Case) -> None:
        for path, step in steps_in(case.row.get("actions"), "actions", 0):
            kinds = [key for key in STEPS if key in step]
            if not kinds:
                self._unknown_step(case, path, step)
            elif kinds[0] in _NAMES_AN_ACTION:
                self._call(case, path, step, kinds[0])
            elif kinds[0] in {"event", "scene"}:
                case.doing += 1
                self._look_at_scenes(case, step.get("scene"), f"{path}/scene")

    def _unknown_step(self, case: _Case, path: str, step: _Step) -> None:
        if "device_id" in step:
            about = f"{step.get('domain')}.{step.get('type')}"
            case.undone.append(
                (step, path, "device_unknown", f"the device's action {about} is left out: {_OUTSIDE['device']}")
            )

    def _call(self, case: _Case, path: str, step: _Step, key: str) -> None:
        action = step[key]
        where = f"{path}/{key}"
        if not isinstance(action, str):
            return
        action = action.strip().lower()
        if isinstance(step.get("target"), Mapping):
            self._targets(case, _mapping(step["target"]), f"{path}/target")
        self._targets(case, _mapping(step.get("data")), f"{path}/data", only=("device_id",))
        if not is_plain_action(action):
            domain = domain_of(action)
            if domain is None:
                case.add("action_unsure", "which action it calls is only known when it runs", where)
                case.doing += 1
                return
            self._count(case, step, where, (f"{domain}.*", ability_of_domain(domain)))
            return
        domain, _, verb = action.partition(".")
        if domain == "script" and verb not in SCRIPT_VERBS:
            self._call_script(case, step, where, verb)
            return
        if action == "scene.turn_on":
            for part in _HOLDS_TARGETS:
                self._look_at_scenes(case, _mapping(step.get(part)).get("entity_id"), f"{path}/{part}/entity_id")
            self._look_at_scenes(case, step.get("entity_id"), f"{path}/entity_id")
        for ignored in sorted(_mapping(step.get("data")).keys() & IGNORED_DATA.get(action, frozenset())):
            case.add("key_ignored", f"'{ignored}' of {action} is ignored here", f"{path}/data/{ignored}")
        if domain in DEVICE_ACTIONS:
            self._look_at_kinds(case, step, path, action)
        if domain == "script":
            self._switch_scripts(case, step, where)
        else:
            self._count(case, step, where, (action, ability(action)))

    def _look_at_kinds(self, case: _Case, step: _Step, path: str, action: str) -> None:
        """`switch.turn_off` is not for lights: Home Assistant passes over them, this hub calls it a failure."""
        named = [(f"{path}/{key}/entity_id", _mapping(step.get(key)).get("entity_id")) for key in _HOLDS_TARGETS]
        for where, value in (*named, (f"{path}/entity_id", step.get("entity_id"))):
            for each in items_of(value):
                for name in str(each).lower().split(","):
                    domain = name.strip().partition(".")[0]
                    if is_plain_action(name.strip()) and domain not in {action.partition(".")[0], *HELPERS}:
                        case.add("target_kind", f"{action} is nothing for {name.strip()}: here that fails", where)

    def _look_at_scenes(self, case: _Case, named: JsonValue, where: str) -> None:
        for each in items_of(named):
            for name in str(each).lower().split(","):
                if name.strip() not in self._known.scenes and not is_template(str(each)):
                    case.add("scene_missing", f"{name.strip()} is not among the files, or cannot be set here", where)

    def _switch_scripts(self, case: _Case, step: _Step, where: str) -> None:
        """`script.turn_on` and its like name scripts among their targets."""
        given = [_mapping(step.get(key)).get("entity_id") for key in _HOLDS_TARGETS]
        named = [str(each) for entity_id in (*given, step.get("entity_id")) for each in items_of(entity_id)]
        names = [each.strip().lower().removeprefix("script.") for each in named if not is_template(each)]
        broken = [name for name in names if name in self.broken_scripts]
        if broken and len(broken) == len(named):
            self._miss_script(case, step, where, broken[0])
            return
        case.doing += 1
        for name in names:
            if name in self.broken_scripts:
                case.add("script_cannot", f"script.{name} cannot run here: nothing comes of it", where)
            elif name not in self.scripts | {"all", ""}:
                case.add("script_missing", f"script.{name} is not among the files", where)

    def _miss_script(self, case: _Case, step: _Step, where: str, name: str) -> None:
        words = f"script.{name} is left out: it cannot run here"
        if name in self._quiet_scripts:
            case.aside.append((step, where, "script_aside", words))
        else:
            case.undone.append((step, where, "script_cannot", words))

    def _call_script(self, case: _Case, step: _Step, where: str, name: str) -> None:
        if name in self.broken_scripts:
            self._miss_script(case, step, where, name)
            return
        case.doing += 1
        if name not in self.scripts:
            case.add("script_missing", f"script.{name} is not among the files", where)

    def _count(self, case: _Case, step: _Step, where: str, called: tuple[str, Ability]) -> None:
        action, able = called
        match able:
            case Ability.DONE:
                case.doing += 1
            case Ability.HELPER:
                case.doing += 1
                case.add("helper_missing", f"{action}: this hub keeps no such helpers yet", where)
            case Ability.NOTICE:
                case.telling += 1
                case.add("notice", f"{action} becomes a notice of the hub; it goes to no other place", where)
            case Ability.ASIDE:
                case.aside.append((step, where, "action_aside", f"{action} is left out: this hub has no such action"))
            case Ability.NONE:
                case.undone.append(
                    (step, where, "action_unknown", f"{action} is left out: this hub has no such action")
                )

    def _targets(self, case: _Case, target: Mapping[str, JsonValue], path: str, only: Sequence[str] = ()) -> None:
        """Numbers of Home Assistant's devices, areas, floors and labels mean nothing here."""
        for key in only or ("device_id", "area_id", "floor_id", "label_id"):
            if target.get(key):
                words = (
                    f"{key} names something of Home Assistant's own; this hub finds it only under the same id or name"
                )
                case.add("target_unsure", words, f"{path}/{key}")

    def _leave_out(self, case: _Case) -> None:
        """A rule may go without what it says or shows, and without the lesser part of what it does; otherwise it cannot run."""
        has_enough = case.doing > len(case.undone) or not case.undone
        has_any = case.doing + case.telling > 0
        for step, path, code, words in (*case.undone, *case.aside):
            is_aside = code in {"action_aside", "script_aside"}
            may_go = "response_variable" not in step and (has_any if is_aside else has_enough)
            told = words if may_go else words.replace(" is left out:", ":")
            case.add(code, told, path, is_fatal=not may_go)
            _replace(step, {"delay": 0, "enabled": False}, told)

    def _load(self, case: _Case) -> None:
        try:
            read_program(Definition(case.found.kind, "imported", case.row), self._templates)
        except DefinitionError as err:
            words = str(err).removeprefix(f"{err.where}: ")
            case.add("not_understood", words, err.where, is_fatal=True)

    def _look_at_templates(self, case: _Case) -> None:
        for path, text in texts_in(
            {key: case.row.get(key) for key in ("triggers", "conditions", "actions", "metadata")}
        ):
            if is_template(text):
                for words in self._check.faults(text):
                    case.add("template", words, path.removeprefix("metadata/"), is_fatal=True)

    def _look_at_names(self, case: _Case) -> None:
        seen: set[str] = set()
        for path, text in texts_in(
            {key: case.row.get(key) for key in ("triggers", "conditions", "actions", "metadata")}
        ):
            if path.rpartition("/")[2] in _NAMES_AN_ACTION:
                continue
            for name in _entities_in(text, path):
                domain = name.partition(".")[0]
                if name in seen or name == "zone.home":
                    continue
                seen.add(name)
                if domain in HELPERS:
                    case.add("helper_missing", f"{name}: this hub keeps no such helpers yet", path)
                elif is_never_here(domain):
                    case.add("entity_kind", f"{name}: no device of this hub brings such an entity", path)
                elif domain == "automation" and name not in self._known.automations:
                    case.add("automation_missing", f"{name} is not among the files", path)


def _row_of(found: Found, config: PlacedMap) -> JsonValue:
    if found.kind == "script":
        return dict(script_fields(found.key or slugify(str(config.get("alias", "script"))), config))
    return dict(automation_fields(config))


def _key_of(found: Found, config: PlacedMap | None) -> str:
    """By which the rule is known again when it is imported anew: its id, its name, or else where it stands."""
    alias = config.get("alias") if config is not None else None
    own = _own_id(config) if config is not None and found.kind != "script" else found.key
    name = own or found.key or (None if alias is None else str(alias))
    return name or f"{found.place.file}#{found.place.line}"


def _own_id(config: PlacedMap) -> str | None:
    own = config.get("id")
    return str(own) if own is not None else None


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _replace(step: _Step, by: _Step, words: str) -> None:
    kept = {key: step[key] for key in ("id",) if key in step}
    step.clear()
    step.update({**by, **kept, "alias": f"left out at import: {words}"[:200]})


def _flat(value: JsonValue, path: str, depth: int) -> list[tuple[str, _Step]]:
    """The triggers, also those of `{triggers: [...]}`."""
    found: list[tuple[str, _Step]] = []
    for index, item in enumerate(items_of(value)):
        if not isinstance(item, dict):
            continue
        if set(item) == {"triggers"} and depth < NESTED_MAX:
            found += _flat(item["triggers"], f"{path}/{index}/triggers", depth + 1)
        else:
            found.append((f"{path}/{index}", item))
    return found


def _silence_of(trigger: Mapping[str, JsonValue], kind: JsonValue) -> str | None:
    """Why nothing on this hub ever sets the trigger off, if so."""
    if isinstance(kind, str) and kind in UNHEARD_TRIGGERS:
        return UNHEARD_TRIGGERS[kind]
    strangers = _watched_strangers(trigger)
    return None if strangers is None else f"this hub has no entities such as {strangers}"


def _watched_strangers(trigger: Mapping[str, JsonValue]) -> str | None:
    """The entities of a trigger, if it watches nothing but such as this hub never has."""
    if trigger.get("trigger", trigger.get("platform")) not in ("state", "numeric_state"):
        return None
    named = [name.strip() for each in items_of(trigger.get("entity_id")) for name in str(each).split(",")]
    if named and all(is_never_here(each.partition(".")[0]) and is_plain_action(each) for each in named):
        return ", ".join(named[:3])
    return None


def _entities_in(text: str, path: str) -> list[str]:
    """Entities that a text names: one or several in plain words, or those that a template asks of."""
    if is_template(text):
        return [*_ASKED.findall(text), *_ASKED_BY_DOT.findall(text), *_HELPER.findall(text)]
    parts = path.split("/")
    key = parts[-2] if parts[-1].isdigit() and len(parts) > 1 else parts[-1]
    if key in _NAMES_ENTITIES:
        return [name for each in text.split(",") if is_plain_action(name := each.strip().lower())]
    return _HELPER.findall(text) if is_plain_action(text.strip()) else []


def steps_in(value: JsonValue, path: str, depth: int) -> Iterator[tuple[str, _Step]]:
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
            inner.append((f"{where}/repeat/sequence", _mapping(item["repeat"]).get("sequence")))
        yield where, item
        for at, each in inner:
            yield from steps_in(each, at, depth + 1)


def _marks_in(value: JsonValue, path: str = "") -> Iterator[tuple[str, BlueprintInput | Missing]]:
    if isinstance(value, BlueprintInput | Missing):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _marks_in(item, f"{path}/{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marks_in(item, f"{path}/{index}" if path else str(index))


def _odd_keys_in(value: JsonValue, path: str = "") -> Iterator[str]:
    if isinstance(value, PlacedMap):
        if value.has_odd_keys:
            yield path
        for key, item in value.items():
            yield from _odd_keys_in(item, f"{path}/{key}" if path else key)
    elif isinstance(value, PlacedList):
        for index, item in enumerate(value):
            yield from _odd_keys_in(item, f"{path}/{index}" if path else str(index))


def _is_told_only(config: PlacedMap, path: str) -> bool:
    """Whether what is missing stands among the data of a notice, which goes to the hub's own place anyway."""
    value: JsonValue = config
    holds_notice = False
    for part in path.split("/"):
        if isinstance(value, PlacedMap):
            action = next((value[key] for key in _NAMES_AN_ACTION if key in value), None)
            holds_notice = holds_notice or (isinstance(action, str) and ability(action.strip()) is Ability.NOTICE)
            value = value.get(part)
        elif isinstance(value, PlacedList) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
    return holds_notice and not path.endswith(tuple(_NAMES_AN_ACTION))
