"""Where triggers and waits are joined to what happens: who listens to which entity, event, topic or webhook, and for when alarms are set."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, TypeVar

from hub_agent.core.automation.registry import Registry
from hub_agent.core.automation.timers import Timer, Timers, Wake
from hub_agent.core.automation.values import Variables
from hub_agent.core.automation.views import freeze, iso
from hub_agent.core.automation.world import Outlook, World
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.automation import Place
from hub_agent.model.effects import Effect
from hub_agent.model.ids import NewId
from hub_agent.model.inputs import EventFired, StateRemoved, StateSet, WebhookCalled
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import MqttMessage
from hub_agent.model.state import StateChanged

H = TypeVar("H")

# What a room may return: effects, and inputs for other rooms, which the hub routes at once.
Output: TypeAlias = Effect | Call | CallAnswered | EventFired | StateSet | StateRemoved

OnState: TypeAlias = Callable[[StateChanged, datetime], None]
OnEvent: TypeAlias = Callable[[EventFired, datetime], None]
OnTopic: TypeAlias = Callable[[MqttMessage, datetime], None]
OnWebhook: TypeAlias = Callable[[WebhookCalled, datetime], None]
Fire: TypeAlias = Callable[[dict[str, object], datetime], None]
Remember: TypeAlias = Callable[[str, "JsonObject | None"], None]


class Exchange:
    def __init__(self, world: World, place: Place, new_id: NewId, registry: Registry | None = None) -> None:
        self.outlook = Outlook(world, place, new_id, registry)
        self.timers = Timers()
        self.outputs: list[Output] = []
        self.by_entity: dict[str, dict[OnState, None]] = {}
        self.at_all_entities: dict[OnState, None] = {}
        self.by_event: dict[str, dict[OnEvent, None]] = {}
        self.by_topic: dict[str, dict[OnTopic, None]] = {}
        self.by_pattern: dict[str, dict[OnTopic, None]] = {}
        # Topic filters that nobody here had listened to before; drivers may listen too, so they are never left again.
        self.new_topics: set[str] = set()
        self._known_topics: set[str] = set()
        self.by_webhook: dict[str, dict[OnWebhook, None]] = {}
        self.at_start: dict[Wake, None] = {}
        self.at_stop: dict[Wake, None] = {}

    @property
    def world(self) -> World:
        return self.outlook.world

    @property
    def place(self) -> Place:
        return self.outlook.place

    def need_topic(self, topic: str) -> None:
        if topic not in self._known_topics:
            self._known_topics.add(topic)
            self.new_topics.add(topic)

    def emit(self, output: Output) -> None:
        self.outputs.append(output)

    def take_outputs(self) -> list[Output]:
        outputs, self.outputs = self.outputs, []
        return outputs


class Hold:
    """A `for:` that is running: `check` is what must stay so, `told` what the trigger tells when it fires."""

    __slots__ = ("check", "timer", "told")

    def __init__(self, timer: Timer, check: JsonValue, told: dict[str, object]) -> None:
        self.timer = timer
        self.check = check
        self.told = told


class Attachment:
    """A trigger's place at the exchange, while its automation is on or a run waits for it. `detach` leaves nothing behind."""

    __slots__ = ("_alarms", "_at_all", "_leave", "_remember", "_variables", "_watched", "exchange", "fire", "holds")

    def __init__(self, exchange: Exchange, fire: Fire, remember: Remember, variables: Variables) -> None:
        self.exchange = exchange
        self.fire = fire
        self._variables = variables
        self._remember = remember
        self._leave: list[Callable[[], object]] = []
        self._watched: dict[str, OnState] = {}
        self._at_all: dict[OnState, None] = {}
        self._alarms: dict[str, Timer] = {}
        self.holds: dict[str, Hold] = {}

    def variables(self) -> Variables:
        return self._variables

    def listen_states(self, entity_ids: Iterable[str], handle: OnState) -> None:
        for entity_id in entity_ids:
            self._join(self.exchange.by_entity, entity_id, handle)

    def listen_event(self, event_type: str, handle: OnEvent) -> None:
        self._join(self.exchange.by_event, event_type, handle)

    def listen_topic(self, topic: str, handle: OnTopic) -> None:
        self.exchange.need_topic(topic)
        has_wildcard = "+" in topic or "#" in topic
        self._join(self.exchange.by_pattern if has_wildcard else self.exchange.by_topic, topic, handle)

    def listen_webhook(self, webhook_id: str, handle: OnWebhook) -> None:
        self._join(self.exchange.by_webhook, webhook_id, handle)

    def listen_start(self, wake: Wake) -> None:
        self.exchange.at_start[wake] = None
        self._leave.append(lambda: self.exchange.at_start.pop(wake, None))

    def listen_stop(self, wake: Wake) -> None:
        self.exchange.at_stop[wake] = None
        self._leave.append(lambda: self.exchange.at_stop.pop(wake, None))

    def watch(self, entity_ids: set[str], handle: OnState, *, at_all: bool) -> None:
        """Listens to exactly these entities from now on (what a template has looked at)."""
        if at_all:
            self._at_all[handle] = self.exchange.at_all_entities[handle] = None
        elif self._at_all:
            del self._at_all[handle], self.exchange.at_all_entities[handle]
        for entity_id in self._watched.keys() - entity_ids:
            _part(self.exchange.by_entity, entity_id, self._watched.pop(entity_id))
        for entity_id in entity_ids - self._watched.keys():
            self._watched[entity_id] = handle
            self.exchange.by_entity.setdefault(entity_id, {})[handle] = None

    def set_alarm(self, name: str, at: datetime, wake: Wake, *, is_elapsed: bool) -> None:
        """One alarm per name: a new one replaces the old."""
        self.cancel_alarm(name)
        self._alarms[name] = self.exchange.timers.set(at, wake, is_elapsed=is_elapsed)

    def cancel_alarm(self, name: str) -> None:
        timer = self._alarms.pop(name, None)
        if timer is not None:
            self.exchange.timers.cancel(timer)

    def hold(self, key: str, length: timedelta, check: JsonValue, told: dict[str, object], now: datetime) -> None:
        """Fires after `length` unless `end_hold` comes first; survives a restart. A new hold replaces the old of that key."""
        self._start_hold(key, now + length, check, told)
        self._remember(key, self._body(self.holds[key]))

    def end_hold(self, key: str) -> None:
        hold = self.holds.pop(key, None)
        if hold is not None:
            self.exchange.timers.cancel(hold.timer)
            self._remember(key, None)

    def resume_hold(self, key: str, due: datetime, check: JsonValue, told: dict[str, object]) -> None:
        self._start_hold(key, due, check, told)

    def shift(self, by: timedelta) -> None:
        """The clock was set; the holds' timers have moved already."""
        if by:
            for key, hold in self.holds.items():
                self._remember(key, self._body(hold))

    def detach(self, *, forget_holds: bool = True) -> None:
        for leave in self._leave:
            leave()
        self._leave.clear()
        for entity_id, handle in self._watched.items():
            _part(self.exchange.by_entity, entity_id, handle)
        self._watched.clear()
        for handle in self._at_all:
            del self.exchange.at_all_entities[handle]
        self._at_all.clear()
        for timer in self._alarms.values():
            self.exchange.timers.cancel(timer)
        self._alarms.clear()
        for key in tuple(self.holds):
            if forget_holds:
                self.end_hold(key)
            else:
                self.exchange.timers.cancel(self.holds.pop(key).timer)

    def _start_hold(self, key: str, due: datetime, check: JsonValue, told: dict[str, object]) -> None:
        old = self.holds.pop(key, None)
        if old is not None:
            self.exchange.timers.cancel(old.timer)
        timer = self.exchange.timers.set(due, lambda now: self._hold_is_over(key, now))
        self.holds[key] = Hold(timer, check, told)

    def _hold_is_over(self, key: str, now: datetime) -> None:
        hold = self.holds.pop(key)
        self._remember(key, None)
        self.fire(hold.told, now)

    @staticmethod
    def _body(hold: Hold) -> JsonObject:
        return {"due": iso(hold.timer.at), "check": hold.check, "told": freeze(hold.told)}

    def _join(self, index: dict[str, dict[H, None]], key: str, handle: H) -> None:
        index.setdefault(key, {})[handle] = None
        self._leave.append(partial(_part, index, key, handle))


def _part(index: dict[str, dict[H, None]], key: str, handle: H) -> None:
    handles = index.get(key)
    if handles is not None:
        handles.pop(handle, None)
        if not handles:
            del index[key]
