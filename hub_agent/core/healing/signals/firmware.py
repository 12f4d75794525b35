"""Firmware: that there is a newer one is told, for a person to decide; an update that runs is followed to its end, as a case."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from hub_agent.core.expectation import number_in
from hub_agent.core.healing import cases
from hub_agent.core.healing.cases import CaseRow
from hub_agent.core.healing.signals.signal import Given, Seen, Signal, Wrong
from hub_agent.model.device import Device, Entity, Presence
from hub_agent.model.effects import AppendCase, Durability, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import DeviceId, EntityId, NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import JsonObject
from hub_agent.model.state import EntityState, StateChanged

BEHIND: Final = "firmware_behind"
# It installs, restarts, and says its version: after this long without a new one it has not worked out.
SETTLES_WITHIN: Final = timedelta(minutes=30)
TAKES_AT_MOST: Final = timedelta(hours=6)
# A case is written safely each time: not with every percent.
PROGRESS_STEP: Final = 25
VERSION_MAX: Final = 100

_TABLE: Final = "firmware_updates"
_KEPT: Final = "update/"


@dataclass(slots=True)
class _Update:
    row: CaseRow
    revision: int
    stopped_at: datetime | None = None

    @property
    def from_version(self) -> str | None:
        return _text(self.row.get("from_version"))


class Firmware(Signal):
    name: ClassVar[str] = "firmware"

    def __init__(self, seen: Seen, wrong: Wrong, new_id: NewId) -> None:
        super().__init__(seen, wrong, new_id)
        self._behind: dict[DeviceId, Issue] = {}
        self._updates: dict[EntityId, _Update] = {}

    # That there is a newer one.

    def look(self, device: Device, presence: Presence, now: datetime, *, is_heard: bool) -> Iterable[Given]:
        offered: EntityState | None = None
        given: list[Given] = []
        is_told = False
        for entity in device.entities:
            if entity.domain != "update" or (state := self._seen.state(entity.id)) is None:
                continue
            given += self._follow(entity, state, now)
            is_told = is_told or state.state in {"on", "off"}
            offered = offered or (state if state.state == "on" else None)
        if not is_told:
            return given
        if offered is None:
            return [*given, *self._up_to_date(device.id)]
        return [*given, *self._told(device, offered)]

    def _told(self, device: Device, offered: EntityState) -> list[Given]:
        details: JsonObject = {
            "name": device.name,
            "installed": _version(offered, "installed_version") or "an older version",
            "latest": _version(offered, "latest_version") or "a newer one",
        }
        known = self._behind.get(device.id)
        if known is not None and known.details == details:
            return []
        issue = self._behind[device.id] = Issue(BEHIND, device.id, offered.changed_at, details)
        return [IssueRaised(issue)]

    def _up_to_date(self, device_id: DeviceId) -> list[Given]:
        return [IssueCleared(BEHIND, device_id)] if self._behind.pop(device_id, None) is not None else []

    # An update that runs.

    def watches(self, entity: Entity, device: Device) -> bool:
        return entity.domain == "update"

    def handle_change(self, changed: StateChanged, entity: Entity, device: Device, now: datetime) -> Sequence[Given]:
        if changed.new is None or changed.old is None:
            return ()
        return self._took_place(changed.old, changed.new, entity, now)

    def _took_place(self, old: EntityState, new: EntityState, entity: Entity, now: datetime) -> list[Given]:
        before, installed = _version(old, "installed_version"), _version(new, "installed_version")
        update = self._updates.get(entity.id)
        if update is None and new.attributes.get("in_progress") is True:
            return self._begin(entity, new, "installing", now)
        known = before if update is None else update.from_version
        if installed is not None and known is not None and installed != known:
            if update is not None:
                return self._end(entity, update, now, installed=installed)
            return self._installed_unseen(entity, old, new, now)
        if update is None:
            return []
        if new.attributes.get("in_progress") is False and update.stopped_at is None:
            update.stopped_at = now
        return self._progress(entity, update, new, now)

    def _follow(self, entity: Entity, state: EntityState, now: datetime) -> list[Given]:
        """At a look: has one that runs come to an end, without a word?"""
        update = self._updates.get(entity.id)
        if update is None:
            return []
        installed = _version(state, "installed_version")
        if installed is not None and update.from_version is not None and installed != update.from_version:
            return self._end(entity, update, now, installed=installed)
        started_at = update.row["started_at"]
        is_late = isinstance(started_at, datetime) and now - started_at >= TAKES_AT_MOST
        if update.stopped_at is not None and now - update.stopped_at >= SETTLES_WITHIN:
            return self._end(entity, update, now, error="It ended, and the version is the one from before.")
        return self._end(entity, update, now, error="It has not come to an end in time.") if is_late else []

    def _begin(self, entity: Entity, state: EntityState, status: str, now: datetime) -> list[Given]:
        row = _row(self._new_id(), entity, state, status, now)
        update = self._updates[entity.id] = _Update(row, 1)
        return [AppendCase(_TABLE, str(row["id"]), 1, row), self._save(entity.id, update)]

    def _progress(self, entity: Entity, update: _Update, state: EntityState, now: datetime) -> list[Given]:
        percentage = number_in(state.attributes.get("update_percentage"))
        if percentage is None or not 0 <= percentage <= 100:
            return []
        known = update.row.get("install_progress")
        if isinstance(known, int) and percentage - known < PROGRESS_STEP:
            return []
        return self._revise(entity, update, {"install_progress": round(percentage), "updated_at": now})

    def _end(
        self, entity: Entity, update: _Update, now: datetime, *, installed: str | None = None, error: str | None = None
    ) -> list[Given]:
        del self._updates[entity.id]
        started_at = update.row["started_at"]
        took = now - started_at if isinstance(started_at, datetime) else timedelta(0)
        changed: CaseRow = {
            "update_status": "completed" if error is None else "failed",
            "completed_at": now,
            "duration_seconds": max(0, round(took.total_seconds())),
            "success": error is None,
            "error_message": error,
            "updated_at": now,
        }
        if installed is not None:
            changed |= {"to_version": installed, "install_progress": 100, "download_progress": 100}
        row = {**update.row, **changed}
        forgotten = Save("signals", f"{_KEPT}{entity.id}", None, Durability.COMMIT)
        return [AppendCase(_TABLE, str(row["id"]), update.revision + 1, row), forgotten]

    def _revise(self, entity: Entity, update: _Update, changed: CaseRow) -> list[Given]:
        update.row = {**update.row, **changed}
        update.revision += 1
        return [AppendCase(_TABLE, str(update.row["id"]), update.revision, update.row), self._save(entity.id, update)]

    def _installed_unseen(self, entity: Entity, old: EntityState, new: EntityState, now: datetime) -> list[Given]:
        """Somebody has updated it elsewhere: what is seen of it is that it is done."""
        row = _row(self._new_id(), entity, old, "completed", now)
        row |= {
            "to_version": _version(new, "installed_version"),
            "completed_at": now,
            "success": True,
            "install_progress": 100,
            "download_progress": 100,
        }
        return [AppendCase(_TABLE, str(row["id"]), 1, row)]

    # Memory.

    def _save(self, entity_id: EntityId, update: _Update) -> Save:
        body: JsonObject = {"row": cases.as_json(update.row), "revision": update.revision}
        return Save("signals", f"{_KEPT}{entity_id}", body, Durability.COMMIT)

    def restore(self, saved: Mapping[str, JsonObject], now: datetime) -> Sequence[Given]:
        given: list[Given] = []
        for key, body in sorted(saved.items()):
            kind, _, entity_id = key.rpartition("/")
            if f"{kind}/" != _KEPT:
                continue
            row = cases.from_json(body.get("row"))
            if isinstance(row.get("started_at"), datetime) and row.get("id") and self._seen.entity(EntityId(entity_id)):
                self._updates[EntityId(entity_id)] = _Update(row, int(number_in(body.get("revision")) or 1))
            else:
                given.append(Save("signals", key, None))
        return given

    def forget(self, device_id: DeviceId, now: datetime) -> Sequence[Given]:
        given: list[Given] = list(self._up_to_date(device_id))
        for entity_id, update in list(self._updates.items()):
            if update.row["device_id"] == device_id:
                del self._updates[entity_id]
                row = {
                    **update.row,
                    "update_status": "failed",
                    "success": False,
                    "completed_at": now,
                    "updated_at": now,
                }
                row["error_message"] = "The device was removed meanwhile."
                given.append(AppendCase(_TABLE, str(row["id"]), update.revision + 1, row))
                given.append(Save("signals", f"{_KEPT}{entity_id}", None, Durability.COMMIT))
        return given

    def shift(self, by: timedelta) -> None:
        for update in self._updates.values():
            if update.stopped_at is not None:
                update.stopped_at += by


def _row(row_id: str, entity: Entity, state: EntityState, status: str, now: datetime) -> CaseRow:
    url = _text(state.attributes.get("release_url"))
    return {
        "id": row_id,
        "device_id": entity.device_id,
        "from_version": _version(state, "installed_version"),
        "to_version": _version(state, "latest_version"),
        "update_status": status,
        "initiated_by": None,
        "initiated_source": "manual",
        "download_progress": 0,
        "install_progress": 0,
        "started_at": now,
        "completed_at": None,
        "duration_seconds": None,
        "success": None,
        "error_message": None,
        "rollback_reason": None,
        "release_notes": _text(state.attributes.get("release_summary")),
        "changelog_url": url,
        "metadata": {"entity_id": entity.id},
        "created_at": now,
        "updated_at": now,
    }


def _version(state: EntityState, name: str) -> str | None:
    text = _text(state.attributes.get(name))
    return None if text is None else text[:VERSION_MAX]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
