"""The real agent and what is outside of the home: a webhook comes in, a program is run, the web is asked, a person is told."""

import json
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hub_agent.errors import OperatingError
from tests.fakes.broker import EmbeddedBroker
from tests.system.conftest import Hub, automation, publish_to

pytestmark = pytest.mark.heavy

# Says what it was told, and then takes its time.
PROGRAM = """
import os, sys, time
with open(sys.argv[1], "a") as note:
    note.write(f"{os.getpid()} {sys.argv[2]}\\n")
time.sleep(float(sys.argv[3]))
print("done", sys.argv[2])
"""
RING = automation(
    "Ring",
    triggers=[{"trigger": "webhook", "webhook_id": "ring"}],
    actions=[
        {
            "action": "shell_command.note",
            "data": {"who": "{{ trigger.json.who }}", "wait": "{{ trigger.json.wait }}"},
            "response_variable": "noted",
        },
        {
            "action": "rest_command.tell",
            "data": {"said": "{{ noted.stdout }}"},
            "response_variable": "told",
        },
        {"action": "notify.family", "data": {"title": "Ring", "message": "{{ told.status }}"}},
    ],
    metadata={"mode": "parallel"},
)


class World(ThreadingHTTPServer):
    """Takes whatever is sent."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Ear)


class _Ear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def world() -> Iterator[World]:
    with World() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "noted"


@pytest.fixture
def ringing(broker: EmbeddedBroker, tmp_path: Path, world: World, note: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path, broker.port)
    url = f"http://127.0.0.1:{world.server_port}"
    command = [sys.executable, "-c", PROGRAM, str(note), "{{ who }}", "{{ wait }}"]
    hub.settings |= {
        "camera": {"folder": str(tmp_path / "pictures")},
        "shell_command.note": {"command": command},
        "rest_command.tell": {"url": f"{url}/told", "method": "post", "payload": "{{ {'said': said} | to_json }}"},
        "notify.phone": {"kind": "webhook", "url": f"{url}/phone"},
    }
    hub.remember(RING)
    yield hub.start()
    hub.close()


def ring(hub: Hub, who: str, wait: float = 0, name: str = "ring") -> int:
    body = json.dumps({"who": who, "wait": wait}).encode()
    url = f"http://127.0.0.1:{hub.page_port}/api/webhook/{name}"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.read() == b""
        return int(answer.status)


def can_ring(hub: Hub) -> bool:
    try:
        return ring(hub, "nobody", name="unknown") == 200
    except urllib.error.URLError:  # the page comes a moment after the automations
        return False


def runs(hub: Hub) -> list[str]:
    return [each["status"] for each in hub.get("runs")]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_webhook_runs_a_program_asks_the_web_and_tells_a_person(ringing: Hub, world: World, note: Path) -> None:
    ringing.wait(lambda: can_ring(ringing))
    who = "anna; $(reboot) `id`"
    assert ring(ringing, who) == 200
    ringing.wait(lambda: len(world.taken) == 2)

    assert note.read_text().split(" ", 1)[1] == f"{who}\n"
    assert world.taken == [("/told", {"said": f"done {who}"}), ("/phone", {"title": "Ring", "message": "204"})]
    assert runs(ringing) == ["success"]
    assert "Ring: 204" in ringing.cli("notices").stdout
    assert ringing.cli("notices", "dismiss", "--all").returncode == 0
    assert ringing.cli("notices").stdout == "No notices.\n"


def test_killed_while_a_program_runs_it_is_not_run_again_and_the_run_says_so(
    ringing: Hub, world: World, note: Path
) -> None:
    ringing.wait(lambda: can_ring(ringing))
    ring(ringing, "bert", wait=60)
    ringing.wait(note.exists)
    pid = int(ringing.wait(note.read_text).split()[0])
    ringing.kill()
    os.kill(pid, signal.SIGKILL)  # as systemd does with what a service leaves behind
    ringing.start()

    assert ringing.wait(lambda: runs(ringing)) == ["failed"]
    [run] = ringing.get("runs")
    assert "the hub was restarted" in json.dumps(ringing.get(f"runs/{run['id']}"))
    assert len(note.read_text().splitlines()) == 1
    assert world.taken == []


def test_a_picture_of_a_camera_is_kept_where_the_settings_allow_it(
    ringing: Hub, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    announced = {"name": "Door", "unique_id": "door", "topic": "cams/door", "device": {"identifiers": ["door"]}}
    publish_to(broker.port, "homeassistant/camera/door/config", json.dumps(announced), retain=True)
    publish_to(broker.port, "cams/door", b"\xff\xd8 a picture", retain=True)
    [camera] = ringing.wait(lambda: [each for each in ringing.states() if each.startswith("camera.")])
    call = {"action": "camera.snapshot", "target": [camera]}
    ringing.post("call", {**call, "data": {"filename": "door.jpg"}})

    assert (tmp_path / "pictures" / "door.jpg").read_bytes() == b"\xff\xd8 a picture"
    with pytest.raises(OperatingError, match="is not inside"):
        ringing.post("call", {**call, "data": {"filename": "/config/www/door.jpg"}})


def test_a_stop_ends_the_program_that_runs(ringing: Hub, note: Path) -> None:
    ringing.wait(lambda: can_ring(ringing))
    ring(ringing, "carl", wait=60)
    ringing.wait(note.exists)
    pid = int(ringing.wait(note.read_text).split()[0])

    assert ringing.stop() == 0
    assert not is_alive(pid)
