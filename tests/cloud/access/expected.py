"""who_may.txt, read: who is expected to reach which relation how."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# What reaches beyond one's own home, if a line names it at all.
EVERYWHERE = {"support", "admin", "service_role"}


@dataclass(frozen=True)
class Expectation:
    own: dict[str, set[str]]
    foreign: dict[str, set[str]]


def _sections(file: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in (Path(__file__).parent / file).read_text().splitlines():
        line = raw.partition("#")[0].rstrip()
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        elif line.startswith(" "):
            lines[-1] += line
        elif line:
            lines.append(line)
    return sections


def _classes(lines: list[str]) -> dict[str, set[str]]:
    classes: dict[str, set[str]] = {"nobody": set()}
    for line in lines:
        name, members = (part.strip() for part in line.split("="))
        classes[name] = set().union(*(classes.get(member, {member}) for member in members.split()))
    return classes


def _foreign(cell: list[str], people: set[str]) -> set[str]:
    if "everyone" in cell:
        return people
    if "anyone" in cell:
        return people & {"admin", "service_role"}
    return people & EVERYWHERE | ({"stranger"} if "owner" in people else set())


def read() -> tuple[dict[str, Expectation], list[str]]:
    """Expectations by relation of schema public, and the patterns of what is closed to all clients."""
    sections = _sections("who_may.txt")
    classes = _classes(sections["classes"])
    expected = {}
    for line in sections["relations"]:
        name, *cells = (part.strip() for part in line.split("|"))
        own, foreign = {}, {}
        for verb, cell in zip(VERBS, cells, strict=True):
            words = cell.split()
            people = set().union(*(classes.get(word, {word}) for word in words))
            people |= {"service_role"} if words != ["nobody"] else set()
            own[verb], foreign[verb] = people, _foreign(words, people)
        expected[name] = Expectation(own, foreign)
    return expected, sections["closed"]


def is_closed(relation: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(relation, pattern) for pattern in patterns)


def read_columns() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The columns people may write, and those nobody who is logged in may read, by relation."""
    sections = _sections("columns.txt")
    writable, hidden = (
        {name.strip(): set(columns.split()) for name, columns in (line.split("=") for line in sections[part])}
        for part in ("writable", "hidden")
    )
    return writable, hidden


def read_functions() -> dict[str, str]:
    """Which class of callers a function of schema public is for."""
    return {name: kind for kind, lines in _sections("functions.txt").items() for line in lines for name in line.split()}
