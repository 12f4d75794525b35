"""Routes for what people change: scenes, automations, and what hub and cloud do not agree about."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.edit_shapes import (
    AutomationChange,
    ConflictAnswer,
    DecisionAnswer,
    DecisionRequest,
    EditedAnswer,
    GoneAnswer,
    LostAnswer,
    LostAnswered,
    LostRequest,
    NewScene,
    SceneChange,
)
from hub_agent.web.routes import api_router

# An empty name is none; of the others null means that they are taken away.
_NOT_NULL = frozenset({"name", "is_favorite", "is_enabled"})


def editing(door: Door) -> APIRouter:
    router = api_router("edit")

    @router.get("/sync/conflicts", response_model=list[ConflictAnswer])
    async def conflicts() -> Response:
        """What hub and cloud both changed and nobody has decided, both values side by side."""
        return OrjsonResponse(door.conflicts())

    @router.post("/sync/conflicts/{name:path}/decide", response_model=DecisionAnswer)
    async def decide(name: str, body: DecisionRequest, request: Request) -> Response:
        """Decides a conflict for the hub's or the cloud's values. Both sides agree afterwards; what gives way is kept."""
        return OrjsonResponse(await door.decide(name, body.side, body.fields, by_whom(request)))

    @router.get("/sync/lost", response_model=list[LostAnswer])
    async def lost() -> Response:
        """Values that gave way to others, the newest first."""
        return OrjsonResponse(door.lost())

    @router.post("/sync/lost/{lost_id}", response_model=LostAnswered)
    async def answer_lost(lost_id: str, body: LostRequest, request: Request) -> Response:
        """Puts a value back, or forgets it."""
        return OrjsonResponse(await door.answer_lost(lost_id, is_put_back=body.put_back, by=by_whom(request)))

    @router.post("/scenes", response_model=EditedAnswer)
    async def new_scene(body: NewScene, request: Request) -> Response:
        """A new scene of how the room, the home or the named entities stand now."""
        return OrjsonResponse(await door.new_scene(_changes(body), _desired(body), by_whom(request)))

    @router.patch("/scenes/{name:path}", response_model=EditedAnswer)
    async def edit_scene(name: str, body: SceneChange, request: Request) -> Response:
        return OrjsonResponse(await door.edit_scene(name, _changes(body), _desired(body), by_whom(request)))

    @router.delete("/scenes/{name:path}", response_model=GoneAnswer)
    async def delete_scene(name: str, request: Request) -> Response:
        await door.delete_scene(name, by_whom(request))
        return OrjsonResponse({"deleted": True})

    @router.patch("/automations/{name:path}", response_model=EditedAnswer)
    async def edit_automation(name: str, body: AutomationChange, request: Request) -> Response:
        """Its name, and whether it is on or paused."""
        return OrjsonResponse(await door.edit_automation(name, _changes(body), by_whom(request)))

    return router


def _changes(body: BaseModel) -> dict[str, Any]:
    given = body.model_dump(mode="json", exclude_unset=True, exclude={"desired"})
    return {name: value for name, value in given.items() if value is not None or name not in _NOT_NULL}


def _desired(body: SceneChange | NewScene) -> dict[str, Any]:
    return {
        name: wanted if wanted is None or wanted == "now" else wanted.model_dump(mode="json")
        for name, wanted in body.desired.items()
    }
