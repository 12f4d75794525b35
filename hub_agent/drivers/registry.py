"""All dialects behind one door. A new dialect is one line in `default_drivers`."""

from collections.abc import Iterable, Sequence
from typing import Final

from hub_agent.drivers.driver import Driver, GreetingDriver, LinkDriver, MqttDriver
from hub_agent.drivers.homeassistant import HomeAssistantDiscovery
from hub_agent.drivers.homie import Homie
from hub_agent.drivers.late import Late, LateKeeper, LateListener
from hub_agent.drivers.tasmota import Tasmota
from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.model.device import Device
from hub_agent.model.link import Frame
from hub_agent.model.report import Decoded, MqttMessage, Publication, Rejected, Subscribe, Unsubscribe
from hub_agent.templating import Templates


def default_drivers(
    *,
    discovery_prefix: str = "homeassistant",
    zigbee2mqtt_topics: Sequence[str] = ("zigbee2mqtt",),
    templates: Templates | None = None,
) -> list[MqttDriver]:
    """Every dialect over MQTT that this agent speaks; where two know the same device, the first one serves it. `templates` of devices may need `now`."""
    return [
        Zigbee2Mqtt(zigbee2mqtt_topics),
        HomeAssistantDiscovery(discovery_prefix, templates),
        Tasmota(),
        Homie(),
        LateListener("shelly_mqtt", "shelly", "ShellyMqtt", _SHELLY_TOPICS, (_SHELLY_GREETING,)),
    ]


# As its driver has them, which is loaded with the first message on one of them.
_SHELLY_TOPICS: Final = (
    "shellies/announce",
    "+/online",
    "+/+/online",
    "+/+/+/online",
    "+/events/rpc",
    "nexa-hub/rpc",
)
_SHELLY_GREETING: Final = Publication("shellies/command", b"announce")


def link_drivers() -> list[LinkDriver]:
    """Every dialect with connections of its own; each has an adapter of the same name in `adapters/links/`. None is loaded before it is needed."""
    return [
        Late("esphome", "Esphome"),
        Late("homekit", "HomeKit"),
        LateKeeper("hue", "Hue"),
        Late("matter", "Matter"),
        Late("zwave", "ZWave"),
        Late("cast", "Cast"),
        Late("sonos", "Sonos"),
        Late("lifx", "Lifx"),
        Late("shelly", "Shelly"),
        Late("wled", "Wled"),
    ]


PAYLOAD_BYTES_MAX: Final = 1024 * 1024
# A bridge's list of devices tells every detail of every model.
LIST_BYTES_MAX: Final = 16 * 1024 * 1024
_LIST: Final = "/bridge/devices"
TOPICS_MAX: Final = 20_000


class Dialects:
    """Gives each message to the drivers that want it, and lets none of them stop the house."""

    def __init__(self, drivers: Iterable[MqttDriver], linked: Iterable[LinkDriver] = ()) -> None:
        self._drivers = tuple(drivers)
        self._linked_by_dialect = {driver.dialect: driver for driver in linked}
        self._by_dialect: dict[str, Driver] = {}
        for driver in (*self._drivers, *self._linked_by_dialect.values()):
            self._by_dialect.setdefault(driver.dialect, driver)
        # Full, it is emptied: the topics in use come back at once.
        self._drivers_by_topic: dict[str, tuple[MqttDriver, ...]] = {}
        # How many messages each was given since the start.
        self.heard_by_dialect = dict.fromkeys(self._by_dialect, 0)

    def subscriptions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(topic for driver in self._drivers for topic in driver.subscriptions()))

    def greetings(self) -> tuple[Publication, ...]:
        """What is published whenever the broker is there."""
        greeting = (driver for driver in self._drivers if isinstance(driver, GreetingDriver))
        return tuple(each for driver in greeting for each in driver.greetings())

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        """Topic filters to subscribe to, for the devices that the mirror knows."""
        known = tuple(devices)
        topics: dict[str, None] = {}
        for driver in self._by_dialect.values():
            own = [device for device in known if device.origin.dialect == driver.dialect]
            topics |= dict.fromkeys(driver.restore(own))
        self._drivers_by_topic.clear()
        return tuple(topics)

    def driver(self, dialect: str) -> Driver:
        """Raises KeyError: a device's dialect is one of ours."""
        return self._by_dialect[dialect]

    def release(self, device: Device) -> tuple[str, ...]:
        """Topic filters no longer needed."""
        driver = self._by_dialect.get(device.origin.dialect)
        self._drivers_by_topic.clear()
        return driver.release(device) if driver is not None else ()

    def decode(self, message: MqttMessage) -> list[Decoded]:
        drivers = self._drivers_by_topic.get(message.topic)
        if drivers is None:
            drivers = self._remember(message.topic)
        decoded: list[Decoded] = []
        for driver in drivers:
            self.heard_by_dialect[driver.dialect] += 1
            decoded += self._decode_by(driver, message)
        return decoded

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        """What a peer said over its link."""
        driver = self._linked_by_dialect.get(frame.dialect)
        if driver is None:
            return []
        self.heard_by_dialect[frame.dialect] += 1
        try:
            return driver.hear(frame)
        except Exception as error:  # noqa: BLE001 -- a fault of one driver, or one frame, must not stop the house
            return [_failed(frame.dialect, f"{frame.peer} {frame.kind}", error)]

    def unexplained(self) -> list[Rejected]:
        return [rejected for driver in self._by_dialect.values() for rejected in driver.unexplained()]

    def is_wanted(self, topic: str) -> bool:
        """Whether any dialect may make something of this topic."""
        return any(driver.wants(topic) for driver in self._drivers)

    def understands(self, topic: str) -> bool:
        """The same at once; asked of every message while devices announce themselves."""
        drivers = self._drivers_by_topic.get(topic)
        return bool(drivers if drivers is not None else self._remember(topic))

    def _remember(self, topic: str) -> tuple[MqttDriver, ...]:
        if len(self._drivers_by_topic) >= TOPICS_MAX:
            self._drivers_by_topic.clear()
        drivers = tuple(driver for driver in self._drivers if driver.wants(topic))
        self._drivers_by_topic[topic] = drivers
        return drivers

    def _decode_by(self, driver: MqttDriver, message: MqttMessage) -> Sequence[Decoded]:
        size = len(message.payload)
        if size > PAYLOAD_BYTES_MAX and (size > LIST_BYTES_MAX or not message.topic.endswith(_LIST)):
            return [
                Rejected(driver.dialect, message.topic, "too_large", f"the payload has {size} bytes, more than is read")
            ]
        try:
            decoded = driver.decode(message)
        except Exception as error:  # noqa: BLE001 -- a fault of one driver, or one payload, must not stop the house
            return [_failed(driver.dialect, message.topic, error)]
        if any(isinstance(one, Subscribe | Unsubscribe) for one in decoded):
            self._drivers_by_topic.clear()
        return decoded


def _failed(dialect: str, topic: str, error: Exception) -> Rejected:
    return Rejected(dialect, topic, "driver_error", f"{type(error).__name__}: {error}"[:200])
