"""The simulated Z-Wave network of `sim.mjs`, as a process that ends with its test."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.npm import NODE, npm_ci

HERE = Path(__file__).parent
READY_S_MAX = 60
# As sim.mjs sets it.
HOME = "c16d02a3"


class Network:
    def __init__(self, port: int) -> None:
        npm_ci(HERE)
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Until every node is interviewed."""
        command = [str(NODE), "sim.mjs", str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        watch = threading.Timer(READY_S_MAX, self._process.kill)
        watch.start()
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.strip() == "ready":
                break
        else:
            raise AssertionError(f"the simulated network did not become ready: {''.join(said)}")
        watch.cancel()

    def do(self, deed: str, **more: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": deed, **more}) + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def network(port: int) -> Iterator[Network]:
    made = Network(port)
    made.start()
    try:
        yield made
    finally:
        made.kill()
