"""Routes of the API: strict about what comes in. What they answer stands in their description alone and costs nothing until somebody asks for that."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

API: Final = "/api/v1"


def operation_id(route: APIRoute) -> str:
    """Its function's name: short, and what generated clients call their method."""
    return route.name


class _StrictRequest(Request):
    """JSON without NaN, lone surrogates and bottomless nesting, none of which the mirror could keep."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class Route(APIRoute):
    """`response_model` is for people: every route answers with a response of its own, and FastAPI would keep a validator for each."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, response_model: Any = None, **given: Any) -> None:
        super().__init__(path, endpoint, response_model=None, **given)
        self._given = {**given, "response_model": response_model}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The slashes of a name come as %2F: others part the path, so that what is below a name is not taken for one."""
        match, child = super().matches(scope)
        asked: bytes = scope.get("raw_path") or scope["path"].encode()
        return (
            (match, child) if asked.rstrip(b"/").count(b"/") == self.path.rstrip("/").count("/") else (Match.NONE, {})
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly

    def in_full(self) -> APIRoute:
        """With what it answers."""
        return APIRoute(self.path, self.endpoint, **self._given)


def api_router(tag: str, prefix: str = API) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], route_class=Route, generate_unique_id_function=operation_id)


def add(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Their routes as they are: FastAPI's include_router would make each of them a second time."""
    for router in routers:
        app.router.routes.extend(router.routes)


def in_full(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    return [each.in_full() if isinstance(each, Route) else each for each in routes]
