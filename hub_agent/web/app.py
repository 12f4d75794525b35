"""The application: API under /api/v1, described by OpenAPI, and the page that is its first user."""

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from hub_agent.errors import NotFound, NotPossible, OperatingError, PersonNeeded
from hub_agent.model.json import JsonObject
from hub_agent.ports import Door
from hub_agent.web.access import SESSION_COOKIE, SESSION_LIFETIME, Access, PairingRefused
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.definitions import doing_definitions, seeing_definitions
from hub_agent.web.editing import editing
from hub_agent.web.events import EventStream
from hub_agent.web.guard import Guard, fault
from hub_agent.web.replaying import replay_answer
from hub_agent.web.shapes import (
    ActivationAnswer,
    AddRequest,
    Alive,
    AutomationAnswer,
    CallAnswer,
    CallRequestBody,
    DeviceAnswer,
    DeviceChange,
    DiscoveredAnswer,
    ExplanationAnswer,
    FaultAnswer,
    ForgetRequest,
    ForgotAnswer,
    HealthAnswer,
    ImportAnswer,
    ImportRequestBody,
    IssueAnswer,
    NoticeAnswer,
    PairAnswer,
    PairRequest,
    RejectedAnswer,
    RepairAnswer,
    ReplayAnswer,
    ReplayRequest,
    RoomAnswer,
    RunAnswer,
    SceneAnswer,
    SetRequest,
    StatusAnswer,
    SyncAnswer,
    TraceAnswer,
    VerifiedAnswer,
    VerifyRequest,
)
from hub_agent.web.webhooks import Webhooks

STATIC = Path(__file__).parent / "static"
API = "/api/v1"

_FAULTS: dict[int | str, dict[str, object]] = {
    status: {"model": FaultAnswer, "description": words}
    for status, words in (
        (401, "Not paired"),
        (404, "Nothing of that name"),
        (409, "The device cannot do that"),
        (413, "The request is too large"),
        (422, "The request is not understood"),
        (503, "Not now: the words say why"),
    )
}

_PAIRING_FAULTS: dict[int | str, dict[str, object]] = {
    403: {"model": FaultAnswer, "description": "Not the code"},
    429: {"model": FaultAnswer, "description": "Too many tries"},
}


class _StrictRequest(Request):
    """JSON without NaN, lone surrogates and bottomless nesting, none of which the mirror could keep."""

    async def json(self) -> Any:
        return orjson.loads(await self.body())


class _StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


def create_app(door: Door, access: Access, version: str) -> FastAPI:
    """Same app for the network and the Unix socket (there wrapped by guard.trusted)."""
    app = FastAPI(
        title="nexa-hub",
        version=version,
        description="The home's own API. Pair once (POST /api/v1/pair), then the session cookie opens the rest.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        default_response_class=OrjsonResponse,
        responses=_FAULTS,
    )
    app.include_router(_seeing(door), prefix=API, tags=["see"])
    app.include_router(_doing(door), prefix=API, tags=["do"])
    app.include_router(editing(door, _StrictRoute), prefix=API, tags=["edit"])
    app.include_router(_pairing(access), prefix=API, tags=["pair"])
    app.include_router(_page(access))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Guard, access=access)
    app.add_middleware(Webhooks, door=door)
    _speak_of_errors(app)
    return app


def _seeing(door: Door) -> APIRouter:
    router = APIRouter()

    @router.get("/status", response_model=StatusAnswer)
    async def status() -> Response:
        """The agent, its broker, its cloud, and how much there is of everything."""
        return OrjsonResponse(door.status())

    @router.get("/rooms", response_model=list[RoomAnswer])
    async def rooms() -> Response:
        return OrjsonResponse(door.rooms())

    @router.get("/discovered", response_model=list[DiscoveredAnswer])
    async def discovered() -> Response:
        """What was met on the network, what waits for a person first."""
        return OrjsonResponse(door.discovered())

    @router.get("/devices", response_model=list[DeviceAnswer])
    async def devices() -> Response:
        """Every device with its entities and their states."""
        return OrjsonResponse(door.devices())

    @router.get("/devices/{device_id}", response_model=DeviceAnswer)
    async def device(device_id: str) -> Response:
        return OrjsonResponse(_by_id(door.devices(), device_id, "device"))

    @router.get("/scenes", response_model=list[SceneAnswer])
    async def scenes() -> Response:
        return OrjsonResponse(door.scenes())

    @router.get("/automations", response_model=list[AutomationAnswer])
    async def automations() -> Response:
        return OrjsonResponse(door.automations())

    @router.get("/automations/{name:path}/explanation", response_model=ExplanationAnswer)
    async def explain(name: str, at: Annotated[str | None, Query(max_length=40)] = None) -> Response:
        """Why an automation did not run: by id, entity id or name; now, or at a time such as 07:30."""
        return OrjsonResponse(await door.explain(name, at))

    @router.get("/automations/health", response_model=list[HealthAnswer])
    async def health_of_all() -> Response:
        """Every automation that cannot do all that it is for, the worst first."""
        return OrjsonResponse(door.health_of_all())

    @router.get("/automations/{name:path}/health", response_model=HealthAnswer)
    async def health(name: str) -> Response:
        """Whether an automation can still do what it is for, and what would help."""
        return OrjsonResponse(door.health(name))

    @router.get("/automations/{name:path}/replay", response_model=ReplayAnswer)
    async def replay_known(
        name: str,
        request: Request,
        since: Annotated[str, Query(max_length=40)] = "7d",
        until: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """When an automation would have run over the recorded past, next to what it did.
        May take a minute; see /replay for how to follow it.
        """
        return await replay_answer(door.replay(name, since, until), request)

    @router.get("/runs", response_model=list[RunAnswer])
    async def runs(
        automation_id: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 20,
    ) -> Response:
        """The latest runs of automations, newest first."""
        return OrjsonResponse(await door.runs(automation_id, limit))

    @router.get("/runs/{run_id}", response_model=TraceAnswer)
    async def trace(run_id: str) -> Response:
        """The story of a run: its trigger, each condition with the values it saw, each step with its time and result."""
        return OrjsonResponse(await door.trace(run_id))

    @router.get("/issues", response_model=list[IssueAnswer])
    async def issues() -> Response:
        """Everything that is wrong now."""
        return OrjsonResponse(door.issues())

    @router.get("/notices", response_model=list[NoticeAnswer])
    async def notices() -> Response:
        """What rules said to people, newest first. Dismissed by calling persistent_notification.dismiss."""
        return OrjsonResponse(door.notices())

    @router.get("/sync", response_model=SyncAnswer)
    async def sync() -> Response:
        """The link to the cloud: what is waiting, what was acknowledged when."""
        return OrjsonResponse(door.sync_status())

    @router.post("/sync/verify", response_model=VerifiedAnswer)
    async def verify(body: VerifyRequest, request: Request) -> Response:
        """Compares what hub and cloud hold, and sends again what the cloud lost. May take minutes: whoever accepts
        application/x-ndjson gets {"progress": 0.4} now and then, at last {"verified": {...}} or {"error": {...}}.
        """
        return await replay_answer(door.verify(body.days, body.stream), request, name="verified")

    @router.get("/rejected", response_model=list[RejectedAnswer])
    async def rejected() -> Response:
        """Messages that no driver understood."""
        return OrjsonResponse(door.rejected())

    seeing_definitions(door, router)

    @router.get("/events", response_class=EventStream, status_code=200)
    async def events() -> Response:
        """Live changes as server-sent events. After `resync` read everything anew."""
        return EventStream(door.changes())

    return router


def _doing(door: Door) -> APIRouter:
    router = APIRouter(route_class=_StrictRoute)

    @router.post("/discovered/add", response_model=DiscoveredAnswer)
    async def add_discovered(body: AddRequest, request: Request) -> Response:
        """Takes up something that was discovered, or that is at an address, with what it needs. 409 says what is missing."""
        return OrjsonResponse(await door.add_discovered(body.what, body.given, by_whom(request)))

    @router.post("/discovered/forget", response_model=ForgotAnswer)
    async def forget_discovered(body: ForgetRequest, request: Request) -> Response:
        """Ends the connection to it and deletes its secrets."""
        await door.forget_discovered(body.what, is_ignored=body.is_ignored, by=by_whom(request))
        return OrjsonResponse({"forgotten": True})

    @router.patch("/devices/{device_id}", response_model=DeviceAnswer)
    async def edit_device(device_id: str, change: DeviceChange, request: Request) -> Response:
        """Names a device, or puts it into a room."""
        return OrjsonResponse(await door.edit_device(device_id, change.name, change.room_id, by_whom(request)))

    @router.post("/devices/{name}/set", response_model=CallAnswer)
    async def set_device(name: str, wanted: SetRequest, request: Request) -> Response:
        """Sets capabilities of a device or entity, by id or name. Answers when the device has."""
        return OrjsonResponse(await door.set_device(name, wanted.values, by_whom(request)))

    @router.post("/scenes/{name}/activate", response_model=ActivationAnswer)
    async def activate(name: str, request: Request) -> Response:
        """By id or name. Answers when every device has answered, or could not be reached."""
        return OrjsonResponse(await door.activate_scene(name, by_whom(request)))

    @router.post("/automations/{name:path}/repair", response_model=RepairAnswer)
    async def repair(name: str, request: Request) -> Response:
        """Carries out the fixes of an automation that are automatic: names that were changed are put right."""
        return OrjsonResponse(await door.repair(name, by_whom(request)))

    @router.post("/call", response_model=CallAnswer)
    async def call(body: CallRequestBody, request: Request) -> Response:
        """Calls an action in the words of automations."""
        return OrjsonResponse(await door.call(body.action, body.target, body.data, by_whom(request)))

    @router.post("/replay", response_model=ReplayAnswer)
    async def replay(body: ReplayRequest, request: Request) -> Response:
        """Tries a rule that is not the home's yet on the recorded past. With `accept: application/x-ndjson` the answer comes in lines:
        {"progress": 0.4} now and then, at last {"replay": {...}} or {"error": {...}}.
        """
        given: JsonObject = {"fields": body.fields, "scripts": body.scripts}
        return await replay_answer(door.replay(given, body.since, body.until), request)

    @router.post("/definitions/import", response_model=ImportAnswer)
    async def import_definitions(body: ImportRequestBody, request: Request) -> Response:
        """Takes in automations, scripts and scenes from elsewhere. What was imported before under the same key is renewed."""
        given = [each.model_dump() for each in body.definitions]
        return OrjsonResponse(await door.import_definitions(given, by_whom(request)))

    doing_definitions(door, router, by_whom)

    return router


def _pairing(access: Access) -> APIRouter:
    router = APIRouter(route_class=_StrictRoute)

    @router.post("/pair", response_model=PairAnswer, responses=_PAIRING_FAULTS)
    async def pair(body: PairRequest, request: Request) -> Response:
        """Turns the code on the hub's console into a session."""
        try:
            cookie = access.pair(body.code, body.name)
        except PairingRefused as err:
            return fault(
                429 if err.retry_after_s else 403, "pairing_refused", str(err), retry_after_s=err.retry_after_s
            )
        response = OrjsonResponse({"paired": True})
        response.set_cookie(
            SESSION_COOKIE,
            cookie,
            max_age=int(SESSION_LIFETIME.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    @router.get("/pairing", include_in_schema=False)
    async def pairing(request: Request) -> Response:
        """The code, for whoever may open the Unix socket."""
        if not request.scope.get("nexa_local"):
            return fault(403, "local_only", "The code is told on the hub itself only: nexa-hub pair")
        return OrjsonResponse({"code": access.offer_code()})

    @router.post("/leave", response_model=PairAnswer)
    async def leave(request: Request) -> Response:
        """Ends this browser's session."""
        access.forget(request.cookies.get(SESSION_COOKIE, ""))
        response = OrjsonResponse({"paired": False})
        response.delete_cookie(SESSION_COOKIE)
        return response

    return router


def _page(access: Access) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> Response:
        return FileResponse(STATIC / "page.html", headers={"cache-control": "no-cache"})

    @router.get("/pair")
    async def pair_page() -> Response:
        access.offer_code()
        return FileResponse(STATIC / "pair.html", headers={"cache-control": "no-cache"})

    @router.get("/live")
    async def live() -> Alive:
        return Alive()

    return router


def _by_id(things: Sequence[JsonObject], wanted: str, kind: str) -> JsonObject:
    found = next((thing for thing in things if thing.get("id") == wanted), None)
    if found is None:
        raise NotFound(f"There is no {kind} '{wanted}'.")
    return found


def _speak_of_errors(app: FastAPI) -> None:
    @app.exception_handler(NotFound)
    async def not_found(_request: Request, err: NotFound) -> Response:
        return fault(404, "not_found", str(err), field=err.field)

    @app.exception_handler(NotPossible)
    async def not_possible(_request: Request, err: NotPossible) -> Response:
        return fault(409, "not_possible", str(err), field=err.field)

    @app.exception_handler(PersonNeeded)
    async def person_needed(_request: Request, err: PersonNeeded) -> Response:
        return fault(
            409, "person_needed", str(err), needs={"kind": err.kind, "text": str(err), "fields": list(err.fields)}
        )

    @app.exception_handler(OperatingError)
    async def operating(_request: Request, err: OperatingError) -> Response:
        return fault(503, "not_now", str(err))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, err: RequestValidationError) -> Response:
        words = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in err.errors()]
        return fault(422, "not_understood", "; ".join(words), f"The API is described at {API}/openapi.json")

    @app.exception_handler(HTTPException)
    async def http(_request: Request, err: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(err.status_code, "refused")
        return fault(err.status_code, code, str(err.detail))

    @app.exception_handler(Exception)
    async def our_own(_request: Request, _err: Exception) -> Response:
        """Our fault: the server logs it with its traceback."""
        return fault(
            500, "internal", "Something went wrong in the hub itself.", "Its log says more: journalctl -u nexa-hub"
        )
