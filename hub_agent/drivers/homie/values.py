"""Payloads and what they mean: by datatype, format and unit, both ways."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hub_agent.drivers import given
from hub_agent.drivers.colours import Triple
from hub_agent.drivers.homie.tree import Property

STATE_CHARS_MAX: Final = 255
OPTIONS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Span:
    """What a number may be; None where nothing is said. Written `min:max` or, since convention 5, `min:max:step`."""

    low: float | None = None
    high: float | None = None
    step: float | None = None


def span_of(known: Property) -> Span:
    parts = [given.number_of(part.strip()) for part in known.format.split(":")] if ":" in known.format else []
    low, high, step = (*parts, None, None, None)[:3]
    if low is not None and high is not None and low >= high:
        low = high = None
    return Span(low, high, step if step is not None and step > 0 else 1.0 if known.datatype == "integer" else None)


def options_of(known: Property) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip()[:STATE_CHARS_MAX] for word in known.format.split(",") if word.strip()))[
        :OPTIONS_MAX
    ]


def truth_in(text: str) -> bool | None:
    """Only these two words are allowed; whatever else is said is nothing."""
    return {"true": True, "false": False}.get(text)


def number_in(text: str) -> float | None:
    return given.number_of(text) if len(text) <= 32 else None


def written(value: float, known: Property) -> str:
    """As the convention wants it: whole where it is an integer, within what may be."""
    span = span_of(known)
    low = span.low if span.low is not None else value
    high = span.high if span.high is not None else value
    value = min(max(value, low), high)
    return str(round(value)) if known.datatype == "integer" else str(given.tidy(value))


# Colours: `255,128,0` with the notation in the format, or, since convention 5, `rgb,255,128,0`.


def colour_notation(known: Property, *, is_of_5: bool) -> str:
    words = [word.strip().lower() for word in known.format.split(",")]
    wanted = next((word for word in words if word in {"rgb", "hsv", "xyz"}), "rgb")
    return wanted if not is_of_5 or wanted != "xyz" else next((word for word in words if word in {"rgb", "hsv"}), "xyz")


def colour_in(text: str, notation: str) -> tuple[str, tuple[float, float, float]] | None:
    parts = text.split(",")
    if len(parts) == 4 and parts[0] in {"rgb", "hsv"}:
        notation, parts = parts[0], parts[1:]
    elif len(parts) == 3 and parts[0] == "xyz":
        notation, parts = "xyz", [*parts[1:], "0"]
    numbers = [number_in(part) for part in parts]
    if len(numbers) != 3 or any(number is None or number < 0 for number in numbers):
        return None
    first, second, third = (number or 0.0 for number in numbers)
    limits = {"rgb": (255, 255, 255), "hsv": (360, 100, 100), "xyz": (1, 1, 1)}[notation]
    if any(value > limit for value, limit in zip((first, second, third), limits, strict=True)):
        return None
    return notation, (first, second, third)


def colour_written(notation: str, value: tuple[float, float, float], *, is_of_5: bool) -> str:
    if notation == "xyz":
        return f"xyz,{value[0]:.4f},{value[1]:.4f}"
    plain = ",".join(str(round(part)) for part in value)
    return f"{notation},{plain}" if is_of_5 else plain


def rgb(value: tuple[float, float, float]) -> Triple:
    return round(value[0]), round(value[1]), round(value[2])


# Units: what is written on the wire, what the vocabulary calls it, and how the number changes.

Convert = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Unit:
    symbol: str | None
    to_vocabulary: Convert
    from_vocabulary: Convert


def _same(value: float) -> float:
    return value


_SPELLINGS: Final = {
    "#": None,
    "º": "°",
    "°": "°",
    "C": "°C",
    "ºC": "°C",
    "lux": "lx",
    "Lux": "lx",
    "l": "L",
    "VAR": "var",
    "KWh": "kWh",
    "kwh": "kWh",
}


def unit_of(symbol: str | None) -> Unit:
    if symbol in {"°F", "F", "ºF"}:
        return Unit("°C", lambda value: (value - 32) * 5 / 9, lambda value: value * 9 / 5 + 32)
    if symbol == "psi":
        return Unit("hPa", lambda value: value * 68.9475729, lambda value: value / 68.9475729)
    if symbol == "ft":
        return Unit("m", lambda value: value * 0.3048, lambda value: value / 0.3048)
    if symbol == "gal":
        return Unit("L", lambda value: value * 3.785411784, lambda value: value / 3.785411784)
    if symbol == "inHg":
        return Unit("hPa", lambda value: value * 33.8638866667, lambda value: value / 33.8638866667)
    return Unit(_SPELLINGS.get(symbol, symbol) if symbol else None, _same, _same)
