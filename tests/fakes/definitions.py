"""Definitions of a home, for doors in tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub_agent.errors import NotFound, NotPossible
from tests.fakes.automating import FakeAutomating

GROUP = "96096096-0000-4000-8000-000000000001"
AT = "2026-03-01T12:00:00+00:00"


class FakeDefinitions:
    """The part of ports.Door about definitions: one group, which was renamed once, and the scenes."""

    asked: list[tuple[str, Any, str]]
    scenes_now: list[dict[str, Any]]
    scene_history: dict[str, list[dict[str, Any]]]
    automating: FakeAutomating

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
        for scene in self.scenes_now if kind == "scene" else ():
            if scene["id"] == name:
                return {"kind": kind, "version": 1, "modified_at": AT, "status": "synced", **scene, "fields": scene}
        if kind == "scene" and name in self.scene_history:
            return {"kind": kind, "id": name, "name": None, "version": 1, "modified_at": AT, "status": "owed", "fields": {}}  # fmt: skip
        if kind != "device_group" or name not in {self.group["name"], GROUP}:
            raise NotFound(f"There is no {kind} '{name}'.")
        return self.group

    async def definition_history(self, kind: str, name: str) -> Sequence[Any]:
        if kind == "automation":
            return self.automating.history(name)
        await self.definition(kind, name)
        return self.scene_history.get(name, []) if kind == "scene" else self.group_history

    async def undo_definition(self, kind: str, name: str, entry: int | None, by: str) -> Any:
        if kind == "automation":
            return self.automating.undo(name, entry, by)
        await self.definition(kind, name)
        if kind == "scene":
            self.asked.append(("undo scene", {"id": name, "entry": entry}, by))
            before = next(each["before"] for each in self.scene_history[name] if each["entry"] == entry)
            now = [each for each in self.scenes_now if each["id"] != name]
            self.scenes_now[:] = [*now, *([{**before, "status": "owed"}] if before else [])]
            return await self.definition(kind, name)
        if entry == 3:
            raise NotPossible(f"{by} cannot undo this.")
        self.group = {**self.group, "name": "Lamps", "status": "owed", "fields": {"name": "Lamps", "members": []}}
        return self.group
