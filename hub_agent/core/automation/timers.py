"""Points in time that something waits for. Setting, cancelling and taking the next one cost O(log n) at most."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TypeAlias

Wake: TypeAlias = Callable[[datetime], None]


@dataclass(slots=True)
class Timer:
    """`is_elapsed`: it counts elapsed time, and moves when the clock is set; otherwise it follows the wall clock."""

    at: datetime
    wake: Wake = field(repr=False)
    is_elapsed: bool = True
    is_cancelled: bool = False


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Timer]] = []
        self._order = count()
        self._cancelled = 0

    def set(self, at: datetime, wake: Wake, *, is_elapsed: bool = True) -> Timer:
        timer = Timer(at, wake, is_elapsed)
        heappush(self._heap, (at, next(self._order), timer))
        return timer

    def cancel(self, timer: Timer) -> None:
        if timer.is_cancelled:
            return
        timer.is_cancelled = True
        self._cancelled += 1
        # So that what is cancelled long before it is due does not pile up.
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if not entry[2].is_cancelled]
            heapify(self._heap)
            self._cancelled = 0

    def next_at(self) -> datetime | None:
        while self._heap and self._heap[0][2].is_cancelled:
            heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: datetime) -> Timer | None:
        at = self.next_at()
        if at is None or at > now:
            return None
        timer = heappop(self._heap)[2]
        # Taken timers count as cancelled already, so that cancelling them again changes nothing.
        timer.is_cancelled = True
        return timer

    def shift(self, by: timedelta) -> None:
        """The clock was set: what counts elapsed time is due that much later (or earlier) on the new clock."""
        for _, _, timer in self._heap:
            if timer.is_elapsed:
                timer.at += by
        self._heap = [(timer.at, order, timer) for _, order, timer in self._heap if not timer.is_cancelled]
        heapify(self._heap)
        self._cancelled = 0
