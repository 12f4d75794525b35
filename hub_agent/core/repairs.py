"""Automations that name something gone for which there is one sure replacement: healing is told of them, one after the other."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from hub_agent.core.monitor import Given, Monitor
from hub_agent.model.effects import IssueCleared, IssueRaised
from hub_agent.model.healing import Noticed, Passed, Symptom
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

CODES: Final = frozenset({"entity_missing", "automation_unhealthy"})
WAITING_MAX: Final = 200
# What takes the place of something missing may come later.
LOOK_EVERY: Final = timedelta(minutes=10)
# The first look comes soon: a rule that was edited just now may be edited again.
LOOK_AFTER: Final = timedelta(minutes=1)

# Of an automation: the columns that would change, and what takes the place of what.
Repair: TypeAlias = tuple[JsonObject, dict[str, str]]
RepairOf: TypeAlias = Callable[[str, datetime], Repair]


class Repairs(Monitor):
    """The trouble is the hub's: it is the one that runs them."""

    def __init__(self, hub_id: Callable[[], DeviceId | None], repair_of: RepairOf) -> None:
        self._hub_id = hub_id
        self._repair_of = repair_of
        # By automation its name: of those that something is wrong with, and of those that can be helped. Of these the first is told.
        self._unhealthy: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._look_at: datetime | None = None

    def current(self, now: datetime) -> tuple[str, JsonObject] | None:
        """The automation that healing was told of, and its columns put right."""
        automation_id = next(iter(self._waiting), None)
        fields = {} if automation_id is None else self._repair_of(automation_id, now)[0]
        return (automation_id, fields) if automation_id is not None and fields else None

    def handle_issue(self, told: IssueRaised | IssueCleared, now: datetime) -> Sequence[Given]:
        if isinstance(told, IssueCleared):
            if told.code not in CODES:
                return ()
            self._unhealthy.pop(told.subject, None)
            return self._done(told.subject, now)
        issue = told.issue
        if issue.code not in CODES or (len(self._unhealthy) >= WAITING_MAX and issue.subject not in self._unhealthy):
            return ()
        self._unhealthy[issue.subject] = str(issue.details.get("name"))
        self._look_at = now + LOOK_AFTER if self._look_at is None else min(self._look_at, now + LOOK_AFTER)
        return ()

    def get_timer(self) -> datetime | None:
        return self._look_at if self._unhealthy else None

    def handle_timer(self, now: datetime) -> Sequence[Given]:
        """What can be helped now, and what cannot any more."""
        self._look_at = now + LOOK_EVERY
        given: list[Given] = []
        for automation_id, name in list(self._unhealthy.items()):
            can_be = bool(self._repair_of(automation_id, now)[1])
            if can_be and automation_id not in self._waiting:
                given += self._wait(automation_id, name, now)
            elif not can_be:
                given += self._done(automation_id, now)
        return given

    def handle_clock_step(self, by: timedelta) -> None:
        if self._look_at is not None:
            self._look_at += by

    def _wait(self, automation_id: str, name: str, now: datetime) -> Sequence[Given]:
        self._waiting[automation_id] = name
        return self._tell(now) if next(iter(self._waiting)) == automation_id else ()

    def _done(self, automation_id: str, now: datetime) -> Sequence[Given]:
        """It is well again, or cannot be helped: the next one."""
        if automation_id not in self._waiting:
            return ()
        is_current = next(iter(self._waiting)) == automation_id
        del self._waiting[automation_id]
        hub_id = self._hub_id()
        if not is_current or hub_id is None:
            return ()
        return [Passed(hub_id, Symptom.REFERENCE), *self._tell(now)]

    def _tell(self, now: datetime) -> list[Given]:
        hub_id = self._hub_id()
        while self._waiting and hub_id is not None:
            automation_id, name = next(iter(self._waiting.items()))
            new_by_old = self._repair_of(automation_id, now)[1]
            if new_by_old:
                replaced, by = ", ".join(new_by_old), ", ".join(new_by_old.values())
                details: JsonObject = {
                    "automation_id": automation_id,
                    "automation": name,
                    "replaced": replaced,
                    "by": by,
                }
                return [Noticed(hub_id, Symptom.REFERENCE, details)]
            del self._waiting[automation_id]
        return []
