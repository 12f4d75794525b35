"""A diagnosis: step by step from the far end, the root named, one open finding per fault until it passes."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hub_agent.core.diagnosis import Diagnosis
from hub_agent.core.diagnosis.facts import Peer, Prospect
from hub_agent.core.diagnosis.room import AUTO_A_DAY_MAX
from hub_agent.model.device import Device, DeviceType, Entity, Origin, Presence, ProtocolType
from hub_agent.model.effects import Announce, Answer, AppendCase, AskState, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.inputs import DiagnosisWanted
from hub_agent.model.issue import Issue
from hub_agent.model.state import EntityState
from tests.fakes.diagnosed_home import DiagnosedHome

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
CONTRACT = Path(__file__).parents[4] / "cloud_schema" / "contract" / "contract.json"


def device(name: str, via: str | None = None, kind: DeviceType = DeviceType.LIGHT, **more: Any) -> Device:
    given = Device(
        DeviceId(name),
        Origin("zigbee2mqtt", name),
        (),
        name.capitalize(),
        False,
        None,
        None,
        None,
        kind,
        ProtocolType.ZIGBEE,
        DeviceId(via) if via else None,
        None,
        None,
        {},
        (),
    )
    return replace(given, **more)


def entity(of: str, domain: str, device_class: str | None = None, unit: str | None = None) -> Entity:
    name = EntityId(f"{domain}.{of}_{device_class or domain}")
    return Entity(name, DeviceId(of), domain, domain, None, device_class, unit, None, None, {}, {})


HUB = device("hub", kind=DeviceType.HUB, origin=Origin("hub", "hub"), protocol=None)
BRIDGE = device("bridge", kind=DeviceType.BRIDGE)


class House(DiagnosedHome):
    def __init__(self, *devices: Device) -> None:
        super().__init__(HUB, *devices)
        self.now = NOON
        for each in devices:
            self.presences[each.id] = Presence(True, NOON - MINUTE, NOON - MINUTE)
        self.saved: dict[str, Any] = {}
        numbers = count(1)
        self.new_id = lambda: f"id{next(numbers)}"
        self.diagnosis = Diagnosis(self, self.new_id)
        self.seen: list[Any] = []

    def see(self, given: Iterable[Any]) -> list[Any]:
        told = list(given)
        for each in told:
            if isinstance(each, Save):
                self.saved[each.key] = each.body
        self.seen += told
        return told

    def want(self, name: str | None) -> list[Any]:
        wanted = DiagnosisWanted(None if name is None else DeviceId(name), "request")
        return self.see(self.diagnosis.take(wanted, self.now))

    def advance(self, by: timedelta) -> list[Any]:
        end, given = self.now + by, []
        while (due := self.diagnosis.get_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            given += self.see(self.diagnosis.handle_timer(self.now))
        self.now = end
        return given

    def diagnose(self, name: str | None) -> dict[str, Any]:
        given = [*self.want(name), *self.advance(10 * SECOND)]
        [answer] = [each.answer for each in given if isinstance(each, Answer)]
        return answer

    def raised(self, code: str, subject: str, **details: Any) -> None:
        self.see(self.diagnosis.handle_issue(IssueRaised(Issue(code, subject, self.now, details)), self.now))

    def cleared(self, code: str, subject: str) -> list[Any]:
        return self.see(self.diagnosis.handle_issue(IssueCleared(code, subject), self.now))

    def speak(self, name: str) -> None:
        self.presences[DeviceId(name)] = Presence(True, self.now, self.now)

    def lose(self, name: str) -> None:
        self.presences[DeviceId(name)] = Presence(False, NOON - 30 * MINUTE, NOON - 30 * MINUTE)
        self.away.add(DeviceId(name))

    def restart(self) -> None:
        self.diagnosis = Diagnosis(self, self.new_id)
        kept = {key: body for key, body in self.saved.items() if body is not None}
        self.see(self.diagnosis.restore(json.loads(json.dumps(kept)), self.now))


def steps(told: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {each["key"]: (each["status"], each["because"]) for each in told["steps"]}


def rows(given: Iterable[Any], table: str) -> list[Any]:
    return [each.row for each in given if isinstance(each, AppendCase) and each.table == table]


# What it finds.


def test_a_well_lamp_that_answers_is_healthy() -> None:
    house = House(BRIDGE, device("lamp", "bridge"))
    given = house.want("lamp")
    assert [each for each in given if isinstance(each, AskState)] == [AskState(DeviceId("lamp"))]
    house.now += SECOND
    house.speak("lamp")
    [answer] = [each.answer for each in house.advance(SECOND) if isinstance(each, Answer)]
    assert (answer["overall_status"], answer["health_score"], answer["issues_found"]) == ("healthy", 100, 0)
    assert steps(answer)["link"] == ("ok", None)
    assert next(each for each in answer["steps"] if each["key"] == "link")["facts"]["has_answered"] is True


def test_what_does_not_answer_but_is_heard_is_no_fault() -> None:
    """Not every device can be asked: a false alarm is worse than a late one."""
    house = House(device("lamp"))
    told = house.diagnose("lamp")
    assert told["overall_status"] == "healthy"
    assert (steps(told)["link"], "1 minute ago" in told["steps"][-7]["text"]) == (("ok", None), True)


def test_a_lamp_behind_a_bridge_that_is_away_has_its_fault_at_the_bridge() -> None:
    house = House(BRIDGE, device("lamp", "bridge"))
    house.lose("bridge")
    house.lose("lamp")
    told = house.diagnose("lamp")
    assert (steps(told)["parents"], steps(told)["link"]) == (("failed", None), ("failed", "parents"))
    assert (told["overall_status"], told["issues_found"], told["root"]["key"]) == ("failed", 1, "parents")
    assert told["summary"] == "Its bridge Bridge is away."
    assert told["recommendations"] == ["Look at Bridge first: its power, its cable, then restart it."]
    [issue] = rows(house.seen, "diagnostic_issues")
    assert (issue["device_id"], issue["affected_component"]) == ("bridge", "link")
    assert not any(isinstance(each, AskState) for each in house.seen)


def test_a_bridge_behind_a_router_that_is_away_is_not_the_root() -> None:
    house = House(
        device("router", kind=DeviceType.ROUTER), replace(BRIDGE, via=DeviceId("router")), device("lamp", "bridge")
    )
    for name in ("router", "bridge", "lamp"):
        house.lose(name)
    assert house.diagnose("lamp")["root"]["text"] == "Its router Router is away."


def test_without_the_broker_nothing_else_is_blamed() -> None:
    house = House(BRIDGE, device("lamp", "bridge"))
    house.is_broker_up = False
    house.raised("broker_unreachable", "broker", reason="connection refused")
    house.lose("lamp")
    told = house.diagnose("lamp")
    assert (steps(told)["broker"], steps(told)["link"]) == (("failed", None), ("failed", "broker"))
    [issue] = rows(house.seen, "diagnostic_issues")
    assert (issue["device_id"], issue["error_code"], issue["severity"]) == ("hub", "broker_unreachable", "error")


def test_the_broker_does_not_concern_what_has_a_link_of_its_own() -> None:
    house = House(device("lamp", native={"peer": "1"}, protocol=ProtocolType.WIFI))
    house.is_broker_up = False
    house.peers[DeviceId("lamp")] = Peer("down", "connection refused.", "192.168.1.30")
    told = house.diagnose("lamp")
    assert "broker" not in steps(told)
    assert told["summary"] == "The connection to it is not up: connection refused."


def test_no_internet_is_no_reason_for_a_lamp_to_be_away() -> None:
    house = House(device("lamp", native={"peer": "1"}, protocol=ProtocolType.WIFI))
    house.raised("internet_unreachable", "internet", reason="no answer")
    house.lose("lamp")
    told = house.diagnose("lamp")
    assert (steps(told)["network"][0], told["root"]["key"]) == ("warning", "link")


def test_a_plug_that_was_switched_off_is_the_reason() -> None:
    house = House(device("plug", kind=DeviceType.PLUG), device("tv"))
    house.plugs[DeviceId("tv")] = DeviceId("plug")
    house.off.add(DeviceId("plug"))
    house.lose("tv")
    told = house.diagnose("tv")
    assert (told["summary"], steps(told)["link"]) == ("Plug, which feeds it, is switched off.", ("failed", "power"))
    assert told["recommendations"] == ["Switch Plug on."]


def test_a_plug_that_is_on_and_gives_nothing_tells_of_the_devices_own_switch() -> None:
    house = House(device("plug", kind=DeviceType.PLUG), device("tv"))
    house.plugs[DeviceId("tv")] = DeviceId("plug")
    house.watts[DeviceId("plug")] = 0.0
    assert steps(house.diagnose("tv"))["power"][0] == "ok", "while it is heard it may well draw nothing"
    house.lose("tv")
    assert "it draws nothing" in house.diagnose("tv")["summary"]


@pytest.mark.parametrize(
    "level, is_lost, status", [(80, True, "ok"), (12, False, "warning"), (3, False, "warning"), (3, True, "failed")]
)
def test_an_empty_battery_explains_silence_and_a_low_one_is_a_warning(level: int, is_lost: bool, status: str) -> None:
    house = House(device("sensor"))
    house.on_battery.add(DeviceId("sensor"))
    house.presences[DeviceId("sensor")] = Presence(not is_lost, NOON, NOON, level)
    told = house.diagnose("sensor")
    assert steps(told)["power"] == (status, None)
    assert not any(isinstance(each, AskState) for each in house.seen), "it sleeps, and cannot be asked"


def test_what_is_known_of_its_values_firmware_and_rules_is_looked_at_besides() -> None:
    parts = (entity("sensor", "sensor", "humidity", "%"), entity("sensor", "update"))
    house = House(device("sensor", entities=parts))
    house.states[parts[0].id] = EntityState("640", {}, NOON, NOON)
    house.states[parts[1].id] = EntityState("on", {"latest_version": "2.0"}, NOON, NOON)
    house.rules_of[DeviceId("sensor")] = [("Fan", "broken"), ("Alarm", "healthy")]
    house.not_understood[DeviceId("sensor")] = (7, "no number.")
    told = house.diagnose("sensor")
    found = {key: status for key, (status, _) in steps(told).items()}
    assert {found[key] for key in ("sensors", "firmware", "automations", "protocol")} == {"warning"}
    assert told["overall_status"] == "warning"
    texts = " ".join(each["text"] for each in told["steps"])
    assert "640 %" in texts
    assert "There is a newer one: 2.0." in texts
    assert "1 of 2 automations" in texts
    assert told["health_score"] == 100 - 3 * 10 - 3, "newer firmware weighs least"


def test_a_relay_that_sticks_draws_power_while_it_is_off() -> None:
    switch = entity("plug", "switch")
    house = House(device("plug", entities=(switch,)))
    house.states[switch.id] = EntityState("off", {}, NOON, NOON)
    house.watts[DeviceId("plug")] = 60.0
    assert steps(house.diagnose("plug"))["energy"] == ("warning", None)
    house.watts[DeviceId("plug")] = 0.4
    assert steps(house.diagnose("plug"))["energy"] == ("ok", None)


def test_nobody_knows_the_device_is_an_answer_too() -> None:
    assert House().diagnose("nobody") == {"error": "there is no device nobody in this home"}


# The home.


def test_of_the_home_each_root_is_told_once() -> None:
    lamps = [device(f"lamp{number}", "bridge") for number in range(60)]
    house = House(BRIDGE, *lamps, device("lone"))
    for name in ("bridge", *(each.id for each in lamps), "lone"):
        house.lose(name)
    told = house.diagnose(None)
    found = [each for each in told["steps"] if each["status"] == "failed"]
    assert [(each["device_id"], each["count"]) for each in found] == [("bridge", 60), ("lone", 1)]
    assert "Lamp0, Lamp1, Lamp10, Lamp11, Lamp12 and 55 more" in found[0]["text"]
    assert [each["device_id"] for each in rows(house.seen, "diagnostic_issues")] == ["bridge", "lone"]
    assert rows(house.seen, "diagnostic_runs")[0]["device_id"] == "hub"


def test_a_well_home_is_said_to_be_well() -> None:
    told = House(BRIDGE, device("lamp", "bridge")).diagnose(None)
    assert (told["overall_status"], told["summary"]) == ("healthy", "Nothing is wrong in the home.")
    assert list(steps(told)) == ["hub", "network", "broker", "cloud"]


def test_the_hub_itself_and_the_cloud_are_faults_of_the_home() -> None:
    house = House()
    house.raised("disk_full", "hub", reason="No space is left.")
    house.raised("cloud_unreachable", "cloud", address="https://cloud", reason="timed out")
    told = house.diagnose(None)
    assert (told["overall_status"], steps(told)["hub"][0], steps(told)["cloud"][0]) == ("critical", "failed", "warning")
    house.cleared("disk_full", "hub")
    [fixed] = [row for row in rows(house.seen, "diagnostic_issues") if row["status"] == "fixed"]
    assert (fixed["error_code"], fixed["resolved_at"]) == ("disk_full", house.now)


# Findings.


def test_a_finding_is_opened_once_and_closed_when_it_passes() -> None:
    house = House(device("lamp"))
    house.raised("device_unavailable", "lamp", name="Lamp", reason="it says so")
    house.lose("lamp")
    house.prospects[DeviceId("lamp")] = Prospect("ask_state", "asking for its state", 0.62)
    house.diagnose("lamp")
    house.diagnose("lamp")
    [issue] = rows(house.seen, "diagnostic_issues")
    assert (issue["can_auto_fix"], issue["fix_confidence_score"], issue["status"]) == (True, 62, "investigating")
    house.away.clear()
    house.speak("lamp")
    given = house.cleared("device_unavailable", "lamp")
    [fixed] = rows(given, "diagnostic_issues")
    assert (fixed["id"], fixed["status"]) == (issue["id"], "fixed")
    assert house.cleared("device_unavailable", "lamp") == []


def test_a_finding_that_no_issue_tells_of_is_closed_by_the_next_diagnosis() -> None:
    house = House(device("sensor"))
    house.on_battery.add(DeviceId("sensor"))
    house.presences[DeviceId("sensor")] = Presence(True, NOON, NOON, 9)
    house.diagnose("sensor")
    house.presences[DeviceId("sensor")] = Presence(True, NOON, NOON, 100)
    house.diagnose("sensor")
    assert [row["status"] for row in rows(house.seen, "diagnostic_issues")] == ["open", "fixed"]


def test_after_a_restart_open_findings_are_known_and_what_has_passed_is_closed() -> None:
    house = House(BRIDGE, device("lamp"))
    house.lose("lamp")
    house.lose("bridge")
    house.diagnose("lamp")
    house.diagnose("bridge")
    house.restart()
    assert [each["name"] for each in house.diagnosis.diagnoses()] == ["Bridge", "Lamp"]
    house.away.discard(DeviceId("lamp"))
    house.speak("lamp")
    given = house.advance(20 * MINUTE)
    assert [(row["device_id"], row["status"]) for row in rows(given, "diagnostic_issues")] == [("lamp", "fixed")]


@pytest.mark.parametrize(
    "body", [{}, {"row": 3, "subject": None}, {"row": {"created_at": "x"}, "subject": 1}, {"told": 3}]
)
def test_damaged_memory_is_forgotten(body: dict[str, Any]) -> None:
    house = House(device("lamp"))
    house.saved = {"open/1": body, "told": body}
    house.restart()
    assert house.diagnose("lamp")["overall_status"] == "healthy"


def test_what_is_removed_takes_its_findings_with_it() -> None:
    house = House(device("lamp"))
    house.lose("lamp")
    house.diagnose("lamp")
    house.want("lamp")
    given = house.see(house.diagnosis.handle_removed(DeviceId("lamp"), house.now))
    assert [each.answer for each in given if isinstance(each, Answer)] == [{"error": "Lamp was removed meanwhile"}]
    assert not [body for key, body in house.saved.items() if key.startswith("open/") and body is not None]
    assert house.advance(MINUTE) == []


def test_rows_have_all_columns_of_the_contract_but_the_homes() -> None:
    house = House(device("lamp"))
    house.lose("lamp")
    house.diagnose("lamp")
    tables = json.loads(CONTRACT.read_text())["tables"]
    for table in ("diagnostic_runs", "diagnostic_issues"):
        [row] = rows(house.seen, table)
        assert set(row) == {column["name"] for column in tables[table]["columns"]} - {"home_id", "updated_at"}


# By itself.


def test_what_lasts_is_diagnosed_by_itself_once_a_day_without_asking() -> None:
    house = House(device("lamp"))
    for _ in range(3):
        house.raised("device_unavailable", "lamp", name="Lamp", reason="it says so")
        house.lose("lamp")
        house.advance(MINUTE)
        house.cleared("device_unavailable", "lamp")
    runs = rows(house.seen, "diagnostic_runs")
    assert [(row["trigger_source"], row["overall_status"]) for row in runs] == [("self_healing", "failed")]
    assert not any(isinstance(each, AskState | Answer) for each in house.seen)


def test_what_passes_soon_is_not_diagnosed() -> None:
    house = House(device("lamp"))
    house.raised("device_unavailable", "lamp", name="Lamp", reason="it says so")
    house.advance(20 * SECOND)
    house.cleared("device_unavailable", "lamp")
    house.advance(MINUTE)
    assert rows(house.seen, "diagnostic_runs") == []


def test_a_storm_of_faults_is_no_storm_of_diagnoses() -> None:
    house = House(*(device(f"lamp{number}") for number in range(50)))
    for number in range(50):
        house.raised("device_unavailable", f"lamp{number}", name="Lamp", reason="it says so")
        house.lose(f"lamp{number}")
    house.advance(MINUTE)
    assert len(rows(house.seen, "diagnostic_runs")) == AUTO_A_DAY_MAX


# While it runs.


def test_steps_are_shown_as_they_come_and_the_answer_comes_last() -> None:
    house = House(device("lamp"))
    first = [each.body["step"]["key"] for each in house.want("lamp") if isinstance(each, Announce)]
    assert first == ["hub", "broker", "cloud", "dialect", "parents", "power"]
    given = house.advance(10 * SECOND)
    keys = [each.body["step"]["key"] for each in given if isinstance(each, Announce) and "step" in each.body]
    assert keys == ["link", "protocol", "sensors", "firmware", "automations", "security", "energy"]
    assert isinstance(given[-1], Answer)
    assert house.diagnosis.get_timer() is None


def test_the_clock_may_be_set_while_a_device_is_asked() -> None:
    house = House(device("lamp"))
    house.want("lamp")
    house.diagnosis.handle_clock_step(timedelta(days=3))
    house.now += timedelta(days=3)
    assert any(isinstance(each, Answer) for each in house.advance(10 * SECOND))
