"""What every request must pass: its host is ours, it comes from our own page, and it has a session. Local sockets are trusted by file mode."""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub_agent.web.access import SESSION_COOKIE, Access

OPEN_PATHS = frozenset({"/live", "/pair", "/api/v1/pair", "/static/page.css", "/static/pair.js", "/static/icon.svg"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES_MAX = 256 * 1024

_TOO_LARGE = f"A request may have {BODY_BYTES_MAX // 1024} kB at most."

_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI middleware. Leaves in `scope["by"]` who it is."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                # After an upgrade the page must not run with the script of before.
                headers["cache-control"] = "no-store" if scope["path"].startswith("/api/") else "no-cache"
            await send(message)

        taken = 0

        async def receive_guarded() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > BODY_BYTES_MAX:
                    raise HTTPException(413, _TOO_LARGE)
            return message

        refusal = self._refuse(scope)
        await (refusal or self._app)(scope, receive_guarded, send_guarded)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            return fault(413, "too_large", _TOO_LARGE)
        if scope.get("nexa_local"):
            scope["by"] = "local"
            return None
        host = headers.get("host", "")
        if not self._access.knows_host(host):
            hint = "Use its address, or add the name to web.names in the settings."
            return fault(421, "unknown_host", f"This hub does not go by the name '{host[:100]}'.", hint)
        if scope["method"] not in SAFE_METHODS and not _is_from_own_page(headers, host):
            return fault(403, "foreign_page", "The request comes from another page than the hub's own.")
        session = self._access.session(_cookie(headers))
        if session:
            scope["by"] = session.name
            return None
        if scope["path"] in OPEN_PATHS:
            scope["by"] = ""
            return None
        if scope["path"].startswith("/api/"):
            return fault(401, "not_paired", "This browser is not paired with the hub.", "Open the page and pair it.")
        return RedirectResponse("/pair", status_code=303)


def trusted(app: ASGIApp) -> ASGIApp:
    """The same app behind the Unix socket: whoever may open the socket may do everything."""

    async def local(scope: Scope, receive: Receive, send: Send) -> None:
        scope["nexa_local"] = True
        await app(scope, receive, send)

    return local


def fault(
    status: int,
    code: str,
    message: str,
    hint: str | None = None,
    *,
    retry_after_s: int | None = None,
    needs: Mapping[str, object] | None = None,
    field: str | None = None,
) -> JSONResponse:
    headers = {"retry-after": str(retry_after_s)} if retry_after_s else None
    error: dict[str, object] = {"code": code, "message": message, "hint": hint}
    error |= {name: value for name, value in (("needs", needs), ("field", field)) if value}
    return JSONResponse({"error": error}, status, headers)


def _is_from_own_page(headers: Headers, host: str) -> bool:
    """Browsers say where a request comes from; what says nothing is no browser and has no cookie to abuse."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == host


def _cookie(headers: Headers) -> str | None:
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None
