"""Calls that are answered outside: the web is asked, a program is run. At most once, bounded, and never in the way of the home."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from hub_agent.errors import OperatingError
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.inputs import Input
from hub_agent.ports import Errand

log = logging.getLogger(__name__)

UNDER_WAY_MAX = 8
# More than these fail at once: a rule that calls faster than the world answers is told so.
WAITING_MAX = 100


class Errands:
    """`run` lives in the supervisor. What was under way when the agent stopped is not done again: its run is told that it was cut off."""

    def __init__(self, errand_by_action: Mapping[str, Errand], feed_back: Callable[[Input], None]) -> None:
        self._errand_by_action = errand_by_action
        self._feed_back = feed_back
        self._waiting: asyncio.Queue[Call] = asyncio.Queue(WAITING_MAX)
        self._failing: set[str] = set()

    def add(self, action: str, errand: Errand) -> None:
        """Another one, before `run`."""
        self._errand_by_action = {**self._errand_by_action, action: errand}

    def take(self, call: Call) -> bool:
        """False: nobody does such a thing. Otherwise a CallAnswered comes back."""
        if call.action not in self._errand_by_action:
            return False
        try:
            self._waiting.put_nowait(call)
        except asyncio.QueueFull:
            error = f"{WAITING_MAX} calls of the outside wait already; {call.action} was not done"
            self._feed_back(CallAnswered(call.id, error=error))
        return True

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(UNDER_WAY_MAX):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            call = await self._waiting.get()
            self._feed_back(await self._do(call))

    async def _do(self, call: Call) -> CallAnswered:
        try:
            done = await self._errand_by_action[call.action].run(call.data, wants_response=call.wants_response)
        except OperatingError as err:
            self._note(call.action, str(err))
            return CallAnswered(call.id, error=f"{call.action}: {err}")
        except Exception as err:
            log.exception("%s failed", call.action)
            return CallAnswered(call.id, error=f"{call.action} failed: {type(err).__name__}")
        self._note(call.action, done.complaint)
        return CallAnswered(call.id, response=done.response)

    def _note(self, action: str, complaint: str | None) -> None:
        """The first failure is a warning, repeats are not, an end of them is told."""
        if complaint is not None:
            log.log(logging.DEBUG if action in self._failing else logging.WARNING, "%s: %s", action, complaint)
            self._failing.add(action)
        elif action in self._failing:
            self._failing.discard(action)
            log.info("%s: it is done again", action)
