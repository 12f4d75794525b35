"""Messages to people: as ntfy and webhooks want them, tried again, and told when nobody took them."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from hub_agent.adapters.notify import WAITS_S, NotifyErrand
from hub_agent.errors import NotPossible
from tests.fakes.linked_home import live


class World:
    """Answers with the given statuses, then 200; notes what it was asked."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 0:
            raise httpx.ConnectError("no route")
        return httpx.Response(status)


def send(kind: str, url: str, answer: Callable[[httpx.Request], httpx.Response], token: Path | None = None) -> None:
    async def story() -> None:
        errand = NotifyErrand(kind, url, token, httpx.MockTransport(answer))
        await errand.run({"title": "Tvätt", "message": "Klar"}, wants_response=False)

    live(story())


def test_ntfy_gets_the_topic_and_any_letters_with_the_token_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tk_1\n")
    world = World()
    send("ntfy", "https://ntfy.example/our-home/", world, tmp_path / "token")

    [request] = world.asked
    assert (request.method, str(request.url)) == ("POST", "https://ntfy.example/")
    assert json.loads(request.content) == {"topic": "our-home", "title": "Tvätt", "message": "Klar"}
    assert request.headers["authorization"] == "Bearer tk_1"


def test_a_webhook_gets_the_message_as_json() -> None:
    world = World()
    send("webhook", "https://example.org/x?a=1", world)

    [request] = world.asked
    assert str(request.url) == "https://example.org/x?a=1"
    assert json.loads(request.content) == {"title": "Tvätt", "message": "Klar"}
    assert request.headers["content-type"] == "application/json"


def test_a_message_is_tried_again() -> None:
    world = World(0, 503)
    send("webhook", "https://example.org/x", world)

    assert len(world.asked) == 3


def test_what_nobody_takes_is_told_without_the_secret_path() -> None:
    world = World(*[500] * 10)
    with pytest.raises(NotPossible, match=r"^https://ntfy.example answered with status 500$"):
        send("ntfy", "https://ntfy.example/secret-topic", world)

    assert len(world.asked) == len(WAITS_S) + 1
