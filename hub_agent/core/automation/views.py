"""What templates see of states, and how such values are kept in JSON over a restart."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import EntityState

_STATE = "__state__"
_TIME = "__time__"
_LENGTH = "__length__"


class StateView:
    """One state of one entity, with the names that templates use for its parts."""

    __slots__ = ("_seen", "entity_id")

    def __init__(self, entity_id: str, seen: EntityState) -> None:
        self.entity_id = entity_id
        self._seen = seen

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

    def freeze(self) -> JsonObject:
        seen = self._seen
        parts: list[JsonValue] = [
            self.entity_id,
            seen.state,
            dict(seen.attributes),
            iso(seen.changed_at),
            iso(seen.updated_at),
        ]
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


class _Latest:
    """The instant that was written last: one input writes the same one many times."""

    at: datetime | None = None
    text = ""


def iso(at: datetime) -> str:
    if at is not _Latest.at:
        _Latest.at, _Latest.text = at, at.isoformat()
    return _Latest.text


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
    entity_id, state, attributes, changed_at, updated_at = parts
    seen = EntityState(state, attributes, datetime.fromisoformat(changed_at), datetime.fromisoformat(updated_at))
    return StateView(entity_id, seen)


def describe(value: object) -> JsonValue:
    """For people to read in a trace: a state by its text, an instant in ISO form."""
    if type(value) is str or value is None:
        return value
    if isinstance(value, StateView):
        return value.state
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    return freeze(value)
