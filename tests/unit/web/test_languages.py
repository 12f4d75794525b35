"""Each word of the page is there in each language, and no language has words that the page, or the hub, no longer says."""

import ast
import json
import re
from pathlib import Path

import pytest

from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.model.issue import ISSUES

STATIC = Path(__file__).parents[3] / "hub_agent" / "web" / "static"
HUBS = sorted((STATIC / "languages").glob("hub.*.json"))
FILES = sorted(set((STATIC / "languages").glob("*.json")) - set(HUBS))
MODULES = sorted(STATIC.glob("*.js"))

_TEXT = r"'((?:[^'\\\n]|\\.)*)'"
_ONE = re.compile(rf"(?<![\w.])t\(\s*{_TEXT}")
_MANY = re.compile(rf"(?<![\w.])tn\(\s*{_TEXT},\s*{_TEXT}")
_ANY = re.compile(r"(?<![\w.])tn?\((?=.)")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)
_HELD = re.compile(r"\{(\w+)\}")


def _plain(text: str) -> str:
    return text.replace("\\'", "'").replace("\\\\", "\\")


def _said(module: Path) -> set[str]:
    source = _COMMENT.sub("", module.read_text())
    return {_plain(text) for text in _ONE.findall(source)} | {_plain(many) for _, many in _MANY.findall(source)}


SAID = set().union(*(_said(module) for module in MODULES))


def _forms(words: str | dict[str, str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_language_has_every_word_of_the_page_and_no_other(file: Path) -> None:
    words = json.loads(file.read_text())
    assert sorted(SAID - words.keys()) == [], f"{file.name} lacks these"
    assert sorted(words.keys() - SAID) == [], f"{file.name} has these, and nothing says them any more"


@pytest.mark.parametrize("file", [*FILES, *HUBS], ids=lambda file: file.stem)
def test_what_is_filled_in_is_the_same_in_every_language(file: Path) -> None:
    words = json.loads(file.read_text())
    wrong = {
        key: form
        for key, value in words.items()
        for form in _forms(value)
        if set(_HELD.findall(form)) - {"count"} != set(_HELD.findall(key)) - {"count"}
    }
    assert wrong == {}


@pytest.mark.parametrize("file", [*FILES, *HUBS], ids=lambda file: file.stem)
def test_a_languages_words_stand_in_order_so_that_two_people_can_add_some(file: Path) -> None:
    words = json.loads(file.read_text())
    assert file.read_text() == json.dumps(dict(sorted(words.items())), ensure_ascii=False, indent=1) + "\n"


def test_the_page_knows_the_languages_that_there_are() -> None:
    [listed] = re.findall(r"LANGUAGES = \{ (.*) \};", (STATIC / "language.js").read_text())
    assert {entry.split(":")[0] for entry in listed.split(", ")} == {"en", *(file.stem for file in FILES)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_what_is_translated_is_written_out_so_that_it_is_found(module: Path) -> None:
    source = re.sub(r"export function tn?\(", "", _COMMENT.sub("", module.read_text()))
    assert len(_ANY.findall(source)) == len(_ONE.findall(source)) + len(_MANY.findall(source))


def _sentences(source: str) -> set[str]:
    """What stands in Python code as text, with {} for what is filled in."""
    found = set()
    tree = ast.parse(source)
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            found.add(_HELD.sub("{}", node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.add("".join(parts))
    return found


@pytest.mark.parametrize("file", HUBS, ids=lambda file: file.stem)
def test_the_sentences_of_the_hub_in_another_language_are_those_it_says(file: Path) -> None:
    rooms = [STATIC.parents[1] / name for name in ("model", "core", "runtime", "web")]
    said: set[str] = set()
    for module in (path for room in rooms for path in room.rglob("*.py")):
        said |= _sentences(module.read_text())
    words = json.loads(file.read_text())
    assert [key for key in words if _HELD.sub("{}", key) not in said] == []


# What people read of an issue beside its own places: {names}, {reason} are words of others.
_HAS_WORDS = re.compile(r"[a-z]{3,}")


@pytest.mark.parametrize("file", HUBS, ids=lambda file: file.stem)
def test_every_issue_and_every_remedy_is_said_in_every_language(file: Path) -> None:
    words = json.loads(file.read_text())
    said = {kind.title for kind in ISSUES.values()} | {remedy.words for remedy in REMEDIES.values()}
    said |= {kind.text for kind in ISSUES.values() if _HAS_WORDS.search(_HELD.sub("", kind.text))}
    known = {_HELD.sub("{}", key) for key in words}
    assert sorted(each for each in said if _HELD.sub("{}", each) not in known) == []


# What healing, diagnosis, security and alerts tell people. A reason that is only noted down, or a refusal, is not among it.
TELLING = (
    "healing/guards.py", "healing/telling.py", "healing/remedies/*.py", "health/score.py",
    "diagnosis/condition.py", "diagnosis/examining.py", "diagnosis/reach.py", "diagnosis/ways.py", "diagnosis/step.py",
    "security/dialects.py", "security/findings.py", "security/incidents.py",
    "alerting/desk.py", "alerting/looking.py", "alerting/told.py",
)  # fmt: skip
_SENTENCE = re.compile(r"(?s)^[^a-z]*[A-Z{].*[a-z]{2,}.* .*[.?]$")


def _without_docs(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.unparse(tree)


@pytest.mark.parametrize("file", HUBS, ids=lambda file: file.stem)
def test_every_sentence_of_what_was_found_and_what_to_do_is_said_in_every_language(file: Path) -> None:
    known = {_HELD.sub("{}", key) for key in json.loads(file.read_text())}
    core = STATIC.parents[1] / "core"
    modules = [path for pattern in TELLING for path in sorted(core.glob(pattern))]
    said = set().union(*(_sentences(_without_docs(module.read_text())) for module in modules))
    assert sorted(each for each in said if _SENTENCE.match(each) and each not in known) == []
