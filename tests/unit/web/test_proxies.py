"""Who stands behind a reverse proxy: believed of named ones only."""

from ipaddress import ip_network

import httpx
import pytest
from fastapi import FastAPI

from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from tests.fakes.door import FakeDoor
from tests.unit.web.conftest import HUB

PROXY, PHONE, STRANGER = "127.0.0.1", "192.168.1.20", "192.168.1.66"


@pytest.fixture
def app(door: FakeDoor, access: Access) -> FastAPI:
    """The hub behind a proxy on the same machine and one at 10.0.0.5."""
    return create_app(door, access, "0.1.0", proxies=(ip_network(f"{PROXY}/32"), ip_network("10.0.0.5/32")))


def through(app: FastAPI, peer: str, **headers: str) -> httpx.AsyncClient:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(peer, 4711)), base_url=HUB, headers=named)


async def pair(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/v1/pair", json={"code": "no"})


async def seen_as(app: FastAPI, door: FakeDoor, peer: str, said: str) -> str:
    """The address that a wrong code is put down to."""
    async with through(app, peer, x_forwarded_for=said) as client:
        await pair(client)
    return door.guarding.refusals[-1][1]


@pytest.mark.parametrize(
    "peer, said, seen",
    [
        (PROXY, PHONE, PHONE),
        (PROXY, f"1.1.1.1, {PHONE}", PHONE),
        (PROXY, f"{STRANGER}, {PHONE}, 10.0.0.5", PHONE),
        ("10.0.0.5", "::ffff:192.168.1.20", PHONE),
        (PROXY, "nonsense", PROXY),
        (PROXY, "", PROXY),
        (PROXY, f"{PHONE}, nonsense", PROXY),
        (STRANGER, PHONE, STRANGER),
        (STRANGER, "127.0.0.1", STRANGER),
    ],
)
async def test_the_client_is_the_last_that_a_named_proxy_vouches_for(app, door, peer, said, seen) -> None:
    assert await seen_as(app, door, peer, said) == seen


async def test_an_access_rule_holds_for_who_stands_behind_the_proxy(app, door, fault) -> None:
    door.guarding.denied = {STRANGER}
    async with through(app, PROXY, x_forwarded_for=STRANGER) as stranger:
        fault(await stranger.get("/pair"), 403, "kept_out")
    async with through(app, PROXY, x_forwarded_for=PHONE) as phone:
        assert (await phone.get("/pair")).status_code == 200


async def test_behind_tls_of_the_proxy_the_cookie_is_for_tls_only(app, access) -> None:
    async with through(app, PROXY, x_forwarded_for=PHONE, x_forwarded_proto="https") as phone:
        answer = await phone.post("/api/v1/pair", json={"code": access.offer_code()})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
async def test_a_proxy_on_this_machine_that_nobody_named_is_refused_with_what_to_set(
    door, access, fault, header
) -> None:
    app = create_app(door, access, "0.1.0")
    async with through(app, PROXY, **{header: PHONE}) as client:
        words = fault(await client.get("/live"), 403, "unknown_proxy")
    assert 'trusted_proxies = ["127.0.0.1"]' in words


async def test_what_a_stranger_says_of_a_proxy_changes_nothing(door, access) -> None:
    app = create_app(door, access, "0.1.0")
    async with through(app, STRANGER, x_forwarded_for="127.0.0.1", x_forwarded_proto="https") as stranger:
        answer = await stranger.post("/api/v1/pair", json={"code": access.offer_code()})
    assert "secure" not in answer.headers["set-cookie"].lower()
