"""`logbook.log` and `system_log.write`: a rule's line in the hub's log."""

from typing import Final

from hub_agent.model.action import Call, CallAnswered
from hub_agent.model.effects import LogLine

ACTIONS: Final = frozenset({"logbook.log", "system_log.write"})
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
TEXT_CHARS_MAX: Final = 2_000


def write(call: Call) -> list[LogLine | CallAnswered]:
    message = call.data.get("message")
    if message is None:
        return [CallAnswered(call.id, error=f"{call.action} needs a message")]
    if call.action == "logbook.log":
        name = call.data.get("name")
        return [LogLine("info", _line(message if name is None else f"{name} {message}")), CallAnswered(call.id)]
    level = str(call.data.get("level", "error")).lower()
    if level not in LEVELS:
        return [CallAnswered(call.id, error=f"system_log.write: level must be one of {', '.join(LEVELS)}")]
    return [LogLine(level, _line(message)), CallAnswered(call.id)]


def _line(message: object) -> str:
    """One line, whatever is in it: nobody forges another's."""
    text = str(message)[:TEXT_CHARS_MAX]
    return "".join(each if each.isprintable() else " " for each in text)
