"""What people decide: rows of the central schema that hub and cloud both keep."""

from dataclasses import dataclass, field
from datetime import datetime

from hub_agent.model.json import JsonObject

# Kinds of the catalogue of all homes: thousands of rows, kept in the mirror and not in memory.
CATALOGUE_KINDS = frozenset({"ecosystem", "brand", "device_model"})


@dataclass(frozen=True, slots=True)
class Definition:
    """One row. `kind`: one of core/sync/columns.py KINDS. `fields`: the columns that people own.

    `version` is the cloud's, None until the cloud has taken it. `base` holds the fields as the cloud last confirmed them;
    where `fields` differ from it, the change is still owed to the cloud. `modified_by`: who changed it last, by name, where that is known.
    """

    kind: str
    id: str
    fields: JsonObject
    version: int | None = None
    base: JsonObject | None = None
    is_deleted: bool = False
    modified_at: datetime | None = None
    modified_by: str | None = None
    aliases: tuple[tuple[str, str], ...] = field(default=())

    @property
    def is_owed(self) -> bool:
        return self.base is None or self.fields != self.base


@dataclass(frozen=True, slots=True)
class Former:
    """How a definition was before a change. `entry` rises with every change; `columns`: what it changed; `definition` None: it was not there.

    `origin`: hub | cloud, where the change was made.
    """

    entry: int
    kind: str
    id: str
    at: datetime
    origin: str
    columns: tuple[str, ...]
    definition: Definition | None
