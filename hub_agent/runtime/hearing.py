"""Hears one message of a topic that nobody else listens to: pictures are too big to be taken all the time."""

import asyncio

from hub_agent.errors import NotPossible
from hub_agent.model.report import MqttMessage
from hub_agent.ports import Broker


class Hearing:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._waiting_by_topic: dict[str, list[asyncio.Future[bytes]]] = {}

    def hear(self, message: MqttMessage) -> None:
        """Of every message that comes in: most are for nobody here."""
        for waiting in self._waiting_by_topic.get(message.topic, ()):
            if not waiting.done():
                waiting.set_result(message.payload)

    async def next_on(self, topic: str, within_s: float) -> bytes:
        """The retained message, or the next one. Raises NotPossible."""
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting_by_topic.setdefault(topic, []).append(waiting)
        self._broker.subscribe([topic])
        try:
            async with asyncio.timeout(within_s):
                return await waiting
        except TimeoutError as err:
            raise NotPossible(f"nothing came on {topic} within {within_s:g} s") from err
        finally:
            others = self._waiting_by_topic[topic]
            others.remove(waiting)
            if not others:
                del self._waiting_by_topic[topic]
                self._broker.unsubscribe([topic])
