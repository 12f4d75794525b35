"""What a lamp can show: colours within its gamut, warmth within its range."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from hub_agent.drivers import given
from hub_agent.model.json import JsonObject

Point: TypeAlias = tuple[float, float]

MIREK_MIN: Final = 153
MIREK_MAX: Final = 500
_UNKNOWN_MIREK: Final = 65535


def mirek_range(light: JsonObject) -> tuple[int, int]:
    """Some lamps say 0 and 65535 where they do not know."""
    low = given.number(light, "color_temperature", "mirek_schema", "mirek_minimum")
    high = given.number(light, "color_temperature", "mirek_schema", "mirek_maximum")
    coldest = int(low) if low and 50 <= low <= 1000 else MIREK_MIN
    warmest = int(high) if high and 50 <= high <= 1000 and high != _UNKNOWN_MIREK else MIREK_MAX
    return (coldest, warmest) if coldest < warmest else (MIREK_MIN, MIREK_MAX)


def gamut_of(light: JsonObject) -> list[Point] | None:
    corners: list[Point] = []
    for corner in ("red", "green", "blue"):
        x, y = (given.number(light, "color", "gamut", corner, axis) for axis in ("x", "y"))
        if x is None or y is None:
            return None
        corners.append((x, y))
    return corners


def within(gamut: Sequence[Point] | None, x: float, y: float) -> Point:
    """The point itself, or the nearest that the lamp can show."""
    point = (x, y)
    if gamut is None or len(gamut) != 3 or _is_inside(gamut, point):
        return point
    edges = [(gamut[0], gamut[1]), (gamut[1], gamut[2]), (gamut[2], gamut[0])]
    return min((_nearest(start, end, point) for start, end in edges), key=lambda found: _distance(found, point))


def _is_inside(gamut: Sequence[Point], point: Point) -> bool:
    sides = [_side(gamut[place], gamut[(place + 1) % 3], point) for place in range(3)]
    return all(side >= 0 for side in sides) or all(side <= 0 for side in sides)


def _side(start: Point, end: Point, point: Point) -> float:
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _nearest(start: Point, end: Point, point: Point) -> Point:
    along = (end[0] - start[0], end[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    if length == 0:
        return start
    share = ((point[0] - start[0]) * along[0] + (point[1] - start[1]) * along[1]) / length
    share = max(0.0, min(1.0, share))
    return (start[0] + share * along[0], start[1] + share * along[1])


def _distance(one: Point, other: Point) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2
