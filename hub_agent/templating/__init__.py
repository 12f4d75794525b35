"""Templates in Home Assistant's dialect of Jinja2, for definitions and devices' messages: sandboxed and bounded.

A template comes from a device, a file or the cloud and is hostile until proven otherwise. Jinja's sandbox keeps it away from
Python's internals; it does not keep it from burning time or memory. So every loop round, call and operator costs a tick of a
budget, what is concatenated, multiplied, padded or printed is measured before it is made, and patterns of regular expressions
that can backtrack without end are refused.

Most templates of devices are as small as `{{ value_json.temperature }}`. Those are recognised (`paths.py`)
and answered without Jinja; whatever is unusual about a value falls back to it.
"""

import ast
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

import jinja2
from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from hub_agent.errors import TemplateError
from hub_agent.model.json import JsonValue
from hub_agent.templating.functions import (
    FILTERS,
    GLOBALS,
    TESTS,
    TEXT_CHARS_MAX,
    Times,
    TooLarge,
    check_size,
    check_text_method,
    join_texts,
    to_text,
)
from hub_agent.templating.paths import NOT_TRIVIAL, Trivial, recognise

SOURCE_CHARS_MAX: Final = 16_384
OUTPUT_CHARS_MAX: Final = 65_536
TICKS_MAX: Final = 50_000
TEMPLATES_MAX: Final = 4_096
NUMBER_BITS_MAX: Final = 4_096

_NUMBER = re.compile(r"[+-]?(?!0\d)(?:\d+\.?\d*|\.\d+)")
_WORDS: Final[Mapping[str, JsonValue]] = {"True": True, "False": False, "None": None}
_MISSING: Final = object()


class Template:
    """One template, ready to be rendered any number of times."""

    __slots__ = ("_code", "_environment", "_trivial", "source")

    def __init__(self, source: str, environment: "_Environment", trivial: Trivial | None) -> None:
        self.source = source
        self._environment = environment
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
        environment = self._environment
        before = environment.budget
        environment.budget = _Budget()
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

    `globals`: further functions, such as `states` or `now`; `filters` and `tests` likewise.
    """

    def __init__(
        self,
        *,
        time_zone: tzinfo = UTC,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - Jinja's word for it
        filters: Mapping[str, Callable[..., Any]] | None = None,
        tests: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self._environment = _Environment(time_zone, globals or {})
        self._environment.filters.update(filters or {})
        self._environment.tests.update(tests or {})
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

    def _compile(self, source: str) -> Template:
        if len(source) > SOURCE_CHARS_MAX:
            raise TemplateError(f"a template has at most {SOURCE_CHARS_MAX} characters, this one has {len(source)}")
        try:
            trivial = recognise(source)
            if trivial is None:
                self._environment.check(source)
            return Template(source, self._environment, trivial)
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


class _Budget:
    __slots__ = ("chars_left", "ticks_left")

    def __init__(self) -> None:
        self.ticks_left = TICKS_MAX
        self.chars_left = OUTPUT_CHARS_MAX

    def spend(self, ticks: int = 1) -> None:
        self.ticks_left -= ticks
        if self.ticks_left < 0:
            raise TooLarge("it takes too many steps")

    def write(self, chars: int) -> None:
        self.chars_left -= chars
        if self.chars_left < 0:
            raise TooLarge(f"it gives more than {OUTPUT_CHARS_MAX} characters")


class _Bounds(NodeTransformer):
    """Puts the budget where Jinja offers no hook: into loops and into `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the visitor's convention
        if node.recursive:
            raise TooLarge("a recursive loop is not supported")
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_each", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - the visitor's convention
        self.generic_visit(node)
        return nodes.Filter(
            nodes.List(node.nodes, lineno=node.lineno), "_concat", [], [], None, None, lineno=node.lineno
        )


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, time_zone: tzinfo, more: Mapping[str, object]) -> None:
        self.budget = _Budget()
        super().__init__(
            extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"],
            finalize=self._finalize,
            cache_size=0,
            autoescape=False,
        )
        times = Times(time_zone)
        for unbounded in ("pprint", "xmlattr", "urlize", "wordwrap", "random"):
            self.filters.pop(unbounded, None)
        self.globals.pop("lipsum", None)
        self.filters.update(FILTERS)
        self.filters.update(times.filters())
        self.filters.update(_each=self._each, _concat=self._concat)
        self.tests.update(TESTS)
        self.globals.update(GLOBALS)
        self.globals.update(times.globals())
        self.globals["range"] = self._range
        self.globals.update(more)
        self._names = dict(self.globals)

    def check(self, source: str) -> None:
        """Finds without compiling what compiling would find. Raises TemplateSyntaxError."""
        tree = self.parse(source)
        known: Mapping[type[nodes.Node], tuple[str, Mapping[str, Any]]] = {
            nodes.Filter: ("filter", self.filters),
            nodes.Test: ("test", self.tests),
        }
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            kind, names = known[type(node)]
            if node.name not in names:
                raise jinja2.TemplateSyntaxError(f"No {kind} named {node.name!r}.", node.lineno)

    def context(self, code: jinja2.Template, variables: dict[str, object]) -> Context:
        # What `Template.new_context` makes, without walking the globals one by one for each rendering.
        return self.context_class(self, {**self._names, **variables}, code.name, code.blocks)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def checked(*args: Any, **kwargs: Any) -> str:
            check_text_method(value, args, kwargs)
            return wrapped(*args, **kwargs)

        return checked

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd escapes such as "\d" in regular expressions: people write them
            tree: nodes.Template = _Bounds().visit(super()._parse(source, name, filename))
        return tree

    def _finalize(self, value: Any) -> Any:
        text = value if isinstance(value, str) else to_text(value)
        self.budget.write(len(text))
        return text

    def _each(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.budget.spend()
            yield item

    def _concat(self, items: list[Any]) -> str:
        self.budget.spend()
        return join_texts(items)

    def _range(self, *args: int) -> range:
        numbers = range(*args)
        if len(numbers) > TICKS_MAX:
            raise TooLarge(f"a range has at most {TICKS_MAX} numbers")
        self.budget.spend(len(numbers))
        return numbers

    @pass_context
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - as in the class above: `self` may be an argument
        __self.budget.spend()
        if isinstance(getattr(__obj, "__self__", None), str):
            check_text_method(__obj, args, kwargs)
        answer = super().call(__context, __obj, *args, **kwargs)
        return check_size(answer) if isinstance(answer, str) else answer

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.budget.spend()
        _BINOP_CHECKS[operator](left, right)
        return super().call_binop(context, operator, left, right)


def _check_add(left: Any, right: Any) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _check_length(len(left) + len(right))


def _check_multiply(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int):
            _check_length(len(many) * times)


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() * abs(right))


def _check_modulo(left: Any, _right: Any) -> None:
    if isinstance(left, str):
        check_text_method(left.__mod__, (), {})


def _check_length(length: int) -> None:
    if length > TEXT_CHARS_MAX:
        raise TooLarge(f"a text or list may have at most {TEXT_CHARS_MAX} parts")


def _check_bits(bits: int) -> None:
    if bits > NUMBER_BITS_MAX:
        raise TooLarge("a number becomes too large")


_BINOP_CHECKS: Final[Mapping[str, Callable[[Any, Any], None]]] = {
    "+": _check_add,
    "*": _check_multiply,
    "**": _check_power,
    "%": _check_modulo,
}


def _say(err: Exception) -> str:
    if isinstance(err, RecursionError):
        return "it calls itself too often"
    text = str(err)[:200]
    return text or type(err).__name__


def _shorten(source: str) -> str:
    line = " ".join(source.split())
    return repr(line if len(line) <= 80 else f"{line[:77]}...")
