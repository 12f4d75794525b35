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
        "What can be done",
        "  1 rule: this hub has no such actions: replace them, by mqtt.publish or a rest_command for instance",
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


def test_self_made_devices_and_zones_go_before_the_rules(nexa, door, folder) -> None:
    (folder / "configuration.yaml").write_text(
        "automation: !include automations.yaml\ninput_boolean: {guests: }\nzone: {name: Work, latitude: 1, longitude: 2}\n"
    )
    said = nexa("import", "homeassistant", str(folder))

    assert "1 self-made devices (0 cannot), 1 zones" in said.out
    given = [definition for _, asked, _ in door.asked for definition in asked["definitions"]]
    assert [each["key"] for each in given] == ["home/zones", "device/input_boolean.guests", "automation/1"]


def test_a_report_names_what_is_not_among_the_files_in_one_line_and_drafts_settings(nexa, home, folder) -> None:
    (folder / "automations.yaml").write_text(
        GOOD.replace("light.turn_on", "script.a").replace(
            "}]\n", "}, {action: script.b}, {action: shell_command.c}]\n", 2
        )
    )
    (folder / "configuration.yaml").write_text(
        "automation: !include automations.yaml\nshell_command: {c: '/bin/blink \"{{ a b }}\" 2', d: 'a | b'}\n"
        "rest_command: {e: {url: 'http://x/{{ y }}', method: POST, password: !secret word}}\n"
    )
    (folder / "secrets.yaml").write_text("word: open sesame\n")
    said = nexa("import", "homeassistant", str(folder), "--report")

    lines = [line.strip() for line in said.out.splitlines()]
    assert "note: not among these files: script.a, script.b" in lines
    assert 'command = ["/bin/blink", "{{ a b }}", "2"]' in lines
    assert lines[lines.index("[rest_command.e]") + 1 :][:2] == ['url = "http://x/{{ y }}"', 'method = "post"']
    assert '# needs a shell: put it into a script, and name that: "a | b"' in lines
    assert "sesame" not in said.out


def test_many_rules_go_in_several_requests(nexa, door, folder) -> None:
    many = "".join(GOOD.replace("'1'", f"'{number}'") for number in range(450))
    (folder / "automations.yaml").write_text(many)
    said = nexa("import", "homeassistant", str(folder))

    assert said.out.splitlines()[-1].startswith("Imported 450")
    assert len(door.asked) == 3


def test_what_is_too_large_for_a_request_is_left_out_and_the_others_come_in(nexa, door, folder) -> None:
    large = GOOD.replace("action: light.turn_on", f"action: light.turn_on, data: {{effect: {'x' * 300_000}}}")
    long = GOOD.replace("'1'", "'2'").replace("Good", "y" * 3_000).replace("id: '2'\n  ", "")
    (folder / "automations.yaml").write_text(large + GOOD.replace("'1'", "'3'") + long)
    said = nexa("import", "homeassistant", str(folder))

    assert "automations.yaml, line 1: Good is left out: it is too large" in said.err
    assert said.out.splitlines()[-1].startswith("Imported 2")
    assert [len(each["key"]) < 500 for _, asked, _ in door.asked for each in asked["definitions"]] == [True, True]


def test_without_an_agent_nothing_is_imported(nexa, home, folder) -> None:
    assert nexa("import", "homeassistant", str(folder)).code == 3


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_where_there_is_nothing_to_import_it_is_said(nexa, home, tmp_path, path) -> None:
    (tmp_path / "empty").mkdir()
    said = nexa("import", "homeassistant", str(tmp_path / path), "--report")

    assert said.code == 2
    assert said.err.startswith("nexa-hub: ")
