"""What every dialect gives: one that speaks over the MQTT broker (MqttDriver), or over connections of its own (LinkDriver), or both."""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from hub_agent.model.device import Device, Entity
from hub_agent.model.json import JsonObject
from hub_agent.model.link import Frame, Request
from hub_agent.model.report import Decoded, MqttMessage, Publication, Rejected
from hub_agent.model.scene import SceneCopy, SceneKeeper


class Driver(Protocol):
    """Pure: no clock, no network. What it remembers it can rebuild from what it hears or from `restore`."""

    @property
    def dialect(self) -> str: ...

    def restore(self, devices: Iterable[Device]) -> tuple[str, ...]:
        """Take up the devices of this dialect that the mirror knows, from their `native`; answers with the topic filters to subscribe to."""

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication | Request]:
        """`action` is `domain.verb` with Home Assistant's data keys. Raises NotPossible with words for people."""

    def encode_refresh(self, device: Device) -> Sequence[Publication | Request]:
        """Asks the device to say its state; empty if the dialect cannot ask."""

    def encode_reconfigure(self, device: Device) -> Sequence[Publication | Request]:
        """Asks the bridge to set the device up afresh; empty if the dialect cannot."""

    def release(self, device: Device) -> tuple[str, ...]:
        """Forget a device that another dialect serves or that was removed; answers with topic filters no longer needed."""

    def unexplained(self) -> Sequence[Rejected]:
        """What still waits to be understood, because what would explain it has not come."""


class MqttDriver(Driver, Protocol):
    """Its devices are heard at the broker."""

    def subscriptions(self) -> tuple[str, ...]:
        """Topic filters to subscribe to at start, for discovery."""

    def wants(self, topic: str) -> bool:
        """Whether `decode` may make something of this topic. May be cached by the caller until `decode` gives Subscribe or Unsubscribe."""

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        """Never raises, whatever the payload: what is not understood is a `Rejected`."""


@runtime_checkable
class GreetingDriver(MqttDriver, Protocol):
    """A driver whose devices say who they are when they are asked."""

    def greetings(self) -> Sequence[Publication]:
        """What is published whenever the broker is there."""


@runtime_checkable
class SceneDriver(Driver, SceneKeeper, Protocol):
    """A driver whose bridges keep scenes. It tells of them by `ScenesKept` and `SceneNotKept`, whose origin is the bridge's."""

    def encode_store(self, bridge: Device, copy: SceneCopy, external_id: str | None) -> Sequence[Publication | Request]:
        """Makes what is not there and mends what differs; may be asked again at any time. Raises NotPossible."""

    def encode_drop(self, bridge: Device, external_id: str) -> Sequence[Publication | Request]: ...

    def encode_recall(
        self, bridge: Device, external_id: str, transition_s: float | None
    ) -> Sequence[Publication | Request]: ...


@runtime_checkable
class InterviewDriver(Driver, Protocol):
    """A driver whose bridge can ask a device anew what it is, apart from setting it up afresh."""

    def encode_interview(self, device: Device) -> Sequence[Publication | Request]: ...


class LinkDriver(Driver, Protocol):
    """Its devices are heard over links. An advertisement's `native` holds `peer`, the key of the peer that the device is reached by:
    when the link to it is lost, the devices whose `native` names it are unavailable.
    """

    def hear(self, frame: Frame) -> Sequence[Decoded]:
        """Never raises, whatever the frame holds: what is not understood is a `Rejected` (its topic is the frame's peer and kind)."""
