"""A diagnosis in the whole hub: it sees what the others know, is asked for from far away, and follows what healing finds."""

from typing import Any

from hub_agent.model.definition import Definition
from hub_agent.model.effects import AppendCase, AskState
from hub_agent.model.inputs import BrokerConnected, BrokerLost, CloudCommand, DefinitionArrived, DiagnosisWanted
from hub_agent.model.report import AvailabilityReported
from tests.unit.core.test_hub import BRIDGE, Living, lamp

BRIDGE_ORIGIN = BRIDGE.origin


def home() -> Living:
    living = Living()
    living.tell(BrokerConnected(), BRIDGE, lamp(), AvailabilityReported(BRIDGE_ORIGIN, is_available=True))
    living.report("Lamp", "on")
    living.wait(10)
    return living


def lamp_id(living: Living) -> Any:
    return next(each.id for each in living.devices.values() if each.name == "Lamp")


def runs(effects: list[Any]) -> list[Any]:
    return [each.row for each in effects if isinstance(each, AppendCase) and each.table == "diagnostic_runs"]


def test_the_cloud_asks_for_a_diagnosis_and_hears_what_came_of_it() -> None:
    living = home()
    given = living.tell(CloudCommand("c1", "diagnose", {"device_id": lamp_id(living)}))
    assert AskState(lamp_id(living)) in given
    living.wait(1)
    living.report("Lamp", "on")
    given = living.wait(2)
    [done] = living.done
    result: Any = done.result["result"]
    assert (done.status, result["overall_status"], result["summary"]) == (
        "done",
        "healthy",
        "Lamp: nothing is wrong that can be found.",
    )
    assert [row["health_score"] for row in runs(given)] == [100]


def test_of_a_device_that_is_not_there_the_cloud_hears_in_words() -> None:
    living = home()
    living.tell(CloudCommand("c1", "diagnose", {"device_id": "nobody"}))
    assert (living.done[0].status, living.done[0].result) == (
        "failed",
        {"error": "there is no device nobody in this home"},
    )


def test_a_diagnosis_that_a_crash_cut_off_is_told_as_failed_and_leaves_nothing() -> None:
    living = home()
    living.tell(CloudCommand("c1", "diagnose", {"device_id": lamp_id(living)}))
    living.crash()
    assert (living.done[0].status, "stopped while it was under way" in str(living.done[0].result)) == ("failed", True)
    assert runs(living.wait(60)) == []


def test_what_healing_finds_at_the_bridge_is_diagnosed_there_once() -> None:
    living = home()
    living.tell(*(lamp(f"Lamp {number}") for number in range(5)))
    living.tell(AvailabilityReported(BRIDGE_ORIGIN, is_available=False))
    given = living.wait(180)
    [row] = runs(given)
    assert (living.devices[row["device_id"]].name, row["trigger_source"]) == ("Bridge", "self_healing")
    assert (row["overall_status"], row["connectivity_check"]["status"]) == ("failed", "failed")
    [issue] = [each.row for each in given if isinstance(each, AppendCase) and each.table == "diagnostic_issues"]
    assert issue["error_code"] == "device_unavailable"
    back = living.tell(AvailabilityReported(BRIDGE_ORIGIN, is_available=True))
    fixed = [each.row["status"] for each in back if isinstance(each, AppendCase) and each.table == "diagnostic_issues"]
    assert fixed == ["fixed"]


def test_a_lamp_is_not_blamed_for_the_broker_or_for_its_bridge() -> None:
    living = home()
    living.tell(AvailabilityReported(BRIDGE_ORIGIN, is_available=False))
    living.tell(DiagnosisWanted(lamp_id(living), "r1"))
    assert living.hub.monitoring.diagnosis.diagnoses()[0]["summary"] == "Its bridge Bridge is away."
    living.tell(BrokerLost("connection refused"), DiagnosisWanted(lamp_id(living), "r2"))
    root: Any = living.hub.monitoring.diagnosis.diagnoses()[0]["root"]
    assert root["key"] == "broker"


def test_the_home_is_well_when_nothing_is_wrong() -> None:
    living = home()
    living.tell(DiagnosisWanted(None, "r1"))
    told = living.hub.monitoring.diagnosis.diagnoses()[0]
    assert (told["of"], told["overall_status"]) == ("home", "healthy")


def test_automations_that_name_the_device_are_told() -> None:
    living = home()
    action = {"action": "light.turn_on", "target": {"entity_id": "light.lamp"}}
    fields: Any = {"name": "Evening", "is_enabled": True, "triggers": [], "actions": [action]}
    living.tell(DefinitionArrived(Definition("automation", "a1", fields), is_from_cloud=False))
    living.wait(600)
    living.tell(DiagnosisWanted(lamp_id(living), "r1"))
    living.wait(10)
    steps: Any = living.hub.monitoring.diagnosis.diagnoses()[0]["steps"]
    facts = next(each["facts"] for each in steps if each["key"] == "automations")
    assert facts["automations"] == ["Evening"]
