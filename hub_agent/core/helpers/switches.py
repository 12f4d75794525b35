"""input_boolean: on or off. input_button: the time it was last pressed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hub_agent.core.helpers.kind import Kind, Settings, Told
from hub_agent.model.device import Capability
from hub_agent.model.json import JsonObject
from hub_agent.model.state import UNKNOWN


@dataclass(frozen=True, slots=True)
class Toggle(Kind):
    initial: bool | None

    verbs = frozenset({"turn_on", "turn_off", "toggle"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local
        if kept is None or (is_start and self.initial is not None):
            return {"is_on": self.initial is True}
        return {"is_on": kept.get("is_on") is True}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del data, local
        is_on = body["is_on"] is not True if verb == "toggle" else verb == "turn_on"
        return Told({"is_on": is_on})

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        return "on" if body["is_on"] is True else "off", {}

    def capabilities(self) -> Mapping[str, Capability]:
        return {"on": Capability("bool", "rw")}


@dataclass(frozen=True, slots=True)
class Button(Kind):
    verbs = frozenset({"press"})

    def begin(self, kept: JsonObject | None, local: datetime, *, is_start: bool) -> JsonObject:
        del local, is_start
        pressed_at = None if kept is None else kept.get("pressed_at")
        return {"pressed_at": pressed_at if isinstance(pressed_at, str) else None}

    def tell(self, body: JsonObject, verb: str, data: JsonObject, local: datetime) -> Told:
        del body, verb, data
        return Told({"pressed_at": local.astimezone(UTC).isoformat()})

    def show(self, body: JsonObject, local: datetime) -> tuple[str, JsonObject]:
        del local
        return str(body["pressed_at"] or UNKNOWN), {}

    def capabilities(self) -> Mapping[str, Capability]:
        return {"press": Capability("bool", "w")}


def read_toggle(settings: Settings) -> Toggle:
    return Toggle(settings.flag("initial"))


def read_button(_settings: Settings) -> Button:
    return Button()
