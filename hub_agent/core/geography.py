"""Distances on the earth, and what lies in a zone: an entity with latitude, longitude and radius."""

import math
from dataclasses import dataclass

from hub_agent.core.expectation import number_in
from hub_agent.model.state import EntityState

HOME_RADIUS_M = 100.0

_EQUATOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257223563
_POLE_M = (1 - _FLATTENING) * _EQUATOR_M
_ROUNDS_MAX = 200
_EXACT_ENOUGH = 1e-12


@dataclass(frozen=True, slots=True)
class Area:
    latitude: float
    longitude: float
    radius: float


def area_of(zone: EntityState) -> Area | None:
    position = position_of(zone)
    if position is None:
        return None
    return Area(*position, number_in(zone.attributes.get("radius")) or HOME_RADIUS_M)


def position_of(seen: EntityState) -> tuple[float, float] | None:
    latitude, longitude = (number_in(seen.attributes.get(name)) for name in ("latitude", "longitude"))
    return None if latitude is None or longitude is None else (latitude, longitude)


def is_in_zone(seen: EntityState, area: Area) -> bool:
    position = position_of(seen)
    if position is None:
        return False
    accuracy = number_in(seen.attributes.get("gps_accuracy")) or 0.0
    return distance_m(position, (area.latitude, area.longitude)) - accuracy < area.radius


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two positions (latitude, longitude) on the ellipsoid WGS 84, by Vincenty's inverse formula; by the sphere's where that finds no end."""
    if one == other:
        return 0.0
    u1, u2 = (math.atan((1 - _FLATTENING) * math.tan(math.radians(latitude))) for latitude in (one[0], other[0]))
    sin_u1, cos_u1, sin_u2, cos_u2 = math.sin(u1), math.cos(u1), math.sin(u2), math.cos(u2)
    along = lam = math.radians(other[1] - one[1])
    for _ in range(_ROUNDS_MAX):
        sin_lam, cos_lam = math.sin(lam), math.cos(lam)
        sin_sigma = math.hypot(cos_u2 * sin_lam, cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lam)
        if sin_sigma == 0:
            return 0.0
        cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_lam
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_u1 * cos_u2 * sin_lam / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        cos_2m = cos_sigma - 2 * sin_u1 * sin_u2 / cos2_alpha if cos2_alpha else 0.0
        c = _FLATTENING / 16 * cos2_alpha * (4 + _FLATTENING * (4 - 3 * cos2_alpha))
        before = lam
        bend = cos_2m + c * cos_sigma * (2 * cos_2m**2 - 1)
        lam = along + (1 - c) * _FLATTENING * sin_alpha * (sigma + c * sin_sigma * bend)
        if abs(lam - before) < _EXACT_ENOUGH:
            return _length(sigma, sin_sigma, cos_sigma, cos2_alpha, cos_2m)
    return _on_a_sphere(one, other)


def _length(sigma: float, sin_sigma: float, cos_sigma: float, cos2_alpha: float, cos_2m: float) -> float:
    squared = cos2_alpha * (_EQUATOR_M**2 - _POLE_M**2) / _POLE_M**2
    a = 1 + squared / 16384 * (4096 + squared * (-768 + squared * (320 - 175 * squared)))
    b = squared / 1024 * (256 + squared * (-128 + squared * (74 - 47 * squared)))
    inner = b / 6 * cos_2m * (4 * sin_sigma**2 - 3) * (4 * cos_2m**2 - 3)
    correction = b * sin_sigma * (cos_2m + b / 4 * (cos_sigma * (2 * cos_2m**2 - 1) - inner))
    return _POLE_M * a * (sigma - correction)


def _on_a_sphere(one: tuple[float, float], other: tuple[float, float]) -> float:
    lat1, lon1, lat2, lon2 = (math.radians(number) for number in (*one, *other))
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000.0 * math.asin(math.sqrt(min(1.0, a)))
