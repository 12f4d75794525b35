"""What waits to be handled: bounded, in order, and soon."""

import asyncio

from hub_agent.model.inputs import BrokerConnected
from hub_agent.model.report import MqttMessage
from hub_agent.runtime.inbox import BATCH_MAX, MESSAGES_MAX, RESUME_AT, Inbox, Submitted
from tests.fakes.linked_home import live


def message(number: int) -> MqttMessage:
    return MqttMessage(f"topic/{number}", b"")


def test_batches_come_in_the_order_of_arrival_and_are_bounded() -> None:
    async def story() -> None:
        inbox = Inbox(lambda: None)
        for number in range(BATCH_MAX + 10):
            inbox.put_message(message(number))
        inbox.put(BrokerConnected())
        first, second = await inbox.take(1), await inbox.take(1)

        assert [each.topic for each in first] == [f"topic/{number}" for number in range(BATCH_MAX)]
        assert [each.topic for each in second[:-1]] == [f"topic/{BATCH_MAX + number}" for number in range(10)]
        assert second[-1] == BrokerConnected()

    live(story())


def test_a_full_inbox_says_so_and_asks_for_more_when_half_of_it_is_worked_off() -> None:
    async def story() -> None:
        resumed: list[int] = []
        inbox = Inbox(lambda: resumed.append(len(inbox)))
        taken = [inbox.put_message(message(number)) for number in range(MESSAGES_MAX)]

        assert taken == [True] * (MESSAGES_MAX - 1) + [False]
        while len(inbox) > RESUME_AT + BATCH_MAX:
            await inbox.take(1)
        assert resumed == []
        await inbox.take(1)
        assert resumed == [RESUME_AT]
        await inbox.take(1)
        assert len(resumed) == 1

    live(story())


def test_nothing_to_do_is_told_when_the_time_has_passed() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()

        assert await Inbox(lambda: None).take(1.5) == []
        assert loop.time() - since == 1.5
        assert await Inbox(lambda: None).take(0) == []

    live(story())


def test_what_arrives_is_handed_out_at_once() -> None:
    async def story() -> None:
        inbox = Inbox(lambda: None)
        loop = asyncio.get_running_loop()
        loop.call_later(0.25, inbox.put_message, message(1))

        assert await inbox.take(60) == [message(1)]
        assert loop.time() == 0.25
        loop.call_later(0.25, inbox.wake)
        assert await inbox.take(60) == []
        assert loop.time() == 0.5

    live(story())


def test_submitted_inputs_stay_together() -> None:
    async def story() -> None:
        inbox = Inbox(lambda: None)
        stored = inbox.submit([BrokerConnected(), BrokerConnected()])
        [submitted] = await inbox.take(1)

        assert isinstance(submitted, Submitted)
        assert len(submitted.inputs) == 2
        assert submitted.stored is stored
        assert not stored.done()
        stored.cancel()

    live(story())
