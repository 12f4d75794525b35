"""The broker adapter against a real broker."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub_agent.adapters import mqtt
from hub_agent.adapters.mqtt import BrokerAddress, MqttBroker
from hub_agent.model.report import MqttMessage, Publication
from tests.fakes.broker import EmbeddedBroker, free_port


class Ear:
    """What a broker told, awaitable."""

    def __init__(self, room_for: int = 1_000_000) -> None:
        self.messages: asyncio.Queue[MqttMessage] = asyncio.Queue()
        self.changes: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
        self.room_for = room_for

    def hear(self, message: MqttMessage) -> bool:
        self.messages.put_nowait(message)
        return self.messages.qsize() < self.room_for

    def note(self, is_connected: bool, reason: str) -> None:
        self.changes.put_nowait((is_connected, reason))


@asynccontextmanager
async def connected(port: int, ear: Ear, name: str) -> AsyncIterator[MqttBroker]:
    broker = MqttBroker(BrokerAddress("127.0.0.1", port), random.Random(1), f"test-{name}")
    broker.start(ear.hear, ear.note)
    async with asyncio.timeout(60):
        while not (await ear.changes.get())[0]:
            pass
    try:
        yield broker
    finally:
        await broker.stop()


async def next_message(ear: Ear) -> MqttMessage:
    async with asyncio.timeout(60):
        return await ear.messages.get()


async def test_what_is_published_is_heard_by_who_subscribed(broker_port: int) -> None:
    ear = Ear()
    async with connected(broker_port, ear, "echo") as broker:
        broker.subscribe(["echo/Living Room Lamp"])
        await publish_until_heard(broker, ear, Publication("echo/Living Room Lamp", b'{"state":"ON"}'))


async def publish_until_heard(broker: MqttBroker, ear: Ear, publication: Publication) -> MqttMessage:
    """A retained publication reaches a subscriber whichever of the two comes first."""
    assert broker.publish(Publication(publication.topic, publication.payload, retain=True))
    return await next_message(ear)


async def test_a_retained_message_says_that_it_is_one(broker_port: int) -> None:
    ear = Ear()
    async with connected(broker_port, ear, "retained") as broker:
        broker.publish(Publication("retained/topic", b"old", retain=True))
        await asyncio.sleep(0)
        later = Ear()
        async with connected(broker_port, later, "retained2") as second:
            second.subscribe(["retained/#"])
            message = await next_message(later)
    assert message == MqttMessage("retained/topic", b"old", retained=True)


async def test_when_the_inbox_is_full_the_socket_is_left_unread_and_nothing_is_lost(broker_port: int) -> None:
    ear, other = Ear(room_for=10), Ear()
    async with connected(broker_port, ear, "slow") as slow, connected(broker_port, other, "fast") as fast:
        slow.subscribe(["burst/go", "burst/n"])
        await publish_until_heard(slow, ear, Publication("burst/go", b""))
        for number in range(50):
            fast.publish(Publication("burst/n", str(number).encode()))
        heard = [(await next_message(ear)).payload]
        while len(heard) < 50:
            if ear.messages.empty():
                slow.resume()
            heard.append((await next_message(ear)).payload)

    assert heard == [str(number).encode() for number in range(50)]


async def test_after_a_broker_restart_the_subscriptions_are_made_again(tmp_path: Path) -> None:
    first = EmbeddedBroker(tmp_path).start()
    ear = Ear()
    async with connected(first.port, ear, "restart") as broker:
        broker.subscribe(["again"])
        first.stop()
        assert (await asyncio.wait_for(ear.changes.get(), 10))[0] is False
        assert not broker.publish(Publication("again", b"nobody is there"))
        second = EmbeddedBroker(tmp_path, first.port).start()
        try:
            assert await _eventually(ear.changes, lambda change: change[0])
            message = await publish_until_heard(broker, ear, Publication("again", b"back"))
        finally:
            second.stop()
    assert message.payload == b"back"


async def test_a_connection_that_is_given_up_is_made_anew_with_its_subscriptions(broker_port: int) -> None:
    ear = Ear()
    async with connected(broker_port, ear, "anew") as broker:
        broker.subscribe(["anew"])
        broker.reconnect()
        async with asyncio.timeout(60):
            lost = await ear.changes.get()
        assert await _eventually(ear.changes, lambda change: change[0])
        message = await publish_until_heard(broker, ear, Publication("anew", b"here"))
    assert (lost[0], "anew" in lost[1], message.payload) == (False, True, b"here")


async def test_whoever_waits_to_try_again_tries_at_once_when_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "BACKOFF_S_MIN", 3600.0)
    monkeypatch.setattr(mqtt, "BACKOFF_S_MAX", 3600.0)
    ear = Ear()
    broker = MqttBroker(BrokerAddress("127.0.0.1", free_port()), random.Random(1), "hasty")
    broker.start(ear.hear, ear.note)
    try:
        async with asyncio.timeout(60):
            await ear.changes.get()
            await asyncio.sleep(0)
            broker.reconnect()
            assert not (await ear.changes.get())[0]
    finally:
        await broker.stop()


async def _eventually(changes: "asyncio.Queue[tuple[bool, str]]", holds: Callable[[tuple[bool, str]], bool]) -> bool:
    async with asyncio.timeout(60):
        while not holds(await changes.get()):
            pass
    return True


async def test_without_a_broker_the_reason_is_said_in_words() -> None:
    ear = Ear()
    address = BrokerAddress("127.0.0.1", free_port())
    broker = MqttBroker(address, random.Random(1), "nobody")
    broker.start(ear.hear, ear.note)
    try:
        assert await asyncio.wait_for(ear.changes.get(), 10) == (False, f"{address}: nobody listens there")
    finally:
        await broker.stop()


async def test_a_server_that_is_no_broker_is_given_up() -> None:
    async def say_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(say_http, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ear = Ear()
    broker = MqttBroker(BrokerAddress("127.0.0.1", port), random.Random(1), "http")
    broker.start(ear.hear, ear.note)
    try:
        is_connected, reason = await asyncio.wait_for(ear.changes.get(), 10)
    finally:
        await broker.stop()
        server.close()
    assert not is_connected
    assert reason


async def test_a_second_connection_that_gets_the_same_descriptor_is_read(broker_port: int) -> None:
    for turn in range(3):
        ear = Ear()
        async with connected(broker_port, ear, f"turn{turn}") as broker:
            broker.subscribe([f"turn/{turn}"])
            await publish_until_heard(broker, ear, Publication(f"turn/{turn}", b"hello"))
