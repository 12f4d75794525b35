"""The application: API under /api/v1, described by OpenAPI, and the page that is its first user."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from hub_agent.errors import LinkError, NotFound, NotPossible, OperatingError, Outdated, PersonNeeded
from hub_agent.model.json import JsonObject
from hub_agent.ports import Door
from hub_agent.web.access import Access
from hub_agent.web.activity import seeing_activity
from hub_agent.web.alerts import alerts
from hub_agent.web.answers import OrjsonResponse, by_whom, scope_of
from hub_agent.web.automations import automations as automation_routes
from hub_agent.web.claiming import claiming
from hub_agent.web.compress import Compress
from hub_agent.web.definitions import doing_definitions, seeing_definitions
from hub_agent.web.description import describing
from hub_agent.web.diagnoses import doing_diagnoses, seeing_diagnoses
from hub_agent.web.editing import editing
from hub_agent.web.energy import energy
from hub_agent.web.events import MARK_MAX, EventStream
from hub_agent.web.forecasts import seeing_forecasts
from hub_agent.web.gate import Gate
from hub_agent.web.guard import Guard, fault
from hub_agent.web.letting_in import letting_in
from hub_agent.web.metrics import metrics
from hub_agent.web.own import own
from hub_agent.web.page_address import TlsOnly, certifying, told
from hub_agent.web.page_files import PageFiles, answer, page_files
from hub_agent.web.proxies import Networks, Proxied
from hub_agent.web.replaying import replay_answer
from hub_agent.web.routes import API, add, api_router
from hub_agent.web.safe_mode import safe_mode
from hub_agent.web.scopes import CONFIGURING_ACTIONS, Scope
from hub_agent.web.security import doing_security, seeing_security
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
    ForgetRequest,
    ForgotAnswer,
    HealthAnswer,
    ImportAnswer,
    ImportRequestBody,
    IssueAnswer,
    NoticeAnswer,
    RejectedAnswer,
    RepairAnswer,
    ReplayAnswer,
    ReplayRequest,
    RoomAnswer,
    RunAnswer,
    SceneAnswer,
    SetRequest,
    SyncAnswer,
    TraceAnswer,
    VerifiedAnswer,
    VerifyRequest,
)
from hub_agent.web.status_shapes import StatusAnswer
from hub_agent.web.tending import tending
from hub_agent.web.tls import Tls
from hub_agent.web.webhooks import Webhooks


def create_app(
    door: Door,
    access: Access,
    version: str,
    *,
    proxies: Networks = (),
    tls: Tls | None = None,
    is_plain: bool = True,
    now_s: Callable[[], float] = monotonic,
    files: PageFiles | None = None,
) -> FastAPI:
    """Same app for the network and the Unix socket (there wrapped by guard.trusted)."""
    app = FastAPI(
        title="nexa-hub",
        version=version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    files = files or PageFiles()
    add(
        app,
        (
            _seeing(door, lambda: told(tls, is_plain=is_plain)),
            _doing(door),
            automation_routes(door),
            editing(door),
            safe_mode(door),
            claiming(door),
            alerts(door),
            tending(door),
            own(door),
            energy(door),
            metrics(door),
            letting_in(door, access),
            _page(access, files),
            page_files(files),
            describing(app),
            certifying(tls),
        ),
    )
    app.add_middleware(Compress)
    if not is_plain:
        app.add_middleware(TlsOnly)
    app.add_middleware(Guard, access=access, refused=door.guarding.refused, now_s=now_s)
    app.add_middleware(Webhooks, door=door)
    app.add_middleware(Gate, door=door)
    app.add_middleware(Proxied, trusted=proxies)
    _speak_of_errors(app)
    return app


def _seeing(door: Door, page: Callable[[], JsonObject]) -> APIRouter:
    router = api_router("see")

    @router.get("/status", response_model=StatusAnswer)
    async def status() -> Response:
        """The agent, its broker, its cloud, and how much there is of everything."""
        return OrjsonResponse({**door.status(), "page": page()})

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

    @router.get("/scenes/{scene_id}", response_model=SceneAnswer)
    async def scene(scene_id: str) -> Response:
        return OrjsonResponse(_by_id(door.scenes(), scene_id, "scene"))

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
    seeing_diagnoses(door, router)
    seeing_security(door, router)
    seeing_forecasts(door, router)
    seeing_activity(door, router)

    @router.get("/events", response_class=EventStream, status_code=200)
    async def events(
        after: Annotated[str | None, Query(max_length=MARK_MAX)] = None,
        last_event_id: Annotated[str | None, Header(max_length=MARK_MAX)] = None,
    ) -> Response:
        """Live changes as server-sent events. It begins with `welcome`; with the id of the last event one had (as browsers send it by themselves, or `after`) what was missed comes next.
        After `resync` read everything anew. `alive` comes while nothing happens.
        """
        return EventStream(door.changes(last_event_id or after))

    return router


def _doing(door: Door) -> APIRouter:
    router = api_router("do")

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
        """Calls an action in the words of automations. Those that reach past the devices (mqtt, shell_command, rest_command) take the right to configure."""
        if body.action.strip().casefold().partition(".")[0] in CONFIGURING_ACTIONS and not scope_of(request).has(
            Scope.CONFIGURE
        ):
            return fault(403, "not_allowed", f"{body.action} takes the right to configure.")
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
    doing_diagnoses(door, router)
    doing_security(door, router)

    return router


def _page(access: Access, files: PageFiles) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page(request: Request) -> Response:
        return answer(files.find("page.html"), request)

    @router.get("/pair")
    async def pair_page(request: Request) -> Response:
        access.offer_first_code()
        return answer(files.find("pair.html"), request)

    @router.get("/live")
    async def live() -> Response:
        return OrjsonResponse(Alive().model_dump())

    return router


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    """The router knows those of the first route that fits only, and a path may have several."""

    def has(method: str) -> bool:
        asked = {**request.scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in app.routes)

    return [method for method in ("DELETE", "GET", "PATCH", "POST", "PUT") if has(method)]


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
        code = "changed_meanwhile" if isinstance(err, Outdated) else "not_possible"
        return fault(409, code, str(err), field=err.field)

    @app.exception_handler(PersonNeeded)
    async def person_needed(_request: Request, err: PersonNeeded) -> Response:
        return fault(
            409, "person_needed", str(err), needs={"kind": err.kind, "text": str(err), "fields": list(err.fields)}
        )

    @app.exception_handler(LinkError)
    async def not_reached(_request: Request, err: LinkError) -> Response:
        """What somebody named is not there, or is something else: asking again changes nothing by itself."""
        return fault(409, "not_reached", str(err))

    @app.exception_handler(OperatingError)
    async def operating(_request: Request, err: OperatingError) -> Response:
        return fault(503, "not_now", str(err))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, err: RequestValidationError) -> Response:
        words = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in err.errors()]
        return fault(422, "not_understood", "; ".join(words), f"The API is described at {API}/openapi.json")

    @app.exception_handler(HTTPException)
    async def http(request: Request, err: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(err.status_code, "refused")
        answer = fault(err.status_code, code, str(err.detail))
        answer.headers.update(err.headers or {})
        if err.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["allow"] = ", ".join(_methods_of(app, request))
        return answer

    @app.exception_handler(Exception)
    async def our_own(_request: Request, _err: Exception) -> Response:
        """Our fault: the server logs it with its traceback."""
        return fault(
            500, "internal", "Something went wrong in the hub itself.", "Its log says more: journalctl -u nexa-hub"
        )
