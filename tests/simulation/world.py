"""The world around a simulated hub: virtual clock, broker, devices, and the moments at which the power fails."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub_agent.model.effects import Persistent
from hub_agent.model.report import MqttMessage, Publication
from hub_agent.ports import Moment
from hub_agent.store.store import Mirror
from tests.fakes.home.home import SimulatedHome, is_match

START = datetime(2026, 3, 2, 16, tzinfo=UTC)
LATENCY_S = 0.02


class Crash(BaseException):
    """The process is gone, between two steps. No part of the agent may catch it."""


@dataclass(frozen=True)
class Weather:
    """Probabilities: a crash per step, a lost or doubled message per message."""

    crash: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0


CALM = Weather()


class VirtualClock:
    """Fills ports.Clock on the virtual loop's time."""

    def now(self) -> Moment:
        seconds = asyncio.get_running_loop().time()
        return Moment(START + timedelta(seconds=seconds), seconds, "boot-1", True)


class Fate:
    """Decides by the seed where the process dies. `died` is set then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.weather = CALM
        self.died = asyncio.Event()

    def step(self) -> None:
        if not self.died.is_set() and self._chance.random() < self.weather.crash:
            self.died.set()
        if self.died.is_set():
            raise Crash

    def loses(self) -> bool:
        return self._chance.random() < self.weather.lost

    def doubles(self) -> bool:
        return self._chance.random() < self.weather.doubled


class CrashingMirror(Mirror):
    """The real mirror; the process may die before or after a commit."""

    def __init__(self, path: Path, new_id: Callable[[], str], fate: Fate) -> None:
        super().__init__(path, new_id=new_id, inline=True)
        self._fate = fate

    async def commit(self, effects: Sequence[Persistent], moment: Moment) -> None:
        self._fate.step()
        await super().commit(effects, moment)
        self._fate.step()


class SimulatedBroker:
    """A broker with retained messages, and the home behind it. It lives on when the hub dies."""

    def __init__(self, home: SimulatedHome, clock: VirtualClock, fate: Fate) -> None:
        self.home = home
        self._clock = clock
        self._fate = fate
        self._retained: dict[str, bytes] = {}
        self._changed = asyncio.Event()
        self._under_way: deque[Publication] = deque()
        self._link: HubLink | None = None
        self.commands: list[tuple[datetime, str, bytes]] = []

    def connect(self) -> "HubLink":
        self._link = HubLink(self)
        return self._link

    async def run(self) -> None:
        """The devices' own life."""
        self._say(self.home.start(self._clock.now().wall))
        while True:
            timer = self.home.get_timer()
            now = self._clock.now().wall
            if timer is not None and timer <= now:
                self._say(self.home.handle_timer(now))
                continue
            self._changed.clear()
            try:
                async with asyncio.timeout((timer - now).total_seconds() if timer else 3600):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def take(self, publication: Publication) -> None:
        """From the hub."""
        self.commands.append((self._clock.now().wall, publication.topic, publication.payload))
        times = 0 if self._fate.loses() else 2 if self._fate.doubles() else 1
        for _ in range(times):
            # Timers of one instant have no order; messages of one connection have.
            self._under_way.append(publication)
            asyncio.get_running_loop().call_later(LATENCY_S, self._deliver_next)

    def retained_for(self, topics: Sequence[str]) -> list[MqttMessage]:
        return [
            MqttMessage(topic, payload, retained=True)
            for topic, payload in self._retained.items()
            if any(is_match(wanted, topic) for wanted in topics)
        ]

    def _deliver_next(self) -> None:
        publication = self._under_way.popleft()
        self._say(self.home.handle(publication.topic, publication.payload, self._clock.now().wall))
        self._changed.set()

    def _say(self, publications: Sequence[Publication]) -> None:
        for said in publications:
            if said.retain and said.payload:
                self._retained[said.topic] = said.payload
            elif said.retain:
                self._retained.pop(said.topic, None)
            link = self._link
            if link is None or self._fate.loses():
                continue
            for _ in range(2 if self._fate.doubles() else 1):
                link.hear(MqttMessage(said.topic, said.payload))


class HubLink:
    """Fills ports.Broker for one life of the hub."""

    def __init__(self, broker: SimulatedBroker) -> None:
        self._broker = broker
        self._topics: dict[str, None] = {}
        self._is_connected = False
        self._is_full = False
        self._backlog: list[MqttMessage] = []

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    def start(self, on_message: Callable[[MqttMessage], bool], on_change: Callable[[bool, str], None]) -> None:
        self._on_message = on_message
        self._is_connected = True
        on_change(True, "")
        self._give(self._broker.retained_for(list(self._topics)))

    def resume(self) -> None:
        self._is_full = False
        backlog, self._backlog = self._backlog, []
        self._give(backlog)

    def subscribe(self, topics: Sequence[str]) -> None:
        fresh = [topic for topic in topics if topic not in self._topics]
        self._topics.update(dict.fromkeys(fresh))
        if self._is_connected:
            self._give(self._broker.retained_for(fresh))

    def unsubscribe(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._topics.pop(topic, None)

    def publish(self, publication: Publication) -> bool:
        if not self._is_connected:
            return False
        self._broker._fate.step()
        self._broker.take(publication)
        self._broker._fate.step()
        return True

    async def stop(self) -> None:
        self._is_connected = False

    def hear(self, message: MqttMessage) -> None:
        if self._is_connected and any(is_match(wanted, message.topic) for wanted in self._topics):
            self._give([message])

    def _give(self, messages: Sequence[MqttMessage]) -> None:
        for message in messages:
            if self._is_full:
                self._backlog.append(message)
            else:
                self._is_full = not self._on_message(message)
