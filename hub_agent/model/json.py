"""JSON as it stands in definitions, states and records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]

# A record's column: what orjson writes without help. Instants are aware datetimes in UTC.
Column: TypeAlias = "JsonValue | datetime | Sequence[Column] | Mapping[str, Column]"
Row: TypeAlias = Mapping[str, Column]
