"""One message of a topic, and then silence again."""

import asyncio

import pytest

from hub_agent.errors import NotPossible
from hub_agent.model.report import MqttMessage
from hub_agent.runtime.hearing import Hearing
from tests.fakes.linked_home import live
from tests.unit.runtime.conftest import MemoryBroker


def test_all_who_wait_get_the_next_message_and_the_topic_is_left() -> None:
    async def story() -> None:
        broker = MemoryBroker()
        hearing = Hearing(broker)
        waiting = [asyncio.ensure_future(hearing.next_on("cams/door", 5)) for _ in range(2)]
        await asyncio.sleep(0)
        assert set(broker.topics) == {"cams/door"}
        for topic, payload in (("other", b"no"), ("cams/door", b"first"), ("cams/door", b"second")):
            hearing.hear(MqttMessage(topic, payload))
        assert await asyncio.gather(*waiting) == [b"first", b"first"]
        assert broker.topics == []

    live(story())


def test_silence_is_told_and_the_topic_is_left() -> None:
    async def story() -> None:
        broker = MemoryBroker()
        with pytest.raises(NotPossible, match="nothing came on cams/door within 5 s"):
            await Hearing(broker).next_on("cams/door", 5)
        assert broker.topics == []

    live(story())
