"""Which dialects have links, where their adapters are, and what they need installed. A new one is one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final, cast

from hub_agent.adapters.links.link import Linking


@dataclass(frozen=True, slots=True)
class Place:
    """`module` has a class `class_name` that fills Linking. `extra`: `pip install nexa-hub[extra]` brings its libraries; None: the base does.
    `searches`: the process is started even if no peer is known, to look for some.
    """

    module: str
    class_name: str
    extra: str | None = None
    searches: bool = False


LINKINGS: Final[Mapping[str, Place]] = MappingProxyType({})


def load(dialect: str) -> Linking:
    """Raises ImportError where a library is missing; KeyError for a dialect that has no links."""
    place = LINKINGS[dialect]
    return cast("Linking", getattr(import_module(place.module), place.class_name)())
