"""What a remedy is done through is in trouble itself: while something is done about that it is waited for, and nothing is spent."""

from dataclasses import replace
from datetime import timedelta

from hub_agent.model.action import Call
from hub_agent.model.device import BROKER_ORIGIN, DeviceType, Origin
from hub_agent.model.effects import AppendCase
from hub_agent.model.healing import Noticed, Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState
from tests.unit.core.healing.test_healing import (
    MINUTE,
    OFF_AND_ON,
    House,
    calls,
    device,
    executions,
    of,
    plug,
    restarting,
    unavailable,
)

RESTART = ("button.press", ("button.bridge",))


def house_with_a_way(**bridge_wishes: object) -> House:
    """A lamp, fed by a plug that is reached through a bridge that can be restarted, at a broker."""
    house = House(
        restarting("bridge", DeviceType.BRIDGE, **bridge_wishes),
        replace(plug(), via=DeviceId("bridge")),
        device("lamp", powered_by="plug"),
        replace(device("broker"), origin=BROKER_ORIGIN),
    )
    house.states[EntityId("switch.plug")] = EntityState("on", {}, house.now, house.now)
    house.wishes = {"risk": "medium"}
    return house


def of_lamp(given: list) -> list:
    return [each for each in of(AppendCase, given) if each.row.get("device_id") == "lamp"]


def test_while_the_bridge_of_the_plug_is_restarted_the_lamp_waits_and_nothing_is_spent() -> None:
    house = house_with_a_way()
    house.settle("bridge")
    (again,) = of(Call, house.advance(MINUTE))
    house.settle("bridge", cause=again.cause)
    assert calls(house.advance(MINUTE)) == [RESTART]

    waited = unavailable(house, within=2 * MINUTE)
    assert {remedy for remedy, _, _ in executions(of_lamp(waited))} == {"ask_state"}

    given = [*house.settle("bridge", "confirmed"), *house.advance(2 * MINUTE)]
    assert calls(given) == OFF_AND_ON
    assert executions(of_lamp(given)) == [("power_cycle_via_plug", "in_progress", 1)]


def test_a_bridge_that_nothing_more_is_done_about_is_waited_for_no_longer() -> None:
    house = house_with_a_way()
    house.settle("bridge")

    given = unavailable(house, within=timedelta(minutes=15))

    assert not set(OFF_AND_ON) & set(calls(given))
    assert ("tell_person", "requires_manual", 1) in executions(of_lamp(given))
    assert "power_cycle_via_plug" not in {remedy for remedy, _, _ in executions(of_lamp(given))}

    house.settle("bridge", "confirmed")
    assert calls(house.advance(timedelta(minutes=40))) == OFF_AND_ON


def test_a_bridge_that_a_person_is_asked_about_is_not_waited_for() -> None:
    house = house_with_a_way(risk="low")
    house.settle("bridge")

    given = unavailable(house, within=timedelta(minutes=10))

    assert ("tell_person", "requires_manual", 1) in executions(of_lamp(given))


def test_one_that_is_away_for_a_moment_only_is_waited_for() -> None:
    house = house_with_a_way()
    house.available("lamp", is_available=False)
    house.advance(50 * timedelta(seconds=1))
    house.available("bridge", is_available=False)

    assert calls(house.advance(30 * timedelta(seconds=1))) == []
    house.available("bridge", is_available=True)
    assert calls(house.advance(2 * MINUTE)) == OFF_AND_ON


def test_the_broker_is_a_way_too_but_not_of_what_has_a_link_of_its_own() -> None:
    house = house_with_a_way()
    away = Noticed(DeviceId("broker"), Symptom.BROKER_UNREACHABLE, {})
    house.healing.handle_noticed(away, house.now)
    assert calls(unavailable(house, within=3 * MINUTE)) == []

    linked = house_with_a_way()
    own = replace(linked.by_id[DeviceId("plug")], via=None, origin=Origin("shelly", "plug"), native={"peer": "plug"})
    linked.by_id[DeviceId("plug")] = own
    linked.healing.handle_noticed(away, linked.now)
    assert calls(unavailable(linked, within=3 * MINUTE)) == OFF_AND_ON


def test_a_bridge_is_not_switched_off_by_a_plug_that_only_it_could_switch_on_again() -> None:
    house = house_with_a_way(powered_by="plug")

    assert ("switch.turn_off", ("switch.plug",)) not in calls(unavailable(house, "bridge"))


def test_two_that_could_only_be_mended_through_each_other_are_told_to_a_person() -> None:
    house = House(
        replace(plug("left", powered_by="right")),
        replace(plug("right", powered_by="left")),
    )
    for name in ("left", "right"):
        house.states[EntityId(f"switch.{name}")] = EntityState("on", {}, house.now, house.now)
    house.wishes = {"risk": "medium"}
    for name in ("left", "right"):
        house.settle(name)

    given = house.advance(timedelta(minutes=30))

    told = {case.row["device_id"] for case in of(AppendCase, given) if case.row.get("status") == "requires_manual"}
    assert told == {"left", "right"}
