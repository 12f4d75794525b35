"""An automation or script in the home: its program, whether it is on, its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hub_agent.core.automation.program import Program
from hub_agent.core.automation.runs import Run
from hub_agent.core.automation.timers import Timer
from hub_agent.core.automation.triggers.trigger import Site
from hub_agent.core.automation.views import iso
from hub_agent.model.automation import RunStatus
from hub_agent.model.definition import Definition
from hub_agent.model.ids import EntityId
from hub_agent.model.json import JsonObject, JsonValue


@dataclass(slots=True)
class Statistics:
    """What the cloud shows of the past; counted since the automation came to this hub."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    last_at: str | None = None
    last_status: str | None = None
    last_duration_ms: int | None = None
    # In the three words that the column `last_execution_status` knows; a run that was cancelled says nothing.
    last_outcome: str | None = None

    def note_status(self, status: RunStatus) -> None:
        self.succeeded += status is RunStatus.SUCCESS
        self.failed += status is RunStatus.FAILED or status is RunStatus.TIMEOUT
        self.last_status = told = str(status)
        if status is not RunStatus.CANCELLED:
            self.last_outcome = str(RunStatus.FAILED) if status is RunStatus.TIMEOUT else told

    def as_present(self) -> dict[str, JsonValue]:
        """The columns of the central schema."""
        told = self.as_json()
        told["last_execution_status"] = told.pop("last_outcome")
        return told

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "total_executions": self.total,
            "success_count": self.succeeded,
            "failure_count": self.failed,
            "last_executed_at": self.last_at,
            "last_execution_status": self.last_status,
            "last_execution_duration_ms": self.last_duration_ms,
            "last_outcome": self.last_outcome,
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Statistics":
        found = cls()
        for name, column in _COLUMNS:
            value = body.get(column)
            if value is not None:
                setattr(found, name, value)
        return found


_COLUMNS = (
    ("total", "total_executions"),
    ("succeeded", "success_count"),
    ("failed", "failure_count"),
    ("last_at", "last_executed_at"),
    ("last_status", "last_execution_status"),
    ("last_duration_ms", "last_execution_duration_ms"),
    ("last_outcome", "last_outcome"),
)


@dataclass(slots=True)
class Rule:
    """`program` is None while the definition cannot be understood; `problem` says why."""

    definition: Definition
    entity_id: EntityId
    program: Program | None
    problem: str | None = None
    is_on: bool = False
    is_attached: bool = False
    sites: list[Site] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    queue: list[Run] = field(default_factory=list)
    last_triggered: datetime | None = None
    pause_timer: Timer | None = None
    # What a person switched, while the definition says what it said then.
    switched: JsonObject | None = None
    statistics: Statistics = field(default_factory=Statistics)
    # Entities that it names, and those of them that the home was last seen not to have.
    names: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    names_timer: Timer | None = None
    # Traces of triggers that started nothing: how many were kept in the present minute, how many were not.
    minute: datetime | None = None
    kept: int = 0
    unkept: int = 0

    @property
    def name(self) -> str:
        return str(self.definition.fields.get("name") or self.definition.id)

    @property
    def own_id(self) -> str:
        """The `id` that whoever wrote it gave it, if it came from a configuration."""
        metadata = self.definition.fields.get("metadata")
        source = metadata.get("imported_from") if isinstance(metadata, Mapping) else None
        found = source.get("id") if isinstance(source, Mapping) else None
        return self.definition.id if found is None else str(found)

    @property
    def is_wanted(self) -> bool:
        """On, as people last said; a pause does not change that."""
        program = self.program
        if program is None:
            return False
        if self.switched is not None and self.switched.get("defined") == program.is_enabled:
            return self.switched.get("is_on") is True
        return program.is_enabled

    @property
    def is_paused(self) -> bool:
        return self.program is not None and self.program.is_paused and self.is_wanted and not self.is_on

    def as_json(self) -> JsonObject:
        """For people, as ports.Door.automations says."""
        pause_until = self.program.pause_until if self.program is not None and self.is_paused else None
        return {
            "id": self.definition.id,
            "entity_id": self.entity_id,
            "name": self.name,
            "description": self.definition.fields.get("description"),
            "is_enabled": self.is_on,
            "is_paused": self.is_paused,
            "paused_until": None if pause_until is None else iso(pause_until),
            "mode": None if self.program is None else self.program.mode.value,
            "kind": "script" if self.entity_id.startswith("script.") else "automation",
            "last_triggered_at": None if self.last_triggered is None else iso(self.last_triggered),
            "last_status": self.statistics.last_status,
            "running": len(self.runs),
            "problem": self.problem,
        }
