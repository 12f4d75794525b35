"""Keeps the tasks alive: what fails is started again with a growing wait; what must not fail ends the agent."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from hub_agent.errors import OperatingError
from hub_agent.ports import Clock, Notifier

log = logging.getLogger(__name__)

BACKOFF_S_MIN = 1.0
BACKOFF_S_MAX = 60.0

# A task that ran this long before it failed starts again without a wait.
STEADY_S = 300.0

# The loop must have come round within this long for systemd to hear that all is well.
BEAT_S_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Task:
    """`run` goes on until cancelled. One that `is_vital` ends the agent when it fails: systemd starts it afresh from the mirror."""

    name: str
    run: Callable[[], Coroutine[None, None, None]]
    is_vital: bool = False


class Supervisor:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def keep(self, tasks: list[Task]) -> None:
        """Until cancelled, or until a vital task fails."""
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task.run() if task.is_vital else self._restart(task), name=task.name)

    async def _restart(self, task: Task) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            started_s = self._clock.now().monotonic_s
            try:
                await task.run()
            except OperatingError as err:
                log.error("%s: %s", task.name, err)  # noqa: TRY400 the world's fault: its words are enough
            except Exception:
                log.exception("%s failed; it is started again in %.0f s", task.name, backoff_s)
            if self._clock.now().monotonic_s - started_s > STEADY_S:
                backoff_s = BACKOFF_S_MIN
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)


async def feed_watchdog(notifier: Notifier, clock: Clock, beaten_at_s: Callable[[], float], every_s: float) -> None:
    """Tells systemd that all is well as long as the loop comes round."""
    while True:
        if clock.now().monotonic_s - beaten_at_s() <= BEAT_S_MAX:
            notifier.alive()
        await asyncio.sleep(every_s)
