"""Tells systemd that all is well, only while it is: the loop comes round, the mirror answers, no task is gone or hangs.

Whoever keeps it from saying so is named in the log before systemd ends the agent. Where the whole process is blocked, nothing here runs any
more: then a thread of the interpreter's own (faulthandler) writes where each thread is.
"""

import asyncio
import faulthandler
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub_agent.errors import OperatingError
from hub_agent.ports import Clock, Notifier

log = logging.getLogger(__name__)

# The loop must have come round, and the mirror must answer, within this long.
BEAT_S_MAX = 10.0
# With a shorter time of systemd's, as tests have it, within a third of it; an idle loop comes round each two seconds.
BEAT_S_MIN = 3.0
# Part of systemd's time after which a process that is blocked tells where.
BLOCKED_PART = 0.75


@dataclass(frozen=True, slots=True)
class Signs:
    """Of life. `loop_beaten_at_s`: when it last came round. `mirror_answers`: returns once the mirror has done a write. `ailing`: a task."""

    loop_beaten_at_s: Callable[[], float]
    mirror_answers: Callable[[], Awaitable[None]]
    ailing: Callable[[], str | None]


class Watchdog:
    """`watchdog_s`: systemd's patience."""

    def __init__(self, notifier: Notifier, clock: Clock, signs: Signs, watchdog_s: float) -> None:
        self._notifier = notifier
        self._clock = clock
        self._signs = signs
        self._every_s = watchdog_s / 2
        self._blocked_s = watchdog_s * BLOCKED_PART
        self._beat_s_max = min(BEAT_S_MAX, max(BEAT_S_MIN, watchdog_s / 3))
        self._asked: asyncio.Future[None] | None = None
        self._told: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                faulthandler.dump_traceback_later(self._blocked_s)
                culprit = await self.culprit()
                if culprit is None:
                    self._notifier.alive()
                self._tell(culprit)
                faulthandler.dump_traceback_later(self._blocked_s)
                await asyncio.sleep(self._every_s)
        finally:
            faulthandler.cancel_dump_traceback_later()
            if self._asked is not None:
                self._asked.cancel()

    async def culprit(self) -> str | None:
        """Who keeps the agent from being well, in words."""
        # The mirror first: where it hangs, the loop does too, because it waits for it.
        return await self._mirror() or self._loop() or self._signs.ailing()

    def _loop(self) -> str | None:
        silent_s = self._clock.now().monotonic_s - self._signs.loop_beaten_at_s()
        return None if silent_s <= self._beat_s_max else f"the loop has not come round for {silent_s:.0f} s"

    async def _mirror(self) -> str | None:
        """One question at a time: those to a mirror that hangs would pile up."""
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._ask())
        done, _ = await asyncio.wait({self._asked}, timeout=self._beat_s_max)
        if not done:
            return f"the mirror has not answered for {self._beat_s_max:.0f} s"
        self._asked = None
        return None

    async def _ask(self) -> None:
        try:
            await self._signs.mirror_answers()
        except OperatingError:
            return  # a mirror that cannot be written is told elsewhere, and the home goes on

    def _tell(self, culprit: str | None) -> None:
        if culprit is not None and self._told is None:
            log.error(
                "The watchdog is not told that all is well: %s. systemd starts the agent again, unless that ends soon.",
                culprit,
            )
        elif culprit is None and self._told is not None:
            log.warning("The watchdog is told again that all is well.")
        self._told = culprit
