"""What a rule does: which of its calls this hub carries out, and what becomes of a rule that has others too."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import jinja2
from jinja2 import nodes

from hub_agent.core.automation.actions.registry import STEPS
from hub_agent.core.automation.reading import items_of
from hub_agent.importing.abilities import (
    DEVICE_ACTIONS,
    IGNORED_DATA,
    PICTURES,
    SCRIPT_VERBS,
    Ability,
    ability,
    ability_of_domain,
    domain_of,
    is_plain_action,
)
from hub_agent.importing.case import NAMES_AN_ACTION, Case, Known, Step, Undone, mapping, replace_step, steps_in
from hub_agent.importing.hearing import DEVICE_WORDS
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template

_HOLDS_TARGETS: Final = ("target", "data", "data_template")
_HOLDS_DATA: Final = ("data", "data_template")
# `target` says to whom: it goes to the hub's own channels wherever it was meant to go.
_OF_A_NOTICE: Final = frozenset({"title", "message", "notification_id", "target"})
# Messages that the companion app takes as commands to the telephone. The hub itself understands `clear_notification`.
_COMMANDS_TO_A_PHONE: Final = re.compile(
    r"^(?:command_\w+|tts|delete_alert|request_location_update|update_\w+)$", re.IGNORECASE
)
# Of a notice's own data: what people would answer with, or what stands there instead of the words. The rest is how it looks, sounds and is sorted.
_HONOURED: Final = frozenset({"tag", "priority", "importance", "notification_id", "ttl"})
_ANSWERED: Final = frozenset({"actions", "buttons", "inline_keyboard", "keyboard", "question", "shortcut"})
# Kinds whose entities every action may name: they stand for their members.
_STANDS_FOR_OTHERS: Final = frozenset({"group"})
_NAMED_HERE: Final = ("entity_id", "area_id")
_FOREIGN: Final = {
    "device_id": DEVICE_WORDS,
    "floor_id": "this hub has no floors; name its rooms",
    "label_id": "this hub has no labels; name the entities",
}
_PARSER: Final = jinja2.Environment(autoescape=True)


@dataclass(slots=True)
class Calls:
    """`broken_scripts`: those of the files that cannot run. `other_scripts`: that differ. `quiet_scripts`: that only say or show something."""

    known: Known
    broken_scripts: set[str] = field(default_factory=set)
    other_scripts: set[str] = field(default_factory=set)
    quiet_scripts: set[str] = field(default_factory=set)

    def look_at(self, case: Case) -> None:
        for path, step in steps_in(case.row.get("actions"), "actions"):
            # What could be translated of a device's action is a call by now; the rest is unknown here.
            kinds = [key for key in STEPS if key in step and key != "device_id"]
            if not kinds:
                self._unknown_step(case, path, step)
            elif kinds[0] in NAMES_AN_ACTION:
                self._call(case, path, step, kinds[0])
            elif kinds[0] in {"event", "scene"}:
                case.doing += 1
                self._look_at_scenes(case, step.get("scene"), f"{path}/scene")
        if case.found.kind == "script" and not case.doing and all(each.is_aside for each in case.undone):
            self.quiet_scripts.add(case.found.key or "")

    def leave_out(self, case: Case) -> None:
        """A rule may go without what it says or shows, and without the lesser part of what it does; otherwise it cannot run."""
        losses = [each for each in case.undone if not each.is_aside]
        has_enough = case.doing > len(losses) or not losses
        has_any = case.doing + case.telling > 0
        for each in case.undone:
            may_go = "response_variable" not in each.step and (has_any if each.is_aside else has_enough)
            told = each.text if may_go else each.text.replace(" is left out:", ":")
            case.add(each.code, told, each.path, "differs" if may_go else "cannot")
            replace_step(each.step, {"delay": 0, "enabled": False}, told)

    def _unknown_step(self, case: Case, path: str, step: Step) -> None:
        if "device_id" in step:
            about = f"{step.get('domain')}.{step.get('type')}"
            words = f"the device's action {about} is left out: {DEVICE_WORDS}"
            case.undone.append(Undone(step, path, "device_unknown", words, is_aside=False))

    def _call(self, case: Case, path: str, step: Step, key: str) -> None:
        action, where = step[key], f"{path}/{key}"
        if not isinstance(action, str):
            return
        action = action.strip().lower()
        if not is_plain_action(action):
            self._templated(case, step, where, action)
            return
        domain, _, verb = action.partition(".")
        if domain == "script":
            self._script(case, step, where, verb)
            return
        if action == "scene.turn_on":
            for part in _HOLDS_TARGETS:
                self._look_at_scenes(case, mapping(step.get(part)).get("entity_id"), f"{path}/{part}/entity_id")
            self._look_at_scenes(case, step.get("entity_id"), f"{path}/entity_id")
        for at, ignored in _data_of(step):
            if ignored in IGNORED_DATA.get(action, frozenset()):
                case.add("key_ignored", f"'{ignored}' of {action} is ignored here", f"{path}/{at}/{ignored}")
        if domain in DEVICE_ACTIONS:
            self._look_at_kinds(case, step, path, action)
        if self._has_a_target(case, step, path):
            self._count(case, step, where, action, ability(action))

    def _templated(self, case: Case, step: Step, where: str, action: str) -> None:
        """Which action it is only the run can tell: known is at most its kind, or the names between which it chooses."""
        domain = domain_of(action)
        if domain is not None and domain != "script":
            self._count(case, step, where, f"{domain}.*", ability_of_domain(domain))
            return
        if not all(self._is_sure(each) for each in _chosen_between(action)):
            case.add("action_unsure", "which action it calls is only known when it runs", where)
        case.doing += 1

    def _is_sure(self, action: str) -> bool:
        domain, _, verb = action.partition(".")
        if domain == "script" and verb not in SCRIPT_VERBS:
            return verb not in self.broken_scripts
        return ability(action) in {Ability.DONE, Ability.NOTICE}

    def _count(self, case: Case, step: Step, where: str, action: str, able: Ability) -> None:
        match able:
            case Ability.DONE:
                case.doing += 1
            case Ability.NOTICE:
                self._notice(case, step, where, action)
            case Ability.ALLOWED:
                case.doing += 1
                how = "names a folder for pictures (camera.folder)" if action in PICTURES else "allows it by name"
                words = f"{action} is refused until the hub's configuration {how}"
                case.add("to_be_allowed", words, where)
            case Ability.ASIDE | Ability.NONE:
                is_aside = able is Ability.ASIDE
                code = "action_aside" if is_aside else "action_unknown"
                words = f"{action} is left out: this hub has no such action"
                case.undone.append(Undone(step, where, code, words, is_aside))

    def _notice(self, case: Case, step: Step, where: str, action: str) -> None:
        """The words arrive, at the hub's own channels; how they look there is another matter, and nobody can answer them."""
        message = _message_of(step)
        if _COMMANDS_TO_A_PHONE.match(message):
            words = f"{action} is left out: {message} is a command to a telephone, and this hub has none"
            case.undone.append(Undone(step, where, "action_aside", words, is_aside=True))
            return
        case.telling += 1
        case.add("notice", f"{action} becomes a notice of the hub's own channels", where, "note")
        lost = _lost_of_notice(step)
        if any(isinstance(step.get(part), str) for part in _HOLDS_DATA):
            case.add("notice_plain", f"of {action} title and message are told, and nothing else", where)
        elif lost and message in {"", "null"}:
            words = f"{action} has no words of its own: what stands in {', '.join(lost)} is not told"
            case.add("notice_plain", words, where)
        elif answered := [each for each in lost if each.removeprefix("data.") in _ANSWERED]:
            words = f"{', '.join(answered)} of {action} is not shown: nobody can answer the notice"
            case.add("notice_plain", words, where)
        elif lost:
            case.add("notice_looks", f"of {action} the words are told, without {', '.join(lost)}", where, "note")

    # Scripts and scenes.

    def _script(self, case: Case, step: Step, where: str, verb: str) -> None:
        if verb in SCRIPT_VERBS:
            self._switch_scripts(case, step, where)
        elif verb in self.broken_scripts:
            self._miss_script(case, step, where, verb)
        else:
            case.doing += 1
            self._note_script(case, verb, where)

    def _switch_scripts(self, case: Case, step: Step, where: str) -> None:
        """`script.turn_on` and its like name scripts among their targets."""
        given = [mapping(step.get(key)).get("entity_id") for key in _HOLDS_TARGETS]
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
            elif name not in {"all", ""}:
                self._note_script(case, name, where)

    def _note_script(self, case: Case, name: str, where: str) -> None:
        if name not in self.known.scripts:
            case.add("not_found_here", f"script.{name} is not among the files", where, "note")
        elif name in self.other_scripts:
            case.add("script_differs", f"script.{name} itself runs with a difference", where, "note")

    def _miss_script(self, case: Case, step: Step, where: str, name: str) -> None:
        is_aside = name in self.quiet_scripts
        code = "script_aside" if is_aside else "script_cannot"
        words = f"script.{name} is left out: it cannot run here"
        case.undone.append(Undone(step, where, code, words, is_aside))

    def _look_at_scenes(self, case: Case, named: JsonValue, where: str) -> None:
        for each in items_of(named):
            for name in str(each).lower().split(","):
                if name.strip() not in self.known.scenes and not is_template(str(each)):
                    case.add("not_found_here", f"{name.strip()} is not among the files", where, "note")

    # Targets.

    def _has_a_target(self, case: Case, step: Step, path: str) -> bool:
        """A room is found by its name. Home Assistant's devices, floors and labels mean nothing here."""
        held = [part for part in _HOLDS_TARGETS if isinstance(step.get(part), Mapping)]
        foreign = [
            (f"{path}/{part}/{key}", key)
            for part in held
            for key in _FOREIGN
            if mapping(step[part]).get(key) and (part == "target" or key == "device_id")
        ]
        is_named = "entity_id" in step or any(mapping(step[part]).get(key) for part in held for key in _NAMED_HERE)
        if foreign and not is_named:
            where, key = foreign[0]
            words = f"an action is left out: {_FOREIGN[key]}"
            case.undone.append(Undone(step, where, "device_unknown", words, is_aside=False))
            return False
        for where, key in foreign:
            case.add("target_unsure", f"{key}: {_FOREIGN[key]}", where)
        for name in items_of(mapping(step.get("target")).get("area_id")):
            if not is_template(str(name)):
                words = f"the room {name} is not among the files"
                case.add("not_found_here", words, f"{path}/target/area_id", "note")
        return True

    def _look_at_kinds(self, case: Case, step: Step, path: str, action: str) -> None:
        """`switch.turn_off` is not for lights: Home Assistant passes over them, this hub calls it a failure."""
        allowed = {action.partition(".")[0], *_STANDS_FOR_OTHERS}
        named = [(f"{path}/{key}/entity_id", mapping(step.get(key)).get("entity_id")) for key in _HOLDS_TARGETS]
        for where, value in (*named, (f"{path}/entity_id", step.get("entity_id"))):
            for each in items_of(value):
                for name in (part.strip() for part in str(each).lower().split(",")):
                    if is_plain_action(name) and name.partition(".")[0] not in allowed:
                        case.add("target_kind", f"{action} is nothing for {name}: here that fails", where)


def _chosen_between(template: str) -> list[str]:
    """The names of actions between which a template chooses, when it does nothing else; otherwise one that no action has."""
    try:
        tree = _PARSER.parse(template)
    except (jinja2.TemplateError, RecursionError, ValueError):
        return [""]
    named = [name for output in tree.find_all(nodes.Output) for each in output.nodes for name in _names_in(each)]
    return named if named and all(is_plain_action(each) for each in named) else [""]


def _names_in(node: nodes.Node | None) -> list[str]:
    if isinstance(node, nodes.TemplateData):
        return node.data.split()
    if isinstance(node, nodes.CondExpr):
        return [*_names_in(node.expr1), *_names_in(node.expr2)]
    return [str(node.value)] if isinstance(node, nodes.Const) else [""]


def _data_of(step: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Every key of the data that says something, with where it stands."""
    for part in _HOLDS_DATA:
        for key, value in mapping(step.get(part)).items():
            if value not in (None, "", [], {}) and key != "entity_id":
                yield part, key


def _message_of(step: Mapping[str, JsonValue]) -> str:
    found = [mapping(step.get(part)).get("message") for part in _HOLDS_DATA]
    return next((str(each).strip() for each in found if each is not None), "")


def _lost_of_notice(step: Mapping[str, JsonValue]) -> list[str]:
    """What stands beside the words, and is not done here."""
    found: set[str] = set()
    for part, key in _data_of(step):
        inner = mapping(step.get(part)).get(key)
        if key == "data":
            found |= (
                {f"data.{each}" for each in inner if each not in _HONOURED} if isinstance(inner, Mapping) else {key}
            )
        elif key not in _OF_A_NOTICE:
            found.add(key)
    return sorted(found)
