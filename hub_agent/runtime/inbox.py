"""What waits to be handled: bounded. When it is full the broker's socket is left unread, so that nothing is dropped here."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hub_agent.model.inputs import Input
from hub_agent.model.link import Frame, Service, ServiceGone
from hub_agent.model.report import MqttMessage

MESSAGES_MAX = 10_000
RESUME_AT = MESSAGES_MAX // 2
BATCH_MAX = 500


# What a driver makes sense of.
Heard: TypeAlias = MqttMessage | Frame | Service | ServiceGone


@dataclass(frozen=True, slots=True)
class Submitted:
    """Inputs from a door or the uplink; `stored` is set when what came of them is committed."""

    inputs: Sequence[Input]
    stored: "asyncio.Future[None]"


class Inbox:
    def __init__(self, resume: Callable[[], None]) -> None:
        self._resume = resume
        self._waiting: deque[Heard | Submitted | Input] = deque()
        self._wakeup: asyncio.Future[None] | None = None
        self._is_paused = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put_message(self, message: Heard | Input) -> bool:
        """Takes it in any case; False says that it was the last one for now."""
        self._waiting.append(message)
        self.wake()
        self._is_paused = len(self._waiting) >= MESSAGES_MAX
        return not self._is_paused

    def put(self, happened: Input) -> None:
        """What the agent tells itself: a command was sent, the broker was lost. As bounded as its causes are."""
        self._waiting.append(happened)
        self.wake()

    def submit(self, inputs: Sequence[Input]) -> "asyncio.Future[None]":
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Submitted(inputs, stored))
        self.wake()
        return stored

    async def take(self, timeout_s: float) -> list[Heard | Submitted | Input]:
        """The next batch, in order of arrival; empty when `timeout_s` has passed."""
        if not self._waiting:
            await self._wait(timeout_s)
        batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
        if self._is_paused and len(self._waiting) <= RESUME_AT:
            self._is_paused = False
            self._resume()
        return batch

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
