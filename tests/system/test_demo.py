"""./deploy/demo, as a person meets it: the page, a scene, the cloud cut off, the agent killed, everything stored once."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 120.0
STOP_WITHIN_S = 40.0
LOOK_S = 0.2
# When the demo cuts the cloud, gives it back, and kills the agent, in seconds after its start.
OFFLINE_AFTER_S, OFFLINE_FOR_S, KILL_AFTER_S = 12, 8, 26

ACTIVATIONS = "SELECT s.name, count(*) FROM scene_activations a JOIN scenes s ON s.id = a.scene_id GROUP BY 1"
MARKS = "SELECT stream, max(mark) FROM hub_marks GROUP BY 1"

pytestmark = pytest.mark.heavy


class Demo:
    """The running demo: what it has printed, its page, its database."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = directory.with_suffix(".txt")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "deploy/demo.py", "--dir", str(directory), "--seed", "1"),
                    *("--offline-after", str(OFFLINE_AFTER_S), "--offline-for", str(OFFLINE_FOR_S)),
                    *("--kill-agent-after", str(KILL_AFTER_S)),
                ],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        page, code = self.wait(
            lambda: re.search(r"The page: (\S+)\s+pairing code: (\d{6})", self.text()), START_WITHIN_S
        ).groups()
        self.page = httpx.Client(base_url=page, timeout=20)
        self.page.post("api/v1/pair", json={"code": code, "name": "test"}).raise_for_status()

    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str) -> Any:
        return self.page.get(f"api/v1/{path}").raise_for_status().json()

    def press(self, scene: str) -> Any:
        return self.page.post(f"api/v1/scenes/{scene}/activate").raise_for_status().json()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect((self.directory / "dsn").read_text()) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]  # queries of this file

    def wait(self, look: Callable[[], Any], within_s: float) -> Any:
        """Looks until there is something to see."""
        ends_at = time.monotonic() + within_s
        while not (seen := look()):
            assert self.process.poll() is None, f"the demo has ended:\n{self.text()}"
            assert time.monotonic() < ends_at, f"not seen within {within_s} s:\n{self.text()}"
            time.sleep(LOOK_S)
        return seen

    def stop(self) -> int:
        self.page.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_WITHIN_S)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # Not below pytest's own directory: each new session of pytest closes that to others, and as root PostgreSQL is another user.
    with tempfile.TemporaryDirectory(prefix="nexa-demo-") as place:
        running = Demo(Path(place) / "d")
        yield running
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(STOP_WITHIN_S)


def test_the_page_shows_the_home_with_its_rooms(demo: Demo) -> None:
    assert "<html" in demo.page.get("/").text

    demo.wait(lambda: len(demo.get("devices")) >= 24, 30)
    lamp = next(device for device in demo.get("devices") if device["name"] == "Living Room Lamp")

    assert {entity["id"] for entity in lamp["entities"]} >= {"light.living_room_lamp"}
    assert demo.wait(lambda: sum(1 for device in demo.get("devices") if device["room"]) >= 20, 30)
    assert [problem for each in demo.get("automations") if (problem := each["problem"])] == []


def test_a_scene_works_at_a_tap(demo: Demo) -> None:
    answer = demo.press("Bright")
    states = {e["id"]: e["state"] for device in demo.get("devices") for e in device["entities"]}

    assert answer["devices_targeted"] == 4
    assert answer["devices_succeeded"] >= 3, "one lamp fails now and then"
    assert states["light.living_room_lamp"] == "on"


def test_scenes_work_while_the_cloud_is_cut_off(demo: Demo) -> None:
    demo.wait(lambda: "the cloud is cut off" in demo.text(), OFFLINE_AFTER_S + 30)
    demo.wait(lambda: not demo.get("sync")["is_online"], 30)

    assert demo.press("All off")["devices_succeeded"] >= 4


def test_the_agent_comes_back_after_it_was_killed_with_everything_it_knew(demo: Demo) -> None:
    demo.wait(lambda: "The agent is back" in demo.text(), OFFLINE_AFTER_S + KILL_AFTER_S + 60)

    assert len(demo.get("devices")) >= 24
    assert demo.get("sync")["is_claimed"]
    assert demo.press("Movie night")["devices_succeeded"] >= 3


def test_every_record_reaches_the_cloud_once(demo: Demo) -> None:
    pressed = {"Bright": 1, "All off": 1, "Movie night": 1}
    demo.wait(lambda: pressed.keys() <= dict(demo.rows(ACTIVATIONS)).keys(), 90)
    made = {each["stream"]: each["last"] for each in demo.get("sync")["streams"] if each["last"]}
    demo.wait(lambda: all(dict(demo.rows(MARKS)).get(stream, 0) >= last for stream, last in made.items()), 60)

    assert pressed.items() <= dict(demo.rows(ACTIVATIONS)).items()
    assert demo.rows("SELECT stream, first_seq, last_seq, reason FROM hub_gaps") == []
    assert demo.rows("SELECT stream, seq, reason FROM hub_dead_letters") == []
    for stream in made:
        # One statement, one moment: as many rows as the mark says, and no two alike.
        [(stored, different, mark)] = demo.rows(
            f"SELECT count(*), count(DISTINCT to_jsonb(t)), (SELECT max(mark) FROM hub_marks WHERE stream = '{stream}')"
            f" FROM {stream} t" + (" WHERE metadata ->> 'told_by' = 'hub'" if stream == "audit_logs" else "")
        )
        assert stored == different == mark, stream
    assert demo.rows("SELECT count(*) FROM devices")[0][0] >= 24


def test_it_stops_cleanly_and_leaves_nobody_behind(demo: Demo) -> None:
    assert demo.stop() == 0

    assert "Stopped." in demo.text()
    assert _processes_that_name(demo.directory) == []


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "deploy/demo.py", "--dir", tmp_path / "d", "--port", str(port)]
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert f"Port {port} is in use" in refused.stderr
    assert _processes_that_name(tmp_path) == []


def test_a_directory_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    command = [sys.executable, "deploy/demo.py", "--dir", tmp_path]

    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert "not the demo's" in refused.stderr
    assert (tmp_path / "precious").exists()


def _processes_that_name(directory: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in command and path.parent.name != str(os.getpid()):
            found.append(command)
    return found
