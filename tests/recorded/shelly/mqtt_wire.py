"""Shellys at a broker, for tests without one: what the driver asks of them is answered from what real ones have said."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from hub_agent.drivers.shelly import ShellyMqtt
from hub_agent.model.device import Advertisement, Device
from hub_agent.model.report import (
    AvailabilityReported,
    Decoded,
    EntityReport,
    Inquire,
    MqttMessage,
    Publication,
    Refused,
    Rejected,
    Reported,
    Subscribe,
    Unsubscribe,
)
from tests.recorded.shelly.corpus import DATA
from tests.recorded.zigbee2mqtt.wire import device_of

PAGE = 3
CAPTURES = Path(DATA) / "mqtt"


def message(topic: str, payload: Any, *, retained: bool = False) -> MqttMessage:
    body = payload.encode() if isinstance(payload, str) else orjson.dumps(payload)
    return MqttMessage(topic, body, retained)


def captured(name: str) -> list[MqttMessage]:
    """A device of the first generation, as somebody has written down what it said: a topic, a space, a payload."""
    lines = (CAPTURES / f"{name}.txt").read_text().splitlines()
    parts = [line.partition(" ") for line in lines if line.strip()]
    return [message(topic, payload) for topic, _, payload in parts]


def answer_of(recorded: dict[str, Any], request: bytes) -> MqttMessage:
    """What the device of a recording would answer."""
    body = orjson.loads(request)
    head = {"id": body["id"], "src": recorded["shelly"]["id"], "dst": body["src"]}
    first = body["params"].get("offset", 0)
    components = recorded.get("components", [])
    results = {
        "Shelly.GetDeviceInfo": recorded["shelly"],
        "Shelly.GetConfig": recorded["settings"],
        "Shelly.GetStatus": recorded["status"],
        "Shelly.GetComponents": {"components": components[first : first + PAGE], "total": len(components)},
    }
    if body["method"] in results:
        return message(f"{body['src']}/rpc", {**head, "result": results[body["method"]]})
    error = {"code": 404, "message": f"No handler for {body['method']}"}
    return message(f"{body['src']}/rpc", {**head, "error": error})


class MqttHome:
    """The driver, and what came of all that it heard. `by_prefix`: the devices that answer."""

    def __init__(self, by_prefix: dict[str, dict[str, Any]] | None = None) -> None:
        self.driver = ShellyMqtt()
        self.by_prefix = dict(by_prefix or {})
        self.asked: list[Publication] = []
        self.rejected: list[Rejected] = []
        self.refused: list[Refused] = []
        self.devices: dict[str, Device] = {}
        self.advertisements: list[Advertisement] = []
        self.states: dict[tuple[str, str], tuple[str | None, dict[str, Any]]] = {}
        self.observed: dict[str, dict[str, Any]] = {}
        self.available: dict[str, bool] = {}
        self.topics: set[str] = set(self.driver.subscriptions())
        self.events: list[EntityReport] = []
        self.heard: list[MqttMessage] = []

    def hear(self, topic: str, payload: Any, *, retained: bool = False) -> Sequence[Decoded]:
        return self.take(message(topic, payload, retained=retained))

    def take(self, heard: MqttMessage) -> Sequence[Decoded]:
        self.heard.append(heard)
        decoded = self.driver.decode(heard) if self.driver.wants(heard.topic) else ()
        for each in decoded:
            self._note(each)
        return decoded

    def take_all(self, heard: Iterable[MqttMessage]) -> None:
        for each in heard:
            self.take(each)

    def publish(self, publications: Iterable[Publication]) -> None:
        """To whom it may concern."""
        for each in publications:
            self.asked.append(each)
            recorded = self.by_prefix.get(each.topic.removesuffix("/rpc"))
            if recorded is not None:
                self.take(answer_of(recorded, each.payload))

    def state(self, native_id: str, key: str) -> str | None:
        return self.states[native_id, key][0]

    def attributes(self, native_id: str, key: str) -> dict[str, Any]:
        return self.states[native_id, key][1]

    def call(self, native_id: str, key: str, action: str, **data: Any) -> Sequence[Publication]:
        device = self.devices[native_id]
        entity = next(entity for entity in device.entities if entity.key == key)
        encoded = self.driver.encode(device, entity, action, data)
        self.publish(encoded)
        return encoded

    def _note(self, each: Decoded) -> None:
        match each:
            case Advertisement():
                self.advertisements.append(each)
                self.devices[each.origin.native_id] = device_of(each)
            case Reported():
                self.observed.setdefault(each.origin.native_id, {}).update(each.observed)
                for report in each.entities:
                    place = (each.origin.native_id, report.key)
                    known = self.states.get(place, (None, {}))
                    self.states[place] = (report.state or known[0], {**known[1], **report.attributes})
                    if "event_type" in report.attributes:
                        self.events.append(report)
            case AvailabilityReported():
                self.available[each.origin.native_id] = each.is_available
            case Inquire(publications):
                self.publish(publications)
            case Subscribe(topics):
                self.topics |= set(topics)
            case Unsubscribe(topics):
                self.topics -= set(topics)
            case Rejected():
                self.rejected.append(each)
            case Refused():
                self.refused.append(each)
            case _:
                raise AssertionError(each)
