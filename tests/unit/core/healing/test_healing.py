"""Healing: notice, try the gentlest first, look whether it helped, tell a person if not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from hub_agent.core.healing import Healing
from hub_agent.core.healing.remedies import LADDER, action_id
from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import Device, DeviceType, Entity, Origin
from hub_agent.model.effects import AppendCase, AskState, IssueCleared, IssueRaised, Reconfigure, Save
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.state import Cause, EntityState

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def device(
    name: str, via: str | None = None, power: str | None = "Mains", kind: DeviceType = DeviceType.LIGHT
) -> Device:
    light = Entity(EntityId(f"light.{name}"), DeviceId(name), "light", "light", None, None, None, None, None, {}, {})
    return Device(
        DeviceId(name),
        Origin("zigbee2mqtt", name),
        (),
        name.capitalize(),
        False,
        None,
        None,
        None,
        kind,
        None,
        DeviceId(via) if via else None,
        None,
        power,
        {},
        (light,),
    )


class House:
    """Devices and states, and a clock that stops at every timer of the healing room."""

    def __init__(self, *devices: Device) -> None:
        self.devices = {each.id: each for each in devices}
        self.states = {
            EntityId(f"light.{each.id}"): EntityState("off", {}, NOON - timedelta(hours=1), NOON) for each in devices
        }
        self.commanded: set[EntityId] = set()
        self.now = NOON
        self.seen: list = []
        numbers = count(1)
        self.healing = Healing(self, lambda: f"id{next(numbers)}")

    def device(self, device_id: DeviceId) -> Device | None:
        return self.devices.get(device_id)

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self.states.get(entity_id)

    def is_commanded(self, entity_id: EntityId) -> bool:
        return entity_id in self.commanded

    def advance(self, by: timedelta) -> list:
        end, given = self.now + by, []
        while (due := self.healing.get_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            given += self.healing.handle_timer(self.now)
        self.now = end
        self.seen += given
        return given

    def report(self, name: str, state: str | None = None) -> list:
        if state:
            self.states[EntityId(f"light.{name}")] = EntityState(state, {}, self.now, self.now)
        return self._see(self.healing.handle_report(self.devices[DeviceId(name)], self.now))

    def report_every(self, every: timedelta, times: int, *names: str) -> list:
        return [
            given
            for _ in range(times)
            for given in [*self.advance(every), *(each for name in names for each in self.report(name))]
        ]

    def available(self, name: str, is_available: bool) -> list:
        return self._see(self.healing.handle_availability(self.devices[DeviceId(name)], is_available, self.now))

    def settle(self, name: str, outcome: str = "unconfirmed", cause: Cause | None = None) -> list:
        command = Command(
            CommandId("c"),
            CallId("call"),
            DeviceId(name),
            EntityId(f"light.{name}"),
            "light.turn_on",
            {"brightness": 128},
            cause or Cause("manual"),
            self.now - 5 * SECOND,
            self.now + 25 * SECOND,
            {"state": "on"},
            sent_at=self.now - 5 * SECOND,
        )
        settled = CommandSettled(command, outcome, self.now)
        return self._see(self.healing.handle_settled(settled, self.devices[DeviceId(name)], self.now))

    def _see(self, given: list) -> list:
        self.seen += given
        return given

    def restarted(self) -> "House":
        """The same house after a crash, from what was saved."""
        saved: dict[str, Mapping] = {}
        for save in of(Save, self.seen):
            if save.body is None:
                saved.pop(save.key, None)
            else:
                saved[save.key] = save.body
        house = House(*self.devices.values())
        house.states, house.now = self.states, self.now
        house.seen = list(house.healing.restore(saved, house.now))
        house.seen += house.healing.handle_connected(house.now)
        return house


def of(kind: type, given: list) -> list:
    return [item for item in given if isinstance(item, kind)]


def raised(given: list) -> list[tuple[str, str]]:
    return [(effect.issue.code, effect.issue.subject) for effect in of(IssueRaised, given)]


def cleared(given: list) -> list[tuple[str, str]]:
    return [(effect.code, effect.subject) for effect in of(IssueCleared, given)]


def executions(given: list) -> list[tuple[str, str, int]]:
    """(remedy, status, revision) of each row."""
    return [
        (case.row["metadata"]["remedy"], case.row["status"], case.revision)
        for case in of(AppendCase, given)
        if case.table == "self_healing_executions"
    ]


# Signals.


def test_a_device_with_a_rhythm_is_silent_after_three_times_its_longest_gap() -> None:
    house = House(device("meter"))
    house.report("meter")
    house.report_every(5 * MINUTE, 10, "meter")

    assert house.advance(14 * MINUTE) == []
    given = house.advance(2 * MINUTE)

    assert raised(given) == [("device_silent", "meter")]
    assert of(IssueRaised, given)[0].issue.text == (
        "Meter has not been heard for 15 minutes; it usually reports every 5 minutes."
    )


def test_a_fast_reporter_is_given_ten_minutes() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(10 * SECOND, 20, "plug")

    assert house.advance(10 * MINUTE - SECOND) == []
    assert raised(house.advance(2 * SECOND)) == [("device_silent", "plug")]


def test_a_device_that_reports_only_when_something_happens_is_never_judged_silent() -> None:
    house = House(device("lamp"))
    house.report("lamp")
    for _ in range(4):
        house.report_every(3 * SECOND, 3, "lamp")
        house.report_every(timedelta(hours=7), 1, "lamp")

    assert raised(house.advance(timedelta(days=30))) == []


def test_fewer_than_eight_gaps_are_no_rhythm() -> None:
    house = House(device("meter"))
    house.report("meter")
    house.report_every(MINUTE, 7, "meter")

    assert raised(house.advance(timedelta(days=2))) == []


def test_a_battery_sensor_needs_a_day_before_less_than_a_day_is_believed() -> None:
    house = House(device("climate", power="Battery"))
    house.report("climate")
    house.report_every(5 * MINUTE, 20, "climate")
    assert raised(house.advance(timedelta(hours=24))) == []

    house.report("climate")
    house.report_every(20 * MINUTE, 150, "climate")
    assert raised(house.advance(59 * MINUTE)) == []
    assert raised(house.advance(2 * MINUTE)) == [("device_silent", "climate")]


def test_reports_in_a_burst_count_as_one() -> None:
    rhythm = Rhythm(NOON)
    for minute in range(10):
        for part in range(5):
            rhythm.note(NOON + minute * MINUTE + part * timedelta(milliseconds=50))

    assert rhythm.usual() == MINUTE


def test_unavailable_for_a_minute_is_an_issue_and_a_blink_is_none() -> None:
    house = House(device("lamp"))
    house.available("lamp", is_available=False)
    house.advance(59 * SECOND)
    house.available("lamp", is_available=True)
    assert raised(house.advance(timedelta(hours=1))) == []

    house.available("lamp", is_available=False)
    assert raised(house.advance(60 * SECOND)) == [("device_unavailable", "lamp")]
    assert ("device_unavailable", "lamp") in cleared(house.available("lamp", is_available=True))


def test_nobody_is_judged_silent_for_five_minutes_after_the_broker_came_back() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(10 * SECOND, 20, "plug")
    house.healing.handle_disconnected(house.now)
    assert raised(house.advance(timedelta(hours=2))) == []
    house.healing.handle_connected(house.now)

    assert raised(house.advance(9 * MINUTE)) == []
    assert raised(house.advance(2 * MINUTE)) == [("device_silent", "plug")]


# The ladder.


def test_a_command_that_is_not_confirmed_climbs_the_ladder_to_a_person() -> None:
    house = House(device("bridge", kind=DeviceType.BRIDGE), device("lamp", via="bridge"))

    assert raised(house.settle("lamp")) == [("command_unconfirmed", "lamp")]
    first = house.advance(3 * SECOND)
    assert of(AskState, first) == [AskState(DeviceId("lamp"))]
    assert executions(first) == [("ask_state", "in_progress", 1)]

    second = house.advance(13 * SECOND)
    assert executions(second) == [("ask_state", "failed", 2), ("resend_command", "in_progress", 1)]
    (call,) = of(Call, second)
    assert (call.action, call.target, call.data) == ("light.turn_on", ("light.lamp",), {"brightness": 128})
    assert call.cause.kind == "self_healing"

    house.settle("lamp", cause=call.cause)
    third = house.advance(3 * SECOND)
    assert of(Reconfigure, third) == [Reconfigure(DeviceId("lamp"))]

    fourth = house.advance(63 * SECOND)
    assert executions(fourth) == [("reconfigure_through_bridge", "failed", 2), ("tell_person", "requires_manual", 1)]
    (alert,) = [case.row for case in of(AppendCase, fourth) if case.table == "alerts"]
    assert alert["alert_type"] == "connectivity_issue"
    assert alert["message"] == (
        "Lamp was told light.turn_on and did not report that it did. "
        "Tried: asking for its state, sending the command again, setting it up afresh through its bridge."
    )


def test_sending_again_that_is_confirmed_ends_it_and_is_recorded_as_success() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    (call,) = of(Call, house.advance(20 * SECOND))

    given = house.settle("lamp", "confirmed", call.cause)

    assert executions(given) == [("resend_command", "completed", 2)]
    (row,) = [case.row for case in of(AppendCase, given)]
    assert (row["success"], row["issue_resolved"], row["verified_at"]) == (True, True, house.now)
    assert cleared(given) == [("command_unconfirmed", "lamp")]
    assert house.healing.troubled() == []


def test_a_report_that_shows_the_wanted_state_ends_it() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)

    given = house.report("lamp", "on")

    assert executions(given) == [("ask_state", "completed", 2)]
    assert cleared(given) == [("command_unconfirmed", "lamp")]


def test_a_report_that_shows_another_state_verifies_the_asking_and_the_command_is_sent_again() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)

    given = house.report("lamp")
    (row,) = [case.row for case in of(AppendCase, given)]

    assert (row["status"], row["issue_resolved"]) == ("completed", False)
    assert of(Call, house.advance(3 * SECOND))


def test_a_lamp_that_was_revived_gets_its_command_again_while_it_is_wanted() -> None:
    house = House(device("bridge", kind=DeviceType.BRIDGE), device("lamp", via="bridge"))
    house.settle("lamp")
    (first,) = of(Call, house.advance(16 * SECOND))
    house.settle("lamp", cause=first.cause)
    assert of(Reconfigure, house.advance(3 * SECOND))

    revived = house.report("lamp")
    (again,) = of(Call, house.advance(MINUTE))
    given = house.settle("lamp", "confirmed", again.cause)

    assert executions(revived) == [("reconfigure_through_bridge", "completed", 2)]
    assert executions(given) == [("resend_command", "completed", 2)]
    assert house.healing.troubled() == []


def test_a_silent_device_that_answers_when_asked_is_well_again() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(10 * SECOND, 20, "plug")
    assert of(AskState, house.advance(10 * MINUTE + 5 * SECOND))

    given = house.report("plug")

    assert cleared(given) == [("device_silent", "plug")]
    assert executions(given) == [("ask_state", "completed", 2)]
    assert raised(house.advance(9 * MINUTE)) == []
    assert raised(house.advance(2 * MINUTE)) == [("device_silent", "plug")]


@pytest.mark.parametrize("reason", ["newer command under way", "somebody changed it since", "too late"])
def test_a_command_that_is_no_longer_wanted_is_not_sent_again(reason: str) -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    if reason == "newer command under way":
        house.commanded.add(EntityId("light.lamp"))
    elif reason == "somebody changed it since":
        house.states[EntityId("light.lamp")] = EntityState("off", {}, house.now, house.now)
    else:
        house.healing.handle_disconnected(house.now)
        house.healing.handle_connected(house.now)

    assert of(Call, house.advance(timedelta(hours=1))) == []


def test_a_newer_command_that_is_confirmed_ends_the_trouble() -> None:
    house = House(device("lamp"))
    house.settle("lamp")

    assert cleared(house.settle("lamp", "confirmed")) == [("command_unconfirmed", "lamp")]


def test_what_sleeps_is_not_asked_and_what_has_no_bridge_is_not_reconfigured() -> None:
    house = House(device("remote", power="Battery"))
    house.available("remote", is_available=False)

    given = house.advance(5 * MINUTE)

    assert executions(given) == [("tell_person", "requires_manual", 1)]


def test_when_it_is_over_the_person_who_was_told_learns_it() -> None:
    house = House(device("remote", power="Battery"))
    house.available("remote", is_available=False)
    house.advance(5 * MINUTE)

    given = house.available("remote", is_available=True)

    assert executions(given) == [("tell_person", "completed", 2)]
    (alert,) = [case for case in of(AppendCase, given) if case.table == "alerts"]
    assert (alert.revision, alert.row["status"], alert.row["resolved_at"]) == (2, "resolved", house.now)


# Guards.


def test_a_remedy_is_not_tried_again_within_its_cooldown() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)
    house.report("lamp", "on")
    house.advance(MINUTE)

    house.settle("lamp")
    given = house.advance(MINUTE)

    assert "ask_state" not in [remedy for remedy, _, _ in executions(given)]
    assert of(Call, given)


def test_attempts_of_one_trouble_are_bounded_however_long_it_lasts() -> None:
    house = House(device("bridge", kind=DeviceType.BRIDGE), device("lamp", via="bridge"))
    house.settle("lamp")

    begun = [remedy for remedy, _, revision in executions(house.advance(timedelta(days=3))) if revision == 1]

    for remedy in LADDER:
        assert begun.count(remedy.name) <= remedy.attempts_max
    assert begun.count("ask_state") == 3


def test_at_most_three_healings_run_at_once() -> None:
    house = House(*(device(f"lamp{number}") for number in range(6)))
    for number in range(6):
        house.settle(f"lamp{number}")

    assert len(of(AskState, house.advance(3 * SECOND))) == 3
    assert [ask.device_id for ask in of(AskState, house.report("lamp0", "on"))] == ["lamp3"]


# Shared causes.


def test_three_that_fail_together_behind_one_bridge_are_one_issue() -> None:
    lamps = [device(f"lamp{number}", via="bridge") for number in range(5)]
    house = House(device("bridge", kind=DeviceType.BRIDGE), *lamps)
    given = [each for number in range(5) for each in house.settle(f"lamp{number}")]

    assert raised(given)[-1] == ("devices_failing_together", "bridge")
    assert set(raised(given)[:-1]) == set(cleared(given))
    later = house.advance(timedelta(hours=1))
    assert executions(later) == [("tell_person", "requires_manual", 1)]
    assert of(AskState, later) == []


def test_devices_behind_a_bridge_that_is_away_are_not_healed_one_by_one() -> None:
    house = House(device("bridge", kind=DeviceType.BRIDGE), device("lamp", via="bridge"))
    house.settle("lamp")
    house.available("bridge", is_available=False)
    house.available("lamp", is_available=False)

    given = house.advance(10 * MINUTE)

    assert raised(given) == [("device_unavailable", "bridge")]
    assert [effect for effect in of(AskState, given) if effect.device_id == "lamp"] == []


def test_when_the_bridge_is_back_its_devices_get_a_grace_and_then_a_healing() -> None:
    house = House(device("bridge", kind=DeviceType.BRIDGE), device("a", via="bridge"), device("b", via="bridge"))
    house.available("bridge", is_available=False)
    for name in ("a", "b"):
        house.available(name, is_available=False)
    house.advance(10 * MINUTE)
    house.available("bridge", is_available=True)
    house.available("a", is_available=True)

    assert executions(house.advance(4 * MINUTE)) == []
    given = house.advance(2 * MINUTE)
    assert raised(given) == [("device_unavailable", "b")]
    assert of(AskState, given) == [AskState(DeviceId("b"))]


def test_a_shared_cause_ends_when_few_still_suffer() -> None:
    lamps = [device(f"lamp{number}", via="bridge") for number in range(3)]
    house = House(device("bridge", kind=DeviceType.BRIDGE), *lamps)
    for number in range(3):
        house.settle(f"lamp{number}")

    given = house.settle("lamp0", "confirmed")

    assert ("devices_failing_together", "bridge") in cleared(given)
    assert house.healing.troubled() == ["lamp1", "lamp2"]
    assert {subject for _, subject in raised(house.advance(6 * MINUTE))} == {"lamp1", "lamp2"}


def test_a_shared_cause_that_ends_lets_nobody_go_while_the_bridge_is_away() -> None:
    lamps = [device(f"lamp{number}", via="bridge") for number in range(3)]
    house = House(device("bridge", kind=DeviceType.BRIDGE), *lamps)
    for number in range(3):
        house.settle(f"lamp{number}")
    house.available("bridge", is_available=False)
    house.settle("lamp0", "confirmed")

    assert [ask for ask in of(AskState, house.advance(timedelta(hours=1))) if ask.device_id != "bridge"] == []


# Memory.


def test_a_crash_during_a_remedy_leaves_no_row_open() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)

    again = house.restarted()

    assert executions(again.seen) == [("ask_state", "skipped", 2)]
    assert raised(again.seen) == [("command_unconfirmed", "lamp")]
    assert executions(again.advance(4 * MINUTE)) == []
    assert again.report("lamp", "on")
    assert again.healing.troubled() == []


def test_cooldowns_and_what_was_told_survive_a_crash() -> None:
    house = House(device("remote", power="Battery"))
    house.available("remote", is_available=False)
    house.advance(5 * MINUTE)

    again = house.restarted()

    assert executions(again.advance(timedelta(hours=11))) == []
    given = again.available("remote", is_available=True)
    assert executions(given) == [("tell_person", "completed", 2)]
    assert [case.row["status"] for case in of(AppendCase, given) if case.table == "alerts"] == ["resolved"]


def test_rhythms_survive_a_restart() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(MINUTE, 361, "plug")
    again = house.restarted()

    assert raised(again.advance(9 * MINUTE)) == []
    assert raised(again.advance(2 * MINUTE)) == [("device_silent", "plug")]


@pytest.mark.parametrize(
    "body", [{}, {"since": "yesterday"}, {"since": 7, "symptoms": []}, {"since": "2026-01-14T12:00:00+00:00"}]
)
@pytest.mark.parametrize("key", ["trouble/plug", "tried/plug", "rhythms"])
def test_a_damaged_memory_of_a_trouble_is_forgotten_and_keeps_nobody_from_starting(key: str, body: dict) -> None:
    house = House(device("plug"))
    told = {"plug": body} if key == "rhythms" else body
    house.healing.restore({key: told}, house.now)
    house.report("plug")
    house.settle("plug")
    house.advance(timedelta(days=1))


def test_nothing_is_judged_before_the_broker_is_there() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(MINUTE, 361, "plug")
    house.settle("plug")
    house.healing.restore({save.key: save.body for save in of(Save, house.seen) if save.body}, house.now)

    given = house.advance(timedelta(days=1))

    assert (raised(given), executions(given)) == ([], [])


def test_a_removed_device_leaves_nothing_behind() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)

    given = house.healing.handle_removed(DeviceId("lamp"), house.now)

    assert cleared(given) == [("command_unconfirmed", "lamp")]
    assert executions(given) == [("ask_state", "skipped", 2)]
    assert {save.key: save.body for save in of(Save, given)} == {"trouble/lamp": None, "tried/lamp": None}
    assert executions(house.advance(timedelta(days=1))) == []


def test_a_clock_step_makes_nobody_silent() -> None:
    house = House(device("plug"))
    house.report("plug")
    house.report_every(10 * SECOND, 20, "plug")
    house.healing.handle_clock_step(timedelta(days=365))
    house.now += timedelta(days=365)

    assert raised(house.advance(9 * MINUTE)) == []
    assert raised(house.advance(2 * MINUTE)) == [("device_silent", "plug")]


def test_actions_have_the_ids_of_the_central_catalogue() -> None:
    assert [action_id(remedy) for remedy in LADDER] == [
        "8935bed9-a7b2-55ff-98bc-eb95fdede414",
        "4664507b-ca5e-513d-9e92-d3c0dd248a13",
        "06d76ff9-31ed-5e84-8a5d-9248c8ce22c7",
        "96674b93-c484-55bc-a1c6-469c9003bdb8",
    ]


def test_a_device_renamed_meanwhile_is_told_of_by_its_new_name() -> None:
    house = House(device("lamp"))
    house.report("lamp")
    house.devices[DeviceId("lamp")] = replace(house.devices[DeviceId("lamp")], name="Reading lamp")

    (effect,) = of(IssueRaised, house.settle("lamp"))

    assert "Reading lamp" in effect.issue.text
