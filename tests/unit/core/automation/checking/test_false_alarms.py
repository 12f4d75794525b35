"""A false alarm is worse than a miss: what is said to be impossible never happens, in no scenario and in no real home."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from hub_agent.core.automation.spelling import automation_fields
from hub_agent.core.scenario import Stage, scenarios_in
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.model.inputs import DefinitionArrived

from .conftest import Home

SCENARIOS = sorted(Path("tests/scenarios").glob("*.json"))
IMPOSSIBLE = {"trigger_never_fires", "condition_never_true"}
# They were written for another hub.
NOT_HERE = {"invalid", "action_unknown"}
# Mistakes of their makers.
REAL_MISTAKES = {
    ("Update iPhone Location when Front Door Opens", "trigger_never_fires"),
    ("Everyone asleep", "steps_never_taken"),
}


def _broken_rules(hub, now) -> list[str]:
    """Those of which it is said that they can never run by themselves."""
    reports = [hub.checks.report(rule.definition.id, now) for rule in hub.automations.rules]
    return [
        each["automation_id"]
        for each in reports
        if any(issue["code"] in IMPOSSIBLE and issue["severity"] == "error" for issue in each["issues"])
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("path", [each for each in SCENARIOS if each.name != "schema.json"], ids=lambda each: each.stem)
def test_a_rule_that_is_said_never_to_run_runs_in_no_scenario(path) -> None:
    wrong = []
    for scenario, _ in scenarios_in(json.loads(path.read_text())):
        if "automation.trigger" in json.dumps(scenario):  # that asks no trigger, and perhaps no condition
            continue
        stage = Stage(scenario, datetime.fromisoformat(scenario["home"]["start"]))
        stage.play()
        ran = stage.hub.automations.present()
        broken = _broken_rules(stage.hub, stage.start)
        wrong += [scenario["name"] for each in broken if ran.get(each, {}).get("total_executions")]

    assert wrong == []


def test_in_real_homes_nothing_is_told_but_what_is_missing_and_what_is_wrong(real_fixtures) -> None:
    found = set()
    for number, path in enumerate(sorted(real_fixtures("automations").glob("*/automations.jsonl"))):
        home = Home()
        for line, text in enumerate(path.read_text().splitlines()):
            try:
                fields = automation_fields(json.loads(text)["automation"])
            except DefinitionError:
                continue
            rule = Definition("automation", f"00000000-0000-4000-8000-{number:04}{line:08}", fields)
            home.tell(DefinitionArrived(rule, is_from_cloud=False))
        for rule in home.hub.automations.rules:
            report = home.hub.checks.report(rule.definition.id, home.now)
            told = [each["code"] for each in [*report["issues"], *report["warnings"]]]
            found |= {(rule.name, code) for code in told if not code.endswith("_missing") and code not in NOT_HERE}

    assert found == REAL_MISTAKES
