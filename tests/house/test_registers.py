"""What is declared in one place and used in another agrees: issues, errors, settings, streams, functions, remedies, commands, locks."""

import ast
import inspect
import json
import re
import runpy
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hub_agent import cli, errors
from hub_agent.adapters.links.registry import LINKINGS
from hub_agent.config import NAMED_SECTIONS, Config, render_default
from hub_agent.core.forecasts.models import MODELS
from hub_agent.core.healing.remedies import LADDER, action_id
from hub_agent.core.sync import columns
from hub_agent.model.healing import Symptom
from hub_agent.model.issue import ISSUES
from hub_agent.model.record import CASES, STREAMS
from tests.house.repository import AGENT, ROOT, calls_in, files, named, python_files, tree_of

SQL = "\n".join(
    path.read_text(encoding="utf-8")
    for path in files()
    if path.suffix == ".sql" and ROOT / "cloud_schema" in path.parents
)
DECLARATIONS = (ROOT / "cloud_schema/sql/replaceable/10_0_declarations.sql").read_text(encoding="utf-8")

# Registered, and raised by nobody yet.
# Exceptions that never leave the room where they stand: caught there, and made into a value or an answer.
INNER_ERRORS = {
    "hub_agent/cli/simulate.py": {"_Unreadable"},  # a file: said and counted
    "hub_agent/core/automation/conditions/condition.py": {"ConditionError"},  # the condition's outcome
    "hub_agent/core/automation/limits.py": {"NotANumber"},  # the limit does not hold
    "hub_agent/core/automation/signals.py": {"Signal"},  # how a run ends: `stop`, a failed step
    "hub_agent/core/automation/triggers/trigger.py": {"OnlyARunKnows"},  # the trigger is read when a run begins to wait
    "hub_agent/core/scenario.py": {"NotAScenario"},  # for `nexa-hub simulate` only
    "hub_agent/drivers/homeassistant/driver.py": {"_Released"},  # the message is passed over
    "hub_agent/drivers/homeassistant/facet.py": {"Unreadable"},  # becomes Rejected
    "hub_agent/drivers/homeassistant/options.py": {"Wrong"},  # becomes Rejected
    "hub_agent/drivers/tasmota/setup.py": {"Wrong"},  # becomes Rejected
    "hub_agent/templating/bounds.py": {"TooLarge"},  # becomes TemplateError
    "hub_agent/web/pairing.py": {"PairingRefused"},  # becomes 403 or 429
}
BUILT_IN_ERRORS = {"Exception", "BaseException", "ValueError", "RuntimeError", "LookupError", "KeyError", "TypeError"}


def _issues_made() -> set[str]:
    """The first arguments of `Issue(...)` that are written there."""
    return {
        str(call.args[0].value)
        for path in python_files(AGENT)
        for called, call in calls_in(path)
        if called == "Issue" and call.args and isinstance(call.args[0], ast.Constant)
    }


def _issues_named() -> set[str]:
    """Codes that stand anywhere but in the register, in examples, and where an issue is cleared."""
    codes: set[str] = set()
    for path in python_files(AGENT):
        if path == AGENT / "model/issue.py" or AGENT / "web" in path.parents:
            continue
        cleared = {
            id(argument) for called, call in calls_in(path) if called == "IssueCleared" for argument in call.args
        }
        codes |= {
            node.value
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in cleared
        }
    return codes


# Issues and errors.


def test_every_issue_that_is_raised_is_registered() -> None:
    assert _issues_made() | {symptom.value for symptom in Symptom} <= set(ISSUES)


def test_every_registered_issue_is_raised_somewhere() -> None:
    assert set(ISSUES) <= _issues_named()


def test_every_issue_speaks_to_people() -> None:
    for code, kind in ISSUES.items():
        assert kind.code == code
        assert kind.severity in {"info", "warning", "error", "critical"}
        assert kind.text.strip().endswith((".", "}", "mosquitto", "doctor")), code


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+)(\s|$)", line)
        if not found or (above and not found[1]) or (not above and found[2] != "HubAgentError"):
            continue
        depth = len(found[1])
        above = [(d, name) for d, name in above if d < depth]
        drawn[found[2]] = above[-1][1] if above else "Exception"
        above.append((depth, found[2]))
    real = {
        name: kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }

    assert drawn == real


def test_no_error_strays_from_the_tree() -> None:
    strays: dict[str, set[str]] = {}
    for path in python_files(AGENT):
        if path == AGENT / "errors.py":
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & BUILT_IN_ERRORS:
                strays.setdefault(named(path), set()).add(node.name)

    assert strays == INNER_ERRORS, "derive it from OperatingError and draw it in errors.py, or say here who catches it"


# Settings and commands.


def test_the_installed_settings_file_is_what_the_defaults_render_to() -> None:
    written = (ROOT / "deploy/nexa-hub.toml").read_text(encoding="utf-8")

    assert written == render_default(), "run: nexa-hub config --default > deploy/nexa-hub.toml"


def test_every_setting_stands_in_the_installed_file_with_words() -> None:
    lines = (ROOT / "deploy/nexa-hub.toml").read_text(encoding="utf-8").splitlines()
    named = {name: section for name, (section, _) in NAMED_SECTIONS.items()}
    for name, section in Config.model_fields.items():
        for key, field in named.get(name, section.annotation).model_fields.items():
            assert any(line.startswith(f"# {key} = ") for line in lines), key
            assert field.description, key


def _commands() -> list[str]:
    found = []
    for name in cli.COMMANDS:
        command = import_module(f"hub_agent.cli.{cli.COMMANDS[name][0]}").command
        found.append(name)
        if isinstance(command, click.Group):
            found += [f"{name} {each}" for each in command.commands]
    return found


@pytest.mark.parametrize("spelled", _commands())
def test_every_command_says_what_it_does(spelled: str) -> None:
    command: click.Command = cli.cli
    for part in spelled.split():
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), part)
    assert command.help
    assert command.help.strip().endswith((".", ")", '"', "2", "nexa-hub"))


def test_every_command_stands_among_those_that_people_are_told_of() -> None:
    told = (ROOT / "deploy/USING.md").read_text(encoding="utf-8")

    assert [name for name in cli.COMMANDS if f"nexa-hub {name}" not in told] == []


def test_every_file_of_a_command_is_listed() -> None:
    modules = {module for module, _ in cli.COMMANDS.values()}
    there = {path.stem for path in python_files(AGENT / "cli")} - {
        "__init__",
        "automations_changed",
        "discovered",
        "link",
        "replay",
        "words",
    }  # what commands share

    assert there == modules


# Hub and cloud.


def _declared_streams() -> dict[str, tuple[str, set[str], bool]]:
    """Stream -> (time column, columns, is a case)"""
    table = DECLARATIONS.partition("INSERT INTO hub_streams")[2].partition("ON CONFLICT")[0]
    rows = re.findall(r"\('(\w+)', '\w+',\s+'\{([\w,]+)\}',\s+'(\w+)', '\{[\w,]+\}', '\{[^']*\}', (true|false),", table)
    return {stream: (time, set(names.split(",")), is_case == "true") for stream, names, time, is_case in rows}


def test_the_streams_of_the_hub_are_those_that_the_cloud_takes() -> None:
    declared = _declared_streams()

    assert {stream for stream, (_, _, is_case) in declared.items() if not is_case} == set(STREAMS)
    for name, stream in STREAMS.items():
        assert declared[name][0] == stream.time_column


def test_cases_go_only_into_tables_that_the_cloud_takes() -> None:
    cases = {stream: time for stream, (time, _, is_case) in _declared_streams().items() if is_case}
    sent = {
        call.args[0].value
        for path in python_files(AGENT / "core")
        for called, call in calls_in(path)
        if called == "AppendCase" and isinstance(call.args[0], ast.Constant)
    }

    assert sent <= CASES.keys()
    assert {table: kind.time_column for table, kind in CASES.items()} == cases


def test_every_function_that_the_hub_calls_exists_in_the_cloud() -> None:
    called = set(re.findall(r'"(hub_\w+_v\d+)"', (AGENT / "adapters/cloud.py").read_text(encoding="utf-8")))
    gateway = (ROOT / "cloud_schema/gateway/database.py").read_text(encoding="utf-8")

    assert called
    for function in called:
        assert f"FUNCTION public.{function}(" in SQL or f"FUNCTION {function}(" in SQL, function
        assert f'"{function}"' in gateway, function


def test_hub_and_cloud_agree_who_owns_which_column() -> None:
    table = DECLARATIONS.partition("INSERT INTO hub_definition_kinds")[2].partition("ON CONFLICT")[0]
    rows = re.findall(r"\('(\w+)', \d+, '\w+',\s+((?:'\{[\w,]*\}',?\s*)+)", table)
    kinds = {
        kind: [set(filter(None, group.split(","))) for group in re.findall(r"'\{([\w,]*)\}'", rest)]
        for kind, rest in rows
    }

    assert tuple(kinds) == columns.KINDS
    for kind, (people, manual, _hub, observed, cloud, _joined) in kinds.items():
        assert columns.MANUAL_COLUMNS.get(kind, frozenset()) == manual, kind
        assert observed <= columns.OBSERVED_COLUMNS.get(kind, frozenset()), kind
        assert (kind in columns.DOWN_KINDS) is (not people), kind
        if people:
            assert cloud <= columns.CLOUD_COLUMNS.get(kind, frozenset()), kind


def test_every_remedy_stands_in_the_catalogue_under_its_id() -> None:
    sql = ROOT / "cloud_schema/sql"
    seeded = "".join((sql / name).read_text(encoding="utf-8") for name in ("seed.sql", "seed_healing.sql"))
    for remedy in LADDER:
        assert f"('{action_id(remedy)}', '{remedy.name}', '{remedy.action_type}'" in seeded, remedy.name


def test_every_model_stands_in_the_catalogue_under_its_id_with_its_parameters() -> None:
    seeded = (ROOT / "cloud_schema/sql/seed.sql").read_text(encoding="utf-8")
    for model in MODELS:
        found = re.search(
            rf"\('{model.id}', '{model.name}', '{model.model_type}', '{model.version}', '{model.algorithm}', '(.*?)'",
            seeded,
        )
        assert found, model.name
        assert json.loads(found[1]) == model.defaults, model.name
        assert model.description in seeded


# Locks.

_DIALECTS = sorted({place.extra for place in LINKINGS.values() if place.extra} | {"upnp"})
_LOCKS = (
    "deploy/requirements.txt",
    "deploy/requirements-dialects.txt",
    "deploy/requirements-demo.txt",
    "tests/requirements.txt",
)


def _locked(lock: Path) -> set[str]:
    text = lock.read_text(encoding="utf-8")
    return {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==", text, re.MULTILINE)}


@pytest.mark.parametrize(
    "lock, extras",
    [
        ("deploy/requirements.txt", ("build",)),
        ("deploy/requirements-dialects.txt", ("build", "zstd", *_DIALECTS)),
        ("deploy/requirements-demo.txt", ("build", "cloud", "demo", "nats")),
        ("tests/requirements.txt", ("build", "cloud", "demo", "nats", "test", "zstd", *_DIALECTS)),
    ],
)
def test_every_dependency_is_locked_in_a_version_that_is_allowed(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(each for extra in extras for each in project["optional-dependencies"][extra])]
    text = (ROOT / lock).read_text(encoding="utf-8")
    for requirement in map(Requirement, asked):
        if requirement.name == project["name"]:
            continue
        assert canonicalize_name(requirement.name) in _locked(ROOT / lock), f"run deploy/lock: {requirement.name}"
        versions = re.findall(rf"(?mi)^{re.escape(requirement.name)}(?:\[[^\]]*\])?==([^\s;\\]+)", text)
        assert all(version in requirement.specifier for version in versions), f"run deploy/lock: {requirement}"


def test_every_locked_package_has_hashes() -> None:
    for lock in _LOCKS:
        entries = re.split(r"(?m)^(?=[A-Za-z0-9_.-]+(?:\[[^\]]*\])?==)", (ROOT / lock).read_text(encoding="utf-8"))[1:]
        assert entries
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_a_hub_has_what_the_dialects_were_tested_with() -> None:
    locked = {lock: (ROOT / lock).read_text(encoding="utf-8") for lock in _LOCKS}
    versions = {
        lock: set(re.findall(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text))
        for lock, text in locked.items()
    }

    assert versions["deploy/requirements.txt"] <= versions["deploy/requirements-dialects.txt"]
    assert versions["deploy/requirements-dialects.txt"] <= versions["tests/requirements.txt"]


def test_the_licence_of_everything_that_is_installed_is_told() -> None:
    written = runpy.run_path(str(ROOT / "deploy/licences.py"))["written"]()

    assert (ROOT / "deploy/THIRD_PARTY.md").read_text(encoding="utf-8") == written, "run: python deploy/licences.py"
