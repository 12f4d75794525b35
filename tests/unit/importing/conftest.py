"""A configuration folder written for one test: `read({"automations.yaml": "..."})` gives the report."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from hub_agent.importing.judging import judge_path
from hub_agent.importing.verdict import Judged, Report

Read = Callable[[Mapping[str, str]], Report]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def judged(files: Mapping[str, str]) -> Report:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return judge_path(tmp_path)

    return judged


@pytest.fixture
def rule(read: Read) -> Callable[[str], Judged]:
    """The one automation of an automations.yaml."""

    def judged(text: str) -> Judged:
        [found] = read({"automations.yaml": text}).automations
        return found

    return judged
