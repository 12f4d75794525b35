"""Plain statistics that single wrong values do not move: medians, and the slope of Theil and Sen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

# All pairs of so many points are 435 slopes: less than a millisecond.
POINTS_MAX = 30
# What makes of a median absolute deviation what a standard deviation is, where values scatter as they usually do.
SIGMA = 1.4826

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Slope:
    """`per_day` is the median over all pairs of points; `steep` and `flat` are the fifths at either end, for something that falls.
    `agreement`: how many of the pairs fall. `at`: the value that the line has on the last day.
    """

    per_day: float
    steep: float
    flat: float
    agreement: float
    at: float
    slopes: tuple[float, ...]


def theil_sen(points: Sequence[Point], apart: float) -> Slope | None:
    """Pairs that are less than `apart` days from each other say nothing: steps and noise would rule. None: too few of the others."""
    few = thinned(points, POINTS_MAX)
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for place, earlier in enumerate(few)
        for later in few[place + 1 :]
        if later[0] - earlier[0] >= apart
    )
    if len(slopes) < 10:
        return None
    middle = median(slopes)
    end = few[-1][0]
    at = median(value + middle * (end - day) for day, value in few)
    falling = sum(1 for each in slopes if each < 0) / len(slopes)
    fifth = len(slopes) // 5
    return Slope(middle, slopes[fifth], slopes[-1 - fifth], falling, at, tuple(slopes))


def thinned(points: Sequence[Point], count_max: int) -> list[Point]:
    """At most so many points: each the median of its neighbours."""
    if len(points) <= count_max:
        return list(points)
    bounds = [round(place * len(points) / count_max) for place in range(count_max + 1)]
    parts = [points[begin:end] for begin, end in pairwise(bounds)]
    return [(median(day for day, _ in part), median(value for _, value in part)) for part in parts]


def scatter(values: Sequence[float]) -> float:
    """The median absolute deviation, on the scale of a standard deviation."""
    middle = median(values)
    return SIGMA * median(abs(value - middle) for value in values)


def within(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))
