"""Values that stand still though they should not, and values that cannot be true."""

import math
from datetime import timedelta

import pytest

from tests.fakes.signalled_home import DAY, HOUR, MINUTE, SignalledHome, facet, thing

AIR = (
    facet("air", "temperature", device_class="temperature", unit="°C"),
    facet("air", "humidity", device_class="humidity", unit="%"),
)


def live(home: SignalledHome, length: timedelta, *, every: timedelta = 10 * MINUTE, is_stuck: bool = False) -> None:
    """A room's air, with a warmer day and a colder night."""
    end = home.now + length
    while home.now < end:
        at = home.now.timestamp() / DAY.total_seconds() * 2 * math.pi
        if is_stuck:
            home.say("air", temperature=21.5, humidity=f"{50 + 5 * math.cos(at):.1f}")
        else:
            home.say("air", temperature=f"{21 + 2 * math.sin(at):.1f}", humidity=f"{50 + 5 * math.cos(at):.1f}")
        home.advance(every)


# Stuck.


def test_a_temperature_that_moved_for_days_and_stands_still_is_stuck_until_it_moves() -> None:
    home = SignalledHome(thing("air", *AIR))
    live(home, 4 * DAY)
    assert home.raised() == []

    live(home, 3 * DAY, is_stuck=True)
    assert home.raised()[0] == ("value_stuck", "air")
    assert home.text_of("value_stuck").startswith("Air has said 21.5 °C for")
    live(home, HOUR)

    assert ("value_stuck", "air") in home.cleared()


def test_in_days_of_living_nothing_is_stuck() -> None:
    home = SignalledHome(thing("air", *AIR))
    live(home, 12 * DAY)

    assert home.raised() == []


@pytest.mark.parametrize(
    "entity",
    [
        facet("air", "temperature", "number", "temperature", "°C"),
        facet("air", "temperature", device_class="power", unit="W"),
        facet("air", "temperature", device_class="illuminance", unit="lx"),
        facet("air", "temperature", device_class="temperature", unit="°C", category="diagnostic"),
    ],
    ids=["a setpoint", "power that is not drawn", "a dark night", "the heat of a chip"],
)
def test_what_may_stand_still_by_nature_is_never_stuck(entity) -> None:
    home = SignalledHome(thing("air", entity))
    live(home, 3 * DAY)
    live(home, 4 * DAY, is_stuck=True)

    assert home.raised() == []


def test_a_cellar_whose_temperature_hardly_ever_moved_is_left_alone() -> None:
    home = SignalledHome(thing("air", *AIR))
    live(home, 6 * DAY, is_stuck=True)

    assert home.raised() == []


def test_a_device_that_says_nothing_does_not_stand_still() -> None:
    home = SignalledHome(thing("air", *AIR, power="Battery"))
    live(home, 4 * DAY)
    home.advance(10 * DAY)
    live(home, HOUR)

    assert ("value_stuck", "air") not in home.raised()


def test_air_that_is_full_of_water_stands_still_by_nature() -> None:
    home = SignalledHome(thing("air", AIR[1]))
    live(home, 4 * DAY)
    for _ in range(6 * 24 * 5):
        home.say("air", humidity=100)
        home.advance(10 * MINUTE)

    assert home.raised() == []


def test_what_was_learned_of_a_value_is_known_after_a_restart() -> None:
    home = SignalledHome(thing("air", *AIR))
    live(home, 4 * DAY)
    home.restart()
    live(home, 3 * DAY, is_stuck=True)

    assert home.raised()[0] == ("value_stuck", "air")


def test_a_damaged_memory_is_forgotten() -> None:
    home = SignalledHome(thing("air", *AIR))
    home.saved["signals"] = {
        "learned/stuck": {"sensor.air_temperature": ["x", None]},
        "learned/link": {"air": 7},
        "learned/battery": {"air": {"changed_at": "?"}},
        "update/x": {},
    }
    home.restart()
    live(home, DAY)

    assert home.raised() == []


# Impossible.


def test_one_glitch_is_nothing() -> None:
    home = SignalledHome(thing("air", *AIR))
    live(home, HOUR)
    home.say("air", temperature=-127)
    live(home, DAY)
    home.say("air", temperature=85)
    live(home, DAY)

    assert home.raised() == []


def test_a_sensor_that_stays_at_an_impossible_value_is_told_within_the_hour_and_its_end_too() -> None:
    home = SignalledHome(thing("air", *AIR))
    for _ in range(6):
        home.say("air", temperature=-127)
        home.advance(10 * MINUTE)
    assert home.raised() == [("value_impossible", "air")]
    assert home.text_of("value_impossible") == (
        "Air said -127 °C, again and again; -80 to 150 °C would be possible. Look at the sensor and its cable."
    )
    live(home, 3 * HOUR)

    assert home.cleared() == [("value_impossible", "air")]


def test_glitches_that_come_again_and_again_are_told_too() -> None:
    home = SignalledHome(thing("air", *AIR))
    for _ in range(5):
        live(home, HOUR)
        home.say("air", temperature=85)

    assert home.raised() == [("value_impossible", "air")]


def test_hot_water_may_have_85_degrees() -> None:
    home = SignalledHome(thing("boiler", facet("boiler", "temperature", device_class="temperature", unit="°C")))
    for _ in range(30):
        for degrees in (70, 78, 85, 90):
            home.say("boiler", temperature=degrees)
            home.advance(10 * MINUTE)

    assert home.raised() == []


@pytest.mark.parametrize(
    "device_class, unit, value",
    [
        ("humidity", "%", 655.35),
        ("battery", "%", 255),
        ("illuminance", "lx", -40),
        ("temperature", "°C", "nan"),
        ("temperature", "°C", "-273.15"),
        ("atmospheric_pressure", "hPa", 0),
    ],
)
def test_what_no_sensor_can_mean_is_impossible(device_class: str, unit: str, value: object) -> None:
    home = SignalledHome(thing("air", facet("air", "reading", device_class=device_class, unit=unit)))
    for _ in range(6):
        home.say("air", reading=value)
        home.advance(10 * MINUTE)

    assert home.raised() == [("value_impossible", "air")]


@pytest.mark.parametrize(
    "device_class, unit, value",
    [
        ("humidity", "%", 100.4),
        ("temperature", "°C", 480),
        ("power", "W", -3000),
        ("battery", "%", 100),
        ("temperature", "°C", "unknown"),
        ("illuminance", "lx", 0),
    ],
)
def test_what_can_be_is_left_alone(device_class: str, unit: str, value: object) -> None:
    home = SignalledHome(thing("air", facet("air", "reading", device_class=device_class, unit=unit)))
    for _ in range(6 * 24):
        home.say("air", reading=value)
        home.advance(10 * MINUTE)

    assert home.raised() == []


def test_it_ends_after_a_restart_as_well() -> None:
    home = SignalledHome(thing("air", *AIR))
    for _ in range(6):
        home.say("air", temperature=-127)
        home.advance(10 * MINUTE)
    home.restart()
    live(home, 3 * HOUR)

    assert home.cleared() == [("value_impossible", "air")]
