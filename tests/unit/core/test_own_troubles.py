"""The hub's own troubles through the whole core: from what was measured to one issue, one remedy, one alert and its end."""

from datetime import timedelta
from typing import Any

import pytest

from hub_agent.model.action import CallAnswered
from hub_agent.model.device import BROKER_ORIGIN, ROUTER_ORIGIN, Advertisement, Alias, DeviceType, Origin, ProtocolType
from hub_agent.model.effects import AppendCase, CallOutside, IssueCleared, IssueRaised
from hub_agent.model.inputs import BrokerConnected, BrokerLost, HubMeasured
from hub_agent.model.measured import Disk, WayTo
from hub_agent.model.report import AvailabilityReported
from tests.fakes.measured import FakeMachine, FakeWays
from tests.unit.core.test_hub import Living

ROUTER = Advertisement(
    ROUTER_ORIGIN, (Alias("mac", "02fc00000005"),), "Router", device_type=DeviceType.ROUTER, protocol=ProtocolType.ETHERNET
)  # fmt: skip


class House:
    """A hub that is measured as the agent does, and whose errands a test answers."""

    def __init__(self) -> None:
        self.home = Living()
        self.machine, self.ways = FakeMachine(), FakeWays()
        self.seen: list[Any] = []
        self.tell(BrokerConnected())

    def tell(self, *inputs: Any) -> list[Any]:
        effects = self.home.tell(*inputs)
        self.seen += effects
        return effects

    def live(self, length: timedelta) -> list[Any]:
        effects: list[Any] = []
        for _ in range(int(length.total_seconds()) // 20):
            effects += self.home.wait(20)
            effects += self.home.tell(self.ways.measured(), self.machine.measure())
        self.seen += effects
        return effects

    def issues(self) -> set[tuple[str, str]]:
        standing: set[tuple[str, str]] = set()
        for each in self.seen:
            if isinstance(each, IssueRaised):
                standing.add((each.issue.code, each.issue.subject))
            elif isinstance(each, IssueCleared):
                standing.discard((each.code, each.subject))
        return standing

    def device_id(self, origin: Origin) -> str:
        known = self.home.hub.inventory.find(origin)
        assert known is not None
        return known.device.id


def errands(effects: list[Any]) -> list[str]:
    return [each.call.action for each in effects if isinstance(each, CallOutside)]


def alerts(effects: list[Any]) -> list[str]:
    return [str(each.row["status"]) for each in effects if isinstance(each, AppendCase) and each.table == "alerts"]


MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_hub_that_is_well_is_silent() -> None:
    house = House()
    house.tell(ROUTER, AvailabilityReported(ROUTER_ORIGIN, is_available=True))

    effects = house.live(10 * HOUR)

    assert (house.issues(), errands(effects), alerts(effects)) == (set(), [], [])


def test_a_broker_that_dies_is_one_issue_two_remedies_one_alert_and_one_end() -> None:
    house = House()
    house.live(5 * MINUTE)
    house.ways.closed = {WayTo.BROKER}
    for _ in range(20):
        house.tell(BrokerLost("127.0.0.1:1883: nobody listens there"))
        house.live(20 * timedelta(seconds=1))

    for call in [each.call for each in house.seen if isinstance(each, CallOutside)]:
        house.tell(CallAnswered(call.id, error="refused" if call.action == "hub.restart_unit" else None))
    house.live(10 * MINUTE)

    assert house.issues() == {("broker_unreachable", house.device_id(BROKER_ORIGIN))}
    assert errands(house.seen)[:2] == ["hub.reconnect_broker", "hub.restart_unit"]
    assert errands(house.seen).count("hub.restart_unit") == 1
    assert alerts(house.seen) == ["active"]

    house.ways.closed = set()
    ended = house.tell(BrokerConnected()) + house.live(30 * MINUTE)

    assert (house.issues(), alerts(ended)) == (set(), ["resolved"])


def test_how_long_the_broker_is_away_is_not_forgotten_with_each_try() -> None:
    house = House()
    began = house.home.now
    house.tell(BrokerLost("it does not answer"))
    house.live(5 * MINUTE)

    (raised,) = [each.issue for each in house.tell(BrokerLost("nobody listens there")) if isinstance(each, IssueRaised)]

    assert (raised.since, raised.details["reason"]) == (began, "nobody listens there")


def test_a_router_that_dies_is_one_issue_and_one_alert_and_its_return_one_end() -> None:
    house = House()
    house.tell(ROUTER, AvailabilityReported(ROUTER_ORIGIN, is_available=True))
    house.live(10 * MINUTE)
    house.ways.closed = {WayTo.ROUTER, WayTo.INTERNET, WayTo.DNS, WayTo.CLOUD}

    house.live(30 * MINUTE)

    assert house.issues() == {("router_unreachable", house.device_id(ROUTER_ORIGIN))}
    assert (errands(house.seen), alerts(house.seen)) == ([], ["active"])
    present = house.home.hub.present()["devices"]
    assert isinstance(present, dict)
    assert present[house.device_id(ROUTER_ORIGIN)]["is_online"] is False

    house.ways.closed = set()
    house.live(10 * MINUTE)

    assert (house.issues(), alerts(house.seen)) == (set(), ["active", "resolved"])


def test_a_disk_that_runs_full_is_freed_and_nobody_is_told() -> None:
    house = House()
    house.live(5 * MINUTE)
    full = (Disk("/var/lib/nexa-hub", 500_000_000, 30_000_000_000),)
    well = house.machine.now.disks
    house.machine.set(disks=full)
    begun = house.live(5 * MINUTE)
    house.machine.set(disks=well)

    house.live(10 * MINUTE)

    assert errands(begun) == ["hub.free_disk"]
    assert (house.issues(), alerts(house.seen)) == (set(), [])


@pytest.mark.parametrize(
    "measured", [HubMeasured(), HubMeasured(disks=(Disk("/", 0, 0),), memory_bytes=0, loop_lag_s=0.0)]
)
def test_a_machine_that_tells_nothing_or_nonsense_is_no_trouble(measured: HubMeasured) -> None:
    house = House()
    house.machine.now = measured

    house.live(HOUR)

    assert house.issues() == set()
