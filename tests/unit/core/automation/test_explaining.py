"""Why a rule did not run: each reason, as a person is told it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_agent.core.automation.as_of import AsOf, read_instant
from hub_agent.core.automation.exchange import Exchange

from .conftest import BERLIN, LIGHT_ON, MOTION, NOON, Home

WARM = {"trigger": "numeric_state", "entity_id": "sensor.warmth", "above": 25}


def started(home: Home, config: Any = None, **fields: Any) -> Home:
    home.set("binary_sensor.motion", "off")
    home.load(config, **fields)
    home.start()
    return home


def rule(*triggers: Any, conditions: Any = (), actions: Any = (LIGHT_ON,), **more: Any) -> Any:
    return {"triggers": list(triggers), "conditions": list(conditions), "actions": list(actions), **more}


def explained(home: Home, at: datetime | None = None) -> Any:
    traces = list(reversed(home.traces))
    return home.automations.explained("id-a", traces, home.now, at)


def reasons(home: Home, at: datetime | None = None) -> dict[str, str]:
    return {each["code"]: each["text"] for each in reversed(explained(home, at)["reasons"])}


def test_of_a_rule_that_is_not_there_nothing_is_said(home) -> None:
    assert home.automations.explained("id-b", [], NOON) is None


# Whether it may run.


def test_a_rule_that_cannot_be_understood_says_what_is_wrong_with_it(home) -> None:
    started(home, rule({"trigger": "moon"}))

    assert explained(home)["summary"].startswith("The rule cannot be understood: triggers/0: 'moon'")


def test_a_rule_that_its_definition_disables_says_so(home) -> None:
    started(home, is_enabled=False)

    assert explained(home)["summary"] == "It is disabled in its definition."


def test_a_rule_that_was_switched_off_says_so_and_that_nobody_changed_its_definition(home) -> None:
    started(home).call("automation.turn_off", "automation.a")

    assert explained(home)["summary"] == "It was switched off by hand or by another rule."


def test_a_paused_rule_says_until_when_by_the_clock_of_the_home(home) -> None:
    until = NOON + timedelta(minutes=90)
    started(home, is_paused=True, pause_until=until.isoformat())

    told = explained(home)
    assert told["summary"] == "It is paused until 13:30:00."
    assert told["paused_until"] == until.isoformat()


def test_a_rule_that_is_paused_without_an_end_says_so(home) -> None:
    assert explained(started(home, is_paused=True))["summary"] == "It is paused, without an end."


def test_a_rule_that_is_running_in_mode_single_says_since_when_and_what_was_dropped(home) -> None:
    started(home, rule(MOTION, actions=[{"delay": 600}])).set("binary_sensor.motion", "on")
    home.wait(5)
    home.set("binary_sensor.motion", "off")
    home.set("binary_sensor.motion", "on")

    told = reasons(home)
    assert told["running"] == "It is running since 12:00:00: in mode single a trigger meanwhile starts nothing."
    assert told["dropped"] == (
        "It was triggered at 12:00:05 (binary_sensor.motion: off -> on), but not started: already running (mode single)."
    )
    assert explained(home)["last_refusal"]["status"] == "dropped"


def test_a_rule_with_as_many_runs_as_its_mode_allows_says_how_many(home) -> None:
    started(home, rule(MOTION, actions=[{"delay": 600}], mode="parallel", max=2))
    for state in ("on", "off", "on"):
        home.set("binary_sensor.motion", state)

    assert reasons(home)["running"] == "2 runs are under way since 12:00:00: in mode parallel there may be 2."


def test_a_run_in_mode_restart_keeps_nothing_from_running(home) -> None:
    started(home, rule(MOTION, actions=[{"delay": 600}], mode="restart")).set("binary_sensor.motion", "on")

    assert "running" not in reasons(home)


def test_a_rule_without_triggers_runs_only_when_it_is_called(home) -> None:
    assert explained(started(home, rule()))["summary"].startswith("It has no triggers")


# Triggers.


def test_a_disabled_trigger_is_named(home) -> None:
    started(home, rule({**MOTION, "enabled": False}))

    assert explained(home)["summary"] == (
        "Trigger 1 (state) waits until binary_sensor.motion changes to 'on': this trigger is disabled in the rule."
    )


def test_a_state_that_is_not_the_wanted_one_is_told_with_its_age(home) -> None:
    started(home).wait(3600)

    told = explained(home)
    assert told["summary"].endswith("binary_sensor.motion is 'off' since 12:00:00, not 'on'.")
    assert told["triggers"][0]["findings"] == [
        {
            "code": "state_differs",
            "text": "binary_sensor.motion is 'off' since 12:00:00, not 'on'",
            "entity_id": "binary_sensor.motion",
            "state": "off",
            "changed_at": NOON.isoformat(),
        }
    ]


def test_a_state_that_is_the_wanted_one_already_does_not_fire_again(home) -> None:
    started(home).set("binary_sensor.motion", "on")

    assert reasons(home)["already_so"].endswith(
        "is 'on' since 12:00:00 already, and counts only at the moment when it changes to 'on'."
    )


def test_a_state_that_became_the_wanted_one_before_the_rule_was_on_is_told_as_such(home) -> None:
    home.set("binary_sensor.motion", "on")
    home.wait(60)
    home.load()
    home.start()

    assert reasons(home)["before_on"].endswith("; the rule has been listening only since 12:01:00.")


def test_a_state_from_which_no_change_counts_is_told(home) -> None:
    home.set("cover.door", "open")
    started(home, rule({"trigger": "state", "entity_id": "cover.door", "from": "closed", "to": "opening"}))

    assert "it counts only when it changes from 'closed' to 'opening'" in reasons(home)["from_differs"]


def test_any_change_would_do_but_there_was_none(home) -> None:
    started(home, rule({"trigger": "state", "entity_id": "binary_sensor.motion"}))

    assert reasons(home)["no_change"].endswith("is 'off' since 12:00:00, and has not changed after that.")


def test_a_hold_that_is_running_says_how_long_it_still_takes(home) -> None:
    started(home, rule({**MOTION, "for": 90})).set("binary_sensor.motion", "on")
    home.wait(30)

    told = explained(home)
    assert told["summary"] == (
        "It is about to: binary_sensor.motion is 'on', and must stay so for another 0:01:00 (until 12:01:30)."
    )
    assert told["triggers"][0]["findings"][0]["due_at"] == (NOON + timedelta(seconds=90)).isoformat()


def test_an_entity_that_does_not_exist_is_named(home) -> None:
    started(home, rule({**MOTION, "entity_id": ["binary_sensor.motion", "binary_sensor.gone"]}))

    assert reasons(home)["entity_missing"].endswith("binary_sensor.gone does not exist in this home.")
    assert explained(home)["reasons"][0]["code"] == "entity_missing"


@pytest.mark.parametrize("trigger", [MOTION, {**WARM, "entity_id": "binary_sensor.motion"}])
def test_an_entity_that_is_unavailable_is_named_with_since_when(home, trigger) -> None:
    started(home, rule(trigger)).wait(60)
    home.set("binary_sensor.motion", "unavailable")

    assert reasons(home)["entity_unavailable"].endswith("binary_sensor.motion is unavailable since 12:01:00.")


def test_who_waits_for_unavailable_is_not_told_that_it_hides_something(home) -> None:
    started(home, rule({**MOTION, "to": "unavailable"})).set("binary_sensor.motion", "unavailable")

    assert "already_so" in reasons(home)


def test_a_number_outside_the_limits_is_told_with_them(home) -> None:
    home.set("sensor.warmth", "21.5")
    started(home, rule({**WARM, "below": 30}))

    assert reasons(home)["outside"].endswith("sensor.warmth is 21.5 since 12:00:00, not above 25 and below 30.")


def test_a_number_that_is_beyond_the_limit_already_has_to_cross_it_again(home) -> None:
    home.set("sensor.warmth", "28")
    started(home, rule(WARM))

    assert (
        "is 28 since 12:00:00: already above 25, and it counts only when it crosses" in reasons(home)["already_inside"]
    )


def test_a_limit_that_an_entity_holds_is_told_with_its_value(home) -> None:
    home.set("sensor.warmth", "21")
    home.set("input_number.limit", "23")
    started(home, rule({**WARM, "above": "input_number.limit"}))

    assert reasons(home)["outside"].endswith("not above input_number.limit (23).")


def test_what_is_no_number_is_told(home) -> None:
    home.set("sensor.warmth", "warm")
    started(home, rule(WARM))

    assert "'warm' is not a number" in reasons(home)["not_a_number"]


def test_a_time_says_when_it_comes_next(home) -> None:
    started(home, rule({"trigger": "time", "at": "07:30"}))

    assert explained(home)["summary"] == (
        "Trigger 1 (time) waits until it is 07:30: it is next due at 2026-01-15 07:30:00; it was last due at 07:30:00, "
        "and the rule has been listening only since 12:00:00."
    )


def test_a_time_that_an_entity_should_hold_names_it_when_it_is_missing(home) -> None:
    started(home, rule({"trigger": "time", "at": "input_datetime.alarm"}))

    assert "input_datetime.alarm does not exist" in reasons(home)["entity_missing"]


@pytest.mark.parametrize(
    "trigger, due",
    [
        ({"trigger": "sun", "event": "sunset", "offset": "-00:10:00"}, "it is next due at 16:11"),
        ({"trigger": "time_pattern", "minutes": "/5"}, "it is next due at 12:05:00"),
    ],
)
def test_what_follows_the_sun_or_the_clock_says_when_it_comes_next(home, trigger, due) -> None:
    assert due in reasons(started(home, rule(trigger)))["not_due"]


def test_a_template_that_is_not_true_is_shown_with_what_it_gives_and_what_is_missing(home) -> None:
    template = "{{ is_state('binary_sensor.motion', 'on') and is_state('binary_sensor.gone', 'on') }}"
    started(home, rule({"trigger": "template", "value_template": "{{ is_state('binary_sensor.motion', 'on') }}"}))
    assert "the template gives 'False', which is not true" in reasons(home)["template_false"]

    home.set("binary_sensor.motion", "on")
    assert "the template is true already" in reasons(home)["already_true"]

    home.load(rule({"trigger": "template", "value_template": template}))
    assert "binary_sensor.gone, which this home does not have" in reasons(home)["entity_missing"]


def test_a_template_that_fails_is_told_with_its_error(home) -> None:
    started(home, rule({"trigger": "template", "value_template": "{{ states('sensor.none') | float > 3 }}"}))

    assert reasons(home)["template_error"]


@pytest.mark.parametrize(
    "trigger, waits",
    [
        ({"trigger": "event", "event_type": "doorbell"}, "the event doorbell is fired"),
        ({"trigger": "mqtt", "topic": "a/b", "payload": "x"}, "a message comes on a/b saying 'x'"),
        ({"trigger": "webhook", "webhook_id": "hook"}, "the webhook hook is called"),
        ({"trigger": "homeassistant", "event": "start"}, "the hub has started"),
    ],
)
def test_of_what_leaves_no_state_it_is_said_what_it_waits_to_hear(home, trigger, waits) -> None:
    told = reasons(started(home, rule(trigger)))

    assert f"waits until {waits}: nothing is kept of what it hears" in told["not_heard"]


def test_somebody_who_is_in_the_zone_already_does_not_enter_it(home) -> None:
    home.set("device_tracker.anna", "home", {"latitude": 52.52, "longitude": 13.405})
    started(home, rule({"trigger": "zone", "entity_id": "device_tracker.anna", "zone": "zone.home"}))

    assert "device_tracker.anna is in zone.home already" in reasons(home)["already_so"]


def test_of_several_triggers_the_summary_counts_and_the_reasons_name_each(home) -> None:
    home.set("sensor.warmth", "21")
    told = explained(started(home, rule(MOTION, WARM)))

    assert told["summary"] == "None of its 2 triggers has fired; what each waits for stands below."
    assert [each["path"] for each in told["reasons"]] == ["triggers/0", "triggers/1"]


# Conditions.


def test_each_condition_that_does_not_hold_is_told_with_what_it_wants_and_sees(home) -> None:
    home.set("input_boolean.guests", "on")
    home.set("sensor.warmth", "19")
    conditions = [
        {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"},
        {"condition": "numeric_state", "entity_id": "sensor.warmth", "above": 20},
        {"condition": "time", "after": "08:00:00", "before": "20:00:00"},
    ]
    told = explained(started(home, rule(MOTION, conditions=conditions)))

    assert [each["result"] for each in told["conditions"]] == ["false", "false", "true"]
    texts = [each["text"] for each in told["reasons"] if each["code"] == "condition_false"]
    assert texts == [
        "Condition 1 (state) does not hold now: it wants input_boolean.guests to be 'off'; it sees input_boolean.guests = on.",
        "Condition 2 (numeric_state) does not hold now: it wants sensor.warmth to be above 20; it sees sensor.warmth = 19.",
    ]


def test_a_condition_on_something_missing_is_told_as_an_error(home) -> None:
    condition = {"not": [{"condition": "state", "entity_id": "light.gone", "state": "on"}]}
    started(home, rule(MOTION, conditions=[condition]))

    assert reasons(home)["condition_error"].endswith("it cannot be judged: light.gone does not exist.")


def test_a_condition_that_asks_for_the_trigger_is_left_open(home) -> None:
    started(home, rule({**MOTION, "id": "moved"}, conditions=[{"condition": "trigger", "id": "moved"}]))

    assert explained(home)["conditions"][0]["result"] == "depends_on_trigger"


def test_what_is_made_of_the_trigger_is_left_open_too_and_the_rest_is_judged(home) -> None:
    variables = {
        "who": "{{ trigger.entity_id }}",
        "name": ["{{ who }}"],
        "motion": "{{ states('binary_sensor.motion') }}",
    }
    conditions = ["{{ name == 'a' }}", "{{ motion == 'on' }}", "{{ trigger.to_state.state == 'on' }}"]
    told = explained(started(home, rule(MOTION, conditions=conditions, variables=variables)))

    assert [each["result"] for each in told["conditions"]] == ["depends_on_trigger", "false", "depends_on_trigger"]


def test_of_a_refused_or_all_its_parts_are_told(home) -> None:
    home.set("input_boolean.guests", "on")
    home.set("sensor.warmth", "19")
    parts = [
        {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"},
        {"condition": "numeric_state", "entity_id": "sensor.warmth", "above": 20},
    ]
    passing = {"or": [parts[0], {"condition": "state", "entity_id": "input_boolean.guests", "state": "on"}]}
    started(home, rule(MOTION, conditions=[passing, {"or": parts}])).set("binary_sensor.motion", "on")

    assert explained(home)["summary"].endswith(
        "but the condition conditions/1 (or) did not hold: it saw input_boolean.guests = on, sensor.warmth = 19."
    )


def test_an_attribute_that_is_not_there_is_told(home) -> None:
    started(home, rule({"trigger": "state", "entity_id": "binary_sensor.motion", "attribute": "battery", "to": 5}))
    assert reasons(home)["no_attribute"].endswith("binary_sensor.motion has no attribute battery now.")

    home.set("binary_sensor.motion", "off", {"battery": 7})
    assert reasons(home)["state_differs"].endswith("binary_sensor.motion has battery 7, not 5.")


def test_a_trigger_that_was_refused_last_is_told_with_the_condition_and_what_it_saw(home) -> None:
    home.set("input_boolean.guests", "on")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, rule(MOTION, conditions=[condition])).set("binary_sensor.motion", "on")
    home.set("input_boolean.guests", "off")

    told = explained(home)
    assert told["summary"] == (
        "It was triggered at 12:00:00 (binary_sensor.motion: off -> on), but the condition conditions/0 (state) "
        "did not hold: it saw input_boolean.guests = on."
    )
    assert told["last_refusal"]["conditions"][0]["values"] == {"input_boolean.guests": "on"}
    assert told["last_run"] is None


def test_a_run_after_the_refusal_is_the_last_word(home) -> None:
    home.set("input_boolean.guests", "on")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, rule(MOTION, conditions=[condition])).set("binary_sensor.motion", "on")
    for entity_id, state in (
        ("binary_sensor.motion", "off"),
        ("input_boolean.guests", "off"),
        ("binary_sensor.motion", "on"),
    ):
        home.set(entity_id, state)

    told = explained(home)
    assert told["last_run"]["status"] == "success"
    assert "conditions_not_met" not in {each["code"] for each in told["reasons"]}


def test_a_run_whose_trace_is_gone_is_remembered_by_the_statistics(home) -> None:
    started(home).set("binary_sensor.motion", "on")

    told = home.automations.explained("id-a", [], home.now)
    assert (told["last_run"]["status"], told["last_run"]["run_id"]) == ("success", None)


# Then.


def test_what_has_not_changed_since_then_was_so_then(home) -> None:
    home.set("input_boolean.guests", "on")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, rule(MOTION, conditions=[condition])).wait(7200)

    told = explained(home, NOON + timedelta(hours=1))
    assert [each["code"] for each in told["reasons"]] == ["state_differs", "condition_false"]
    assert told["reasons"][1]["text"].startswith("Condition 1 (state) does not hold: ")


def test_what_has_changed_since_then_is_not_known(home) -> None:
    home.set("input_boolean.guests", "off")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, rule({**MOTION, "to": "off"}, conditions=[condition])).wait(3600)
    home.set("input_boolean.guests", "on")
    home.set("binary_sensor.motion", "on")

    told = explained(home, NOON + timedelta(minutes=30))
    assert told["reasons"][0]["text"].endswith("has changed since then (at 13:00:00); what it was is not known.")
    assert told["conditions"][0]["result"] == "not_known"
    assert any("States that have changed since then" in text for text in told["not_known"])


def test_what_a_variable_looked_at_counts_as_looked_at_by_its_condition(home) -> None:
    variables = {"motion": "{{ states('binary_sensor.motion') }}"}
    started(home, rule(MOTION, conditions=["{{ motion == 'off' }}"], variables=variables)).wait(3600)
    home.set("binary_sensor.motion", "on")

    assert explained(home, NOON + timedelta(minutes=30))["conditions"][0]["result"] == "not_known"


def test_a_limit_that_has_changed_since_then_is_not_known(home) -> None:
    home.set("sensor.warmth", "21")
    home.set("input_number.limit", "23")
    started(home, rule({**WARM, "above": "input_number.limit"})).wait(3600)
    home.set("input_number.limit", "20")

    told = reasons(home, NOON + timedelta(minutes=30))["not_known"]
    assert told.endswith("sensor.warmth was compared with input_number.limit, which changed since then.")


def test_what_was_refused_then_is_told_from_its_trace(home) -> None:
    home.set("input_boolean.guests", "on")
    condition = {"condition": "state", "entity_id": "input_boolean.guests", "state": "off"}
    started(home, rule(MOTION, conditions=[condition])).set("binary_sensor.motion", "on")
    home.wait(7200)

    told = explained(home, NOON + timedelta(minutes=2))
    assert told["reasons"][0]["code"] == "conditions_not_met"
    assert [each["status"] for each in told["around"]] == ["conditions_not_met"]
    assert explained(home, NOON + timedelta(hours=1))["around"] == []


def test_a_rule_that_did_run_then_says_which_run_it_was(home) -> None:
    started(home).set("binary_sensor.motion", "on")
    home.wait(3600)

    assert explained(home, NOON + timedelta(seconds=5))["summary"].startswith("It did run at 12:00:00 (success)")


def test_a_rule_that_was_running_for_long_then_says_since_when(home) -> None:
    started(home, rule(MOTION, actions=[{"delay": 3600}])).set("binary_sensor.motion", "on")
    home.wait(7200)

    assert reasons(home, NOON + timedelta(minutes=30))["running"] == "It was running from 12:00:00 on (mode single)."


def test_a_time_that_was_due_then_is_told(home) -> None:
    started(home, rule({"trigger": "time", "at": "12:30"})).call("automation.turn_off", "automation.a")
    home.wait(7200)

    told = reasons(home, NOON + timedelta(minutes=31))
    assert told["was_due"].endswith("it was due at 12:30:00.")
    assert told["switched_off"]


def test_before_the_rule_was_last_switched_it_is_not_known_whether_it_was_on(home) -> None:
    started(home).wait(3600)
    home.call("automation.turn_off", "automation.a")

    told = explained(home, NOON + timedelta(minutes=30))
    assert "switched_off" not in {each["code"] for each in told["reasons"]}
    assert (
        "Whether the rule was on then, and whether the hub was running (it is off since 13:00:00)." in told["not_known"]
    )
    assert "No trace of this rule is kept: it was never triggered, or too long ago." in told["not_known"]


def test_asking_changes_nothing(home) -> None:
    home.set("sensor.warmth", "28")
    template = {
        "trigger": "template",
        "value_template": "{{ states('sensor.warmth') | float > 20 and now().hour > 3 }}",
    }
    started(home, rule(MOTION, WARM, template, conditions=["{{ is_state('light.hall', 'off') }}"]))
    timer, effects = home.automations.get_timer(), list(home.effects)
    explained(home)
    explained(home, NOON - timedelta(hours=5))

    assert (home.automations.get_timer(), home.effects) == (timer, effects)
    assert home.automations.handle_timer(home.now) == []


def test_who_looks_back_leaves_the_home_as_it_is_for_everybody_else(home) -> None:
    exchange = Exchange(home.states, BERLIN, home.new_id)
    home.set("binary_sensor.motion", "on")
    before = exchange.outlook.now, exchange.outlook.looked
    with AsOf(exchange, NOON - timedelta(hours=1), NOON).looking() as world:
        exchange.outlook.see("binary_sensor.motion")

    assert world.changed == {"binary_sensor.motion"}
    assert exchange.world is home.states
    assert (exchange.outlook.now, exchange.outlook.looked) == before
    assert exchange.outlook.looked.entity_ids == set()


# When.


@pytest.mark.parametrize(
    "text, instant",
    [
        ("07:30", datetime(2026, 1, 14, 6, 30, tzinfo=UTC)),
        ("12:00:01", datetime(2026, 1, 13, 11, 0, 1, tzinfo=UTC)),
        ("2026-01-10 07:30", datetime(2026, 1, 10, 6, 30, tzinfo=UTC)),
        ("2026-01-10T07:30:00+00:00", datetime(2026, 1, 10, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_by_the_clock_of_the_home_and_lies_in_the_past(text, instant) -> None:
    assert read_instant(text, NOON, "Europe/Berlin") == instant


@pytest.mark.parametrize("text", ["never", "25:00", "2026-01-15 07:30", ""])
def test_what_is_no_time_or_has_not_come_yet_is_refused_in_words(text) -> None:
    with pytest.raises(ValueError, match=r"is not a time|has not come yet"):
        read_instant(text, NOON, "Europe/Berlin")
