"""What a rule refers to: kinds of entities that this hub never has, and names that are not among the files."""

import re
from typing import Final

from hub_agent.importing.abilities import HELPER_ACTIONS, is_never_at_all, is_never_here, is_plain_action
from hub_agent.importing.case import NAMES_AN_ACTION, Case, Known
from hub_agent.importing.clock_sensors import is_clock
from hub_agent.templating import is_template
from hub_agent.written.placed import texts_in

# What a template asks of by name: `states('light.a')`, `states.light.a`; and self-made devices, however it comes to them.
_ASKED: Final = re.compile(
    r"(?<![\w.])(?:states|is_state|state_attr|is_state_attr|has_value|expand)\(\s*['\"]([a-z0-9_]+\.[a-z0-9_]+)['\"]"
)
_ASKED_BY_DOT: Final = re.compile(r"(?<![\w.'\"])states\.([a-z0-9_]+\.[a-z0-9_]+)")
_SELF_MADE: Final = re.compile(rf"(?<![\w.])((?:{'|'.join(sorted(HELPER_ACTIONS))})\.[a-z0-9_]+)(?![\w(])")
_NAMES_ENTITIES: Final = frozenset({"entity_id", "zone", "above", "below", "at", "after", "before", "entities"})
# Words that follow a kind's name and name no entity: events, and actions in a template.
_NO_ENTITIES: Final = frozenset(verb for verbs in HELPER_ACTIONS.values() for verb in verbs) | {
    *("started", "restarted", "paused", "cancelled", "finished", "changed"),
}


def look_at_names(case: Case, known: Known) -> None:
    seen: set[str] = set()
    for path, text in texts_in(case.parts()):
        if path.rpartition("/")[2] in NAMES_AN_ACTION or path.startswith("metadata/imported_from"):
            continue
        for name in _entities_in(text, path):
            if name not in seen:
                seen.add(name)
                _look_at(case, known, name, path.removeprefix("metadata/"))


def _look_at(case: Case, known: Known, name: str, path: str) -> None:
    domain, _, object_id = name.partition(".")
    if domain.isdigit():
        return
    if domain == "notify":
        case.add("notice", f"{name} becomes the hub's own channels", path, "note")
    elif is_clock(name):
        case.add("clock_sensor", f"{name} says the time in Home Assistant, and is not here: ask now()", path)
    elif name in known.made_there:
        place = known.made_there[name]
        words = f"{name} is made by Home Assistant itself ({place.file}, line {place.line}), not by a device: it is not here until something tells it, say by MQTT"
        case.add("made_there", words, path, "note")
    elif is_never_here(domain):
        told = "waits for a device of this kind: none of this hub's dialects brings one yet"
        words = "no device of this hub brings such an entity" if is_never_at_all(domain) else told
        case.add("entity_kind", f"{name}: {words}", path)
    elif (domain in HELPER_ACTIONS and name not in known.helpers and object_id not in _NO_ENTITIES) or (
        domain == "automation" and name not in known.automations
    ):
        case.add("not_found_here", f"{name} is not among the files", path, "note")


def _entities_in(text: str, path: str) -> list[str]:
    """Entities that a text names: one or several in plain words, or those that a template asks of."""
    if is_template(text):
        return [*_ASKED.findall(text), *_ASKED_BY_DOT.findall(text), *_SELF_MADE.findall(text)]
    parts = path.split("/")
    key = parts[-2] if parts[-1].isdigit() and len(parts) > 1 else parts[-1]
    if key in _NAMES_ENTITIES:
        return [name for each in text.split(",") if is_plain_action(name := each.strip().lower())]
    return _SELF_MADE.findall(text) if is_plain_action(text.strip()) else []
