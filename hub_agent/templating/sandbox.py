"""Jinja's sandbox with a budget: where templates are compiled, and what they may call."""

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Any, Final, NoReturn

import jinja2
from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from hub_agent.templating.bounds import TEXT_CHARS_MAX, TooLarge, check_size, check_text_method, join_texts, to_text
from hub_agent.templating.budget import Budget, ticks_for, ticks_for_pattern
from hub_agent.templating.functions import FILTERS, GLOBALS, TESTS
from hub_agent.templating.patterns import FILTERS as PATTERN_FILTERS, TESTS as PATTERN_TESTS
from hub_agent.templating.times import Times

NUMBER_BITS_MAX: Final = 4_096
RANGE_MAX: Final = 100_000
LIBRARY_MAX: Final = 100

_UNBOUNDED: Final = ("pprint", "random", "urlize", "xmlattr")
_OF_PATTERNS: Final = frozenset({*PATTERN_FILTERS, *PATTERN_TESTS})


class _Bounds(NodeTransformer):
    """Puts the budget where Jinja offers no hook: into loops, `~`, comparisons and slices."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the visitor's convention
        if node.recursive:
            raise TooLarge("a recursive loop is not supported")
        self.generic_visit(node)
        node.iter = _through("_each", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - the visitor's convention
        self.generic_visit(node)
        return _through("_concat", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - the visitor's convention
        self.generic_visit(node)
        for operand in node.ops:
            if not isinstance(operand.expr, nodes.Const):
                operand.expr = _through("_seen", operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802 - the visitor's convention
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _through("_seen", node.node)
        return node


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


class Sandbox(ImmutableSandboxedEnvironment):
    """`home`, `filters`, `tests`: what looks at the home; refused while `is_limited`. `library`: templates to import from."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(
        self,
        time_zone: tzinfo,
        home: Mapping[str, object],
        filters: Mapping[str, Callable[..., Any]],
        tests: Mapping[str, Callable[..., Any]],
        library: Mapping[str, str],
    ) -> None:
        self.budget = Budget()
        self.is_limited = False
        super().__init__(
            extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"],
            finalize=self._finalize,
            cache_size=LIBRARY_MAX if library else 0,
            autoescape=False,
            loader=jinja2.DictLoader(library) if library else None,
        )
        times = Times(time_zone)
        for name in _UNBOUNDED:
            self.filters.pop(name, None)
        self.globals.pop("lipsum", None)
        self.filters.update({**FILTERS, **times.filters(), **self._of_home(filters)})
        self.tests.update({**TESTS, **self._of_home(tests)})
        for name, function in tuple[tuple[str, Any], ...](self.filters.items()):
            self.filters[name] = self._charged(name, function)
        for name, function in tuple[tuple[str, Any], ...](self.tests.items()):
            self.tests[name] = self._charged(name, function)
        self.filters.update(_each=self._each, _concat=self._concat, _seen=self._seen)
        self.globals.update({**GLOBALS, **times.globals(), "range": self._range, **home})
        self._names = dict(self.globals)
        self._limited_names = {**self._names, **{name: _Refuser(name) for name in home}}

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
        names = self._limited_names if self.is_limited else self._names
        return self.context_class(self, {**names, **variables}, code.name, code.blocks)

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

    def _of_home(self, functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
        return {name: self._unless_limited(name, function) for name, function in functions.items()}

    def _unless_limited(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def apply(*args: Any, **kwargs: Any) -> Any:
            if self.is_limited:
                _refuse(name)
            return function(*args, **kwargs)

        return _passing_on(function, apply)

    def _charged(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        ticks = ticks_for_pattern if name in _OF_PATTERNS else ticks_for
        subject = 1 if hasattr(function, "jinja_pass_arg") else 0

        def apply(*args: Any, **kwargs: Any) -> Any:
            self.budget.spend(ticks(args[subject]) if len(args) > subject else 1)
            return function(*args, **kwargs)

        return _passing_on(function, apply)

    def _finalize(self, value: Any) -> Any:
        text = value if isinstance(value, str) else to_text(value)
        self.budget.write(len(text))
        return text

    def _each(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.budget.spend()
            yield item

    def _concat(self, items: list[Any]) -> str:
        text = join_texts(items)
        self.budget.spend(ticks_for(text))
        return text

    def _seen(self, value: Any) -> Any:
        self.budget.spend(ticks_for(value))
        return value

    def _range(self, *args: int) -> range:
        numbers = range(*args)
        if len(numbers) > RANGE_MAX:
            raise TooLarge(f"a range has at most {RANGE_MAX} numbers")
        return numbers

    @pass_context
    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - as in the class above: `self` may be an argument
        owner = getattr(__obj, "__self__", None)
        __self.budget.spend(ticks_for(owner) + sum(ticks_for(each) - 1 for each in args))
        if isinstance(owner, str):
            check_text_method(__obj, args, kwargs)
        answer = super().call(__context, __obj, *args, **kwargs)
        return check_size(answer) if isinstance(answer, str) else answer

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.budget.spend(ticks_for(left) + ticks_for(right) - 1)
        _BINOP_CHECKS[operator](left, right)
        return super().call_binop(context, operator, left, right)


def _passing_on(function: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """Jinja's marks on a function (what it wants to be given first) stand on the wrapper too."""
    return functools.update_wrapper(
        wrapper, function, assigned=(), updated=("__dict__",) if hasattr(function, "__dict__") else ()
    )


class _Refuser:
    """Stands for a function, or for `states`, in a limited template."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        _refuse(self._name)

    def __getitem__(self, _key: Any) -> Any:
        _refuse(self._name)

    def __iter__(self) -> Iterator[Any]:
        _refuse(self._name)


def _refuse(name: str) -> NoReturn:
    raise jinja2.TemplateError(f"'{name}' cannot be used here: this template is rendered once, when it is read")


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
