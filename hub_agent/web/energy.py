"""Energy in the API: what was used, by hour and day, and what each meter measures."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import API, api_router
from hub_agent.web.shapes import Asked, Shape

Role = Literal["device", "grid", "solar", "battery", "ignored"]


class Flows(Shape):
    """Wh; null where nothing is known. Where the grid is measured, used is what came in and did not go out again; else what devices measured."""

    used_wh: float | None
    grid_wh: float | None
    returned_wh: float | None
    solar_wh: float | None
    charged_wh: float | None
    discharged_wh: float | None


class EnergyPart(Flows):
    """An hour, a day or a month."""

    begins: str


class MeteredAnswer(Shape):
    id: str
    name: str = Field(description="Empty: the device is gone.")
    role: Role = Field(description="What it measures; what is ignored counts for nothing.")
    used_wh: float
    returned_wh: float
    before_wh: float
    parts: list[float | None]


class EnergyAnswer(Shape):
    """`before`: of the period before; `before_so_far`: of as much of it as is over of this one."""

    period: Literal["day", "month", "year"]
    begins: str
    ends: str
    is_now: bool
    earliest: str | None = Field(description="The first day of which something is known.")
    home: Flows
    before: Flows
    before_so_far: Flows
    parts: list[EnergyPart]
    devices: list[MeteredAnswer]


class RoleRequest(Asked):
    role: Role


class RoleAnswer(Shape):
    id: str
    name: str
    role: Role


def energy(door: Door) -> APIRouter:
    router = api_router("energy", f"{API}/energy")

    @router.get("", response_model=EnergyAnswer)
    async def used(
        period: Annotated[Literal["day", "month", "year"], Query()] = "day",
        day: Annotated[str | None, Query(max_length=10)] = None,
    ) -> Response:
        """What the home and its devices used in the day, month or year that `day` is in: in hours, days or months."""
        return OrjsonResponse(door.energy.told(period, day))

    @router.put("/devices/{name}", response_model=RoleAnswer)
    async def set_role(name: Annotated[str, Path(max_length=200)], body: RoleRequest, request: Request) -> Response:
        """What a meter measures: a device, the grid, solar panels, a battery; or nothing that counts. By id or name."""
        return OrjsonResponse(await door.energy.set_role(name, body.role, by_whom(request)))

    return router
