"""A row that this room has told, and keeps while it may still change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hub_agent.core.forecasts import rows
from hub_agent.model.effects import AppendCase, Durability, Save
from hub_agent.model.json import Column, JsonObject

ROOM: Final = "forecasts"
_FIRST: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Held:
    """`table` of the central schema; `revision` of the row as it was last told."""

    table: str
    row: rows.CaseRow
    revision: int = 0

    @property
    def id(self) -> str:
        return str(self.row["id"])

    def told(self, now: datetime, changes: Mapping[str, Column] | None = None) -> AppendCase:
        """As it is from now on. Revisions are minutes, so that one that is made anew after the mirror was lost is newer still."""
        self.row = {**self.row, **(changes or {})}
        self.revision = max(self.revision + 1, int((now - _FIRST).total_seconds() // 60))
        return AppendCase(self.table, self.id, self.revision, self.row)

    def as_json(self) -> JsonObject:
        return {"table": self.table, "revision": self.revision, "row": rows.as_json(self.row)}

    @classmethod
    def from_json(cls, body: object) -> "Held":
        if not isinstance(body, Mapping) or not isinstance(body["row"], Mapping) or "id" not in body["row"]:
            raise TypeError("what is held has a row")
        return cls(str(body["table"]), rows.from_json(body["row"]), int(body["revision"]))


def keep(key: str, body: JsonObject | None) -> Save:
    return Save(ROOM, key, body, Durability.COMMIT)
