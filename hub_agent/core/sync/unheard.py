"""What may have reached the cloud without our having heard so: an edit that was owed, and was replaced by a later one before its answer came.

The answer may only have got lost. So the cloud has one of these values, and none of them is news; and what was undone here meanwhile is owed all
the same. Until an answer says what the cloud has, such a field is not in the base.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from hub_agent.model.definition import Definition
from hub_agent.model.effects import Durability, Effect, Save
from hub_agent.model.json import JsonObject, JsonValue

UNHEARD_ROOM = "sync_unheard"
# Of one field; the oldest go.
VALUES_MAX = 10

Key = tuple[str, str]


class UnheardValues:
    def __init__(self) -> None:
        self._by_key: dict[Key, dict[str, list[JsonValue]]] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> None:
        for key, body in saved.items():
            kind, _, definition_id = key.partition("/")
            fields = body.get("fields")
            read = fields.items() if isinstance(fields, Mapping) else ()
            self._by_key[kind, definition_id] = {name: list(of) for name, of in read if isinstance(of, list | tuple)}

    def replaced(self, known: Definition, fields: JsonObject, durability: Durability) -> list[Effect]:
        """These fields are about to replace what is owed."""
        base = known.base or {}
        key = (known.kind, known.id)
        noted = {name: list(of) for name, of in self._by_key.get(key, {}).items()}
        for name, value in known.fields.items():
            is_owed = name not in base or base[name] != value
            if not is_owed or fields.get(name) == value:
                continue
            may_be = noted.setdefault(name, [base[name]] if name in base else [])
            noted[name] = [*(each for each in may_be if each != value), value][-VALUES_MAX:]
        return self._keep(key, noted, durability)

    def without(self, definition: Definition) -> Definition:
        """With a base of what is certain."""
        names = self._by_key.get((definition.kind, definition.id), {}).keys()
        if not names or definition.base is None or definition.base.keys().isdisjoint(names):
            return definition
        return replace(definition, base={name: of for name, of in definition.base.items() if name not in names})

    def seen(self, key: Key, base: JsonObject, theirs: JsonObject) -> JsonObject:
        """The base to merge with: what the cloud has of ours is where we came from."""
        known = {
            name: theirs[name]
            for name, of in self._by_key.get(key, {}).items()
            if name in theirs and theirs[name] in of
        }
        return {**base, **known} if known else base

    def heard(self, key: Key, names: Iterable[str] | None = None) -> list[Effect]:
        """The cloud has answered: to these fields, or to all."""
        noted = self._by_key.get(key, {})
        answered = noted.keys() if names is None else set(names)
        return self._keep(key, {name: of for name, of in noted.items() if name not in answered}, Durability.FSYNC)

    def _keep(self, key: Key, noted: dict[str, list[JsonValue]], durability: Durability) -> list[Effect]:
        if noted == self._by_key.get(key, {}):
            return []
        body: JsonObject | None = {"fields": dict(noted)} if noted else None
        if noted:
            self._by_key[key] = noted
        else:
            del self._by_key[key]
        return [Save(UNHEARD_ROOM, "/".join(key), body, durability)]
