"""What monitors notice becomes trouble of the device, beside whatever else is wrong with it."""

from datetime import timedelta

from hub_agent.model.effects import AppendCase, IssueRaised
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from tests.unit.core.healing.test_healing import MINUTE, SECOND, House, cleared, device, of, raised


def noticed(house: House, name: str, symptom: Symptom, **details: str) -> list:
    given = house.healing.handle_noticed(Noticed(DeviceId(name), symptom, details), house.now)
    house.seen += given
    return given


def passed(house: House, name: str, symptom: Symptom) -> list:
    given = house.healing.handle_passed(Passed(DeviceId(name), symptom), house.now)
    house.seen += given
    return given


def alerts(given: list) -> list[tuple[str, str]]:
    return [
        (each.row["context"]["issue"], each.row["status"]) for each in of(AppendCase, given) if each.table == "alerts"
    ]


def test_an_empty_battery_is_told_at_once_and_its_end_too() -> None:
    house = House(device("door", power="Battery"))

    assert raised(noticed(house, "door", Symptom.BATTERY_LOW, level="12 %", battery="a CR2032")) == [
        ("battery_low", "door")
    ]
    assert alerts(house.advance(MINUTE)) == [("battery_low", "active")]
    given = passed(house, "door", Symptom.BATTERY_LOW)

    assert cleared(given) == [("battery_low", "door")]
    assert alerts(given) == [("battery_low", "resolved")]


def test_who_was_told_of_a_battery_is_told_apart_that_the_device_is_gone_and_back() -> None:
    house = House(device("door", power="Battery"))
    noticed(house, "door", Symptom.BATTERY_LOW, level="12 %")
    house.advance(timedelta(days=20))

    house.available("door", is_available=False)
    assert alerts(house.advance(timedelta(hours=1))) == [("device_unavailable", "active")]
    house.advance(timedelta(hours=30))
    back = house.available("door", is_available=True)

    assert alerts(back) == [("device_unavailable", "resolved")]
    assert house.healing.has(DeviceId("door"), Symptom.BATTERY_LOW)


def test_said_again_with_other_words_the_issue_is_shown_anew_and_nobody_is_told_again() -> None:
    house = House(device("door"))
    noticed(house, "door", Symptom.BATTERY_LOW, level="12 %")
    house.advance(MINUTE)
    since = of(IssueRaised, house.seen)[0].issue.since

    assert noticed(house, "door", Symptom.BATTERY_LOW, level="12 %") == []
    again = noticed(house, "door", Symptom.BATTERY_LOW, level="9 %")

    assert [(each.issue.details["level"], each.issue.since) for each in of(IssueRaised, again)] == [("9 %", since)]
    assert alerts(house.advance(timedelta(days=3))) == []


def test_one_that_comes_and_goes_is_one_issue_with_one_end() -> None:
    house = House(device("lamp"))
    noticed(house, "lamp", Symptom.FLAPPING, what="comes and goes")
    for _ in range(5):
        house.available("lamp", is_available=False)
        house.advance(3 * MINUTE)
        house.available("lamp", is_available=True)
        house.advance(3 * MINUTE)
    passed(house, "lamp", Symptom.FLAPPING)

    assert raised(house.seen) == [("device_flapping", "lamp")]
    assert cleared(house.seen) == [("device_flapping", "lamp")]


def test_one_that_is_gone_for_long_after_coming_and_going_is_unavailable_all_the_same() -> None:
    house = House(device("lamp"))
    house.available("lamp", is_available=False)
    house.advance(2 * MINUTE)
    given = noticed(house, "lamp", Symptom.FLAPPING, what="comes and goes")

    assert cleared(given) == [("device_unavailable", "lamp")]
    assert raised(house.advance(timedelta(hours=1))) == [("device_unavailable", "lamp")]


def test_a_lasting_trouble_does_not_use_up_what_may_be_tried_for_another() -> None:
    house = House(device("lamp"))
    noticed(house, "lamp", Symptom.STUCK, value="21.5")
    tries = 0
    for _ in range(6):
        house.advance(timedelta(hours=13))
        before = len(house.seen)
        house.available("lamp", is_available=False)
        house.advance(MINUTE + 10 * SECOND)
        house.available("lamp", is_available=True)
        tries += any(
            each.row["metadata"]["remedy"] == "ask_state"
            for each in of(AppendCase, house.seen[before:])
            if each.table == "self_healing_executions"
        )

    assert tries == 6


def test_empty_batteries_behind_one_bridge_are_not_the_bridges_fault() -> None:
    house = House(device("bridge"), *(device(name, "bridge") for name in "abc"))
    for name in "abc":
        noticed(house, name, Symptom.BATTERY_LOW, level="3 %")

    assert sorted(raised(house.advance(MINUTE) + house.seen)) == [("battery_low", name) for name in "abc"]


def test_what_has_long_had_an_empty_battery_counts_as_failing_together_when_it_fails_with_others() -> None:
    house = House(device("bridge"), *(device(name, "bridge") for name in "abc"))
    noticed(house, "a", Symptom.BATTERY_LOW, level="3 %")
    house.advance(timedelta(days=1))
    for name in "abc":
        house.settle(name)

    assert ("devices_failing_together", "bridge") in raised(house.seen)


def test_what_was_told_is_known_after_a_restart() -> None:
    house = House(device("door", power="Battery"))
    noticed(house, "door", Symptom.BATTERY_LOW, level="12 %")
    house.advance(MINUTE)
    house = house.restarted()

    assert raised(house.seen) == [("battery_low", "door")]
    assert alerts(house.advance(timedelta(days=2))) == []
    assert alerts(passed(house, "door", Symptom.BATTERY_LOW)) == [("battery_low", "resolved")]
