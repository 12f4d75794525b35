"""The ways: one trouble, at the nearest that is broken, and only when it lasts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.reachability import Reachability
from hub_agent.model.device import BROKER_ORIGIN, HUB_ORIGIN, ROUTER_ORIGIN, Device, DeviceType, Origin
from hub_agent.model.effects import AppendRecord, IssueRaised
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.issue import Issue
from hub_agent.model.measured import Way, WaysMeasured, WayTo

NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ALL = {
    WayTo.ROUTER: "192.168.1.1",
    WayTo.DNS: "hub.example.com",
    WayTo.INTERNET: "hub.example.com:443",
    WayTo.CLOUD: "https://hub.example.com",
    WayTo.BROKER: "127.0.0.1:1883",
}


def device(name: str, origin: Origin, kind: DeviceType) -> Device:
    return Device(DeviceId(name), origin, (), name, False, None, None, None, kind, None, None, None, None, {}, ())


OWN = {
    HUB_ORIGIN: device("hub", HUB_ORIGIN, DeviceType.HUB),
    BROKER_ORIGIN: device("broker", BROKER_ORIGIN, DeviceType.OTHER),
    ROUTER_ORIGIN: device("router", ROUTER_ORIGIN, DeviceType.ROUTER),
}


class Ways:
    """A home whose ways are measured as the agent does: every minute, and every 20 s while one is closed."""

    def __init__(self, *without: Origin) -> None:
        self.devices = {origin: each for origin, each in OWN.items() if origin not in without}
        self.room = Reachability(self.devices.get)
        self.now = NOON

    def live(self, length: timedelta, *closed: WayTo, tried: tuple[WayTo, ...] = tuple(ALL)) -> list[Any]:
        end, given = self.now + length, []
        while self.now < end:
            self.now += 20 * SECOND if closed else MINUTE
            given += self.measure(*closed, tried=tried)
        return given

    def measure(self, *closed: WayTo, tried: tuple[WayTo, ...] = tuple(ALL)) -> list[Any]:
        ways = {
            each: Way(
                ALL[each], each not in closed, None if each in closed else 4.2, 0.0, "no answer" * (each in closed)
            )
            for each in tried
        }
        return list(self.room.take(WaysMeasured(ways), self.now))


def told(given: list[Any]) -> list[tuple[str, Symptom]]:
    return [(each.device_id, each.symptom) for each in given if isinstance(each, Noticed)]


def ended(given: list[Any]) -> list[tuple[str, Symptom]]:
    return [(each.device_id, each.symptom) for each in given if isinstance(each, Passed)]


BEHIND_ROUTER = (WayTo.ROUTER, WayTo.DNS, WayTo.INTERNET, WayTo.CLOUD)


@pytest.mark.parametrize(
    "closed, at, symptom",
    [
        (BEHIND_ROUTER, "router", Symptom.ROUTER_UNREACHABLE),
        (BEHIND_ROUTER[1:], "router", Symptom.INTERNET_UNREACHABLE),
        ((WayTo.DNS,), "router", Symptom.DNS_FAILING),
        ((WayTo.DNS, WayTo.CLOUD), "router", Symptom.DNS_FAILING),
        ((WayTo.CLOUD,), "hub", Symptom.CLOUD_UNREACHABLE),
    ],
)
def test_the_nearest_that_is_broken_is_the_one_trouble(closed: tuple[WayTo, ...], at: str, symptom: Symptom) -> None:
    home = Ways()
    home.live(10 * MINUTE)

    broken = home.live(30 * MINUTE, *closed)
    well = home.live(10 * MINUTE)

    (noticed,) = [each for each in broken if isinstance(each, Noticed)]
    assert (noticed.device_id, noticed.symptom) == (at, symptom)
    assert "unknown)" not in Issue(symptom.value, "x", NOON, noticed.details).text
    assert (ended(broken), told(well), ended(well)) == ([], [], [(at, symptom)])


def test_days_without_faults_are_silent() -> None:
    home = Ways()
    home.live(10 * MINUTE)

    given = home.live(timedelta(days=5))

    assert (told(given), ended(given)) == ([], [])


@pytest.mark.parametrize("lost", range(1, 4))
def test_a_few_answers_that_are_lost_are_nothing(lost: int) -> None:
    home = Ways()
    given = [each for _ in range(50) for each in home.live(lost * 20 * SECOND, *BEHIND_ROUTER) + home.live(3 * MINUTE)]

    assert told(given) == []


def test_two_looks_are_not_enough_however_far_apart() -> None:
    home = Ways()
    home.live(10 * MINUTE)
    given = []
    for _ in range(2):
        home.now += 5 * MINUTE
        given += home.measure(*BEHIND_ROUTER)

    assert told(given) == []
    assert told(home.measure(*BEHIND_ROUTER)) == [("router", Symptom.ROUTER_UNREACHABLE)]


def test_a_router_that_answers_nobody_is_well_while_something_behind_it_answers() -> None:
    home = Ways()

    assert told(home.live(60 * MINUTE, WayTo.ROUTER)) == []
    assert told(home.live(60 * MINUTE, WayTo.ROUTER, WayTo.INTERNET)) == [], "the cloud does"


def test_a_name_that_is_known_from_before_does_not_vouch_for_the_router() -> None:
    home = Ways()

    given = home.live(30 * MINUTE, WayTo.ROUTER, WayTo.INTERNET, WayTo.CLOUD)

    assert told(given) == [("router", Symptom.ROUTER_UNREACHABLE)]


@pytest.mark.parametrize("tried", [(), (WayTo.BROKER,), (WayTo.ROUTER,), (WayTo.CLOUD,)])
def test_what_a_home_does_not_have_is_no_trouble(tried: tuple[WayTo, ...]) -> None:
    home = Ways(ROUTER_ORIGIN)

    assert told(home.live(120 * MINUTE, tried=tried)) == []


def test_without_a_known_router_the_hub_has_the_trouble() -> None:
    home = Ways(ROUTER_ORIGIN)

    assert told(home.live(30 * MINUTE, WayTo.DNS, tried=(WayTo.DNS,))) == [("hub", Symptom.DNS_FAILING)]


def test_what_is_to_blame_may_turn_out_to_be_nearer_and_there_is_still_one_trouble() -> None:
    home = Ways()
    first = home.live(30 * MINUTE, *BEHIND_ROUTER[1:])
    then = home.live(30 * MINUTE, *BEHIND_ROUTER)

    assert told(first) == [("router", Symptom.INTERNET_UNREACHABLE)]
    assert (ended(then), told(then)) == (
        [("router", Symptom.INTERNET_UNREACHABLE)],
        [("router", Symptom.ROUTER_UNREACHABLE)],
    )


def test_while_it_breaks_down_step_by_step_only_the_end_is_told() -> None:
    home = Ways()
    home.live(10 * MINUTE)

    given = (
        home.live(MINUTE, WayTo.CLOUD) + home.live(MINUTE, *BEHIND_ROUTER[1:]) + home.live(30 * MINUTE, *BEHIND_ROUTER)
    )

    assert told(given) == [("router", Symptom.ROUTER_UNREACHABLE)]


def test_a_cloud_that_is_renewed_for_ten_minutes_is_nothing() -> None:
    home = Ways()
    home.live(10 * MINUTE)

    assert told(home.live(10 * MINUTE, WayTo.CLOUD) + home.live(10 * MINUTE)) == []


def test_after_a_restart_what_was_told_before_is_ended() -> None:
    home = Ways()

    given = home.live(5 * MINUTE)

    assert ("router", Symptom.ROUTER_UNREACHABLE) in ended(given)
    assert ("hub", Symptom.CLOUD_UNREACHABLE) in ended(given)
    assert ended(home.live(60 * MINUTE)) == []


def test_a_broker_that_stays_away_is_noticed_with_its_reason_and_its_return_at_once() -> None:
    home = Ways()
    home.live(MINUTE)
    home.room.handle_issue(
        IssueRaised(Issue("broker_unreachable", "broker", home.now, {"reason": "nobody listens there"})), home.now
    )
    home.room.handle_disconnected(home.now)
    home.room.handle_disconnected(home.now + 30 * SECOND)

    assert home.room.get_timer() == home.now + MINUTE
    (noticed,) = home.room.handle_timer(home.now + MINUTE)

    assert noticed == Noticed(DeviceId("broker"), Symptom.BROKER_UNREACHABLE, {"reason": "nobody listens there"})
    assert home.room.get_timer() is None
    assert list(home.room.handle_connected(home.now)) == [Passed(DeviceId("broker"), Symptom.BROKER_UNREACHABLE)]


def test_a_broker_that_is_restarted_quickly_is_not_noticed() -> None:
    home = Ways()
    home.room.handle_disconnected(home.now)
    home.room.handle_connected(home.now + 20 * SECOND)

    assert home.room.get_timer() is None


def test_metrics_are_told_every_five_minutes_one_row_for_each_device() -> None:
    home = Ways()

    rows = [each.row for each in home.live(timedelta(days=1)) if isinstance(each, AppendRecord)]

    assert len(rows) == 3 * 288
    assert len({(row["device_id"], row["time"]) for row in rows}) == len(rows)
    assert {row["latency_ms"] for row in rows} == {4}


def test_a_router_that_is_away_is_offline_in_its_row() -> None:
    home = Ways()
    home.live(5 * MINUTE)
    router = DeviceId("router")
    was, _ = home.room.present_of(router), home.live(5 * MINUTE, *BEHIND_ROUTER)

    assert (was["is_online"], home.room.present_of(router)["is_online"]) == (True, False)
    assert home.room.present_of(DeviceId("hub")) == {}


def test_a_step_of_the_clock_is_no_time_that_has_passed() -> None:
    home = Ways()
    home.live(10 * MINUTE)
    home.live(60 * SECOND, *BEHIND_ROUTER)
    home.now += timedelta(hours=3)
    home.room.handle_clock_step(timedelta(hours=3))

    assert told(home.live(20 * SECOND, *BEHIND_ROUTER)) == []
    assert told(home.live(40 * SECOND, *BEHIND_ROUTER)) == [("router", Symptom.ROUTER_UNREACHABLE)]


@given(st.lists(st.tuples(st.frozensets(st.sampled_from(list(ALL))), st.integers(1, 60)), max_size=15))
def test_there_is_never_more_than_one_trouble_and_none_is_left_over(spells: list[tuple[frozenset[WayTo], int]]) -> None:
    home, is_open = Ways(), set[tuple[str, Symptom]]()
    for closed, steps in [*spells, (frozenset(), 30)]:
        for each in home.live(steps * 20 * SECOND, *closed):
            if isinstance(each, Noticed):
                assert not is_open
                is_open.add((each.device_id, each.symptom))
            elif isinstance(each, Passed):
                is_open.discard((each.device_id, each.symptom))
    assert not is_open
