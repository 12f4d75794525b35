"""Weaknesses, from the scan that finds one to the scan that no longer does: rows of `security_vulnerabilities`.

One that comes back is the same row again. What a scan could not look at stays as it was: that nobody answered proves nothing.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from hub_agent.core.monitor import Given
from hub_agent.core.security.finding import RANKS, TOLD, Finding
from hub_agent.model.effects import AppendCase, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import HomeId
from hub_agent.model.issue import Issue
from hub_agent.model.json import Column, JsonObject

ROOM: Final = "security"
PREFIX: Final = "weakness/"
TABLE: Final = "security_vulnerabilities"
# Of more the rest is not kept: a thing that is everything at once is told by the first of it.
KEPT_MAX: Final = 500
OF_A_DEVICE_MAX: Final = 20
NAMED_MAX: Final = 5
DAMAGED: Final = (KeyError, TypeError, ValueError)

# What only a look can show.
LOOKED: Final = frozenset({"no_login", "many_ports", "open_broker"})


@dataclass(frozen=True, slots=True)
class Weakness:
    finding: Finding
    id: str
    scan_id: str
    first_at: datetime
    revision: int = 1
    found_count: int = 1
    resolved_at: datetime | None = None
    notes: str | None = None

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class Vulnerabilities:
    def __init__(self, home_id: HomeId) -> None:
        self._home_id = home_id
        self._known: dict[str, Weakness] = {}
        # What people are told, by kind.
        self._told: dict[str, JsonObject] = {}

    def unresolved(self) -> list[Weakness]:
        """The worst first."""
        ranks = list(RANKS)
        found = [each for each in self._known.values() if each.is_open]
        return sorted(found, key=lambda each: (ranks.index(each.finding.rank), each.finding.key))

    def restore(self, saved: Mapping[str, JsonObject]) -> list[Given]:
        given: list[Given] = []
        for key, body in saved.items():
            if not key.startswith(PREFIX):
                continue
            try:
                self._known[key.removeprefix(PREFIX)] = _weakness(body)
            except DAMAGED:
                given.append(Save(ROOM, key, None))
        return [*given, *self._tell()]

    def take(
        self,
        findings: Iterable[Finding],
        answered: Collection[str],
        goes_on: Callable[[str], bool],
        scan_id: str,
        now: datetime,
    ) -> list[Given]:
        """`answered`: targets that were there to be looked at. `goes_on`: whether a device is still one, and looked at."""
        given: list[Given] = []
        found = _bounded(findings)
        for key, finding in found.items():
            given += self._found(key, finding, scan_id, now)
        for key, weakness in list(self._known.items()):
            if key in found or not weakness.is_open:
                continue
            device_id = weakness.finding.device_id
            if device_id is not None and not goes_on(device_id):
                given += self._resolve(key, "It is not looked at any more.", now)
            elif not _needs_a_look(weakness.finding) or (device_id or "hub") in answered:
                given += self._resolve(key, "The next look did not find it any more.", now)
        return [*given, *self._tell()]

    def handle_removed(self, device_id: str, now: datetime) -> list[Given]:
        gone = [key for key, each in self._known.items() if each.is_open and each.finding.device_id == device_id]
        given: list[Given] = [effect for key in gone for effect in self._resolve(key, "The device is gone.", now)]
        return [*given, *self._tell()] if gone else []

    def _found(self, key: str, finding: Finding, scan_id: str, now: datetime) -> list[Given]:
        known = self._known.get(key)
        if known is None:
            made_room = self._make_room()
            if made_room is None:
                return []
            name = f"{self._home_id}/{TABLE}/{key}/{now.isoformat()}"
            return [*made_room, *self._keep(key, Weakness(finding, str(uuid5(NAMESPACE_OID, name)), scan_id, now), now)]
        if known.is_open:
            if known.finding == finding or known.finding.rank == finding.rank:
                return []  # only its words are others, such as the days that an update waits
            return self._keep(key, replace(known, finding=finding, revision=known.revision + 1), now)
        again = replace(
            known,
            finding=finding,
            scan_id=scan_id,
            revision=known.revision + 1,
            found_count=known.found_count + 1,
            resolved_at=None,
            notes=None,
        )
        return self._keep(key, again, now)

    def _resolve(self, key: str, notes: str, now: datetime) -> list[Given]:
        known = self._known[key]
        return self._keep(key, replace(known, revision=known.revision + 1, resolved_at=now, notes=notes), now)

    def _keep(self, key: str, weakness: Weakness, now: datetime) -> list[Given]:
        self._known[key] = weakness
        case = AppendCase(TABLE, weakness.id, weakness.revision, row_of(weakness, now))
        return [Save(ROOM, f"{PREFIX}{key}", _body(weakness)), case]

    def _make_room(self) -> list[Given] | None:
        """What was resolved longest ago goes first; None: everything that is kept is open."""
        if len(self._known) < KEPT_MAX:
            return []
        resolved = [(each.resolved_at, key) for key, each in self._known.items() if each.resolved_at is not None]
        if not resolved:
            return None
        oldest = min(resolved)[1]
        del self._known[oldest]
        return [Save(ROOM, f"{PREFIX}{oldest}", None)]

    def _tell(self) -> list[Given]:
        """One issue for each kind, however many devices it concerns."""
        of_kind: dict[str, list[Weakness]] = {}
        for each in self.unresolved():
            if each.finding.rank in TOLD:
                of_kind.setdefault(each.finding.kind, []).append(each)
        given: list[Given] = [IssueCleared("home_exposed", kind) for kind in self._told.keys() - of_kind.keys()]
        told: dict[str, JsonObject] = {}
        for kind, weaknesses in of_kind.items():
            named = [each.finding.title for each in weaknesses[:NAMED_MAX]]
            more = [f"and {len(weaknesses) - NAMED_MAX} more"] if len(weaknesses) > NAMED_MAX else []
            finding = weaknesses[0].finding
            told[kind] = {"names": "; ".join([*named, *more]), "text": finding.text, "advice": finding.advice}
            if self._told.get(kind) != told[kind]:
                since = min(each.first_at for each in weaknesses)
                given.append(IssueRaised(Issue("home_exposed", kind, since, told[kind])))
        self._told = told
        return given


def _bounded(findings: Iterable[Finding]) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    counts: dict[str | None, int] = {}
    for each in findings:
        if each.key not in found and counts.get(each.device_id, 0) < OF_A_DEVICE_MAX:
            counts[each.device_id] = counts.get(each.device_id, 0) + 1
            found[each.key] = each
    return found


def _needs_a_look(finding: Finding) -> bool:
    return finding.kind in LOOKED or finding.kind.startswith("open_")


def row_of(weakness: Weakness, now: datetime) -> dict[str, Column]:
    """All columns of the contract but the home (the cloud's)."""
    finding, is_open = weakness.finding, weakness.is_open
    is_severe = finding.rank in TOLD
    return {
        "id": weakness.id,
        "security_scan_id": weakness.scan_id,
        "device_id": finding.device_id,
        "vulnerability_type": finding.type,
        "severity": finding.severity,
        "cvss_score": None,
        "title": finding.title,
        "description": finding.text,
        "cve_id": finding.cve,
        "affected_component": finding.component or None,
        "attack_vector": "adjacent",
        "complexity": "low",
        "confidentiality_impact": "high" if is_severe else "low",
        "integrity_impact": "high" if is_severe else "low",
        "availability_impact": "low",
        "publicly_accessible": False,
        "exploitable": is_severe,
        "known_exploits_exist": False,
        "remediation_steps": finding.advice,
        "remediation_complexity": "moderate" if finding.device_id is None else "easy",
        "estimated_fix_time_minutes": None,
        "requires_user_action": True,
        "can_auto_fix": False,
        "patch_available": finding.fixed_in is not None,
        "patch_version": finding.fixed_in,
        "patch_url": finding.url,
        "status": "open" if is_open else "resolved",
        "detected_at": weakness.first_at,
        "resolved_at": weakness.resolved_at,
        "resolved_by": None,
        "resolution_notes": weakness.notes,
        "is_recurring": weakness.found_count > 1,
        "first_detected_at": weakness.first_at,
        "recurrence_count": weakness.found_count,
        "external_references": [finding.url] if finding.url else [],
        "metadata": {"kind": finding.kind, "rank": finding.rank, "by": "nexa-hub", "told_at": now.isoformat()},
        "created_at": weakness.first_at,
    }


def _body(weakness: Weakness) -> JsonObject:
    return {
        "finding": asdict(weakness.finding),
        "id": weakness.id,
        "scan_id": weakness.scan_id,
        "first_at": weakness.first_at.isoformat(),
        "revision": weakness.revision,
        "found_count": weakness.found_count,
        "resolved_at": weakness.resolved_at.isoformat() if weakness.resolved_at else None,
        "notes": weakness.notes,
    }


def _weakness(body: JsonObject) -> Weakness:
    finding, resolved_at, notes = body["finding"], body.get("resolved_at"), body.get("notes")
    if not isinstance(finding, Mapping) or finding.get("rank") not in RANKS:
        raise ValueError("no finding")
    read = {name: finding.get(name) for name in Finding.__slots__}
    with contextlib.suppress(KeyError):
        read["component"] = finding["component"] or ""
    return Weakness(
        finding=Finding(**read),  # type: ignore[arg-type]  # as `_body` has written it
        id=str(body["id"]),
        scan_id=str(body["scan_id"]),
        first_at=datetime.fromisoformat(str(body["first_at"])),
        revision=int(str(body["revision"])),
        found_count=int(str(body["found_count"])),
        resolved_at=datetime.fromisoformat(str(resolved_at)) if resolved_at else None,
        notes=notes if isinstance(notes, str) else None,
    )
