"""What a look at a rule finds, and what may be done about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub_agent.core.automation.views import iso
from hub_agent.model.json import JsonObject, JsonValue


class Severity(StrEnum):
    """ERROR: it cannot do what it is for. WARNING: a part of it cannot. INFO: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Aspect(StrEnum):
    """Which part of the rule it is about; the central schema has a column for most of them."""

    RULE = "rule"
    TRIGGERS = "triggers"
    CONDITIONS = "conditions"
    ACTIONS = "actions"
    DEVICES = "devices"
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Fix:
    """`old` and `new` are given when the hub can do it by itself: everywhere in the definition the one becomes the other."""

    text: str
    old: str | None = None
    new: str | None = None

    @property
    def is_automatic(self) -> bool:
        return self.old is not None and self.new is not None

    def as_json(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {"text": self.text, "is_automatic": self.is_automatic}
        if self.is_automatic:
            body |= {"replace": self.old, "by": self.new}
        return body


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` is the place in the definition; `automations` are ids of other rules that have a part in it."""

    code: str
    severity: Severity
    aspect: Aspect
    text: str
    path: str | None = None
    entity_id: str | None = None
    since: datetime | None = None
    automations: tuple[str, ...] = ()
    fix: Fix | None = None

    def as_json(self) -> JsonObject:
        body: dict[str, JsonValue] = {"code": self.code, "severity": self.severity.value, "text": self.text}
        body["aspect"] = self.aspect.value
        if self.path is not None:
            body["path"] = self.path
        if self.entity_id is not None:
            body["entity_id"] = self.entity_id
        if self.since is not None:
            body["since"] = iso(self.since)
        if self.automations:
            body["automations"] = list(self.automations)
        return body


def aspect_of(path: str) -> Aspect:
    """By where a path begins."""
    match path.partition("/")[0]:
        case "triggers" | "schedule_config":
            return Aspect.TRIGGERS
        case "conditions":
            return Aspect.CONDITIONS
    return Aspect.ACTIONS
