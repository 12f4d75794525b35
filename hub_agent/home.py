"""The part that runs the home: hub, loop, broker. The same on a Pi and in the simulation."""

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from hub_agent.adapters.allowed import Allowed
from hub_agent.adapters.pictures import PictureErrand
from hub_agent.core.hub import Hub
from hub_agent.core.security import Ways
from hub_agent.core.time_of_day import zone
from hub_agent.drivers.driver import SceneDriver
from hub_agent.drivers.identification import gone, identify
from hub_agent.drivers.registry import Dialects, default_drivers, link_drivers
from hub_agent.drivers.tasmota.driver import PREFIX as TASMOTA_DISCOVERY
from hub_agent.model.automation import Place
from hub_agent.model.effects import IssueRaised
from hub_agent.model.ids import HomeId
from hub_agent.model.inputs import BrokerConnected, BrokerLost
from hub_agent.model.issue import Issue
from hub_agent.model.link import Frame, Service, ServiceGone
from hub_agent.model.report import Decoded, Inquire, MqttMessage, Subscribe, Unsubscribe
from hub_agent.ports import Broker, Clock, Identity, Links, Remembered, Store
from hub_agent.runtime.changes import Changes
from hub_agent.runtime.effects import Effects
from hub_agent.runtime.errands import Errands
from hub_agent.runtime.hearing import Hearing
from hub_agent.runtime.inbox import Heard, Inbox
from hub_agent.runtime.links import NoLinks
from hub_agent.runtime.loop import Loop
from hub_agent.templating import Templates

# Rules that set each other off must not keep the agent from stopping.
LAST_TURNS_MAX = 100


def _templates_of_devices(clock: Clock, time_zone: ZoneInfo) -> Templates:
    """Devices that count since they started need to know what time it is."""
    names = {
        "now": lambda: clock.now().wall.astimezone(time_zone),
        "utcnow": lambda: clock.now().wall,
    }
    return Templates(time_zone=time_zone, globals=names)


class Core:
    """The part that runs the home: hub, loop, broker. The same on a Pi and in the simulation."""

    def __init__(
        self,
        *,
        identity: Identity,
        place: Place,
        store: Store,
        clock: Clock,
        broker: Broker,
        links: Links | None = None,
        new_id: Callable[[], str],
        discovery_prefix: str = "homeassistant",
        zigbee2mqtt_topics: tuple[str, ...] = ("zigbee2mqtt",),
        on_commit: Callable[[], None] = lambda: None,
        allowed: Allowed | None = None,
        are_copies_wanted: bool = True,
        ways: Ways | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.broker = broker
        self.links = links or NoLinks()
        drivers = default_drivers(
            discovery_prefix=discovery_prefix,
            zigbee2mqtt_topics=zigbee2mqtt_topics,
            templates=_templates_of_devices(clock, zone(place.time_zone)),
        )
        linked = link_drivers()
        self.dialects = Dialects(drivers, linked)
        allowed = allowed or Allowed({}, {})
        self.hub = Hub(
            home_id=HomeId(identity.home_id),
            place=place,
            new_id=new_id,
            outside=allowed.templates,
            channels=allowed.channels,
            keepers={each.dialect: each for each in (*linked, *drivers) if isinstance(each, SceneDriver)},
            are_copies_wanted=are_copies_wanted,
            ways=ways,
        )
        self.changes = Changes()
        self._discovery_prefix = f"{discovery_prefix}/"
        self.inbox = Inbox(self._resume, self._is_announcement, self.dialects.understands)
        self._hearing = Hearing(broker)
        errands = dict(allowed.errands)
        if allowed.pictures is not None:
            keeping = PictureErrand(allowed.pictures, self._hearing.next_on)
            errands |= {"camera.snapshot": keeping, "image.snapshot": keeping}
        self.errands = Errands(errands, self.inbox.put)
        self.effects = Effects(
            broker=broker,
            links=self.links,
            drivers={driver.dialect: driver for driver in (*linked, *drivers)},
            find_device=self.hub.inventory.device,
            find_entity=self.hub.inventory.entity,
            feed_back=self.inbox.put,
            changes=self.changes,
            take_errand=self.errands.take,
        )
        self.loop = Loop(
            hub=self.hub,
            decode=self._decode,
            store=store,
            clock=clock,
            inbox=self.inbox,
            carry_out=self.effects.carry_out,
            on_commit=on_commit,
        )

    async def start(self, remembered: Remembered) -> None:
        """From what the mirror remembers to automations that are live. Then the broker may speak."""
        now = self.clock.now().wall
        topics = self.dialects.restore(remembered.devices)
        effects = self.hub.restore(
            devices=remembered.devices,
            states=remembered.states,
            saved=remembered.saved,
            commands=remembered.commands,
            definitions=remembered.definitions,
            cloud_commands_done=remembered.cloud_commands_done,
            last_alive_at=remembered.last_alive_at,
            now=now,
            suspects=remembered.suspects,
        )
        if remembered.findings:
            details = {"finding": " ".join(remembered.findings)}
            effects.append(IssueRaised(Issue("mirror_salvaged", "mirror", now, details)))
        await self.loop.begin([*effects, *self.hub.start(now)])
        self.broker.subscribe([*self.dialects.subscriptions(), *topics])
        self.broker.start(self.inbox.put_message, self._broker_changed)
        self.links.start(self.inbox.put_message)

    async def say_goodbye(self) -> None:
        """The hub is about to stop for good: automations that wait for that run."""
        if not self.loop.is_interrupted:
            await self.loop.begin(self.hub.stop(self.clock.now().wall))

    async def stop(self) -> None:
        """What has arrived is still handled, so that nothing that a device said is lost."""
        await self.broker.stop()
        if self.loop.is_interrupted:
            return
        for _ in range(LAST_TURNS_MAX):
            if not len(self.inbox):
                break
            await self.loop.turn()
        await self.loop.begin([self.hub.inventory.presences()])
        await self.loop.flush()

    def _resume(self) -> None:
        self.broker.resume()
        self.links.resume()

    def _is_announcement(self, topic: str) -> bool:
        if topic.startswith(self._discovery_prefix):
            return topic.endswith("/config")
        return topic.startswith(TASMOTA_DISCOVERY)

    def _decode(self, heard: Heard) -> Sequence[Decoded]:
        match heard:
            case MqttMessage():
                return self._decode_message(heard)
            case Frame():
                return self.dialects.hear(heard)
            case Service():
                found = identify(heard)
                return [found] if found is not None else []
            case ServiceGone():
                return [gone(heard)]

    def _decode_message(self, message: MqttMessage) -> list[Decoded]:
        self._hearing.hear(message)
        decoded = self.dialects.decode(message)
        for each in decoded:
            if isinstance(each, Subscribe):
                self.broker.subscribe(each.topics)
            elif isinstance(each, Unsubscribe):
                self.broker.unsubscribe(each.topics)
            elif isinstance(each, Inquire):
                for publication in each.publications:
                    self.broker.publish(publication)
        return decoded

    def _broker_changed(self, is_connected: bool, reason: str) -> None:  # noqa: FBT001 the port's shape
        if is_connected:
            self.effects.connected(self.clock.now())
            for greeting in self.dialects.greetings():
                self.broker.publish(greeting)
        self.inbox.put(BrokerConnected() if is_connected else BrokerLost(reason))
