"""Diagnoses in the API: what is wrong with a device or the home, step by step."""

from datetime import datetime
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.replaying import replay_answer
from hub_agent.web.shapes import Asked, Shape


class StepAnswer(Shape):
    key: str = Field(examples=["power", "link", "parents"])
    title: str
    status: Literal["ok", "warning", "failed", "unknown", "skipped"]
    text: str
    facts: dict[str, Any]
    advice: str | None = Field(description="What a person may do.")
    because: str | None = Field(description="The step before that explains this one.")
    device_id: str | None = None
    device: str | None = None
    count: int = Field(1, description="How many devices suffer from it.")


class DiagnosisAnswer(Shape):
    """`root`: what explains the rest, if one thing does."""

    id: str
    of: Literal["device", "home"]
    device_id: str | None
    name: str
    trigger_source: str
    started_at: datetime
    completed_at: datetime
    overall_status: Literal["healthy", "warning", "critical", "failed"]
    health_score: int
    issues_found: int
    summary: str
    root: StepAnswer | None
    steps: list[StepAnswer]
    recommendations: list[str]


class DiagnosisRequest(Asked):
    device: str | None = Field(None, max_length=200, description="By id or name; without one the home is diagnosed.")


def seeing_diagnoses(door: Door, router: APIRouter) -> None:
    @router.get("/diagnoses", response_model=list[DiagnosisAnswer])
    async def diagnoses() -> Response:
        """The last diagnoses, the newest first; also those that the hub made by itself."""
        return Response(orjson.dumps(door.diagnoses()), media_type="application/json")


def doing_diagnoses(door: Door, router: APIRouter) -> None:
    @router.post("/diagnoses", response_model=DiagnosisAnswer)
    async def diagnose(body: DiagnosisRequest, request: Request) -> Response:
        """What is wrong with a device, or with the home. It takes a few seconds: whoever accepts application/x-ndjson gets
        {"step": {...}} as each comes, at last {"diagnosis": {...}} or {"error": {...}}.
        """
        return await replay_answer(door.diagnose(body.device), request, name="diagnosis")
