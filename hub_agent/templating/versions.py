"""Versions that compare as versions: `version("2024.10") > "2024.9"`."""

import re
from functools import total_ordering
from typing import Any

from hub_agent.templating.bounds import TooLarge

VERSION_CHARS_MAX = 100

# What stands behind the numbers, from the earliest to the release itself.
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3}
_RELEASED = 4


@total_ordering
class Version:
    __slots__ = ("_order", "_text")

    def __init__(self, text: str) -> None:
        if len(text) > VERSION_CHARS_MAX:
            raise TooLarge(f"a version may have at most {VERSION_CHARS_MAX} characters")
        self._text = text
        self._order = _order_of(text)

    @property
    def major(self) -> int:
        return self._section(0)

    @property
    def minor(self) -> int:
        return self._section(1)

    @property
    def patch(self) -> int:
        return self._section(2)

    def _section(self, index: int) -> int:
        numbers = self._order[0]
        return numbers[index] if index < len(numbers) else 0

    def __eq__(self, other: object) -> bool:
        return self._order == _order_of(str(other))

    def __lt__(self, other: object) -> bool:
        return self._order < _order_of(str(other))

    def __hash__(self) -> int:
        return hash(self._order)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def version(value: Any) -> Version:
    return Version(str(value))


def _order_of(text: str) -> tuple[tuple[int, ...], int, int]:
    match = re.match(
        r"\s*v?(\d{1,18}(?:\.\d{1,18})*)[.\-_]?(?:(dev|alpha|beta|rc|a|b)[.\-]?(\d{0,18}))?",
        text[:VERSION_CHARS_MAX],
        re.IGNORECASE,
    )
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a version")
    numbers = [int(each) for each in match[1].split(".")]
    while numbers and numbers[-1] == 0:  # 1.0 is 1
        numbers.pop()
    stage = _STAGES[match[2].lower()] if match[2] else _RELEASED
    return tuple(numbers), stage, int(match[3] or 0)
