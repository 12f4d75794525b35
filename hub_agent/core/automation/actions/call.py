"""`action` (formerly `service`), and `scene`: something is to be done; the step lasts until the call is answered."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub_agent.core.automation.actions.builder import Builder
from hub_agent.core.automation.device_words import action_of_device, read_device_words, refused
from hub_agent.core.automation.interpreter import ANSWER_WAIT_MAX, Execution
from hub_agent.core.automation.reading import Fields, is_entity_id, items_of, read_entity_ids
from hub_agent.core.automation.runs import Result, Wait
from hub_agent.core.automation.signals import StepFailed
from hub_agent.core.automation.surroundings import note_before
from hub_agent.core.automation.values import NOTHING, Constant, Value, read_value
from hub_agent.errors import DefinitionError
from hub_agent.model.action import Call
from hub_agent.model.ids import CallId, EntityId
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import is_template

TARGET_KEYS = ("entity_id", "device_id", "area_id", "floor_id", "label_id")
# Resolved by the hub, which knows devices and rooms.
RESOLVED_KEYS = ("device_id", "area_id")


@dataclass(frozen=True, slots=True)
class CallAct:
    action: Value
    target: Value
    data: Value
    # Entities that were named among the data or beside it, as older definitions do.
    more_target: Value
    response_variable: str | None
    # Action, target and data when nothing of them is a template.
    ready: tuple[str, tuple[EntityId, ...], JsonObject] | None = None

    def enter(self, at: Execution) -> None:
        action, target, data = self.ready or self._render(at)
        run, interpreter = at.run, at.interpreter
        call_id = CallId(interpreter.new_id())
        result = Result(at.path, action, target, at.now, call_id, data)
        run.add_result(result)
        note_before(run.before, target, interpreter.exchange.world)
        interpreter.result_by_call[call_id] = (run, result)
        at.note("action", "called", action=action, target=list(target), data=data, call=call_id)
        call = Call(call_id, action, target, data, at.cause(), self.response_variable is not None)
        body = {"call_id": call_id, "response_variable": self.response_variable}
        due = None if action.startswith(("script.", "automation.")) else at.now + ANSWER_WAIT_MAX
        interpreter.call(run, at.thread, Wait("call", at.path, at.now, due, body), call)

    def _render(self, at: Execution) -> tuple[str, tuple[EntityId, ...], JsonObject]:
        action = at.get(self.action)
        if not isinstance(action, str) or not is_entity_id(action.lower()):
            raise StepFailed(f"{action!r} is not an action such as light.turn_on")
        data = at.get(self.data)
        if not isinstance(data, Mapping):
            raise StepFailed(f"data is {data!r}, not a mapping")
        data = dict(data)
        named = [
            at.get(self.target),
            at.get(self.more_target),
            _taken_from(data, at),
        ]
        entity_ids: list[str] = []
        action = action.lower()
        for each in named:
            entity_ids += _entities_of(each, action.partition(".")[0], at)
        return action, tuple(EntityId(each) for each in dict.fromkeys(entity_ids)), data


def _taken_from(data: dict[str, JsonValue], at: Execution) -> JsonObject:
    """Targets among the data. What is not a device or room of this home is for the action to understand."""
    resolve = at.interpreter.host.resolve
    taken = {key: data.pop(key) for key in ("entity_id",) if key in data}
    for key in RESOLVED_KEYS:
        names = [str(item) for item in items_of(data.get(key))]
        if names and resolve is not None and all(resolve(key, name) is not None for name in names):
            taken[key] = data.pop(key)
    return taken


def _entities_of(named: JsonValue, domain: str, at: Execution) -> list[str]:
    if named is None:
        return []
    if not isinstance(named, Mapping):
        named = {"entity_id": named}
    found: list[str] = []
    for key, value in named.items():
        if value is None:
            raise StepFailed(f"{key} names nothing")
        for item in items_of(value):
            for part in str(item).split(","):
                found += _resolve(key, part.strip(), domain, at)
    return found


def _resolve(key: str, name: str, domain: str, at: Execution) -> list[str]:
    if key == "entity_id":
        name = name.lower()
        if name == "none":
            return []
        if name != "all" and not is_entity_id(name):
            raise StepFailed(f"'{name}' is not an entity id")
        return [name]
    resolve = at.interpreter.host.resolve
    found = resolve(key, name) if resolve is not None and key in RESOLVED_KEYS else None
    if found is None:
        raise StepFailed(f"this hub cannot tell the entities of {key} {name!r}", may_go_on=False)
    # Of a device or a room only what the action is for: `light.turn_on` means its lights.
    return [each for each in found if domain in {"homeassistant", each.partition(".")[0]}]


def read_call(fields: Fields, builder: Builder) -> CallAct:
    where = fields.where
    named = [key for key in ("action", "service", "service_template") if fields.has(key)]
    if len(named) > 1:
        raise DefinitionError(f"has both '{named[0]}' and '{named[1]}'", where)
    action = fields.text(named[0])
    if not is_template(action) and not is_entity_id(action.strip().lower()):
        raise DefinitionError(f"'{action}' is not an action such as light.turn_on", fields.path(named[0]))
    templates = builder.reader.templates
    target = _read_target(fields.take("target"), builder, fields.path("target"))
    data = _read_data(fields, builder)
    more = read_value(fields.take("entity_id"), templates, fields.path("entity_id"))
    fields.take("metadata")
    response = fields.text("response_variable") if fields.has("response_variable") else None
    act = CallAct(read_value(action.strip(), templates, where), target, data, more, response)
    return _made_ready(act)


def read_device_action(fields: Fields, builder: Builder) -> CallAct:
    """An action of a device, as the call that means the same."""
    given, entity_id = read_device_words(fields, "action")
    words = action_of_device(given, entity_id)
    if words is None:
        raise refused(given, "action", fields.where)
    return read_call(Fields(words, fields.where), builder)


def _read_target(value: JsonValue, builder: Builder, where: str) -> Value:
    if isinstance(value, Mapping):
        unknown = set(value) - set(TARGET_KEYS)
        if unknown:
            raise DefinitionError(f"unknown key '{min(unknown)}'", where)
        entity_ids = value.get("entity_id")
        if isinstance(entity_ids, str) and not is_template(entity_ids) and entity_ids not in {"all", "none"}:
            read_entity_ids(entity_ids, f"{where}/entity_id")
    elif value is not None and not isinstance(value, str):
        raise DefinitionError("must be a mapping such as {entity_id: light.kitchen}", where)
    return read_value(value, builder.reader.templates, where)


def _read_data(fields: Fields, builder: Builder) -> Value:
    data: dict[str, JsonValue] = {}
    for key in ("data", "data_template"):
        value = fields.take(key)
        if isinstance(value, str) and is_template(value) and not data:
            return read_value(value, builder.reader.templates, fields.path(key))
        if value is not None and not isinstance(value, Mapping):
            raise DefinitionError("must be a mapping", fields.path(key))
        data |= value or {}
    return read_value(data, builder.reader.templates, fields.path("data"))


def _made_ready(act: CallAct) -> CallAct:
    """Without templates, devices and areas everything is known beforehand."""
    if not all(isinstance(value, Constant) for value in (act.action, act.target, act.data, act.more_target)):
        return act
    constants = [value.get(dict) for value in (act.action, act.target, act.data, act.more_target)]
    action, target, data, more = constants
    assert isinstance(action, str)
    assert isinstance(data, Mapping)
    if any(key in data for key in RESOLVED_KEYS):
        return act
    named = [target, more, {"entity_id": data.get("entity_id")}]
    entity_ids: list[str] = []
    for each in named:
        mapping = each if isinstance(each, Mapping) else {"entity_id": each}
        if set(mapping) - {"entity_id"}:
            return act
        parts = [part for item in items_of(mapping.get("entity_id")) for part in str(item).lower().split(",")]
        entity_ids += (part.strip() for part in parts)
    if not all(is_entity_id(each) for each in entity_ids):
        return act
    rest = {key: value for key, value in data.items() if key != "entity_id"}
    ready = (action.lower(), tuple(EntityId(each) for each in dict.fromkeys(entity_ids)), rest)
    return CallAct(act.action, act.target, act.data, act.more_target, act.response_variable, ready)


def read_scene(fields: Fields, builder: Builder) -> CallAct:
    """`scene: scene.movie` is short for scene.turn_on."""
    scene = fields.text("scene")
    if not is_template(scene):
        read_entity_ids(scene, fields.path("scene"))
    fields.take("metadata")
    target = read_value(scene, builder.reader.templates, fields.path("scene"))
    return _made_ready(CallAct(Constant("scene.turn_on"), target, Constant({}), NOTHING, None))
