"""Batteries, links, errors, firmware, restarts and resets: what is seen of them, and when it ends."""

from collections.abc import Sequence

import pytest

from hub_agent.model.device import DeviceType, ProtocolType
from hub_agent.model.effects import AppendCase, IssueCleared
from hub_agent.model.ids import DeviceId
from tests.fakes.signalled_home import DAY, HOUR, MINUTE, NOON, SignalledHome, facet, thing

BATTERY = facet("door", "battery", device_class="battery", unit="%")


def door(*more, **wishes) -> SignalledHome:
    return SignalledHome(thing("door", BATTERY, *more, power="Battery", **wishes))


def levels(home: SignalledHome, *said: int) -> None:
    for level in said:
        home.say("door", battery=level)
        home.advance(HOUR)


# Batteries.


def test_a_low_battery_is_told_with_which_one_it_takes_and_ends_when_it_was_changed() -> None:
    home = door(battery={"type": "AAA", "count": 2})
    levels(home, 40, 30, 20, 15, 14, 14, 13, 14, 12)
    assert home.raised()[0] == ("battery_low", "door")
    assert home.text_of("battery_low").endswith("Have 2 x AAA ready.")
    levels(home, 100, 100, 100)

    assert home.cleared() == [("battery_low", "door")]
    assert home.signals.battery_changed_at(DeviceId("door")) > NOON


def test_an_empty_battery_is_another_and_louder_issue() -> None:
    home = door()
    levels(home, 20, 14, 14, 14, 4, 4, 4)

    assert [code for code, _ in home.raised() if code != "battery_low"] == ["battery_critical"]
    assert home.cleared() == [("battery_low", "door")]


def test_one_wrong_level_is_nothing() -> None:
    home = door()
    levels(home, 80, 80, 80, 0, 79, 79, 3, 78, 78)

    assert home.raised() == []


def test_a_level_that_wavers_about_the_limit_is_one_issue() -> None:
    home = door()
    levels(home, 20, 15, 15, 15, 17, 18, 17, 14, 15, 18, 19, 15, 14)

    assert {code for code, _ in home.raised()} == {"battery_low"}
    assert home.cleared() == []


def test_what_is_charged_again_and_again_may_be_empty() -> None:
    home = door()
    levels(home, 90, 60, 30, 90, 90, 90, 40, 40, 40, 100, 100, 100)
    home.seen.clear()
    levels(home, 10, 10, 10, 3, 3, 3)

    assert home.raised() == []


def test_one_that_has_never_said_anything_but_zero_cannot_tell() -> None:
    home = door()
    levels(home, 0, 0, 0, 0, 0, 0)

    assert home.raised() == []


def test_one_that_only_says_whether_it_is_low_is_heard_as_well() -> None:
    home = SignalledHome(thing("door", facet("door", "battery_low", "binary_sensor", "battery"), power="Battery"))
    for _ in range(4):
        home.say("door", battery_low="on")
        home.advance(HOUR)
    assert home.raised() == [("battery_low", "door")]
    for _ in range(4):
        home.say("door", battery_low="off")
        home.advance(HOUR)

    assert home.cleared() == [("battery_low", "door")]


def test_a_low_battery_is_known_after_a_restart_and_told_once() -> None:
    home = door()
    levels(home, 20, 14, 14, 14)
    home.restart()
    levels(home, 14, 14, 14, 100, 100, 100)

    assert home.raised() == [("battery_low", "door")]
    assert home.cleared() == [("battery_low", "door")]


# Links.


def hear(home: SignalledHome, names: Sequence[str], strength: int, length=DAY) -> None:
    end = home.now + length
    while home.now < end:
        for name in names:
            home.say(name, signal=strength)
        home.advance(10 * MINUTE)


@pytest.mark.parametrize("usual, weak", [(60, 8), (-62, -91)], ids=["percent", "dBm"])
def test_a_link_that_is_bad_for_hours_and_used_to_be_good_is_weak_until_it_is_good_for_an_hour(usual, weak) -> None:
    home = SignalledHome(thing("lamp"))
    hear(home, ["lamp"], usual, DAY + HOUR)
    hear(home, ["lamp"], weak, 3 * HOUR)
    assert home.raised() == []
    hear(home, ["lamp"], weak, 2 * HOUR)
    assert home.raised() == [("link_weak", "lamp")]
    hear(home, ["lamp"], usual, 2 * HOUR)

    assert home.cleared() == [("link_weak", "lamp")]


@pytest.mark.parametrize("usual, later", [(10, 6), (80, 40), (-88, -91)])
def test_one_that_was_always_weak_or_is_merely_weaker_is_left_alone(usual, later) -> None:
    home = SignalledHome(thing("lamp", protocol=ProtocolType.ZIGBEE))
    hear(home, ["lamp"], usual, DAY + HOUR)
    hear(home, ["lamp"], later)

    assert home.raised() == []


def test_weak_links_behind_one_router_are_one_issue_at_the_router() -> None:
    names = ["a", "b", "c", "d"]
    home = SignalledHome(thing("router"), *(thing(name, hangs_on=["router"]) for name in names), thing("other"))
    hear(home, [*names, "other"], 70, DAY + HOUR)
    hear(home, names, 5, 6 * HOUR)
    assert {each for each in home.raised() if "weak" in each[0]} == {("links_weak_together", "router")}
    hear(home, names, 70, 3 * HOUR)

    assert {each for each in home.cleared() if "weak" in each[0]} == {("links_weak_together", "router")}


def test_what_is_usual_of_a_link_is_known_after_a_restart() -> None:
    home = SignalledHome(thing("lamp"))
    hear(home, ["lamp"], 60, DAY + 12 * HOUR)
    home.restart()
    hear(home, ["lamp"], 8, 6 * HOUR)

    assert home.raised() == [("link_weak", "lamp")]


# Errors.


def test_a_burst_of_refusals_is_an_issue_and_each_kind_of_fault_one_row_with_a_count() -> None:
    home = SignalledHome(thing("lock"))
    for _ in range(7):
        home.refuse("lock", "timeout: no route to device")
        home.settle("lock", "failed", "timeout: no route to device")  # the same, said twice
        home.advance(MINUTE)
    assert home.raised() == [("device_errors", "lock")]
    assert [(row["error_category"], row["context"]["count"], row["is_resolved"]) for row in home.logged()] == [
        ("network", 1, False)
    ]
    home.advance(3 * HOUR)

    assert home.cleared() == [("device_errors", "lock")]
    assert [(row["context"]["count"], row["is_resolved"]) for row in home.logged()] == [
        (1, False),
        (6, False),
        (0, True),
    ]
    assert {row["ai_decoded_message"] for row in home.logged()} == {None}


def test_errors_that_end_after_a_remedy_are_over_without_waiting_for_an_hour_of_quiet() -> None:
    home = SignalledHome(thing("bridge", kind=DeviceType.BRIDGE), thing("lamp", via="bridge"))
    for _ in range(5):
        home.refuse("lamp", "timeout: no route to device")
        home.advance(MINUTE)
    assert home.raised() == [("device_errors", "lamp")]
    home.advance(30 * MINUTE)

    assert home.cleared() == [("device_errors", "lamp")]


def test_one_command_that_fails_is_logged_and_no_issue() -> None:
    home = SignalledHome(thing("lock"))
    for _ in range(20):
        home.settle("lock", "failed", "jammed")
        home.advance(HOUR)

    assert home.raised() == []
    assert home.logged()[0]["error_message"] == "jammed"


def test_a_device_with_ever_new_words_fills_neither_memory_nor_log() -> None:
    home = SignalledHome(thing("lock"))
    for number in range(1_000):
        home.reject("lock", f"bad byte at {number}")

    assert len(home.logged()) == 9


def test_errors_of_what_cannot_be_reached_are_not_a_trouble_of_their_own() -> None:
    home = SignalledHome(thing("lock"))
    home.available("lock", is_available=False)
    for _ in range(20):
        home.settle("lock", "failed", "unreachable")

    assert ("device_errors", "lock") not in home.raised()


# Firmware.

UPDATE = facet("plug", "update", "update", "firmware")


def firmware(home: SignalledHome, state: str, installed: str, latest: str, **more: object) -> None:
    home.say("plug", {"installed_version": installed, "latest_version": latest, **more}, update=state)
    home.advance(10 * MINUTE)


def updates(home: SignalledHome) -> list[tuple]:
    cases = [each for each in home.seen if isinstance(each, AppendCase) and each.table == "firmware_updates"]
    return [
        (each.row["update_status"], each.revision, each.row["from_version"], each.row["to_version"]) for each in cases
    ]


def test_newer_firmware_is_told_once_and_starts_nothing() -> None:
    home = SignalledHome(thing("plug", UPDATE))
    firmware(home, "on", "1.0", "1.1")
    firmware(home, "on", "1.0", "1.1")
    assert home.raised() == [("firmware_behind", "plug")]
    assert home.healing.troubled() == []
    firmware(home, "off", "1.1", "1.1")

    assert [each.code for each in home.seen if isinstance(each, IssueCleared)] == ["firmware_behind"]
    assert updates(home) == [("completed", 1, "1.0", "1.1")], "somebody installed it elsewhere"


def test_an_update_is_followed_to_its_end_over_a_restart() -> None:
    home = SignalledHome(thing("plug", UPDATE))
    firmware(home, "on", "1.0", "1.1")
    for percent in (0, 10, 20, 30, 40, 60):
        firmware(home, "on", "1.0", "1.1", in_progress=True, update_percentage=percent)
    assert updates(home) == [("installing", revision, "1.0", "1.1") for revision in (1, 2, 3)]
    home.restart()
    firmware(home, "off", "1.1", "1.1", in_progress=False)

    assert updates(home) == [("completed", 4, "1.0", "1.1")]
    assert "update/update.plug_update" not in home.saved["signals"]


def test_an_update_that_ends_with_the_old_version_has_failed() -> None:
    home = SignalledHome(thing("plug", UPDATE))
    firmware(home, "on", "1.0", "1.1")
    firmware(home, "on", "1.0", "1.1", in_progress=True)
    firmware(home, "on", "1.0", "1.1", in_progress=False)
    home.advance(HOUR)

    assert updates(home)[-1] == ("failed", 2, "1.0", "1.1")


# Restarts.

UPTIME = facet("plug", "uptime", device_class="duration", unit="s", category="diagnostic")


def test_a_device_whose_uptime_begins_anew_again_and_again_restarts_until_it_does_not_for_hours() -> None:
    home = SignalledHome(thing("plug", UPTIME))
    for _ in range(8):
        for uptime in (10, 310):
            home.say("plug", uptime=uptime)
            home.advance(4 * MINUTE)
    assert home.raised() == [("device_rebooting", "plug")]
    for minute in range(0, 8 * 60, 10):
        home.say("plug", uptime=310 + minute * 60)
        home.advance(10 * MINUTE)

    assert home.cleared() == [("device_rebooting", "plug")]


def test_a_day_of_updates_and_a_power_cut_is_no_loop() -> None:
    names = ["a", "b", "c", "d"]
    home = SignalledHome(*(thing(name) for name in names))
    for _ in range(12):
        for name in names:
            home.begin_anew(name)
        home.advance(4 * MINUTE)

    assert home.raised() == []


def test_a_lamp_behind_a_wall_switch_is_powered_as_often_as_somebody_wants_light() -> None:
    home = SignalledHome(thing("bulb", kind=DeviceType.LIGHT))
    for _ in range(30):
        home.begin_anew("bulb")
        home.advance(30 * MINUTE)

    assert home.raised() == []


def test_what_sleeps_and_looks_for_another_way_does_not_restart() -> None:
    home = SignalledHome(thing("remote", power="Battery"))
    for _ in range(30):
        home.begin_anew("remote")
        home.advance(MINUTE)

    assert home.raised() == []


@pytest.mark.parametrize(
    "entity, values",
    [
        (facet("plug", "boot_count", unit=None), range(20)),
        (
            facet("plug", "last_restart", device_class="timestamp"),
            [f"2026-01-14T12:{minute:02}:00+00:00" for minute in range(0, 60, 3)],
        ),
    ],
    ids=["a counter", "an instant"],
)
def test_restarts_are_told_in_several_ways(entity, values) -> None:
    home = SignalledHome(thing("plug", entity))
    for value in values:
        home.say("plug", **{entity.key: value})
        home.advance(3 * MINUTE)

    assert home.raised() == [("device_rebooting", "plug")]


# Resets.


def test_a_device_that_leaves_its_network_and_joins_again_was_reset() -> None:
    home = SignalledHome(thing("lamp", facet("lamp", "state", "light")))
    home.say("lamp", state="on")
    gone = home.remove("lamp")
    home.advance(HOUR)
    home.add(gone)
    home.say("lamp", state="off")
    assert home.raised() == [("device_reset", "lamp")]
    home.advance(2 * DAY)

    assert home.cleared() == [("device_reset", "lamp")]


def test_what_a_reset_device_has_taken_back_ends_it() -> None:
    home = SignalledHome(thing("lamp", facet("lamp", "state", "light")))
    home.say("lamp", state="on")
    home.add(home.remove("lamp"))
    home.say("lamp", state="off")
    home.settle("lamp", "confirmed")
    assert home.cleared() == []
    home.settle("lamp", "confirmed", cause="self_healing")

    assert home.cleared() == [("device_reset", "lamp")]


def test_elsewhere_a_device_that_was_tidied_away_comes_back_without_a_word() -> None:
    home = SignalledHome(thing("lamp", facet("lamp", "state", "light"), dialect="homeassistant"))
    home.say("lamp", state="on")
    gone = home.remove("lamp")
    home.add(gone)
    home.say("lamp", state="off")

    assert home.raised() == []
