"""The importer's one door: a path in, a report out."""

from pathlib import Path

from hub_agent.importing.home import read_home
from hub_agent.importing.registry import read_registry
from hub_agent.importing.rules import Rules
from hub_agent.importing.scenes import judge_scene
from hub_agent.importing.template_check import hub_templates
from hub_agent.importing.verdict import Report

# Scripts that call scripts that cannot run cannot run either; chains longer than this are judged as if they ended here.
ROUNDS_MAX = 10


def judge_path(path: Path) -> Report:
    """Of a folder or file of Home Assistant's configuration. Raises FileNotUnderstood where nothing can be read at all."""
    home = read_home(path)
    rules = Rules(home, read_registry(home.folder.root), hub_templates())
    scripts = [rules.judge(each) for each in home.of_kind("script")]
    for _ in range(ROUNDS_MAX):
        broken = {each.key.partition("/")[2] for each in scripts if each.verdict == "cannot"}
        if broken == rules.broken_scripts:
            break
        rules.broken_scripts = broken
        scripts = [rules.judge(each) for each in home.of_kind("script")]
    return Report(
        automations=[rules.judge(each) for each in home.of_kind("automation")],
        scripts=scripts,
        scenes=[judge_scene(home.folder, each) for each in home.of_kind("scene")],
        helpers=sorted(home.helpers),
        problems=home.folder.problems,
        files_read=home.folder.files_read,
    )
