"""The API's description: every route is named, told, exemplified, and its examples are as its own schemas say.

NEXA_SNAPSHOTS=write lets this file write the examples of routes anew, from what the little home answers.
"""

import os
import re
from typing import Any

import jsonschema
import orjson
import pytest

from hub_agent.web.description import EXAMPLES, TAGS, described, operations
from tests.fakes.door import AT, LAMP
from tests.unit.web.test_api import DO, READ

HOW = "no example: NEXA_SNAPSHOTS=write .venv/bin/pytest tests/unit/web/test_description.py -k written"
LIST_MAX, TEXT_MAX = 2, 400
PAIRED = {"path": [], "request": {"code": "123456", "name": "Kitchen tablet"}, "answer": {"paired": True}}


@pytest.fixture
def document(app) -> dict[str, Any]:
    return described(app)


def found(document, method: str, template: str) -> dict[str, Any]:
    return document["paths"][f"/api/v1{template}"][method.lower()]


def shortened(body: Any) -> Any:
    match body:
        case dict():
            return {name: shortened(each) for name, each in list(body.items())[:40]}
        case list():
            return [shortened(each) for each in body[:LIST_MAX]]
        case str():
            return body[:TEXT_MAX]
        case _:
            return body


def in_path(template: str, path: str) -> list[str]:
    pattern = re.sub(r"{\w+}", "(.+)", template)
    matched = re.fullmatch(pattern, path.partition("?")[0])
    assert matched, (template, path)
    return list(matched.groups())


@pytest.mark.skipif(
    os.environ.get("NEXA_SNAPSHOTS") != "write", reason="writes files; NEXA_SNAPSHOTS=write wants it to"
)
async def test_examples_are_written(page, local, door, document) -> None:
    told = {"severity": "warning", "title": "Silent", "text": "It is silent.", "subject": LAMP, "since": AT}
    door.issues_now = [{"code": "device_silent", **told}]
    door.notices_now = [{"id": "n", "title": "", "message": "Done", "created_at": AT, "source": "automation"}]
    seen = {"dialect": "zigbee2mqtt", "topic": "zigbee2mqtt/x", "code": "not_json", "reason": "it is no JSON"}
    door.rejected_now = [{**seen, "count": 3, "last_at": AT}]
    taken = {"path": [], "request": {"passphrase": "correct horse battery staple"}}
    examples = {"pair": PAIRED, "take_backup": taken}
    for path, template in READ:
        answer = await local.get(f"/api/v1{path}")
        operation = found(document, "GET", template)["operationId"]
        examples[operation] = {"path": in_path(template, path), "answer": shortened(answer.json())}
    for method, path, template, body in DO:
        answer = await local.request(method, f"/api/v1{path}", json=body)
        operation = found(document, method, template)["operationId"]
        request = {"request": body} if body else {}
        examples[operation] = {"path": in_path(template, path), **request, "answer": shortened(answer.json())}
    examples["offer_code"]["answer"]["code"] = PAIRED["request"]["code"]
    token = next(each for each in examples.values() if "token" in (each.get("answer") or {}))
    token["answer"]["token"] = "nexa_" + "abc123" * 7  # no real one, not even one of a test
    EXAMPLES.write_bytes(orjson.dumps(examples, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def test_every_route_has_examples_that_are_as_its_schemas_say(document) -> None:
    for path, method, operation in operations(document):
        bodies = [operation.get("requestBody"), operation["responses"]["200"]]
        for content in [body["content"].get("application/json") for body in bodies if body and "content" in body]:
            if content is not None:
                assert "example" in content, f"{method} {path}: {HOW}"
                jsonschema.validate(content["example"], {**content["schema"], "components": document["components"]})


def test_no_example_is_of_a_route_that_is_gone(document) -> None:
    known = {operation["operationId"] for _, _, operation in operations(document)}
    assert set(orjson.loads(EXAMPLES.read_bytes())) <= known


def test_every_route_has_a_name_of_its_own_words_and_a_told_tag(document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), operation["operationId"]
        assert operation.get("description") or operation.get("summary"), (
            f"{method} {path}: its function wants a docstring"
        )
        assert set(operation["tags"]) <= set(TAGS), f"{method} {path}: TAGS in description.py says nothing of its tag"


def test_every_route_says_who_may_and_what_errors_look_like(document) -> None:
    assert set(document["components"]["securitySchemes"]) == {"session", "token"}
    for path, _, operation in operations(document):
        is_open = path == "/api/v1/pair"
        assert operation.get("security", document["security"]) == ([] if is_open else document["security"])
        faults = {status: each for status, each in operation["responses"].items() if status >= "400"}
        assert set(faults) >= {"403", "421", "429", "500", "503"} | (set() if is_open else {"401"})
        for each in faults.values():
            assert each["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/FaultAnswer"


def test_every_reference_leads_somewhere_and_fastapis_own_errors_are_not_told(document) -> None:
    text = orjson.dumps(document).decode()
    schemas = document["components"]["schemas"]
    assert {each.rpartition("/")[2] for each in re.findall(r'"\$ref":"([^"]+)"', text)} <= set(schemas)
    assert "HTTPValidationError" not in schemas


async def test_whoever_was_let_in_reads_it_and_nobody_else(page, app, access, fault) -> None:
    answer = await page.get("/api/v1/openapi.json")
    assert answer.json() == described(app)
    page.cookies.clear()
    fault(await page.get("/api/v1/openapi.json"), 401, "not_paired")


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PATCH", "/automations/Hall", {"pause_until": 0}),
        ("PATCH", "/automations/Hall", {"is_enabled": 1}),
        ("PATCH", "/health/wishes", {"devices_per_hour": False}),
        ("POST", "/sync/verify", {"days": "8"}),
        ("POST", "/sync/verify", {"days": 8, "unknown": 1}),
        ("POST", "/alerts/0a1b2c3d", {"answer": "acknowledge", "unknown": 1}),
        ("POST", "/discovered/forget", {"what": "x", "is_ignored": "yes"}),
    ],
)
async def test_nothing_is_taken_for_something_else(page, fault, method, path, body) -> None:
    fault(await page.request(method, f"/api/v1{path}", json=body), 422, "not_understood")


@pytest.mark.parametrize("path", ["/sync/verify", "/diagnoses", "/scenes", "/pair"])
async def test_what_is_no_text_is_not_understood_anywhere(page, fault, path) -> None:
    headers = {"content-type": "application/json"}
    fault(await page.post(f"/api/v1{path}", content=b"<\xb2^\x16\xff", headers=headers), 422, "not_understood")


@pytest.mark.parametrize(
    "path, methods",
    [
        ("/rooms", "GET"),
        ("/scenes", "GET, POST"),
        ("/scenes/Late", "DELETE, GET, PATCH"),
        ("/health/wishes", "GET, PATCH"),
    ],
)
async def test_a_method_that_is_not_there_is_answered_with_those_that_are(page, path, methods) -> None:
    answer = await page.request("TRACE", f"/api/v1{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


async def test_a_whole_number_may_be_written_as_json_writes_numbers(page) -> None:
    assert (await page.post("/api/v1/sync/verify", json={"days": 8.0})).status_code == 200
