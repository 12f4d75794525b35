"""The API, route by route: what it answers is what its OpenAPI document says, and every error has one shape."""

import jsonschema
import pytest

from hub_agent.errors import BrokerUnavailable
from tests.fakes.door import AT, BLIND, DARK, KITCHEN, LAMP, MOVIE, RULE, RUN
from tests.fakes.tending import QUESTION

READ = [
    ("/discovered", "/discovered"),
    ("/status", "/status"),
    ("/rooms", "/rooms"),
    ("/devices", "/devices"),
    (f"/devices/{LAMP}", "/devices/{device_id}"),
    ("/scenes", "/scenes"),
    (f"/scenes/{MOVIE}", "/scenes/{scene_id}"),
    ("/access", "/access"),
    ("/access/me", "/access/me"),
    ("/automations", "/automations"),
    (f"/automations/{RULE}/explanation?at=07:30", "/automations/{name}/explanation"),
    ("/automations/health", "/automations/health"),
    ("/automations/Broken/health", "/automations/{name}/health"),
    (f"/automations/{RULE}/replay?since=7d", "/automations/{name}/replay"),
    (f"/automations/{RULE}/definition", "/automations/{name}/definition"),
    ("/definitions/device_group", "/definitions/{kind}"),
    ("/definitions/device_group/Corner", "/definitions/{kind}/{name}"),
    ("/definitions/device_group/Corner/history", "/definitions/{kind}/{name}/history"),
    ("/health", "/health"),
    ("/health/history?limit=5", "/health/history"),
    ("/health/rates", "/health/rates"),
    ("/health/wishes", "/health/wishes"),
    (f"/health/devices/{LAMP}", "/health/devices/{name}"),
    ("/health/devices/Blind/plan?symptom=device_silent", "/health/devices/{name}/plan"),
    ("/health/devices/Blind/wishes", "/health/devices/{name}/wishes"),
    ("/runs", "/runs"),
    (f"/runs/{RUN}", "/runs/{run_id}"),
    ("/issues", "/issues"),
    ("/notices", "/notices"),
    ("/alerts", "/alerts"),
    ("/alerts/rules", "/alerts/rules"),
    ("/alerts/channels", "/alerts/channels"),
    ("/sync", "/sync"),
    ("/rejected", "/rejected"),
    ("/sync/conflicts", "/sync/conflicts"),
    ("/sync/lost", "/sync/lost"),
    ("/diagnoses", "/diagnoses"),
    ("/security", "/security"),
    ("/forecasts", "/forecasts"),
    ("/activity", "/activity"),
    ("/activity?kind=command&who=person&device=d1&limit=1&before=99&after=1", "/activity"),
    ("/home", "/home"),
    ("/backups", "/backups"),
    ("/settings", "/settings"),
    ("/energy", "/energy"),
    ("/energy?period=year&day=2026-05-01", "/energy"),
]
DO = [
    ("PATCH", f"/devices/{LAMP}", "/devices/{device_id}", {"name": "Big Lamp", "room_id": KITCHEN}),
    ("POST", "/devices/light.living_room_lamp/set", "/devices/{name}/set", {"values": {"on": True, "brightness": 40}}),
    ("POST", "/scenes/Movie night/activate", "/scenes/{name}/activate", {}),
    ("POST", "/automations/Broken/repair", "/automations/{name}/repair", {}),
    ("POST", "/call", "/call", {"action": "light.turn_on", "target": ["light.living_room_lamp"]}),
    (
        "POST",
        "/definitions/import",
        "/definitions/import",
        {"definitions": [{"kind": "automation", "key": "automation/1", "fields": {"name": "Hall"}}]},
    ),
    ("POST", "/alerts/0a1b2c3d", "/alerts/{alert_id}", {"answer": "acknowledge"}),
    ("POST", "/alerts/channels/phone/test", "/alerts/channels/{name}/test", {}),
    ("POST", "/sync/conflicts/Evening/decide", "/sync/conflicts/{name}/decide", {"side": "hub"}),
    ("POST", "/sync/lost/abc", "/sync/lost/{lost_id}", {"put_back": True}),
    ("POST", "/scenes", "/scenes", {"name": "Late", "desired": {"light.living_room_lamp": "now"}}),
    ("PATCH", "/scenes/Movie night", "/scenes/{name}", {"name": "Film", "desired": {"light.x": {"state": "on"}}}),
    ("DELETE", "/scenes/Movie night", "/scenes/{name}", {}),
    ("PATCH", f"/automations/{RULE}", "/automations/{name}", {"is_enabled": False}),
    ("POST", "/automations/check", "/automations/check", {"text": "alias: Hall\nactions: []", "replaces": RULE}),
    ("POST", "/automations", "/automations", {"fields": {"name": "Late", "actions": [{"delay": 1}]}}),
    ("PUT", f"/automations/{RULE}", "/automations/{name}", {"text": "alias: Hall\nactions: []"}),
    ("POST", f"/automations/{RULE}/run", "/automations/{name}/run", {"with_conditions": True}),
    ("DELETE", "/automations/Broken", "/automations/{name}", {}),
    ("POST", "/sync/claim", "/sync/claim", {"code": "K7QX-2MPD"}),
    ("POST", "/sync/verify", "/sync/verify", {"days": 2, "stream": "device_states"}),
    ("POST", "/definitions/device_group/Corner/undo", "/definitions/{kind}/{name}/undo", {"entry": 7}),
    ("POST", "/replay", "/replay", {"fields": {"name": "Hall", "actions": []}, "since": "36h"}),
    ("POST", "/discovered/add", "/discovered/add", {"what": "homekit/aa", "given": {"code": "031-45-154"}}),
    ("POST", "/discovered/forget", "/discovered/forget", {"what": "Desk strip"}),
    ("POST", "/diagnoses", "/diagnoses", {"device": "Lamp"}),
    ("POST", "/security/scan", "/security/scan", {}),
    ("PATCH", "/home", "/home", {"name": "Cabin", "latitude": 60.1, "longitude": 18.5}),
    ("POST", "/backups", "/backups", {}),
    ("POST", "/restart", "/restart", {}),
    ("PUT", "/energy/devices/Roof", "/energy/devices/{name}", {"role": "grid"}),
    ("POST", f"/health/answers/{QUESTION}", "/health/answers/{execution_id}", {"is_approved": True}),
    ("POST", "/health/devices/Blind/try", "/health/devices/{name}/try", {"remedy": "ask_state"}),
    ("PATCH", "/health/wishes", "/health/wishes", {"risk": "low", "quiet_hours": {"from": "23:00", "to": "06:30"}}),
    ("PATCH", "/health/devices/Blind/wishes", "/health/devices/{name}/wishes", {"powered_by": "Fridge Plug"}),
    ("POST", "/safe-mode/leave", "/safe-mode/leave", {}),
    ("POST", "/access/codes", "/access/codes", {"scope": "control", "name": "Hall tablet"}),
    ("POST", "/access/tokens", "/access/tokens", {"name": "Hall button", "scope": "control"}),
    ("DELETE", "/access/Kitchen tablet", "/access/{name}", {}),
    ("POST", "/leave", "/leave", {}),
]


def check(document, path, method, answer) -> None:
    content = document["paths"][f"/api/v1{path}"][method.lower()]["responses"][str(answer.status_code)]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    jsonschema.validate(answer.json(), schema)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path, template", READ)
async def test_what_is_read_has_the_documented_shape(page, door, path, template) -> None:
    door.issues_now = [
        {
            "code": "device_silent",
            "severity": "warning",
            "title": "Silent",
            "text": "It is silent.",
            "subject": LAMP,
            "since": AT,
        }
    ]
    door.notices_now = [{"id": "n", "title": "", "message": "Done", "created_at": AT, "source": "automation"}]
    door.rejected_now = [
        {"dialect": "zigbee2mqtt", "topic": "z/x", "code": "not_json", "reason": "no JSON", "count": 3, "last_at": AT}
    ]
    document = (await page.get("/api/v1/openapi.json")).json()
    answer = await page.get(f"/api/v1{path}")
    assert answer.status_code == 200
    check(document, template, "GET", answer)


@pytest.mark.parametrize("method, path, template, body", DO)
async def test_what_is_done_is_answered_in_the_documented_shape(page, method, path, template, body) -> None:
    document = (await page.get("/api/v1/openapi.json")).json()
    answer = await page.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == 200
    check(document, template, method, answer)


async def test_every_documented_route_is_tried_here(page) -> None:
    document = (await page.get("/api/v1/openapi.json")).json()
    tried = {("get", template) for _, template in READ} | {(method.lower(), template) for method, _, template, _ in DO}
    elsewhere = {
        ("post", "/pair"),
        ("get", "/events"),
        ("get", "/metrics"),
        ("get", "/diagnostics"),
        ("post", "/backups/download"),
        ("get", "/access"),
        ("get", "/access/me"),
        ("post", "/access/codes"),
        ("post", "/access/tokens"),
        ("delete", "/access/{name}"),
        ("get", "/scenes/{scene_id}"),
        ("post", "/safe-mode/leave"),
    }
    documented = {
        (method, path.removeprefix("/api/v1")) for path, routes in document["paths"].items() for method in routes
    }
    assert documented == tried | elsewhere


async def test_whoever_asks_is_known_to_the_home(page, local, door) -> None:
    await page.post("/api/v1/devices/light.living_room_lamp/set", json={"values": {"on": True}})
    await local.post(f"/api/v1/scenes/{MOVIE}/activate")
    assert door.asked == [
        ("set", {"name": "light.living_room_lamp", "on": True}, "Kitchen tablet"),
        ("scene", MOVIE, "local"),
    ]


async def test_what_a_found_thing_needs_is_said_so_that_it_can_be_asked_for(page, door) -> None:
    answer = await page.post("/api/v1/discovered/add", json={"what": "homekit/aa"})
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "person_needed"
    assert error["needs"] == {"kind": "code", "text": "Enter the code that is printed on it.", "fields": ["code"]}
    assert door.asked[-1] == ("add", {"what": "homekit/aa", "given": []}, "Kitchen tablet")


async def test_names_with_slashes_and_spaces_reach_the_door(page, door) -> None:
    await page.post("/api/v1/scenes/Movie%20night/activate")
    assert door.asked[-1] == ("scene", "Movie night", "Kitchen tablet")
    await page.delete("/api/v1/scenes/Hall%2Fhealth")
    assert door.asked[-1][1] == {"name": "Hall/health"}


async def test_a_slash_at_the_end_leads_to_the_path_without(page) -> None:
    assert (await page.get("/api/v1/scenes/")).headers["location"].endswith("/api/v1/scenes")


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("PUT", "automations/Hall/health", "GET"),
        ("DELETE", "automations/Hall/replay", "GET"),
        ("GET", "definitions/scene/Evening/undo", "POST"),
        ("DELETE", "scenes/Evening/activate", "POST"),
    ],
)
async def test_what_a_path_has_below_a_name_is_not_taken_for_a_name_with_a_slash(
    page, door, method: str, path: str, allowed: str
) -> None:
    answer = await page.request(method, f"/api/v1/{path}")

    assert (answer.status_code, answer.headers.get("allow")) == (405, allowed)
    assert not door.asked


async def test_a_call_reaches_the_door_whole(page, door) -> None:
    body = {"action": "cover.stop_cover", "target": ["cover.blind"], "data": {"a": [1, {"b": 2.5}]}}
    answer = await page.post("/api/v1/call", json=body)
    assert answer.json() == {"commands": [{"entity_id": "cover.blind", "outcome": "confirmed", "error": None}]}
    assert door.asked == [
        ("cover.stop_cover", {"target": ["cover.blind"], "data": {"a": [1, {"b": 2.5}]}}, "Kitchen tablet")
    ]


async def test_a_scene_with_a_lamp_that_does_not_answer_says_which(page, door) -> None:
    door.unreachable = {"light.living_room_lamp"}
    body = (await page.post(f"/api/v1/scenes/{DARK}/activate")).json()
    assert (body["status"], body["devices_failed"]) == ("partial", 1)
    assert body["failed_devices"] == [{"id": LAMP, "name": "Living Room Lamp", "error": "did not answer"}]


async def test_runs_are_of_one_automation_when_asked(page) -> None:
    assert len((await page.get("/api/v1/runs", params={"automation_id": RULE, "limit": 2})).json()) == 2
    assert (await page.get("/api/v1/runs", params={"automation_id": BLIND})).json() == []


async def test_what_is_not_there_is_said(page, fault) -> None:
    assert "Moive" in fault(await page.post("/api/v1/scenes/Moive/activate"), 404, "not_found")
    assert "ghost" in fault(await page.get("/api/v1/devices/ghost"), 404, "not_found")
    fault(await page.get("/api/v1/runs/ffff"), 404, "not_found")
    fault(await page.get("/api/v1/nothing"), 404, "not_found")
    fault(await page.get("/static/nothing.js"), 404, "not_found")
    fault(await page.get("/static/../access.py"), 404, "not_found")
    fault(await page.get("/static/%2e%2e/access.py"), 404, "not_found")


async def test_what_a_device_cannot_do_is_said(page, fault) -> None:
    answer = await page.post("/api/v1/devices/lock.front_door/set", json={"values": {"brightness": 4}})
    assert "brightness" in fault(answer, 409, "not_possible")


async def test_the_worlds_faults_are_told_in_their_words(page, door, fault) -> None:
    door.failing = BrokerUnavailable("No broker answers.")
    assert "No broker answers." in fault(await page.get("/api/v1/devices"), 503, "not_now")


async def test_our_own_faults_are_told_without_their_insides(page, door, fault) -> None:
    door.failing = ZeroDivisionError("secret")
    words = fault(await page.get("/api/v1/devices"), 500, "internal")
    assert "secret" not in words
    assert "journalctl" in words


@pytest.mark.parametrize(
    "path, body",
    [
        ("/devices/x/set", b""),
        ("/devices/x/set", b"{"),
        ("/devices/x/set", b"[]"),
        ("/devices/x/set", b'{"values": {}}'),
        ("/devices/x/set", b'{"values": {"on": [1]}}'),
        ("/devices/x/set", b'{"values": {"brightness": NaN}}'),
        ("/devices/x/set", b'{"values": {"brightness": 1e999}}'),
        ("/devices/x/set", b'{"values": {"on": true}, "extra": 1}'),
        ("/call", b'{"action": "light"}'),
        ("/call", b'{"action": "Light.Turn On"}'),
        ("/call", b'{"action": "light.turn_on", "data": {"name": "\\ud800"}}'),
        ("/call", b'{"action": "light.turn_on", "data": ' + b'{"a":' * 20 + b"1" + b"}" * 20 + b"}"),
        ("/call", b'{"action": "light.turn_on", "data": {"a": ' + b"[" * 3000 + b"]" * 3000 + b"}}"),
    ],
)
async def test_what_cannot_be_understood_is_said_and_reaches_nobody(page, door, fault, path, body) -> None:
    answer = await page.post(f"/api/v1{path}", content=body, headers={"content-type": "application/json"})
    assert "openapi.json" in fault(answer, 422, "not_understood")
    assert door.asked == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"automation_id": "x" * 65}])
async def test_queries_out_of_range_are_refused(page, fault, query) -> None:
    fault(await page.get("/api/v1/runs", params=query), 422, "not_understood")


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
async def test_a_device_cannot_be_named_nothing(page, door, fault, name) -> None:
    fault(await page.patch(f"/api/v1/devices/{LAMP}", json={"name": name}), 422, "not_understood")
    assert door.asked == []


async def test_another_method_is_refused(page, fault) -> None:
    fault(await page.delete("/api/v1/devices"), 405, "method_not_allowed")


async def test_a_page_that_is_large_says_so_before_it_is_read(page, fault) -> None:
    body = b'{"values": {"on": "' + b"x" * 300_000 + b'"}}'
    headers = {"content-type": "application/json"}
    fault(await page.post("/api/v1/devices/x/set", content=body, headers=headers), 413, "too_large")


async def test_a_body_without_a_length_is_bounded_too(page, door, fault) -> None:
    async def endless():
        for _ in range(1000):
            yield b"x" * 10_000

    headers = {"content-type": "application/json"}
    fault(await page.post("/api/v1/devices/x/set", content=endless(), headers=headers), 413, "too_large")
    assert door.asked == []
