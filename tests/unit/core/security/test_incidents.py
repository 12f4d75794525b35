"""Who is refused too often is one incident for each source and kind; it grows, and ends by itself."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from hub_agent.core.security.home import Met
from hub_agent.core.security.incidents import COUNTED_MAX, KINDS, OPEN_MAX
from hub_agent.core.security.strangers import is_made_up
from hub_agent.model.security import AccessRefused
from tests.fakes.secured_home import SecuredHome, thing
from tests.unit.core.security.test_security import DAY, HOUR, MINUTE, Watched

ONE, TWO = "192.168.1.66", "192.168.1.67"


def refuse(watched: Watched, kind: str = "wrong_code", source: str = ONE, count: int = 1) -> None:
    watched.take(watched.security.take(AccessRefused(kind, source, count), watched.now))


def test_a_mistyped_code_is_no_incident_and_five_are_one_that_ends_after_an_hour_of_quiet() -> None:
    watched = Watched(SecuredHome())
    for _ in range(4):
        refuse(watched)
    assert watched.issues == {}
    refuse(watched)
    assert "5 wrong pairing codes came from 192.168.1.66" in watched.issues["security_incident", f"wrong_code/{ONE}"]
    watched.pass_time(50 * MINUTE)
    refuse(watched)
    watched.pass_time(50 * MINUTE)
    assert len(watched.issues) == 1
    watched.pass_time(11 * MINUTE)
    assert watched.issues == {}
    (row,) = watched.of("security_incidents")
    assert (row["status"], row["incident_type"], row["attack_source_ip"]) == ("resolved", "brute_force", ONE)
    assert row["metadata"]["count"] == 6


def test_four_an_hour_for_a_day_are_no_incident() -> None:
    watched = Watched(SecuredHome())
    for _ in range(96):
        refuse(watched)
        watched.pass_time(15 * MINUTE)
    assert watched.of("security_incidents") == []


def test_a_million_tries_write_as_often_as_their_number_doubles() -> None:
    watched = Watched(SecuredHome())
    for _ in range(10_000):
        refuse(watched, count=100)
    (row,) = watched.of("security_incidents")
    assert row["revision"] < 20


def test_each_source_and_kind_is_an_incident_of_its_own_and_invented_sources_fill_no_list() -> None:
    watched = Watched(SecuredHome())
    refuse(watched, count=5)
    refuse(watched, source=TWO, count=5)
    refuse(watched, kind="unknown_webhook", count=20)
    assert len(watched.issues) == 3
    for number in range(1000):
        refuse(watched, source=f"10.0.{number // 256}.{number % 256}", count=5)
    assert len(watched.security.incidents.all()) == OPEN_MAX + 1
    assert ("security_incident", "wrong_code/many addresses") in watched.issues


def test_an_incident_goes_on_after_a_restart_as_the_same() -> None:
    watched = Watched(SecuredHome())
    refuse(watched, count=5)
    watched.restart()
    refuse(watched, count=50)
    watched.restart()
    watched.pass_time(2 * HOUR)
    (row,) = watched.of("security_incidents")
    assert (row["status"], row["metadata"]["count"]) == ("resolved", 55)
    assert watched.issues == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*KINDS, "nonsense"]),
            st.sampled_from([ONE, TWO, "", "x" * 300, "::1", "{source}"]),
            st.integers(-5, 200),
            st.integers(0, 5000),
        ),
        max_size=60,
    )
)
def test_whatever_comes_is_bounded_and_comes_to_its_end(refused: list[tuple[str, str, int, int]]) -> None:
    watched = Watched(SecuredHome())
    for kind, source, number, seconds in refused:
        if kind == "stranger":
            continue  # ends otherwise
        refuse(watched, kind, source, number)
        watched.pass_time(timedelta(seconds=seconds))
    assert len(watched.security.incidents.all()) <= OPEN_MAX + len(KINDS)
    watched.pass_time(2 * HOUR)
    assert watched.issues == {}
    assert {row["status"] for row in watched.of("security_incidents")} <= {"resolved"}
    assert not [key for key in watched.kept if key.startswith("incident/")]


def test_counts_of_sources_are_bounded() -> None:
    watched = Watched(SecuredHome())
    for number in range(COUNTED_MAX * 3):
        refuse(watched, source=f"source {number}")
    assert watched.of("security_incidents") == []


def test_a_clock_that_is_set_neither_ends_an_incident_nor_keeps_it() -> None:
    watched = Watched(SecuredHome())
    refuse(watched, count=5)
    watched.security.handle_clock_step(timedelta(days=900))
    watched.now += timedelta(days=900)
    watched.pass_time(30 * MINUTE)
    assert len(watched.issues) == 1
    watched.pass_time(40 * MINUTE)
    assert watched.issues == {}


# Strangers.


def met(mac: str, *, is_claimed: bool = False) -> Met:
    return Met(mac, "Box", "192.168.1.77", is_claimed)


def test_after_a_week_of_learning_what_nobody_takes_up_for_a_day_is_told_once() -> None:
    home = SecuredHome()
    watched = Watched(home)
    home.on_network = [met("00:11:22:33:44:55")]
    watched.pass_time(8 * DAY)
    home.on_network.append(met("00:11:22:33:44:66"))
    watched.pass_time(20 * HOUR)
    watched.restart()
    assert watched.issues == {}
    watched.pass_time(6 * HOUR)
    assert "Box (001122334466)" in watched.issues["security_noted", "stranger/001122334466"]
    (row,) = watched.of("security_incidents")
    assert (row["severity"], row["attack_source_ip"]) == ("info", "192.168.1.77")
    watched.restart()
    watched.pass_time(5 * DAY)
    assert len(watched.issues) == 1
    watched.pass_time(15 * DAY)
    assert watched.issues == {}
    assert [row["status"] for row in watched.of("security_incidents")] == ["resolved"]


@pytest.mark.parametrize("ends", ["claimed", "gone"])
def test_it_ends_when_it_is_taken_up_or_leaves(ends: str) -> None:
    home = SecuredHome()
    watched = Watched(home)
    watched.pass_time(8 * DAY)
    home.on_network = [met("00:11:22:33:44:66")]
    watched.pass_time(2 * DAY)
    assert len(watched.issues) == 1
    home.on_network = [met("00:11:22:33:44:66", is_claimed=True)] if ends == "claimed" else []
    watched.pass_time(DAY + 2 * HOUR)
    assert watched.issues == {}
    home.on_network = [met("00:11:22:33:44:66")]
    watched.pass_time(5 * DAY)
    assert watched.issues == {}


def test_a_clock_that_is_set_in_the_first_week_does_not_end_the_learning() -> None:
    home = SecuredHome()
    watched = Watched(home)
    home.on_network = [met("00:11:22:33:44:55")]
    watched.pass_time(2 * HOUR)
    watched.security.handle_clock_step(900 * DAY)
    watched.now += 900 * DAY
    watched.pass_time(2 * HOUR)
    watched.restart()
    home.on_network.append(met("00:11:22:33:44:66"))
    watched.pass_time(3 * DAY)
    assert watched.of("security_incidents") == []


def test_guests_made_up_addresses_and_what_is_taken_up_at_once_are_no_strangers() -> None:
    home = SecuredHome()
    watched = Watched(home)
    watched.pass_time(8 * DAY)
    for day in range(30):
        phone = met(f"da:11:22:33:44:{day:02x}")
        guest = [met(f"00:22:22:33:44:{day:02x}")]
        home.on_network = [
            met("da:11:22:33:44:99"),
            phone,
            met(f"00:33:22:33:44:{day:02x}", is_claimed=True),
            *guest,
            met("no mac"),
        ]
        watched.pass_time(10 * HOUR)
        home.on_network = home.on_network[:3]
        watched.pass_time(14 * HOUR)
    assert watched.of("security_incidents") == []
    assert is_made_up("da1122334455")
    assert not is_made_up("001122334455")


def test_quiet_weeks_write_almost_nothing() -> None:
    home = SecuredHome(thing("lamp"))
    home.on_network = [met("00:11:22:33:44:55")]
    watched = Watched(home, scans=False)
    given: list[object] = []
    for _ in range(20 * 24):
        watched.now += HOUR
        given += watched.security.handle_timer(watched.now)
    assert len(given) == 1
