"""What people do with automations: look behind one, write one, try it, put it away. Everything that is written is read first."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import orjson

from hub_agent.core.automation.loading import MEANING
from hub_agent.core.automation.rule import Rule
from hub_agent.core.hub import Hub
from hub_agent.errors import DefinitionError, FileNotUnderstood, NotFound, NotPossible, Outdated
from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.ids import CallId, EntityId, NewId
from hub_agent.model.inputs import CallRequested, DefinitionArrived, Input
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause
from hub_agent.ports import Clock, Store
from hub_agent.runtime.inbox import Inbox
from hub_agent.written.rule_text import RuleText, read_text, write_text

KIND = "automation"
DRAFT_ID = "draft"
# What an editor changes; whether it is on or paused is another matter, and no reason for a dispute between editors.
EDITED = ("name", "description", *MEANING)
NAME_LENGTH_MAX = 200
# Of the runs before, so many are told from the one that was asked for.
RUNS_COMPARED = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` is a place in the row, `line` the one in the text."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return self.text if self.path in {"", "name"} else f"{self.path}: {self.text}"

    def as_json(self) -> JsonObject:
        return {"path": self.path, "line": self.line, "text": self.text}


@dataclass(slots=True)
class Automating:
    """Fills ports.Automating. `ask` submits an input and waits for its answer; `named` finds an automation's id by id, entity id or name."""

    hub: Hub
    inbox: Inbox
    store: Store
    clock: Clock
    new_id: NewId
    ask: Callable[[str, Input], Awaitable[CallAnswered | JsonObject]]
    named: Callable[[str], str]
    # Who looks whether it was changed meanwhile must not be overtaken before his own change is in.
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def beside(self) -> Mapping[str, JsonObject]:
        now = self.clock.now().wall
        times = self.hub.automations.next_times(now)
        return {
            rule.definition.id: {
                "next_at": _iso(times.get(rule.definition.id)),
                "rooms": self._rooms(rule.names),
                "status": self.hub.definitions.status(KIND, rule.definition.id),
            }
            for rule in self.hub.automations.rules
        }

    def definition(self, name: str) -> JsonObject:
        known = self._known(name)
        metadata = known.fields.get("metadata")
        try:
            text: str | None = write_text(known.fields)
        except DefinitionError:
            text = None
        return {
            "id": known.id,
            "name": str(known.fields.get("name")),
            "revision": revision_of(known.fields),
            "fields": {key: known.fields.get(key) for key in EDITED},
            "text": text,
            "kind": "script" if isinstance(metadata, Mapping) and metadata.get("kind") == "script" else "automation",
            "status": self.hub.definitions.status(KIND, known.id),
            "modified_at": _iso(known.modified_at),
            "modified_by": known.modified_by,
        }

    def check(self, fields: JsonObject | None, text: str | None, name: str | None) -> JsonObject:
        known = self._known(name) if name is not None else None
        try:
            given = self._read(fields, text, known)
        except FileNotUnderstood as err:
            return _unread(err, text or "")
        rule, faults = self._look(given, known)
        warnings: list[JsonValue] = []
        if rule.program is not None:
            findings = self.hub.checks.look_at_draft(rule, self.clock.now().wall).findings
            warnings = [
                {"path": each.path, "line": given.line_of(each.path or ""), "text": each.text} for each in findings
            ]
        return {
            "fields": {key: given.fields[key] for key in EDITED if key in given.fields},
            "text": write_text(given.fields) if text is None else text,
            "faults": [each.as_json() for each in faults],
            "warnings": warnings,
        }

    async def make(self, fields: JsonObject | None, text: str | None, by: str) -> JsonObject:
        async with self._one_at_a_time:
            given = self._checked(fields, text, None)
            is_scheduled = bool(given.get("schedule_type"))
            kind = "scheduled" if is_scheduled else "trigger_based" if given.get("triggers") else "condition_based"
            beside: JsonObject = {"automation_type": kind, "source": "user", "is_enabled": True}
            return await self._keep(self.new_id(), {**beside, **given}, by)

    async def replace(
        self, name: str, fields: JsonObject | None, text: str | None, expected: str | None, by: str
    ) -> JsonObject:
        async with self._one_at_a_time:
            known = self._known(name)
            self._check_revision(known, expected)
            return await self._keep(known.id, self._checked(fields, text, known), by)

    async def delete(self, name: str, expected: str | None, by: str) -> JsonObject:
        async with self._one_at_a_time:
            known = self._known(name)
            self._check_revision(known, expected)
            gone = Definition(KIND, known.id, {}, is_deleted=True, modified_by=by)
            await self.inbox.submit([DefinitionArrived(gone, is_from_cloud=False, by=by)])
            return {"id": known.id, "name": str(known.fields.get("name"))}

    async def run(self, name: str, by: str, *, with_conditions: bool) -> JsonObject:
        known = self._known(name)
        rule = self.hub.automations.rules.find(known.id)
        if rule is None or rule.program is None:
            why = None if rule is None else rule.problem
            raise NotPossible(f"'{known.fields.get('name')}' cannot run: {why or 'it is not understood'}")
        before = {str(each["run_id"]) for each in await self.store.runs(known.id, RUNS_COMPARED)}
        before |= set(self.hub.automations.going_on(known.id))
        call_id = CallId(self.new_id())
        data: JsonObject = {"skip_condition": not with_conditions}
        call = Call(call_id, "automation.trigger", (rule.entity_id,), data, Cause("manual", call_id, by))
        answer = await self.ask(call_id, CallRequested(call))
        if isinstance(answer, CallAnswered) and answer.error:
            raise NotPossible(answer.error)
        runs = await self.store.runs(known.id, RUNS_COMPARED)
        ended = next((each for each in runs if str(each["run_id"]) not in before), None)
        if ended is not None:
            return {"id": known.id, "name": rule.name, "run_id": ended["run_id"], "status": ended["status"]}
        begun = [each for each in self.hub.automations.going_on(known.id) if each not in before]
        run_id, status = (begun[-1], "running") if begun else (None, "dropped")
        return {"id": known.id, "name": rule.name, "run_id": run_id, "status": status}

    # How.

    def _known(self, name: str) -> Definition:
        known = self.hub.definitions.get(KIND, self.named(name))
        if known is None:
            raise NotFound(f"There is no automation '{name}' any more.")
        return known

    def _rooms(self, names: frozenset[str]) -> list[JsonValue]:
        """Rooms of what it names."""
        found: set[str] = set()
        for name in names:
            entity = self.hub.inventory.entity(EntityId(name))
            device = self.hub.inventory.device(entity.device_id) if entity is not None else None
            if device is not None and device.room_id is not None:
                found.add(device.room_id)
        return [*sorted(found)]

    def _read(self, fields: JsonObject | None, text: str | None, known: Definition | None) -> RuleText:
        """What is given as fields is read back from the text that it becomes: so each fault has its line there."""
        if text is not None:
            metadata = known.fields.get("metadata") if known is not None else None
            return read_text(text, metadata if isinstance(metadata, Mapping) else {})
        given = {key: value for key, value in (fields or {}).items() if key in EDITED}
        try:
            written = read_text(write_text({**given, "name": str(given.get("name") or "?")}), {})
        except DefinitionError as err:
            raise FileNotUnderstood(str(err), "", 1) from err
        return RuleText(given, written.config)

    def _checked(self, fields: JsonObject | None, text: str | None, known: Definition | None) -> JsonObject:
        """The columns that are to be; raises NotPossible with the first fault and its place."""
        try:
            given = self._read(fields, text, known)
        except FileNotUnderstood as err:
            raise NotPossible(f"Line {err.line}: {err.text}", "text") from err
        _, faults = self._look(given, known)
        if faults:
            place = f"Line {faults[0].line}: " if text is not None else ""
            raise NotPossible(f"{place}{faults[0]}", faults[0].path)
        return given.fields

    def _look(self, given: RuleText, known: Definition | None) -> tuple[Rule, list[Fault]]:
        """The rule as it would be, and what is wrong with it, in the order of the text."""
        own_id = known.id if known else DRAFT_ID
        rule, found = self.hub.automations.drafted(
            Definition(KIND, own_id, {**(known.fields if known else {}), **given.fields})
        )
        faults = [Fault(err.where, given.line_of(err.where), str(err).removeprefix(f"{err.where}: ")) for err in found]
        if (taken := self._name_taken(given.fields, own_id)) is not None:
            faults.append(Fault("name", given.line_of("name"), taken))
        return rule, sorted(faults, key=lambda fault: fault.line)

    def _name_taken(self, fields: JsonObject, own_id: str) -> str | None:
        name = str(fields.get("name", ""))
        if len(name) > NAME_LENGTH_MAX:
            return f"A name has {NAME_LENGTH_MAX} characters at most."
        for other in self.hub.definitions.of_kind(KIND):
            if other.id != own_id and str(other.fields.get("name")).casefold() == name.casefold():
                return f"There is an automation '{name}' already."
        return None

    def _check_revision(self, known: Definition, expected: str | None) -> None:
        if expected is None or expected == revision_of(known.fields):
            return
        by = f" by {known.modified_by}" if known.modified_by else ""
        raise Outdated(f"'{known.fields.get('name')}' was changed meanwhile{by}. Look at both before you save.")

    async def _keep(self, automation_id: str, fields: JsonObject, by: str) -> JsonObject:
        edited = Definition(KIND, automation_id, fields, modified_by=by)
        await self.inbox.submit([DefinitionArrived(edited, is_from_cloud=False, by=by)])
        known = self.hub.definitions.get(KIND, automation_id)
        kept = known.fields if known is not None else fields
        return {"id": automation_id, "name": str(kept.get("name")), "revision": revision_of(kept)}


def revision_of(fields: JsonObject) -> str:
    """Another one whenever somebody has edited it."""
    edited = {key: fields.get(key) for key in EDITED}
    body = orjson.dumps(edited, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=_plain)
    return blake2b(body, digest_size=8).hexdigest()


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _unread(err: FileNotUnderstood, text: str) -> JsonObject:
    fault = Fault(
        "", min(err.line, text.count("\n") + 1), err.text
    )  # what ends too early is said to end below its last line
    return {"fields": None, "text": text, "faults": [fault.as_json()], "warnings": []}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
