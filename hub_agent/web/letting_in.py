"""Who may come in, in the API: pairing, sessions, tokens, and the codes for further browsers."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, Strict

from hub_agent.errors import NotFound
from hub_agent.ports import Door
from hub_agent.web.access import NAME_CHARS_MAX, SECURE_COOKIE, SESSION_COOKIE, SESSION_LIFETIME, Access, cookie_name
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.guard import address_of, fault
from hub_agent.web.keys import Key
from hub_agent.web.pairing import PairingRefused
from hub_agent.web.routes import api_router
from hub_agent.web.scopes import Scope
from hub_agent.web.shapes import Asked, Instant, PairAnswer, PairRequest, Shape

Name = Annotated[str, Path(max_length=NAME_CHARS_MAX)]
ScopeName = Literal["view", "control", "configure"]
GivenScope = Annotated[Scope, Strict(strict=False)]


class KeyAnswer(Shape):
    """A session of a browser, or a token of a program."""

    id: str
    name: str
    scope: ScopeName
    made_at: datetime
    made_by: str = Field(description="Who let it in: a user of the hub, or the name of another session.")
    expires_at: datetime | None
    last_seen_at: datetime | None = Field(description="To the hour. None: never used.")
    scene_id: str | None = Field(description="It may activate this scene and nothing else.")
    is_this: bool = Field(description="Whether it is the one that asks.")


class AccessAnswer(Shape):
    sessions: list[KeyAnswer]
    tokens: list[KeyAnswer]


class MeAnswer(Shape):
    """`scope`: what may be done with the session, token or socket that asks."""

    name: str
    scope: ScopeName
    id: str | None


class CodeRequest(Asked):
    scope: GivenScope = Scope.CONFIGURE
    name: str = Field("", max_length=NAME_CHARS_MAX, description="What the browser is to be called.")


class CodeAnswer(Shape):
    code: str = Field(examples=["123456"])
    scope: ScopeName
    name: str
    expires_at: datetime


class TokenRequest(Asked):
    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX, examples=["Hall button"])
    scope: GivenScope = Scope.CONTROL
    expires_at: Instant | None = None
    scene: str | None = Field(None, max_length=200, description="By id or name: it may activate this and nothing else.")


class TokenAnswer(KeyAnswer):
    token: str = Field(description="For the header `Authorization: Bearer …`. It is shown this once.")


def letting_in(door: Door, access: Access) -> APIRouter:
    router = api_router("access")
    _pairing(door, access, router)
    _keys(door, access, router)
    return router


def _pairing(door: Door, access: Access, router: APIRouter) -> None:
    @router.post("/pair", response_model=PairAnswer)
    async def pair(body: PairRequest, request: Request) -> Response:
        """Turns a code into a session, with what the code was offered for."""
        address = address_of(request.scope)
        try:
            cookie = access.pair(body.code, body.name, address)
        except PairingRefused as err:
            door.guarding.refused("wrong_code", address)
            return fault(
                429 if err.retry_after_s else 403, "pairing_refused", str(err), retry_after_s=err.retry_after_s
            )
        response = OrjsonResponse({"paired": True})
        response.set_cookie(
            cookie_name(request.url.scheme),
            cookie,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    @router.post("/leave", response_model=PairAnswer)
    async def leave(request: Request) -> Response:
        """Ends this browser's session."""
        response = OrjsonResponse({"paired": False})
        for name in (SESSION_COOKIE, SECURE_COOKIE):
            access.forget(request.cookies.get(name, ""))
            response.delete_cookie(name, secure=name == SECURE_COOKIE)
        return response

    @router.post("/access/codes", response_model=CodeAnswer)
    async def offer_code(body: CodeRequest, request: Request) -> Response:
        """A code for another browser. It holds for a quarter of an hour; asked again meanwhile, it is the same."""
        offer = access.invite(body.scope, " ".join(body.name.split()), by_whom(request))
        return OrjsonResponse(
            {"code": offer.code, "scope": offer.scope, "name": offer.name, "expires_at": offer.expires_at}
        )


def _keys(door: Door, access: Access, router: APIRouter) -> None:
    @router.get("/access", response_model=AccessAnswer)
    async def keys(request: Request) -> Response:
        """Which browsers are paired and which tokens there are, who let them in and when they were here last."""
        own = _own(request)
        return OrjsonResponse(
            {
                "sessions": [_as_json(key, own) for key in access.sessions()],
                "tokens": [_as_json(key, own) for key in access.tokens()],
            }
        )

    @router.get("/access/me", response_model=MeAnswer)
    async def me(request: Request) -> Response:
        """Who asks, and what they may do."""
        own = _own(request)
        scope = own.scope if own else Scope.CONFIGURE
        return OrjsonResponse({"name": by_whom(request), "scope": scope, "id": own.id if own else None})

    @router.post("/access/tokens", response_model=TokenAnswer)
    async def make_token(body: TokenRequest, request: Request) -> Response:
        """A token for a program, a wall tablet or a button. With `scene` it may activate that scene and nothing else."""
        if body.expires_at is not None and access.is_past(body.expires_at):
            return fault(422, "not_understood", "expires_at: it is in the past.", field="expires_at")
        scene_id = None if body.scene is None else _scene_id(door, body.scene)
        scope = body.scope if scene_id is None else Scope.CONTROL
        secret, key = access.make_token(
            body.name, scope, by_whom(request), expires_at=body.expires_at, scene_id=scene_id
        )
        return OrjsonResponse({**_as_json(key, None), "token": secret})

    @router.delete("/access/{name:path}", response_model=KeyAnswer)
    async def revoke(name: Name, request: Request) -> Response:
        """A session or token, by id or name. It opens nothing from now on, and its live events end."""
        return OrjsonResponse(_as_json(access.revoke(name, by_whom(request)), _own(request)))


def _own(request: Request) -> Key | None:
    key = request.scope.get("nexa_key")
    return key if isinstance(key, Key) else None


def _as_json(key: Key, own: Key | None) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "made_at": key.made_at,
        "made_by": key.made_by,
        "expires_at": key.expires_at,
        "last_seen_at": key.last_seen_at,
        "scene_id": key.scene_id,
        "is_this": own is not None and own.id == key.id,
    }


def _scene_id(door: Door, name: str) -> str:
    """Raises NotFound."""
    scenes = door.scenes()
    wanted = name.casefold()
    found = next((each for each in scenes if each["id"] == name), None)
    found = found or next((each for each in scenes if str(each["name"]).casefold() == wanted), None)
    if found is None:
        raise NotFound(f"There is no scene '{name}'.", field="scene")
    return str(found["id"])
