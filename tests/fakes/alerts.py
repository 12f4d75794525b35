"""The door's alerts, as a test sets them."""

from collections.abc import Sequence
from typing import Any

from hub_agent.errors import NotFound, NotPossible

ALERT: dict[str, Any] = {
    "id": "0a1b2c3d-0000-4000-8000-000000000001",
    "time": "2026-03-01T12:00:00+00:00",
    "alert_type": "device_offline",
    "severity": "warning",
    "priority": "normal",
    "title": "Hall lamp cannot be reached",
    "message": "Hall lamp does not answer.",
    "status": "active",
    "source_device_id": "5cee0000-0000-4000-8000-0000000000d1",
    "source_type": "device",
    "source_id": "5cee0000-0000-4000-8000-0000000000d1",
    "context": {"name": "Hall lamp"},
    "suggested_actions": [],
    "acknowledged_at": None,
    "resolved_at": None,
    "rules": ["builtin/healing"],
    "channels": ["phone"],
    "is_notice": False,
}
RULES: list[dict[str, Any]] = [
    {
        "id": "r1",
        "name": "Away",
        "when": ["offline"],
        "severity": "warning",
        "target": "home",
        "is_builtin": False,
        "status": "in force",
        "reason": None,
    },
    {
        "id": "r2",
        "name": "Moon",
        "when": [],
        "severity": None,
        "target": None,
        "is_builtin": False,
        "status": "broken",
        "reason": "rule_type is “moon”",
    },
]


class FakeAlerts:
    """Fills ports.Alerts. `asked` is the door's."""

    def __init__(self, asked: list[Any]) -> None:
        self.asked = asked
        self.now: list[dict[str, Any]] = [ALERT]
        self.rules_now = list(RULES)
        self.failing: str | None = None

    def all(self) -> Sequence[Any]:
        return self.now

    def rules(self) -> Sequence[Any]:
        return self.rules_now

    def channels(self) -> Sequence[Any]:
        return [{"name": "phone", "kind": "ntfy", "waiting": 3 if self.failing else 0, "failing": self.failing}]

    async def answer(self, alert_id: str, verb: str, by: str) -> Any:
        known = next((each for each in self.now if each["id"].startswith(alert_id)), None)
        if known is None:
            raise NotFound(f"There is no open alert '{alert_id}'.")
        self.asked.append((verb, known["id"], by))
        self.now = [] if verb != "acknowledge" else [known | {"status": "acknowledged"}]
        return {
            "id": known["id"],
            "status": {"acknowledge": "acknowledged", "resolve": "resolved", "dismiss": "dismissed"}[verb],
        }

    async def test(self, channel: str) -> Any:
        if channel != "phone":
            raise NotFound(f"There is no channel '{channel}' in the settings of this hub.")
        if self.failing:
            raise NotPossible(self.failing)
        return {"sent": True}
