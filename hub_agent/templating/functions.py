"""What templates may call: Home Assistant's filters, tests and functions that need no state, each with a bound."""

import base64
import hashlib
import math
import re
import statistics
import struct
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final

import orjson
from jinja2 import Undefined
from jinja2.filters import do_center, do_float, do_format, do_indent, do_int, do_replace, do_tojson
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup

TEXT_CHARS_MAX: Final = 65_536
PARTS_MAX: Final = 50_000
PATTERN_CHARS_MAX: Final = 500
SUBJECT_CHARS_MAX: Final = 8_192
PATTERN_STEPS_MAX: Final = 100_000_000
PATTERNS_MAX: Final = 512
WIDTH_MAX: Final = 9_999

_NOT_GIVEN: Final = object()
_WIDTH = re.compile(r"\d{5,}|\*|:[^}]*\{")


class TooLarge(Exception):
    """A template wants more than it may have."""


# Bounds.


def check_size(text: str) -> str:
    if len(text) > TEXT_CHARS_MAX:
        raise TooLarge(f"a text may have at most {TEXT_CHARS_MAX} characters")
    return text


def to_text(value: Any) -> str:
    """`str(value)`, measured first: a short template can build a list that is endless when printed."""
    if isinstance(value, str):
        return check_size(value)
    if isinstance(value, list | tuple | dict | set):
        _measure(value)
    if isinstance(value, int) and value.bit_length() > 8192:
        raise TooLarge("a number becomes too large")
    return check_size(str(value))


def _measure(value: Any) -> None:
    parts = 0
    waiting = [value]
    while waiting:
        each = waiting.pop()
        parts += 1 + (len(each) // 8 if isinstance(each, str) else 0)
        if parts > PARTS_MAX:
            raise TooLarge("a list or mapping becomes too large")
        if isinstance(each, Mapping):
            waiting += each.values()
            parts += len(each)
        elif isinstance(each, list | tuple | set):
            waiting += each


def join_texts(items: Iterable[Any], separator: str = "") -> str:
    texts: list[str] = []
    chars = 0
    for item in items:
        text = to_text(item)
        chars += len(text) + len(separator)
        if chars > TEXT_CHARS_MAX or len(texts) > PARTS_MAX:
            raise TooLarge(f"a text may have at most {TEXT_CHARS_MAX} characters")
        texts.append(text)
    return separator.join(texts)


def check_text_method(method: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuses calls of methods of texts whose answer would be far larger than what goes in."""
    text: str = method.__self__
    name = method.__name__
    if name in {"center", "ljust", "rjust", "zfill", "expandtabs"}:
        if any(isinstance(arg, int) and arg > WIDTH_MAX for arg in (*args, *kwargs.values())):
            raise TooLarge("a text is padded too much")
    elif name == "replace" and len(args) >= 2:
        _check_replaced(text, str(args[0]), str(args[1]))
    elif name == "join" and args:
        join_texts(args[0] if isinstance(args[0], list | tuple | set | dict | str) else [], text)
    elif name in {"format", "format_map", "__mod__"}:
        if _WIDTH.search(text):
            raise TooLarge("a format pads too much")
        _measure([*args, *kwargs.values()])
    elif name == "translate":
        raise TooLarge("translate is not supported")


def _check_replaced(text: str, old: str, new: str) -> None:
    if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > TEXT_CHARS_MAX:
        raise TooLarge(f"a text may have at most {TEXT_CHARS_MAX} characters")


@pass_eval_context
def _replace(context: EvalContext, text: Any, old: str, new: str, count: int | None = None) -> str:
    text = to_text(text)
    _check_replaced(text, str(old), str(new))
    return do_replace(context, text, old, new, count)


def _join(items: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        items = [item.get(attribute) if isinstance(item, Mapping) else None for item in items]
    return join_texts(items, str(d))


def _center(text: str, width: int = 80) -> str:
    return do_center(to_text(text), min(int(width), WIDTH_MAX))


def _indent(text: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:  # noqa: FBT001, FBT002 - Jinja's signature
    step = len(width) if isinstance(width, str) else int(width)
    text = to_text(text)
    if step * (text.count("\n") + 1) > TEXT_CHARS_MAX:
        raise TooLarge("a text is padded too much")
    return do_indent(text, width, first, blank)


def _format(text: Any, *args: Any, **kwargs: Any) -> str:
    text = to_text(text)
    check_text_method(text.format, args, kwargs)
    return do_format(text, *args, **kwargs)


def _batch(items: Iterable[Any], linecount: int, fill_with: Any = None) -> list[list[Any]]:
    wide = max(1, min(int(linecount), PARTS_MAX))
    rows, row = [], list[Any]()
    for item in items:
        row.append(item)
        if len(row) == wide:
            rows.append(row)
            row = []
    if row:
        rows.append(row + [fill_with] * (wide - len(row) if fill_with is not None else 0))
    return rows


def _slice(items: Iterable[Any], slices: int, fill_with: Any = None) -> list[list[Any]]:
    whole = list(items)
    count = max(1, min(int(slices), PARTS_MAX))
    size, longer = divmod(len(whole), count)
    columns, start = [], 0
    for number in range(count):
        end = start + size + (number < longer)
        column = whole[start:end]
        if fill_with is not None and longer and number >= longer:
            column.append(fill_with)
        columns.append(column)
        start = end
    return columns


@pass_eval_context
def _tojson(context: EvalContext, value: Any, indent: int | None = None) -> Markup:
    _measure(value)
    return do_tojson(context, value, min(int(indent), 8) if indent is not None else None)


# Numbers.


def _or_default(what: str, value: Any, default: Any) -> Any:
    if default is not _NOT_GIVEN:
        return default
    raise ValueError(f"{what} got {to_text(value)[:60]!r}, which it cannot read, and no default was given")


def _float(value: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return float(value)
    except (ValueError, TypeError, OverflowError):
        return _or_default("float", value, default)


def _int(value: Any, default: Any = _NOT_GIVEN, base: int = 10) -> Any:
    failed = object()
    number = do_int(value, default=failed, base=base)  # type: ignore[arg-type]  # the marker comes back where it cannot read
    return _or_default("int", value, default) if number is failed else number


def _bool(value: Any, default: Any = _NOT_GIVEN) -> Any:
    if isinstance(value, bool):
        return value
    text = value.lower().strip() if isinstance(value, str) else value
    if text in ("1", "true", "yes", "on", "enable") or (isinstance(text, int | float) and text != 0):
        return True
    if text in ("0", "false", "no", "off", "disable") or (isinstance(text, int | float) and text == 0):
        return False
    return _or_default("bool", value, default)


def _round(value: Any, precision: int = 0, method: str = "common", default: Any = _NOT_GIVEN) -> Any:
    try:
        precision = max(-20, min(int(precision), 20))
        scale = 10.0**precision
        if method == "ceil":
            number = math.ceil(float(value) * scale) / scale
        elif method == "floor":
            number = math.floor(float(value) * scale) / scale
        elif method == "half":
            number = round(float(value) * 2) / 2
        else:
            number = round(float(value), precision)
        return int(number) if precision == 0 and method != "half" else number
    except (ValueError, TypeError, OverflowError):
        return _or_default("round", value, default)


def _number_function(what: str, function: Callable[..., float]) -> Callable[..., Any]:
    def apply(value: Any, default: Any = _NOT_GIVEN) -> Any:
        try:
            return function(float(value))
        except (ValueError, TypeError, OverflowError):
            return _or_default(what, value, default)

    return apply


def _log(value: Any, base: Any = math.e, default: Any = _NOT_GIVEN) -> Any:
    try:
        return math.log(float(value), float(base))
    except (ValueError, TypeError, ZeroDivisionError):
        return _or_default("log", value, default)


def _multiply(value: Any, amount: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return float(value) * amount if isinstance(amount, int | float) else float(value) * float(amount)
    except (ValueError, TypeError, OverflowError):
        return _or_default("multiply", value, default)


def _add(value: Any, amount: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return float(value) + float(amount)
    except (ValueError, TypeError, OverflowError):
        return _or_default("add", value, default)


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, Undefined) and math.isfinite(float(value))
    except (ValueError, TypeError, OverflowError):
        return False


def _numbers(args: Sequence[Any]) -> list[Any]:
    values = list(args[0]) if len(args) == 1 and not isinstance(args[0], str) else list(args)
    if not values:
        raise TypeError("it needs at least one number")
    return values


def _statistic(what: str, function: Callable[[list[float]], Any]) -> Callable[..., Any]:
    def apply(*args: Any, default: Any = _NOT_GIVEN) -> Any:
        values = list(args)
        if len(values) == 2 and isinstance(values[0], list | tuple) and default is _NOT_GIVEN:
            default = values.pop()
        try:
            return function([float(value) for value in _numbers(values)])
        except (ValueError, TypeError, statistics.StatisticsError):
            return _or_default(what, args, default)

    return apply


def _min_max(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*args: Any) -> Any:
        return function(_numbers(args))

    return apply


def _clamp(value: Any, low: Any, high: Any) -> Any:
    return max(float(low), min(float(value), float(high)))


def _bitwise(name: str) -> Callable[[int, int], int]:
    operations: Mapping[str, Callable[[int, int], int]] = {
        "and": int.__and__,
        "or": int.__or__,
        "xor": int.__xor__,
    }
    return operations[name]


# Texts.


@lru_cache(maxsize=PATTERNS_MAX)
def _pattern(pattern: str, flags: int) -> tuple[re.Pattern[str], int]:
    """The pattern, and how many open repeats it has. Raises TooLarge where it may backtrack without end."""
    if len(pattern) > PATTERN_CHARS_MAX:
        raise TooLarge(f"a pattern may have at most {PATTERN_CHARS_MAX} characters")
    compiled = re.compile(pattern, flags)
    if _NESTED_REPEAT.search(pattern):
        raise TooLarge("a repeat inside a repeat is not supported in a pattern")
    return compiled, len(_REPEAT.findall(pattern))


_REPEAT = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\})")
# A group that holds an open repeat or an alternative and is itself repeated.
_NESTED_REPEAT = re.compile(
    r"\((?:[^()\\]|\\.|\([^()]*\))*(?<!\\)(?:[*+|]|\{\d+,\d*\})(?:[^()\\]|\\.|\([^()]*\))*\)(?:[*+]|\{)"
)


def search_in(value: Any, pattern: Any, *, ignorecase: bool, is_anchored: bool = False) -> tuple[re.Pattern[str], str]:
    compiled, repeats = _pattern(str(pattern), re.IGNORECASE if ignorecase else 0)
    text = to_text(value)
    if len(text) > _subject_chars_max(repeats if is_anchored or compiled.pattern.startswith("^") else repeats + 1):
        raise TooLarge("a text is too long for a pattern with so many repeats")
    return compiled, text


def _subject_chars_max(loops: int) -> int:
    """How long a text may be so that nested loops over it stay within the steps allowed: n ** loops / loops!"""
    if loops <= 1:
        return SUBJECT_CHARS_MAX
    return min(SUBJECT_CHARS_MAX, int((PATTERN_STEPS_MAX * math.factorial(min(loops, 20))) ** (1 / loops)))


def _regex_match(value: Any, find: str = "", ignorecase: Any = False) -> bool:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = search_in(value, find, ignorecase=bool(ignorecase), is_anchored=True)
    return compiled.match(text) is not None


def _regex_search(value: Any, find: str = "", ignorecase: Any = False) -> bool:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = search_in(value, find, ignorecase=bool(ignorecase))
    return compiled.search(text) is not None


def _regex_replace(value: Any = "", find: str = "", replace: str = "", ignorecase: Any = False) -> str:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = search_in(value, find, ignorecase=bool(ignorecase))
    if (len(text) + 1) * max(1, len(replace)) > TEXT_CHARS_MAX * 8:
        raise TooLarge("a text becomes too long")
    return check_size(compiled.sub(replace, text))


def _regex_findall(value: Any, find: str = "", ignorecase: Any = False) -> list[Any]:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = search_in(value, find, ignorecase=bool(ignorecase))
    return compiled.findall(text)


def _regex_findall_index(value: Any, find: str = "", index: int = 0, ignorecase: Any = False) -> Any:  # noqa: FBT002 - Home Assistant's signature
    return _regex_findall(value, find, ignorecase)[index]


def _slugify(value: Any, separator: str = "_") -> str:
    plain = unicodedata.normalize("NFKD", to_text(value)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", str(separator)[:8], plain).strip(separator) or "unknown"


def _from_json(value: Any, default: Any = _NOT_GIVEN) -> Any:
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        return _or_default("from_json", value, default)


def _to_json(value: Any, ensure_ascii: Any = False, pretty_print: Any = False, sort_keys: Any = False) -> str:  # noqa: ARG001, FBT002 - Home Assistant's signature
    _measure(value)
    options = orjson.OPT_NON_STR_KEYS
    options |= orjson.OPT_INDENT_2 if pretty_print else 0
    options |= orjson.OPT_SORT_KEYS if sort_keys else 0
    return check_size(orjson.dumps(value, option=options).decode())


def _iif(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = _NOT_GIVEN) -> Any:  # noqa: FBT002 - Home Assistant's signature
    if value is None and if_none is not _NOT_GIVEN:
        return if_none
    return if_true if bool(value) else if_false


def _base64_encode(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _base64_decode(value: str, encoding: str | None = "utf-8") -> str | bytes:
    raw = base64.b64decode(value)
    return raw.decode(encoding) if encoding else raw


def _from_hex(value: str) -> bytes:
    return bytes.fromhex(value)


def _pack(value: Any, format_string: str) -> bytes | None:
    try:
        return struct.pack(_check_struct(format_string), value)
    except (struct.error, TypeError):
        return None


def _unpack(value: Any, format_string: str, offset: int = 0) -> Any:
    try:
        return struct.unpack_from(_check_struct(format_string), value, offset)[0]
    except (struct.error, TypeError, IndexError):
        return None


def _check_struct(format_string: str) -> str:
    if len(format_string) > 8:
        raise TooLarge("a format of binary numbers may have at most 8 characters")
    return format_string


def _urlencode(value: Any) -> str:
    return check_size(urllib.parse.urlencode(value))


def _hash(name: str) -> Callable[[str], str]:
    def digest(value: Any) -> str:
        return hashlib.new(name, to_text(value).encode(), usedforsecurity=False).hexdigest()

    return digest


# Lists and mappings.


def _flatten(value: Iterable[Any], levels: int | None = None) -> list[Any]:
    _measure(value)
    flat: list[Any] = []
    for item in value:
        if isinstance(item, list | tuple) and (levels is None or levels >= 1):
            flat += _flatten(item, None if levels is None else levels - 1)
        else:
            flat.append(item)
    return flat


def _combine(*args: Any, recursive: bool = False) -> dict[Any, Any]:
    answer: dict[Any, Any] = {}
    for each in args:
        if not isinstance(each, Mapping):
            raise TypeError("combine takes mappings")
        for key, value in each.items():
            before = answer.get(key)
            if recursive and isinstance(value, Mapping) and isinstance(before, Mapping):
                answer[key] = _combine(before, value, recursive=True)
            else:
                answer[key] = value
    return answer


def _contains(many: Any, one: Any) -> bool:
    return one in many


def _is_in(one: Any, many: Any) -> bool:
    return one in many


def _is_defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise NameError(f"{value._undefined_name} is not defined")  # noqa: SLF001, TRY004 - Jinja keeps the name there
    return value


def _to_set(value: Iterable[Any]) -> set[Any]:
    return set(value)


def _zip(*args: Iterable[Any]) -> list[Any]:
    return list(zip(*args, strict=False))


def _typeof(value: Any) -> str:
    return type(value).__name__


def _ord(value: str) -> int:
    return ord(value)


# Time.


class Times:
    """Functions of time in one time zone. None of them knows what time it is: `now` is the caller's."""

    def __init__(self, time_zone: tzinfo) -> None:
        self._time_zone = time_zone

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "as_datetime": self.as_datetime,
            "as_timestamp": self.as_timestamp,
            "as_local": self.as_local,
            "as_timedelta": _as_timedelta,
            "timestamp_custom": self.timestamp_custom,
            "timestamp_local": self.timestamp_local,
            "timestamp_utc": self.timestamp_utc,
            "strptime": _strptime,
        }

    def globals(self) -> dict[str, Any]:
        functions: dict[str, Any] = self.filters()
        return functions | {"timedelta": timedelta}

    def as_datetime(self, value: Any, default: Any = _NOT_GIVEN) -> Any:
        try:
            if isinstance(value, datetime):
                return value
            if isinstance(value, date):
                return datetime(value.year, value.month, value.day, tzinfo=self._time_zone)
            if _is_number(value):
                return datetime.fromtimestamp(float(value), UTC)
            return self._aware(datetime.fromisoformat(value))
        except (ValueError, TypeError, OverflowError, OSError):
            return (
                None if default is _NOT_GIVEN and isinstance(value, str) else _or_default("as_datetime", value, default)
            )

    def as_timestamp(self, value: Any, default: Any = _NOT_GIVEN) -> Any:
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return self._aware(moment).timestamp()
        except (ValueError, TypeError, OverflowError, OSError):
            return _or_default("as_timestamp", value, default)

    def as_local(self, value: Any) -> Any:
        return self._aware(value).astimezone(self._time_zone)

    def timestamp_custom(
        self,
        value: Any,
        date_format: str = "%Y-%m-%d %H:%M:%S",
        local: Any = True,  # noqa: FBT002 - Home Assistant's signature
        default: Any = _NOT_GIVEN,
    ) -> Any:
        try:
            moment = datetime.fromtimestamp(float(value), self._time_zone if local else UTC)
            return check_size(moment.strftime(_check_format(date_format)))
        except (ValueError, TypeError, OverflowError, OSError):
            return _or_default("timestamp_custom", value, default)

    def timestamp_local(self, value: Any, default: Any = _NOT_GIVEN) -> Any:
        try:
            return datetime.fromtimestamp(float(value), self._time_zone).isoformat()
        except (ValueError, TypeError, OverflowError, OSError):
            return _or_default("timestamp_local", value, default)

    def timestamp_utc(self, value: Any, default: Any = _NOT_GIVEN) -> Any:
        try:
            return datetime.fromtimestamp(float(value), UTC).isoformat()
        except (ValueError, TypeError, OverflowError, OSError):
            return _or_default("timestamp_utc", value, default)

    def _aware(self, moment: datetime) -> datetime:
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._time_zone)


def _check_format(text: str) -> str:
    if len(text) > 200 or re.search(r"%[-_0^#]*\d", text):  # `%999999Y` pads without end
        raise TooLarge("a format of time is too long or pads")
    return text


def _strptime(value: Any, date_format: str, default: Any = _NOT_GIVEN) -> Any:
    try:
        return datetime.strptime(value, _check_format(date_format))  # noqa: DTZ007 - naive as in Home Assistant
    except (ValueError, TypeError, re.error):
        return _or_default("strptime", value, default)


_TIMEDELTA = re.compile(r"(?:(-?\d+) days?,? )?(-?)(\d{1,4}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,6})?))?")


def _as_timedelta(value: Any) -> timedelta | None:
    if isinstance(value, int | float):
        return timedelta(seconds=value)
    match = _TIMEDELTA.fullmatch(str(value).strip())
    if match is None:
        return None
    days, sign, hours, minutes, seconds = match.groups()
    length = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds or 0))
    return timedelta(days=int(days or 0)) + (-length if sign else length)


def _is_kind(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "acos": _number_function("acos", math.acos),
    "asin": _number_function("asin", math.asin),
    "atan": _number_function("atan", math.atan),
    "cos": _number_function("cos", math.cos),
    "sin": _number_function("sin", math.sin),
    "tan": _number_function("tan", math.tan),
    "sqrt": _number_function("sqrt", math.sqrt),
    "log": _log,
    "average": _statistic("average", statistics.fmean),
    "median": _statistic("median", statistics.median),
    "statistical_mode": _statistic("statistical_mode", statistics.mode),
    "min": _min_max(min),
    "max": _min_max(max),
    "clamp": _clamp,
    "bitwise_and": _bitwise("and"),
    "bitwise_or": _bitwise("or"),
    "bitwise_xor": _bitwise("xor"),
    "float": _float,
    "int": _int,
    "bool": _bool,
    "is_number": _is_number,
    "iif": _iif,
    "slugify": _slugify,
    "urlencode": _urlencode,
    "pack": _pack,
    "unpack": _unpack,
    "flatten": _flatten,
    "combine": _combine,
    "contains": _contains,
    "set": _to_set,
    "tuple": tuple,
    "zip": _zip,
    "typeof": _typeof,
    "union": lambda left, right: list(set(left) | set(right)),
    "intersect": lambda left, right: list(set(left) & set(right)),
    "difference": lambda left, right: list(set(left) - set(right)),
    "symmetric_difference": lambda left, right: list(set(left) ^ set(right)),
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
}

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **_FUNCTIONS,
    "add": _add,
    "multiply": _multiply,
    "round": _round,
    "ord": _ord,
    "regex_match": _regex_match,
    "regex_search": _regex_search,
    "regex_replace": _regex_replace,
    "regex_findall": _regex_findall,
    "regex_findall_index": _regex_findall_index,
    "from_json": _from_json,
    "to_json": _to_json,
    "tojson": _tojson,
    "from_hex": _from_hex,
    "base64_encode": _base64_encode,
    "base64_decode": _base64_decode,
    "is_defined": _is_defined,
    "join": _join,
    "replace": _replace,
    "center": _center,
    "indent": _indent,
    "format": _format,
    "batch": _batch,
    "slice": _slice,
    "string": to_text,
    "forgiving_float": do_float,
}

TESTS: Final[Mapping[str, Callable[..., Any]]] = {
    "is_number": _is_number,
    "match": _regex_match,
    "search": _regex_search,
    "contains": _contains,
    "in": _is_in,
    "list": _is_kind(list),
    "set": _is_kind(set),
    "tuple": _is_kind(tuple),
    "datetime": _is_kind(datetime),
    "string_like": _is_kind(str, bytes, bytearray),
}

GLOBALS: Final[Mapping[str, Any]] = {
    **_FUNCTIONS,
    "from_json": _from_json,
    "e": math.e,
    "pi": math.pi,
    "tau": math.tau,
    "inf": math.inf,
}
