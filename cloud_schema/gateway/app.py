"""The routes: POST /rpc/<function>; GET /live (the process answers), /ready (calls would be answered) and /metrics (figures, for operators)."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from cloud_schema.gateway.admission import Admission, Load, too_many
from cloud_schema.gateway.asked import client_address, told_headers
from cloud_schema.gateway.bodies import RECEIVED_BYTES_MAX, STRANGERS_BYTES_MAX, read_request, receive, unpack
from cloud_schema.gateway.database import STATEMENTS, Database
from cloud_schema.gateway.metrics import Metrics
from cloud_schema.gateway.rates import Rate
from cloud_schema.gateway.refusal import Refused
from cloud_schema.gateway.tokens import Tokens
from cloud_schema.gateway.waiting import WAITERS_OF_A_HOME_MAX, Changes
from cloud_schema.queue.message import Waiting

if TYPE_CHECKING:
    from cloud_schema.queue.arrivals import Arrivals
    from cloud_schema.queue.servers import NatsServers

# What bodies of requests may be compressed with (RFC 9110, 12.5.3).
BODIES_TAKEN = {"Accept-Encoding": "zstd, gzip"}
WAIT_S_MAX = 25
# A notice can come while an older transaction still holds the change back: ask again this soon.
ASK_AGAIN_S = 0.5
CLAIM_TRIES = (10, 10.0)  # at once, a minute; an installer types one code, a guesser millions
# What may be called without a token; each has its rate.
FOR_STRANGERS = frozenset({"hub_claim_v1", "hub_token_v1"})
LOCAL = frozenset({"127.0.0.1", "::1"})
TOKEN_TRIES = (120, 120.0)  # many hubs may share an address


def create_app(dsn: str, jwt_secret: str, queue: "NatsServers | None" = None) -> FastAPI:
    """The gateway as an ASGI application. It starts without the database and the queue, and serves when they are there."""
    metrics, admission = Metrics(), Admission()
    gateway = Gateway(
        Database(dsn, admission, metrics),
        Changes(dsn),
        Tokens(jwt_secret),
        admission=admission,
        metrics=metrics,
        arrivals=_arrivals(queue),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        try:
            yield
        finally:
            await gateway.stop()

    app = FastAPI(title="NEXA gateway", lifespan=lifespan)

    @app.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/ready")
    async def ready() -> Response:
        try:
            await gateway.require_ready()
        except Refused as refused:
            return refused.as_response()
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def figures(request: Request) -> Response:
        try:
            gateway.require_operator(request)
        except Refused as refused:
            return refused.as_response()
        return PlainTextResponse(metrics.render(), media_type="text/plain; version=0.0.4")

    @app.post("/rpc/{function}")
    async def rpc(function: str, request: Request) -> Response:
        return await gateway.respond(function, request)

    return app


class Gateway:
    def __init__(
        self,
        database: Database,
        changes: Changes,
        tokens: Tokens,
        *,
        admission: Admission,
        metrics: Metrics,
        arrivals: "Arrivals | None" = None,
    ) -> None:
        self._arrivals = arrivals
        self._database = database
        self._changes = changes
        self._tokens = tokens
        self._admission = admission
        self._metrics = metrics
        metrics.watch("nexa_gateway_body_bytes", lambda: admission.bytes)
        metrics.watch("nexa_gateway_waiting_hubs", lambda: changes.count)
        self._rates = {"hub_claim_v1": Rate(*CLAIM_TRIES), "hub_token_v1": Rate(*TOKEN_TRIES)}

    async def start(self) -> None:
        await self._database.start()
        await self._changes.start()
        if self._arrivals is not None:
            self._arrivals.start()

    async def stop(self) -> None:
        if self._arrivals is not None:
            await self._arrivals.stop()
        await self._changes.stop()
        await self._database.stop()

    async def require_ready(self) -> None:
        await self._database.require_ready()

    def require_operator(self, request: Request) -> None:
        """The operator's token; or somebody on this very machine."""
        if client_address(request) in LOCAL:
            return
        if self._tokens.verify(request.headers.get("authorization"))["role"] != "service_role":
            raise Refused(403, "42501", "Figures are for operators.", "role_unknown")

    async def respond(self, function: str, request: Request) -> Response:
        begun = time.perf_counter()
        name = function if function in STATEMENTS else "unknown"
        try:
            with self._admission.carrying() as load:
                answer = await self._answer(function, request, load)
                response = Response(answer, media_type="application/json", headers=BODIES_TAKEN)
        except Refused as refused:
            response = refused.as_response()
            self._metrics.add("nexa_gateway_refused_total", details=_word(refused.body["details"]))
        self._metrics.add("nexa_gateway_received_bytes_total", load.received)
        self._metrics.add("nexa_gateway_unpacked_bytes_total", load.bytes - load.received)
        self._metrics.add("nexa_gateway_calls_total", function=name, status=str(response.status_code))
        if name != "hub_changes_v1":
            self._metrics.add("nexa_gateway_call_seconds_total", time.perf_counter() - begun, function=name)
        return response

    async def _answer(self, function: str, request: Request, load: Load) -> bytes:
        if function not in STATEMENTS:
            raise Refused(404, "PGRST202", f"There is no function {function!r} here.", "function_unknown")
        self._require_patience(function, request)
        claims = self._tokens.verify(request.headers.get("authorization"))
        if claims["role"] == "anon" and function not in FOR_STRANGERS:
            raise Refused(401, "42501", "This call needs a token.", "token_missing")
        load.belongs_to(_caller(claims, request))
        headers = told_headers(request)
        if function == "hub_ingest_v1" and self._arrivals is not None and claims["role"] == "hub":
            return await self._take(self._arrivals, claims, request, headers, load)
        bytes_max = STRANGERS_BYTES_MAX if claims["role"] == "anon" else RECEIVED_BYTES_MAX
        argument = await read_request(request, load, bytes_max)
        if function == "hub_token_v1":
            return self._with_token(await self._database.call(function, {"role": "anon"}, argument, headers))
        if function == "hub_changes_v1" and claims["role"] == "hub":
            return await self._wait_for_changes(claims, argument, headers)
        return await self._database.call(function, claims, argument, headers)

    async def _take(
        self, arrivals: "Arrivals", claims: Mapping[str, Any], request: Request, headers: Mapping[str, str], load: Load
    ) -> bytes:
        """Into the queue, if it looks right and may wait; everything else to the database, which knows the words for refusing."""
        received, encoding = await receive(request, load)
        argument = await unpack(received, encoding, load)
        hub_id = str(claims.get("hub_id"))
        if _may_wait(argument, hub_id) and arrivals.has_room_for(received):
            place = await arrivals.put(Waiting(claims, headers, received, encoding))
            now = datetime.now(UTC).isoformat()
            return orjson.dumps({"queued": {"place": place}, "marks": {}, "server_time": now})
        # Asked before the marks are read: what was written by then is in them.
        written = await arrivals.written(hub_id)
        answer = await self._database.call("hub_ingest_v1", claims, argument, headers)
        return answer if written is None else answer[:-1] + b', "written": %d}' % written

    def _require_patience(self, function: str, request: Request) -> None:
        rate = self._rates.get(function)
        if rate is None:
            return
        wait_s = rate.take(client_address(request))
        if wait_s > 0:
            raise Refused(
                429, "PT429", "Too many tries from this address.", "too_many_tries", retry_after_s=math.ceil(wait_s)
            )

    def _with_token(self, answer: bytes) -> bytes:
        grant = orjson.loads(answer)
        return orjson.dumps({**grant, "token": self._tokens.sign(grant), "token_type": "bearer"})

    async def _wait_for_changes(
        self, claims: Mapping[str, Any], argument: Mapping[str, Any], headers: Mapping[str, str]
    ) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _wait_s(argument.get("wait_s"))
        home_id = str(claims.get("home_id"))
        if self._changes.waiting(home_id) >= WAITERS_OF_A_HOME_MAX:
            raise too_many(f"This hub has {WAITERS_OF_A_HOME_MAX} questions held open.")
        event = self._changes.arm(home_id)
        if event is None:
            return await self._database.call("hub_changes_v1", claims, argument, headers)
        try:
            while True:
                was_woken = event.is_set()
                event.clear()
                answer = await self._database.call("hub_changes_v1", claims, argument, headers)
                left_s = deadline - loop.time()
                if left_s <= 0 or _says_something(answer, argument.get("cursor")):
                    return answer
                await self._changes.sleep(event, min(left_s, ASK_AGAIN_S) if was_woken else left_s)
                if not was_woken and not event.is_set() and self._changes.is_listening and loop.time() >= deadline:
                    return answer
        finally:
            self._changes.disarm(home_id, event)


def _caller(claims: Mapping[str, Any], request: Request) -> str:
    """Whose share of the memory it is: a hub's, a person's; for whoever has no token, that of the address."""
    named = claims.get("hub_id") if claims["role"] == "hub" else claims.get("sub")
    return f"{claims['role']} {client_address(request) if named is None else named}"


def _arrivals(queue: "NatsServers | None") -> "Arrivals | None":
    """Loaded only where there is a queue: its library is an extra."""
    if queue is None:
        return None
    from cloud_schema.queue.arrivals import Arrivals

    return Arrivals(queue)


def _may_wait(envelope: Mapping[str, Any], hub_id: str) -> bool:
    """Records of the live lane and nothing else, of the hub that sends them."""
    streams = envelope.get("streams")
    rest = ("definitions", "present", "cases", "gaps", "commands_done")
    return (
        envelope.get("may_wait") is True
        and envelope.get("hub_id") == hub_id
        and isinstance(streams, dict)
        and bool(streams)
        and all(isinstance(body, dict) and body.get("lane", "live") == "live" for body in streams.values())
        and not any(envelope.get(part) for part in rest)
    )


def _says_something(answer: bytes, cursor: object) -> bool:
    document = orjson.loads(answer)
    return bool(document["changes"] or document["commands"] or document["more"]) or document["cursor"] != cursor


def _word(details: str | None) -> str:
    """The words that callers are told are ours, but the database's may hold anything."""
    return details if details is not None and details.replace("_", "").isalpha() and len(details) <= 40 else "other"


def _wait_s(asked: object) -> float:
    if isinstance(asked, bool) or not isinstance(asked, (int, float)):
        return 0.0
    return min(max(float(asked), 0.0), WAIT_S_MAX)
