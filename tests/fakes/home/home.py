"""The whole simulated home: a Zigbee2MQTT, some Shellies, a meter and a garage door. Pure: time and messages come in."""

from collections.abc import Sequence
from datetime import datetime

from hub_agent.model.report import Publication
from tests.fakes.home.garage import Garage
from tests.fakes.home.meter import Meter
from tests.fakes.home.peer import Peer
from tests.fakes.home.shelly import SHELLIES
from tests.fakes.home.zigbee import ZigbeeBridge


class SimulatedHome:
    """The same seed and the same messages at the same times give the same home, to the byte.

    `pace` makes whatever happens by itself more (2) or less (0.1) frequent; answers to commands keep their time.
    """

    def __init__(self, seed: int, pace: float = 1.0) -> None:
        self.bridge = ZigbeeBridge(seed, pace)
        self.peers: Sequence[Peer] = (
            self.bridge,
            *(build(seed, pace) for build in SHELLIES),
            Meter(seed, pace),
            Garage(seed, pace),
        )

    def start(self, now: datetime) -> list[Publication]:
        return [said for peer in self.peers for said in peer.start(now)]

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        return [
            said
            for peer in self.peers
            if any(is_match(wanted, topic) for wanted in peer.subscriptions)
            for said in peer.handle(topic, payload, now)
        ]

    def get_timer(self) -> datetime | None:
        return min((timer for peer in self.peers if (timer := peer.get_timer()) is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Publication]:
        return [said for peer in self.peers for said in peer.handle_timer(now)]

    def wills(self) -> list[Publication]:
        """What the broker publishes when all of it loses its power."""
        return [peer.will for peer in self.peers]


def is_match(wanted: str, topic: str) -> bool:
    """MQTT's filters: `+` is one level, `#` the rest."""
    filters, levels = wanted.split("/"), topic.split("/")
    for n, part in enumerate(filters):
        if part == "#":
            return True
        if n >= len(levels) or part not in ("+", levels[n]):
            return False
    return len(filters) == len(levels)
