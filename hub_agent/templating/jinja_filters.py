"""Filters that Jinja has itself, each with a bound."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import Environment, pass_environment
from jinja2.filters import do_center, do_format, do_indent, do_replace, do_tojson, do_wordwrap, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.utils import pass_eval_context
from markupsafe import Markup

from hub_agent.templating.bounds import (
    PARTS_MAX,
    TEXT_CHARS_MAX,
    WIDTH_MAX,
    TooLarge,
    check_replaced,
    check_size,
    check_text_method,
    join_texts,
    measure,
    to_text,
)


@pass_eval_context
def _replace(context: EvalContext, text: Any, old: str, new: str, count: int | None = None) -> str:
    text = to_text(text)
    check_replaced(text, str(old), str(new))
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
    measure(value)
    return do_tojson(context, value, min(int(indent), 8) if indent is not None else None)


@pass_environment
def _wordwrap(environment: Environment, text: str, width: int = 79, break_long_words: bool = True) -> str:  # noqa: FBT001, FBT002 - Jinja's signature
    return check_size(do_wordwrap(environment, to_text(text), max(1, int(width)), bool(break_long_words)))


@pass_environment
def _sum(environment: Environment, iterable: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
    """Of numbers; or of lists, where `start` is one."""
    items = iterable if attribute is None else map(make_attrgetter(environment, attribute), iterable)
    if not isinstance(start, list | tuple):
        return sum(items, start)
    joined = list(start)
    for item in items:
        if not isinstance(item, type(start)):
            raise TypeError(f"sum can add only a {type(start).__name__} to a {type(start).__name__}")
        joined += item
        if len(joined) > TEXT_CHARS_MAX:
            raise TooLarge(f"a text or list may have at most {TEXT_CHARS_MAX} parts")
    return type(start)(joined)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "batch": _batch,
    "center": _center,
    "format": _format,
    "indent": _indent,
    "join": _join,
    "replace": _replace,
    "slice": _slice,
    "sum": _sum,
    "tojson": _tojson,
    "wordwrap": _wordwrap,
}
