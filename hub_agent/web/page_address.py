"""How the page is reached: what of HTTP and HTTPS it answers, and its certificate."""

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub_agent.model.json import JsonObject
from hub_agent.web.guard import fault
from hub_agent.web.tls import Tls

AUTHORITY = "/authority.crt"


def told(tls: Tls | None, *, is_plain: bool) -> JsonObject:
    """As StatusAnswer.page has it."""
    return {"tls": tls.kind if tls else "off", "plain": is_plain, "certificate": tls.as_json() if tls else None}


def certifying(tls: Tls | None) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(AUTHORITY)
    async def authority() -> Response:
        """What a phone or computer is told to trust: public, like every certificate."""
        pem = await tls.authority() if tls else None
        if pem is None:
            return fault(
                404,
                "not_found",
                "This hub has no authority of its own.",
                "It has one with tls = own in [web] of its settings.",
            )
        headers = {"content-disposition": 'attachment; filename="nexa-hub.crt"'}
        return Response(pem, media_type="application/x-x509-ca-cert", headers=headers)

    return router


class TlsOnly:
    """ASGI middleware inside the guard: over plain HTTP nothing is told but where to go."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] != "http" or scope["scheme"] == "https" or scope.get("nexa_local")
        if is_open or scope["path"] in {"/live", AUTHORITY}:
            await self._app(scope, receive, send)
            return
        where = f"https://{Headers(scope=scope).get('host', '')}"
        if scope["method"] in {"GET", "HEAD"} and not scope["path"].startswith("/api/"):
            await RedirectResponse(where + scope["path"], 308)(scope, receive, send)
            return
        answer = fault(403, "tls_needed", "This hub is spoken to by HTTPS only.", f"Ask {where} instead.")
        await answer(scope, receive, send)
