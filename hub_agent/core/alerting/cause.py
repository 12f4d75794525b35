"""Why somebody should know: what an alert is made of."""

from dataclasses import dataclass
from typing import cast

from hub_agent.core.alerting.rule import Condition, Rule
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Cause:
    """`key`: what it is about; all causes of one key make one alert. `is_kept`: it is told once and nobody can look it up again,
    so it is remembered over a restart also while its alert waits. `source`: the id under which who told it says that it is over.
    """

    id: str
    key: str
    rule_key: str
    alert_type: str
    severity: str
    title: str
    message: str
    columns: JsonObject
    is_kept: bool = False
    source: str | None = None

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "key": self.key,
            "rule_key": self.rule_key,
            "alert_type": self.alert_type,
            "severity": self.severity,
            "title": self.title,
            "message": self.message,
            "columns": self.columns,
            "is_kept": self.is_kept,
            "source": self.source,
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Cause":
        source = body.get("source")
        return cls(
            id=str(body["id"]),
            key=str(body["key"]),
            rule_key=str(body["rule_key"]),
            alert_type=str(body["alert_type"]),
            severity=str(body["severity"]),
            title=str(body["title"]),
            message=str(body["message"]),
            columns=dict(cast(JsonObject, body["columns"])),
            is_kept=bool(body.get("is_kept")),
            source=source if isinstance(source, str) else None,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a rule; `place`: which of them."""

    rule: Rule
    place: int
    condition: Condition

    def cause_id(self, subject: str) -> str:
        return f"{self.rule.key}/{self.place}/{subject}"


def of_device(device_id: DeviceId, **context: JsonValue) -> JsonObject:
    columns = {"source_device_id": device_id, "source_type": "device", "source_id": device_id, "context": context}
    return cast(JsonObject, columns | {"actionable": True})
