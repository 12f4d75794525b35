"""How much goes up at a time and how often: a limit of bandwidth, and connections that are paid for by the byte.

With a limit every request has to be paid for before the next one: its bytes at the limit's rate. Envelopes are then small, so
that the present and the critical, which come first in each, never wait long behind the bulk.

On a metered connection the critical goes as always, everything else in company: states once an hour, measurements once a day,
the present every quarter of an hour; the cloud is asked for news every five minutes, in the place of listening, and hub and cloud
are compared once a week. What goes is whole: only for lack of disk is anything thinned.
"""

from datetime import datetime, timedelta
from typing import Protocol

from hub_agent.core.sync.envelope import BYTES_MAX, BYTES_MIN, Allowance
from hub_agent.core.sync.position import Reached
from hub_agent.model.record import STREAMS, Priority

# What an envelope may hold is what the limit lets through in so long, once it is compressed to about an eighth.
ENVELOPE_S = 4.0
COMPRESSED_TO = 8

METERED_EVERY = {
    Priority.CRITICAL: timedelta(0),
    Priority.NORMAL: timedelta(hours=1),
    Priority.BULK: timedelta(days=1),
}


class Position(Reached, Protocol):
    @property
    def acknowledged_at(self) -> datetime | None: ...


class Flow:
    def __init__(self, *, kbit_s: float | None = None, is_metered: bool = False) -> None:
        self.kbit_s = kbit_s
        self.is_metered = is_metered
        self._bytes_s = kbit_s * 125 if kbit_s else None
        self._unpaid = 0
        self._paid_at_s = self._asked_at_s = float("-inf")
        # Up to which number a stream goes once its turn has come.
        self._draining: dict[str, int] = {}

    # A limit of bandwidth.

    def spent(self, size: int) -> None:
        """So many bytes were sent."""
        self._unpaid += size

    def free_in_s(self, now_s: float) -> float:
        """When the next request may go, after what was sent so far."""
        if self._bytes_s is None:
            return 0.0
        # It was sent since the last time that somebody asked.
        self._paid_at_s = max(self._paid_at_s, self._asked_at_s) + self._unpaid / self._bytes_s
        self._unpaid, self._asked_at_s = 0, now_s
        return max(0.0, self._paid_at_s - now_s)

    def within(self, allowance: Allowance) -> Allowance:
        if self._bytes_s is None:
            return allowance
        most = max(BYTES_MIN, min(BYTES_MAX, int(self._bytes_s * ENVELOPE_S * COMPRESSED_TO)))
        return Allowance(allowance.rows, min(allowance.bytes, most))

    # A metered connection.

    @property
    def present_s(self) -> float:
        """The present goes along at most this often."""
        return 300.0 if self.is_metered else 10.0

    @property
    def present_alone_s(self) -> float:
        """Without anything else to say, the hub speaks this often."""
        return 900.0 if self.is_metered else 60.0

    @property
    def listen_s(self) -> int:
        """How long the cloud may hold a question for news."""
        return 0 if self.is_metered else 25

    @property
    def compare_every_days(self) -> int:
        """How often hub and cloud are compared by themselves."""
        return 7 if self.is_metered else 1

    @property
    def poll_s(self) -> float:
        """How often news are asked for where the cloud does not hold the question."""
        return 300.0 if self.is_metered else 15.0

    def wants(self, position: Position, now: datetime) -> bool:
        """Whether the records of this stream may go now; once it has begun, all that waited then goes."""
        if not self.is_metered or position.acknowledged < self._draining.get(position.stream, 0):
            return True
        last = position.acknowledged_at
        declared = STREAMS.get(position.stream)
        every = METERED_EVERY[declared.priority if declared else Priority.BULK]
        # A clock that was set back makes nothing wait longer.
        if last is not None and last <= now < last + every:
            return False
        self._draining[position.stream] = position.last
        return True

    def in_words(self) -> str | None:
        """What holds records back, for people."""
        parts = []
        if self.is_metered:
            parts.append("Metered: states are sent once an hour, measurements once a day.")
        if self.kbit_s:
            parts.append(f"At most {self.kbit_s:g} kbit/s are sent.")
        return " ".join(parts) or None
