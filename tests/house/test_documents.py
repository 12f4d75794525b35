"""What the documents name is there: files, commands, the rooms of the house, the durability window."""

import re
from pathlib import Path

import pytest

from hub_agent.core.commands import TIME_TO_LIVE
from hub_agent.runtime.loop import LAZY_S_MAX
from tests.house.repository import AGENT, ROOT, files, named

DOCUMENTS = [path for path in files() if path.suffix == ".md" and ROOT / "tests/recorded" not in path.parents]
OURS = [ROOT / name for name in ("README.md", "hub_agent/ARCHITECTURE.md", "tests/README.md")]

TOP = tuple(sorted({named(path).split("/")[0] for path in files()} - {"README.md", "LICENSE", "pyproject.toml"}))
# `a/b.py`, `a/b/`, `a/<dialect>.py`, each maybe with a name after it: `a/b.py NAME`
PATH = re.compile(rf"`((?:\./)?(?:{'|'.join(map(re.escape, TOP))})/[\w./<>*-]*)(?:[ :][^`]*)?`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")


def _is_there(name: str) -> bool:
    name = name.removeprefix("./").rstrip(":")
    if "<" in name or "*" in name:
        return (ROOT / re.split("[<*]", name)[0].rpartition("/")[0]).is_dir()
    return (ROOT / name).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [name for name in PATH.findall(text) if not _is_there(name)]
    missing += [name for name in LINK.findall(text) if not (document.parent / name).exists()]

    assert missing == []


def test_the_documents_name_enough_paths_for_this_to_mean_something() -> None:
    for document in OURS:
        assert len(set(PATH.findall(document.read_text(encoding="utf-8")))) > 10, named(document)


def test_every_path_below_the_agent_that_the_architecture_names_exists() -> None:
    text = (AGENT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = "|".join(path.name for path in AGENT.iterdir() if path.is_dir())
    named_paths = re.findall(rf"`((?:{rooms})/[\w./]*)`", text)

    assert len(named_paths) > 20
    assert [name for name in named_paths if not (AGENT / name).exists()] == []


def test_every_name_of_the_code_that_the_architecture_uses_is_there() -> None:
    text = (AGENT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    folders = {AGENT, ROOT / "cloud_schema"}
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in files()
        if path.suffix in {".py", ".sql"} and folders & set(path.parents)
    )
    # `Loop.turn`, `Mirror.commit`, `STREAMS`, `default_drivers`, `CommandSent`
    names = set(re.findall(r"`((?:[A-Z]\w+\.)?[A-Za-z_]\w+)(?:\([^`]*\))?`", text)) - {"pyproject"}
    missing = [name for name in names if not re.search(rf"\b{name.rpartition('.')[2]}\b", source)]

    assert missing == []


def test_every_room_of_the_agent_is_on_the_map() -> None:
    rooms = {named(path).split("/")[1] for path in files() if AGENT in path.parents and path.parent != AGENT}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    architecture = (AGENT / "ARCHITECTURE.md").read_text(encoding="utf-8")

    assert [room for room in sorted(rooms) if f"hub_agent/{room}/" not in readme] == []
    assert [room for room in sorted(rooms) if f"`{room}" not in architecture] == []


def test_every_room_of_tests_says_what_it_proves() -> None:
    rooms = {named(path).split("/")[1] for path in files() if (ROOT / "tests") in path.parent.parents}
    readme = (ROOT / "tests/README.md").read_text(encoding="utf-8")

    assert [room for room in sorted(rooms) if f"`tests/{room}/`" not in readme] == []


def test_every_folder_at_the_top_is_on_the_map() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {named(path).split("/")[0] for path in files() if path.parent != ROOT}

    assert [folder for folder in sorted(folders) if f"{folder}/" not in readme] == []


def test_the_commands_of_the_readme_can_be_started() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    started = set(
        re.findall(
            r"(?m)^(?:sudo )?(\./\S+|deploy/\S+|tests/\S+)", "\n".join(re.findall(r"(?s)```sh\n(.*?)```", readme))
        )
    )

    assert {"./deploy/demo", "./tests/check"} <= started
    for command in started:
        assert (ROOT / command).stat().st_mode & 0o111, command


def test_the_options_of_the_demo_that_are_documented_exist() -> None:
    demo = (ROOT / "deploy/demo.py").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        for option in re.findall(r"deploy/demo[^\n`]*?(--[a-z-]+)", document.read_text(encoding="utf-8")):
            assert option == "--help" or f'"{option}"' in demo, f"{named(document)}: {option}"


def test_the_options_of_the_installer_that_are_documented_exist() -> None:
    installer = (ROOT / "deploy/install.sh").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        for line in re.findall(r"deploy/install\.sh([^\n`]*)", document.read_text(encoding="utf-8")):
            for option in re.findall(r"--[a-z-]+", line.partition("#")[0]):
                assert f"{option})" in installer, f"{named(document)}: {option}"


def test_the_words_of_tests_check_are_documented() -> None:
    script = (ROOT / "tests/check").read_text(encoding="utf-8")
    words = set(re.findall(r"(?m)^    (\w+)\)", script)) - {"all"}
    readme = (ROOT / "tests/README.md").read_text(encoding="utf-8")

    assert [word for word in sorted(words) if f"tests/check {word}" not in readme] == []


def test_the_durability_window_that_is_promised_is_the_one_that_is_kept() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"after at most {LAZY_S_MAX:g} second" in readme
    assert f"expires after {TIME_TO_LIVE.total_seconds():g} seconds" in readme


def test_the_environment_variables_of_the_tests_are_documented() -> None:
    used = {
        name
        for path in files()
        if path.suffix == ".py" and ROOT / "tests" in path.parents and ROOT / "tests/unit" not in path.parents
        for name in re.findall(r"\bNEXA_(?:TEST|FIXTURES|SNAPSHOTS|BENCH)\w*", path.read_text(encoding="utf-8"))
    }
    readme = (ROOT / "tests/README.md").read_text(encoding="utf-8")

    assert [name for name in sorted(used) if name not in readme] == []


def test_every_dialect_says_what_works_what_it_was_tested_against_and_what_not() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    dialects = sorted(path.parent for path in (AGENT / "drivers").glob("*/driver.py"))

    assert len(dialects) > 10
    for dialect in dialects:
        text = (dialect / "README.md").read_text(encoding="utf-8")
        assert re.match(r"# \S", text), f"{dialect.name}: a heading"
        chapters = re.findall(r"(?m)^## (.+)$", text)
        missing = {"What works", "Tested against", "What does not work"} - set(chapters)
        assert not missing, f"{dialect.name}: {missing}"
        assert any("ddress" in chapter for chapter in chapters), f"{dialect.name}: how its peers are addressed"
        works = text.partition("## What works")[2].partition("\n## ")[0]
        rows = " ".join(line.split("|")[1] for line in works.splitlines() if line.startswith("|")).casefold()
        assert [word for word in ("discover", "state", "availab", "identify") if word not in rows] == [], dialect.name
        assert f"({named(dialect)}/README.md)" in readme, f"{dialect.name}: not in the README's table of dialects"
