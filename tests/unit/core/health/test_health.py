"""How well each device is: what a score is made of, when it is told, recorded and remembered."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.health import Health, score
from hub_agent.core.health.score import PARTS, Factor
from hub_agent.model.action import Command, CommandSettled
from hub_agent.model.device import Device, DeviceType, Origin, Presence
from hub_agent.model.effects import AppendCase, AppendRecord, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.issue import Issue
from hub_agent.model.state import Cause

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def device(name: str = "lamp", dialect: str = "zigbee2mqtt", power: str | None = None) -> Device:
    origin = Origin(dialect, name)
    return Device(DeviceId(name), origin, (), name.capitalize(), False, None, None, None, DeviceType.LIGHT, None, None, None, power, {}, (), {})  # fmt: skip


class Home:
    """Devices as a test sets them, and a clock that stops at every timer of the room."""

    def __init__(self, *devices: Device) -> None:
        self.by_id = {each.id: each for each in devices or (device(),)}
        self.presences: dict[str, Presence] = {}
        self.firmware: dict[str, str] = {}
        self.now = NOON
        self.saved: dict[str, Any] = {}
        self.rows: list[Any] = []
        self.restart()

    def device(self, device_id: DeviceId) -> Device | None:
        return self.by_id.get(device_id)

    def devices(self) -> list[Device]:
        return list(self.by_id.values())

    def presence(self, device_id: DeviceId) -> Presence:
        return self.presences.get(device_id, Presence(is_available=True))

    def firmware_offered(self, device: Device) -> str | None:
        return self.firmware.get(device.id)

    def restart(self) -> None:
        self.health = Health(self)
        self.keep(self.health.restore(dict(self.saved), self.now))

    def keep(self, effects: Any) -> None:
        for each in effects:
            if isinstance(each, Save) and each.body is None:
                self.saved.pop(each.key, None)
            elif isinstance(each, Save):
                self.saved[each.key] = each.body
            elif isinstance(each, AppendRecord):
                self.rows.append(each.row)

    def wait(self, span: timedelta) -> None:
        end = self.now + span
        while (due := self.health.get_timer()) is not None and due <= end:
            self.now = due
            self.keep(self.health.handle_timer(due))
        self.now = end

    def available(self, is_available: bool, name: str = "lamp") -> None:
        self.presences[name] = replace(self.presence(DeviceId(name)), is_available=is_available)
        self.keep(self.health.handle_availability(self.by_id[DeviceId(name)], self.now, is_available=is_available))

    def settle(self, outcome: str = "confirmed", took: float = 1.0) -> None:
        sent_at = self.now - timedelta(seconds=took)
        lamp = self.by_id[DeviceId("lamp")]
        command = Command(CommandId("c"), CallId("x"), lamp.id, EntityId("light.lamp"), "light.turn_on", {}, Cause("manual"), sent_at, self.now, {}, sent_at=sent_at)  # fmt: skip
        self.keep(self.health.handle_settled(CommandSettled(command, outcome, self.now), lamp, self.now))

    def raised(self, code: str, subject: str = "lamp", **details: Any) -> None:
        issue = Issue(code, subject, self.now, {"name": "Lamp", **details})
        self.keep(self.health.handle_issue(IssueRaised(issue), self.now))

    def case(self, table: str, **row: Any) -> None:
        told = {"device_id": "lamp", "time": self.now, "created_at": self.now, "severity": "error", **row}
        self.keep(self.health.handle_case(AppendCase(table, "case", 1, told), self.now))

    def told(self, name: str = "lamp") -> Any:
        return self.health.told(self.by_id[DeviceId(name)], self.now)

    def factors(self) -> dict[str, float]:
        return {each["factor"]: each["points"] for each in self.told()["factors"]}


def test_a_device_that_nothing_is_known_against_is_a_hundred() -> None:
    home = Home()
    parts = {"connectivity": 100, "performance": 100, "reliability": 100, "security": 100, "energy_efficiency": None}
    assert home.told() == {"score": 100, "parts": parts, "factors": [], "recommendations": []}
    assert home.health.present_of(DeviceId("lamp")) == {"health_score": 100}


def test_a_device_that_is_away_loses_more_the_longer_it_is() -> None:
    home = Home()
    home.available(False)
    assert home.factors()["connectivity"] == 25
    home.wait(2 * DAY)
    assert home.factors()["connectivity"] == 30
    assert "It cannot be reached for 2 days." in [each["text"] for each in home.told()["factors"]]
    home.wait(6 * DAY)
    assert home.factors()["connectivity"] == 35
    home.available(True)
    assert "connectivity" not in home.factors()


def test_silence_is_told_once_as_not_reachable() -> None:
    home = Home()
    home.raised("device_silent")
    assert home.factors() == {"connectivity": 25}
    home.keep(home.health.handle_issue(IssueCleared("device_silent", "lamp"), home.now))
    assert home.factors() == {}


def test_dropouts_count_for_a_week_and_fade() -> None:
    home = Home()
    for _ in range(3):
        home.available(False)
        home.available(True)
    assert home.factors() == {"dropouts": 6}
    home.wait(DAY * 3.5)
    assert home.factors() == {"dropouts": 3}
    home.wait(DAY * 3.5)
    assert home.factors() == {}


def test_commands_that_fail_or_take_long_cost_performance_once_there_are_some() -> None:
    home = Home()
    home.settle("unconfirmed")
    home.settle("superseded")
    home.settle("expired")
    assert home.factors() == {}
    for _ in range(3):
        home.settle(took=7)
    assert home.factors() == {"latency": 5, "commands": 2.5}
    assert home.told()["parts"]["performance"] == 75
    home.wait(8 * DAY)
    assert home.factors() == {}


@pytest.mark.parametrize("level, points", [(21, None), (20, 6), (10, 10), (5, 15)])
def test_an_empty_battery_costs_as_much_as_in_the_cloud(level: int, points: int | None) -> None:
    home = Home()
    home.presences["lamp"] = Presence(is_available=True, battery_level=level)
    assert home.factors().get("battery") == points


def test_what_is_wired_has_no_battery() -> None:
    home = Home(device(power="wired"))
    home.presences["lamp"] = Presence(is_available=True, battery_level=3)
    assert home.factors() == {}


def test_security_is_firmware_and_weaknesses() -> None:
    home = Home()
    home.firmware["lamp"] = "1.2"
    home.case("security_vulnerabilities", status="open", severity="critical")
    assert home.factors() == {"vulnerabilities": 10, "firmware": 5}
    assert home.told()["parts"]["security"] == 25
    assert home.told()["recommendations"] == ["close_vulnerabilities", "update_firmware"]
    home.restart()
    home.case("security_vulnerabilities", status="resolved", severity="critical")
    assert home.factors() == {"firmware": 5}


def test_a_weak_link_and_a_low_battery_are_counted_once() -> None:
    home = Home()
    home.presences["lamp"] = Presence(is_available=True, battery_level=18)
    home.raised("link_weak")
    home.raised("battery_low")
    home.raised("value_stuck")
    assert home.factors() == {"link": 8, "battery": 6, "issues": 3}


def test_what_is_foreseen_or_unusual_counts_while_it_stands_also_after_a_restart() -> None:
    home = Home()
    home.case("failure_predictions", prediction_status="active", failure_probability=0.8)
    assert home.factors() == {"predictions": 12}
    home.restart()
    assert home.factors() == {"predictions": 12}
    home.case("failure_predictions", prediction_status="resolved", failure_probability=0.8)
    assert home.factors() == {}
    home.case("anomaly_detections", status="new")
    assert home.factors() == {"anomalies": 4}
    home.case("anomaly_detections", status="false_positive")
    assert home.factors() == {}


def test_the_history_has_a_row_when_the_score_changed_within_the_hour_and_one_a_day() -> None:
    home = Home()
    home.wait(HOUR)
    assert [(row["health_score"], row["score_trend"]) for row in home.rows] == [(100, "stable")]
    home.wait(5 * HOUR)
    assert len(home.rows) == 1
    home.available(False)
    home.wait(HOUR)
    last = home.rows[-1]
    assert (last["health_score"], last["previous_score"], last["score_change"]) == (73, 100, -27)
    assert (last["score_trend"], last["connectivity_score"], last["energy_efficiency_score"]) == ("declining", 29, None)
    home.available(True)
    home.wait(9 * DAY)
    by_day = {row["time"].date() for row in home.rows}
    assert len(by_day) == 10
    assert len(home.rows) < 20


def test_after_a_crash_a_score_that_is_as_it_was_is_not_recorded_again() -> None:
    home = Home()
    home.wait(7 * HOUR)
    assert len(home.rows) == 1
    home.restart()
    home.wait(3 * HOUR)
    assert len(home.rows) == 1


def test_only_devices_of_which_something_changed_are_saved_and_seldom() -> None:
    home = Home(device("lamp"), device("other"))
    home.wait(6 * HOUR)
    home.saved.clear()
    home.settle()
    home.wait(5 * HOUR)
    assert home.saved == {}
    home.wait(HOUR)
    assert list(home.saved) == ["lamp"]


def test_a_month_of_commands_is_remembered_as_a_week() -> None:
    home = Home()
    for _ in range(30):
        home.settle()
        home.available(False)
        home.available(True)
        home.wait(DAY)
    assert len(home.saved["lamp"]["commands"]) <= 8
    assert len(home.saved["lamp"]["dropouts"]) <= 10


def test_self_made_devices_have_no_health_and_removed_ones_are_forgotten() -> None:
    home = Home(device("switch", dialect="helper"), device("lamp"))
    assert home.health.present_of(DeviceId("switch")) == {}
    home.wait(6 * HOUR)
    assert {row["device_id"] for row in home.rows} == {"lamp"}
    home.keep(home.health.handle_removed(DeviceId("lamp"), home.now))
    assert "lamp" not in home.saved


@pytest.mark.parametrize("body", [{}, {"away_since": 3}, {"dropouts": "x"}, None, "x"])
def test_a_damaged_memory_is_forgotten(body: Any) -> None:
    home = Home()
    home.saved = {"lamp": body, "gone": {}}
    home.restart()
    assert home.saved == {}
    assert home.told()["score"] == 100


def test_a_clock_step_makes_nothing_older() -> None:
    home = Home()
    home.available(False)
    home.health.handle_clock_step(30 * DAY)
    home.now += 30 * DAY
    assert home.factors() == {"connectivity": 25, "dropouts": 2}


def test_a_home_is_its_devices_less_what_is_wrong_with_itself() -> None:
    home = Home(device("lamp"), device("other"))
    home.available(False)
    home.raised("broker_unreachable", "broker", reason="gone")
    told = home.health.of_home(home.health.scores(home.now))
    assert told["score"] == round((73 + 100) / 2 - 8)
    assert told["causes"][0].startswith("The MQTT broker cannot be used (gone)")
    assert told["causes"][1] == "Lamp: It cannot be reached."


@given(
    st.lists(
        st.builds(
            Factor,
            st.sampled_from(sorted(score.RECOMMENDED)),
            st.sampled_from(sorted(PARTS)),
            st.floats(0, 500),
            st.just("x"),
        ),
        max_size=30,
    )
)
def test_no_part_hides_the_others_and_nothing_makes_a_score_better(factors: list[Factor]) -> None:
    found = score.score(factors)
    assert 0 <= found.total <= 100
    assert all(0 <= part <= 100 for part in found.parts.values())
    assert all(found.total >= 100 - sum(PARTS.values()) for _ in factors)
    if factors:
        assert found.total <= score.score(factors[1:]).total
