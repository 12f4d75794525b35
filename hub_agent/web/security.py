"""The home's security in the API: what is open, who was refused, the rules of who may come in."""

from datetime import datetime
from typing import Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.answers import by_whom
from hub_agent.web.shapes import Shape

Rank = Literal["critical", "high", "medium", "low", "info"]


class LastScanAnswer(Shape):
    id: str
    began_at: datetime
    ended_at: datetime
    status: Literal["completed", "failed"]
    devices: int
    error: str | None


class ScansAnswer(Shape):
    is_on: bool = Field(description="Whether the hub looks at its home at all (setting `security.scan`).")
    is_running: bool
    running_id: str | None
    last: LastScanAnswer | None
    next_at: datetime | None


class VulnerabilityAnswer(Shape):
    id: str
    kind: str = Field(examples=["open_telnet", "no_login", "known_issue"])
    device_id: str | None = Field(description="None: the hub itself.")
    rank: Rank
    title: str
    text: str
    advice: str = Field(description="What to do about it.")
    since: datetime
    found_count: int = Field(description="How often it was found again after it had been gone.")


class IncidentAnswer(Shape):
    id: str
    kind: str = Field(examples=["wrong_code", "stranger"])
    source: str
    severity: Literal["info", "warning", "error", "critical"]
    title: str
    text: str
    advice: str
    since: datetime
    last_at: datetime
    count: int


class AccessRuleAnswer(Shape):
    id: str
    name: str
    verdict: str
    priority: int
    is_enforced: bool
    reason: str | None = Field(description="Why it is not enforced by this hub.")
    hit_count: int
    last_hit_at: datetime | None


class SecurityAnswer(Shape):
    scans: ScansAnswer
    grade: Literal["A+", "A", "B", "C", "D", "F"] | None = Field(description="None before the first look.")
    risk_score: int = Field(description="0: nothing is known to be open; 100: the worst.")
    score_reasons: list[str]
    counts: dict[str, int]
    vulnerabilities: list[VulnerabilityAnswer]
    incidents: list[IncidentAnswer]
    rules: list[AccessRuleAnswer]


class ScanAnswer(Shape):
    scan_id: str


def seeing_security(door: Door, router: APIRouter) -> None:
    @router.get("/security", response_model=SecurityAnswer)
    async def security() -> Response:
        """What is open in the home and what to do about it, who was refused too often, and the rules of who may come in."""
        return Response(orjson.dumps(door.guarding.all()), media_type="application/json")


def doing_security(door: Door, router: APIRouter) -> None:
    @router.post("/security/scan", response_model=ScanAnswer)
    async def scan(request: Request) -> Response:
        """Looks at the home now; it takes minutes. GET /security says when it is done."""
        return Response(orjson.dumps(await door.guarding.scan(by_whom(request))), media_type="application/json")
