"""What a person types for a device is with the agent and nowhere else: not in a log, an argument, an answer or the mirror."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.esphome.sleeper import Sleeper
from tests.system.conftest import ROOT, Hub, wait_for

pytestmark = pytest.mark.heavy

WRONG, RIGHT = "wrong-horse-6f1d", "right-staple-93ab"


@pytest.fixture
def board() -> Iterator[int]:
    """The port of a board that asks for a password."""
    loop = asyncio.new_event_loop()
    sleeper = Sleeper(password=RIGHT, sleeps=False)
    port = loop.run_until_complete(sleeper.wake())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield port
    asyncio.run_coroutine_threadsafe(sleeper.sleep(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(60)
    for task in asyncio.all_tasks(loop):
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


def _add(hub: Hub, what: str, typed: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hub_agent", "--socket", str(hub.socket), "devices", "add", what]
    return subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, check=False, timeout=90)


def _arguments() -> str:
    """Of every process that runs now."""
    said = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            said.append(each.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(said)


def test_a_password_is_asked_for_until_it_is_right_and_stays_with_the_agent(
    hub: Hub, board: int, tmp_path: Path
) -> None:
    address = f"esphome://127.0.0.1:{board}"
    hub.start()

    first = _add(hub, address, f"{WRONG}\n")
    assert first.returncode != 0
    assert "password" in first.stderr
    second = _add(hub, address, f"{WRONG}\n{RIGHT}\n")
    assert second.returncode == 0, second.stderr
    assert "is wrong" in second.stderr
    thing = hub.wait(lambda: [each for each in hub.get("discovered") if each["status"] == "connected"])[0]

    told = f"{first.stdout}{first.stderr}{second.stdout}{second.stderr}{hub.log()}{_arguments()}"
    told += "\n".join(str(hub.get(where)) for where in ("devices", "discovered", "issues", "status", "rejected"))
    assert [secret for secret in (WRONG, RIGHT) if secret in told] == []
    kept = next(tmp_path.rglob("credentials.json"))
    assert kept.stat().st_mode & 0o777 == 0o600
    assert RIGHT in kept.read_text()
    assert WRONG not in kept.read_text()

    assert hub.stop() == 0
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path != kept]
    assert [
        path.name for path in others if RIGHT.encode() in path.read_bytes() or WRONG.encode() in path.read_bytes()
    ] == []

    hub.start()
    wait_for(lambda: any(each["id"] == thing["id"] and each["status"] == "connected" for each in hub.get("discovered")))
    ignored = hub.cli("devices", "ignore", thing["name"])
    assert ignored.returncode == 0, ignored.stderr
    assert RIGHT not in kept.read_text()
