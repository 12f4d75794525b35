"""Current states of all entities. What a device last said is kept while it is unavailable, and shown again when it is back."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import UNAVAILABLE, UNKNOWN, Cause, EntityState, StateChanged

NO_ATTRIBUTES: JsonObject = {}


class States:
    def __init__(self) -> None:
        self._state_by_id: dict[EntityId, EntityState] = {}
        self._said_by_unavailable_id: dict[EntityId, tuple[str, JsonObject]] = {}

    def state(self, entity_id: EntityId) -> EntityState | None:
        return self._state_by_id.get(entity_id)

    def entity_ids(self) -> Iterable[EntityId]:
        return self._state_by_id

    def restore(self, states: Mapping[str, EntityState]) -> None:
        self._state_by_id.update({EntityId(entity_id): state for entity_id, state in states.items()})

    def report(
        self, entity_id: EntityId, state: str | None, attributes: JsonObject, now: datetime, cause: Cause | None
    ) -> StateChanged | None:
        """Merges what a device said into what is known. A None attribute removes it."""
        if entity_id in self._said_by_unavailable_id:
            said, known = self._said_by_unavailable_id[entity_id]
            self._said_by_unavailable_id[entity_id] = (said if state is None else state, _merged(known, attributes))
            return None
        old = self._state_by_id.get(entity_id)
        if old is None:
            return self._put(entity_id, None, state or UNKNOWN, _merged(NO_ATTRIBUTES, attributes), now, cause)
        merged = _merged(old.attributes, attributes) if attributes else old.attributes
        new_state = old.state if state is None else state
        if new_state == old.state and merged is old.attributes:
            return None
        return self._put(entity_id, old, new_state, merged, now, cause)

    def write(
        self,
        entity_id: EntityId,
        state: str | None,
        attributes: JsonObject | None,
        now: datetime,
        cause: Cause | None = None,
        *,
        is_forced: bool = False,
    ) -> StateChanged | None:
        """Replaces state and attributes as given; None keeps the old. `is_forced` announces an equal one too."""
        old = self._state_by_id.get(entity_id)
        new_state = state if state is not None else (old.state if old else UNKNOWN)
        new_attributes = attributes if attributes is not None else (old.attributes if old else NO_ATTRIBUTES)
        if old and not is_forced and new_state == old.state and _is_same(new_attributes, old.attributes):
            return None
        return self._put(entity_id, old, new_state, new_attributes, now, cause)

    def set_available(self, entity_id: EntityId, *, is_available: bool, now: datetime) -> StateChanged | None:
        old = self._state_by_id.get(entity_id)
        if not is_available:
            if entity_id in self._said_by_unavailable_id:
                return None
            was_known = old is not None and old.state != UNAVAILABLE
            self._said_by_unavailable_id[entity_id] = (
                (old.state, old.attributes) if old and was_known else (UNKNOWN, NO_ATTRIBUTES)
            )
            if old and not was_known:
                return None
            return self._put(entity_id, old, UNAVAILABLE, NO_ATTRIBUTES, now, None)
        said = self._said_by_unavailable_id.pop(entity_id, None)
        if said is None:
            if old is None or old.state != UNAVAILABLE:
                return None
            said = (UNKNOWN, NO_ATTRIBUTES)  # it was unavailable before a restart: what it said before is not known
        return self._put(entity_id, old, said[0], said[1], now, None)

    def remove(self, entity_id: EntityId, now: datetime) -> StateChanged | None:
        self._said_by_unavailable_id.pop(entity_id, None)
        old = self._state_by_id.pop(entity_id, None)
        return StateChanged(entity_id, old, None, now) if old else None

    def _put(  # noqa: PLR0917 the one place where all of a state comes together
        self,
        entity_id: EntityId,
        old: EntityState | None,
        state: str,
        attributes: JsonObject,
        now: datetime,
        cause: Cause | None,
    ) -> StateChanged:
        changed_at = old.changed_at if old and old.state == state else now
        new = EntityState(state, attributes, changed_at, now)
        self._state_by_id[entity_id] = new
        return StateChanged(entity_id, old, new, now, cause)


def _merged(known: JsonObject, said: JsonObject) -> JsonObject:
    if not any(_differs(known, name, value) for name, value in said.items()):
        return known
    merged: dict[str, JsonValue] = {**known, **said}
    return {name: value for name, value in merged.items() if value is not None}


def _differs(known: JsonObject, name: str, value: JsonValue) -> bool:
    if name not in known:
        return value is not None
    held = known[name]
    return held != value or type(held) is not type(value)


def _is_same(left: JsonObject, right: JsonObject) -> bool:
    """Equal also in type: an attribute that goes from 1 to true has changed."""
    if left is right:
        return True
    return left == right and not any(_differs(right, name, value) for name, value in left.items())
