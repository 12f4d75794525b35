"""Definitions of a home, for doors in tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub_agent.errors import NotFound, NotPossible

GROUP = "96096096-0000-4000-8000-000000000001"
AT = "2026-03-01T12:00:00+00:00"


class FakeDefinitions:
    """The part of ports.Door about definitions: one group, which was renamed once."""

    group: Mapping[str, Any] = {
        "kind": "device_group",
        "id": GROUP,
        "name": "Corner",
        "version": 2,
        "status": "synced",
        "modified_at": AT,
        "fields": {"name": "Corner", "members": []},
    }
    group_history: Sequence[Any] = [
        {
            "entry": 7,
            "at": AT,
            "origin": "hub",
            "change": "changed",
            "columns": ["name"],
            "before": {"name": "Lamps", "members": []},
        },
        {"entry": 3, "at": AT, "origin": "cloud", "change": "made", "columns": [], "before": None},
    ]

    async def definitions(self, kind: str) -> Sequence[Any]:
        if kind != "device_group":
            raise NotFound(f"There is no kind '{kind}'.")
        return [{name: value for name, value in self.group.items() if name != "fields"}]

    async def definition(self, kind: str, name: str) -> Any:
        if kind != "device_group" or name not in {self.group["name"], GROUP}:
            raise NotFound(f"There is no {kind} '{name}'.")
        return self.group

    async def definition_history(self, kind: str, name: str) -> Sequence[Any]:
        await self.definition(kind, name)
        return self.group_history

    async def undo_definition(self, kind: str, name: str, entry: int | None, by: str) -> Any:
        await self.definition(kind, name)
        if entry == 3:
            raise NotPossible(f"{by} cannot undo this.")
        self.group = {**self.group, "name": "Lamps", "status": "owed", "fields": {"name": "Lamps", "members": []}}
        return self.group
