"""How often a stranger may try: a bucket of tries per address, refilled evenly."""

import time
from collections import OrderedDict
from collections.abc import Callable

ADDRESSES_MAX = 10_000  # the one longest unseen is forgotten


class Rate:
    """`burst` tries at once, then `per_minute`."""

    def __init__(self, burst: int, per_minute: float, now: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._per_s = per_minute / 60
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """0 when one may; else the seconds after which one may try again."""
        now = self._now()
        left, since = self._buckets.pop(address, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._per_s)
        may = left >= 1
        self._buckets[address] = (left - 1 if may else left, now)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return 0.0 if may else (1 - left) / self._per_s
