"""Health as the whole hub tells it: in the present, in the history, and with what a person answers."""

from hub_agent.model.effects import Answer, AppendRecord
from hub_agent.model.ids import DeviceId
from hub_agent.model.inputs import RemedyAnswered, RemedyWanted
from hub_agent.model.report import AvailabilityReported
from tests.unit.core.test_hub import BRIDGE, Living, lamp


def living_with_a_lamp() -> Living:
    living = Living()
    living.tell(BRIDGE, lamp())
    return living


def history(effects: list, living: Living) -> dict[str, int]:
    rows = [each.row for each in effects if isinstance(each, AppendRecord) and each.stream == "device_health_history"]
    return {living.hub.inventory.device(DeviceId(row["device_id"])).name: row["health_score"] for row in rows}


def test_the_present_and_the_history_have_each_devices_score() -> None:
    living = living_with_a_lamp()
    first = history(living.wait(3700), living)
    assert first["Lamp"] == first["Bridge"] == 100
    assert "MQTT broker" in first
    living.tell(AvailabilityReported(lamp().origin, is_available=False))
    assert history(living.wait(3600), living)["Lamp"] < 80
    scores = {
        living.hub.inventory.device(DeviceId(each)).name: told["health_score"]
        for each, told in living.hub.present()["devices"].items()
    }
    assert scores["Lamp"] < 80
    assert scores["Bridge"] == 100


def test_after_a_crash_the_score_is_as_it_was() -> None:
    living = living_with_a_lamp()
    living.tell(AvailabilityReported(lamp().origin, is_available=False))
    living.wait(7 * 3600)
    before = living.hub.present()["devices"]
    living.crash()
    after = living.hub.present()["devices"]
    scores = [{each: told["health_score"] for each, told in devices.items()} for devices in (before, after)]
    assert scores[0] == scores[1]


def test_an_answer_to_nothing_and_a_remedy_for_nothing_are_refused_and_written_down() -> None:
    living = living_with_a_lamp()
    device_id = next(each.id for each in living.hub.inventory.devices() if each.name == "Lamp")
    for asked, what in (
        (RemedyAnswered("nothing", is_approved=True, request_id="r", by="cli"), "approve"),
        (RemedyWanted(device_id, "reboot_device", "r", by="cli"), "try"),
        (RemedyWanted(device_id, "prayer", "r", by="cli"), "try"),
    ):
        effects = living.tell(asked)
        [answer] = [each.answer for each in effects if isinstance(each, Answer)]
        assert answer.error
        [entry] = [each.row for each in effects if isinstance(each, AppendRecord) and each.stream == "audit_logs"]
        assert (entry["metadata"]["what"], entry["metadata"]["by"]) == (what, "cli")
        assert entry["table_name"] == "self_healing_executions"
