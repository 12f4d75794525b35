"""What functions that look at the home need as well: without Jinja, which is loaded with the first template that needs it."""

import random
import re
from collections.abc import Iterable
from datetime import time, timedelta
from typing import Any, Final

_UNITS: Final = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?")


def parse_clock(text: Any) -> time | None:
    """`7:30`, `07:30:15`."""
    match = _CLOCK.fullmatch(str(text).strip())
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    try:
        return time(hour, minute, second, int((match[4] or "").ljust(6, "0")))
    except ValueError:
        return None


def in_words(length: timedelta, precision: int = 1) -> str:
    """In the largest units it has, as many as asked for, the last one rounded: `2 hours`, `1 day 3 hours`. 0 asks for all."""
    left = round(abs(length.total_seconds()))
    words: list[str] = []
    for name, size in _UNITS:
        if left < size:
            continue
        is_last = len(words) + 1 == precision
        count = round(left / size) if is_last else left // size
        words.append(f"{count} {name}{'' if count == 1 else 's'}")
        if is_last:
            break
        left -= count * size
    return " ".join(words) or "0 seconds"


def shuffled(items: Iterable[Any], seed: Any) -> list[Any]:
    """In an order that the seed alone decides."""
    parts = list(items)
    random.Random(seed if isinstance(seed, int | float | str) else str(seed)).shuffle(parts)
    return parts
