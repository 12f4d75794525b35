"""Reads what people wrote: a scene's row, and the entities of `scene.apply` and `scene.create`."""

from collections.abc import Iterable, Mapping, Sequence

from hub_agent.core.expectation import number_in
from hub_agent.errors import DefinitionError
from hub_agent.model.ids import DeviceId, EntityId, SceneId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.scene import DesiredState, Scene, scene_entity_id

DESIRED_STATES_MAX = 1_000


def read_scene(row_id: SceneId, fields: JsonObject) -> Scene:
    """A `scenes` row. Raises DefinitionError that says where. Keys that mean nothing to us are left alone."""
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise DefinitionError("a scene needs a name", "name")
    listed = fields.get("device_states")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise DefinitionError("must be a list of devices and their desired states", "device_states")
    desired = tuple(wish for index, item in enumerate(listed) for wish in _read_device(item, f"device_states/{index}"))
    if len(desired) > DESIRED_STATES_MAX:
        raise DefinitionError(f"a scene may name at most {DESIRED_STATES_MAX} entities", "device_states")
    transition_ms = _milliseconds(fields.get("transition_duration_ms"), "transition_duration_ms")
    # The column's default is 0, which means "nobody chose one", not "as abruptly as you can".
    transition_s = transition_ms / 1000 if transition_ms else None
    is_active = fields.get("is_active") is not False
    return Scene(scene_entity_id(name), name, desired, row_id, transition_s, is_active)


def read_desired(entities: JsonValue, where: str) -> tuple[DesiredState, ...]:
    """Home Assistant's form: entity -> state text, boolean, or mapping of `state` and attributes."""
    if not isinstance(entities, Mapping) or not entities:
        raise DefinitionError("must name entities and their states", where)
    if len(entities) > DESIRED_STATES_MAX:
        raise DefinitionError(f"may name at most {DESIRED_STATES_MAX} entities", where)
    return tuple(_read_wish(str(name), wanted, f"{where}/{name}", None, None) for name, wanted in entities.items())


def _read_device(item: JsonValue, where: str) -> Iterable[DesiredState]:
    if not isinstance(item, Mapping):
        raise DefinitionError("must hold a device_id and its desired_state", where)
    device_id = item.get("device_id")
    if device_id is not None and not isinstance(device_id, str):
        raise DefinitionError("must be a device's id", f"{where}/device_id")
    wanted = item.get("desired_state")
    if not isinstance(wanted, Mapping) or not wanted:
        raise DefinitionError("must name the device's entities and their states", f"{where}/desired_state")
    transition_ms = _milliseconds(item.get("transition_ms"), f"{where}/transition_ms")
    transition_s = None if transition_ms is None else transition_ms / 1000
    device = DeviceId(device_id) if device_id else None
    for name, state in wanted.items():
        yield _read_wish(str(name), state, f"{where}/desired_state/{name}", device, transition_s)


def _read_wish(
    name: str, wanted: JsonValue, where: str, device_id: DeviceId | None, transition_s: float | None
) -> DesiredState:
    domain, _, object_id = name.partition(".")
    if not domain or not object_id:
        raise DefinitionError(f'"{name}" is not an entity id such as light.kitchen', where)
    attributes: JsonObject = {}
    state = wanted
    if isinstance(wanted, Mapping):
        if "state" not in wanted:
            raise DefinitionError("attributes need a state beside them", where)
        state = wanted["state"]
        attributes = _read_attributes(wanted, where)
    return DesiredState(EntityId(name), _read_state(state, where), attributes, device_id, transition_s)


def _read_attributes(wanted: JsonObject, where: str) -> JsonObject:
    """Below `attributes`, or beside `state` as Home Assistant writes them."""
    nested = wanted.get("attributes")
    if nested is not None and not isinstance(nested, Mapping):
        raise DefinitionError("must be a mapping", f"{where}/attributes")
    beside = {name: value for name, value in wanted.items() if name not in {"state", "attributes"}}
    return {**beside, **(nested or {})}


def _read_state(state: JsonValue, where: str) -> str:
    if isinstance(state, bool):
        return "on" if state else "off"
    if isinstance(state, int | float):
        return str(state)
    if isinstance(state, str) and state:
        return state
    raise DefinitionError("must be a state such as on, off or 21.5", where)


def _milliseconds(value: JsonValue, where: str) -> float | None:
    if value is None:
        return None
    number = number_in(value)
    if number is None or number < 0:
        raise DefinitionError(f"must be a number of milliseconds, not {value!r}", where)
    return number


def read_transition(data: JsonObject) -> float | None:
    value = data.get("transition")
    if value is None:
        return None
    number = number_in(value)
    if number is None or number < 0:
        raise DefinitionError(f"must be a number of seconds, not {value!r}", "transition")
    return number
