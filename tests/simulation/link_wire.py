"""The way between one hub and the cloud's twin, in bytes: the gateway's part in it, and everything that happens to requests and answers."""

import asyncio
import gzip
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

import httpx
import orjson

from hub_agent.adapters.cloud import HttpCloud
from hub_agent.errors import AgentTooOld, ClaimError, CloudRefused
from tests.fakes.cloud_twin import CloudTwin

HTML = b"<html><body>Please accept the terms of this network.</body></html>"
NONSENSE: tuple[bytes, ...] = (
    b"[]",
    b"null",
    b'{"marks": "many", "definitions": 7, "cases": {}, "refused": [3], "limits": []}',
    b'{"marks": {"device_states": -4, "device_telemetry": true, "energy_usage": "9"}, "pause_s": -1}',
    b'{"cursor": 5, "changes": [{"entity_type": "scene"}, 4], "commands": [null, {"id": 3}], "server_time": "soon"}',
)
# The gateway gives its database this long at most; what a hub has given up may still be worked off.
GHOST_S_MAX = 45.0
TOKEN_S = 300.0
STATUS_BY_CODE = {
    "request_malformed": 400,
    "cursor_malformed": 400,
    "envelope_too_large": 413,
    "hub_retired": 403,
    "hub_mismatch": 403,
    "function_unknown": 404,
    "agent_too_old": 426,
}


@dataclass(frozen=True)
class Trouble:
    """What may happen to one request, as probabilities; a seed has some of these and not the others."""

    refused: float = 0.0  # nobody listens
    lost: float = 0.0  # sent, and never arrives
    answer_lost: float = 0.0
    answer_cut: float = 0.0  # the connection ends within the answer
    answer_halved: float = 0.0  # a middle box ends the answer as if it were whole
    request_cut: float = 0.0  # a middle box hands on half a request
    silence: float = 0.0  # half open: worked off or not, no answer ever comes
    doubled: float = 0.0
    ghost: float = 0.0  # given up by the hub, worked off later, behind what was sent since
    slow: float = 0.0
    failing: float = 0.0  # 500 and the like, from a proxy or the gateway
    busy: float = 0.0  # 429 or 503 with Retry-After
    html: float = 0.0  # a captive portal
    nonsense: float = 0.0
    token_gone: float = 0.0  # another gateway, another key

    def scaled(self, factor: float) -> "Trouble":
        return replace(self, **{each.name: getattr(self, each.name) * factor for each in fields(self)})


NO_TROUBLE = Trouble()


def some_trouble(chance: random.Random) -> Trouble:
    """Swarm testing: a few kinds at a time find more than all of them at once."""
    kinds = [each.name for each in fields(Trouble)]
    return Trouble(**{kind: chance.choice([0.03, 0.1, 0.3]) for kind in kinds if chance.random() < 0.35})


@dataclass
class Age:
    """How the cloud's schema differs from the agent's: it may be older, or newer."""

    without: frozenset[str] = frozenset()
    is_newer: bool = False

    def tell(self, path: str, answer: dict[str, Any]) -> dict[str, Any]:
        told = {name: value for name, value in answer.items() if name not in self.without}
        if not self.is_newer:
            return told
        told |= {"colour_of_the_sky": "blue", "advice": [{"kind": "later"}]}
        if path == "hub_changes_v1":
            unknown = {"entity_type": "hologram", "id": "x", "version": 1, "deleted": False, "fields": {"a": 1}}
            told["changes"] = [unknown, *({**each, "shade": 3} for each in told.get("changes", []))]
        if path == "hub_ingest_v1":
            told["marks"] = {**told.get("marks", {}), "dreams": 0}
            told["definitions"] = [{**each, "mood": "fine"} for each in told.get("definitions", [])]
        return told


@dataclass
class Gateway:
    """What stands before the SQL functions: JSON, compression, tokens, statuses."""

    twin: CloudTwin
    age: Age = field(default_factory=Age)
    tokens: dict[str, float] = field(default_factory=dict)
    made: int = 0
    wants_newer: bool = False

    async def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            request = self._read(headers, body)
            answered = self.age.tell(path, await self._call(path, headers, request))
        except (CloudRefused, AgentTooOld) as err:
            status = STATUS_BY_CODE.get(err.code, 401 if "token" in err.code or "secret" in err.code else 400)
            return status, _error(str(err), err.code)
        except ClaimError as err:
            return 404, _error(str(err), "claim_code_unknown")
        return 200, orjson.dumps(answered)

    def _read(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        try:
            encoding = headers.get("content-encoding")
            text = gzip.decompress(body) if encoding == "gzip" else body
            request = orjson.loads(text)["request"]
        except (OSError, EOFError, ValueError, KeyError, TypeError) as err:
            raise CloudRefused("This is no request.", code="request_malformed") from err
        assert isinstance(request, dict)
        return request

    async def _call(self, path: str, headers: Mapping[str, str], request: dict[str, Any]) -> dict[str, Any]:
        twin = self.twin
        if path == "hub_claim_v1":
            return await twin.claim(request["claim_code"], request)
        if path == "hub_token_v1":
            return self._token(request)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) <= asyncio.get_running_loop().time():
            raise CloudRefused("This token is not good any more.", code="token_expired")
        if self.wants_newer:
            raise AgentTooOld("This agent is too old.", code="agent_too_old")
        if path == "hub_ingest_v1":
            return await twin.ingest_read(request)
        if path == "hub_changes_v1":
            return await twin.changes(request["cursor"], request["wait_s"])
        if path == "hub_reconcile_v1" and "reconcile" not in self.age.without:
            return await twin.reconcile(request)
        raise CloudRefused("There is no such function.", code="function_unknown")

    def _token(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["hub_id"] != self.twin.hub_id or request["secret"] != self.twin.secret:
            raise CloudRefused("Hub or secret are wrong.", code="secret_wrong")
        self.made += 1
        token = f"token-{self.made}"
        self.tokens[token] = asyncio.get_running_loop().time() + TOKEN_S
        return {"token": token, "expires_in_s": TOKEN_S}


@dataclass
class Reply:
    """What comes back, as the adapter reads it; `is_cut`: and then the connection breaks."""

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        yield self.content
        if self.is_cut:
            raise httpx.RemoteProtocolError("peer closed the connection before the answer was complete")


class Wire(httpx.AsyncBaseTransport):
    """One machine's connection, under the agent's own HTTP client or in its place. `step` may end the machine's life, before and after each request."""

    def __init__(
        self, gateway: Gateway, chance: random.Random, step: Callable[[], None], looked: Callable[[], None]
    ) -> None:
        self.gateway = gateway
        self.trouble = NO_TROUBLE
        self.is_cut = False
        self.requests = 0
        self._chance = chance
        self._step = step
        self._looked = looked
        self._ghosts: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        read_s = float((request.extensions.get("timeout") or {}).get("read") or 60.0)
        reply = await self.post(str(request.url), request.headers, body, read_s)
        if reply.is_cut:
            return httpx.Response(reply.status_code, headers=dict(reply.headers), stream=_Cut(reply))
        return httpx.Response(reply.status_code, headers=dict(reply.headers), content=reply.content)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, read_s: float) -> Reply:
        self._step()
        self.requests += 1
        reply = await self._carry(url.rsplit("/", 1)[-1], headers, body, read_s)
        self._step()
        return reply

    async def aclose(self) -> None:
        for ghost in self._ghosts:
            ghost.cancel()

    async def _carry(self, path: str, headers: Mapping[str, str], body: bytes, read_s: float) -> Reply:
        trouble = self.trouble
        if self.is_cut or self._strikes(trouble.refused):
            raise httpx.ConnectError("nobody listens")
        if self._strikes(trouble.slow):
            await asyncio.sleep(self._chance.random() * 20)
        if self._strikes(trouble.busy):
            return self._busy()
        if self._strikes(trouble.failing):
            return Reply(self._chance.choice([500, 502, 504]), HTML)
        if self._strikes(trouble.html):
            return Reply(200, HTML)
        if self._strikes(trouble.nonsense):
            return Reply(200, self._chance.choice(NONSENSE))
        if self._strikes(trouble.token_gone):
            self.gateway.tokens.clear()
        if self._strikes(trouble.request_cut):
            body = body[: self._chance.randrange(len(body))]
        if self._strikes(trouble.lost):
            await asyncio.sleep(read_s)
            raise httpx.ReadTimeout("no answer came")
        if self._strikes(trouble.ghost):
            self._haunt(path, headers, body)
            raise httpx.ReadError("the connection broke")
        if self._strikes(trouble.doubled):
            await self._work(path, headers, body)
        try:
            async with asyncio.timeout(read_s):
                status, content = await self._work(path, headers, body)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer came") from None
        return await self._back(status, content, read_s)

    async def _back(self, status: int, content: bytes, read_s: float) -> Reply:
        trouble = self.trouble
        if self.is_cut or self._strikes(trouble.answer_lost):
            raise httpx.ReadError("the connection broke")
        if self._strikes(trouble.silence):
            await asyncio.sleep(read_s)
            raise httpx.ReadTimeout("no answer came")
        if self._strikes(trouble.slow):
            await asyncio.sleep(self._chance.random() * 20)
        if self._strikes(trouble.answer_cut):
            return Reply(status, content[: self._chance.randrange(len(content))], is_cut=True)
        if self._strikes(trouble.answer_halved):
            return Reply(status, content[: self._chance.randrange(len(content))])
        return Reply(status, content)

    async def _work(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answered = await self.gateway.answer(path, headers, body)
        self._looked()
        return answered

    def _haunt(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        async def work() -> None:
            await asyncio.sleep(self._chance.random() * GHOST_S_MAX)
            await self._work(path, headers, body)

        if path != "hub_changes_v1":
            ghost = asyncio.ensure_future(work())
            self._ghosts.add(ghost)
            ghost.add_done_callback(self._ghosts.discard)

    def _busy(self) -> Reply:
        """In seconds: a date would be compared with the real clock."""
        status, code = self._chance.choice([(429, "too_many_tries"), (503, "database_away")])
        wait_s = self._chance.choice([1, 5, 60, 300])
        return Reply(status, _error("not now", code), {"retry-after": str(wait_s)})

    def _strikes(self, probability: float) -> bool:
        return probability > 0 and self._chance.random() < probability


class _Cut(httpx.AsyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._reply.aiter_bytes()


class WiredCloud(HttpCloud):
    """The agent's adapter without httpx between it and the wire, which takes two thirds of the time of a request."""

    def __init__(self, wire: Wire, **rest: Any) -> None:
        super().__init__("http://twin.local", transport=wire, **rest)
        self._wire = wire

    async def close(self) -> None:
        await self._wire.aclose()

    async def _opened(self) -> Any:
        return self

    @asynccontextmanager
    async def stream(self, _method: str, url: str, *, content: bytes, **rest: Any) -> AsyncIterator[Reply]:
        yield await self._wire.post(url, rest["headers"], content, rest["timeout"].read or 60.0)


def _error(message: str, details: str) -> bytes:
    return orjson.dumps({"code": "P0001", "message": message, "details": details, "hint": None})
