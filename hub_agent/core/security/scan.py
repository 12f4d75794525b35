"""A look at the home, from its beginning to its result: rows of `security_scans`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub_agent.core.monitor import Given
from hub_agent.core.security.finding import RANKS
from hub_agent.core.security.grade import Grade
from hub_agent.core.security.vulnerabilities import Weakness
from hub_agent.model.effects import AppendCase, Save
from hub_agent.model.json import Column, JsonObject, JsonValue

ROOM: Final = "security"
UNDER_WAY: Final = "scan"
LAST: Final = "last_scan"
TABLE: Final = "security_scans"
TOLD_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Scan:
    id: str
    began_at: datetime
    # Whether a person asked for it, and who.
    is_asked: bool
    by: str | None

    def begun(self) -> list[Given]:
        body: JsonObject = {
            "id": self.id,
            "began_at": self.began_at.isoformat(),
            "is_asked": self.is_asked,
            "by": self.by,
        }
        return [AppendCase(TABLE, self.id, 1, self._row("running")), Save(ROOM, UNDER_WAY, body)]

    def failed(self, error: str, now: datetime) -> list[Given]:
        row = {**self._row("failed", now), "error_message": error}
        return [AppendCase(TABLE, self.id, 2, row), Save(ROOM, UNDER_WAY, None)]

    def done(self, seen: int, weaknesses: Sequence[Weakness], grade: Grade, now: datetime) -> list[Given]:
        counts = {f"{rank}_issues": sum(1 for each in weaknesses if each.finding.rank == rank) for rank in RANKS}
        findings: list[JsonValue] = [_told(each) for each in weaknesses[:TOLD_MAX]]
        advice: list[JsonValue] = list(dict.fromkeys(each.finding.advice for each in weaknesses[:TOLD_MAX]))
        row = {
            **self._row("completed", now),
            **counts,
            "devices_scanned": seen,
            "vulnerabilities_found": len(weaknesses),
            "overall_risk_score": grade.score,
            "security_grade": grade.letter,
            "findings": findings,
            "recommendations": advice,
            "metadata": {"by": self.by, "score": list(grade.reasons)},
        }
        return [AppendCase(TABLE, self.id, 2, row), Save(ROOM, UNDER_WAY, None)]

    def _row(self, status: str, ended_at: datetime | None = None) -> dict[str, Column]:
        """All columns of the contract but the home (the cloud's)."""
        took = round((ended_at - self.began_at).total_seconds()) if ended_at else None
        return {
            "id": self.id,
            "triggered_by": None,
            "scan_type": "quick" if self.is_asked else "scheduled",
            "scan_scope": "all_devices",
            "target_devices": None,
            "status": status,
            "started_at": self.began_at,
            "completed_at": ended_at,
            "duration_seconds": max(0, took) if took is not None else None,
            "devices_scanned": 0,
            "vulnerabilities_found": 0,
            **{f"{rank}_issues": 0 for rank in RANKS},
            "overall_risk_score": None,
            "security_grade": None,
            # No passwords are tried, and nothing is listened in on.
            "unauthorized_access_check": True,
            "weak_password_check": False,
            "open_ports_check": True,
            "firmware_check": True,
            "network_intrusion_check": False,
            "device_exposure_check": False,
            "findings": [],
            "recommendations": [],
            "error_message": None,
            "metadata": {"by": self.by},
            "created_at": self.began_at,
        }


def scan_of(body: JsonObject) -> Scan:
    """Raises KeyError, TypeError, ValueError."""
    by = body.get("by")
    return Scan(
        str(body["id"]),
        datetime.fromisoformat(str(body["began_at"])),
        body.get("is_asked") is True,
        by if isinstance(by, str) else None,
    )


def _told(weakness: Weakness) -> Mapping[str, JsonValue]:
    finding = weakness.finding
    return {
        "vulnerability_id": weakness.id,
        "kind": finding.kind,
        "rank": finding.rank,
        "device_id": finding.device_id,
        "title": finding.title,
    }
