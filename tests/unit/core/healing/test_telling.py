"""Healing in words: what is wrong, what was tried, what is next, and why a remedy is not tried."""

from datetime import timedelta

from hub_agent.core.healing.remedies import REMEDIES
from hub_agent.model.device import Device, DeviceType
from hub_agent.model.healing import Symptom
from hub_agent.model.ids import DeviceId, EntityId
from hub_agent.model.state import EntityState
from tests.unit.core.healing.test_healing import MINUTE, SECOND, House, device, executions, plug, restarting

HOUR = timedelta(hours=1)


def told(house: House, name: str):
    return house.healing.telling.of(DeviceId(name), house.now)


def plan(house: House, name: str, symptom: Symptom | None = None):
    found = house.healing.telling.plan(house.by_id[DeviceId(name)], symptom, house.now)
    return {each["remedy"]: each for each in found}


def next_of(house: House, name: str) -> str:
    return told(house, name)["next"]["text"]


def in_trouble(*devices: Device, wait: timedelta = 5 * SECOND, at: timedelta = timedelta(0), **wishes: object) -> House:
    """The last of the devices has not confirmed a command, so long ago. `at`: after noon."""
    house = House(*devices)
    house.wishes = {**wishes}
    house.now += at
    for each in devices:
        house.report(each.id)
    house.settle(devices[-1].id)
    house.advance(wait)
    return house


def want(house: House, name: str, remedy: str, *, is_forced: bool = False):
    return house.healing.handle_wanted(DeviceId(name), REMEDIES[remedy], None, house.now, is_forced=is_forced)


def test_of_a_device_that_is_well_nothing_is_told() -> None:
    house = House(device("lamp"))
    house.report("lamp")
    assert told(house, "lamp") is None
    assert want(house, "lamp", "ask_state") == "Nothing is known to be wrong with it: there is nothing to try."


def test_a_trouble_is_told_with_its_issue_and_what_is_being_tried() -> None:
    body = told(in_trouble(restarting("lamp")), "lamp")
    assert [each["code"] for each in body["issues"]] == ["command_unconfirmed"]
    assert body["attempt"]["is_question"] is False
    assert body["next"]["text"].startswith("It is tried now: ")
    assert [each["count"] for each in body["tried"]] == [1]
    assert body["is_told"] is False


def test_what_hangs_on_something_that_is_away_is_held_and_says_by_what() -> None:
    bridge, lamp = device("bridge", kind=DeviceType.BRIDGE), device("lamp", via="bridge")
    house = House(bridge, lamp)
    house.report("lamp")
    house.available("bridge", is_available=False)
    house.settle("lamp")
    body = told(house, "lamp")
    assert body["cause"] == {"id": "bridge", "name": "Bridge"}
    assert body["next"]["text"] == "Held: Bridge is away or in trouble itself. It is looked at again when that is well."
    assert want(house, "lamp", "reconfigure_through_bridge").startswith("Bridge is in trouble itself")


def test_without_the_broker_everything_waits_for_it() -> None:
    house = in_trouble(device("lamp"))
    house.healing.handle_disconnected(house.now)
    assert next_of(house, "lamp") == "It waits for the MQTT broker."
    assert want(house, "lamp", "ask_state") == "It has to wait for the MQTT broker."


def test_a_question_says_when_it_was_asked_and_how_long_it_waits() -> None:
    house = in_trouble(restarting("lamp"), risk="none")
    attempt = told(house, "lamp")["attempt"]
    assert attempt["is_question"] is True
    assert next_of(house, "lamp").startswith("You were asked at 12:00: may ")
    assert next_of(house, "lamp").endswith("It waits for another 24 hours for your answer.")


def test_what_is_exhausted_says_that_a_person_has_been_told_and_when_it_is_looked_at_again() -> None:
    body = told(in_trouble(device("lamp"), wait=5 * HOUR), "lamp")
    assert body["is_told"] is True
    assert body["next"]["text"].startswith("Nothing more can be tried from here. You have been told")


def test_the_plan_lists_every_remedy_with_its_verdict_and_touches_nothing() -> None:
    house = House(plug(), restarting("lamp", powered_by="plug"))
    house.states[EntityId("switch.plug")] = EntityState("on", {}, house.now, house.now)
    found = plan(house, "lamp", Symptom.SILENT)
    assert list(found)[-1] == "tell_person"
    assert set(found) == set(REMEDIES)
    assert [name for name, each in found.items() if each["is_next"]] == [next(iter(found))]
    assert found["power_cycle_via_plug"]["verdict"] == "asks" or found["power_cycle_via_plug"]["verdict"] == "now"
    assert found["resend_command"]["verdict"] == "unfit"
    assert told(house, "lamp") is None
    assert house.seen == []


def test_what_must_never_be_touched_says_so_in_the_plan() -> None:
    house = House(restarting("freezer", never_touch=True))
    found = plan(house, "freezer", Symptom.SILENT)
    assert found["reboot_device"]["verdict"] == "never"
    assert found["reboot_device"]["reasons"] == ["Freezer must never be touched"]


def test_quiet_hours_and_use_are_told_as_reasons_not_to_interrupt() -> None:
    house = House(restarting("lamp"))
    house.states[EntityId("light.lamp")] = EntityState("on", {}, house.now, house.now)
    house.now += 11 * HOUR
    found = plan(house, "lamp", Symptom.SILENT)["reboot_device"]
    assert found["verdict"] == "not_now"
    assert found["reasons"] == ["these are quiet hours, until 07:00", "Lamp is in use"]


def test_a_remedy_that_was_just_tried_waits_for_its_cooldown() -> None:
    house = in_trouble(restarting("lamp"), wait=20 * MINUTE)
    reboot = plan(house, "lamp")["reboot_device"]
    assert reboot["verdict"] == "waits"
    assert reboot["reasons"][0].startswith("its cooldown lasts until 13:")
    assert next_of(house, "lamp") == "Next is asking for its state, at 12:34."


def test_a_person_may_have_a_remedy_tried_out_of_its_turn_and_is_not_asked_for_it() -> None:
    house = in_trouble(restarting("lamp", ask_first=True), risk="none")
    given = house._see(want(house, "lamp", "reboot_device"))
    assert [each[1:] for each in executions(given)] == [("skipped", 2), ("in_progress", 1)]
    assert told(house, "lamp")["attempt"]["remedy"] == "reboot_device"


def test_a_remedy_that_a_person_wants_is_the_yes_to_its_question() -> None:
    house = in_trouble(restarting("lamp"), risk="none")
    asked = told(house, "lamp")["attempt"]
    given = want(house, "lamp", asked["remedy"])
    assert executions(given) == [(asked["remedy"], "in_progress", 2)]


def test_quiet_hours_hold_against_a_wish_unless_it_is_forced_and_never_touch_holds_always() -> None:
    house = in_trouble(restarting("lamp"), at=11 * HOUR, risk="none")
    assert "these are quiet hours" in want(house, "lamp", "reboot_device")
    assert want(house, "lamp", "tell_person") == "You know it already."
    lamp = house.by_id[DeviceId("lamp")]
    house.healing.handle_described(restarting("lamp", never_touch=True))
    assert "must never be touched" in want(house, "lamp", "reboot_device", is_forced=True)
    house.healing.handle_described(lamp)
    given = want(house, "lamp", "reboot_device", is_forced=True)
    assert executions(given)[-1][:2] == ("reboot_device", "in_progress")


def test_a_second_wish_waits_until_the_first_has_shown_what_comes_of_it() -> None:
    house = in_trouble(restarting("lamp"))
    assert "is being tried just now" in want(house, "lamp", "reboot_device")


def test_success_rates_are_told_over_all_by_model_and_by_device() -> None:
    house = in_trouble(device("lamp"))
    house.settle("lamp", "confirmed")
    rates = house.healing.telling.rates()
    assert {each["of"] for each in rates} == {"all", "model", "device"}
    assert {each["tried"] for each in rates} == {1}
    assert {each["name"] for each in rates if each["of"] == "device"} == {"Lamp"}
