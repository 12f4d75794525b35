"""Regular expressions, within bounds: those that can backtrack without end are refused."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from hub_agent.errors import TemplateError
from hub_agent.templating.bounds import TEXT_CHARS_MAX, TooLarge, check_size, to_text

PATTERN_CHARS_MAX: Final = 500
SUBJECT_CHARS_MAX: Final = 8_192
PATTERN_STEPS_MAX: Final = 100_000_000
PATTERNS_MAX: Final = 512


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


def _search_in(value: Any, pattern: Any, *, ignorecase: bool, is_anchored: bool = False) -> tuple[re.Pattern[str], str]:
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
    compiled, text = _search_in(value, find, ignorecase=bool(ignorecase), is_anchored=True)
    return compiled.match(text) is not None


def _regex_search(value: Any, find: str = "", ignorecase: Any = False) -> bool:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = _search_in(value, find, ignorecase=bool(ignorecase))
    return compiled.search(text) is not None


def _regex_replace(value: Any = "", find: str = "", replace: str = "", ignorecase: Any = False) -> str:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = _search_in(value, find, ignorecase=bool(ignorecase))
    if (len(text) + 1) * max(1, len(replace)) > TEXT_CHARS_MAX * 8:
        raise TooLarge("a text becomes too long")
    return check_size(compiled.sub(replace, text))


def _regex_findall(value: Any, find: str = "", ignorecase: Any = False) -> list[Any]:  # noqa: FBT002 - Home Assistant's signature
    compiled, text = _search_in(value, find, ignorecase=bool(ignorecase))
    return compiled.findall(text)


def _regex_findall_index(value: Any, find: str = "", index: int = 0, ignorecase: Any = False) -> Any:  # noqa: FBT002 - Home Assistant's signature
    return _regex_findall(value, find, ignorecase)[index]


def matches_whole(pattern: str, text: str) -> bool:
    """Raises TemplateError where the pattern is none, or may backtrack without end."""
    try:
        compiled, subject = _search_in(text, pattern, ignorecase=False, is_anchored=True)
    except (TooLarge, re.error) as err:
        raise TemplateError(str(err)) from err
    return compiled.fullmatch(subject) is not None


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "regex_findall": _regex_findall,
    "regex_findall_index": _regex_findall_index,
    "regex_match": _regex_match,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
}
TESTS: Final[Mapping[str, Callable[..., Any]]] = {"match": _regex_match, "search": _regex_search}
