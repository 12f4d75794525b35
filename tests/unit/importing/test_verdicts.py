"""What is said of a rule: that it runs, that it differs, or that it cannot run, and why."""

import json
from collections.abc import Callable

import pytest

from hub_agent.core.relative import RESOLVERS
from hub_agent.importing.abilities import BROUGHT, DEVICE_ACTIONS, OF_LINKS_ONLY
from hub_agent.importing.verdict import Judged

Rule = Callable[[str], Judged]


def told(found: Judged) -> list[tuple[str, str]]:
    return [(reason.code, reason.path) for reason in found.reasons]


def rule_with(actions: str, triggers: str = "[{trigger: sun, event: sunset}]", more: str = "") -> str:
    return f"- alias: A\n  triggers: {triggers}\n  actions: {actions}\n{more}"


def test_a_rule_in_the_old_spelling_runs_as_it_is(rule: Rule) -> None:
    found = rule(
        """\
        - id: 17
          alias: Hall
          trigger:
            platform: state
            entity_id: binary_sensor.motion
            to: 'on'
          condition: "{{ is_state('light.hall', 'off') }}"
          action:
            service: light.turn_on
            entity_id: light.hall
            data_template: {brightness: "{{ 2 * 20 }}"}
          mode: restart
        """
    )

    assert (found.verdict, found.line, told(found)) == ("runs", 1, [])
    assert found.key == "automation/17"
    assert found.fields["metadata"] == {
        "mode": "restart",
        "imported_from": {"file": "automations.yaml", "line": 1, "id": "17"},
    }


@pytest.mark.parametrize(
    "action, verdict, code",
    [
        ("light.turn_on", "runs", None),
        ("cover.set_cover_position", "runs", None),
        ("light.fly", "cannot", "action_unknown"),
        ("media_player.play_media", "runs", None),
        ("media_player.browse_media", "cannot", "action_unknown"),
        ("shell_command.blink", "differs", "to_be_allowed"),
        ("camera.snapshot", "differs", "to_be_allowed"),
        ("camera.record", "cannot", "action_aside"),
        ("tts.speak", "cannot", "action_aside"),
        ("notify.mobile_app_phone", "runs", "notice"),
        ("input_boolean.turn_on", "runs", None),
        ("input_boolean.fly", "cannot", "action_unknown"),
        ("script.not_here", "runs", "not_found_here"),
        ('"light.turn_{{ trigger.id }}"', "runs", None),
        ('"{{ what }}.turn_on"', "differs", "action_unsure"),
        ("\"{{ 'light.turn_on' if what else 'fan.turn_on' }}\"", "runs", None),
        ('"{% if what %} script.a {% else %} light.turn_off {% endif %}"', "runs", None),
        ('"{% if what %} vendor.fly {% else %} light.turn_off {% endif %}"', "differs", "action_unsure"),
        ('"hue.{{ what }}"', "cannot", "action_unknown"),
    ],
)
def test_the_verdict_follows_from_what_the_hub_can_do(rule: Rule, action: str, verdict: str, code: str | None) -> None:
    found = rule(rule_with(f"[{{action: {action}}}]"))

    assert found.verdict == verdict
    assert told(found) == ([] if code is None else [(code, "actions/0/action")])


def test_what_only_tells_or_shows_is_left_out_and_the_rest_runs(rule: Rule) -> None:
    found = rule(rule_with("[{action: tts.speak, data: {message: hi}}, {action: light.turn_on}]"))

    assert (found.verdict, told(found)) == ("differs", [("action_aside", "actions/0/action")])
    assert found.fields["actions"][0]["enabled"] is False
    assert found.fields["actions"][1] == {"action": "light.turn_on"}


def test_a_rule_does_not_lose_half_of_what_it_does(rule: Rule) -> None:
    half = rule(rule_with("[{action: vendor.arm}, {action: light.turn_on}]"))
    lesser = rule(rule_with("[{action: vendor.arm}, {action: light.turn_on}, {action: switch.turn_on}]"))

    assert half.verdict == "cannot"
    assert (lesser.verdict, lesser.fields["actions"][0]["enabled"]) == ("differs", False)


def test_an_answer_that_the_rule_goes_on_with_cannot_be_left_out(rule: Rule) -> None:
    steps = "[{action: tts.ask, response_variable: x}, {action: light.turn_on}, {action: switch.turn_on}]"

    assert rule(rule_with(steps)).verdict == "cannot"


def test_steps_are_found_wherever_they_stand(rule: Rule) -> None:
    steps = """
    - choose:
        - conditions: []
          sequence: [{parallel: [{sequence: [{if: [], then: [{repeat: {count: 2, sequence: [{action: vendor.fly}]}}]}]}]}]
    """
    [reason] = rule(rule_with(steps)).reasons

    assert reason.path == "actions/0/choose/0/sequence/0/parallel/0/sequence/0/then/0/repeat/sequence/0/action"


def test_a_step_that_is_switched_off_is_no_reason(rule: Rule) -> None:
    assert rule(rule_with("[{action: vendor.fly, enabled: false}, {action: light.turn_on}]")).verdict == "runs"


def test_one_unknown_trigger_of_several_is_left_out_and_the_only_one_is_fatal(rule: Rule) -> None:
    several = rule(rule_with("[{action: light.turn_on}]", "[{trigger: tag, tag_id: x}, {trigger: sun, event: sunset}]"))
    only = rule(rule_with("[{action: light.turn_on}]", "[{trigger: tag, tag_id: x}]"))

    assert (several.verdict, told(several)) == ("differs", [("trigger_unknown", "triggers/0")])
    assert [each["trigger"] for each in several.fields["triggers"]] == ["event", "sun"]
    assert (only.verdict, told(only)) == ("cannot", [("trigger_unknown", "triggers/0")])


def test_a_rule_that_waits_for_a_kind_of_device_that_may_yet_come_differs_and_for_no_device_at_all_cannot(
    rule: Rule,
) -> None:
    def watching(entity_id: str) -> Judged:
        return rule(rule_with("[{action: light.turn_on}]", f"[{{trigger: state, entity_id: {entity_id}, to: 'on'}}]"))

    yet, never = watching("calendar.bins"), watching("vendor_label.tv")
    seldom = rule(
        rule_with("[{action: light.turn_on}]", more="  conditions: \"{{ is_state('weather.home', 'rainy') }}\"\n")
    )

    assert (yet.verdict, told(yet)) == ("differs", [("entity_kind", "triggers/0/entity_id")])
    assert yet.reasons[0].text.startswith("calendar.bins: waits for a device of this kind")
    assert (never.verdict, never.reasons[0].code) == ("cannot", "never_fires")
    assert (seldom.verdict, told(seldom)) == ("differs", [("entity_kind", "conditions/0")])


def test_an_event_runs_where_rules_may_fire_it_and_differs_where_only_an_integration_does(read) -> None:
    def heard(event: str) -> str:
        return rule_with("[{action: light.turn_on}]", f"[{{trigger: event, event_type: {event}}}]")

    own = ("state_changed", "call_service", "service_registered")
    events = ("bell", "some_event", "timer.finished", "automation_reloaded", "zha_event", "roku_command", *own)
    fired = rule_with("[{event: bell}]")
    report = read({"automations.yaml": "\n".join([fired, *map(heard, events)])})

    where = "triggers/0/event_type"
    assert [(each.verdict, told(each)) for each in report.automations] == [
        ("runs", []),
        ("runs", []),
        ("runs", [("not_found_here", where)]),
        ("runs", []),
        ("runs", [("no_occasion", where)]),
        ("differs", [("event_elsewhere", where)]),
        ("differs", [("event_elsewhere", where)]),
        ("runs", []),
        ("runs", []),
        ("cannot", [("never_fires", "triggers/0")]),
    ]


def test_what_is_waited_for_within_a_rule_is_looked_at_too(rule: Rule) -> None:
    for_ever = rule(rule_with("[{wait_for_trigger: {trigger: tag, tag_id: x}}, {action: light.turn_on}]"))
    a_while = rule(rule_with("[{wait_for_trigger: [{trigger: tag, tag_id: x}], timeout: 60}, {action: light.turn_on}]"))

    assert (for_ever.verdict, told(for_ever)[1]) == ("cannot", ("never_goes_on", "actions/0/wait_for_trigger"))
    assert (a_while.verdict, told(a_while)) == ("differs", [("trigger_unknown", "actions/0/wait_for_trigger/0")])


@pytest.mark.parametrize(
    "data, verdict, code",
    [
        ("{title: A, message: B, data: {}}", "runs", None),
        ("{message: B, target: x, data: {image: y, channel: z, timeout: 5}}", "runs", "notice_looks"),
        ("{message: B, data: {actions: [{action: YES, title: Yes}]}}", "differs", "notice_plain"),
        ("{message: '', target: x, data: {embed: {title: B}}}", "differs", "notice_plain"),
        ("'{{ what }}'", "differs", "notice_plain"),
        ("{message: clear_notification, data: {tag: x}}", "runs", None),
    ],
)
def test_a_notice_runs_when_its_words_arrive_and_differs_when_more_is_meant(
    rule: Rule, data: str, verdict: str, code: str | None
) -> None:
    found = rule(rule_with(f"[{{action: notify.phone, data: {data}}}]"))

    assert found.verdict == verdict
    assert [reason.code for reason in found.reasons] == ["notice", *([] if code is None else [code])]


def test_a_command_to_a_telephone_is_no_notice(rule: Rule) -> None:
    command = "{action: notify.mobile_app_phone, data: {message: command_volume_level, data: {command: 5}}}"
    alone = rule(rule_with(f"[{command}]"))
    aside = rule(rule_with(f"[{command}, {{action: light.turn_on}}]"))

    assert (alone.verdict, told(alone)) == ("cannot", [("action_aside", "actions/0/action")])
    assert (aside.verdict, told(aside)) == ("differs", [("action_aside", "actions/0/action")])


def test_an_action_for_another_kind_of_entity_is_told(rule: Rule) -> None:
    found = rule(rule_with("[{action: switch.turn_off, target: {entity_id: [switch.a, light.b]}}]"))

    assert (found.verdict, told(found)) == ("differs", [("target_kind", "actions/0/target/entity_id")])


def test_a_webhook_is_heard_here(rule: Rule) -> None:
    found = rule(rule_with("[{action: light.turn_on}]", "[{trigger: webhook, webhook_id: x}]"))

    assert (found.verdict, told(found)) == ("runs", [])


def test_the_event_of_a_start_is_the_trigger_of_a_start(rule: Rule) -> None:
    found = rule(rule_with("[{action: light.turn_on}]", "[{platform: event, event_type: homeassistant_start}]"))

    assert (found.verdict, found.fields["triggers"]) == ("runs", [{"trigger": "homeassistant", "event": "start"}])


def test_a_template_that_is_published_is_published(rule: Rule) -> None:
    found = rule(rule_with("[{service: mqtt.publish, data: {topic: a, payload_template: '{{ 1 + 1 }}'}}]"))

    assert found.fields["actions"] == [{"action": "mqtt.publish", "data": {"topic": "a", "payload": "{{ 1 + 1 }}"}}]


@pytest.mark.parametrize(
    "template, word",
    [
        ("{{ no_such_function('hue') }}", "no_such_function()"),
        ("{{ states('sensor.a') | no_such_filter }}", "no_such_filter"),
        ("{{ trigger.from_state.context.user_id }}", "what caused an earlier state"),
        ("{{ states('sensor.a' }}", "template"),
    ],
)
def test_a_template_that_asks_for_what_the_sandbox_has_not_cannot_run(rule: Rule, template: str, word: str) -> None:
    found = rule(rule_with(f'[{{action: light.turn_on, data: {{brightness: "{template}"}}}}]'))

    assert found.verdict == "cannot"
    assert word in found.reasons[0].text


def test_a_template_that_takes_parts_of_a_file_that_is_missing_comes_in_switched_off(rule: Rule) -> None:
    template = "{% from 'tools.jinja' import f %}{{ f(1) }}"
    found = rule(rule_with(f'[{{action: light.turn_on, data: {{brightness: "{template}"}}}}]'))

    assert (found.verdict, found.fields["is_enabled"]) == ("differs", False)
    assert told(found) == [("macros_missing", "actions/0/data/brightness")]


def test_functions_that_a_template_makes_itself_are_its_own(rule: Rule) -> None:
    template = "{% macro twice(x) %}{{ 2 * x }}{% endmacro %}{{ twice(4) }}"

    assert rule(rule_with(f'[{{action: light.turn_on, data: {{brightness: "{template}"}}}}]')).verdict == "runs"


def test_device_triggers_conditions_and_actions_become_those_of_their_entities(read) -> None:
    report = read(
        {
            "automations.yaml": """\
                - alias: Devices
                  triggers:
                    - {platform: device, domain: binary_sensor, device_id: d1, entity_id: aa11, type: not_opened, for: {minutes: 2}}
                    - {platform: device, domain: mqtt, device_id: d2, type: action, subtype: single}
                    - {platform: device, domain: sensor, device_id: d1, entity_id: sensor.attic, type: temperature, above: 25}
                  conditions:
                    - {condition: device, domain: light, device_id: d1, entity_id: bb22, type: is_off}
                  actions:
                    - {device_id: d1, domain: light, entity_id: bb22, type: turn_on, brightness_pct: 40}
            """,
            ".storage/core.entity_registry": json.dumps(
                {
                    "data": {
                        "entities": [
                            {"id": "aa11", "entity_id": "binary_sensor.door"},
                            {"id": "bb22", "entity_id": "light.hall"},
                        ]
                    }
                }
            ),
            ".storage/core.device_registry": json.dumps(
                {"data": {"devices": [{"id": "d2", "name": "Knob", "identifiers": [["mqtt", "zigbee2mqtt_0x01"]]}]}}
            ),
        }
    )

    [found] = report.automations
    assert (found.verdict, found.reasons) == ("runs", ())
    assert found.fields["triggers"] == [
        {"trigger": "state", "entity_id": "binary_sensor.door", "to": "off", "for": {"minutes": 2}},
        {"trigger": "mqtt", "topic": "zigbee2mqtt/Knob/action", "payload": "single"},
        {"trigger": "numeric_state", "entity_id": "sensor.attic", "above": 25},
    ]
    assert found.fields["conditions"] == [{"condition": "state", "entity_id": "light.hall", "state": "off"}]
    assert found.fields["actions"] == [
        {"action": "light.turn_on", "target": {"entity_id": "light.hall"}, "data": {"brightness_pct": 40}}
    ]


def test_a_device_that_no_registry_names_comes_in_switched_off_with_something_in_its_place(rule: Rule) -> None:
    device = "{platform: device, domain: light, device_id: d1, entity_id: bb22, type: turned_on}"
    target = "{action: switch.turn_on, target: {device_id: 0123456789abcdef0123456789abcdef}}"
    found = rule(rule_with(f"[{target}]", f"[{device}]"))

    assert (found.verdict, found.fields["is_enabled"]) == ("differs", False)
    assert told(found) == [("registry_missing", "actions/0"), ("registry_missing", "triggers/0")] or told(found) == [
        ("registry_missing", "triggers/0"),
        ("registry_missing", "actions/0"),
    ]
    assert ".storage" in found.reasons[0].text
    assert found.fields["actions"][0]["target"] == {"entity_id": ["switch.number_0123456789ab"]}


def test_a_device_that_the_registry_does_not_know_either_cannot_be_guessed(read) -> None:
    device = "{platform: device, domain: light, device_id: d1, entity_id: bb22, type: turned_on}"
    registry = {"data": {"entities": [{"id": "aa11", "entity_id": "light.a", "device_id": "d1"}]}}
    files = {
        "automations.yaml": rule_with("[{action: light.turn_on}]", f"[{device}]"),
        ".storage/core.entity_registry": json.dumps(registry),
    }

    assert read(files).automations[0].verdict == "cannot"


def test_an_action_for_a_device_is_for_those_of_its_entities_that_it_fits(read) -> None:
    number = "0123456789abcdef0123456789abcdef"
    entities = [
        {"id": f"n{index}", "entity_id": entity_id, "device_id": number}
        for index, entity_id in enumerate(["light.a", "sensor.a", "light.b"])
    ]
    files = {
        "automations.yaml": rule_with(f"[{{action: light.turn_on, target: {{device_id: [{number}]}}}}]"),
        ".storage/core.entity_registry": json.dumps({"data": {"entities": entities}}),
    }
    [found] = read(files).automations

    assert found.verdict == "runs"
    assert found.fields["actions"] == [{"action": "light.turn_on", "target": {"entity_id": ["light.a", "light.b"]}}]


@pytest.mark.parametrize(
    "old, new",
    [
        ("{platform: time, after: '22:30:00'}", {"trigger": "time", "at": "22:30:00"}),
        (
            "{platform: state, entity_id: light.a, state: 'on'}",
            {"trigger": "state", "entity_id": "light.a", "to": "on"},
        ),
    ],
)
def test_what_home_assistant_itself_refuses_by_now_is_read_as_what_it_is_today(
    rule: Rule, old: str, new: object
) -> None:
    found = rule(rule_with("[{action: light.turn_on}]", f"[{old}]"))

    assert (found.verdict, found.fields["triggers"]) == ("runs", [new])


def test_the_sun_is_an_entity_of_every_home(rule: Rule) -> None:
    trigger = "{platform: numeric_state, entity_id: sun.sun, attribute: elevation, below: -4}"
    found = rule(
        rule_with(
            "[{action: light.turn_on}]",
            f"[{trigger}]",
            "  conditions: \"{{ is_state('sun.sun', 'below_horizon') }}\"\n",
        )
    )

    assert (found.verdict, told(found)) == ("runs", [])


def test_a_rule_whose_script_cannot_run_cannot_run_either(read) -> None:
    report = read(
        {
            "automations.yaml": rule_with("[{action: script.outer}]"),
            "scripts.yaml": "outer:\n  sequence: [{action: script.inner}]\ninner:\n  sequence: [{action: vendor.fly}]\n",
        }
    )

    assert [each.verdict for each in report.all] == ["cannot", "cannot", "cannot"]


def test_a_rule_is_told_of_a_script_that_differs(read) -> None:
    report = read(
        {
            "automations.yaml": rule_with("[{action: script.a}]"),
            "scripts.yaml": "a:\n  sequence: [{action: light.turn_on, entity_id: !secret lamp}]\n",
        }
    )

    assert [(each.verdict, told(each)) for each in report.automations] == [
        ("runs", [("script_differs", "actions/0/action")])
    ]


@pytest.mark.parametrize(
    "target, verdict, code",
    [
        ("{area_id: kitchen}", "runs", "not_found_here"),
        ("{floor_id: upstairs}", "cannot", "device_unknown"),
        ("{label_id: [cosy], entity_id: light.a}", "differs", "target_unsure"),
    ],
)
def test_a_room_may_be_meant_by_its_name_and_no_floor_and_no_label(
    rule: Rule, target: str, verdict: str, code: str
) -> None:
    found = rule(rule_with(f"[{{action: light.turn_on, target: {target}}}]"))

    assert (found.verdict, [reason.code for reason in found.reasons]) == (verdict, [code])


def test_a_template_that_asks_for_what_no_hub_has_differs(rule: Rule) -> None:
    found = rule(rule_with("[{action: light.turn_on, target: {entity_id: \"{{ label_entities('cosy') }}\"}}]"))

    assert (found.verdict, told(found)) == ("differs", [("template_hollow", "actions/0/target/entity_id")])


def test_scenes_keep_what_can_be_set(read) -> None:
    report = read(
        {
            "scenes.yaml": """\
                - id: "7"
                  name: Movie
                  entities:
                    light.hall: {state: "on", brightness: 40}
                    remote.tv: "on"
                - name: Sensors
                  entities: {sensor.attic: "20"}
            """
        }
    )

    movie, sensors = report.scenes
    assert (movie.verdict, movie.reasons[0].line) == ("differs", 5)
    assert movie.fields["device_states"] == [
        {"device_id": None, "desired_state": {"light.hall": {"state": "on", "brightness": 40}}}
    ]
    assert sensors.verdict == "cannot"


def test_every_action_that_is_said_to_be_known_is_one_that_a_dialect_has() -> None:
    """The words of the drivers hold each verb; a verb that a driver loses would be promised in vain."""
    from pathlib import Path

    import hub_agent

    root = Path(hub_agent.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in (root / "drivers").rglob("*.py"))
    verbs = {verb for domain in DEVICE_ACTIONS.values() for verb in domain} - {"toggle"}
    verbs -= {action.partition(".")[2] for action in RESOLVERS}  # the core makes one of the others of these

    assert {verb for verb in verbs if f'"{verb}"' not in text} == set()


def test_every_kind_of_entity_that_a_dialect_brings_is_known() -> None:
    from hub_agent.drivers.homeassistant.members import MAKERS

    assert (set(MAKERS) - {"device_automation", "notify", "tag"}) | OF_LINKS_ONLY.keys() == BROUGHT


def test_the_page_of_actions_says_what_the_tables_say() -> None:
    from pathlib import Path

    from hub_agent.importing import abilities

    page = Path(abilities.__file__).parent / "ACTIONS.md"

    assert page.read_text(encoding="utf-8") == abilities.as_document()


def test_rules_of_one_name_are_told_apart_and_a_second_of_one_id_is_refused(read) -> None:
    named = rule_with("[{action: light.turn_on}]")
    numbered = named.replace("- alias: A", "- id: '1'\n  alias: B")
    first, second, third, fourth = read({"automations.yaml": named * 2 + numbered * 2}).automations

    assert [each.key for each in (first, second, third)] == ["automation/A", "automation/A#2", "automation/1"]
    assert second.fields["metadata"]["imported_from"]["id"] == "A#2"
    assert (fourth.verdict, told(fourth)) == ("cannot", [("duplicate", "id")])


def test_the_report_has_the_documented_shape(read) -> None:
    body = read({"automations.yaml": rule_with("[{action: vendor.fly}]")}).as_json()

    assert list(body) == ["automations", "scenes", "scripts", "totals"]
    [found] = body["automations"]
    assert list(found) == ["file", "line", "alias", "verdict", "reasons"]
    assert list(found["reasons"][0]) == ["code", "severity", "text", "file", "line", "path"]
    assert body["totals"]["automations"] == {"total": 1, "runs": 0, "differs": 0, "cannot": 1}


@pytest.mark.parametrize(
    "press, event",
    [
        (
            "{domain: hue, device_id: abc, type: short_release, subtype: 2, unique_id: u}",
            {"event_type": "hue_event", "event_data": {"device_id": "abc", "type": "short_release", "subtype": 2}},
        ),
        (
            "{domain: shelly, device_id: abc, type: long, subtype: button2}",
            {"event_type": "shelly.click", "event_data": {"device_id": "abc", "channel": 2, "click_type": "long"}},
        ),
    ],
)
def test_a_press_that_home_assistant_hears_as_an_event_waits_for_that_event(
    rule: Rule, press: str, event: dict[str, object]
) -> None:
    found = rule(rule_with("[{action: light.turn_on}]", f"[{press.replace('{', '{trigger: device, id: p, ', 1)}]"))

    assert (found.verdict, told(found)) == ("differs", [("event_elsewhere", "triggers/0/event_type")])
    assert found.fields["triggers"] == [{"id": "p", "trigger": "event", **event}]


def test_a_press_that_stands_nowhere_in_the_files_is_unknown(rule: Rule) -> None:
    old = "{trigger: device, domain: hue, device_id: abc, type: remote_button_short_press, subtype: turn_on}"

    assert rule(rule_with("[{action: light.turn_on}]", f"[{old}]")).verdict == "cannot"


def test_a_device_that_flashes_is_a_light_that_is_told_to(rule: Rule) -> None:
    found = rule(rule_with("[{device_id: abc, domain: light, type: flash, entity_id: light.a, alias: F}]"))

    assert found.verdict == "runs"
    assert found.fields["actions"] == [
        {"action": "light.turn_on", "target": {"entity_id": "light.a"}, "data": {"flash": "short"}, "alias": "F"}
    ]


def test_a_device_action_that_has_no_words_here_is_left_out(rule: Rule) -> None:
    steps = "[{device_id: abc, domain: nut, type: beep}, {action: light.turn_on}, {action: switch.turn_on}]"
    found = rule(rule_with(steps))

    assert (found.verdict, told(found)) == ("differs", [("device_unknown", "actions/0")])


def test_whoever_is_notified_hears_by_the_hubs_own_channels(rule: Rule) -> None:
    found = rule(rule_with("[{action: notify.send_message, target: {entity_id: notify.log}, data: {message: B}}]"))

    assert (found.verdict, {code for code, _ in told(found)}) == ("runs", {"notice"})


@pytest.mark.parametrize(
    "old, new",
    [
        ("{trigger: state, entity_id: sensor.time}", {"trigger": "time_pattern", "minutes": "/1"}),
        ("{platform: state, entity_id: [sensor.time], to: '07:30'}", {"trigger": "time", "at": "07:30:00"}),
        ("{trigger: state, entity_id: sensor.date}", {"trigger": "time", "at": "00:00:00"}),
        (
            "{trigger: template, value_template: \"{{ states('sensor.time') == states('input_text.at') }}\"}",
            {"trigger": "template", "value_template": "{{ now().strftime('%H:%M') == states('input_text.at') }}"},
        ),
        (
            "{trigger: template, value_template: \"{{ is_state('sensor.time', '07:30') or states.sensor.date.state }}\"}",
            {
                "trigger": "template",
                "value_template": "{{ (now().strftime('%H:%M') == '07:30') or now().strftime('%Y-%m-%d') }}",
            },
        ),
    ],
)
def test_a_sensor_that_says_the_time_is_the_clock(rule: Rule, old: str, new: object) -> None:
    found = rule(rule_with("[{action: light.turn_on}]", f"[{old}]"))

    assert (found.verdict, found.fields["triggers"]) == ("runs", [new])


def test_what_is_asked_of_such_a_sensor_otherwise_never_comes(rule: Rule) -> None:
    told_by = "[{action: notify.notify, data: {message: '{{ trigger.to_state.state }}'}}]"
    never = rule(rule_with(told_by, "[{trigger: state, entity_id: sensor.time}]"))
    condition = "  conditions: {condition: state, entity_id: sensor.time, state: '07:30'}\n"

    assert (never.verdict, never.reasons[-1].code) == ("cannot", "clock_sensor")
    assert rule(rule_with("[{action: light.turn_on}]", more=condition)).verdict == "differs"


def test_what_home_assistant_makes_of_its_own_configuration_is_told_to_be_missing(read) -> None:
    config = """\
    automation: !include automations.yaml
    template:
      - sensor: [{name: Time of Day, state: "{{ 1 }}"}]
    binary_sensor:
      - platform: template
        sensors: {anybody_home: {value_template: "{{ true }}"}}
    """
    triggers = "[{trigger: state, entity_id: [sensor.time_of_day, binary_sensor.anybody_home, sensor.real]}]"
    [found] = read(
        {"configuration.yaml": config, "automations.yaml": rule_with("[{action: light.turn_on}]", triggers)}
    ).automations

    assert [(reason.code, reason.text.split(" is made")[0], reason.severity) for reason in found.reasons] == [
        ("made_there", "sensor.time_of_day", "note"),
        ("made_there", "binary_sensor.anybody_home", "note"),
    ]
    assert "configuration.yaml, line 3" in found.reasons[0].text
