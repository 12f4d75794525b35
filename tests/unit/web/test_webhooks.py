"""Webhooks: the id is the secret, nothing else is opened, and nobody learns which ids there are."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from hub_agent.model.inputs import WebhookCalled
from hub_agent.web.pace import REMEMBERED_MAX, Pace
from hub_agent.web.server import bind_tcp
from hub_agent.web.webhooks import BODY_BYTES_MAX, BURST_MAX, CALLS_A_SECOND, Webhooks
from tests.fakes.door import FakeDoor
from tests.unit.web.test_server import served


@pytest.fixture
async def caller(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody in the home's network, over a real socket, who is not paired."""
    listener = bind_tcp("127.0.0.1", 0)
    async with (
        served(app, listener),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client,
    ):
        yield client


def from_address(app: ASGIApp, address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 4711)), base_url="http://anything")


async def test_json_and_query_reach_the_rules_without_a_session(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    answer = await caller.post("/api/webhook/front-door?who=anna&who=bert", json={"rings": 2})

    assert (answer.status_code, answer.content) == (200, b"")
    assert door.called == [WebhookCalled("front-door", "POST", json={"rings": 2}, query={"who": "anna"})]


async def test_a_form_reaches_the_rules(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    await caller.put("/api/webhook/f", data={"event": "motion", "room": "Küche"})
    await caller.post("/api/webhook/f", files={"event": (None, "motion"), "image": ("a.jpg", b"\xff\xd8")})

    assert [each.form for each in door.called] == [{"event": "motion", "room": "Küche"}, {"event": "motion"}]


async def test_get_and_head_are_told_by_their_method(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    for method in ("GET", "HEAD"):
        assert (await caller.request(method, "/api/webhook/x?a=1")).status_code == 200

    assert door.called == [WebhookCalled("x", method, form={}, query={"a": "1"}) for method in ("GET", "HEAD")]


async def test_other_methods_are_refused_for_any_id(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    answer = await caller.delete("/api/webhook/x")

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    assert door.called == []


async def test_json_without_a_body_is_an_empty_mapping(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    answer = await caller.post("/api/webhook/x", headers={"content-type": "application/json"})

    assert answer.status_code == 200
    assert [each.json for each in door.called] == [{}]


@pytest.mark.parametrize("body", [b"{", b"[1,", b"\xff", b"[" * 100_000, b"NaN"])
async def test_what_calls_itself_json_and_is_none_is_refused_in_words(
    caller: httpx.AsyncClient, door: FakeDoor, body: bytes
) -> None:
    answer = await caller.post("/api/webhook/x", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert "content type" in answer.json()["error"]["message"]
    assert door.called == []


async def test_a_body_has_a_bound_also_without_a_length(caller: httpx.AsyncClient, door: FakeDoor) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(2 * BODY_BYTES_MAX // 65_536):
            yield b"x" * 65_536

    assert (await caller.post("/api/webhook/x", content=b"x" * (BODY_BYTES_MAX + 1))).status_code == 413
    assert (await caller.post("/api/webhook/x", content=endless())).status_code == 413
    largest = json.dumps("x" * (BODY_BYTES_MAX - 2)).encode()
    taken = await caller.post("/api/webhook/x", content=largest, headers={"content-type": "application/json"})
    assert taken.status_code == 200
    assert len(door.called) == 1


@pytest.mark.parametrize(
    "address, is_local",
    [
        ("192.168.1.7", True),
        ("10.1.2.3", True),
        ("::ffff:172.16.0.9", True),
        ("fd00::7", True),
        ("fe80::1%eth0", True),
        ("203.0.113.9", False),
        ("::ffff:203.0.113.9", False),
        ("2001:db8::1", False),
        ("100.64.0.1", False),
        ("not an address", False),
    ],
)
async def test_the_callers_address_tells_who_is_near(
    app: FastAPI, door: FakeDoor, address: str, is_local: bool
) -> None:
    async with from_address(app, address) as client:
        assert (await client.post("/api/webhook/x")).status_code == 200

    assert [each.is_local for each in door.called] == [is_local]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
async def test_who_comes_through_a_proxy_is_not_near_whatever_it_says(
    caller: httpx.AsyncClient, door: FakeDoor, header: str
) -> None:
    await caller.post("/api/webhook/x", headers={header: "192.168.1.7"})

    assert [each.is_local for each in door.called] == [False]


async def test_an_address_that_calls_without_end_is_slowed_and_others_are_not(app: FastAPI, door: FakeDoor) -> None:
    standing = Webhooks(app, door, lambda: 0.0)
    async with from_address(standing, "192.168.1.7") as client:
        statuses = [(await client.post("/api/webhook/x")).status_code for _ in range(BURST_MAX)]
        refused = await client.post("/api/webhook/x")
    async with from_address(standing, "192.168.1.8") as client:
        other = await client.post("/api/webhook/x")

    assert set(statuses) == {200}
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert other.status_code == 200


def test_an_address_may_call_again_as_time_passes() -> None:
    pace = Pace(BURST_MAX, CALLS_A_SECOND)
    assert [pace.wait_s("a", 0.0) for _ in range(BURST_MAX)] == [0.0] * BURST_MAX
    assert pace.wait_s("a", 0.0) == pytest.approx(1 / CALLS_A_SECOND)
    assert pace.wait_s("a", 1 / CALLS_A_SECOND) == 0.0
    assert pace.wait_s("a", 1 / CALLS_A_SECOND) > 0


def test_addresses_are_forgotten_so_that_memory_is_bounded() -> None:
    pace = Pace(BURST_MAX, CALLS_A_SECOND)
    for _ in range(BURST_MAX):
        pace.wait_s("first", 0.0)
    for number in range(REMEMBERED_MAX):
        pace.wait_s(str(number), 0.0)

    assert pace.wait_s("first", 0.0) == 0.0


@pytest.mark.parametrize("path", ["/api/v1/devices", "/api/webhooks", "/", "/api/webhook"])
async def test_everything_else_still_asks_for_a_session(caller: httpx.AsyncClient, path: str) -> None:
    assert (await caller.get(path)).status_code in {303, 401}


@pytest.mark.parametrize("path", ["/api/webhook/../v1/devices", "/api/webhook/%2e%2e/v1/devices", "//api/webhook/x"])
async def test_no_spelling_of_a_webhook_leads_past_the_guard(app: FastAPI, door: FakeDoor, path: str) -> None:
    async with from_address(app, "192.168.1.7") as client:
        request = client.build_request("GET", "http://anything/")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = await client.send(request)

    assert answer.content == b"" or answer.status_code in {401, 421}
    assert "light" not in answer.text
