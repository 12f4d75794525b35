"""A bridge that hears nobody, and one whose devices fail for another reason; what helps for a moment only."""

from datetime import timedelta

from hub_agent.model.device import DeviceType
from hub_agent.model.effects import AppendCase, IssueRaised
from hub_agent.model.ids import EntityId
from tests.unit.core.healing.test_healing import MINUTE, House, device, entity

LAMPS = ("a", "b", "c", "d", "e", "f")


def house() -> House:
    """A bridge that can restart, and six lamps behind it, one of which says something every minute, for more than a day."""
    bridge = device("bridge", None, "Mains", DeviceType.BRIDGE, entity("button", "bridge", "restart"))
    home = House(bridge, *(device(each, "bridge") for each in LAMPS))
    home.states[EntityId("light.bridge")] = home.states[EntityId("light.a")]
    home.healing.handle_connected(home.now)
    for number in range(25 * 60):
        home.advance(MINUTE)
        home.report(LAMPS[number % len(LAMPS)])
    home.seen.clear()
    return home


def raised(home: House) -> list[tuple[str, str]]:
    return [(each.issue.code, each.issue.subject) for each in home.seen if isinstance(each, IssueRaised)]


def tried(home: House) -> list[tuple[str, str]]:
    rows = [each.row for each in home.seen if isinstance(each, AppendCase) and each.revision == 1]
    return [(row["metadata"]["remedy"], row["device_id"]) for row in rows if "device_state_before" in row]  # type: ignore[index]


def test_a_bridge_behind_which_nobody_speaks_any_more_is_the_cause_though_it_says_that_it_is_well() -> None:
    home = house()
    home.advance(timedelta(minutes=7))

    assert raised(home) == [("devices_failing_together", "bridge")]
    assert tried(home) == [("restart_bridge", "bridge")]
    home.report("a")
    assert home.healing.troubled() == []


def test_a_device_that_goes_first_waits_until_it_is_known_whether_its_bridge_is_deaf() -> None:
    home = house()
    home.available("b", False)
    home.advance(timedelta(minutes=7))

    assert raised(home) == [("devices_failing_together", "bridge")]
    assert tried(home) == [("restart_bridge", "bridge")]


def test_a_device_that_is_away_while_others_behind_its_bridge_are_heard_is_the_cause_itself() -> None:
    home = house()
    home.available("b", False)
    home.report_every(MINUTE, 4, "a")

    assert raised(home) == [("device_unavailable", "b")]
    assert ("restart_bridge", "bridge") not in tried(home)


def test_a_bridge_is_not_restarted_for_devices_that_fail_together_while_others_behind_it_are_heard() -> None:
    home = house()
    for each in ("b", "c", "d"):
        home.available(each, False)
    home.report_every(MINUTE, 10, "a", "e", "f")

    assert raised(home) == [("devices_failing_together", "bridge")]
    assert tried(home) == [("tell_person", "bridge")]


def test_what_ended_a_silence_a_short_while_ago_gives_way_to_the_next_remedy_when_it_comes_back() -> None:
    home = House(device("lamp", "bridge"), device("bridge", None, "Mains", DeviceType.BRIDGE))
    home.healing.handle_connected(home.now)
    home.report_every(MINUTE, 30, "lamp")
    home.advance(timedelta(minutes=10, seconds=5))
    home.report("lamp")
    home.advance(timedelta(minutes=20))

    assert [remedy for remedy, _ in tried(home)][:2] == ["ask_state", "reconfigure_through_bridge"]
