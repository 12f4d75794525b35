import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub_agent.cli.simulate import command

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def simulate(*arguments: str):
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def one(tmp_path):
    """A single scenario in a file of its own; the answer changes it before."""
    scenario = json.loads((SCENARIOS / "modes.json").read_text())["scenarios"][0]

    def write(**changes) -> str:
        path = tmp_path / "one.json"
        path.write_text(json.dumps({**scenario, **changes}))
        return str(path)

    return write


def test_a_file_whose_scenarios_all_pass_gives_exit_status_0() -> None:
    result = simulate(str(SCENARIOS / "modes.json"))

    assert result.exit_code == 0
    assert "5 passed, 0 failed" in result.output


def test_a_failing_scenario_is_shown_with_what_was_expected_and_what_was_seen(one) -> None:
    result = simulate(one(expect=[{"at": "+1s", "action": "notify.other"}]))

    assert result.exit_code == 1
    assert "FAIL" in result.output
    assert 'expected, not seen: {"at": "+1s", "action": "notify.other"}' in result.output
    assert 'seen, not expected: {"at": "+1s", "action": "notify.n1"' in result.output


def test_json_gives_one_object_a_line(one) -> None:
    result = simulate("--json", one(), str(SCENARIOS / "scenes.json"))

    lines = [json.loads(line) for line in result.output.splitlines()]
    assert len(lines) == 5
    assert all(set(line) == {"name", "area", "passed", "observed", "missing", "unexpected", "error"} for line in lines)
    assert [line["area"] for line in lines] == [None, *["scenes"] * 4]


def test_only_the_named_scenario_runs() -> None:
    result = simulate("--only", "toggle_automation", str(SCENARIOS / "modes.json"))

    assert result.output.splitlines() == ["pass  modes/toggle_automation", "1 passed, 0 failed"]


@pytest.mark.parametrize(
    "content, words",
    [
        ("{", "is not JSON"),
        ("1", "neither a scenario nor"),
        ("[1]", "scenario 1 is not a mapping"),
        ('{"scenarios": 5}', "not a list"),
        ('{"automation": {}}', "'home' is missing"),
        ('{"home": {}, "steps": [], "expect": []}', "'automation' or 'automations'"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named_with_the_reason(tmp_path, content, words) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)

    result = simulate(str(path))

    assert result.exit_code == 2
    assert words in result.output
    assert "bad.json" in result.output


def test_a_missing_file_does_not_keep_the_others_from_running(one) -> None:
    result = simulate("nowhere.json", one())

    assert result.exit_code == 2
    assert "cannot be read" in result.output
    assert "1 passed" in result.output


def test_a_scenario_with_a_bad_time_is_refused(one) -> None:
    result = simulate(one(steps=[{"at": "noon", "advance": True}]))

    assert result.exit_code == 2
    assert "'noon' is not a time" in result.output


@pytest.mark.parametrize(
    "expected", [{"action": "notify.n1"}, {"at": "+1s"}, "notify.n1", {"at": "soon", "event": "e"}]
)
def test_an_expectation_without_form_is_refused_in_words(one, expected) -> None:
    result = simulate(one(expect=[expected]))

    assert result.exit_code == 2
    assert "expectation 1" in result.output


def test_a_start_without_offset_is_refused(one) -> None:
    home = {"time_zone": "Europe/Berlin", "latitude": 1, "longitude": 2, "start": "2026-01-14T12:00:00"}

    result = simulate(one(home=home))

    assert result.exit_code == 2
    assert "offset" in result.output


def test_who_reads_by_machine_finds_a_line_also_for_a_scenario_that_cannot_be_played(one) -> None:
    result = simulate("--json", one(steps=[{"at": "+1s", "dance": {}}]), str(SCENARIOS / "scenes.json"))

    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert result.exit_code == 2
    assert [line["passed"] for line in lines] == [False, True, True, True, True]
    assert "dance" in lines[0]["error"]


def test_a_list_of_scenarios_is_a_file_of_them(tmp_path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(json.loads((SCENARIOS / "modes.json").read_text())["scenarios"]))

    assert "5 passed, 0 failed" in simulate(str(path)).output


def test_what_goes_without_saying_may_be_left_out(one) -> None:
    initial = {"light.a": "on", "sensor.b": {"state": "5"}}
    zones = [{"name": "Büro", "latitude": 1, "longitude": 2}]
    state = [{"entity": "light.a", "state": "on"}, {"entity": "zone.buro", "state": "0"}]
    scripts = {"s": {"sequence": []}}

    result = simulate(one(initial=initial, zones=zones, scripts=scripts, expect_state=state))

    assert result.exit_code == 0, result.output


def test_a_wrong_state_at_the_end_fails(one) -> None:
    result = simulate(one(expect_state=[{"entity": "automation.auto_0", "state": "on"}]))

    assert result.exit_code == 1
    assert "automation.auto_0 is off, not on" in result.output


def test_an_unexpected_refusal_fails_with_the_reason(one) -> None:
    result = simulate(
        one(automations=[{"alias": "auto_0", "triggers": [{"trigger": "moon"}], "actions": []}], expect=[])
    )

    assert result.exit_code == 1
    assert "'moon' is not a trigger" in result.output
