"""Drivers that are loaded when somebody needs them: most homes speak few of the dialects that there are."""

from collections.abc import Iterable, Sequence
from importlib import import_module

from hub_agent.drivers.driver import GreetingDriver, LinkDriver, SceneDriver
from hub_agent.model.device import Device, Entity
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, MqttMessage, Publication, Rejected
from hub_agent.model.scene import DesiredState, SceneCopy

Said = Sequence[Publication | Request]


class Late:
    """Stands for the driver of a dialect with links, and becomes it with the first frame, device or command."""

    def __init__(self, dialect: str, class_name: str) -> None:
        self.dialect = dialect
        self._class_name = class_name
        self._loaded: LinkDriver | None = None

    @property
    def driver(self) -> LinkDriver:
        if self._loaded is None:
            module = import_module(f"hub_agent.drivers.{self.dialect}")
            made: LinkDriver = getattr(module, self._class_name)()
            self._loaded = made
        return self._loaded

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        return self.driver.hear(frame)

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        own = tuple(devices)
        return self.driver.restore(own) if own else ()

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Said:
        return self.driver.encode(device, entity, action, data)

    def encode_refresh(self, device: Device) -> Said:
        return self.driver.encode_refresh(device)

    def encode_reconfigure(self, device: Device) -> Said:
        return self.driver.encode_reconfigure(device)

    def release(self, device: Device) -> tuple[str, ...]:
        return self.driver.release(device)

    def unexplained(self) -> Sequence[Rejected]:
        return self._loaded.unexplained() if self._loaded is not None else ()


class LateListener:
    """The same for a dialect at the broker that few homes have: it becomes its driver with the first message or device."""

    def __init__(
        self, dialect: str, package: str, class_name: str, topics: tuple[str, ...], greetings: tuple[Publication, ...]
    ) -> None:
        """`topics`, `greetings`: as the driver would say them; no filter holds a `#`."""
        self.dialect = dialect
        self._place = (package, class_name)
        self._topics, self._greetings = topics, greetings
        self._patterns = tuple(topic.split("/") for topic in topics)
        self._loaded: GreetingDriver | None = None

    @property
    def driver(self) -> GreetingDriver:
        if self._loaded is None:
            package, class_name = self._place
            made: GreetingDriver = getattr(import_module(f"hub_agent.drivers.{package}"), class_name)()
            self._loaded = made
        return self._loaded

    def subscriptions(self) -> tuple[str, ...]:
        return self._topics

    def greetings(self) -> Sequence[Publication]:
        return self._greetings

    def wants(self, topic: str) -> bool:
        if self._loaded is not None:
            return self._loaded.wants(topic)
        parts = topic.split("/")
        return any(
            len(parts) == len(pattern)
            and all(wanted in {"+", part} for wanted, part in zip(pattern, parts, strict=True))
            for pattern in self._patterns
        )

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        return self.driver.decode(message)

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        own = tuple(devices)
        return self.driver.restore(own) if own else ()

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Said:
        return self.driver.encode(device, entity, action, data)

    def encode_refresh(self, device: Device) -> Said:
        return self.driver.encode_refresh(device)

    def encode_reconfigure(self, device: Device) -> Said:
        return self.driver.encode_reconfigure(device)

    def release(self, device: Device) -> tuple[str, ...]:
        return self.driver.release(device)

    def unexplained(self) -> Sequence[Rejected]:
        return self._loaded.unexplained() if self._loaded is not None else ()


class LateKeeper(Late):
    """The same for a dialect whose bridges keep scenes: asked only of devices that it has brought."""

    @property
    def keeper(self) -> SceneDriver:
        driver = self.driver
        assert isinstance(driver, SceneDriver)  # the registry says so, and its test holds it to that
        return driver

    def can_keep(self, device: Device, entity: Entity, wish: DesiredState) -> bool:
        return self.keeper.can_keep(device, entity, wish)

    def content_of(self, copy: SceneCopy) -> str:
        return self.keeper.content_of(copy)

    def encode_store(self, bridge: Device, copy: SceneCopy, external_id: str | None) -> Said:
        return self.keeper.encode_store(bridge, copy, external_id)

    def encode_drop(self, bridge: Device, external_id: str) -> Said:
        return self.keeper.encode_drop(bridge, external_id)

    def encode_recall(self, bridge: Device, external_id: str, transition_s: float | None) -> Said:
        return self.keeper.encode_recall(bridge, external_id, transition_s)
