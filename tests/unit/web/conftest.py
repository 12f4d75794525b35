"""The app over a little home, with a clock that the test sets and a console that it reads."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from hub_agent.web.access import Access
from hub_agent.web.app import create_app
from hub_agent.web.guard import trusted
from tests.fakes.door import FakeDoor

HUB = "http://hub.local:8380"


class Console:
    """Where the pairing code is told, and the time it tells."""

    def __init__(self, directory: Path) -> None:
        self.now = datetime(2026, 6, 1, 12, tzinfo=UTC)
        self.codes: list[str] = []
        self.file = directory / "sessions.json"

    def access(self, *names: str) -> Access:
        return Access(self.file, lambda: self.now, self.codes.append, frozenset(names))

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path)


@pytest.fixture
def access(console: Console) -> Access:
    return console.access("hub")


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor()


@pytest.fixture
def app(door: FakeDoor, access: Access) -> FastAPI:
    return create_app(door, access, "0.1.0")


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is not paired yet."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as client:
        yield client


@pytest.fixture
async def page(browser: httpx.AsyncClient, access: Access) -> httpx.AsyncClient:
    """A browser that is paired."""
    answer = await browser.post("/api/v1/pair", json={"code": access.offer_code(), "name": "Kitchen tablet"})
    assert answer.status_code == 200
    return browser


@pytest.fixture
async def local(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The Unix socket's side of the app."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(trusted(app)), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def fault() -> Callable[[httpx.Response, int, str], str]:
    """Checks that an answer is an error of the documented shape; gives its words."""

    def check(answer: httpx.Response, status: int, code: str) -> str:
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        assert error.keys() == {"code", "message", "hint"}
        assert error["code"] == code
        return f"{error['message']} {error['hint'] or ''}"

    return check
