"""What comes and goes is one issue with one end."""

from hub_agent.model.state import Cause
from tests.fakes.signalled_home import DAY, HOUR, MINUTE, SignalledHome, facet, thing


def lose(home: SignalledHome, *names: str, every=10 * MINUTE, times: int = 4) -> None:
    for _ in range(times):
        for is_available in (False, True):
            for name in names:
                home.available(name, is_available)
            home.advance(every / 2)


def test_a_device_that_is_lost_four_times_within_an_hour_comes_and_goes_until_it_is_quiet_for_an_hour() -> None:
    home = SignalledHome(thing("lamp"))
    home.available("lamp", is_available=True)

    lose(home, "lamp")
    lose(home, "lamp", times=10)
    assert [code for code, _ in home.raised() if code == "device_flapping"] == ["device_flapping"]
    assert home.text_of("device_flapping").startswith("Lamp was lost 4 times within an hour, and came back.")
    home.seen.clear()
    home.advance(2 * HOUR)

    assert home.raised() == []
    assert home.cleared() == [("device_flapping", "lamp")]


def test_three_times_are_not_yet_coming_and_going_and_neither_are_four_in_a_day() -> None:
    home = SignalledHome(thing("lamp"))
    home.available("lamp", is_available=True)
    lose(home, "lamp", times=3)
    home.advance(HOUR)
    lose(home, "lamp", every=6 * HOUR, times=4)

    assert ("device_flapping", "lamp") not in home.raised()


def test_what_comes_and_goes_with_its_bridge_is_the_bridges_matter() -> None:
    names = [f"bulb{number}" for number in range(6)]
    home = SignalledHome(thing("bridge"), *(thing(name, via="bridge") for name in names))
    for name in ("bridge", *names):
        home.available(name, is_available=True)
    lose(home, "bridge", *names, times=6)

    assert {subject for code, subject in home.raised() if code == "device_flapping"} == {"bridge"}


def test_the_same_word_again_is_no_change() -> None:
    home = SignalledHome(thing("lamp"))
    for _ in range(50):
        home.available("lamp", is_available=False)
        home.advance(MINUTE / 2)

    assert ("device_flapping", "lamp") not in home.raised()


def test_a_contact_that_toggles_by_itself_comes_and_goes() -> None:
    home = SignalledHome(thing("door", facet("door", "contact", "binary_sensor", "door")))
    for turn in range(45):
        home.say("door", contact="on" if turn % 2 else "off")
        home.advance(MINUTE / 10)

    assert home.raised() == [("device_flapping", "door")]
    assert home.text_of("device_flapping").startswith("Door opens and closes by itself, 40 times within 10 minutes.")


def test_what_an_automation_switches_does_not_toggle_by_itself() -> None:
    home = SignalledHome(thing("tree", facet("tree", "state", "light")))
    for turn in range(500):
        home.say("tree", cause=Cause("automation", "blink"), state="on" if turn % 2 else "off")
        home.advance(MINUTE / 60)

    assert home.raised() == []


def test_a_motion_sensor_toggles_by_nature() -> None:
    home = SignalledHome(thing("hall", facet("hall", "occupancy", "binary_sensor", "motion")))
    for turn in range(500):
        home.say("hall", occupancy="on" if turn % 2 else "off")
        home.advance(MINUTE / 20)

    assert home.raised() == []


def test_it_ends_after_a_restart_as_well() -> None:
    home = SignalledHome(thing("lamp"))
    home.available("lamp", is_available=True)
    lose(home, "lamp", times=5)
    home.restart()
    home.advance(2 * HOUR)

    assert home.raised() == [("device_flapping", "lamp")]
    assert home.cleared() == [("device_flapping", "lamp")]


def test_a_clock_that_is_set_makes_nothing_of_it() -> None:
    home = SignalledHome(thing("lamp"))
    home.available("lamp", is_available=True)
    for _ in range(6):
        lose(home, "lamp", times=1, every=MINUTE)
        home.step_clock(DAY)
    assert home.raised().count(("device_flapping", "lamp")) == 1  # elapsed time has not passed
    home.step_clock(-20 * DAY)
    home.advance(50 * MINUTE)
    assert ("device_flapping", "lamp") not in home.cleared()
    home.advance(30 * MINUTE)

    assert ("device_flapping", "lamp") in home.cleared()
