"""Healing: notice, try the gentlest first, look whether it helped, tell a person if not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.healing import Healing
from hub_agent.core.healing.learned import Learned
from hub_agent.core.healing.limits import Limits
from hub_agent.core.healing.remedies import LADDER, REMEDIES
from hub_agent.core.healing.rhythm import Rhythm
from hub_agent.model.action import Call, Command, CommandSettled
from hub_agent.model.device import BROKER_ORIGIN, Device, DeviceType, Entity, Origin, ProtocolType
from hub_agent.model.effects import AppendCase, AskState, IssueCleared, IssueRaised, Reconfigure, Save
from hub_agent.model.healing import Noticed, Symptom
from hub_agent.model.ids import CallId, CommandId, DeviceId, EntityId
from hub_agent.model.state import Cause, EntityState
from tests.fakes.healed_home import HealedHome

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)


def entity(domain: str, name: str, device_class: str | None = None) -> Entity:
    category = "config" if device_class == "restart" else None
    entity_id = EntityId(f"{domain}.{name}")
    return Entity(entity_id, DeviceId(name), domain, domain, None, device_class, None, None, category, {}, {})


def device(
    name: str,
    via: str | None = None,
    power: str | None = "Mains",
    kind: DeviceType = DeviceType.LIGHT,
    *more: Entity,
    **wishes: object,
) -> Device:
    light = entity("light", name)
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
        (light, *more),
        {"healing": wishes},
    )


def plug(name: str = "plug", **wishes: object) -> Device:
    """It feeds whoever says so."""
    return device(name, None, "Mains", DeviceType.PLUG, entity("switch", name), **wishes)


def restarting(name: str, kind: DeviceType = DeviceType.LIGHT, **wishes: object) -> Device:
    return device(name, None, "Mains", kind, entity("button", name, "restart"), **wishes)


class House(HealedHome):
    """Devices and states, and a clock that stops at every timer of the healing room."""

    def __init__(self, *devices: Device) -> None:
        super().__init__(*devices)
        for each in devices:
            self.states[EntityId(f"light.{each.id}")] = EntityState("off", {}, NOON - timedelta(hours=1), NOON)
        self.now = NOON
        self.seen: list = []
        numbers = count(1)
        self.healing = Healing(self, lambda: f"id{next(numbers)}")

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
        return self._see(self.healing.handle_report(self.by_id[DeviceId(name)], self.now))

    def report_every(self, every: timedelta, times: int, *names: str) -> list:
        return [
            given
            for _ in range(times)
            for given in [*self.advance(every), *(each for name in names for each in self.report(name))]
        ]

    def available(self, name: str, is_available: bool) -> list:
        return self._see(self.healing.handle_availability(self.by_id[DeviceId(name)], is_available, self.now))

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
        return self._see(self.healing.handle_settled(settled, self.by_id[DeviceId(name)], self.now))

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
        house = House(*self.by_id.values())
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
    assert raised(house.advance(4 * SECOND)) == []
    assert raised(house.advance(12 * SECOND)) == [("device_silent", "plug")], "it was asked first"


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
        "Look whether it did. If not, take its power away for ten seconds; if it did, only its word of it is lost on the way. "
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

    assert raised(house.seen) == [], "nothing is said of what only had nothing to say"
    assert cleared(given) == []
    assert executions(given) == [("ask_state", "completed", 2)]
    assert raised(house.advance(9 * MINUTE)) == []
    assert raised(house.advance(2 * MINUTE)) == [("device_silent", "plug")]


def test_who_speaks_when_it_is_used_is_asked_once_and_its_longer_silence_is_learnt() -> None:
    house = House(device("relay"))
    house.report("relay")
    for _ in range(4):
        house.report_every(20 * MINUTE, 3, "relay")
        house.report_every(timedelta(hours=2), 1, "relay")
    assert of(AskState, house.advance(timedelta(hours=6) + 5 * SECOND))
    house.report("relay")

    assert not of(AskState, house.advance(timedelta(hours=17)))
    assert raised(house.seen) == []


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

    assert executions(house.advance(11 * MINUTE)) == []
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
    assert {subject for _, subject in raised(house.advance(13 * MINUTE))} == {"lamp1", "lamp2"}


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


def test_a_device_renamed_meanwhile_is_told_of_by_its_new_name() -> None:
    house = House(device("lamp"))
    house.report("lamp")
    house.by_id[DeviceId("lamp")] = replace(house.by_id[DeviceId("lamp")], name="Reading lamp")

    (effect,) = of(IssueRaised, house.settle("lamp"))

    assert "Reading lamp" in effect.issue.text


# What the owner has declared.


def fed(name: str = "lamp", **wishes: object) -> Device:
    return device(name, powered_by="plug", **wishes)


def house_with_a_plug(*devices: Device, **wishes: object) -> House:
    house = House(plug(), *(devices or (fed(),)))
    house.states[EntityId("switch.plug")] = EntityState("on", {}, house.now, house.now)
    house.wishes = {"risk": "medium", **wishes}
    return house


def unavailable(house: House, name: str = "lamp", within: timedelta = 20 * MINUTE) -> list:
    house.available(name, is_available=False)
    return house.advance(within)


def calls(given: list) -> list[tuple[str, tuple]]:
    return [(call.action, call.target) for call in of(Call, given)]


OFF_AND_ON = [("switch.turn_off", ("switch.plug",)), ("switch.turn_on", ("switch.plug",))]


def test_the_power_is_taken_away_for_a_moment_by_the_plug_that_feeds_it() -> None:
    house = house_with_a_plug()

    given = unavailable(house, within=90 * SECOND)

    assert calls(given) == OFF_AND_ON
    assert executions(house.available("lamp", is_available=True)) == [("power_cycle_via_plug", "completed", 2)]


def test_a_plug_that_somebody_switched_off_stays_off() -> None:
    house = house_with_a_plug()
    house.states[EntityId("switch.plug")] = EntityState("off", {}, house.now, house.now)

    assert calls(unavailable(house)) == []


@pytest.mark.parametrize(
    "what",
    [
        pytest.param({"never_touch": True}, id="it"),
        pytest.param({"neighbour": {"never_touch": True}}, id="what else hangs on the plug"),
    ],
)
def test_what_must_never_be_touched_is_not(what: dict) -> None:
    neighbour = what.pop("neighbour", {})
    house = house_with_a_plug(fed(**what), fed("freezer", **neighbour))

    given = unavailable(house)

    assert calls(given) == []
    assert executions(given)[-1] == ("tell_person", "requires_manual", 1)


def test_a_device_that_must_never_be_touched_is_not_even_asked() -> None:
    house = House(device("freezer", never_touch=True))

    assert of(AskState, unavailable(house, "freezer")) == []


def test_what_is_in_use_is_not_interrupted() -> None:
    house = house_with_a_plug(fed(), fed("television"))
    house.states[EntityId("light.television")] = EntityState("on", {}, house.now, house.now)

    assert calls(unavailable(house)) == []


def test_quiet_hours_are_quiet_and_it_is_done_in_the_morning() -> None:
    house = house_with_a_plug(quiet_hours={"from": "11:00", "to": "14:00"})

    assert calls(unavailable(house, within=timedelta(minutes=119))) == []
    assert calls(house.advance(timedelta(hours=1))) == OFF_AND_ON


def test_so_many_devices_an_hour_and_no_more() -> None:
    house = House(*(restarting(f"lamp{number}") for number in range(4)))
    house.wishes = {"risk": "medium", "devices_per_hour": 2}
    for number in range(4):
        house.settle(f"lamp{number}")

    pressed = [action for action, _ in calls(house.advance(50 * MINUTE)) if action == "button.press"]

    assert len(pressed) == 2


# Approval.


def asked(house: House) -> tuple[str, dict]:
    """The execution that waits, and the question."""
    (row,) = [case.row for case in of(AppendCase, house.seen) if case.row.get("status") == "pending"]
    (alert,) = [
        case.row
        for case in of(AppendCase, house.seen)
        if case.table == "alerts" and "execution_id" in case.row["context"] and case.revision == 1
    ]
    return row["id"], alert


def test_more_than_the_owner_allows_is_asked_about_first() -> None:
    house = house_with_a_plug(risk="low")

    given = unavailable(house)

    assert calls(given) == []
    execution_id, alert = asked(house)
    assert alert["message"] == (
        "Lamp is unavailable: its bridge, or it itself, says so. May taking its power away for a moment be tried?"
    )
    owner = "3c1f1c30-4e58-4d0e-9e8d-0b1f3b9d0001"
    approved = house.healing.handle_answer(execution_id, owner, house.now, is_approved=True)
    assert approved is not None
    assert calls([*approved, *house.advance(MINUTE)]) == OFF_AND_ON
    (row,) = [case.row for case in of(AppendCase, approved) if case.row["id"] == execution_id]
    assert (row["status"], row["approved_by"], row["started_at"]) == ("in_progress", owner, row["approved_at"])
    given = house.available("lamp", is_available=True)
    assert executions(given) == [("power_cycle_via_plug", "completed", 3)]


def test_what_is_refused_is_not_tried_and_a_person_is_told_what_is_wrong() -> None:
    house = house_with_a_plug(risk="low")
    unavailable(house)
    execution_id, _ = asked(house)

    refused = house.healing.handle_answer(execution_id, None, house.now, is_approved=False)

    assert refused is not None
    assert executions(refused) == [("power_cycle_via_plug", "skipped", 2)]
    assert executions(house.advance(MINUTE)) == [("tell_person", "requires_manual", 1)]
    assert house.healing.handle_answer(execution_id, None, house.now, is_approved=True) is None


@pytest.mark.parametrize(
    "meanwhile, words",
    [
        pytest.param({"powered_by": None}, "It does not fit what is wrong any more.", id="the plug is another's"),
        pytest.param(
            {"powered_by": "plug", "never_touch": True}, "Not done: Lamp must never be touched.", id="never touch"
        ),
    ],
)
def test_a_yes_to_what_makes_no_sense_any_more_does_nothing_and_says_so(meanwhile: dict, words: str) -> None:
    house = house_with_a_plug(risk="low")
    unavailable(house)
    execution_id, _ = asked(house)
    lamp = house.by_id[DeviceId("lamp")]
    house.by_id[DeviceId("lamp")] = changed = replace(lamp, settings={"healing": meanwhile})
    house.healing.handle_availability(changed, False, house.now)

    given = house.healing.handle_answer(execution_id, "owner", house.now, is_approved=True)

    assert given is not None
    assert calls([*given, *house.advance(MINUTE)]) == []
    (row,) = [case.row for case in of(AppendCase, given) if case.id == execution_id]
    assert (row["status"], row["error_message"]) == ("skipped", words)


def test_a_question_that_nobody_answers_ends_after_a_day() -> None:
    house = house_with_a_plug(risk="low")
    unavailable(house)

    given = house.advance(timedelta(hours=25))

    assert executions(given)[:2] == [
        ("power_cycle_via_plug", "skipped", 2),
        ("tell_person", "requires_manual", 1),
    ]
    assert calls(given) == []


def test_a_question_outlives_a_restart_and_ends_when_it_is_well_again() -> None:
    house = house_with_a_plug(risk="low")
    unavailable(house)
    execution_id, alert = asked(house)

    again = house.restarted()
    given = again.available("lamp", is_available=True)

    assert executions(given) == [("power_cycle_via_plug", "skipped", 2)]
    assert [case.row["status"] for case in of(AppendCase, given) if case.id == alert["id"]] == ["resolved"]
    assert again.healing.handle_answer(execution_id, None, again.now, is_approved=True) is None


def test_the_catalogue_says_what_is_asked_first_where_the_owner_has_not() -> None:
    house = house_with_a_plug()
    house.wishes = {}
    house.catalogue["power_cycle_via_plug"] = {"requires_user_approval": True}

    assert calls(unavailable(house)) == []
    assert asked(house)


def test_what_is_switched_off_in_the_catalogue_is_not_tried() -> None:
    house = house_with_a_plug()
    house.catalogue["power_cycle_via_plug"] = {"is_active": False}

    assert calls(unavailable(house)) == []


# Power that was taken away comes back.


def test_a_crash_while_the_power_is_off_gives_it_back_when_the_broker_is_there() -> None:
    house = house_with_a_plug()
    house.available("lamp", is_available=False)
    given: list = []
    while not calls(given):
        given = house.advance(SECOND)

    again = house.restarted()
    later = again.advance(11 * SECOND)

    assert calls([*again.seen, *later])[:1] == OFF_AND_ON[1:]
    assert "switch.turn_off" not in [action for action, _ in calls(again.seen)]


def test_a_device_that_is_removed_while_its_power_is_off_leaves_the_plug_on() -> None:
    house = house_with_a_plug()
    house.available("lamp", is_available=False)
    given: list = []
    while not calls(given):
        given = house.advance(SECOND)

    assert calls(house.healing.handle_removed(DeviceId("lamp"), house.now)) == OFF_AND_ON[1:]


# What was learned.


def test_what_never_helps_this_model_is_tried_later_than_what_does() -> None:
    house = House(restarting("lamp"))
    learned = house.healing.learned
    for _ in range(60):
        learned.note(REMEDIES["ask_state"], house.by_id[DeviceId("lamp")], helped=False)
        learned.note(REMEDIES["resend_command"], house.by_id[DeviceId("lamp")], helped=False)
        learned.note(REMEDIES["reboot_device"], house.by_id[DeviceId("lamp")], helped=True)
    house.wishes = {"risk": "medium"}
    house.settle("lamp")

    assert calls(house.advance(3 * SECOND)) == [("button.press", ("button.lamp",))]


def test_what_was_learned_survives_a_restart() -> None:
    house = House(device("lamp"))
    house.settle("lamp")
    house.advance(3 * SECOND)
    house.report("lamp", "on")

    assert house.restarted().healing.learned.rates() == {"ask_state": (1, 1)}


# Bridges.


def test_a_bridge_that_many_failing_devices_share_is_restarted_and_its_devices_are_left_alone() -> None:
    lamps = [device(f"lamp{number}", via="bridge") for number in range(60)]
    house = House(restarting("bridge", DeviceType.BRIDGE), *lamps)
    house.wishes = {"risk": "medium"}
    for number in range(60):
        house.settle(f"lamp{number}")
    given = house.advance(2 * MINUTE)

    assert calls(given) == [("button.press", ("button.bridge",))]
    assert executions(given) == [("restart_bridge", "in_progress", 1)]
    back = [each for number in range(60) for each in house.report(f"lamp{number}", "on")]
    assert ("restart_bridge", "completed", 2) in executions(back)
    assert ("devices_failing_together", "bridge") in cleared(back)
    assert executions(house.advance(timedelta(hours=1))) == []


def test_who_wants_to_be_asked_first_is_asked_whatever_the_home_allows() -> None:
    house = house_with_a_plug(fed(ask_first=True), risk="high")

    assert calls(unavailable(house)) == []
    assert asked(house)


def test_nothing_is_sent_before_the_broker_is_there_again() -> None:
    house = house_with_a_plug()
    house.available("lamp", is_available=False)
    given: list = []
    while not calls(given):
        given = house.advance(SECOND)
    saved = {save.key: save.body for save in of(Save, house.seen) if save.body}

    again = house_with_a_plug()
    again.now = house.now
    assert calls([*again.healing.restore(saved, again.now), *again.advance(MINUTE)]) == []
    again.healing.handle_connected(again.now)
    assert calls(again.advance(6 * MINUTE))[:1] == OFF_AND_ON[1:]


def test_a_plug_that_does_not_switch_ends_the_attempt_and_is_told_to_be_on() -> None:
    house = house_with_a_plug()
    house.available("lamp", is_available=False)
    while not (switched := of(Call, house.advance(SECOND))):
        pass

    given = house.settle("plug", cause=switched[0].cause)

    assert executions(given)[:1] == [("power_cycle_via_plug", "failed", 2)]
    assert calls(given) == OFF_AND_ON[1:]


def test_nights_are_quiet_unless_somebody_says_otherwise() -> None:
    quiet = [hour for hour in range(24) if Limits.read({}).is_quiet(time(hour))]

    assert quiet == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert not Limits.read({"quiet_hours": None}).is_quiet(time(3))


@pytest.mark.parametrize("wishes", [{"risk": "brave"}, {"risk": 7}, {"quiet_hours": "never"}, {"devices_per_hour": -3}])
def test_wishes_that_make_no_sense_are_read_as_the_more_careful(wishes: dict) -> None:
    limits = Limits.read(wishes)

    assert limits.risk == ("none" if "risk" in wishes else None)
    assert limits.is_quiet(time(3))
    assert limits.devices_per_hour == (0 if "devices_per_hour" in wishes else 10)


def test_what_draws_power_is_in_use() -> None:
    house = house_with_a_plug()
    metering = replace(
        house.by_id[DeviceId("plug")], entities=(entity("switch", "plug"), entity("sensor", "plug", "power"))
    )
    house.by_id[DeviceId("plug")] = metering
    house.states[EntityId("sensor.plug")] = EntityState("42.5", {}, house.now, house.now)

    assert calls(unavailable(house)) == []

    house.states[EntityId("sensor.plug")] = EntityState("1.1", {}, house.now, house.now)
    assert calls(house.advance(timedelta(hours=5))) == OFF_AND_ON


@given(st.lists(st.booleans(), max_size=100))
def test_how_likely_a_remedy_helps_is_a_likelihood_and_comes_near_to_how_often_it_did(helped: list[bool]) -> None:
    learned, lamp, ask = Learned(), device("lamp"), REMEDIES["ask_state"]
    for each in helped:
        learned.note(ask, lamp, helped=each)

    chance = learned.chance(ask, lamp)

    assert 0 <= chance <= 1
    if len(helped) > 20:
        assert abs(chance - sum(helped) / len(helped)) < 0.1


# What hangs on what.


def test_a_device_whose_plug_somebody_switched_off_is_well_and_has_no_power() -> None:
    house = house_with_a_plug()
    house.states[EntityId("switch.plug")] = EntityState("off", {}, house.now, house.now)

    given = unavailable(house, within=timedelta(hours=3))

    assert (raised(given), executions(given)) == ([], [])


def test_devices_of_one_plug_that_fail_together_are_the_plugs_issue() -> None:
    house = house_with_a_plug(
        *(device(f"lamp{number}", "bridge", powered_by="plug") for number in range(3)), device("other", "bridge")
    )
    given = [each for number in range(3) for each in house.settle(f"lamp{number}")]

    assert raised(given)[-1] == ("devices_failing_together", "plug")


def test_whoever_hangs_on_a_named_device_waits_for_it() -> None:
    house = House(device("extender", kind=DeviceType.OTHER), device("lamp", hangs_on=["extender"]))
    house.available("extender", is_available=False)
    house.available("lamp", is_available=False)

    assert raised(house.advance(10 * MINUTE)) == [("device_unavailable", "extender")]


def test_all_of_wi_fi_that_fails_together_is_the_routers_issue() -> None:
    lamps = [replace(device(f"lamp{number}"), protocol=ProtocolType.WIFI) for number in range(3)]
    house = House(device("router", kind=DeviceType.ROUTER), *lamps)
    house.report("router")
    given = [each for number in range(3) for each in house.settle(f"lamp{number}")]
    given += house.advance(4 * MINUTE)

    assert raised(given)[-1] == ("devices_failing_together", "router")
    assert house.advance(6 * MINUTE) == []


def test_a_router_that_does_not_answer_is_told_once_and_not_what_hangs_on_it_before() -> None:
    lamps = [replace(device(f"lamp{number}"), protocol=ProtocolType.WIFI) for number in range(3)]
    house = House(device("router", kind=DeviceType.ROUTER), *lamps)
    house.report("router")
    for number in range(3):
        house.available(f"lamp{number}", is_available=False)
    house.advance(2 * MINUTE)
    house.healing.handle_noticed(Noticed(DeviceId("router"), Symptom.ROUTER_UNREACHABLE, {}), house.now)
    house.advance(10 * MINUTE)

    alerts = [case.row for case in of(AppendCase, house.seen) if case.table == "alerts"]
    assert [alert["context"]["issue"] for alert in alerts] == ["router_unreachable"]


def test_what_sleeps_and_spoke_through_a_node_that_is_gone_waits_for_it_and_is_given_time_to_wake_up() -> None:
    node = replace(device("node", "bridge"), protocol=ProtocolType.ZIGBEE)
    house = House(device("bridge", None, "Mains", DeviceType.BRIDGE), node, device("door", "bridge", "Battery"))
    house.report("door")
    house.report_every(HALF_AN_HOUR, 60, "door")
    house.available("node", is_available=False)
    house.advance(timedelta(hours=9))
    house.available("node", is_available=True)
    house.advance(HALF_AN_HOUR)
    assert raised(house.seen) == [("device_unavailable", "node")]
    house.report("door")

    assert house.healing.troubled() == []


def test_what_has_fallen_silent_after_a_node_was_gone_has_another_reason() -> None:
    node = replace(device("node", "bridge"), protocol=ProtocolType.ZIGBEE)
    house = House(device("bridge", None, "Mains", DeviceType.BRIDGE), node, device("door", "bridge", "Battery"))
    house.report("door")
    house.report_every(HALF_AN_HOUR, 60, "door")
    house.available("node", is_available=False)
    house.report_every(HALF_AN_HOUR, 1, "door")
    house.advance(timedelta(hours=9))

    assert raised(house.seen) == [("device_unavailable", "node"), ("device_silent", "door")]


def test_clients_of_the_broker_that_vanish_together_are_one_matter_also_where_no_router_is_known() -> None:
    broker = replace(device("broker"), origin=BROKER_ORIGIN)
    house = House(broker, *[device(f"lamp{number}") for number in range(6)])
    house.healing.handle_described(broker)
    for number in range(6):
        house.available(f"lamp{number}", is_available=False)
    house.advance(10 * MINUTE)

    assert raised(house.seen)[-1] == ("devices_failing_together", "broker")
    assert set(raised(house.seen)[:-1]) == set(cleared(house.seen))
    assert "behind the Wi-Fi stopped answering together" in of(IssueRaised, house.seen)[-1].issue.text
    assert {name for name, status, _ in executions(house.seen) if status != "skipped"} <= {"ask_state", "tell_person"}
    assert len([case for case in of(AppendCase, house.seen) if case.table == "alerts"]) == 1
    for number in range(6):
        house.available(f"lamp{number}", is_available=True)
    house.advance(20 * MINUTE)

    assert house.healing.troubled() == []


def test_a_bridge_without_power_is_not_to_blame() -> None:
    bridge = device("bridge", None, "Mains", DeviceType.BRIDGE, powered_by="plug")
    house = house_with_a_plug(bridge, device("lamp", "bridge"))
    house.available("plug", is_available=False)
    house.available("bridge", is_available=False)
    house.available("lamp", is_available=False)

    assert raised(house.advance(10 * MINUTE)) == [("device_unavailable", "plug")]


@pytest.mark.parametrize("hangs_on", [["lamp"], "extender", 7, [None, 3], ["nobody"]])
def test_a_declaration_that_makes_no_sense_hurts_nobody(hangs_on: object) -> None:
    house = House(device("lamp", hangs_on=hangs_on, powered_by="lamp"))

    assert raised(unavailable(house)) == [("device_unavailable", "lamp")]
