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
# Of these the share of one caller: one body as large as they may be, as sent and unpacked, and a little.
BYTES_OF_ONE_MAX = 21 * 1024 * 1024
RETRY_S_MIN, RETRY_S_MAX = 3, 120
SPAN_S = 10.0
# Taken for served when a rush begins, of whose pace nothing is known yet; as time goes by, what is really served takes its place.
SERVED_AT_FIRST = 500.0


class Admission:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.bytes = 0
        self._calls: Counter[str] = Counter()
        self.bytes_of: Counter[str] = Counter()
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
            load.give_back()

    @contextmanager
    def calling(self, hub_id: str | None) -> Iterator[None]:
        """A call to the database. Raises Refused when the hub has too many under way."""
        if hub_id is None:
            yield
            return
        if self._calls[hub_id] >= CALLS_OF_A_HUB_MAX:
            raise too_many(f"This hub has {CALLS_OF_A_HUB_MAX} calls under way.")
        self._calls[hub_id] += 1
        try:
            yield
        finally:
            self._calls[hub_id] -= 1
            if not self._calls[hub_id]:
                del self._calls[hub_id]

    def busy(self) -> Refused:
        """Hubs that are sent away come back over as long as it takes to serve them all at the present pace."""
        if self._refused.count() < 1:
            self._served.raise_to(SERVED_AT_FIRST)
        self._refused.add()
        spread_s = SPAN_S * self._refused.count() / max(self._served.count(), 1.0)
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
        self._caller = ""
        self.bytes = 0
        self.received = 0

    def belongs_to(self, caller: str) -> None:
        """Said before anything is added: whose share it is taken from."""
        self._caller = caller

    def add(self, count: int) -> None:
        """Raises Refused when there is no room for them."""
        admission = self._admission
        if admission.bytes_of[self._caller] + count > BYTES_OF_ONE_MAX:
            raise too_many("This caller has as much under way as one may.")
        if admission.bytes + count > BYTES_AT_ONCE_MAX:
            raise admission.busy()
        admission.bytes += count
        admission.bytes_of[self._caller] += count
        self.bytes += count

    def give_back(self) -> None:
        admission = self._admission
        admission.bytes -= self.bytes
        admission.bytes_of[self._caller] -= self.bytes
        if not admission.bytes_of[self._caller]:
            del admission.bytes_of[self._caller]


def too_many(message: str) -> Refused:
    return Refused(
        429,
        "PT429",
        message,
        "too_many_calls",
        hint="Wait for the answers to those before.",
        retry_after_s=random.randint(*RETRY_AFTER_S),
    )


class Lately:
    """How many there were in the last SPAN_S or so: what is older fades."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._count = 0.0
        self._at_s = now()

    def add(self) -> None:
        self._count = self.count() + 1

    def raise_to(self, count: float) -> None:
        self._count = max(self.count(), count)

    def count(self) -> float:
        now = self._now()
        self._count *= 0.5 ** ((now - self._at_s) / SPAN_S * 2)
        self._at_s = now
        return self._count
