"""How bad it is all together: a number from 0 (nothing found) to 100, a grade, and what they are made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hub_agent.core.security.finding import RANKS

# Up to this score it is this grade.
GRADES: Final = ((0, "A+"), (5, "A"), (15, "B"), (30, "C"), (50, "D"), (100, "F"))
# The same weakness at a second device counts a quarter of the first, and all of them together at most twice.
FURTHER: Final = 0.25
FURTHER_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Grade:
    score: int
    letter: str
    reasons: tuple[str, ...]


def grade_of(found: Iterable[tuple[str, str, str]]) -> Grade:
    """Of each weakness its kind, rank and title."""
    titles: dict[tuple[str, str], list[str]] = {}
    for kind, rank, title in found:
        titles.setdefault((kind, rank), []).append(title)
    points = {
        key: RANKS[key[1]][1] * (1 + FURTHER * min(FURTHER_MAX, len(of_kind) - 1)) for key, of_kind in titles.items()
    }
    score = min(100, round(sum(points.values())))
    reasons = tuple(
        f"{points[key]:g}: {titles[key][0]}" + (f" and {len(titles[key]) - 1} more" if len(titles[key]) > 1 else "")
        for key in sorted(points, key=lambda each: (-points[each], each))
        if points[key]
    )
    return Grade(score, next(letter for most, letter in GRADES if score <= most), reasons)
