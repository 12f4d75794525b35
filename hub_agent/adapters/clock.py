"""The machine's clocks, and whether the wall clock may be believed."""

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

from hub_agent.ports import Moment

# Linux, adjtimex(2): the state of a clock that nobody synchronises.
_TIME_ERROR = 5
_BUFFER_BYTES = 256

# Trust is asked of the kernel at most this often.
TRUST_CHECK_S = 10.0


class SystemClock:
    """Fills ports.Clock. The wall clock is trusted when the kernel says it is synchronised, or `confirm` was called."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()
        self._is_confirmed = False
        self._is_trusted = _is_synchronised()
        self._asked_at_s = time.monotonic()

    def now(self) -> Moment:
        monotonic_s = time.monotonic()
        if not self._is_trusted and monotonic_s - self._asked_at_s > TRUST_CHECK_S:
            self._asked_at_s = monotonic_s
            self._is_trusted = self._is_confirmed or _is_synchronised()
        return Moment(datetime.fromtimestamp(time.time(), UTC), monotonic_s, self._boot_id, self._is_trusted)

    def confirm(self) -> None:
        """The cloud's time agrees with ours."""
        self._is_confirmed = self._is_trusted = True


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
