"""How far a stream has come, as the mirror says it. Who needs to know more says so where it is needed."""

from typing import Protocol


class Reached(Protocol):
    @property
    def stream(self) -> str: ...
    @property
    def last(self) -> int: ...
    @property
    def acknowledged(self) -> int: ...
