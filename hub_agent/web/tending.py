"""The home's health in the API: scores, troubles, questions, remedies and wishes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.health_shapes import (
    AnsweredAnswer,
    AnswerRequest,
    AttemptedAnswer,
    AttemptRequest,
    DeviceHealthDetails,
    DeviceWishes,
    HealingAnswer,
    HomeHealthAnswer,
    HomeWishes,
    PlanAnswer,
    RateAnswer,
    WishesAnswer,
)
from hub_agent.web.routes import API, api_router


def tending(door: Door) -> APIRouter:
    router = api_router("health", f"{API}/health")
    _seeing(door, router)
    _doing(door, router)
    return router


def _seeing(door: Door, router: APIRouter) -> None:
    @router.get("", response_model=HomeHealthAnswer)
    async def health_of_home() -> Response:
        """How well each device is, what is wrong, what was tried and what is next; what needs somebody comes first."""
        return OrjsonResponse(door.tending.all())

    @router.get("/history", response_model=list[HealingAnswer])
    async def healings(
        device: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        """What healing did, the newest first."""
        return OrjsonResponse(await door.tending.history(device, limit))

    @router.get("/rates", response_model=list[RateAnswer])
    async def rates() -> Response:
        """How often each remedy has helped: over all, by model and by device."""
        return OrjsonResponse(door.tending.rates())

    @router.get("/wishes", response_model=WishesAnswer)
    async def wishes_of_home() -> Response:
        """How far healing may go without asking, and when not."""
        return OrjsonResponse(door.tending.wishes(None))

    @router.get("/devices/{name}", response_model=DeviceHealthDetails)
    async def health_of_device(name: str) -> Response:
        """By id or name: what its score is made of, and what would be tried on what is wrong with it."""
        return OrjsonResponse(door.tending.of(name))

    @router.get("/devices/{name}/plan", response_model=PlanAnswer)
    async def plan(name: str, symptom: Annotated[str | None, Query(max_length=100)] = None) -> Response:
        """Each remedy with whether it would be tried now, and why not; also as if it had `symptom`. Nothing is touched."""
        return OrjsonResponse(door.tending.plan(name, symptom))

    @router.get("/devices/{name}/wishes", response_model=WishesAnswer)
    async def wishes_of_device(name: str) -> Response:
        """What feeds it, what it hangs on, whether it may be touched."""
        return OrjsonResponse(door.tending.wishes(name))


def _doing(door: Door, router: APIRouter) -> None:
    @router.post("/answers/{execution_id}", response_model=AnsweredAnswer)
    async def answer(execution_id: str, body: AnswerRequest, request: Request) -> Response:
        """Approves or refuses a remedy that waits for a person."""
        by = by_whom(request)
        return OrjsonResponse(await door.tending.answer(execution_id, is_approved=body.is_approved, by=by))

    @router.post("/devices/{name}/try", response_model=AttemptedAnswer)
    async def attempt(name: str, body: AttemptRequest, request: Request) -> Response:
        """Tries a remedy now on what is wrong with the device. 409 says why not."""
        by = by_whom(request)
        return OrjsonResponse(await door.tending.attempt(name, body.remedy, is_forced=body.is_forced, by=by))

    @router.patch("/wishes", response_model=WishesAnswer)
    async def wish_of_home(body: HomeWishes, request: Request) -> Response:
        changes = body.model_dump(mode="json", exclude_unset=True, exclude={"back"}, by_alias=True)
        gone = [name for name in ("risk", "devices_per_hour") if name in changes and changes[name] is None]
        return OrjsonResponse(await door.tending.wish(None, changes, [*body.back, *gone], by_whom(request)))

    @router.patch("/devices/{name}/wishes", response_model=WishesAnswer)
    async def wish_of_device(name: str, body: DeviceWishes, request: Request) -> Response:
        """A wish that could do harm (a plug that feeds itself, a circle) is refused in words."""
        changes = body.model_dump(mode="json", exclude_unset=True)
        return OrjsonResponse(await door.tending.wish(name, changes, (), by_whom(request)))
