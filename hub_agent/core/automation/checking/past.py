"""What is remembered of a rule's runs for its health: a few counters, fed by its traces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub_agent.core.automation.checking.finding import Aspect, Finding, Severity
from hub_agent.core.automation.program import Program
from hub_agent.core.automation.views import iso
from hub_agent.model.automation import RunStatus
from hub_agent.model.json import JsonObject, JsonValue

FAILS_MIN = 5
REFUSED_MIN = 50
REFUSED_FOR = timedelta(days=14)
DROPPED_MIN = 20
ERROR_CHARS_MAX = 300
DAY = timedelta(days=1)
_FAILED = frozenset({RunStatus.FAILED.value, RunStatus.TIMEOUT.value})
_COUNTERS = ("failures", "refused", "started", "dropped", "started_before", "dropped_before")
_TEXTS = ("error", "template_error")
_TIMES = ("failing_since", "refused_since", "template_error_at", "counted_since")


@dataclass(slots=True)
class Past:
    """Of what is counted by day, `…_before` is the day before."""

    failures: int = 0
    error: str | None = None
    failing_since: datetime | None = None
    refused: int = 0
    refused_since: datetime | None = None
    started: int = 0
    dropped: int = 0
    started_before: int = 0
    dropped_before: int = 0
    counted_since: datetime | None = None
    template_error: str | None = None
    template_error_at: datetime | None = None

    def note(self, trace: Mapping[str, Any], now: datetime) -> None:
        self._count_by_day(now)
        status = trace.get("status")
        also = trace.get("not_kept_before")
        count = 1 + (also if isinstance(also, int) else 0)
        if status == RunStatus.CONDITIONS_NOT_MET:
            self.refused += count
            self.refused_since = self.refused_since or now
            self._note_failed_conditions(trace, now)
        elif status == RunStatus.DROPPED:
            self.dropped += count
        elif status == RunStatus.ERROR:
            self._note_template(str(trace.get("error")), now)
        else:
            self._note_run(status, trace.get("error"), now)

    def _note_run(self, status: object, error: object, now: datetime) -> None:
        self.started += 1
        self.refused, self.refused_since = 0, None
        if status == RunStatus.CANCELLED:
            return
        if status not in _FAILED:
            self.failures, self.error, self.failing_since = 0, None, None
            return
        text = str(error or status)[:ERROR_CHARS_MAX]
        is_same = text == self.error
        self.failures = self.failures + 1 if is_same else 1
        self.failing_since = self.failing_since if is_same else now
        self.error = text

    def _note_failed_conditions(self, trace: Mapping[str, Any], now: datetime) -> None:
        for step in trace.get("steps") or ():
            if step.get("kind") == "template" and step.get("result") == "error":
                self._note_template(f"{step.get('path')}: {step.get('error')}", now)
                return

    def _note_template(self, text: str, now: datetime) -> None:
        self.template_error, self.template_error_at = text[:ERROR_CHARS_MAX], now

    def _count_by_day(self, now: datetime) -> None:
        if self.counted_since is None or now - self.counted_since >= DAY:
            self.started_before, self.dropped_before = self.started, self.dropped
            self.started = self.dropped = 0
            self.counted_since = now

    def find(self, program: Program, now: datetime) -> Iterator[Finding]:
        if self.failures >= FAILS_MIN:
            text = f"Its last {self.failures} runs failed with the same error: {self.error}"
            yield Finding("always_fails", Severity.ERROR, Aspect.RUNS, text, since=self.failing_since)
        since = self.refused_since
        if self.refused >= REFUSED_MIN and since is not None and now - since >= REFUSED_FOR:
            text = f"It was triggered {self.refused} times since {iso(since)}, and its conditions never held."
            yield Finding("never_passes", Severity.INFO, Aspect.RUNS, text, since=since)
        if self.counted_since is None or now - self.counted_since >= 2 * DAY:
            dropped = started = 0
        else:
            dropped, started = self.dropped + self.dropped_before, self.started + self.started_before
        if dropped >= DROPPED_MIN and dropped > started and not program.is_silent_when_dropped:
            text = f"Of its last {dropped + started} triggers {dropped} started nothing (mode {program.mode.value})."
            yield Finding("mode_drops", Severity.INFO, Aspect.RUNS, text)
        if self.template_error_at is not None and now - self.template_error_at < DAY:
            text = f"A template of it failed: {self.template_error}"
            yield Finding("template_error", Severity.WARNING, Aspect.RUNS, text, since=self.template_error_at)

    def forget_errors(self) -> None:
        """The definition is another one now."""
        self.failures, self.error, self.failing_since = 0, None, None
        self.refused, self.refused_since = 0, None
        self.template_error, self.template_error_at = None, None

    def as_json(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {name: getattr(self, name) for name in (*_COUNTERS, *_TEXTS)}
        for name in _TIMES:
            at = getattr(self, name)
            body[name] = None if at is None else iso(at)
        return body

    @classmethod
    def from_json(cls, body: JsonObject) -> "Past":
        found = cls()
        for name in _COUNTERS:
            value = body.get(name)
            setattr(found, name, value if isinstance(value, int) else 0)
        for name in _TEXTS:
            value = body.get(name)
            setattr(found, name, value if isinstance(value, str) else None)
        for name in _TIMES:
            value = body.get(name)
            setattr(found, name, datetime.fromisoformat(value) if isinstance(value, str) else None)
        return found
