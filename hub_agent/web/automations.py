"""Automations in the API: what stands in one, reading one that is being written, making, replacing, deleting, running."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import api_router
from hub_agent.web.shapes import Asked, Shape

TEXT_EXAMPLE = """alias: Hall light with motion
triggers:
- trigger: state
  entity_id: binary_sensor.hall_motion
  to: 'on'
actions:
- action: light.turn_on
  target:
    entity_id: light.hall
"""
Revision = Annotated[str | None, Field(max_length=64, description="The one that was read: 409 if it is another now.")]


class RuleRequest(Asked):
    """One of both: `fields` are columns of the automation's row; `text` is YAML, in the words of Home Assistant."""

    fields: Annotated[dict[str, Any] | None, Field(max_length=50)] = None
    text: str | None = Field(None, max_length=200_000, examples=[TEXT_EXAMPLE])

    @model_validator(mode="after")
    def _has_one(self) -> "RuleRequest":
        if (self.fields is None) == (self.text is None):
            raise ValueError("give fields or text")
        return self


class CheckRequest(RuleRequest):
    replaces: str | None = Field(None, max_length=200, description="The automation that it is to replace.")


class ReplaceRequest(RuleRequest):
    expected: Revision = None


class RunRequest(Asked):
    with_conditions: bool = Field(False, description="Only if its conditions hold.")


class RuleAnswer(Shape):
    """`fields` are what an editor changes, `text` is the same as text."""

    id: str
    name: str
    revision: str = Field(description="Another one after each edit.")
    fields: dict[str, Any]
    text: str | None
    kind: Literal["automation", "script"]
    status: Literal["synced", "owed", "conflict"]
    modified_at: str | None = None
    modified_by: str | None = None


class Remark(Shape):
    path: str | None = Field(None, examples=["triggers/0/above"])
    line: int = Field(description="Of the text.")
    text: str


class CheckAnswer(Shape):
    """`faults` have to be put right before it can be saved; `warnings` are worth knowing."""

    fields: dict[str, Any] | None = Field(description="null where the text is no rule at all.")
    text: str
    faults: list[Remark]
    warnings: list[Remark]


class KeptAnswer(Shape):
    id: str
    name: str
    revision: str


class PutAwayAnswer(Shape):
    id: str
    name: str


class RanAnswer(Shape):
    """status: as of a run; `dropped` when its mode allows no further run now."""

    id: str
    name: str
    run_id: str | None
    status: str = Field(examples=["success", "running", "conditions_not_met"])


def automations(door: Door) -> APIRouter:
    router = api_router("edit")

    @router.get("/automations/{name:path}/definition", response_model=RuleAnswer)
    async def automation_definition(name: str) -> Response:
        """What stands in it, as columns and as text."""
        return OrjsonResponse(door.automating.definition(name))

    @router.post("/automations/check", response_model=CheckAnswer)
    async def check_automation(body: CheckRequest) -> Response:
        """Reads a rule and changes nothing: says what is wrong with it, each at its place. Also turns text into columns and back."""
        return OrjsonResponse(door.automating.check(body.fields, body.text, body.replaces))

    @router.post("/automations", response_model=KeptAnswer)
    async def make_automation(body: RuleRequest, request: Request) -> Response:
        """A new automation. One that cannot run is refused, with the place of its first fault."""
        return OrjsonResponse(await door.automating.make(body.fields, body.text, by_whom(request)))

    @router.post("/automations/{name:path}/run", response_model=RanAnswer)
    async def run_automation(name: str, body: RunRequest, request: Request) -> Response:
        """Runs it now, also when it is off or paused."""
        answer = await door.automating.run(name, by_whom(request), with_conditions=body.with_conditions)
        return OrjsonResponse(answer)

    @router.put("/automations/{name:path}", response_model=KeptAnswer)
    async def replace_automation(name: str, body: ReplaceRequest, request: Request) -> Response:
        """Changes it. With `expected`, only if nobody else has changed it meanwhile."""
        by = by_whom(request)
        return OrjsonResponse(await door.automating.replace(name, body.fields, body.text, body.expected, by))

    @router.delete("/automations/{name:path}", response_model=PutAwayAnswer)
    async def delete_automation(
        name: str, request: Request, expected: Annotated[str | None, Query(max_length=64)] = None
    ) -> Response:
        """Here and in the cloud. It can be undone: /definitions/automation/{name}/undo."""
        return OrjsonResponse(await door.automating.delete(name, expected, by_whom(request)))

    return router
