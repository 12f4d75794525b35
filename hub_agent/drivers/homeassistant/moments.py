"""Days, times of day and moments that people set: in ISO 8601, or as an object of their parts, as ESPHome says and wants them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import ClassVar, Final

from hub_agent.drivers.homeassistant.facet import NONE, NOTHING, Facet, Said, Unreadable, load_object, write
from hub_agent.drivers.wishes import needed_text
from hub_agent.errors import NotPossible
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.model.report import Publication
from hub_agent.model.state import UNKNOWN

_DAY: Final = ("year", "month", "day")
_TIME: Final = ("hour", "minute", "second")


class _Set(Facet):
    required = ("command_topic",)
    parts: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    kind: ClassVar[type[date] | type[time]]

    def fill(self) -> None:
        # Until it has said anything, ISO 8601.
        self._speaks_in_parts = False
        has_state = self.listen("state_topic", "value_template", self._read)
        self._sender = self.sender("command_topic", "command_template")
        self.commands = {"set_value": self._set}
        self.capabilities["value"] = Capability("text", self.access(can_read=has_state))

    def _read(self, text: str) -> Said | None:
        if not text or text == NONE:
            return (UNKNOWN, NOTHING) if text else None
        body = load_object(text)
        self._speaks_in_parts = body is not None
        try:
            moment = (
                self.kind.fromisoformat(text)
                if body is None
                else self.build([_whole(body, part) for part in self.parts])
            )
        except (ValueError, OverflowError):
            raise Unreadable(f"{text!r:.80} is no {self.domain}; one is like {self.example}") from None
        return moment.isoformat(), NOTHING

    def build(self, parts: Sequence[int]) -> date | time:
        """Raises ValueError, OverflowError."""
        raise NotImplementedError

    def _set(self, data: JsonObject) -> list[Publication]:
        assert self._sender is not None  # required
        text = needed_text(data, self.domain if data.get(self.domain) is not None else "value")
        try:
            moment = self.kind.fromisoformat(text)
        except ValueError:
            raise NotPossible(f"`{self.domain}` must be like {self.example}, not {text!r:.40}") from None
        if not self._speaks_in_parts or self._sender.template is not None:
            return self._sender.send(moment.isoformat())
        parts: dict[str, JsonValue] = {part: getattr(moment, part) for part in self.parts}
        return [self._sender.publish(write(parts))]


class Date(_Set):
    domain = "date"
    parts = _DAY
    example = "2026-12-31"
    kind = date

    def build(self, parts: Sequence[int]) -> date:
        return date(parts[0], parts[1], parts[2])


class Time(_Set):
    domain = "time"
    parts = _TIME
    example = "07:30:00"
    kind = time

    def build(self, parts: Sequence[int]) -> time:
        return time(parts[0], parts[1], parts[2])


class DateTime(_Set):
    domain = "datetime"
    parts = (*_DAY, *_TIME)
    example = "2026-12-31T07:30:00"
    kind = datetime

    def build(self, parts: Sequence[int]) -> datetime:
        # In the home's own time, as the device says it.
        return datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5])  # noqa: DTZ001


def _whole(body: Mapping[str, JsonValue], part: str) -> int:
    value = body.get(part)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(part)  # noqa: TRY004 - as the constructors of days and times do
    return value
