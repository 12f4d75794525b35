"""Who may come in: pairing, sessions, and what a stranger is told."""

import json
import stat

import httpx
import pytest

from hub_agent.web.access import SESSIONS_MAX
from hub_agent.web.app import create_app
from hub_agent.web.pairing import TRIES_A_CODE_MAX
from tests.unit.web.conftest import HUB


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def pair(browser, code):
    return await browser.post("/api/v1/pair", json={"code": code, "name": "phone"})


async def test_a_stranger_is_sent_to_the_pairing_page(browser, fault) -> None:
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/pair")
    assert "not paired" in fault(await browser.get("/api/v1/devices"), 401, "not_paired")
    fault(await browser.get("/api/v1/openapi.json"), 401, "not_paired")
    fault(await browser.get("/api/v1/events"), 401, "not_paired")
    assert (await browser.get("/static/page.js")).status_code == 303


async def test_a_stranger_sees_only_what_pairing_needs(browser) -> None:
    for path in ("/pair", "/static/page.css", "/static/pair.js", "/static/icon.svg", "/live"):
        assert (await browser.get(path)).status_code == 200


async def test_looking_at_the_pairing_page_makes_the_console_tell_a_code_once(browser, console) -> None:
    await browser.get("/pair")
    await browser.get("/pair")
    assert len(console.codes) == 1
    console.wait(minutes=16)
    await browser.get("/pair")
    assert len(console.codes) == 2


async def test_the_right_code_opens_everything(browser, access) -> None:
    answer = await pair(browser, access.offer_code())
    assert answer.json() == {"paired": True}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert (await browser.get("/api/v1/devices")).status_code == 200
    assert (await browser.get("/")).status_code == 200


async def test_a_code_may_be_typed_with_a_space(browser, access) -> None:
    code = access.offer_code()
    assert (await pair(browser, f"{code[:3]} {code[3:]}")).status_code == 200


async def test_a_wrong_code_is_refused_and_says_where_the_right_one_is(browser, access, fault) -> None:
    assert "console" in fault(await pair(browser, wrong(access.offer_code())), 403, "pairing_refused")
    fault(await browser.get("/api/v1/devices"), 401, "not_paired")


async def test_a_code_is_good_for_one_browser(browser, access) -> None:
    code = access.offer_code()
    assert (await pair(browser, code)).status_code == 200
    browser.cookies.clear()
    assert (await pair(browser, code)).status_code == 403


async def test_once_a_browser_is_paired_no_code_stands_open_that_nobody_asked_for(browser, access, console) -> None:
    await pair(browser, access.offer_code())
    browser.cookies.clear()
    told = list(console.codes)
    await browser.get("/pair")
    assert "No code holds" in (await pair(browser, "123456")).json()["error"]["message"]
    assert console.codes == told
    assert (await pair(browser, access.offer_code())).status_code == 200


async def test_a_code_that_is_too_old_is_refused(browser, access, console) -> None:
    code = access.offer_code()
    console.wait(minutes=15)
    assert (await pair(browser, code)).status_code == 403


async def test_guessing_is_slowed_down(browser, access, console, fault) -> None:
    code = access.offer_code()
    for _ in range(5):
        fault(await pair(browser, wrong(code)), 403, "pairing_refused")
    refused = await pair(browser, code)
    assert "Wait" in fault(refused, 429, "pairing_refused")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    console.wait(seconds=61)
    assert (await pair(browser, code)).status_code == 200


async def test_a_clock_that_is_set_back_keeps_nobody_out(browser, access, console) -> None:
    code = access.offer_code()
    for _ in range(5):
        await pair(browser, wrong(code))
    console.wait(hours=-5)
    assert (await pair(browser, code)).status_code == 200


async def test_a_code_that_was_guessed_at_too_often_is_thrown_away(browser, access, console) -> None:
    code = access.offer_code()
    for _ in range(TRIES_A_CODE_MAX + 1):
        console.wait(seconds=13)
        await pair(browser, wrong(code))
    console.wait(seconds=61)
    assert (await pair(browser, code)).status_code == 403


async def test_a_session_survives_a_restart_and_ends_after_half_a_year(page, console, door, fault) -> None:
    again = create_app(door, console.access("hub"), "0.1.0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(again), base_url=HUB, cookies=page.cookies) as client:
        assert (await client.get("/api/v1/devices")).status_code == 200
        console.wait(days=181)
        fault(await client.get("/api/v1/devices"), 401, "not_paired")


async def test_a_session_that_was_left_opens_nothing_more(page, browser, console, fault) -> None:
    cookies = dict(page.cookies)
    assert (await page.post("/api/v1/leave")).json() == {"paired": False}
    browser.cookies.update(cookies)
    fault(await browser.get("/api/v1/devices"), 401, "not_paired")
    assert json.loads(console.file.read_bytes()) == []


async def test_a_cookie_of_somebody_elses_making_opens_nothing(browser, fault) -> None:
    browser.cookies.set("nexa_session", "x" * 43)
    fault(await browser.get("/api/v1/devices"), 401, "not_paired")


async def test_sessions_are_kept_hashed_for_the_agent_alone(page, console) -> None:
    assert page.cookies["nexa_session"] not in console.file.read_text()
    assert stat.S_IMODE(console.file.stat().st_mode) == 0o600


def test_only_so_many_sessions_are_kept_and_the_oldest_goes(console) -> None:
    access = console.access()
    cookies = []
    for _ in range(SESSIONS_MAX + 1):
        console.wait(minutes=1)
        cookies.append(access.pair(access.offer_code(), "phone"))
    assert access.session(cookies[0]) is None
    assert all(access.session(cookie) for cookie in cookies[1:])


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'[{"digest": "x"}]', b"\x00\xff", b'{"a": 1}', b"null"])
def test_a_file_of_sessions_that_is_broken_means_that_browsers_pair_again(console, content) -> None:
    console.file.write_bytes(content)
    access = console.access()
    assert not access.has_sessions
    assert access.session(access.pair(access.offer_code(), "phone"))


async def test_the_command_line_tells_the_code_that_the_console_told(local, access) -> None:
    code = access.offer_code()
    assert (await local.post("/api/v1/access/codes", json={})).json()["code"] == code


async def test_the_socket_asks_for_no_session(local) -> None:
    assert (await local.get("/api/v1/devices")).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "hub.evil.example", "", "hub.example:8380", "1.2.3.4.evil.example", "localhost.evil.example"],
)
async def test_a_name_that_is_made_to_point_here_is_refused(page, fault, host) -> None:
    assert "web.names" in fault(await page.get("/api/v1/devices", headers={"host": host}), 421, "unknown_host")


@pytest.mark.parametrize(
    "host",
    [
        "hub",
        "HUB:8380",
        "hub.local",
        "nexa.lan:8380",
        "localhost:1",
        "192.168.1.7:8380",
        "[fe80::1]:8380",
        "hub.local.",
    ],
)
async def test_the_hubs_own_names_and_addresses_are_known(page, host) -> None:
    cookie = f"nexa_session={page.cookies['nexa_session']}"
    assert (await page.get("/api/v1/devices", headers={"host": host, "cookie": cookie})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://hub.local:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    ],
)
async def test_another_page_can_do_nothing_in_the_name_of_this_one(page, door, fault, headers) -> None:
    body = {"values": {"on": True}}
    fault(
        await page.post("/api/v1/devices/light.living_room_lamp/set", json=body, headers=headers), 403, "foreign_page"
    )
    fault(await page.post("/api/v1/pair", json={"code": "1"}, headers=headers), 403, "foreign_page")
    assert door.asked == []


@pytest.mark.parametrize(
    "headers", [{}, {"origin": HUB}, {"origin": HUB, "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}]
)
async def test_the_own_page_and_programs_may_act(page, headers) -> None:
    body = {"values": {"on": True}}
    answer = await page.post("/api/v1/devices/light.living_room_lamp/set", json=body, headers=headers)
    assert answer.status_code == 200


async def test_a_form_of_another_page_is_not_taken_for_json(page, door, fault) -> None:
    body = b'{"values": {"on": true}}'
    headers = {"content-type": "text/plain"}
    answer = await page.post("/api/v1/devices/light.living_room_lamp/set", content=body, headers=headers)
    fault(answer, 422, "not_understood")
    assert door.asked == []


@pytest.mark.parametrize("path", ["/", "/pair", "/api/v1/devices", "/api/v1/nothing", "/static/page.js"])
async def test_every_answer_forbids_what_a_page_could_be_abused_for(page, path) -> None:
    headers = (await page.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; frame-ancestors 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-store" if path.startswith("/api/") else "no-cache")


async def test_refusals_carry_the_same_headers(browser) -> None:
    answer = await browser.get("/api/v1/devices")
    assert answer.status_code == 401
    assert "content-security-policy" in answer.headers
