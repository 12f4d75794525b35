"""Recognises the smallest templates, so that a message need not go through Jinja: a path into the message, a few filters, or one of two texts.

What is recognised gives exactly what Jinja would give, or `NOT_TRIVIAL` where a value is of an unusual kind.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

NOT_TRIVIAL: Final = "\0not trivial"
CHARS_MAX: Final = 65_536

Trivial: TypeAlias = Callable[[Mapping[str, Any]], str]
_Look: TypeAlias = Callable[[Mapping[str, Any]], Any]

_MISSING: Final = object()
_UNUSUAL: Final = object()

_STEP = r"""(?:\.[A-Za-z_]\w*|\.\d+|\[\s*(?:'[^'\\]*'|"[^"\\]*"|\d+)\s*\])"""
_PATH = rf"(?:value_json{_STEP}*|value)"
_TEXT = r"""(?:'[^'\\]*'|"[^"\\]*")"""
_EXPRESSION = re.compile(rf"\s*\{{\{{-?\s*({_PATH})\s*((?:\|\s*\w+\s*(?:\([^()|]*\))?\s*)*)-?\}}\}}\s*")
_FILTER = re.compile(r"\|\s*(\w+)\s*(?:\(([^()|]*)\))?\s*")
_CHOICE = re.compile(rf"\s*\{{\{{-?\s*({_TEXT})\s+if\s+({_PATH})\s+else\s+({_TEXT})\s*-?\}}\}}\s*")
_BRANCH = re.compile(
    rf"\s*\{{%-?\s*if\s+({_PATH})\s*-?%\}}([^{{}}]*)\{{%-?\s*else\s*-?%\}}([^{{}}]*)\{{%-?\s*endif\s*-?%\}}\s*"
)
_STEPS = re.compile(r"""\.([A-Za-z_]\w*)|\.(\d+)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d+))\s*\]""")
# Jinja finds these on a mapping before the key of the same name.
_ATTRIBUTES = frozenset(dir(dict)) | frozenset(dir(list)) | frozenset(dir(str)) | frozenset(dir(float))


def recognise(source: str) -> Trivial | None:
    """How to answer the template without Jinja, or None."""
    if match := _EXPRESSION.fullmatch(source):
        look = _looker(match[1])
        filters = _filters(match[2])
        return None if look is None or filters is None else _printer(look, filters)
    if match := _CHOICE.fullmatch(source):
        look = _looker(match[2])
        return None if look is None else _chooser(look, match[1][1:-1].strip(), match[3][1:-1].strip())
    if match := _BRANCH.fullmatch(source):
        look = _looker(match[1])
        return None if look is None else _chooser(look, match[2].strip(), match[3].strip())
    return None


def _looker(path: str) -> _Look | None:
    if path == "value":
        return lambda variables: variables.get("value", _UNUSUAL)
    steps: list[str | int] = []
    for dotted, dotted_index, single, double, index in _STEPS.findall(path):
        if dotted in _ATTRIBUTES and dotted:
            return None
        if dotted_index or index:
            steps.append(int(dotted_index or index))
        else:
            steps.append(dotted or single or double)
    if len(steps) == 1:
        return _single_looker(steps[0])
    return lambda variables: _follow(variables.get("value_json", _UNUSUAL), steps)


def _single_looker(step: str | int) -> _Look:
    if isinstance(step, int):
        return lambda variables: _follow(variables.get("value_json", _UNUSUAL), [step])

    def look(variables: Mapping[str, Any]) -> Any:
        body = variables.get("value_json", _UNUSUAL)
        return body.get(step, _MISSING) if type(body) is dict else _UNUSUAL

    return look


def _follow(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        if type(value) is dict and type(step) is str:
            value = value.get(step, _MISSING)
        elif type(value) is list and type(step) is int and step < len(value):
            value = value[step]
        else:  # a missing middle, an index too high, a text: Jinja has words for each
            return _UNUSUAL
    return value


def _printer(look: _Look, filters: list[Callable[[Any], Any]]) -> Trivial:
    def show(variables: Mapping[str, Any]) -> str:
        value = look(variables)
        for each in filters:
            value = each(value)
        kind = type(value)
        if kind is str:
            return value.strip() if len(value) <= CHARS_MAX else NOT_TRIVIAL
        if kind is float or kind is int or kind is bool or value is None:
            return str(value)
        return "" if value is _MISSING else NOT_TRIVIAL

    return show


def _chooser(look: _Look, yes: str, no: str) -> Trivial:
    def choose(variables: Mapping[str, Any]) -> str:
        value = look(variables)
        if value is _UNUSUAL:
            return NOT_TRIVIAL
        return yes if value is not _MISSING and value else no

    return choose


def _filters(chain: str) -> list[Callable[[Any], Any]] | None:
    found = []
    for name, argument in _FILTER.findall(chain):
        make = _FILTERS.get(name)
        each = make(argument.strip()) if make is not None else None
        if each is None:
            return None
        found.append(each)
    return found


def _make_int(argument: str) -> Callable[[Any], Any] | None:
    return _to_int if not argument else None


def _make_float(argument: str) -> Callable[[Any], Any] | None:
    return _to_float if not argument else None


def _make_round(argument: str) -> Callable[[Any], Any] | None:
    if argument and not (argument.isdecimal() and len(argument) == 1):
        return None
    digits = int(argument or 0)

    def to_rounded(value: Any) -> Any:
        kind = type(value)
        if (kind is not float and kind is not int) or not -1e15 < value < 1e15:
            return _UNUSUAL
        return round(float(value), digits) if digits else round(float(value))

    return to_rounded


def _make_default(argument: str) -> Callable[[Any], Any] | None:
    literal = _literal(argument)
    if literal is _UNUSUAL:
        return None
    return lambda value: literal if value is _MISSING else value


def _make_case(argument: str, change: Callable[[str], str]) -> Callable[[Any], Any] | None:
    if argument:
        return None
    return lambda value: change(value) if type(value) is str else _UNUSUAL


def _literal(text: str) -> Any:
    if re.fullmatch(_TEXT, text):
        return text[1:-1]
    if re.fullmatch(r"-?\d{1,9}", text):
        return int(text)
    if re.fullmatch(r"-?\d{1,9}\.\d{1,9}", text):
        return float(text)
    return _UNUSUAL


def _to_int(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return value
    if kind is float and -1e15 < value < 1e15:
        return int(value)
    if kind is str:
        try:
            return int(value)
        except ValueError:
            return _UNUSUAL
    return _UNUSUAL


def _to_float(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value
    if (kind is int and -(10**15) < value < 10**15) or kind is str:
        try:
            return float(value)
        except ValueError:
            return _UNUSUAL
    return _UNUSUAL


_FILTERS: Final[Mapping[str, Callable[[str], Callable[[Any], Any] | None]]] = {
    "int": _make_int,
    "float": _make_float,
    "round": _make_round,
    "default": _make_default,
    "lower": lambda argument: _make_case(argument, str.lower),
    "upper": lambda argument: _make_case(argument, str.upper),
    "trim": lambda argument: _make_case(argument, str.strip),
}
