"""A broker of memory, and a loop around a decider that the test writes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from hub_agent.errors import MirrorFull
from hub_agent.model.effects import AppendRecord, Durability, Effect, Outward, Persistent, Save
from hub_agent.model.inputs import ClockStepped, EventFired
from hub_agent.model.report import MqttMessage, Publication
from hub_agent.ports import Moment
from hub_agent.runtime.inbox import Inbox
from hub_agent.runtime.loop import Loop
from tests.fakes.linked_home import VirtualClock
from tests.fakes.memory_store import MemoryStore


class MemoryBroker:
    """Fills ports.Broker. Publishes to nobody and notes it."""

    def __init__(self) -> None:
        self.is_connected = True
        self.published: list[Publication] = []
        self.topics: list[str] = []
        self.resumed = 0

    def start(self, on_message: Callable[[MqttMessage], bool], on_change: Callable[[bool, str], None]) -> None:
        self.say, self.tell = on_message, on_change

    def resume(self) -> None:
        self.resumed += 1

    def subscribe(self, topics: Sequence[str]) -> None:
        self.topics += topics

    def unsubscribe(self, topics: Sequence[str]) -> None:
        self.topics = [topic for topic in self.topics if topic not in topics]

    def publish(self, publication: Publication) -> bool:
        if self.is_connected:
            self.published.append(publication)
        return self.is_connected

    async def stop(self) -> None:
        self.is_connected = False


class ThinDecider:
    """Answers each event with the effects that it carries; notes when it was asked."""

    listens_to_topics = False

    def __init__(self) -> None:
        self.timer: datetime | None = None
        self.on_timer: list[Effect] = []
        self.fired_at: list[datetime] = []
        self.steps: list[ClockStepped] = []

    def handle(self, happened: Any, now: datetime) -> list[Effect]:
        del now
        if isinstance(happened, ClockStepped):
            self.steps.append(happened)
            return []
        return list(happened.data["effects"])

    def get_timer(self) -> datetime | None:
        return self.timer

    def handle_timer(self, now: datetime) -> list[Effect]:
        self.fired_at.append(now)
        self.timer = None
        return self.on_timer


class NotingStore(MemoryStore):
    """Notes each commit and the moment; full while the test says so."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.commits: list[tuple[float, list[Persistent]]] = []
        self.tries = 0
        self.is_full = False

    async def commit(self, effects: Sequence[Persistent], moment: Moment) -> None:
        self.tries += 1
        if self.is_full:
            raise MirrorFull("The mirror cannot grow. Free some space on that disk.")
        self.commits.append((moment.monotonic_s, list(effects)))


class Beating:
    """A loop with its surroundings. `done` holds commits and outward effects in the order in which they happened."""

    def __init__(self, store: NotingStore) -> None:
        self.clock = VirtualClock()
        self.inbox = Inbox(lambda: None)
        self.decider = ThinDecider()
        self.store = store
        self.done: list[Outward] = []
        self.commits_before: list[int] = []
        self.loop = Loop(
            hub=self.decider,
            decode=lambda _message: [],
            store=store,
            clock=self.clock,
            inbox=self.inbox,
            carry_out=self._carry_out,
            on_commit=lambda: None,
        )

    def _carry_out(self, effects: Iterable[Outward], moment: Moment) -> None:
        del moment
        for effect in effects:
            self.done.append(effect)
            self.commits_before.append(len(self.store.commits))


def asking_for(*effects: Effect) -> EventFired:
    return EventFired("test", {"effects": effects})  # type: ignore[dict-item]  # the thin decider's own currency


def lazy(number: int = 0) -> AppendRecord:
    return AppendRecord("device_telemetry", {"value": float(number)})


def urgent(key: str = "run") -> Save:
    return Save("automation", key, {"at": "now"}, Durability.COMMIT)


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
