"""Templates in Home Assistant's dialect of Jinja2, for definitions and devices' messages: sandboxed and bounded.

A template comes from a device, a file or the cloud and is hostile until proven otherwise. Jinja's sandbox keeps it away from
Python's internals; it does not keep it from burning time or memory. So every loop round, call, filter, comparison and operator
costs ticks of a budget, the more the larger what it works on; what is concatenated, multiplied, padded or printed is measured
before it is made; and patterns of regular expressions that can backtrack without end are refused. `budget.py` counts.

A limited template (`Templates.limited`) is rendered before there is a home to look at: what asks for the home is an error there.

Most templates of devices are as small as `{{ value_json.temperature }}`. Those are recognised (`paths.py`)
and answered without Jinja; whatever is unusual about a value falls back to it. Jinja itself is loaded with the first template that
needs it: that is 2 to 3 MiB.
"""

import ast
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final

from hub_agent.errors import TemplateError
from hub_agent.model.json import JsonValue
from hub_agent.templating.budget import Budget
from hub_agent.templating.paths import NOT_TRIVIAL, Trivial, recognise

if TYPE_CHECKING:
    import jinja2

    from hub_agent.templating.sandbox import Sandbox

SOURCE_CHARS_MAX: Final = 16_384
TEMPLATES_MAX: Final = 4_096

_NUMBER = re.compile(r"[+-]?(?!0\d)(?:\d+\.?\d*|\.\d+)")
_WORDS: Final[Mapping[str, JsonValue]] = {"True": True, "False": False, "None": None}
_MISSING: Final = object()


class Template:
    """One template, ready to be rendered any number of times."""

    __slots__ = ("_code", "_sandbox", "_trivial", "source")

    def __init__(self, source: str, sandbox: "Callable[[], Sandbox]", trivial: Trivial | None) -> None:
        self.source = source
        self._sandbox = sandbox
        self._trivial = trivial
        # Compiled at first use: a home's thousands of templates would take seconds at every start, and most wait for days.
        self._code: jinja2.Template | None = None

    def render(self, **variables: object) -> str:
        """The text, without white space around it. Raises TemplateError."""
        if self._trivial is not None:
            text = self._trivial(variables)
            if text is not NOT_TRIVIAL:
                return text
        return self._render(variables)

    def evaluate(self, **variables: object) -> JsonValue:
        """What the rendered text says as a value: a number, truth, list or mapping where it reads as one, else the text."""
        return read_value(self.render(**variables))

    def _render(self, variables: dict[str, object]) -> str:
        import jinja2

        environment = self._sandbox()
        before = environment.budget
        environment.budget = Budget()
        try:
            if self._code is None:
                self._code = environment.from_string(self.source)
            context = environment.context(self._code, variables)
            return "".join(self._code.root_render_func(context)).strip()
        except Exception as err:
            is_missing = isinstance(err, jinja2.UndefinedError | NameError)
            raise TemplateError(
                f"{_say(err)} in template {_shorten(self.source)}", is_value_missing=is_missing
            ) from err
        finally:
            environment.budget = before


class Templates:
    """Compiles templates and keeps the latest `TEMPLATES_MAX`, oldest use first out.

    `globals`: functions that look at the home, such as `states` or `now`; `filters` and `tests` likewise. `library`: templates that
    others may import from, by name.
    """

    def __init__(
        self,
        *,
        time_zone: tzinfo = UTC,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - Jinja's word for it
        filters: Mapping[str, Callable[..., Any]] | None = None,
        tests: Mapping[str, Callable[..., Any]] | None = None,
        library: Mapping[str, str] | None = None,
    ) -> None:
        self._given = (time_zone, globals or {}, filters or {}, tests or {}, library or {})
        self._made: Sandbox | None = None
        self._is_limited = False
        self._templates: OrderedDict[str, Template] = OrderedDict()

    def compile(self, source: str) -> Template:
        """Raises TemplateError where the template cannot be read."""
        known = self._templates.get(source)
        if known is not None:
            self._templates.move_to_end(source)
            return known
        template = self._compile(source)
        self._templates[source] = template
        if len(self._templates) > TEMPLATES_MAX:
            self._templates.popitem(last=False)
        return template

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Inside, what looks at the home is an error."""
        before = self._is_limited
        self._limit(is_limited=True)
        try:
            yield
        finally:
            self._limit(is_limited=before)

    def _limit(self, *, is_limited: bool) -> None:
        self._is_limited = is_limited
        if self._made is not None:
            self._made.is_limited = is_limited

    def _sandbox(self) -> "Sandbox":
        if self._made is None:
            from hub_agent.templating.sandbox import Sandbox

            self._made = Sandbox(*self._given)
            self._made.is_limited = self._is_limited
        return self._made

    def _compile(self, source: str) -> Template:
        if len(source) > SOURCE_CHARS_MAX:
            raise TemplateError(f"a template has at most {SOURCE_CHARS_MAX} characters, this one has {len(source)}")
        trivial = recognise(source)
        if trivial is None:
            self._check(source)
        return Template(source, self._sandbox, trivial)

    def _check(self, source: str) -> None:
        import jinja2

        try:
            self._sandbox().check(source)
        except jinja2.TemplateSyntaxError as err:
            raise TemplateError(f"{err.message} on line {err.lineno} of template {_shorten(source)}") from err
        except Exception as err:
            raise TemplateError(f"{_say(err)} in template {_shorten(source)}") from err


def is_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def read_value(text: str) -> JsonValue:
    """A rendered text as Home Assistant reads it: Python's literals, but never a quoted text, a complex or a scientific number."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _read_number(text)
    if not text or text[0] not in "[{('\"+-0123456789.":
        return text
    value = _read_literal(text)
    return text if value is _MISSING else value  # type: ignore[return-value]  # not the marker, so JSON


def _read_number(text: str) -> JsonValue:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:  # more digits than Python reads
        return text


def _read_literal(text: str) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd literals: they are data here
            value = ast.literal_eval(text)
        return _as_json(value) if isinstance(value, list | tuple | dict | set) else _MISSING
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _MISSING


def _as_json(value: object) -> JsonValue:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, set):
        return sorted((_as_json(each) for each in value), key=str)
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    raise ValueError("not JSON")


def _say(err: Exception) -> str:
    if isinstance(err, RecursionError):
        return "it calls itself too often"
    text = str(err)[:200]
    return text or type(err).__name__


def _shorten(source: str) -> str:
    line = " ".join(source.split())
    return repr(line if len(line) <= 80 else f"{line[:77]}...")
