"""The home's security in the API; network access rules at the door; who is refused is told."""

import httpx
import pytest
from fastapi import FastAPI

from tests.fakes.door import FakeDoor
from tests.fakes.guarding import OPEN
from tests.unit.web.conftest import HUB, Console
from tests.unit.web.test_webhooks import from_address

STRANGER = "192.168.1.66"


async def test_what_is_open_and_who_was_refused_can_be_read(local: httpx.AsyncClient, door: FakeDoor) -> None:
    door.guarding.now = OPEN
    answer = await local.get("/api/v1/security")
    assert answer.json() == OPEN


async def test_somebody_can_have_the_home_looked_at(local: httpx.AsyncClient, door: FakeDoor) -> None:
    answer = await local.post("/api/v1/security/scan")
    assert answer.json() == {"scan_id": "s2"}
    assert door.asked == [("scan", None, "local")]


@pytest.mark.parametrize("path", ["/", "/pair", "/live", "/static/page.css", "/api/v1/status", "/api/webhook/x"])
async def test_whom_a_rule_keeps_out_reaches_nothing(app: FastAPI, door: FakeDoor, path: str) -> None:
    door.guarding.denied = {STRANGER}
    async with from_address(app, STRANGER) as stranger, from_address(app, "192.168.1.67") as neighbour:
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "kept_out")
        assert (await neighbour.get(path)).status_code != 403
    assert door.called == [] or path.startswith("/api/webhook")


async def test_the_local_socket_is_never_kept_out(local: httpx.AsyncClient, door: FakeDoor) -> None:
    door.guarding.denied = {"127.0.0.1"}
    assert (await local.get("/api/v1/status")).status_code == 200


async def test_wrong_codes_foreign_pages_foreign_names_and_unknown_webhooks_are_told_with_their_address(
    app: FastAPI, door: FakeDoor, console: Console
) -> None:
    transport = httpx.ASGITransport(app, client=(STRANGER, 4711), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as stranger:
        await stranger.get("/pair")
        wrong = "000000" if console.codes[-1] != "000000" else "000001"
        await stranger.post("/api/v1/pair", json={"code": wrong, "name": "x"})
        await stranger.post("/api/v1/pair", json={}, headers={"origin": "http://evil.example"})
        await stranger.get("/", headers={"host": "evil.example"})
        await stranger.post("/api/webhook/unknown-id")
        await stranger.post("/api/webhook/known-id")
        await stranger.get("/api/v1/status")  # not paired: a browser whose session has run out does that all the time
    assert door.guarding.refusals == [
        ("wrong_code", STRANGER),
        ("foreign_page", STRANGER),
        ("unknown_host", STRANGER),
        ("unknown_webhook", STRANGER),
    ]
