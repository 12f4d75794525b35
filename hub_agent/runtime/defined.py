"""What people may see of definitions: how they are, how they were, and undoing a change."""

from collections.abc import Sequence
from dataclasses import replace

from hub_agent.core.hub import Hub
from hub_agent.core.sync.columns import KINDS
from hub_agent.core.sync.former import undoing
from hub_agent.errors import NotFound, NotPossible
from hub_agent.model.definition import CATALOGUE_KINDS, Definition, Former
from hub_agent.model.inputs import DefinitionArrived
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.ports import Store
from hub_agent.runtime.inbox import Inbox


class Defined:
    def __init__(self, hub: Hub, store: Store, inbox: Inbox) -> None:
        self._hub = hub
        self._store = store
        self._inbox = inbox

    async def all(self, kind: str) -> Sequence[JsonObject]:
        if kind in CATALOGUE_KINDS:
            return [self._shown(each, _name(each)) for each in await self._store.catalogue(kind) if not each.is_deleted]
        known = self._hub.definitions.with_deleted(_checked(kind))
        return [self._shown(each, await self._name_of(each)) for each in known]

    async def one(self, kind: str, name: str) -> JsonObject:
        known = await self._named(kind, name)
        return {**self._shown(known, await self._name_of(known)), "fields": known.fields}

    async def history(self, kind: str, name: str) -> Sequence[JsonObject]:
        known = await self._named(kind, name)
        formers = await self._store.definition_history(kind, known.id)
        # A change ends where the one after it begins.
        after = [known, *(former.definition for former in formers)]
        return [_as_shown(former, becomes) for former, becomes in zip(formers, after, strict=False)]

    async def undo(self, kind: str, name: str, entry: int | None, by: str) -> JsonObject:
        known = await self._named(kind, name)
        formers = await self._store.definition_history(kind, known.id)
        if not formers:
            raise NotPossible(f"Nothing is known of how this {_words(kind)} was before.")
        former = next((each for each in formers if entry in {None, each.entry}), None)
        if former is None:
            numbers = ", ".join(str(each.entry) for each in formers)
            raise NotFound(f"There is no change {entry} of this {_words(kind)}. There are: {numbers}.")
        now = self._hub.definitions.get(kind, known.id)
        undone = replace(undoing(former, now), modified_by=by)
        await self._inbox.submit([DefinitionArrived(undone, is_from_cloud=False, by=by)])
        return await self.one(kind, known.id)

    async def _named(self, kind: str, name: str) -> Definition:
        """By id; then by the name of one that is there; then by the name that a deleted one had."""
        if kind in CATALOGUE_KINDS:
            known: Sequence[Definition] = await self._store.catalogue(kind)
        else:
            known = self._hub.definitions.with_deleted(_checked(kind))
        by_id = [each for each in known if each.id == name]
        wanted = name.strip().casefold()
        living = [each for each in known if not each.is_deleted and (_name(each) or "").casefold() == wanted]
        found = by_id or living
        if not found:
            gone = [each for each in known if each.is_deleted]
            found = [each for each in gone if (await self._name_of(each) or "").casefold() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(each.id for each in found)
            raise NotFound(f"There are {len(found)} of kind {kind} named '{name}'; use the id: {ids}")
        raise NotFound(f"There is no {_words(kind)} '{name}'. List them with: nexa-hub definitions list {kind}")

    async def _name_of(self, known: Definition) -> str | None:
        if not known.is_deleted:
            return _name(known)
        formers = await self._store.definition_history(known.kind, known.id)
        names = (_name(each.definition) for each in formers if each.definition is not None)
        return next((name for name in names if name is not None), None)

    def _shown(self, known: Definition, name: str | None) -> dict[str, JsonValue]:
        return {
            "kind": known.kind,
            "id": known.id,
            "name": name,
            "version": known.version,
            "status": self._hub.definitions.status(known.kind, known.id),
            "modified_at": known.modified_at.isoformat() if known.modified_at else None,
        }


def _as_shown(former: Former, becomes: Definition | None) -> JsonObject:
    was = former.definition
    is_gone = becomes is None or becomes.is_deleted
    change = "deleted" if is_gone else "made" if was is None else "brought back" if was.is_deleted else "changed"
    return {
        "entry": former.entry,
        "at": former.at.isoformat(),
        "origin": former.origin,
        "change": change,
        "columns": list(former.columns) if change == "changed" else [],
        "before": None if was is None or was.is_deleted else was.fields,
    }


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise NotFound(f"There is no kind '{kind}'. There are: {', '.join(KINDS)}.")
    return kind


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _name(known: Definition) -> str | None:
    for column in ("name", "device_name", "rule_name", "display_name", "model_name"):
        if isinstance(name := known.fields.get(column), str):
            return name
    return None
