"""`/api/webhook/<id>`: whoever knows the id may set off the rules that wait for it. The id is the secret, so there is no session.

It stands outside the page's guard, and opens nothing else. An id that nobody waits for is answered like any other, so that ids
cannot be found by trying.
"""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from time import monotonic
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub_agent.model.inputs import WebhookCalled
from hub_agent.model.json import JsonObject
from hub_agent.ports import Door
from hub_agent.web.guard import address_of, fault
from hub_agent.web.pace import Pace, household_of
from hub_agent.web.proxies import FORWARDED
from hub_agent.web.scopes import WEBHOOKS

METHODS = ("GET", "HEAD", "POST", "PUT")
ID_CHARS_MAX = 255
BODY_BYTES_MAX = 1024 * 1024
FIELDS_MAX = 1000
READ_S_MAX = 10.0

# Of one address: so many at once, then so many a second.
BURST_MAX = 60
CALLS_A_SECOND = 10.0
_NEAR_V4 = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
_NEAR_V6 = ("::1/128", "fc00::/7", "fe80::/10")
_NEAR = tuple(ip_network(each) for each in (*_NEAR_V4, *_NEAR_V6))


class Webhooks:
    """ASGI middleware, outside the guard."""

    def __init__(self, app: ASGIApp, door: Door, now_s: Callable[[], float] = monotonic) -> None:
        self._app = app
        self._door = door
        self._now_s = now_s
        self._pace = Pace(BURST_MAX, CALLS_A_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(WEBHOOKS):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        if scope["method"] not in METHODS:
            return Response(status_code=405, headers={"allow": ", ".join(METHODS)})
        wait_s = self._pace.wait_s(household_of(address_of(scope)), self._now_s())
        if wait_s:
            words = "This address calls webhooks too often."
            return fault(429, "too_often", words, retry_after_s=int(wait_s) + 1)
        try:
            async with asyncio.timeout(READ_S_MAX):
                body = await _read(receive)
        except TimeoutError:
            return fault(408, "too_slow", "The request did not come to its end.")
        if body is None:
            return fault(413, "too_large", f"A webhook takes {BODY_BYTES_MAX // 1024} kB at most.")
        webhook_id = scope["path"].removeprefix(WEBHOOKS)
        if not webhook_id or len(webhook_id) > ID_CHARS_MAX:
            return Response()
        try:
            called = _understand(webhook_id, scope, body)
        except ValueError as err:
            return fault(400, "not_understood", f"The body is not what its content type says: {err}")
        if not await self._door.webhook(called):
            self._door.guarding.refused("unknown_webhook", address_of(scope))
        return Response()


async def _read(receive: Receive) -> bytes | None:
    """None when it is too large: what comes after is not read. Raises TimeoutError."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise TimeoutError  # whoever called is gone, and half a message is none
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _understand(webhook_id: str, scope: Scope, body: bytes) -> WebhookCalled:
    """Raises ValueError."""
    headers = Headers(scope=scope)
    content_type = headers.get("content-type", "")
    query = _fields(scope["query_string"].decode("latin-1"))
    is_local = bool(scope.get("nexa_local")) or is_near(scope, headers)
    if "json" in content_type.casefold():
        data = orjson.loads(body) if body.strip() else {}
        return WebhookCalled(webhook_id, scope["method"], json=data, query=query, is_local=is_local)
    form = _form(content_type, body)
    return WebhookCalled(webhook_id, scope["method"], form=form, query=query, is_local=is_local)


def is_near(scope: Scope, headers: Headers) -> bool:
    """Whether the request comes from the home's own network, and from nobody behind a proxy: whom it speaks for cannot be checked."""
    client = scope.get("client")
    if client is None or any(name in headers for name in FORWARDED):
        return False
    try:
        address: IPv4Address | IPv6Address = ip_address(client[0].partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _NEAR)


def _form(content_type: str, body: bytes) -> JsonObject:
    kind = content_type.partition(";")[0].strip().casefold()
    if kind == "multipart/form-data":
        return _parts(content_type, body)
    if kind in {"application/x-www-form-urlencoded", ""}:
        return _fields(body.decode("utf-8", "replace"))
    return {}


def _fields(text: str) -> JsonObject:
    """Of a name that comes twice the first, as Home Assistant's rules see it."""
    fields: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="replace"):
        fields.setdefault(name, value)
    return dict(fields)


def _parts(content_type: str, body: bytes) -> JsonObject:
    """Texts only: files are no business of a rule."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = message_from_bytes(head + body, policy=policy.HTTP)
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(content, bytes):
            fields.setdefault(name, content.decode("utf-8", "replace"))
        if len(fields) > FIELDS_MAX:
            raise ValueError(f"more than {FIELDS_MAX} fields")
    return dict(fields)
