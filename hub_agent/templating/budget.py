"""What one rendering may cost. A tick is about a microsecond on a small computer."""

from collections.abc import Sized
from typing import Any, Final

from hub_agent.templating.bounds import TooLarge

TICKS_MAX: Final = 150_000
OUTPUT_CHARS_MAX: Final = 65_536

_CHARS_A_TICK = 256
_PARTS_A_TICK = 4
# A pattern may look at each pair of characters.
_PAIRS_A_TICK = 2_000


class Budget:
    __slots__ = ("chars_left", "ticks_left")

    def __init__(self) -> None:
        self.ticks_left = TICKS_MAX
        self.chars_left = OUTPUT_CHARS_MAX

    def spend(self, ticks: int = 1) -> None:
        self.ticks_left -= ticks
        if self.ticks_left < 0:
            raise TooLarge("it takes too many steps")

    def write(self, chars: int) -> None:
        self.chars_left -= chars
        if self.chars_left < 0:
            raise TooLarge(f"it gives more than {OUTPUT_CHARS_MAX} characters")


def ticks_for(value: Any) -> int:
    """What it costs to look at all of a value once."""
    if isinstance(value, str | bytes):
        return 1 + len(value) // _CHARS_A_TICK
    if isinstance(value, list | tuple | dict | set | frozenset | range) and isinstance(value, Sized):
        return 1 + len(value) // _PARTS_A_TICK
    return 1


def ticks_for_pattern(value: Any) -> int:
    return 1 + len(value) ** 2 // _PAIRS_A_TICK if isinstance(value, str) else ticks_for(value)
