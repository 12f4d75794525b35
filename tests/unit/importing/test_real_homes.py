"""Configurations of real homes, read where they lie: nothing crashes, every verdict says where, and as many run as did."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from hub_agent.core.automation.loading import read_program
from hub_agent.core.scenes.reading import read_scene
from hub_agent.importing.judging import judge_path
from hub_agent.importing.template_check import hub_templates
from hub_agent.importing.verdict import Judged
from hub_agent.model.definition import Definition
from hub_agent.model.ids import SceneId

# Shares of all automations. They may grow; what makes them smaller is a loss to people.
RUNS_SHARE_MIN = 0.53
RUNS_OR_DIFFERS_SHARE_MIN = 0.76


@pytest.fixture(scope="session")
def homes(real_fixtures: Callable[[str], Path]) -> list[tuple[Path, list[Judged]]]:
    folders = sorted(path / "yaml" for path in real_fixtures("automations").iterdir() if path.is_dir())
    return [(folder, judge_path(folder).all) for folder in folders]


def test_every_reason_points_at_a_line_of_a_file(homes: list[tuple[Path, list[Judged]]]) -> None:
    for folder, judged in homes:
        lengths: dict[str, int] = {}
        for reason in (reason for each in judged for reason in each.reasons):
            if reason.file not in lengths:
                lengths[reason.file] = len((folder / reason.file).read_text(encoding="utf-8").splitlines())
            assert 1 <= reason.line <= lengths[reason.file], reason
            assert reason.text.strip()


def test_what_cannot_run_says_why_and_the_rest_loads(homes: list[tuple[Path, list[Judged]]]) -> None:
    templates = hub_templates()
    for _, judged in homes:
        for each in judged:
            if each.verdict == "cannot":
                assert any(reason.is_fatal for reason in each.reasons), each
            elif each.kind == "scene":
                assert read_scene(SceneId("s"), each.fields or {})
            else:
                assert read_program(Definition("automation", "a", each.fields or {}), templates)


def test_as_many_rules_run_as_ever_did(homes: list[tuple[Path, list[Judged]]]) -> None:
    counts = Counter(each.verdict for _, judged in homes for each in judged if each.kind == "automation")

    assert counts["runs"] / counts.total() >= RUNS_SHARE_MIN
    assert 1 - counts["cannot"] / counts.total() >= RUNS_OR_DIFFERS_SHARE_MIN
