"""The part of the fake door that is about the home's security."""

from typing import Any

AT = "2026-06-01T12:00:00+00:00"

SAFE: dict[str, Any] = {
    "scans": {
        "is_on": True,
        "is_running": False,
        "running_id": None,
        "last": {"id": "s", "began_at": AT, "ended_at": AT, "status": "completed", "devices": 3, "error": None},
        "next_at": AT,
    },
    "grade": "A+",
    "risk_score": 0,
    "score_reasons": [],
    "counts": {},
    "vulnerabilities": [],
    "incidents": [],
    "rules": [],
}

OPEN: dict[str, Any] = {
    **SAFE,
    "grade": "C",
    "risk_score": 20,
    "score_reasons": ["20: Camera: Telnet is open"],
    "counts": {"high": 1, "info": 1},
    "vulnerabilities": [
        {
            "id": "v1",
            "kind": "open_telnet",
            "device_id": "d1",
            "rank": "high",
            "title": "Camera: Telnet is open",
            "text": "It can be logged in to over Telnet, unencrypted.",
            "advice": "Switch Telnet off on the device.",
            "since": AT,
            "found_count": 1,
        },
        {
            "id": "v2",
            "kind": "page_without_tls",
            "device_id": None,
            "rank": "info",
            "title": "The hub's page is served without TLS",
            "text": "Who can listen on the network could take over a browser's session.",
            "advice": "Put a proxy with a certificate before it.",
            "since": AT,
            "found_count": 1,
        },
    ],
    "incidents": [
        {
            "id": "i1",
            "kind": "wrong_code",
            "source": "192.168.1.66",
            "severity": "warning",
            "title": "Somebody tries pairing codes",
            "text": "7 wrong pairing codes came from 192.168.1.66.",
            "advice": "Find out what has this address.",
            "since": AT,
            "last_at": AT,
            "count": 7,
        }
    ],
    "rules": [
        {
            "id": "r1",
            "name": "No guests",
            "verdict": "deny",
            "priority": 10,
            "is_enforced": True,
            "reason": None,
            "hit_count": 3,
            "last_hit_at": AT,
        },
        {
            "id": "r2",
            "name": "Cameras stay inside",
            "verdict": "deny",
            "priority": 20,
            "is_enforced": False,
            "reason": "it is about another device than this hub, and only a router could enforce it",
            "hit_count": 0,
            "last_hit_at": None,
        },
    ],
}


class FakeGuarding:
    """Fills ports.Guarding. `denied`: addresses that a rule keeps out."""

    def __init__(self, asked: list[tuple[str, Any, str]]) -> None:
        self._asked = asked
        self.now = SAFE
        self.denied: set[str] = set()
        self.refusals: list[tuple[str, str]] = []

    def all(self) -> Any:
        return self.now

    async def scan(self, by: str) -> Any:
        self._asked.append(("scan", None, by))
        return {"scan_id": "s2"}

    def keeps_out(self, source: str) -> str | None:
        return "A rule of this home keeps this address out." if source in self.denied else None

    def refused(self, kind: str, source: str) -> None:
        self.refusals.append((kind, source))
