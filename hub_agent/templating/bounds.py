"""How large what a template makes may become, measured before it is made."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

TEXT_CHARS_MAX: Final = 65_536
PARTS_MAX: Final = 50_000
WIDTH_MAX: Final = 9_999

_WIDTH = re.compile(r"\d{5,}|\*|:[^}]*\{")


class TooLarge(Exception):
    """A template wants more than it may have."""


def check_size(text: str) -> str:
    if len(text) > TEXT_CHARS_MAX:
        raise TooLarge(f"a text may have at most {TEXT_CHARS_MAX} characters")
    return text


def to_text(value: Any) -> str:
    """`str(value)`, measured first: a short template can build a list that is endless when printed."""
    if isinstance(value, str):
        return check_size(value)
    if isinstance(value, list | tuple | dict | set):
        measure(value)
    if isinstance(value, int) and value.bit_length() > 8192:
        raise TooLarge("a number becomes too large")
    return check_size(str(value))


def measure(value: Any) -> None:
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
        check_replaced(text, str(args[0]), str(args[1]))
    elif name == "join" and args:
        join_texts(args[0] if isinstance(args[0], list | tuple | set | dict | str) else [], text)
    elif name in {"format", "format_map", "__mod__"}:
        if _WIDTH.search(text):
            raise TooLarge("a format pads too much")
        measure([*args, *kwargs.values()])
    elif name == "translate":
        raise TooLarge("translate is not supported")


def check_replaced(text: str, old: str, new: str) -> None:
    if len(text) + (text.count(old) if old else len(text) + 1) * len(new) > TEXT_CHARS_MAX:
        raise TooLarge(f"a text may have at most {TEXT_CHARS_MAX} characters")
