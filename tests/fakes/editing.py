"""The part of the fake door where people edit and decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub_agent.errors import NotFound, NotPossible
from hub_agent.ports import Change
from hub_agent.runtime.changes import Changes

NEW_SCENE = "00000000-0000-4000-8000-0000000000f9"
AT = "2026-06-01T12:00:00+00:00"
CONFLICT = {
    "kind": "scene",
    "id": "s1",
    "name": "Evening",
    "since": AT,
    "hub": {"at": AT, "by": "the page"},
    "cloud": {"at": None, "by": "Ada"},
    "is_known_in_cloud": True,
    "fields": [
        {
            "field": "device_states",
            "label": "what the devices do",
            "hub": {"value": [], "text": ["Hall: on"]},
            "cloud": {"value": [], "text": ["Hall: off"]},
        }
    ],
}
LOST = {
    "id": "abc",
    "kind": "scene",
    "definition_id": "s1",
    "name": "Evening",
    "field": "name",
    "label": "name",
    "of": "hub",
    "why": "changed differently in the cloud",
    "at": AT,
    "value": "Night",
    "text": ["Night"],
    "can_put_back": True,
}


def _with(listed: Any, desired: Mapping[str, Any]) -> list[Any]:
    states = {entity: state for each in listed for entity, state in each["desired_state"].items()} | dict(desired)
    return [{"device_id": None, "desired_state": {name: state}} for name, state in states.items() if state is not None]


class FakeEditing:
    asked: list[tuple[str, Any, str]]
    scenes_now: list[dict[str, Any]]
    scene_history: dict[str, list[dict[str, Any]]]
    automations_now: list[dict[str, Any]]
    told: Changes

    def __init__(self) -> None:
        self.conflicts_now: list[dict[str, Any]] = [dict(CONFLICT)]
        self.lost_now: list[dict[str, Any]] = [dict(LOST)]

    def _fail(self) -> None:
        raise NotImplementedError

    def conflicts(self) -> Sequence[Any]:
        self._fail()
        return self.conflicts_now

    def lost(self) -> Sequence[Any]:
        self._fail()
        return self.lost_now

    async def decide(self, name: str, side: str | None, fields: Mapping[str, str], by: str) -> Any:
        self._fail()
        self.asked.append(("decide", {"name": name, "side": side, "fields": dict(fields)}, by))
        found = next((each for each in self.conflicts_now if name in {each["id"], each["name"]}), None)
        if found is None:
            raise NotFound(f"No conflict waits about '{name}'.")
        self.conflicts_now.remove(found)
        decided = {each["field"]: fields.get(each["field"], side) for each in found["fields"]}
        return {"kind": found["kind"], "id": found["id"], "name": found["name"], "decided": decided, "left": []}

    async def answer_lost(self, lost_id: str, *, is_put_back: bool, by: str) -> Any:
        self._fail()
        self.asked.append(("lost", {"id": lost_id, "put_back": is_put_back}, by))
        found = next((each for each in self.lost_now if each["id"] == lost_id), None)
        if found is None:
            raise NotFound(f"There is no value '{lost_id}' that gave way.")
        self.lost_now.remove(found)
        return {"id": lost_id, "name": found["name"], "field": found["field"], "put_back": is_put_back}

    async def edit_scene(self, name: str, changes: Any, desired: Any, by: str) -> Any:
        self._fail()
        self.asked.append(("edit scene", {"name": name, **changes, "desired": dict(desired)}, by))
        found = next((each for each in self.scenes_now if name in {each["id"], each["name"]}), None)
        if found is None:
            return {"id": name, "name": changes.get("name", name)}
        self._check_name(changes.get("name"), found["id"])
        self._remember(found["id"], "changed", [*changes, *(["device_states"] if desired else [])])
        found |= {**changes, "device_states": _with(found.get("device_states", ()), desired), "status": "owed"}
        self.told.tell(Change("scene", {"id": found["id"]}))
        return {"id": found["id"], "name": found["name"]}

    def _check_name(self, name: Any, but: str | None = None) -> None:
        if any(each["name"] == name and each["id"] != but for each in self.scenes_now):
            raise NotPossible(f"There is a scene '{name}' already.", "name")

    def _remember(self, scene_id: str, change: str, columns: list[str]) -> None:
        before = next((dict(each) for each in self.scenes_now if each["id"] == scene_id), None)
        entries = self.scene_history.setdefault(scene_id, [])
        entry = {"entry": len(entries) + 1, "at": AT, "origin": "hub", "change": change, "columns": columns}
        entries.insert(0, {**entry, "before": before})

    async def new_scene(self, given: Any, desired: Any, by: str) -> Any:
        self._fail()
        self.asked.append(("new scene", {**given, "desired": dict(desired)}, by))
        self._check_name(given["name"])
        self._remember(NEW_SCENE, "made", [])
        made = {"id": NEW_SCENE, "entity_id": "scene.new", "copies": [], "status": "owed", "devices": len(desired)}
        self.scenes_now.append({**made, **given, "device_states": _with((), desired)})
        return {"id": NEW_SCENE, "name": given["name"]}

    async def delete_scene(self, name: str, by: str) -> None:
        self._fail()
        self.asked.append(("delete scene", {"name": name}, by))
        for found in [each for each in self.scenes_now if name in {each["id"], each["name"]}]:
            self._remember(found["id"], "deleted", [])
            self.scenes_now.remove(found)

    async def edit_automation(self, name: str, changes: Any, by: str) -> Any:
        self._fail()
        self.asked.append(("edit automation", {"name": name, **changes}, by))
        for found in [each for each in self.automations_now if name in {each["id"], each["name"]}]:
            is_paused = changes.get("pause_until") is not None or changes.get("is_paused") is True
            is_wanted = changes.get("is_enabled", found["is_enabled"] or found.get("is_paused", False))
            found |= {"is_enabled": is_wanted and not is_paused, "is_paused": is_paused, "paused_until": changes.get("pause_until"), "name": changes.get("name", found["name"])}  # fmt: skip
            self.told.tell(Change("home", {"kind": "automation", "id": found["id"]}))
        return {"id": name, "name": changes.get("name", name)}
