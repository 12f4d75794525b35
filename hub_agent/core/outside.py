"""`rest_command.*` and `shell_command.*`: what the settings allow rules to ask of the web and of this machine.

What is to be asked is rendered here, so that the shell around the core only carries it out.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from hub_agent.errors import TemplateError
from hub_agent.model.action import OUTSIDE_DOMAINS, Call, CallAnswered
from hub_agent.model.effects import CallOutside
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.templating import is_template

# (template, what it sees, now) -> text. Raises TemplateError.
Render: TypeAlias = Callable[[str, Mapping[str, object], datetime], str]

_RESERVED: Final = frozenset({"self"})


class Outside:
    def __init__(self, allowed: Mapping[str, JsonObject], render: Render) -> None:
        """`allowed`: by action, what may hold templates: {"rest_command.lights_off": {"url": ...}}."""
        self._allowed = allowed
        self._render = render

    @staticmethod
    def takes(call: Call) -> bool:
        return call.domain in OUTSIDE_DOMAINS

    def allows(self, action: str) -> bool:
        return action in self._allowed

    def call(self, call: Call, now: datetime) -> list[CallOutside | CallAnswered]:
        parts = self._allowed.get(call.action)
        if parts is None:
            error = f"there is no action {call.action}: the settings allow none of that name ([{call.action}])"
            return [CallAnswered(call.id, error=error, is_unknown_action=True)]
        # To such a command its targets are data like any other.
        seen: dict[str, object] = {key: value for key, value in call.data.items() if key not in _RESERVED}
        if call.target:
            seen["entity_id"] = call.target[0] if len(call.target) == 1 else list(call.target)
        try:
            rendered = {key: self._rendered(part, seen, now) for key, part in parts.items()}
        except TemplateError as err:
            return [CallAnswered(call.id, error=str(err))]
        return [CallOutside(Call(call.id, call.action, (), rendered, call.cause, call.wants_response))]

    def _rendered(self, part: JsonValue, seen: Mapping[str, object], now: datetime) -> JsonValue:
        if isinstance(part, str):
            return self._render(part, seen, now) if is_template(part) else part
        if isinstance(part, Mapping):
            return {key: self._rendered(each, seen, now) for key, each in part.items()}
        if isinstance(part, Sequence):
            return [self._rendered(each, seen, now) for each in part]
        return part
