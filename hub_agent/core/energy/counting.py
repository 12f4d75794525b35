"""What a counter has counted since it was last read, and what a measured power comes to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# A counter that falls below this share of itself has begun anew; one that falls less was put right.
_BEGAN_ANEW: Final = 0.9
_NET_BEGAN_ANEW: Final = 0.1
# No home draws more: what a counter says beyond it is a mistake of the counter.
_W_MAX: Final = 100_000.0
# Some count in whole kWh.
_STEP_WH: Final = 1_001.0


@dataclass(slots=True)
class Reading:
    """What was last read: Wh of a counter, W of a power."""

    value: float
    at: datetime


def counted(before: Reading, value: float, at: datetime, *, is_net: bool) -> float:
    """Wh since then. Less than nothing only of a net counter."""
    risen = value - before.value
    if risen < 0:
        if is_net and value >= before.value * _NET_BEGAN_ANEW:
            return max(risen, -_possible(before.at, at))
        is_anew = value >= 0 and value < before.value * (_NET_BEGAN_ANEW if is_net else _BEGAN_ANEW)
        risen = value if is_anew else 0.0
    return risen if risen <= _possible(before.at, at) else 0.0


def drawn(before: Reading, at: datetime) -> float:
    """Wh, where the power has stayed as it was."""
    hours = max(0.0, (at - before.at).total_seconds() / 3600)
    return max(-_W_MAX, min(before.value, _W_MAX)) * hours


def _possible(since: datetime, until: datetime) -> float:
    return _STEP_WH + _W_MAX * max(0.0, (until - since).total_seconds() / 3600)
