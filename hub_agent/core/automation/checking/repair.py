"""Puts one entity id in the place of another, everywhere in a definition where it is a name."""

import re
from collections.abc import Mapping, Sequence

from hub_agent.core.automation.checking.naming import PARTS
from hub_agent.model.json import JsonObject, JsonValue

# What a person wrote for people stays.
WORDS = frozenset({"alias", "description"})


def replaced(fields: JsonObject, new_by_old: Mapping[str, str]) -> JsonObject:
    """Only those of the columns that change."""
    pattern = re.compile(
        r"(?<![\w.])(" + "|".join(re.escape(old) for old in sorted(new_by_old)) + r")(?![\w])", re.IGNORECASE
    )

    def swap(value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return pattern.sub(lambda found: new_by_old[found[1].lower()], value)
        if isinstance(value, Mapping):
            return {key: item if key in WORDS else swap(item) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [swap(item) for item in value]
        return value

    changed = {part: swap(fields.get(part)) for part in PARTS if part in fields}
    return {part: value for part, value in changed.items() if value != fields.get(part)}
