"""What is said to run does run: rules of real homes are set off in a simulation, and do what their files say."""

import json
from collections.abc import Callable
from pathlib import Path

from hub_agent.core.scenario import run_scenario
from hub_agent.importing.judging import judge_path
from tests.unit.importing.acted_out import acted_out

# So many can be understood without running them. Fewer would mean that the rest is no longer looked at.
ACTED_OUT_MIN = 100


def test_rules_that_are_said_to_run_do_what_their_files_say(real_fixtures: Callable[[str], Path]) -> None:
    seen, failed = 0, []
    for folder in sorted(path for path in real_fixtures("automations").iterdir() if path.is_dir()):
        written: dict[str, list[dict[str, object]]] = {}
        for line in (folder / "automations.jsonl").read_text(encoding="utf-8").splitlines():
            rule = json.loads(line)["automation"]
            written.setdefault(str(rule.get("alias") or rule.get("id")), []).append(rule)
        for judged in judge_path(folder / "yaml").automations:
            rules = written.get(judged.alias, [])
            if judged.verdict != "runs" or judged.fields is None or len(rules) != 1:
                continue
            scenario = acted_out(judged.alias, rules[0], judged.fields)
            if scenario is None:
                continue
            seen += 1
            verdict = run_scenario(scenario)
            if not verdict.passed:
                failed.append((folder.name, judged.alias, verdict.as_json()))

    assert failed == []
    assert seen >= ACTED_OUT_MIN
