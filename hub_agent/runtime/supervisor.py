"""Keeps the tasks alive: what fails or hangs is started again with a growing wait; what must not fail ends the agent.

What it cannot mend itself (a task that is gone, one that does not let itself be ended, a vital one that hangs) it tells the watchdog:
then systemd starts the agent afresh.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from hub_agent.errors import OperatingError
from hub_agent.ports import Clock
from hub_agent.runtime.pulse import Pulse

log = logging.getLogger(__name__)

BACKOFF_S_MIN = 1.0
BACKOFF_S_MAX = 60.0

# A task that ran this long before it failed starts again without a wait.
STEADY_S = 300.0

# How often it is looked whether tasks come round.
LOOK_S = 5.0
# A task that is told to end has this long for it.
ENDS_S_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Task:
    """`run` goes on until cancelled. One that `is_vital` ends the agent when it fails: systemd starts it afresh from the mirror.

    `pulse`: it comes round at least each `silent_s_max`, and says so there; None: waiting is all that it does for most of its life.
    """

    name: str
    run: Callable[[], Coroutine[None, None, None]]
    is_vital: bool = False
    pulse: Pulse | None = None
    silent_s_max: float = 300.0


class Supervisor:
    def __init__(self, clock: Clock, failed: Callable[[str], None] = lambda _: None) -> None:
        """`failed` is told the name of each task that failed by our own fault."""
        self._clock = clock
        self._failed = failed
        self._kept: dict[str, asyncio.Task[None]] = {}
        self._hanging: dict[str, str] = {}

    async def keep(self, tasks: list[Task]) -> None:
        """Until cancelled, or until a vital task fails."""
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                keeping = self._vital(task) if task.is_vital else self._restart(task)
                self._kept[task.name] = group.create_task(keeping, name=task.name)

    def ailing(self) -> str | None:
        """What is wrong with the tasks and cannot be mended here, in words."""
        gone = next((name for name, kept in self._kept.items() if kept.done()), None)
        if gone is not None:
            return f"the task {gone} is gone"
        return next(iter(self._hanging.values()), None)

    async def _vital(self, task: Task) -> None:
        try:
            await self._run(task)
        except Exception as err:
            if not isinstance(err, OperatingError):
                self._failed(task.name)
            raise
        # The agent stops: it has done its work.
        self._kept.pop(task.name, None)

    async def _restart(self, task: Task) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            started_s = self._clock.now().monotonic_s
            try:
                await self._run(task)
            except OperatingError as err:
                log.error("%s: %s", task.name, err)  # noqa: TRY400 the world's fault: its words are enough
            except Exception:
                log.exception("%s failed; it is started again in %.0f s", task.name, backoff_s)
            if self._clock.now().monotonic_s - started_s > STEADY_S:
                backoff_s = BACKOFF_S_MIN
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    @staticmethod
    async def _uncancelled(task: Task) -> None:
        """A cancellation that nobody asked for, from something that it awaited, would end it without a word."""
        try:
            await task.run()
        except asyncio.CancelledError as err:
            us = asyncio.current_task()
            if us is None or us.cancelling():
                raise
            raise RuntimeError(f"{task.name} awaited something that was cancelled") from err

    async def _run(self, task: Task) -> None:
        """As long as it comes round. One that is vital is left as it is, for the watchdog to tell."""
        if task.pulse is None:
            await self._uncancelled(task)
            return
        task.pulse.rest()
        running = asyncio.ensure_future(self._uncancelled(task))
        try:
            while not running.done():
                await asyncio.wait({running}, timeout=LOOK_S)
                self._look(task, task.pulse, running)
                if task.name in self._hanging and not task.is_vital:
                    log.error("%s; it is begun again", self._hanging[task.name])
                    return
            running.result()
        finally:
            await self._end(task, running)

    def _look(self, task: Task, pulse: Pulse, running: "asyncio.Future[None]") -> None:
        strand = None if running.done() else pulse.silent_strand(task.silent_s_max)
        if strand is None:
            self._hanging.pop(task.name, None)
        else:
            self._hanging[task.name] = (
                f"the task {task.name} hangs: {strand} has not come round for {task.silent_s_max:.0f} s"
            )

    async def _end(self, task: Task, running: "asyncio.Future[None]") -> None:
        running.cancel()
        ended, _ = await asyncio.wait({running}, timeout=ENDS_S_MAX)
        if not ended:
            # Two of it would be worse than none.
            self._hanging[task.name] = f"the task {task.name} hangs, and does not let itself be ended"
            await asyncio.wait({running})
        self._hanging.pop(task.name, None)
