"""Messages that no driver made sense of: counted by kind and topic, told once, an issue when they repeat."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub_agent.model.effects import IssueCleared, IssueRaised, Warn
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.report import Rejected

# Kinds that are counted apart; the rest is counted together.
KINDS_MAX = 1000
# From so many on, a fault of one topic is shown as an issue.
UNTIL_ISSUE = 20
QUIET_FOR = timedelta(hours=1)


@dataclass(slots=True)
class NotUnderstood:
    rejected: Rejected
    count: int
    last_at: datetime


class Misunderstandings:
    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], NotUnderstood] = {}

    def all(self) -> Iterable[NotUnderstood]:
        return self._seen.values()

    def handle(self, rejected: Rejected, now: datetime) -> list[Warn | IssueRaised]:
        seen = self._count(rejected, now)
        if seen.count == 1:
            key = f"rejected:{rejected.dialect}:{rejected.code}:{rejected.topic}"
            return [Warn(key, f"{rejected.topic}: {rejected.reason}")]
        if seen.count == UNTIL_ISSUE:
            details: JsonObject = {"count": seen.count, "topic": rejected.topic, "reason": rejected.reason}
            return [IssueRaised(Issue("payloads_rejected", rejected.topic, now, details))]
        return []

    def calmed(self, now: datetime) -> list[IssueCleared]:
        """What was shown and has not come again for long is over; should it come again it is told again."""
        quiet = [
            key for key, seen in self._seen.items() if seen.count >= UNTIL_ISSUE and now - seen.last_at >= QUIET_FOR
        ]
        return [IssueCleared("payloads_rejected", self._seen.pop(key).rejected.topic) for key in quiet]

    def _count(self, rejected: Rejected, now: datetime) -> NotUnderstood:
        key = (rejected.dialect, rejected.code, rejected.topic)
        if key not in self._seen and len(self._seen) >= KINDS_MAX:
            key = (rejected.dialect, rejected.code, "(other topics)")
        seen = self._seen.setdefault(key, NotUnderstood(rejected, 0, now))
        seen.count += 1
        seen.last_at = now
        return seen
