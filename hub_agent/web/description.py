"""The API in the words of OpenAPI: names, tags, who may, every error, and an example of each request and answer.

The document is made when somebody asks for it, on a thread, and kept as text: it would be a megabyte of objects otherwise.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from hub_agent.web.routes import in_full
from hub_agent.web.shapes import FaultAnswer

EXAMPLES: Final = Path(__file__).with_name("examples.json")
PATH: Final = "/api/v1/openapi.json"

DESCRIPTION: Final = """The home's own API; the hub's page and its command line use nothing else.

**Coming in.** A browser pairs once (`POST /api/v1/pair`, with the code that `nexa-hub pair` shows) and has a session by its cookie. Programs send a token: `Authorization: Bearer …`.
On the hub itself the Unix socket `/run/nexa-hub/nexa-hub.sock` needs neither.

**Names.** Where a path has `{name}` an id does as well; of devices and entities, scenes and automations either.

**Errors** all have one shape: `{"error": {"code", "message", "hint"}}`. The message says what is wrong, the hint what to do. `code` is for programs.

**Live.** `GET /api/v1/events` tells changes as they happen. What takes long (replays, diagnoses, comparing with the cloud) answers in lines, with its progress, to whoever accepts `application/x-ndjson`.
"""

TAGS: Final = {
    "see": "How the home is: devices, scenes, automations, their runs, issues, and why something did not happen.",
    "do": "What changes something in the home, and what takes long.",
    "edit": "Making and changing scenes and automations, and deciding what hub and cloud changed both.",
    "alerts": "What people were told of, and where messages go.",
    "hub": "The hub's own program.",
    "energy": "What the home and its devices use.",
    "access": "Coming in and leaving; sessions, tokens, and who may do what.",
    "activity": "What happened, and who did it.",
    "health": "How well the devices are, what healing did, and what owners declare.",
    "metrics": "Figures for Prometheus.",
}

# A status, and when it is answered.
FAULTS: Final[dict[int, str]] = {
    401: "No session, or no token.",
    403: "Not allowed: the session or token may not do this, the address is kept out, or the request comes from a foreign page.",
    404: "Nothing of that name.",
    409: "Not possible as things are; the message says why. With `person_needed`, `needs` says what to do or give.",
    413: "The request is larger than 256 kB.",
    421: "The hub does not go by the host name that was asked for.",
    422: "The request is understood, but not what the route takes; the message names the field.",
    429: "Too many requests; `retry-after` says how many seconds to wait.",
    500: "A fault of the hub's own; its log says more.",
    503: "Not now: the broker, the cloud or the mirror is away. The message says which.",
}
_OPEN: Final = "/api/v1/pair"
_FAULT: Final = {"$ref": "#/components/schemas/FaultAnswer"}
_PARAMETER: Final = re.compile(r"{(\w+)(?::path)?}")


def describing(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @cache
    def document() -> bytes:
        return orjson.dumps(described(app))

    @router.get(PATH)
    async def openapi() -> Response:
        return Response(await asyncio.to_thread(document), media_type="application/json")

    return router


def described(app: FastAPI) -> dict[str, Any]:
    body = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=in_full(app.routes),
        tags=[{"name": name, "description": words} for name, words in TAGS.items()],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = body.setdefault("components", {})
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "nexa_session", "description": "Of a paired browser."},
        "token": {"type": "http", "scheme": "bearer", "description": "A named token with scopes."},
    }
    # Here and not as `responses` of the routes, which would keep each of them many times in memory.
    fault = FaultAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    components.setdefault("schemas", {}).update(fault.pop("$defs", {}), FaultAnswer=fault)
    body["security"] = [{"session": []}, {"token": []}]
    examples = _examples()
    for path, method, operation in operations(body):
        _describe_faults(path, method, operation)
        _give_examples(path, operation, examples.get(operation["operationId"], {}))
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    return body


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method in small letters, operation) of each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _describe_faults(path: str, method: str, operation: dict[str, Any]) -> None:
    is_about_something = method != "get" or bool(operation.get("parameters"))
    left_out: set[int] = set()
    if path == _OPEN:
        operation["security"] = []
        left_out |= {401, 404, 409}
    if not is_about_something:
        left_out |= {404, 409, 422}
    if "requestBody" not in operation:
        left_out.add(413)
    own = {status: response for status, response in operation["responses"].items() if status.startswith("2")}
    for status, words in FAULTS.items():
        if status not in left_out:
            own[str(status)] = {"description": words, "content": {"application/json": {"schema": _FAULT}}}
    own["429"]["headers"] = {"retry-after": {"schema": {"type": "integer", "minimum": 1}}}
    operation["responses"] = own


def _give_examples(path: str, operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    given = dict(zip(_PARAMETER.findall(path), example.get("path", ()), strict=False))
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in given:
            parameter["example"] = given[parameter["name"]]
    if "request" in example and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example["request"]
    content = operation["responses"]["200"].get("content", {})
    if "answer" in example and "application/json" in content:
        content["application/json"]["example"] = example["answer"]


def _examples() -> dict[str, Any]:
    """By operation: {"path": values of the path's parameters, "request", "answer"}."""
    read: dict[str, Any] = orjson.loads(EXAMPLES.read_bytes())
    return read
