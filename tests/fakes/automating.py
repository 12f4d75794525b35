"""Automations of the fake door as an editor sees them: rules are read by the hub's own reader, and kept in memory."""

from collections.abc import Mapping
from typing import Any

from hub_agent.core.automation.drafting import read_draft
from hub_agent.errors import FileNotUnderstood, NotFound, NotPossible, Outdated
from hub_agent.model.definition import Definition
from hub_agent.ports import Change
from hub_agent.runtime.automating import EDITED, revision_of
from hub_agent.runtime.changes import Changes
from hub_agent.templating import Templates
from hub_agent.written.rule_text import read_text, write_text

NEW_RULE = "00000000-0000-4000-8000-0000000000a9"
AT = "2026-06-01T12:00:00+00:00"
HALL_LIGHT: dict[str, Any] = {
    "name": "Hall light with motion",
    "description": "Lights the hall",
    "triggers": [{"trigger": "state", "entity_id": "sensor.kitchen_temperature", "to": "on"}],
    "conditions": [{"condition": "state", "entity_id": "light.living_room_lamp", "state": "off"}],
    "actions": [
        {"action": "light.turn_on", "target": {"entity_id": "light.living_room_lamp"}, "data": {"brightness_pct": 40}},
        {"delay": {"minutes": 5}},
    ],
    "metadata": {"mode": "restart", "imported_from": {"file": "automations.yaml", "line": 3, "id": "1"}},
}
BROKEN: dict[str, Any] = {
    "name": "Broken",
    "triggers": [{"trigger": "time", "at": "07:30:00"}],
    "conditions": [],
    "actions": [{"choose": [{"conditions": "{{ true }}", "sequence": [{"delay": 1}]}]}],
    "metadata": {},
}


class FakeAutomating:
    """Fills ports.Automating."""

    def __init__(self, asked: list[tuple[str, Any, str]], listed: list[dict[str, Any]], told: Changes) -> None:
        self._asked = asked
        self._listed = listed
        self._told = told
        self.fields = {each["id"]: HALL_LIGHT if not each["problem"] else BROKEN for each in listed}
        self.former: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        self.ran = "success"

    def definition(self, name: str) -> Any:
        listed, fields = self._known(name)
        return {
            "id": listed["id"],
            "name": fields["name"],
            "revision": revision_of(fields),
            "fields": {key: fields.get(key) for key in EDITED},
            "text": write_text(fields),
            "kind": "automation",
            "status": listed.get("status", "synced"),
            "modified_at": AT,
            "modified_by": "Ada",
        }

    def check(self, fields: Mapping[str, Any] | None, text: str | None, name: str | None) -> Any:
        kept = self._known(name)[1]["metadata"] if name else {}
        try:
            given = read_text(text if text is not None else write_text(fields or {}), kept)
        except FileNotUnderstood as err:
            fault = {"path": "", "line": err.line, "text": err.text}
            return {"fields": None, "text": text or "", "faults": [fault], "warnings": []}
        wanted = given.fields if text is not None else fields or {}
        _, found = read_draft(Definition("automation", "draft", wanted), Templates())
        faults = [
            {"path": err.where, "line": given.line_of(err.where), "text": str(err).removeprefix(f"{err.where}: ")}
            for err in found
        ]
        warnings = []
        if "light.gone" in str(wanted):
            said = "It names light.gone, which this home does not have."
            warnings = [{"path": "actions/0/target/entity_id", "line": 1, "text": said}]
        told = write_text(wanted) if text is None else text
        return {"fields": dict(wanted), "text": told, "faults": faults, "warnings": warnings}

    async def make(self, fields: Any, text: str | None, by: str) -> Any:
        given = self._checked(fields, text, None)
        self._asked.append(("make automation", given, by))
        if any(each["name"] == given["name"] for each in self._listed):
            raise NotPossible(f"There is an automation '{given['name']}' already.", "name")
        made = {**self._listed[0], "id": NEW_RULE, "entity_id": "automation.new", "status": "owed", "problem": None}
        self._listed.append({**made, "name": given["name"], "last_status": None, "last_triggered_at": None})
        return self._keep(NEW_RULE, given)

    async def replace(self, name: str, fields: Any, text: str | None, expected: str | None, by: str) -> Any:
        listed, before = self._known(name)
        given = self._checked(fields, text, name)
        self._asked.append(("replace automation", {"name": name, "expected": expected, "fields": given}, by))
        if expected not in {None, revision_of(before)}:
            raise Outdated(f"'{before['name']}' was changed meanwhile by Ada. Look at both before you save.")
        self.former.setdefault(listed["id"], []).append((dict(listed), before))
        listed |= {"name": given.get("name", listed["name"]), "status": "owed"}
        return self._keep(listed["id"], {**before, **given})

    async def delete(self, name: str, expected: str | None, by: str) -> Any:
        listed, before = self._known(name)
        self._asked.append(("delete automation", {"name": name, "expected": expected}, by))
        self.former.setdefault(listed["id"], []).append((dict(listed), before))
        self._listed.remove(listed)
        self._told.tell(Change("home", {"kind": "automation", "id": listed["id"]}))
        return {"id": listed["id"], "name": before["name"]}

    async def run(self, name: str, by: str, *, with_conditions: bool) -> Any:
        listed, _ = self._known(name)
        self._asked.append(("run automation", {"name": name, "with_conditions": with_conditions}, by))
        return {"id": listed["id"], "name": listed["name"], "run_id": None, "status": self.ran}

    def history(self, automation_id: str) -> list[dict[str, Any]]:
        formers = self.former.get(automation_id, [])
        is_gone = all(each["id"] != automation_id for each in self._listed)
        told = [
            {
                "entry": number + 1,
                "at": AT,
                "origin": "hub",
                "change": "changed",
                "columns": ["actions"],
                "before": before,
            }
            for number, (_, before) in enumerate(formers)
        ]
        if told and is_gone:
            told[-1] |= {"change": "deleted", "columns": []}
        return told[::-1]

    def undo(self, name: str, entry: int | None, by: str) -> Any:
        automation_id = next((each for each, was in self.fields.items() if name in {each, was["name"]}), name)
        formers = self.former.get(automation_id, [])
        if not formers:
            raise NotPossible("Nothing is known of how this automation was before.")
        listed, fields = formers[-1 if entry is None else entry - 1]
        self._asked.append(("undo automation", {"id": automation_id, "entry": entry}, by))
        self._listed[:] = [
            *(each for each in self._listed if each["id"] != automation_id),
            {**listed, "status": "owed"},
        ]
        self._keep(automation_id, fields)
        return {"kind": "automation", "id": automation_id, "name": listed["name"], "version": 1, "modified_at": AT,
                "status": "owed", "fields": fields}  # fmt: skip

    def _known(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        for each in self._listed:
            if name.casefold() in {each["id"], each["entity_id"], each["name"].casefold()}:
                return each, self.fields[each["id"]]
        raise NotFound(f"There is no automation '{name}'.")

    def _checked(self, fields: Any, text: str | None, name: str | None) -> dict[str, Any]:
        told = self.check(fields, text, name)
        if told["faults"]:
            fault = told["faults"][0]
            raise NotPossible(f"{fault['path']}: {fault['text']}", fault["path"] or "text")
        return dict(told["fields"])

    def _keep(self, automation_id: str, fields: dict[str, Any]) -> Any:
        self.fields[automation_id] = fields
        self._told.tell(Change("home", {"kind": "automation", "id": automation_id}))
        return {"id": automation_id, "name": fields["name"], "revision": revision_of(fields)}
