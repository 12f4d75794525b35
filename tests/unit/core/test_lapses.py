"""States that hold only for a while: they give way to `off` or to `unavailable` unless somebody says them again."""

from datetime import timedelta

from hub_agent.core.lapses import WAITING_MAX, Lapses
from hub_agent.model.device import Origin
from hub_agent.model.effects import Effect, Save
from hub_agent.model.inputs import ClockStepped
from hub_agent.model.report import EntityReport, Lapse, Reported
from tests.unit.core.test_hub import NOON, Living, lamp

MOTION = "binary_sensor.motion"
OFF_AFTER_30 = (Lapse(30, "off"),)
LOST_AFTER_60 = (Lapse(60, "unavailable"),)


def home_with_motion() -> Living:
    home = Living()
    home.tell(lamp("Motion", "binary_sensor"))
    return home


def say(home: Living, state: str, lapses: tuple[Lapse, ...] = ()) -> list[Effect]:
    return home.tell(Reported(Origin("zigbee2mqtt", "Motion"), (EntityReport("main", state, lapses=lapses),)))


def kept(effects: list[Effect]) -> list[Save]:
    return [each for each in effects if isinstance(each, Save) and each.room == "lapses"]


def test_motion_that_nobody_ends_ends_by_itself() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    home.wait(29)
    assert home.state(MOTION) == "on"
    home.wait(1)
    assert home.state(MOTION) == "off"


def test_motion_that_goes_on_holds_for_the_whole_time_anew() -> None:
    home = home_with_motion()
    for _ in range(5):
        say(home, "on", OFF_AFTER_30)
        home.wait(20)
        assert home.state(MOTION) == "on"
    home.wait(10)
    assert home.state(MOTION) == "off"


def test_what_the_device_ends_itself_is_waited_for_no_more() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    say(home, "off")
    home.wait(10)
    say(home, "on")  # without an end
    home.wait(60)
    assert home.state(MOTION) == "on"


def test_a_silent_sensor_is_unavailable_until_it_speaks_again() -> None:
    home = home_with_motion()
    say(home, "on", LOST_AFTER_60)
    home.wait(60)
    assert home.state(MOTION) == "unavailable"
    say(home, "off", LOST_AFTER_60)
    assert home.state(MOTION) == "off"


def test_both_may_be_waited_for_at_once() -> None:
    home = home_with_motion()
    say(home, "on", (*LOST_AFTER_60, *OFF_AFTER_30))
    home.wait(30)
    assert home.state(MOTION) == "off"
    home.wait(30)
    assert home.state(MOTION) == "unavailable"


def test_a_report_without_a_state_ends_nothing() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    home.tell(Reported(Origin("zigbee2mqtt", "Motion"), (EntityReport("main", None, {"battery": 3}),)))
    home.wait(30)
    assert home.state(MOTION) == "off"


def test_after_a_restart_it_waits_for_the_whole_time_once_more() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    home.wait(20)
    home.crash()
    say(home, "on")
    home.crash()
    assert home.hub.lapses.get_timer() is None
    say(home, "on", OFF_AFTER_30)
    home.crash()
    home.wait(29)
    assert home.state(MOTION) != "off"
    home.wait(1)
    assert home.state(MOTION) == "off"


def test_what_is_waited_for_is_written_when_it_begins_and_when_it_ends_and_not_with_each_report() -> None:
    home = home_with_motion()
    first, second = kept(say(home, "on", OFF_AFTER_30)), kept(say(home, "on", OFF_AFTER_30))
    assert ([each.body is None for each in first], second) == ([False], [])
    assert [each.body for each in kept(home.wait(31))] == [None]


def test_a_clock_that_steps_does_not_end_what_holds() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    hour = timedelta(hours=1)
    home.now += hour
    home.tell(ClockStepped(hour, is_trusted=True))
    home.wait(29)
    assert home.state(MOTION) == "on"
    home.wait(1)
    assert home.state(MOTION) == "off"


def test_the_lapse_itself_does_not_count_as_a_word_of_the_device() -> None:
    home = home_with_motion()
    say(home, "on", OFF_AFTER_30)
    seen_at = home.hub.inventory.presence(next(iter(home.devices.values())).id).last_seen_at
    home.wait(30)
    assert home.hub.inventory.presence(next(iter(home.devices.values())).id).last_seen_at == seen_at


def test_what_is_waited_for_is_bounded_and_a_state_said_a_thousand_times_takes_one_place() -> None:
    lapses = Lapses(lambda _told, _now: [])
    reports = tuple(EntityReport(str(number), "on", lapses=OFF_AFTER_30) for number in range(WAITING_MAX + 10))
    assert len(lapses.handle(Reported(Origin("a", "b"), reports), NOON)) == WAITING_MAX
    for number in range(1000):
        now = NOON + timedelta(seconds=number / 1000)
        lapses.handle(
            Reported(Origin("a", "b"), (EntityReport("0", "off"), EntityReport("0", "on", lapses=OFF_AFTER_30))), now
        )
    assert len(lapses._queue) == WAITING_MAX
