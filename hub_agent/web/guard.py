"""What every request must pass: its host is ours, it comes from our own page, and who it is may do that. Local sockets are trusted by file mode."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope as AsgiScope, Send

from hub_agent.web.access import LOCAL, SECURE_COOKIE, SESSION_COOKIE, Access, AccessEvent
from hub_agent.web.keys import Key
from hub_agent.web.pace import Pace, household_of
from hub_agent.web.peers import Peer
from hub_agent.web.scopes import OPEN_PATHS, Scope, scope_for

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES_MAX = 256 * 1024
BODY_S_MAX = 20.0
COOKIES_MAX = 4

# At once, and then a second. The page asks for 60 things when it opens, and for a few whenever something changes.
ADDRESS_PACE = (600, 60.0)
KEY_PACE = (300, 30.0)
WRONG_TOKEN_PACE = (10, 0.1)
# How often it is written down that somebody tries what they may not: a program that does so all day fills no log.
TOLD_PACE = (5, 1 / 600)

# Where the server leaves who is at the other end of the Unix socket.
PEER = "nexa_peer"

_TOO_LARGE = f"A request may have {BODY_BYTES_MAX // 1024} kB at most."

_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def _unheard(_kind: str, _source: str) -> None:
    """Nobody wants to know."""


class Guard:
    """ASGI middleware. Leaves in `scope["by"]` who it is, and in `scope["nexa_key"]` the session or token."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        refused: Callable[[str, str], None] = _unheard,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        """`refused`: told of what looks like an attempt, by kind and address."""
        self._app = app
        self._access = access
        self._refused = refused
        self._now_s = now_s
        self._pace_of_addresses = Pace(*ADDRESS_PACE)
        self._pace_of_keys = Pace(*KEY_PACE)
        self._pace_of_wrong = Pace(*WRONG_TOKEN_PACE)
        self._pace_of_told = Pace(*TOLD_PACE)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_cut = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_cut
            key: Key | None = scope.get("nexa_key")
            if is_cut:
                return
            if message.get("more_body") and key and not self._access.holds(key):
                # Live events end with the right to see them.
                is_cut = True
                message = {"type": "http.response.body", "body": b""}
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                # After an upgrade the page must not run with the script of before: what may be kept for good has its version in its address.
                kept = headers.get("cache-control", "no-cache")
                headers["cache-control"] = "no-store" if scope["path"].startswith("/api/") else kept
            await send(message)

        taken = 0
        is_read = False
        ends_s = self._now_s() + BODY_S_MAX

        async def receive_guarded() -> Message:
            nonlocal taken, is_read
            if is_read:
                return await receive()
            try:
                async with asyncio.timeout(ends_s - self._now_s()):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The request did not come to its end.") from None
            if message["type"] == "http.request":
                is_read = not message.get("more_body")
                taken += len(message.get("body", b""))
                if taken > BODY_BYTES_MAX:
                    raise HTTPException(413, _TOO_LARGE)
            return message

        refusal = self._refuse(scope)
        await (refusal or self._app)(scope, receive_guarded, send_guarded)

    def _refuse(self, scope: AsgiScope) -> Response | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            return fault(413, "too_large", _TOO_LARGE)
        if scope.get("nexa_local"):
            return _refuse_peer(scope)
        address = household_of(address_of(scope))
        wait_s = self._pace_of_addresses.wait_s(address, self._now_s())
        if wait_s:
            return _too_often("This address asks too often", wait_s)
        host = headers.get("host", "")
        if not self._access.knows_host(host):
            self._refused("unknown_host", address_of(scope))
            hint = "Use its address, or add the name to web.names in the settings."
            return fault(421, "unknown_host", f"This hub does not go by the name '{host[:100]}'.", hint)
        if scope["method"] not in SAFE_METHODS and not _is_from_own_page(headers, host):
            self._refused("foreign_page", address_of(scope))
            return fault(403, "foreign_page", "The request comes from another page than the hub's own.")
        return self._refuse_who(scope, headers)

    def _refuse_who(self, scope: AsgiScope, headers: Headers) -> Response | None:
        token = _bearer(headers)
        key = self._access.token(token) if token is not None else self._key_of_cookies(headers)
        scope["by"] = key.name if key else ""
        scope["nexa_key"] = key
        path = scope["path"]
        if path in OPEN_PATHS:
            return None
        if key is not None:
            wait_s = self._pace_of_keys.wait_s(key.id, self._now_s())
            if wait_s:
                return _too_often(f"“{key.name}” asks too often", wait_s)
            self._access.note_seen(key, address_of(scope))
            return self._refuse_right(scope, key)
        if token is not None:
            address = address_of(scope)
            wait_s = self._pace_of_wrong.wait_s(household_of(address), self._now_s())
            if wait_s:
                return _too_often("Too many tokens that open nothing came from this address", wait_s)
            self._access.told(AccessEvent("wrong_token", address=address))
            self._refused("wrong_token", address)
            hint = "Tokens are made and revoked by: nexa-hub access"
            answer = fault(401, "unknown_token", "This token opens nothing: it was revoked, or has run out.", hint)
            answer.headers["www-authenticate"] = "Bearer"
            return answer
        if path.startswith(("/api/", "/metrics")):
            return fault(401, "not_paired", "This browser is not paired with the hub.", "Open the page and pair it.")
        return RedirectResponse("/pair", status_code=303)

    def _refuse_right(self, scope: AsgiScope, key: Key) -> Response | None:
        method, path = scope["method"], scope["path"]
        if key.scene_id is not None:
            own = f"/api/v1/scenes/{key.scene_id}"
            if (method, path) in {("POST", f"{own}/activate"), ("GET", own)}:
                return None
            return self._not_allowed(scope, key, "may activate its one scene and nothing else", f"POST {own}/activate")
        wanted = scope_for(method, path)
        if wanted is None and not key.scope.has(Scope.CONFIGURE):
            return fault(404, "not_found", "Not Found")
        if wanted is None or key.scope.has(wanted):
            return None
        hint = "Somebody who may configure can give it more: nexa-hub pair --scope, or nexa-hub access token."
        return self._not_allowed(scope, key, f"may {key.scope}; this takes the right to {wanted}", hint)

    def _not_allowed(self, scope: AsgiScope, key: Key, words: str, hint: str) -> Response:
        if not self._pace_of_told.wait_s(key.id, self._now_s()):
            self._access.told(AccessEvent("not_allowed", key.name, address=address_of(scope), scope=key.scope))
        return fault(403, "not_allowed", f"“{key.name}” {words}.", hint)

    def _key_of_cookies(self, headers: Headers) -> Key | None:
        """A browser may send several, one of another page on the same machine before ours."""
        keys = (self._access.session(cookie) for cookie in _cookies(headers))
        return next((key for key in keys if key), None)


def _refuse_peer(scope: AsgiScope) -> Response | None:
    peer = scope.get(PEER)
    scope["by"] = peer.by if isinstance(peer, Peer) else LOCAL
    if not isinstance(peer, Peer) or peer.may:
        return None
    return fault(403, "not_allowed", "You may not command this hub.", "Join its group (nexa-hub), or use sudo.")


def _too_often(words: str, wait_s: float) -> Response:
    after_s = int(wait_s) + 1
    return fault(429, "too_often", f"{words}. Wait {after_s} s.", retry_after_s=after_s)


def address_of(scope: AsgiScope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def trusted(app: ASGIApp) -> ASGIApp:
    """The same app behind the Unix socket: whoever may open the socket may do everything."""

    async def local(scope: AsgiScope, receive: Receive, send: Send) -> None:
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


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.casefold() == "bearer" else None


def _cookies(headers: Headers) -> list[str]:
    parts = (part.strip().partition("=") for line in headers.getlist("cookie") for part in line.split(";"))
    return [value for name, _, value in parts if name in {SECURE_COOKIE, SESSION_COOKIE}][:COOKIES_MAX]
