"""Who may come to the page at all: the home's network access rules, before anything else is looked at. This machine itself always may."""

from starlette.types import ASGIApp, Receive, Scope, Send

from hub_agent.ports import Door
from hub_agent.web.guard import fault


class Gate:
    """ASGI middleware, outside all that answers. Behind a proxy that the settings name, the address is the one the proxy says (`proxies.py`)."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client") if scope["type"] == "http" else None
        if client is None or scope.get("nexa_local"):
            await self._app(scope, receive, send)
            return
        words = self._door.guarding.keeps_out(client[0])
        await (self._app if words is None else fault(403, "kept_out", words))(scope, receive, send)
