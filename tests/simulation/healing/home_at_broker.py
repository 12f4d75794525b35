"""The simulated home of `home.py` at a real broker, in real time."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hub_agent.model.report import Publication
from tests.fakes.home.peer import say
from tests.simulation.healing.home import Home
from tests.simulation.healing.stage import Broker

LOOK = timedelta(milliseconds=100)


class Collecting(Broker):
    """What the devices say is collected for whoever publishes it."""

    def __init__(self, home: Home) -> None:
        super().__init__(home.stage)
        self.said: list[Publication] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        self.said.append(Publication(topic, payload, retain=retain))
        return True


class HomeAtBroker:
    """Fills tests.fakes.home.peer.Peer. `build` makes the home's devices; `do` is for whoever runs in another thread."""

    name = "simulated-home"
    will = say("simulated-home/online", "false")

    def __init__(self, build: Callable[[Home], None]) -> None:
        self.home = Home(1, datetime.now(UTC))
        self._broker = Collecting(self.home)
        self.home.stage.broker = self._broker
        build(self.home)
        self.subscriptions = tuple(topic for each in self._broker.clients for topic in each.topics)
        self._wanted: deque[Callable[[Home], None]] = deque()
        self._has_begun = False

    def do(self, what: Callable[[Home], None]) -> None:
        self._wanted.append(what)

    def start(self, now: datetime) -> list[Publication]:
        self.home.stage.now = now
        if not self._has_begun:
            self._has_begun = True
            self.home.begin()
        else:
            for client in self._broker.clients:
                client.broker_is_back()
        return self._taken()

    def handle(self, topic: str, payload: bytes, now: datetime) -> list[Publication]:
        self._go_on_until(now)
        for client in self._broker._listening(topic):
            client.hear(topic, payload)
        return self._taken()

    def get_timer(self) -> datetime | None:
        return self.home.stage.now + LOOK

    def handle_timer(self, now: datetime) -> list[Publication]:
        self._go_on_until(now)
        return self._taken()

    def _go_on_until(self, now: datetime) -> None:
        """What is wanted of the home happens before it hears anything more."""
        self.home.stage.run_until(now)
        while self._wanted:
            self._wanted.popleft()(self.home)

    def _taken(self) -> list[Publication]:
        taken, self._broker.said = self._broker.said, []
        return taken
