"""Calls that somebody waits for: answered when the outside has taken them and all their commands have settled."""

from dataclasses import dataclass, field

from hub_agent.model.action import CallAnswered, Command, CommandSettled
from hub_agent.model.effects import Answer
from hub_agent.model.ids import CallId, CommandId
from hub_agent.model.json import JsonValue

# More at once are people no longer: the oldest is not waited for any more.
ASKED_MAX = 1000


@dataclass(slots=True)
class _Waiting:
    is_answered: bool = False
    commands: set[CommandId] = field(default_factory=set)
    settled: list[JsonValue] = field(default_factory=list)
    error: str | None = None
    response: JsonValue = None


class Asked:
    def __init__(self) -> None:
        self._waiting_by_call: dict[CallId, _Waiting] = {}

    def __contains__(self, call_id: CallId) -> bool:
        return call_id in self._waiting_by_call

    def expect(self, call_id: CallId) -> None:
        if len(self._waiting_by_call) >= ASKED_MAX:
            del self._waiting_by_call[next(iter(self._waiting_by_call))]
        self._waiting_by_call[call_id] = _Waiting()

    def note_command(self, command: Command) -> None:
        waiting = self._waiting_by_call.get(command.call_id)
        if waiting is not None:
            waiting.commands.add(command.id)

    def handle_answered(self, answered: CallAnswered) -> list[Answer]:
        waiting = self._waiting_by_call[answered.call_id]
        waiting.is_answered, waiting.error, waiting.response = True, answered.error, answered.response
        return self._answer_if_done(answered.call_id, waiting)

    def handle_settled(self, settled: CommandSettled) -> list[Answer]:
        command = settled.command
        waiting = self._waiting_by_call[command.call_id]
        waiting.commands.discard(command.id)
        waiting.settled.append({"entity_id": command.entity_id, "outcome": settled.outcome, "error": settled.error})
        return self._answer_if_done(command.call_id, waiting)

    def _answer_if_done(self, call_id: CallId, waiting: _Waiting) -> list[Answer]:
        if not waiting.is_answered or waiting.commands:
            return []
        del self._waiting_by_call[call_id]
        if waiting.error:
            return [Answer(call_id, CallAnswered(call_id, error=waiting.error))]
        return [Answer(call_id, {"commands": waiting.settled, "response": waiting.response})]
