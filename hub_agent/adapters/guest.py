"""How a process beside the agent makes itself small: the home comes first."""

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

NICENESS: Final = 5
# When memory is short it is taken before the agent, which is spared by its unit.
_OOM_SCORE: Final = "300"
_PR_SET_PDEATHSIG: Final = 1


def become_a_guest(memory_bytes_max: int) -> int:
    """It ends with the agent; what libraries print goes into the log. Answers where to write. What the service's sandbox forbids it goes without."""
    with suppress(OSError):
        os.nice(NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes_max, memory_bytes_max))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.dup(1)
    os.dup2(2, 1)
    return output
