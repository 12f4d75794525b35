"""What diagnoses have found and has not passed yet: the open rows of `diagnostic_issues`. They are kept over a restart."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from hub_agent.core.diagnosis import rows
from hub_agent.core.monitor import Given
from hub_agent.model.effects import AppendCase, Durability, Save
from hub_agent.model.ids import DeviceId
from hub_agent.model.json import JsonObject

ROOM: Final = "diagnosis"
OPEN: Final = "open/"
OPEN_MAX: Final = 500

# Whose it is, and which step found it.
Key: TypeAlias = tuple[DeviceId, str]


@dataclass(slots=True)
class _Finding:
    """`subject`: of the hub's issue that it was found by, if it was found by one."""

    row: rows.CaseRow
    subject: str | None = None


class Findings:
    def __init__(self) -> None:
        self._by_key: dict[Key, _Finding] = {}

    def restore(self, body: JsonObject) -> None:
        """May raise, if somebody has damaged it."""
        row, subject = rows.from_json(body["row"]), body["subject"]
        if isinstance(row["created_at"], datetime):
            key = DeviceId(str(row["device_id"])), str(row["affected_component"])
            self._by_key[key] = _Finding(row, subject if isinstance(subject, str) else None)

    def devices(self) -> Iterable[DeviceId]:
        return sorted({device_id for device_id, _ in self._by_key})

    def of(self, device_id: str) -> list[Key]:
        return [key for key in self._by_key if key[0] == device_id]

    def found_by(self, code: str, subject: str) -> list[Key]:
        return [
            key
            for key, finding in self._by_key.items()
            if finding.subject == subject and finding.row["error_code"] == code
        ]

    def add(self, key: Key, row: rows.CaseRow, subject: str | None) -> list[Given]:
        """What is open already stays as it is."""
        if key in self._by_key or len(self._by_key) >= OPEN_MAX:
            return []
        self._by_key[key] = _Finding(row, subject)
        body: JsonObject = {"row": rows.as_json(row), "subject": subject}
        return [
            AppendCase("diagnostic_issues", str(row["id"]), 1, row),
            Save(ROOM, f"{OPEN}{row['id']}", body, Durability.COMMIT),
        ]

    def __contains__(self, key: Key) -> bool:
        return key in self._by_key

    def close(self, keys: Iterable[Key], now: datetime) -> list[Given]:
        given: list[Given] = []
        for key in keys:
            row = rows.fixed(self._by_key[key].row, now)
            given += (AppendCase("diagnostic_issues", str(row["id"]), 2, row), self._drop(key))
        return given

    def forget(self, device_id: DeviceId) -> list[Given]:
        """The device is gone, and its rows with it."""
        return [self._drop(key) for key in self.of(device_id)]

    def _drop(self, key: Key) -> Save:
        finding = self._by_key.pop(key)
        return Save(ROOM, f"{OPEN}{finding.row['id']}", None, Durability.COMMIT)
