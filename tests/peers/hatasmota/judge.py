"""Runs in an environment of its own: HATasmota meets devices on a broker, commands them, and says what it has understood.

In: lines of JSON, `{"entity": id, "do": method, "with": [...], "until": text}`. Out: lines of JSON, `{"entities": {id: kind}}` once all are met, then for each
order, once the entity's state has the text in it, `{"states": {id: [...]}}`.
"""

import asyncio
import json
import sys
from typing import Any

import paho.mqtt.client as mqtt
from hatasmota import discovery
from hatasmota.models import DiscoveryHashType
from hatasmota.mqtt import ReceiveMessage, TasmotaMQTTClient
from paho.mqtt.enums import CallbackAPIVersion

PLATFORMS = ("switch", "light", "cover", "fan", "binary_sensor")


class Judge:
    def __init__(self, port: int, wanted: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.port, self.wanted = port, wanted
        self.listeners: dict[str, list[Any]] = {}
        self.entities: dict[str, Any] = {}
        self.states: dict[str, list[Any]] = {}
        self.said = asyncio.Event()
        self.met = asyncio.Event()

    async def start(self) -> None:
        connected = asyncio.Event()
        self.client.on_connect = lambda *_: self.loop.call_soon_threadsafe(connected.set)
        self.client.on_message = lambda _c, _u, message: self.loop.call_soon_threadsafe(self._take, message)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        await connected.wait()
        self.tasmota = TasmotaMQTTClient(self._publish, self._subscribe, self._unsubscribe)
        self.discovery = discovery.TasmotaDiscovery("tasmota/discovery", self.tasmota)
        await self.discovery.start_discovery(self._device, self._sensors)

    async def _publish(self, topic: str, payload: Any, qos: int | None, retain: bool | None) -> None:
        self.client.publish(topic, payload, qos or 0, bool(retain))

    async def _subscribe(self, _state: Any, topics: dict[str, Any]) -> dict[str, Any]:
        for each in topics.values():
            self.listeners.setdefault(each["topic"], []).append(each["msg_callback"])
            self.client.subscribe(each["topic"])
        return topics

    async def _unsubscribe(self, _state: Any) -> dict[str, Any]:
        return {}

    def _take(self, message: Any) -> None:
        heard = ReceiveMessage(message.topic, message.payload.decode(), message.qos, message.retain)
        for topic, callbacks in self.listeners.items():
            if mqtt.topic_matches_sub(topic, message.topic):
                for callback in callbacks:
                    answer = callback(heard)
                    if asyncio.iscoroutine(answer):
                        self.loop.create_task(answer)

    async def _device(self, payload: dict[str, Any], _mac: str) -> None:
        for platform in PLATFORMS:
            for config, found in discovery.get_entities_for_platform(payload, platform):
                await self._meet(config, found)

    async def _sensors(self, sensors: list[Any], _mac: str) -> None:
        for config, found in sensors:
            if config is not None and found[1] == "sensor":
                await self._meet(config, found)
        self.met.set()

    async def _meet(self, config: Any, found: DiscoveryHashType) -> None:
        name = discovery.unique_id_from_hash(found)
        if config is None or name in self.entities:
            return
        entity = discovery.get_entity(config, self.tasmota)
        assert entity is not None

        def hear(*state: Any, **more: Any) -> None:
            self.states[name] = [*state, more]
            self.said.set()

        async def there(is_there: bool) -> None:
            self.states[f"{name} there"] = [is_there]

        entity.set_on_state_callback(hear)
        entity.set_on_availability_callback(there)
        self.entities[name] = entity
        await entity.subscribe_topics()


async def main(port: int, wanted: int) -> None:
    judge = Judge(port, wanted)
    await judge.start()
    async with asyncio.timeout(60):
        await judge.met.wait()
        while len(judge.entities) < wanted:
            judge.said.clear()
            await judge.said.wait()
    print(
        json.dumps({"entities": {name: type(entity).__name__ for name, entity in judge.entities.items()}}), flush=True
    )
    lines = asyncio.StreamReader()
    await judge.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        order = json.loads(line)
        judge.said.clear()
        entity = judge.entities[order["entity"]]
        await getattr(entity, order["do"])(*order["with"])
        until = order["until"]
        async with asyncio.timeout(60):
            while until not in json.dumps(judge.states.get(order["entity"])):
                await judge.said.wait()
                judge.said.clear()
        print(json.dumps({"states": judge.states}), flush=True)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
