"""How much is taken in at once. What is beyond is told at once to come back, spread over the time that those before it will take: a queue that
outlives its callers' patience would do all of its work for nobody.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloud_schema.gateway.refusal import RETRY_AFTER_S, Refused

# Of the database's connections no hub takes more: its envelopes wait for one another there, and must not make others wait.
CALLS_OF_A_HUB_MAX = 3
BYTES_AT_ONCE_MAX = 64 * 1024 * 1024  # of bodies, as sent and unpacked
RETRY_S_MIN, RETRY_S_MAX = 3, 120
SPAN_S = 10.0
# What is served in that time when nothing is known yet: the first moments of a rush say nothing about the pace.
SERVED_MIN = 500.0


class Admission:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.bytes = 0
        self._calls: Counter[str] = Counter()
        self._served = Lately(now)
        self._refused = Lately(now)

    @contextmanager
    def carrying(self) -> Iterator["Load"]:
        """What one call holds in memory, given back at its end."""
        load = Load(self)
        try:
            yield load
            self._served.add()
        finally:
            self.bytes -= load.bytes

    @contextmanager
    def calling(self, hub_id: str | None) -> Iterator[None]:
        """A call to the database. Raises Refused when the hub has too many under way."""
        if hub_id is None:
            yield
            return
        if self._calls[hub_id] >= CALLS_OF_A_HUB_MAX:
            raise Refused(
                429,
                "PT429",
                f"This hub has {CALLS_OF_A_HUB_MAX} calls under way.",
                "too_many_calls",
                hint="Wait for the answers to those before.",
                retry_after_s=random.randint(*RETRY_AFTER_S),
            )
        self._calls[hub_id] += 1
        try:
            yield
        finally:
            self._calls[hub_id] -= 1
            if not self._calls[hub_id]:
                del self._calls[hub_id]

    def busy(self) -> Refused:
        """Hubs that are sent away come back over as long as it takes to serve them all at the present pace."""
        self._refused.add()
        spread_s = SPAN_S * self._refused.count() / max(self._served.count(), SERVED_MIN)
        spread_s = min(max(spread_s, RETRY_S_MIN), RETRY_S_MAX)
        return Refused(
            503,
            "PT503",
            "The gateway has as much to do as it can.",
            "gateway_busy",
            hint="Try again later.",
            retry_after_s=random.randint(1, round(spread_s)),
        )


class Load:
    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.bytes = 0
        self.received = 0

    def add(self, count: int) -> None:
        """Raises Refused when there is no room for them."""
        if self._admission.bytes + count > BYTES_AT_ONCE_MAX:
            raise self._admission.busy()
        self._admission.bytes += count
        self.bytes += count


class Lately:
    """How many there were in the last SPAN_S or so: what is older fades."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._count = 0.0
        self._at_s = now()

    def add(self) -> None:
        self._count = self.count() + 1

    def count(self) -> float:
        now = self._now()
        self._count *= 0.5 ** ((now - self._at_s) / SPAN_S * 2)
        self._at_s = now
        return self._count
