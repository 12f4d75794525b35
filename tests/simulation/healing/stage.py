"""Virtual time, the broker, and the hub at it: the real `Hub`, drivers and `Effects`, told what is on the topics."""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub_agent.core.hub import Hub
from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.model.action import Command
from hub_agent.model.automation import Place
from hub_agent.model.definition import Definition
from hub_agent.model.device import Device
from hub_agent.model.effects import (
    AppendCase,
    AppendRecord,
    Durability,
    Effect,
    ForgetDevice,
    Outward,
    Persistent,
    Save,
    SaveCommand,
    SaveDefinition,
    SaveDevice,
)
from hub_agent.model.ids import HomeId
from hub_agent.model.inputs import BrokerConnected, BrokerLost, Input
from hub_agent.model.report import Inquire, MqttMessage, Publication, Subscribe, Unsubscribe
from hub_agent.model.state import EntityState
from hub_agent.ports import Moment
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.links import NoLinks
from tests.fakes.home.home import is_match

# A Tuesday in winter, an hour before the day begins.
START = datetime(2026, 1, 13, 5, tzinfo=UTC)
PLACE = Place("Europe/Berlin", 52.52, 13.405)
LATENCY = timedelta(milliseconds=20)
LAZY = timedelta(seconds=1)


class Crash(Exception):
    """The hub's process is gone, between two steps."""


def _nothing() -> None:
    return


class Client:
    """A program or device at the broker. `session`: connected; without a goodbye its will is told after a while."""

    topics: Sequence[str] = ()

    def hear(self, topic: str, payload: bytes) -> None:
        """A message on one of its topics."""

    def broker_is_back(self) -> None:
        """Connects again, in its own time."""


@dataclass
class Remembered:
    """What the hub has stored, as its mirror would have it."""

    devices: dict[str, Device] = field(default_factory=dict)
    states: dict[str, EntityState] = field(default_factory=dict)
    saved: dict[str, dict[str, Any]] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    definitions: dict[tuple[str, str], Definition] = field(default_factory=dict)
    cases: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    revisions: list[tuple[datetime, str, str, int, dict[str, Any]]] = field(default_factory=list)
    records: list[AppendRecord] = field(default_factory=list)
    ids: int = 0

    def keep(self, effect: Persistent, now: datetime) -> None:
        match effect:
            case Save(room, key, body):
                self.saved.setdefault(room, {}).pop(key, None)
                if body is not None:
                    self.saved[room][key] = body
            case SaveCommand(command, is_settled):
                if is_settled:
                    self.commands.pop(command.id, None)
                else:
                    self.commands[command.id] = command
            case SaveDevice(device):
                self.devices[device.id] = device
            case ForgetDevice(device_id):
                self.devices.pop(device_id, None)
            case SaveDefinition(definition):
                self.definitions[definition.kind, definition.id] = definition
            case AppendCase(table, case_id, revision, row):
                before = self.cases.get((table, case_id))
                assert before is None or before[0] <= revision, f"{table} {case_id}: revision {revision} after {before}"
                self.cases[table, case_id] = revision, dict(row)
                self.revisions.append((now, table, case_id, revision, dict(row)))
            case AppendRecord(stream) if stream not in {"device_states", "device_telemetry"}:
                self.records.append(effect)
            case _:
                pass


class Stage:
    """All that happens, in its order. `seed` decides everything."""

    def __init__(self, seed: int, start: datetime = START) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now = start
        self.broker = Broker(self)
        self._due: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self.hub: HubAtStage | None = None
        self.on_crash: Callable[[], None] = _nothing

    def at(self, when: datetime, do: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heapq.heappush(self._due, (max(when, self.now), self._count, do, arguments))

    def after(self, seconds: float, do: Callable[..., None], *arguments: Any) -> None:
        self.at(self.now + timedelta(seconds=seconds), do, *arguments)

    def run_until(self, until: datetime) -> None:
        while True:
            timer = self.hub.get_timer() if self.hub else None
            first = self._due[0][0] if self._due else None
            if timer is not None and timer <= until and (first is None or timer < first):
                self.now = max(self.now, timer)
                assert self.hub is not None
                self.hub.handle_timer()
            elif first is not None and first <= until:
                self.now, _, do, arguments = heapq.heappop(self._due)
                do(*arguments)
            else:
                self.now = until
                return

    def run_for(self, **duration: float) -> None:
        self.run_until(self.now + timedelta(**duration))


class Broker:
    """Retained messages, wills, and whoever is connected."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.is_up = True
        self.retained: dict[str, bytes] = {}
        self.clients: list[Client] = []
        self._hub_topics: dict[str, None] = {}
        self._is_wanted_by_topic: dict[str, bool] = {}
        self._clients_by_topic: dict[str, list[Client]] = {}
        self.heard_from_hub: list[tuple[datetime, str, bytes]] = []
        # The hub's messages that are lost on their way: how many of those to come, on topics that begin so.
        self.loses: dict[str, int] = {}

    def join(self, client: Client) -> None:
        self.clients.append(client)
        self._clients_by_topic.clear()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """From a device or program."""
        if not self.is_up:
            return False
        if retain:
            self.retained[topic] = payload
        hub = self._stage.hub
        if hub is not None and hub.is_connected and self._is_wanted(topic):
            hub.take(MqttMessage(topic, payload))
        return True

    def go_down(self) -> None:
        self.is_up = False
        if self._stage.hub is not None:
            self._stage.hub.lose_broker("the connection was closed")

    def come_up(self) -> None:
        """Its retained messages are still there (it keeps them on its disk)."""
        self.is_up = True
        if self._stage.hub is not None:
            self._stage.hub.find_broker()
        for client in self.clients:
            client.broker_is_back()

    # The hub's side.

    def subscribe(self, topics: Sequence[str]) -> list[MqttMessage]:
        fresh = [topic for topic in topics if topic not in self._hub_topics]
        self._hub_topics.update(dict.fromkeys(fresh))
        self._is_wanted_by_topic.clear()
        return self.retained_for(fresh)

    def unsubscribe(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._hub_topics.pop(topic, None)
        self._is_wanted_by_topic.clear()

    def forget_hub(self) -> None:
        self._hub_topics.clear()
        self._is_wanted_by_topic.clear()

    def retained_for(self, topics: Sequence[str]) -> list[MqttMessage]:
        return [
            MqttMessage(topic, payload, retained=True)
            for topic, payload in list(self.retained.items())
            if any(is_match(wanted, topic) for wanted in topics)
        ]

    def take(self, publication: Publication) -> None:
        """From the hub; it is a moment under way."""
        self.heard_from_hub.append((self._stage.now, publication.topic, publication.payload))
        for beginning, left in self.loses.items():
            if left and publication.topic.startswith(beginning):
                self.loses[beginning] = left - 1
                return
        for client in self._listening(publication.topic):
            self._stage.at(self._stage.now + LATENCY, client.hear, publication.topic, publication.payload)

    def _is_wanted(self, topic: str) -> bool:
        is_wanted = self._is_wanted_by_topic.get(topic)
        if is_wanted is None:
            is_wanted = any(is_match(wanted, topic) for wanted in self._hub_topics)
            self._is_wanted_by_topic[topic] = is_wanted
        return is_wanted

    def _listening(self, topic: str) -> list[Client]:
        listening = self._clients_by_topic.get(topic)
        if listening is None:
            listening = [each for each in self.clients if any(is_match(wanted, topic) for wanted in each.topics)]
            self._clients_by_topic[topic] = listening
        return listening


class HubAtStage:
    """One life of the hub. Fills ports.Broker for its effects. `dies_at`: the step at which its process is gone."""

    def __init__(self, stage: Stage, remembered: Remembered, watcher: Callable[[Effect, datetime], None]) -> None:
        self._stage = stage
        self.remembered = remembered
        self._watcher = watcher
        self.is_connected = False
        self.steps = 0
        self.dies_at: int | None = None
        self._unstored: list[Persistent] = []
        self._store_at: datetime | None = None
        self._inbox: deque[Input | MqttMessage] = deque()
        self._is_busy = False
        drivers, linked = default_drivers(), link_drivers()
        self.dialects = Dialects(drivers, linked)
        self.hub = Hub(home_id=HomeId("00000000-0000-4000-8000-00000000a0a0"), place=PLACE, new_id=self._new_id)
        self.effects = Effects(
            broker=self,  # type: ignore[arg-type]
            links=NoLinks(),
            drivers={driver.dialect: driver for driver in (*linked, *drivers)},
            find_device=self.hub.inventory.device,
            find_entity=self.hub.inventory.entity,
            feed_back=self._inbox.append,
            changes=Changes(),
        )

    def start(self) -> None:
        now, known = self._stage.now, self.remembered
        self._stage.broker.forget_hub()
        topics = self.dialects.restore(known.devices.values())
        effects = self.hub.restore(
            devices=list(known.devices.values()),
            states=known.states,
            saved=known.saved,
            commands=list(known.commands.values()),
            definitions=list(known.definitions.values()),
            cloud_commands_done=(),
            last_alive_at=None,
            now=now,
        )
        self._finish([*effects, *self.hub.start(now)])
        self.subscribe([*self.dialects.subscriptions(), *topics])
        if self._stage.broker.is_up:
            self.find_broker()

    def find_broker(self) -> None:
        self.is_connected = True
        self.effects.connected(Moment(self._stage.now, 0.0, "boot", True))
        for greeting in self.dialects.greetings():
            self.publish(greeting)
        self.give(BrokerConnected())
        for message in self._stage.broker.retained_for(list(self._stage.broker._hub_topics)):
            self.take(message)

    def lose_broker(self, reason: str) -> None:
        self.is_connected = False
        self.give(BrokerLost(reason))

    # What comes in.

    def take(self, message: MqttMessage) -> None:
        self._inbox.append(message)
        self._or_die(self._work_off)

    def give(self, *happened: Input) -> None:
        self._inbox.extend(happened)
        self._or_die(self._work_off)

    def _or_die(self, do: Callable[[], None]) -> None:
        if self._stage.hub is not self:
            return
        try:
            do()
        except Crash:
            self._stage.on_crash()

    def get_timer(self) -> datetime | None:
        timer = self.hub.get_timer()
        if self._store_at is not None and (timer is None or self._store_at < timer):
            return self._store_at
        return timer

    def handle_timer(self) -> None:
        self._or_die(self._pass_time)

    def _pass_time(self) -> None:
        now = self._stage.now
        if self._store_at is not None and self._store_at <= now:
            self._store()
        timer = self.hub.get_timer()
        if timer is not None and timer <= now:
            self._finish(self.hub.handle_timer(now))
        self._work_off()

    def _work_off(self) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._inbox:
                item = self._inbox.popleft()
                if not isinstance(item, MqttMessage):
                    self._finish(self.hub.handle(item, self._stage.now))
                    continue
                for decoded in self.dialects.decode(item):
                    if isinstance(decoded, Subscribe):
                        self.subscribe(decoded.topics)
                    elif isinstance(decoded, Unsubscribe):
                        self.unsubscribe(decoded.topics)
                    elif isinstance(decoded, Inquire):
                        for publication in decoded.publications:
                            self.publish(publication)
                    self._finish(self.hub.handle(decoded, self._stage.now))
        finally:
            self._is_busy = False

    # What comes of it: stored, then done.

    def _finish(self, effects: Sequence[Effect]) -> None:
        if not effects:
            return
        outward: list[Outward] = []
        is_urgent = False
        for effect in effects:
            if isinstance(effect, Outward):
                outward.append(effect)
            else:
                self._unstored.append(effect)
                is_urgent = is_urgent or effect.durability > Durability.LAZY
        if is_urgent:
            self._step()
            self._store()
            self._step()
        elif self._unstored and self._store_at is None:
            self._store_at = self._stage.now + LAZY
        moment = Moment(self._stage.now, 0.0, "boot", True)
        for each in outward:
            self._watcher(each, self._stage.now)
            self.effects.carry_out([each], moment)

    def _store(self) -> None:
        for effect in self._unstored:
            self.remembered.keep(effect, self._stage.now)
            self._watcher(effect, self._stage.now)
        self._unstored = []
        self._store_at = None

    def _step(self) -> None:
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            raise Crash

    def die(self) -> Remembered:
        """The process is gone; the card has what was stored."""
        states = self.hub.states
        self.remembered.states = {
            entity_id: state for entity_id in states.entity_ids() if (state := states.state(entity_id)) is not None
        }
        self.is_connected = False
        self._stage.hub = None
        self._stage.broker.forget_hub()
        return self.remembered

    def _new_id(self) -> str:
        self.remembered.ids += 1
        return f"00000000-0000-4000-8000-{self.remembered.ids:012x}"

    # Its broker.

    def publish(self, publication: Publication) -> bool:
        if not self.is_connected or not self._stage.broker.is_up:
            return False
        self._step()
        self._stage.broker.take(publication)
        self._step()
        return True

    def subscribe(self, topics: Sequence[str]) -> None:
        for message in self._stage.broker.subscribe(topics):
            self._inbox.append(message)

    def unsubscribe(self, topics: Sequence[str]) -> None:
        self._stage.broker.unsubscribe(topics)
