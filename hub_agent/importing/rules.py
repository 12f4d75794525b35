"""Judges automations and scripts: what the hub's own loader says of them, and what it does not look at.

How a verdict comes about:

runs     every word of the rule means here what it means in Home Assistant. Names that are not among the files read (a script, a scene, a self-made
         device; entities of devices anyway) make no difference to the rule: they are notes, and what the hub then misses it tells itself. A
         notice runs when its words arrive: they come by the hub's own channels, wherever they were meant to go and however they were to look there.
         An old spelling runs as what it is called today.
differs  it runs, and something of it is otherwise: a part is left out that only says or shows something, or the lesser part of what it does; one of
         its triggers is never set off here; it reads a kind of device that no dialect brings today, and waits for one; people were to answer a notice;
         the settings must allow what it does; a secret is not among the files (then it comes in switched off).
cannot   the loader refuses it; nothing ever sets it off; the larger part of what it does is unknown here; a template asks for what the sandbox has not.

In doubt it is the worse of two: what is said to run must run.
"""

from collections.abc import Mapping
from dataclasses import replace

from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.spelling import automation_fields, script_fields
from hub_agent.errors import DefinitionError
from hub_agent.importing.blueprints import written_out
from hub_agent.importing.calls import Calls
from hub_agent.importing.case import Case, known_in, mapping
from hub_agent.importing.gaps import filled, look_at_gaps, note_secrets_told
from hub_agent.importing.hearing import look_at_triggers
from hub_agent.importing.home import Found, HomeFiles
from hub_agent.importing.macros import Macros
from hub_agent.importing.names import look_at_names
from hub_agent.importing.registry import Registry
from hub_agent.importing.template_check import TemplateCheck
from hub_agent.importing.translating import Translator
from hub_agent.importing.verdict import Judged, Reason
from hub_agent.model.definition import Definition
from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.templating import Templates, is_template
from hub_agent.written.placed import PlacedMap, find_place, plain, texts_in

# The API takes 500 with the kind.
KEY_CHARS_MAX = 400


class Rules:
    def __init__(self, home: HomeFiles, registry: Registry, templates: Templates) -> None:
        self._home = home
        self._registry = registry
        self._templates = templates
        self._macros = Macros(home.folder)
        self._check = TemplateCheck(templates)
        self._known = known_in(home)
        self.calls = Calls(self._known)

    def judge(self, found: Found) -> Judged:
        try:
            return self._judge(found)
        except DefinitionError as err:
            config = found.config
            place = find_place(config, err.where, found.place)
            words = str(err).removeprefix(f"{err.where}: ")
            code = "blueprint" if err.where.startswith("use_blueprint") else "not_understood"
            reason = Reason(code, words, place.file, place.line, err.where, "cannot")
            return self._judged(found, config if isinstance(config, PlacedMap) else None, (reason,), None)

    def _judge(self, found: Found) -> Judged:
        if not isinstance(found.config, PlacedMap):
            raise DefinitionError("must be a mapping with triggers and actions", "")
        config = found.config
        if "use_blueprint" in config:
            config = written_out(self._home.folder, found.kind, config)
        translator = Translator(self._registry, self._macros)
        translated = translator.translate(config)
        complete = filled(translated)
        assert isinstance(translated, PlacedMap)
        assert isinstance(complete, PlacedMap)
        row = plain(_row_of(found, complete))
        assert isinstance(row, dict)
        case = Case(found, translated, row)
        for path, words, severity in translator.notes:
            case.add("translated", words, path, severity)
        for path, words in translator.gaps:
            told = f"{words}, which is not among the files: the rule comes in switched off; import it again with that folder"
            case.add("registry_missing", told, path)
            case.row["is_enabled"] = False
        look_at_gaps(case)
        look_at_triggers(case, self._known)
        self.calls.look_at(case)
        self.calls.leave_out(case)
        self._load(case)
        self._look_at_templates(case)
        look_at_names(case, self._known)
        note_secrets_told(case, self._home.folder.secret_by_value)
        place = found.place
        row["metadata"] = {
            **mapping(row.get("metadata")),
            "imported_from": {
                "file": place.file,
                "line": place.line,
                "id": _key_of(found, config),
                # So that it is switched on when it comes again with all that it needs.
                **({"is_incomplete": True} if row.get("is_enabled") is False else {}),
            },
        }
        return self._judged(found, config, tuple(case.reasons), row)

    def _judged(
        self, found: Found, config: PlacedMap | None, reasons: tuple[Reason, ...], row: Mapping[str, JsonValue] | None
    ) -> Judged:
        masked = self._home.folder.masked
        alias = config.get("alias") if config is not None else None
        name = str(alias) if alias is not None else found.key or (_own_id(config) if config is not None else None)
        named = name or f"{found.place.file}:{found.place.line}"
        reasons = tuple(replace(each, text=masked(each.text)) for each in reasons)
        return Judged(
            found.kind,
            f"{found.kind}/{_key_of(found, config)}",
            masked(named),
            found.place.file,
            found.place.line,
            reasons,
            None if any(each.is_fatal for each in reasons) else row,
            has_own_id=config is not None and _own_id(config) is not None,
        )

    def _load(self, case: Case) -> None:
        try:
            read_program(Definition(case.found.kind, "imported", case.row), self._templates)
        except DefinitionError as err:
            words = str(err).removeprefix(f"{err.where}: ")
            case.add("not_understood", words, err.where, "cannot")

    def _look_at_templates(self, case: Case) -> None:
        for path, text in texts_in(case.parts()):
            if is_template(text):
                where = path.removeprefix("metadata/")
                for file in self._check.files(text):
                    words = f"the template takes parts from custom_templates/{file}, which is not among the files: the rule comes in switched off; import it again with that folder"
                    case.add("macros_missing", words, where)
                    case.row["is_enabled"] = False
                for name in self._check.hollow(text):
                    words = f"the template asks {name}(): this hub answers as a home that has nothing of the kind"
                    case.add("template_hollow", words, where)
                for words in self._check.faults(text):
                    case.add("template", words, where, "cannot")


def _row_of(found: Found, config: PlacedMap) -> JsonValue:
    if found.kind == "script":
        return dict(script_fields(found.key or slugify(str(config.get("alias", "script"))), config))
    return dict(automation_fields(config))


def _key_of(found: Found, config: PlacedMap | None) -> str:
    """By which the rule is known again when it is imported anew: its id, its name, or else where it stands."""
    alias = config.get("alias") if config is not None else None
    own = _own_id(config) if config is not None and found.kind != "script" else found.key
    name = own or found.key or (None if alias is None else str(alias))
    return (name or f"{found.place.file}#{found.place.line}")[:KEY_CHARS_MAX]


def _own_id(config: PlacedMap) -> str | None:
    own = config.get("id")
    return str(own) if own is not None else None
