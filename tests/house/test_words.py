"""What stands in the files: no words of the workshop, no address of one machine, no line numbers, no waiting in tests."""

import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT, calls_in, files, named, python_files

TEXT = {
    ".py",
    ".md",
    ".sql",
    ".toml",
    ".sh",
    ".service",
    ".js",
    ".css",
    ".html",
    ".json",
    ".txt",
    ".conf",
    ".sysusers",
    "",
}
# Data of others is as it is.
FOREIGN = (ROOT / "tests/recorded/data", ROOT / "tests/fakes/home/data")

# One letter of each stands in brackets, so that this file may be looked at as well.
FORBIDDEN = {
    "a place on one machine": r"(?<![\w.])/wor[k]/(main|shared)|/tmp/brief[s]",
    "a number of a tracker": r"\b[Ii]ssues? #?[0-9]+\b|\b(fix|close|resolve)(e?s|d)? #[0-9]",
    "the host of a package registry": r"\bpyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]|npmj[s]\.com|crate[s]\.io",
    "who or what wrote it": r"(?i)\bclaud[e]\b|anthropi[c]|language mode[l]|co-authore[d]-by|chatgp[t]",
    "an unfinished thought": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
}
LINE_NUMBER = re.compile(r"\.(py|sql|js|toml|sh)(:\d+|#L\d+)|\b[Ll]ines? \d+(-\d+)? of `")

# Who may wait for the real clock, and why; everybody else is told what time it is.
MAY_SLEEP = {
    "tests/fakes/home/runner.py": "the demo's home is a process of its own and lives in real time",
}
MAY_SLEEP_ROOMS = (
    "tests/bench/",  # measures real time
    "tests/system/",  # starts real processes and looks at them until they are there
)


def _texts() -> list[Path]:
    return [
        path
        for path in files()
        if path.suffix in TEXT
        and not any(folder in path.parents for folder in FOREIGN)
        and path.stat().st_size < 2_000_000
    ]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in _texts():
        text = path.read_text(encoding="utf-8", errors="replace")
        if "\0" not in text and (match := pattern.search(text)):
            found.append(f"{named(path)}: {match[0]!r}")

    assert found == []


def test_documents_never_quote_line_numbers() -> None:
    quoted = [named(path) for path in _texts() if path.suffix == ".md" and LINE_NUMBER.search(path.read_text("utf-8"))]

    assert quoted == [], "lines move; name the function"


def test_tests_do_not_wait_for_the_real_clock() -> None:
    sleepers = {
        named(path)
        for path in python_files(ROOT / "tests")
        for called, _ in calls_in(path)
        if called in {"time.sleep", "sleep"}
    }

    assert {name for name in sleepers if not name.startswith(MAY_SLEEP_ROOMS)} <= set(MAY_SLEEP)


def test_names_of_tests_are_sentences() -> None:
    short = [
        f"{named(path)} {name}"
        for path in python_files(ROOT / "tests")
        if path.name.startswith("test_")
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if re.search(r"_(works|correctly)$", name)
    ]

    assert short == []
