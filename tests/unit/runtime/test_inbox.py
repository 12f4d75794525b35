"""What waits to be handled: bounded, in order, and soon."""

import asyncio

from hub_agent.model.inputs import BrokerConnected
from hub_agent.model.link import Frame
from hub_agent.model.report import MqttMessage
from hub_agent.runtime.inbox import (
    ANNOUNCEMENTS_A_TURN,
    BATCH_MAX,
    FRAMES_MAX,
    MESSAGES_MAX,
    RESUME_AT,
    Inbox,
    Submitted,
)
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


def test_what_nobody_understands_yet_waits_for_the_announcements_before_it() -> None:
    async def story() -> None:
        inbox = Inbox(lambda: None, lambda topic: topic.startswith("announced/"), lambda topic: topic == "known")
        for number in range(ANNOUNCEMENTS_A_TURN):
            inbox.put_message(MqttMessage(f"announced/{number}", b""))
        inbox.put_message(MqttMessage("new/state", b"1"))
        inbox.put_message(MqttMessage("known", b""))
        first, second = await inbox.take(0), await inbox.take(0)

        assert [each.topic for each in first] == ["known", *(f"announced/{n}" for n in range(ANNOUNCEMENTS_A_TURN))]
        assert [each.topic for each in second] == ["new/state"]
        inbox.put_message(MqttMessage("new/state", b"2"))
        inbox.put_message(MqttMessage("known", b""))
        assert [each.topic for each in await inbox.take(0)] == ["new/state", "known"]

    live(story())


def test_what_comes_at_a_topic_stays_behind_what_waits_there_though_it_is_understood_meanwhile() -> None:
    async def story() -> None:
        understood: set[str] = set()
        inbox = Inbox(lambda: None, lambda topic: topic == "announced", lambda topic: topic in understood)
        for _ in range(2 * ANNOUNCEMENTS_A_TURN):
            inbox.put_message(MqttMessage("announced", b""))
        inbox.put_message(MqttMessage("lamp", b"first"))
        understood.add("lamp")
        inbox.put_message(MqttMessage("lamp", b"second"))
        handed_out = [each for _ in range(4) for each in await inbox.take(1)]
        assert [each.payload for each in handed_out if each.topic == "lamp"] == [b"first", b"second"]

    live(story())


def test_a_dialect_that_floods_is_left_unread_and_the_broker_is_not() -> None:
    async def story() -> None:
        resumed: list[int] = []
        inbox = Inbox(lambda: resumed.append(len(inbox)))
        taken = [inbox.put_message(Frame("hue", "bridge", "state", number)) for number in range(FRAMES_MAX)]

        assert taken == [True] * (FRAMES_MAX - 1) + [False]
        assert inbox.put_message(message(1))
        assert inbox.put_message(Frame("zwave", "controller", "state", 1))
        while not resumed:
            await inbox.take(0)
        assert resumed == [FRAMES_MAX // 2]

    live(story())


def test_others_get_a_word_in_while_much_is_waiting() -> None:
    async def story() -> None:
        inbox = Inbox(lambda: None, lambda topic: topic.startswith("announced/"))
        for number in range(3 * ANNOUNCEMENTS_A_TURN):
            inbox.put_message(MqttMessage(f"announced/{number}", b""))
        asyncio.get_running_loop().call_soon(inbox.put_message, message(1))

        assert (await inbox.take(0))[0] == message(1)

    live(story())
