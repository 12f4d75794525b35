"""Forecasts in the API: what is foreseen, what is not as usual, when things are used, and advice."""

from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.shapes import Shape

Told = dict[str, Any]


class BatteryAnswer(Shape):
    device_id: str
    name: str
    level: float = Field(description="Per cent, the median of the last days.")
    days_left: int | None = Field(description="None where it cannot be said, or is far away.")


class ModelAnswer(Shape):
    """A row of `ml_models` as it is used here."""

    id: str
    name: str
    version: str
    algorithm: str
    parameters: dict[str, float]
    description: str


class ForecastsAnswer(Shape):
    """The first four are rows of the central tables, each with `device_name`."""

    predictions: list[Told] = Field(description="failure_predictions that are open.")
    anomalies: list[Told] = Field(description="anomaly_detections that last.")
    insights: list[Told] = Field(description="ai_insights that hold.")
    patterns: list[Told] = Field(description="device_usage_patterns.")
    batteries: list[BatteryAnswer] = Field(description="The lowest first.")
    models: list[ModelAnswer]
    at: datetime


def seeing_forecasts(door: Door, router: APIRouter) -> None:
    @router.get("/forecasts", response_model=ForecastsAnswer)
    async def forecasts() -> Response:
        """What is foreseen of the devices, what is not as usual, when they are used, and what could be better."""
        return Response(orjson.dumps(door.forecasts()), media_type="application/json")
