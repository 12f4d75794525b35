"""Who was refused too often, and what else came up: one incident for each source and kind, which grows, and ends by itself after quiet.

A mistyped code is no incident. Rows of `security_incidents`; a revision when it opens, whenever its count has doubled, and when it ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from hub_agent.core.monitor import Given
from hub_agent.model.effects import AppendCase, IssueCleared, IssueRaised, Save
from hub_agent.model.ids import NewId
from hub_agent.model.issue import Issue
from hub_agent.model.json import Column, JsonObject

ROOM: Final = "security"
PREFIX: Final = "incident/"
TABLE: Final = "security_incidents"
OPEN_MAX: Final = 50
COUNTED_MAX: Final = 500
COUNT_MAX: Final = 1_000_000
WITHIN: Final = timedelta(minutes=10)
QUIET: Final = timedelta(hours=1)
# Beyond OPEN_MAX sources they are one incident: whoever makes up addresses fills no list.
MANY: Final = "many addresses"
DAMAGED: Final = (KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Kind:
    """`many`: so many within WITHIN are an incident. `text`: for people, with {source} and {count}."""

    type: str
    severity: str
    many: int
    title: str
    text: str
    advice: str
    ends_after: timedelta | None = QUIET


KINDS: Final[Mapping[str, Kind]] = {
    "wrong_code": Kind(
        "brute_force",
        "warning",
        5,
        "Somebody tries pairing codes",
        "{count} wrong pairing codes came from {source}.",
        "If that was nobody of the home, find out what has this address and take it off the network.",
    ),
    "wrong_token": Kind(
        "brute_force",
        "warning",
        10,
        "Something uses a token that opens nothing",
        "{count} requests with an unknown token came from {source}.",
        "A program may still use a token that was revoked or has run out: `nexa-hub access` lists those that hold.",
    ),
    "unknown_host": Kind(
        "suspicious_activity",
        "info",
        20,
        "Somebody asks for the hub by a foreign name",
        "{count} requests for a name that is not this hub's came from {source}.",
        "A web page may try to reach the hub through a browser of the home. If the name is yours, add it to web.names.",
    ),
    "foreign_page": Kind(
        "suspicious_activity",
        "warning",
        3,
        "Another web page tries to use the hub",
        "{count} requests of a foreign web page came through the browser at {source}.",
        "Close unknown pages in that browser, and look at its extensions.",
    ),
    "unknown_webhook": Kind(
        "suspicious_activity",
        "warning",
        20,
        "Somebody tries webhook ids",
        "{count} calls of webhooks that nobody waits for came from {source}.",
        "A rule that was deleted may still be called from outside; otherwise somebody tries ids.",
    ),
    "denied": Kind(
        "unauthorized_access",
        "info",
        10,
        "Somebody is kept out by a network access rule",
        "{count} requests from {source} were denied by a rule of the home.",
        "Nothing needs to be done, unless it is somebody of the home.",
    ),
    "watched": Kind(
        "suspicious_activity",
        "warning",
        1,
        "A network access rule wants to be told",
        "{count} requests came from {source}, which a rule of the home wants to be told of.",
        "See who that is; the rule stands in the home's network access rules.",
    ),
    "stranger": Kind(
        "suspicious_activity",
        "info",
        1,
        "Something unknown is on the network",
        "{name} ({source}) is on the network for a day, and nobody has taken it up.",
        "Take it up or ignore it: nexa-hub devices found. If nobody knows it, change the Wi-Fi password.",
        None,
    ),
}


@dataclass(slots=True)
class Incident:
    kind: str
    source: str
    id: str
    began_at: datetime
    last_at: datetime
    count: int
    details: JsonObject
    told_count: int = 0
    revision: int = 0
    ended_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.source}"

    @property
    def issue_code(self) -> str:
        return "security_noted" if KINDS[self.kind].severity == "info" else "security_incident"

    @property
    def text(self) -> str:
        fields = {"name": "Something", **self.details, "source": self.source, "count": self.count}
        return KINDS[self.kind].text.format_map(fields)


@dataclass(slots=True)
class _Count:
    began_at: datetime
    count: int


class Incidents:
    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        self._open: dict[str, Incident] = {}
        self._counts: dict[str, _Count] = {}

    def all(self) -> list[Incident]:
        return sorted(self._open.values(), key=lambda each: (each.began_at, each.key))

    def restore(self, saved: Mapping[str, JsonObject]) -> list[Given]:
        given: list[Given] = []
        for key, body in saved.items():
            if not key.startswith(PREFIX):
                continue
            try:
                incident = _incident(body)
            except DAMAGED:
                given.append(Save(ROOM, key, None))
                continue
            self._open[incident.key] = incident
            given.append(self._issue(incident))
        return given

    def note(
        self, kind: str, source: str, now: datetime, *, count: int = 1, details: JsonObject | None = None
    ) -> list[Given]:
        """It happened so many times more. Kinds that nobody knows are nothing."""
        if kind not in KINDS:
            return []
        source, count = source[:100], max(1, min(count, COUNT_MAX))
        known = self._open.get(f"{kind}/{source}") or self._open.get(f"{kind}/{MANY}")
        if known is not None:
            return self._grow(known, count, now)
        counted = self._counted(kind, source, count, now)
        if counted.count < KINDS[kind].many:
            return []
        del self._counts[f"{kind}/{source}"]
        if len(self._open) >= OPEN_MAX:
            source = MANY
        incident = Incident(kind, source, self._new_id(), counted.began_at, now, counted.count, details or {})
        self._open[incident.key] = incident
        return self._tell(incident)

    def end(self, kind: str, source: str, now: datetime) -> list[Given]:
        incident = self._open.pop(f"{kind}/{source[:100]}", None)
        if incident is None:
            return []
        incident.ended_at = now
        incident.revision += 1
        return [
            AppendCase(TABLE, incident.id, incident.revision, row_of(incident)),
            Save(ROOM, f"{PREFIX}{incident.key}", None),
            IssueCleared(incident.issue_code, incident.key),
        ]

    # Time.

    def get_timer(self) -> datetime | None:
        return min((due for each in self._open.values() if (due := _ends_at(each)) is not None), default=None)

    def handle_timer(self, now: datetime) -> list[Given]:
        quiet = [each for each in self._open.values() if (due := _ends_at(each)) is not None and due <= now]
        return [given for each in quiet for given in self.end(each.kind, each.source, now)]

    def handle_clock_step(self, by: timedelta) -> None:
        for incident in self._open.values():
            incident.last_at += by
        for counted in self._counts.values():
            counted.began_at += by

    # Within.

    def _counted(self, kind: str, source: str, count: int, now: datetime) -> _Count:
        key = f"{kind}/{source}"
        counted = self._counts.pop(key, None)
        if counted is None or now - counted.began_at > WITHIN:
            counted = _Count(now, 0)
        counted.count += count
        self._counts[key] = counted
        if len(self._counts) > COUNTED_MAX:
            del self._counts[next(iter(self._counts))]
        return counted

    def _grow(self, incident: Incident, count: int, now: datetime) -> list[Given]:
        incident.count = min(COUNT_MAX, incident.count + count)
        incident.last_at = now
        return self._tell(incident) if incident.count >= 2 * incident.told_count else []

    def _tell(self, incident: Incident) -> list[Given]:
        incident.told_count = incident.count
        incident.revision += 1
        return [
            AppendCase(TABLE, incident.id, incident.revision, row_of(incident)),
            Save(ROOM, f"{PREFIX}{incident.key}", _body(incident)),
            self._issue(incident),
        ]

    @staticmethod
    def _issue(incident: Incident) -> IssueRaised:
        kind = KINDS[incident.kind]
        details: JsonObject = {
            "what": kind.title,
            "text": incident.text,
            "advice": kind.advice,
            "kind": incident.kind,
            "source": incident.source,
            "severity": kind.severity,
        }
        return IssueRaised(Issue(incident.issue_code, incident.key, incident.began_at, details))


def _ends_at(incident: Incident) -> datetime | None:
    after = KINDS[incident.kind].ends_after
    return None if after is None else incident.last_at + after


def row_of(incident: Incident) -> dict[str, Column]:
    """All columns of the contract but the home (the cloud's)."""
    kind = KINDS[incident.kind]
    address = _address(incident.source) or _address(str(incident.details.get("address")))
    evidence: JsonObject = {"kind": incident.kind, "source": incident.source, "count": incident.count}
    return {
        "id": incident.id,
        "time": incident.began_at,
        "device_id": None,
        "incident_type": kind.type,
        "severity": kind.severity,
        "confidence_score": None,
        "title": kind.title,
        "description": incident.text,
        "attack_source_ip": address,
        "attack_source_country": None,
        "attack_vector": "network",
        "attack_method": incident.kind,
        "detection_method": "signature",
        "detection_source": "nexa",
        "devices_affected": None,
        "data_accessed": False,
        "data_modified": False,
        "data_exfiltrated": False,
        "service_disrupted": False,
        "status": "detected" if incident.ended_at is None else "resolved",
        "auto_response_taken": incident.kind != "stranger",
        "response_actions": [] if incident.kind in {"stranger", "watched"} else ["refused"],
        "detected_at": incident.began_at,
        "contained_at": None,
        "resolved_at": incident.ended_at,
        "investigated_by": None,
        "investigation_notes": None,
        "root_cause": None,
        "evidence": [evidence],
        "logs": [],
        "metadata": {**incident.details, "count": incident.count, "last_at": incident.last_at.isoformat()},
        "created_at": incident.began_at,
    }


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def _body(incident: Incident) -> JsonObject:
    return {
        "kind": incident.kind,
        "source": incident.source,
        "id": incident.id,
        "began_at": incident.began_at.isoformat(),
        "last_at": incident.last_at.isoformat(),
        "count": incident.count,
        "revision": incident.revision,
        "details": incident.details,
    }


def _incident(body: JsonObject) -> Incident:
    details = body.get("details")
    count = int(str(body["count"]))
    kind = str(body["kind"])
    if kind not in KINDS:
        raise ValueError(kind)
    return Incident(
        kind=kind,
        source=str(body["source"]),
        id=str(body["id"]),
        began_at=datetime.fromisoformat(str(body["began_at"])),
        last_at=datetime.fromisoformat(str(body["last_at"])),
        count=count,
        details=details if isinstance(details, Mapping) else {},
        told_count=count,
        revision=int(str(body["revision"])),
    )
