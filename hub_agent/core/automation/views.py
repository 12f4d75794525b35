"""What templates see of states, and how such values are kept in JSON over a restart."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause, EntityState, StateChanged

_STATE = "__state__"
_TIME = "__time__"
_LENGTH = "__length__"


class _Untold:
    """Stands for a cause that is not known here; no cause at all is known."""


_UNTOLD = _Untold()
_BY_PERSONS = frozenset({"cloud", "manual"})


class StateView:
    """One state of one entity, with the names that templates use for its parts."""

    __slots__ = ("_cause", "_seen", "entity_id")

    def __init__(self, entity_id: str, seen: EntityState, cause: Cause | _Untold | None = _UNTOLD) -> None:
        self.entity_id = entity_id
        self._seen = seen
        self._cause = cause

    @property
    def state(self) -> str:
        return self._seen.state

    @property
    def attributes(self) -> Mapping[str, object]:
        return attributes_of(self._seen)

    @property
    def last_changed(self) -> datetime:
        return self._seen.changed_at

    @property
    def last_updated(self) -> datetime:
        return self._seen.updated_at

    @property
    def last_reported(self) -> datetime:
        return self._seen.updated_at

    @property
    def domain(self) -> str:
        return self.entity_id.partition(".")[0]

    @property
    def object_id(self) -> str:
        return self.entity_id.partition(".")[2]

    @property
    def name(self) -> str:
        name = self._seen.attributes.get("friendly_name")
        return name if isinstance(name, str) else self.object_id.replace("_", " ")

    @property
    def state_with_unit(self) -> str:
        unit = self._seen.attributes.get("unit_of_measurement")
        return f"{self._seen.state} {unit}" if unit else self._seen.state

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StateView) and (self.entity_id, self._seen) == (other.entity_id, other._seen)

    def __hash__(self) -> int:
        return hash((self.entity_id, self._seen.state, self._seen.updated_at))

    def __repr__(self) -> str:
        return f"<state {self.entity_id}={self._seen.state}>"

    @property
    def context(self) -> Mapping[str, str | None]:
        """What brought this state about: a person (`user_id`), a rule (`parent_id`), or the device itself (neither). Only of the state that set off a trigger is that known."""
        cause = self._cause
        if isinstance(cause, _Untold):
            raise AttributeError("context")  # noqa: TRY004 - so that to templates it is not defined
        if cause is None:
            return {"id": f"{self.entity_id}/{iso(self._seen.updated_at)}", "parent_id": None, "user_id": None}
        is_person = cause.kind in _BY_PERSONS
        return {
            "id": cause.id or None,
            "parent_id": None if is_person else cause.id or cause.kind,
            "user_id": cause.by or cause.kind if is_person else None,
        }

    def freeze(self) -> JsonObject:
        seen = self._seen
        parts: list[JsonValue] = [
            self.entity_id,
            seen.state,
            dict(seen.attributes),
            iso(seen.changed_at),
            iso(seen.updated_at),
        ]
        cause = self._cause
        if not isinstance(cause, _Untold):
            parts.append(None if cause is None else [cause.kind, cause.id, cause.by])
        return {_STATE: parts}


def attributes_of(seen: EntityState) -> Mapping[str, object]:
    """As templates expect them: when an automation was last triggered is an instant, not its text."""
    attributes = seen.attributes
    last = attributes.get("last_triggered")
    if not isinstance(last, str):
        return attributes
    try:
        return {**attributes, "last_triggered": datetime.fromisoformat(last)}
    except ValueError:
        return attributes


def view(entity_id: str, seen: EntityState | None) -> StateView | None:
    return None if seen is None else StateView(entity_id, seen)


def view_of_new(change: StateChanged) -> StateView | None:
    """The state that a change has brought, with what brought it."""
    return None if change.new is None else StateView(change.entity_id, change.new, change.cause)


def view_of_itself(entity_id: str, seen: EntityState | None) -> StateView | None:
    """As `this`: rules ask of its context only whether another context is the same."""
    return None if seen is None else StateView(entity_id, seen, None)


class _Latest:
    """The instant that was written last: one input writes the same one many times."""

    __slots__ = ("at", "text")

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.text = ""


_latest = _Latest()


def iso(at: datetime) -> str:
    if at is not _latest.at:
        _latest.at, _latest.text = at, at.isoformat()
    return _latest.text


def freeze(value: object) -> JsonValue:
    """As JSON from which `thaw` makes an equal value."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, StateView):
        return value.freeze()
    if isinstance(value, datetime):
        return {_TIME: iso(value)}
    if isinstance(value, timedelta):
        return {_LENGTH: value.total_seconds()}
    if isinstance(value, Mapping):
        return {str(key): freeze(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [freeze(item) for item in value]
    return str(value)


def thaw(value: JsonValue) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and _STATE in value:
            return _thaw_state(value[_STATE])
        if len(value) == 1 and _TIME in value:
            return datetime.fromisoformat(str(value[_TIME]))
        if len(value) == 1 and _LENGTH in value:
            return timedelta(seconds=float(str(value[_LENGTH])))
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def _thaw_state(parts: Any) -> StateView:
    entity_id, state, attributes, changed_at, updated_at, *told = parts
    seen = EntityState(state, attributes, datetime.fromisoformat(changed_at), datetime.fromisoformat(updated_at))
    if not told:
        return StateView(entity_id, seen)
    return StateView(entity_id, seen, Cause(*told[0]) if told[0] else None)


def describe(value: object) -> JsonValue:
    """For people to read in a trace: a state by its text, an instant in ISO form, a length of time as a clock shows it."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, StateView):
        return value.state
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    return freeze(value)
