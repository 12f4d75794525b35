"""What is said to run does run: rules of real homes are set off in a simulation, and do what their files say."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hub_agent.core.scenario import run_scenario
from hub_agent.importing.judging import judge_path
from hub_agent.importing.verdict import Judged
from tests.unit.importing.acted_out import acted_out
from tests.unit.importing.lived_through import lived_through

# So many can be understood without running them. Fewer would mean that the rest is no longer looked at.
ACTED_OUT_MIN = 120
LIVED_THROUGH_MIN = 300
WORLDS = 3
# In so many of them the rule goes one way, and in so many the other.
BUSY_MIN, QUIET_MIN = 400, 100


def test_rules_that_are_said_to_run_do_what_their_files_say(real_fixtures: Callable[[str], Path]) -> None:
    seen, failed = 0, []
    for written, judged in _said_to_run(real_fixtures("automations")):
        scenario = acted_out(judged.alias, written, judged.fields or {})
        if scenario is not None:
            seen += 1
            verdict = run_scenario(scenario)
            if not verdict.passed:
                failed.append(verdict.as_json())

    assert failed == []
    assert seen >= ACTED_OUT_MIN


def test_in_any_world_they_do_what_a_second_reading_of_their_files_says(real_fixtures: Callable[[str], Path]) -> None:
    """Conditions that hold and that do not, all branches, templates in data: the world is another each time."""
    seen, busy, quiet, failed = 0, 0, 0, []
    for written, judged in _said_to_run(real_fixtures("automations")):
        lives = [lived_through(judged.alias, written, judged.fields or {}, seed) for seed in range(WORLDS)]
        seen += any(life is not None for life in lives)
        for scenario, count in (life for life in lives if life is not None):
            busy, quiet = busy + (count > 0), quiet + (count == 0)
            verdict = run_scenario(scenario)
            if not verdict.passed:
                failed.append((scenario, verdict.as_json()))

    assert failed == []
    assert (seen >= LIVED_THROUGH_MIN, busy >= BUSY_MIN, quiet >= QUIET_MIN) == (True, True, True)


def _said_to_run(base: Path) -> Iterator[tuple[dict[str, Any], Judged]]:
    """Such as can be found by their name in what was written."""
    for folder in sorted(path for path in base.iterdir() if path.is_dir()):
        written: dict[str, list[dict[str, Any]]] = {}
        for line in (folder / "automations.jsonl").read_text(encoding="utf-8").splitlines():
            # By its name of today, which Home Assistant gave it in 2016.
            rule = json.loads(line.replace("input_slider.", "input_number."))["automation"]
            written.setdefault(str(rule.get("alias") or rule.get("id")), []).append(rule)
        for judged in _judged(folder / "yaml"):
            rules = written.get(judged.alias, [])
            if judged.verdict == "runs" and judged.fields is not None and len(rules) == 1:
                yield rules[0], judged


@cache
def _judged(path: Path) -> list[Judged]:
    return list(judge_path(path).automations)
