"""Commands from the cloud: each is done at most once, and its end is told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.definition import Definition
from hub_agent.model.effects import Answer, CallOutside, CloudCommandDone, Effect, Save
from hub_agent.model.ids import AutomationId, CallId, DeviceId, EntityId, SceneId
from hub_agent.model.inputs import CallRequested, CloudCommand, DefinitionArrived, DiagnosisWanted, ScenePressed
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.state import Cause

ROOM = "cloud_commands"
REMEMBERED_MAX = 10_000

Started: TypeAlias = ScenePressed | CallRequested | CallOutside | DiagnosisWanted

BY_HAND = "a hub is upgraded at home: sudo apt-get upgrade nexa-hub, or the installer once more"
REFUSED = {"upgrade": BY_HAND}
# What the shell around the core does: an errand of this name.
ERRANDS = {"backup": "hub.backup", "resync": "hub.resync"}
AlertAnswered: TypeAlias = Callable[[str, str, str | None, datetime], Sequence[Effect] | None]


class RemedyAnswered(Protocol):
    """As in core.healing.Healing.handle_answer."""

    def __call__(
        self, execution_id: str, by: str | None, now: datetime, *, is_approved: bool
    ) -> Sequence[Effect | Call | DefinitionArrived] | None: ...


class CloudCommands:
    """`entity_of` finds an automation's entity. `answer_alert` acknowledges or resolves one of the hub's alerts, `answer_remedy` says
    yes or no to a remedy that waits for that; None: not one of its.
    """

    def __init__(
        self,
        entity_of: Callable[[AutomationId], EntityId | None],
        answer_alert: AlertAnswered,
        answer_remedy: RemedyAnswered,
    ) -> None:
        self._entity_of = entity_of
        self._answer_alert = answer_alert
        self._answer_remedy = answer_remedy
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

    def take(self, command: CloudCommand, now: datetime) -> list[Effect | Started | DefinitionArrived | Call]:
        if command.id in self._taken:
            return []
        self._taken[command.id] = None
        if len(self._taken) > REMEMBERED_MAX:
            del self._taken[next(iter(self._taken))]
        if command.is_expired:
            return [CloudCommandDone(command.id, "expired", {"error": "it had expired when the hub heard of it"})]
        if command.kind in REFUSED:
            return [_failed(command, REFUSED[command.kind])]
        if command.kind == "automation.pause":
            return self._pause(command)
        if command.kind in {"case.acknowledge", "case.resolve"}:
            return self._answer_case(command, now)
        if command.kind in {"case.approve", "case.refuse"}:
            return self._answer_question(command, now)
        started = self._start(command)
        if started is None:
            return [_failed(command, f"this agent does not know {command.kind}, or its payload is incomplete")]
        return [Save(ROOM, command.id, {"kind": command.kind}), started]

    def _pause(self, command: CloudCommand) -> list[Effect | Started | DefinitionArrived | Call]:
        """`until` an instant, or without an end; `paused: false` ends it."""
        automation, until = command.payload.get("automation_id"), command.payload.get("until")
        if not isinstance(automation, str) or self._entity_of(AutomationId(automation)) is None:
            return [_failed(command, f"there is no automation {automation} in this home")]
        if until is not None and not _is_instant(until):
            return [
                _failed(command, f"{until} is not a date and time with its offset, such as 2026-03-01T12:00:00+01:00")
            ]
        is_paused = command.payload.get("paused") is not False
        fields: JsonObject = {"is_paused": is_paused, "pause_until": until if is_paused else None}
        edited = Definition("automation", automation, fields, modified_by="the cloud")
        words = f"paused{f' until {until}' if until else ''}" if is_paused else "not paused any more"
        done = CloudCommandDone(command.id, "done", {"result": {"text": words}})
        return [DefinitionArrived(edited, is_from_cloud=False), done]

    def _answer_case(self, command: CloudCommand, now: datetime) -> list[Effect | Started | DefinitionArrived | Call]:
        case_id = str(command.payload.get("id"))
        verb = command.kind.partition(".")[2]
        by = command.payload.get("by")
        given = self._answer_alert(case_id, verb, by if isinstance(by, str) else None, now)
        if given is None:
            error = f"this hub has no open alert {case_id} that people answer; what it heals it ends by itself"
            return [_failed(command, error)]
        return [*given, CloudCommandDone(command.id, "done", {"result": {"text": f"{verb}d"}})]

    def _answer_question(
        self, command: CloudCommand, now: datetime
    ) -> list[Effect | Started | DefinitionArrived | Call]:
        by, is_approved = command.payload.get("by"), command.kind == "case.approve"
        execution_id = str(command.payload.get("id"))
        given = self._answer_remedy(execution_id, by if isinstance(by, str) else None, now, is_approved=is_approved)
        if given is None:
            return [
                _failed(
                    command, f"no remedy {execution_id} waits for an answer here; it may have been answered already"
                )
            ]
        text = "it is being tried" if is_approved else "it is not tried"
        return [*given, CloudCommandDone(command.id, "done", {"result": {"text": text}})]

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
        if command.kind == "diagnose":
            return _diagnosis(command)
        if command.kind in ERRANDS:
            return CallOutside(Call(CallId(command.id), ERRANDS[command.kind], (), {}, cause, wants_response=True))
        if command.kind == "device.set":
            return _device_call(command, cause)
        return None


def _failed(command: CloudCommand, error: str) -> CloudCommandDone:
    return CloudCommandDone(command.id, "failed", {"error": error})


def _diagnosis(command: CloudCommand) -> DiagnosisWanted | None:
    """Of a device, or without one of the home."""
    device_id, by = command.payload.get("device_id"), command.payload.get("by")
    if device_id is not None and not isinstance(device_id, str):
        return None
    wanted = None if device_id is None else DeviceId(device_id)
    return DiagnosisWanted(wanted, command.id, by=by if isinstance(by, str) else None)


def _is_instant(value: JsonValue) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _device_call(command: CloudCommand, cause: Cause) -> CallRequested | None:
    action, target, data = (command.payload.get(name) for name in ("action", "entity_id", "data"))
    targets = [target] if isinstance(target, str) else target
    if not isinstance(action, str) or not isinstance(targets, list | tuple):
        return None
    entity_ids = tuple(EntityId(each) for each in targets if isinstance(each, str))
    return _call(command.id, action, entity_ids, data if isinstance(data, Mapping) else {}, cause)


def _call(command_id: str, action: str, target: tuple[EntityId, ...], data: JsonObject, cause: Cause) -> CallRequested:
    return CallRequested(Call(CallId(command_id), action, target, data, cause))
