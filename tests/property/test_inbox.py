"""Whatever comes in whatever order: nothing is lost, nobody waits for ever, and what one says stays in its order."""

import asyncio
from collections import defaultdict

from hypothesis import given, strategies as st

from hub_agent.model.link import Frame, LinkChanged, LinkStatus, Service
from hub_agent.model.report import MqttMessage
from hub_agent.runtime.inbox import ANNOUNCEMENTS_A_TURN, BATCH_MAX, FRAMES_A_TURN, Heard, Inbox, Waiting
from tests.fakes.linked_home import live

TOPICS = ("announced/a", "announced/b", "known/a", "known/b", "later/a", "later/b")
PEERS = (("hue", "a"), ("hue", "b"), ("zwave", "a"))


@st.composite
def happening(draw: st.DrawFn) -> tuple[str, object]:
    """Something arrives, somebody takes a turn, or a topic is understood from now on."""
    return draw(
        st.one_of(
            st.tuples(st.just("message"), st.sampled_from(TOPICS)),
            st.tuples(st.just("frame"), st.sampled_from(PEERS)),
            st.tuples(st.just("link"), st.sampled_from(PEERS)),
            st.tuples(st.just("service"), st.just("mdns")),
            st.tuples(st.just("turn"), st.none()),
            st.tuples(st.just("understood"), st.sampled_from(("later/a", "later/b"))),
        )
    )


def _source(each: Waiting) -> object:
    match each:
        case MqttMessage(topic):
            return topic
        case Frame(dialect, peer) | LinkChanged(dialect, peer):
            return (dialect, peer)
    return "service"


@given(st.lists(happening(), max_size=120))
def test_what_each_says_comes_once_and_in_its_order(story: list[tuple[str, object]]) -> None:
    understood = {"known/a", "known/b"}
    put: dict[object, list[Waiting]] = defaultdict(list)
    taken: dict[object, list[Waiting]] = defaultdict(list)

    async def lived() -> None:
        inbox = Inbox(lambda: None, lambda topic: topic.startswith("announced/"), understood.__contains__)
        for number, (what, who) in enumerate(story):
            if what == "turn":
                for each in await inbox.take(0):
                    taken[_source(each)].append(each)
                continue
            if what == "understood":
                understood.add(str(who))
                continue
            each = _made(what, who, number)
            put[_source(each)].append(each)
            inbox.put_message(each)
        while len(inbox):
            for each in await inbox.take(0):
                taken[_source(each)].append(each)

    live(lived())
    assert taken == put


def _made(what: str, who: object, number: int) -> Heard | LinkChanged:
    if what == "message":
        return MqttMessage(str(who), str(number).encode())
    if what == "service":
        return Service("mdns", "_x._tcp.local.", str(number), ())
    assert isinstance(who, tuple)
    if what == "frame":
        return Frame(who[0], who[1], "state", number)
    return LinkChanged(who[0], who[1], LinkStatus.UP, str(number))


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 1000))
def test_each_turn_takes_a_share_of_everything(announced: int, framed: int, told: int) -> None:
    async def lived() -> None:
        inbox = Inbox(lambda: None, lambda topic: topic.startswith("announced/"))
        for number in range(announced):
            inbox.put_message(MqttMessage(f"announced/{number}", b""))
        for number in range(framed):
            inbox.put_message(Frame("hue", "bridge", "state", number))
        for number in range(told):
            inbox.put_message(MqttMessage(f"lamp/{number}", b""))
        batch = await inbox.take(0)
        kinds = [each.topic.partition("/")[0] if isinstance(each, MqttMessage) else "frame" for each in batch]
        assert kinds.count("announced") == min(announced, ANNOUNCEMENTS_A_TURN)
        assert kinds.count("frame") == min(framed, FRAMES_A_TURN)
        assert kinds.count("lamp") == min(told, BATCH_MAX)

    asyncio.run(lived())
