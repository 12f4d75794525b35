"""What happened, in the API: the newest first, a page at a time."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from hub_agent.model.activity import ActivityAsked
from hub_agent.ports import Door
from hub_agent.web.access import AccessEvent
from hub_agent.web.answers import OrjsonResponse
from hub_agent.web.shapes import Shape

Kind = Literal[
    "command", "scene", "automation", "device", "definition", "access", "setting", "healing", "alert", "security"
]


class WhoAnswer(Shape):
    kind: Literal["person", "automation", "scene", "cloud", "healing", "device", "hub"]
    id: str
    name: str


class HappenedAnswer(Shape):
    id: int
    at: datetime
    kind: Kind
    who: WhoAnswer
    text: str = Field(examples=["Anna switched Kitchen Light on"])
    words: str = Field(description="The sentence with {gaps}, as a key for other languages.")
    filling: dict[str, Any] = Field(description="What fills the gaps: a text, a number, or again words and filling.")
    devices: list[str]
    failed: str | None = Field(description="Why it did not work.")
    because: dict[str, Any] | None = Field(
        description="The same as words and filling, where it can be said in other languages."
    )


class ActivityAnswer(Shape):
    entries: list[HappenedAnswer]
    before: int | None = Field(description="What to ask for next; null: there is no more.")


def note_access(door: Door, event: AccessEvent) -> None:
    """Who came in and who let them. What strangers may cause without end (wrong tokens) is security's to tell."""
    note = door.activity.note
    match event.kind:
        case "paired":
            note("access", event.name, "{who} was let in")
        case "left":
            note("access", event.name, "{who} left")
        case "invited" if event.name:
            note("access", event.by, "{who} made a code that lets “{name}” in", name=event.name)
        case "invited":
            note("access", event.by, "{who} made a code that lets somebody in")
        case "token_made":
            note("access", event.by, "{who} made the token “{name}”", name=event.name)
        case "revoked":
            note("access", event.by, "{who} took back the access of “{name}”", name=event.name)
        case "wrong_code":
            note("access", None, "Somebody entered a wrong code")


def seeing_activity(door: Door, router: APIRouter) -> None:
    @router.get("/activity", response_model=ActivityAnswer)
    async def activity(
        *,
        before: Annotated[int | None, Query(ge=1, le=1 << 53)] = None,
        after: Annotated[int, Query(ge=0, le=1 << 53)] = 0,
        kind: Annotated[Kind | None, Query()] = None,
        who: Annotated[str | None, Query(max_length=200)] = None,
        device: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> Response:
        """What happened and who did it, the newest first. `who`: a kind of doer, or kind:id of one; `device`: its id."""
        return OrjsonResponse(await door.activity.read(ActivityAsked(before, after, kind, who, device, limit)))
