"""Each message reaches the drivers that want it; none of them stops the house."""

from collections.abc import Sequence

import pytest

from hub_agent.drivers.registry import LIST_BYTES_MAX, PAYLOAD_BYTES_MAX, TOPICS_MAX, Dialects, default_drivers
from hub_agent.drivers.zigbee2mqtt import Zigbee2Mqtt
from hub_agent.model.device import Device, Entity, Origin
from hub_agent.model.json import JsonObject
from hub_agent.model.report import AvailabilityReported, Decoded, MqttMessage, Publication, Rejected, Subscribe


class Parrot:
    """A dialect of one prefix that says what it is told to say."""

    def __init__(self, dialect: str, answer: Sequence[Decoded] | Exception = ()) -> None:
        self.dialect = dialect
        self.answer = answer
        self.heard: list[str] = []
        self.asked = 0
        self.prefixes = [f"{dialect}/"]

    def subscriptions(self) -> tuple[str, ...]:
        return (f"{self.dialect}/#", "shared/#")

    def restore(self, devices: Sequence[Device]) -> tuple[str, ...]:
        return tuple(f"{device.name}/#" for device in devices)

    def wants(self, topic: str) -> bool:
        self.asked += 1
        return topic.startswith(tuple(self.prefixes))

    def decode(self, message: MqttMessage) -> Sequence[Decoded]:
        self.heard.append(message.topic)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def encode(self, device: Device, entity: Entity, action: str, data: JsonObject) -> Sequence[Publication]:
        return []

    def encode_refresh(self, device: Device) -> Sequence[Publication]:
        return []

    def encode_reconfigure(self, device: Device) -> Sequence[Publication]:
        return []

    def release(self, device: Device) -> tuple[str, ...]:
        return (f"{device.name}/#",)


def test_a_message_reaches_only_those_who_want_it() -> None:
    first, second = Parrot("first"), Parrot("second")
    dialects = Dialects([first, second])
    assert dialects.decode(MqttMessage("second/x", b"")) == []
    assert (first.heard, second.heard) == ([], ["second/x"])


def test_a_driver_that_raises_is_rejected_and_its_neighbour_is_heard() -> None:
    told = AvailabilityReported(Origin("second", "x"), is_available=True)
    first, second = Parrot("first", ValueError("oh")), Parrot("second", [told])
    first.prefixes = second.prefixes = ["both/"]
    decoded = Dialects([first, second]).decode(MqttMessage("both/x", b""))
    assert decoded == [Rejected("first", "both/x", "driver_error", "ValueError: oh"), told]


@pytest.mark.parametrize(
    "topic, size, is_heard",
    [
        ("z/state", PAYLOAD_BYTES_MAX, True),
        ("z/state", PAYLOAD_BYTES_MAX + 1, False),
        ("z/bridge/devices", PAYLOAD_BYTES_MAX + 1, True),
        ("z/bridge/devices", LIST_BYTES_MAX + 1, False),
    ],
)
def test_payloads_have_a_size_that_no_driver_has_to_think_of(topic: str, size: int, *, is_heard: bool) -> None:
    driver = Parrot("z")
    decoded = Dialects([driver]).decode(MqttMessage(topic, b"x" * size))
    assert bool(driver.heard) is is_heard
    assert [one.code for one in decoded if isinstance(one, Rejected)] == ([] if is_heard else ["too_large"])


def test_who_wants_a_topic_is_asked_once_until_subscriptions_change() -> None:
    driver = Parrot("z")
    dialects = Dialects([driver])
    for _ in range(3):
        dialects.decode(MqttMessage("y/x", b""))
    assert driver.asked == 1
    driver.prefixes.append("y/")
    driver.answer = [Subscribe(("y/#",))]
    dialects.decode(MqttMessage("z/x", b""))
    dialects.decode(MqttMessage("y/x", b""))
    assert driver.heard == ["z/x", "y/x"]


def test_topics_that_are_remembered_are_bounded() -> None:
    driver = Parrot("z")
    dialects = Dialects([driver])
    for number in range(TOPICS_MAX + 5):
        dialects.decode(MqttMessage(f"other/{number}", b""))
    assert len(dialects._drivers_by_topic) <= TOPICS_MAX


def test_subscriptions_of_all_are_given_once() -> None:
    assert Dialects([Parrot("a"), Parrot("b")]).subscriptions() == ("a/#", "shared/#", "b/#")


def test_drivers_are_found_by_their_dialect() -> None:
    driver = Parrot("a")
    assert Dialects([driver]).driver("a") is driver
    with pytest.raises(KeyError):
        Dialects([driver]).driver("b")


def test_the_agents_dialects_start_with_zigbee2mqtt() -> None:
    drivers = default_drivers(zigbee2mqtt_topics=("upstairs",), discovery_prefix="ha")
    assert [driver.dialect for driver in drivers][:2] == ["zigbee2mqtt", "homeassistant"]
    assert "upstairs/#" in Dialects(drivers).subscriptions()
    assert "ha/#" in Dialects(drivers).subscriptions() or any(
        topic.startswith("ha/") for topic in Dialects(drivers).subscriptions()
    )


def test_ten_megabytes_to_a_device_cost_one_rejection() -> None:
    dialects = Dialects([Zigbee2Mqtt()])
    decoded = dialects.decode(MqttMessage("zigbee2mqtt/Lamp", b"[" * 10_000_000))
    assert [one.code for one in decoded if isinstance(one, Rejected)] == ["too_large"]
