"""Conditions that can never hold, and those that only look so."""

import pytest

from .conftest import LIGHT_ON, MOTION


def state(entity_id, wanted, **more):
    return {"condition": "state", "entity_id": entity_id, "state": wanted, **more}


def number(entity_id="sensor.x", **limits):
    return {"condition": "numeric_state", "entity_id": entity_id, **limits}


def clock(**bounds):
    return {"condition": "time", **bounds}


NEVER = [
    ([state("light.hall", "on"), state("light.hall", "off")], "cannot be 'on' and 'off' at once"),
    ([state("light.hall", "on"), {"and": [state("light.hall", ["off", "unknown"])]}], "at once"),
    ([{"or": [{"and": [state("light.hall", "on"), state("light.hall", "off")]}]}], "at once"),
    ([state("light.hall", "open")], "light.hall is never 'open'"),
    ([state(["light.hall", "sensor.x"], "dimmed")], "light.hall is never 'dimmed'"),
    ([number(above=20), number(below=10)], "no number is above 20 and below 10"),
    ([number(above=5, below=5)], "no number is above 5 and below 5"),
    ([number("light.hall", attribute="brightness", above=255)], "light.hall is never above 255"),
    ([clock(after="22:00"), clock(before="06:00")], "no time of day lies in both"),
    ([clock(weekday=["sat"]), clock(weekday=["mon", "tue"])], "no day is in both"),
    ([{"condition": "trigger", "id": "door"}], "it has no trigger with the id 'door'"),
    (["{{ false }}"], "always gives 'False'"),
    (["{{ 1 > 2 and true }}"], "always gives 'False'"),
    (["{{ 'yes' }}"], "always gives 'yes'"),
    ([state("binary_sensor.motion", "off")], "whenever it is triggered"),
]
MAY = [
    [state("light.hall", ["on", "off"]), state("light.hall", "off")],
    [state("light.hall", "on"), state("sensor.x", "off")],
    [{"or": [state("light.hall", "on"), state("light.hall", "off")]}],
    [{"not": [state("light.hall", "on"), state("light.hall", "off")]}],
    [state("light.hall", "on"), {**state("light.hall", "off"), "enabled": False}],
    [state("light.hall", "on"), state("light.hall", "off", attribute="mood")],
    [state(["light.hall", "sensor.x"], "dimmed", match="any")],
    [state("light.hall", "input_select.mode"), state("light.hall", "off")],
    [number(above=10), number(below=20)],
    [number(above=10), number("sensor.y", below=5)],
    [number(above=10), number(attribute="power", below=5)],
    [number(above="input_number.limit"), number(below=5)],
    [number(above=20), number(value_template="{{ 1 }}", below=10)],
    [{"or": [state("light.hall", "open"), state("light.hall", "on")]}],
    [number("light.hall", attribute="brightness", above=254)],
    [clock(after="22:00", before="06:00"), clock(after="05:00", before="23:00")],
    [clock(after="22:00", before="06:00")],
    [clock(after="08:00", before="08:00")],
    [clock(weekday=["sat", "sun"]), clock(weekday=["sun"])],
    [{"condition": "trigger", "id": ["0", "door"]}],
    ["{{ true }}"],
    ["{{ trigger.id == '0' }}"],
    ["{{ now().hour > 30 }}"],
    ["{{ states('light.hall') == 'dimmed' }}"],
    [state("binary_sensor.motion", ["on", "unavailable"])],
]
TWO = [MOTION, {"trigger": "time", "at": "07:00"}]


@pytest.fixture
def furnished(home):
    for entity_id in ("sensor.x", "sensor.y", "input_number.limit", "input_select.mode"):
        home.set(entity_id, "1")
    return home


@pytest.mark.parametrize("conditions, why", NEVER, ids=str)
def test_conditions_that_can_never_hold_say_why(furnished, conditions, why) -> None:
    furnished.load(triggers=[MOTION], conditions=conditions)

    found = furnished.found()["condition_never_true"]
    assert why in found["text"]
    assert found["path"].startswith("conditions/")
    assert furnished.status() == "broken"


@pytest.mark.parametrize("conditions", MAY, ids=str)
def test_conditions_that_may_hold_are_let_alone(furnished, conditions) -> None:
    furnished.load(triggers=[MOTION], conditions=conditions)

    assert furnished.found() == {}


def test_a_condition_against_one_of_two_triggers_lets_the_other_pass(furnished) -> None:
    furnished.load(triggers=TWO, conditions=[state("binary_sensor.motion", "off")])

    assert furnished.found() == {}


def test_one_run_has_one_trigger(furnished) -> None:
    furnished.load(triggers=TWO, conditions=[{"condition": "trigger", "id": each} for each in ("0", "1")])

    assert "by another trigger at once" in furnished.found()["condition_never_true"]["text"]


def test_a_branch_that_is_never_taken_is_told_with_its_place(furnished) -> None:
    never = [state("light.hall", "on"), state("light.hall", "off")]
    furnished.load(actions=[{"choose": [{"conditions": never, "sequence": [LIGHT_ON]}]}])

    found = furnished.found()["steps_never_taken"]
    assert found["path"] == "actions/0/choose/0/conditions/1"
    assert furnished.status() == "degraded"


def test_a_branch_for_a_trigger_that_is_not_there_is_told(furnished) -> None:
    furnished.load(actions=[{"if": [{"condition": "trigger", "id": "door"}], "then": [LIGHT_ON]}])

    assert "steps_never_taken" in furnished.found()


def test_branches_that_exclude_each_other_are_what_choose_is_for(furnished) -> None:
    options = [{"conditions": [state("light.hall", each)], "sequence": [LIGHT_ON]} for each in ("on", "off")]
    furnished.load(actions=[{"choose": options}])

    assert furnished.found() == {}


def test_a_script_is_started_by_no_trigger_of_its_own(furnished) -> None:
    furnished.load_script("dim", {"if": [{"condition": "trigger", "id": "door"}], "then": [LIGHT_ON]})

    assert furnished.found("dim") == {}
