"""The node: a program that ESPHome makes of `node.yaml` for its `host` platform; compiled once for each YAML and lock."""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.npm import NotInstalled
from tests.peers.python import KEPT_IN, environment, interpreter

HERE = Path(__file__).parent
YAML = HERE / "node.yaml"
LOCK = HERE / "esphome.txt"
PYTHON = "3.12"
MAC = "063569abf679"
COMPILE_S_MAX = 400


def port() -> int:
    """Compiled into the node."""
    line = next(line for line in YAML.read_text().splitlines() if line.strip().startswith("port:"))
    return int(line.partition(":")[2])


def program() -> Path:
    """Raises NotInstalled. Without the Python that ESPHome needs, the test says that it did not run."""
    python = interpreter(PYTHON)
    if python is None:
        pytest.skip(f"not run: ESPHome needs Python {PYTHON}, which is not on this machine")
    wanted = hashlib.sha256(YAML.read_bytes() + LOCK.read_bytes()).hexdigest()[:16]
    made = KEPT_IN / f"esphome-node-{wanted}"
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    with (KEPT_IN / f"{made.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _compile(environment(LOCK, python), made)
    return made


def _compile(tools: Path, made: Path) -> None:
    folder = made.with_suffix(".build")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(YAML, folder / "node.yaml")
    command = [tools / "bin" / "esphome", "compile", "node.yaml"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=COMPILE_S_MAX,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    programs = sorted(folder.glob(".esphome/build/*/.pioenvs/*/program"))
    if done.returncode != 0 or not programs:
        raise NotInstalled(f"ESPHome could not compile {YAML}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    shutil.copy(programs[0], made.with_suffix(".new"))
    made.with_suffix(".new").rename(made)
    shutil.rmtree(folder, ignore_errors=True)


class Node:
    """One at a time on a machine: its port is compiled in. It ends with whoever has started it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """What it remembers over a restart stands in its folder."""
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self._path],
            cwd=self._folder,
            env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def node(folder: Path) -> Iterator[Node]:
    path = program()
    with (KEPT_IN / "esphome-node.running").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = Node(path, folder)
        running.start()
        try:
            yield running
        finally:
            running.kill()
