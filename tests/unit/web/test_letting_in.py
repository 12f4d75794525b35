"""Tokens, fewer rights, one scene, revoking: through the API, as a page, a program and a button use it."""

import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from hub_agent.web.access import TOKENS_MAX, Access, AccessEvent
from hub_agent.web.app import create_app
from hub_agent.web.guard import KEY_PACE, WRONG_TOKEN_PACE
from hub_agent.web.scopes import Scope
from tests.fakes.door import DARK, MOVIE
from tests.unit.web.conftest import HUB, Console

SET = "/api/v1/devices/light.living_room_lamp/set"
ON = {"values": {"on": True}}


@pytest.fixture
def events(access: Access) -> list[AccessEvent]:
    heard: list[AccessEvent] = []
    access.on_event = heard.append
    return heard


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """`program(token)`: somebody who comes with it."""
    clients = []

    def come(token: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=("192.168.1.30", 4711), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {token}"}
        clients.append(httpx.AsyncClient(transport=transport, base_url=HUB, headers=headers))
        return clients[-1]

    yield come
    for client in clients:
        await client.aclose()


async def made(client: httpx.AsyncClient, **body: object) -> dict:
    answer = await client.post("/api/v1/access/tokens", json={"name": "Program", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_token_is_shown_once_and_kept_hashed(page, console) -> None:
    token = (await made(page))["token"]
    listed = (await page.get("/api/v1/access")).text
    kept = console.file.with_name("tokens.json")
    assert token not in listed
    assert token not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


async def test_a_program_does_what_its_token_is_for_and_is_known_by_its_name(page, program, door, fault) -> None:
    client = program((await made(page, name="Wall clock", scope="control"))["token"])
    assert (await client.post(SET, json=ON)).status_code == 200
    assert door.asked[-1][-1] == "Wall clock"
    fault(await client.get("/api/v1/access"), 403, "not_allowed")
    assert (await client.get("/api/v1/access/me")).json()["scope"] == "control"


async def test_a_button_activates_its_scene_and_nothing_else(page, program, door, fault) -> None:
    token = await made(page, name="Hall button", scope="configure", scene="movie night")
    assert (token["scene_id"], token["scope"]) == (MOVIE, "control")
    button = program(token["token"])
    assert (await button.post(f"/api/v1/scenes/{MOVIE}/activate")).status_code == 200
    assert door.asked == [("scene", MOVIE, "Hall button")]
    assert (await button.get(f"/api/v1/scenes/{MOVIE}")).json()["id"] == MOVIE
    for method, path in (
        ("POST", f"/api/v1/scenes/{DARK}/activate"),
        ("POST", f"/api/v1/scenes/{MOVIE}/activate/"),
        ("POST", f"/api/v1/scenes/{MOVIE}%2F..%2F{DARK}/activate"),
        ("PATCH", f"/api/v1/scenes/{MOVIE}"),
        ("DELETE", f"/api/v1/scenes/{MOVIE}"),
        ("GET", "/api/v1/scenes"),
        ("GET", "/api/v1/access/me"),
        ("GET", "/api/v1/status"),
        ("POST", SET),
        ("GET", "/"),
    ):
        fault(await button.request(method, path, json={}), 403, "not_allowed")
    assert len(door.asked) == 1


async def test_a_token_for_a_scene_that_is_not_there_is_refused(page) -> None:
    answer = await page.post("/api/v1/access/tokens", json={"name": "x", "scene": "nothing"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "scene")


async def test_a_token_ends_when_it_was_to(page, program, console, fault) -> None:
    client = program((await made(page, expires_at="2026-06-02T12:00:00+00:00"))["token"])
    assert (await client.get("/api/v1/status")).status_code == 200
    console.wait(days=2)
    fault(await client.get("/api/v1/status"), 401, "unknown_token")


async def test_a_token_cannot_end_before_it_begins(page, fault) -> None:
    body = {"name": "x", "expires_at": "2001-01-01T00:00:00Z"}
    answer = await page.post("/api/v1/access/tokens", json=body)
    assert answer.status_code == 422


async def test_what_was_revoked_opens_nothing_more_also_after_a_restart(page, program, door, console, fault) -> None:
    token = await made(page, name="Old thing")
    client = program(token["token"])
    assert (await client.get("/api/v1/status")).status_code == 200
    assert (await page.delete("/api/v1/access/old thing")).json()["name"] == "Old thing"
    fault(await client.get("/api/v1/status"), 401, "unknown_token")
    again = create_app(door, console.access(), "0.1.0")
    transport = httpx.ASGITransport(again)
    async with httpx.AsyncClient(transport=transport, base_url=HUB, headers=client.headers) as after:
        fault(await after.get("/api/v1/status"), 401, "unknown_token")
    fault(await page.delete("/api/v1/access/old thing"), 404, "not_found")


async def test_a_browser_can_be_let_in_with_fewer_rights_by_one_that_is_in(page, app, door, fault) -> None:
    body = {"scope": "control", "name": "Tablet"}
    code = (await page.post("/api/v1/access/codes", json=body)).json()["code"]
    assert (await page.post("/api/v1/access/codes", json=body)).json()["code"] == code
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HUB) as tablet:
        assert (await tablet.post("/api/v1/pair", json={"code": code, "name": "Chrome Android"})).status_code == 200
        assert (await tablet.get("/api/v1/access/me")).json() | {"id": None} == {
            "name": "Tablet",
            "scope": "control",
            "id": None,
        }
        await tablet.post(SET, json=ON)
        assert door.asked[-1][-1] == "Tablet"
        fault(await tablet.post("/api/v1/access/codes", json={}), 403, "not_allowed")
    sessions = (await page.get("/api/v1/access")).json()["sessions"]
    assert [(each["name"], each["made_by"], each["is_this"]) for each in sessions] == [
        ("Kitchen tablet", "local", True),
        ("Tablet", "Kitchen tablet", False),
    ]


async def test_no_two_go_by_the_same_name_and_nobody_by_one_of_the_hubs_users(access, browser) -> None:
    for wanted in ("Phone", "phone", "local: root", "  \n "):
        browser.cookies.clear()
        await browser.post("/api/v1/pair", json={"code": access.offer_code(), "name": wanted})
    assert [key.name for key in access.sessions()] == ["Phone", "phone 2", "“local: root”", "Browser"]


async def test_live_events_end_with_the_right_to_see_them(page, app, access, door) -> None:
    _, key = access.make_token("Watcher", Scope.VIEW, "local")
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""} if not sent else {"type": "http.disconnect"}

    async def send(message) -> None:
        sent.append(message)

    from hub_agent.web.guard import Guard

    async def stream(scope, _receive, send_on) -> None:
        await send_on({"type": "http.response.start", "status": 200, "headers": []})
        await send_on({"type": "http.response.body", "body": b"seen", "more_body": True})
        access.revoke(key.id, "local")
        await send_on({"type": "http.response.body", "body": b"unseen", "more_body": True})
        await send_on({"type": "http.response.body", "body": b"unseen", "more_body": True})

    secret, key = access.make_token("Other", Scope.VIEW, "local")
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/events",
        "headers": [(b"host", b"hub.local"), (b"authorization", f"Bearer {secret}".encode())],
    }
    await Guard(stream, access)(scope, receive, send)
    assert [each.get("body") for each in sent[1:]] == [b"seen", b""]
    assert not sent[-1].get("more_body")


async def test_who_came_and_who_was_refused_is_told_without_any_secret(page, program, access, events) -> None:
    code = (await page.post("/api/v1/access/codes", json={"scope": "view", "name": "Guest"})).json()["code"]
    await page.post("/api/v1/pair", json={"code": "999999" if code != "999999" else "111111"})
    token = await made(page, scope="view")
    client = program(token["token"])
    await client.get("/api/v1/status")
    await client.get("/api/v1/status")
    await client.post(SET, json=ON)
    await program("nexa_nothing").get("/api/v1/status")
    await page.delete(f"/api/v1/access/{token['id']}")
    await page.post("/api/v1/leave")
    assert [(each.kind, each.name, each.by, each.address) for each in events] == [
        ("invited", "Guest", "Kitchen tablet", ""),
        ("wrong_code", "", "", "127.0.0.1"),
        ("token_made", "Program", "Kitchen tablet", ""),
        ("first_used", "Program", "", "192.168.1.30"),
        ("not_allowed", "Program", "", "192.168.1.30"),
        ("wrong_token", "", "", "192.168.1.30"),
        ("revoked", "Program", "Kitchen tablet", ""),
        ("left", "Kitchen tablet", "Kitchen tablet", ""),
    ]
    assert code not in str(events)
    assert token["token"] not in str(events)


async def test_a_program_that_tries_what_it_may_not_all_day_fills_no_log(page, program, events) -> None:
    client = program((await made(page, scope="view"))["token"])
    for _ in range(20):
        assert (await client.post(SET, json=ON)).status_code == 403
    assert [each.kind for each in events].count("not_allowed") == 5


async def test_there_are_only_so_many_tokens_and_none_is_dropped_for_a_new_one(access, page, fault) -> None:
    first, _ = access.make_token("first", Scope.VIEW, "local")
    for _ in range(TOKENS_MAX - 1):
        access.make_token("more", Scope.VIEW, "local")
    answer = await page.post("/api/v1/access/tokens", json={"name": "one too many"})
    assert "Revoke one" in answer.json()["error"]["message"]
    assert access.token(first)


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer  x y", "Basic abc", "bearer " + "x" * 5000, "Bearer nexa_\xff", "Bearer \x00", ""],
)
async def test_a_header_that_is_no_token_opens_nothing(browser, header) -> None:
    answer = await browser.get("/api/v1/status", headers={"authorization": header.encode("latin-1")})
    assert answer.status_code == 401


async def test_a_session_is_no_token_and_a_token_no_session(page, browser, fault) -> None:
    cookie = page.cookies["nexa_session"]
    token = (await made(page))["token"]
    browser.cookies.clear()
    fault(await browser.get("/api/v1/status", headers={"authorization": f"Bearer {cookie}"}), 401, "unknown_token")
    fault(await browser.get("/api/v1/status", headers={"cookie": f"nexa_session={token}"}), 401, "not_paired")


async def test_a_wrong_token_does_not_fall_back_on_the_browsers_session(page, fault) -> None:
    fault(await page.get("/api/v1/status", headers={"authorization": "Bearer nexa_x"}), 401, "unknown_token")


async def test_of_several_cookies_the_one_that_holds_counts(page, browser, fault) -> None:
    cookie = page.cookies["nexa_session"]
    browser.cookies.clear()
    row = f"nexa_session=x; other=1; nexa_session={cookie}"
    assert (await browser.get("/api/v1/status", headers={"cookie": row})).status_code == 200
    many = "; ".join(["nexa_session=x"] * 50 + [f"nexa_session={cookie}"])
    fault(await browser.get("/api/v1/status", headers={"cookie": many}), 401, "not_paired")


async def test_another_page_cannot_use_a_token_either(page, program, door, fault) -> None:
    client = program((await made(page))["token"])
    fault(await client.post(SET, json=ON, headers={"origin": "http://evil.example"}), 403, "foreign_page")
    assert door.asked == []


async def test_wrong_tokens_are_slowed_down_and_right_ones_from_there_are_not(page, program, door) -> None:
    right = program((await made(page))["token"])
    wrong = program("nexa_guess")
    answers = [(await wrong.get("/api/v1/status")).status_code for _ in range(WRONG_TOKEN_PACE[0] + 1)]
    assert answers == [401] * WRONG_TOKEN_PACE[0] + [429]
    assert (await right.get("/api/v1/status")).status_code == 200
    assert ("wrong_token", "192.168.1.30") in door.guarding.refusals


async def test_who_asks_too_often_is_told_how_long_to_wait(door, access, fault) -> None:
    now_s = 0.0
    app = create_app(door, access, "0.1.0", now_s=lambda: now_s)
    secret, _ = access.make_token("Eager", Scope.VIEW, "local")
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HUB, headers=headers) as client:
        for _ in range(KEY_PACE[0]):
            assert (await client.get("/api/v1/rooms")).status_code == 200
        answer = await client.get("/api/v1/rooms")
        assert "“Eager” asks too often. Wait 1 s." in fault(answer, 429, "too_often")
        assert answer.headers["retry-after"] == "1"
        now_s = 1.0
        assert (await client.get("/api/v1/rooms")).status_code == 200


def _entry(**more: object) -> dict[str, object]:
    known = {"id": "1", "digest": "d", "name": "n", "scope": "view", "made_at": "2026-01-01T00:00:00+00:00"}
    return {**known, "expires_at": None, **more}


@pytest.mark.parametrize(
    "entry",
    [
        _entry(scope="everything"),
        _entry(scope=None),
        _entry(digest=None),
        _entry(expires_at="never"),
        _entry(expires_at="2999-01-01T00:00:00"),
        {name: value for name, value in _entry().items() if name != "expires_at"},
        {name: value for name, value in _entry().items() if name != "scope"},
        _entry(scene_id=7),
        _entry(made_at=5),
        "text",
        None,
    ],
)
def test_an_entry_that_is_damaged_lets_nobody_in_and_the_others_stay(console: Console, entry: object) -> None:
    good = console.access()
    secret, key = good.make_token("Good", Scope.VIEW, "local")
    file = console.file.with_name("tokens.json")
    file.write_text(json.dumps([entry, *json.loads(file.read_bytes())]))
    again = console.access()
    assert again.tokens() == [key]
    assert again.token(secret) == key


def test_browsers_that_an_older_version_paired_stay_paired_and_may_do_everything(console: Console) -> None:
    times = {"paired_at": "2026-05-01T12:00:00+00:00", "expires_at": "2026-10-01T12:00:00+00:00"}
    console.file.write_text(json.dumps([{"digest": "ab" * 32, "name": "Phone", **times}]))
    (key,) = console.access().sessions()
    assert (key.id, key.scope) == ("abababab", Scope.CONFIGURE)


def test_who_was_here_last_is_written_once_a_day(console: Console) -> None:
    access = console.access()
    secret, _ = access.make_token("Clock", Scope.VIEW, "local")
    file = console.file.with_name("tokens.json")

    def used() -> bytes:
        key = access.token(secret)
        assert key
        access.note_seen(key, "192.168.1.9")
        return file.read_bytes()

    first = used()
    console.wait(hours=5)
    assert used() == first
    assert access.tokens()[0].last_seen_at == console.now
    console.wait(hours=20)
    assert used() != first
