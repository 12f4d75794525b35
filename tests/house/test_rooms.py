"""Who may know whom, what the pure rooms may use, and how long a file may be."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.repository import AGENT, ROOT, named, python_files

LINES_MAX = 700
# File -> why it is one all the same.
LONGER: dict[str, str] = {}
PURE_ROOMS = ("core", "drivers", "model")
FORBIDDEN = {
    "import time": "time",
    "import asyncio": "asyncio",
    "import random": "random",
    "import threading": "threading",
    "import sqlite3": "sqlite3",
    "import socket": "socket",
    "import subprocess": "subprocess",
    "import logging": "logging",
    "import os": "os",
    "from pathlib import Path": "pathlib.Path",
    "from random import random": "random.random",
    "from secrets import token_hex": "secrets.token_hex",
    "from uuid import uuid4": "uuid.uuid4",
    "from datetime import datetime\n\nNOW = datetime.now()": "datetime.datetime.now",
    "from datetime import date\n\nTODAY = date.today()": "datetime.date.today",
}


def _ruff(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )


def test_rooms_import_only_whom_they_may() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint, "import-linter is part of tests/requirements.txt"

    kept = subprocess.run([lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert kept.returncode == 0, kept.stdout


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_pure_rooms_keep_the_ban_on_clocks_chance_and_files(room: str) -> None:
    checked = _ruff("check", "--no-cache", "--select", "TID251", f"hub_agent/{room}")

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("room", PURE_ROOMS)
@pytest.mark.parametrize("source", FORBIDDEN)
def test_who_reaches_outside_from_a_pure_room_is_told_what_to_do_instead(room: str, source: str) -> None:
    checked = _ruff(
        *("check", "--no-cache", "--select", "TID251", "--output-format", "concise"),
        *("--stdin-filename", f"hub_agent/{room}/probe.py", "-"),
        text=source + "\n",
    )

    told = checked.stdout.splitlines()[0]
    assert "TID251" in told
    assert len(told.split(" is banned: ")[1]) > 20


def test_pure_rooms_open_no_files() -> None:
    # `open` is a builtin: the linter's ban does not reach it.
    for room in PURE_ROOMS:
        for path in python_files(AGENT / room):
            assert "open(" not in path.read_text(encoding="utf-8").replace("_open(", ""), named(path)


def test_files_are_short_enough_to_be_read() -> None:
    lines = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(AGENT)}
    long = {name for name, count in lines.items() if count > LINES_MAX}

    assert long == set(LONGER), "split the file by subject, or say in LONGER why it is one"
