"""A machine and its ways, as a test or a simulation sets them: all is well until somebody says otherwise."""

from dataclasses import replace
from typing import Any

from hub_agent.model.measured import Disk, HubMeasured, Way, WaysMeasured, WayTo

GIB = 1024**3
WELL = HubMeasured(
    disks=(Disk("/var/lib/nexa-hub", 20 * GIB, 30 * GIB),),
    agent_bytes=90_000_000,
    memory_bytes=GIB,
    memory_available_bytes=GIB // 2,
    swap_used_bytes=0,
    cpu_celsius=52.3,
    is_under_voltage=False,
    load_per_core=0.2,
    loop_lag_s=0.004,
    card_worn_percent=20,
    card_pre_eol=1,
)
ADDRESSES = {
    WayTo.ROUTER: "192.168.1.1",
    WayTo.DNS: "hub.example.com",
    WayTo.INTERNET: "hub.example.com:443",
    WayTo.CLOUD: "https://hub.example.com",
    WayTo.BROKER: "127.0.0.1:1883",
}
ROUTER_MAC = "02:fc:00:00:00:05"


class FakeMachine:
    """Fills ports.VitalsMeter. `set(cpu_celsius=90.0)` makes it hot from now on."""

    def __init__(self) -> None:
        self.now = WELL
        self.count = 0

    def set(self, **changes: Any) -> None:
        self.now = replace(self.now, **changes)

    def measure(self) -> HubMeasured:
        self.count += 1
        return self.now


class FakeWays:
    """Fills ports.WaysMeter. `closed`: what does not answer from now on. `there`: which ways this home has."""

    def __init__(self, *there: WayTo) -> None:
        self.there = there or tuple(ADDRESSES)
        self.closed: set[WayTo] = set()

    async def measure(self) -> WaysMeasured:
        return self.measured()

    def measured(self) -> WaysMeasured:
        return WaysMeasured({each: self._way(each) for each in self.there})

    def _way(self, place: WayTo) -> Way:
        is_open = place not in self.closed
        details = {"mac": ROUTER_MAC} if place is WayTo.ROUTER and is_open else {}
        if place is WayTo.BROKER:
            details = {"unit": "mosquitto.service"}
        latency_ms = 4.2 if is_open else None
        return Way(ADDRESSES[place], is_open, latency_ms, 0.0, "" if is_open else "it does not answer", details)
