"""The machine's clocks, and whether the wall clock may be believed."""

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

from hub_agent.adapters.certificates import TimeKnown
from hub_agent.core.sync.told_time import MADE_AT
from hub_agent.ports import Moment

# Linux, adjtimex(2): the state of a clock that nobody synchronises.
_TIME_ERROR = 5
_BUFFER_BYTES = 256

# Trust is asked of the kernel at most this often.
TRUST_CHECK_S = 10.0


class SystemClock:
    """Fills ports.Clock. The wall clock is trusted when the kernel says it is synchronised, or when the cloud has told the time."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()
        self._told_offset_s: float | None = None
        self._earliest = MADE_AT
        self._is_synchronised = _is_synchronised()
        self._asked_at_s = time.monotonic()

    def now(self) -> Moment:
        monotonic_s = time.monotonic()
        if not self._is_synchronised and monotonic_s - self._asked_at_s > TRUST_CHECK_S:
            self._asked_at_s = monotonic_s
            self._is_synchronised = _is_synchronised()
        offset_s = 0.0 if self._is_synchronised else self._told_offset_s or 0.0
        wall = datetime.fromtimestamp(time.time() + offset_s, UTC)
        is_trusted = self._is_synchronised or self._told_offset_s is not None
        return Moment(wall, monotonic_s, self._boot_id, is_trusted)

    async def confirm(self, behind_s: float) -> None:
        """The cloud's clock is ahead of ours by so much: until the kernel is synchronised, its time is taken."""
        if not self._is_synchronised:
            self._told_offset_s = (self._told_offset_s or 0.0) + behind_s

    def is_later_than(self, at: datetime) -> None:
        """The time was known once, and it was this."""
        self._earliest = max(self._earliest, at)

    def time_known(self) -> TimeKnown | None:
        """None: the kernel's clock is synchronised."""
        now = self.now()
        if self._is_synchronised:
            return None
        return TimeKnown(now.wall, now.wall) if now.is_trusted else TimeKnown(self._earliest)


def _read_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _is_synchronised() -> bool:
    """adjtimex(2) with no modes: reads the kernel's clock state without changing it."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_BUFFER_BYTES)))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR
