"""Functions of lists and mappings, of functions, and of values of any kind."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context, Macro

from hub_agent.templating.bounds import measure
from hub_agent.templating.defaults import NOT_GIVEN
from hub_agent.templating.numbers import is_number
from hub_agent.templating.versions import version

_NUMBER = re.compile(r"([-+]?\d+(?:\.\d+)?)")


def _many(name: str, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} needs a list, not {type(value).__name__}")
    return list(value)


# Sets, whose order is that in which their parts were given: the same each time.


def _union(value: Any, other: Any) -> list[Any]:
    return list(dict.fromkeys([*_many("union", value), *_many("union", other)]))


def _intersect(value: Any, other: Any) -> list[Any]:
    others = set(_many("intersect", other))
    return [each for each in dict.fromkeys(_many("intersect", value)) if each in others]


def _difference(value: Any, other: Any) -> list[Any]:
    others = set(_many("difference", other))
    return [each for each in dict.fromkeys(_many("difference", value)) if each not in others]


def _symmetric_difference(value: Any, other: Any) -> list[Any]:
    one, two = list(value), list(other)
    return [*_difference(one, two), *_difference(two, one)]


# Lists and mappings.


def _flatten(value: Any, levels: int | None = None) -> list[Any]:
    measure(value)
    flat: list[Any] = []
    for item in _many("flatten", value):
        if isinstance(item, Iterable) and not isinstance(item, str) and (levels is None or levels >= 1):
            flat += _flatten(item, None if levels is None else levels - 1)
        else:
            flat.append(item)
    return flat


def _combine(*args: Any, recursive: bool = False) -> dict[Any, Any]:
    if not args:
        raise TypeError("combine needs at least one mapping")
    answer: dict[Any, Any] = {}
    for each in args:
        if not isinstance(each, Mapping):
            raise TypeError(f"combine needs mappings, not {type(each).__name__}")
        for key, value in each.items():
            before = answer.get(key)
            if recursive and isinstance(value, Mapping) and isinstance(before, Mapping):
                answer[key] = _combine(before, value, recursive=True)
            else:
                answer[key] = value
    return answer


def _merge_response(value: Any) -> list[Any]:
    """Answers by entity as one list. Each part says of which entity it is; parts of a list under one key, of which key as well."""
    if not isinstance(value, Mapping) or not all(isinstance(each, Mapping) for each in value.values()):
        raise TypeError("merge_response needs the response of an action: a mapping for each entity")
    merged: list[Any] = []
    for entity_id, answer in value.items():
        ((key, parts),) = answer.items() if len(answer) == 1 else ((None, None),)
        if isinstance(parts, list | tuple):
            merged += [_named(each, entity_id, {"value_key": key}) for each in parts]
        else:
            merged.append(_named(answer, entity_id, {}))
    return merged


def _named(part: Any, entity_id: str, more: Mapping[str, Any]) -> Any:
    if not isinstance(part, Mapping):
        return part
    if "entity_id" in part:
        raise ValueError("merge_response: an answer has an entity_id already")
    return {**part, "entity_id": entity_id, **more}


def _natural_sort(value: Any, key: str | int | None = None, reverse: bool = False) -> list[Any]:  # noqa: FBT001, FBT002 - Home Assistant's signature
    """Numbers inside texts count as numbers: 2 before 10."""

    def part_of(item: Any) -> Any:
        if key is None:
            return item
        if isinstance(item, Mapping) or isinstance(key, int):
            return item[key]
        return None if key.startswith("_") else getattr(item, key, None)

    def order(item: Any) -> list[tuple[bool, float, str]]:
        texts = _NUMBER.split(str(part_of(item)))
        return [
            (False, float(each), "") if index % 2 else (True, 0.0, each) for index, each in enumerate(texts) if each
        ]

    return sorted(_many("natural_sort", value), key=order, reverse=bool(reverse))


def _contains(many: Any, one: Any) -> bool:
    return one in many


def _is_in(one: Any, many: Any) -> bool:
    return one in many


def _to_set(value: Iterable[Any] = ()) -> set[Any]:
    return set(value)


def _to_tuple(value: Iterable[Any] = ()) -> tuple[Any, ...]:
    return tuple(value)


def _zip(*args: Iterable[Any]) -> list[Any]:
    return list(zip(*args, strict=False))


# Functions.


@pass_context
def _apply(context: Context, value: Any, fn: Any, *args: Any, **kwargs: Any) -> Any:
    return context.environment.call(context, fn, value, *args, **kwargs)  # type: ignore[attr-defined]  # the sandbox's


@pass_context
def _as_function(context: Context, macro: Any) -> Callable[..., Any]:
    """A macro that is given `returns`, as a function that answers with what it was called with."""
    if not isinstance(macro, Macro):
        raise TypeError("as_function needs a macro")

    def function(*args: Any, **kwargs: Any) -> Any:
        answer: list[Any] = []
        context.environment.call(context, macro, *args, **kwargs, returns=answer.append)  # type: ignore[attr-defined]  # the sandbox's
        return answer[-1] if answer else None

    return function


# Any value.


def _iif(value: Any, if_true: Any = True, if_false: Any = False, if_none: Any = NOT_GIVEN) -> Any:  # noqa: FBT002 - Home Assistant's signature
    if value is None and if_none is not NOT_GIVEN:
        return if_none
    return if_true if bool(value) else if_false


def _is_defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        raise NameError(f"{value._undefined_name} is not defined")  # noqa: SLF001, TRY004 - Jinja keeps the name there
    return value


def _typeof(value: Any) -> str:
    return type(value).__name__


def _is_kind(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "apply": _apply,
    "as_function": _as_function,
    "combine": _combine,
    "contains": _contains,
    "difference": _difference,
    "flatten": _flatten,
    "iif": _iif,
    "intersect": _intersect,
    "natural_sort": _natural_sort,
    "set": _to_set,
    "symmetric_difference": _symmetric_difference,
    "tuple": _to_tuple,
    "typeof": _typeof,
    "union": _union,
    "version": version,
    "zip": _zip,
}
FILTERS: Final[Mapping[str, Callable[..., Any]]] = {"is_defined": _is_defined}
GLOBALS: Final[Mapping[str, Any]] = {"merge_response": _merge_response}
TESTS: Final[Mapping[str, Callable[..., Any]]] = {
    "apply": _apply,
    "contains": _contains,
    "datetime": _is_kind(datetime),
    "in": _is_in,
    "is_number": is_number,
    "list": _is_kind(list),
    "set": _is_kind(set),
    "string_like": _is_kind(str, bytes, bytearray),
    "tuple": _is_kind(tuple),
}
