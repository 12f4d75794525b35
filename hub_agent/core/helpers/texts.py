"""input_text: a text of some length, maybe of some form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub_agent.core.helpers.kind import TEXT_CHARS_MAX, Body, Kind, Settings, Told, bad_setting, text_of
from hub_agent.errors import NotPossible, TemplateError
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject
from hub_agent.model.state import UNKNOWN
from hub_agent.templating.patterns import matches_whole

LENGTH_OTHERWISE = 100


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Nobody has said anything: it is `unknown`."""

    min: int
    max: int
    pattern: str | None
    mode: str
    initial: str | None

    verbs = frozenset({"set_value"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        text = None if kept is None else kept.get("text")
        if not isinstance(text, str) or (is_start and self.initial is not None) or self.fault_of(text):
            text = self.initial
        return {"text": text}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del body, verb, local
        text = text_of(data, "value")
        fault = self.fault_of(text)
        if fault:
            raise NotPossible(fault)
        return Told({"text": text})

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        shown: Body = {"min": self.min, "max": self.max, "pattern": self.pattern, "mode": self.mode}
        text = body["text"]
        return UNKNOWN if text is None else str(text), shown

    def capabilities(self) -> Mapping[str, Capability]:
        return {"value": Capability("text", "rw")}

    def fault_of(self, text: str) -> str | None:
        """What keeps it from holding this text."""
        if not self.min <= len(text) <= self.max:
            return f"the text must have {self.min} to {self.max} characters, not {len(text)}"
        try:
            if self.pattern is not None and not matches_whole(self.pattern, text):
                return f"the text does not have the form {self.pattern}"
        except TemplateError as err:
            return str(err)
        return None


def read_text(settings: Settings) -> Text:
    low, high = settings.whole("min"), settings.whole("max")
    low, high = 0 if low is None else low, LENGTH_OTHERWISE if high is None else high
    if not 0 <= low <= high <= TEXT_CHARS_MAX:
        raise bad_setting("max", f"must be between min, which is {low}, and {TEXT_CHARS_MAX}")
    pattern, initial = settings.text("pattern"), settings.text("initial")
    text = Text(low, high, pattern, settings.choice("mode", ("text", "password")), initial)
    try:
        matches_whole(pattern or "", "")
    except TemplateError as err:
        raise bad_setting("pattern", str(err)) from err
    if initial is not None and (fault := text.fault_of(initial)):
        raise bad_setting("initial", fault)
    return text
