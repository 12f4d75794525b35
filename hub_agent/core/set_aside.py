"""Definitions that the agent cannot live with: what was there before is used in their place, until somebody changes them.

They stay as they are in the mirror and in the cloud; only what runs here is another version of them, or nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from hub_agent.core.given import Given
from hub_agent.core.self_made import is_self_made
from hub_agent.core.sync.definitions import DefinitionChanged
from hub_agent.model.definition import Definition, Former
from hub_agent.model.effects import Effect, IssueCleared, IssueRaised, Save
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject

ROOM = "set_aside"

Define: TypeAlias = Callable[[DefinitionChanged, datetime], Sequence[Given]]
# Of what runs. Others are only kept, and devices that are found come from the devices.
KINDS = frozenset({"home", "room", "scene", "automation", "device_group"})

_AGAIN = "the agent failed again and again after it was changed"


class SetAside:
    def __init__(self) -> None:
        # By "kind/id": `fields` is what runs in its place, None: nothing.
        self._by_key: dict[str, JsonObject] = {}

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> list[Effect]:
        self._by_key = dict(saved)
        return [_issue(key, body, now) for key, body in sorted(saved.items())]

    def suspect(self, formers: Iterable[Former], now: datetime) -> list[Effect]:
        """The agent keeps failing: what has changed since it last ran well is taken back. Those that are set aside stay so."""
        effects: list[Effect] = []
        for former in formers:
            if (former.kind in KINDS or is_self_made(former.definition)) and _key(former) not in self._by_key:
                effects += self.put(former.kind, former.id, former.definition, _AGAIN, now)
        return effects

    def put(self, kind: str, definition_id: str, was: Definition | None, why: str, now: datetime) -> list[Effect]:
        key = f"{kind}/{definition_id}"
        fields = None if was is None or was.is_deleted else was.fields
        body = self._by_key[key] = {"fields": fields, "why": why, "at": now.isoformat()}
        return [Save(ROOM, key, body), _issue(key, body, now)]

    def running(self, definition: Definition) -> Definition | None:
        """What is to run of it."""
        body = self._by_key.get(_key(definition))
        if body is None:
            return definition
        fields = body.get("fields")
        return replace(definition, fields=fields) if isinstance(fields, Mapping) else None

    def load(self, definition: Definition, define: Define, now: datetime) -> Sequence[Given]:
        """At start."""
        running = self.running(definition)
        if running is None:
            return []
        try:
            return define(DefinitionChanged(definition.kind, definition.id, running, None), now)
        except Exception as err:  # noqa: BLE001 one that our own code cannot take must not cost the home the others
            return self.put(definition.kind, definition.id, None, _fault(err), now)

    def take(self, changed: DefinitionChanged, define: Define, now: datetime) -> Sequence[Given]:
        cleared = self.changed(changed.kind, changed.id)
        try:
            return [*cleared, *define(changed, now)]
        except Exception as err:  # noqa: BLE001 it would come again with the next start, and fail again
            put = self.put(changed.kind, changed.id, changed.previous, _fault(err), now)
        if changed.previous is None:
            return put
        return [*put, *define(replace(changed, definition=changed.previous, previous=None), now)]

    def changed(self, kind: str, definition_id: str) -> list[Effect]:
        """Somebody has changed or deleted it: it gets another chance."""
        key = f"{kind}/{definition_id}"
        if self._by_key.pop(key, None) is None:
            return []
        return [Save(ROOM, key, None), IssueCleared("definition_set_aside", key)]


def _fault(err: Exception) -> str:
    return f"the agent has a fault with it ({err!r})"


def _issue(key: str, body: JsonObject, now: datetime) -> IssueRaised:
    kind, _, definition_id = key.partition("/")
    fields = body.get("fields")
    known = fields if isinstance(fields, Mapping) else {}
    name = known.get("name") or known.get("device_name") or definition_id
    used = "As it was before, it goes on" if known else "It is left out"
    details: JsonObject = {"kind": kind.replace("_", " "), "name": name, "reason": body.get("why"), "used": used}
    return IssueRaised(Issue("definition_set_aside", key, now, details))


def _key(of: Definition | Former) -> str:
    return f"{of.kind}/{of.id}"
