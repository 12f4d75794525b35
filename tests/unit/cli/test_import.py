"""nexa-hub import homeassistant, as a person uses it."""

from pathlib import Path

import pytest

GOOD = "- id: '1'\n  alias: Good\n  triggers: [{trigger: sun, event: sunset}]\n  actions: [{action: light.turn_on}]\n"
BAD = "- alias: Bad\n  triggers: [{trigger: sun, event: sunset}]\n  actions: [{action: vendor.fly}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "homeassistant"
    folder.mkdir()
    (folder / "configuration.yaml").write_text("automation: !include automations.yaml\n")
    (folder / "automations.yaml").write_text(GOOD)
    return folder


def test_a_report_needs_no_agent_and_says_each_verdict(nexa, home, folder) -> None:
    (folder / "automations.yaml").write_text(GOOD + BAD)
    said = nexa("import", "homeassistant", str(folder), "--report")

    assert said.code == 1
    assert said.out.splitlines() == [
        "automations.yaml",
        "  runs    Good (line 1)",
        "  CANNOT  Bad (line 5)",
        "          line 7: vendor.fly: this hub has no such action",
        "2 automations: 1 run, 0 run with a difference, 1 cannot",
    ]


def test_a_report_as_json_has_the_four_parts(nexa, home, folder) -> None:
    said = nexa("import", "homeassistant", str(folder), "--report", "--json")

    assert said.code == 0
    body = said.json()
    assert body["automations"] == [
        {"file": "automations.yaml", "line": 1, "alias": "Good", "verdict": "runs", "reasons": []}
    ]
    assert (body["scenes"], body["scripts"]) == ([], [])
    assert body["totals"]["automations"]["runs"] == 1


def test_what_can_run_is_given_to_the_running_agent_and_the_rest_is_not(nexa, door, folder) -> None:
    (folder / "automations.yaml").write_text(GOOD + BAD)
    said = nexa("import", "homeassistant", str(folder))

    assert said.out.splitlines()[-1] == "Imported 1: 1 new, 0 changed, 0 as they were"
    [(action, asked, _)] = door.asked
    [definition] = asked["definitions"]
    assert (action, definition["kind"], definition["key"]) == ("import", "automation", "automation/1")
    assert definition["fields"]["name"] == "Good"


def test_many_rules_go_in_several_requests(nexa, door, folder) -> None:
    many = "".join(GOOD.replace("'1'", f"'{number}'") for number in range(450))
    (folder / "automations.yaml").write_text(many)
    said = nexa("import", "homeassistant", str(folder))

    assert said.out.splitlines()[-1].startswith("Imported 450")
    assert len(door.asked) == 3


def test_without_an_agent_nothing_is_imported(nexa, home, folder) -> None:
    assert nexa("import", "homeassistant", str(folder)).code == 3


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_where_there_is_nothing_to_import_it_is_said(nexa, home, tmp_path, path) -> None:
    (tmp_path / "empty").mkdir()
    said = nexa("import", "homeassistant", str(tmp_path / path), "--report")

    assert said.code == 2
    assert said.err.startswith("nexa-hub: ")
