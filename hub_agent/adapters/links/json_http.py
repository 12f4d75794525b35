"""Small JSON over plain HTTP, as devices speak it: bounded in time and size, no proxies, no redirects."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

import httpx
import orjson

from hub_agent.adapters.links.words import why_lost
from hub_agent.errors import LinkLost
from hub_agent.model.json import JsonValue

BODY_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: JsonValue = None


class JsonHttp:
    """One device. Raises LinkLost when it does not answer; a status that is an error is an answer."""

    def __init__(
        self, host: str, port: int | None, *, credentials: tuple[str, str] | None = None, s_max: float = 10.0
    ) -> None:
        self.place = place_of(host, port)
        self._s_max = s_max
        self._client = httpx.AsyncClient(
            base_url=f"http://{self.place}",
            auth=httpx.BasicAuth(*credentials) if credentials is not None else None,
            timeout=s_max,
            trust_env=False,
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=1),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        return await self._ask("GET", path, query=query)

    async def post(self, path: str, body: JsonValue) -> Answer:
        return await self._ask("POST", path, content=orjson.dumps(body))

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        headers = {"content-type": "application/json"} if content is not None else None
        try:
            async with (
                asyncio.timeout(self._s_max),
                self._client.stream(method, path, params=query, content=content, headers=headers) as response,
            ):
                return Answer(response.status_code, _parsed(await self._read(response)))
        except TimeoutError as err:
            raise LinkLost(f"{self.place} did not answer within {self._s_max:g} s") from err
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as err:
            raise LinkLost(f"{self.place} cannot be reached: {why_lost(err)}") from err

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                raise LinkLost(f"{self.place} answers with more than {BODY_BYTES_MAX} bytes")
        return bytes(body)


def place_of(host: str, port: int | None) -> str:
    """As it stands in an address: IPv6 in brackets."""
    try:
        bare = f"[{host}]" if ip_address(host.partition("%")[0]).version == 6 else host
    except ValueError:
        bare = host
    return bare if port in {None, 80} else f"{bare}:{port}"


def _parsed(body: bytes) -> JsonValue:
    """None for what is not JSON: words of an error, a page."""
    try:
        parsed: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return parsed
