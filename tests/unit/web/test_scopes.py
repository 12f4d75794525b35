"""What each route asks for, and that nobody gets past it: every route, with each right and with none."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, strategies as st

from hub_agent.web.access import Access
from hub_agent.web.scopes import OPEN_PATHS, SCOPE_BY_ROUTE, Scope, scope_for
from tests.fakes.door import FakeDoor
from tests.unit.web.conftest import HUB


def filled_in(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, re.sub(r"\{[^}]+\}", "x", path)


CLOSED = sorted(SCOPE_BY_ROUTE)


@asynccontextmanager
async def token_of(app: FastAPI, access: Access, scope: Scope) -> AsyncIterator[httpx.AsyncClient]:
    secret, _ = access.make_token(f"{scope} program", scope, "local")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url=HUB, headers=headers) as client:
        yield client


def test_nothing_that_changes_the_home_is_for_who_may_only_look() -> None:
    looking = {each for each, scope in SCOPE_BY_ROUTE.items() if scope is Scope.VIEW and not each.startswith("GET ")}
    assert looking == {"POST /api/v1/leave"}
    deleting = {each for each in SCOPE_BY_ROUTE if each.startswith(("PATCH ", "PUT ", "DELETE "))}
    assert {SCOPE_BY_ROUTE[each] for each in deleting} == {Scope.CONFIGURE}


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_what_is_open_tells_nothing_of_the_home(path: str) -> None:
    assert path in {"/live", "/pair", "/api/v1/pair", "/authority.crt"} or path.startswith("/static/")


async def test_a_stranger_reaches_no_route(browser: httpx.AsyncClient, door: FakeDoor) -> None:
    for route in CLOSED:
        method, path = filled_in(route)
        answer = await browser.request(method, path, json={} if method in {"POST", "PATCH", "PUT"} else None)
        assert answer.status_code == (303 if path in {"/", "/worker.js"} or path.startswith("/static/") else 401), route
    assert door.asked == []


@pytest.mark.parametrize("scope", Scope)
async def test_each_right_reaches_what_it_is_for_and_nothing_above(
    app: FastAPI, access: Access, door: FakeDoor, scope: Scope
) -> None:
    async with token_of(app, access, scope) as client:
        for route in CLOSED:
            method, path = filled_in(route)
            if path == "/api/v1/events":
                continue  # never ends
            asked = len(door.asked)
            answer = await client.request(method, path, json={} if method in {"POST", "PATCH", "PUT"} else None)
            if scope.has(SCOPE_BY_ROUTE[route]):
                assert "not_allowed" not in answer.text, route
            else:
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed"), route
                assert len(door.asked) == asked, route


async def test_who_may_look_is_told_what_it_would_take(app: FastAPI, access: Access, fault) -> None:
    async with token_of(app, access, Scope.VIEW) as client:
        words = fault(await client.post("/api/v1/call", json={"action": "light.turn_on"}), 403, "not_allowed")
        assert "may view; this takes the right to control" in words
        fault(await client.get("/api/v1/nothing"), 404, "not_found")


@pytest.mark.parametrize("action", ["mqtt.publish", "shell_command.x", "rest_command.x"])
async def test_what_reaches_past_the_devices_is_for_who_may_configure(app, access, door, fault, action) -> None:
    async with token_of(app, access, Scope.CONTROL) as client:
        fault(await client.post("/api/v1/call", json={"action": action}), 403, "not_allowed")
        assert door.asked == []
        assert (await client.post("/api/v1/call", json={"action": "light.toggle"})).status_code == 200
    async with token_of(app, access, Scope.CONFIGURE) as client:
        assert (await client.post("/api/v1/call", json={"action": action})).status_code == 200


@given(path=st.text(max_size=60), method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "get", "HEAD"]))
def test_no_path_asks_for_less_than_its_own_line(path: str, method: str) -> None:
    """Whatever stands where a name goes, the route's own right is the least that is asked for."""
    for route, wanted in SCOPE_BY_ROUTE.items():
        own, _, template = route.partition(" ")
        if own != method or "{" not in template:
            continue
        filled = re.sub(r"\{[^}]+\}", lambda _: path, template)
        asked = scope_for(method, filled)
        assert asked is None or asked.has(wanted)
