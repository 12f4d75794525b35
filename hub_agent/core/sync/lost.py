"""Values that gave way when both sides changed a field, or a conflict was decided: kept, so that somebody can put them back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.model.effects import Announce, Effect, Save
from hub_agent.model.json import JsonObject, JsonValue

LOST_ROOM = "sync_lost"
# Of one definition, and of all; the oldest go.
LOST_OF_EACH_MAX = 10
LOST_DEFINITIONS_MAX = 500


@dataclass(frozen=True, slots=True)
class LostValue:
    """`of`: hub | cloud, whose value it was. `why`: what made it give way, in words."""

    kind: str
    id: str
    field: str
    value: JsonValue
    of: str
    why: str
    at: datetime


class LostValues:
    def __init__(self) -> None:
        self._by_key: dict[str, list[LostValue]] = {}

    def restore(self, saved: Mapping[str, JsonObject]) -> None:
        read = {key: list(_read(key, body)) for key, body in saved.items()}
        oldest_first = sorted((key for key in read if read[key]), key=lambda key: (read[key][-1].at, key))
        self._by_key = {key: read[key] for key in oldest_first}

    def all(self) -> list[LostValue]:
        """The newest first."""
        every = [each for values in self._by_key.values() for each in reversed(values)]
        return sorted(every, key=lambda each: each.at, reverse=True)

    def keep(self, of_what: tuple[str, str], of: str, values: JsonObject, why: str, now: datetime) -> list[Effect]:
        if not values:
            return []
        fresh = [LostValue(*of_what, field, value, of, why, now) for field, value in sorted(values.items())]
        key = "/".join(of_what)
        known = [each for each in self._by_key.pop(key, []) if not any(_is_same(each, other) for other in fresh)]
        self._by_key[key] = [*known, *fresh][-LOST_OF_EACH_MAX:]
        effects = [self._save(key), Announce("dispute", {"kind": of_what[0], "id": of_what[1]})]
        if len(self._by_key) > LOST_DEFINITIONS_MAX:
            oldest = next(iter(self._by_key))
            del self._by_key[oldest]
            effects.append(Save(LOST_ROOM, oldest, None))
        return effects

    def forget(self, lost: LostValue) -> list[Effect]:
        key = f"{lost.kind}/{lost.id}"
        if lost not in self._by_key.get(key, ()):
            return []
        self._by_key[key] = [each for each in self._by_key[key] if each != lost]
        if not self._by_key[key]:
            del self._by_key[key]
        return [self._save(key), Announce("dispute", {"kind": lost.kind, "id": lost.id})]

    def _save(self, key: str) -> Effect:
        values: list[JsonValue] = [
            {"field": each.field, "value": each.value, "of": each.of, "why": each.why, "at": each.at.isoformat()}
            for each in self._by_key.get(key, ())
        ]
        return Save(LOST_ROOM, key, {"values": values} if values else None)


def _is_same(one: LostValue, other: LostValue) -> bool:
    return (one.field, one.of, one.value) == (other.field, other.of, other.value)


def _read(key: str, body: JsonObject) -> Iterable[LostValue]:
    kind, _, definition_id = key.partition("/")
    values = body.get("values")
    for each in values if isinstance(values, list | tuple) else ():
        if not isinstance(each, Mapping) or "value" not in each:
            continue
        try:
            at = datetime.fromisoformat(str(each.get("at")))
        except ValueError:
            continue
        yield LostValue(
            kind, definition_id, str(each.get("field")), each["value"], str(each.get("of")), str(each.get("why")), at
        )
