"""Frozen values at the price of plain ones.

`dataclass(frozen=True)` sets each field the long way round, which makes a value three times as dear; an event that fires a rule makes
some fifteen. Here mypy alone refuses to change a field. For what passes through the core with every event; all others are frozen dataclasses.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(kind: type[T]) -> type[T]:
    return dataclass(slots=True, unsafe_hash=True)(kind)
