"""Values of definitions that may hold templates. What has none costs nothing when a run needs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from hub_agent.core.automation.reading import DEPTH_MAX, in_words, to_duration
from hub_agent.errors import DefinitionError, TemplateError
from hub_agent.model.json import JsonValue
from hub_agent.templating import Template, Templates, is_template

# What templates see: names and what they stand for.
Variables: TypeAlias = Mapping[str, object]


class Value(Protocol):
    @property
    def is_constant(self) -> bool: ...

    def get(self, variables: Callable[[], Variables]) -> JsonValue:
        """Raises TemplateError. `variables` is asked only if there is a template."""


@dataclass(frozen=True, slots=True)
class Constant:
    value: JsonValue
    is_constant: bool = True

    def get(self, _variables: Callable[[], Variables]) -> JsonValue:
        return self.value


@dataclass(frozen=True, slots=True)
class Templated:
    template: Template
    is_constant: bool = False

    def get(self, variables: Callable[[], Variables]) -> JsonValue:
        return as_storable(self.template.evaluate(**variables()))


@dataclass(frozen=True, slots=True)
class ListOfValues:
    parts: tuple[Value, ...]
    is_constant: bool = False

    def get(self, variables: Callable[[], Variables]) -> JsonValue:
        return [part.get(variables) for part in self.parts]


@dataclass(frozen=True, slots=True)
class MappingOfValues:
    parts: tuple[tuple[str, Value], ...]
    is_constant: bool = False

    def get(self, variables: Callable[[], Variables]) -> JsonValue:
        return {key: part.get(variables) for key, part in self.parts}


@dataclass(frozen=True, slots=True)
class MappingWithTemplatedKeys:
    parts: tuple[tuple[Value, Value], ...]
    is_constant: bool = False

    def get(self, variables: Callable[[], Variables]) -> JsonValue:
        return {str(key.get(variables)): part.get(variables) for key, part in self.parts}


NOTHING = Constant(None)


def read_value(value: JsonValue, templates: Templates, where: str) -> Value:
    """Compiles all templates inside. Raises DefinitionError at the template that cannot be read."""
    if where.count("/") > DEPTH_MAX:
        raise DefinitionError(f"nested more than {DEPTH_MAX} levels deep", where)
    if isinstance(value, str):
        return Templated(read_template(value, templates, where)) if is_template(value) else Constant(value)
    if isinstance(value, Mapping):
        parts = tuple((str(key), read_value(part, templates, f"{where}/{key}")) for key, part in value.items())
        if any(is_template(key) for key, _ in parts):
            return MappingWithTemplatedKeys(tuple((read_value(key, templates, where), part) for key, part in parts))
        return Constant(value) if all(part.is_constant for _, part in parts) else MappingOfValues(parts)
    if isinstance(value, Sequence):
        items = tuple(read_value(part, templates, f"{where}/{index}") for index, part in enumerate(value))
        return Constant(value) if all(part.is_constant for part in items) else ListOfValues(items)
    return Constant(value)


def read_template(source: JsonValue, templates: Templates, where: str) -> Template:
    if isinstance(source, bool):  # written without quotes: a template that always gives the same
        source = str(source)
    if not isinstance(source, str):
        raise DefinitionError("must be a template in quotes", where)
    try:
        return templates.compile(source)
    except TemplateError as err:
        raise DefinitionError(str(err), where) from err


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, checked when read if it holds no template."""

    value: Value
    known: timedelta | None
    may_be_negative: bool = False

    def get(self, variables: Callable[[], Variables]) -> timedelta:
        """Raises TemplateError or ValueError."""
        if self.known is not None:
            return self.known
        return to_duration(self.value.get(variables), may_be_negative=self.may_be_negative)


def read_duration(value: JsonValue, templates: Templates, where: str, *, may_be_negative: bool = False) -> Duration:
    compiled = read_value(value, templates, where)
    if not compiled.is_constant:
        return Duration(compiled, None, may_be_negative)
    known = in_words(lambda: to_duration(value, may_be_negative=may_be_negative), where)
    return Duration(compiled, known, may_be_negative)


def as_storable(value: JsonValue) -> JsonValue:
    """What a template gives goes into records: no number that JSON's readers cannot hold, no half of a character."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, Mapping):
        return {str(as_storable(key)): as_storable(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [as_storable(item) for item in value]
    return value


def is_true_text(text: str) -> bool:
    """What a template condition takes for true: the word, in any case."""
    return text.strip().lower() == "true"


def is_truth(text: str) -> bool:
    """What a template trigger takes for true: true, yes, on, enable, or a number other than zero."""
    word = text.strip().lower()
    if word in {"true", "yes", "on", "enable"}:
        return True
    try:
        return float(word) != 0
    except ValueError:
        return False


def are_same(left: object, right: object) -> bool:
    """Strictly equal: 5 is not "5", and true is not 1; whole and broken numbers compare by value."""
    if type(left) is str or type(right) is str:  # most of all there is; below, asking for abstract kinds takes its time
        return left == right
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_same(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(are_same(a, b) for a, b in zip(left, right, strict=True))
    return left == right
