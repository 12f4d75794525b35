"""Definitions in the API: how they are, how they were, and undoing a change."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.shapes import Asked, Shape, Whole


class DefinitionListed(Shape):
    kind: str = Field(examples=["automation", "scene", "device_group"])
    id: str
    name: str | None
    version: int | None = Field(description="The cloud's; null until the cloud has it.")
    status: Literal["synced", "owed", "conflict", "deleted"]
    modified_at: datetime | None


class DefinitionAnswer(DefinitionListed):
    fields: dict[str, Any]


class ChangeAnswer(Shape):
    entry: int = Field(description="What `undo` takes to go back to before this change.")
    at: datetime
    origin: Literal["hub", "cloud"]
    change: Literal["made", "changed", "deleted", "brought back"]
    columns: list[str]
    before: dict[str, Any] | None


class UndoRequest(Asked):
    entry: Annotated[Whole, Field(ge=1, le=2**53)] | None = None


def seeing_definitions(door: Door, router: APIRouter) -> None:
    @router.get("/definitions/{kind}", response_model=list[DefinitionListed])
    async def definitions(kind: str) -> Response:
        """What people decided: automations, scenes, rooms, groups, alert rules ...; of the catalogue too."""
        return _json(await door.definitions(kind))

    @router.get("/definitions/{kind}/{name:path}/history", response_model=list[ChangeAnswer])
    async def history(kind: str, name: str) -> Response:
        """The last changes of a definition, the newest first, and how it was before each."""
        return _json(await door.definition_history(kind, name))

    @router.get("/definitions/{kind}/{name:path}", response_model=DefinitionAnswer)
    async def definition(kind: str, name: str) -> Response:
        """One definition, by id or name."""
        return _json(await door.definition(kind, name))


def doing_definitions(door: Door, router: APIRouter, by: Callable[[Request], str]) -> None:
    @router.post("/definitions/{kind}/{name:path}/undo", response_model=DefinitionAnswer)
    async def undo(kind: str, name: str, body: UndoRequest, request: Request) -> Response:
        """Makes it what it was before the last change, or before change `entry`. A deletion can be undone, too."""
        return _json(await door.undo_definition(kind, name, body.entry, by(request)))


def _json(answer: object) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json")
