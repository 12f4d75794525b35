"""Asks the web what the settings allow, over HTTP."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hub_agent.config import read_secret
from hub_agent.errors import NotPossible
from hub_agent.model.json import JsonObject, JsonValue
from hub_agent.ports import Done

if TYPE_CHECKING:
    import httpx  # at run time only when it is used: importing it takes time and memory that automations need first

# Of what is answered; a rule keeps it while it waits.
ANSWER_BYTES_MAX = 256 * 1024
REDIRECTS_MAX = 10


@dataclass(frozen=True, slots=True)
class RestSettings:
    """What is fixed. Secrets are read when they are used, and never logged."""

    method: str = "get"
    content_type: str | None = None
    timeout_s: float = 10.0
    verify_tls: bool = True
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None


class RestErrand:
    """Fills ports.Errand."""

    def __init__(self, settings: RestSettings, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        self._settings = settings
        self._transport = transport

    async def run(self, data: JsonObject, *, wants_response: bool) -> Done:
        import httpx

        settings = self._settings
        url, payload = str(data["url"]), data.get("payload")
        if not url.startswith(("http://", "https://")):
            raise NotPossible(f"{url[:200]!r} is no address of the web")
        try:
            async with (
                asyncio.timeout(settings.timeout_s),
                httpx.AsyncClient(
                    verify=settings.verify_tls,
                    auth=self._auth(),
                    timeout=None,  # noqa: S113 the whole has one, above
                    follow_redirects=True,
                    max_redirects=REDIRECTS_MAX,
                    transport=self._transport,
                    trust_env=False,
                ) as client,
                client.stream(
                    settings.method.upper(),
                    url,
                    headers=self._headers(data),
                    content=payload.encode() if isinstance(payload, str) else None,
                ) as answer,
            ):
                content = await _content(answer) if wants_response else None
        except TimeoutError as err:
            raise NotPossible(f"no answer from {_place(url)} within {settings.timeout_s:g} s") from err
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as err:
            raise NotPossible(f"{_place(url)} cannot be asked: {str(err) or type(err).__name__}") from err
        complaint = f"{_place(url)} answered with status {answer.status_code}" if answer.status_code >= 400 else None
        headers: dict[str, JsonValue] = dict(answer.headers)
        return Done({"content": content, "status": answer.status_code, "headers": headers}, complaint)

    def _headers(self, data: JsonObject) -> dict[str, str]:
        given = data.get("headers")
        headers = {str(key): str(value) for key, value in given.items()} if isinstance(given, Mapping) else {}
        if self._settings.content_type is not None:
            headers["content-type"] = self._settings.content_type
        if self._settings.token_file is not None:
            headers["authorization"] = f"Bearer {read_secret(self._settings.token_file)}"
        return headers

    def _auth(self) -> tuple[str, str] | None:
        settings = self._settings
        if settings.username is None:
            return None
        return settings.username, read_secret(settings.password_file) if settings.password_file else ""


async def _content(answer: "httpx.Response") -> JsonValue:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise NotPossible(f"the answer has more than {ANSWER_BYTES_MAX // 1024} kB")
    if answer.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        try:
            read: JsonValue = orjson.loads(bytes(body))
        except orjson.JSONDecodeError as err:
            raise NotPossible(f"the answer calls itself JSON and is none: {err}") from err
        return read
    return bytes(body).decode(answer.encoding or "utf-8", "replace")


def _place(url: str) -> str:
    """Without what may be secret in it: path, query, password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0].rpartition('@')[2]}"
