"""Loading, reloading, switching and refusing."""

from datetime import timedelta

import pytest

from hub_agent.core.automation.loading import read_program
from hub_agent.core.automation.spelling import automation_fields
from hub_agent.errors import DefinitionError
from hub_agent.model.definition import Definition
from hub_agent.model.effects import IssueCleared, IssueRaised, SaveTrace, Warn
from hub_agent.model.report import Subscribe
from hub_agent.templating import Templates

from .conftest import LIGHT_ON, MOTION, NOON, Home

DELAYED = {"triggers": [MOTION], "actions": [LIGHT_ON, {"delay": 60}, {"action": "light.turn_off"}]}


def started(home: Home) -> Home:
    home.set("binary_sensor.motion", "off")
    home.start()
    return home


@pytest.mark.parametrize(
    "config, where",
    [
        ({"triggers": [{"trigger": "state", "entity_id": "x"}], "actions": []}, "triggers/0/entity_id"),
        ({"triggers": [{**MOTION, "to": 5}], "actions": []}, "triggers/0/to"),
        ({"triggers": [{**MOTION, "for": "soon"}], "actions": []}, "triggers/0/for"),
        ({"triggers": [{"trigger": "numeric_state", "entity_id": "a.b", "above": "x y"}], "actions": []}, "triggers/0/above"),
        ({"triggers": [{"platform": "moon"}], "actions": []}, "triggers/0"),
        ({"triggers": [MOTION], "conditions": [{"or": [{"condition": "sun"}]}], "actions": []}, "conditions/0/conditions/0"),
        ({"triggers": [], "actions": [{"choose": [{"conditions": [], "sequence": [{"delay": -1}]}]}]}, "actions/0/choose/0/sequence/0/delay"),
        ({"triggers": [], "actions": [{"delay": "{{ 1 + }}"}]}, "actions/0/delay"),
        ({"triggers": [], "actions": [{"repeat": {"sequence": []}}]}, "actions/0/repeat"),
        ({"triggers": [], "actions": [], "mode": "often"}, "metadata/mode"),
        ({"triggers": [], "actions": [], "trace": {"stored": -1}}, "metadata/trace"),
        ({"triggers": [], "actions": [], "trace": {"kept": 5}}, "metadata/trace"),
        ({"triggers": [], "actions": [{"action": "light"}]}, "actions/0/action"),
        ({"triggers": [], "actions": [{"service": "a.b", "action": "a.b"}]}, "actions/0"),
        ({"triggers": [], "actions": [{"action": "a.b", "target": {"entity": "x.y"}}]}, "actions/0/target"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(config, where) -> None:
    definition = Definition("automation", "id", automation_fields({"alias": "a", **config}))

    with pytest.raises(DefinitionError) as caught:
        read_program(definition, Templates())

    assert caught.value.where == where


def test_nesting_without_end_is_refused() -> None:
    step: dict = {"delay": 1}
    for _ in range(200):
        step = {"sequence": [step]}

    with pytest.raises(DefinitionError, match="nested"):
        read_program(Definition("automation", "id", {"name": "a", "triggers": [], "actions": [step]}), Templates())


def test_a_bad_automation_becomes_an_issue_and_stops_nobody_else(home) -> None:
    home.load({"triggers": [{"trigger": "moon"}], "actions": []}, key="bad")
    home.load()
    started(home).set("binary_sensor.motion", "on")

    assert home.actions == ["light.turn_on"]
    (raised,) = home.seen(IssueRaised)
    assert (raised.issue.code, raised.issue.subject) == ("automation_invalid", "id-bad")
    assert "triggers/0" in raised.issue.text
    assert home.automations.problem_of("id-bad")


def test_the_issue_goes_when_the_automation_is_corrected(home) -> None:
    home.load({"triggers": [{"trigger": "moon"}], "actions": []})
    started(home)
    home.load()
    home.set("binary_sensor.motion", "on")

    assert [each.subject for each in home.seen(IssueCleared)] == ["id-a"]
    assert home.actions == ["light.turn_on"]


def test_an_edit_of_the_name_does_not_disturb_a_run(home) -> None:
    home.load(DELAYED)
    started(home).set("binary_sensor.motion", "on")
    home.load(DELAYED, description="now with words")
    home.wait(61)

    assert home.actions == ["light.turn_on", "light.turn_off"]


def test_an_edit_of_the_actions_cancels_the_run_and_holds(home) -> None:
    home.load(DELAYED)
    started(home).set("binary_sensor.motion", "on")
    home.load({**DELAYED, "actions": [{"action": "notify.other"}]})
    home.wait(100)

    assert home.actions == ["light.turn_on"]
    assert [row["status"] for row in home.records] == ["cancelled"]


def test_a_deleted_automation_is_gone_with_its_entity(home) -> None:
    home.load(DELAYED)
    started(home).set("binary_sensor.motion", "on")
    home.route(home.automations.unload("id-a", home.now))
    home.wait(100)

    assert home.actions == ["light.turn_on"]
    assert home.states.state("automation.a") is None
    assert home.automations.get_timer() is None


def test_what_a_person_switched_off_stays_off_until_the_definition_says_otherwise(home) -> None:
    home.load()
    started(home)
    home.call("automation.turn_off", "automation.a")
    home.crash()
    assert home.states.state("automation.a").state == "off"
    home.load(is_enabled=False)
    home.load(is_enabled=True, description="switched on in the cloud")
    home.set("binary_sensor.motion", "on")

    assert home.calls
    assert home.states.state("automation.a").state == "on"


def test_a_reload_does_not_undo_what_a_person_switched(home) -> None:
    home.load()
    started(home)
    home.call("automation.turn_off", "automation.a")
    home.load(description="other words")
    home.set("binary_sensor.motion", "on")

    assert not home.calls


def test_a_paused_automation_goes_on_by_itself(home) -> None:
    home.load(is_paused=True, pause_until=(NOON + timedelta(minutes=10)).isoformat())
    started(home)
    home.set("binary_sensor.motion", "on")
    home.set("binary_sensor.motion", "off")
    assert not home.calls
    home.wait(601)
    home.set("binary_sensor.motion", "on")

    assert home.actions == ["light.turn_on"]


def test_two_automations_of_one_name_get_entities_of_their_own(home) -> None:
    home.load(key="a")
    home.load(key="b", name="a")
    started(home)

    assert home.automations.entity_id_of("id-a") == "automation.a"
    assert home.automations.entity_id_of("id-b") == "automation.a_2"


def test_the_entity_shows_when_it_was_triggered_and_how_many_runs_there_are(home) -> None:
    home.load(DELAYED)
    started(home).set("binary_sensor.motion", "on")
    shown = home.states.state("automation.a").attributes
    assert (shown["last_triggered"], shown["current"], shown["mode"]) == (NOON.isoformat(), 1, "single")
    home.wait(61)

    assert home.states.state("automation.a").attributes["current"] == 0


def test_a_change_nobody_listens_to_gives_nothing(home) -> None:
    home.load()
    started(home)
    before = len(home.effects)
    home.set("sensor.other", "5")

    assert len(home.effects) == before


def test_topics_and_webhooks_that_triggers_need_are_known(home) -> None:
    home.load(
        {"triggers": [{"trigger": "mqtt", "topic": "a/+"}, {"trigger": "webhook", "webhook_id": "w"}], "actions": []}
    )
    assert not home.automations.listens_to_topics
    started(home)

    assert home.automations.listens_to_topics
    assert home.automations.topics() == {"a/+"}
    assert home.automations.has_webhook("w")


def test_a_device_named_in_a_target_stands_for_its_entities(home) -> None:
    from hub_agent.core.automation.engine import Automations

    from .conftest import BERLIN

    known = {("device_id", "lamp"): ("light.hall", "light.stairs")}
    home.automations = Automations(home.states, home.new_id, BERLIN, lambda kind, name: known.get((kind, name)))
    by_device = {"action": "light.turn_on", "target": {"device_id": "lamp"}}
    unknown = {"action": "light.turn_on", "target": {"area_id": "cellar"}}
    home.load({"triggers": [MOTION], "actions": [by_device, unknown]})
    started(home).set("binary_sensor.motion", "on")

    assert home.calls[0].target == ("light.hall", "light.stairs")
    assert home.records[0]["status"] == "failed"
    assert "cellar" in home.records[0]["error_message"]


def test_a_script_in_queued_mode_may_not_start_itself(home) -> None:
    row = {
        "name": "s",
        "triggers": [],
        "actions": [{"action": "script.s"}, LIGHT_ON],
        "metadata": {"kind": "script", "mode": "queued"},
    }
    home.route(home.automations.load(Definition("automation", "id-s", row), home.now))
    started(home).call("script.s")

    assert any("may not start itself" in warning.text for warning in home.seen(Warn))
    assert home.actions == ["light.turn_on"]
    assert len(home.records) == 1


def test_scripts_that_call_each_other_without_end_are_stopped(home) -> None:
    row = {
        "name": "s",
        "triggers": [],
        "actions": [{"action": "script.s"}],
        "metadata": {"kind": "script", "mode": "parallel", "max": 1000},
    }
    home.route(home.automations.load(Definition("automation", "id-s", row), home.now))
    started(home).call("script.s")

    assert len(home.records) <= 21


def test_an_automation_that_names_what_the_home_does_not_have_is_said_after_a_while(home) -> None:
    home.load(
        {"triggers": [MOTION], "actions": [LIGHT_ON, {"action": "notify.phone", "data": {"entity_id": "{{ x }}"}}]}
    )
    started(home)
    home.wait(60)
    assert not home.seen(IssueRaised)
    home.wait(100)

    (raised,) = home.seen(IssueRaised)
    assert raised.issue.text == "a names light.hall, which this home does not have."

    home.set("light.hall", "off")
    home.wait(1000)

    assert [(each.code, each.subject) for each in home.seen(IssueCleared)] == [("entity_missing", "id-a")]


def test_a_template_over_many_entities_is_rendered_once_a_second_at_most(home) -> None:
    trigger = {
        "trigger": "template",
        "value_template": "{{ states.sensor | map(attribute='state') | map('int') | sum > 100 }}",
    }
    home.load({"triggers": [trigger], "actions": [LIGHT_ON]})
    home.set("sensor.a", "0")
    started(home)
    home.wait(5)
    for number in range(102):
        home.set("sensor.a", str(number))
    assert not home.calls
    home.wait(1)

    assert home.actions == ["light.turn_on"]


@pytest.mark.parametrize(
    "trace, kept", [({}, 20), ({"trace": {"stored": 3}}, 3), ({"trace": {"stored_traces": 50}}, 50)]
)
def test_a_definition_says_how_many_of_its_traces_are_kept(home, trace, kept) -> None:
    home.load({"triggers": [MOTION], "actions": [LIGHT_ON], **trace})
    started(home).set("binary_sensor.motion", "on")

    assert [each.kept_max for each in home.seen(SaveTrace)] == [kept]


def test_topics_of_triggers_are_subscribed_once(home) -> None:
    for key in ("a", "b"):
        home.load({"triggers": [{"trigger": "mqtt", "topic": "door/bell"}], "actions": []}, key=key)
    started(home)
    home.call("automation.turn_off", "automation.a")
    home.call("automation.turn_on", "automation.a")

    assert [each.topics for each in home.seen(Subscribe)] == [("door/bell",)]
