"""Safe mode in the API: whether the hub is in it, and the way out."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import api_router
from hub_agent.web.shapes import Shape


class SafeModeAnswer(Shape):
    """`failed`: how often the hub's program had ended soon after its start. `trial_at`: when everything is tried again."""

    since: str = Field(examples=["2026-03-01T12:00:00+00:00"])
    failed: int = Field(examples=[3])
    left_out: list[str] = Field(examples=[["finding new devices", "forecasts"]])
    trial_at: str = Field(examples=["2026-03-01T13:00:00+00:00"])


class SafeModeLeftAnswer(Shape):
    text: str = Field(examples=["The hub starts again, with everything."])


def safe_mode(door: Door) -> APIRouter:
    router = api_router("hub")

    @router.post("/safe-mode/leave", response_model=SafeModeLeftAnswer)
    async def leave_safe_mode(request: Request) -> Response:
        """Starts the hub's program again with everything. 409 where it is not in safe mode."""
        door.leave_safe_mode(by_whom(request))
        return OrjsonResponse({"text": "The hub starts again, with everything."})

    return router
