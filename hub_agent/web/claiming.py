"""The claim in the API: with the code that the cloud shows for a home, the hub becomes part of it."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import api_router
from hub_agent.web.shapes import Asked, Shape


class ClaimRequest(Asked):
    code: str = Field(min_length=1, max_length=100, examples=["K7QX-2MPD"])


class ClaimedAnswer(Shape):
    text: str = Field(examples=["This hub is part of your home now."])


def claiming(door: Door) -> APIRouter:
    router = api_router("hub")

    @router.post("/sync/claim", response_model=ClaimedAnswer)
    async def claim(body: ClaimRequest, request: Request) -> Response:
        """The code holds once. 409 with the cloud's words where it does not hold, and where the hub has a home already; 503 where the cloud cannot be reached."""
        await door.claim(body.code.strip(), by_whom(request))
        return OrjsonResponse({"text": "This hub is part of your home now."})

    return router
