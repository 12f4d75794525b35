"""Templates that are rendered once, when a definition is read, know nothing of the home and the clock."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NoReturn

from hub_agent.errors import TemplateError

NAMES = (
    "expand",
    "has_value",
    "is_state",
    "is_state_attr",
    "now",
    "relative_time",
    "state_attr",
    "states",
    "time_since",
    "time_until",
    "today_at",
    "utcnow",
)


class _NotHere:
    """Stands where the home would: whatever is asked of it is refused in words."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self) -> NoReturn:
        raise TemplateError(f"'{self._name}' cannot be used here: this template is rendered once, when it is read")

    def __call__(self, *_args: object, **_named: object) -> NoReturn:
        self._refuse()

    def __getattr__(self, _name: str) -> NoReturn:
        self._refuse()

    def __getitem__(self, _key: object) -> NoReturn:
        self._refuse()

    def __iter__(self) -> Iterator[object]:
        self._refuse()

    def __str__(self) -> str:
        return self._refuse()


LIMITED: Mapping[str, object] = MappingProxyType({name: _NotHere(name) for name in NAMES})
