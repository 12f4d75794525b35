"""`nexa-hub automations replay`: by name or from a file, as a table or as JSON, with what is wrong in its line."""

import json

import pytest

from tests.fakes.door import RULE

RULES = """\
- alias: Hall
  triggers:
    - trigger: state
      entity_id: binary_sensor.hall_motion
      to: "on"
  actions:
    - action: script.greet
- alias: Wrong
  triggers:
    - trigger: state
      entity_id: binary_sensor.hall_motion
      above: 5
  actions: []
"""
PACKAGE = f"""\
automation:
{"".join(f"  {line}" for line in RULES.splitlines(keepends=True)[:7])}
script:
  greet:
    sequence:
      - action: light.turn_on
        target:
          entity_id: light.hall
"""


def test_what_would_have_been_stands_beside_what_was(nexa, door) -> None:
    said = nexa("automations", "replay", "Hall light with motion", "--since", "36h")

    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].endswith(
        "it would have run once and been refused once; it ran 2 times, 1 of them when it would have."
    )
    assert lines[1].split() == ["TIME", "WOULD", "DID"]
    assert lines[2].startswith("2026-06-01 14:00:00  binary_sensor.hall_motion: off -> on: light.turn_on light.living")
    assert lines[2].endswith("success (run 10000000)")
    assert "refused, conditions/0 (state) is false: light.living_room_lamp = on" in lines[3]
    assert lines[4].endswith("success by hand (run 20000000)")
    assert "cannot be replayed: triggers/1 (webhook): calls of webhooks are not recorded" in said.out
    assert "note: History begins at 2026-06-01 14:00:00" in said.out


def test_a_replay_can_be_had_as_json(nexa, door) -> None:
    answer = nexa("automations", "replay", RULE, "--json").json()

    assert (answer["automation_id"], len(answer["lines"])) == (RULE, 3)


@pytest.mark.parametrize("ending", ["yaml", "yml"])
def test_the_rules_of_a_file_are_tried_and_what_cannot_run_is_told_with_its_line(nexa, door, tmp_path, ending) -> None:
    file = tmp_path / f"rules.{ending}"
    file.write_text(RULES.replace("script.greet", "light.turn_on"))
    said = nexa("automations", "replay", str(file), "--since", "7d", "--until", "12:00")

    assert said.code == 0
    assert f"rules.{ending}:10: Wrong: " in said.err
    (_, rule, window), *others = door.asked
    assert (rule["fields"]["name"], window, others) == ("Hall", "7d 12:00", [])
    assert "it would have run once and been refused once." in said.out


def test_a_file_of_json_holds_one_rule_or_a_list(nexa, door, tmp_path) -> None:
    one = {"alias": "One", "triggers": [{"trigger": "time", "at": "07:00"}], "actions": [{"delay": 5}]}
    for number, content in enumerate((one, [one, {**one, "alias": "Two"}])):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(content))
        answer = nexa("automations", "replay", str(file), "--json").json()
        assert isinstance(answer, list) is (number == 1)
    assert [rule["fields"]["name"] for _, rule, _ in door.asked] == ["One", "One", "Two"]


def test_scripts_of_the_same_file_go_along(nexa, door, tmp_path) -> None:
    file = tmp_path / "package.yaml"
    file.write_text(PACKAGE)
    assert nexa("automations", "replay", str(file)).code == 0

    [(_, rule, _)] = door.asked
    assert [each["metadata"]["object_id"] for each in rule["scripts"]] == ["greet"]


@pytest.mark.parametrize(
    "content, told",
    [
        ("", "holds no automation"),
        ("a: [1", "rules.yaml:2: "),
        ("- alias: X\n  triggers: []\n  actions: 5\n", "rules.yaml:"),
    ],
)
def test_a_file_without_a_rule_that_can_run_ends_with_two(nexa, door, tmp_path, content, told) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(content)
    said = nexa("automations", "replay", str(file))

    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_a_file_that_is_not_there_ends_with_two(nexa, door) -> None:
    said = nexa("automations", "replay", "/nowhere/rules.yaml")

    assert said.code == 2
    assert "/nowhere/rules.yaml:1: there is no such file" in said.err


@pytest.mark.parametrize(
    "words, told",
    [(["brokn"], "Did you mean 'Broken'?"), (["Broken", "--since", "never"], "'never' is not a time such as 7d")],
)
def test_what_cannot_be_asked_ends_with_one(nexa, door, words, told) -> None:
    said = nexa("automations", "replay", *words)

    assert (said.code, said.out) == (1, "")
    assert told in said.err


def test_on_a_terminal_one_sees_how_far_it_is(nexa, door, monkeypatch) -> None:
    monkeypatch.setattr("hub_agent.cli.replay.sys.stderr.isatty", lambda: True)
    said = nexa("automations", "replay", RULE, "--json")

    assert said.json()["automation_id"] == RULE
    assert f"[{'#' * 15:<30}]  50%" in said.err
    assert said.err.endswith("\r\033[K")
