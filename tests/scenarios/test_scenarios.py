import json
from pathlib import Path

import jsonschema
import pytest

from hub_agent.core.scenario import run_scenario, scenarios_in

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.glob("*.json") if path.name != "schema.json")
SCHEMA = json.loads((HERE / "schema.json").read_text())

SCENARIOS = [
    pytest.param(scenario, area, id=f"{area}-{scenario['name']}")
    for path in FILES
    for scenario, area in scenarios_in(json.loads(path.read_text()))
]


@pytest.mark.parametrize("scenario, area", SCENARIOS)
def test_scenario(scenario, area) -> None:
    verdict = run_scenario(scenario, area)

    assert verdict.passed, json.dumps(verdict.as_json(), indent=1)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_have_the_form_that_is_described(path) -> None:
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)


def test_names_are_unique_in_their_area() -> None:
    names = [param.id for param in SCENARIOS]

    assert len(set(names)) == len(names)
