"""lifx-emulator in an environment of its own: one device of each family, on loopback only. It ends with whoever has started it."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.peers.python import environment

LOCK = Path(__file__).parent / "lifx_emulator.txt"
# In the order of their serial numbers, which are counted up from d073d5000001.
FAMILIES = ("color", "color-temperature", "infrared", "hev", "multizone", "tile", "switch")
COLOR, WARMTH, INFRARED, CLEAN, STRIP, TILE, SWITCH = (f"d073d500000{number}" for number in range(1, 8))


UNHEARD: Final = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def program() -> Path:
    """Raises NotInstalled."""
    return environment(LOCK, sys.executable) / "bin" / "lifx-emulator"


def command(program: Path, address: str, port: int, families: Sequence[str] = FAMILIES) -> list[str]:
    one_each = [word for family in families for word in (f"--{family}", "1")]
    return [str(program), *one_each, "--bind", address, "--port", str(port)]


class Emulator:
    def __init__(self, program: Path, port: int, families: Sequence[str]) -> None:
        self.port = port
        self._families = families
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command(self._program, "127.0.0.1", self.port, self._families)],
            **UNHEARD,
        )

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def emulator(families: Sequence[str] = FAMILIES) -> Iterator[Emulator]:
    running = Emulator(program(), _free_port(), families)
    running.start()
    try:
        yield running
    finally:
        running.kill()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
