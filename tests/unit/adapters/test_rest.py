"""Requests to the web that the settings allow, against a real server."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.rest import ANSWER_BYTES_MAX, RestErrand, RestSettings
from hub_agent.errors import ConfigError, NotPossible
from hub_agent.ports import Done


class World(BaseHTTPRequestHandler):
    """Notes what it is asked, and answers by the path."""

    asked: list[tuple[str, str, dict[str, str], bytes]]
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, self.rfile.read(length)))  # type: ignore[attr-defined]
        match self.path.partition("?")[0]:
            case "/json":
                self._say(200, b'{"level": 4}', "application/json; charset=utf-8")
            case "/text":
                self._say(200, "hej då".encode("latin-1"), "text/plain; charset=latin-1")
            case "/no":
                self._say(418, b"teapot", "text/plain")
            case "/lie":
                self._say(200, b"{", "application/json")
            case "/much":
                self._say(200, b"x" * (ANSWER_BYTES_MAX + 1), "text/plain")
            case "/moved":
                self.send_response(302)
                self.send_header("location", "/json")
                self.send_header("content-length", "0")
                self.end_headers()
            case "/round":
                self.send_response(302)
                self.send_header("location", "/round")
                self.send_header("content-length", "0")
                self.end_headers()
            case "/slow":
                self.server.released.wait(20)  # type: ignore[attr-defined]
                self._say(200, b"", "text/plain")
            case _:
                self._say(200, b"ok", "text/plain")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 the base class finds them by these names

    def _say(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False
    asked: list[tuple[str, str, dict[str, str], bytes]]

    def handle_error(self, *_: object) -> None:
        """Whoever asked is gone."""


@pytest.fixture
def world() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), World)
    server.asked, server.released = [], threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def at(world: Server, path: str) -> str:
    return f"http://127.0.0.1:{world.server_port}{path}"


async def ask(url: str, settings: RestSettings | None = None, *, wants: bool = True, **more: Any) -> Done:
    return await RestErrand(settings or RestSettings()).run({"url": url, **more}, wants_response=wants)


async def test_json_is_read_and_other_text_is_text(world: Server) -> None:
    known: Any = (await ask(at(world, "/json?a=1"))).response
    text: Any = (await ask(at(world, "/text"))).response

    assert (known["content"], known["status"], known["headers"]["content-length"]) == ({"level": 4}, 200, "12")
    assert text["content"] == "hej då"


async def test_method_body_and_headers_are_as_the_settings_say(world: Server) -> None:
    settings = RestSettings(method="put", content_type="application/json")
    await ask(at(world, "/x"), settings, payload='{"å": 1}', headers={"x-one": "1"})

    [(method, path, headers, body)] = world.asked
    assert (method, path, body) == ("PUT", "/x", '{"å": 1}'.encode())
    assert (headers["x-one"], headers["content-type"]) == ("1", "application/json")


async def test_secrets_are_read_from_their_files(world: Server, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    (tmp_path / "token").write_text("t0ken\n")
    await ask(at(world, "/a"), RestSettings(username="nexa", password_file=tmp_path / "password"))
    await ask(at(world, "/b"), RestSettings(token_file=tmp_path / "token"))

    basic = base64.b64encode(b"nexa:hush").decode()
    assert [each[2]["authorization"] for each in world.asked] == [f"Basic {basic}", "Bearer t0ken"]
    with pytest.raises(ConfigError, match="gone cannot be read"):
        await ask(at(world, "/c"), RestSettings(token_file=tmp_path / "gone"))


async def test_a_status_that_says_no_is_an_answer_and_a_complaint(world: Server) -> None:
    done: Any = await ask(at(world, "/no"))

    assert (done.response["status"], done.response["content"]) == (418, "teapot")
    assert done.complaint == f"http://127.0.0.1:{world.server_port} answered with status 418"


async def test_redirections_are_followed_but_not_round_and_round(world: Server) -> None:
    done: Any = await ask(at(world, "/moved"))
    assert done.response["content"] == {"level": 4}

    with pytest.raises(NotPossible, match=r"(?i)redirect"):
        await ask(at(world, "/round"))


async def test_an_answer_that_nobody_wants_is_not_read(world: Server) -> None:
    done: Any = await ask(at(world, "/much"), wants=False)
    assert (done.response["status"], done.response["content"]) == (200, None)

    with pytest.raises(NotPossible, match="more than 256 kB"):
        await ask(at(world, "/much"))
    with pytest.raises(NotPossible, match="calls itself JSON"):
        await ask(at(world, "/lie"))


async def test_an_answer_that_does_not_come_is_told_without_the_secrets_of_the_address(world: Server) -> None:
    url = at(world, "/slow?key=hush").replace("http://", "http://me:secret@")
    with pytest.raises(NotPossible, match=r"no answer from http://127.0.0.1:\d+ within 0.2 s") as caught:
        await ask(url, RestSettings(timeout_s=0.2))
    assert "hush" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_nobody_there_is_told() -> None:
    with pytest.raises(NotPossible, match=r"http://127.0.0.1:9 cannot be asked"):
        await asyncio.wait_for(ask("http://127.0.0.1:9/x?key=hush"), 20)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x", "", "http://", "http://[", "http://a b/\n", "http://x:y"]
)
async def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(NotPossible):
        await ask(url)


@pytest.mark.parametrize("headers", [{"x": "a\r\nb: c"}, {"x y": "1"}, {"x": "å"}])
async def test_a_header_cannot_smuggle_another(world: Server, headers: dict[str, str]) -> None:
    try:
        await ask(at(world, "/x"), headers=headers)
    except NotPossible:
        return
    assert all("b" not in each[2] for each in world.asked)
