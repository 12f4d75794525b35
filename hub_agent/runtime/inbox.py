"""What waits to be handled: bounded, in lanes. When a lane is full whoever fills it is left unread, so that nothing is dropped here.

Each turn takes something of every lane: most of what devices say and the agent tells itself, a little of what announces itself (it costs most
and can wait longest), and a share for each dialect with links. So nobody who floods holds up the others, and nobody waits for ever.
Within a lane the order of arrival is kept, and with it within each topic and each link.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hub_agent.model.inputs import Input
from hub_agent.model.link import Frame, LinkChanged, Service, ServiceGone
from hub_agent.model.report import MqttMessage

MESSAGES_MAX = 10_000
RESUME_AT = MESSAGES_MAX // 2
BATCH_MAX = 500
# Of what announces itself: one to two milliseconds' work.
ANNOUNCEMENTS_A_TURN = 4
FRAMES_A_TURN = 25
# Of one dialect with links; more is left unread in its process.
FRAMES_MAX = 2_000


# What a driver makes sense of.
Heard: TypeAlias = MqttMessage | Frame | Service | ServiceGone


@dataclass(frozen=True, slots=True)
class Submitted:
    """Inputs from a door or the uplink; `stored` is set when what came of them is committed."""

    inputs: Sequence[Input]
    stored: "asyncio.Future[None]"


Waiting: TypeAlias = Heard | Submitted | Input


@dataclass(slots=True)
class _Lane:
    a_turn: int
    room: int
    waiting: deque[Waiting] = field(default_factory=deque)
    is_paused: bool = False

    def put(self, each: Waiting) -> bool:
        self.waiting.append(each)
        self.is_paused = len(self.waiting) >= self.room
        return not self.is_paused

    def take(self) -> Iterator[Waiting]:
        for _ in range(min(self.a_turn, len(self.waiting))):
            yield self.waiting.popleft()

    def may_resume(self) -> bool:
        """Once, when half of it is worked off."""
        if not self.is_paused or len(self.waiting) > self.room // 2:
            return False
        self.is_paused = False
        return True


class Inbox:
    def __init__(
        self,
        resume: Callable[[], None],
        is_announcement: Callable[[str], bool] = lambda _: False,
        is_understood: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`is_announcement`: whether devices announce themselves at this topic. `is_understood`: whether somebody already makes sense of it."""
        self._resume = resume
        self._is_announcement = is_announcement
        self._is_understood = is_understood
        self._main = _Lane(BATCH_MAX, MESSAGES_MAX)
        self._announcements = _Lane(ANNOUNCEMENTS_A_TURN, MESSAGES_MAX)
        # One for each dialect that has said something, so as many as there are dialects.
        self._links: dict[str, _Lane] = {}
        # Topics that wait among the announcements for one of them to explain them.
        self._unexplained: Counter[str] = Counter()
        self._wakeup: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes())

    def put_message(self, message: Heard | Input) -> bool:
        """Takes it in any case; False says that it was the last one for now."""
        is_welcome = self._lane_of(message).put(message)
        self.wake()
        return is_welcome

    def put(self, happened: Input) -> None:
        """What the agent tells itself: a command was sent, the broker was lost. As bounded as its causes are."""
        self._main.waiting.append(happened)
        self.wake()

    def submit(self, inputs: Sequence[Input]) -> "asyncio.Future[None]":
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._main.waiting.append(Submitted(inputs, stored))
        self.wake()
        return stored

    async def take(self, timeout_s: float) -> list[Waiting]:
        """The next batch; empty when `timeout_s` has passed."""
        if not len(self):
            await self._wait(timeout_s)
        else:
            # What has come in meanwhile may be more urgent than what is still here.
            await asyncio.sleep(0)
        batch: list[Waiting] = []
        for lane in self._lanes():
            batch += lane.take()
        if self._unexplained:
            self._note_taken(batch)
        resumed = [lane for lane in self._lanes() if lane.may_resume()]
        if resumed:
            self._resume()
        return batch

    def _lanes(self) -> tuple[_Lane, ...]:
        return (self._main, *self._links.values(), self._announcements)

    def _lane_of(self, message: Heard | Input) -> _Lane:
        if isinstance(message, MqttMessage):
            return self._lane_of_topic(message.topic)
        if isinstance(message, Frame | LinkChanged):
            lane = self._links.get(message.dialect)
            if lane is None:
                lane = self._links[message.dialect] = _Lane(FRAMES_A_TURN, FRAMES_MAX)
            return lane
        return self._announcements if isinstance(message, Service | ServiceGone) else self._main

    def _lane_of_topic(self, topic: str) -> _Lane:
        """What nobody understands yet waits behind the announcement that may explain it, and what comes at the same topic behind that."""
        if self._is_announcement(topic):
            return self._announcements
        if not self._announcements.waiting:
            return self._main
        if topic not in self._unexplained and self._is_understood(topic):
            return self._main
        self._unexplained[topic] += 1
        return self._announcements

    def _note_taken(self, batch: Sequence[Waiting]) -> None:
        for each in batch:
            if isinstance(each, MqttMessage) and each.topic in self._unexplained:
                self._unexplained[each.topic] -= 1
                if not self._unexplained[each.topic]:
                    del self._unexplained[each.topic]

    async def _wait(self, timeout_s: float) -> None:
        if timeout_s <= 0:
            return
        loop = asyncio.get_running_loop()
        self._wakeup = loop.create_future()
        alarm = loop.call_later(timeout_s, self.wake)
        try:
            await self._wakeup
        finally:
            self._wakeup = None
            alarm.cancel()

    def wake(self) -> None:
        """`take` answers at once, be it with nothing."""
        if self._wakeup is not None:
            with contextlib.suppress(asyncio.InvalidStateError):
                self._wakeup.set_result(None)
