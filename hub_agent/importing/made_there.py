"""Entities that Home Assistant makes of its own configuration (template sensors, statistics …): no device ever brings them."""

from collections.abc import Iterator
from typing import Final

from hub_agent.model.ids import slugify
from hub_agent.model.json import JsonValue
from hub_agent.templating import is_template
from hub_agent.written.placed import Place, PlacedList, PlacedMap

PLATFORM_DOMAINS: Final = frozenset({"binary_sensor", "cover", "fan", "light", "lock", "sensor", "switch", "vacuum"})
# `platform: template` holds its entities by name under a key of the kind.
_BY_NAME: Final = frozenset({"covers", "fans", "lights", "locks", "sensors", "switches", "vacuums"})


def made_in(key: str, value: JsonValue) -> Iterator[tuple[str, Place]]:
    """Entity ids with where they are written. `key`: a top key of the configuration."""
    items = value if isinstance(value, PlacedList) else [value]
    for item in items:
        if not isinstance(item, PlacedMap):
            continue
        if key == "template":
            for domain, body in item.items():
                if domain in PLATFORM_DOMAINS:
                    yield from _named(domain, body)
        elif "platform" in item:
            yield from _named(key, item)
            for name in _BY_NAME & item.keys():
                inner = item[name]
                if isinstance(inner, PlacedMap):
                    yield from ((f"{key}.{each}", inner.places[each]) for each in inner)


def _named(domain: str, value: JsonValue) -> Iterator[tuple[str, Place]]:
    for item in value if isinstance(value, PlacedList) else [value]:
        name = item.get("name") if isinstance(item, PlacedMap) else None
        if isinstance(item, PlacedMap) and isinstance(name, str) and not is_template(name):
            yield f"{domain}.{slugify(name)}", item.places["name"]
