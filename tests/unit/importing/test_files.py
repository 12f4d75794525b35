"""Where rules stand: includes, packages, secrets, blueprints; and what a hostile folder gets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hub_agent.core.scenario import run_scenario
from hub_agent.errors import FileNotUnderstood
from hub_agent.importing.judging import judge_path
from hub_agent.importing.template_check import hub_templates
from hub_agent.importing.verdict import Judged, Report

LIGHT = "[{action: light.turn_on, target: {entity_id: light.hall}}]"
RULE = f"- alias: %s\n  triggers: [{{trigger: sun, event: sunset}}]\n  actions: {LIGHT}\n"


def names(report: Report) -> list[str]:
    return sorted(each.alias for each in report.all)


def test_rules_are_found_through_every_kind_of_include_and_in_packages(read) -> None:
    report = read(
        {
            "configuration.yaml": """
                homeassistant:
                  packages: !include_dir_named packages
                automation: !include automations.yaml
                automation old: !include_dir_merge_list rules
                automation one: !include_dir_list single
                script: !include_dir_merge_named scripts
                scene: !include scenes.yaml
            """,
            "automations.yaml": RULE % "Plain",
            "rules/deep/a.yaml": RULE % "Merged",
            "single/b.yaml": (RULE % "Alone").replace("- ", "  ", 1),
            "scripts/c.yaml": f"evening:\n  sequence: {LIGHT}\n",
            "scenes.yaml": "- name: Movie\n  entities: {light.hall: {state: 'on', brightness: 40}}\n",
            "packages/garden.yaml": "automation garden:\n" + (RULE % "Packed") + "input_boolean:\n  guests:\n",
            "packages/.hidden.yaml": "automation:\n" + RULE % "Hidden",
        }
    )

    assert names(report) == ["Alone", "Merged", "Movie", "Packed", "Plain", "evening"]
    assert {each.verdict for each in report.all} == {"runs"}
    assert [each.key for each in report.helpers] == ["device/input_boolean.guests"]


def test_a_pile_of_files_without_a_configuration_is_sorted_by_what_they_hold(read) -> None:
    report = read(
        {
            "automations.yaml": RULE % "Plain",
            "scripts.yaml": f"evening:\n  alias: Evening\n  sequence: {LIGHT}\n",
            "scenes.yaml": "- name: Movie\n  entities: {light.hall: 'on'}\n",
            "templates.yaml": "- trigger: [{trigger: sun, event: sunset}]\n  action: []\n  sensor: []\n",
        }
    )

    assert names(report) == ["Evening", "Movie", "Plain"]


def test_every_reason_names_the_file_and_line_of_what_is_wrong(read) -> None:
    report = read(
        {
            "configuration.yaml": "automation: !include_dir_merge_list rules\n",
            "rules/a.yaml": """\
                - alias: Broken
                  trigger:
                    - platform: sun
                      event: sunset
                    - platform: state
                      entity_id: light.hall
                      to: on
                  action: []
            """,
        }
    )

    [broken] = report.automations
    [reason] = broken.reasons
    assert broken.verdict == "cannot"
    assert (reason.file, reason.line, reason.path) == ("rules/a.yaml", 7, "triggers/1/to")
    assert "true or false" in reason.text


@pytest.mark.parametrize("key", ["action", "actions"])
def test_one_step_that_is_no_list_has_its_line_too(read, key) -> None:
    [found] = read({"automations.yaml": f"- trigger: []\n  {key}:\n    service: vendor.fly\n"}).automations

    assert [(reason.line, reason.path) for reason in found.reasons] == [(3, "actions/0/service")]


def test_a_secret_goes_into_the_rule_and_into_no_text(read) -> None:
    report = read(
        {
            "configuration.yaml": "automation: !include sub/automations.yaml\n",
            "sub/automations.yaml": """\
                - alias: Told
                  triggers: [{trigger: mqtt, topic: !secret hook}]
                  actions: [{action: light.turn_on, target: {entity_id: light.hall}}]
                - alias: Wrong
                  triggers: [{trigger: state, entity_id: !secret hook}]
                  actions: []
            """,
            "secrets.yaml": "hook: hunter2hunter2\n",
        }
    )

    told, wrong = report.automations
    assert told.fields["triggers"] == [{"trigger": "mqtt", "topic": "hunter2hunter2"}]
    assert wrong.verdict == "cannot"
    assert "!secret hook" in wrong.reasons[0].text
    assert "hunter2" not in str(report.as_json())


def test_a_rule_whose_secret_is_missing_comes_in_switched_off_and_no_other(read) -> None:
    lacking = "- alias: Bad\n  triggers: [{trigger: webhook, webhook_id: !secret hook}]\n  actions: [{action: lock.unlock, entity_id: !secret door}]\n"
    good, bad = read({"automations.yaml": (RULE % "Good") + lacking}).automations

    assert (good.verdict, good.fields.get("is_enabled")) == ("runs", None)
    assert (bad.verdict, bad.fields["is_enabled"]) == ("differs", False)
    assert [(reason.code, reason.line) for reason in bad.reasons] == [("secret_missing", 5), ("secret_missing", 6)]
    assert bad.fields["actions"][0]["entity_id"] == "lock.secret_door"


def test_a_secret_that_is_known_is_told_to_become_part_of_the_rule(read) -> None:
    rule = "- alias: A\n  triggers: []\n  actions: [{action: lock.unlock, data: {code: !secret door}}]\n"
    [found] = read({"automations.yaml": rule, "secrets.yaml": "door: open sesame\n"}).automations

    assert (found.verdict, found.reasons[0].code) == ("runs", "secret_told")
    assert "open sesame" not in str(found.as_json())


def test_a_rule_of_a_blueprint_is_written_out_with_its_inputs_and_defaults(read) -> None:
    report = read(
        {
            "configuration.yaml": "automation: !include automations.yaml\n",
            "automations.yaml": """\
                - alias: Motion
                  use_blueprint: {path: me/motion.yaml, input: {lamp: {entity_id: light.hall}}}
                - alias: Unfinished
                  use_blueprint: {path: me/motion.yaml}
                - alias: Gone
                  use_blueprint: {path: me/other.yaml}
            """,
            "blueprints/automation/me/motion.yaml": """\
                blueprint:
                  name: Motion
                  domain: automation
                  input:
                    lamp:
                    more: {name: More, input: {at: {default: "07:00"}}}
                triggers: [{trigger: time, at: !input at}]
                actions: [{action: light.turn_on, target: !input lamp}]
            """,
        }
    )

    motion, unfinished, gone = report.automations
    assert motion.verdict == "runs"
    assert motion.fields["triggers"] == [{"trigger": "time", "at": "07:00"}]
    assert motion.fields["actions"] == [{"action": "light.turn_on", "target": {"entity_id": "light.hall"}}]
    assert "needs the input 'lamp'" in unfinished.reasons[0].text
    assert "is not among the files" in gone.reasons[0].text


def test_one_unreadable_file_is_told_and_takes_no_other_with_it(read) -> None:
    report = read(
        {
            "configuration.yaml": "automation: !include_dir_merge_list rules\nscript: !include gone.yaml\n",
            "rules/a.yaml": "- alias: [unclosed\n",
            "rules/b.yaml": RULE % "Good",
        }
    )

    assert names(report) == ["Good"]
    told = report.totals()["unreadable"]
    assert [(each["file"], each["line"]) for each in told][:2] == [("rules/a.yaml", 2), ("gone.yaml", 1)]


@pytest.mark.parametrize(
    "text, words",
    [
        ("a: &a [" + "x, " * 9 + "x]\n" + "".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 10)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)), "more than"),
        ("a: &a [*a]\n", "inside itself"),
        ("[" * 5000, "levels deep"),
        ("a: " + "{b: " * 300 + "1" + "}" * 300, "levels deep"),
        ("a: *nobody\n", "no anchor"),
        ("? [1, 2]\n: 3\n", "key must be text"),
        ("a: {{ states.x }}\n", "quotes"),
        ("a: !!python/object:os.system x\n", "nothing that a rule may hold"),
        ("a: \x01\n", ""),
        ("--- 1\n--- 2\n", "one document"),
        ("a: 1" + "0" * 5000 + "\n", "too many digits"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_in_words(read, text, words) -> None:
    report = read({"automations.yaml": text})

    assert report.all == []
    [problem] = report.problems
    assert words in problem.text
    assert problem.file == "automations.yaml"


@pytest.mark.parametrize("target", ["../outside.yaml", "/etc/passwd", "link.yaml", "linked/x.yaml"])
def test_nothing_outside_the_folder_is_opened(tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(RULE % "Stolen")
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "link.yaml").symlink_to(outside)
    (folder / "linked").symlink_to(tmp_path)
    (folder / "configuration.yaml").write_text(f"automation: !include {target}\n")

    report = judge_path(folder)

    assert report.all == []
    assert "outside the folder" in report.problems[0].text


def test_a_circle_of_includes_is_cut(read) -> None:
    report = read(
        {"configuration.yaml": "automation: !include a.yaml\n", "a.yaml": "- !include a.yaml\n" + RULE % "Good"}
    )

    assert names(report) == ["Good"]
    assert "includes itself" in report.problems[0].text


def test_merge_keys_and_anchors_mean_what_they_mean_to_home_assistant(rule: Callable) -> None:
    found = rule(
        """\
        - alias: Anchored
          triggers:
            - &base {trigger: state, entity_id: light.hall, to: "on"}
            - <<: *base
              to: "off"
          actions: []
        """
    )

    assert found.verdict == "runs"
    assert found.fields["triggers"][1] == {"trigger": "state", "entity_id": "light.hall", "to": "off"}


def test_a_path_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotUnderstood, match="no such file or folder"):
        judge_path(tmp_path / "nowhere")


def test_macros_of_other_files_are_written_into_the_templates_that_take_them(read) -> None:
    rule = '- alias: A\n  triggers: []\n  actions: [{action: light.turn_on, data: {brightness: "%s"}}]\n'
    template = "{% from 'tools.jinja' import twice, thrice as three %}{{ twice(4) }} {{ three(2) }}"
    found = read(
        {
            "automations.yaml": rule % template,
            "custom_templates/tools.jinja": (
                "{# of no use #} never shown\n{% from 'more.jinja' import times %}\n"
                "{% macro twice(x) %}{{ times(x, 2) }}{% endmacro %}\n"
                "{% macro thrice(x) -%}{{ times(x, 3) }}{%- endmacro %}\n"
            ),
            "custom_templates/more.jinja": "{% macro times(a, b) %}{{ a * b }}{% endmacro %}",
        }
    ).automations[0]

    assert found.verdict == "runs"
    written = found.fields["actions"][0]["data"]["brightness"]  # type: ignore[index]  # JSON
    assert hub_templates().compile(written).render() == "8 6"


def test_macros_that_take_themselves_end(read) -> None:
    rule = "- alias: A\n  triggers: []\n  actions: [{action: light.turn_on, data: {brightness: \"{% from 'a.jinja' import f %}{{ f() }}\"}}]\n"
    file = "{% from 'a.jinja' import f %}{% macro f() %}{{ f() }}{% endmacro %}" * 3

    assert read({"automations.yaml": rule, "custom_templates/a.jinja": file}).automations[0].verdict == "differs"


def test_among_a_thousand_rules_the_broken_ones_are_named_and_all_others_come_in(read) -> None:
    broken = (
        "- alias: No action\n  triggers: []\n",
        "- just text\n",
        "- alias: No entity\n  triggers: [{trigger: state, entity_id: nope}]\n  actions: []\n",
        "- alias: No time\n  triggers: [{trigger: time, at: '25:99'}]\n  actions: []\n",
        "- alias: No step\n  triggers: []\n  actions: [{delay: {hours: x}}]\n",
    )
    rules = [broken[number // 20 % 5] if number % 20 == 0 else RULE % f"Rule {number}" for number in range(1_000)]
    report = read({"automations.yaml": "".join(rules)})

    cannot = [each for each in report.automations if each.verdict == "cannot"]
    assert (len(report.automations), len(cannot)) == (1_000, 50)
    assert all(each.reasons and each.reasons[0].line >= each.line for each in cannot)


def test_blueprints_that_come_with_home_assistant_need_no_file(read) -> None:
    report = read(
        {
            "automations.yaml": """\
                - alias: Hall
                  use_blueprint:
                    path: homeassistant/motion_light.yaml
                    input: {motion_entity: binary_sensor.hall, light_target: {entity_id: light.hall}, no_motion_wait: 30}
                - alias: Leaving
                  use_blueprint:
                    path: homeassistant/notify_leaving_zone.yaml
                    input: {person_entity: person.ann, zone_entity: zone.home, notify_device: abc}
                """
        }
    )
    light, leaving = report.automations
    turned = [{"at": "+1s", "action": "light.turn_on", "target": ["light.hall"]}]
    turned.append({"at": "+91s", "action": "light.turn_off", "target": ["light.hall"]})
    said = {"message": "Ann has left Home"}

    assert [each.verdict for each in report.automations] == ["runs", "runs"]
    assert acts(light, "binary_sensor.hall", ["on", "off"], turned)
    assert acts(leaving, "person.ann", ["not_home"], [{"at": "+1s", "action": "notify.mobile_app", "data": said}])


def acts(found: Judged, entity_id: str, states: list[str], expect: list[dict[str, object]]) -> bool:
    assert found.fields is not None
    named = {"person.ann": "Ann", "zone.home": "Home"}
    initial = {name: {"state": "home", "attributes": {"friendly_name": said}} for name, said in named.items()}
    initial["binary_sensor.hall"] = {"state": "off", "attributes": {}}
    metadata = found.fields["metadata"]
    assert isinstance(metadata, dict)
    more = {key: value for key, value in metadata.items() if key != "imported_from"}
    parts = {key: found.fields[key] for key in ("triggers", "conditions", "actions")}
    steps = [
        {"at": f"+{1 + 60 * number}s", "set": {"entity": entity_id, "state": state}}
        for number, state in enumerate(states)
    ]
    verdict = run_scenario(
        {
            "name": found.alias,
            "automation": {"alias": found.alias, **parts, **more},
            "home": {"time_zone": "UTC", "latitude": 0, "longitude": 0, "start": "2026-03-10T12:00:00+00:00"},
            "initial": initial,
            "steps": [*steps, {"at": "+300s", "advance": True}],
            "expect": expect,
        }
    )
    assert verdict.passed, verdict
    return True
