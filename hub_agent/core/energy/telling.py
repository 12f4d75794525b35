"""What was used in a day, a month or a year: of the home and of each device, in parts, and in the time before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from hub_agent.core.energy.book import Book, day_begins, hours_in
from hub_agent.core.energy.meters import RETURNED, Role
from hub_agent.model.json import JsonObject, JsonValue

Period = Literal["day", "month", "year"]
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Metered:
    id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Part:
    """An hour, a day or a month. `by_series` is None where nothing is known, or nothing can be yet."""

    begins: datetime
    by_series: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Asked:
    """`day`: one of the period."""

    period: Period
    day: date
    zone: ZoneInfo
    now: datetime


def told(book: Book, devices: Sequence[Metered], asked: Asked) -> JsonObject:
    """As ports.Energy.told gives it."""
    period, zone, now = asked.period, asked.zone, asked.now
    first, after = span(period, asked.day)
    parts = parts_of(book, period, first, zone, now)
    before_first, _ = span(period, first - _DAY)
    before = parts_of(book, period, before_first, zone, now)
    is_now = day_begins(first, zone) <= now < day_begins(after, zone)
    so_far = before[: sum(1 for each in parts if each.by_series is not None)] if is_now else before
    known = book.first_day()
    return {
        "period": period,
        "begins": _local(day_begins(first, zone), zone),
        "ends": _local(day_begins(after, zone), zone),
        "is_now": is_now,
        "earliest": None if known is None else known.isoformat(),
        "home": _flows(devices, parts),
        "before": _flows(devices, before),
        "before_so_far": _flows(devices, so_far),
        "parts": [{"begins": _local(each.begins, zone), **_flows(devices, [each])} for each in parts],
        "devices": [_device(each, parts, before) for each in sorted(devices, key=lambda each: -_used(each, parts))],
    }


def span(period: Period, day: date) -> tuple[date, date]:
    """Its first day, and the first one that is not in it."""
    match period:
        case "day":
            return day, day + _DAY
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case "year":
            first = day.replace(month=1, day=1)
            return first, (first + timedelta(days=367)).replace(month=1, day=1)


def parts_of(book: Book, period: Period, first: date, zone: ZoneInfo, now: datetime) -> list[Part]:
    known = book.first_day()
    today = now.astimezone(zone).date()
    if period == "day":
        return _hours(book, first, zone, now)
    if period == "month":
        _, after = span("month", first)
        days = [first + timedelta(days=each) for each in range((after - first).days)]
        return [Part(day_begins(each, zone), _day(book, each, known, today)) for each in days]
    months = [first.replace(month=each) for each in range(1, 13)]
    return [Part(day_begins(each, zone), _month(book, each, known, today)) for each in months]


def _hours(book: Book, day: date, zone: ZoneInfo, now: datetime) -> list[Part]:
    """Of a day long ago only the sum is known: no hours."""
    begins, hours = day_begins(day, zone), book.hours_of(day)
    parts: list[Part] = []
    # On the very first day nothing is known of the hours before.
    told_from = 0 if day != book.first_day() else min((_first_used(each) for each in hours.values()), default=0)
    for place in range(hours_in(day, zone)):
        at = begins + timedelta(hours=place)
        is_known = bool(hours) and at <= now and place >= told_from
        by_series = {each: wh[place] if place < len(wh) else 0.0 for each, wh in hours.items()} if is_known else None
        parts.append(Part(at, by_series))
    sums = {} if hours else book.day(day)
    return [Part(begins, sums)] if sums else parts


def _first_used(hours: Sequence[float]) -> int:
    return next((place for place, wh in enumerate(hours) if wh), len(hours))


def _day(book: Book, day: date, known: date | None, today: date) -> Mapping[str, float] | None:
    return None if known is None or day < known or day > today else book.day(day)


def _month(book: Book, first: date, known: date | None, today: date) -> Mapping[str, float] | None:
    _, after = span("month", first)
    if known is None or after <= known or first > today:
        return None
    sums: dict[str, float] = {}
    day = max(first, known)
    while day < after and day <= today:
        for series, wh in book.day(day).items():
            sums[series] = sums.get(series, 0.0) + wh
        day += _DAY
    return sums


def _flows(devices: Sequence[Metered], parts: Iterable[Part]) -> dict[str, JsonValue]:
    """None where nothing is known. Where the grid is measured, the home has used what came in and did not go out again."""
    known = [each.by_series for each in parts if each.by_series is not None]
    names = ("used_wh", "grid_wh", "returned_wh", "solar_wh", "charged_wh", "discharged_wh")
    if not known:
        return dict.fromkeys(names)

    def sum_of(role: Role, *ends: str) -> float:
        ids = [each.id for each in devices if each.role == role]
        return sum(by.get(f"{each}{end}", 0.0) for by in known for each in ids for end in ends)

    grid, returned = sum_of("grid", ""), sum_of("grid", RETURNED)
    solar = sum_of("solar", "", RETURNED)
    charged, discharged = sum_of("battery", ""), sum_of("battery", RETURNED)
    if any(each.role == "grid" for each in devices):
        used = max(0.0, grid - returned + solar + discharged - charged)
    else:
        used = sum_of("device", "")
    return {
        name: round(wh, 1) for name, wh in zip(names, (used, grid, returned, solar, charged, discharged), strict=True)
    }


def _device(device: Metered, parts: Sequence[Part], before: Sequence[Part]) -> JsonObject:
    return {
        "id": device.id,
        "name": device.name,
        "role": device.role,
        "used_wh": round(_used(device, parts), 1),
        "returned_wh": round(_used(device, parts, RETURNED), 1),
        "before_wh": round(_used(device, before), 1),
        "parts": [None if each.by_series is None else round(each.by_series.get(device.id, 0.0), 1) for each in parts],
    }


def _used(device: Metered, parts: Iterable[Part], end: str = "") -> float:
    return sum(each.by_series.get(f"{device.id}{end}", 0.0) for each in parts if each.by_series is not None)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(UTC).astimezone(zone).isoformat()
