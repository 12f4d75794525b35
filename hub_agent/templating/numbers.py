"""Functions of numbers, as Home Assistant has them."""

import math
import operator
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import do_int, do_max, do_min

from hub_agent.templating.bounds import TooLarge
from hub_agent.templating.defaults import NOT_GIVEN, or_default

BITS_MAX: Final = 4_096


def to_float(value: Any, default: Any = NOT_GIVEN) -> Any:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return or_default("float", value, default)


def to_int(value: Any, default: Any = NOT_GIVEN, base: int = 10) -> Any:
    failed = object()
    number = do_int(value, default=failed, base=base)  # type: ignore[arg-type]  # the marker comes back where it cannot read
    return or_default("int", value, default) if number is failed else number


def to_bool(value: Any, default: Any = NOT_GIVEN) -> Any:
    if isinstance(value, bool):
        return value
    text = value.lower().strip() if isinstance(value, str) else value
    if text in ("1", "true", "yes", "on", "enable") or (isinstance(text, int | float) and text != 0):
        return True
    if text in ("0", "false", "no", "off", "disable") or (isinstance(text, int | float) and text == 0):
        return False
    return or_default("bool", value, default)


def is_number(value: Any) -> bool:
    try:
        return not isinstance(value, Undefined) and math.isfinite(float(value))
    except (ValueError, TypeError, OverflowError):
        return False


def round_number(value: Any, precision: int = 0, method: str = "common", default: Any = NOT_GIVEN) -> Any:
    """A whole number where no digits are asked for, whatever the method."""
    try:
        precision = max(-20, min(int(precision), 20))
        number = _rounded(float(value), precision, method)
        return int(number) if precision == 0 else number
    except (ValueError, TypeError, OverflowError):
        return or_default("round", value, default)


def _rounded(number: float, precision: int, method: str) -> float:
    scale = 10.0**precision
    match method:
        case "ceil":
            return math.ceil(number * scale) / scale
        case "floor":
            return math.floor(number * scale) / scale
        case "half":
            return round(number * 2) / 2
    return round(number, precision)


def _function(name: str, calculate: Callable[[float], float]) -> Callable[..., Any]:
    def apply(value: Any, default: Any = NOT_GIVEN) -> Any:
        try:
            return calculate(float(value))
        except (ValueError, TypeError, OverflowError):
            return or_default(name, value, default)

    return apply


def _log(value: Any, base: Any = math.e, default: Any = NOT_GIVEN) -> Any:
    try:
        return math.log(float(value), float(base))
    except (ValueError, TypeError, ZeroDivisionError):
        return or_default("log", value, default)


def _atan2(*args: Any, default: Any = NOT_GIVEN) -> Any:
    """Two numbers, or a list of two; then, maybe, what to answer with otherwise."""
    given = list(args)
    numbers = list(given.pop(0)) if given and isinstance(given[0], list | tuple) else [given.pop(0) for _ in args[:2]]
    if given and default is NOT_GIVEN:
        default = given[0]
    try:
        return math.atan2(float(numbers[0]), float(numbers[1]))
    except (ValueError, TypeError, IndexError):
        return or_default("atan2", args, default)


def add(value: Any, amount: Any, default: Any = NOT_GIVEN) -> Any:
    try:
        return float(value) + amount
    except (ValueError, TypeError, OverflowError):
        return or_default("add", value, default)


def multiply(value: Any, amount: Any, default: Any = NOT_GIVEN) -> Any:
    try:
        return float(value) * amount
    except (ValueError, TypeError, OverflowError):
        return or_default("multiply", value, default)


def _statistic(name: str, calculate: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """Of a list, then maybe what to answer with otherwise; or of the arguments."""

    def apply(*args: Any, default: Any = NOT_GIVEN) -> Any:
        if not args:
            raise TypeError(f"{name} needs at least one number")
        many = args
        if isinstance(args[0], Iterable) and not isinstance(args[0], str):
            many = tuple(args[0])
            if len(args) > 1 and default is NOT_GIVEN:
                default = args[1]
        elif len(args) == 1:
            raise TypeError(f"{name} needs a list, or more than one number")
        try:
            return calculate(list(many))
        except (ValueError, TypeError, statistics.StatisticsError):
            return or_default(name, list(many), default)

    return apply


def _extreme(name: str, find: Callable[..., Any]) -> Callable[..., Any]:
    @pass_environment
    def apply(environment: Environment, *args: Any, **kwargs: Any) -> Any:
        if not args:
            raise TypeError(f"{name} needs at least one value")
        if len(args) == 1 and not isinstance(args[0], Iterable):
            raise TypeError(f"{name} needs a list, or more than one value")
        return find(environment, args[0] if len(args) == 1 else args, **kwargs)

    return apply


def _numbers(name: str, *values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (ValueError, TypeError) as err:
        raise ValueError(f"{name} needs numbers, not {values!r:.80}") from err


def _clamp(value: Any, least: Any, most: Any) -> float:
    number, low, high = _numbers("clamp", value, least, most)
    return max(low, min(number, high))


def _wrap(value: Any, least: Any, most: Any) -> float:
    number, low, high = _numbers("wrap", value, least, most)
    return low if high == low else low + (number - low) % (high - low)


def _remap(value: Any, in_min: Any, in_max: Any, out_min: Any, out_max: Any, *, steps: int = 0, edges: str = "none") -> float:  # fmt: skip
    number, low, high, out_low, out_high = _numbers("remap", value, in_min, in_max, out_min, out_max)
    if low == high:
        raise ValueError("remap needs a range that is not empty")
    share = (_within(number, low, high, edges) - low) / (high - low)
    if steps > 0:
        share = round(share * steps) / steps
    return out_low + share * (out_high - out_low)


def _within(number: float, low: float, high: float, edges: str) -> float:
    """What a number that lies outside the range counts as."""
    length = high - low
    match edges:
        case "clamp":
            return max(low, min(high, number))
        case "wrap":
            return low + (number - low) % length
        case "mirror":
            there_and_back = (number - low) % (2 * length)
            return low + (there_and_back if abs(there_and_back) <= abs(length) else 2 * length - there_and_back)
    return number


def _bitwise(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(first_value: Any, second_value: Any) -> Any:
        for each in (first_value, second_value):
            if isinstance(each, int) and each.bit_length() > BITS_MAX:
                raise TooLarge("a number becomes too large")
        return operation(first_value, second_value)

    return apply


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "acos": _function("acos", math.acos),
    "asin": _function("asin", math.asin),
    "atan": _function("atan", math.atan),
    "atan2": _atan2,
    "average": _statistic("average", statistics.fmean),
    "bitwise_and": _bitwise(operator.and_),
    "bitwise_or": _bitwise(operator.or_),
    "bitwise_xor": _bitwise(operator.xor),
    "bool": to_bool,
    "clamp": _clamp,
    "cos": _function("cos", math.cos),
    "float": to_float,
    "int": to_int,
    "is_number": is_number,
    "log": _log,
    "median": _statistic("median", statistics.median),
    "remap": _remap,
    "sin": _function("sin", math.sin),
    "sqrt": _function("sqrt", math.sqrt),
    "statistical_mode": _statistic("statistical_mode", statistics.mode),
    "tan": _function("tan", math.tan),
    "wrap": _wrap,
}
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"add": add, "multiply": multiply, "round": round_number}
GLOBALS: Final[Mapping[str, Any]] = {
    "e": math.e,
    "inf": math.inf,
    "max": _extreme("max", do_max),
    "min": _extreme("min", do_min),
    "pi": math.pi,
    "tau": math.tau,
}
