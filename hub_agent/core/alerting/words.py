"""What alerts say."""

from collections.abc import Sequence
from datetime import timedelta

NAMED_MAX = 5


def lasted(length: timedelta) -> str:
    """ "35 minutes": one unit, as people say it."""
    seconds = max(0.0, length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size * 1.5 or (unit == "minute" and seconds >= size):
            return _counted(round(seconds / size), unit)
    return _counted(max(1, round(seconds)), "second")


def some_of(names: Sequence[str]) -> str:
    """ "A; B; C and 12 others"."""
    named = "; ".join(names[:NAMED_MAX])
    others = len(names) - NAMED_MAX
    return named if others <= 0 else f"{named} and {_counted(others, 'other')}"


def number(value: float) -> str:
    return f"{value:.6g}"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'s' if count != 1 else ''}"
