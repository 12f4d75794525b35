"""What templates may call: Home Assistant's filters, tests and functions that need no state, each with a bound. How each is bounded stands where it is."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2.filters import do_float

from hub_agent.templating import encodings, jinja_filters, lists, numbers, patterns
from hub_agent.templating.bounds import to_text

# Those that are functions and filters as well.
_BOTH: Final[Mapping[str, Callable[..., Any]]] = {**numbers.FUNCTIONS, **encodings.FUNCTIONS, **lists.FUNCTIONS}

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **_BOTH,
    **jinja_filters.FILTERS,
    **numbers.FILTERS,
    **encodings.FILTERS,
    **lists.FILTERS,
    **patterns.FILTERS,
    "forgiving_float": do_float,
    "string": to_text,
}

TESTS: Final[Mapping[str, Callable[..., Any]]] = {**lists.TESTS, **patterns.TESTS}

GLOBALS: Final[Mapping[str, Any]] = {**_BOTH, **numbers.GLOBALS, **encodings.GLOBALS, **lists.GLOBALS}
