"""The importer's one door: a path in, a report out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from hub_agent.importing.commands import settings_for
from hub_agent.importing.helpers import judge_helpers, stored_helpers, zones_of
from hub_agent.importing.home import read_home
from hub_agent.importing.registry import read_registry
from hub_agent.importing.rules import Rules
from hub_agent.importing.scenes import judge_scene
from hub_agent.importing.template_check import hub_templates
from hub_agent.importing.verdict import Judged, Reason, Report
from hub_agent.model.json import JsonObject

# Scripts that call scripts that cannot run cannot run either; chains longer than this are judged as if they ended here.
ROUNDS_MAX = 10


def judge_path(path: Path) -> Report:
    """Of a folder or file of Home Assistant's configuration. Raises FileNotUnderstood where nothing can be read at all."""
    home = read_home(path)
    registry = read_registry(home.folder.root)
    home.helpers += stored_helpers(home.folder.root, registry)
    rules = Rules(home, registry, hub_templates())
    scripts = [rules.judge(each) for each in home.of_kind("script")]
    for _ in range(ROUNDS_MAX):
        broken = {each.key.partition("/")[2] for each in scripts if each.verdict == "cannot"}
        if broken == rules.calls.broken_scripts:
            break
        rules.calls.broken_scripts = broken
        scripts = [rules.judge(each) for each in home.of_kind("script")]
    rules.calls.other_scripts = {each.key.partition("/")[2] for each in scripts if each.verdict == "differs"}
    return Report(
        automations=_told_apart(rules.judge(each) for each in home.of_kind("automation")),
        scripts=_told_apart(scripts),
        scenes=_told_apart(judge_scene(home.folder, each) for each in home.of_kind("scene")),
        helpers=judge_helpers(home.folder, home.helpers),
        zones=zones_of(home.folder, home.helpers),
        commands=settings_for(home.folder, home.commands),
        problems=home.folder.problems,
        files_read=home.folder.files_read,
    )


def _told_apart(judged: Iterable[Judged]) -> list[Judged]:
    """Home Assistant takes one script of a name and one automation of an id; automations may share a name."""
    seen: Counter[str] = Counter()
    found: list[Judged] = []
    for each in judged:
        seen[each.key] += 1
        count = seen[each.key]
        if count == 1:
            found.append(each)
        elif each.kind == "script" or each.has_own_id:
            words = f"another {each.kind} is known as {each.key.partition('/')[2]}: only the first is taken"
            reason = Reason("duplicate", words, each.file, each.line, "id", "cannot")
            found.append(replace(each, reasons=(*each.reasons, reason), fields=None))
        else:
            key = f"{each.key}#{count}"
            found.append(replace(each, key=key, fields=_renamed(each.fields, key)))
    return found


def _renamed(fields: JsonObject | None, key: str) -> JsonObject | None:
    """The row says under which key it is known again."""
    metadata = fields.get("metadata") if fields is not None else None
    source = metadata.get("imported_from") if isinstance(metadata, Mapping) else None
    if fields is None or not isinstance(metadata, Mapping) or not isinstance(source, Mapping):
        return fields
    return {**fields, "metadata": {**metadata, "imported_from": {**source, "id": key.partition("/")[2]}}}
