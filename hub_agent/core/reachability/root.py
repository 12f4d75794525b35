"""Which way is to blame: of all that do not work the nearest, for what lies behind it cannot work either."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hub_agent.model.healing import Symptom
from hub_agent.model.measured import Way, WayTo

# DNS after the internet: without it no name is found either.
NEAREST_FIRST = (WayTo.ROUTER, WayTo.INTERNET, WayTo.DNS, WayTo.CLOUD)
# What works behind a way proves that it is open, whatever it answers itself. A name may be known from before: that proves nothing.
PROVES: Mapping[WayTo, frozenset[WayTo]] = {
    WayTo.ROUTER: frozenset({WayTo.INTERNET, WayTo.CLOUD}),
    WayTo.INTERNET: frozenset({WayTo.CLOUD}),
    WayTo.DNS: frozenset(),
    WayTo.CLOUD: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """`bad_for`: how long it has to last. A cloud that is being renewed is away for some minutes, and nothing waits for it."""

    symptom: Symptom
    bad_for: timedelta


FAULTS: Mapping[WayTo, Fault] = {
    WayTo.ROUTER: Fault(Symptom.ROUTER_UNREACHABLE, timedelta(seconds=90)),
    WayTo.INTERNET: Fault(Symptom.INTERNET_UNREACHABLE, timedelta(minutes=3)),
    WayTo.DNS: Fault(Symptom.DNS_FAILING, timedelta(minutes=3)),
    WayTo.CLOUD: Fault(Symptom.CLOUD_UNREACHABLE, timedelta(minutes=15)),
}


def root_of(ways: Mapping[WayTo, Way]) -> WayTo | None:
    """None: all that was tried is open."""
    for place in NEAREST_FIRST:
        way = ways.get(place)
        if way is None or way.is_open:
            continue
        if not any((beyond := ways.get(each)) is not None and beyond.is_open for each in PROVES[place]):
            return place
    return None
