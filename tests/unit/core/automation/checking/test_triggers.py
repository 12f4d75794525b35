"""Triggers that can never fire, and those that only look so."""

import pytest

from hub_agent.model.device import Capability

from .conftest import MOTION, entity

NEVER = [
    ({**MOTION, "to": "open"}, "binary_sensor.motion never becomes 'open'"),
    ({**MOTION, "from": "closed", "to": "on"}, "binary_sensor.motion never was 'closed'"),
    ({**MOTION, "from": "on"}, "it waits for a change from 'on' to the same"),
    ({"trigger": "state", "entity_id": "lock.door", "to": "closed"}, "lock.door never becomes 'closed'"),
    ({"trigger": "state", "entity_id": "input_select.mode", "to": "party"}, "never becomes 'party'"),
    ({"trigger": "numeric_state", "entity_id": "sensor.x", "above": 5, "below": 5}, "no number is above 5 and below 5"),
    (
        {"trigger": "numeric_state", "entity_id": "light.hall", "attribute": "brightness", "above": 255},
        "light.hall is never above 255: it lies between 0 and 255",
    ),
    ({"trigger": "numeric_state", "entity_id": "sensor.battery", "below": 0}, "sensor.battery is never below 0"),
    ({"trigger": "state", "entity_id": "sensor.battery", "to": "low"}, "sensor.battery never becomes 'low'"),
    (
        {"trigger": "state", "entity_id": "switch.plug", "attribute": "colour"},
        "switch.plug has no attribute 'colour'",
    ),
]
MAY = [
    MOTION,
    {**MOTION, "to": "unavailable"},
    {"trigger": "state", "entity_id": "binary_sensor.motion", "not_to": "open"},
    {**MOTION, "to": ["open", "on"]},
    {**MOTION, "entity_id": ["cover.gate", "binary_sensor.motion"], "to": "open"},
    {**MOTION, "from": ["on", "off"], "to": ["on", "off"]},
    {"trigger": "state", "entity_id": "sensor.anything", "to": "party"},
    {"trigger": "state", "entity_id": "input_select.mode", "to": "night"},
    {"trigger": "state", "entity_id": "input_select.unheard_of", "to": "party"},
    {"trigger": "state", "entity_id": "switch.odd", "to": "standby"},
    {"trigger": "state", "entity_id": "light.hall", "attribute": "effect"},
    {"trigger": "state", "entity_id": "switch.plug", "attribute": "power"},
    {"trigger": "state", "entity_id": "media_player.radio", "attribute": "media_title"},
    {"trigger": "state", "entity_id": "sensor.battery", "to": "7"},
    {"trigger": "numeric_state", "entity_id": "light.hall", "attribute": "brightness", "above": 254},
    {"trigger": "numeric_state", "entity_id": "sensor.battery", "below": 20},
    {"trigger": "numeric_state", "entity_id": "sensor.battery", "value_template": "{{ 500 }}", "above": 300},
    {"trigger": "time", "at": "07:00"},
]


@pytest.fixture
def furnished(home):
    level = {"battery": Capability("int", "r", unit="%", min=0, max=100)}
    home.meet("sensor", entity("battery", "sensor", object_id="battery", device_class="battery", capabilities=level))
    home.report("sensor", "battery", "80")
    home.meet("plug", entity("switch", "switch", object_id="plug"))
    home.report("plug", "switch", "on", power=4)
    home.meet("radio", entity("player", "media_player", object_id="radio"))
    home.report("radio", "player", "idle", volume_level=0.4)
    home.set("input_select.mode", "day", options=["day", "night"])
    home.set("switch.odd", "standby")
    for entity_id in ("lock.door", "cover.gate", "sensor.x", "sensor.anything", "input_select.unheard_of"):
        home.set(entity_id, "unknown")
    return home


@pytest.mark.parametrize("trigger, why", NEVER, ids=[why for _, why in NEVER])
def test_a_trigger_that_can_never_fire_says_why(furnished, trigger, why) -> None:
    furnished.load(triggers=[trigger])

    found = furnished.found()["trigger_never_fires"]
    assert why in found["text"]
    assert (found["severity"], found["path"]) == ("error", "triggers/0")
    assert furnished.status() == "broken"


@pytest.mark.parametrize("trigger", MAY, ids=str)
def test_a_trigger_that_may_fire_is_let_alone(furnished, trigger) -> None:
    furnished.load(triggers=[trigger])

    assert furnished.found() == {}


def test_beside_one_that_fires_a_dead_trigger_is_only_a_warning(furnished) -> None:
    furnished.load(triggers=[MOTION, {**MOTION, "to": "open"}])

    assert furnished.found()["trigger_never_fires"]["severity"] == "warning"
    assert furnished.status() == "degraded"


def test_a_state_in_capitals_is_told_how_it_is_written(furnished) -> None:
    furnished.load(triggers=[{**MOTION, "to": "On"}])

    assert furnished.report_of()["recommended_fixes"][0]["text"] == "Write 'on'."


def test_a_rule_whose_triggers_are_all_disabled_waits_to_be_called(furnished) -> None:
    furnished.load(triggers=[{**MOTION, "enabled": False}])

    assert "triggers_disabled" in furnished.found()


def test_a_disabled_trigger_that_could_never_fire_is_nobodys_business(furnished) -> None:
    furnished.load(triggers=[MOTION, {**MOTION, "to": "open", "enabled": False}])

    assert furnished.found() == {}


def test_a_rule_without_triggers_is_meant_so(furnished) -> None:
    furnished.load(triggers=[])

    assert furnished.found() == {}


def test_a_time_that_has_passed_is_worth_knowing_and_no_fault(furnished) -> None:
    furnished.load(triggers=[], schedule_type="once", schedule_config={"at": "2026-01-01T07:00:00+01:00"})

    assert furnished.found()["time_past"]["severity"] == "info"
    assert furnished.status() == "healthy"


def test_a_time_to_come_is_not_told(furnished) -> None:
    furnished.load(triggers=[], schedule_type="once", schedule_config={"at": "2026-02-01T07:00:00+01:00"})

    assert furnished.found() == {}


def test_a_wait_for_what_can_never_happen_is_in_vain(furnished) -> None:
    furnished.load(actions=[{"wait_for_trigger": [{**MOTION, "to": "open"}], "timeout": 5}])

    found = furnished.found()["wait_in_vain"]
    assert (found["path"], found["aspect"]) == ("actions/0/wait_for_trigger/0", "actions")


def test_a_wait_for_one_of_two_may_end(furnished) -> None:
    furnished.load(actions=[{"wait_for_trigger": [{**MOTION, "to": "open"}, {**MOTION, "to": "off"}]}])

    assert furnished.found() == {}
