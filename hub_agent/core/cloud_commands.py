"""Commands from the cloud: each is done at most once, and its end is told."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import Answer, CloudCommandDone, Effect, Save
from hub_agent.model.ids import AutomationId, CallId, EntityId, SceneId
from hub_agent.model.inputs import CallRequested, CloudCommand, ScenePressed
from hub_agent.model.json import JsonObject
from hub_agent.model.state import Cause

ROOM = "cloud_commands"
REMEMBERED_MAX = 10_000

Started: TypeAlias = ScenePressed | CallRequested


class CloudCommands:
    """`entity_of` finds an automation's entity."""

    def __init__(self, entity_of: Callable[[AutomationId], EntityId | None]) -> None:
        self._entity_of = entity_of
        self._taken: dict[str, None] = {}

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._taken

    def restore(self, done: Iterable[str], under_way: Iterable[str], goes_on: Callable[[str], bool]) -> list[Effect]:
        """What was taken before a crash and is not known to be done is not done again; `goes_on`: it will still answer."""
        self._taken = dict.fromkeys(done)
        given: list[Effect] = []
        for command_id in under_way:
            self._taken[command_id] = None
            if not goes_on(command_id):
                error = "the agent stopped while it was under way; it was not repeated"
                given += [Save(ROOM, command_id, None), CloudCommandDone(command_id, "failed", {"error": error})]
        return given

    def take(self, command: CloudCommand) -> list[Effect | Started]:
        if command.id in self._taken:
            return []
        self._taken[command.id] = None
        if len(self._taken) > REMEMBERED_MAX:
            del self._taken[next(iter(self._taken))]
        if command.is_expired:
            return [CloudCommandDone(command.id, "failed", {"error": "it had expired"})]
        started = self._start(command)
        if started is None:
            error = f"this agent does not know {command.kind}, or its payload is incomplete"
            return [CloudCommandDone(command.id, "failed", {"error": error})]
        return [Save(ROOM, command.id, {"kind": command.kind}), started]

    def end(self, answer: Answer) -> list[Effect]:
        """The answer to what a command started."""
        body = answer.answer
        if isinstance(body, CallAnswered):
            error, result = body.error, body.response
        else:
            failure = body.get("error")
            error, result = (str(failure) if failure else None), body
        told: JsonObject = {"error": error} if error else {"result": result}
        done = CloudCommandDone(answer.request_id, "failed" if error else "done", told)
        return [Save(ROOM, answer.request_id, None), done]

    def _start(self, command: CloudCommand) -> Started | None:
        cause = Cause("cloud", command.id)
        payload = command.payload
        if command.kind == "scene.activate" and isinstance(scene := payload.get("scene_id"), str):
            return ScenePressed(SceneId(scene), cause, "manual", command.id)
        if command.kind == "automation.run" and isinstance(automation := payload.get("automation_id"), str):
            target = self._entity_of(AutomationId(automation))
            return _call(command.id, "automation.trigger", (target,), {}, cause) if target else None
        if command.kind == "device.set":
            return _device_call(command, cause)
        return None


def _device_call(command: CloudCommand, cause: Cause) -> CallRequested | None:
    action, target, data = (command.payload.get(name) for name in ("action", "entity_id", "data"))
    targets = [target] if isinstance(target, str) else target
    if not isinstance(action, str) or not isinstance(targets, list | tuple):
        return None
    entity_ids = tuple(EntityId(each) for each in targets if isinstance(each, str))
    return _call(command.id, action, entity_ids, data if isinstance(data, Mapping) else {}, cause)


def _call(command_id: str, action: str, target: tuple[EntityId, ...], data: JsonObject, cause: Cause) -> CallRequested:
    return CallRequested(Call(CallId(command_id), action, target, data, cause))
